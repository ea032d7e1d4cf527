"""What models that write sound are asked, and what they offer to those who ask.

Directions are the five-way scale of BEWO-1M (arXiv:2410.10676): 1 left, 2 front left, 3 front, 4 front right, 5 right, with
decimals between; azimuth is ``45 * (3 - direction)`` degrees (:data:`auris.geometry.frames.FRAMES`, ``five_way``).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Literal, Protocol, get_args, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auris.audio import Audio
from auris.channels import ChannelLayout
from auris.errors import ParameterError, unknown_name

RoomSize = Literal["outdoors", "large", "moderate", "small"]

MOST_SOUNDS = 4
LEFT, RIGHT = 1.0, 5.0
DISTANCE = 1.5


@dataclass(frozen=True)
class SoundRequest:
    """One sound that is asked for, and where it is.

    Attributes:
        description: what it is, such as "a dog barks" or a class.
        start: direction at the beginning, 1 (left) to 5 (right).
        end: direction at the end; of a still sound the same as ``start``.
        share: how the direction changes: 0 not at all; up to 1, the share of the clip that the movement takes, in the middle of
            the clip; down to -1, a jump when that share of the clip (without the sign) has passed.
        distance: from the listener at the beginning, metres.
        end_distance: at the end; 0 stands for ``distance``, and is replaced by it.

    Raises:
        ParameterError: a value is missing, not finite or out of range, or a still sound has two directions or distances.
    """

    description: str
    start: float
    end: float
    share: float = 0.0
    distance: float = DISTANCE
    end_distance: float = 0.0

    def __post_init__(self) -> None:
        _refuse_empty("description of a sound", self.description)
        for name in (field.name for field in fields(self)[1:]):
            object.__setattr__(self, name, _number(name, getattr(self, name), of=self.description))
        if self.end_distance == 0:
            object.__setattr__(self, "end_distance", self.distance)
        for name in ("start", "end"):
            if not LEFT <= getattr(self, name) <= RIGHT:
                raise ParameterError(
                    f"directions go from {LEFT:g} (left) over 3 (front) to {RIGHT:g} (right), "
                    f"{name} of {self.description!r} is {getattr(self, name):g}"
                )
        if not -1 <= self.share <= 1:
            raise ParameterError(
                f"a movement takes a share of the clip, 0 (still) to 1 (all of it), or jumps (-1 to 0); got {self.share:g} "
                f"for {self.description!r}"
            )
        if min(self.distance, self.end_distance) <= 0:
            raise ParameterError(f"distances are more than 0 m, got {self.distance:g} and {self.end_distance:g}")
        if self.share == 0 and (self.start != self.end or self.distance != self.end_distance):
            raise ParameterError(
                f"{self.description!r} is still (share 0), but begins at {self.start:g} ({self.distance:g} m) and ends at "
                f"{self.end:g} ({self.end_distance:g} m); give the share of the clip that the movement takes"
            )

    def progress(self, times: ArrayLike) -> NDArray[np.float64]:
        """Return how much of the movement is done, 0 to 1, at times given as shares of the clip.

        >>> SoundRequest("dog", 1, 5, share=0.5).progress([0, 0.25, 0.5, 1]).tolist()
        [0.0, 0.0, 0.5, 1.0]
        """
        moments = np.asarray(times, dtype=np.float64)
        if self.share == 0:
            return np.zeros_like(moments)
        if self.share < 0:
            return np.where(moments < -self.share, 0.0, 1.0)
        half = self.share / 2
        return np.clip(moments - 0.5, -half, half) / self.share + 0.5

    def direction(self, times: ArrayLike) -> NDArray[np.float64]:
        """Return the direction, 1 to 5, at times given as shares of the clip; it moves evenly in angle."""
        return self.start + (self.end - self.start) * self.progress(times)


@dataclass(frozen=True)
class GenerationRequest:
    """A clip that is asked for.

    Attributes:
        prompt: all of it in words.
        sounds: none to four of them; none where the prompt alone says what is where.
        seconds: length of the clip.
        room: what they sound in.

    Raises:
        ParameterError: the prompt is empty, there are more than four sounds, the length is not more than zero, or the room is
            unknown.
    """

    prompt: str
    sounds: tuple[SoundRequest, ...]
    seconds: float
    room: RoomSize = "outdoors"

    def __post_init__(self) -> None:
        _refuse_empty("prompt", self.prompt)
        object.__setattr__(self, "sounds", tuple(self.sounds))
        if len(self.sounds) > MOST_SOUNDS:
            raise ParameterError(f"at most {MOST_SOUNDS} sounds at a time, got {len(self.sounds)}; leave some out")
        if not all(isinstance(sound, SoundRequest) for sound in self.sounds):
            raise ParameterError(f"sounds are SoundRequest, got {self.sounds!r}")
        object.__setattr__(self, "seconds", _number("seconds", self.seconds, of=self.prompt))
        if self.seconds <= 0:
            raise ParameterError(f"a clip lasts more than 0 s, got {self.seconds:g}")
        if self.room not in get_args(RoomSize):
            raise ParameterError(unknown_name("room", self.room, get_args(RoomSize)))


@runtime_checkable
class Generator(Protocol):
    """Writes clips of sound; :class:`auris.models.spatialsonic.network.SpatialSonic` is one.

    Attributes:
        name: what it is called in tables and messages.
    """

    name: str

    @property
    def sample_rate(self) -> int:
        """Sample rate it writes at, hertz."""
        ...

    @property
    def layout(self) -> ChannelLayout:
        """What its channels mean."""
        ...

    @property
    def longest(self) -> float:
        """The longest clip it writes, seconds."""
        ...

    @property
    def labels(self) -> tuple[str, ...] | None:
        """The classes it knows, which descriptions are then to be; None where it takes any words."""
        ...

    def generate(
        self,
        request: GenerationRequest,
        *,
        seed: int,
        steps: int | None = None,
        guidance: float | None = None,
        guidance_position: float | None = None,
        report: Callable[[int, int], None] | None = None,
    ) -> Audio:
        """Write a clip; the same request and seed give the same one on the same machine.

        Args:
            request: at most :attr:`longest` long.
            seed: of everything that is drawn.
            steps: of the sampler; None takes the model's own number, as for all that follows.
            guidance: how strongly the clip follows the words (1 does not exaggerate).
            guidance_position: how strongly it follows the directions, for models trained to tell both apart; None takes the
                model's own.
            report: called with steps done and steps in all.

        Raises:
            ParameterError: the clip is too long, a sound is of no class that is known, or a setting is out of range.
        """
        ...


def _refuse_empty(what: str, text: object) -> None:
    if not isinstance(text, str) or not text.strip():
        raise ParameterError(
            f"the {what} is empty; say in words what is to be heard" + ("" if text == "" else f", not {text!r}")
        )


def _number(name: str, value: object, *, of: str) -> float:
    plain = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not plain or not math.isfinite(value):  # type: ignore[arg-type]
        raise ParameterError(f"{name} must be a finite number, got {value!r} for {of!r}")
    return float(value)  # type: ignore[arg-type]
