"""The engine ``place``: mono sounds, put where the plan says by the simulator, for any layout.

Directions, movements and rooms are exact by construction; the sounds themselves come from a bank of recordings or syntheses, or
from a generative model that writes them without space. It is what end-to-end models are compared with (arXiv:2410.10676 has no
such engine).

Every source emits the same active level at 1 m, so that distance makes the loudness; then the whole scene is raised or lowered
until the clip's peak is at :data:`PEAK_DB`, and the scene says by how much in its events' levels: rendered again, it gives the
same samples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from auris import seeding
from auris.acoustics.renderer import render
from auris.audio import Audio
from auris.channels import ChannelLayout, mono
from auris.data.dry import dry_signals, with_sounds
from auris.data.made_sets.bewo import without_jumps
from auris.data.sound_bank import Bank
from auris.dsp.loudness import from_decibels, scaled_to, to_decibels
from auris.errors import ParameterError
from auris.generation.place_scene import scene_of
from auris.generation.plan import Plan
from auris.generation.results import Made, Report, Sampling
from auris.scene import Scene

BANK_RATE = 44_100  # hertz, as BEWO-1M's models
LEVEL_DB, PEAK_DB = -26.0, -3.0  # dB re full scale: active level of a source at 1 m; peak of the clip
_BANK_SECONDS, _BANK_LONGEST = 10.0, 600.0
_SILENT = 1e-6

Float32 = NDArray[np.float32]


@runtime_checkable
class MonoGenerator(Protocol):
    """A model that writes sounds without space, for others to place."""

    name: str

    @property
    def sample_rate(self) -> int:
        """Hertz."""
        ...

    @property
    def labels(self) -> tuple[str, ...] | None:
        """The classes it knows; None where it takes any words."""
        ...

    @property
    def longest(self) -> float:
        """The longest clip it writes, seconds."""
        ...

    def mono(
        self,
        descriptions: Sequence[str],
        *,
        seconds: float,
        seed: int,
        steps: int | None = None,
        guidance: float | None = None,
        report: Callable[[int, int], None] | None = None,
    ) -> list[Float32]:
        """Write one sound for each description, ``(samples,)`` each."""
        ...


class Content(Protocol):
    """Where the sounds that are placed come from."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def labels(self) -> tuple[str, ...] | None:
        """The classes it has; None where it takes any words."""
        ...

    @property
    def sample_rate(self) -> int:
        """Hertz."""
        ...

    @property
    def usual(self) -> float:
        """Seconds of a clip when nothing else is asked for."""
        ...

    @property
    def longest(self) -> float:
        """The longest clip, seconds."""
        ...

    def emitted(self, scene: Scene, *, seed: int, sampling: Sampling, report: Report) -> tuple[Scene, Float32]:
        """Return the scene, with the sounds named in it that have names, and what each source emits ``(sources, samples)``."""
        ...


@dataclass(frozen=True, eq=False)
class BankContent:
    """Sounds picked from a bank; the same seed picks the same.

    Attributes:
        bank: recordings, or syntheses.
        sample_rate: hertz.
    """

    bank: Bank
    sample_rate: int = BANK_RATE
    name: str = "bank"
    usual: float = _BANK_SECONDS
    longest: float = _BANK_LONGEST

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes of the bank."""
        return self.bank.labels

    def emitted(self, scene: Scene, *, seed: int, sampling: Sampling, report: Report) -> tuple[Scene, Float32]:
        """Return the scene with a sound of its class for each source, and the sounds; see :class:`Content`.

        Raises:
            SceneError: a recording cannot be played.
        """
        chosen = with_sounds(scene, self.bank, seed=seeding.derive(seed, "bank"))
        return chosen, dry_signals(chosen, self.bank, self.sample_rate)


@dataclass(frozen=True, eq=False)
class GeneratedContent:
    """Sounds that a model writes, without space."""

    generator: MonoGenerator

    @property
    def name(self) -> str:
        """The name of the model."""
        return self.generator.name

    @property
    def labels(self) -> tuple[str, ...] | None:
        """The classes of the model; None where it takes any words."""
        return self.generator.labels

    @property
    def sample_rate(self) -> int:
        """Hertz."""
        return self.generator.sample_rate

    @property
    def usual(self) -> float:
        """The length the model writes."""
        return min(self.generator.longest, _BANK_SECONDS)

    @property
    def longest(self) -> float:
        """The longest clip, seconds."""
        return self.generator.longest

    def emitted(self, scene: Scene, *, seed: int, sampling: Sampling, report: Report) -> tuple[Scene, Float32]:
        """Return the scene as it is, and the sounds at its events' levels; see :class:`Content`. A silent one stays silent."""
        rate, length = self.sample_rate, round(scene.duration * self.sample_rate)
        written = self.generator.mono(
            [source.label for source in scene.sources],
            seconds=scene.duration,
            seed=seed,
            steps=sampling.steps,
            guidance=sampling.guidance,
            report=lambda done, total: report("sampling", done, total),
        )
        rows = np.zeros((len(scene.sources), length), np.float32)
        for row, source, sound in zip(rows, scene.sources, written, strict=True):
            level = source.events[0].level_db
            sounding = np.asarray(sound, np.float32)[:length]
            if np.abs(sounding).max(initial=0.0) > _SILENT:
                row[: len(sounding)] = scaled_to(sounding, rate, level_db=LEVEL_DB if level is None else level)
        return scene, rows


