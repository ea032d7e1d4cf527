"""BAT: a language model that hears where sounds are (Zheng et al., arXiv:2402.01591).

A spatial encoder hears a clip, a projector turns its tokens into vectors, and a causal language model reads these before the
question and writes the answer. Any listener of auris can be the encoder, and any causal language model of Hugging Face the
writer; published are Spatial-AST (or DSpAST), a Q-Former, and Llama-2-7B with LoRA.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
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
from auris.models.bat_config import ADAPTER, ENCODER, LANGUAGE_MODEL, BatConfig, Precision, WritingSettings
from auris.models.bat_sequences import AUDIO, TokenBatch, end_of, question_batch
from auris.models.configuration import dataclass_from, plain_of
from auris.models.language_models import (
    language_width,
    load_language_model,
    load_tokenizer,
    save_adapters,
    save_language_model,
    with_adapters,
)
from auris.models.named_tokens import NamedTokens
from auris.models.projectors import build_projector


class Bat(nn.Module):
    """Encoder, projector and language model in one.

    Args:
        config: what it is made of.
        encoder: a listener, such as :func:`auris.models.from_pretrained` gives.
        language_model: a causal language model of Hugging Face, with its adapters if it has any.
        tokenizer: of the language model.

    Raises:
        ParameterError: the tokenizer has no token that ends a text, or the language model has adapters where the
            configuration has none, or none where it has.
        CheckpointError: nothing is known of how to read this encoder.
    """

    architecture = "bat"
    config_class = BatConfig

    def __init__(self, config: BatConfig, *, encoder: Any, language_model: Any, tokenizer: Any) -> None:
        super().__init__()
        self.config, self.name = config, self.architecture
        end_of(tokenizer)  # refuses one that cannot end an answer before anything is computed
        if (config.lora is not None) != hasattr(language_model, "peft_config"):
            have = "has adapters, the configuration none" if config.lora is None else "has no adapters, the configuration has"
            raise ParameterError(f"the language model {have}: lora is null, or language_models.with_adapters adds them")
        self.tokenizer = tokenizer
        self.tower = audio_tower(encoder)
        self.language_model = language_model
        width = language_model.get_input_embeddings().embedding_dim
        self.projector = build_projector(config.projector, encoder_width=self.tower.width, language_width=width)
        self._named = NamedTokens(tokenizer, config.names)
        base = language_model if config.lora is None else language_model.get_base_model()
        self._numbers_places = "position_ids" in inspect.signature(base.forward).parameters

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
        if self.config.names:
            words = words + self._named.heard_of(batch, sounds)
        return words.masked_scatter((batch.input_ids == AUDIO)[..., None], sounds)

    def audio_tokens(self, tokens: Tensor) -> int:
        """Return how many vectors the projector makes of an encoder's tokens."""
        return self.config.projector.queries if self.config.projector.kind == "qformer" else tokens.shape[1]

    def forward(self, batch: TokenBatch, tokens: Tensor) -> Tensor:
        """Return logits ``(batch, length, words)``; the one at each place is about the next."""
        mask = batch.attention_mask
        # Counted from the first token that is there: for models whose places are absolute, as when they write.
        places = {"position_ids": (mask.cumsum(dim=-1) - 1).clamp(min=0)} if self._numbers_places else {}
        embedded = self.embeddings(batch, tokens)
        logits: Tensor = self.language_model(inputs_embeds=embedded, attention_mask=mask, use_cache=False, **places).logits
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
        longest = self._longest(batch, settings.longest)
        streaming = on_text is not None and len(questions) == 1 and settings.beams == 1
        written = self.language_model.generate(
            inputs_embeds=self.embeddings(batch, tokens),
            attention_mask=batch.attention_mask,
            max_new_tokens=longest,
            min_new_tokens=1,
            num_beams=settings.beams,
            use_cache=True,
            # Whatever the language model's own settings say: some sample, or punish what was said before.
            do_sample=False,
            temperature=None,
            top_p=None,
            top_k=None,
            repetition_penalty=1.0,
            pad_token_id=end_of(self.tokenizer),
            eos_token_id=end_of(self.tokenizer),
            streamer=None if on_text is None or not streaming else _streamer(self.tokenizer, on_text),
        )
        answers = [text.strip() for text in self.tokenizer.batch_decode(written, skip_special_tokens=True)]
        if on_text is not None and not streaming and len(answers) == 1:
            on_text(answers[0])
        return answers

    def _longest(self, batch: TokenBatch, wanted: int) -> int:
        """How many of the tokens that are wanted the language model can read behind a batch."""
        most = getattr(self.language_model.config.get_text_config(), "max_position_embeddings", None)
        length = batch.input_ids.shape[1]
        if most is None:
            return wanted
        if length >= most:
            raise ParameterError(
                f"the question is too long: with sounds and prompt it has {length} tokens, "
                f"this language model reads fewer than {most}; ask shorter"
            )
        return min(wanted, int(most) - length)

    @torch.inference_mode()
    def answer(
        self, clips: Sequence[Audio], questions: Sequence[str], *, on_text: Callable[[str], None] | None = None
    ) -> list[str]:
        """Answer one question about each clip; see :class:`auris.models.answering.Answerer`."""
        if not clips or len(clips) != len(questions):
            raise ParameterError(f"every question is about one clip, got {len(questions)} and {len(clips)}")
        different = {id(clip): clip for clip in clips}  # several questions about one clip: it is heard once
        waves = torch.from_numpy(np.stack([self._waveform(clip) for clip in different.values()]))
        heard = self.tokens(waves.to(self.device))
        places = {key: place for place, key in enumerate(different)}
        return self.generate(heard[[places[id(clip)] for clip in clips]], questions, on_text=on_text)

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
            save_adapters(self.language_model, target / ADAPTER)
        if self.config.language_model == LANGUAGE_MODEL:
            save_language_model(self.language_model, self.tokenizer, target / LANGUAGE_MODEL)
        plain = {"format": pretrained.FORMAT_VERSION, "architecture": self.architecture, "config": plain_of(self.config)}
        write_text(target / pretrained.CONFIG, json.dumps(plain, indent=2) + "\n")
        write_text(target / pretrained.CARD, card)

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | Path,
        *,
        encoder: str | Path | None = None,
        language_model: str | Path | None = None,
        precision: Precision | None = None,
        device: str = "cpu",
    ) -> Bat:
        """Load a model, ready to answer, with other parts than its configuration names.

        Args:
            name_or_path: a shipped model's name or a model folder, as for :func:`auris.models.from_pretrained`.
            encoder: another listener: name or folder.
            language_model: another place of the language model: name on the Hugging Face Hub of what was fetched before, or
                a folder.
            precision: of the language model's weights, which are read straight into it; ``8bit`` and ``4bit`` need
                bitsandbytes.
            device: where it computes; the language model's weights go there.

        Raises:
            CheckpointError: there is no such model, or a part is missing, damaged, or does not fit.
            MissingDependency: an extra, or bitsandbytes, is not installed.
            ParameterError: the precision is unknown.
        """
        folder = pretrained.model_folder(name_or_path)
        plain = pretrained.read_config(folder)
        if plain["architecture"] != cls.architecture:
            raise CheckpointError(f"{folder}: a {plain['architecture']}, which answers no questions; {cls.architecture} does")
        model = cls.from_folder(
            folder, plain["config"], encoder=encoder, language_model=language_model, precision=precision, device=device
        )
        model.name = str(name_or_path) if str(name_or_path) in pretrained.SHIPPED else folder.name
        return model

    @classmethod
    def from_folder(
        cls,
        folder: Path,
        plain: dict[str, Any],
        *,
        encoder: str | Path | None = None,
        language_model: str | Path | None = None,
        precision: Precision | None = None,
        device: str = "cpu",
    ) -> Bat:
        """Load what :meth:`save_pretrained` wrote; arguments and errors as for :meth:`from_pretrained`.

        Args:
            folder: the model's.
            plain: its configuration.
            encoder: instead of the configuration's.
            language_model: instead of the configuration's.
            precision: instead of the configuration's.
            device: where it computes.
        """
        config: BatConfig = dataclass_from(BatConfig, plain, where=str(folder / pretrained.CONFIG))
        config = replace(
            config,
            encoder=config.encoder if encoder is None else str(encoder),
            language_model=config.language_model if language_model is None else str(language_model),
            precision=precision or config.precision,
        )
        tensors = pretrained.read_weights(folder)
        ears = _encoder(folder, config)
        where = str(folder / LANGUAGE_MODEL) if config.language_model == LANGUAGE_MODEL else config.language_model
        _refuse_other_width(tensors, where, file=folder / pretrained.WEIGHTS)
        tokenizer = load_tokenizer(where)
        writer = load_language_model(where, precision=config.precision, device=device)
        if config.lora is not None:
            writer = with_adapters(writer, config.lora, folder=folder / ADAPTER)
        model = cls(config, encoder=ears, language_model=writer, tokenizer=tokenizer)
        pretrained.assign_weights(model.projector, tensors, where=str(folder / pretrained.WEIGHTS))
        model.tower.to(device)
        model.projector.to(device)
        return model.eval()


