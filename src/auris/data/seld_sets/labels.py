"""Label files of the published sets, read as :class:`~auris.io.frame_labels.FrameLabels`."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from auris.data.seld_sets.catalogue import SeldDataset
from auris.errors import FormatError, ParameterError, unknown_name
from auris.io.frame_labels import FrameLabels, renumbered
from auris.io.l3das import L3dasRule, read_l3das_events
from auris.io.pseldnets import read_frame_rows
from auris.vocabulary import read_vocabulary

LabelRule = L3dasRule  # the only labels of events are those of L3DAS22


def read_labels(entry: SeldDataset, path: Path, classes: tuple[str, ...] = (), *, rule: LabelRule = "centre") -> FrameLabels:
    """Read one label file.

    Args:
        entry: whose set.
        path: of the file. An empty file is a recording without events.
        classes: class names; the set's own by default. Scenes of auris whose ``classes.txt`` is another list are
            renumbered to it.
        rule: how events become frames, for sets whose labels are events (l3das22): ``centre`` (auris), ``pseldnets`` (as its
            published models were trained), ``l3das22`` (as the challenge scores).

    Raises:
        FormatError: the file is missing or not in the format of its set; file and line are named.
        ParameterError: the rule is unknown.
    """
    if rule not in get_args(LabelRule):
        raise ParameterError(unknown_name("label rule", rule, get_args(LabelRule)))
    names = classes or entry.classes
    if entry.labels == "l3das22":
        return read_l3das_events(path, names, rule=rule)
    if entry.labels == "frames":
        return read_frame_rows(path, vocabulary=names, distance=entry.distance or "ignore")
    listed = path.with_name("classes.txt")
    own = read_vocabulary(listed).labels if listed.is_file() else names
    rows = read_frame_rows(path, vocabulary=own, distance=entry.distance or "ignore")
    if not classes or own == tuple(classes):
        return rows
    try:
        return renumbered(rows, classes)
    except ParameterError as error:
        raise FormatError(f"{path}: {error} ({listed.name} beside it names other classes than those asked for)") from None
