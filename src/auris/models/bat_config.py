"""What a language model that hears is made of; reading this needs none of its packages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from auris.errors import ParameterError, unknown_name
from auris.models.bat_sequences import PROMPT
from auris.models.projectors import ProjectorConfig

Precision = Literal["float32", "float16", "bfloat16", "8bit", "4bit"]
ENCODER, LANGUAGE_MODEL, ADAPTER = "encoder", "language_model", "adapter"


@dataclass(frozen=True)
class LoraSettings:
    """Low-rank adapters (LoRA, arXiv:2106.09685) on a language model that itself stays as it is; defaults as published.

    Attributes:
        rank: of the adapters.
        alpha: their output is multiplied by ``alpha / rank``.
        dropout: of their input in training.
        targets: names of the linear layers that get one.
    """

    rank: int = 8
    alpha: int = 32
    dropout: float = 0.05
    targets: tuple[str, ...] = ("q_proj", "v_proj")

    def __post_init__(self) -> None:
        if self.rank < 1 or self.alpha < 1 or not 0 <= self.dropout < 1 or not self.targets:
            raise ParameterError(f"LoRA needs rank and alpha of at least 1, dropout in [0, 1) and targets; got {self}")


@dataclass(frozen=True)
class SmallLanguageModel:
    """Sizes of a language model of the Llama family that is made from nothing.

    Attributes:
        words: most tokens that its tokenizer tells apart.
        width: of its vectors.
        layers: of the transformer.
        heads: of its attention.
        inner: units between the two layers of each block.
        context: most tokens it reads.
    """

    words: int = 2000
    width: int = 192
    layers: int = 4
    heads: int = 6
    inner: int = 512
    context: int = 256

    def __post_init__(self) -> None:
        if min(self.words, self.width, self.layers, self.heads, self.inner, self.context) < 1 or self.width % self.heads:
            raise ParameterError(
                f"a language model needs sizes of at least 1 and a width that is a multiple of heads; got {self}"
            )


@dataclass(frozen=True)
class WritingSettings:
    """How answers are written; the defaults are the published ones.

    Attributes:
        beams: of the beam search; 1 takes the likeliest token each time.
        longest: most tokens of an answer.
    """

    beams: int = 4
    longest: int = 200

    def __post_init__(self) -> None:
        if min(self.beams, self.longest) < 1:
            raise ParameterError(f"beams and longest are at least 1, got {self.beams!r} and {self.longest!r}")


@dataclass(frozen=True)
class BatConfig:
    """What a BAT is made of.

    Attributes:
        encoder: a listener's name or folder; ``encoder`` is the folder of that name in the model's own.
        language_model: name on the Hugging Face Hub of what was fetched before, or a folder; ``language_model`` is the folder
            of that name in the model's own.
        precision: of the language model's weights where it is loaded; ``8bit`` and ``4bit`` need bitsandbytes.
        projector: between the two.
        lora: adapters of the language model; None where it has none.
        prompt: around the question, with ``{question}`` in it.
        writing: how answers are written.
        names: of encoders with a token for each class: words that name each, in the order of the tokens. Where a question names
            a class, its words carry what was heard of it besides. Empty where words are only words, as published.
    """

    encoder: str = ENCODER
    language_model: str = "meta-llama/Llama-2-7b-hf"
    precision: Precision = "float32"
    projector: ProjectorConfig = field(default_factory=ProjectorConfig)
    lora: LoraSettings | None = field(default_factory=LoraSettings)
    prompt: str = PROMPT
    writing: WritingSettings = field(default_factory=WritingSettings)
    names: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        if self.names and self.projector.kind != "mlp":
            raise ParameterError("words that name classes carry what was heard of them, which needs the projector mlp")
        if self.precision not in get_args(Precision):
            raise ParameterError(unknown_name("precision", self.precision, get_args(Precision)))
        if self.prompt.count("{question}") != 1:
            raise ParameterError(f"the prompt holds {{question}} once, got {self.prompt!r}")
        if self.lora is not None and self.language_model == LANGUAGE_MODEL:
            raise ParameterError(
                "a language model that is saved with the model is trained whole: lora is null; or name the language model "
                "that the adapters belong to"
            )
