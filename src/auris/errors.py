"""Every error auris raises on purpose. A message says what was given, what is accepted and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class AurisError(Exception):
    """Root of all errors that a user can mend. The command line prints it as one sentence and exits 1."""


class ParameterError(AurisError, ValueError):
    """An argument has a value outside what the function accepts."""


class SceneError(AurisError, ValueError):
    """A scene, or a part of it, contradicts itself or physics."""


class LayoutError(AurisError, ValueError):
    """Audio has another channel layout than the one needed. Nothing is guessed."""


class FormatError(AurisError, ValueError):
    """A file is not what its reader expects, or is damaged."""


class CheckpointError(AurisError, ValueError):
    """A model folder or checkpoint is incomplete, foreign or of another family."""


class MissingDependency(AurisError, ImportError):  # noqa: N818 - it reads as what it is
    """An optional package is not installed."""

    def __init__(self, package: str, extra: str | None = None) -> None:
        what = package if extra is None else f'"auris[{extra}]"'
        super().__init__(f"this needs the package {package!r}, which is not installed; run: pip install {what}")


def did_you_mean(name: str, accepted: Iterable[str]) -> str:
    """Return ``", did you mean 'x'?"`` for the closest accepted name, or an empty string.

    >>> did_you_mean("binaurl", ["mono", "binaural"])
    ", did you mean 'binaural'?"
    """
    close = difflib.get_close_matches(str(name), list(accepted), n=1)
    return f", did you mean {close[0]!r}?" if close else ""


def unknown_name(kind: str, name: object, accepted: Iterable[str]) -> str:
    """Return the sentence for a name that is not in a list.

    >>> unknown_name("layout", "foaa", ["foa", "mono"])
    "unknown layout 'foaa', did you mean 'foa'? Accepted: foa, mono"
    """
    names = sorted(accepted)
    hint = did_you_mean(str(name), names) or "."
    return f"unknown {kind} {name!r}{hint} Accepted: {', '.join(names)}"
