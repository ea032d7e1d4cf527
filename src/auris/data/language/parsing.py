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
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from auris.data.language.attributes import Distance, SceneAttributes, SoundAttributes, Speed
from auris.data.language.sound_phrases import described, label_of, phrase_patterns
from auris.data.language.spatial_words import Token, read_size, tokens

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
_PRONOUNS = frozenset(("it", "they", "he", "she", "this", "that", "which", "who", "itself", "themselves"))


def parse(text: str, *, labels: Iterable[str] = ()) -> SceneAttributes:
    """Return what a text says about a scene.

    Args:
        text: one sentence or several; case, hyphens and punctuation do not matter.
        labels: descriptions that the sounds are expected to have. A phrase for one of them, or one that shares more words
            with it than with the others, becomes that description; others become a class of the built-in table where they
            are a phrase for one, and stay as they are otherwise.
    """
    known = tuple(labels)
    words, names = _with_sounds_marked(_normal(text), known)
    words, size = read_size(words.replace("-", " "))
    sounds = [_attributes(part, names, known) for part in _parts(words)]
    return SceneAttributes(tuple(sounds), size)


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

    @property
    def subject(self) -> str:
        """The words that describe the sound; empty where there are none."""
        words: list[str] = []
        for token in self.tokens:
            if token.kind == "motion" and not set(words) <= _PRONOUNS | _FILLERS:
                break
            # An act alone is what the one before does: "and runs to the left".
            words += [token.text] * (token.kind == "word" or (token.kind == "act" and bool(words)))
        while words and words[0] in _LEADING:
            words.pop(0)
        while words and words[-1] in _FILLERS:
            words.pop()
        return "" if set(words) <= _PRONOUNS | _FILLERS else " ".join(words)

    @property
    def complete(self) -> bool:
        """Whether a new subject after "and" or a comma means another sound: something was said of this one already."""
        words = self.subject.split()
        placed = any(token.kind not in ("word", "comma") for token in self.tokens)
        acts = len(words) >= 3 and words[-1].endswith(("s", "ing"))
        return bool(words) and (placed or acts or any(_SOUND.match(word) for word in words))

    def introduces(self, following: _Part) -> bool:
        """Whether this only says where, and the part behind the comma says what: "on the left, a dog barks"."""
        return bool(following.subject) and all(
            token.kind in ("direction", "distance", "comma", "word") for token in self.tokens
        )


def _parts(text: str) -> list[_Part]:
    """Split a text into one part per sound."""
    parts: list[_Part] = []
    pending: list[Token] = []  # what was said before its subject
    pieces = [(joint, tokens(piece)) for joint, piece in _pieces(text)]
    for number, (joint, row) in enumerate(pieces):
        part = _Part([*pending, *row])
        following = pieces[number + 1] if number + 1 < len(pieces) else ("", [])
        if not part.subject:
            if not parts or (joint not in (",", "then") and following[0] == "," and part.introduces(_Part(following[1]))):
                pending = part.tokens
            else:
                more = [token for token in part.tokens if token.kind != "act"]
                parts[-1].tokens += [Token("then" if joint == "then" else "comma"), *more]
            continue
        pending = []
        if parts and joint in _SOFT_WORDS and not parts[-1].complete:
            parts[-1].tokens += [Token("word", joint)] * (joint != ",") + part.tokens
        else:
            parts.append(part)
    return parts


_SOFT_WORDS = ("and", "with", ",", "alongside", "followed by", "accompanied by", "together with")


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


@dataclass
class _Reading:
    """What the tokens of one part have said so far."""

    start: float | None = None
    end: float | None = None
    at: list[float | None] = field(default_factory=list)
    at_rest: int = 0  # how many of ``at`` were said before anything moved
    distance: Distance | None = None
    start_distance: Distance | None = None
    passing: Distance | None = None  # said after "from" and its direction: of the start, where a "to" follows
    end_distance: Distance | None = None
    speed: Speed | None = None
    manner: Speed | None = None
    moves: bool = False
    came: bool = False  # "from" was said
    went: bool = False  # "to" was said
    slot: str = ""

    def read(self, row: list[Token]) -> None:
        """Take in tokens."""
        for token in row:
            if token.kind == "motion":
                self._begin_to_move(token)
            elif token.kind in ("from", "to", "start", "end", "always"):
                self.slot = token.kind
            elif token.kind == "direction":
                self._direct(token)
            elif token.kind == "distance":
                self._measure(token.distance)
            elif token.kind == "speed":
                self.speed = self.speed or token.speed
            elif token.kind == "then":
                self.slot = "then"

    def _begin_to_move(self, token: Token) -> None:
        if not self.moves:
            self.moves, self.at_rest = True, len(self.at)
        self.manner = self.manner or token.speed
        self.slot = ""

    def _direct(self, token: Token) -> None:
        then = self.slot == "then" and not self.moves and self.at
        slot = "then" if then else token.text if token.text in ("from", "to", "towards") else self.slot
        if slot in ("from", "start"):
            self.start, self.came = token.direction, True
        elif slot in ("towards", "end") or (slot == "to" and (self.moves or self.came)):
            self.end, self.went, self.moves = token.direction, True, True
        elif then:
            self.start, self.end, self.came, self.went, self.moves = self.at[-1], token.direction, True, True, True
        elif slot == "always":
            self.start = self.end = token.direction
        else:
            self.at.append(token.direction)
        self.slot = f"after {slot}"

    def _measure(self, distance: Distance | None) -> None:
        if self.slot in ("from", "start", "after start"):
            self.start_distance = self.start_distance or distance
            self.slot = "from" if self.slot in ("from", "start") else self.slot
        elif self.slot == "after from":
            self.passing = self.passing or distance
        elif self.slot in ("to", "end"):
            self.end_distance = distance
        else:
            self.distance = self.distance or distance


def _attributes(part: _Part, names: list[str], labels: tuple[str, ...]) -> SoundAttributes:
    reading = _Reading()
    reading.read(part.tokens)
    description = _description(part, names, labels, still=not reading.moves)
    if not reading.moves:
        where = next(iter([*reading.at, reading.start] if reading.came else reading.at), None)
        distance = reading.distance or reading.start_distance or reading.passing
        return SoundAttributes(description, where, where, "still", distance, distance)
    start, end = reading.start, reading.end
    before = reading.at[: reading.at_rest] if reading.at_rest else []
    if not reading.came and before:
        start = before[-1]
    elif not reading.came and not reading.went and reading.at:
        start = end = reading.at[-1]
    distance, last = reading.start_distance, reading.end_distance
    general = reading.distance
    if reading.went or last is not None:
        distance = distance or reading.passing
    else:
        general = general or reading.passing
    if general is not None:
        distance, last = distance or general, last or general
    return SoundAttributes(description, start, end, reading.speed or reading.manner, distance, last)


def _description(part: _Part, names: list[str], labels: tuple[str, ...], *, still: bool) -> str:
    subject = part.subject
    if marked := _SOUND.search(subject):
        return names[int(marked[1])]
    return described(subject, labels)
