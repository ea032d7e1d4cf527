"""Turning a scene and its labels together: channel swaps, or any rotation or reflection.

A turn is an orthogonal 3 x 3 matrix ``M`` that takes every direction ``d`` to ``M d``. The three dipole channels of first-order
ambisonics are the sound weighted with the coordinates of its direction, so that the same matrix turns them; the
omnidirectional channel stays. With signed permutations this swaps channels and changes signs, and not a bit more. An array of
microphones can be turned only where that puts each capsule in another one's place, which the tetrahedron of DCASE allows for 8
of the 16 and 24 of the 48 channel swaps.
"""

from __future__ import annotations

import itertools
from functools import cache
from typing import Literal, get_args

import torch
from torch import Tensor

from auris.channels import ChannelLayout, ambisonics
from auris.data.seld_targets import AccdoaTargets, AdpitTargets, Targets, TrackTargets
from auris.errors import LayoutError, ParameterError, unknown_name

RotationKind = Literal["swaps16", "swaps48", "rotations", "reflections"]

_XYZ = (3, 1, 2)  # ACN channels of the dipoles along x, y and z
_SAME_PLACE = 5e-4  # metres; the capsules of DCASE's tetrahedron stand 0.3 mm off a regular one
_PAIR = ((0, 1, 2), (1, 0, 2))  # axes as they are, and x swapped with y


@cache
def channel_swaps(kind: Literal["swaps16", "swaps48"]) -> Tensor:
    """Return the turns that only swap channels and change signs, float32 ``(16 or 48, 3, 3)``, the identity first.

    ``"swaps48"`` are all signed permutations of the axes, ``"swaps16"`` those that keep z on its axis.

    Raises:
        ParameterError: there is no such set.
    """
    if kind not in ("swaps16", "swaps48"):
        raise ParameterError(unknown_name("set of channel swaps", kind, ["swaps16", "swaps48"]))
    orders = _PAIR if kind == "swaps16" else tuple(itertools.permutations(range(3)))
    signs = tuple(itertools.product((1.0, -1.0), repeat=3))
    return torch.stack([signed_permutation(order, sign) for order in orders for sign in signs])


def signed_permutation(axes: tuple[int, ...], signs: tuple[float, ...]) -> Tensor:
    """Return the matrix ``(3, 3)`` that makes coordinate ``i`` of a direction ``signs[i]`` times its coordinate ``axes[i]``."""
    matrix = torch.zeros(3, 3)
    matrix[range(3), list(axes)] = torch.tensor(signs, dtype=torch.float32)
    return matrix


def possible_turns(kind: RotationKind, layout: ChannelLayout | str) -> Tensor | None:
    """Return the turns of a kind that a layout allows, ``(N, 3, 3)``; None where it allows all of endlessly many.

    Raises:
        LayoutError: the layout cannot be turned at all, or not by this kind.
        ParameterError: no such kind.
    """
    if kind not in get_args(RotationKind):
        raise ParameterError(unknown_name("kind of rotation", kind, get_args(RotationKind)))
    heard = ChannelLayout.parse(layout)
    if heard.kind == "array" and kind in ("swaps16", "swaps48"):
        table = channel_swaps(kind)
        return table[_capsule_moves(table, heard)[1] < _SAME_PLACE]
    if heard != ambisonics(1):
        raise LayoutError(
            f"{heard.name} cannot be turned by {kind!r}: first-order ambisonics (foa) can by every kind, "
            "arrays of microphones by 'swaps16' and 'swaps48'"
        )
    return channel_swaps(kind) if kind in ("swaps16", "swaps48") else None


def draw_rotations(
    batch: int,
    *,
    kind: RotationKind = "swaps48",
    probability: float = 0.8,
    layout: ChannelLayout | str = "foa",
    generator: torch.Generator,
) -> Tensor:
    """Draw a turn for each item of a batch.

    Args:
        batch: number of items.
        kind: channel swaps, or ``"rotations"``: all rotations alike, or ``"reflections"``: half of them mirrored as well.
        probability: of turning an item at all.
        layout: what is turned; only turns that it allows are drawn.
        generator: source of randomness.

    Returns:
        Matrices ``(batch, 3, 3)`` on the generator's device; the identity for items that stay.

    Raises:
        ParameterError: no such kind.
        LayoutError: the layout cannot be turned by it.
    """
    device, table = generator.device, possible_turns(kind, layout)
    turned = torch.rand(batch, generator=generator, device=device) < probability
    if table is not None:
        table = table.to(device)
        matrices = table[torch.randint(len(table), (batch,), generator=generator, device=device)]
    else:
        matrices = _random_rotations(batch, generator)
        if kind == "reflections":
            sign = torch.randint(2, (batch, 1, 1), generator=generator, device=device) * 2 - 1
            matrices = matrices * sign
    return torch.where(turned[:, None, None], matrices, torch.eye(3, device=device))


