"""SOFA files (AES69): head-related impulse responses, and measured room responses. A SOFA file is HDF5, read by h5py."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from auris.channels import ChannelLayout, array, binaural, mono
from auris.dsp.hrtf import DirectionalResponses, arrival_delays, estimate_latency
from auris.dsp.measured_responses import MeasuredResponses
from auris.errors import ParameterError
from auris.geometry.directions import angles
from auris.io.atomic import atomic_write
from auris.io.sofa_file import HRTF_CONVENTIONS, ROOM_CONVENTIONS, SofaFile

_LATENCY = "HeadCentreLatency"  # our own global attribute, in samples; files without it get an estimate
_FRAME = {"Type": "cartesian", "Units": "metre"}


def read_hrtf(path: str | Path) -> DirectionalResponses:
    """Read a head-related impulse response set (convention SimpleFreeFieldHRIR).

    Directions are turned into the listener's frame, ``Data.Delay`` is applied, and the ears come left first whatever
    their order in the file. Files do not say when the wave passes the head's centre: ``latency`` is estimated by
    :func:`auris.dsp.hrtf.estimate_latency`, except for files of :func:`write_hrtf`, which keep it. The sides are
    checked by ear: a file in which sound from the left reaches the right ear first is refused.

    Raises:
        FormatError: no such file, not HDF5 or damaged, another convention, a variable is missing or has an impossible
            shape or content, or more than 4 GiB of responses.
    """
    with SofaFile(path) as file:
        file.require_convention(HRTF_CONVENTIONS)
        filters = file.responses(dimensions=3)
        if filters.shape[1] != 2:
            raise file.error(f"a head has two receivers (ears), this file has {filters.shape[1]}")
        rate = file.sample_rate()
        relative = file.source_positions(len(filters))
        ears = file.positions("ReceiverPosition", 2)
        filters = filters[:, ::-1] if ears[0, 1] < ears[1, 1] else filters
        if np.any(np.linalg.norm(relative, axis=1) < 1e-6):
            raise file.error("a source position coincides with the listener, so it has no direction")
        stated = file.text(_LATENCY)
        name = " ".join(filter(None, (file.text("DatabaseName"), file.text("ListenerShortName")))) or Path(path).stem
        try:
            delays = arrival_delays(filters)
            if np.corrcoef(relative[:, 1], delays[:, 1] - delays[:, 0])[0, 1] < -0.5:
                raise file.error("left and right are exchanged: sound from the left reaches the right ear first")
            latency = float(stated) if stated else estimate_latency(relative, delays)
            return DirectionalResponses(relative, filters, rate, latency, name)
        except ValueError as reason:
            raise file.error(str(reason)) from None


def read_room_responses(path: str | Path, *, layout: ChannelLayout | str | None = None) -> MeasuredResponses:
    """Read room impulse responses (SingleRoomSRIR, SingleRoomDRIR, SingleRoomMIMOSRIR, MultiSpeakerBRIR).

    Several emitters (loudspeakers) of one measurement become several responses.

    Args:
        path: the file.
        layout: what the channels mean, such as ``"foa"`` or ``"tetra"``. By default one receiver is mono, the two of a
            MultiSpeakerBRIR are binaural, and others are an array at the receivers' positions.

    Raises:
        FormatError: as :func:`read_hrtf`; or the receivers share one position, which tells nothing about the channels,
            and no layout is given.
        LayoutError: the layout's name is unknown.
    """
    with SofaFile(path) as file:
        convention = file.require_convention(ROOM_CONVENTIONS)
        data = file.responses(dimensions=3 if file.text("DataType") == "FIR" else 4)
        measurements, receivers = data.shape[:2]
        data = data[:, :, None] if data.ndim == 3 else data
        emitters = data.shape[2]
        meaning = _layout(file, layout, convention, receivers)
        if meaning.channels != receivers:
            raise file.error(f"layout {meaning.name} has {meaning.channels} channels, the file has {receivers} receivers")
        listeners, rotations = file.pose("Listener", measurements)
        sources = file.positions("SourcePosition", measurements)[:, None]
        if emitters > 1:  # their positions are relative to the source's own axes
            centres, turns = file.pose("Source", measurements)
            sources = centres[:, None] + np.einsum("mij,ej->mei", turns, file.positions("EmitterPosition", emitters))
        sources = np.broadcast_to(sources, (measurements, emitters, 3)).reshape(-1, 3)
        responses = data.transpose(0, 2, 1, 3).reshape(-1, receivers, data.shape[-1])
        name = file.text("Title") or Path(path).stem
        repeated = (np.repeat(listeners, emitters, axis=0), np.repeat(rotations, emitters, axis=0))
        return MeasuredResponses(sources, *repeated, responses, file.sample_rate(), meaning, name)


def _layout(file: SofaFile, layout: ChannelLayout | str | None, convention: str, receivers: int) -> ChannelLayout:
    if layout is not None:
        return ChannelLayout.parse(layout)
    if receivers == 1:
        return mono()
    if receivers == 2 and convention == "MultiSpeakerBRIR":
        return binaural()
    harmonic = "harmonic" in file.text("Type", "ReceiverPosition").lower()
    capsules = np.zeros((receivers, 3)) if harmonic else file.positions("ReceiverPosition", receivers)
    if np.ptp(capsules, axis=0).max() < 1e-4:
        raise file.error(f"{receivers} receivers at one place do not say what the channels mean; give a layout, such as 'foa'")
    return array(capsules)


def write_hrtf(path: str | Path, responses: DirectionalResponses, *, distance: float = 1.5) -> None:
    """Write a head as SOFA SimpleFreeFieldHRIR 1.0, atomically.

    Args:
        path: the file.
        responses: two ears.
        distance: metres noted for the sources; the responses are those of plane waves.

    Raises:
        ParameterError: the responses are not those of a head.
        FormatError: the file cannot be written.
    """
    if responses.channels != 2:
        raise ParameterError(f"SimpleFreeFieldHRIR holds two ears, but {responses.name!r} has {responses.channels} capsules")
    azimuth, elevation, _ = angles(responses.directions)
    places = np.stack([np.degrees(azimuth) % 360.0, np.degrees(elevation), np.full_like(azimuth, distance)], axis=1)
    variables = {
        "ListenerPosition": (np.zeros((1, 3)), "IC", _FRAME),
        "ListenerView": (np.array([[1.0, 0.0, 0.0]]), "IC", _FRAME),
        "ListenerUp": (np.array([[0.0, 0.0, 1.0]]), "IC", {}),
        "ReceiverPosition": (np.array([[0.0, 0.09, 0.0], [0.0, -0.09, 0.0]])[..., None], "RCI", _FRAME),
        "SourcePosition": (places, "MC", {"Type": "spherical", "Units": "degree, degree, metre"}),
        "EmitterPosition": (np.zeros((1, 3, 1)), "ECI", _FRAME),
    }
    attributes = {"RoomType": "free field", "DatabaseName": "auris", "ListenerShortName": responses.name}
    attributes |= {_LATENCY: repr(responses.latency), "Title": responses.name}
    _write(path, "SimpleFreeFieldHRIR", attributes, variables, (responses.filters, responses.sample_rate))


def write_room_responses(path: str | Path, measured: MeasuredResponses) -> None:
    """Write room responses as SOFA SingleRoomSRIR 1.0, atomically.

    Receivers are noted at the capsules' positions where the layout has some, at the listener's centre otherwise.

    Raises:
        FormatError: the file cannot be written.
    """
    capsules = np.zeros((measured.layout.channels, 3))
    if measured.layout.positions is not None:
        capsules = np.asarray(measured.layout.positions)
    elif measured.layout.kind == "binaural":
        capsules = np.array([[0.0, 0.09, 0.0], [0.0, -0.09, 0.0]])
    forward, up = measured.rotations[:, :, 0], measured.rotations[:, :, 2]
    variables = {
        "ListenerPosition": (measured.listeners, "MC", _FRAME),
        "ListenerView": (forward, "MC", _FRAME),
        "ListenerUp": (up, "MC", {}),
        "ReceiverPosition": (capsules[..., None], "RCI", _FRAME),
        "ReceiverView": (np.broadcast_to([1.0, 0.0, 0.0], capsules.shape)[..., None], "RCI", _FRAME),
        "ReceiverUp": (np.broadcast_to([0.0, 0.0, 1.0], capsules.shape)[..., None], "RCI", {}),
        "SourcePosition": (measured.sources, "MC", _FRAME),
        "SourceView": (np.array([[1.0, 0.0, 0.0]]), "IC", _FRAME),
        "SourceUp": (np.array([[0.0, 0.0, 1.0]]), "IC", {}),
        "EmitterPosition": (np.zeros((1, 3, 1)), "ECI", _FRAME),
        "EmitterView": (np.array([[1.0, 0.0, 0.0]])[..., None], "ECI", _FRAME),
        "EmitterUp": (np.array([[0.0, 0.0, 1.0]])[..., None], "ECI", {}),
    }
    attributes = {"RoomType": "reverberant", "RoomDescription": measured.name, "DatabaseName": "auris", "Title": measured.name}
    _write(path, "SingleRoomSRIR", attributes, variables, (measured.responses, measured.sample_rate))


Variables = dict[str, tuple[NDArray[np.floating], str, dict[str, str]]]
Responses = tuple[NDArray[np.float32], int]


def _write(path: str | Path, convention: str, attributes: dict[str, str], variables: Variables, responses: Responses) -> None:
    """Write HDF5 in the dialect of netCDF-4: every variable attached to dimension scales I, C, R, E, N and M."""
    data, rate = responses
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    required = {"Conventions": "SOFA", "Version": "2.1", "SOFAConventions": convention, "SOFAConventionsVersion": "1.0"}
    required |= {
        "APIName": "auris",
        "APIVersion": "1",
        "ApplicationName": "auris",
        "DataType": "FIR",
        "License": "No license provided",
    }
    required |= dict.fromkeys(("AuthorContact", "Organization"), "unknown") | {"DateCreated": now, "DateModified": now}
    delay = np.zeros((1, data.shape[1]))
    variables = {
        **variables,
        "Data.IR": (data.astype(np.float64), "MRN", {}),
        "Data.SamplingRate": (np.array([float(rate)]), "I", {"Units": "hertz"}),
        "Data.Delay": (delay, "IR", {}),
    }
    sizes = {"I": 1, "C": 3, "R": data.shape[1], "E": 1, "N": data.shape[2], "M": data.shape[0]}
    with atomic_write(path) as temporary, h5py.File(temporary, "w", track_order=True) as file:
        for key, value in {**required, **attributes}.items():
            file.attrs[key] = np.bytes_(value.encode("ascii", "replace"))
        for name, size in sizes.items():
            file.create_dataset(name, data=np.zeros(size), track_order=True).make_scale(
                f"This is a netCDF dimension but not a netCDF variable. {size:9d}"
            )
        for name, (values, axes, notes) in variables.items():
            variable = file.create_dataset(name, data=values, track_order=True)
            for key, value in notes.items():
                variable.attrs[key] = np.bytes_(value)
            for axis, dimension in enumerate(axes):
                variable.dims[axis].attach_scale(file[dimension])
