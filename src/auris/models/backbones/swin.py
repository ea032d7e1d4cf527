"""Swin blocks: attention inside windows that shift by half their size from block to block (arXiv:2103.14030).

Tokens travel as grids ``(batch, rows, columns, width)``. Attention, relative positions and the mask of shifted windows are
one call of the fused kernel with one additive bias. Names of weights are those of the published Swin and HTS-AT networks;
index tables and masks follow from the geometry and are not saved.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from auris.errors import ParameterError

WINDOW = 8
_APART = -100.0  # added to the logits of tokens that the roll brought together; as published, not minus infinity


class SwinStage(nn.Module):
    """Blocks at one resolution, then a merge that halves it.

    Shape:
        - Input: ``(batch, side, side, width)``
        - Output: ``(batch, side / 2, side / 2, 2 * width)``, or the input's shape without a merge

    Args:
        width: channels of a token.
        side: rows and columns of the grid; a multiple of the window.
        heads: attention heads.
        drop_paths: for each block the probability that it is skipped in training.
        merge: what follows the blocks; None at the end of the trunk.

    Raises:
        ParameterError: the grid does not divide into windows.
    """

    def __init__(self, width: int, *, side: int, heads: int, drop_paths: Sequence[float], merge: nn.Module | None) -> None:
        super().__init__()
        if side % WINDOW:
            raise ParameterError(f"a grid of {side} by {side} tokens does not divide into windows of {WINDOW}")
        # One window holds all of the smallest grid: nothing to shift.
        shifts = [WINDOW // 2 if index % 2 and side > WINDOW else 0 for index in range(len(drop_paths))]
        self.blocks = nn.ModuleList(
            SwinBlock(width, side=side, heads=heads, shift=shift, drop_path=drop)
            for shift, drop in zip(shifts, drop_paths, strict=True)
        )
        self.downsample = merge

    def forward(self, grid: Tensor) -> Tensor:
        """Return the grid for the next stage."""
        for block in self.blocks:
            grid = block(grid)
        return grid if self.downsample is None else self.downsample(grid)


class SwinBlock(nn.Module):
    """Window attention and a multi-layer perceptron, each behind a normalisation and beside a skip."""

    mask: Tensor | None

    def __init__(self, width: int, *, side: int, heads: int, shift: int = 0, drop_path: float = 0.0, ratio: int = 4) -> None:
        super().__init__()
        self.shift = shift
        self.norm1 = nn.LayerNorm(width)
        self.attn = WindowAttention(width, heads)
        self.drop_path = DropPath(drop_path)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = Mlp(width, ratio * width)
        self.register_buffer("mask", _shift_mask(side, shift) if shift else None, persistent=False)

    def forward(self, grid: Tensor) -> Tensor:
        """Return a grid of the same shape."""
        grid = grid + self.drop_path(self._attended(self.norm1(grid)))
        outputs: Tensor = grid + self.drop_path(self.mlp(self.norm2(grid)))
        return outputs

    def _attended(self, grid: Tensor) -> Tensor:
        rows, columns = grid.shape[1:3]
        if self.shift:
            grid = grid.roll((-self.shift, -self.shift), dims=(1, 2))
        attended = _joined(self.attn(_windows(grid), self.mask), rows, columns)
        return attended.roll((self.shift, self.shift), dims=(1, 2)) if self.shift else attended


class WindowAttention(nn.Module):
    """Self-attention within windows, biased by the relative position of query and key.

    ``adapter`` is empty unless :mod:`auris.models.pseldnet.adaptation` puts a module there; what it makes of the output is
    added to the output.
    """

    relative_position: Tensor

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.width, self.heads = width, heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * WINDOW - 1) ** 2, heads))
        self.adapter: nn.Module | None = None
        self.register_buffer("relative_position", _relative_positions(), persistent=False)
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)

    def forward(self, windows: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return ``(windows, tokens, width)`` for the same; windows of one grid are successive.

        Args:
            windows: tokens of each window.
            mask: what is added to the logits ``(windows of one grid, 1, tokens, tokens)``.
        """
        query, key, value = self.qkv(windows).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        bias = self._bias(mask, windows.shape[0]).to(query.dtype)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        outputs: Tensor = self.proj(mixed.transpose(1, 2).flatten(2))
        return outputs if self.adapter is None else outputs + self.adapter(outputs)

    def _bias(self, mask: Tensor | None, windows: int) -> Tensor:
        """Relative position and mask, ``(1 or windows, heads, tokens, tokens)``; made anew, for it costs a hundredth."""
        tokens = WINDOW * WINDOW
        table = self.relative_position_bias_table.index_select(0, self.relative_position.flatten())
        bias = table.T.reshape(1, self.heads, tokens, tokens)
        if mask is None:
            return bias
        return (bias + mask).expand(windows // mask.shape[0], -1, -1, -1, -1).flatten(0, 1)


class Mlp(nn.Module):
    """Two linear layers with a GELU between; ``adapter``, when there is one, stands beside them."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.width = width
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)
        self.adapter: nn.Module | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(..., width)`` for the same."""
        outputs: Tensor = self.fc2(functional.gelu(self.fc1(x)))
        return outputs if self.adapter is None else outputs + self.adapter(x)


class PatchMerging(nn.Module):
    """Four neighbours become one token of twice the width.

    Shape:
        - Input: ``(batch, rows, columns, width)``
        - Output: ``(batch, rows / 2, columns / 2, 2 * width)``
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * width)
        self.reduction = nn.Linear(4 * width, 2 * width, bias=False)

    def forward(self, grid: Tensor) -> Tensor:
        """Return the smaller grid."""
        batch, rows, columns, width = grid.shape
        pairs = grid.reshape(batch, rows // 2, 2, columns // 2, 2, width)
        merged: Tensor = self.reduction(self.norm(pairs.permute(0, 1, 3, 4, 2, 5).flatten(3)))
        return merged


class DropPath(nn.Module):
    """Skip a residual branch for whole items of the batch, in training only (stochastic depth, arXiv:1603.09382)."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: Tensor) -> Tensor:
        """Return zeros for some items, the others scaled so that the mean stays."""
        if not self.training or self.probability == 0:
            return x
        kept = 1 - self.probability
        return x * x.new_empty(len(x), *[1] * (x.ndim - 1)).bernoulli_(kept).div_(kept)


def initialise(module: nn.Module) -> None:
    """Draw weights for training from scratch, as Swin does: use with ``nn.Module.apply``."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _windows(grid: Tensor) -> Tensor:
    """``(batch, rows, columns, width)`` -> ``(batch * windows, tokens, width)``, rows first."""
    batch, rows, columns, width = grid.shape
    parts = grid.reshape(batch, rows // WINDOW, WINDOW, columns // WINDOW, WINDOW, width)
    return parts.transpose(2, 3).reshape(-1, WINDOW * WINDOW, width)


def _joined(windows: Tensor, rows: int, columns: int) -> Tensor:
    """The inverse of :func:`_windows`."""
    parts = windows.reshape(-1, rows // WINDOW, columns // WINDOW, WINDOW, WINDOW, windows.shape[-1])
    return parts.transpose(2, 3).reshape(-1, rows, columns, windows.shape[-1])


def _relative_positions() -> Tensor:
    """Row of the bias table for each query and key of a window, ``(tokens, tokens)``."""
    row, column = torch.meshgrid(torch.arange(WINDOW), torch.arange(WINDOW), indexing="ij")
    token = torch.stack([row.flatten(), column.flatten()])
    offset = token[:, :, None] - token[:, None, :] + WINDOW - 1
    return offset[0] * (2 * WINDOW - 1) + offset[1]


def _shift_mask(side: int, shift: int) -> Tensor:
    """What keeps apart tokens that only the roll made neighbours, ``(windows, 1, tokens, tokens)``."""
    band = torch.zeros(side)
    band[-WINDOW:], band[-shift:] = 1, 2
    region = _windows((3 * band[:, None] + band)[None, ..., None])[..., 0]
    return torch.where(region[:, :, None] == region[:, None, :], 0.0, _APART)[:, None]
