"""What was heard of whole clips, and what there was to hear; both as files that any program can write.

A file is one ``.npz`` archive of plain arrays, ``np.savez("answers.npz", labels=…, scores=…, distance=…, …)``:

==============  ================  ================================================================================
array           shape             content
==============  ================  ================================================================================
``labels``      ``(classes,)``    class names, texts
``scores``      ``(clips, cl.)``  answers only: numbers that rank, logits or probabilities
``events``      ``(clips, cl.)``  truth only: 0 or 1
``distance``    ``(clips,)``      class 0 to 20, half metres
``azimuth``     ``(clips,)``      class 0 to 359, degrees counter-clockwise, 0 right, 90 front
``elevation``   ``(clips,)``      class 0 to 179, degrees, 90 level
``clips``       ``(clips,)``      optional: a name for each clip, by which answers and truth are matched
``t60``         ``(clips,)``      optional, truth only: reverberation time in seconds, NaN where it is not known
==============  ================  ================================================================================

Nothing in it is ever unpickled.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auris.errors import FormatError, ParameterError
from auris.io.atomic import atomic_write
from auris.metrics.spatial_ast import ClipEvaluation, evaluate_clips
from auris.models.clip_outputs import SpatialClasses

Arrays = Mapping[str, NDArray[Any]]

_PLACE = ("distance", "azimuth", "elevation")
_SHOWN = 5  # names in a message


@dataclass(frozen=True, eq=False)
class ClipAnswers:
    """What was heard.

    Attributes:
        scores: ``(clips, classes)``, numbers that rank.
        classes: distance, azimuth and elevation classes, arrays ``(clips,)``.
        labels: class names.
        clips: a name for each clip; empty if they have none.
    """

    scores: NDArray[np.float32]
    classes: SpatialClasses
    labels: tuple[str, ...]
    clips: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.scores)

    def ordered_as(self, truth: ClipTruth) -> ClipAnswers:
        """Return the answers with the classes, and where both are named the clips, in the order of the truth.

        Classes that the truth does not know are left out.

        Raises:
            ParameterError: a class or a clip of the truth has no answer, or clips have answers and no truth.
        """
        missing = sorted(set(truth.labels) - set(self.labels))
        if missing:
            raise ParameterError(
                f"no scores for {len(missing)} of {len(truth.labels)} classes: {_listed(missing)}; "
                f"the answers know {_listed(self.labels)}"
            )
        columns = [self.labels.index(label) for label in truth.labels]
        answers = replace(self, scores=self.scores[:, columns], labels=truth.labels)
        if not (self.clips and truth.clips):
            if len(self) != len(truth):
                raise ParameterError(f"{len(self)} answers for {len(truth)} clips; give one answer for each clip, in order")
            return answers
        known = {name: row for row, name in enumerate(self.clips)}
        for problem, names in (
            ("clips have no answer", [name for name in truth.clips if name not in known]),
            ("answers are for clips that the truth does not know", sorted(set(known) - set(truth.clips))),
        ):
            if names:
                raise ParameterError(f"{len(names)} {problem}: {_listed(names)}")
        rows = [known[name] for name in truth.clips]
        classes = SpatialClasses(*(np.asarray(part)[rows] for part in self.classes))
        return replace(answers, scores=answers.scores[rows], classes=classes, clips=truth.clips)


@dataclass(frozen=True, eq=False)
class ClipTruth:
    """What there was to hear.

    Attributes:
        events: ``(clips, classes)``, whether a clip holds the class.
        classes: distance, azimuth and elevation classes, arrays ``(clips,)``.
        labels: class names.
        t60: ``(clips,)`` seconds, NaN where it is not known; None if it never is.
        clips: a name for each clip; empty if they have none.
    """

    events: NDArray[np.bool_]
    classes: SpatialClasses
    labels: tuple[str, ...]
    t60: NDArray[np.float64] | None = None
    clips: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.events)


def evaluate(answers: ClipAnswers, truth: ClipTruth, *, resamplings: int = 1000, seed: int = 0) -> ClipEvaluation:
    """Score answers against the truth (:mod:`auris.metrics.spatial_ast`).

    Args:
        answers: for every clip of the truth; matched by name where both have names, and otherwise by order.
        truth: what there was.
        resamplings: of the bootstrap intervals.
        seed: of the bootstrap intervals.

    Raises:
        ParameterError: clips or classes do not fit together, or the numbers cannot be scored.
    """
    fitting = answers.ordered_as(truth)
    heard, true = ([np.asarray(part) for part in side.classes] for side in (fitting, truth))
    return evaluate_clips(
        fitting.scores,
        truth.events,
        heard=heard,
        true=true,
        labels=truth.labels,
        t60=truth.t60,
        resamplings=resamplings,
        seed=seed,
    )


def joined_answers(parts: Sequence[ClipAnswers]) -> ClipAnswers:
    """Put answers of one model behind each other.

    Raises:
        ParameterError: there are none.
    """
    if not parts:
        raise ParameterError("there are no answers: no clips were heard")
    classes = (np.concatenate([np.asarray(part.classes[index]) for part in parts]) for index in range(len(_PLACE)))
    names = tuple(name for part in parts for name in part.clips)
    return ClipAnswers(np.concatenate([part.scores for part in parts]), SpatialClasses(*classes), parts[0].labels, names)


def write_answers(path: str | Path, answers: ClipAnswers) -> None:
    """Write what was heard, in the form of the module; the name must end in .npz.

    Raises:
        FormatError: another ending, or the file cannot be written.
    """
    _write(path, answers, {"scores": np.asarray(answers.scores, np.float32)})


def write_truth(path: str | Path, truth: ClipTruth) -> None:
    """Write what there was to hear, in the form of the module; the name must end in .npz.

    Raises:
        FormatError: another ending, or the file cannot be written.
    """
    times = {} if truth.t60 is None else {"t60": np.asarray(truth.t60, np.float64)}
    _write(path, truth, {"events": np.asarray(truth.events, np.uint8), **times})


def read_answers(path: str | Path) -> ClipAnswers:
    """Read what was heard.

    Raises:
        FormatError: the file is missing, damaged, or not of this form; the text says what it lacks.
    """
    arrays = _read(path, "scores", "answers")
    scores = arrays["scores"].astype(np.float32)
    return ClipAnswers(scores, _classes(arrays), *_names(arrays))


def read_truth(path: str | Path) -> ClipTruth:
    """Read what there was to hear.

    Raises:
        FormatError: the file is missing, damaged, or not of this form; the text says what it lacks.
    """
    arrays = _read(path, "events", "truth")
    events = arrays["events"]
    if not np.isin(events, (0, 1)).all():
        raise FormatError(f"{path}: events must be 0 or 1; soft labels cannot be scored")
    labels, clips = _names(arrays)
    times = arrays["t60"].astype(float) if "t60" in arrays else None
    return ClipTruth(events.astype(bool), _classes(arrays), labels, times, clips)


def _write(path: str | Path, side: ClipAnswers | ClipTruth, own: Arrays) -> None:
    if Path(path).suffix != ".npz":
        raise FormatError(f"cannot write {path}: answers and truth are .npz files")
    places = {name: np.asarray(part, np.int64) for name, part in zip(_PLACE, side.classes, strict=True)}
    names = {"clips": np.array(side.clips, dtype=str)} if side.clips else {}
    arrays = {"labels": np.array(side.labels, dtype=str), **own, **places, **names}
    with atomic_write(path) as temporary:
        np.savez_compressed(temporary, allow_pickle=False, **arrays)


def _read(path: str | Path, matrix: str, what: str) -> dict[str, NDArray[Any]]:
    """Arrays of a file, checked for what a file of this kind must hold."""
    try:
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise FormatError(f"{path}: {what} are an .npz archive of several arrays, this is a single array")
        with archive:
            arrays = {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise FormatError(f"{path}: no such file") from None
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise FormatError(f"{path}: not an .npz archive of plain arrays ({str(error).splitlines()[0]})") from None
    lacking = [name for name in ("labels", matrix, *_PLACE) if name not in arrays]
    if lacking:
        raise FormatError(f"{path}: {what} lack {', '.join(lacking)}; the file holds {', '.join(sorted(arrays)) or 'nothing'}")
    _check_shapes(path, arrays, matrix)
    return arrays


def _check_shapes(path: str | Path, arrays: Arrays, matrix: str) -> None:
    if arrays["labels"].dtype.kind != "U" or arrays["labels"].ndim != 1:
        raise FormatError(f"{path}: labels must be a list of texts, got {arrays['labels'].dtype} {arrays['labels'].shape}")
    if len(set(arrays["labels"].tolist())) != len(arrays["labels"]):
        raise FormatError(f"{path}: labels must differ from each other")
    if arrays[matrix].dtype.kind not in "biuf" or arrays[matrix].ndim != 2:
        raise FormatError(
            f"{path}: {matrix} must be numbers (clips, classes), got {arrays[matrix].dtype} {arrays[matrix].shape}"
        )
    clips, classes = arrays[matrix].shape
    if classes != len(arrays["labels"]):
        raise FormatError(f"{path}: {matrix} have {classes} classes, but there are {len(arrays['labels'])} labels")
    for name in (*_PLACE, "t60", "clips"):
        if name in arrays and (
            arrays[name].shape != (clips,) or arrays[name].dtype.kind not in ("U" if name == "clips" else "iuf")
        ):
            raise FormatError(
                f"{path}: {name} must hold one {'text' if name == 'clips' else 'number'} for each of {clips} clips, "
                f"got {arrays[name].dtype} {arrays[name].shape}"
            )
    if "clips" in arrays and len(set(arrays["clips"].tolist())) != clips:
        raise FormatError(f"{path}: names of clips must differ from each other")


def _classes(arrays: Arrays) -> SpatialClasses:
    return SpatialClasses(*(arrays[name] for name in _PLACE))


def _names(arrays: Arrays) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(arrays["labels"].tolist()), tuple(arrays["clips"].tolist()) if "clips" in arrays else ()


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
