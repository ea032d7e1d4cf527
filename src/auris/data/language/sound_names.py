"""Finding the sounds that a question names: ``the puppy``, ``someone talking``, ``the second bark``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from auris.data.language.sound_phrases import label_of, phrases_of
from auris.data.language.sound_synonyms import plural_of, synonyms

# Words that are in phrases for sounds, but name none of them.
_UNNAMING = frozenset(
    (
        *("someone", "somebody", "a person", "people", "something", "water", "an instrument", "household noise", "glasses"),
        *(
            "sounds",
            "sounding",
            "plays",
            "playing",
            "falls",
            "falling",
            "echo",
            "echoes",
            "echoing",
            "opens",
            "opening",
            "closes",
        ),
        *(
            "roll",
            "rolls",
            "rolling",
            "break",
            "breaks",
            "breaking",
            "fires",
            "firing",
            "play",
            "beats",
            "beat",
            "beating",
            "can",
        ),
        *("explode", "exploding", "cracks", "crash", "crashes", "ring", "sound", "opens and closes", "opening and closing"),
        *("slides open", "sliding open", "gushes", "gushing", "blows", "blowing", "pounds", "pounding", "roll", "rumbles"),
    )
)


@dataclass(frozen=True)
class SoundName:
    """A sound that is named.

    Attributes:
        label: its class, as it is said (lower case, with spaces).
        text: how it was named.
        heard: whether that names what is heard (the barking), not who is (the dog).
        several: whether it is in the plural.
    """

    label: str
    text: str
    heard: bool = False
    several: bool = False


@dataclass(frozen=True)
class _Entry:
    labels: tuple[str, ...]
    heard: bool
    several: bool


def said(label: str) -> str:
    """Return a class as it is said: lower case, with spaces."""
    return " ".join(label.replace("_", " ").lower().split())


class SoundNames:
    """The names of some classes, and of all that have phrases.

    Args:
        labels: classes that can be meant; a name that fits several means the first of them, in the order of the tables.
    """

    def __init__(self, labels: Sequence[str] = ()) -> None:
        self.labels = tuple(dict.fromkeys(labels))
        self._index: dict[str, _Entry] = {}
        for label in self.labels:
            for number, name in enumerate(_own_names(said(label))):
                self._add(name, said(label), heard=False, several=number > 0 and name == plural_of(said(label)))
        for kind, names in synonyms().items():
            label = self._label(kind)
            for phrase, heard in _names_of(kind):
                self._add(phrase, label, heard=heard, several=False)
            for name, heard in names:
                self._add(name, label, heard=heard, several=False)
                if not heard and " " not in name[-2:]:
                    self._add(plural_of(name), label, heard=False, several=True)
        longest_first = sorted(self._index, key=lambda name: (-len(name), name))
        self._pattern = re.compile(rf"(?<![\w'])({'|'.join(map(_spaced, longest_first))})(?:'s)?(?![\w'])")

    @property
    def words(self) -> frozenset[str]:
        """Every word of the names that can be meant."""
        can_be = set(map(said, self.labels))
        meant = (name for name, entry in self._index.items() if not can_be or can_be & set(entry.labels))
        return frozenset(word for name in meant for word in re.findall(r"[a-z]+", name))

    def known(self) -> tuple[str, ...]:
        """Return the classes that have names: the given ones, or all of the tables."""
        return tuple(said(label) for label in self.labels) or tuple(said(kind) for kind in synonyms())

    def find(self, text: str) -> Iterator[tuple[re.Match[str], SoundName]]:
        """Yield the names in a text in lower case, longest first where they overlap."""
        for match in self._pattern.finditer(text):
            name = " ".join(match[1].split())
            entry = self._index[name]
            yield match, SoundName(self._meant(entry), match[1], entry.heard, entry.several)

    def names_of(self, label: str) -> tuple[str, ...]:
        """Return the nouns that mean a class: "dog", "dogs", "puppy"; not what it does."""
        return tuple(name for name, entry in self._index.items() if not entry.heard and self._meant(entry) == said(label))

    def only(self, text: str) -> str | None:
        """Return the one class that a phrase names; None where there is none, or several are named."""
        plain = said(text)
        if plain in map(said, self.labels):
            return plain
        labels = {name.label for _, name in self.find(plain)}
        return labels.pop() if len(labels) == 1 else None

    def _label(self, kind: str) -> str:
        """What the given labels call a class of the tables, or that class."""
        return said(label_of(phrases_of(kind).spoken()[0].lower(), self.labels) or kind)

    def _meant(self, entry: _Entry) -> str:
        can_be = set(map(said, self.labels))
        return next((label for label in entry.labels if label in can_be), entry.labels[0])

    def _add(self, name: str, label: str, *, heard: bool, several: bool) -> None:
        key = " ".join(re.sub(r"[^\w\s'-]", " ", name.lower()).replace("-", " ").split())
        if not key or (key in _UNNAMING and label != key):
            return
        old = self._index.get(key)
        if old is None:
            self._index[key] = _Entry((label,), heard, several)
        elif label not in old.labels:
            self._index[key] = _Entry((*old.labels, label), old.heard, old.several)


@lru_cache(maxsize=64)
def sound_names(labels: tuple[str, ...] = ()) -> SoundNames:
    """Return the names of classes; kept, since making them takes a while."""
    return SoundNames(labels)


def _own_names(label: str) -> Iterator[str]:
    """A label itself, its plural, and the parts between its commas and outside its brackets."""
    yield label
    yield plural_of(label)
    bare = re.sub(r"\([^)]*\)", " ", label)
    yield from (part for part in map(str.strip, bare.split(",")) if part)


@lru_cache(maxsize=256)
def _names_of(kind: str) -> tuple[tuple[str, bool], ...]:
    """The names in the phrases for a class of the table, each with whether it names what is heard."""
    own = said(kind)
    names: dict[str, bool] = {own: False, plural_of(own): False}
    phrases = phrases_of(kind)
    for clause in phrases.clauses:
        bare = re.sub(r"^(?:a|an|the|some) ", "", clause.subject)
        if clause.subject not in _UNNAMING and bare not in _UNNAMING:
            names.setdefault(bare, False)
            names.setdefault(plural_of(bare), False)
        for verb in (clause.participle, clause.verb):
            names.setdefault(f"{bare} {verb}", True)
            names.setdefault(f"{bare} is {verb}", True)
            names.setdefault(f"{verb} {bare}", True)
            if len(verb) > 3:
                names.setdefault(verb, True)
    for noun in phrases.nouns:
        names.setdefault(re.sub(r"^(?:the|a|an) ", "", noun.phrase.lower()), True)
    return tuple(names.items())


def _spaced(name: str) -> str:
    return r"\s+".join(map(re.escape, name.split()))
