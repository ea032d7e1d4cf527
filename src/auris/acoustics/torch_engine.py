"""The shoebox engine in PyTorch: the same images and tails on a CPU or a GPU, differentiable.

It follows :mod:`auris.acoustics.engine` step by step and shares its tables, delay kernel and noise, so both give the same
responses. On a CPU the compiled engine is several times faster; this one is for GPUs, and for gradients with respect to
places and absorption.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from auris.acoustics.bands import amplitude_partition, octave_centres
from auris.acoustics.delay_kernel import LEAD, compensation
from auris.acoustics.direction_table import direction_table
from auris.acoustics.early import EarlyPlan
from auris.acoustics.engine import EngineSettings
from auris.acoustics.horizon import Horizons, hybrid_horizons, image_horizons
from auris.acoustics.late import DiffuseField, TailArrays, diffuse_field, heard_weights, noise_place, random_bits
from auris.acoustics.low_cut import remove_lows
from auris.acoustics.noise_pool import OVERLAP
from auris.acoustics.path_arrays import tail_arrays
from auris.acoustics.paths import NEAREST, SoundPaths
from auris.acoustics.receivers import AmbisonicReceiver, DirectionalReceiver, OpenArrayReceiver, Receiver
from auris.acoustics.torch_images import (
    Images,
    PathTensors,
    ambisonic_contributions,
    decay_rates_of,
    delay_taps,
    list_images,
    nearest_responses,
    open_array_contributions,
    scatter_responses,
    scatter_taps,
    turned_to_head,
    weigh,
)
from auris.dsp.delay_line import TAPS
from auris.errors import ParameterError, unknown_name

Part = Literal["whole", "early", "reflections", "late"]
Singles = NDArray[np.float32]

_CHUNK_FLOATS = {"cpu": 1 << 20, "cuda": 1 << 27}  # band signals held at once; on a CPU they should stay in the cache
_DEFAULTS = EngineSettings()
_ENVELOPE_FLOOR = 1e-30  # of energy; the gradient of its square root stays finite


class TorchShoeboxEngine:
    """Responses from sources to a listener in rectangular rooms, as :class:`~auris.acoustics.engine.ShoeboxEngine`.

    :meth:`responses`, :meth:`early`, :meth:`reflections` and :meth:`late` return NumPy arrays like the compiled engine's, so
    either engine serves the renderer. :meth:`render` returns tensors on the device and can be differentiated. On a GPU,
    sums are taken in no fixed order: results agree to rounding, not bit for bit.

    Args:
        receiver: what stands at the listener's place. With directional responses, the response nearest to each image
            is taken as constant: gradients follow delay and level, not the change of response with direction.
        sample_rate: 8000 to 96000 hertz.
        settings: as for the compiled engine; ``threads`` is not used, torch has its own.
        device: where to compute.
        dtype: float32, or float64 for checks of gradients.

    Raises:
        ParameterError: the device is not there, or the dtype is neither of the two.
    """

    def __init__(
        self,
        receiver: Receiver,
        sample_rate: int,
        *,
        settings: EngineSettings = _DEFAULTS,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        if dtype not in (torch.float32, torch.float64):
            raise ParameterError(f"the engine computes in torch.float32 or torch.float64, got {dtype}")
        self.device = torch.device(device)
        if self.device.type == "cuda" and not torch.cuda.is_available():
            raise ParameterError(f"device {device!r} was asked for, but torch sees no GPU here; use device='cpu'")
        self.receiver, self.sample_rate, self.settings, self.dtype = receiver, int(sample_rate), settings, dtype
        self._floats = _CHUNK_FLOATS["cuda" if self.device.type == "cuda" else "cpu"]
        self._centres = octave_centres(sample_rate)
        self._plan = EarlyPlan(receiver, self.sample_rate, len(self._centres))
        latency = receiver.responses.latency if isinstance(receiver, DirectionalReceiver) else 0.0
        self._lead = int(np.ceil(latency))
        self._shift = self._lead - latency  # delays are counted so that none is negative
        self._pool = torch.zeros(0, 0, 0, dtype=dtype, device=self.device)
        if isinstance(receiver, DirectionalReceiver):
            self._table = direction_table(receiver.responses)
            self._filters = torch.as_tensor(self._table.filters).to(self.device, dtype)

    @property
    def channels(self) -> int:
        """Number of channels of every response."""
        return self.receiver.channels

    def responses(self, paths: SoundPaths, *, length: int | None = None) -> Singles:
        """Return whole responses ``(P, C, T)``, early part and tail; ``length`` as for the compiled engine."""
        return self._array(paths, "whole", length)

    def early(self, paths: SoundPaths) -> Singles:
        """Return the image sources alone ``(P, C, Te)``, faded out towards the hand-over."""
        return self._array(paths, "early", None)

    def reflections(self, paths: SoundPaths) -> Singles:
        """Return :meth:`early` without the direct sound."""
        return self._array(paths, "reflections", None)

    def late(self, paths: SoundPaths, *, length: int) -> Singles:
        """Return the statistical tail alone ``(P, C, length)``, faded in from the hand-over."""
        return self._array(paths, "late", length)

    def _array(self, paths: SoundPaths, part: Part, length: int | None) -> Singles:
        with torch.no_grad():
            tensor = self.render(PathTensors.of(paths, self.device), part=part, length=length)
        array: Singles = tensor.to(dtype=torch.float32, device="cpu").numpy()
        if self.settings.low_cut is not None:
            remove_lows(array, self.settings.low_cut / self.sample_rate)
        return array

    def render(self, tensors: PathTensors, *, part: Part = "whole", length: int | None = None) -> Tensor:
        """Return responses ``(P, C, T)`` as a tensor, differentiable with respect to the tensors given.

        Which images count and where the tail takes over are constants of the places; ``settings.low_cut`` is left out.

        Args:
            tensors: places and walls, on this engine's device.
            part: whole responses, or one layer of them.
            length: samples; by default what the compiled engine takes. Needed for ``late``.

        Raises:
            ParameterError: an unknown part, no length for ``late``, or a tail asked for in the mode ``images``.
            SceneError: a source or listener has left its room.
        """
        if part not in ("whole", "early", "reflections", "late"):
            raise ParameterError(unknown_name("part", part, ["whole", "early", "reflections", "late"]))
        if part == "late" and (length is None or self.settings.mode == "images"):
            raise ParameterError("the tail alone needs a length, and mode='hybrid'; mode 'images' has no tail")
        if length is not None and length < 1:
            raise ParameterError(f"a response needs at least one sample, got length={length!r}")
        paths = tensors.moved_paths()
        horizons = self._horizons(paths)
        samples = self._default_length(paths, horizons, part) if length is None else int(length)
        tails = tail_arrays(paths, horizons, self.sample_rate)
        with_tail = part in ("whole", "late") and self.settings.mode == "hybrid"
        out = torch.zeros(len(paths), self.channels, samples, dtype=self.dtype, device=self.device)
        for chosen, fft_length in self._chunks(horizons, tails):
            piece = torch.zeros(1, dtype=self.dtype, device=self.device)
            if with_tail:
                piece = self._tails(tensors, tails, chosen, samples)
            if part != "late":
                early = self._early(tensors, horizons, chosen, fft_length, with_direct=part != "reflections")[..., :samples]
                piece = piece + pad(early, (0, samples - early.shape[-1]))
            out[self._tensor(chosen)] = piece
        return out

    def _horizons(self, paths: SoundPaths) -> Horizons:
        if any(len(room.centres) != len(self._centres) for room in paths.rooms):
            raise ParameterError(
                f"the rooms were made for another sample rate than the engine's {self.sample_rate} Hz; "
                "use ShoeboxAcoustics.from_room(room, sample_rate)"
            )
        if self.settings.mode == "images":
            return image_horizons(paths, self.settings.horizon)
        return hybrid_horizons(paths, self.settings.images)

    def _default_length(self, paths: SoundPaths, horizons: Horizons, part: Part) -> int:
        shortest = self._plan.needed(float(horizons.end.max(initial=0.0))) if len(paths) else 0
        if part != "whole" or self.settings.horizon is not None or not len(paths):
            return shortest
        longest = max(paths.rooms[index].longest_t60 for index in set(paths.room_index.tolist()))
        return max(shortest, int(np.ceil(longest * self.sample_rate)))

    def _chunks(self, horizons: Horizons, tails: TailArrays) -> list[tuple[NDArray[np.int64], int]]:
        """Groups of path indices with one FFT length and one node spacing each, small enough for the device."""
        lengths = np.array([self._plan.fft_length(end) for end in horizons.end.tolist()], dtype=np.int64)
        chunks = []
        for length, block in sorted(set(zip(lengths.tolist(), tails.block.tolist(), strict=True))):
            members = np.flatnonzero((lengths == length) & (tails.block == block))
            size = max(1, self._floats // (self.channels * len(self._centres) * length))
            chunks += [(members[i : i + size], length) for i in range(0, len(members), size)]
        return chunks

    # ── early part ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _early(
        self, tensors: PathTensors, horizons: Horizons, chosen: NDArray[np.int64], fft_length: int, *, with_direct: bool
    ) -> Tensor:
        """Early responses ``(chosen, C, …)`` from the moment of emission on."""
        count, bands = len(chosen), len(self._centres)
        groups = self.channels if isinstance(self.receiver, OpenArrayReceiver) else 1
        width = self.channels * bands // groups
        rows = torch.zeros(count * groups * fft_length, width, dtype=self.dtype, device=self.device)
        speed = np.array([room.speed_of_sound for room in tensors.paths.rooms])[tensors.paths.room_index[chosen]]
        members, reach = self._tensor(chosen), self._tensor(horizons.end[chosen] * speed)
        for images in list_images(tensors, members, reach, with_direct=with_direct):
            for part in images.portions(self._images_at_once()):
                weights = weigh(part, tensors, members, horizons)
                vectors = turned_to_head(part, tensors.rotations[members[part.path]])
                self._scatter(rows, part, vectors, weights, self._tensor(self.sample_rate / speed)[part.path], fft_length)
        signals = rows.view(count, groups, fft_length, width // bands, bands).permute(0, 1, 3, 4, 2)
        spectra = torch.fft.rfft(signals.reshape(count, self.channels, bands, fft_length))
        shares = amplitude_partition(np.fft.rfftfreq(fft_length, 1.0 / self.sample_rate), self._centres)
        filterbank = self._tensor(shares * compensation(fft_length)).to(self.dtype)
        joined: Tensor = torch.fft.irfft((spectra * filterbank).sum(dim=2), n=fft_length)
        first = self._lead + LEAD
        return joined[..., first : first + self._plan.needed(float(horizons.end[chosen].max()))]

    def _scatter(  # noqa: PLR0917 - one call, in the order of the sentence
        self, rows: Tensor, images: Images, vectors: Tensor, weights: Tensor, rate: Tensor, fft_length: int
    ) -> None:
        """Add images, at ``vectors`` ``(I, 3)`` in the head's frame, to the rows of their paths."""
        if isinstance(self.receiver, DirectionalReceiver):
            start, taps = delay_taps(images.distance * rate + self._shift, self.dtype)
            gains = (weights / images.distance[:, None].clamp_min(NEAREST)).to(self.dtype)
            responses = nearest_responses(vectors, self._table, self._filters)
            scatter_responses(rows, images.path * fft_length + start, taps, responses, gains)
            return
        if isinstance(self.receiver, AmbisonicReceiver):
            heard = ambisonic_contributions(images, vectors, weights, self.receiver)
        else:
            heard = open_array_contributions(images, vectors, weights, self.receiver)
            rate = rate.repeat_interleave(self.channels)
        start, taps = delay_taps(heard.distance * rate, self.dtype)
        scatter_taps(rows, heard.row * fft_length + start, taps, heard.values.to(self.dtype))

    def _images_at_once(self) -> int:
        per_image = self.channels * len(self._centres) * TAPS
        if isinstance(self.receiver, DirectionalReceiver):
            per_image = self.channels * len(self._centres) * (self.receiver.responses.taps + TAPS)
        return max(64, 4 * self._floats // per_image)

    # ── tail ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _tails(self, tensors: PathTensors, tails: TailArrays, chosen: NDArray[np.int64], length: int) -> Tensor:
        """Tails ``(chosen, C, length)``, faded in. The paths must share the spacing of their envelopes' nodes."""
        block, starts = int(tails.block[chosen[0]]), np.minimum(tails.start[chosen], length)
        nodes = max(1, -(-(length - int(starts.min())) // block))
        envelope = self._envelope(tensors, tails, chosen, nodes + 1)
        ramp = torch.arange(block, dtype=self.dtype, device=self.device) / block
        tail = torch.zeros(len(chosen), self.channels, nodes * block, dtype=self.dtype, device=self.device)
        for band, noise in enumerate(self._noise(tails.keys[chosen], nodes * block)):
            here, rise = envelope[:, :, band, :-1, None], envelope[:, :, band].diff(dim=-1)[..., None]
            tail = tail + noise * (here + ramp * rise).flatten(-2)
        time = torch.arange(nodes * block, dtype=self.dtype, device=self.device)
        width = self._tensor(tails.end[chosen] - tails.start[chosen]).to(self.dtype)
        tail = tail * torch.sin(0.5 * torch.pi * (time / width[:, None]).clamp_max(1.0))[:, None]
        aligned = [pad(one[:, : length - start], (start, 0)) for one, start in zip(tail, starts.tolist(), strict=True)]
        return torch.stack(aligned)

    def _noise(self, keys: NDArray[np.uint64], length: int) -> Iterator[Tensor]:
        """Yield the noise ``(P, C, length)`` of each band, cut from the pool at the places that the keys name."""
        voices, bands, period = self._field.pool.shape[0], self._field.pool.shape[1], self._field.pool.shape[2] - OVERLAP
        row, shift = np.array([noise_place(c, self.channels, voices, period) for c in range(self.channels)]).T
        windows = self._extended_pool(period + length).unfold(-1, length, 1)
        for band in range(bands):
            first = np.array([int(random_bits(key, band)) % period for key in keys])
            place = self._tensor((first[:, None] + shift) % period)
            yield windows[self._tensor(row), band, place]

    def _extended_pool(self, least: int) -> Tensor:
        """The periodic noise pool ``(voices, B, at least least)``, kept, so that any tail is one stretch of it."""
        if self._pool.shape[-1] < least:
            period = self._field.pool.shape[2] - OVERLAP
            once = torch.tensor(self._field.pool[:, :, :period], dtype=self.dtype, device=self.device)
            repeats = -(-least // period)
            self._pool = once.repeat(1, 1, repeats)[..., : least + period // 8]
        return self._pool

    def _envelope(self, tensors: PathTensors, tails: TailArrays, chosen: NDArray[np.int64], nodes: int) -> Tensor:
        """Amplitudes ``(chosen, 1 or C, B, nodes)`` at the nodes of the envelope, the first where the fade begins."""
        rates = decay_rates_of(tensors)[self._tensor(tails.room[chosen])] / self.sample_rate
        time = self._tensor(tails.start[chosen, None] + tails.block[chosen, None] * np.arange(nodes))
        decay = torch.exp(-rates[:, :, None] * time[:, None, :, None])  # (chosen, B, nodes, Q)
        weights = np.stack([heard_weights(self._field, rotation) for rotation in tails.rotation[chosen]])
        energy = torch.einsum("pbnq,pcq->pcbn", decay, self._tensor(weights))
        energy = energy * self._tensor(tails.level[chosen])[:, None, :, None]
        return energy.clamp_min(_ENVELOPE_FLOOR).sqrt().to(self.dtype)

    @cached_property
    def _field(self) -> DiffuseField:
        return diffuse_field(self.receiver, self.sample_rate, self.settings.noise_seed)

    def _tensor(self, values: NDArray[Any]) -> Tensor:
        return torch.tensor(values, device=self.device)
