"""Where something is heard that is seen in an image: bounding boxes as directions and distances.

The horizontal place of a box's middle is the direction, the left edge of the image 1 (left) and the right edge 5 (right). The
share of the image that a box covers stands for the distance. The published system for images was never released; this is the
geometry alone (arXiv:2410.10676, interactive task). An image says nothing of the size of a place that could be relied on.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from auris.data.language.attributes import LEFT, RIGHT, Distance, SoundAttributes, direction_word, round_direction
from auris.errors import ParameterError
from auris.generation.plan import Plan

NEAR_FROM, MODERATE_FROM = 0.2, 0.03  # share of the image that a near and a moderately distant thing covers at least
_NUMBER = r"\s*[-+]?(?:\d+(?:\.\d*)?|\.\d+)\s*"


@dataclass(frozen=True)
class Box:
    """A rectangle in an image.

    Attributes:
        x0: left edge, pixels from the left edge of the image.
        y0: upper edge, pixels from the top.
        x1: right edge.
        y1: lower edge.
    """

    x0: float
    y0: float
    x1: float
    y1: float

    def __post_init__(self) -> None:
        corners = (self.x0, self.y0, self.x1, self.y1)
        numbers = [v for v in corners if isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) and v >= 0]
        if len(numbers) < 4 or self.x0 >= self.x1 or self.y0 >= self.y1:
            raise ParameterError(
                "a box is x0,y0,x1,y1 in pixels from the upper left corner, none negative, x0 below x1 and y0 below y1; got "
                + ",".join(str(v) for v in corners)
            )

    @classmethod
    def parse(cls, text: str) -> Box:
        """Return the box of ``x0,y0,x1,y1``.

        Raises:
            ParameterError: the text is none.

        >>> Box.parse("10,20,110,220").x1
        110.0
        """
        if not re.fullmatch(",".join([_NUMBER] * 4), text):
            raise ParameterError(f"a box is four numbers x0,y0,x1,y1 in pixels, as in 120,40,360,300; got {text!r}")
        return cls(*(float(number) for number in text.split(",")))

    def direction(self, width: float) -> float:
        """Return the direction of its middle in an image of ``width`` pixels: 1 (left) to 5 (right).

        Raises:
            ParameterError: the width is none, or the box reaches beyond it.

        >>> Box(0, 0, 100, 50).direction(400)
        1.5
        """
        _check_side("width", width, self.x1, self)
        return LEFT + (RIGHT - LEFT) * (self.x0 + self.x1) / 2 / width

    def share(self, width: float, height: float) -> float:
        """Return the share of an image of ``width`` times ``height`` pixels that it covers.

        Raises:
            ParameterError: the box reaches beyond the image.
        """
        _check_side("width", width, self.x1, self)
        _check_side("height", height, self.y1, self)
        return (self.x1 - self.x0) * (self.y1 - self.y0) / (width * height)

    def distance(self, width: float, height: float) -> Distance:
        """Return the distance that its size stands for.

        Raises:
            ParameterError: the box reaches beyond the image.
        """
        covered = self.share(width, height)
        return "near" if covered >= NEAR_FROM else "moderate" if covered >= MODERATE_FROM else "far"

    def __str__(self) -> str:
        return f"{self.x0:g},{self.y0:g},{self.x1:g},{self.y1:g}"


def placed_by_boxes(plan: Plan, boxes: Sequence[Box], *, width: float, height: float | None = None) -> Plan:
    """Return a plan whose sounds are where boxes in an image are, in the order in which the plan names them.

    A sound that moves begins at its box. With the height of the image, distances that nobody said follow from the areas.

    Args:
        plan: what sounds.
        boxes: one for each of the first sounds.
        width: of the image, pixels.
        height: of the image, pixels; None leaves distances as they are.

    Raises:
        ParameterError: there are more boxes than sounds, a box reaches beyond the image, or the prompt says another direction.
    """
    sounds = list(plan.attributes.sounds)
    if len(boxes) > len(sounds):
        names = ", ".join(sound.description for sound in sounds)
        raise ParameterError(f"{len(boxes)} boxes for {len(sounds)} sounds ({names}); give at most one box for each")
    notes = list(plan.notes)
    for number, box in enumerate(boxes):
        direction = round(box.direction(width), 4)
        distance = None if height is None else box.distance(width, height)
        sounds[number] = _placed(sounds[number], direction, distance)
        notes.append(f"{sounds[number].description}: the box {box} lies {direction_word(direction)}, at {direction:g}")
    return replace(plan, attributes=replace(plan.attributes, sounds=tuple(sounds)), notes=tuple(notes))


def _placed(sound: SoundAttributes, direction: float, distance: Distance | None) -> SoundAttributes:
    if sound.start is not None and round_direction(sound.start) != round_direction(direction):
        raise ParameterError(
            f"{sound.description}: it is said to be at {sound.start:g} ({direction_word(sound.start)}), but its box lies at "
            f"{direction:g} ({direction_word(direction)}); change one of the two"
        )
    first = sound.distance or distance
    if sound.moving:
        return replace(sound, start=direction, distance=first)
    return replace(sound, start=direction, end=direction, distance=first, end_distance=first)


def _check_side(name: str, side: float, reaches: float, box: Box) -> None:
    if isinstance(side, bool) or not isinstance(side, int | float) or not 0 < side < math.inf:
        raise ParameterError(f"the {name} of an image is a number of pixels above 0, got {side!r}")
    if reaches > side:
        raise ParameterError(f"the box {box} reaches beyond the image, whose {name} is {side:g} pixels")
