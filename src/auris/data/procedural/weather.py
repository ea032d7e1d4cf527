"""Rain, sea and fire: noise with the right colour and swell, and grains in a Poisson process."""

from __future__ import annotations

import numpy as np

from auris.data.procedural.noise import RATE, Curve, Signal, add, coloured_noise, decay_noise, hump, poisson_times, slow_curve
from auris.data.procedural.resonances import modal_strike


def scattered(rng: np.random.Generator, length: int, rate: float, grain: Signal, *, spread: float) -> Signal:
    """Copies of one ``grain`` in a Poisson process of ``rate`` per second; log-normal gains with sigma ``spread``."""
    out = np.zeros(length)
    at = poisson_times(rng, length, rate)
    gains = np.exp(spread * rng.standard_normal(len(at))) * rng.choice((-1.0, 1.0), len(at))
    for start, gain in zip(at.tolist(), gains.tolist(), strict=True):
        add(out, grain, start, gain)
    return out


def rain(rng: np.random.Generator, length: int) -> Signal:
    """A bed of far drops (noise), near drops on several surfaces, and now and then a dripping gutter."""
    near = rng.uniform(0.05, 0.7)
    low, high = rng.uniform(-10, 4), rng.uniform(-18, -4)
    bed_curve: Curve = ((60, low), (400, low / 2), (1500, -2), (rng.uniform(2500, 6000), 0), (10000, high), (20000, high - 14))
    bed = coloured_noise(rng, length, bed_curve) * np.exp(0.08 * slow_curve(rng, length, 0.8))
    drops = np.zeros(length)
    for _ in range(4):
        centre = rng.uniform(900, 6500)
        grain = modal_strike([centre, centre * rng.uniform(1.4, 1.9)], rng.uniform(0.006, 0.03, 2), (1, 0.6), length=1500)
        grain = grain + decay_noise(rng, 1500, ((500, -10), (centre, 0), (14000, -8)), 0.008)
        drops += scattered(rng, length, rng.uniform(25, 180), grain, spread=0.9)
    drops /= np.std(drops) + 1e-12
    out = bed + near * drops
    if rng.random() < 0.35:
        drip = modal_strike([rng.uniform(350, 1100)], [rng.uniform(0.05, 0.12)], [1.0], length=7000)
        out += scattered(rng, length, rng.uniform(1.5, 5), drip, spread=0.5) * rng.uniform(0.6, 1.6)
    return out


def sea_waves(rng: np.random.Generator, length: int) -> Signal:
    """A far surf and breaking waves: each swells, grows brighter as it breaks, and hisses out over the sand."""
    far = coloured_noise(rng, length, ((30, -6), (150, 0), (600, -5), (2500, -18), (10000, -38)))
    bend = rng.uniform(1200, 2200)
    roar = coloured_noise(rng, length, ((40, -10), (200, -1), (700, 0), (bend, -6), (5000, -18), (14000, -36)))
    wash = coloured_noise(rng, length, ((200, -20), (1200, -3), (3000, 0), (7000, -7), (16000, -22)))
    swell, hiss = np.zeros(length), np.zeros(length)
    period = rng.uniform(2.6, 6.5)
    at = -rng.uniform(0.2, 0.75) * period
    while at * RATE < length:
        place = np.linspace(0, 1, round(period * rng.uniform(1.0, 1.5) * RATE))
        crest, gain = rng.uniform(0.28, 0.45), rng.uniform(0.6, 1.1)
        fallen = np.clip((place - crest) / (1 - crest), 0, 1)
        rise = np.minimum(place / crest, 1)
        add(swell, rise * rise * np.exp(-3.2 * fallen) * (1 - place**6), round(at * RATE), gain)
        add(hiss, np.sin(np.pi * fallen) ** 2, round(at * RATE), gain * rng.uniform(0.12, 0.35))
        at += period * rng.uniform(0.8, 1.2)
    # Breaking water tumbles: the swell is rough on the scale of tenths of a second.
    swell *= np.exp(0.22 * slow_curve(rng, length, 2.5) + 0.18 * slow_curve(rng, length, 9))
    return far * rng.uniform(0.05, 0.25) * np.exp(0.25 * slow_curve(rng, length, 0.8)) + roar * swell + wash * hiss


def crackling_fire(rng: np.random.Generator, length: int) -> Signal:
    """The flame's low flutter, a hiss, and crackles: snaps of every size that come in clusters, and a rare pop."""
    flutter = np.exp(0.35 * slow_curve(rng, length, 6))
    rumble = coloured_noise(rng, length, ((25, 0), (90, -2), (300, -14), (1200, -28), (6000, -44))) * flutter
    hiss = coloured_noise(rng, length, ((300, -20), (2000, -3), (5000, 0), (12000, -6), (20000, -16)))
    out = rng.uniform(0.3, 2.0) * rumble + rng.uniform(0.02, 0.14) * hiss * np.exp(0.3 * slow_curve(rng, length, 2))
    for _ in range(6):
        centre, span = rng.uniform(900, 7500), rng.uniform(0.0015, 0.012)
        n = round(2.5 * span * RATE) + 200
        snap = decay_noise(rng, n, ((200, -24), (centre, 0), (centre * 2.2, -10), (20000, -26)), span * 2.2)
        out += scattered(rng, length, rng.uniform(3, 22), snap / np.abs(snap).max(), spread=1.1) * rng.uniform(0.7, 1.8)
    for start in poisson_times(rng, length, rng.uniform(0.5, 1.5)):
        n = round(rng.uniform(0.02, 0.06) * RATE)
        pop = decay_noise(rng, n, ((80, -6), (rng.uniform(300, 900), 0), (4000, -12)), 0.04) * hump(n, 0.0005, 0.01)
        add(out, pop, int(start), rng.uniform(1.5, 5))
        for delay in rng.exponential(0.03, int(rng.integers(2, 9))).cumsum():
            add(out, pop, int(start + delay * RATE), rng.uniform(0.1, 0.8))
    return out
