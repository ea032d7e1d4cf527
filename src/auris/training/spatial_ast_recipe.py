"""Recipes of networks that hear whole binaural clips: Spatial-AST (arXiv:2402.01591) and DSpAST (arXiv:2509.13927)."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import yaml

from auris.data.reverb_bank import ReverbBankSettings
from auris.data.spatial_clips.items import ClipSettings
from auris.errors import AurisError, ParameterError, unknown_name
from auris.io.spatial_sound_qa import read_label_csv
from auris.models.clip_transformer import TrainingMasks
from auris.models.configuration import plain_of
from auris.models.pretrained import SHIPPED
from auris.models.published import PUBLISHED
from auris.training.trainer_recipe import OptimiserRecipe, TrainerRecipe

ARCHITECTURES = ("spatial_ast", "dspast")
AUDIOSET_CLASSES = 355


@dataclass(frozen=True)
class ClipModelRecipe:
    """Which network: ``spatial_ast`` or ``dspast``, and fields of its configuration but the classes."""

    architecture: str = "spatial_ast"
    config: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.architecture not in ARCHITECTURES:
            raise ParameterError(unknown_name("network of whole clips", self.architecture, ARCHITECTURES))


@dataclass(frozen=True)
class AudioSetLists:
    """Files of the clips' metadata, relative to ``data.audioset`` where they are not absolute.

    Attributes:
        train: list of the clips to train on.
        validation: list of the clips to score.
        classes: table of the classes.
        weights: how much more often some training clips are drawn than others, a number for each; with ``sampling: weighted``.
            None counts the classes of the list itself, by the published formula.
    """

    train: str = "metadata/balanced.json"
    validation: str = "metadata/eval.json"
    classes: str = "metadata/class_labels_indices_subset.csv"
    weights: str | None = None


@dataclass(frozen=True)
class SoundsRecipe:
    """Recordings in a folder, one sub-folder per class, in place of AudioSet.

    Attributes:
        folder: where they are.
        folds: of the recordings to train on.
        validation_folds: of those to score.
        procedural: share of training clips that are synthesised, of classes that can be.
        variations: how many variations of each recording are played in training.
    """

    folder: str
    folds: tuple[int, ...] = (1, 2, 3)
    validation_folds: tuple[int, ...] = (4,)
    procedural: float = 0.0
    variations: int = 8

    def __post_init__(self) -> None:
        if set(self.folds) & set(self.validation_folds):
            raise ParameterError(f"folds {list(self.folds)} and validation_folds {list(self.validation_folds)} share some")
        if not 0 <= self.procedural <= 1 or self.variations < 1:
            raise ParameterError("procedural is a share from 0 to 1, variations are at least 1")


@dataclass(frozen=True)
class BanksRecipe:
    """Responses simulated where ``data.reverb`` has none yet (:mod:`auris.data.reverb_bank`).

    Attributes:
        train: rooms and heads to train in.
        validation: rooms and heads to score in; none is one of training, whatever the seeds.
    """

    train: ReverbBankSettings = field(default_factory=ReverbBankSettings)
    validation: ReverbBankSettings = field(default_factory=lambda: ReverbBankSettings(rooms=60))


@dataclass(frozen=True)
class ClipDataRecipe:
    """Single sounds, and the rooms they are put into.

    Attributes:
        audioset: folder of AudioSet clips with its metadata, as SpatialSoundQA publishes them.
        lists: which of them.
        sounds: or a folder of recordings.
        reverb: folder of room responses, published or simulated.
        banks: what to simulate there where they are missing; None takes what is there.
        items: how a clip and a response become an example.
        epoch_items: examples of an epoch, over all devices; None takes every clip once.
        sampling: ``weighted`` draws clips of rare classes more often.
        workers: processes that read ahead; 0 reads between steps.
    """

    audioset: str | None = None
    lists: AudioSetLists = field(default_factory=AudioSetLists)
    sounds: SoundsRecipe | None = None
    reverb: str = "../runs/reverb"
    banks: BanksRecipe | None = None
    items: ClipSettings = field(default_factory=ClipSettings)
    epoch_items: int | None = None
    sampling: Literal["uniform", "weighted"] = "uniform"
    workers: int = 0

    def __post_init__(self) -> None:
        if (self.audioset is None) == (self.sounds is None):
            raise ParameterError(
                "clips come from data.audioset=FOLDER (with its metadata) or from data.sounds: give one of them"
            )
        if self.workers < 0 or (self.epoch_items is not None and self.epoch_items < 1):
            raise ParameterError("workers must be at least 0, epoch_items at least 1 (or null for every clip once)")

    def list_file(self, name: str) -> Path:
        """Return the path of one of the lists."""
        assert self.audioset is not None
        return Path(self.audioset) / name


@dataclass(frozen=True)
class ClipInitialRecipe:
    """Where weights begin: at random, or with those of one file.

    Attributes:
        audiomae: AudioMAE's pretrained weights (arXiv:2207.06405); patch embedding, positions and blocks are taken from it.
        checkpoint: Spatial-AST or DSpAST to go on from, as published (a file) or trained here (a model folder).
        head: ``keep`` takes the event head over as well where the classes are as many; ``random`` begins it anew.
    """

    audiomae: str | None = None
    checkpoint: str | None = None
    head: Literal["keep", "random"] = "keep"

    def __post_init__(self) -> None:
        if self.audiomae is not None and self.checkpoint is not None:
            raise ParameterError("weights begin with audiomae or with checkpoint, not with both; set one of them to null")


@dataclass(frozen=True)
class ClipLossRecipe:
    """Weights of what is minimised (:mod:`auris.training.clip_losses`).

    Attributes:
        events: of the binary cross-entropy, averaged over clips and classes.
        distance: of the cross-entropy of the distance classes.
        direction: of the sum of those of azimuth and elevation.
        smoothing_deg: how far the target of a direction is spread over its neighbours (standard deviation); 0 as published.
        distance_smoothing: the same for distances, metres.
    """

    events: float = 1250.0
    distance: float = 1.0
    direction: float = 2.0
    smoothing_deg: float = 0.0
    distance_smoothing: float = 0.0

    def __post_init__(self) -> None:
        weights = (self.events, self.distance, self.direction)
        if min(weights) < 0 or not sum(weights) > 0:
            raise ParameterError(f"weights of losses are at least 0, not all 0; got {list(weights)}")
        if self.smoothing_deg < 0 or self.distance_smoothing < 0:
            raise ParameterError("smoothing_deg and distance_smoothing must be at least 0 (not spread)")


@dataclass(frozen=True)
class ClipValidationRecipe:
    """How the best model is found.

    Attributes:
        clips: how many pairs of clip and response are scored; None for all.
        per_clip: responses that each clip is put into.
        first_epoch: epochs before which nothing is scored.
        batch: examples in a batch; None for that of training.
        select: the lowest value wins, after every epoch: ``place`` the mean of 1 - mAP, ER20, MAE / 180° and DER; ``map``
            1 - mAP, for training on events alone; ``last`` keeps the latest model, as published.
        seed: of the pairs of clips and responses, which are always the same.
    """

    clips: int | None = None
    per_clip: int = 1
    first_epoch: int = 0
    batch: int | None = None
    select: Literal["place", "map", "last"] = "place"
    seed: int = 90_000

    def __post_init__(self) -> None:
        if min(self.per_clip, self.clips or 1, self.batch or 1) < 1 or self.first_epoch < 0:
            raise ParameterError("clips, per_clip and batch must be at least 1, first_epoch at least 0")


@dataclass(frozen=True)
class SpatialAstRecipe:
    """One experiment.

    Attributes:
        name: of the experiment and of the model.
        labels: classes; empty takes those of the data.
        model: the network.
        data: what it trains on and is scored on.
        initial: where weights begin.
        loss: what is minimised.
        masks: what is hidden in training; null hides nothing.
        optimiser: how.
        trainer: how long, on what.
        validation: how the best model is found.
        seed: of everything.
        note: for the card.
    """

    task: ClassVar[str] = "spatial_ast"
    names: ClassVar[tuple[str, ...]] = (*SHIPPED, *(model.name for model in PUBLISHED))
    paths: ClassVar[tuple[str, ...]] = (
        "data.audioset",
        "data.sounds.folder",
        "data.reverb",
        "data.banks.train.hrtf",
        "data.banks.validation.hrtf",
        "initial.audiomae",
        "initial.checkpoint",
        "trainer.out",
    )

    name: str
    data: ClipDataRecipe
    labels: tuple[str, ...] = ()
    model: ClipModelRecipe = field(default_factory=ClipModelRecipe)
    initial: ClipInitialRecipe = field(default_factory=ClipInitialRecipe)
    loss: ClipLossRecipe = field(default_factory=ClipLossRecipe)
    masks: TrainingMasks | None = field(default_factory=TrainingMasks)
    optimiser: OptimiserRecipe = field(default_factory=OptimiserRecipe)
    trainer: TrainerRecipe = field(default_factory=TrainerRecipe)
    validation: ClipValidationRecipe = field(default_factory=ClipValidationRecipe)
    seed: int = 0
    note: str = ""

    def __post_init__(self) -> None:
        items, config = self.data.items, self.model.config
        for name in ("sample_rate", "clip_seconds"):
            if config.get(name, getattr(items, name)) != getattr(items, name):
                raise ParameterError(f"the network hears {name} {config[name]}, but data.items has {getattr(items, name)}")

    def to_yaml(self) -> str:
        """Return the recipe with every value written out."""
        plain = {"task": self.task, **plain_of(self)}
        return yaml.safe_dump(plain, sort_keys=False, default_flow_style=None, width=120)

    @staticmethod
    def completed(plain: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a plain recipe with what follows from others of its values: classes, sample rate and length of examples."""
        data, model = plain.get("data"), plain.get("model") or {}
        if not isinstance(data, Mapping) or not isinstance(model, Mapping):
            return plain
        config = model.get("config") or {}
        heard = {key: config[key] for key in ("sample_rate", "clip_seconds") if isinstance(config, Mapping) and key in config}
        items = data.get("items") or {}
        known: dict[str, Any] = {"labels": _labels_of(data)} if not plain.get("labels") else {}
        if heard and isinstance(items, Mapping):
            known["data"] = {**data, "items": {**heard, **items}}
        return {**plain, **known}


def _labels_of(data: Mapping[str, Any]) -> list[str]:
    """Class names of the data: those that came with them, or numbers while they are not there."""
    sounds, audioset = data.get("sounds"), data.get("audioset")
    with contextlib.suppress(AurisError, OSError):
        if isinstance(sounds, Mapping) and sounds.get("folder"):
            return sorted(folder.name for folder in Path(sounds["folder"]).iterdir() if folder.is_dir())
        if audioset:
            lists = data.get("lists") or {}
            table = lists.get("classes", AudioSetLists.classes) if isinstance(lists, Mapping) else AudioSetLists.classes
            return list(read_label_csv(Path(str(audioset)) / table).names)
    return [f"class {index}" for index in range(AUDIOSET_CLASSES)]
