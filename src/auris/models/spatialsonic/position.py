"""How SpatialSonic tells its transformer where sounds are: words look up azimuths (arXiv:2410.10676).

Attention from the tokens of the prompt to the rows of the azimuth state matrices; its result stands as further tokens beside
those of the prompt. Names of modules are those of the published weights.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from auris.models.spatialsonic.azimuth_matrix import ROWS
from auris.models.spatialsonic.config import PositionConfig


class PositionConditioner(nn.Module):
    """Tokens of the prompt and azimuth matrices to tokens that say what is where.

    Args:
        config: its sizes.
        width: of the tokens, and columns of the matrices.
        tokens: of the prompt.
    """

    def __init__(self, config: PositionConfig, *, width: int, tokens: int) -> None:
        super().__init__()
        self.cross_a2t = _CrossTransformer(config, width=width, tokens=tokens)

    def forward(self, prompt: Tensor, matrices: Tensor) -> Tensor:
        """Return position tokens (batch, tokens, width).

        Args:
            prompt: (batch, tokens, width) of the prompt encoder, zero where there are no words.
            matrices: (batch, 17 * sounds, width) of :func:`auris.models.spatialsonic.azimuth_matrix.state_matrices`.
        """
        tokens: Tensor = self.cross_a2t(prompt, matrices)
        return tokens


class _CrossTransformer(nn.Module):
    words: Tensor
    rows: Tensor

    def __init__(self, config: PositionConfig, *, width: int, tokens: int) -> None:
        super().__init__()
        self.embedding = nn.Linear(width, width)  # in the published weights, and never used
        self.embedding.requires_grad_(False)
        blocks = (_Block(width, heads=config.heads, dropout=config.dropout) for _ in range(config.layers))
        self.transformer_blocks = nn.ModuleList(blocks)
        self.output_layer = nn.Linear(width, width)
        self.register_buffer("words", _places(tokens, width), persistent=False)
        self.register_buffer("rows", _places(ROWS * config.sounds, width), persistent=False)

    def forward(self, prompt: Tensor, matrices: Tensor) -> Tensor:
        x, source = prompt + self.words, matrices + self.rows
        for block in self.transformer_blocks:
            x = block(x, source)
        out: Tensor = self.output_layer(x)
        return out


class _Block(nn.Module):
    def __init__(self, width: int, *, heads: int, dropout: float) -> None:
        super().__init__()
        self.t2a = _Attention(width, heads=heads, dropout=dropout)
        self.layer_norm1 = nn.LayerNorm(width)
        self.layer_norm2 = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(nn.Linear(width, 4 * width), nn.ReLU(), nn.Linear(4 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, source: Tensor) -> Tensor:
        x = self.layer_norm1(x + self.dropout(self.t2a(x, source)))
        out: Tensor = self.layer_norm2(x + self.dropout(self.feed_forward(x)))
        return out


class _Attention(nn.Module):
    def __init__(self, width: int, *, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query_embedding = nn.Linear(width, width)
        self.key_embedding = nn.Linear(width, width)
        self.value_embedding = nn.Linear(width, width)
        self.out_projection = nn.Linear(width, width)

    def forward(self, x: Tensor, source: Tensor) -> Tensor:
        query, key, value = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (self.query_embedding(x), self.key_embedding(source), self.value_embedding(source))
        )
        heard = functional.scaled_dot_product_attention(query, key, value, dropout_p=self.dropout if self.training else 0.0)
        out: Tensor = self.out_projection(heard.transpose(1, 2).flatten(2))
        return out


def _places(count: int, width: int) -> Tensor:
    """Sines in the even and cosines in the odd columns, (count, width) (arXiv:1706.03762)."""
    rates = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
    angles = torch.arange(count)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)
