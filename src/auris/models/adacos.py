"""AdaCos (arXiv:1905.00292): classification by the angle between an embedding and a direction per class.

The cosines are multiplied by a scale ``s`` before the softmax. It is no hyper-parameter and has no gradient: before each loss
it is set so that the probability of the true class is most sensitive at the median angle of the batch.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional

_WIDEST = math.pi / 4  # median angle beyond which the scale stays
_SMALLEST = 1e-12


class AdaCosHead(nn.Module):
    """Cosines between an embedding and the classes, and their scale.

    Shape:
        - Input: ``(batch, width)``
        - Output: cosines ``(batch, classes)``

    Args:
        width: of the embeddings.
        classes: at least 3, so that there is a scale to start with.
    """

    s: Tensor

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.W = nn.Parameter(torch.empty(classes, width))
        nn.init.xavier_uniform_(self.W)
        self.register_buffer("s", torch.tensor([math.sqrt(2) * math.log(classes - 1)]))

    def forward(self, x: Tensor) -> Tensor:
        """Return cosines."""
        return functional.linear(functional.normalize(x), functional.normalize(self.W))

    def logits(self, cosines: Tensor) -> Tensor:
        """Return the scaled cosines: their softmax are probabilities."""
        return self.s * cosines

    @torch.no_grad()
    def update(self, cosines: Tensor, targets: Tensor) -> None:
        """Set the scale for a batch, in a run of several processes for their batches together: all of them keep one scale.

        Args:
            cosines: ``(batch, classes)``.
            targets: the true classes ``(batch,)``.
        """
        cosines, of_target = cosines.float(), targets[:, None]
        # The true class counts as exp(0), as published.
        others = (self.s * cosines).scatter(1, of_target, 0.0).logsumexp(dim=1)
        angles = cosines.gather(1, of_target).squeeze(1).clamp(-1.0, 1.0).acos()
        others, angles = _of_all_processes(torch.stack([others, angles], dim=1)).unbind(dim=1)
        mean = others.logsumexp(dim=0) - math.log(len(others))
        scale = mean / (angles.median().clamp(max=_WIDEST).cos() + _SMALLEST)
        self.s.copy_(scale.clamp(min=_SMALLEST))


def _of_all_processes(rows: Tensor) -> Tensor:
    """Rows ``(batch, numbers)`` of every process of the run, whose batches may differ in length."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return rows
    counts = [torch.zeros(1, dtype=torch.int64, device=rows.device) for _ in range(distributed.get_world_size())]
    distributed.all_gather(counts, torch.tensor([len(rows)], device=rows.device))
    lengths = [int(count) for count in counts]
    padded = functional.pad(rows, (0, 0, 0, max(lengths) - len(rows)))
    parts = [torch.empty_like(padded) for _ in lengths]
    distributed.all_gather(parts, padded)
    return torch.cat([part[:length] for part, length in zip(parts, lengths, strict=True)])