def rotate_waveforms(waveforms: Tensor, matrices: Tensor, *, layout: ChannelLayout | str = "foa") -> Tensor:
    """Turn recordings.

    Args:
        waveforms: ``(B, channels, samples)``.
        matrices: ``(B, 3, 3)``, orthogonal.
        layout: what the channels are: first-order ambisonics (W, Y, Z, X; any normalisation in which the dipoles are alike),
            or an array of microphones.

    Raises:
        LayoutError: the layout cannot be turned, not in this way, or there is another number of channels.
    """
    heard = ChannelLayout.parse(layout)
    if waveforms.ndim != 3 or waveforms.shape[1] != heard.channels:
        raise LayoutError(f"{heard.name} is (B, {heard.channels}, samples), got {tuple(waveforms.shape)}")
    if heard.kind == "array":
        capsule, gap = _capsule_moves(matrices, heard)
        if bool((gap >= _SAME_PLACE).any()):
            raise LayoutError(
                f"a turn does not put the capsules of {heard.name} in each other's places; draw it with layout={heard.name!r}"
            )
        return waveforms.gather(1, capsule.to(waveforms.device)[:, :, None].expand(waveforms.shape))
    if heard != ambisonics(1):
        raise LayoutError(f"only first-order ambisonics and arrays of microphones can be turned, got {heard.name}")
    matrices = matrices.to(waveforms)
    turned = torch.empty_like(waveforms)
    turned[:, 0] = waveforms[:, 0]
    for axis, channel in enumerate(_XYZ):
        torch.mul(waveforms[:, _XYZ[0]], matrices[:, axis, 0, None], out=turned[:, channel])
        for other in (1, 2):
            turned[:, channel].addcmul_(waveforms[:, _XYZ[other]], matrices[:, axis, other, None])
    return turned


def rotate_targets(targets: Targets, matrices: Tensor) -> Targets:
    """Turn the directions of targets; activities stay.

    Args:
        targets: of ``B`` items.
        matrices: ``(B, 3, 3)``, orthogonal.
    """
    if isinstance(targets, AccdoaTargets):
        return AccdoaTargets(_turned(targets.vectors, matrices, axis=-2))
    if isinstance(targets, AdpitTargets):
        activity, xyz = targets.slots[..., :1, :], targets.slots[..., 1:, :]
        return AdpitTargets(torch.cat([activity, _turned(xyz, matrices, axis=-2)], dim=-2))
    return TrackTargets(targets.sed, _turned(targets.doa, matrices, axis=-1))


def _capsule_moves(matrices: Tensor, layout: ChannelLayout) -> tuple[Tensor, Tensor]:
    """Which capsule ``(B, M)`` each one hears like after a turn, and by how many metres ``(B,)`` the places differ at most."""
    positions = torch.tensor(layout.positions, dtype=torch.float64)
    # What a capsule at p hears of the turned scene, one at the back-turned place hears of the scene as it was.
    before = positions @ matrices.to("cpu", torch.float64)
    gap, capsule = (before[:, :, None] - positions).norm(dim=-1).min(dim=-1)
    return capsule, gap.amax(dim=-1)


def _turned(vectors: Tensor, matrices: Tensor, *, axis: int) -> Tensor:
    """Multiply in plain float32: a matrix product may round to TF32 on a GPU, which no label needs."""
    parts = vectors.unbind(axis)
    factors = matrices.to(vectors).reshape(-1, 3, 3, *[1] * (parts[0].ndim - 1))
    rows = [sum((factors[:, i, j] * parts[j] for j in (1, 2)), factors[:, i, 0] * parts[0]) for i in range(3)]
    return torch.stack(rows, dim=axis)


def _random_rotations(batch: int, generator: torch.Generator) -> Tensor:
    """Rotation matrices of uniformly distributed unit quaternions."""
    q = torch.randn(batch, 4, generator=generator, device=generator.device, dtype=torch.float64)
    w, x, y, z = torch.nn.functional.normalize(q, dim=-1).unbind(-1)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2).float()
