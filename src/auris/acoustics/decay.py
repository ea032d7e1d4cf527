"""How sound energy dies away in a rectangular room, in closed form.

Sound that travels along the direction u meets the walls of axis a ``c |u_a| / L_a`` times per second, so the image model
decays with a different rate in every direction. Scattering mixes the directions; with 1 one rate is left, Eyring's. The
omnidirectional decay is the mean of the exponentials over the sphere, taken by quadrature over one octant.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from auris.acoustics.compiled import compiled

Floats = NDArray[np.float64]

_NODES = 8  # per angle; four leave errors of 6 dB without scattering


@lru_cache(maxsize=1)
def octant() -> tuple[Floats, Floats]:
    """Return directions ``(Q, 3)`` in the positive octant and weights ``(Q,)`` that add to 1 (Gauss-Legendre)."""
    node, weight = np.polynomial.legendre.leggauss(_NODES)
    node, weight = (node + 1.0) / 2.0, weight / 2.0
    height, angle = (grid.ravel() for grid in np.meshgrid(node, node * np.pi / 2, indexing="ij"))
    radius = np.sqrt(1.0 - height**2)
    directions = np.stack([radius * np.cos(angle), radius * np.sin(angle), height], axis=1)
    return np.ascontiguousarray(directions), np.ascontiguousarray(np.outer(weight, weight).ravel())


def decay_rates(size: Floats, absorption: Floats, air: Floats, speed: float, scattering: float) -> Floats:
    """Return the energy decay rates ``(B, Q)`` in 1/s per band and direction of :func:`octant`.

    Args:
        size: room dimensions ``(3,)`` in metres.
        absorption: energy absorption ``(6, B)`` of the walls x0 x1 y0 y1 floor ceiling.
        air: energy attenuation ``(B,)`` in 1/m.
        speed: speed of sound in m/s.
        scattering: 0 keeps every direction's own rate, 1 mixes them all.
    """
    directions, weights = octant()
    loss = -np.log(np.maximum(1.0 - absorption, 1e-12))
    per_axis = (loss[0::2] + loss[1::2]) / size[:, None]
    specular = speed / 2.0 * (directions @ per_axis).T
    mixed = specular @ weights
    return np.asarray((1.0 - scattering) * specular + scattering * mixed[:, None] + speed * air[:, None])


@compiled
def _log_remaining(time: float, rates: Floats, weights: Floats) -> tuple[float, float]:
    """Natural logarithm of the energy still to come after ``time`` (Schroeder's integral), and its slope."""
    remaining = 0.0
    power = 0.0
    for q in range(rates.shape[0]):
        now = weights[q] * math.exp(-rates[q] * time)
        power += now
        remaining += now / rates[q]
    return math.log(remaining), -power / remaining


@compiled
def _time_of_level(level: float, rates: Floats, weights: Floats) -> float:
    """Seconds until the remaining energy has fallen by ``level`` nepers of energy; Newton from the left never overshoots."""
    start = _log_remaining(0.0, rates, weights)[0]
    time = 0.0
    for _ in range(60):
        value, slope = _log_remaining(time, rates, weights)
        step = (value - start + level) / -slope
        time += step
        if abs(step) < 1e-6 * time:
            break
    return time


@compiled
def reverberation_time(rates: Floats, weights: Floats) -> float:
    """Return T30 in seconds: 60 dB over the slope fitted to the Schroeder curve between -5 and -35 dB (ISO 3382-1)."""
    decibel = math.log(10.0) / 10.0
    first = _time_of_level(5.0 * decibel, rates, weights)
    last = _time_of_level(35.0 * decibel, rates, weights)
    points = 16
    sum_t, sum_tt, sum_y, sum_ty = 0.0, 0.0, 0.0, 0.0
    for k in range(points):
        offset = (last - first) * (k / (points - 1) - 0.5)
        y = _log_remaining(offset + (first + last) / 2.0, rates, weights)[0]
        sum_t += offset
        sum_tt += offset * offset
        sum_y += y
        sum_ty += offset * y
    slope = (points * sum_ty - sum_t * sum_y) / (points * sum_tt - sum_t * sum_t)
    return -60.0 * decibel / slope


@compiled
def solve_wall_loss(unit_rates: Floats, air_rate: float, weights: Floats, target: float, most: float) -> float:
    """Return the wall loss ``-ln(1 - absorption)`` up to ``most`` for which T30 is ``target`` seconds.

    Args:
        unit_rates: decay rates ``(Q,)`` of the room for a wall loss of 1, without air.
        air_rate: the rate of air alone, 1/s.
        weights: quadrature weights ``(Q,)``.
        target: seconds.
        most: the largest loss to consider.

    Bisection, each step first tried where 1/T30 would be linear in the loss, which it nearly is.
    """
    low, high = 0.0, most
    guess = high / 2.0
    for _ in range(60):
        time = reverberation_time(guess * unit_rates + air_rate, weights)
        if abs(time - target) < 1e-5 * target:
            break
        if time > target:
            low = guess
        else:
            high = guess
        by_walls = 60.0 * math.log(10.0) / 10.0 / time - air_rate
        wanted = 60.0 * math.log(10.0) / 10.0 / target - air_rate
        linear = guess * wanted / by_walls if by_walls > 0.0 else low
        guess = linear if low < linear < high else (low + high) / 2.0
    return guess
