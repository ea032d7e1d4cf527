"""Recordings longer than a model hears at a time: windows, what is answered about each, and which answers the question."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from auris.asking.answerers import BATCH, answers
from auris.asking.recordings import Recording, is_silent, power
from auris.asking.replies import WindowReply
from auris.data.language.questions import said_label
from auris.models.answering import Answerer
from auris.scene import Scene

Span = tuple[float, float]


@dataclass(frozen=True)
class Window:
    """An answer about a stretch of a recording, and how loud it is there (mean square)."""

    reply: WindowReply
    power: float

    @property
    def span(self) -> Span:
        """Its beginning and end in seconds."""
        return self.reply.begin, self.reply.end


def spans(duration: float, length: float) -> tuple[Span, ...]:
    """Return windows of a length that cover a recording, each half a window after the one before; the last one ends with it.

    >>> spans(12.0, 5.0)
    ((0.0, 5.0), (2.5, 7.5), (5.0, 10.0), (7.0, 12.0))
    """
    if duration <= length:
        return ((0.0, duration),)
    hop = length / 2
    count = math.ceil((duration - length) / hop - 1e-6)
    begins = [*(index * hop for index in range(count)), duration - length]
    return tuple((begin, begin + length) for begin in begins)


def answered_windows(
    answerer: Answerer, recording: Recording, question: str, *, report: Callable[[float], None]
) -> tuple[Window, ...]:
    """Ask the same about every window of a recording that is not silent; a few are in memory at a time.

    Args:
        answerer: who is asked.
        recording: in the answerer's layout.
        question: whole, not a follow-up.
        report: called with the seconds answered so far.

    Raises:
        FormatError: the file is damaged.
        AurisError: the memory does not hold a window.
    """
    found: list[Window] = []
    every = spans(recording.duration, answerer.clip_seconds)
    for first in range(0, len(every), BATCH):
        some = every[first : first + BATCH]
        clips = {span: recording.between(*span) for span in some}
        loud = {span: clip for span, clip in clips.items() if not is_silent(clip)}
        texts = answers(answerer, tuple(loud.values()), question) if loud else []
        for (begin, end), text in zip(loud, texts, strict=True):
            found.append(Window(WindowReply(round(begin, 3), round(end, 3), text), power(loud[begin, end])))
        report(some[-1][1])
    return tuple(found)


def listed(windows: Sequence[Window]) -> str:
    """Return what is named in any window, each once, in the order of the windows: ``dog; rain; speech``."""
    names = [name.strip() for window in windows for name in window.reply.text.split(";")]
    return "; ".join(dict.fromkeys(name for name in names if name))


def most_telling(windows: Sequence[Window], scene: Scene | None, labels: Sequence[str]) -> tuple[Window, str]:
    """Return the window that answers a question about the whole recording, and why.

    It is the one in which what the question names is heard longest; of several sounds, the one that is heard least counts most.
    Where nothing is named, or nothing of it was heard, it is the window with the most sound.

    Args:
        windows: at least one.
        scene: what was heard; None where nobody listened.
        labels: the sounds that the question names.
    """
    if scene is not None and labels:
        seconds = [[round(seconds_heard(scene, label, window.span), 2) for label in labels] for window in windows]
        best_index = max(range(len(windows)), key=lambda index: (min(seconds[index]), sum(seconds[index])))
        if least := min(seconds[best_index]):
            who = f"{' and '.join(labels)} {'is' if len(labels) == 1 else 'are'}"
            return windows[best_index], f"{who} heard there for {least:.1f} s"
    heard = [0.0 if scene is None else seconds_heard(scene, "", window.span) for window in windows]
    best_index = max(range(len(windows)), key=lambda index: (round(heard[index], 2), windows[index].power))
    return windows[best_index], "it has the most sound"


def never_together(scene: Scene, labels: Sequence[str], duration: float, length: float) -> bool:
    """Return whether sounds are all heard in a recording, but in no window of it together."""
    if len(labels) < 2 or not all(seconds_heard(scene, label, (0.0, duration)) for label in labels):
        return False
    return not any(all(seconds_heard(scene, label, span) for label in labels) for span in spans(duration, length))


def seconds_heard(scene: Scene, label: str, span: Span) -> float:
    """Return how long a class is heard in a stretch of time, or all classes together for an empty label."""
    begin, end = span
    return sum(
        max(0.0, min(event.offset, end) - max(event.onset, begin))
        for source, event in scene.events()
        if not label or said_label(source.label) == said_label(label)
    )
