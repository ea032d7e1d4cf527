"""Vision transformer (arXiv:2010.11929) over spectrograms: patches, where they stand, blocks of attention, and masking.

Names of weights are those of the published networks: PaSST, AudioMAE, Spatial-AST, DSpAST.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from auris.models.backbones.swin import DropPath


class PatchEmbedding(nn.Module):
    """Maps ``(batch, channels, rows, columns)`` to one vector per patch, ``(batch, width, rows', columns')``.

    Args:
        channels: of the maps.
        width: of the vectors.
        patch: side of a square patch.
        stride: from one patch to the next; None sets them edge to edge.
        margin: rows and columns of zeros around the maps.
    """

    def __init__(self, channels: int, width: int, *, patch: int, stride: int | None = None, margin: int = 0) -> None:
        super().__init__()
        self.proj = nn.Conv2d(channels, width, patch, stride=stride or patch, padding=margin)

    def forward(self, maps: Tensor) -> Tensor:
        """Return one vector per patch."""
        patches: Tensor = self.proj(maps)
        return patches


class TransformerBlock(nn.Module):
    """Attention between all tokens, then a perceptron on each; both see normalised tokens and add to what they saw.

    Args:
        width: of the tokens.
        heads: of the attention.
        drop_path: probability that an item of the batch skips attention or perceptron in training.
    """

    def __init__(self, width: int, heads: int, *, drop_path: float = 0.0) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = SelfAttention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = Perceptron(width, 4 * width)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """Return tokens of the same shape ``(batch, tokens, width)``."""
        x = x + self.drop_path(self.attn(self.norm1(x)))
        y: Tensor = x + self.drop_path(self.mlp(self.norm2(x)))
        return y


class SelfAttention(nn.Module):
    """Multi-head attention of tokens to each other."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return what each token of ``(batch, tokens, width)`` takes from all."""
        query, key, value = self.qkv(x).reshape(*x.shape[:2], 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        taken: Tensor = self.proj(functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2))
        return taken


class Perceptron(nn.Module):
    """Two layers with a GELU between them."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the same shape."""
        mapped: Tensor = self.fc2(functional.gelu(self.fc1(x)))
        return mapped


def sinusoidal_positions(times: int, bands: int, width: int) -> Tensor:
    """Return AudioMAE's table of positions (arXiv:2207.06405), ``(times * bands, width)``, time-major.

    The first half of a row tells the band, the second the time, each as sines then cosines of falling frequencies.

    >>> sinusoidal_positions(64, 8, 768).shape
    torch.Size([512, 768])
    """
    quarter = width // 4
    rates = 10_000.0 ** -(torch.arange(quarter, dtype=torch.float64) / quarter)

    def waves(steps: int) -> Tensor:
        angles = torch.outer(torch.arange(steps, dtype=torch.float64), rates)
        return torch.cat([angles.sin(), angles.cos()], dim=1)

    table = [waves(bands).repeat(times, 1), waves(times).repeat_interleave(bands, dim=0)]
    return torch.cat(table, dim=1).to(torch.float32)


def kept_patches(batch: int, *, times: int, bands: int, drop_times: float, drop_bands: float) -> Tensor:
    """Draw which patches of a grid stay: some whole columns of time and some whole rows of frequency are left out.

    The draws are from torch's own generator, in the order of the published code, so that its seeds leave out the same.

    Args:
        batch: items, each with a draw of its own.
        times: columns of the grid.
        bands: rows of the grid.
        drop_times: share of the columns left out.
        drop_bands: share of the rows left out.

    Returns:
        Indices ``(batch, kept)`` into the time-major grid, in random order.
    """
    columns = torch.rand(batch, times).argsort(dim=1)[:, : int(times * (1 - drop_times))]
    rows = torch.rand(batch, bands).argsort(dim=1)[:, : int(bands * (1 - drop_bands))]
    return (columns[:, :, None] * bands + rows[:, None, :]).flatten(1)
