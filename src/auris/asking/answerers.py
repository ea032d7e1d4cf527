"""Who answers: which model is taken, how it is loaded, and what is said when the memory does not hold it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auris.asking.replies import SYMBOLIC
from auris.audio import Audio
from auris.channels import ChannelLayout
from auris.errors import AurisError, MissingDependency, ParameterError
from auris.models.answering import Answerer
from auris.pipelines import device_named

if TYPE_CHECKING:
    from auris.models.bat_config import Precision

_LOG = logging.getLogger("auris.asking")
_DEFAULTS = {"foa": "nano-bat"}  # by name of the layout
BATCH = 4  # windows of a recording answered at a time
_NO_MEMORY = ("out of memory", "allocate memory", "not enough memory")


def answerer_for(layout: ChannelLayout, *, device: str = "auto", precision: Precision | None = None) -> Answerer | None:
    """Return the language model that ships for a layout; None where there is none or its extra is not installed (logged)."""
    from auris.models.pretrained import SHIPPED

    name = _DEFAULTS.get(layout.name)
    if name is None or name not in SHIPPED:
        _LOG.info("no language model ships for %s audio; answers are by rules, from what is heard", layout.name)
        return None
    try:
        return named_answerer(name, device=device, precision=precision)
    except MissingDependency as error:
        _LOG.warning("answers are by rules, from what is heard, and not by %s: %s", name, error)
        return None


def named_answerer(name: str | Path, *, device: str = "auto", precision: Precision | None = None) -> Answerer:
    """Load a language model with ears.

    Args:
        name: of a shipped model, or a model folder.
        device: where it computes, see :func:`auris.pipelines.listen`.
        precision: of the language model's weights; None as the model's configuration says.

    Raises:
        CheckpointError: there is no such model, or its folder is incomplete or damaged.
        MissingDependency: the extra ``llm`` is not installed.
        ParameterError: the model listens but does not answer, or there is no such device or precision.
        AurisError: it does not fit into memory.
    """
    from auris.models.pretrained import describe

    described = describe(name)
    if described["architecture"] != "bat":
        raise ParameterError(
            f"{name} is a listener and answers no questions; ask with model 'symbolic' and this listener, "
            f"or with a language model such as {' or '.join(_DEFAULTS.values())}"
        )
    where = str(device_named(device))
    from auris.models.bat import Bat  # needs the extra

    with memory_told(str(name), needed=lambda: _stored_bytes(described, precision)):
        return Bat.from_pretrained(name, precision=precision, device=where)


def answers(
    answerer: Answerer, clips: Sequence[Audio], question: str, *, on_text: Callable[[str], None] | None = None
) -> list[str]:
    """Ask the same of each clip; several at a time as long as the memory holds them.

    Raises:
        AurisError: the memory does not hold one clip.
    """
    needed = _weight_bytes(answerer)
    found: list[str] = []
    size = BATCH
    while len(found) < len(clips):
        some = clips[len(found) : len(found) + size]
        try:
            with memory_told(answerer.name, needed=lambda: needed):
                found += [text.strip() for text in answerer.answer(some, [question] * len(some), on_text=on_text)]
        except OutOfMemory:
            if len(some) == 1:
                raise
            size = 1
    return found


class OutOfMemory(AurisError, MemoryError):  # noqa: N818 - it reads as what it is
    """A model and its computation do not fit into memory."""


@contextmanager
def memory_told(name: str, *, needed: Callable[[], float]) -> Iterator[None]:
    """Raise what torch says of memory as :class:`OutOfMemory`, which says how much a model needs and what to do.

    Args:
        name: of the model.
        needed: bytes of its weights.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        text = str(error).lower()
        if isinstance(error, OutOfMemory) or not (isinstance(error, MemoryError) or any(sign in text for sign in _NO_MEMORY)):
            raise
        raise OutOfMemory(
            f"out of memory: the weights of {name} alone take {_size(needed())}, and hearing and answering come on top; "
            "load it in fewer bits (precision 4bit), or where there is more memory (device), or ask a smaller model, "
            "or 'symbolic', which answers by rules"
        ) from error


def _stored_bytes(described: dict[str, Any], precision: Precision | None) -> float:
    """Bytes that a model's weights will take: those of its own files, and of a language model that is kept elsewhere."""
    from auris.models.bat_config import LANGUAGE_MODEL
    from auris.models.language_models import parameter_count
    from auris.models.weight_memory import weight_bytes

    writer = described["config"].get("language_model", LANGUAGE_MODEL)
    if writer == LANGUAGE_MODEL:
        return float(described["bytes"])
    kept: Precision = precision or described["config"].get("precision", "float32")
    return float(described["bytes"]) + weight_bytes(parameter_count(writer), kept)


def _weight_bytes(model: Any) -> float:
    """Bytes of a model's weights, 0 for what has none."""
    parameters = getattr(model, "parameters", None)
    return sum(p.numel() * p.element_size() for p in parameters()) if callable(parameters) else 0


def _size(count: float) -> str:
    """Return bytes for people.

    >>> _size(13_476_831_232), _size(38_000_000)
    ('13.5 GB', '38 MB')
    """
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def is_symbolic(model: object) -> bool:
    """Return whether answers by rules were asked for."""
    return isinstance(model, str) and model == SYMBOLIC
