"""Listening to what was generated: is every sound that was asked for heard, and from where it was asked for?

Two witnesses, where the layout has them. The interaural time difference of a stereo pair (:mod:`auris.metrics.itd`) says where
sound comes from, whatever it is; a listener (:mod:`auris.models.listening`) says what is heard, and from where. A sound is
compared in the first and in the last fifth of the clip, or when it sounds next to them, with where it was asked to be at these
very moments. A right direction is off by half a class of the five at most, 22.5°; where both speak, the nearer one counts.
Silence is never right.

Two microphones do not tell front from behind and two ears do badly, so what they hear is taken as in front.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from auris.audio import Audio
from auris.channels import ChannelLayout, ambisonics
from auris.errors import LayoutError, ParameterError
from auris.generation.place_scene import scene_of
from auris.generation.plan import Plan, label_for
from auris.generation.results import is_silent
from auris.generation.verdicts import Verification, VerifiedSound, Witness
from auris.geometry import angles
from auris.metrics.itd import direction_of_itd, gcc_phat_itd
from auris.scene import Event, Scene, Source

if TYPE_CHECKING:
    from auris.models.clip_listening import ClipModel
    from auris.models.listening import FrameListener

_PART = 0.2  # of the clip: its beginning, and its end
_HOP = 0.1  # seconds between moments
_FEWEST = 3  # moments that make a direction

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ears:
    """Who tells what is heard in a layout.

    Attributes:
        layout: what is heard.
        listener: a network, or None.
        time_differences: whether directions follow from the time between the channels: of a pair of microphones.
    """

    layout: ChannelLayout
    listener: FrameListener | None
    time_differences: bool

    @property
    def hears(self) -> ChannelLayout:
        """What the listener is given: of higher-order ambisonics the first order."""
        return ambisonics(1) if self.layout.kind == "ambisonics" else self.layout


def verify(
    audio: Audio,
    plan: Plan,
    *,
    listener: str | Path | FrameListener | ClipModel | None = None,
    device: str = "auto",
) -> Verification:
    """Compare what is heard in a clip with what was asked for.

    Args:
        audio: the clip; as long as the plan says, or nearly.
        plan: what was asked for.
        listener: as ``model`` of :func:`auris.listen`; None is the one that ships for the layout, where there is one.
        device: where a listener given by name computes.

    Raises:
        LayoutError: nobody hears this layout: no listener ships, and it is no pair of microphones.
        CheckpointError: the listener cannot be loaded.
    """
    return verify_with(audio, plan, ears_for(audio.layout, listener=listener, device=device))


def ears_for(
    layout: ChannelLayout, *, listener: str | Path | FrameListener | ClipModel | None = None, device: str = "auto"
) -> Ears:
    """Return who can verify clips of a layout.

    Raises:
        LayoutError: nobody can, or the listener hears another layout.
        CheckpointError: the listener cannot be loaded.
    """
    from auris.models.wrong_layout import wrong_layout
    from auris.pipelines import listener_for

    pair = layout.kind == "stereo"
    ears = Ears(layout, None, pair)
    try:
        heard_by = listener_for(ears.hears, model=listener, device=device)
    except LayoutError:
        if pair:
            return ears
        raise LayoutError(
            f"{layout.name} audio cannot be verified: no listener ships for it; generate stereo, binaural or foa, "
            "or name a listener"
        ) from None
    if heard_by.layout != ears.hears:
        if pair and listener is None:  # of another width than the listener's own
            return ears
        raise wrong_layout(ears.hears, heard_by.layout)
    return replace(ears, listener=heard_by)


def verify_with(audio: Audio, plan: Plan, ears: Ears) -> Verification:
    """Compare with ears that are there already; see :func:`verify`."""
    asked = scene_of(plan, seed=0)
    sounds = _asked(asked, audio.duration)
    if is_silent(audio):
        name = None if ears.listener is None else _name(ears.listener)
        return Verification(tuple(sound.row() for sound in sounds), True, name)
    rows = [sound.row() for sound in sounds]
    if ears.time_differences:
        rows = [replace(row, by_itd=witness) for row, witness in zip(rows, _by_itd(audio, sounds), strict=True)]
    if ears.listener is None:
        return Verification(tuple(rows))
    return _with_listener(rows, sounds, _heard(audio, ears), ears)


# ── what was asked for ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, eq=False)
class _Asked:
    """One sound that was asked for, and where it should be at every moment ``(T,)``."""

    label: str
    moments: Floats
    directions: Floats
    seconds: float
    several: bool

    @property
    def still(self) -> bool:
        return bool(np.ptp(self.directions) < 1e-6)

    def row(self) -> VerifiedSound:
        first, last = (round(float(self.directions[place]), 4) for place in (0, -1))
        return VerifiedSound(self.label, first, last, several=self.several)

    def at(self, times: Floats) -> Floats:
        """Where it should be at given times."""
        return np.interp(times, self.moments, self.directions)

    def witness(self, times: Floats, heard: Floats) -> Witness:
        """What directions that were heard at some times say of it, in the first and in the last part of the clip."""
        ends = [self._end(times, heard, from_end=from_end) for from_end in (False, True)]
        return Witness(ends[0][0], ends[1][0], (ends[0][1], ends[1][1]))

    def _end(self, times: Floats, heard: Floats, *, from_end: bool) -> tuple[float | None, float | None]:
        away = (self.seconds - times) if from_end else times
        # A sound that rests may be silent at an end; one that moves must be heard in both halves.
        usable = np.argsort(away, kind="stable")
        usable = usable if self.still else usable[away[usable] <= self.seconds / 2]
        chosen = usable[: max(_FEWEST, int(np.sum(away[usable] <= _PART * self.seconds)))]
        if not len(chosen):
            return None, None
        off = np.abs(_turn(heard[chosen] - self.at(times[chosen])))
        return float(np.median(heard[chosen])), float(np.median(off))


def _asked(scene: Scene, seconds: float) -> list[_Asked]:
    moments = np.arange(0.0, max(seconds, _HOP), _HOP / 2)
    return [
        _Asked(source.label, moments, _directions(scene, source, moments), seconds, len(scene.sources) > 1)
        for source in scene.sources
    ]


def _directions(scene: Scene, source: Source, times: Floats) -> Floats:
    azimuth, _, _ = angles(scene.relative_positions(source.path, times))
    return np.asarray(3.0 - np.degrees(azimuth) / 45.0)


def _turn(difference: Floats) -> Floats:
    """The shorter way round: eight directions are a turn."""
    return np.asarray((difference + 4.0) % 8.0 - 4.0)


def _folded(directions: Floats) -> Floats:
    """Directions behind, mirrored to the front."""
    turned = _turn(directions - 3.0)
    return np.asarray(3.0 + np.where(np.abs(turned) > 2, np.sign(turned) * 4 - turned, turned))


# ── time differences ─────────────────────────────────────────────────────────────────────────────────────────────────


def _by_itd(audio: Audio, sounds: Sequence[_Asked]) -> list[Witness]:
    """What time differences say of each sound. Of several sounds, each moment counts for the one it fits best."""
    left, right = np.asarray(audio.layout.positions)
    spacing = float(np.linalg.norm(left - right))
    track = gcc_phat_itd(audio.samples, audio.sample_rate)
    times, heard = track.times[track.active], direction_of_itd(track.itd[track.active], spacing=spacing)
    if len(sounds) == 1:
        return [sounds[0].witness(times, heard)]
    off = np.stack([np.abs(heard - sound.at(times)) for sound in sounds])
    nearest = off.argmin(axis=0)
    return [sound.witness(times[nearest == number], heard[nearest == number]) for number, sound in enumerate(sounds)]


# ── a listener ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _heard(audio: Audio, ears: Ears) -> Scene:
    from auris.pipelines import hearing

    first = Audio(audio.samples[: ears.hears.channels], audio.sample_rate, ears.hears)
    return hearing(first, model=ears.listener).scene()


def _with_listener(rows: Sequence[VerifiedSound], sounds: Sequence[_Asked], heard: Scene, ears: Ears) -> Verification:
    assert ears.listener is not None
    known = [_label_known(sound.label, ears.listener.labels) for sound in sounds]
    parts = [_HeardEvent.of(heard, source, event, folds=ears.layout.channels == 2) for source, event in heard.events()]
    own: list[list[_HeardEvent]] = [[] for _ in sounds]
    others = []
    for part in parts:
        fitting = [number for number, label in enumerate(known) if label == part.label]
        if not fitting:
            others.append(part)
            continue
        own[min(fitting, key=lambda number: part.off(sounds[number]))].append(part)
    done = [
        _row_heard(row, sound, label, mine, others) for row, sound, label, mine in zip(rows, sounds, known, own, strict=True)
    ]
    unasked = dict.fromkeys(part.label for part in others)
    unknown = all(label is None for label in known)
    return Verification(tuple(done), False, _name(ears.listener), heard, () if unknown else tuple(unasked))


def _row_heard(
    row: VerifiedSound, sound: _Asked, label: str | None, mine: Sequence[_HeardEvent], others: Sequence[_HeardEvent]
) -> VerifiedSound:
    """Add what the listener heard: the class that was asked for, or whatever came from nearest to there."""
    confidence = None if label is None else max((part.confidence for part in mine), default=0.0)
    if not mine:
        mine = [min(others, key=lambda part: part.off(sound))] if others else []
    times, directions = (
        np.concatenate([getattr(part, name) for part in mine]) if mine else np.zeros(0) for name in ("times", "directions")
    )
    return replace(
        row,
        heard=mine[0].label if mine else None,
        confidence=confidence,
        by_listener=sound.witness(times, directions),
    )


@dataclass(frozen=True, eq=False)
class _HeardEvent:
    """An event that a listener heard, moment by moment."""

    label: str
    confidence: float
    times: Floats
    directions: Floats

    @classmethod
    def of(cls, scene: Scene, source: Source, event: Event, *, folds: bool) -> _HeardEvent:
        count = max(1, round(event.duration / _HOP))
        times = event.onset + (np.arange(count) + 0.5) * event.duration / count
        directions = _directions(scene, source, times)
        confidence = 1.0 if event.confidence is None else event.confidence
        return cls(source.label, confidence, times, _folded(directions) if folds else directions)

    def off(self, sound: _Asked) -> float:
        """How far it is from where a sound should be, in directions."""
        return float(np.mean(np.abs(_turn(self.directions - sound.at(self.times)))))


def _label_known(description: str, labels: Sequence[str]) -> str | None:
    try:
        return label_for(description, labels)
    except ParameterError:
        return None


def _name(listener: FrameListener) -> str:
    return str(getattr(listener, "name", type(listener).__name__))
