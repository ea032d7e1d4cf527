"""Training a language model that hears: projector, and adapters or a small model of its own, from questions about scenes.

Source of the curriculum (perception, then reasoning) and of the questions: Zheng et al., BAT, arXiv:2402.01591.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from auris import seeding
from auris.data.language.questions import HeardSource, Question
from auris.errors import CheckpointError
from auris.io.atomic import write_text
from auris.io.spatial_qa_records import QUESTION_TYPES
from auris.models.bat import Bat, answer_loss
from auris.models.bat_config import LANGUAGE_MODEL, BatConfig
from auris.models.bat_sequences import IGNORED, TokenBatch, answer_batch
from auris.models.language_models import (
    load_language_model,
    load_tokenizer,
    new_language_model,
    new_tokenizer,
    with_adapters,
)
from auris.models.pretrained import from_pretrained, save_pretrained
from auris.training.bat_questions import (
    QuestionBatch,
    QuestionEpoch,
    drawn_question,
    question_batch_of,
    validation_questions,
)
from auris.training.bat_recipe import BatRecipe
from auris.training.bat_report import card
from auris.training.bat_scenes import Heard, SceneSource, ears_digest, hear
from auris.training.initial_weights import found_weights
from auris.training.loop import Task, fit
from auris.training.run_folder import RunFolder

_LOG = logging.getLogger("auris.training")
_TEXTS = 8_000  # questions that a new tokenizer is made from
_SHOWN = 3  # answers of each type that are logged at every validation
_VALIDATION_BATCH = 64


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
    """A model that answers, with its loss; ears and language model stay as they are unless the recipe says otherwise."""

    def __init__(self, model: Bat, recipe: BatRecipe, *, out: RunFolder, texts: Sequence[tuple[int, Question]] = ()) -> None:
        trainer = recipe.trainer
        super().__init__(
            model, optimiser=recipe.optimiser, trainer=trainer, seed=recipe.seed, epoch_steps=trainer.validate_steps
        )
        self.recipe, self.out, self.texts = recipe, out, texts
        self.right: list[tuple[str, bool]] = []
        self.shown: list[tuple[str, str, str, str]] = []
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(trained(name, recipe))

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

    def batch(self, batch: QuestionBatch) -> TokenBatch:
        """Return the sequences of a batch."""
        count = self.model.audio_tokens(batch.tokens)
        prompt = self.model.config.prompt
        return answer_batch(self.model.tokenizer, batch.questions, batch.answers, audio_tokens=count, prompt=prompt).to(
            self.device
        )

    def losses(self, batch: QuestionBatch) -> AnswerLosses:
        """Return the losses of a batch."""
        words = self.batch(batch)
        assert words.labels is not None
        logits = self.model(words, batch.tokens.to(self.device))
        loss = answer_loss(logits, words.labels)
        return AnswerLosses(loss, token_accuracy(logits, words.labels), loss)

    def on_validation_epoch_start(self) -> None:
        """Forget the answers of the last validation."""
        self.right, self.shown = [], []

    def validation_step(self, batch: QuestionBatch, _: int) -> None:
        """Answer some questions."""
        self.log_losses("validation", self.losses(batch))
        tokens = batch.tokens.to(self.device)
        answers = self.model.generate(tokens, batch.questions)
        for kind, asked, truth, said in zip(batch.types, batch.questions, batch.answers, answers, strict=True):
            self.right.append((kind, said.lower() == truth.lower()))
            if sum(shown[0] == kind for shown in self.shown) < _SHOWN:
                self.shown.append((kind, asked, truth, said))

    def on_validation_epoch_end(self) -> None:
        """Log how many answers are exactly right by type, and write some of them into ``answers.md``."""
        rates = {}
        for kind in QUESTION_TYPES:
            found = [right for other, right in self.right if other == kind]
            if found:
                rates[f"validation/{kind.lower()}"] = sum(found) / len(found)
        self.log_dict(rates, rank_zero_only=True)
        if self.trainer.is_global_zero:
            write_text(self.out.path / "answers.md", _answers_text(self.steps, rates, self.shown))
            save_pretrained(self.model, self.out.model, card=card(self.recipe, self.reached, rates))

    def note(self, out: RunFolder) -> None:
        """Nothing beside a checkpoint: models are written at validations."""


def trained(name: str, recipe: BatRecipe) -> bool:
    """Return whether a parameter of :class:`~auris.models.bat.Bat` is trained."""
    if name.startswith("tower."):
        return recipe.model.hearing == "trained"
    if name.startswith("language_model."):
        return recipe.model.lora is None or "lora_" in name
    return True


def token_accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the share of answers' tokens that are the likeliest."""
    wanted = labels[:, 1:]
    counted = wanted != IGNORED
    return ((logits[:, :-1].argmax(dim=-1) == wanted) & counted).sum() / counted.sum().clamp(min=1)


def _answers_text(steps: int, rates: dict[str, float], shown: Sequence[tuple[str, str, str, str]]) -> str:
    lines = [f"# Answers after {steps} steps", ""]
    lines += [f"- {name}: {100 * rate:.1f} % exactly right" for name, rate in rates.items()]
    lines += ["", "| type | question | truth | answer |", "|---|---|---|---|"]
    lines += [f"| {' | '.join(text.replace('|', '/') for text in row)} |" for row in sorted(shown)]
    return "\n".join(lines) + "\n"


