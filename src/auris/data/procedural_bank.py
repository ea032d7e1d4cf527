"""Synthesised sounds as a bank."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from auris.data.playback import Samples, at_unit_level, check_duration, faded
from auris.data.procedural import PROCEDURAL_SOUNDS, synthesise
from auris.data.sound_catalogues.attribution import Attribution
from auris.errors import ParameterError, SceneError, unknown_name
from auris.scene import Sound


class ProceduralBank:
    """The procedural sounds as a bank: needs no files, never repeats."""

    def __init__(self, labels: Sequence[str] | None = None) -> None:
        """Choose the classes.

        Args:
            labels: some of :data:`~auris.data.procedural.PROCEDURAL_SOUNDS`; None takes all.

        Raises:
            ParameterError: a label is unknown, or none is given.
        """
        chosen = PROCEDURAL_SOUNDS if labels is None else tuple(labels)
        for label in chosen:
            if label not in PROCEDURAL_SOUNDS:
                raise ParameterError(unknown_name("procedural sound", label, PROCEDURAL_SOUNDS))
        if not chosen:
            raise ParameterError("a procedural bank needs at least one class")
        self._labels = tuple(sorted(set(chosen)))

    @property
    def labels(self) -> tuple[str, ...]:
        """Classes that can be picked, sorted."""
        return self._labels

    def pick(self, label: str, generator: np.random.Generator, *, duration: float | None = None) -> Sound:
        """Return a new variation of ``label``; see :meth:`Bank.pick`."""
        if label not in self._labels:
            raise ParameterError(unknown_name("class of the procedural bank", label, self._labels))
        return Sound(synthesis=label, seed=int(generator.integers(1, 2**31)))

    def plays(self, sound: Sound) -> bool:
        """Tell whether ``sound`` is a synthesis that exists."""
        return sound.synthesis in PROCEDURAL_SOUNDS

    def clip_length(self, sound: Sound) -> float:
        """Return infinity: a synthesis is as long as asked."""
        return math.inf

    def excerpt(self, sound: Sound, *, sample_rate: int, duration: float) -> Samples:
        """Return the synthesis for ``duration`` seconds at about -20 dB re full scale, faded at its edges."""
        check_duration(duration)
        if sound.synthesis is None:
            raise SceneError(f"the procedural bank plays no files, got {sound.file!r}; use open_bank(folder)")
        try:
            signal = synthesise(sound.synthesis, seed=sound.seed, duration=sound.start + duration, sample_rate=sample_rate)
        except ParameterError as error:
            raise SceneError(str(error)) from None
        length = round(duration * sample_rate)
        signal = signal[min(round(sound.start * sample_rate), len(signal) - 1) :]
        return faded(np.pad(signal, (0, max(length - len(signal), 0)))[:length], sample_rate)

    def dry(self, sound: Sound, sample_rate: int, duration: float) -> Samples:
        """Return the synthesis for ``duration`` seconds at an active RMS of 1; see :meth:`Bank.dry`."""
        return at_unit_level(self.excerpt(sound, sample_rate=sample_rate, duration=duration), sound, sample_rate)

    def attribution(self, files: Iterable[str]) -> tuple[Attribution, ...]:
        """Return nothing: these sounds are nobody's recordings."""
        return ()

    def licences(self) -> dict[str, int]:
        """Return nothing: these sounds are under no licence."""
        return {}
