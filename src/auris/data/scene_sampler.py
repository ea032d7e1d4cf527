"""Random scenes from a preset and a seed: a room, a listener, sources on their paths, events on the time line.

``sample_scene(preset, bank, seed)`` is a pure function: scene 17 is the same alone, in a batch, on any machine. What a
preset asks for may be impossible in a drawn room, so the whole draw is repeated up to :data:`TRIES` times; then a
:class:`~auris.errors.SceneError` names the constraint that failed.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np

from auris import seeding
from auris.data.paths import PathSampler, tidy_angle
from auris.data.scene_presets import MOTIONS, PRESETS, Motion, Range, ScenePreset, preset
from auris.data.sound_bank import Bank
from auris.data.timeline import Impossible, free_span
from auris.errors import ParameterError, SceneError, unknown_name
from auris.geometry.trajectories import Trajectory, Turning
from auris.scene import Background, Event, Listener, Room, Scene, Sound, Source

__all__ = ["MOTIONS", "PRESETS", "TRIES", "Motion", "Range", "ScenePreset", "preset", "sample_scene"]

TRIES = 40
_SABINE = 0.161  # seconds per metre
_MAX_ABSORPTION = 0.9


def sample_scene(choice: ScenePreset | str, bank: Bank, seed: int) -> Scene:
    """Return the scene number ``seed`` of a preset.

    Args:
        choice: a preset or the name of one (:data:`PRESETS`).
        bank: supplies the sounds; its labels are the classes unless the preset names some.
        seed: 0 or more. Scenes of different seeds are independent.

    Raises:
        ParameterError: the preset's name or one of its labels is unknown.
        SceneError: the preset asks for something impossible; the text names what.
    """
    ranges = preset(choice)
    labels = _labels(ranges, bank)
    failures: Counter[str] = Counter()
    for attempt in range(TRIES):
        try:
            return _attempt(ranges, bank, labels, seed, attempt)
        except Impossible as failure:
            failures[str(failure)] += 1
    reason, count = failures.most_common(1)[0]
    raise SceneError(f"no scene fits the preset after {TRIES} tries; {count} of them failed because {reason}")


def _labels(ranges: ScenePreset, bank: Bank) -> tuple[str, ...]:
    for label in ranges.labels or ():
        if label not in bank.labels:
            raise ParameterError(unknown_name("class (the preset wants it, the sound bank lacks it)", label, bank.labels))
    return ranges.labels or bank.labels


def _attempt(ranges: ScenePreset, bank: Bank, labels: tuple[str, ...], seed: int, attempt: int) -> Scene:
    """Draw everything once; each part from its own stream, so that one does not shift another."""
    room = _room(ranges, seeding.generator(seed, attempt, "room"))
    sampler = PathSampler(ranges, room)
    rng = seeding.generator(seed, attempt, "listener")
    listener = Listener(sampler.listener_path(rng), _turning(ranges, rng))
    count = int(seeding.generator(seed, attempt, "count").integers(ranges.sources[0], ranges.sources[1] + 1))
    paths = sampler.source_paths(listener, count, seeding.generator(seed, attempt, "paths"))
    plan = _plan(ranges, bank, labels, count, seeding.generator(seed, attempt, "events"))
    rng = seeding.generator(seed, attempt, "patterns")
    sources = tuple(_source(ranges, part, path, rng) for part, path in zip(plan, paths, strict=True))
    background = _background(ranges, seeding.generator(seed, attempt, "background"))
    rendering_seed = seeding.derive(seed, "rendering") >> 33
    return Scene(ranges.duration, sources, listener, room, background, seed=rendering_seed, name=f"scene {seed}")


def _room(ranges: ScenePreset, rng: np.random.Generator) -> Room | None:
    """A room whose reverberation time its walls can have (mean absorption of at most 0.9 by Sabine's formula)."""
    if ranges.t60 is None:
        return None
    x, y, z = (rng.uniform(*r) for r in (ranges.room_length, ranges.room_width, ranges.room_height))
    shortest = _SABINE * x * y * z / (_MAX_ABSORPTION * 2 * (x * y + y * z + z * x))
    low, high = max(ranges.t60[0], shortest), ranges.t60[1]
    if low > high:
        raise Impossible(
            f"a t60 of at most {high:g} s needs a smaller room than the ranges of room_length, room_width and room_height give"
        )
    dimensions = (round(float(x), 3), round(float(y), 3), round(float(z), 3))
    t60 = math.ceil(rng.uniform(low, high) * 1e4) / 1e4
    return Room(dimensions, t60=min(t60, high), scattering=round(float(rng.uniform(*ranges.scattering)), 3))


def _turning(ranges: ScenePreset, rng: np.random.Generator) -> Turning:
    """The listener's head: still, or turning at constant speed one way."""
    yaw = round(float(rng.uniform(*ranges.listener_yaw_deg)), 2)
    speed = float(rng.uniform(*ranges.listener_turning_deg) * rng.choice((-1.0, 1.0)))
    if speed == 0:
        return Turning(yaw=(tidy_angle(yaw),))
    # Knots at most a quarter turn apart: spherical interpolation takes the short way round.
    knots = max(2, math.ceil(abs(speed) * ranges.duration / 90.0) + 1)
    times = np.linspace(0, ranges.duration, knots)
    still = (0.0,) * knots
    return Turning(tuple(times), tuple(tidy_angle(yaw + speed * t) for t in times), still, still)


@dataclass(frozen=True)
class _Part:
    """One source's class and events."""

    label: str
    events: tuple[Event, ...]


def _plan(ranges: ScenePreset, bank: Bank, labels: tuple[str, ...], count: int, rng: np.random.Generator) -> list[_Part]:
    """Draw classes, sounds and levels, and put the events on the time line without exceeding the overlap."""
    drawn: list[tuple[int, Sound, float, float]] = []
    names = [labels[int(rng.integers(len(labels)))] for _ in range(count)]
    for source, label in enumerate(names):
        for _ in range(int(rng.integers(ranges.events_per_source[0], ranges.events_per_source[1] + 1))):
            wanted = min(float(rng.uniform(*ranges.event_duration)), ranges.duration)
            sound = bank.pick(label, rng, duration=wanted)
            drawn.append((source, sound, min(wanted, bank.clip_length(sound)), float(rng.uniform(*ranges.level_db))))
    taken: list[tuple[float, float]] = []
    events: list[list[Event]] = [[] for _ in range(count)]
    for source, sound, length, level in sorted(drawn, key=lambda item: -item[2]):
        own = [(e.onset, e.offset) for e in events[source]]
        shortest = min(length, ranges.event_duration[0])
        onset, offset = free_span(taken, own, (shortest, length), duration=ranges.duration, most=ranges.max_overlap, rng=rng)
        taken.append((onset, offset))
        events[source].append(Event(onset, offset, sound, round(level, 2)))
    return [_Part(label, tuple(own)) for label, own in zip(names, events, strict=True)]


def _source(ranges: ScenePreset, part: _Part, path: Trajectory, rng: np.random.Generator) -> Source:
    directivity = ranges.directivities[int(rng.integers(len(ranges.directivities)))]
    return Source(part.label, path, part.events, directivity=directivity)


def _background(ranges: ScenePreset, rng: np.random.Generator) -> Background:
    diffuse, sensor = (
        None if span is None else round(float(rng.uniform(*span)), 2) for span in (ranges.diffuse_snr_db, ranges.sensor_snr_db)
    )
    return Background(diffuse_snr_db=diffuse, sensor_snr_db=sensor)
