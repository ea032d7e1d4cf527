"""The published measurement of interaural time differences, number for number (arXiv:2410.10676 and its evaluation code).

Kept to compare with published figures, its defects included: silence reads as the largest delay to the left (+1.5 ms), narrow
bands as the middle, and the clip means that are compared cannot tell a mover from a source in the middle. For anything else
see :mod:`auris.metrics.itd.gcc_phat` and :mod:`auris.metrics.itd.scores`.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import signal

from auris.errors import ParameterError
from auris.metrics.frechet import frechet_distance
from auris.metrics.itd.sliding import frequency_order, sliding_phase_spectra
from auris.metrics.itd.tracks import checked_pair

SAMPLE_RATE = 16_000
FRAMES = 100
WINDOW = 3840
SEGMENT = WINDOW + 512
_FFT = 2 * WINDOW
_LAGS = 24  # int(16000 * 0.0015)
_GROUP = 5  # frames that the features of FSAD average


def upstream_starts(length: int) -> NDArray[np.int64]:
    """Return where the 100 segments of a clip at 16 kHz begin: ten a second, moved inside at its ends.

    Raises:
        ParameterError: the clip is shorter than a segment.
    """
    if length < SEGMENT:
        raise ParameterError(
            f"the clip has {length / SAMPLE_RATE:.3f} s, the published measurement needs {SEGMENT / SAMPLE_RATE:g} s; "
            "gcc_phat_itd takes shorter ones"
        )
    starts = np.array([int((frame / 10 - 0.12) * SAMPLE_RATE) for frame in range(FRAMES)])
    return np.asarray(np.clip(starts, 0, length - SEGMENT))


def upstream_segments(samples: NDArray[np.floating], sample_rate: int) -> NDArray[np.float32]:
    """Return the segments ``(100, 2, 4352)`` of a clip, resampled to 16 kHz by Fourier transform as published.

    Raises:
        ParameterError: there are not two channels, or the clip is shorter than 0.272 s.
    """
    pair = checked_pair(samples)
    if sample_rate != SAMPLE_RATE:
        length = int(pair.shape[1] * SAMPLE_RATE / sample_rate)
        pair = signal.resample(pair.astype(np.float64), length, axis=1).astype(np.float32)
    starts = upstream_starts(pair.shape[1])
    return np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(pair, SEGMENT, axis=1)[:, starts].swapaxes(0, 1))


def upstream_itd_ms(samples: NDArray[np.floating], sample_rate: int) -> NDArray[np.float64]:
    """Return the published estimate: the mean over 513 windows, a sample apart, of each one's peak.

    Args:
        samples: ``(2, samples)``, the left channel first.
        sample_rate: hertz.

    Returns:
        Milliseconds ``(100,)``, positive with the source on the left. Always 100 frames of ten a second: a shorter clip
        repeats its end, a longer one is not heard to its end.

    Raises:
        ParameterError: there are not two channels, or the clip is shorter than 0.272 s.
    """
    known: dict[bytes, float] = {}  # a short clip repeats its end
    values, space = np.empty(FRAMES), np.empty((2, SEGMENT - WINDOW + 1, WINDOW + 1), np.float32)
    for frame, segment in enumerate(upstream_segments(samples, sample_rate)):
        content = segment.tobytes()
        if content not in known:
            known[content] = float(np.mean(_window_delays(segment, space)))
        values[frame] = known[content]
    return 1e3 * values


def _window_delays(segment: NDArray[np.float32], space: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the delay in seconds of each of the 513 windows of a segment ``(2, 4352)``."""
    real, imaginary = sliding_phase_spectra(segment, WINDOW, out=space)
    cosines, sines = _waves()
    # Only 49 of the 7680 values of the inverse transform are looked at; as a product of matrices they cost less.
    even, odd = real @ cosines, imaginary @ sines
    correlation = np.concatenate([(even + odd)[:, :0:-1], even - odd], axis=1)
    return np.asarray((_LAGS - np.abs(correlation).argmax(axis=1)) / SAMPLE_RATE)


@lru_cache(maxsize=1)
def _waves() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weighted cosines and sines ``(3841, 25)`` of the inverse transform at lags 0 to 24, in the order of the spectra."""
    frequency = frequency_order(WINDOW)[:, None]
    angle = frequency * np.arange(_LAGS + 1) * (2 * np.pi / _FFT)
    weight = np.where((frequency == 0) | (frequency == WINDOW), 1 / _FFT, 2 / _FFT)
    return (weight * np.cos(angle)).astype(np.float32), (weight * np.sin(angle)).astype(np.float32)


def upstream_mse(reference_ms: ArrayLike, prediction_ms: ArrayLike) -> float:
    """Return what the published code prints as "Overall ITD MSE": 1000 times the mean squared difference of clip means.

    Args:
        reference_ms: tracks ``(clips, frames)``, milliseconds.
        prediction_ms: of the same clips.

    Returns:
        In thousandths of square milliseconds, smaller is better.

    Raises:
        ParameterError: the shapes differ, or there are no clips.
    """
    means = [np.asarray(tracks).mean(axis=-1) for tracks in (reference_ms, prediction_ms)]
    if means[0].ndim != 1 or means[0].shape != means[1].shape or not len(means[0]):
        raise ParameterError(f"two sets of tracks (clips, frames) are needed, got means of shape {[m.shape for m in means]}")
    return float(1000 * np.mean(np.square(means[0].astype(np.float64) - means[1].astype(np.float64))))


def upstream_fsad(reference: NDArray[np.floating], prediction: NDArray[np.floating]) -> float:
    """Return the published Fréchet spatial audio distance (FSAD), 1000 times the distance of tracks averaged over half seconds.

    Exact by :func:`auris.metrics.frechet.frechet_distance` where the published code roots singular matrices of 5120 x
    5120. It depends on the number of clips: report that with it.

    Args:
        reference: interaural time differences in seconds ``(clips, 100, 256)`` of the published estimator
            (:meth:`auris.models.stereocrw.StereoCrw.upstream_features`).
        prediction: those of other clips, as many or not.

    Raises:
        ParameterError: other shapes, or fewer than two clips on a side.
    """
    for tracks in (reference, prediction):
        if tracks.ndim != 3 or tracks.shape[1] % _GROUP:
            raise ParameterError(f"FSAD needs features (clips, 100, 256), got {tracks.shape}")
    clouds = [_grouped(np.asarray(tracks, dtype=np.float64)) for tracks in (reference, prediction)]
    return 1000 * frechet_distance(*clouds)


def _grouped(tracks: NDArray[np.float64]) -> NDArray[np.float64]:
    clips, frames, features = tracks.shape
    return np.asarray(tracks.reshape(clips, frames // _GROUP, _GROUP, features).mean(axis=2).reshape(clips, -1))
