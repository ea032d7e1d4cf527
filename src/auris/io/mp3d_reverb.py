"""Banks of room responses in the layout of SpatialSoundQA (mp3d_reverb.zip), read and written.

::

    root/train_reverberation.json          {"data": [{"fname": "<scene>/<n>.npy", "sensor_position": "x,y,z",
    root/eval_reverberation.json                      "source_position": "x,y,z", …}, …]}
    root/binaural/<scene>/<n>.npy          (2, samples), left ear first
    root/mono/<scene>/<n>.npy              (samples,) or (1, samples)
    root/ambisonics/<scene>/<n>.npy        ((order + 1)², samples), ACN/SN3D
    root/<kind>/<scene>/<scene>.json       what is known of the scene

Positions are texts, in metres and Habitat's axes: x right, y up, z back. The listener looks along -z, and the propagation
delay is not in the response. Fields that nobody reads (``agent_position``, the angles of 2023) are ignored. Banks written
by :func:`write_reverb_bank` add ``t60`` in seconds to each entry.

Source: Zheng et al., BAT, arXiv:2402.01591, and the files of its authors.
"""

from __future__ import annotations

import io
import json
import math
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from auris.errors import FormatError, ParameterError, unknown_name
from auris.geometry.frames import BAT_AZIMUTH_CLASSES, BAT_DISTANCE_CLASSES, BAT_ELEVATION_CLASSES
from auris.io.atomic import write_text

