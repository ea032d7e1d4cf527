"""What comes back from asking: the answer, who gave it, how the question was understood, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from auris.scene import Scene

SYMBOLIC = "symbolic"
"""Name of the answerer that goes by rules, where others have names of models."""


@dataclass(frozen=True)
class WindowReply:
    """What a model answered about one stretch of a longer recording.

    Attributes:
        begin: seconds from the beginning of the recording.
        end: seconds.
        text: the answer.
    """

    begin: float
    end: float
    text: str


@dataclass(frozen=True)
class Reply:
    """An answer.

    Attributes:
        question: as it was asked.
        text: the answer; empty only in a reply :attr:`beside` another where the rules have none.
        model: who answered: name of a language model, or ``symbolic``.
        whole: the question as it was answered, where the one asked was a follow-up.
        understood: how the rules understood it, in their words; None of a language model, which does not say.
        why: the events and the comparison that the answer rests on, and what else should be known of it, a line each.
        windows: answers about stretches of a recording longer than the model hears at a time; silent ones are left out.
        scene: what was heard, where the answer needed it.
        beside: the answer by rules to the same question, where it was asked for and is not this one.
    """

    question: str
    text: str
    model: str
    whole: str | None = None
    understood: str | None = None
    why: tuple[str, ...] = ()
    windows: tuple[WindowReply, ...] = ()
    scene: Scene | None = None
    beside: Reply | None = None

    def __str__(self) -> str:
        return self.text

    def to_dict(self) -> dict[str, Any]:
        """Return a plain dictionary, ready for JSON."""
        return {
            "question": self.question,
            "text": self.text,
            "model": self.model,
            "whole": self.whole,
            "understood": self.understood,
            "why": list(self.why),
            "windows": [{"begin": w.begin, "end": w.end, "text": w.text} for w in self.windows],
            "scene": None if self.scene is None else self.scene.to_dict(),
            "beside": None if self.beside is None else self.beside.to_dict(),
        }
