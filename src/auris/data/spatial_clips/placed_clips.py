"""Clips in rooms, one or several at once, each with its classes and the place it is heard from.

An example is a pure function of the random generator that draws it. Several clips of one example are heard by one listener of
the bank, from different places, and share no class, so that a name tells them apart. Levels are those of SpatialSoundQA
(arXiv:2402.01591): every dry clip has the same level while it sounds, and several are halved, or thirded.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from auris.data.spatial_clips.clip_banks import ClipBank
from auris.data.spatial_clips.items import ClipSettings, clip_labels, clip_samples, dry_clip
from auris.errors import ParameterError
from auris.geometry.frames import FRAMES
from auris.io.mp3d_reverb import ReverbBank

Float32 = NDArray[np.float32]
_TRIES = 50
_FADE_SECONDS = 0.02


@dataclass(frozen=True)
class PlacedClipSettings:
    """How many clips sound, for how long, and how loud.

    Attributes:
        sources: weights of 1, 2, … sources.
        classes: weights of 1, 2, … classes in a source: clips that sound at one place.
        second_db: level of a second clip at one place against the first; (low, high), drawn uniformly.
        whole: share of clips that last as long as the example.
        lasts: how long the others last, as a share of the example; (low, high), drawn uniformly.
        mirror: probability that left and right are exchanged; for heads as good as symmetric.
        response_seconds: responses are cut to this.
    """

    sources: tuple[float, ...] = (1.0,)
    classes: tuple[float, ...] = (1.0,)
    second_db: tuple[float, float] = (-6.0, 0.0)
    whole: float = 1.0
    lasts: tuple[float, float] = (0.3, 1.0)
    mirror: float = 0.5
    response_seconds: float = 2.0

    def __post_init__(self) -> None:
        for name in ("sources", "classes"):
            weights = getattr(self, name)
            if not weights or min(weights) < 0 or not sum(weights):
                raise ParameterError(f"{name} are weights of 1, 2, …, at least 0 and not all 0; got {weights!r}")
        if not (0 <= self.whole <= 1 and 0 <= self.mirror <= 1):
            raise ParameterError(f"whole and mirror are shares from 0 to 1, got {self.whole!r} and {self.mirror!r}")
        if not (len(self.lasts) == 2 and 0 < self.lasts[0] <= self.lasts[1] <= 1):
            raise ParameterError(f"lasts is a range (low, high) of shares above 0 up to 1, got {self.lasts!r}")
        if not (len(self.second_db) == 2 and self.second_db[0] <= self.second_db[1]):
            raise ParameterError(f"second_db is a range (low, high), got {self.second_db!r}")


class PlacedClip(NamedTuple):
    """An example.

    Attributes:
        dry: ``(sources, samples)``, at the level at which each is mixed.
        responses: ``(sources, channels, taps)``, padded to the longest.
        classes: ``(sources, classes)`` bool.
        positions: ``(sources, 3)`` metres in the listener's frame.
        spans: ``(sources, 2)`` seconds at which each begins and ends.
    """

    dry: Float32
    responses: Float32
    classes: NDArray[np.bool_]
    positions: NDArray[np.float64]
    spans: NDArray[np.float64]


class PlacedClips:
    """Examples drawn from dry clips and room responses.

    Args:
        clips: dry clips.
        responses: of rooms; those that follow each other with the same listener can be heard at once.
        settings: how examples are drawn.
        sample_rate: hertz of both.
        seconds: length of an example.

    Raises:
        ParameterError: there is nothing to draw from, or no listener of the bank hears so many places.
    """

    def __init__(
        self, clips: ClipBank, responses: ReverbBank, settings: PlacedClipSettings, *, sample_rate: int, seconds: float
    ) -> None:
        if not len(clips) or not len(responses):
            raise ParameterError(f"examples need clips and responses, got {len(clips)} and {len(responses)}")
        self.clips, self.responses, self.settings = clips, responses, settings
        self._form = ClipSettings(sample_rate=sample_rate, clip_seconds=seconds, response_seconds=settings.response_seconds)
        if not all(any(len(places) >= count for places in self._listeners) for count in self._counts):
            most = max(map(len, self._listeners))
            raise ParameterError(
                f"up to {max(self._counts)} sources are heard at once, but listeners of this bank hear at most {most} places; "
                "simulate it with places_per_listener of so many at least"
            )

    @property
    def seconds(self) -> float:
        """Length of an example."""
        return self._form.clip_seconds

    @property
    def sample_rate(self) -> int:
        """Hertz."""
        return self._form.sample_rate

    @property
    def _counts(self) -> list[int]:
        return [number + 1 for number, weight in enumerate(self.settings.sources) if weight]

    @cached_property
    def _listeners(self) -> list[list[int]]:
        """Places of the bank that one listener hears."""
        groups: dict[tuple[str, tuple[float, ...]], list[int]] = {}
        for number, entry in enumerate(self.responses.entries):
            groups.setdefault((entry.scene, entry.sensor), []).append(number)
        return list(groups.values())

    @cached_property
    def _positions(self) -> NDArray[np.float64]:
        sources, sensors = (
            FRAMES["habitat"].to_internal(np.array([getattr(entry, name) for entry in self.responses.entries]))
            for name in ("source", "sensor")
        )
        return np.asarray(sources - sensors)

    def draw(self, rng: np.random.Generator) -> PlacedClip:
        """Draw an example.

        Raises:
            FormatError: a clip or response cannot be read; the message names the file.
        """
        count = self._count(self.settings.sources, rng)
        places = self._places(count, rng)
        numbers = self._different_clips(count, rng)
        parts = [self._sound(group, rng) for group in numbers]
        heard = [self.responses.response(place, longest=self._form.taps) for place in places]
        joined = np.zeros((count, len(heard[0]), max(response.shape[1] for response in heard)), np.float32)
        for row, response in zip(joined, heard, strict=True):
            row[:, : response.shape[1]] = response
        positions = self._positions[places]
        if rng.random() < self.settings.mirror:
            joined, positions = joined[:, ::-1].copy(), positions * [1.0, -1.0, 1.0]
        classes = np.stack([np.maximum.reduce([clip_labels(self.clips, n) for n in group]) > 0 for group in numbers])
        dry = np.stack([dry for dry, _ in parts]) / np.float32(count)
        return PlacedClip(dry, joined, classes, positions, np.array([span for _, span in parts]))

    @staticmethod
    def _count(weights: tuple[float, ...], rng: np.random.Generator) -> int:
        return 1 + int(rng.choice(len(weights), p=np.asarray(weights) / sum(weights)))

    def _places(self, count: int, rng: np.random.Generator) -> list[int]:
        fitting = [places for places in self._listeners if len(places) >= count] if count > 1 else self._listeners
        places = fitting[int(rng.integers(len(fitting)))]
        return [places[n] for n in rng.permutation(len(places))[:count]]

    def _different_clips(self, count: int, rng: np.random.Generator) -> list[list[int]]:
        """Clips of each source; no class is in two of them, as far as a number of tries finds such."""
        taken: set[int] = set()
        groups = []
        for _ in range(count):
            group: list[int] = []
            for _ in range(self._count(self.settings.classes, rng)):
                for _ in range(_TRIES):
                    number = int(rng.integers(len(self.clips)))
                    if not taken & set(self.clips.classes(number)):
                        break
                group.append(number)
                taken |= set(self.clips.classes(number))
            groups.append(group)
        return groups

    def _sound(self, numbers: list[int], rng: np.random.Generator) -> tuple[Float32, tuple[float, float]]:
        """The clips of one source together, at their level while they sound, and when that is."""
        form = self._form
        share = 1.0 if rng.random() < self.settings.whole else float(rng.uniform(*self.settings.lasts))
        samples = max(1, round(share * form.samples))
        mixed = np.zeros(samples, np.float32)
        for rank, number in enumerate(numbers):
            dry = clip_samples(self.clips, number, form, rng)
            start = int(rng.integers(len(dry)))
            level = np.float32(10 ** (float(rng.uniform(*self.settings.second_db)) / 20)) if rank else np.float32(1)
            mixed += level * dry_clip(dry, form, start=start)[:samples]
        gain = 0.5 + float(rng.beta(10, 10))
        onset = int(rng.integers(form.samples - samples + 1))
        if samples < form.samples:
            _fade(mixed, round(_FADE_SECONDS * form.sample_rate))
        out = np.zeros(form.samples, np.float32)
        whole = ClipSettings(sample_rate=form.sample_rate, clip_seconds=samples / form.sample_rate)
        out[onset : onset + samples] = dry_clip(mixed, whole, gain=gain)[:samples]
        return out, (onset / form.sample_rate, (onset + samples) / form.sample_rate)


def _fade(samples: Float32, length: int) -> None:
    """Begin and end softly, in place."""
    ramp = np.linspace(0, 1, min(length, len(samples) // 2), dtype=np.float32)
    samples[: len(ramp)] *= ramp
    samples[len(samples) - len(ramp) :] *= ramp[::-1]
