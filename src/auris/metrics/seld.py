"""Scores of sound event localisation and detection, by the rules of the year that is asked for.

>>> from auris.geometry import Static
>>> from auris.scene import Event, Scene, Source
>>> scene = Scene(2.0, (Source("dog", Static((1.0, 1.0, 0.0)), (Event(0.0, 2.0),)),))
>>> round(score_scenes(scene, scene, ["dog"], year=2024).f, 6)
1.0

The formulae are those of the year's published code, to the last digit that matters. What that code does with files is another
thing: it does not count a recording whose prediction is missing, drops the last labelled frame of each recording, and ignores
classes it does not know. By default (``parity="strict"``) every frame counts and such files are errors; ``parity="upstream"``
does as the published code does, to reproduce published numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from auris.errors import FormatError, ParameterError
from auris.io.dcase import Content, read_dcase_folder
from auris.io.frame_labels import HOP, FrameLabels, scene_to_rows
from auris.io.l3das import read_l3das_folder
from auris.metrics.jackknife import JackknifeInterval, jackknife
from auris.metrics.seld_counting import count
from auris.metrics.seld_rows import scored_rows
from auris.metrics.seld_rules import BLOCK, RULES, Average, Parity, SeldRules, Year, average_of, rules_of
from auris.metrics.seld_scores import ClassScores, SeldCounts, SeldScore, score_of
from auris.scene import Scene

__all__ = [
    "RULES",
    "ClassScores",
    "SeldCounts",
    "SeldEvaluation",
    "SeldRules",
    "SeldScore",
    "evaluate_folders",
    "evaluate_labels",
    "score_folders",
    "score_scenes",
]

_SHOWN = 20  # names in a message
_BATCH_ROWS = 16_000
_PSELDNETS_YEAR = 2023  # PSELDNets is scored on files of this form


@dataclass(frozen=True, eq=False)
class SeldEvaluation:
    """Counted clips, ready to be scored together, one by one, or in groups.

    Attributes:
        clips: names.
        counts: arrays ``(clips, classes)``.
        rules: what they were counted by.
        uncounted: names of the references without a prediction, which ``parity="upstream"`` leaves out.
    """

    clips: tuple[str, ...]
    counts: SeldCounts
    rules: SeldRules
    uncounted: tuple[str, ...] = ()

    def score(self, average: Average | str | None = None) -> SeldScore:
        """Return the score of all clips together; None takes the official average."""
        return score_of(self.counts.total(), self.rules, average)

    def clip_scores(self, average: Average | str | None = None) -> dict[str, SeldScore]:
        """Return the score of each clip alone."""
        return {name: score_of(self.counts.clip(i), self.rules, average) for i, name in enumerate(self.clips)}

    def select(self, clips: Sequence[str]) -> SeldEvaluation:
        """Return the evaluation of some clips, a room or a language for instance.

        Raises:
            ParameterError: a clip is not known.
        """
        unknown = sorted(set(clips) - set(self.clips))
        if unknown or not clips:
            raise ParameterError(f"no such clips: {_listed(unknown)}" if unknown else "name at least one clip")
        chosen = [index for index, name in enumerate(self.clips) if name in set(clips)]
        return SeldEvaluation(tuple(self.clips[i] for i in chosen), self.counts.clips(chosen), self.rules)

    def intervals(self, average: Average | str | None = None, *, confidence: float = 0.95) -> dict[str, JackknifeInterval]:
        """Return a jackknife interval over clips for each score that the rules report.

        Raises:
            ParameterError: there are fewer than two clips.
        """
        whole = self.score(average)
        parts = [score_of(counts, self.rules, average) for counts in self.counts.leave_one_out()]
        return {
            name: jackknife(value, [getattr(part, name) for part in parts], confidence=confidence)
            for name, value in whole.values().items()
        }


def evaluate_labels(
    reference: Mapping[str, FrameLabels],
    prediction: Mapping[str, FrameLabels],
    *,
    classes: int,
    year: Year | int = 2024,
    rules: SeldRules | None = None,
    parity: Parity = "strict",
    lengths: Mapping[str, int] | None = None,
) -> SeldEvaluation:
    """Count labels against labels, clip by clip.

    Args:
        reference: labels by clip.
        prediction: what was heard by clip.
        classes: number of classes.
        year: whose rules.
        rules: own rules instead, for instance ``replace(RULES[2024], angle_threshold_deg=10)``.
        parity: ``"strict"`` or ``"upstream"``, see the module.
        lengths: number of frames of each clip, to leave out what comes after; None counts every row (strict) or what the
            published code would (upstream).

    Raises:
        ParameterError: the rules are unknown, or they count segments and frames do not last 0.1 s, or the frames of a reference
            and its prediction differ in length.
        FormatError: a clip lacks its prediction or its reference, has a class number of ``classes`` or more, or lacks the
            distances that the rules score.
    """
    chosen = rules or rules_of(year)
    names = _paired(reference, prediction, parity)
    for name in names:
        _check_hops(name, reference[name], prediction[name], chosen)
    parts = []
    for batch in _batches(names, reference, prediction):
        ends = [lengths[name] if lengths is not None else _frames(name, reference[name], chosen, parity) for name in batch]
        # Predictions first: more often it is they that are at fault.
        said, true = (
            scored_rows([side[name] for name in batch], batch, ends=ends, classes=classes, rules=chosen, parity=parity)
            for side in (prediction, reference)
        )
        parts.append(count(true, said, chosen, clips=len(batch), classes=classes))
    uncounted = tuple(sorted(set(reference) - set(prediction)))
    return SeldEvaluation(tuple(names), SeldCounts.joined(parts), chosen, uncounted)


def _paired(reference: Mapping[str, FrameLabels], prediction: Mapping[str, FrameLabels], parity: Parity) -> list[str]:
    if parity not in ("strict", "upstream"):
        raise ParameterError(f"parity is 'strict' or 'upstream', got {parity!r}")
    missing, extra = sorted(set(reference) - set(prediction)), sorted(set(prediction) - set(reference))
    if extra:
        raise FormatError(f"{len(extra)} predictions have no reference: {_listed(extra)}")
    if missing and parity == "strict":
        raise FormatError(
            f"{len(missing)} of {len(reference)} recordings have no prediction: {_listed(missing)}. "
            "Write an empty file for a recording in which nothing was heard"
        )
    names = sorted(prediction)
    if not names:
        raise FormatError("there is nothing to score: no recordings were given")
    return names


def _batches(names: Sequence[str], *sides: Mapping[str, FrameLabels]) -> Iterator[list[str]]:
    """Clips that are counted at once: so many that NumPy is quick, so few that their arrays stay in the processor's cache."""
    batch: list[str] = []
    rows = 0
    for name in names:
        batch.append(name)
        rows += sum(len(side[name]) for side in sides)
        if rows >= _BATCH_ROWS:
            yield batch
            batch, rows = [], 0
    if batch:
        yield batch


