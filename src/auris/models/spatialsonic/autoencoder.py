"""The autoencoder of waveforms of stable-audio-open (Oobleck, arXiv:2407.14358), as diffusers has it."""

from __future__ import annotations

import warnings
from typing import Any

from auris.errors import MissingDependency
from auris.models.spatialsonic.config import SpatialSonicConfig

try:
    from diffusers import AutoencoderOobleck
except ImportError:
    raise MissingDependency("diffusers", "generation") from None


def build_autoencoder(config: SpatialSonicConfig) -> Any:
    """Return an untrained ``AutoencoderOobleck``; the names of its weights are those of diffusers."""
    kind: Any = AutoencoderOobleck  # diffusers has no types
    with warnings.catch_warnings():
        # Published weights are split into lengths and directions in the way that torch is giving up.
        warnings.filterwarnings("ignore", category=FutureWarning, message=".*weight_norm.*")
        return kind(
            encoder_hidden_size=2 * config.vae.latents,
            downsampling_ratios=list(config.vae.strides),
            channel_multiples=list(config.vae.multiples),
            decoder_channels=config.vae.width,
            decoder_input_channels=config.vae.latents,
            audio_channels=config.channels,
            sampling_rate=config.sample_rate,
        )
