"""Training a language model that hears: projector, and adapters or a small model of its own, from questions about clips.

Source of the curriculum (perception, then reasoning) and of the questions: Zheng et al., BAT, arXiv:2402.01591.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, distributed

from auris.errors import CheckpointError
from auris.io.atomic import write_text
from auris.models.bat import Bat, answer_loss
from auris.models.bat_sequences import IGNORED, TokenBatch, answer_batch
from auris.models.pretrained import from_pretrained, save_pretrained
from auris.training.bat_building import build_model
from auris.training.bat_description import describe
from auris.training.bat_material import Material, material_of
from auris.training.bat_questions import QuestionBatch
from auris.training.bat_recipe import BatRecipe
from auris.training.bat_report import AnsweredQuestion, answers_text, card, right_rates
from auris.training.loop import Task, fit
from auris.training.run_folder import RunFolder
from auris.training.sharding import shard_blocks, whole_blocks

__all__ = ["BatTask", "build_model", "describe", "train", "validate"]


class AnswerLosses(NamedTuple):
    """What is minimised, and how many tokens of the answers are right.

    Attributes:
        answer: cross-entropy of the answers' tokens.
        accuracy: share of them that is likeliest; not minimised.
        total: what is minimised.
    """

    answer: Tensor
    accuracy: Tensor
    total: Tensor


class BatTask(Task):
    """A model that answers, with its loss; ears and language model stay as they are unless the recipe says otherwise.

    Args:
        model: to train.
        recipe: how.
        out: where the model goes.
        epoch_steps: optimiser steps of an epoch.
    """

    def __init__(self, model: Bat, recipe: BatRecipe, *, out: RunFolder, epoch_steps: int) -> None:
        trainer = recipe.trainer
        super().__init__(
            model,
            optimiser=recipe.optimiser,
            trainer=trainer,
            seed=recipe.seed,
            epoch_steps=epoch_steps,
            validate_steps=trainer.validate_steps,
        )
        self.recipe, self.out = recipe, out
        self.answered: dict[int, AnsweredQuestion] = {}
        self.rates: dict[str, float] = {}
        idle = _idle_ears(model) if recipe.model.hearing == "trained" else set()
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(trained(name, recipe) and name not in idle)

    def configure_model(self) -> None:
        """Divide the language model between processes, once, if the recipe says so."""
        if self.budget.strategy == "fsdp" and not getattr(self, "_divided", False):
            self._divided = True
            mesh: Any = self.device_mesh
            shard_blocks(self.model.language_model, mesh["data_parallel"])

    def on_train_start(self) -> None:
        """Start the clock, with dropout: language models that were read are still."""
        super().on_train_start()
        self.train()

    def train(self, mode: bool = True) -> BatTask:
        """Let frozen ears stay in evaluation mode: no dropout, no new statistics."""
        super().train(mode)
        if self.recipe.model.hearing == "frozen":
            self.model.tower.eval()
        return self

    def kept_weights(self) -> dict[str, Tensor]:
        """Return the weights that are trained, not billions that are not, and the statistics of ears that learn."""
        learning = {name for name, parameter in self.named_parameters() if parameter.requires_grad}
        if self.recipe.model.hearing == "trained":
            learning |= {name for name, _ in self.named_buffers() if name.startswith("model.tower.")}
        return {name: value for name, value in self.state_dict().items() if name in learning}

    def heard(self, batch: QuestionBatch) -> Tensor:
        """Return the encoder's tokens of a batch: those that are given, or what the ears hear of its waveforms."""
        if batch.tokens is not None:
            return batch.tokens.to(self.device)
        assert batch.waveforms is not None
        waveforms = batch.waveforms.to(self.device)
        model: Bat = self.model
        if self.recipe.model.hearing == "trained":
            return model.tokens(waveforms)
        with torch.no_grad(), torch.autocast(self.device.type, enabled=False):
            return model.tokens(waveforms)

    def sequences(self, batch: QuestionBatch, tokens: Tensor) -> TokenBatch:
        """Return what the language model learns from."""
        count = self.model.audio_tokens(tokens)
        words = answer_batch(
            self.model.tokenizer, batch.questions, batch.answers, audio_tokens=count, prompt=self.model.config.prompt
        )
        return words.to(self.device)

    def losses(self, batch: QuestionBatch) -> AnswerLosses:
        """Return the losses of a batch."""
        return self._losses(batch, self.heard(batch))

    def _losses(self, batch: QuestionBatch, tokens: Tensor) -> AnswerLosses:
        words = self.sequences(batch, tokens)
        assert words.labels is not None
        logits = self.model(words, tokens)
        loss = answer_loss(logits, words.labels)
        return AnswerLosses(loss, token_accuracy(logits, words.labels), loss)

    def on_validation_epoch_start(self) -> None:
        """Forget the answers of the last validation."""
        self.answered = {}

    def validation_step(self, batch: QuestionBatch, _: int) -> None:
        """Answer some questions."""
        tokens = self.heard(batch)
        losses = self._losses(batch, tokens)
        self.log_losses("validation", losses)
        said = self.model.generate(tokens, batch.questions)
        rows = zip(batch.numbers, batch.types, batch.questions, batch.answers, said, strict=True)
        loss = float(losses.total)
        self.answered |= {number: AnsweredQuestion(*row)._replace(loss=loss) for number, *row in rows}

    def on_validation_epoch_end(self) -> None:
        """Log how many answers are exactly right by type, write some of them into ``answers.md``, and keep the model."""
        if self.place[0] > 1:
            all_answered: list[Any] = [None] * self.place[0]
            distributed.all_gather_object(all_answered, self.answered)
            self.answered = {number: row for some in all_answered for number, row in some.items()}
        answered = [self.answered[number] for number in sorted(self.answered)]
        self.rates = right_rates(answered)
        self.log_dict({f"validation/{kind.lower()}": rate for kind, rate in self.rates.items()}, rank_zero_only=True)
        loss = sum(row.loss for row in answered) / max(len(answered), 1)
        chosen = self.recipe.keep == "last" or loss <= self.best or not self.out.model.is_dir()
        self.best = min(loss, self.best)
        if self.trainer.is_global_zero:
            write_text(self.out.path / "answers.md", answers_text(self.steps, answered))
        if chosen:
            self._keep_model()

    def _keep_model(self) -> None:
        """Write the model folder; all processes take part."""
        divided = self.budget.strategy == "fsdp" and self.recipe.model.lora is None
        with whole_blocks(self.model.language_model) if divided else nullcontext():
            if self.place[1] == 0:
                save_pretrained(self.model, self.out.model, card=card(self.recipe, self.reached, self.rates))


