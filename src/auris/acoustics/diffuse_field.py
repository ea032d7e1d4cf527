"""What a receiver hears of a diffuse field: sound of equal strength from every direction.

The coherence between channels follows from the receiver: ``sin(kd)/kd`` for microphones in free air, orthogonal channels of
variance ``1/(2n+1)`` for SN3D ambisonics, and the mean of ``h h^H`` over all directions for a head or a rigid array. White
noise times the Hermitian square root of that covariance has it, at every frequency.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from auris.acoustics.air import speed_of_sound
from auris.acoustics.receivers import AmbisonicReceiver, OpenArrayReceiver, Receiver
from auris.dsp.ambisonics import channel_degrees

Complex = NDArray[np.complex128]


def diffuse_covariance(receiver: Receiver, size: int, sample_rate: int) -> Complex:
    """Return the covariance ``(F, C, C)`` of the channels in a diffuse field of unit power.

    Args:
        receiver: what stands in the field.
        size: FFT length, for directional receivers at least their taps; ``F = size // 2 + 1``.
        sample_rate: hertz.
    """
    if isinstance(receiver, AmbisonicReceiver):
        variance = 1 / (2 * channel_degrees(receiver.order) + 1)
        return np.broadcast_to(np.diag(variance).astype(complex), (size // 2 + 1, variance.size, variance.size))
    if isinstance(receiver, OpenArrayReceiver):
        positions = np.asarray(receiver.positions, dtype=float)
        apart = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
        frequency = np.fft.rfftfreq(size, 1 / sample_rate)[:, None, None]
        return np.asarray(np.sinc(2 * frequency * apart / speed_of_sound()), dtype=np.complex128)
    return np.asarray(receiver.responses.diffuse_covariance(size))


def hermitian_root(covariance: Complex) -> Complex:
    """Return the Hermitian square root of positive semidefinite matrices ``(F, C, C)``."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0))[:, None, :]) @ vectors.conj().swapaxes(1, 2))
