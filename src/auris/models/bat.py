"""BAT: a language model that hears where sounds are (Zheng et al., arXiv:2402.01591).

A spatial encoder hears a clip, a projector turns its tokens into vectors, and a causal language model reads these before the
question and writes the answer. Any listener of auris can be the encoder, and any causal language model of Hugging Face the
writer; published are Spatial-AST (or DSpAST), a Q-Former, and Llama-2-7B with LoRA.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from auris.audio import Audio
from auris.channels import ChannelLayout
from auris.dsp.resampling import resample
from auris.errors import CheckpointError, LayoutError, ParameterError
from auris.io.atomic import write_text
from auris.models import pretrained
from auris.models.audio_towers import audio_tower
from auris.models.bat_sequences import AUDIO, PROMPT, TokenBatch, end_of, question_batch
from auris.models.configuration import dataclass_from, plain_of
from auris.models.language_models import (
    LoraSettings,
    Precision,
    load_language_model,
    load_tokenizer,
    save_language_model,
    with_adapters,
)
from auris.models.projectors import ProjectorConfig, build_projector

ENCODER, LANGUAGE_MODEL, ADAPTER = "encoder", "language_model", "adapter"


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
        projector: between the two.
        lora: adapters of the language model; None where it has none.
        prompt: around the question, with ``{question}`` in it.
        writing: how answers are written.
    """

    encoder: str = ENCODER
    language_model: str = "meta-llama/Llama-2-7b-hf"
    projector: ProjectorConfig = field(default_factory=ProjectorConfig)
    lora: LoraSettings | None = field(default_factory=LoraSettings)
    prompt: str = PROMPT
    writing: WritingSettings = field(default_factory=WritingSettings)

    def __post_init__(self) -> None:
        if self.prompt.count("{question}") != 1:
            raise ParameterError(f"the prompt holds {{question}} once, got {self.prompt!r}")
        if self.lora is not None and self.language_model == LANGUAGE_MODEL:
            raise ParameterError(
                "a language model that is saved with the model is trained whole: lora is null; or name the language model "
                "that the adapters belong to"
            )


