"""The frozen encoder of prompts: a T5 of Hugging Face (arXiv:1910.10683), of which nothing is trained here.

Nothing is fetched: a name is looked up in the local cache of Hugging Face, where ``hf download NAME`` puts it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from auris.errors import CheckpointError, MissingDependency

try:
    import transformers
except ImportError:
    raise MissingDependency("transformers", "generation") from None


class PromptEncoder(nn.Module):
    """Prompts to tokens, in float32: the published program uses float16, which moves them by 0.3 %.

    Args:
        model: a ``T5EncoderModel``; it is frozen.
        tokenizer: its tokenizer.
        tokens: every prompt is brought to so many; longer ones are cut.
    """

    def __init__(self, model: Any, tokenizer: Any, *, tokens: int) -> None:
        super().__init__()
        self.model, self.tokenizer, self.tokens = model.requires_grad_(False), tokenizer, tokens
        self.eval()

    @property
    def width(self) -> int:
        """Width of its tokens."""
        return int(self.model.config.d_model)

    def forward(self, prompts: Sequence[str]) -> Tensor:
        """Return (batch, tokens, width), zero behind the end of each prompt."""
        read = self.tokenizer(list(prompts), padding="max_length", truncation=True, max_length=self.tokens, return_tensors="pt")
        return self.encoded(read["input_ids"], read["attention_mask"])

    @torch.no_grad()
    def encoded(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return (batch, tokens, width) of token numbers (batch, tokens), zero where the mask (batch, tokens) is."""
        device = self.model.device
        with torch.autocast(device.type, enabled=False):
            heard: Tensor = self.model(input_ids=ids.to(device), attention_mask=mask.to(device)).last_hidden_state
        return heard * mask.to(heard)[..., None]

    def train(self, mode: bool = True) -> PromptEncoder:
        """Stay in evaluation mode, whatever is asked: it is frozen."""
        return super().train(False)

    def save(self, folder: str | Path) -> None:
        """Write it as a folder of Hugging Face, which :func:`load_prompt_encoder` reads."""
        with _quiet():
            self.model.save_pretrained(folder)
            self.tokenizer.save_pretrained(folder)


def load_prompt_encoder(name: str | Path, *, tokens: int) -> PromptEncoder:
    """Return a prompt encoder on the CPU: a folder, or a name in the local cache.

    Args:
        name: folder, or name on the Hugging Face Hub of what was fetched before.
        tokens: every prompt is brought to so many.

    Raises:
        CheckpointError: it is not on this disk, damaged, or no T5.
        MissingDependency: transformers is not installed.
    """
    settings = Path(name) / "tokenizer_config.json"
    # One that was made for a small encoder bears no model's name; AutoTokenizer would put T5's own rules in its place.
    plain = settings.is_file() and '"TokenizersBackend"' in settings.read_text(encoding="utf-8", errors="replace")
    tokenizer = _loaded(transformers.PreTrainedTokenizerFast if plain else transformers.AutoTokenizer, name)
    model, report = _loaded(transformers.T5EncoderModel, name, output_loading_info=True, dtype=torch.float32)
    if bad := sorted(map(str, [*report["missing_keys"], *report["mismatched_keys"]])):
        raise CheckpointError(f"{name}: weights are missing or of another shape: {', '.join(bad[:3])}; fetch it again")
    return PromptEncoder(model, tokenizer, tokens=tokens)


def refuse_unfit_encoder(name: str | Path, *, width: int) -> None:
    """Say that a prompt encoder is missing or does not fit before anything large is read.

    Raises:
        CheckpointError: it is not on this disk, no T5, or writes tokens of another width.
    """
    config = _loaded(transformers.AutoConfig, name)
    if config.model_type != "t5":
        raise CheckpointError(f"{name}: a {config.model_type} model; prompts are encoded by a T5")
    if config.d_model != width:
        raise CheckpointError(
            f"{name}: writes tokens of {config.d_model} numbers, the model reads {width}; it was trained with another encoder"
        )


def _loaded(kind: Any, name: str | Path, **options: Any) -> Any:
    try:
        with _quiet():
            return kind.from_pretrained(str(name), local_files_only=True, trust_remote_code=False, **options)
    except Exception as error:  # transformers raises OSError, ValueError, KeyError and those of safetensors
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "memory" in reason):
            raise  # nothing is wrong with the model
        if Path(name).is_dir():
            raise CheckpointError(f"{name}: not a T5 encoder of Hugging Face ({reason})") from None
        raise CheckpointError(
            f"the prompt encoder {str(name)!r} is not on this disk ({reason}). Fetch it once with: hf download {name}; "
            "or name its folder: SpatialSonic.from_pretrained(..., prompt_encoder=...)"
        ) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from drawing bars and reports: what matters of them is raised."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=FutureWarning, module=r"transformers\.")
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
