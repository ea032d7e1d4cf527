"""The rules that SELD scores were taken by, year by year.

The same F-score has meant four things since 2021; numbers of different years must not be compared. A :class:`SeldRules` holds
everything in which they differ, so that a year is a value, and a variation is ``dataclasses.replace`` of one.

Sources: Mesaros et al., WASPAA 2019 (joint segment-based measures); Politis et al., arXiv:2009.02792; the challenge pages of
DCASE 2021 to 2025 and L3DAS22; Hu et al., arXiv:2411.06399 (PSELDNets).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from auris.errors import ParameterError

Year = Literal[2021, 2022, 2023, 2024, 2025, "l3das22", "pseldnets"]
Average = Literal["macro", "micro", "macro_present"]
Parity = Literal["strict", "upstream"]

FLOAT64_EPS, FLOAT32_EPS = 2.220446049250313e-16, 1.1920928955078125e-07
BLOCK = 10  # frames of a segment (1 s)


@dataclass(frozen=True)
class SeldRules:
    """What counts as right, what is counted, and how counts become scores.

    Attributes:
        name: for people and for ``--json``.
        counting: ``"segments"`` counts per class and second, ``"frames"`` per class and frame, ``"l3das22"`` pairs per frame.
        angle: how directions differ: ``"polar"`` by the spherical law of cosines, ``"cartesian"`` by the dot product of vectors
            normalised with a floor of 1e-10 (8e-4 degrees for equal directions), ``"folded_azimuth"`` by azimuth alone after
            mirroring the rear half to the front.
        angle_threshold_deg: largest angle of a right match.
        distance_threshold: largest distance error of a right match in metres; of ``"l3das22"``, the Euclidean radius.
        relative_distance_threshold: largest distance error of a right match as a share of the true distance.
        onscreen: whether a right match must also have the true onscreen flag.
        distance: whether distances are part of the scores.
        mislocated_weight: what a mislocated match costs in the F-score: 1, or 0.5 like any other false alarm (2021).
        unmatched_angle_deg: localisation error of a class without any match; NaN leaves it out of means.
        macro_classes: classes in the official macro mean: ``"all"``, or only those ``"matched"`` at least once.
        averages: averages these rules know, the official one first.
        length: number of frames a clip is scored over in parity mode: a number, ``"last_block"`` (blocks up to the index of the
            last reference frame), ``"last_frame"`` (frames below that index), or ``"whole"``.
        epsilon: added to denominators.
        reports: the scores these rules define, in the order they are reported.
    """

    name: str
    counting: Literal["segments", "frames", "l3das22"]
    angle: Literal["polar", "cartesian", "folded_azimuth"]
    angle_threshold_deg: float = 20.0
    distance_threshold: float = math.inf
    relative_distance_threshold: float = math.inf
    onscreen: Literal["free", "required"] = "free"
    distance: Literal["ignored", "scored"] = "ignored"
    mislocated_weight: float = 1.0
    unmatched_angle_deg: float = 180.0
    macro_classes: Literal["all", "matched"] = "all"
    averages: tuple[Average, ...] = ("macro", "micro", "macro_present")
    length: int | Literal["last_block", "last_frame", "whole"] = "whole"
    epsilon: float = FLOAT64_EPS
    reports: tuple[str, ...] = ("error_rate", "f", "localisation_error_deg", "localisation_recall", "seld")


RULES: Mapping[int | str, SeldRules] = MappingProxyType(
    {
        2021: SeldRules("dcase2021", "segments", "polar", mislocated_weight=0.5, averages=("micro",), length=600),
        2022: SeldRules("dcase2022", "segments", "polar", length="last_block"),
        2023: SeldRules("dcase2023", "segments", "polar", length="last_block"),
        2024: SeldRules(
            "dcase2024",
            "frames",
            "cartesian",
            relative_distance_threshold=1.0,
            distance="scored",
            unmatched_angle_deg=math.nan,
            length="last_frame",
            reports=("f", "localisation_error_deg", "distance_error", "relative_distance_error", "localisation_recall", "seld"),
        ),
        2025: SeldRules(
            "dcase2025",
            "frames",
            "folded_azimuth",
            relative_distance_threshold=1.0,
            distance="scored",
            unmatched_angle_deg=math.nan,
            length="last_frame",
            reports=("f", "localisation_error_deg", "distance_error", "relative_distance_error", "onscreen_accuracy"),
        ),
        "l3das22": SeldRules(
            "l3das22",
            "l3das22",
            "cartesian",
            distance_threshold=2.0,
            averages=("micro",),
            length=300,
            reports=("f", "precision", "recall"),
        ),
        "pseldnets": SeldRules("pseldnets", "segments", "polar", macro_classes="matched", epsilon=FLOAT32_EPS),
    }
)


def rules_of(year: Year | int | str) -> SeldRules:
    """Return the rules of a year (2021 to 2025), or of ``"l3das22"`` or ``"pseldnets"``.

    Raises:
        ParameterError: no such rules.

    >>> rules_of(2024).relative_distance_threshold
    1.0
    """
    if year not in RULES:
        raise ParameterError(f"unknown SELD rules {year!r}; accepted: {', '.join(map(repr, RULES))}")
    return RULES[year]


def average_of(rules: SeldRules, average: Average | str | None) -> Average:
    """Return the average asked for, or the official one of the rules for None.

    Raises:
        ParameterError: the rules do not know this average.
    """
    for known in rules.averages:
        if average in (None, known):
            return known
    raise ParameterError(f"{rules.name} has no average {average!r}; accepted: {', '.join(rules.averages)}")
