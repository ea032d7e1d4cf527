"""Causal language models of Hugging Face, loaded once and in the precision that is asked for, and small ones made here.

Nothing is fetched: a name is looked up in the local cache of Hugging Face, where ``hf download NAME`` puts it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import torch

from auris.errors import CheckpointError, MissingDependency, ParameterError, unknown_name

try:
    import transformers
except ImportError:
    raise MissingDependency("transformers", "llm") from None

Precision = Literal["float32", "float16", "bfloat16", "8bit", "4bit"]
_BYTES: dict[str, float] = {"float32": 4.0, "float16": 2.0, "bfloat16": 2.0, "8bit": 1.0, "4bit": 0.5}
_SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}


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


def load_tokenizer(name: str) -> Any:
    """Return the tokenizer of a language model: a folder, or a name in the local cache.

    Raises:
        CheckpointError: it is not on this disk, or damaged.
    """
    return _loaded(transformers.AutoTokenizer, name)


def load_language_model(name: str, *, precision: Precision = "float32", device: str = "cpu") -> Any:
    """Return a language model for inference or training: a folder, or a name in the local cache.

    Weights are read straight into the precision wanted, so that a large model never stands in memory twice.

    Args:
        name: folder, or name on the Hugging Face Hub of what was fetched before.
        precision: of its weights; ``8bit`` and ``4bit`` need bitsandbytes.
        device: where it computes.

    Raises:
        CheckpointError: it is not on this disk, or damaged.
        MissingDependency: bitsandbytes is not installed.
        ParameterError: the precision is unknown.
    """
    if precision not in get_args(Precision):
        raise ParameterError(unknown_name("precision", precision, get_args(Precision)))
    kind = transformers.AutoModelForCausalLM
    if precision in ("8bit", "4bit"):
        options = {"quantization_config": _quantised(precision), "device_map": device}
        model, report = _loaded(kind, name, output_loading_info=True, **options)
    else:
        model, report = _loaded(kind, name, output_loading_info=True, dtype=getattr(torch, precision))
        model = model.to(device)
    if report["missing_keys"] or report["mismatched_keys"]:
        bad = sorted(map(str, [*report["missing_keys"], *report["mismatched_keys"]]))
        raise CheckpointError(f"{name}: weights are missing or of another shape: {', '.join(bad[:3])}; fetch it again")
    return model


def _quantised(precision: Precision) -> Any:
    import importlib.util

    if importlib.util.find_spec("bitsandbytes") is None:
        raise MissingDependency("bitsandbytes", "llm")
    if precision == "8bit":
        return transformers.BitsAndBytesConfig(load_in_8bit=True)
    return transformers.BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16, bnb_4bit_use_double_quant=True
    )


def _loaded(kind: Any, name: str, **options: Any) -> Any:
    try:
        with _quiet():
            return kind.from_pretrained(name, local_files_only=True, trust_remote_code=False, **options)
    except MissingDependency:
        raise
    except Exception as error:  # transformers raises OSError, ValueError, KeyError and those of safetensors
        reason = str(error).strip().split("\n")[0]
        if Path(name).is_dir():
            raise CheckpointError(f"{name}: not a language model of Hugging Face ({reason})") from None
        raise CheckpointError(
            f"the language model {name!r} is not on this disk ({reason}). Fetch it once with: hf download {name} "
            "(some need an account whose owner has accepted their licence: hf auth login); or name a folder"
        ) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from drawing bars and reports: what matters of them is raised."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def save_language_model(model: Any, tokenizer: Any, folder: str | Path) -> None:
    """Write a language model with its tokenizer as a folder of Hugging Face."""
    with _quiet():
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)


def parameter_count(name: str) -> int:
    """Return how many numbers a language model has, from its configuration alone: no weights are read or reserved.

    Raises:
        CheckpointError: its configuration is not on this disk.
    """
    config = _loaded(transformers.AutoConfig, name)
    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(config)
    return sum(parameter.numel() for parameter in model.parameters())


def weight_bytes(parameters: int, precision: Precision) -> float:
    """Return how much memory so many weights take.

    >>> round(weight_bytes(6_738_415_616, "float16") / 1e9, 1)
    13.5
    """
    return parameters * _BYTES[precision]


def with_adapters(model: Any, settings: LoraSettings, *, folder: str | Path | None = None, trainable: bool = False) -> Any:
    """Return a language model with LoRA adapters (peft): new ones that change nothing yet, or those of a folder.

    Raises:
        MissingDependency: peft is not installed.
        CheckpointError: the folder holds no adapters that fit.
    """
    try:
        import peft
    except ImportError:
        raise MissingDependency("peft", "llm") from None
    if folder is None:
        config = peft.LoraConfig(
            r=settings.rank,
            lora_alpha=settings.alpha,
            lora_dropout=settings.dropout,
            target_modules=list(settings.targets),
            bias="none",
            task_type="CAUSAL_LM",
        )
        return peft.get_peft_model(model, config)
    try:
        return peft.PeftModel.from_pretrained(model, str(folder), is_trainable=trainable, local_files_only=True)
    except Exception as error:
        raise CheckpointError(f"{folder}: not adapters for this language model ({str(error).splitlines()[0]})") from None


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


def new_tokenizer(texts: Iterable[str], *, words: int) -> Any:
    """Return a tokenizer learnt from texts: byte pairs, so that no text is unknown; small letters and capitals are alike.

    Args:
        texts: what it is to write shortly.
        words: most tokens it tells apart.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE(unk_token=_SPECIAL["unk_token"]))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=words, special_tokens=[*_SPECIAL.values()], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    begin = _SPECIAL["bos_token"]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A", special_tokens=[(begin, tokenizer.token_to_id(begin))]
    )
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **_SPECIAL)


def new_language_model(sizes: SmallLanguageModel, tokenizer: Any) -> Any:
    """Return an untrained language model for a tokenizer; its weights are drawn from torch's generator."""
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=sizes.width,
        num_hidden_layers=sizes.layers,
        num_attention_heads=sizes.heads,
        num_key_value_heads=sizes.heads,
        intermediate_size=sizes.inner,
        max_position_embeddings=sizes.context,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.eos_token_id,
        tie_word_embeddings=True,
    )
    return transformers.LlamaForCausalLM(config)
