"""The conformer: half a perceptron, attention, a convolution over time, half a perceptron.

Published weights fix three ways in which it differs from the paper (arXiv:2005.08100), all kept:

* attention scores are divided by the square root of the model's width, not of a head's;
* positions are absolute: the table holds sinusoids of 0, 1, 2 ... instead of distances;
* Transformer-XL's shift (arXiv:1901.02860) is applied to a square table, so that for keys after the query the score is one
  of the *next* query; see :func:`relative_shift`.

Parameter names are those of PSELDNets (arXiv:2411.06399) and of the implementation it took them from.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from auris.errors import ParameterError


class Conformer(nn.Module):
    """Conformer blocks, one after the other.

    Shape:
        - Input and output: ``(batch, steps, width)``

    Args:
        width: of the sequence; even and a multiple of ``heads``.
        layers: blocks.
        heads: of the attention.
        dropout: share of units dropped in training, after each part.

    Raises:
        ParameterError: the width does not suit.
    """

    def __init__(self, width: int, *, layers: int = 1, heads: int = 8, dropout: float = 0.1) -> None:
        super().__init__()
        if width % heads or width % 2:
            raise ParameterError(f"a conformer's width must be even and a multiple of its {heads} heads, got {width}")
        self.layers = nn.ModuleList(ConformerBlock(width, heads=heads, dropout=dropout) for _ in range(layers))

    def forward(self, x: Tensor) -> Tensor:
        """Return a sequence of the same shape."""
        for layer in self.layers:
            x = layer(x)
        return x


class ConformerBlock(nn.Module):
    """One block; its parts stand in ``sequential`` under their published numbers."""

    def __init__(self, width: int, *, heads: int = 8, dropout: float = 0.1) -> None:
        super().__init__()
        self.sequential = nn.Sequential(
            Residual(FeedForward(width, dropout=dropout), scale=0.5),
            Residual(PositionalAttention(width, heads=heads, dropout=dropout)),
            Residual(TemporalConvolution(width, dropout=dropout)),
            Residual(FeedForward(width, dropout=dropout), scale=0.5),
            nn.LayerNorm(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return a sequence of the same shape ``(batch, steps, width)``."""
        y: Tensor = self.sequential(x)
        return y


class Residual(nn.Module):
    """What came in, plus a share of what the module makes of it."""

    def __init__(self, module: nn.Module, *, scale: float = 1.0) -> None:
        super().__init__()
        self.module = module
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x + scale * module(x)``."""
        return torch.add(x, self.module(x), alpha=self.scale)


class FeedForward(nn.Module):
    """Normalise, widen four times, swish, narrow."""

    def __init__(self, width: int, *, dropout: float) -> None:
        super().__init__()
        self.sequential = nn.Sequential(
            nn.LayerNorm(width),
            _xavier_linear(width, 4 * width),
            nn.SiLU(),
            nn.Dropout(dropout),
            _xavier_linear(4 * width, width),
            nn.Dropout(dropout),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the same shape."""
        y: Tensor = self.sequential(x)
        return y


class PositionalAttention(nn.Module):
    """Normalise, then attend by content and position."""

    def __init__(self, width: int, *, heads: int, dropout: float) -> None:
        super().__init__()
        self.layer_norm = nn.LayerNorm(width)
        self.attention = ShiftedAttention(width, heads=heads, dropout=dropout)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return what each step of ``(batch, steps, width)`` takes from all."""
        y: Tensor = self.dropout(self.attention(self.layer_norm(x)))
        return y


class ShiftedAttention(nn.Module):
    """Multi-head attention whose scores are ``(q + u) k' + shift((q + v) p')``, divided by the root of the width.

    ``u`` and ``v`` are learned, ``p`` is a projection of sinusoids of the step number.
    """

    def __init__(self, width: int, *, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.scale = 1 / math.sqrt(width)
        self.query_proj = _xavier_linear(width, width)
        self.key_proj = _xavier_linear(width, width)
        self.value_proj = _xavier_linear(width, width)
        self.pos_proj = _xavier_linear(width, width, bias=False)
        self.out_proj = _xavier_linear(width, width)
        self.u_bias = nn.Parameter(torch.empty(heads, width // heads))
        self.v_bias = nn.Parameter(torch.empty(heads, width // heads))
        nn.init.xavier_uniform_(self.u_bias)
        nn.init.xavier_uniform_(self.v_bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return what each step of ``(batch, steps, width)`` takes from all."""
        query, key, value = (self._by_head(layer(x)) for layer in (self.query_proj, self.key_proj, self.value_proj))
        places = self._by_head(self.pos_proj(step_sinusoids(x.shape[1], x.shape[2], like=x))[None])
        by_place = relative_shift((query + self.v_bias[:, None]) @ places.transpose(-1, -2)) * self.scale
        taken = functional.scaled_dot_product_attention(
            query + self.u_bias[:, None],
            key,
            value,
            attn_mask=by_place.to(query.dtype),  # added to the scores, which are scaled alike
            dropout_p=self.dropout if self.training else 0.0,
            scale=self.scale,
        )
        y: Tensor = self.out_proj(taken.transpose(1, 2).flatten(2))
        return y

    def _by_head(self, x: Tensor) -> Tensor:
        """``(batch, steps, width)`` to ``(batch, heads, steps, width of a head)``."""
        return x.reshape(*x.shape[:2], self.heads, -1).transpose(1, 2)


