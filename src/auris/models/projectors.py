"""From the tokens of a spatial encoder to vectors that a language model reads as if they were words.

:class:`QFormerProjector` asks the encoder a fixed number of learned questions (BLIP-2's Q-Former, arXiv:2301.12597, as BAT uses
it, arXiv:2402.01591); its weights bear the published names. :class:`MlpProjector` maps every token by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from auris.errors import MissingDependency, ParameterError


@dataclass(frozen=True)
class ProjectorConfig:
    """Which projector, and its sizes; the defaults are the published ones.

    Attributes:
        kind: ``qformer``, or ``mlp``: two layers on every token.
        queries: of the Q-Former; so many vectors the language model reads.
        layers: of the Q-Former; every other one looks at the encoder's tokens, the first included.
        width: of the Q-Former.
        heads: of its attention.
        inner: units between the two layers of each of its blocks, and of the ``mlp``.
        dropout: of the Q-Former in training.
    """

    kind: Literal["qformer", "mlp"] = "qformer"
    queries: int = 64
    layers: int = 8
    width: int = 768
    heads: int = 12
    inner: int = 3072
    dropout: float = 0.1

    def __post_init__(self) -> None:
        sizes = (self.queries, self.layers, self.width, self.heads, self.inner)
        if min(sizes) < 1 or self.width % self.heads or not 0 <= self.dropout < 1:
            raise ParameterError(
                "a projector needs sizes of at least 1, a width that is a multiple of heads, and a dropout in [0, 1); got "
                f"{self}"
            )


class QFormerProjector(nn.Module):
    """Learned queries that look at an encoder's tokens.

    Shape:
        - Input: ``(batch, tokens, encoder_width)``
        - Output: ``(batch, config.queries, language_width)``

    Args:
        config: sizes.
        encoder_width: of the encoder's tokens.
        language_width: of the language model's embeddings.

    Raises:
        MissingDependency: transformers is not installed.
    """

    def __init__(self, config: ProjectorConfig, *, encoder_width: int, language_width: int) -> None:
        super().__init__()
        try:
            from transformers import Blip2QFormerConfig, Blip2QFormerModel
        except ImportError:
            raise MissingDependency("transformers", "llm") from None
        self.config = config
        self.query = nn.Parameter(torch.zeros(1, config.queries, config.width))
        nn.init.normal_(self.query)
        self.qformer: Any = Blip2QFormerModel(
            Blip2QFormerConfig(
                hidden_size=config.width,
                num_hidden_layers=config.layers,
                num_attention_heads=config.heads,
                intermediate_size=config.inner,
                encoder_hidden_size=encoder_width,
                hidden_dropout_prob=config.dropout,
                attention_probs_dropout_prob=config.dropout,
            )
        )
        self.linear = nn.Linear(config.width, language_width)
        self.norm = nn.LayerNorm(language_width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return what the language model reads."""
        read: Tensor = self.norm(self.linear(self.hidden(tokens)))
        return read

    def hidden(self, tokens: Tensor) -> Tensor:
        """Return the queries after the last block, ``(batch, queries, width)``."""
        asked = self.query.expand(len(tokens), -1, -1)
        hidden: Tensor = self.qformer(query_embeds=asked, encoder_hidden_states=tokens).last_hidden_state
        return hidden


class MlpProjector(nn.Module):
    """Two layers on every token.

    Shape:
        - Input: ``(batch, tokens, encoder_width)``
        - Output: ``(batch, tokens, language_width)``
    """

    def __init__(self, config: ProjectorConfig, *, encoder_width: int, language_width: int) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.Sequential(
            nn.LayerNorm(encoder_width),
            nn.Linear(encoder_width, config.inner),
            nn.GELU(),
            nn.Linear(config.inner, language_width),
        )
        self.norm = nn.LayerNorm(language_width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return what the language model reads."""
        read: Tensor = self.norm(self.layers(tokens))
        return read

    @torch.no_grad()
    def begin_as_long_as(self, words: Tensor) -> None:
        """Let what the language model reads begin as long as its own words, ``(words, language width)``, are on average."""
        self.norm.weight.fill_(float(words.float().square().mean().sqrt()))


def build_projector(config: ProjectorConfig, *, encoder_width: int, language_width: int) -> QFormerProjector | MlpProjector:
    """Return an untrained projector.

    Raises:
        MissingDependency: transformers is not installed, which the Q-Former needs.
    """
    kind = QFormerProjector if config.kind == "qformer" else MlpProjector
    return kind(config, encoder_width=encoder_width, language_width=language_width)
