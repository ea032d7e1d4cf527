"""Recipes of language models that hear: what they are made of, the scenes they hear, the questions they learn to answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import yaml

from auris.data.language.questions import QuestionMargins
from auris.data.reverb_bank import ReverbBankSettings
from auris.data.reverb_listeners import BUILT_IN
from auris.data.spatial_clips.placed_clips import PlacedClipSettings
from auris.errors import ParameterError, unknown_name
from auris.io.spatial_qa_records import QUESTION_TYPES
from auris.models.bat_config import LoraSettings, Precision, SmallLanguageModel, WritingSettings
from auris.models.bat_sequences import PROMPT
from auris.models.configuration import plain_of
from auris.models.pretrained import SHIPPED
from auris.models.projectors import ProjectorConfig
from auris.models.published import PUBLISHED
from auris.training.trainer_recipe import OptimiserRecipe, TrainerRecipe


@dataclass(frozen=True)
class BatModelRecipe:
    """What the model is made of.

    Attributes:
        encoder: the listener whose tokens are read: a shipped one, a published one on this disk, or a model folder.
        hearing: ``frozen`` ears stay as they are; ``trained`` learn along.
        language_model: name of a causal language model of Hugging Face, or its folder (absolute, or from the working folder
            on); None makes a small one with a tokenizer of its own.
        small: sizes of the small one.
        precision: of the weights of a language model that is not trained whole; ``bfloat16`` takes half the memory of
            ``float32``. Adapters and projector keep ``float32``.
        lora: adapters; None trains the language model whole.
        projector: between the two.
        prompt: around the question, with ``{question}`` in it.
        writing: how answers are written.
        named: whether words of a question that name a class of the encoder carry what was heard of it, for encoders with a
            token for each class (:class:`auris.models.bat_config.BatConfig`, ``names``).
    """

    encoder: str = "nano-binaural"
    hearing: Literal["frozen", "trained"] = "frozen"
    language_model: str | None = None
    small: SmallLanguageModel = field(default_factory=SmallLanguageModel)
    precision: Precision = "float32"
    lora: LoraSettings | None = None
    projector: ProjectorConfig = field(default_factory=ProjectorConfig)
    prompt: str = PROMPT
    writing: WritingSettings = field(default_factory=WritingSettings)
    named: bool = False

    def __post_init__(self) -> None:
        if self.lora is not None and self.language_model is None:
            raise ParameterError("lora adapts a language model that exists: name it in model.language_model, or leave lora out")
        if self.precision in ("8bit", "4bit"):
            raise ParameterError(f"{self.precision} weights are for answering; train with model.precision=bfloat16")
        if self.lora is None and self.precision != "float32":
            raise ParameterError(
                "a language model that is trained whole keeps float32 weights; set model.precision=float32 and "
                "trainer.precision=bf16, or model.lora"
            )


@dataclass(frozen=True)
class ScenesRecipe:
    """Scenes that are drawn and heard on the fly: recordings at places of simulated rooms.

    Attributes:
        sounds: folder with one sub-folder per class.
        folds: of the recordings to train with.
        held_out_folds: of those to validate with, in rooms that are never trained in.
        variations: of each recording.
        procedural: share of clips that are synthesised instead.
        seconds: length of a scene; None is what the encoder hears at a time.
        reverb: folder of room responses; what is missing is simulated.
        bank: rooms, places and heads.
        held_out_rooms: rooms to validate in.
        drawn: how many sounds a scene has, how long and how loud they are.
        count: scenes that are heard in all, again and again with other questions. Frozen ears hear each once.
        held_out_count: scenes to validate with.
        heard: folder where what frozen ears heard is kept.
        workers: processes that render ahead for ears that learn; 0 does it between steps.
    """

    sounds: str = "../../shared/sounds"
    folds: tuple[int, ...] = (1, 2, 3)
    held_out_folds: tuple[int, ...] = (4,)
    variations: int = 24
    procedural: float = 0.0
    seconds: float | None = None
    reverb: str = "../runs/reverb-bat"
    bank: ReverbBankSettings = field(default_factory=ReverbBankSettings)
    held_out_rooms: int = 40
    drawn: PlacedClipSettings = field(default_factory=lambda: PlacedClipSettings(sources=(0.35, 0.65)))
    count: int = 10_000
    held_out_count: int = 600
    heard: str = "../runs/heard"
    workers: int = 0

    def __post_init__(self) -> None:
        if self.workers < 0:
            raise ParameterError(f"scenes.workers must be at least 0, got {self.workers}")
        if min(self.count, self.held_out_count, self.held_out_rooms) < 1:
            raise ParameterError("count, held_out_count and held_out_rooms must be at least 1")
        if set(self.folds) & set(self.held_out_folds):
            raise ParameterError(f"folds and held_out_folds share no fold, got {self.folds} and {self.held_out_folds}")
        if self.drawn.mirror and self.bank.layout != "binaural":
            raise ParameterError(f"only two ears can be mirrored; set scenes.drawn.mirror=0 for {self.bank.layout}")


@dataclass(frozen=True)
class QuestionDataRecipe:
    """Questions with their clips and responses, as SpatialSoundQA publishes them or ``auris data make`` writes them.

    Attributes:
        audioset: folder that the ``audio_id`` of questions are below.
        reverb: folder of the responses; holds ``binaural``, or ``ambisonics`` for an encoder of first order.
        questions: folder of the stages.
        stage: which of them (:data:`auris.io.spatial_qa_records.STAGES`); its questions hold those of the stages before.
        train: file of the questions to train with, in the stage's folder, without ``.json`` or ``.jsonl``.
        validation: files of those to validate with; empty takes ``val``, or the published ``eval-stage…`` of this stage and
            those before where there is none.
        validation_count: questions of each type that are asked at a validation, always the same; None for all.
        response_rate: sample rate of the responses, hertz.
        level_dbfs: of every dry clip, as published.
        unreadable: ``refuse`` stops at the first clip or response that is missing; ``skip`` leaves its questions out, and
            logs how many.
        workers: processes that read and render ahead; 0 does it between steps.
    """

    audioset: str = "../data/SpatialSoundQA/AudioSet"
    reverb: str = "../data/SpatialSoundQA/mp3d_reverb"
    questions: str = "../data/SpatialSoundQA/closed-end"
    stage: str = "stage3-mixup"
    train: str = "train"
    validation: tuple[str, ...] = ()
    validation_count: int | None = 64
    response_rate: int = 32_000
    level_dbfs: float = -14.0
    unreadable: Literal["refuse", "skip"] = "refuse"
    workers: int = 0

    def __post_init__(self) -> None:
        if self.response_rate < 1 or self.workers < 0 or (self.validation_count is not None and self.validation_count < 1):
            raise ParameterError("data.validation_count and data.response_rate are at least 1, data.workers at least 0")


@dataclass(frozen=True)
class CurriculumStage:
    """Which questions are asked from some moment on.

    Attributes:
        begins: share of the budget at which it begins, 0 to 1.
        weights: of the types of questions, by their published names; types that are not named are not asked.
    """

    begins: float = 0.0
    weights: dict[str, float] = field(default_factory=lambda: dict.fromkeys(QUESTION_TYPES, 1.0))

    def __post_init__(self) -> None:
        if not 0 <= self.begins < 1 or not self.weights or min(self.weights.values()) < 0 or not any(self.weights.values()):
            raise ParameterError(f"a stage begins at 0 to 1 and has weights of at least 0, not all 0; got {self}")
        for name in self.weights:
            if name not in QUESTION_TYPES:
                raise ParameterError(unknown_name("type of question", name, QUESTION_TYPES))


@dataclass(frozen=True)
class BatRecipe:
    """One model that answers, with its training.

    Attributes:
        name: of the model.
        labels: classes of the sounds; those of the encoder unless given.
        seed: of every draw.
        note: for the card.
        model: what it is made of.
        initial: model folder of a former stage to go on from: its projector, its language model or adapters, and its ears
            where the folder holds any (instead of ``model.encoder``).
        scenes: what it hears, where there are no ``data``.
        data: questions of a data set; None asks about simulated scenes.
        curriculum: which questions are asked about scenes when; perception before reasoning.
        margins: what must differ for a question about scenes to be asked.
        loose: share of questions about scenes that lose filler words in training, as people type them
            (:mod:`auris.data.language.loose_wording`).
        optimiser: learning rate.
        trainer: budget. An epoch is all of the ``data`` once; of scenes, which have no end, ``validate_steps``.
        keep: model that is left behind: of the ``last`` validation, or of the one with the ``lowest_loss``, as published.
    """

    task: ClassVar[str] = "bat"
    names: ClassVar[tuple[str, ...]] = (*SHIPPED, BUILT_IN, *(model.name for model in PUBLISHED))
    paths: ClassVar[tuple[str, ...]] = (
        *("model.encoder", "scenes.sounds", "scenes.reverb", "scenes.bank.hrtf", "scenes.heard"),
        *("data.audioset", "data.reverb", "data.questions", "initial", "trainer.out"),
    )

    name: str
    labels: tuple[str, ...] = ()
    seed: int = 0
    note: str = ""
    model: BatModelRecipe = field(default_factory=BatModelRecipe)
    initial: str | None = None
    scenes: ScenesRecipe = field(default_factory=ScenesRecipe)
    data: QuestionDataRecipe | None = None
    curriculum: tuple[CurriculumStage, ...] = (CurriculumStage(),)
    margins: QuestionMargins = field(default_factory=QuestionMargins)
    loose: float = 0.0
    optimiser: OptimiserRecipe = field(default_factory=OptimiserRecipe)
    trainer: TrainerRecipe = field(default_factory=lambda: TrainerRecipe(max_steps=5000))
    keep: Literal["last", "lowest_loss"] = "last"

    def __post_init__(self) -> None:
        if self.data is not None and self.curriculum != (CurriculumStage(),):
            raise ParameterError("curriculum orders questions about scenes; with data, chain recipes by data.stage and initial")
        if self.trainer.strategy == "fsdp" and self.trainer.sync_batch_norm:
            raise ParameterError("sync_batch_norm is for trainer.strategy=ddp")
        if not 0 <= self.loose <= 1:
            raise ParameterError(f"loose is a share from 0 to 1, got {self.loose!r}")
        begins = [stage.begins for stage in self.curriculum]
        if not begins or begins[0] != 0 or begins != sorted(set(begins)):
            raise ParameterError(f"stages of the curriculum begin at 0 and one after the other, got {begins}")

    def stage(self, progress: float) -> CurriculumStage:
        """Return the stage after some share of the budget."""
        return next(stage for stage in reversed(self.curriculum) if stage.begins <= progress)

    def to_yaml(self) -> str:
        """Return the recipe with every value written out."""
        return yaml.safe_dump({"task": self.task, **plain_of(self)}, sort_keys=False, default_flow_style=None, width=120)

    @staticmethod
    def completed(plain: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a plain recipe with what follows from its other values: nothing."""
        return plain