@dataclass(frozen=True, eq=False)
class PlaceEngine:
    """Places mono sounds by simulation.

    Attributes:
        content: where the sounds come from.
        layout: what the listener is: a stereo pair as of BEWO-1M, two ears, ambisonics, any array.
    """

    content: Content
    layout: ChannelLayout

    @property
    def name(self) -> str:
        """``place``, and who writes the sounds."""
        return "place" if isinstance(self.content, BankContent) else f"place ({self.content.name})"

    @property
    def labels(self) -> tuple[str, ...] | None:
        """The classes it can place; None where it takes any words."""
        return self.content.labels

    @property
    def usual(self) -> float:
        """Seconds of a clip when nothing else is asked for."""
        return self.content.usual

    @property
    def longest(self) -> float:
        """The longest clip, seconds."""
        return self.content.longest

    def make(self, plan: Plan, *, seed: int, sampling: Sampling, report: Report) -> Made:
        """Write a clip.

        Raises:
            SceneError: the plan makes no scene, or a recording cannot be played.
            ParameterError: a setting that only end-to-end models have.
        """
        if isinstance(self.content, BankContent) and (sampling.steps is not None or sampling.guidance is not None):
            raise ParameterError("sounds of a bank are not sampled, so steps and guidance do nothing; leave them out")
        if sampling.guidance_position is not None:
            raise ParameterError("place puts sounds exactly where they are asked for; leave guidance_position out")
        scene, dry = self.content.emitted(
            at_level(scene_of(plan, seed=seed), LEVEL_DB), seed=seed, sampling=sampling, report=report
        )
        report("placing", 0, 1)
        rate = self.content.sample_rate
        audio = rendered(scene, dry, layout=self.layout, sample_rate=rate)
        gain_db = gain_to_peak(audio)
        report("placing", 1, 1)
        emitted = tuple(Audio(row * np.float32(from_decibels(gain_db)), rate, mono()) for row in dry)
        return Made(audio.scaled(gain_db), at_level(scene, LEVEL_DB + gain_db), emitted)


def rendered(scene: Scene, dry: Float32, *, layout: ChannelLayout, sample_rate: int) -> Audio:
    """Return what a listener hears of a scene; sources that jump rest before and after, and nothing flies by in between."""
    staged, emitted = without_jumps(scene, dry, sample_rate)
    heard = render(staged, emitted, layout=layout, sample_rate=sample_rate).mixture
    return Audio(np.ascontiguousarray(heard.samples), sample_rate, layout)


def at_level(scene: Scene, level_db: float) -> Scene:
    """Return a scene whose events all have one level, dB re full scale at 1 m."""
    sources = (
        replace(source, events=tuple(replace(event, level_db=level_db) for event in source.events)) for source in scene.sources
    )
    return scene.with_(sources=tuple(sources))


def gain_to_peak(audio: Audio) -> float:
    """Return the gain in dB that brings the largest sample to :data:`PEAK_DB`; 0 for silence."""
    peak = float(np.abs(audio.samples).max(initial=0.0))
    return round(PEAK_DB - float(to_decibels(peak)), 3) if peak > _SILENT else 0.0
