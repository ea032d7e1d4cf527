"""What a PSELDNet says of a clip, in the three formats of its heads.

Layouts are those of the published heads (arXiv:2411.06399): axis before class in ACCDOA vectors, track before axis. All are
views of one head's output, nothing is copied.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


class Accdoa(NamedTuple):
    """One vector per class, its length the activity (ACCDOA, arXiv:2010.15306).

    Attributes:
        vectors: ``(batch, frames, 3, classes)``, axes x, y, z, each in (-1, 1).
    """

    vectors: Tensor

    def activity_vectors(self) -> Tensor:
        """Return ``(batch, frames, 1, classes, 3)``."""
        return self.vectors.transpose(-1, -2)[:, :, None]


class MultiAccdoa(NamedTuple):
    """Three vectors per class, so that a class can sound from three places (multi-ACCDOA, arXiv:2110.07124).

    Attributes:
        vectors: ``(batch, frames, 3 tracks, 3, classes)``, axes x, y, z, each in (-1, 1).
    """

    vectors: Tensor

    def activity_vectors(self) -> Tensor:
        """Return ``(batch, frames, 3, classes, 3)``."""
        return self.vectors.transpose(-1, -2)


class TrackOutputs(NamedTuple):
    """Per track one class and one direction (EINV2, arXiv:2010.13092).

    Attributes:
        sed: ``(batch, frames, 3 tracks, classes)`` logits.
        doa: ``(batch, frames, 3 tracks, 3)``, axes x, y, z, each in (-1, 1); its length has no meaning.
    """

    sed: Tensor
    doa: Tensor

    def activity_vectors(self) -> Tensor:
        """Return ``(batch, frames, 3, classes, 3)``: in each track the likeliest class alone, the others are zero."""
        best = self.sed.argmax(dim=-1, keepdim=True)
        activity = torch.zeros_like(self.sed).scatter(-1, best, self.sed.gather(-1, best).sigmoid())
        return activity[..., None] * functional.normalize(self.doa, dim=-1)[..., None, :]


PseldOutputs = Accdoa | MultiAccdoa | TrackOutputs
