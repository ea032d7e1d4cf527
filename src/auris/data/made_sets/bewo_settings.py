"""Every distribution of a set like BEWO-1M."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from auris.channels import STEREO_SPACING
from auris.data.language.captions import Mentions
from auris.data.language.rewriting import RewriteSettings
from auris.data.made_sets.ranges import Range, checked_count, checked_number, checked_range, checked_shares
from auris.data.production.encoding import AudioForm, Subtype
from auris.errors import ParameterError, unknown_name
from auris.io.bewo import SPLITS, SUBSETS, Split


@dataclass(frozen=True)
class BewoSettings:
    """Everything that is drawn for a clip. A range [low, high] is drawn from uniformly; shares need not add up to 1.

    Attributes:
        split: ``train``, ``val`` or ``test``: names the tables. Take the sounds of each from other recordings (``--split``).
        collection: what the names of the tables begin with.
        subset_shares: of clips in SS, SD, DS and Mix; as published.
        mix_sources: shares of clips of Mix with 2, 3 and 4 sources; at least one of them moves.
        mix_moving: chance that another source of Mix moves too.
        duration: seconds of a clip.
        sample_rate: hertz; the published one is not documented, the models trained on it use 44.1 kHz.
        spacing: metres between the microphones.
        size_shares: of clips outdoors and in large, moderate and small rooms; as published.
        outdoor_side: metres of the box that stands for the outdoors, along each axis; it is a free field.
        large_side: metres, each side of a large room.
        moderate_side: metres.
        small_side: metres.
        large_height: metres.
        moderate_height: metres.
        small_height: metres.
        large_t60: reverberation time in seconds.
        moderate_t60: reverberation time in seconds.
        small_t60: reverberation time in seconds.
        scattering: of the walls, 0 mirror-like to 1 perfectly mixing.
        listener_place: of each side of the box.
        listener_height: metres; sources are at the same height.
        direction_shares: of the classes left, front left, front, front right, right.
        angle_jitter_deg: largest deviation of an angle from the middle of its class. Published angles deviate by more than 23
            degrees, so that classes overlap; up to 22.5, every source lies in the class that its caption says.
        least_turn_deg: by which a source turns at least when it moves to another class.
        distance_shares: of near, moderate and far.
        near: distance over that from the listener to the nearest wall.
        moderate: the same for a moderate distance.
        far: the same for far.
        least_distance: metres between the listener and a source. A straight way that comes nearer goes around as an arc.
        distance_change: chance that a moving source ends in a distance class drawn anew.
        speed_shares: of moving sources that are slow, moderate, fast and instantly there; as published.
        slow: share of the clip that a slow movement takes.
        moderate_speed: share of the clip that a moderate movement takes.
        fast: share of the clip that a fast movement takes.
        change_step: share of the clip after which a source jumps.
        path: ``straight`` from start to end, or an ``arc`` around the listener at constant angular speed.
        level_db: active level of every source at 1 m, dB re full scale, before the clip is scaled to its peak.
        peak_db: largest sample of a clip, dB re full scale.
        propagation: ``relative``: the travel time of the first sound to arrive is taken out; ``absolute``: it is kept.
        diffuse_snr_db: diffuse noise below the sources; null for none.
        sensor_snr_db: microphone noise below the sources; null for none.
        form: ``wav`` or ``flac``.
        subtype: ``PCM_16``, ``PCM_24``, or ``FLOAT`` (wav only).
        mentions: what captions say, as probabilities.
        rewrite: captions in other words, by a language model.
    """

    split: Split = "train"
    collection: str = "audiocaps"
    subset_shares: tuple[float, ...] = (32.0, 20.0, 20.0, 28.0)
    mix_sources: tuple[float, ...] = (0.9, 0.08, 0.02)
    mix_moving: float = 0.35
    duration: float = 10.0
    sample_rate: int = 44_100
    spacing: float = STEREO_SPACING
    size_shares: tuple[float, ...] = (33.0, 30.0, 33.0, 4.0)
    outdoor_side: Range = (95.0, 115.0)
    large_side: Range = (10.0, 25.0)
    moderate_side: Range = (5.0, 10.0)
    small_side: Range = (3.0, 5.0)
    large_height: Range = (3.5, 8.0)
    moderate_height: Range = (2.6, 4.0)
    small_height: Range = (2.4, 3.0)
    large_t60: Range = (0.5, 1.0)
    moderate_t60: Range = (0.3, 0.6)
    small_t60: Range = (0.2, 0.4)
    scattering: Range = (0.2, 0.8)
    listener_place: Range = (0.4, 0.6)
    listener_height: Range = (1.2, 1.8)
    direction_shares: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0, 1.0)
    angle_jitter_deg: float = 20.0
    least_turn_deg: float = 20.0
    distance_shares: tuple[float, ...] = (1.0, 1.0, 1.0)
    near: Range = (0.15, 0.35)
    moderate: Range = (0.35, 0.65)
    far: Range = (0.65, 0.9)
    least_distance: float = 0.3
    distance_change: float = 0.4
    speed_shares: tuple[float, ...] = (28.0, 43.0, 20.0, 9.0)
    slow: Range = (0.78, 0.95)
    moderate_speed: Range = (0.48, 0.72)
    fast: Range = (0.2, 0.42)
    change_step: Range = (0.3, 0.7)
    path: Literal["straight", "arc"] = "straight"
    level_db: float = -26.0
    peak_db: float = -3.0
    propagation: Literal["relative", "absolute"] = "relative"
    diffuse_snr_db: Range | None = None
    sensor_snr_db: Range | None = None
    form: AudioForm = "wav"
    subtype: Subtype = "PCM_16"
    mentions: Mentions = field(default_factory=Mentions)
    rewrite: RewriteSettings = field(default_factory=RewriteSettings)

    def __post_init__(self) -> None:
        named = (("split", SPLITS), ("path", ("straight", "arc")), ("propagation", ("relative", "absolute")))
        for name, accepted in named:
            if getattr(self, name) not in accepted:
                raise ParameterError(unknown_name(name, getattr(self, name), accepted))
        if not self.collection.replace("_", "").replace("-", "").isalnum() or set(SPLITS) & set(self.collection.split("_")):
            raise ParameterError(
                f"collection must be letters, digits, dashes and underscores, without a split's word; got {self.collection!r}"
            )
        for name, count in _SHARES.items():
            object.__setattr__(self, name, checked_shares(name, getattr(self, name), count))
        for name, (low, high) in _RANGES.items():
            if getattr(self, name) is not None:
                object.__setattr__(self, name, checked_range(name, getattr(self, name), low, high))
        for name, (low, high) in _NUMBERS.items():
            checked_number(name, getattr(self, name), low, high)
        if self.form == "flac" and self.subtype == "FLOAT":
            raise ParameterError("flac holds whole numbers; take subtype PCM_16 or PCM_24, or form wav")
        checked_count("sample_rate", self.sample_rate, 8_000, 96_000)

    @property
    def item_seconds(self) -> float:
        """Seconds of audio in one item."""
        return self.duration

    @property
    def most_sources(self) -> int:
        """The most sources of a clip."""
        in_mix = max(number for number, share in enumerate(self.mix_sources, start=2) if share)
        shares = dict(zip(SUBSETS, self.subset_shares, strict=True))
        return in_mix if shares["Mix"] else 2 if shares["DS"] else 1


_SHARES = {
    "subset_shares": 4,
    "mix_sources": 3,
    "size_shares": 4,
    "direction_shares": 5,
    "distance_shares": 3,
    "speed_shares": 4,
}
_RANGES: dict[str, Range] = {
    "outdoor_side": (2.0, 2000.0),
    **{f"{size}_{what}": (1.0, 200.0) for size in ("large", "moderate", "small") for what in ("side", "height")},
    **{f"{size}_t60": (0.05, 30.0) for size in ("large", "moderate", "small")},
    "scattering": (0.0, 1.0),
    "listener_place": (0.05, 0.95),
    "listener_height": (0.1, 100.0),
    "near": (0.01, 0.99),
    "moderate": (0.01, 0.99),
    "far": (0.01, 0.99),
    "slow": (0.021, 1.0),
    "moderate_speed": (0.021, 1.0),
    "fast": (0.021, 1.0),
    "change_step": (0.01, 0.99),
    "diffuse_snr_db": (-60.0, 200.0),
    "sensor_snr_db": (-60.0, 200.0),
}
_NUMBERS: dict[str, Range] = {
    "mix_moving": (0.0, 1.0),
    "duration": (0.5, 600.0),
    "spacing": (0.01, 1.0),
    "angle_jitter_deg": (0.0, 45.0),
    "least_turn_deg": (0.0, 45.0),
    "least_distance": (0.11, 10.0),
    "distance_change": (0.0, 1.0),
    "level_db": (-100.0, 0.0),
    "peak_db": (-60.0, -0.01),
}
