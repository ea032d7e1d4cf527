"""Image sources as tensors: listing, weighing and timing them, and what each adds to a receiver's channels.

The tensor counterpart of :mod:`auris.acoustics.image_blocks` and :mod:`auris.acoustics.scatter`. Which images count is a
constant; their delays, directions and weights are differentiable. Geometry is computed in double precision, since a delay
of 150 ms in single precision is off by a thousandth of a sample.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from auris.acoustics.decay import octant
from auris.acoustics.delay_kernel import half_polynomials
from auris.acoustics.directivity import omnidirectional_part
from auris.acoustics.horizon import Horizons
from auris.acoustics.image_blocks import TOUCHING
from auris.acoustics.paths import NEAREST, SoundPaths
from auris.acoustics.receivers import AmbisonicReceiver, OpenArrayReceiver
from auris.acoustics.scatter import DirectionTable
from auris.acoustics.spherical_harmonics import harmonic_tables
from auris.dsp.delay_line import TAPS

_MOST_CELLS = 1 << 22  # cells of the lattice searched at once
_LEAST_REFLECTION = 1e-12  # of energy; the gradient of its square root stays finite


@dataclass(frozen=True, eq=False)
class PathTensors:
    """Sound paths whose places and walls are tensors, to be differentiated or optimised.

    Make them with :meth:`of`; put your own in with :func:`dataclasses.replace`.

    Attributes:
        paths: everything that stays constant: random keys, directivity, air, speed of sound.
        sources: ``(P, 3)`` metres, float64.
        listeners: ``(P, 3)`` metres.
        rotations: ``(P, 3, 3)`` from the listener's head to the world.
        absorption: ``(R, 6, B)`` energy absorption of the walls of each room.
        dimensions: ``(R, 3)`` metres.
    """

    paths: SoundPaths
    sources: Tensor
    listeners: Tensor
    rotations: Tensor
    absorption: Tensor
    dimensions: Tensor

    @classmethod
    def of(cls, paths: SoundPaths, device: torch.device | str = "cpu") -> PathTensors:
        """Return the tensors of ``paths`` on a device."""
        walls = np.array([room.absorption for room in paths.rooms])
        size = np.array([room.dimensions for room in paths.rooms])
        values = (paths.sources, paths.listeners, paths.rotations, walls, size)
        return cls(paths, *(torch.tensor(value, dtype=torch.float64, device=device) for value in values))

    def moved_paths(self) -> SoundPaths:
        """Return :attr:`paths` at the places that the tensors hold now; raises :class:`SceneError` if one is outside."""
        places = {name: getattr(self, name).detach().cpu().numpy() for name in ("sources", "listeners", "rotations")}
        return replace(self.paths, **places)


class Images(NamedTuple):
    """Images of some paths: path ``(I,)``, lattice steps ``(I, 3)``, place from the listener ``(I, 3)``, distance ``(I,)``."""

    path: Tensor
    steps: Tensor
    offset: Tensor
    distance: Tensor

    def portions(self, size: int) -> Iterator[Images]:
        """Yield the images in portions of at most ``size``."""
        for parts in zip(*(torch.split(values, size) for values in self), strict=True):
            yield Images(*parts)


class Contributions(NamedTuple):
    """What images add to rows of samples: row ``(K,)``, distance ``(K,)`` in metres, values ``(K, W)`` of all columns."""

    row: Tensor
    distance: Tensor
    values: Tensor


def list_images(tensors: PathTensors, chosen: Tensor, reach: Tensor, *, with_direct: bool) -> Iterator[Images]:
    """Yield the images of the ``chosen`` paths within ``reach`` ``(chosen,)`` metres; ``path`` counts within ``chosen``."""
    room = torch.as_tensor(tensors.paths.room_index, device=chosen.device)[chosen]
    size, source, listener = tensors.dimensions[room], tensors.sources[chosen], tensors.listeners[chosen]
    most = (torch.ceil(reach[:, None] / size.detach()).amax(dim=0).long() + 1).tolist()
    x_steps, y_steps, z_steps = (torch.arange(-count, count + 1, device=chosen.device) for count in most)
    cells_per_x = len(chosen) * len(y_steps) * len(z_steps)
    for slab in torch.split(x_steps, max(1, _MOST_CELLS // cells_per_x)):
        axes = (slab, y_steps, z_steps)
        squares = [_coordinate(steps, size[:, a], source[:, a], listener[:, a]).detach() ** 2 for a, steps in enumerate(axes)]
        total = squares[0][:, :, None, None] + squares[1][:, None, :, None] + squares[2][:, None, None]
        inside = total < (reach**2)[:, None, None, None]
        if not with_direct:
            is_source = [steps == 0 for steps in axes]
            inside &= ~(is_source[0][:, None, None] & is_source[1][:, None] & is_source[2])
        path, *places = inside.nonzero(as_tuple=True)
        if not len(path):
            continue
        steps = torch.stack([axis[place] for axis, place in zip(axes, places, strict=True)], dim=-1)
        mirrored = steps % 2 != 0
        offset = steps * size[path] + torch.where(mirrored, size[path] - source[path], source[path]) - listener[path]
        yield Images(path, steps, offset, _length(offset))


def _coordinate(steps: Tensor, size: Tensor, source: Tensor, listener: Tensor) -> Tensor:
    """Coordinates ``(P, steps)`` of images along one axis, from the listener."""
    odd = (steps % 2 != 0)[None]
    return steps * size[:, None] + torch.where(odd, (size - source)[:, None], source[:, None]) - listener[:, None]


def _length(vectors: Tensor) -> Tensor:
    return (vectors**2).sum(dim=-1).clamp_min(TOUCHING**2).sqrt()


def weigh(images: Images, tensors: PathTensors, chosen: Tensor, horizons: Horizons) -> Tensor:
    """Return the weights ``(I, B)`` of images by walls, air, fade and directivity, but not yet 1/distance."""
    paths, device = tensors.paths, chosen.device
    members = chosen.cpu().numpy()
    room = torch.as_tensor(paths.room_index[members], device=device)[images.path]
    reflection = (1.0 - tensors.absorption).clamp_min(_LEAST_REFLECTION).sqrt()
    weight = torch.exp(-0.5 * images.distance[:, None] * _per_room(paths, "air", device)[room])
    for axis in range(3):
        steps = images.steps[:, axis]
        first, second = (steps.abs() + 1) // 2, steps.abs() // 2  # a walk upwards meets the far wall first
        for wall, hits in ((0, torch.where(steps > 0, second, first)), (1, torch.where(steps > 0, first, second))):
            powers = torch.arange(int(hits.max()) + 1, device=device)
            table = reflection[:, 2 * axis + wall, None] ** powers[:, None]
            weight = weight * table[room, hits]
    speed = np.array([r.speed_of_sound for r in paths.rooms])[paths.room_index[members]]
    start, end = (torch.as_tensor(time[members] * speed, device=device)[images.path] for time in horizons)
    progress = ((images.distance - start) / (end - start).clamp_min(1e-9)).clamp(0.0, 1.0)
    weight = weight * torch.where(end > start, torch.cos(0.5 * torch.pi * progress), 1.0)[:, None]
    return weight * _radiation(images, paths, members, device)


def _radiation(images: Images, paths: SoundPaths, members: NDArray[np.int64], device: torch.device) -> Tensor:
    """Gain ``(I, B)`` of the sources towards the listener; the mirrored source is undone to know the angle off its axis."""
    bands = len(paths.rooms[0].centres)
    omni = np.array([omnidirectional_part(paths.directivity[p], bands) for p in members])
    part = torch.as_tensor(omni, device=device)[images.path]
    facing = torch.as_tensor(paths.facings[members], device=device)[images.path]
    cosine = -(facing * images.offset * (1 - 2 * (images.steps % 2))).sum(dim=-1) / images.distance
    return part + (1.0 - part) * cosine[:, None]


def _per_room(paths: SoundPaths, name: str, device: torch.device) -> Tensor:
    return torch.as_tensor(np.array([getattr(room, name) for room in paths.rooms], dtype=float), device=device)


def turned_to_head(images: Images, rotations: Tensor) -> Tensor:
    """Return image places ``(I, 3)`` in the frame of heads ``(I, 3, 3)``; one at the head's very place is straight ahead."""
    ahead = images.offset.new_tensor([TOUCHING, 0.0, 0.0])
    return torch.where(images.distance[:, None] > TOUCHING, torch.einsum("iax,ia->ix", rotations, images.offset), ahead)