def trained(name: str, recipe: BatRecipe) -> bool:
    """Return whether a parameter of :class:`~auris.models.bat.Bat` is trained."""
    if name.startswith("tower."):
        return recipe.model.hearing == "trained"
    if name.startswith("language_model."):
        return recipe.model.lora is None or "lora_" in name
    return True


def _idle_ears(model: Bat) -> set[str]:
    """Names of the ears' own weights that have no part in tokens, such as their heads."""
    training = model.tower.training
    model.tower.eval()
    silence = torch.zeros(1, model.layout.channels, round(model.clip_seconds * model.sample_rate), device=model.device)
    with torch.enable_grad():
        torch.autograd.backward(model.tokens(silence).sum())
    model.tower.train(training)
    named = [(f"tower.{name}", parameter) for name, parameter in model.tower.named_parameters()]
    idle = {name for name, parameter in named if parameter.grad is None}
    model.tower.zero_grad(set_to_none=True)
    return idle


def token_accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the share of answers' tokens that are the likeliest."""
    wanted = labels[:, 1:]
    counted = wanted != IGNORED
    return ((logits[:, :-1].argmax(dim=-1) == wanted) & counted).sum() / counted.sum().clamp(min=1)


def train(recipe: BatRecipe) -> dict[str, Any]:
    """Train, resume where a former run stopped, and leave a model folder with its card.

    Returns:
        What was reached: steps, epochs, minutes, the model's folder, and how many answers are exactly right by type.

    Raises:
        CheckpointError: the run folder holds another run, or a model is not there.
        FormatError: sounds, clips, responses or questions are missing.
        AurisError: a gradient is not finite.
        Interrupted: a signal asked to stop; the checkpoint is written.
    """
    torch.set_num_threads(recipe.trainer.threads)
    out = RunFolder(Path(recipe.trainer.out))
    saved = out.claim(recipe.to_yaml(), network=_network_of)
    model = build_model(recipe)
    material = material_of(recipe, model)
    task = BatTask(model, recipe, out=out, epoch_steps=material.epoch_steps)
    if saved is not None:
        task.restore(saved)
    fit(task, out, train=material.train_loader(task), validation=material.validation_loader(task))
    rates = {f"right/{kind.lower()}": round(rate, 4) for kind, rate in task.rates.items()}
    return {"recipe": recipe.name, "model": str(out.model), **task.reached, **rates}


def validate(recipe: BatRecipe) -> dict[str, Any]:
    """Let the model that a recipe trained, or the one it goes on from, answer the questions to validate with.

    Returns:
        The model's folder, how many questions were asked, and how many answers are exactly right by type.

    Raises:
        CheckpointError: nothing is trained yet, and ``initial`` names no model.
        FormatError: sounds, clips, responses or questions are missing.
    """
    torch.set_num_threads(recipe.trainer.threads)
    folder = RunFolder(Path(recipe.trainer.out)).model
    if not folder.is_dir() and recipe.initial is None:
        raise CheckpointError(f"{folder}: nothing is trained yet; train first, or set initial to a model")
    model: Bat = from_pretrained(folder) if folder.is_dir() else build_model(recipe)
    on_gpu = recipe.trainer.accelerator != "cpu" and torch.cuda.is_available()
    answered = answers_of(model.to("cuda" if on_gpu else "cpu").eval(), material_of(recipe, model))
    rates = {f"right/{kind.lower()}": round(rate, 4) for kind, rate in right_rates(answered).items()}
    source = str(folder if folder.is_dir() else recipe.initial)
    return {"recipe": recipe.name, "model": source, "questions": len(answered), **rates}


@torch.inference_mode()
def answers_of(model: Bat, material: Material) -> list[AnsweredQuestion]:
    """Return what a model answers to the questions to validate with."""
    answered = []
    for batch in material.validation_loader():
        sounds = batch.sounds.to(model.device)
        said = model.generate(sounds if batch.tokens is not None else model.tokens(sounds), batch.questions)
        rows = zip(batch.types, batch.questions, batch.answers, said, strict=True)
        answered += [AnsweredQuestion(*row) for row in rows]
    return answered


def _network_of(plain: Mapping[str, Any]) -> list[Any]:
    """What of a written recipe a checkpoint depends on."""
    return [plain.get("task"), plain.get("labels"), plain.get("model")]
