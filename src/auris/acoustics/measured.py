"""Rooms as they were measured: responses from SOFA files or folders of WAV files, answered by the nearest measurement.

A measured response is used as it is: its level, its delay and the loudspeaker that made it belong to it. Nothing is
normalised, so near and far keep their difference. A moving source is cross-faded from one measured point to the next.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from auris.acoustics.paths import SoundPaths
from auris.channels import ChannelLayout
from auris.dsp.ambisonics import rotation_matrix
from auris.dsp.measured_responses import MeasuredResponses
from auris.dsp.resampling import resample
from auris.errors import FormatError, LayoutError, ParameterError, SceneError
from auris.geometry import rotation_from_yaw_pitch_roll
from auris.io.audio_files import read_audio

Float32 = NDArray[np.float32]
Floats = NDArray[np.float64]

TOLERANCE = 0.25  # metres
TURN_TOLERANCE = math.radians(10)
POSITION_FILES = ("positions.csv", "positions.json")
_PLACE = ("x", "y", "z")
_OPTIONAL = ("listener_x", "listener_y", "listener_z", "yaw_deg", "pitch_deg", "roll_deg")


class MeasuredEngine:
    """Answers each path with the measurement nearest to it.

    Sources, listener positions and head orientations are those of the measured room's frame. Ambisonic responses are turned
    with the listener's head exactly; any other layout must have been measured with the head turned that way.

    Attributes:
        measured: the responses, at the engine's rate.
        tolerance: metres that a source, and a listener, may be away from a measured place.
    """

    def __init__(self, measured: MeasuredResponses, sample_rate: int, *, tolerance: float = TOLERANCE) -> None:
        if not tolerance > 0:
            raise ParameterError(f"the tolerance must be above 0 metres, got {tolerance!r}")
        self.measured = _at_rate(measured, sample_rate)
        self.sample_rate = sample_rate
        self.tolerance = tolerance
        self._turns_freely = measured.layout.kind == "ambisonics"
        self._tree = cKDTree(self._places(measured.sources, measured.listeners, measured.rotations))

    @property
    def channels(self) -> int:
        """Number of output channels."""
        return self.measured.layout.channels

    def responses(self, paths: SoundPaths, *, length: int | None = None) -> Float32:
        """Return the nearest measurement of each path, ``(P, C, T)``; ``length`` cuts or pads.

        Raises:
            SceneError: no measurement lies within the tolerance, or a source has a directivity of its own.
        """
        odd = next((name for name in paths.directivity if name != "omni"), None)
        if odd is not None:
            raise SceneError(f"measured responses hold the directivity of their loudspeaker; a {odd!r} source cannot be added")
        chosen = np.asarray(self._tree.query(self._places(paths.sources, paths.listeners, paths.rotations))[1], dtype=np.intp)
        self._check(paths, chosen)
        found = np.array(self.measured.responses[chosen])
        if self._turns_freely:
            order = self.measured.layout.order or 1
            turns = Rotation.from_matrix(self.measured.rotations[chosen].swapaxes(1, 2) @ paths.rotations)
            if np.any(turns.magnitude() > 1e-9):
                found = np.matmul(rotation_matrix(turns.inv(), order), found).astype(np.float32)
        if length is None or length == found.shape[2]:
            return found
        return np.pad(found, ((0, 0), (0, 0), (0, max(0, length - found.shape[2]))))[:, :, :length]

    def _places(self, sources: Floats, listeners: Floats, rotations: Floats) -> Floats:
        """Coordinates in which near means similar: metres, and for layouts that cannot be turned, the axes of the head."""
        if self._turns_freely:
            return np.concatenate([sources, listeners], axis=1)
        return np.concatenate([sources, listeners, rotations.reshape(-1, 9)], axis=1)

    def _check(self, paths: SoundPaths, chosen: NDArray[np.intp]) -> None:
        """Raise unless every path is near its measurement."""
        for who, wanted, known in (
            ("source", paths.sources, self.measured.sources),
            ("listener", paths.listeners, self.measured.listeners),
        ):
            apart = np.linalg.norm(wanted - known[chosen], axis=1)
            if np.any(apart > self.tolerance):
                worst = int(np.argmax(apart))
                raise SceneError(
                    f"the {who} at {np.round(wanted[worst], 2).tolist()} is {apart[worst]:.2f} m from the nearest measured one "
                    f"at {np.round(known[chosen[worst]], 2).tolist()}; {self.tolerance:g} m are tolerated. Move it, or raise "
                    "the tolerance"
                )
        if self._turns_freely:
            return
        turns = Rotation.from_matrix(self.measured.rotations[chosen].swapaxes(1, 2) @ paths.rotations).magnitude()
        if np.any(turns > TURN_TOLERANCE):
            raise SceneError(
                f"the listener's head is turned {math.degrees(turns.max()):.0f} degrees from the nearest measurement, and "
                f"{self.measured.layout.name} responses cannot be turned; keep the measured orientation, or use ambisonics"
            )


def _at_rate(measured: MeasuredResponses, sample_rate: int) -> MeasuredResponses:
    """Return the same filters at another rate."""
    if measured.sample_rate == sample_rate:
        return measured
    count, channels, taps = measured.responses.shape
    rows = resample(measured.responses.reshape(count * channels, taps), measured.sample_rate, sample_rate)
    scale = np.float32(measured.sample_rate / sample_rate)  # a filter's gain is the sum of its taps
    return MeasuredResponses(
        measured.sources,
        measured.listeners,
        measured.rotations,
        rows.reshape(count, channels, -1) * scale,
        sample_rate,
        measured.layout,
        measured.name,
    )


def read_response_folder(folder: str | Path, *, layout: ChannelLayout | str | None = None) -> MeasuredResponses:
    """Read room responses from audio files and a list of their positions.

    The list is ``positions.csv`` or ``positions.json`` in the folder: a row (an object) per response with ``file``, the
    source's ``x``, ``y``, ``z`` in metres and, where they are not 0, ``listener_x``, ``listener_y``, ``listener_z`` and the
    head's ``yaw_deg``, ``pitch_deg``, ``roll_deg``. Shorter responses are padded with zeros.

    Args:
        folder: holds the list and the files it names.
        layout: what the channels mean; None takes what the files say.

    Raises:
        FormatError: the list or a file is missing or damaged, or rates differ.
        LayoutError: channels differ between files, or nothing says what they are.
    """
    place = Path(folder)
    rows = _position_rows(place)
    sounds = [read_audio(place / row["file"], layout=layout) for row in rows]
    for row, sound in zip(rows, sounds, strict=True):
        if sound.sample_rate != sounds[0].sample_rate:
            raise FormatError(
                f"{place / row['file']}: {sound.sample_rate} Hz, but the first file has {sounds[0].sample_rate} Hz"
            )
        if sound.layout != sounds[0].layout:
            raise LayoutError(f"{place / row['file']}: {sound.layout.name}, but the first file is {sounds[0].layout.name}")
    responses = np.zeros((len(rows), sounds[0].channels, max(s.length for s in sounds)), np.float32)
    for response, sound in zip(responses, sounds, strict=True):
        response[:, : sound.length] = sound.samples
    angles = np.radians([[row[f"{name}_deg"] for name in ("yaw", "pitch", "roll")] for row in rows])
    return MeasuredResponses(
        np.array([[row[axis] for axis in _PLACE] for row in rows]),
        np.array([[row[f"listener_{axis}"] for axis in _PLACE] for row in rows]),
        rotation_from_yaw_pitch_roll(*angles.T).as_matrix(),
        responses,
        sounds[0].sample_rate,
        sounds[0].layout,
        place.name,
    )


def _position_rows(folder: Path) -> list[dict[str, Any]]:
    path = next((folder / name for name in POSITION_FILES if (folder / name).is_file()), None)
    if path is None:
        raise FormatError(f"{folder}: no {' or '.join(POSITION_FILES)}; list each response's file, x, y, z there")
    try:
        text = path.read_text(encoding="utf-8-sig")
        plain = json.loads(text) if path.suffix == ".json" else list(csv.DictReader(text.splitlines(), skipinitialspace=True))
    except (OSError, ValueError, csv.Error) as error:
        raise FormatError(f"{path}: damaged ({error})") from None
    if not isinstance(plain, list) or not plain or not all(isinstance(row, dict) for row in plain):
        raise FormatError(f"{path}: needs a list of at least one response, each with file, x, y, z")
    return [_position_row(row, f"{path}, response {number}") for number, row in enumerate(plain, 1)]


def _position_row(row: Mapping[Any, Any], where: str) -> dict[str, Any]:
    """Check one response's place and fill in what was left out."""
    unknown = set(row) - {"file", *_PLACE, *_OPTIONAL}
    missing = {"file", *_PLACE} - {key for key, value in row.items() if value not in (None, "")}
    if unknown or missing:
        said = f"unknown {sorted(map(str, unknown))}" if unknown else f"no {', '.join(sorted(missing))}"
        raise FormatError(f"{where}: {said}; a response has file, x, y, z and may have {', '.join(_OPTIONAL)}")
    filled: dict[str, Any] = {"file": str(row["file"]).strip()}
    for key in (*_PLACE, *_OPTIONAL):
        try:
            filled[key] = float(row.get(key) or 0.0)
        except (TypeError, ValueError):
            filled[key] = math.nan
        if not math.isfinite(filled[key]):
            raise FormatError(f"{where}: {key} must be a finite number, got {row.get(key)!r}")
    return filled
