"""Parts of a bank that never share a source recording, and what file names tell of recordings and folds."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterable
from typing import Literal

Split = Literal["train", "validation", "test"]
SPLIT_SHARES: dict[Split, float] = {"train": 0.8, "validation": 0.1, "test": 0.1}
_FOLD = re.compile(r"^fold(\d+)[-_]", re.IGNORECASE)
_ESC50 = re.compile(r"^(?:fold\d+[-_])?\d+-(\d+)-[A-Z](?:-\d+)?$")


def fold_of(file: str) -> int | None:
    """Return N of a file name that begins with ``foldN-``, otherwise None.

    >>> fold_of("dog/fold4-4-199261-A.ogg")
    4
    """
    match = _FOLD.match(file.rpartition("/")[2])
    return int(match[1]) if match else None


def recording_of(file: str) -> str:
    """Return the name of the source recording a clip was cut from.

    Names in the manner of ESC-50, ``{fold}-{recording}-{take}[-{class}]``, give the middle number. Any other name gives
    itself, without a single capital letter at its end that counts takes or, in a name that begins with ``foldN-``, without
    the number at its end that counts cuts.

    >>> recording_of("dog/fold1-1-100032-A.ogg"), recording_of("1-17150-A-12.wav"), recording_of("dog/rex-B.wav")
    ('100032', '17150', 'rex')
    """
    stem = os.path.splitext(file.rpartition("/")[2])[0]
    if match := _ESC50.match(stem):
        return match[1]
    return re.sub(r"(?<=.)[-_]([A-Z]|\d+)$" if _FOLD.match(stem) else r"(?<=.)[-_][A-Z]$", "", stem)


def split_of(recording: str) -> Split:
    """Return the split of a source recording: a pure function of its name, so new files never move old ones."""
    place = int.from_bytes(hashlib.blake2b(recording.encode(), digest_size=8).digest(), "little") / 2**64
    for name, share in SPLIT_SHARES.items():
        if place < share:
            return name
        place -= share
    return "test"


def official_splits(listed: Iterable[tuple[str, Split | None]]) -> dict[str, Split]:
    """Return the split of every recording of a set whose publishers say which clips are for training and for testing.

    A recording counts for the last part it is listed in (train, validation, test). A part that nothing is listed in is taken
    from the training recordings by :func:`split_of`: many sets publish no validation part.

    Args:
        listed: the recording of each clip and the part it is published in; None where the publishers do not say.

    Returns:
        The split by recording; by :func:`split_of` alone where the publishers do not say.
    """
    order: tuple[Split, ...] = ("train", "validation", "test")
    said: dict[str, Split] = {}
    silent: set[str] = set()
    for recording, split in listed:
        if split is None:
            silent.add(recording)
        elif recording not in said or order.index(split) > order.index(said[recording]):
            said[recording] = split
    empty: Collection[Split] = set(order) - set(said.values())
    splits: dict[str, Split] = {recording: split_of(recording) for recording in silent}
    for recording, split in said.items():
        drawn = split_of(recording)
        splits[recording] = drawn if split == "train" and drawn in empty else split
    return splits
