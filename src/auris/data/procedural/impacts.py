"""Struck, broken and ticking things: modal bodies hit by short blows."""

from __future__ import annotations

import numpy as np

from auris.data.procedural.noise import RATE, Curve, Signal, add, coloured_noise, decay_noise, envelope, hump, log_uniform
from auris.data.procedural.oscillators import glide, saw, wavering
from auris.data.procedural.resonances import modal_strike


def _body(
    rng: np.random.Generator, *, low: float, high: float, modes: int, t60: tuple[float, float], length: int, tilt: float = 0.5
) -> Signal:
    """One blow on an object with ``modes`` resonances between ``low`` and ``high`` hertz; higher ones ring shorter."""
    frequencies = np.sort(np.exp(rng.uniform(np.log(low), np.log(high), modes)))
    decay = np.exp(rng.uniform(np.log(t60[0]), np.log(t60[1]), modes)) * (low / frequencies) ** 0.3
    amplitudes = (low / frequencies) ** tilt * rng.uniform(0.3, 1.0, modes)
    return modal_strike(frequencies, decay, amplitudes, length=length)


def clock_tick(rng: np.random.Generator, length: int) -> Signal:
    """A tick and a tock in turn, each a cluster of two or three tiny blows on a case that rings briefly."""
    period = log_uniform(rng, 0.2, 1.0)
    low = rng.uniform(350, 2000)
    n = round(0.12 * RATE)
    click = [
        _body(rng, low=low, high=low * 8, modes=9, t60=(0.012, 0.09), length=n, tilt=0.3)
        + decay_noise(rng, n, ((500, -18), (2500, 0), (9000, -6), (18000, -20)), 0.006) * rng.uniform(0.5, 2.0)
        for _ in range(2)
    ]
    blows = np.sort(rng.uniform(0.0, 0.02, 2))
    gains = rng.uniform(0.2, 0.8, 2)
    out = coloured_noise(rng, length, ((60, 0), (500, -8), (8000, -20))) * log_uniform(rng, 0.001, 0.03)
    at, count = rng.uniform(0, 0.1), 0
    while at * RATE < length:
        tick = click[count % 2]
        add(out, tick, round(at * RATE), rng.uniform(0.9, 1.0))
        for delay, gain in zip(blows, gains, strict=True):
            add(out, tick, round((at + delay) * RATE), gain)
        at, count = at + period * rng.normal(1.0, 0.004), count + 1
    return out


def bell(rng: np.random.Generator, length: int) -> Signal:
    """A bell of cast bronze: hum, prime, tierce, quint, nominal and above, each a slowly beating pair."""
    prime = log_uniform(rng, 250, 1600)
    ratios = np.array([0.5, 1.0, 1.19, 1.5, 2.0, 2.51, 2.66, 3.01, 4.1, 5.4, 6.8]) * rng.normal(1, 0.004, 11)
    t60 = np.array([3.5, 2.6, 2.3, 1.6, 1.5, 0.9, 0.8, 0.7, 0.5, 0.35, 0.25]) * rng.uniform(0.7, 1.6) * (600 / prime) ** 0.3
    gains = np.array([0.5, 0.7, 0.8, 0.35, 1.0, 0.4, 0.35, 0.4, 0.3, 0.2, 0.12]) * rng.uniform(0.6, 1.4, 11)
    beat = 1 + rng.uniform(0.0003, 0.002, 11)
    n = round(min(float(t60.max()) * 1.2, 6.0) * RATE)
    strike = modal_strike(ratios * prime, t60, gains, length=n) + 0.6 * modal_strike(
        ratios * prime * beat, t60, gains, length=n
    )
    clapper = decay_noise(rng, n, ((300, -14), (3000, 0), (12000, -10)), 0.02)
    interval = rng.uniform(0.5, 1.4)
    out = np.zeros(length)
    at = 0.0
    while at * RATE < length:
        add(out, strike + clapper, round(at * RATE), rng.uniform(0.7, 1.0))
        at += interval * rng.normal(1, 0.03)
    return out


def knock(rng: np.random.Generator, length: int) -> Signal:
    """Knuckles on a wooden door: three to five dull blows, then a wait."""
    n = round(0.2 * RATE)
    low = rng.uniform(90, 220)
    tempo = rng.uniform(0.14, 0.26)
    out = np.zeros(length)
    at = 0.0
    while at * RATE < length:
        for _ in range(int(rng.integers(3, 6))):
            blow = _body(rng, low=low, high=1800, modes=12, t60=(0.04, 0.14), length=n, tilt=0.7)
            blow += decay_noise(rng, n, ((100, 0), (700, -4), (4000, -18)), 0.03) * 0.9
            add(out, blow, round(at * RATE), rng.uniform(0.7, 1.0))
            at += tempo * rng.normal(1, 0.06)
        at += rng.uniform(0.4, 0.9)
    return out


