"""What may stand between a trunk and the heads: recurrence, a conformer or a transformer over the steps.

The choices of PSELDNets (arXiv:2411.06399), with their parameter names.
"""

from __future__ import annotations

from typing import Literal, get_args

from torch import Tensor, nn
from torch.nn import functional

from auris.errors import ParameterError, unknown_name
from auris.models.backbones.conformer import Conformer

DecoderKind = Literal["none", "gru", "conformer", "transformer"]
_HEADS = 8
_UNITS = 2048


def sequence_decoder(kind: DecoderKind, width: int, *, layers: int = 1) -> nn.Module:
    """Return a module in which every step hears of the others: ``(batch, steps, width)`` to the same.

    * ``gru``: both directions, half the width each;
    * ``conformer``: :class:`~auris.models.backbones.conformer.Conformer`;
    * ``transformer``: 8 heads, 2048 units, normalised behind each part (arXiv:1706.03762), without positions;
    * ``none``: steps stay as they are.

    Conformer and transformer drop a tenth of their units in training.

    Args:
        kind: which.
        width: of the sequence; even for a GRU, a multiple of 8 for conformer and transformer.
        layers: how many.

    Raises:
        ParameterError: unknown kind, or a width or number of layers that does not suit.
    """
    if kind not in get_args(DecoderKind):
        raise ParameterError(unknown_name("decoder", kind, get_args(DecoderKind)))
    if layers < 1:
        raise ParameterError(f"a decoder has at least 1 layer, got {layers}; use 'none' for no decoder")
    needed = {"none": 1, "gru": 2}.get(kind, _HEADS)
    if width % needed:
        raise ParameterError(f"the width of a {kind} decoder must be a multiple of {needed}, got {width}")
    if kind == "gru":
        return SequenceDecoder(nn.GRU(width, width // 2, layers, batch_first=True, bidirectional=True))
    if kind == "conformer":
        return SequenceDecoder(Conformer(width, layers=layers, heads=_HEADS))
    if kind == "transformer":
        return SequenceDecoder(Transformer(width, layers=layers))
    return nn.Identity()


class SequenceDecoder(nn.Module):
    """A decoder under its published name; of recurrent ones the outputs count, not the last state."""

    def __init__(self, decoder: nn.Module) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, x: Tensor) -> Tensor:
        """Return a sequence of the same shape ``(batch, steps, width)``."""
        y = self.decoder(x)
        steps: Tensor = y[0] if isinstance(y, tuple) else y
        return steps


class Transformer(nn.Module):
    """Transformer layers, one after the other (arXiv:1706.03762)."""

    def __init__(self, width: int, *, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(TransformerLayer(width) for _ in range(layers))

    def forward(self, x: Tensor) -> Tensor:
        """Return a sequence of the same shape ``(batch, steps, width)``."""
        for layer in self.layers:
            x = layer(x)
        return x


class TransformerLayer(nn.Module):
    """Parameters and arithmetic of :class:`torch.nn.TransformerEncoderLayer`, whose fused operator ONNX does not know."""

    def __init__(self, width: int, *, dropout: float = 0.1) -> None:
        super().__init__()
        self.self_attn = nn.MultiheadAttention(width, _HEADS, dropout=dropout)
        self.linear1 = nn.Linear(width, _UNITS)
        self.linear2 = nn.Linear(_UNITS, width)
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return a sequence of the same shape ``(batch, steps, width)``."""
        x = self.norm1(x + self.dropout(self._attend(x)))
        mapped = self.linear2(self.dropout(functional.relu(self.linear1(x))))
        y: Tensor = self.norm2(x + self.dropout(mapped))
        return y

    def _attend(self, x: Tensor) -> Tensor:
        attention = self.self_attn
        projected = functional.linear(x, attention.in_proj_weight, attention.in_proj_bias)
        query, key, value = projected.reshape(*x.shape[:2], 3, _HEADS, -1).permute(2, 0, 3, 1, 4)
        dropped = attention.dropout if self.training else 0.0
        taken = functional.scaled_dot_product_attention(query, key, value, dropout_p=dropped)
        y: Tensor = attention.out_proj(taken.transpose(1, 2).flatten(2))
        return y
