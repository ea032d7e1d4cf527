"""From a scene to the dry signals its sources emit: every event at its onset, at its level."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from auris import seeding
from auris.data.sound_bank import Bank
from auris.dsp.loudness import from_decibels
from auris.errors import ParameterError, SceneError, unknown_name
from auris.scene import Event, Scene


def dry_signals(scene: Scene, bank: Bank, sample_rate: int) -> NDArray[np.float32]:
    """Return what each source emits, as heard at 1 m in a free field: the input of the renderer.

    An event occupies the samples from ``round(onset * rate)`` up to ``round(offset * rate)``. Its active RMS is
    ``level_db`` re full scale; with ``level_db=None`` it is played as recorded.

    Args:
        scene: its events need sounds (:func:`with_sounds` supplies them).
        bank: plays the sounds.
        sample_rate: hertz.

    Returns:
        float32 ``(sources, round(duration * rate))``; zero outside the events.

    Raises:
        SceneError: an event has no sound, or its sound cannot be played; the text names source and event.
    """
    length = round(scene.duration * sample_rate)
    signals = np.zeros((len(scene.sources), length), np.float32)
    for row, source in zip(signals, scene.sources, strict=True):
        for event in source.events:
            first, last = round(event.onset * sample_rate), min(round(event.offset * sample_rate), length)
            if last <= first:
                continue
            try:
                row[first:last] = _event_signal(event, bank, sample_rate, last - first)
            except (SceneError, ParameterError) as error:
                raise SceneError(f"source {source.label!r}, event at {event.onset:g} s: {error}") from None
    return signals


def _event_signal(event: Event, bank: Bank, sample_rate: int, length: int) -> NDArray[np.float32]:
    if event.sound is None:
        raise SceneError("no sound is given (the event was heard, not made); call with_sounds(scene, bank, seed) first")
    duration = length / sample_rate
    if event.level_db is None:
        return bank.excerpt(event.sound, sample_rate=sample_rate, duration=duration)[:length]
    dry = bank.dry(event.sound, sample_rate, duration)[:length]
    return np.asarray(dry * np.float32(from_decibels(event.level_db)))


def with_sounds(scene: Scene, bank: Bank, *, seed: int) -> Scene:
    """Return the scene with a sound of its source's class for every event that has none.

    This is how a scene that was heard (by ``listen``) is rendered again.

    Raises:
        SceneError: the bank has no sounds of a class that needs one.
    """
    sources = []
    for number, source in enumerate(scene.sources):
        events = []
        for index, event in enumerate(source.events):
            chosen = event
            if event.sound is None:
                if source.label not in bank.labels:
                    raise SceneError(unknown_name("class of source", source.label, bank.labels))
                generator = seeding.generator(seed, "sound", number, index)
                chosen = replace(event, sound=bank.pick(source.label, generator, duration=event.duration))
            events.append(chosen)
        sources.append(replace(source, events=tuple(events)))
    return scene.with_(sources=tuple(sources))
