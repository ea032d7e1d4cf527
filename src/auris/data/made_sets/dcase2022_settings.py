"""What is drawn for the scenes of :mod:`auris.data.made_sets.dcase2022`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from auris.acoustics.motion import Motion
from auris.data.made_sets.class_levels import Quartiles
from auris.data.made_sets.ranges import Range, checked_count, checked_names, checked_number, checked_range, checked_shares
from auris.data.production.encoding import AudioForm, Subtype
from auris.data.sound_folder import Split
from auris.errors import ParameterError

RECORDINGS = {"foa": "foa", "mic": "tetra"}


@dataclass(frozen=True)
class Dcase2022Settings:
    """Everything that is drawn for a scene. A range [low, high] is drawn from uniformly; equal ends fix the value.

    Attributes:
        duration: seconds of a scene.
        sample_rate: hertz.
        recordings: what is written of each scene: ``foa``, ``mic``.
        year: whose label format, 2020 to 2025 (:mod:`auris.io.dcase`).
        rooms: number of rooms in each fold; every scene of a fold is in one of them, in turn.
        fold_shares: of the scenes; published are 900 in fold 1 and 300 in fold 2.
        fold_splits: which part of the recordings a fold takes its sounds from, so that folds share none: ``train``,
            ``validation``, ``test`` or null for all. Not used where the sounds themselves were chosen by split or fold.
        numbering: class list that numbers the classes: ``dcase2022``, another name of :mod:`auris.vocabulary`, or the path of a
            table; null numbers the classes of the sounds alphabetically.
        classes: only these; null takes all that have sounds.
        layers: sequences of events, so at most this many events sound at once; published are 2 (FSD50K) and 3 (NIGENS).
        layer_sounding: seconds of events in a layer; the rest of the scene is silence.
        least_gap: least seconds of silence between two events of a layer.
        shortest_rest: the last event of a layer is cut to fit, or left out if no more than these seconds would remain.
        event_duration: seconds; a shorter recording plays once, of a longer one a part is heard.
        mobility: by class, 0 never moves, 1 always, 2 every second time. Classes that are not named have that of the published
            class of the same meaning.
        other_mobility: of classes that mean none of the published ones.
        moving_from: seconds; shorter events rest.
        speeds_deg: angular speeds of moving events in degrees per second, each equally likely, lower where a trail is short.
        level_quartiles_db: by class, first quartile, median and third quartile of the level of its events where they are
            heard, dB re full scale; classes that are not named are measured on the recordings.
        level_picks: recordings of a class that are measured.
        snr_db: noise below the events, whole decibels from here to there.
        noise: ``diffuse`` (pink, from everywhere), ``ambience`` (recordings, see ``ambience``), or ``none``.
        ambience: folder of recorded ambience (:mod:`auris.data.ambience`); each room has one take of it.
        interferers: sounds that are heard but not labelled, in a layer of their own; empty for none.
        interferer_ratio_db: power of events above that of interferers.
        peak: largest sample of every recording, re full scale.
        room_length: metres.
        room_width: metres.
        room_height: metres.
        t60: reverberation time in seconds.
        scattering: of the walls, 0 mirror-like to 1 perfectly mixing.
        listener_place: of length and width of the room.
        listener_height: metres above the floor.
        trails: trails in a room, on which sources rest and move.
        trail_heights: heights of a trail.
        trail_distance: horizontal metres between listener and trail.
        elevation_deg: that the heights of a trail span, where floor and ceiling allow it.
        linear_share: share of rooms whose trails are straight; in the others they are circles.
        wall_margin: least metres between a trail and every wall.
        motion: ``doppler`` or ``crossfade``; see :func:`auris.acoustics.renderer.render`.
        form: ``flac`` or ``wav``.
        subtype: ``PCM_16``, ``PCM_24``, or ``FLOAT`` (wav only).
    """

    duration: float = 60.0
    sample_rate: int = 24_000
    recordings: tuple[str, ...] = ("foa", "mic")
    year: int = 2022
    rooms: tuple[int, ...] = (6, 3)
    fold_shares: tuple[float, ...] = (900.0, 300.0)
    fold_splits: tuple[Split | None, ...] = ("train", "test")
    numbering: str | None = None
    classes: tuple[str, ...] | None = None
    layers: int = 2
    layer_sounding: float = 40.0
    least_gap: float = 1.0
    shortest_rest: float = 3.0
    event_duration: Range = (0.5, 12.0)
    mobility: Mapping[str, int] = field(default_factory=dict)
    other_mobility: int = 2
    moving_from: float = 3.0
    speeds_deg: tuple[float, ...] = (10.0, 20.0, 40.0)
    level_quartiles_db: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    level_picks: int = 12
    snr_db: Range = (6.0, 30.0)
    noise: Literal["diffuse", "ambience", "none"] = "diffuse"
    ambience: str | None = None
    interferers: tuple[str, ...] = ()
    interferer_ratio_db: float = 4.77
    peak: float = 0.5
    room_length: Range = (6.0, 20.0)
    room_width: Range = (5.0, 15.0)
    room_height: Range = (2.5, 6.0)
    t60: Range = (0.3, 1.5)
    scattering: Range = (0.2, 0.8)
    listener_place: Range = (0.4, 0.6)
    listener_height: Range = (1.2, 1.7)
    trails: int = 2
    trail_heights: int = 9
    trail_distance: Range = (1.0, 5.0)
    elevation_deg: Range = (-45.0, 45.0)
    linear_share: float = 0.33
    wall_margin: float = 0.3
    motion: Motion = "doppler"
    form: AudioForm = "wav"
    subtype: Subtype = "PCM_16"

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            object.__setattr__(self, name, checked_range(name, getattr(self, name), low, high))
        for name, (low, high) in _NUMBERS.items():
            object.__setattr__(self, name, checked_number(name, getattr(self, name), low, high))
        for name, (fewest, most) in _COUNTS.items():
            checked_count(name, getattr(self, name), fewest, most)
        if self.layer_sounding > self.duration:
            raise ParameterError(f"layer_sounding of {self.layer_sounding:g} s does not fit a duration of {self.duration:g} s")
        checked_names("recordings", self.recordings, RECORDINGS)
        self._check_folds()
        self._check_events()
        if self.noise not in ("diffuse", "ambience", "none") or (self.noise == "ambience") != (self.ambience is not None):
            raise ParameterError(
                f"noise must be diffuse, ambience or none, and ambience names its folder for noise=ambience only; "
                f"got noise={self.noise!r}, ambience={self.ambience!r}"
            )

    def _check_folds(self) -> None:
        if not self.rooms:
            raise ParameterError("rooms must say how many there are in each fold, such as [6, 3]")
        for count in self.rooms:
            checked_count("rooms", count, 1, 10_000)
        object.__setattr__(self, "fold_shares", checked_shares("fold_shares", self.fold_shares, len(self.rooms)))
        if len(self.fold_splits) != len(self.rooms) or any(s not in (None, *_SPLITS) for s in self.fold_splits):
            raise ParameterError(
                f"fold_splits must say train, validation, test or null for each of the {len(self.rooms)} folds, "
                f"got {list(self.fold_splits)}"
            )

    def _check_events(self) -> None:
        for label, kind in {**self.mobility, "other_mobility": self.other_mobility}.items():
            if isinstance(kind, bool) or kind not in (0, 1, 2):
                raise ParameterError(f"mobility is 0 (never), 1 (always) or 2 (every second time); got {kind!r} for {label!r}")
        if not self.speeds_deg or any(not 0 < speed <= 720 for speed in self.speeds_deg):
            raise ParameterError(f"speeds_deg must be degrees per second above 0 and up to 720, got {list(self.speeds_deg)}")
        quartiles = {label: _quartiles(label, values) for label, values in self.level_quartiles_db.items()}
        object.__setattr__(self, "level_quartiles_db", quartiles)

    @property
    def item_seconds(self) -> float:
        """Seconds of audio in one item."""
        return self.duration


_SPLITS = ("train", "validation", "test")
_RANGES: dict[str, Range] = {
    "event_duration": (0.1, 3600.0),
    "snr_db": (-60.0, 200.0),
    "room_length": (0.5, 1000.0),
    "room_width": (0.5, 1000.0),
    "room_height": (0.5, 1000.0),
    "t60": (0.05, 30.0),
    "scattering": (0.0, 1.0),
    "listener_place": (0.01, 0.99),
    "listener_height": (0.0, 1000.0),
    "trail_distance": (0.05, 1000.0),
    "elevation_deg": (-89.0, 89.0),
}
_NUMBERS: dict[str, Range] = {
    "duration": (0.5, 3600.0),
    "layer_sounding": (0.1, 3600.0),
    "least_gap": (0.0, 3600.0),
    "shortest_rest": (0.0, 3600.0),
    "moving_from": (0.0, 3600.0),
    "interferer_ratio_db": (-60.0, 60.0),
    "peak": (0.001, 1.0),
    "linear_share": (0.0, 1.0),
    "wall_margin": (0.01, 100.0),
}
_COUNTS = {
    "sample_rate": (8_000, 96_000),
    "year": (2020, 2025),
    "layers": (1, 16),
    "level_picks": (1, 10_000),
    "trails": (1, 100),
    "trail_heights": (1, 100),
}


def _quartiles(label: str, values: object) -> Quartiles:
    numbers = tuple(values) if isinstance(values, tuple | list) else ()
    if len(numbers) != 3 or not all(isinstance(v, int | float) for v in numbers) or sorted(numbers) != list(numbers):
        raise ParameterError(
            f"level_quartiles_db of {label!r} must be first quartile, median and third quartile in dB, got {values!r}"
        )
    return float(numbers[0]), float(numbers[1]), float(numbers[2])
