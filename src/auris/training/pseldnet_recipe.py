"""Recipes of PSELDNets: trained on data sets, or on scenes simulated on the fly (arXiv:2411.06399)."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import yaml

from auris.data.seld_sets.catalogue import DATASETS, SeldDataset, dataset
from auris.data.seld_sets.clips import find_classes
from auris.data.seld_sets.labels import LabelRule
from auris.data.simulated import MixSettings
from auris.data.stems import StemSettings
from auris.errors import AurisError, ParameterError
from auris.models.configuration import plain_of
from auris.models.pseldnet.config import OutputFormat, PseldNetConfig
from auris.models.published import PUBLISHED
from auris.training.augmentation import AugmentationRecipe, preset
from auris.training.listener_recipe import PoolRecipe, ValidationRecipe
from auris.training.trainer_recipe import OptimiserRecipe, TrainerRecipe

LossKind = Literal["accdoa", "adpit", "pit", "aggregated"]
_LOSSES: dict[OutputFormat, tuple[LossKind, ...]] = {
    "accdoa": ("accdoa",),
    "multi_accdoa": ("adpit",),
    "einv2": ("pit", "aggregated"),
    "seddoa": ("aggregated", "pit"),
}


@dataclass(frozen=True)
class FurtherSet:
    """A second data set to train on; its validation and test clips are not used.

    Attributes:
        name: one that :mod:`auris.data.seld_sets` reads.
        root: its folder.
        partition: whose training clips.
    """

    name: str
    root: str
    partition: str = "default"

    def __post_init__(self) -> None:
        dataset(self.name).pattern(f"{self.partition}/train")


@dataclass(frozen=True)
class DatasetRecipe:
    """A data set on disk.

    Attributes:
        name: one that :mod:`auris.data.seld_sets` reads (``auris data check --help`` lists them).
        root: its folder.
        partition: which of its clips train, validate and test (:mod:`auris.data.seld_sets.catalogue`); ``safe`` never chooses
            the model on test clips, several published experiments do.
        chunk_seconds: length of an example.
        hop_seconds: from one training example to the next.
        label_rule: how events become frames, for sets whose labels are events: ``centre``, or ``pseldnets`` as published.
        workers: processes that read ahead; 0 reads between steps.
        also: a second set with the same classes to train on.
    """

    name: str
    root: str
    partition: str = "safe"
    chunk_seconds: float = 10.0
    hop_seconds: float = 10.0
    label_rule: LabelRule = "centre"
    workers: int = 4
    also: FurtherSet | None = None

    def __post_init__(self) -> None:
        if not (self.chunk_seconds > 0 and self.hop_seconds > 0) or self.workers < 0:
            raise ParameterError("chunk_seconds and hop_seconds must exceed 0, workers must be at least 0")
        dataset(self.name).pattern(f"{self.partition}/train")


@dataclass(frozen=True)
class SimulationRecipe:
    """Scenes mixed on the fly from rendered stems, and whole rendered scenes for validation."""

    stems: StemSettings = field(default_factory=lambda: StemSettings(seconds=10.0))
    pool: PoolRecipe = field(default_factory=PoolRecipe)
    mix: MixSettings = field(default_factory=MixSettings)
    validation: ValidationRecipe = field(default_factory=ValidationRecipe)


@dataclass(frozen=True)
class InitialRecipe:
    """Where weights begin: at random, or with those of one file.

    Attributes:
        audioset: published AudioSet checkpoint of the backbone, a file or its name (``auris models list``); trunk and input
            normalisation are taken from it.
        checkpoint: PSELDNet to go on from, as published (a file or its name) or trained here (a model folder).
        head: ``keep`` takes the heads over as well where the classes are as many; ``random`` always begins them anew, as the
            published experiments do.
    """

    audioset: str | None = None
    checkpoint: str | None = None
    head: Literal["keep", "random"] = "keep"

    def __post_init__(self) -> None:
        if self.audioset is not None and self.checkpoint is not None:
            raise ParameterError("weights begin with audioset or with checkpoint, not with both; set one of them to null")


@dataclass(frozen=True)
class SeldLossRecipe:
    """What is minimised (:mod:`auris.training.seld_losses`).

    Attributes:
        kind: None takes the one of the output format: ``accdoa``, ``adpit`` for multi-ACCDOA, ``pit`` for EINV2, ``aggregated``
            for SEDDOA. EINV2 and SEDDOA take both of the last two.
        error: of vectors.
        direction: error of directions in ``pit``.
        assignment: what ``pit`` holds tracks to: sources in the ``best`` order of each frame, or in a ``fixed`` one.
        activity_weight: share of the activities in ``pit``; the rest is that of the directions.
        aggregation: what ``aggregated`` compares: ``tracks`` under the best permutation (AGG1), ``classes`` after summing the
            tracks (AGG2), or ``both``.
        track_weight: share of ``tracks`` in ``both``.
    """

    kind: LossKind | None = None
    error: Literal["mse", "l1"] = "mse"
    direction: Literal["mse", "l1", "cosine"] = "mse"
    assignment: Literal["best", "fixed"] = "best"
    activity_weight: float = 0.5
    aggregation: Literal["tracks", "classes", "both"] = "tracks"
    track_weight: float = 0.5

    def kind_for(self, output: OutputFormat) -> LossKind:
        """Return the loss of an output format.

        Raises:
            ParameterError: it has no such loss.
        """
        accepted = _LOSSES[output]
        if self.kind is not None and self.kind not in accepted:
            raise ParameterError(f"loss {self.kind!r} does not fit output {output!r}, which takes {' or '.join(accepted)}")
        return self.kind or accepted[0]


@dataclass(frozen=True)
class SelectionRecipe:
    """How the best model is found, after every epoch.

    Attributes:
        score: the lowest SELD score wins: ``official``, macro over all classes by the rules of ``year``; ``pseldnets``, macro
            over the classes that were ever localised, which published results are and which is too good by missed classes.
        year: rules of the official score.
        clips: how many clips are scored; None for all.
        batch: examples in a batch; None for that of training.
    """

    score: Literal["official", "pseldnets"] = "official"
    year: Literal[2021, 2022, 2023] = 2023
    clips: int | None = None
    batch: int | None = None


@dataclass(frozen=True)
class PseldRecipe:
    """One experiment.

    Attributes:
        name: of the experiment and of the model.
        model: the network; ``labels`` may be left out for those of the data set.
        data: data set to train on.
        simulation: or scenes to train on.
        initial: where weights begin.
        loss: what is minimised.
        augmentation: a preset's name (:func:`auris.training.augmentation.preset`), or its own values.
        optimiser: how.
        trainer: how long, on what.
        selection: how the best model is found.
        seed: of everything.
        note: for the card.
    """

    task: ClassVar[str] = "pseldnet"
    names: ClassVar[tuple[str, ...]] = tuple(model.name for model in PUBLISHED)
    paths: ClassVar[tuple[str, ...]] = (
        "data.root",
        "data.also.root",
        "simulation.stems.bank.sounds",
        "simulation.pool.folder",
        "initial.audioset",
        "initial.checkpoint",
        "trainer.out",
    )

    name: str
    model: PseldNetConfig
    data: DatasetRecipe | None = None
    simulation: SimulationRecipe | None = None
    initial: InitialRecipe = field(default_factory=InitialRecipe)
    loss: SeldLossRecipe = field(default_factory=SeldLossRecipe)
    augmentation: Literal["none", "augment", "augmix", "augmix1", "mono"] | AugmentationRecipe = "none"
    optimiser: OptimiserRecipe = field(default_factory=OptimiserRecipe)
    trainer: TrainerRecipe = field(default_factory=TrainerRecipe)
    selection: SelectionRecipe = field(default_factory=SelectionRecipe)
    seed: int = 2024
    note: str = ""

    def __post_init__(self) -> None:
        if (self.data is None) == (self.simulation is None):
            raise ParameterError(
                "a recipe trains on data (a data set) or on simulation (scenes made on the fly): give one of them"
            )
        self.loss.kind_for(self.model.output)
        rate = 0 if self.data is None else dataset(self.data.name).sample_rate
        if rate not in (0, self.model.sample_rate):
            raise ParameterError(
                f"{self.data and self.data.name} has {rate} Hz, but the network hears {self.model.sample_rate} Hz"
            )
        stems = None if self.simulation is None else self.simulation.stems
        if stems is not None and (stems.layout, stems.sample_rate) != (self.model.layout, self.model.sample_rate):
            raise ParameterError(
                f"the network hears {self.model.layout} at {self.model.sample_rate} Hz, "
                f"but the stems are {stems.layout} at {stems.sample_rate} Hz"
            )

    @property
    def augmentation_settings(self) -> AugmentationRecipe:
        """The augmentation, whichever way it was said."""
        return preset(self.augmentation) if isinstance(self.augmentation, str) else self.augmentation

    def to_yaml(self) -> str:
        """Return the recipe with every value written out."""
        plain = {"task": self.task, **plain_of(self)}
        return yaml.safe_dump(plain, sort_keys=False, default_flow_style=None, width=120)

    @staticmethod
    def completed(plain: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a plain recipe with classes and sample rate of the data set, where the network names none."""
        model, data = plain.get("model", {}), plain.get("data")
        if not isinstance(model, Mapping) or not isinstance(data, Mapping) or data.get("name") not in DATASETS:
            return plain
        found = DATASETS[data["name"]]
        known: dict[str, Any] = {"labels": _labels_of(found, data.get("root"))} if "labels" not in model else {}
        if found.sample_rate:
            known["sample_rate"] = found.sample_rate
        return {**plain, "model": {**known, **model}}


def _labels_of(found: SeldDataset, root: object) -> list[str]:
    """Class names of a data set: known ones, those that came with the data, or numbers while the data are not there."""
    if found.classes:
        return list(found.classes)
    with contextlib.suppress(AurisError):
        return list(find_classes(found, str(root)))
    return [f"class {index}" for index in range(found.class_count)]
