"""The clips of the fixtures ``itd_gcc_phat`` and ``itd_stereocrw_random``: made from seeds, checksums in the manifest.

Positive delays mean that the right channel comes later, so that the source is on the left.
"""

from __future__ import annotations

import numpy as np

RATE = 16_000
NAMES = (
    *("static_left6", "static_right9p5", "centre", "move_left_to_right", "move_right_to_left_mid", "jump", "noisy_left4"),
    *("two_sources", "silence_after_4s", "short_3s", "static_left6_44k", "tone_500", "all_silence"),
)
_STILL = {
    "static_left6": 6.0,
    "silence_after_4s": 6.0,
    "short_3s": 6.0,
    "static_right9p5": -9.5,
    "centre": 0.0,
    "noisy_left4": 4.0,
}


def make(name: str) -> tuple[np.ndarray, int]:
    """Return a clip ``(2, samples)`` and its sample rate."""
    count = (3 if name == "short_3s" else 10) * RATE
    if name == "static_left6_44k":
        return pair(noise(101, 441_000), 6.0 * 44_100 / RATE).astype(np.float32), 44_100
    if name == "all_silence":
        return np.zeros((2, count), np.float32), RATE
    if name == "tone_500":
        time = np.arange(count) / RATE
        sides = [0.2 * np.sin(2 * np.pi * 500 * (time + side * 2.5 / RATE)) for side in (1, -1)]
        return np.stack(sides).astype(np.float32), RATE
    if name == "two_sources":
        return (pair(noise(7, count), 7.0) + pair(noise(8, count), -7.0)).astype(np.float32), RATE
    sound = pair(noise(1 + NAMES.index(name), count), delays(name, count))
    if name == "noisy_left4":
        sound = sound + 10 ** (5 / 20) * np.stack([noise(51, count), noise(52, count)])
    if name == "silence_after_4s":
        sound[:, 4 * RATE :] = 0.0
    return sound.astype(np.float32), RATE


def delays(name: str, count: int) -> np.ndarray:
    """Return the true delay of each sample, in samples."""
    time = np.arange(count) / RATE
    moving = {
        "move_left_to_right": lambda: np.linspace(8.0, -8.0, count),
        "move_right_to_left_mid": lambda: np.interp(time, [0, 3, 7, 10], [-7, -7, 7, 7]),
        "jump": lambda: np.where(time < 2.8, -5.0, 5.0),
    }
    return moving[name]() if name in moving else np.full(count, _STILL[name])


def noise(seed: int, count: int) -> np.ndarray:
    """Return coloured noise."""
    white = np.random.Generator(np.random.PCG64(seed)).standard_normal(count)
    return 0.1 * np.convolve(white, np.ones(3) / np.sqrt(3), mode="same")


def pair(sound: np.ndarray, delay: float | np.ndarray) -> np.ndarray:
    """Return a sound whose right channel comes later by so many samples, half of it taken from each channel."""
    half = np.asarray(delay, np.float64) / 2
    return np.stack([delayed(sound, -half), delayed(sound, half)])


def delayed(sound: np.ndarray, delay: float | np.ndarray, taps: int = 32) -> np.ndarray:
    """Delay a sound by samples, one for all or one for each, with a Hann-windowed sinc."""
    count, pad = len(sound), 64
    padded = np.concatenate([np.zeros(pad), sound, np.zeros(pad)])
    place = np.arange(count) - np.broadcast_to(np.asarray(delay, np.float64), (count,)) + pad
    base = np.floor(place).astype(np.int64)
    out = np.zeros(count)
    for tap in range(-taps // 2 + 1, taps // 2 + 1):
        away = tap - (place - base)
        window = np.sinc(away) * (0.5 + 0.5 * np.cos(np.pi * np.clip(away / (taps / 2), -1, 1)))
        out += window * padded[base + tap]
    return out
