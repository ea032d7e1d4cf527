"""Episodes and passive sets of active audio-visual separation, and the clips they play, in their published layout.

::

    root/active_datasets/v1/<split>/<split>.json.gz              {"episodes": [...]}, "content_scenes_path" where there is
    root/active_datasets/v1/<split>/content/<scene>.json.gz      {"episodes": [...]}
    root/passive_datasets/v1/<split>/<scene>.pkl                 {scene: [{"r": node, "azimuth": degrees, "all_s": [nodes]}]}
    root/audio_data/<bank>/min20s_clips/<split>_preprocessed/<class>_<rest>.wav    long clips, mono, 16 kHz, 16 bits
    root/audio_data/<bank>/1s_chunks/<split>_preprocessed/<class>_<rest>.wav       one second each

Positions are in Habitat's axes, on the floor; rotations are quaternions (x, y, z, w) about +y. Goals and sounds have one
entry per source, the target first.

Source: Majumder and Grauman, Active Audio-Visual Separation of Dynamic Sound Sources, ECCV 2022, arXiv:2202.00850, and the
files of its authors.
"""

from __future__ import annotations

import gzip
import json
import math
import pickle
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from auris.errors import FormatError, ParameterError
from auris.geometry.navigation import azimuth_folder, heading_of_folder, heading_of_rotation
from auris.io.atomic import atomic_write
from auris.io.restricted_pickle import read_pickle

Point = tuple[float, float, float]
ClipKind = Literal["min20s_clips", "1s_chunks"]

STEPS = 20  # seconds, and actions, of an episode
VERSION = "v1"
_SPEAKERS = (
    "8474 4057 1001 8410 3816 8163 4039 122 2299 5157 345 4051 7460 6300 music 7932 1160 7078 6509 7067 "
    "8028 2319 3448 8742 4441 1052 4116 3083 7445 2764 957 7730 667 868 439 7802 8619 125 2162 8772 "
    "6286 7540 3361 7828 2194 460 637 4731 5115 5390 203 1121 3221 166 3879 2388 909 8824 119 6139 "
    "2514 6880 8194 3703 2758 2137 1578 3436 7117 4640 3105 1460 3851 7258 4853 3994 5133 1944 3274 2816 "
    "597 esc 5727 500 5985 5189 6014 7247 8011 2989 3645 248 1859 5206 7868 126 2582 8527 5239 3728 5723 5656"
)
PUBLISHED_CLASSES: tuple[str, ...] = tuple(_SPEAKERS.split())  # the place is the number; LibriSpeech speakers, music, esc


@dataclass(frozen=True)
class EpisodeSource:
    """One sound of an episode.

    Attributes:
        position: of its place, on the floor, in Habitat's axes.
        sound: name of its clip, without ``.wav``.
        start: second of the clip at which it begins.
        label: number of its class; only the target's is used.
        distance: metres to walk from the start, where known.
    """

    position: Point
    sound: str
    start: int
    label: int
    distance: float | None = None


