"""What a file gives a network to start from."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor


@dataclass
class Start:
    """Weights under our names, and why the rest of the file was left out.

    Attributes:
        weights: by names of the model's ``state_dict``.
        reasons: for each name of the file that was not used.
        needed: names of the model without which the file is no start.
    """

    weights: dict[str, Tensor] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    needed: frozenset[str] = frozenset()
