"""Things that are tuned: music, an alarm, a telephone."""

from __future__ import annotations

import numpy as np

from auris.data.procedural.noise import RATE, Signal, add, hump, shaped, slow_curve
from auris.data.procedural.oscillators import harmonics, saw
from auris.data.procedural.resonances import modal_strike

_SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 3, 5, 7, 9, 10))
_PROGRESSIONS = ((0, 3, 4, 0), (0, 5, 3, 4), (0, 4, 5, 3), (5, 3, 0, 4), (0, 3, 1, 4))


def music(rng: np.random.Generator, length: int) -> Signal:
    """A small ensemble: bass, chords and a melody over a four-bar progression, plucked, struck or bowed."""
    beat = 60 / rng.uniform(72, 144)
    tonic, scale = rng.uniform(98, 185), _SCALES[int(rng.integers(len(_SCALES)))]
    progression = _PROGRESSIONS[int(rng.integers(len(_PROGRESSIONS)))]
    instrument, bowed = rng.uniform(0.4, 1.6), bool(rng.random() < 0.35)
    out = np.zeros(length)
    step, note = 0, int(rng.integers(4, 10))
    while step * beat * RATE < length:
        root = progression[(step // 4) % 4]
        at = round(step * beat * RATE)
        if step % 2 == 0:
            add(out, _note(rng, _pitch(tonic / 2, scale, root), beat * 1.9, instrument * 1.4), at, 0.8)
        if step % 4 == 0 or rng.random() < 0.4:
            for degree in (0, 2, 4):
                pitch = _pitch(tonic, scale, root + degree)
                long = beat * (3.6 if step % 4 == 0 else 0.9)
                add(out, _strings(rng, pitch, long) if bowed else _note(rng, pitch, long, instrument), at, 0.35)
        for part in range(int(rng.choice((1, 1, 2)))):
            note = int(np.clip(note + rng.integers(-2, 3), 3, 14))
            span = beat * rng.choice((0.45, 0.9))
            add(out, _note(rng, _pitch(tonic * 2, scale, note - 3), span, instrument), at + round(part * beat / 2 * RATE), 0.5)
        step += 1
    return shaped(out, ((40, -6), (120, 0), (1500, 0), (5000, -8), (14000, -26)))


def _pitch(tonic: float, scale: tuple[int, ...], degree: int) -> float:
    octave, place = divmod(degree, len(scale))
    return float(tonic * 2 ** (octave + scale[place] / 12))


def _note(rng: np.random.Generator, pitch: float, seconds: float, brightness: float) -> Signal:
    """A plucked or struck string: partials, slightly stretched, the higher the sooner gone."""
    k = np.arange(1, 15)
    k = k[k * pitch < 16_000]
    frequencies = pitch * k * np.sqrt(1 + 2e-4 * k * k)
    pluck = np.abs(np.sin(np.pi * k * rng.uniform(0.14, 0.3))) + 0.05
    strength = pluck / k ** (0.6 + 0.9 / brightness)
    length = round((seconds + 0.08) * RATE)
    return modal_strike(frequencies, 2.2 * (220 / pitch) ** 0.4 / k**0.6, strength, length=length) * hump(length, 0.003, 0.08)


def _strings(rng: np.random.Generator, pitch: float, seconds: float) -> Signal:
    """A bowed section: three detuned saws with vibrato."""
    length = round((seconds + 0.12) * RATE)
    t = np.arange(length) / RATE
    out = np.zeros(length)
    for _ in range(3):
        vibrato = 1 + 0.004 * np.sin(2 * np.pi * (rng.uniform(4.8, 6.2) * t + rng.random()))
        out += saw(pitch * 2 ** rng.normal(0, 0.004) * vibrato, start=rng.random())
    return shaped(out, ((60, 0), (800, 0), (2500, -10), (8000, -26))) * hump(length, 0.12, 0.15) * 0.4


def alarm(rng: np.random.Generator, length: int) -> Signal:
    """An electronic alarm: beeps, two alternating tones, or a siren's sweep, from a small hard speaker."""
    kind, t = int(rng.integers(3)), np.arange(length) / RATE
    pitch, rate = rng.uniform(600, 2600), rng.uniform(1.2, 4.0)
    place = (t * rate) % 1.0
    gate = np.ones(length)
    if kind == 0:
        duty = rng.uniform(0.4, 0.7)
        frequency = np.full(length, pitch)
        edge = 0.004 * rate
        gate = np.clip(np.minimum(place, duty - place) / edge, 0, 1)
    elif kind == 1:
        frequency = pitch * np.where(place < 0.5, 1.0, rng.uniform(0.7, 0.85))
    else:
        frequency = pitch * np.exp(rng.uniform(0.15, 0.4) * np.sin(2 * np.pi * t * rate / 3))
    odd = np.array([1, 0.05, 0.5, 0.03, 0.3, 0.02, 0.2, 0, 0.14])
    return harmonics(frequency, odd) * gate + 1e-4 * slow_curve(rng, length, 400)


def telephone(rng: np.random.Generator, length: int) -> Signal:
    """A bell telephone or an electronic ringer: a warbling pair of tones, on and off."""
    t = np.arange(length) / RATE
    on, off = rng.uniform(0.8, 1.6), rng.uniform(0.4, 0.9)
    warble = rng.uniform(12, 26)
    low, high = rng.uniform(600, 1100), rng.uniform(1200, 1900)
    which = 0.5 + 0.5 * np.tanh(6 * np.sin(2 * np.pi * warble * t))
    place = (t + rng.uniform(0, 0.1)) % (on + off)
    gate = np.clip(np.minimum(place, on - place) / 0.01, 0, 1)
    first, second = (harmonics(np.full(length, f), (1, 0.35, 0.3, 0.15, 0.1)) for f in (low, high))
    return (first * which + second * (1 - which)) * gate
