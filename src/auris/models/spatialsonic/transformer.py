"""The diffusion transformer of stable-audio-open (arXiv:2407.14358), as diffusers has it, with exact times."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from auris.errors import MissingDependency
from auris.models.spatialsonic.conditioning import Conditions
from auris.models.spatialsonic.config import SpatialSonicConfig

try:
    from diffusers import StableAudioDiTModel
    from diffusers.models.embeddings import get_1d_rotary_pos_embed
except ImportError:
    raise MissingDependency("diffusers", "generation") from None


def build_transformer(config: SpatialSonicConfig) -> Any:
    """Return an untrained ``StableAudioDiTModel``; the names of its weights are those of diffusers."""
    kind: Any = StableAudioDiTModel  # diffusers has no types
    model = kind(
        sample_size=config.latent_frames(round(config.longest * config.sample_rate)),
        in_channels=config.vae.latents,
        out_channels=config.vae.latents,
        num_layers=config.dit.depth,
        attention_head_dim=config.dit.head_width,
        num_attention_heads=config.dit.heads,
        num_key_value_attention_heads=config.condition_width // config.dit.head_width,
        cross_attention_dim=config.condition_width,
        cross_attention_input_dim=config.condition_width,
        global_states_input_dim=2 * config.condition_width,
    )
    model.time_proj = _TimeFeatures(model.time_proj.weight, before=model.timestep_proj[0])
    return model


def predicted(model: Any, latents: Tensor, t: Tensor, conditions: Conditions, *, rotated: int) -> Tensor:
    """Return what a transformer answers, like ``latents``; it computes in the precision of its weights.

    Args:
        model: of :func:`build_transformer`.
        latents: (batch, latents, frames).
        t: (batch,) times.
        conditions: of as many clips.
        rotated: how many numbers of a head are rotated by their place in time.
    """
    kind = model.proj_in.weight.dtype
    out: Tensor = model(
        latents.to(kind),
        t.float(),
        encoder_hidden_states=conditions.context.to(kind),
        global_hidden_states=conditions.globals[:, None].to(kind),
        # The vector of the whole stands in front of the latents.
        rotary_embedding=_rotary_tables(rotated, latents.shape[-1] + 1, latents.device),
        return_dict=False,
    )[0]
    return out.to(latents.dtype)


def set_precision(model: Any, kind: torch.dtype) -> None:
    """Let a transformer compute in a precision; times that are close to one another stay apart."""
    for name, part in model.named_children():
        part.to(torch.float32 if name == "time_proj" else kind)


class _TimeFeatures(nn.Module):
    """Cosines and sines of random rates, in float32 whatever the transformer computes in: bfloat16 tells few times apart."""

    def __init__(self, weight: nn.Parameter, *, before: nn.Linear) -> None:
        super().__init__()
        self.weight = weight
        self._before = [before]  # in a list, for it is a part of the transformer already

    def forward(self, t: Tensor) -> Tensor:
        with torch.autocast(t.device.type, enabled=False):
            angles = 2 * math.pi * t.float()[:, None] * self.weight.float()
            return torch.cat([angles.cos(), angles.sin()], dim=-1).to(self._before[0].weight.dtype)


@lru_cache(maxsize=8)
def _rotary_tables(width: int, length: int, device: torch.device) -> tuple[Tensor, Tensor]:
    with torch.inference_mode(False):  # training may use the same tables later
        cosines, sines = get_1d_rotary_pos_embed(width, length, use_real=True, repeat_interleave_real=False)
        return cosines.to(device), sines.to(device)
