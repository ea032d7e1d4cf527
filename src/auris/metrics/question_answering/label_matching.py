"""How well an answer in words fits each class, offline: exact names, synonyms, kinds, and shared words.

What the answer names (:func:`~auris.metrics.question_answering.answer_reading.sounds_said`) is compared with every class; a
class gets the best of what is named:

====  =====================================================================================================
1     the name of the class, but for case, punctuation and spaces
0.9   a synonym in the table of :mod:`auris.metrics.question_answering.sound_names` (``people talking`` for speech)
0.8   the name of the class, or a synonym, among more words (``a small dog barking in a yard``), unless it is part of a longer
      name there (``a fire alarm beeping`` is no fire)
0.5   a kind of the class, or what the class is a kind of, next in the ontology (``animal`` for dog); 0.4 further away
<0.4  words in common: 0.4 times Dice's coefficient of the stems
0     nothing in common
====  =====================================================================================================

From :data:`SURE` upwards a class counts as named. Other similarities, such as those of sentence embeddings, have the same form
(:class:`LabelSimilarity`, see :mod:`auris.metrics.question_answering.text_embedding`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from auris.errors import ParameterError
from auris.metrics.question_answering.answer_reading import plain_answer, sounds_said
from auris.metrics.question_answering.sound_names import named_sounds, names_within, plain_name, sounds_called, words_of

Floats = NDArray[np.float64]

EXACT, SYNONYM, AMONG_WORDS, KIND, FAR_KIND = 1.0, 0.9, 0.8, 0.5, 0.4
_MOST_OVERLAP = 0.4
SURE = AMONG_WORDS


class LabelSimilarity(Protocol):
    """Says how well texts fit classes."""

    @property
    def name(self) -> str:
        """What it is called in tables."""

    def scores(self, texts: Sequence[str], classes: Sequence[str]) -> Floats:
        """Return ``(texts, classes)``: the higher, the better a text fits a class."""


class NameSimilarity:
    """Names, synonyms, kinds and shared words; see the module."""

    name = "names and synonyms"

    def scores(self, texts: Sequence[str], classes: Sequence[str]) -> Floats:
        """Return ``(texts, classes)``, from 0 to 1.

        Raises:
            ParameterError: two classes have the same name, but for case and punctuation.

        >>> NameSimilarity().scores(["a dog barking; people talking"], ["Dog", "Speech", "Animal", "Rain"]).tolist()
        [[0.9, 0.9, 0.5, 0.0]]
        """
        known = _known(classes)
        found: dict[str, Floats] = {}
        for text in dict.fromkeys(texts):
            rows = [_fit_of_all(sound, known) for sound in _sounds(text, known)]
            found[text] = np.max(rows, axis=0) if rows else np.zeros(len(known))
        return np.stack([found[text] for text in texts]) if texts else np.zeros((0, len(known)))


@dataclass(frozen=True)
class LabelMatch:
    """How the sounds that an answer names compare with the true ones.

    Attributes:
        said: sounds, as they are named.
        right: for each, whether it is a true one.
        found: for each true one, whether it is named.
    """

    said: tuple[str, ...]
    right: tuple[bool, ...]
    found: tuple[bool, ...]

    @property
    def f1(self) -> float:
        """Harmonic mean of the shares of named sounds that are right, and of true ones that are named."""
        if not any(self.right):
            return 0.0
        precision, recall = sum(self.right) / len(self.right), sum(self.found) / len(self.found)
        return 2 * precision * recall / (precision + recall)

    @property
    def only_right(self) -> bool:
        """Whether a true sound is named, and none that is not true."""
        return any(self.right) and all(self.right)


def matched_exactly(text: str, truth: Sequence[str], *, classes: Sequence[str] = ()) -> LabelMatch:
    """Compare by name: the same but for case, punctuation and spaces.

    >>> matched_exactly("Dog; people talking.", ["dog", "speech"]).f1
    0.5
    """
    true = [plain_name(label) for label in truth]
    said = _sounds(text, _known(classes, truth))
    named = [plain_name(sound) for sound in said]
    return LabelMatch(said, tuple(name in true for name in named), tuple(name in named for name in true))


def matched_by_meaning(text: str, truth: Sequence[str], *, classes: Sequence[str]) -> LabelMatch:
    """Compare by meaning: each named sound stands for the class, or classes, that it fits best, by :data:`SURE` or more.

    >>> matched_by_meaning("Dog; people talking.", ["dog", "speech"], classes=["dog", "speech", "rain"]).f1
    1.0
    """
    known = _known(classes, truth)
    true = [known.index(label) for label in truth]
    said = _sounds(text, known)
    best: list[set[int]] = []
    for sound in said:
        row = _fit_of_all(sound, known)
        best.append({int(index) for index in np.flatnonzero((row >= SURE) & (row >= row.max()))})
    found = tuple(any(index in each for each in best) for index in true)
    return LabelMatch(said, tuple(bool(each & set(true)) for each in best), found)


def classes_named(text: str, classes: Sequence[str]) -> tuple[str, ...]:
    """Return the classes that an answer names, surely; what fits none is returned as it is named.

    >>> classes_named("a puppy and a theorem", ["dog", "rain"])
    ('dog', 'theorem')
    """
    known = _known(classes)
    named: list[str] = []
    for sound in _sounds(text, known):
        row = _fit_of_all(sound, known)
        named.append(known[int(row.argmax())] if len(row) and row.max() >= SURE else sound)
    return tuple(dict.fromkeys(named))


@lru_cache(maxsize=1 << 18)
def fit(sound: str, label: str) -> float:
    """Return how well a named sound fits a class; see the module.

    >>> fit("barking", "dog"), fit("animal", "dog"), fit("dog", "music")
    (0.9, 0.5, 0.0)
    """
    if plain_name(sound) == plain_name(label):
        return EXACT
    words, wanted = words_of(sound), words_of(label)
    here, there = sounds_called(sound), sounds_called(label)
    if words == wanted or set(here) & set(there):
        return SYNONYM
    keys = (wanted, *(key for name in there for key in named_sounds()[name].keys))
    if any(key < words and not any(key < longer for longer in names_within(words)) for key in keys):
        return AMONG_WORDS
    shared = 2 * len(words & wanted) / max(len(words) + len(wanted), 1)
    return max(_MOST_OVERLAP * shared, _kinship(here, there))


def _kinship(here: Sequence[str], there: Sequence[str]) -> float:
    """Whether one is a kind of the other, and how near."""
    table, best = named_sounds(), 0.0
    for one, other in product(here, there):
        for low, high in ((one, other), (other, one)):
            if high in table[low].kinds:
                best = max(best, KIND if table[low].kinds[0] == high else FAR_KIND)
    return best


@lru_cache(maxsize=1 << 14)
def _fit_of_all(sound: str, classes: tuple[str, ...]) -> Floats:
    row = np.array([fit(sound, label) for label in classes])
    row.flags.writeable = False  # shared by all who ask for it
    return row


def _sounds(text: str, classes: tuple[str, ...]) -> tuple[str, ...]:
    return sounds_said(plain_answer(text), names=_lower(classes))


@lru_cache(maxsize=64)
def _lower(classes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(label.lower() for label in classes)


def _known(classes: Sequence[str], further: Sequence[str] = ()) -> tuple[str, ...]:
    """The classes, and further ones that are not among them."""
    known = _distinct(tuple(classes))
    return known + tuple(dict.fromkeys(label for label in further if label not in known))


@lru_cache(maxsize=64)
def _distinct(classes: tuple[str, ...]) -> tuple[str, ...]:
    plain = Counter(map(plain_name, classes))
    twice = sorted(name for name, count in plain.items() if count > 1)
    if twice:
        raise ParameterError(f"two classes have the same name but for case and punctuation: {twice[0]!r}")
    return classes
