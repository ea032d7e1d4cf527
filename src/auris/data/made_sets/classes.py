"""The classes of a set: which there are, in which order they are numbered, and which sounds stand for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from auris.errors import ParameterError, unknown_name
from auris.vocabulary import VOCABULARIES, Vocabulary, read_vocabulary, vocabulary


@dataclass(frozen=True)
class ClassTable:
    """The classes that scenes are drawn from.

    Attributes:
        numbered: all classes of the label files, in the order of their numbers.
        sounds: for each class that is drawn, the labels of the sound bank that stand for it.
    """

    numbered: Vocabulary
    sounds: Mapping[str, tuple[str, ...]]

    @property
    def drawn(self) -> tuple[str, ...]:
        """Classes that are drawn, in the order of their numbers."""
        return tuple(label for label in self.numbered if label in self.sounds)

    def draw(self, generator: np.random.Generator) -> tuple[str, str]:
        """Return a class, all being equally likely, and one of the labels of the sound bank that stand for it."""
        label = self.drawn[int(generator.integers(len(self.drawn)))]
        sounds = self.sounds[label]
        return label, sounds[int(generator.integers(len(sounds)))]

    def balance(self) -> dict[str, float]:
        """Return the expected share of the events of each class."""
        return {label: 1 / len(self.drawn) for label in self.drawn}

    def among(self, labels: Sequence[str]) -> ClassTable:
        """Return the same numbers with only the sounds that ``labels`` names.

        Raises:
            ParameterError: none is left.
        """
        kept = {name: tuple(s for s in sounds if s in labels) for name, sounds in self.sounds.items()}
        left = {name: sounds for name, sounds in kept.items() if sounds}
        if not left:
            raise ParameterError(f"none of the sounds {', '.join(labels)} stands for a class of {self.numbered.name}")
        return ClassTable(self.numbered, left)


def class_table(bank_labels: Sequence[str], numbering: str | None, *, chosen: Sequence[str] | None = None) -> ClassTable:
    """Return the classes of a set.

    Args:
        bank_labels: the sounds there are.
        numbering: None numbers them in alphabetical order; the name of a list of :mod:`auris.vocabulary` or the path of a
            table (``cls_indices_train.tsv``, a text file with one class per line) takes its classes and numbers, each played
            by the sounds of the same name or meaning.
        chosen: only these classes; None takes all that have sounds.

    Raises:
        ParameterError: the list is unknown, or no sound stands for any of its classes, or for one that is chosen.
        FormatError: the table cannot be read.
    """
    there = Vocabulary("the sounds", tuple(sorted(bank_labels)))
    numbered = there if numbering is None else _numbering(numbering)
    sounds: dict[str, list[str]] = {}
    for sound, label in ({s: s for s in there} if numbering is None else there.mapping_to(numbered)).items():
        sounds.setdefault(label, []).append(sound)
    for label in chosen or ():
        if label not in numbered:
            raise ParameterError(unknown_name(f"class of {numbered.name}", label, numbered))
        if label not in sounds:
            raise ParameterError(f"no sound stands for the class {label!r}; there are {', '.join(there)}")
    wanted = set(sounds if chosen is None else chosen)
    table = {label: tuple(names) for label, names in sorted(sounds.items()) if label in wanted}
    if not table:
        raise ParameterError(f"no sound stands for a class of {numbered.name}; there are {', '.join(there)}")
    return ClassTable(numbered, table)


def _numbering(name: str) -> Vocabulary:
    if Path(name).suffix.lower() in (".tsv", ".csv", ".txt"):
        return read_vocabulary(name)
    if name.lower() not in VOCABULARIES:
        text = unknown_name("class list", name, VOCABULARIES)
        raise ParameterError(f"{text}; or the path of a .tsv, .csv or .txt table")
    return vocabulary(name)
