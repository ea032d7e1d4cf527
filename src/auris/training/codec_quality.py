"""What a codec of stereo sounds loses: clips against what comes back of them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from auris.errors import ParameterError
from auris.metrics.itd import gcc_phat_itd
from auris.models.scene_diffusion.codec import StereoCodec

_HEARD_DB = 30.0  # a band counts where it is no further below the loudest band of the clip


@dataclass(frozen=True)
class CodecQuality:
    """Figures over clips.

    Attributes:
        clips: how many.
        itd_error_ms: median over clips of the median over frames, interaural time difference by GCC-PHAT.
        level_error_db: mean error of the level differences between the channels in octaves from 125 Hz, over clips and over
            the octaves that are heard.
        spectral_distance_db: log-spectral distance, root mean square over frequencies, mean over the frames that are heard.
            Two noises of the same spectrum have 7 to 8 dB.
        mel_distance_db: root mean square of the errors of the mel levels, over all frames.
        real_time_factor: seconds of computing by which a second of sound is decoded.
    """

    clips: int
    itd_error_ms: float
    level_error_db: float
    spectral_distance_db: float
    mel_distance_db: float
    real_time_factor: float

    def to_dict(self) -> dict[str, float]:
        """Return the figures by name."""
        return asdict(self)


def codec_quality(codec: StereoCodec, clips: Iterable[NDArray[np.float32]], *, seed: int = 0) -> CodecQuality:
    """Encode clips of one sound each, decode them, and compare.

    Args:
        codec: fitted.
        clips: ``(2, samples)`` each, at the codec's sample rate, with an active level of about -26 dB re full scale.
        seed: of the phases.

    Raises:
        ParameterError: there are no clips, or they do not suit the codec.
    """
    rows, spent, heard = [], 0.0, 0.0
    for number, clip in enumerate(clips):
        given = torch.from_numpy(np.array(clip, dtype=np.float32))[None]
        latents = codec.encode(given)
        begun = time.process_time()
        back = codec.decode(latents, seed=seed + number)[..., : given.shape[-1]]
        spent, heard = spent + time.process_time() - begun, heard + given.shape[-1] / codec.config.sample_rate
        rows.append((_itd_error(codec, given, back), _level_error(codec, given, back), *_distances(codec, given, back)))
    if not rows:
        raise ParameterError("the quality of a codec needs clips, got none")
    itd, level, spectral, mel = np.array(rows).T
    return CodecQuality(
        clips=len(rows),
        itd_error_ms=float(np.nanmedian(itd)),
        level_error_db=float(np.mean(level)),
        spectral_distance_db=float(np.mean(spectral)),
        mel_distance_db=float(np.sqrt(np.mean(mel**2))),
        real_time_factor=spent / heard,
    )


def _itd_error(codec: StereoCodec, given: Tensor, back: Tensor) -> float:
    """Median over frames in milliseconds, NaN where nothing is heard."""
    tracks = [gcc_phat_itd(clip[0].numpy(), codec.config.sample_rate).itd for clip in (given, back)]
    errors = np.abs(tracks[0] - tracks[1])
    return 1e3 * float(np.median(errors[np.isfinite(errors)])) if np.isfinite(errors).any() else float("nan")


def _level_error(codec: StereoCodec, given: Tensor, back: Tensor) -> float:
    """Mean over the octaves that are heard, in decibels."""
    powers = [torch.fft.rfft(clip[0]).abs().square() for clip in (given, back)]
    frequencies = torch.fft.rfftfreq(given.shape[-1], 1 / codec.config.sample_rate)
    octaves = torch.bucketize(frequencies, torch.tensor([125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0]), right=True)
    bands = torch.stack([torch.stack([power[:, octaves == n].sum(1) for n in range(1, 7)]) for power in powers])
    bands = bands.clamp(min=1e-12)
    differences = 10 * torch.log10(bands[..., 0] / bands[..., 1])
    loud = bands[0].sum(dim=1)
    heard = loud > loud.max() * 10 ** (-_HEARD_DB / 10)
    return float((differences[0] - differences[1]).abs()[heard].mean())


def _distances(codec: StereoCodec, given: Tensor, back: Tensor) -> tuple[float, float]:
    """Log-spectral distance of the left channel, and that of mel levels."""
    floor = 10 ** (codec.config.floor_db / 10)
    size = codec.token_samples
    whole = [torch.nn.functional.pad(clip[0, :1], (0, -clip.shape[-1] % size)) for clip in (given, back)]
    powers = [codec.frames(clip)[0].abs().square() for clip in whole]
    levels = [10 * torch.log10(power + floor) for power in powers]
    loud = powers[0].mean(dim=1)
    heard = loud > loud.max() * 1e-4
    spectral = (levels[0] - levels[1]).square().mean(dim=1).sqrt()
    mel = (codec.mel(powers[0]) - codec.mel(powers[1])).square().mean().sqrt()
    return float(spectral[heard].mean()), float(mel)