def footsteps(rng: np.random.Generator, length: int) -> Signal:
    """A walk: heel and toe of either foot, on a floor between carpet and gravel."""
    period, hard = rng.uniform(0.42, 0.68), rng.uniform(0.0, 1.0)
    n = round(0.16 * RATE)
    floor: Curve = ((60, 0), (180, 0), (600, -8 + 6 * hard), (2500, -20 + 16 * hard), (9000, -40 + 26 * hard), (18000, -50))
    out = np.zeros(length)
    at, left = rng.uniform(0, 0.1), True
    while at * RATE < length:
        for delay, gain, t60 in ((0.0, 1.0, 0.07), (rng.uniform(0.06, 0.11), 0.5, 0.09)):
            blow = decay_noise(rng, n, floor, t60) + 0.6 * _body(rng, low=70, high=500, modes=4, t60=(0.03, 0.08), length=n)
            add(out, blow, round((at + delay) * RATE), gain * rng.uniform(0.7, 1.0) * (1.0 if left else 0.85))
        scuff = coloured_noise(rng, n, ((500, -20), (2500, 0), (7000, -3), (16000, -16))) * hump(n, 0.05, 0.08)
        add(out, scuff, round((at + 0.05) * RATE), 0.03 + 0.1 * hard * rng.random())
        at, left = at + period * rng.normal(1, 0.03), not left
    return out


def door(rng: np.random.Generator, length: int) -> Signal:
    """A hinge that creaks (stick and slip), the slam, and the latch."""
    out = np.zeros(length)
    at = 0
    while at < length:
        n = round(rng.uniform(0.35, 1.0) * RATE)
        pitch = (
            rng.uniform(70, 220)
            * glide(n, (0, 0.4, 1), (0.7, 1.3, rng.uniform(0.6, 1.6)))
            * wavering(rng, n, rate=14, depth=0.12)
        )
        stick = saw(pitch) * hump(n, 0.1, 0.1)
        creak = np.convolve(stick, _body(rng, low=400, high=3500, modes=8, t60=(0.01, 0.03), length=600, tilt=0.2), "same")
        add(out, creak / (np.abs(creak).max() + 1e-9), at, rng.uniform(0.05, 0.3))
        at += n
        m = round(0.5 * RATE)
        slam = _body(rng, low=55, high=900, modes=16, t60=(0.12, 0.4), length=m, tilt=0.8)
        slam += decay_noise(rng, m, ((50, 0), (300, -3), (2000, -14), (8000, -30)), 0.16) * 2.0
        add(out, slam / np.abs(slam).max(), at)
        latch = _body(rng, low=900, high=6000, modes=8, t60=(0.02, 0.06), length=m // 5, tilt=0.2)
        add(out, latch / np.abs(latch).max(), at + round(rng.uniform(0.02, 0.07) * RATE), 0.3)
        at += m + round(rng.uniform(0.2, 0.7) * RATE)
    return out


def glass(rng: np.random.Generator, length: int) -> Signal:
    """A pane or a cup that breaks: a crack, then shards that ring high and fall, fewer and fewer."""
    out = np.zeros(length)
    at = 0.0
    while at * RATE < length:
        crack = decay_noise(rng, round(0.15 * RATE), ((300, -14), (2500, -2), (6000, 0), (16000, -8)), 0.09)
        add(out, crack, round(at * RATE), 1.6)
        span = rng.uniform(0.25, 0.55)
        for delay in np.sort(rng.exponential(span / 2, int(rng.integers(25, 60)))):
            n = round(rng.uniform(0.05, 0.22) * RATE)
            shard = _body(rng, low=rng.uniform(1500, 3500), high=14_000, modes=5, t60=(0.04, 0.3), length=n, tilt=0.1)
            add(out, shard * hump(n, 0.0005, 0.01), round((at + delay) * RATE), 0.35 * rng.random() * np.exp(-delay / span))
        at += rng.uniform(1.4, 2.2)
    return out


def clapping(rng: np.random.Generator, length: int) -> Signal:
    """A few people clapping: short bursts of noise, each pair of hands with its own resonance and tempo."""
    out = np.zeros(length)
    n = round(0.06 * RATE)
    for _ in range(int(rng.integers(1, 7))):
        cup, tempo, loud = rng.uniform(700, 2600), rng.uniform(0.2, 0.34), rng.uniform(0.4, 1.0)
        hands: Curve = ((150, -22), (cup, 0), (cup * 2.5, -6), (9000, -14), (18000, -26))
        clap = decay_noise(rng, n, hands, 0.035) * envelope(n, (0, 0.001, 0.06), (0, 1, 1))
        at = rng.uniform(0, tempo)
        while at * RATE < length:
            add(out, clap, round(at * RATE), loud * rng.uniform(0.6, 1.0))
            at += tempo * rng.normal(1, 0.06)
    return out


def cutlery(rng: np.random.Generator, length: int) -> Signal:
    """Dishes and cutlery: bright, clean modes struck at random, alone or in a clatter."""
    out = np.zeros(length)
    at = rng.uniform(0, 0.1)
    while at * RATE < length:
        for _ in range(int(rng.integers(1, 5))):
            low = rng.uniform(900, 3200)
            strike = _body(rng, low=low, high=low * 6, modes=7, t60=(0.08, 0.5), length=round(0.5 * RATE), tilt=0.2)
            add(out, strike, round(at * RATE), rng.uniform(0.2, 1.0))
            at += rng.uniform(0.03, 0.16)
        at += rng.uniform(0.1, 0.5)
    return out
