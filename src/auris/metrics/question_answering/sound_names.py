"""What everyday English and other class lists call a sound, and what it is a kind of.

The table is ``sound_names.txt`` beside this module; a line is ``name < kind: other names``. The names follow AudioSet's
ontology (Gemmeke et al., ICASSP 2017) and the class lists of :mod:`auris.vocabulary`; the kinds are the nearest entry above in
that ontology. Words are compared by their stems and without regard to order, so ``barking dog``, ``the barking of a dog`` and
``a dog barks`` are one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_TABLE = Path(__file__).with_suffix(".txt")


@dataclass(frozen=True, eq=False)
class NamedSound:
    """An entry of the table.

    Attributes:
        name: of the sound.
        kinds: what it is a kind of, the nearest first.
        keys: its names, as :func:`words_of` has them; the first is its own.
    """

    name: str
    kinds: tuple[str, ...]
    keys: tuple[frozenset[str], ...]


_STOP = frozenset(
    (
        *(
            "a",
            "an",
            "the",
            "of",
            "on",
            "in",
            "at",
            "to",
            "from",
            "with",
            "and",
            "or",
            "is",
            "are",
            "being",
            "its",
            "his",
            "her",
        ),
        *(
            "their",
            "your",
            "my",
            "this",
            "that",
            "these",
            "some",
            "someone",
            "something",
            "somebody",
            "sound",
            "sounds",
            "noise",
        ),
        *("noises", "sounding", "playing", "plays", "heard", "hear", "etc", "very", "loud", "loudly", "faint", "softly"),
    )
)


def plain_name(name: str) -> str:
    """Return a name in lower case, without punctuation and with single spaces: by this, names are the same exactly.

    >>> plain_name("Accelerating, revving, vroom"), plain_name("Clock_tick")
    ('accelerating revving vroom', 'clock tick')
    """
    return " ".join(re.findall(r"[^\W_]+", name.lower().replace("'", "").replace("’", "")))


@lru_cache(maxsize=65536)
def words_of(name: str) -> frozenset[str]:
    """Return the stems of the words of a name, without those that say nothing; all of them where none would be left.

    >>> words_of("the barking of a dog") == words_of("a dog barks")
    True
    """
    words = plain_name(name).split()
    return frozenset(stem(word) for word in words if word not in _STOP) or frozenset(map(stem, words))


def stem(word: str) -> str:
    """Return a word without its ending, roughly: barks, barking and barked are ``bark``."""
    for ending in ("ing", "ies", "ed", "es", "er", "s", "e", "y"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            rest = word[: -len(ending)]
            return rest[:-1] if len(rest) > 3 and rest[-1] == rest[-2] and rest[-1] not in "ls" else rest
    return word


@lru_cache(maxsize=1)
def named_sounds() -> Mapping[str, NamedSound]:
    """Return the table: every sound by its name."""
    rows: dict[str, tuple[str, list[str]]] = {}
    for line in _TABLE.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            head, _, others = line.partition(":")
            name, _, kind = (part.strip() for part in head.partition("<"))
            rows[name] = kind, [each.strip() for each in others.split(",") if each.strip()]
    return {
        name: NamedSound(name, _kinds(kind, rows), tuple(dict.fromkeys(words_of(each) for each in (name, *others))))
        for name, (kind, others) in rows.items()
    }


def _kinds(kind: str, rows: Mapping[str, tuple[str, list[str]]]) -> tuple[str, ...]:
    return (kind, *_kinds(rows[kind][0], rows)) if kind else ()


@lru_cache(maxsize=1)
def _sounds_by_words() -> Mapping[frozenset[str], tuple[str, ...]]:
    index: dict[frozenset[str], tuple[str, ...]] = {}
    for sound in named_sounds().values():
        for key in sound.keys:
            index[key] = (*index.get(key, ()), sound.name)
    own = {sound.keys[0]: sound.name for sound in named_sounds().values()}
    return index | {key: (name,) for key, name in own.items()}  # what is called so itself comes before what may be


def sounds_called(name: str) -> tuple[str, ...]:
    """Return the sounds of the table that a name may mean; empty where there is none.

    >>> sounds_called("people talking"), sounds_called("Baby cry, infant cry"), sounds_called("theorem")
    (('speech',), ('crying baby',), ())
    """
    return _sounds_by_words().get(words_of(name), ())


@lru_cache(maxsize=1 << 14)
def names_within(words: frozenset[str]) -> tuple[frozenset[str], ...]:
    """Return the names of the table that some words hold, as :func:`words_of` has them, without those within a longer one.

    >>> [sorted(name) for name in names_within(words_of("a fire alarm beeping"))]
    [['beep'], ['alarm', 'fir']]
    """
    held = [key for key in _sounds_by_words() if key <= words]
    return tuple(sorted((key for key in held if not any(key < other for other in held)), key=sorted, reverse=True))