@dataclass(frozen=True)
class SeparationEpisode:
    """Someone in a house is to hear one sound out of several.

    Attributes:
        name: unique within its scene.
        scene: name of the house.
        start: of the listener, on the floor, in Habitat's axes.
        heading: which way the listener looks (:mod:`auris.geometry.navigation`).
        sources: the target first.
    """

    name: str
    scene: str
    start: Point
    heading: int
    sources: tuple[EpisodeSource, ...]

    def __post_init__(self) -> None:
        if not self.sources:
            raise FormatError(f"episode {self.name!r} has no sources; the first one is its target")
        if not all(math.isfinite(value) for point in (self.start, *(s.position for s in self.sources)) for value in point):
            raise FormatError(f"episode {self.name!r} has a position that is not finite")

    def to_dict(self) -> dict[str, Any]:
        """Return the episode as its file has it."""
        half = math.radians(90 * self.heading) / 2
        info = []
        for source in self.sources:
            entry = {"sound": source.sound, "start_idx": source.start, "target_label": source.label, "num_action": STEPS}
            info.append(entry if source.distance is None else {**entry, "geodesic_distance": source.distance})
        return {
            "episode_id": self.name,
            "scene_id": f"{self.scene}/{self.scene}.glb",
            "start_position": list(self.start),
            "start_rotation": [0.0, round(math.sin(half), 9), 0.0, round(math.cos(half), 9)],
            "info": info,
            "goals": [{"position": list(source.position), "radius": None} for source in self.sources],
            "start_room": None,
            "shortest_paths": None,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> SeparationEpisode:
        """Return an episode as read from a file.

        Raises:
            FormatError: a field is missing or strange.
        """
        try:
            goals, info = plain["goals"], plain["info"]
            if len(goals) != len(info):
                raise FormatError(f"has {len(goals)} goals for {len(info)} sounds")
            sources = tuple(_source(goal, sound) for goal, sound in zip(goals, info, strict=True))
            return cls(
                str(plain["episode_id"]),
                _scene_of(plain["scene_id"]),
                _point(plain["start_position"]),
                _heading(plain["start_rotation"]),
                sources,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            if isinstance(error, FormatError):
                raise
            raise FormatError(f"lacks or spoils {error}") from None


def _source(goal: Mapping[str, Any], sound: Mapping[str, Any]) -> EpisodeSource:
    distance = sound.get("geodesic_distance")
    name = str(sound["sound"])
    if name != PurePosixPath(name).name:
        raise FormatError(f"names a sound {name!r} that leads to another folder")
    return EpisodeSource(
        _point(goal["position"]),
        name,
        int(sound["start_idx"]),
        int(sound.get("target_label", -1)),
        float(distance) if isinstance(distance, int | float) else None,
    )


def _scene_of(scene_id: str) -> str:
    parts = PurePosixPath(scene_id).parts
    if len(parts) < 2 or parts[-2] in ("..", "/"):
        raise FormatError(f"scene_id is <scene>/<scene>.glb, got {scene_id!r}")
    return parts[-2]


def _point(values: Sequence[float]) -> Point:
    x, y, z = (float(value) for value in values)
    return x, y, z


def _heading(quaternion: Sequence[float]) -> int:
    x, y, z, w = (float(value) for value in quaternion)
    if not abs(x * x + y * y + z * z + w * w - 1) < 1e-2 or max(abs(x), abs(z)) > 1e-2:
        raise FormatError(f"start_rotation turns about +y as a unit quaternion (x, y, z, w), got {list(quaternion)}")
    return heading_of_rotation(math.degrees(2 * math.atan2(y, w)))


def split_folder(split: str) -> str:
    """Return where the episodes of a split lie below the root."""
    return f"active_datasets/{VERSION}/{split}"


def read_episodes(root: str | Path, split: str, *, scenes: Iterable[str] | None = None) -> tuple[SeparationEpisode, ...]:
    """Read the episodes of a split: those of its own file first, then those of each scene by name.

    Args:
        root: folder that holds ``active_datasets``.
        split: such as ``test_1000episodes``.
        scenes: read the ``content`` of these alone; None reads all.

    Raises:
        FormatError: a file is missing or damaged, or an episode is strange; the message names file and episode.
    """
    folder = Path(root) / split_folder(split)
    chosen = None if scenes is None else set(scenes)
    files = sorted((folder / "content").glob("*.json.gz"))
    episodes = list(_episodes_of(folder / f"{split}.json.gz"))
    for file in files:
        if chosen is None or file.name.removesuffix(".json.gz") in chosen:
            episodes.extend(_episodes_of(file))
    return tuple(episodes)


def _episodes_of(path: Path) -> list[SeparationEpisode]:
    try:
        plain = json.loads(gzip.decompress(path.read_bytes()))
        entries = plain["episodes"]
    except FileNotFoundError:
        raise FormatError(f"{path}: no such file of episodes") from None
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError) as error:
        raise FormatError(f"{path}: not a gzip file of episodes ({type(error).__name__}: {error})") from None
    episodes = []
    for number, entry in enumerate(entries):
        try:
            episodes.append(SeparationEpisode.from_dict(entry))
        except FormatError as error:
            raise FormatError(f"{path}: episode {number} {error}") from None
    return episodes


def episodes_bytes(episodes: Iterable[SeparationEpisode], *, content: bool = False) -> bytes:
    """Return a file of episodes, compressed; the same bytes for the same episodes.

    Args:
        episodes: in their order.
        content: whether the file refers to one more file for each scene.
    """
    plain: dict[str, Any] = {"episodes": [episode.to_dict() for episode in episodes]}
    if content:
        plain["content_scenes_path"] = "{data_path}/content/{scene}.json.gz"
    return gzip.compress(json.dumps(plain, separators=(",", ":")).encode(), mtime=0)


def write_episodes(root: str | Path, split: str, episodes: Iterable[SeparationEpisode]) -> Path:
    """Write the episodes of a split to its own file, and return it."""
    path = Path(root) / split_folder(split) / f"{split}.json.gz"
    with atomic_write(path) as temporary:
        temporary.write_bytes(episodes_bytes(episodes))
    return path


@dataclass(frozen=True)
class PassiveRecord:
    """A place and a heading at which sounds from other places are to be separated, without moving.

    Attributes:
        receiver: number of the listener's place.
        heading: which way the listener looks.
        sources: numbers of the places of the sounds, the target's first.
    """

    receiver: int
    heading: int
    sources: tuple[int, ...]


def passive_path(split: str, scene: str) -> str:
    """Return where the passive records of a scene lie below the root."""
    return f"passive_datasets/{VERSION}/{split}/{scene}.pkl"


def passive_bytes(scene: str, records: Iterable[PassiveRecord]) -> bytes:
    """Return the passive records of a scene as the bytes of their file."""
    plain = [{"r": r.receiver, "azimuth": azimuth_folder(r.heading), "all_s": list(r.sources)} for r in records]
    return pickle.dumps({scene: plain}, protocol=4)


def read_passive(root: str | Path, split: str, scene: str) -> tuple[PassiveRecord, ...]:
    """Read the passive records of a scene.

    Raises:
        FormatError: the file is missing, damaged, names something that would run, or holds something else.
    """
    path = Path(root) / passive_path(split, scene)
    plain = read_pickle(path)
    try:
        return tuple(
            PassiveRecord(int(entry["r"]), heading_of_folder(int(entry["azimuth"])), tuple(int(s) for s in entry["all_s"]))
            for entry in plain[scene]
        )
    except (KeyError, TypeError, ValueError, ParameterError) as error:
        raise FormatError(f"{path}: not the passive records of {scene!r} ({type(error).__name__}: {error})") from None


def clip_folder(bank: str, kind: ClipKind, split: str) -> str:
    """Return where the clips of a split lie below the root."""
    return f"audio_data/{bank}/{kind}/{split}_preprocessed"


def clip_class(name: str) -> str:
    """Return the class that the name of a clip begins with.

    >>> clip_class("music_0012.wav")
    'music'
    """
    return PurePosixPath(name).stem.split("_")[0]


def list_clips(root: str | Path, bank: str, kind: ClipKind, split: str, *, classes: Sequence[str]) -> dict[str, list[Path]]:
    """Return the clips of each class, sorted by name; classes without one have an empty list.

    Raises:
        FormatError: the folder is missing, or a clip is of no class of the list.
    """
    folder = Path(root) / clip_folder(bank, kind, split)
    if not folder.is_dir():
        raise FormatError(f"{folder}: no such folder of clips")
    found: dict[str, list[Path]] = {name: [] for name in classes}
    for path in sorted(folder.glob("*.wav")):
        if clip_class(path.name) not in found:
            raise FormatError(f"{path}: a clip of class {clip_class(path.name)!r}, which is not among the {len(found)} classes")
        found[clip_class(path.name)].append(path)
    return found
