"""What a language model with ears offers to those who ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from auris.audio import Audio
from auris.channels import ChannelLayout


@runtime_checkable
class Answerer(Protocol):
    """Answers questions about clips of sound; :class:`auris.models.bat.Bat` is one.

    Attributes:
        name: what it is called in tables and messages.
    """

    name: str

    @property
    def layout(self) -> ChannelLayout:
        """What it listens to."""
        ...

    @property
    def sample_rate(self) -> int:
        """Sample rate it hears at, hertz; clips of another one are resampled."""
        ...

    @property
    def clip_seconds(self) -> float:
        """The longest clip it hears at a time."""
        ...

    def answer(
        self, clips: Sequence[Audio], questions: Sequence[str], *, on_text: Callable[[str], None] | None = None
    ) -> list[str]:
        """Answer one question about each clip.

        Args:
            clips: at most :attr:`clip_seconds` long, in :attr:`layout`.
            questions: as many.
            on_text: called with pieces of the answer as they come, if there is one question only.

        Raises:
            LayoutError: a clip has another layout.
            ParameterError: a question is empty, a clip is too long, or there are not as many of both.
        """
        ...
