"""Refusing weights that do not fit a network."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from torch import Tensor

from auris.errors import CheckpointError


def refuse_misfits(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], *, needed: Collection[str], opening: str) -> None:
    """Refuse weights that the network has not, has in another shape, or that are missing.

    Args:
        found: weights of a file, under the names of the network's ``state_dict``.
        wanted: that ``state_dict``.
        needed: which of its names must be found.
        opening: of the message.

    Raises:
        CheckpointError: the first three are named.
    """
    problems = [f"missing {name}" for name in needed if name not in found]
    problems += [f"unknown {name}" for name in found if name not in wanted]
    problems += [
        f"{name} is {tuple(value.shape)}, needed {tuple(wanted[name].shape)}"
        for name, value in found.items()
        if name in wanted and value.shape != wanted[name].shape
    ]
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise CheckpointError(f"{opening}: {'; '.join(sorted(problems)[:3])}{more}")
