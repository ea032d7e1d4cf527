"""What the tokens that speak of one sound say, taken in one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from auris.data.language.attributes import FRONT, LEFT, RIGHT, Distance, Speed
from auris.data.language.prompt_wording import Remark
from auris.data.language.spatial_words import Token

# What a verb or a word says of the distance at the end.
CHANGES: dict[str, Distance] = {
    "approach": "near",
    "closer": "near",
    "nearer": "near",
    "reced": "far",
    "away": "far",
    "farther": "far",
    "further": "far",
}


@dataclass
class Reading:
    """What the tokens have said so far."""

    start: float | None = None
    end: float | None = None
    at: list[float | None] = field(default_factory=list)
    at_rest: int = 0  # how many of ``at`` were said before anything moved
    ends: int = 0  # how many directions it was said to go to
    joined: bool = False  # "and" was said since the last direction
    words: list[str] = field(default_factory=list)  # of all directions
    behind: list[str] = field(default_factory=list)
    distance: Distance | None = None
    start_distance: Distance | None = None
    passing: Distance | None = None  # said after "from" and its direction: of the start, where a "to" follows
    end_distance: Distance | None = None
    implied: Distance | None = None  # of the end, by "approaches" or "drives away"
    speeds: list[Speed] = field(default_factory=list)
    manner: Speed | None = None
    moves: bool = False
    came: bool = False  # "from" was said
    went: bool = False  # "to" was said
    slot: str = ""

    @property
    def speed(self) -> Speed | None:
        """The first speed that was said, or that of the verb; what suddenly begins to run slowly is slow."""
        lasting = (speed for speed in self.speeds if speed != "instantly")
        return next(lasting, next(iter(self.speeds), self.manner))

    def read(self, row: list[Token]) -> None:
        """Take in tokens."""
        for token in row:
            if token.kind == "motion":
                self._begin_to_move(token)
            elif token.kind in ("from", "to", "start", "end", "always", "then"):
                self.slot = token.kind
            elif token.kind == "direction":
                self._direct(token)
            elif token.kind == "distance":
                self._measure(token.distance)
            elif token.kind == "speed" and token.speed is not None:
                self.speeds.append(token.speed)
            elif token.kind == "and":
                self.joined = True
            elif token.kind in ("word", "change") and self.moves and token.text in CHANGES:
                self.implied = CHANGES[token.text]

    def _begin_to_move(self, token: Token) -> None:
        if not self.moves:
            self.moves, self.at_rest = True, len(self.at)
        self.manner = self.manner or token.speed
        self.implied = next((far for verb, far in CHANGES.items() if token.text.startswith(verb)), self.implied)
        self.slot = ""

    def _direct(self, token: Token) -> None:
        self.words.append(token.said)
        if token.direction is None:
            self.behind.append(token.said)
        then = self.slot == "then" and not self.moves and self.at
        slot = "then" if then else token.text if token.text in ("from", "to", "towards") else self.slot
        if token.text == "bare" and self.moves and slot == "":
            slot = "towards"  # "moves left"
        if token.said.startswith("into ") and not self.moves:
            slot = ""  # "whispers into the left ear"
        if slot in ("from", "start"):
            self.start, self.came = token.direction, True
        elif slot in ("towards", "end") or (slot == "to" and (self.moves or self.came)):
            self.ends += not (self.went and self.end == token.direction)
            self.end, self.went, self.moves = token.direction, True, True
        elif then:
            self.start, self.end, self.came, self.went, self.moves = self.at[-1], token.direction, True, True, True
        elif slot == "always":
            self.start = self.end = token.direction
        else:
            self._put(token)
        self.slot, self.joined = f"after {slot}", False

    def _put(self, token: Token) -> None:
        """Where it is; "in front, to the left" is one direction, "on the left and on the right" are two."""
        known, new = self.at[-1] if self.at else None, token.direction
        same_stage = not self.moves or len(self.at) > self.at_rest
        if known is None or new is None or not same_stage or (self.joined and token.text != "slightly"):
            self.at.append(new)
        elif FRONT in (known, new):
            side = new if known == FRONT else known
            self.at[-1] = (FRONT + side) / 2 if side in (LEFT, RIGHT) else side
        elif (known < FRONT) == (new < FRONT):
            self.at[-1] = new
        else:
            self.at.append(new)

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

    def way(self) -> tuple[float | None, float | None]:
        """Where something that moves begins and ends."""
        before, after = self.at[: self.at_rest], self.at[self.at_rest :]
        if not self.came and before:
            return before[-1], self.end if self.went or not after else after[-1]
        if self.came and not self.went and after and self.end is None:
            return self.start, after[-1]
        if not self.came and not self.went and self.at:
            return self.at[-1], self.at[-1]
        return self.start, self.end

    def distances(self) -> tuple[Distance | None, Distance | None]:
        """How far away something that moves begins and ends."""
        first, last, general = self.start_distance, self.end_distance, self.distance
        if self.went or last is not None:
            first = first or self.passing
        else:
            general = general or self.passing
        if general is not None:
            return first or general, last or general
        return first, last if last is not None or self.went else self.implied

    def remarks(self, description: str) -> Iterator[Remark]:
        """What attributes cannot hold."""
        if self.behind:
            yield Remark("behind", ", ".join(self.behind), description)
        rest = {direction for direction in (self.at[: self.at_rest] if self.moves else self.at) if direction is not None}
        if self.came and self.start is not None and (not self.moves or self.at_rest):
            rest.add(self.start)
        if len(rest) > 1 and not self.behind:
            yield Remark("places", ", ".join(self.words), description)
        if self.moves and self.ends > 1:
            yield Remark("way", ", ".join(self.words), description)
        lasting = dict.fromkeys(speed for speed in self.speeds if speed != "instantly")
        if self.moves and len(lasting) > 1:
            yield Remark("speeds", ", ".join(lasting), description)
