"""Noise under the sources: a diffuse field as the receiver hears it, the noise of its sensors, a recording of a place.

The diffuse field has the coherence between channels that the receiver gives it (:mod:`auris.acoustics.diffuse_field`).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from auris.acoustics.air import speed_of_sound
from auris.acoustics.diffuse_field import diffuse_covariance, hermitian_root
from auris.acoustics.receivers import AmbisonicReceiver, DirectionalReceiver, Receiver
from auris.channels import ChannelLayout
from auris.dsp.ambisonics import channel_degrees
from auris.dsp.convolution import convolve, convolve_sum, fast_length
from auris.errors import ParameterError, SceneError, unknown_name
from auris.scene import Background
from auris.seeding import generator

Float32 = NDArray[np.float32]
Colour = Literal["white", "pink"]

SPEED_OF_SOUND = speed_of_sound()
LOWEST_PINK = 20.0  # hertz; pink noise is flat below
SILENT_SCENE_DB = -50.0  # mean power, dB re full scale, that a scene in which nothing sounds is taken to have


def render_background(
    background: Background,
    receiver: Receiver,
    *,
    layout: ChannelLayout,
    mixture: Float32,
    active: NDArray[np.bool_],
    sample_rate: int,
    seed: int,
    ambience: Float32 | None = None,
) -> Float32 | None:
    """Return the noise under a mixture, or None when the background asks for none.

    Each kind of noise is scaled so that, on the background's ``snr_channel``, the mean power of the mixture over the active
    time stands ``snr_db`` above the mean power of the noise. In a scene in which nothing sounds there is nothing to compare
    with; the mixture is then taken to have a mean power of :data:`SILENT_SCENE_DB`.

    Args:
        background: what noise, and how much.
        receiver: what the noise is heard with.
        layout: names of the channels.
        mixture: ``(C, N)`` without noise.
        active: ``(N,)``, whether any source is active.
        sample_rate: samples per second.
        seed: the scene's seed.
        ambience: the recording that the background names, from its start on, ``(C, N)`` at any level.

    Returns:
        float32 ``(C, N)`` or None.

    Raises:
        ParameterError: the layout has no channel of that name.
        SceneError: the background has an ambience but none is given, or the other way round, or it does not fit or is silent.
    """
    _check_ambience(background, ambience, mixture.shape)
    channels = compared_channels(background.snr_channel, layout)
    if (background.diffuse_snr_db, background.sensor_snr_db, background.ambience_snr_db) == (None, None, None):
        return None
    power = _power(mixture[channels][:, active])
    power = power if power > 0 else 10 ** (SILENT_SCENE_DB / 10)
    noise = np.zeros(mixture.shape, np.float32)
    if background.diffuse_snr_db is not None:
        diffuse = diffuse_noise(receiver, mixture.shape[1], colour=background.colour, sample_rate=sample_rate, seed=seed)
        noise += diffuse * _gain(_power(diffuse[channels]), power, background.diffuse_snr_db)
    if background.sensor_snr_db is not None:
        sensors = generator(seed, "background", "sensors").standard_normal(noise.shape, dtype=np.float32)
        noise += sensors * _gain(_power(sensors[channels]), power, background.sensor_snr_db)
    if background.ambience_snr_db is not None and ambience is not None:
        own = _power(ambience[channels])
        if own == 0:
            raise SceneError(f"ambience {background.ambience!r} is silent on the channel {background.snr_channel!r} here")
        noise += ambience * _gain(own, power, background.ambience_snr_db)
    return noise


def compared_channels(name: str, layout: ChannelLayout) -> slice:
    """Return the channels over which the power of signal and noise is averaged; see :class:`auris.scene.Background`.

    Raises:
        ParameterError: the layout has no channel of that name.
    """
    if name == "mean":
        return slice(None)
    if name == "first":
        return slice(0, 1)
    names = layout.channel_names
    if name not in names:
        raise ParameterError(unknown_name(f"snr_channel for {layout.name} audio", name, ("first", "mean", *names)))
    return slice(names.index(name), names.index(name) + 1)


def _check_ambience(background: Background, ambience: Float32 | None, shape: tuple[int, ...]) -> None:
    if background.ambience is not None and ambience is None:
        raise SceneError(
            f"the scene has the ambience {background.ambience!r}, but no recording of it was given; "
            "name the folder it lies in (ambience= of auris.simulate, --ambience)"
        )
    if ambience is not None and background.ambience is None:
        raise SceneError("an ambience was given, but the scene's background names none (ambience, ambience_snr_db)")
    if ambience is not None and ambience.shape != shape:
        raise SceneError(f"the ambience must have the shape of the mixture {shape}, got {ambience.shape}")


def _power(samples: Float32) -> float:
    return float(np.mean(np.square(samples, dtype=np.float64))) if samples.size else 0.0


def _gain(own: float, power: float, snr_db: float) -> np.float32:
    return np.float32(math.sqrt(power * 10 ** (-snr_db / 10) / own) if own > 0 else 0.0)


def diffuse_noise(receiver: Receiver, length: int, *, colour: Colour, sample_rate: int, seed: int) -> Float32:
    """Return stationary noise ``(C, length)`` of an isotropic field as ``receiver`` hears it, at any overall level."""
    filters = _diffuse_filters(receiver, colour, sample_rate)
    size = filters.shape[2]
    white = generator(seed, "background", "diffuse").standard_normal((receiver.channels, length + size - 1), dtype=np.float32)
    if isinstance(receiver, AmbisonicReceiver):
        return convolve(white, filters)[:, 0, size - 1 : size - 1 + length]
    return convolve_sum(white, filters)[:, size - 1 : size - 1 + length]


@lru_cache(maxsize=16)
def _diffuse_filters(receiver: Receiver, colour: Colour, sample_rate: int) -> Float32:
    """Filters that turn white noise into a diffuse field: ``(C, C, T)``, or ``(C, 1, T)`` for orthogonal channels."""
    taps = receiver.responses.taps if isinstance(receiver, DirectionalReceiver) else 0
    size = fast_length(max(int(0.085 * sample_rate), 2 * taps))
    frequency = np.fft.rfftfreq(size, 1 / sample_rate)
    spectrum = np.ones(frequency.size)
    if colour == "pink":
        spectrum = np.sqrt(LOWEST_PINK / np.maximum(frequency, LOWEST_PINK))
    if isinstance(receiver, AmbisonicReceiver):
        level = 1 / np.sqrt(2 * channel_degrees(receiver.order) + 1)
        impulse = np.roll(fft.irfft(spectrum, n=size), size // 2)
        return np.asarray(level[:, None, None] * impulse, dtype=np.float32)
    roots = hermitian_root(diffuse_covariance(receiver, size, sample_rate)) * spectrum[:, None, None]
    impulses = np.roll(fft.irfft(roots, n=size, axis=0), size // 2, axis=0)
    return np.ascontiguousarray(impulses.transpose(2, 1, 0), dtype=np.float32)
