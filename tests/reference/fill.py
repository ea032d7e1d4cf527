"""Weights and signals of the reference fixtures, made from names and seeds so that nothing large is stored."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent


def fill(name: str, shape: list[int], rule: str) -> np.ndarray:
    """Return the array of a tensor: its random numbers follow from its name, their distribution from the rule."""
    if rule == "zeros_int":
        return np.zeros(shape, np.int64)
    if rule == "zeros":
        return np.zeros(shape, np.float32)
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    generator = np.random.Generator(np.random.PCG64(seed))
    if rule == "var":
        return generator.uniform(0.5, 1.5, shape).astype(np.float32)
    normal = generator.standard_normal(shape)
    rules = {
        "fan_in": lambda: normal / np.sqrt(max(1, int(np.prod(shape[1:])))),
        "bias": lambda: 0.1 * normal,
        "gain": lambda: 1 + 0.1 * normal,
        "embed": lambda: 0.5 * normal,
    }
    return rules[rule]().astype(np.float32)


def waveform(seed: int, channels: int, samples: int) -> np.ndarray:
    """Return ``(channels, samples)`` float32: coloured noise with delays between channels, and a chirp."""
    generator = np.random.Generator(np.random.PCG64(seed))
    base = np.convolve(generator.standard_normal(samples + 64), np.ones(8) / 8, mode="same")
    time = np.arange(samples) / 32_000
    chirp = 0.3 * np.sin(2 * np.pi * (200 + 400 * time) * time)
    rows = []
    for _ in range(channels):
        delay = int(generator.integers(0, 32))
        noise = (0.3 + 0.2 * generator.random()) * base[delay : delay + samples]
        rows.append(noise + chirp * generator.random() + 0.02 * generator.standard_normal(samples))
    return np.stack(rows).astype(np.float32)


def clip(name: str) -> np.ndarray:
    """Return input ``a``, ``b`` or ``c`` of the ``pseld_*`` network fixtures: ten seconds of four channels at 24 kHz."""
    signal = waveform({"a": 101, "b": 202, "c": 303}[name], 4, 240_000)
    if name == "c":
        signal[:, 120_000:] = 0
    return signal


def manifest(fixture: str) -> dict:
    """Return what a fixture says of itself."""
    return json.loads((HERE / fixture / "manifest.json").read_text())


def expected(fixture: str) -> dict[str, np.ndarray]:
    """Return the arrays a fixture expects."""
    with np.load(HERE / fixture / "expected.npz") as arrays:
        return {name: arrays[name] for name in arrays.files}


def weights(fixture: str) -> dict[str, np.ndarray]:
    """Return the published names and filled arrays of a network; tensors its constructor computes are left out."""
    tensors = manifest(fixture)["tensors"]
    return {name: fill(name, t["shape"], t["rule"]) for name, t in tensors.items() if t["rule"] != "keep"}
