"""A mono recording as a plane wave in first-order ambisonics: training data for AdapterBit where no array recordings exist."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from auris.data.seld_targets import AccdoaTargets, AdpitTargets, Targets, TrackTargets
from auris.errors import ParameterError


def draw_directions(batch: int, *, generator: torch.Generator) -> Tensor:
    """Draw unit vectors ``(batch, 3)`` as published: whole degrees, azimuth -180 to 179 and elevation -90 to 89, all alike."""
    azimuth = torch.randint(-180, 180, (batch,), generator=generator, device=generator.device)
    elevation = torch.randint(-90, 90, (batch,), generator=generator, device=generator.device)
    return directions_from_degrees(azimuth, elevation)


def directions_from_degrees(azimuth_deg: Tensor, elevation_deg: Tensor) -> Tensor:
    """Return float32 unit vectors ``(..., 3)`` of azimuths and elevations in degrees."""
    azimuth, elevation = (angle.double() * (math.pi / 180) for angle in (azimuth_deg, elevation_deg))
    level = elevation.cos()
    return torch.stack([level * azimuth.cos(), level * azimuth.sin(), elevation.sin()], dim=-1).float()


def spatialise_waveforms(waveforms: Tensor, directions: Tensor) -> Tensor:
    """Place the first channel of each item in a direction, as a plane wave without a room.

    Args:
        waveforms: ``(B, channels, samples)``; only channel 0 is heard (of ambisonics the omnidirectional one).
        directions: unit vectors ``(B, 3)``.

    Returns:
        First-order ambisonics (ACN, SN3D) ``(B, 4, samples)``.
    """
    x, y, z = directions.to(waveforms).unbind(-1)
    gains = torch.stack([torch.ones_like(x), y, z, x], dim=-1)
    return waveforms[:, :1] * gains[:, :, None]


def spatialise_targets(targets: Targets, directions: Tensor) -> Targets:
    """Give every active frame the one direction of its item.

    Args:
        targets: of ``B`` items in which never more than one source sounds at once.
        directions: unit vectors ``(B, 3)``.

    Raises:
        ParameterError: two sources sound at once; both would come from one direction.
    """
    _check_single(targets)
    if isinstance(targets, AccdoaTargets):
        active = targets.vectors.norm(dim=-2, keepdim=True) > 0
        return AccdoaTargets(active * directions.to(targets.vectors)[:, None, :, None])
    if isinstance(targets, AdpitTargets):
        activity = targets.slots[..., :1, :]
        xyz = activity * directions.to(activity)[:, None, None, :, None]
        return AdpitTargets(torch.cat([activity, xyz], dim=-2))
    active = targets.sed.amax(dim=-1, keepdim=True) > 0
    return TrackTargets(targets.sed, active * directions.to(targets.doa)[:, None, None, :])


def _check_single(targets: Targets) -> None:
    if isinstance(targets, AccdoaTargets):
        active = targets.vectors.norm(dim=-2) > 0
    elif isinstance(targets, AdpitTargets):
        active = targets.slots[..., 0, :] > 0
    else:
        active = targets.sed > 0
    most = int(active.flatten(2).sum(dim=-1).max()) if active.numel() else 0
    if most > 1:
        raise ParameterError(
            f"a mono recording is placed in one direction, but these labels have {most} sources at once; "
            "train on single-source recordings (overlap 1)"
        )