class TemporalConvolution(nn.Module):
    """Normalise, gate, convolve each channel over 31 steps, normalise over the batch, swish, mix the channels."""

    def __init__(self, width: int, *, dropout: float, kernel: int = 31) -> None:
        super().__init__()
        self.sequential = nn.Sequential(
            nn.LayerNorm(width),
            Transpose(),
            TimeConvolution(nn.Conv1d(width, 2 * width, 1)),
            nn.GLU(dim=1),
            TimeConvolution(nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width, bias=False)),
            nn.BatchNorm1d(width),
            nn.SiLU(),
            TimeConvolution(nn.Conv1d(width, width, 1)),
            nn.Dropout(dropout),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return a sequence of the same shape ``(batch, steps, width)``."""
        y: Tensor = self.sequential(x)
        return y.transpose(1, 2)


class TimeConvolution(nn.Module):
    """A convolution under its published name."""

    def __init__(self, conv: nn.Conv1d) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor) -> Tensor:
        """Convolve ``(batch, channels, steps)``."""
        y: Tensor = self.conv(x)
        return y


class Transpose(nn.Module):
    """Steps last, as convolutions take them."""

    def forward(self, x: Tensor) -> Tensor:
        """Swap the last two axes."""
        return x.transpose(1, 2)


def step_sinusoids(steps: int, width: int, *, like: Tensor) -> Tensor:
    """Return sines (even columns) and cosines (odd) of the step number at ``width / 2`` rates: ``(steps, width)``.

    The table of the transformer (arXiv:1706.03762): rate ``i`` is ``10000 ** (-2 i / width)``. Published checkpoints carry
    10,000 rows of it; here it is made when it is needed, with the device and type of ``like``.
    """
    number = torch.arange(steps, dtype=torch.float32, device=like.device)[:, None]
    rate = torch.exp(torch.arange(0, width, 2, dtype=torch.float32, device=like.device) * -(math.log(10_000) / width))
    return torch.stack([torch.sin(number * rate), torch.cos(number * rate)], dim=-1).flatten(1).to(like.dtype)


def relative_shift(scores: Tensor) -> Tensor:
    """Move row ``i`` of a square table left until its last entry stands on the diagonal.

    A column of zeros is put in front, the table is read as one of a row more, and the first row is dropped. What lies right
    of the diagonal is therefore a zero and then the beginning of the row below: with distances in the columns and a mask
    over the future it would never be seen, here it is, and published weights count on it.

    >>> relative_shift(torch.arange(1.0, 10.0).reshape(3, 3)).int().tolist()
    [[3, 0, 4], [5, 6, 0], [7, 8, 9]]

    Args:
        scores: ``(..., steps, steps)``, queries by positions.
    """
    *others, steps, _ = scores.shape
    return functional.pad(scores, (1, 0)).reshape(*others, steps + 1, steps)[..., 1:, :]


def _xavier_linear(inputs: int, outputs: int, *, bias: bool = True) -> nn.Linear:
    """A linear layer with the conformer's start: Xavier uniform, no bias."""
    layer = nn.Linear(inputs, outputs, bias=bias)
    nn.init.xavier_uniform_(layer.weight)
    if bias:
        nn.init.zeros_(layer.bias)
    return layer
