"""How much memory the weights of a language model take."""

from __future__ import annotations

from auris.models.bat_config import Precision

# Four bits: NF4 with a scale for every 64 numbers, itself of eight bits (QLoRA, arXiv:2305.14314).
_BYTES: dict[str, float] = {"float32": 4.0, "float16": 2.0, "bfloat16": 2.0, "8bit": 1.0, "4bit": 0.516}
_HALF = 2.0


def weight_bytes(parameters: int, precision: Precision, *, kept: int = 0) -> float:
    """Return how much memory weights take, bytes; computing with them comes on top.

    Args:
        parameters: how many numbers.
        precision: they are held in.
        kept: how many of them 8 and 4 bits leave in half precision: words, the layer that writes them, and norms.

    >>> round(weight_bytes(6_738_415_616, "float16") / 1e9, 1)
    13.5
    >>> round(weight_bytes(6_738_415_616, "4bit", kept=262_410_240) / 1e9, 1)
    3.9
    """
    if precision not in ("8bit", "4bit"):
        return parameters * _BYTES[precision]
    return (parameters - kept) * _BYTES[precision] + kept * _HALF