Kind = Literal["binaural", "mono", "ambisonics"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Variant = Literal["corrected", "upstream"]
Point = tuple[float, float, float]
Float32 = NDArray[np.float32]

_FIELDS = ("fname", "sensor_position", "source_position")


class PlaceClasses(NamedTuple):
    """Classes of a place: half metres, degrees counter-clockwise from the right, degrees from straight down."""

    distance: int
    azimuth: int
    elevation: int


def place_classes(sensor: Point, source: Point, *, variant: Variant = "corrected") -> PlaceClasses:
    """Return the published classes of a source as heard by a sensor that looks along -z.

    Halves are rounded to even, as published: 0.25 m is class 0, 0.75 m and 1.25 m are class 2.

    Args:
        sensor: metres, in Habitat's axes.
        source: metres, in Habitat's axes.
        variant: ``corrected`` gives straight up the highest class (179) and everything beyond 10.25 m the last one (20).
            ``upstream`` is the published formula as it stands: straight up is class 0, which is straight down, and distance
            classes go on beyond 20, where no network has an output.

    Raises:
        ParameterError: source and sensor are at the same point, which has no direction; or the variant is unknown.
    """
    if variant not in get_args(Variant):
        raise ParameterError(unknown_name("variant of the classes", variant, get_args(Variant)))
    x, y, z = (b - a for a, b in zip(sensor, source, strict=True))
    level = math.sqrt(x * x + z * z)
    distance = math.sqrt(x * x + y * y + z * z)
    if distance == 0:
        raise ParameterError(f"source and sensor are both at {list(sensor)}: no direction")
    half_metres = round(2 * distance)
    # Adding zero turns -0.0 into 0.0: straight above, the sign of a zero would decide between left and right.
    azimuth = (round(math.degrees(math.atan2(0.0 - z, x + 0.0))) + BAT_AZIMUTH_CLASSES) % BAT_AZIMUTH_CLASSES
    degrees = math.degrees(math.atan(y / level)) if level else math.copysign(90.0, y)
    elevation = round(degrees) + 90
    if variant == "upstream":
        return PlaceClasses(half_metres, azimuth, elevation % BAT_ELEVATION_CLASSES)
    return PlaceClasses(min(half_metres, BAT_DISTANCE_CLASSES - 1), azimuth, min(elevation, BAT_ELEVATION_CLASSES - 1))


@dataclass(frozen=True)
class ReverbEntry:
    """One response of a bank.

    Attributes:
        file: where it is.
        name: ``<scene>/<n>.npy``.
        sensor: position in metres, in Habitat's axes.
        source: position in metres, in Habitat's axes.
        t60: reverberation time of the room in seconds; None where the bank does not say.
    """

    file: Path
    name: str
    sensor: Point
    source: Point
    t60: float | None = None

    def classes(self, *, variant: Variant = "corrected") -> PlaceClasses:
        """Return the classes of the source; see :func:`place_classes`."""
        return place_classes(self.sensor, self.source, variant=variant)

    @property
    def distance(self) -> float:
        """Metres between source and sensor."""
        return math.dist(self.sensor, self.source)

    @property
    def scene(self) -> str:
        """Name of the room."""
        return self.name.rpartition("/")[0]


@dataclass(frozen=True, eq=False)
class ReverbBank:
    """The responses of one split.

    Attributes:
        root: folder of the bank.
        kind: what heard them.
        entries: the responses, in the order of the list.
    """

    root: Path
    kind: Kind
    entries: tuple[ReverbEntry, ...]

    def __len__(self) -> int:
        return len(self.entries)

    @cached_property
    def classes(self) -> NDArray[np.int64]:
        """Corrected classes ``(entries, 3)``: distance, azimuth, elevation."""
        return np.array([entry.classes() for entry in self.entries], dtype=np.int64).reshape(-1, 3)

    def response(self, index: int, *, longest: int | None = None) -> Float32:
        """Return response ``index`` ``(channels, samples)``, cut to ``longest`` samples.

        Raises:
            FormatError: the file is missing, damaged, or no response of this kind.
        """
        return np.array(open_response(self.entries[index].file, kind=self.kind)[:, :longest], dtype=np.float32)

    def unreadable(self) -> dict[str, str]:
        """Return the reason for every file whose header cannot be read, by name."""
        reasons = {}
        for entry in self.entries:
            try:
                open_response(entry.file, kind=self.kind)
            except FormatError as error:
                reasons[entry.name] = str(error)
        return reasons


def open_response(path: str | Path, *, kind: Kind) -> NDArray[np.floating[Any]]:
    """Map a response file into memory as ``(channels, samples)``, without reading its samples.

    Raises:
        FormatError: no such file, not a NumPy array of real numbers, pickled, or of another shape than ``kind`` has.
    """
    file = Path(path)
    if not file.is_file():
        raise FormatError(f"{file}: no such response; check the folder of the bank and its list")
    try:
        array: NDArray[Any] = np.load(file, mmap_mode="r", allow_pickle=False)  # pickles can run code
    except (OSError, ValueError, EOFError) as error:
        raise FormatError(f"{file}: not a plain NumPy array of numbers ({str(error).rstrip('.')})") from None
    if array.dtype.kind != "f":
        raise FormatError(f"{file}: a response holds floating-point samples, this file holds {array.dtype}")
    if kind == "mono" and array.ndim == 1:
        array = array[None]
    if array.ndim != 2 or not array.shape[1] or not _fits(kind, len(array)):
        shapes = ("(2, samples)", "(samples,) or (1, samples)", "(4, samples), (9, samples), …")
        wanted = dict(zip(KINDS, shapes, strict=True))
        raise FormatError(f"{file}: a {kind} response has shape {wanted[kind]}, this one has {array.shape}")
    return array


def _fits(kind: Kind, channels: int) -> bool:
    if kind == "ambisonics":
        return channels >= 4 and math.isqrt(channels) ** 2 == channels
    return channels == (2 if kind == "binaural" else 1)


def read_reverb_bank(root: str | Path, json_name: str, *, kind: Kind = "binaural") -> ReverbBank:
    """Read the list of a bank; responses are read when asked for.

    Args:
        root: folder that holds ``binaural``, ``mono`` or ``ambisonics``.
        json_name: list below ``root``, such as ``train_reverberation.json``; ``train`` and ``eval`` are short for the two.
        kind: which responses to take.

    Raises:
        FormatError: the list or the folder is missing, or the list is damaged; the message names file and entry.
        ParameterError: the kind is unknown.
    """
    folder = Path(root)
    _check_kind(kind)
    path = folder / (json_name if json_name.endswith(".json") else list_name(json_name))
    if not (folder / kind).is_dir():
        present = [k for k in KINDS if (folder / k).is_dir()]
        raise FormatError(
            f"{folder}: no folder {kind!r} of responses; {f'there is {present}' if present else 'nothing of a bank'}"
        )
    entries = _read_list(path)
    return ReverbBank(folder, kind, tuple(_entry(path, folder / kind, n, record) for n, record in enumerate(entries)))


def _read_list(path: Path) -> list[Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FormatError(f"{path}: no such list of responses") from None
    except (OSError, ValueError) as error:
        raise FormatError(f"{path}: cannot be read as JSON ({error})") from None
    if not (isinstance(document, dict) and isinstance(document.get("data"), list) and document["data"]):
        raise FormatError(f'{path}: a list of responses is {{"data": [{{"fname": …}}, …]}} with at least one entry')
    return list(document["data"])


def _entry(path: Path, folder: Path, number: int, record: Any) -> ReverbEntry:
    where = f"{path}: entry {number}"
    missing = [name for name in _FIELDS if not (isinstance(record, dict) and name in record)]
    if missing:
        raise FormatError(f"{where}: lacks {', '.join(missing)}")
    name = str(record["fname"])
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise FormatError(f"{where}: fname {name!r} leads outside the bank")
    sensor, source = (_point(where, field_name, record[field_name]) for field_name in _FIELDS[1:])
    if sensor == source:
        raise FormatError(f"{where}: source and sensor are both at {list(sensor)}: no direction")
    t60 = record.get("t60")
    return ReverbEntry(folder / name, name, sensor, source, float(t60) if isinstance(t60, int | float) else None)


def _point(where: str, name: str, text: Any) -> Point:
    try:
        numbers = [float(part) for part in (text.split(",") if isinstance(text, str) else text)]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) != 3 or not all(map(math.isfinite, numbers)):
        raise FormatError(f'{where}: {name} is a text "x,y,z" of metres, got {text!r}')
    return numbers[0], numbers[1], numbers[2]


@dataclass(frozen=True)
class ReverbPlace:
    """Where one response of a scene was heard, in Habitat's axes. Written with a tenth of a millimetre.

    Attributes:
        sensor: metres.
        source: metres.
        t60: reverberation time of the room in seconds.
    """

    sensor: Point
    source: Point
    t60: float


@dataclass(frozen=True, eq=False)
class ReverbScene:
    """A room of a bank to be written.

    Attributes:
        name: folder of its responses.
        places: one for each response.
        render: gives the responses ``(channels, samples)``, one for each place; called only when they are not on disk yet.
        note: anything JSON can hold, kept beside the responses. A scene on disk with another note is not this one.
    """

    name: str
    places: tuple[ReverbPlace, ...]
    render: Callable[[], Sequence[Float32]]
    note: Mapping[str, Any] = field(default_factory=dict)

    @property
    def records(self) -> list[dict[str, Any]]:
        """The entries of the list."""
        return [
            {
                "fname": f"{self.name}/{number}.npy",
                "sensor_position": _text(place.sensor),
                "source_position": _text(place.source),
                "t60": round(place.t60, 4),
            }
            for number, place in enumerate(self.places)
        ]


def write_reverb_bank(
    root: str | Path,
    split: str,
    scenes: Iterable[ReverbScene],
    *,
    kind: Kind = "binaural",
    progress: Callable[[ReverbScene], None] | None = None,
) -> Path:
    """Write the scenes of a split that are not on disk yet, then the list, sorted by scene.

    Each scene appears whole or not at all, so a run that was stopped goes on where it stopped.

    Args:
        root: folder of the bank; made when missing.
        split: ``train``, ``eval`` or any other name of a list.
        scenes: the rooms; responses are asked for one room at a time.
        kind: what heard them.
        progress: called after each scene, whether it was written or found.

    Returns:
        The list.

    Raises:
        FormatError: a scene on disk has another note, so it was made with other settings; or writing fails.
        ParameterError: the kind is unknown, or a scene renders other than one response for each place.
    """
    _check_kind(kind)
    records: dict[str, list[dict[str, Any]]] = {}
    for scene in scenes:
        if not _is_written(Path(root) / kind / scene.name, scene):
            _write_scene(Path(root) / kind / scene.name, scene, kind)
        records[scene.name] = scene.records
        if progress is not None:
            progress(scene)
    write_text(path := Path(root) / list_name(split), list_text(records))
    return path


def list_name(split: str) -> str:
    """Return the name of the list of a split."""
    return f"{split}_reverberation.json"


def list_text(records: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Return the list of a split from the entries of each scene, sorted by scene."""
    return json.dumps({"data": [record for name in sorted(records) for record in records[name]]}, indent=1) + "\n"


def _is_written(folder: Path, scene: ReverbScene) -> bool:
    if not folder.is_dir():
        return False
    try:
        found = json.loads((folder / f"{scene.name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if found != _document(scene):
        raise FormatError(f"{folder}: made with other settings; choose another folder for the bank, or delete this one")
    return True


def _document(scene: ReverbScene) -> dict[str, Any]:
    return dict(json.loads(json.dumps({**scene.note, "data": scene.records})))


def scene_files(scene: ReverbScene, kind: Kind) -> Iterator[tuple[str, bytes]]:
    """Yield what is in the folder of a scene, by name: a response for each place, and what is known of the scene.

    Raises:
        ParameterError: the scene renders other than one response of this kind for each place.
    """
    responses = scene.render()
    if len(responses) != len(scene.places):
        raise ParameterError(f"scene {scene.name!r} has {len(scene.places)} places, but {len(responses)} responses")
    for number, response in enumerate(responses):
        if response.ndim != 2 or not _fits(kind, len(response)):
            raise ParameterError(f"scene {scene.name!r}, response {number}: shape {response.shape} is not {kind}")
        stream = io.BytesIO()
        np.save(stream, response, allow_pickle=False)
        yield f"{number}.npy", stream.getvalue()
    yield f"{scene.name}.json", (json.dumps(_document(scene), indent=1) + "\n").encode()


def _write_scene(folder: Path, scene: ReverbScene, kind: Kind) -> None:
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        for name, content in scene_files(scene, kind):
            (temporary / name).write_bytes(content)
        os.replace(temporary, folder)
    except OSError as error:
        raise FormatError(f"cannot write {folder}: {error.strerror or error}") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _text(point: Point) -> str:
    return ",".join(f"{value:.4f}" for value in point)


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise ParameterError(unknown_name("kind of responses", kind, KINDS))
