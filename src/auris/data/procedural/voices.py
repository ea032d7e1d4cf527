"""Everything with a throat: speech, a crying baby, a dog, a rooster, a sneeze.

Source and filter: glottal pulses and breath noise pass through formants that move. Each function takes a generator and a
length in samples at :data:`~auris.data.procedural.noise.RATE` and returns that many samples at any level.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from auris.data.procedural.noise import RATE, Curve, Signal, add, coloured_noise, hump, log_uniform, shaped, slow_curve
from auris.data.procedural.oscillators import glide, glottal_source, wavering
from auris.data.procedural.resonances import formant_filter

# First four formants in hertz of an adult male tract (after Peterson and Barney 1952).
_VOWELS: dict[str, tuple[float, float, float, float]] = {
    "i": (270, 2290, 3010, 3700),
    "e": (530, 1840, 2480, 3600),
    "ae": (660, 1720, 2410, 3500),
    "a": (730, 1090, 2440, 3400),
    "o": (570, 840, 2410, 3300),
    "u": (300, 870, 2240, 3300),
    "er": (490, 1350, 1690, 3300),
    "uh": (640, 1190, 2390, 3400),
}
_BANDWIDTHS = (70.0, 90.0, 140.0, 220.0)
_FRICATIVES: tuple[Curve, ...] = (
    ((200, -60), (2500, -35), (4500, 0), (9000, -3), (16000, -20)),  # s
    ((200, -50), (1500, -20), (2500, 0), (5000, -4), (12000, -25)),  # sh
    ((200, -30), (1000, -12), (6000, -6), (12000, -14)),  # f, th
    ((200, -20), (800, -4), (2000, 0), (5000, -14), (12000, -30)),  # h
)
_VOICE_TILT: Curve = ((60, 0), (800, 0), (2200, 5), (4000, 0), (10000, -16), (20000, -40))


def speech(rng: np.random.Generator, length: int) -> Signal:
    """Sentences of an invented language: syllables of consonant and vowel on a falling melody, pauses for breath."""
    tract = rng.uniform(1.0, 1.22)  # shorter tract, higher formants; the pitch follows
    pitch = 95 * 2 ** (1.1 * (tract - 1.0) / 0.22 + rng.normal(0, 0.12))
    rate = rng.uniform(3.6, 5.6)  # syllables per second
    out = np.zeros(length)
    at = round(rng.uniform(0.0, 0.05) * RATE)
    while at < length:
        syllables = int(rng.integers(3, 10))
        phrase = _phrase(rng, syllables, pitch, tract, rate)
        add(out, phrase, at)
        at += len(phrase) + round(rng.uniform(0.12, 0.4) * RATE)
    return out


def _phrase(rng: np.random.Generator, syllables: int, pitch: float, tract: float, rate: float) -> Signal:
    """One breath group: a continuous voice whose formants run through the vowels, and noises between them."""
    spans = np.maximum(rng.normal(1.0, 0.22, syllables), 0.5) / rate
    spans[-1] *= rng.uniform(1.2, 1.7)
    ends = np.cumsum(spans)
    starts = ends - spans
    length = round(ends[-1] * RATE)
    vowels = [list(_VOWELS.values())[i] for i in rng.integers(0, len(_VOWELS), syllables)]
    onset = rng.uniform(0.25, 0.42, syllables) * spans  # share of the consonant
    voiced, noise = np.zeros(length), np.zeros(length)
    for start, end, gap in zip(starts, ends, onset, strict=True):
        first, split, last = (round(s * RATE) for s in (start, start + gap, end))
        stress = rng.uniform(0.55, 1.0)
        add(voiced, stress * hump(last - split, 0.03, 0.06), split)
        _consonant(rng, voiced, noise, first=first, split=split, stress=stress)
    knots = max(4, round(ends[-1] * 80))
    moments = np.linspace(0, ends[-1], knots)
    middles = np.concatenate([[0.0], (starts + onset + ends) / 2, [ends[-1]]])
    targets = np.asarray([vowels[0], *vowels, vowels[-1]], dtype=float).T * tract
    centres = np.stack([np.interp(moments, middles, row) for row in targets])
    melody = pitch * glide(length, (0, 0.3, 1), (1.12, 1.06, 0.82)) * wavering(rng, length, rate=3.5, depth=0.06)
    source = glottal_source(melody * wavering(rng, length, rate=60, depth=0.008), open_quotient=rng.uniform(0.5, 0.7))
    breath = coloured_noise(rng, length, ((200, -12), (2000, 0), (8000, -6))) * 0.025
    voice = formant_filter(shaped(source * voiced, _VOICE_TILT) + breath * voiced, centres, _BANDWIDTHS, leak=0.03)
    return voice + noise


def _consonant(rng: np.random.Generator, voiced: Signal, noise: Signal, *, first: int, split: int, stress: float) -> None:
    """Put a nasal or glide (weak voice), a fricative (noise) or a plosive (silence and burst) before the vowel."""
    kind, size = rng.random(), max(split - first, 64)
    if kind < 0.4:
        add(voiced, 0.35 * stress * hump(size + 1200, 0.015, 0.025), first)
    elif kind < 0.72:
        curve = _FRICATIVES[int(rng.integers(len(_FRICATIVES)))]
        add(noise, coloured_noise(rng, size, curve) * hump(size, 0.02, 0.02), first, 0.05 * stress)
    else:
        burst = max(round(rng.uniform(0.008, 0.03) * RATE), 64)
        centre = rng.uniform(800, 4000)
        curve = ((150, -30), (centre / 2, -8), (centre, 0), (centre * 2.5, -8), (16000, -30))
        add(noise, coloured_noise(rng, burst, curve) * np.linspace(1, 0, burst) ** 2, split - burst, 0.16 * stress)


def _call(
    rng: np.random.Generator,
    melody: Signal,
    centres: Sequence[Sequence[float]] | NDArray[np.float64],
    bandwidths: Sequence[float],
    *,
    breath: float,
    roughness: float,
    tilt: Curve,
    leak: float,
) -> Signal:
    """One animal or infant call: pulses at ``melody`` (hertz), rough by jitter and a subharmonic, through formants."""
    length = len(melody)
    jittered = melody * wavering(rng, length, rate=90, depth=0.012 + 0.04 * roughness)
    source = glottal_source(jittered, open_quotient=0.55)
    if roughness > 0:
        under = np.sin(np.pi * np.cumsum(jittered) / RATE) * slow_curve(rng, length, 12)
        source *= 1 + 0.6 * roughness * under
    source += breath * coloured_noise(rng, length, ((100, -10), (1000, 0), (6000, -4), (14000, -16)))
    return formant_filter(shaped(source, tilt), np.asarray(centres, dtype=float), bandwidths, leak=leak)


def crying_baby(rng: np.random.Generator, length: int) -> Signal:
    """Cries of about a second on one breath, each an arc of pitch near 450 Hz, with an audible breath between."""
    pitch, harsh = rng.uniform(370, 540), rng.uniform(0.05, 0.6)
    scale = rng.uniform(0.9, 1.12)
    tilt: Curve = ((100, 0), (1200, 0), (3500, 6), (8000, 4), (14000, -12))
    out = np.zeros(length)
    at = 0
    while at < length:
        size = round(log_uniform(rng, 0.25, 1.5) * RATE)
        top, crest = rng.uniform(1.0, 1.45), rng.uniform(0.1, 0.5)
        melody = pitch * glide(size, (0, crest, 0.75, 1), (rng.uniform(0.7, 0.95), top, 0.95 * top, rng.uniform(0.55, 0.95)))
        melody *= wavering(rng, size, rate=7, depth=0.025)
        mouth = np.array([[800, 1150, 1100, 800], [2200, 2900, 2800, 2300], [4600, 4900, 4800, 4500]]) * scale
        cry = _call(
            rng, melody, mouth, (160, 260, 400), breath=0.12, roughness=harsh * rng.uniform(0.3, 1), tilt=tilt, leak=0.25
        )
        add(out, cry * hump(size, 0.08, 0.16), at, rng.uniform(0.7, 1.0))
        at += size
        rest = round(rng.uniform(0.2, 0.55) * RATE)
        gasp = round(0.6 * rest)
        breath = coloured_noise(rng, gasp, ((300, -16), (1500, 0), (3500, -4), (9000, -18))) * hump(gasp, 0.08, 0.05)
        add(out, breath, at + rest // 5, 0.05)
        at += rest
    return out


def dog(rng: np.random.Generator, length: int) -> Signal:
    """Barks in groups: an abrupt, rough, noisy pulse of voice whose pitch and mouth open and close in a fifth of a second."""
    size = rng.uniform(0.0, 1.0)  # 0 a large dog, 1 a small one
    pitch, tract = 260 * 3.0**size * 2 ** rng.normal(0, 0.15), 0.75 + 0.6 * size
    span = rng.uniform(0.14, 0.2) * (1.5 - 0.6 * size)
    tilt: Curve = ((80, -4), (500, 0), (1500, 0), (4000, -6), (12000, -26))
    out = np.zeros(length)
    at = 0
    while at < length:
        for _ in range(int(rng.integers(1, 4))):
            n = round(span * rng.uniform(0.85, 1.2) * RATE)
            melody = pitch * glide(n, (0, 0.25, 1), (0.75, 1.15, rng.uniform(0.55, 0.75))) * 2 ** rng.normal(0, 0.05)
            mouth = np.array([[480, 800, 620, 480], [1150, 1500, 1300, 1100], [2500, 2900, 2700, 2500]]) * tract
            bark = _call(rng, melody, mouth, (130, 190, 300), breath=0.35, roughness=0.9, tilt=tilt, leak=0.05)
            add(out, bark * hump(n, 0.012, 0.6 * n / RATE), at, rng.uniform(0.7, 1))
            at += n + round(rng.uniform(0.12, 0.3) * RATE)
        at += round(rng.uniform(0.15, 0.6) * RATE)
    return out


def rooster(rng: np.random.Generator, length: int) -> Signal:
    """The crow: two short notes, a long climbing one, a long falling one; then a rest and again."""
    pitch, tract = rng.uniform(430, 620), rng.uniform(0.9, 1.15)
    tilt: Curve = ((100, -4), (1500, 0), (4000, 4), (8000, 0), (14000, -16))
    notes = ((0.16, 1.0, 1.15), (0.14, 1.3, 1.25), (0.36, 1.5, 1.75), (0.75, 1.7, 1.0))
    out = np.zeros(length)
    at = 0
    while at < length:
        stretch = rng.uniform(0.85, 1.2)
        for span, low, high in notes:
            n = round(span * stretch * rng.uniform(0.9, 1.15) * RATE)
            melody = pitch * glide(n, (0, 0.3, 1), (low, max(low, high), high)) * wavering(rng, n, rate=9, depth=0.012)
            beak = np.array([[900, 1300, 1250, 1000], [1700, 2050, 2000, 1800], [3300, 3600, 3600, 3300]]) * tract
            note = _call(
                rng,
                melody,
                beak,
                (150, 160, 350),
                breath=0.2,
                roughness=0.35,
                tilt=tilt,
                leak=0.12,
            )
            add(out, note * hump(n, 0.025, 0.05 if span < 0.5 else 0.3), at, min(1.0, 0.5 + span))
            at += n + round(rng.uniform(0.01, 0.05) * RATE)
        at += round(rng.uniform(0.4, 0.9) * RATE)
    return out


def sneezing(rng: np.random.Generator, length: int) -> Signal:
    """A gasp or two, then the outburst: a sharp broadband "tsh" that opens into a short voiced vowel; then a rest."""
    tract = rng.uniform(0.95, 1.2)
    pitch = 130 * tract**4 * 2 ** rng.normal(0, 0.2)
    out = np.zeros(length)
    at = 0
    while at < length:
        for _ in range(int(rng.integers(0, 3))):
            n = round(rng.uniform(0.12, 0.3) * RATE)
            gasp = (
                coloured_noise(rng, n, ((200, -12), (900 * tract, 0), (2600, -6), (9000, -24))) * np.linspace(0.05, 1, n) ** 2
            )
            add(out, gasp * hump(n, 0.02, 0.03), at, 0.06)
            at += n + round(rng.uniform(0.03, 0.12) * RATE)
        n = round(rng.uniform(0.16, 0.38) * RATE)
        curve: Curve = ((150, -14), (900, -4), (rng.uniform(1800, 3800), 0), (7000, -6), (16000, -22))
        burst = coloured_noise(rng, n, curve) * hump(n, 0.004, 0.02) * np.exp(-np.linspace(0, rng.uniform(3.0, 4.5), n))
        add(out, burst, at, 0.55)
        melody = pitch * glide(n, (0, 0.2, 1), (1.5, 1.7, 0.8))
        mouth = np.array([[400, 650, 450], [1400, 1200, 1000], [2600, 2500, 2400]]) * tract
        vowel = _call(rng, melody, mouth, (110, 140, 220), breath=0.25, roughness=0.4, tilt=_VOICE_TILT, leak=0.03)
        add(out, vowel * hump(n, 0.03, 0.7 * n / RATE), at, rng.uniform(0.2, 0.6))
        at += n + round(rng.uniform(0.35, 0.9) * RATE)
    return out
