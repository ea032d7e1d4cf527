"""What a published checkpoint turns out to be, and what its classes are called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from torch import Tensor, nn

from auris.errors import CheckpointError
from auris.vocabulary import Vocabulary

Origin = Literal["given", "list", "numbered"]


@dataclass(frozen=True)
class Recognised:
    """What a checkpoint's names and shapes say.

    Attributes:
        network: the class that is built of ``config``.
        config: the configuration of the network.
        model: the network in its authors' words, e.g. ``mACCDOA-HTSAT with 170 classes``.
        work: that published it.
        hears: its input, for the card.
        says: its output, for the card.
        classes: where the class names come from: ``given``, ``list`` (a known list of as many) or ``numbered``.
        notes: what the file does not say and was assumed, one sentence each.
    """

    network: Callable[[Any], nn.Module]
    config: Any
    model: str
    work: str
    hears: str
    says: str
    classes: Origin
    notes: tuple[str, ...]


class PublishedFamily(Protocol):
    """One module for every family of published networks."""

    def recognise(
        self, tensors: Mapping[str, Tensor], *, labels: Sequence[str] | None, sample_rate: int | None, file: object
    ) -> Recognised:
        """Tell the network from an unwrapped checkpoint; raises CheckpointError."""

    def weights(self, tensors: Mapping[str, Tensor], model: Any, *, file: object) -> dict[str, Tensor]:
        """Return the weights under our names, without what is computed; raises CheckpointError."""

    def describe(self, config: Any) -> str:
        """Return a configuration in the words of its authors."""


@dataclass(frozen=True)
class ClassNames:
    """The classes of a checkpoint, none of which names them.

    Attributes:
        labels: in the order of the output.
        origin: where they come from.
        notes: what was assumed, one sentence each.
    """

    labels: tuple[str, ...]
    origin: Origin
    notes: tuple[str, ...] = ()


def class_names(
    count: int, given: Sequence[str] | None, *, known: Mapping[int, Vocabulary], advice: str, file: object
) -> ClassNames:
    """Return the names of ``count`` classes: those given, a known list of as many, or numbers.

    Args:
        count: outputs of the head.
        given: by the user.
        known: lists that networks of this family were trained with, by their length.
        advice: where the right list is found, said with the numbers.
        file: for messages.

    Raises:
        CheckpointError: as many classes were not given.
    """
    if given is not None:
        if len(given) != count:
            raise CheckpointError(f"{file}: has {count} classes, {len(given)} class names were given")
        return ClassNames(tuple(given), "given")
    if count in known:
        name = known[count].name
        note = f"The file does not name its classes; {count} are those of {name}, and were assumed to be."
        return ClassNames(known[count].labels, "list", (note,))
    note = (
        f"The file does not name its classes, so they are numbered. Give the list that it was trained with as labels; {advice}"
    )
    return ClassNames(tuple(f"class_{number:03d}" for number in range(count)), "numbered", (note,))
