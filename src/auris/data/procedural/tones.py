"""Things that are tuned: music, an alarm, a telephone."""

from __future__ import annotations

import numpy as np

from auris.data.procedural.noise import RATE, Signal, add, coloured_noise, decay_noise, hump, shaped, slow_curve
from auris.data.procedural.oscillators import harmonics, saw
from auris.data.procedural.resonances import modal_strike

_SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 3, 5, 7, 9, 10))
_PROGRESSIONS = ((0, 3, 4, 0), (0, 5, 3, 4), (0, 4, 5, 3), (5, 3, 0, 4), (0, 3, 1, 4))


def music(rng: np.random.Generator, length: int) -> Signal:
    """A small ensemble: bass, chords and a melody over a four-bar progression, plucked or bowed, with or without drums."""
    beat = 60 / rng.uniform(72, 144)
    tonic, scale = rng.uniform(98, 185), _SCALES[int(rng.integers(len(_SCALES)))]
    progression = _PROGRESSIONS[int(rng.integers(len(_PROGRESSIONS)))]
    strings, bowed = _Strings(rng, tonic, scale), bool(rng.random() < 0.35)
    plucked, pad = np.zeros(length), np.zeros(length)
    step, note = 0, int(rng.integers(0, 7))
    while step * beat * RATE < length:
        at, root = round(step * beat * RATE), progression[(step // 4) % 4]
        if step % 2 == 0:
            add(plucked, strings.note(root - 7, beat * 1.9), at, 0.8)
        if step % 4 == 0 or rng.random() < 0.4:
            span = beat * (3.6 if step % 4 == 0 else 0.9)
            for degree in (root, root + 2, root + 4):
                if bowed:
                    add(pad, _section(rng, strings.pitch(degree), span), at, 0.14)
                else:
                    add(plucked, strings.note(degree, span), at, 0.35)
        for part in range(int(rng.choice((1, 1, 2)))):
            note = int(np.clip(note + rng.integers(-2, 3), 0, 11))
            melody = strings.note(7 + note, beat * (0.45 if rng.random() < 0.5 else 0.9))
            add(plucked, melody, at + round(part * beat / 2 * RATE), rng.uniform(0.35, 0.6))
        step += 1
    out = plucked + (shaped(pad, ((60, 0), (800, 0), (2500, -10), (8000, -26))) if bowed else 0.0)
    if rng.random() < 0.6:
        out += _drums(rng, length, beat) * rng.uniform(0.2, 0.7)
    return out + 0.012 * coloured_noise(rng, length, ((40, 0), (300, -4), (2000, -10), (12000, -26)))


def _drums(rng: np.random.Generator, length: int, beat: float) -> Signal:
    """Kick, snare and hi-hat, or brushes when all are soft."""
    n = round(0.25 * RATE)
    kick = modal_strike([52, 75], [0.2, 0.1], [1.2, 0.8], length=n)
    snare = decay_noise(rng, n, ((150, -4), (1200, 0), (9000, -6)), 0.16) + modal_strike([190], [0.12], [0.5], length=n)
    hat = decay_noise(rng, n // 2, ((1000, -30), (6000, 0), (16000, -4)), rng.uniform(0.04, 0.12))
    out = np.zeros(length)
    for step in range(int(length / RATE / beat * 2) + 1):
        at = round(step * beat / 2 * RATE)
        add(out, hat, at, rng.uniform(0.3, 0.6))
        if step % 4 == 0:
            add(out, kick, at)
        if step % 4 == 2:
            add(out, snare, at, 0.8)
    return out


class _Strings:
    """One plucked or struck instrument in a key; a note is made once and then repeated."""

    def __init__(self, rng: np.random.Generator, tonic: float, scale: tuple[int, ...]) -> None:
        self._tonic, self._scale = tonic, scale
        self._fall = 0.6 + 0.9 / rng.uniform(0.8, 2.4)  # of the partials' strength with their number
        self._pluck = rng.uniform(0.14, 0.3)  # where along the string
        self._notes: dict[tuple[int, float], Signal] = {}

    def pitch(self, degree: int) -> float:
        """Hertz of a degree of the scale; 0 is the tonic, 7 the octave above."""
        octave, place = divmod(degree, len(self._scale))
        return float(self._tonic * 2 ** (octave + self._scale[place] / 12))

    def note(self, degree: int, seconds: float) -> Signal:
        """Partials, slightly stretched; the higher, the sooner gone."""
        key = degree, round(seconds, 2)
        if key not in self._notes:
            pitch, k = self.pitch(degree), np.arange(1, 13)
            k = k[k * pitch < 16_000]
            frequencies = pitch * k * np.sqrt(1 + 2e-4 * k * k)
            strength = (np.abs(np.sin(np.pi * k * self._pluck)) + 0.05) / k**self._fall
            t60s = np.minimum(2.2 * (220 / pitch) ** 0.4 / k**0.6, 2.5)
            length = round((seconds + 0.08) * RATE)
            self._notes[key] = modal_strike(frequencies, t60s, strength, length=length) * hump(length, 0.003, 0.08)
        return self._notes[key]


def _section(rng: np.random.Generator, pitch: float, seconds: float) -> Signal:
    """A bowed section: three detuned saws with vibrato."""
    length = round((seconds + 0.12) * RATE)
    t = np.arange(length) / RATE
    out = np.zeros(length)
    for _ in range(3):
        vibrato = 1 + 0.004 * np.sin(2 * np.pi * (rng.uniform(4.8, 6.2) * t + rng.random()))
        out += saw(pitch * 2 ** rng.normal(0, 0.004) * vibrato, start=rng.random())
    return out * hump(length, 0.12, 0.15)


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
    return np.asarray((first * which + second * (1 - which)) * gate)
