"""The sets that auris reads: what they are, how they lie on disk, and how they are divided.

A **partition** names what one trains on, chooses the checkpoint with, and reports. The partitions of the published
experiments are here under their names, although several choose the checkpoint on the test clips; ``safe`` never does, and is
what a split is taken from when no partition is named:

============== ============== ============================ ================================== ==============================
set            partition      train                        valid                              test
============== ============== ============================ ================================== ==============================
pseldnets      default        six training sets            the three test sets                the three test sets
..             safe           99 of 100 training mixtures  every 100th training mixture       the three test sets
dcase2021      default        folds 1-6                    evaluation set                     evaluation set
..             dev, safe      folds 1-5                    fold 6                             evaluation set
dcase2022synth default        folds 1 and 2                –                                  –
..             safe           fold 1                       fold 2                             –
starss23       default        fold 3                       fold 4                             fold 4
..             evaluation     fold 3                       fold 4                             evaluation set, unlabelled
..             safe           fold 3 but two rooms         rooms 14 and 22 of fold 3          fold 4
l3das22        default        splits 0-4                   split 5                            split 5
..             dev, safe      splits 0-3                   split 4                            split 5
..             ov1            splits 0-4, one at a time    split 5                            split 5
..             ov1_safe       splits 0-3, one at a time    split 4                            split 5
auris          default, safe  ``train/``, or scenes whose  ``valid/``, or numbers ending in 0 ``test/``, or ending in 1
                              number ends in 2 to 9
============== ============== ============================ ================================== ==============================

Facts: arXiv:2411.06399 and its published configurations (pseldnets, and the partitions called ``default``, ``dev``, ``ov1``);
arXiv:2106.06999 (dcase2021); arXiv:2206.01948 and arXiv:2306.09126 (dcase2022synth, starss23); arXiv:2202.10372 (l3das22).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from auris.data.seld_sets.places import Placer, auris_place, dcase_place, l3das_place, pseldnets_place
from auris.errors import ParameterError, unknown_name
from auris.vocabulary import DCASE2021, DCASE2022, L3DAS22, PSELDNETS_CLASSES

LabelFormat = Literal["frames", "l3das22", "auris"]
SplitName = Literal["train", "valid", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "valid", "test")
ALL = "all"


@dataclass(frozen=True)
class Partition:
    """A set divided in three, by regular expressions for the whole ``group/name`` of a clip; None: no such clips."""

    train: str
    valid: str | None
    test: str | None

    @property
    def selects_on_test(self) -> bool:
        """Whether the checkpoint would be chosen on the clips that are reported."""
        return self.valid is not None and self.valid == self.test


@dataclass(frozen=True)
class SeldDataset:
    """A set of recordings with labels.

    Attributes:
        name: how it is called here.
        title: how its publishers call it.
        sample_rate: hertz of every recording; 0 where the set has no fixed one.
        clip_seconds: length of every clip; None where they differ.
        recordings: the recordings that a clip has, the usual one first, with their number of channels.
        labels: form of the label files: ``frames`` is frame, class[, track], azimuth, elevation[, distance[, …]].
        distance: what a distance column holds; None where it is not to be used.
        classes: class names in the order of their numbers; empty where they come with the data.
        class_count: number of classes; 0 where it is not fixed.
        place: reads from a path what a file is.
        partitions: the ways to divide it; ``safe`` is always there.
        unlabelled: pattern of the clips that are published without labels; None: there are none.
        layout_text: how it lies on disk, for messages.
        homepage: where it is published.
        licence: as far as it is known here; the copy that comes with the data decides.
    """

    name: str
    title: str
    sample_rate: int
    clip_seconds: float | None
    recordings: dict[str, int]
    labels: LabelFormat
    place: Placer
    partitions: dict[str, Partition]
    layout_text: str
    homepage: str
    licence: str
    distance: Literal["centimetres"] | None = None
    classes: tuple[str, ...] = ()
    class_count: int = 0
    unlabelled: str | None = None

    def pattern(self, split: str) -> str:
        """Return the pattern of a split: ``train`` (of ``safe``), ``default/train``, or ``all``.

        Raises:
            ParameterError: there is no such partition or split, or it holds no clips.

        >>> dataset("dcase2021").pattern("dev/valid")
        'dev/fold6_.*'
        """
        if split == ALL:
            return ".*"
        partition, _, part = split.rpartition("/")
        partition = partition or "safe"
        if partition not in self.partitions:
            raise ParameterError(unknown_name(f"partition of {self.name}", partition, self.partitions))
        if part not in SPLITS:
            raise ParameterError(unknown_name("split", part, (*SPLITS, ALL)))
        pattern: str | None = getattr(self.partitions[partition], part)
        if pattern is None:
            raise ParameterError(f"partition {partition!r} of {self.name} has no clips for {part!r}")
        return pattern

    @property
    def split_names(self) -> tuple[str, ...]:
        """Every name that :meth:`pattern` takes, without the short ones."""
        named = [f"{p}/{s}" for p, division in self.partitions.items() for s in SPLITS if getattr(division, s) is not None]
        return (*named, ALL)

    def is_unlabelled(self, key: str) -> bool:
        """Tell whether a clip is published without labels."""
        return self.unlabelled is not None and re.fullmatch(self.unlabelled, key) is not None


_DCASE_TEXT = "foa_dev/ (or mic_dev/) and metadata_dev/, with any sub-folders, and foa_eval/, metadata_eval/"
_STARSS_TRAIN, _STARSS_HELD = (4, 6, 7, 9, 12, 13, 14, 21, 22), (14, 22)  # one held room of Tampere, one of Tokyo
_STARSS_TEST = r"dev/fold4_room(2|8|10|15|16|23|24)_.*"


def _starss_rooms(rooms: tuple[int, ...]) -> str:
    return rf"dev/fold3_room({'|'.join(map(str, rooms))})_.*"


_DCASE2021_DEV = Partition(r"dev/fold[1-5]_.*", r"dev/fold6_.*", r"eval/.*")
_L3DAS_DEV = Partition(r"split[0-3]_.*", r"split4_.*", r"split5_.*")
_AURIS = Partition(r"train/.*|[^/]*[2-9]", r"valid/.*|[^/]*0", r"test/.*|[^/]*1")

_SETS = (
    SeldDataset(
        "pseldnets",
        title="PSELDNets synthetic sets (FSD50K events, 170 classes)",
        sample_rate=24_000,
        clip_seconds=60.0,
        recordings={"foa": 4, "mic": 4, "sum": 1},
        labels="frames",
        place=pseldnets_place,
        class_count=PSELDNETS_CLASSES,
        partitions={
            "default": Partition(r"train[^/]*/.*", r"test[^/]*/.*", r"test[^/]*/.*"),
            "safe": Partition(r"train[^/]*/.*?(?<!00)", r"train[^/]*/.*00", r"test[^/]*/.*"),
        },
        layout_text="train20000_ov1_1/{foa,metadata}/ and its kin (mic/, sum/ may be there), cls_indices_train.tsv beside them",
        homepage="https://huggingface.co/datasets/Jinbo-HU/PSELDNets",
        licence="not stated with the code; events are from FSD50K, whose clips carry Creative Commons licences one by one",
    ),
    SeldDataset(
        "dcase2021",
        title="TAU-NIGENS Spatial Sound Events 2021 (DCASE 2021 task 3)",
        sample_rate=24_000,
        clip_seconds=60.0,
        recordings={"foa": 4, "mic": 4},
        labels="frames",
        place=dcase_place,
        classes=DCASE2021.labels,
        class_count=len(DCASE2021),
        partitions={
            "default": Partition(r"dev/fold[1-6]_.*", r"eval/.*", r"eval/.*"),
            "dev": _DCASE2021_DEV,
            "safe": _DCASE2021_DEV,
        },
        layout_text=_DCASE_TEXT,
        homepage="https://doi.org/10.5281/zenodo.4844825",
        licence="see the LICENSE file that comes with the data",
    ),
    SeldDataset(
        "dcase2022synth",
        title="Synthetic mixtures of the DCASE 2022 task 3 baseline",
        sample_rate=24_000,
        clip_seconds=60.0,
        recordings={"foa": 4, "mic": 4},
        labels="frames",
        place=dcase_place,
        classes=DCASE2022.labels,
        class_count=len(DCASE2022),
        partitions={
            "default": Partition(r"dev/fold[12]_.*", None, None),
            "safe": Partition(r"dev/fold1_.*", r"dev/fold2_.*", None),
        },
        layout_text=_DCASE_TEXT,
        homepage="https://doi.org/10.5281/zenodo.6406873",
        licence="see the LICENSE file that comes with the data",
    ),
    SeldDataset(
        "starss23",
        title="Sony-TAu Realistic Spatial Soundscapes 2023",
        sample_rate=24_000,
        clip_seconds=None,
        recordings={"foa": 4, "mic": 4},
        labels="frames",
        distance="centimetres",
        place=dcase_place,
        classes=DCASE2022.labels,
        class_count=len(DCASE2022),
        partitions={
            "default": Partition(_starss_rooms(_STARSS_TRAIN), _STARSS_TEST, _STARSS_TEST),
            "evaluation": Partition(_starss_rooms(_STARSS_TRAIN), _STARSS_TEST, r"eval/.*"),
            "safe": Partition(
                _starss_rooms(tuple(room for room in _STARSS_TRAIN if room not in _STARSS_HELD)),
                _starss_rooms(_STARSS_HELD),
                _STARSS_TEST,
            ),
        },
        unlabelled=r"eval/.*",
        layout_text=_DCASE_TEXT,
        homepage="https://doi.org/10.5281/zenodo.7880637",
        licence="see the LICENSE file that comes with the data",
    ),
    SeldDataset(
        "l3das22",
        title="L3DAS22 task 2",
        sample_rate=32_000,
        clip_seconds=30.0,
        recordings={"foa": 4, "foa_b": 4},
        labels="l3das22",
        place=l3das_place,
        classes=L3DAS22.labels,
        class_count=len(L3DAS22),
        partitions={
            "default": Partition(r"split[0-4]_.*", r"split5_.*", r"split5_.*"),
            "dev": _L3DAS_DEV,
            "ov1": Partition(r"split[0-4]_ov1_.*", r"split5_.*", r"split5_.*"),
            "ov1_safe": Partition(r"split[0-3]_ov1_.*", r"split4_.*", r"split5_.*"),
            "safe": _L3DAS_DEV,
        },
        layout_text="data/ and labels/ (or data_train/ and labels_train/ …) with split0_ov1_1_A.wav and label_split0_ov1_1.csv",
        homepage="https://www.l3das.com/icassp2022/",
        licence="see the page of the challenge",
    ),
    SeldDataset(
        "auris",
        title="scenes that auris simulate --sample wrote",
        sample_rate=0,
        clip_seconds=None,
        recordings={"foa": 4, "tetra": 4, "binaural": 2, "stereo": 2, "mono": 1},
        labels="auris",
        distance="centimetres",
        place=auris_place,
        partitions={"default": _AURIS, "safe": _AURIS},
        layout_text="scene_00000/{foa.wav, labels.csv, classes.txt} …, in train/, valid/, test/ or all in one folder",
        homepage="auris simulate --help",
        licence="that of the sounds it was made of",
    ),
)

DATASETS: dict[str, SeldDataset] = {entry.name: entry for entry in _SETS}


def dataset(name: str) -> SeldDataset:
    """Return the set called ``name``: one of :data:`DATASETS`.

    Raises:
        ParameterError: the name is unknown; the closest one is named.
    """
    if name not in DATASETS:
        raise ParameterError(unknown_name("dataset", name, DATASETS))
    return DATASETS[name]
