"""A first-order high-pass against the pile-up of image sources near 0 Hz."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from auris.acoustics.compiled import compiled


@compiled
def remove_lows(responses: NDArray[np.float32], corner: float) -> None:
    """High-pass ``responses`` ``(P, C, T)`` in place; ``corner`` is the -3 dB frequency over the sample rate.

    Four channels run side by side, since each sample of one waits for the sample before.
    """
    pole = math.exp(-2.0 * math.pi * corner)
    gain = 0.5 * (1.0 + pole)
    flat = responses.reshape(-1, responses.shape[2])
    for first in range(0, flat.shape[0], 4):
        a, b = first, min(first + 1, flat.shape[0] - 1)
        c, d = min(first + 2, flat.shape[0] - 1), min(first + 3, flat.shape[0] - 1)
        last_a, last_b, last_c, last_d = 0.0, 0.0, 0.0, 0.0
        out_a, out_b, out_c, out_d = 0.0, 0.0, 0.0, 0.0
        for n in range(flat.shape[1]):
            now_a, now_b, now_c, now_d = flat[a, n], flat[b, n], flat[c, n], flat[d, n]
            out_a = gain * (now_a - last_a) + pole * out_a
            out_b = gain * (now_b - last_b) + pole * out_b
            out_c = gain * (now_c - last_c) + pole * out_c
            out_d = gain * (now_d - last_d) + pole * out_d
            last_a, last_b, last_c, last_d = now_a, now_b, now_c, now_d
            flat[a, n], flat[b, n], flat[c, n], flat[d, n] = out_a, out_b, out_c, out_d