class Bat(nn.Module):
    """Encoder, projector and language model in one.

    Args:
        config: what it is made of.
        encoder: a listener, such as :func:`auris.models.from_pretrained` gives.
        language_model: a causal language model of Hugging Face, with its adapters if it has any.
        tokenizer: of the language model.
    """

    architecture = "bat"
    config_class = BatConfig

    def __init__(self, config: BatConfig, *, encoder: Any, language_model: Any, tokenizer: Any) -> None:
        super().__init__()
        self.config, self.name = config, self.architecture
        end_of(tokenizer)  # refuses one that cannot end an answer before anything is computed
        self.tokenizer = tokenizer
        self.tower = audio_tower(encoder)
        self.language_model = language_model
        width = language_model.get_input_embeddings().embedding_dim
        self.projector = build_projector(config.projector, encoder_width=self.tower.width, language_width=width)

    @property
    def layout(self) -> ChannelLayout:
        """What it listens to."""
        return self.tower.layout

    @property
    def sample_rate(self) -> int:
        """Sample rate it hears at, hertz."""
        return int(self.tower.sample_rate)

    @property
    def clip_seconds(self) -> float:
        """The longest clip it hears at a time."""
        return float(self.tower.clip_seconds)

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return next(self.projector.parameters()).device

    def tokens(self, waveform: Tensor) -> Tensor:
        """Return the encoder's tokens ``(batch, tokens, width)`` of waveforms ``(batch, channels, samples)``."""
        heard: Tensor = self.tower(waveform)
        return heard

    def embeddings(self, batch: TokenBatch, tokens: Tensor) -> Tensor:
        """Return what the language model reads, ``(batch, length, language width)``: words, and sounds in their places.

        Args:
            batch: sequences with as many places for audio as the projector gives vectors.
            tokens: of :meth:`tokens`.
        """
        embed = self.language_model.get_input_embeddings()
        words: Tensor = embed(batch.input_ids.clamp(min=0))
        sounds = self.projector(tokens.to(next(self.projector.parameters()).dtype)).to(words.dtype)
        return words.masked_scatter((batch.input_ids == AUDIO)[..., None], sounds)

    def audio_tokens(self, tokens: Tensor) -> int:
        """Return how many vectors the projector makes of an encoder's tokens."""
        return self.config.projector.queries if self.config.projector.kind == "qformer" else tokens.shape[1]

    def forward(self, batch: TokenBatch, tokens: Tensor) -> Tensor:
        """Return logits ``(batch, length, words)``; the one at each place is about the next."""
        logits: Tensor = self.language_model(
            inputs_embeds=self.embeddings(batch, tokens), attention_mask=batch.attention_mask, use_cache=False
        ).logits
        return logits

    @torch.inference_mode()
    def generate(
        self,
        tokens: Tensor,
        questions: Sequence[str],
        *,
        writing: WritingSettings | None = None,
        on_text: Callable[[str], None] | None = None,
    ) -> list[str]:
        """Write answers to questions about clips that were heard.

        Args:
            tokens: of :meth:`tokens`, one clip for each question.
            questions: one or more.
            writing: how; None takes the configuration's.
            on_text: called with pieces of the answer as they come, where there is one question and one beam.

        Raises:
            ParameterError: a question is empty or too long, or there are not as many as clips.
        """
        settings = writing or self.config.writing
        if len(tokens) != len(questions):
            raise ParameterError(f"every question is about one clip, got {len(questions)} and {len(tokens)}")
        batch = question_batch(self.tokenizer, questions, audio_tokens=self.audio_tokens(tokens), prompt=self.config.prompt).to(
            self.device
        )
        self._refuse_too_long(batch)
        streaming = on_text is not None and len(questions) == 1 and settings.beams == 1
        written = self.language_model.generate(
            inputs_embeds=self.embeddings(batch, tokens),
            attention_mask=batch.attention_mask,
            max_new_tokens=settings.longest,
            min_new_tokens=1,
            num_beams=settings.beams,
            do_sample=False,
            temperature=None,
            top_p=None,
            top_k=None,
            pad_token_id=end_of(self.tokenizer),
            eos_token_id=end_of(self.tokenizer),
            streamer=_streamer(self.tokenizer, on_text) if streaming else None,
        )
        answers = [text.strip() for text in self.tokenizer.batch_decode(written, skip_special_tokens=True)]
        if on_text is not None and not streaming and len(answers) == 1:
            on_text(answers[0])
        return answers

    def _refuse_too_long(self, batch: TokenBatch) -> None:
        most = getattr(self.language_model.config, "max_position_embeddings", None)
        if most is not None and batch.input_ids.shape[1] >= most:
            raise ParameterError(
                f"the question is too long: with sounds and prompt it has {batch.input_ids.shape[1]} tokens, "
                f"this language model reads fewer than {most}; ask shorter"
            )

    @torch.inference_mode()
    def answer(
        self, clips: Sequence[Audio], questions: Sequence[str], *, on_text: Callable[[str], None] | None = None
    ) -> list[str]:
        """Answer one question about each clip; see :class:`auris.models.answering.Answerer`."""
        if not clips or len(clips) != len(questions):
            raise ParameterError(f"every question is about one clip, got {len(questions)} and {len(clips)}")
        waves = torch.from_numpy(np.stack([self._waveform(clip) for clip in clips]))
        return self.generate(self.tokens(waves.to(self.device)), questions, on_text=on_text)

    def _waveform(self, clip: Audio) -> np.ndarray[Any, Any]:
        """A clip at the encoder's rate, continued with silence."""
        if clip.layout != self.layout:
            raise LayoutError(f"{self.name} listens to {self.layout.name} audio, this is {clip.layout.name}")
        heard = resample(clip.samples, clip.sample_rate, self.sample_rate)
        whole = round(self.clip_seconds * self.sample_rate)
        if heard.shape[1] > whole + 1:
            raise ParameterError(
                f"{self.name} hears {self.clip_seconds:g} s at a time, this clip lasts {clip.duration:g} s; auris.ask answers "
                "about longer recordings in windows"
            )
        heard = heard[:, :whole]
        return np.pad(heard, ((0, 0), (0, whole - heard.shape[1]))).astype(np.float32)

    def save_pretrained(self, folder: str | Path, *, card: str) -> None:
        """Write a model folder: projector and configuration; beside them the encoder, the language model or its adapters.

        A language model that is only named in the configuration is not copied.

        Raises:
            FormatError: the folder cannot be written.
        """
        target = Path(folder)
        pretrained.write_weights(self.projector.state_dict(), target, architecture=self.architecture)
        if self.config.encoder == ENCODER:
            text = "# The ears of a language model\n\nEncoder of the model in the folder above; see its card.\n"
            pretrained.save_pretrained(self.tower.listener, target / ENCODER, card=text)
        if self.config.lora is not None:
            self.language_model.save_pretrained(target / ADAPTER)
        if self.config.language_model == LANGUAGE_MODEL:
            save_language_model(self.language_model, self.tokenizer, target / LANGUAGE_MODEL)
        plain = {"format": pretrained.FORMAT_VERSION, "architecture": self.architecture, "config": plain_of(self.config)}
        write_text(target / pretrained.CONFIG, json.dumps(plain, indent=2) + "\n")
        write_text(target / pretrained.CARD, card)

    @classmethod
    def from_folder(
        cls,
        folder: Path,
        plain: dict[str, Any],
        *,
        language_model: str | None = None,
        precision: Precision = "float32",
        device: str = "cpu",
    ) -> Bat:
        """Load what :meth:`save_pretrained` wrote; called by :func:`auris.models.from_pretrained`.

        Args:
            folder: the model's.
            plain: its configuration.
            language_model: another place of the language model than the configuration says.
            precision: of the language model's weights.
            device: where it computes.

        Raises:
            CheckpointError: a part is missing, damaged, or does not fit.
            MissingDependency: an extra is not installed.
        """
        config: BatConfig = dataclass_from(BatConfig, plain, where=str(folder / pretrained.CONFIG))
        if language_model is not None:
            config = replace(config, language_model=language_model)
        where = str(folder / LANGUAGE_MODEL) if config.language_model == LANGUAGE_MODEL else config.language_model
        writer = load_language_model(where, precision=precision, device=device)
        if config.lora is not None:
            writer = with_adapters(writer, config.lora, folder=folder / ADAPTER)
        ears = folder / ENCODER if config.encoder == ENCODER else config.encoder
        model = cls(config, encoder=pretrained.from_pretrained(ears), language_model=writer, tokenizer=load_tokenizer(where))
        tensors = pretrained.read_weights(folder)
        try:
            pretrained.assign_weights(model.projector, tensors, where=str(folder / pretrained.WEIGHTS))
        except CheckpointError as error:
            raise CheckpointError(f"{error}. Is {where} the language model it was trained with?") from None
        model.tower.to(device)
        model.projector.to(device)
        return model.eval()


def _streamer(tokenizer: Any, on_text: Callable[[str], None] | None) -> Any:
    from transformers import TextStreamer

    class Streamer(TextStreamer):
        def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
            if text and on_text is not None:
                on_text(text)

    return Streamer(tokenizer, skip_prompt=False, skip_special_tokens=True)


def answer_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy of the tokens of answers, in float32.

    Args:
        logits: of :meth:`Bat.forward`.
        labels: of the same batch.
    """
    return functional.cross_entropy(logits[:, :-1].flatten(0, 1).float(), labels[:, 1:].flatten())
