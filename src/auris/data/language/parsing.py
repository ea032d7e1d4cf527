"""From sentences to attributes: a deterministic grammar of the words people use for where sounds are and how they move.

It reads every caption of :mod:`auris.data.language.captions` back exactly, and much of what people write besides: "on the
left", "front-left", "from A to B", "towards B", "then suddenly on the right", "30 degrees to the left", speeds, sizes,
distances, several sounds joined by while, and, as, with, then, or put in sentences of their own. What is not said stays
``None``; a direction behind the listener has no number and is not guessed either.

Known phrases for sounds are found first, then the size of the place; what is left is split at its conjunctions, and every part
is read as a row of tokens.

>>> parse("A dog barks on the left while a car passes from right to front.").sounds[1].end
3.0
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise, takewhile

from auris.data.language.attributes import SceneAttributes, SoundAttributes
from auris.data.language.prompt_wording import Remark, requested, spelled_out, without_the_unsayable
from auris.data.language.sound_names import said, sound_names
from auris.data.language.sound_phrases import described, label_of, phrase_patterns, phrases_of, says_no_more
from auris.data.language.sound_reading import CHANGES, Reading
from auris.data.language.spatial_words import Token, read_size, sizes_said, tokens

_SOUND = re.compile("\ue000(\\d+)\ue001")
_HARD = r"[;.]\s|\bwhile\b|\bwhereas\b|\bas well as\b|\bas\b|\bthen\b|\bmeanwhile\b|\bwhen\b|\bbut\b"
_SOFT = r"\band\b|\bwith\b|\balongside\b|\bfollowed by\b|\baccompanied by\b|\btogether with\b|,"
_JOINT = re.compile(rf"\s*,?\s*(?:(?P<hard>{_HARD})|(?P<soft>{_SOFT}))\s*")
_FILLERS = frozenset(
    (
        *("there", "is", "are", "was", "were", "be", "being", "can", "could", "may", "we", "you", "i", "one", "hear", "hears"),
        *("heard", "hearing", "listen", "to", "comes", "come", "coming", "came", "located", "positioned", "placed", "situated"),
        *("somewhere", "it", "they", "its", "which", "that", "who", "and", "a", "the", "of", "from", "at", "in", "on", "sits"),
        *("sitting", "stands", "while", "just", "slightly"),
    )
)
_LEADING = _FILLERS - {"a", "the", "one"}
_PARTICLES = frozenset(
    (
        *("away", "off", "past", "by", "along", "across", "through", "back", "also", "too", "again", "now", "up", "down"),
        *("closer", "nearer", "farther", "further", "stops", "ends", "both", "all", "each", "together"),
    )
)
_RELATIVE = frozenset(("which", "who"))
_PRONOUNS = frozenset(("it", "they", "he", "she", "this", "that", "which", "who", "itself", "themselves"))


def parse(text: str, *, labels: Iterable[str] = ()) -> SceneAttributes:
    """Return what a text says about a scene.

    Args:
        text: one sentence or several; case, hyphens and punctuation do not matter.
        labels: descriptions that the sounds are expected to have. A phrase for one of them, or one that shares more words
            with it than with the others, becomes that description; others become a class of the built-in table where they
            are a phrase for one, and stay as they are otherwise.
    """
    return parse_with_remarks(text, labels=labels)[0]


def parse_with_remarks(text: str, *, labels: Iterable[str] = ()) -> tuple[SceneAttributes, tuple[Remark, ...]]:
    """Return what a text says about a scene, and what it says besides that attributes cannot hold, or that contradicts itself.

    Args:
        text: as for :func:`parse`.
        labels: as for :func:`parse`.

    >>> parse_with_remarks("a dog barks on the left and on the right")[1]
    (Remark(kind='places', text='on the left, on the right', sound='dog'),)
    """
    known = tuple(labels)
    words, names = _with_sounds_marked(requested(_normal(text)), known)
    words, remarks = without_the_unsayable(spelled_out(words.replace("-", " ")))
    sizes = sizes_said(words)
    if len(sizes) > 1:
        remarks += (Remark("sizes", ", ".join(sizes)),)
    words, size = read_size(words)
    sounds: list[SoundAttributes] = []
    for part in _parts(words, known, names):
        sound, more = _attributes(part, names, known)
        # "a clock ticks to the left of a crackling fire": nothing is said of where the fire is.
        beside = dict.fromkeys(names[int(number)] for number in _SOUND.findall(part.subject))
        sounds += [sound, *(SoundAttributes(name) for name in beside if name != sound.description)]
        remarks += more
    return SceneAttributes(tuple(sounds), size), remarks


def _normal(text: str) -> str:
    plain = " ".join(text.lower().replace("’", "'").replace("–", "-").split())
    return plain.rstrip(" .!?")


def _with_sounds_marked(text: str, labels: tuple[str, ...]) -> tuple[str, list[str]]:
    """Replace known phrases by marks, so that their words are never read as directions or conjunctions."""
    found: list[str] = []

    def mark(match: re.Match[str]) -> str:
        found.append(label_of(match[0], labels) or match[0])
        return f"\ue000{len(found) - 1}\ue001"

    for pattern in phrase_patterns(labels):
        text = pattern.sub(mark, text)
    return text, found


# ── parts ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class _Part:
    """The tokens that speak of one sound."""

    tokens: list[Token] = field(default_factory=list)
    shares: bool = False  # what is said of the next one is said of this one, too: "a cat and a dog on the left"

    @property
    def subject(self) -> str:
        """The words that describe the sound; empty where there are none."""
        words: list[str] = []
        for token in self.tokens:
            if token.kind == "motion" and not set(words) <= _PRONOUNS | _FILLERS:
                break
            # An act alone is what the one before does: "and runs to the left".
            named = token.kind == "word" and not (words and token.text in _RELATIVE)
            words += [token.text] * (named or (token.kind == "act" and not set(words) <= _PRONOUNS | _FILLERS))
        while words and words[0] in _LEADING:
            words.pop(0)
        while words and words[-1] in _FILLERS:
            words.pop()
        return "" if set(words) <= _PRONOUNS | _FILLERS | _PARTICLES else " ".join(words)

    @property
    def complete(self) -> bool:
        """Whether a new subject after "and" or a comma means another sound: something was said of this one already."""
        words = self.subject.split()
        placed = any(token.kind not in ("word", "comma", "and") for token in self.tokens)
        acts = len(words) >= 3 and words[-1].endswith(("s", "ing"))
        return bool(words) and (placed or acts or any(_SOUND.match(word) for word in words))

    @property
    def placed(self) -> bool:
        """Whether it was said where it is."""
        return any(token.kind == "direction" for token in self.tokens)

    def again(self, row: list[Token]) -> _Part:
        """Another one of the same: "two dogs bark, one on the left and one on the right"."""
        counted = {"two", "three", "four", "both", "several"}
        self.tokens = [token for n, token in enumerate(self.tokens) if n or token.text not in counted]
        naming = list(takewhile(lambda token: token.kind == "word", self.tokens))
        return _Part([*naming, *row])

    def introduces(self, following: _Part) -> bool:
        """Whether this only says where, and the part behind the comma says what: "on the left, a dog barks"."""
        return bool(following.subject) and all(
            token.kind in ("direction", "distance", "comma", "word") for token in self.tokens
        )


def _parts(text: str, labels: tuple[str, ...] = (), names: Sequence[str] = ()) -> list[_Part]:
    """Split a text into one part per sound."""
    parts: list[_Part] = []
    pending: list[Token] = []  # what was said before its subject
    pieces = [(joint, tokens(piece)) for joint, piece in _pieces(text)]
    for number, (joint, row) in enumerate(pieces):
        part = _Part([*pending, *row])
        following = pieces[number + 1] if number + 1 < len(pieces) else ("", [])
        if parts and part.placed and _is_instance(row):
            if parts[-1].placed:
                parts.append(parts[-1].again(_beyond_words(row)))
            else:
                parts[-1].tokens += [Token("comma"), *_beyond_words(row)]
        elif not part.subject:
            if not parts or (joint not in (",", "then") and following[0] == "," and part.introduces(_Part(following[1]))):
                pending = part.tokens
                continue
            more = [replace(token, kind="change") if token.text in CHANGES else token for token in part.tokens]
            more = [token for token in more if token.kind not in ("act", "word")]
            of_all = any(token.text in ("both", "all", "each") for token in row)
            for about in parts if of_all else parts[-1:]:
                about.tokens += [Token("then" if joint == "then" else joint if joint == "and" else "comma"), *more]
        elif parts and _is_the_same(part.subject, _description(parts[-1], names, labels), names):
            parts[-1].tokens += [Token("then" if joint == "then" else "comma"), *_beyond_words(part.tokens)]
        else:
            _begin_or_join(parts, part, joint, labels)
        pending = []
    for part, next_one in reversed(list(pairwise(parts))):
        if part.shares:
            part.tokens += _beyond_words(next_one.tokens)
    return parts


def _begin_or_join(parts: list[_Part], part: _Part, joint: str, labels: tuple[str, ...]) -> None:
    """Begin another sound, or go on with the name of the one before: "a man", "and a woman argue"."""
    if not parts or joint not in _SOFT_WORDS or parts[-1].complete:
        parts.append(part)
    elif _names_a_sound(parts[-1].subject, labels) and _names_a_sound(part.subject, labels, alone=True):
        parts[-1].shares = joint == "and"
        parts.append(part)
    else:
        parts[-1].tokens += [Token("word", joint)] * (joint != ",") + part.tokens


_SOFT_WORDS = ("and", "with", ",", "alongside", "followed by", "accompanied by", "together with")
_INSTANCES = frozenset(("one", "another", "other", "second", "third", "fourth"))


def _is_instance(row: list[Token]) -> bool:
    """Whether this is about one of those named before: "one on the left", "the other on the right"."""
    words = {token.text for token in row if token.kind in ("word", "act")}
    return bool(words & _INSTANCES) and words <= _INSTANCES | _FILLERS


def _beyond_words(row: list[Token]) -> list[Token]:
    """What is said of a sound, without what names it."""
    return [token for token in row if token.kind not in ("word", "act")]


def _is_the_same(subject: str, description: str, names: Sequence[str]) -> bool:
    """Whether a subject means the sound before: the dog, its barking, the sound."""
    first, *rest = subject.split()
    acts = {form for clause in phrases_of(description).clauses for form in (clause.verb, clause.participle)}
    if first in acts and set(rest) <= _PARTICLES:  # "and barks again", "its barking"
        return True
    if first != "the":
        return False
    marked = _SOUND.findall(subject)
    if marked:
        return names[int(marked[0])] == description
    return subject in ("the sound", "the noise") or says_no_more(subject, description)


def _names_a_sound(subject: str, labels: tuple[str, ...], *, alone: bool = False) -> bool:
    """Whether a subject holds a known phrase or name of a sound; ``alone``: and is nothing but one."""
    if _SOUND.search(subject):
        return True
    if alone:
        bare = re.sub(r"^(?:an?|the|some) ", "", subject)
        whole = any(match[1] == bare for match, _ in sound_names().find(bare))
        return whole or described(f"a {bare}", labels) != f"a {bare}"
    return any(said(label) in subject for label in labels) or any(True for _ in sound_names().find(subject))


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """Yield each piece of text with the conjunction before it."""
    joint, begin = "", 0
    for match in _JOINT.finditer(text):
        if piece := text[begin : match.start()].strip(" ,"):
            yield joint, piece
            joint = ""
        given = (match["hard"] or match["soft"]).strip()
        # Of ", and" and ", then" the word counts.
        joint = given if given != "," or not joint else joint
        begin = match.end()
    if piece := text[begin:].strip(" ,"):
        yield joint, piece


# ── one sound ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _attributes(part: _Part, names: Sequence[str], labels: tuple[str, ...]) -> tuple[SoundAttributes, tuple[Remark, ...]]:
    reading = Reading()
    reading.read(part.tokens)
    description = _description(part, names, labels)
    remarks = tuple(reading.remarks(description))
    if reading.moves:
        (start, end), (near, far) = reading.way(), reading.distances()
        return SoundAttributes(description, start, end, reading.speed, near, far), remarks
    where = next(iter([*reading.at, reading.start] if reading.came else reading.at), None)
    distance = reading.distance or reading.start_distance or reading.passing
    return SoundAttributes(description, where, where, "still", distance, distance), remarks


def _description(part: _Part, names: Sequence[str], labels: tuple[str, ...]) -> str:
    subject = part.subject
    if marked := _SOUND.search(subject):
        return names[int(marked[1])]
    return described(subject, labels)
