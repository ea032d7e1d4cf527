"""Convolution of mono signals with multichannel responses: static, and changing through time.

Overlap-save in float32 with block sizes that the FFT likes; scratch memory is bounded whatever the length of the signal,
and stretches of digital silence cost nothing. Responses that change are cross-faded between keyframes with windows that
sum to one. Where the windows stand is physics: sound that has left a source no longer follows it, so a moving *source*
weights what goes in, ``y = sum_k h_k * (w_k x)``; a moving *listener* weights what comes out, ``y = sum_k w_k (h_k * x)``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auris.dsp.block_convolution import SCRATCH, fast_length, frames_of, overlap_save
from auris.dsp.fourier import irfft, rfft
from auris.errors import ParameterError

__all__ = ["Fade", "Keyframes", "convolve", "convolve_crossfaded", "convolve_sum", "fast_length"]

Float32 = NDArray[np.float32]
Keyframes = Callable[[NDArray[np.intp]], Float32]
Fade = Literal["input", "output"]


def convolve(signals: ArrayLike, responses: ArrayLike, *, length: int | None = None) -> Float32:
    """Convolve each of S mono signals with its own multichannel response.

    Args:
        signals: ``(S, N)``.
        responses: ``(S, C, T)``.
        length: samples to return; the full ``N + T - 1`` when None.

    Returns:
        float32 ``(S, C, length)``.

    Raises:
        ParameterError: the shapes do not fit together.
    """
    x, h = _checked(signals, responses)
    wanted = _output_length(x.shape[1], h.shape[2], length)
    out = np.zeros((*h.shape[:2], wanted), np.float32)
    for source in range(x.shape[0]):
        overlap_save(x[source : source + 1], h[source : source + 1], out[source])
    return out


def convolve_sum(signals: ArrayLike, responses: ArrayLike, *, length: int | None = None) -> Float32:
    """Convolve each of S mono signals with its response and add the results.

    The sum is taken over the spectra: one inverse transform per channel, whatever the number of sources.

    Args:
        signals: ``(S, N)``.
        responses: ``(S, C, T)``.
        length: samples to return; the full ``N + T - 1`` when None.

    Returns:
        float32 ``(C, length)``.

    Raises:
        ParameterError: the shapes do not fit together.
    """
    x, h = _checked(signals, responses)
    out = np.zeros((h.shape[1], _output_length(x.shape[1], h.shape[2], length)), np.float32)
    overlap_save(x, h, out)
    return out


def convolve_crossfaded(
    signal: ArrayLike,
    responses: ArrayLike | Keyframes,
    *,
    hop: int,
    fade: Fade,
    taps: int | None = None,
    length: int | None = None,
) -> Float32:
    """Convolve a mono signal with a response that changes: keyframe ``k`` holds at sample ``k * hop``.

    Neighbouring keyframes are cross-faded with Hann windows that sum to one, so keyframes that are all equal give the
    static convolution. The last keyframe of an array holds on.

    Args:
        signal: ``(N,)``.
        responses: keyframes ``(K, C, T)``, or a function from keyframe indices ``(k,)`` to ``(k, C, taps)`` that is asked
            only for keyframes that meet sound, a few at a time.
        hop: samples between keyframes.
        fade: ``"input"`` windows the signal (the source moves), ``"output"`` the result (the listener moves).
        taps: length of the responses, needed with a function.
        length: samples to return; ``N + taps - 1`` when None.

    Returns:
        float32 ``(C, length)``.

    Raises:
        ParameterError: the shapes do not fit together, or ``hop`` is not positive.
    """
    x = np.ascontiguousarray(signal, dtype=np.float32)
    if x.ndim != 1:
        raise ParameterError(f"the signal must have shape (N,), got {x.shape}")
    if hop < 1:
        raise ParameterError(f"the hop between keyframes must be at least one sample, got {hop}")
    if fade not in ("input", "output"):
        raise ParameterError(f"fade must be 'input' (the source moves) or 'output' (the listener moves), got {fade!r}")
    keyframes, count = _as_keyframes(responses, taps)
    wanted = _output_length(x.size, count, length)
    render = _fade_input if fade == "input" else _fade_output
    return render(x, keyframes, hop=hop, taps=count, length=wanted)


# ── static ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _checked(signals: ArrayLike, responses: ArrayLike) -> tuple[Float32, Float32]:
    x, h = np.ascontiguousarray(signals, dtype=np.float32), np.ascontiguousarray(responses, dtype=np.float32)
    if x.ndim != 2 or h.ndim != 3 or x.shape[0] != h.shape[0] or h.shape[2] == 0:
        raise ParameterError(f"convolution needs signals (S, N) and responses (S, C, T), got {x.shape} and {h.shape}")
    return x, h


def _output_length(samples: int, taps: int, length: int | None) -> int:
    if length is not None and length < 0:
        raise ParameterError(f"length must be at least 0, got {length}")
    full = samples + taps - 1 if samples else 0
    return full if length is None else int(length)


# ── changing through time ────────────────────────────────────────────────────────────────────────────────────────────


def _as_keyframes(responses: ArrayLike | Keyframes, taps: int | None) -> tuple[Keyframes, int]:
    """Return the function that gives keyframes, and their length."""
    if callable(responses):
        if taps is None or taps < 1:
            raise ParameterError("taps, the length of the responses, is needed when keyframes come from a function")
        return responses, int(taps)
    fixed = np.asarray(responses, dtype=np.float32)
    if fixed.ndim != 3 or 0 in fixed.shape:
        raise ParameterError(f"keyframes must have shape (K, C, T), got {fixed.shape}")
    last = fixed.shape[0] - 1
    return (lambda indices: np.asarray(fixed[np.minimum(indices, last)])), fixed.shape[2]


def _hann(hop: int) -> Float32:
    """Window of ``2 * hop`` samples that sums to one when shifted by ``hop``."""
    return (np.sin(np.pi * np.arange(2 * hop) / (2 * hop)) ** 2).astype(np.float32)


def _sounding(x: Float32, *, hop: int, count: int, before: int, after: int) -> NDArray[np.intp]:
    """Those of the indices ``k < count`` whose stretch ``[k * hop - before, k * hop + after)`` holds any sound."""
    nonzero = np.concatenate([[0], np.cumsum(x != 0)])
    places = np.arange(count) * hop
    low, high = np.clip(places - before, 0, x.size), np.clip(places + after, 0, x.size)
    return np.flatnonzero(nonzero[high] > nonzero[low])


def _rounds(needed: NDArray[np.intp], channels: int, size: int) -> list[NDArray[np.intp]]:
    per_round = max(1, SCRATCH // (channels * size))
    return [needed[i : i + per_round] for i in range(0, len(needed), per_round)]


def _fade_input(x: Float32, keyframes: Keyframes, *, hop: int, taps: int, length: int) -> Float32:
    """``sum_k h_k * (w_k x)``: every grain of sound keeps the response of the moment it was made.

    Between keyframes ``k`` and ``k + 1`` the signal splits into a falling and a rising part; both meet again in the spectrum,
    so a stretch costs one inverse transform per channel.
    """
    falling, rising = _hann(hop)[hop:], _hann(hop)[:hop]
    size = fast_length(hop + taps - 1)
    needed = _sounding(x, hop=hop, count=-(-x.size // hop), before=0, after=hop)
    out = np.zeros((_channels(keyframes, needed, taps), length), np.float32)
    for segments in _rounds(needed, out.shape[0], size):
        frames = frames_of(x, segments * hop, before=0, size=hop)
        both = np.union1d(segments, segments + 1)
        spectra = rfft(keyframes(both), size)
        place = np.searchsorted(both, segments)
        total = rfft(frames * falling, size)[:, None] * spectra[place]
        total += rfft(frames * rising, size)[:, None] * spectra[place + 1]
        grains = irfft(total, size)[..., : hop + taps - 1]
        for segment, grain in zip(segments, grains, strict=True):
            _add(out, grain, int(segment) * hop)
    return out


def _fade_output(x: Float32, keyframes: Keyframes, *, hop: int, taps: int, length: int) -> Float32:
    """``sum_k w_k (h_k * x)``: everything heard at one moment is heard with the response of that moment."""
    window, size = _hann(hop), fast_length(2 * hop + taps - 1)
    count = -(-length // hop) + 1
    needed = _sounding(x, hop=hop, count=count, before=hop + taps - 1, after=hop)
    # One hop of room before sample 0 and behind the end: keyframe k fills the hops k and k + 1 of it.
    out = np.zeros((_channels(keyframes, needed, taps), count + 1, hop), np.float32)
    for indices in _rounds(needed, out.shape[0], size):
        frames = frames_of(x, indices * hop, before=hop + taps - 1, size=2 * hop + taps - 1)
        spectra = rfft(keyframes(indices), size)
        spectra *= rfft(frames, size)[:, None]
        heard = (irfft(spectra, size)[..., taps - 1 : taps - 1 + 2 * hop] * window).swapaxes(0, 1)
        out[:, indices] += heard[..., :hop]
        out[:, indices + 1] += heard[..., hop:]
    return out.reshape(out.shape[0], -1)[:, hop : hop + length]


def _channels(keyframes: Keyframes, needed: NDArray[np.intp], taps: int) -> int:
    """Number of channels, learnt from one keyframe, with its shape checked."""
    probe = keyframes(needed[:1] if len(needed) else np.zeros(1, np.intp))
    if probe.ndim != 3 or probe.shape[2] != taps:
        raise ParameterError(f"keyframes must have shape (k, C, {taps}), got {probe.shape}")
    return int(probe.shape[1])


def _add(out: Float32, grain: Float32, start: int) -> None:
    """Add a stretch that begins at sample ``start``, which may lie before 0 or reach beyond the end."""
    low, high = max(start, 0), min(start + grain.shape[1], out.shape[1])
    if high > low:
        out[:, low:high] += grain[:, low - start : high - start]
