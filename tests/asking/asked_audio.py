"""What the tests of asking share: an answerer that says what it was asked, noise for two ears, scenes made by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from auris import Event, Scene, Source, Static
from auris.audio import Audio
from auris.channels import ChannelLayout, binaural

NEAR_DOG = (0.8, 1.8, 0.4)  # to the left, in front, a little above
FAR_RAIN = (-1.0, -3.0, -0.5)  # behind, to the right


class Parrot:
    """An answerer that says which clip it was asked about: its length and how loud it is."""

    name = "parrot"

    def __init__(self, *, clip_seconds: float = 10.0, layout: ChannelLayout | None = None) -> None:
        self.clip_seconds, self.sample_rate = clip_seconds, 16_000
        self.layout = layout or binaural()
        self.asked: list[tuple[list[Audio], list[str]]] = []

    def answer(
        self, clips: Sequence[Audio], questions: Sequence[str], *, on_text: Callable[[str], None] | None = None
    ) -> list[str]:
        assert len(clips) == len(questions)
        assert all(clip.duration <= self.clip_seconds and clip.layout == self.layout for clip in clips)
        self.asked.append((list(clips), list(questions)))
        texts = [self.text(clip) for clip in clips]
        if on_text is not None and len(texts) == 1:
            for word in texts[0].split(" "):
                on_text(word if word == texts[0].split(" ")[0] else f" {word}")
        return texts

    def text(self, clip: Audio) -> str:
        return f"{clip.duration:.1f} s at {level(clip):.3f}"


def level(clip: Audio) -> float:
    return float(np.sqrt(np.mean(np.square(clip.samples))))


def noise(seconds: float, *, levels: Sequence[float] = (0.1,), rate: int = 16_000, layout: str = "binaural") -> Audio:
    """Noise whose level changes in steps of equal length."""
    channels = ChannelLayout.parse(layout).channels
    count = round(seconds * rate)
    steps = np.repeat(np.asarray(levels, dtype=np.float32), -(-count // len(levels)))[:count]
    return Audio(steps * np.random.default_rng(0).standard_normal((channels, count)), rate, layout)


def heard_scene(seconds: float, *events: tuple[str, tuple[float, float, float], float, float]) -> Scene:
    """A scene as a listener hears it: class, place, beginning and end of each event."""
    sources = [
        Source(label, Static(place), (Event(begin, end, level_db=None, confidence=0.8),)) for label, place, begin, end in events
    ]
    return Scene(seconds, tuple(sources))