def _check_hops(name: str, reference: FrameLabels, prediction: FrameLabels, rules: SeldRules) -> None:
    """Refuse frames of unequal lengths, and frames that do not make up the segments of the rules."""
    hops = reference.hop, prediction.hop
    if not math.isclose(*hops):
        raise ParameterError(
            f"{name}: the frames of the reference last {hops[0]:g} s, those of the prediction {hops[1]:g} s; they must be equal"
        )
    _check_segments(rules, hops[0], where=f"{name}: ")


def _check_segments(rules: SeldRules, hop: float, *, where: str = "") -> None:
    if rules.counting == "segments" and not math.isclose(hop, HOP):
        raise ParameterError(
            f"{where}{rules.name} counts segments of {BLOCK} frames of {HOP} seconds, got hop={hop!r}; leave hop out, "
            "or take rules that count single frames (2024, 2025)"
        )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(str, names[:_SHOWN]))
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"


def _frames(name: str, reference: FrameLabels, rules: SeldRules, parity: Parity) -> int | None:
    """Number of frames that the published code scores of a clip; None for all."""
    if parity == "strict" or rules.length == "whole":
        return None
    if isinstance(rules.length, int):
        return rules.length
    if not len(reference) and rules.name != "dcase2025":
        raise FormatError(
            f"{name}: the reference is empty, which the published code of {rules.name} rejects; use parity='strict'"
        )
    last = int(reference.frame.max(initial=0))
    return -(-last // BLOCK) * BLOCK if rules.length == "last_block" else last


def evaluate_folders(
    reference: str | Path,
    prediction: str | Path,
    *,
    classes: int,
    year: Year | int = 2024,
    rules: SeldRules | None = None,
    parity: Parity = "strict",
    prediction_content: Content = "prediction",
) -> SeldEvaluation:
    """Count a folder of predictions against a folder of labels; files of one name belong together.

    Args:
        reference: folder of CSV labels in the format of the year (:mod:`auris.io.dcase`).
        prediction: folder of CSV system output in the format of the year.
        classes: number of classes.
        year: whose rules and file formats; ``"pseldnets"`` reads files of 2023.
        rules: own rules instead of the year's.
        parity: ``"strict"`` or ``"upstream"``, see the module.
        prediction_content: ``"reference"`` for predictions written as labels (in 2024: distance in centimetres, not metres).

    Raises:
        FormatError: a folder or file cannot be read, or the two folders do not fit together.
        ParameterError: the rules are unknown.
    """
    chosen = rules or rules_of(year)
    if year == "l3das22":
        pair = read_l3das_folder(reference), read_l3das_folder(prediction)
    else:
        form = _PSELDNETS_YEAR if year == "pseldnets" else int(year)
        pair = read_dcase_folder(reference, year=form), read_dcase_folder(prediction, year=form, content=prediction_content)
        if chosen.distance == "scored":
            _check_distances(prediction, pair[1], prediction_content, form)
    try:
        return evaluate_labels(*pair, classes=classes, rules=chosen, parity=parity)
    except FormatError as error:
        raise FormatError(f"{prediction} against {reference}: {error}") from None


def _check_distances(folder: str | Path, prediction: Mapping[str, FrameLabels], content: Content, year: int) -> None:
    """Refuse predictions with centimetres where the format has metres."""
    distances = np.concatenate([rows.distance for rows in prediction.values()])
    if year == 2024 and content == "prediction" and len(distances) and not np.isnan(distances).any():
        whole = np.all(distances == np.rint(distances))
        if whole and np.median(distances) > 20:
            raise FormatError(
                f"{folder}: half of the predicted distances are over 20 m and all are whole numbers: these look like labels in "
                "centimetres, but system output of 2024 is in metres. Say prediction_content='reference' if they are labels"
            )


def score_folders(
    reference: str | Path,
    prediction: str | Path,
    *,
    classes: int,
    year: Year | int = 2024,
    average: Average | str | None = None,
    rules: SeldRules | None = None,
    parity: Parity = "strict",
    prediction_content: Content = "prediction",
) -> SeldScore:
    """Score a folder of predictions; :func:`evaluate_folders` with one score at the end.

    Raises:
        FormatError: as :func:`evaluate_folders`.
        ParameterError: the rules, or the average under them, are unknown.
    """
    average_of(rules or rules_of(year), average)  # before a long read
    evaluation = evaluate_folders(
        reference,
        prediction,
        classes=classes,
        year=year,
        rules=rules,
        parity=parity,
        prediction_content=prediction_content,
    )
    return evaluation.score(average)


def score_scenes(
    reference: Scene | Sequence[Scene],
    prediction: Scene | Sequence[Scene],
    vocabulary: Sequence[str],
    *,
    year: Year | int = 2024,
    average: Average | str | None = None,
    rules: SeldRules | None = None,
    hop: float = HOP,
) -> SeldScore:
    """Score heard scenes against true ones, pair by pair.

    Args:
        reference: what was there.
        prediction: what was heard, a scene for each of the reference.
        vocabulary: class names; macro averages run over all of them.
        year: whose rules.
        average: None takes the official one.
        rules: own rules instead of the year's.
        hop: seconds per frame; rules that count segments of a second (2021 to 2023, PSELDNets) know only 0.1.

    Raises:
        ParameterError: a scene has a class outside the vocabulary, the numbers of scenes differ, the rules are unknown, or they
            count segments and ``hop`` is not 0.1.
    """
    chosen = rules or rules_of(year)
    _check_segments(chosen, hop)
    pairs = [[scenes] if isinstance(scenes, Scene) else list(scenes) for scenes in (reference, prediction)]
    if len(pairs[0]) != len(pairs[1]) or not pairs[0]:
        raise ParameterError(f"one heard scene per true scene is needed, got {len(pairs[1])} for {len(pairs[0])}")
    sides = [{str(i): scene_to_rows(scene, vocabulary, hop=hop) for i, scene in enumerate(side)} for side in pairs]
    return evaluate_labels(*sides, classes=len(vocabulary), rules=chosen).score(average)
