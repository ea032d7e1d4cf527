"""Blocks and partitions: the same sums however they are cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import fftconvolve

from auris.dsp import block_convolution
from auris.dsp.block_convolution import Blocks, overlap_save, plan, sounding_span


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def convolved(x: np.ndarray, h: np.ndarray) -> np.ndarray:
    out = np.zeros((h.shape[1], x.shape[1] + h.shape[2] - 1), np.float32)
    overlap_save(x, h, out)
    return out


def relative_error(got: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.sqrt(np.mean((got - wanted) ** 2) / np.mean(wanted**2)))


@pytest.mark.parametrize("size", [256, 512, 1024, 4096])
@pytest.mark.parametrize("taps", [100, 700, 3000])
def test_any_cut_gives_the_same(size: int, taps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    x, h = noise(2, 9_000), noise(2, 3, taps, seed=1)
    x[0, 2_000:7_000] = 0  # rounds in which one signal, or both, are silent
    x[1, 3_000:6_000] = 0
    wanted = fftconvolve(x[:, None].astype(float), h.astype(float), axes=-1).sum(0)
    whole = size > 2 * taps
    blocks = Blocks(size, size - taps + 1, 1) if whole else Blocks(size, size // 2, -(-taps // (size // 2)))
    monkeypatch.setattr(block_convolution, "plan", lambda *_: blocks)
    assert relative_error(convolved(x, h), wanted) < 2e-6


@settings(max_examples=200)
@given(st.integers(1, 400_000), st.integers(1, 3_000_000), st.integers(1, 16), st.integers(1, 16))
def test_every_plan_holds_the_response(taps: int, samples: int, channels: int, sources: int) -> None:
    blocks = plan(taps, samples, channels, sources)
    assert blocks.size % 2 == 0
    assert blocks.step >= 1
    if blocks.parts == 1:
        assert blocks.step + taps - 1 <= blocks.size
    else:
        assert blocks.size == 2 * blocks.step
        assert blocks.parts * blocks.step >= taps > (blocks.parts - 1) * blocks.step


def test_long_responses_are_cut_and_short_ones_are_not() -> None:
    assert plan(48_000, 180_000, 4).parts > 1
    assert plan(200, 180_000, 4).parts == 1


def test_what_no_sound_reaches_is_left_alone() -> None:
    x, h = np.zeros((1, 400_000), np.float32), noise(1, 2, 30_000)
    x[0, 200_000:200_010] = 1
    out = np.full((2, 400_000), 7, np.float32)
    overlap_save(x, h, out)
    assert np.all(out[:, :100_000] == 7)
    assert np.all(out[:, -60_000:] == 7)
    assert relative_error(out[:, 200_000:230_009], fftconvolve(np.ones((1, 10)), h[0].astype(float), axes=-1)) < 1e-5


def test_the_span_of_a_sound() -> None:
    assert sounding_span(np.array([0, 0, 1, 0, 2, 0], np.float32)) == slice(2, 5)
    for silent in (np.zeros(5, np.float32), np.zeros(0, np.float32)):
        span = sounding_span(silent)
        assert span.start == span.stop == 0
