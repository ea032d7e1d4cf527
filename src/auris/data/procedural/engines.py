"""Engines and rotors: trains of pulses through resonant bodies, and the noise they modulate."""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter, oaconvolve

from auris.data.procedural.noise import (
    RATE,
    Curve,
    Signal,
    coloured_noise,
    decay_noise,
    envelope,
    log_uniform,
    shaped,
    slow_curve,
)
from auris.data.procedural.oscillators import cycles, firing_positions, harmonics, pulse_train, wavering
from auris.data.procedural.resonances import modal_strike, resonator


def chainsaw(rng: np.random.Generator, length: int) -> Signal:
    """A two-stroke engine that is revved: exhaust pulses, muffler resonances, and the rasp of the chain."""
    idle, full = rng.uniform(38, 60), rng.uniform(95, 175)
    throttle = np.clip(0.62 + 0.45 * slow_curve(rng, length, rng.uniform(0.3, 0.9)), 0.0, 1.0)
    ease = 0.08 * RATE  # the engine's inertia
    throttle, _ = lfilter([1 / ease], [1, -(1 - 1 / ease)], throttle, zi=[throttle[0] * (1 - 1 / ease)])
    frequency = idle * (full / idle) ** throttle * wavering(rng, length, rate=18, depth=0.02)
    at = firing_positions(frequency)
    strength = np.exp(0.22 * rng.standard_normal(len(at)))
    strength[1::2] *= rng.uniform(0.75, 1.0)  # a two-stroke misses now and then
    kick = _exhaust_kick(rng)
    exhaust: Signal = oaconvolve(pulse_train(at, strength, length), kick)[:length]
    body: Curve = ((40, -10), (rng.uniform(100, 200), 0), (rng.uniform(400, 700), 2), (1500, 1), (4000, -5), (12000, -18))
    exhaust = shaped(exhaust, body)
    exhaust /= np.std(exhaust) + 1e-12
    phase = cycles(frequency)
    rasp = coloured_noise(rng, length, ((300, -18), (900, -3), (rng.uniform(1500, 4000), 0), (8000, -5), (16000, -16)))
    teeth = (0.5 + 0.5 * np.cos(2 * np.pi * phase)) ** 3 + 0.25
    return np.asarray((exhaust + rng.uniform(0.15, 0.7) * rasp * teeth * throttle) * (0.35 + 0.65 * throttle))


def _exhaust_kick(rng: np.random.Generator) -> Signal:
    """Pressure of one exhaust stroke: a few ringing modes of the muffler and a puff of noise."""
    n = round(0.03 * RATE)
    modes = np.array([125.0, 310.0, 630.0, 1150.0, 2250.0]) * np.exp(rng.uniform(-0.3, 0.3, 5))
    kick = modal_strike(modes, rng.uniform(0.006, 0.02, 5), (0.9, 0.9, 0.8, 0.6, 0.4), length=n)
    return kick + decay_noise(rng, n, ((200, -6), (900, 0), (5000, -12)), 0.015) * 0.5


def helicopter(rng: np.random.Generator, length: int) -> Signal:
    """Blade slap at 9 to 22 a second, a turbine's whine, and rotor wash that each blade chops."""
    frequency = rng.uniform(9, 22) * wavering(rng, length, rate=0.5, depth=0.01)
    phase = cycles(frequency)
    at = firing_positions(frequency)
    slap = np.zeros(round(0.06 * RATE))
    b, a = resonator(rng.uniform(50, 110), 55)
    slap += lfilter(b, a, envelope(len(slap), (0, 0.002, 0.006, 0.06), (0, 1, 0, 0)))
    slap /= np.abs(slap).max()
    slap += decay_noise(rng, len(slap), ((80, 0), (400, -4), (1500, -18)), 0.05) * rng.uniform(0.4, 1.0)
    thump = oaconvolve(pulse_train(at, np.exp(0.12 * rng.standard_normal(len(at))), length), slap)[:length]
    thump /= np.std(thump) + 1e-12
    knee, bright = rng.uniform(160, 480), rng.uniform(-14, 1)
    wash = coloured_noise(
        rng, length, ((40, -8), (120, 0), (knee, -2), (knee * 4, -10 + bright), (8000, -26 + 2 * bright), (16000, -44))
    )
    depth = rng.uniform(0.15, 0.8)
    chop = 1 - depth + depth * (0.5 + 0.5 * np.cos(2 * np.pi * (phase - 0.08))) ** rng.uniform(1.0, 3.0)
    pitch = rng.uniform(300, 900) * wavering(rng, length, rate=0.7, depth=0.008)
    gears = sum((harmonics(pitch * ratio, (1.0, 0.3, 0.2)) for ratio in (1.0, rng.uniform(1.1, 1.9))), np.zeros(length))
    whine = gears * log_uniform(rng, 0.02, 0.3)
    distance = np.exp(0.25 * slow_curve(rng, length, 0.25))
    return np.asarray((thump * log_uniform(rng, 0.12, 0.9) + wash * chop + whine) * distance)