def ambisonic_contributions(images: Images, vectors: Tensor, weights: Tensor, receiver: AmbisonicReceiver) -> Contributions:
    """One row per path; columns are channels times bands. ``vectors`` ``(I, 3)`` lie in the head's frame."""
    harmonics = _harmonics(vectors / images.distance[:, None], receiver.order)
    values = harmonics[:, :, None] * (weights / images.distance[:, None].clamp_min(NEAREST))[:, None]
    return Contributions(images.path, images.distance, values.flatten(1))


def open_array_contributions(images: Images, vectors: Tensor, weights: Tensor, receiver: OpenArrayReceiver) -> Contributions:
    """One row per path and microphone, each with its own distance; columns are bands."""
    positions = torch.as_tensor(np.array(receiver.positions), device=vectors.device)
    distance = _length(vectors[:, None] - positions)
    row = images.path[:, None] * len(positions) + torch.arange(len(positions), device=vectors.device)
    values = weights[:, None] / distance[..., None].clamp_min(NEAREST)
    return Contributions(row.flatten(), distance.flatten(), values.flatten(0, 1))


def nearest_responses(vectors: Tensor, table: DirectionTable, filters: Tensor) -> Tensor:
    """Return the responses ``(I, M, N)`` nearest to vectors ``(I, 3)`` (see :mod:`auris.acoustics.octahedral`)."""
    folded = vectors.detach() / vectors.detach().abs().sum(dim=-1, keepdim=True).clamp_min(1e-30)
    across, along, height = folded.unbind(dim=-1)
    below = height < 0
    x = torch.where(below, torch.where(across >= 0, 1.0 - along.abs(), along.abs() - 1.0), across)
    y = torch.where(below, torch.where(along >= 0, 1.0 - across.abs(), across.abs() - 1.0), along)
    column, row = (((side + 1.0) * (0.5 * table.cells) + 0.5).long() for side in (x, y))
    return filters[row * (table.cells + 1) + column]


