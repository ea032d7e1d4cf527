"""The azimuth state matrix: where each sound is, over the length of a clip (arXiv:2410.10676).

Seventeen rows go in steps of 11.25 degrees from the left (0) to the right (16); columns are equal slices of the clip, as many
as the tokens of the conditioning are wide. Everything here is done as in the released program, with its truncations, because
the published weights have learnt them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import torch
from torch import Tensor

from auris.errors import ParameterError, unknown_name
from auris.models.generating import LEFT, RIGHT, SoundRequest
from auris.models.spatialsonic.config import Spread

ROWS = 17
_ROWS_PER_CLASS = 4


@dataclass(frozen=True)
class AzimuthTrack:
    """How the direction of one sound is written.

    Attributes:
        start: direction at the beginning, 1 (left) to 5 (right).
        end: direction at the end.
        share: of the clip that the movement takes, in its middle; 0 stays at ``start``; negative jumps when that share (without
            the sign) has passed. BEWO-1M calls it speed; larger is slower.
        spread: ``coarse`` is a bell of one row's deviation around the row, ``fine`` the row alone.

    Raises:
        ParameterError: a direction or share is out of range or no number, or the spread is unknown.
    """

    start: float
    end: float
    share: float = 0.0
    spread: Spread = "coarse"

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            if not LEFT <= getattr(self, name) <= RIGHT:
                raise ParameterError(f"directions go from 1 (left) to 5 (right), {name} is {getattr(self, name)!r}")
        if not -1 <= self.share <= 1:
            raise ParameterError(
                f"the speed of an azimuth track is the share of the clip that the movement takes, at most 1 (the slowest), or "
                f"from -1 to 0 for a jump; got {self.share!r}"
            )
        if self.spread not in get_args(Spread):
            raise ParameterError(unknown_name("spread", self.spread, get_args(Spread)))

    @classmethod
    def of(cls, sound: SoundRequest, *, spread: Spread = "coarse") -> AzimuthTrack:
        """Return the track of a sound that is asked for."""
        return cls(sound.start, sound.end, sound.share, spread)


def azimuth_row(direction: float) -> int:
    """Return the row of a direction of 1 to 5, truncated to quarters.

    >>> azimuth_row(1), azimuth_row(3), azimuth_row(3.2), azimuth_row(5)
    (0, 8, 8, 16)
    """
    return int((direction - 1) * _ROWS_PER_CLASS)


def active_rows(track: AzimuthTrack, columns: int) -> Tensor:
    """Return the row (columns,), int64, at which a sound is in each slice of the clip."""
    start, end = azimuth_row(track.start), azimuth_row(track.end)
    rows = torch.full((columns,), start, dtype=torch.int64)
    if track.share == 0 or track.start == track.end:
        return rows
    if track.share < 0:
        rows[int(columns * -track.share) :] = end
        return rows
    moving = int(columns * track.share)
    first = (columns - moving) // 2
    rows[first + moving :] = end
    rows[first : first + moving] = torch.linspace(start, end, moving, dtype=torch.int64)
    return rows


def azimuth_matrix(track: AzimuthTrack, columns: int) -> Tensor:
    """Return the matrix (17, columns), float32, of one sound; each column adds up to one."""
    rows = torch.arange(ROWS)[:, None] - active_rows(track, columns)
    if track.spread == "fine":
        return (rows == 0).float()
    bell = torch.exp(-0.5 * rows.double().square())
    return (bell / bell.sum(dim=0)).float()


def state_matrices(clips: Sequence[Sequence[AzimuthTrack]], *, sounds: int, columns: int) -> Tensor:
    """Return the matrices of the sounds of several clips, one below the other: (clips, 17 * sounds, columns), float32.

    Args:
        clips: the tracks of each.
        sounds: most of a clip; the rows of those that are not there are zero.
        columns: slices of the clip.

    Raises:
        ParameterError: a clip has too many sounds.
    """
    matrices = torch.zeros(len(clips), sounds * ROWS, columns)
    for clip, tracks in zip(matrices, clips, strict=True):
        if len(tracks) > sounds:
            raise ParameterError(f"this model places at most {sounds} sounds at a time, got {len(tracks)}; leave some out")
        for number, track in enumerate(tracks):
            clip[number * ROWS : (number + 1) * ROWS] = azimuth_matrix(track, columns)
    return matrices