def _encoder(folder: Path, config: BatConfig) -> Any:
    if config.encoder != ENCODER:
        return pretrained.from_pretrained(config.encoder)
    if not (folder / ENCODER).is_dir():
        raise CheckpointError(
            f"{folder}: its encoder is missing; put the model folder of the listener that it was trained with there, as "
            f"{folder / ENCODER} (for the published BAT the converted Spatial-AST), or name one: "
            "auris.models.bat.Bat.from_pretrained(..., encoder=...)"
        )
    return pretrained.from_pretrained(folder / ENCODER)


def _refuse_other_width(tensors: Mapping[str, Tensor], language_model: str, *, file: Path) -> None:
    """Say that a projector is for another language model before that is read, which may take minutes."""
    read, written = language_width(language_model), tensors.get("norm.weight")
    if written is not None and written.shape != (read,):
        raise CheckpointError(
            f"{file}: the projector makes vectors of {len(written)} numbers, {language_model} reads {read}; "
            "it was trained with another language model"
        )


def _streamer(tokenizer: Any, on_text: Callable[[str], None]) -> Any:
    from transformers import TextStreamer

    class Streamer(TextStreamer):
        """Passes text on without what is around it, as answers are."""

        waiting = ""  # white space that is only passed on before more text

        def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
            text = self.waiting + text if self.begun else text.lstrip()
            said = text.rstrip()
            self.waiting = text[len(said) :]
            if said:
                self.begun = True
                on_text(said)

        begun = False

    return Streamer(tokenizer, skip_prompt=False, skip_special_tokens=True)


def answer_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy of the tokens of answers, in float32.

    Args:
        logits: of :meth:`Bat.forward`.
        labels: of the same batch.
    """
    return functional.cross_entropy(logits[:, :-1].flatten(0, 1).float(), labels[:, 1:].flatten())