def delay_taps(delay: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return whole samples ``(K,)`` and the eight taps ``(K, 8)`` of fractional delays in samples."""
    whole = delay.detach().floor()
    u = (2.0 * (delay - whole) - 1.0).to(dtype)[:, None]
    even, odd = (torch.as_tensor(part, dtype=dtype, device=delay.device) for part in half_polynomials())
    powers = (u**2) ** torch.arange(even.shape[1], device=delay.device)
    symmetric, skew = powers @ even.T, u * (powers @ odd.T)
    return whole.long(), torch.cat([symmetric + skew, (symmetric - skew).flip(-1)], dim=-1)


def scatter_taps(rows: Tensor, start: Tensor, taps: Tensor, values: Tensor) -> None:
    """Add ``taps[k, j] * values[k, w]`` to ``rows[start[k] + j, w]``."""
    place = start[:, None] + torch.arange(TAPS, device=start.device)
    rows.index_add_(0, place.flatten(), (taps[:, :, None] * values[:, None]).flatten(0, 1))


def scatter_responses(rows: Tensor, start: Tensor, taps: Tensor, responses: Tensor, gains: Tensor) -> None:
    """Add responses ``(I, M, N)``, delayed by ``taps`` and weighted by ``gains`` ``(I, B)``, to ``rows`` ``(…, M B)``."""
    images, capsules, length = responses.shape
    delayed = responses.new_zeros(images, capsules, length + TAPS - 1)
    for j in range(TAPS):
        shifted = torch.nn.functional.pad(responses, (j, TAPS - 1 - j))
        delayed = delayed + taps[:, j, None, None] * shifted
    values = delayed.transpose(1, 2)[..., None] * gains[:, None, None]
    place = start[:, None] + torch.arange(length + TAPS - 1, device=start.device)
    rows.index_add_(0, place.flatten(), values.reshape(images * (length + TAPS - 1), -1))


def _harmonics(unit: Tensor, order: int) -> Tensor:
    """Spherical harmonics ``(I, C)`` of unit vectors, ACN/SN3D, by the engine's recurrence."""
    tables = harmonic_tables(order)
    x, y, z = unit.unbind(dim=-1)
    channels: list[Tensor] = [x] * (order + 1) ** 2
    cosine, sine = torch.ones_like(x), torch.zeros_like(x)
    for m in range(order + 1):
        two_below, below = torch.zeros_like(x), torch.full_like(x, tables.diagonal[m])
        for n in range(m, order + 1):
            if n > m:
                two_below, below = below, tables.up[n, m] * z * below - tables.back[n, m] * two_below
            channels[n * n + n + m] = below * cosine
            if m:
                channels[n * n + n - m] = below * sine
        cosine, sine = cosine * x - sine * y, sine * x + cosine * y
    return torch.stack(channels, dim=-1)


def decay_rates_of(tensors: PathTensors) -> Tensor:
    """Return energy decay rates ``(R, B, Q)`` in 1/s, as :func:`auris.acoustics.decay.decay_rates`."""
    device = tensors.absorption.device
    directions, weights = (torch.tensor(values, device=device) for values in octant())
    speed, scattering = (_per_room(tensors.paths, name, device)[:, None, None] for name in ("speed_of_sound", "scattering"))
    loss = -torch.log((1.0 - tensors.absorption).clamp_min(_LEAST_REFLECTION))
    per_axis = (loss[:, 0::2] + loss[:, 1::2]) / tensors.dimensions[:, :, None]
    specular = speed / 2.0 * torch.einsum("qa,rab->rbq", directions, per_axis)
    mixed = (specular @ weights)[..., None]
    return (1.0 - scattering) * specular + scattering * mixed + speed * _per_room(tensors.paths, "air", device)[..., None]
