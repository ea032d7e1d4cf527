"""What comes back from generating: the sound, its scene and plan, who wrote it and from which seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auris.audio import Audio
from auris.scene import Scene

if TYPE_CHECKING:
    from auris.generation.plan import Plan
    from auris.generation.verdicts import Verification

Report = Callable[[str, int, int], None]
"""Is told what is being done, how much of it is done, and of how much."""
_SILENT = 1e-4  # peak, -80 dB re full scale


@dataclass(frozen=True)
class Sampling:
    """How a diffusion model draws; None takes the model's own.

    Attributes:
        steps: of the sampler.
        guidance: how strongly the clip follows the words; 1 does not exaggerate.
        guidance_position: how strongly it follows the directions, for models that tell both apart.
    """

    steps: int | None = None
    guidance: float | None = None
    guidance_position: float | None = None


@dataclass(frozen=True, eq=False)
class Made:
    """What an engine made of a plan.

    Attributes:
        audio: what is heard.
        scene: what was asked for.
        dry: what each source emits, mono, as heard at 1 m; empty where no such thing exists.
    """

    audio: Audio
    scene: Scene
    dry: tuple[Audio, ...] = ()


@dataclass(frozen=True)
class Attempt:
    """One of several clips of which the best was kept.

    Attributes:
        seed: of the clip.
        score: of its verification, 0 to 1.
    """

    seed: int
    score: float


@dataclass(frozen=True, eq=False)
class Generated:
    """A generated clip.

    Attributes:
        audio: what is heard.
        scene: what was asked for as a scene: rendered by :func:`auris.simulate`, it sounds from the same places. Sounds that
            ``place`` took from a bank are named in it; what a model wrote has no name there.
        plan: what was asked for, in words and attributes.
        model: who wrote it.
        seed: writes the same clip again, on the same machine.
        verification: asked against heard, where that was wanted.
        attempts: every clip that was written, where the best of several was kept.
        dry: of ``place``, the sound that each source emits, mono, as heard at 1 m; empty for end-to-end models.
        notes: what else should be known of how it came about, a sentence each.
    """

    audio: Audio
    scene: Scene
    plan: Plan
    model: str
    seed: int
    verification: Verification | None = None
    attempts: tuple[Attempt, ...] = ()
    dry: tuple[Audio, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def silent(self) -> bool:
        """Whether there is nothing to hear."""
        return is_silent(self.audio)

    def to_dict(self) -> dict[str, Any]:
        """Return a plain dictionary without samples, ready for JSON."""
        return {
            "model": self.model,
            "seed": self.seed,
            "layout": self.audio.layout.name,
            "sample_rate": self.audio.sample_rate,
            "seconds": self.audio.duration,
            "plan": self.plan.to_dict(),
            "scene": self.scene.to_dict(),
            "verification": None if self.verification is None else self.verification.to_dict(),
            "attempts": [{"seed": attempt.seed, "score": attempt.score} for attempt in self.attempts],
            "notes": list(self.notes),
        }


def is_silent(audio: Audio) -> bool:
    """Return whether a clip has nothing to hear: no sample above -80 dB re full scale."""
    return float(np.abs(audio.samples).max(initial=0.0)) < _SILENT
