"""Causal language models of Hugging Face, loaded once and in the precision that is asked for, and small ones made here.

Nothing is fetched: a name is looked up in the local cache of Hugging Face, where ``hf download NAME`` puts it.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import torch

from auris.errors import CheckpointError, MissingDependency, ParameterError, unknown_name
from auris.models.bat_config import LoraSettings, Precision, SmallLanguageModel

try:
    import transformers
except ImportError:
    raise MissingDependency("transformers", "llm") from None

_ADAPTERS = ("adapter_config.json", "adapter_model.safetensors")
_SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}


def load_tokenizer(name: str) -> Any:
    """Return the tokenizer of a language model: a folder, or a name in the local cache.

    Raises:
        CheckpointError: it is not on this disk, or damaged.
    """
    settings = Path(name) / "tokenizer_config.json"
    # What was made here bears no model's name; for some models AutoTokenizer would put that model's own rules in its place.
    ours = settings.is_file() and '"TokenizersBackend"' in settings.read_text(encoding="utf-8", errors="replace")
    return _loaded(transformers.PreTrainedTokenizerFast if ours else transformers.AutoTokenizer, name)


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
        # What is not quantised stays in the half precision that the kernels compute in.
        half = torch.float16 if precision == "8bit" else torch.bfloat16
        options = {"quantization_config": _quantised(precision, half), "device_map": device, "dtype": half}
        model, report = _loaded(kind, name, output_loading_info=True, **options)
    else:
        model, report = _loaded(kind, name, output_loading_info=True, dtype=getattr(torch, precision))
        model = model.to(device)
    if report["missing_keys"] or report["mismatched_keys"]:
        bad = sorted(map(str, [*report["missing_keys"], *report["mismatched_keys"]]))
        raise CheckpointError(f"{name}: weights are missing or of another shape: {', '.join(bad[:3])}; fetch it again")
    return model


def _quantised(precision: Precision, half: torch.dtype) -> Any:
    if importlib.util.find_spec("bitsandbytes") is None:
        raise MissingDependency("bitsandbytes")
    if precision == "8bit":
        return transformers.BitsAndBytesConfig(load_in_8bit=True)
    return transformers.BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=half, bnb_4bit_use_double_quant=True
    )


def _loaded(kind: Any, name: str, **options: Any) -> Any:
    try:
        with _quiet():
            return kind.from_pretrained(name, local_files_only=True, trust_remote_code=False, **options)
    except Exception as error:  # transformers raises OSError, ValueError, KeyError and those of safetensors
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "memory" in reason):
            raise  # nothing is wrong with the model
        if Path(name).is_dir():
            raise CheckpointError(f"{name}: not a language model of Hugging Face ({reason})") from None
        raise CheckpointError(
            f"the language model {name!r} is not on this disk ({reason}). Fetch it once with: hf download {name} "
            "(some need an account whose owner has accepted their licence: hf auth login); or name a folder"
        ) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers and peft from drawing bars and reports: what matters of them is raised."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            # peft asks transformers in a way that will go, and warns of keys that are checked here.
            warnings.filterwarnings("ignore", category=FutureWarning, module=r"(transformers|peft)\.")
            warnings.filterwarnings("ignore", category=UserWarning, module=r"peft\.")
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


def language_width(name: str) -> int:
    """Return the width of a language model's vectors, from its configuration alone.

    Raises:
        CheckpointError: its configuration is not on this disk, or has no width.
    """
    width = getattr(_loaded(transformers.AutoConfig, name).get_text_config(), "hidden_size", None)
    if not isinstance(width, int):
        raise CheckpointError(f"{name}: its configuration names no width (hidden_size); is it a language model?")
    return width


def with_adapters(model: Any, settings: LoraSettings, *, folder: str | Path | None = None, trainable: bool = False) -> Any:
    """Return a language model with LoRA adapters (peft): new ones that change nothing yet, or those of a folder.

    The language model itself is frozen, and stays in training or evaluation mode as it was.

    Args:
        model: without adapters.
        settings: of new adapters; a folder has its own.
        folder: as :func:`save_adapters` writes it.
        trainable: whether adapters of a folder are trained further; new ones are.

    Raises:
        MissingDependency: peft is not installed.
        CheckpointError: the folder holds no adapters, or such that do not fit the language model exactly.
        ParameterError: the language model has no layers of the names that the settings target.
    """
    try:
        import peft
    except ImportError:
        raise MissingDependency("peft", "llm") from None
    training = model.training
    if folder is not None:
        return _with_saved_adapters(peft, model, Path(folder), trainable=trainable).train(training)
    config = peft.LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=list(settings.targets),
        bias="none",
        task_type="CAUSAL_LM",
    )
    try:
        with _quiet():
            return peft.get_peft_model(model, config).train(training)
    except ValueError as error:
        layers = sorted({name.rpartition(".")[2] for name, part in model.named_modules() if "weight" in part._parameters})
        raise ParameterError(
            f"LoRA cannot be put on {', '.join(settings.targets)} of this language model ({str(error).splitlines()[0]}); "
            f"its layers are called {', '.join(layers)}"
        ) from None


def _with_saved_adapters(peft: Any, model: Any, folder: Path, *, trainable: bool) -> Any:
    from safetensors import SafetensorError, safe_open

    missing = [name for name in _ADAPTERS if not (folder / name).is_file()]
    if missing:
        raise CheckpointError(f"{folder}: not adapters of a language model, {' and '.join(missing)} missing")
    try:
        with _quiet():
            adapted = peft.PeftModel.from_pretrained(model, str(folder), is_trainable=trainable)
        with safe_open(folder / _ADAPTERS[1], framework="pt") as file:
            found = set(file.keys())
    except (RuntimeError, ValueError, KeyError, TypeError, OSError, SafetensorError) as error:
        reason = " ".join(str(error).split())
        raise CheckpointError(f"{folder}: not adapters for this language model ({reason[:300]})") from None
    wanted = set(peft.get_peft_model_state_dict(adapted, save_embedding_layers=False))
    # peft only warns of these, and a model that is half adapted answers nonsense.
    strange = [f"missing {name}" for name in sorted(wanted - found)] + [f"unknown {name}" for name in sorted(found - wanted)]
    if strange:
        more = f" and {len(strange) - 3} more" if len(strange) > 3 else ""
        raise CheckpointError(f"{folder}: not adapters for this language model: {'; '.join(strange[:3])}{more}")
    return adapted


def save_adapters(model: Any, folder: str | Path) -> None:
    """Write the adapters of a language model as a folder of peft; the language model itself is not written."""
    with _quiet():
        # Told so, peft does not look for the language model on the Hub.
        model.save_pretrained(folder, save_embedding_layers=False)


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
    model = transformers.LlamaForCausalLM(config)
    # Words begin as long as what the layers add to them; with the usual 0.02 a narrow model takes many times as long to learn.
    words: Any = model.get_input_embeddings()
    torch.nn.init.normal_(words.weight, std=sizes.width**-0.5)
    return model
