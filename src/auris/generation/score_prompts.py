"""Prompts to score generators with: drawn scenes of one and two sounds, still and moving, in the words of BEWO-1M's captions.

What is asked for is known exactly, because it was drawn before it was put into words (:mod:`auris.data.language.captions`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from auris import seeding
from auris.data.language.attributes import SceneAttributes, Size, SoundAttributes, Speed
from auris.data.language.captions import Mentions, caption, mentioned
from auris.errors import ParameterError
from auris.generation.induction import induce
from auris.generation.plan import Plan

_SPEEDS: tuple[Speed, ...] = ("slow", "moderate", "fast", "instantly")
_SPEED_SHARES = (0.3, 0.43, 0.2, 0.07)  # of moving sources, about as in BEWO-1M's figure
_SIZES: tuple[Size, ...] = ("outdoors", "large", "moderate", "small")
_SIZE_SHARES = (0.4, 0.25, 0.3, 0.05)
_MENTIONS = Mentions(size=0.4, distance=0.2, speed=0.6, start=1.0)


@dataclass(frozen=True)
class PromptSettings:
    """What prompts are drawn.

    Attributes:
        seconds: length of the clips.
        two_sounds: share of prompts with two sounds, of different classes.
        moving: share of sounds that move.
        mentions: what is said of a scene and what is left out; what is left out is not scored.
    """

    seconds: float = 5.0
    two_sounds: float = 0.4
    moving: float = 0.4
    mentions: Mentions = _MENTIONS

    def __post_init__(self) -> None:
        if not (0 <= self.two_sounds <= 1 and 0 <= self.moving <= 1):
            raise ParameterError(f"shares lie between 0 and 1, got {self.two_sounds!r} and {self.moving!r}")


def drawn_plans(labels: Sequence[str], *, count: int, seed: int, settings: PromptSettings | None = None) -> tuple[Plan, ...]:
    """Return plans of drawn prompts, as the grammar reads them.

    Args:
        labels: classes to draw from, at least two; each comes about equally often.
        count: prompts.
        seed: of the draws.
        settings: what is drawn.

    Raises:
        ParameterError: there are fewer than two classes, or no prompts are asked for.
    """
    if len(labels) < 2 or count < 1:
        raise ParameterError(f"prompts need two classes or more and a count of at least 1, got {len(labels)} and {count}")
    chosen = settings or PromptSettings()
    plans = []
    for index in range(count):
        own = seeding.derive(seed, "prompt", index)
        attributes = mentioned(_drawn(labels, index, own, chosen).in_words(), seed=own, shares=chosen.mentions)
        plans.append(replace(induce(caption(attributes, seed=own), labels=labels), seconds=chosen.seconds))
    return tuple(plans)


def _drawn(labels: Sequence[str], index: int, seed: int, settings: PromptSettings) -> SceneAttributes:
    rng = seeding.generator(seed, "attributes")
    first = labels[index % len(labels)]  # classes take turns
    names = [first]
    if rng.random() < settings.two_sounds:
        names.append(str(rng.choice([label for label in labels if label != first])))
    sounds = tuple(_sound(name, rng, settings.moving) for name in names)
    return SceneAttributes(sounds, _SIZES[int(rng.choice(len(_SIZES), p=_SIZE_SHARES))])


def _sound(name: str, rng: np.random.Generator, moving: float) -> SoundAttributes:
    begin, end = (float(value) for value in rng.permutation(5)[:2] + 1)
    said = name.replace("_", " ")
    if rng.random() >= moving:
        return SoundAttributes(said, begin, distance="near" if rng.random() < 0.5 else "moderate")
    return SoundAttributes(said, begin, end, _SPEEDS[int(rng.choice(len(_SPEEDS), p=_SPEED_SHARES))], "moderate", "moderate")