class _Batches(Dataset[QuestionBatch]):
    """Questions about heard scenes, in batches."""

    def __init__(self, heard: Heard, texts: Sequence[tuple[int, Question]], size: int) -> None:
        self._heard, self._texts, self._size = heard, texts, size

    def __len__(self) -> int:
        return math.ceil(len(self._texts) / self._size)

    def __getitem__(self, number: int) -> QuestionBatch:
        part = self._texts[number * self._size : (number + 1) * self._size]
        return question_batch_of(self._heard, [scene for scene, _ in part], [asked for _, asked in part])


def scene_sources(recipe: BatRecipe, model: Any) -> tuple[SceneSource, SceneSource]:
    """Return the scenes to train and to validate with."""
    listener, seconds = model.tower.listener, recipe.scenes.seconds or model.clip_seconds
    labels = recipe.labels or tuple(listener.labels)
    train, held_out = (
        SceneSource(recipe.scenes, labels, model.sample_rate, seconds, split, recipe.seed) for split in ("train", "held_out")
    )
    return train, held_out


def tokenizer_texts(recipe: BatRecipe, labels: Sequence[str]) -> Iterator[str]:
    """Yield questions and answers in the words of training, about sources at random places, for a new tokenizer."""
    yield from [recipe.model.prompt.format(question="")] * (_TEXTS // 20)
    for number in range(_TEXTS):
        rng = seeding.generator(recipe.seed, "tokenizer", number)
        names = rng.permutation(len(labels))[: 1 + int(rng.integers(2))]
        sources = [HeardSource((labels[n],), tuple(rng.uniform(-4, 4, 3).tolist())) for n in names]
        drawn = drawn_question(sources, dict.fromkeys(QUESTION_TYPES, 1.0), number, margins=recipe.margins, wording="training")
        if drawn is not None:
            yield drawn.text
            yield drawn.answer


def build_model(recipe: BatRecipe) -> Bat:
    """Return the model of a recipe before training: trained ears, a new projector, a language model.

    Raises:
        CheckpointError: ears, language model or the model of a former stage are not there or do not fit.
    """
    torch.manual_seed(recipe.seed)
    plan = recipe.model
    encoder = from_pretrained(found_weights(plan.encoder, keys="model.encoder"))
    if plan.language_model is None:
        tokenizer = new_tokenizer(tokenizer_texts(recipe, recipe.labels or encoder.labels), words=plan.small.words)
        writer = new_language_model(plan.small, tokenizer)
    else:
        tokenizer = load_tokenizer(plan.language_model)
        writer = load_language_model(plan.language_model, precision=plan.precision)
        writer = writer if plan.lora is None else with_adapters(writer, plan.lora)
    config = BatConfig(
        language_model=LANGUAGE_MODEL if plan.lora is None else str(plan.language_model),
        projector=plan.projector,
        lora=plan.lora,
        prompt=plan.prompt,
        writing=plan.writing,
    )
    model = Bat(config, encoder=encoder, language_model=writer, tokenizer=tokenizer)
    if recipe.initial is not None:
        _go_on(model, recipe)
    return model


def _go_on(model: Bat, recipe: BatRecipe) -> None:
    """Give a model the weights that a former stage trained."""
    former = from_pretrained(str(recipe.initial))
    if not isinstance(former, Bat):
        raise CheckpointError(f"{recipe.initial}: not a model that answers; initial is the model folder of a former stage")
    wanted = model.state_dict()
    weights = {
        name: value
        for name, value in former.state_dict().items()
        if not name.startswith(("tower.",) if recipe.model.hearing == "frozen" else ()) and name in wanted
    }
    if odd := [name for name, value in weights.items() if value.shape != wanted[name].shape]:
        raise CheckpointError(f"{recipe.initial}: {odd[0]} has another shape; a stage goes on with the sizes of the former one")
    model.load_state_dict(weights, strict=False)


def train(recipe: BatRecipe) -> dict[str, Any]:
    """Train, resume where a former run stopped, and leave a model folder with its card.

    Returns:
        What was reached: steps, minutes, the model's folder, and how many answers are exactly right by type.

    Raises:
        CheckpointError: the run folder holds another run, or a model is not there.
        FormatError: the sounds are missing.
        AurisError: a gradient is not finite.
        Interrupted: a signal asked to stop; the checkpoint is written.
    """
    torch.set_num_threads(recipe.trainer.threads)
    out = RunFolder(Path(recipe.trainer.out))
    saved = out.claim(recipe.to_yaml(), network=_network_of)
    model = build_model(recipe)
    sources = scene_sources(recipe, model)
    ears = ears_digest(model.tower)
    heard, held_out = (hear(source, model.tower.eval(), recipe.scenes.heard, ears=ears, report=_told) for source in sources)
    texts = validation_questions(held_out, margins=recipe.margins, wording="held_out", seed=recipe.seed)
    task = BatTask(model, recipe, out=out, texts=texts)
    if saved is not None:
        task.restore(saved)
    if task.progress < 1:
        fit(
            task,
            out,
            train=DataLoader(QuestionEpoch(recipe, heard, task), batch_size=None),
            validation=DataLoader(_Batches(held_out, texts, _VALIDATION_BATCH), batch_size=None),
        )
    model.eval()
    save_pretrained(model, out.model, card=card(recipe, task.reached, {}))
    return {"recipe": recipe.name, "model": str(out.model), **task.reached}


def _told(done: int, count: int) -> None:
    if done == count or done % 1024 == 0:
        _LOG.warning("heard %d of %d scenes", done, count)


def _network_of(plain: dict[str, Any]) -> list[Any]:
    """What of a written recipe a checkpoint depends on."""
    return [plain.get("task"), plain.get("labels"), plain.get("model")]
