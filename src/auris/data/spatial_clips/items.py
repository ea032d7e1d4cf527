"""Items of a clip at a place: a dry clip or two, a response for each, classes and the place.

An item is a pure function of the seed and its address (epoch and place in the epoch), so a run can stop and go on, and
workers need no state. The convolution is left to the model's device (:func:`~auris.data.spatial_clips.rendering.render`).

Source: Zheng et al., BAT, arXiv:2402.01591, and the training code of its authors, whose evaluation pairs clips and responses
anew in every run; here a clip of the evaluation always meets the same response.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from auris import seeding
from auris.data.spatial_clips.clip_banks import ClipBank
from auris.errors import FormatError, ParameterError, unknown_name
from auris.io.mp3d_reverb import ReverbBank

Float32 = NDArray[np.float32]
Gain = Literal["beta", "none"]
Roll = Literal["circular", "none"]
Mix = Literal["shared_response", "own_responses"]
Unreadable = Literal["refuse", "skip"]
_NAMES = {"gain": get_args(Gain), "roll": get_args(Roll), "mix": get_args(Mix), "unreadable": get_args(Unreadable)}
_LOG = logging.getLogger("auris.data")
_TRIES = 20


@dataclass(frozen=True)
class ClipSettings:
    """How clips and responses become items.

    Attributes:
        sample_rate: hertz of clips and responses.
        clip_seconds: length of an item; clips are cut, or padded with silence at the end.
        response_seconds: responses are cut to this.
        level_dbfs: root mean square of a whole clip before it is cut, in dB re full scale; silent clips stay silent.
        gain: ``beta`` multiplies each clip by 0.5 + Beta(10, 10), as published; ``none`` does not.
        roll: ``circular`` begins each clip at a random moment, its beginning moved to the end; ``none`` does not (nor does the
            published code, whose roll by a random number of samples runs along the wrong axis).
        mirror: probability that left and right are exchanged, in what is heard and in the place; for ears, of a head as good
            as symmetric.
        mixup: probability of a second clip.
        mix: ``shared_response``: both clips are one signal, weighted lambda and 1 - lambda, at one place, and labels are soft,
            as published. ``own_responses``: each is heard from its own place in the same room, both labels are 1; the place
            of the item is that of the first.
        unreadable: ``refuse`` ends with an error at a clip that is missing or damaged, ``skip`` takes another one in its place
            and logs its name: of old lists of AudioSet, many clips are gone.
    """

    sample_rate: int = 32_000
    clip_seconds: float = 10.0
    response_seconds: float = 2.0
    level_dbfs: float = -14.0
    gain: Gain = "beta"
    roll: Roll = "none"
    mirror: float = 0.0
    mixup: float = 0.5
    mix: Mix = "shared_response"
    unreadable: Unreadable = "refuse"

    def __post_init__(self) -> None:
        if self.sample_rate < 1 or not (0 < self.clip_seconds < math.inf and 0 < self.response_seconds < math.inf):
            raise ParameterError(
                "sample_rate, clip_seconds and response_seconds must be above 0; "
                f"got {self.sample_rate!r}, {self.clip_seconds!r}, {self.response_seconds!r}"
            )
        if not (0 <= self.mixup <= 1 and 0 <= self.mirror <= 1):
            raise ParameterError(f"mixup and mirror are probabilities from 0 to 1, got {self.mixup!r} and {self.mirror!r}")
        for name, accepted in _NAMES.items():
            if getattr(self, name) not in accepted:
                raise ParameterError(unknown_name(name, getattr(self, name), accepted))

    @property
    def samples(self) -> int:
        """Samples of an item."""
        return round(self.clip_seconds * self.sample_rate)

    @property
    def taps(self) -> int:
        """Longest response in samples."""
        return round(self.response_seconds * self.sample_rate)


class SpatialItem(NamedTuple):
    """One item.

    Attributes:
        dry: ``(sources, samples)``.
        responses: ``(sources, channels, taps)``; as long as the response is, at most :attr:`ClipSettings.taps`.
        labels: ``(classes,)``, 0 to 1.
        distance: class of the first source's distance.
        azimuth: class of its azimuth.
        elevation: class of its elevation.
    """

    dry: Float32
    responses: Float32
    labels: Float32
    distance: int
    azimuth: int
    elevation: int


class SpatialBatch(NamedTuple):
    """Items as tensors.

    Attributes:
        dry: ``(batch, sources, samples)``; items with fewer sources than others are filled up with silence.
        responses: ``(batch, sources, channels, taps)``, padded to the longest of the batch.
        labels: ``(batch, classes)``.
        distance: ``(batch,)`` int64.
        azimuth: ``(batch,)`` int64.
        elevation: ``(batch,)`` int64.
    """

    dry: Tensor
    responses: Tensor
    labels: Tensor
    distance: Tensor
    azimuth: Tensor
    elevation: Tensor


def collate(items: Sequence[SpatialItem]) -> SpatialBatch:
    """Join items to a batch."""
    sources = max(len(item.dry) for item in items)
    taps = max(item.responses.shape[-1] for item in items)
    dry = torch.zeros(len(items), sources, items[0].dry.shape[-1])
    responses = torch.zeros(len(items), sources, items[0].responses.shape[1], taps)
    for row, item in enumerate(items):
        dry[row, : len(item.dry)] = torch.from_numpy(item.dry)
        responses[row, : len(item.responses), :, : item.responses.shape[-1]] = torch.from_numpy(item.responses)
    labels = torch.from_numpy(np.stack([item.labels for item in items]))
    places = [torch.tensor([getattr(item, name) for item in items]) for name in ("distance", "azimuth", "elevation")]
    return SpatialBatch(dry, responses, labels, *places)


class SpatialClips(Dataset[SpatialItem]):
    """Training items: clips at random places.

    ``dataset[address]`` takes what a sampler yields (:mod:`~auris.data.spatial_clips.sampling`): ``(clip, seed)``, where the
    seed decides on everything but the clip.

    Attributes:
        clips: dry clips.
        responses: their places.
        settings: how items are made.
    """

    def __init__(self, clips: ClipBank, responses: ReverbBank, settings: ClipSettings | None = None) -> None:
        """Join clips and responses.

        Raises:
            ParameterError: there is nothing to draw from.
        """
        if not len(clips) or not len(responses):
            raise ParameterError(f"items need clips and responses, got {len(clips)} and {len(responses)}")
        self.clips, self.responses = clips, responses
        self.settings = settings or ClipSettings()
        scenes: dict[str, list[int]] = {}
        for number, entry in enumerate(responses.entries):
            scenes.setdefault(entry.scene, []).append(number)
        self._neighbours = scenes
        self._told: set[int] = set()

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, address: tuple[int, int]) -> SpatialItem:
        number, seed = address
        return self.item(number, seed)

    def item(self, number: int, seed: int) -> SpatialItem:
        """Return clip ``number`` at a place that ``seed`` decides on: a pure function of both.

        Raises:
            FormatError: a clip or response cannot be read; the message names the file.
        """
        item = self._as_recorded(number, seeding.generator(seed, "spatial-item"))
        share = self.settings.mirror
        return mirrored(item) if share and seeding.generator(seed, "mirror").random() < share else item

    def _as_recorded(self, number: int, rng: np.random.Generator) -> SpatialItem:
        settings = self.settings
        place = int(rng.integers(len(self.responses)))
        dry, labels = self._clip(number, rng)
        if rng.random() >= settings.mixup:
            return joined_item(dry[None], self.responses, [place], labels, settings)
        other, other_labels = self._clip(int(rng.integers(len(self.clips))), rng)
        if settings.mix == "shared_response":
            share = np.float32(rng.beta(10, 10))
            mixed = share * dry + (1 - share) * other
            return joined_item(mixed[None], self.responses, [place], share * labels + (1 - share) * other_labels, settings)
        places = [place, self._elsewhere(place, rng)]
        return joined_item(np.stack([dry, other]), self.responses, places, np.maximum(labels, other_labels), settings)

    def _elsewhere(self, place: int, rng: np.random.Generator) -> int:
        """Another place in the same room, where there is one."""
        others = [n for n in self._neighbours[self.responses.entries[place].scene] if n != place]
        return others[int(rng.integers(len(others)))] if others else int(rng.integers(len(self.responses)))

    def _clip(self, number: int, rng: np.random.Generator) -> tuple[Float32, Float32]:
        """A clip at its level, and its labels; of another clip where this one cannot be read and may be skipped."""
        number, samples = self._readable(number, rng)
        gain = 0.5 + float(rng.beta(10, 10)) if self.settings.gain == "beta" else 1.0
        start = int(rng.integers(len(samples))) if self.settings.roll == "circular" else 0
        return dry_clip(samples, self.settings, gain=gain, start=start), clip_labels(self.clips, number)

    def _readable(self, number: int, rng: np.random.Generator) -> tuple[int, Float32]:
        for _ in range(_TRIES):
            try:
                return number, clip_samples(self.clips, number, self.settings, rng)
            except FormatError as error:
                if self.settings.unreadable == "refuse":
                    raise
                if number not in self._told:
                    _LOG.warning("skipped: %s", error)
                self._told.add(number)
            number = int(rng.integers(len(self.clips)))
        raise FormatError(
            f"{_TRIES} clips in a row cannot be read; {len(self._told)} were skipped so far, all are named in the log"
        )


def clip_item(
    clips: ClipBank, responses: ReverbBank, settings: ClipSettings, *, clip: int, response: int, rng: np.random.Generator
) -> SpatialItem:
    """Return one clip at one place, at its level, without gain: the item of an evaluation."""
    dry = dry_clip(clip_samples(clips, clip, settings, rng), settings)
    return joined_item(dry[None], responses, [response], clip_labels(clips, clip), settings)


def joined_item(
    dry: Float32, responses: ReverbBank, places: Sequence[int], labels: Float32, settings: ClipSettings
) -> SpatialItem:
    """Return dry clips ``(sources, samples)`` with the responses of their places, as an item at the first of them."""
    heard = [responses.response(place, longest=settings.taps) for place in places]
    joined = np.zeros((len(heard), len(heard[0]), max(response.shape[1] for response in heard)), np.float32)
    for row, response in zip(joined, heard, strict=True):
        row[:, : response.shape[1]] = response
    distance, azimuth, elevation = responses.classes[places[0]].tolist()
    return SpatialItem(dry, joined, labels.astype(np.float32), distance, azimuth, elevation)


def clip_samples(clips: ClipBank, number: int, settings: ClipSettings, rng: np.random.Generator) -> Float32:
    """Return the samples of a clip as its bank has them.

    Raises:
        FormatError: the clip cannot be read.
        ParameterError: the bank has another sample rate than the items.
    """
    samples, rate = clips.dry(number, rng)
    if rate != settings.sample_rate:
        raise ParameterError(f"{clips.name(number)}: {rate} Hz, but items have {settings.sample_rate} Hz")
    return samples


def clip_labels(clips: ClipBank, number: int) -> Float32:
    """Return the classes of a clip as ``(classes,)`` of 0 and 1."""
    labels = np.zeros(len(clips.labels), np.float32)
    labels[list(clips.classes(number))] = 1
    return labels


def dry_clip(samples: Float32, settings: ClipSettings, *, gain: float = 1.0, start: int = 0) -> Float32:
    """Return a clip ``(samples,)`` at its level, times ``gain``, from sample ``start`` on and round to it, cut or padded.

    The level is that of the whole clip, not of what is kept of it. Silence stays silence; peaks may exceed 1.
    """
    out = np.zeros(settings.samples, np.float32)
    power = float(np.dot(samples, samples)) / max(len(samples), 1)
    scale = np.float32(gain * 10 ** (settings.level_dbfs / 20) / math.sqrt(power)) if power else np.float32(0)
    place = 0
    for part in (samples[start:], samples[:start]):
        count = min(len(part), len(out) - place)
        np.multiply(part[:count], scale, out=out[place : place + count])
        place += count
    return out


def mirrored(item: SpatialItem) -> SpatialItem:
    """Return what a listener of two ears hears of the mirror image of a room: left and right exchanged.

    Raises:
        ParameterError: the responses are not those of two ears.
    """
    if item.responses.shape[1] != 2:
        raise ParameterError(f"only binaural responses can be mirrored, these have {item.responses.shape[1]} channels")
    return item._replace(responses=item.responses[:, ::-1].copy(), azimuth=(180 - item.azimuth) % 360)
