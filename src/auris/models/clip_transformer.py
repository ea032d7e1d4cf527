"""What Spatial-AST and DSpAST share: two ears in, a vision transformer over their maps, answers for a whole clip out."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from auris.channels import ChannelLayout, binaural
from auris.dsp.features.interaural import InterauralPhase
from auris.errors import LayoutError, ParameterError
from auris.models.backbones.vision_transformer import PatchEmbedding, TransformerBlock, kept_patches, sinusoidal_positions
from auris.models.clip_outputs import ClipOutputs, SpatialClasses
from auris.models.detections import DetectionSettings
from auris.models.wrong_layout import wrong_layout

CLASS_TOKENS = 3


@dataclass(frozen=True)
class ClipTransformerConfig:
    """Front end and transformer; the defaults are the published ones.

    Attributes:
        labels: class names, in the order of the output.
        sample_rate: hertz.
        clip_seconds: what it hears at a time.
        n_fft: length of the transform, samples.
        hop: samples between frames.
        bands: mel bands; a multiple of ``patch``.
        low: where they begin, hertz.
        high: where they end, hertz.
        frames: to which a clip is stretched in time; a multiple of ``patch``.
        patch: side of a patch, frames by bands.
        width: of the tokens; a multiple of 4 and of ``heads``.
        depth: blocks.
        heads: of the attention.
        drop_path: rate at which the last block is skipped in training; earlier ones less.
        maps: ``published``, in which only levels are normalised and phases are 30 times smaller, or ``scaled``, for training
            from scratch: all maps are normalised, phases are true means over bands and level ratios logarithmic.
        stem: how maps become tokens. ``patches``, as published, first mixes all maps into one. ``convolutions`` halves them
            step by step down to the grid of patches (arXiv:2106.14881).
        detection: how outputs become events.
    """

    labels: tuple[str, ...]
    sample_rate: int = 32_000
    clip_seconds: float = 10.0
    n_fft: int = 1024
    hop: int = 320
    bands: int = 128
    low: float = 50.0
    high: float = 14_000.0
    frames: int = 1024
    patch: int = 16
    width: int = 768
    depth: int = 12
    heads: int = 12
    drop_path: float = 0.1
    maps: Literal["published", "scaled"] = "published"
    stem: Literal["patches", "convolutions"] = "patches"
    detection: DetectionSettings = field(default_factory=DetectionSettings)

    def __post_init__(self) -> None:
        if not self.labels or len(set(self.labels)) != len(self.labels):
            raise ParameterError(f"a listener needs class labels, each once; got {list(self.labels)}")
        sizes = (self.sample_rate, self.hop, self.bands, self.frames, self.patch, self.width, self.depth, self.heads)
        if min(sizes) < 1 or not self.clip_seconds > 0:
            raise ParameterError(f"sizes and the length of the clip must be positive, got {self}")
        if self.frames % self.patch or self.bands % self.patch:
            raise ParameterError(
                f"frames and bands must be multiples of patch={self.patch}, got {self.frames} and {self.bands}"
            )
        if self.width % self.heads or self.width % 4:
            raise ParameterError(f"the width must be a multiple of 4 and of heads={self.heads}, got {self.width}")
        if self.frames < 1 + self.samples // self.hop:
            raise ParameterError(
                f"{self.clip_seconds:g} s are {1 + self.samples // self.hop} frames of hop={self.hop}, more than "
                f"frames={self.frames}; give more frames or a longer hop"
            )
        if not 0 <= self.drop_path < 1:
            raise ParameterError(f"drop_path is a probability below 1, got {self.drop_path}")
        if self.stem == "convolutions" and (self.patch & (self.patch - 1) or self.width % max(1, self.patch // 2)):
            raise ParameterError(
                f"stem='convolutions' needs a patch that is a power of two and a width that is a multiple of half of it, "
                f"got patch={self.patch} and width={self.width}"
            )

    @property
    def samples(self) -> int:
        """Samples in a clip."""
        return round(self.sample_rate * self.clip_seconds)

    @property
    def grid(self) -> tuple[int, int]:
        """Patches in time and in frequency."""
        return self.frames // self.patch, self.bands // self.patch


@dataclass(frozen=True)
class TrainingMasks:
    """What is hidden from the network in training; the defaults are the published ones.

    Attributes:
        frequency: bands in the widest stripe that is blanked, one for all items of a batch.
        time: frames in the longest stripe.
        patch_time: share of the columns of patches that are left out, drawn for each item.
        patch_frequency: share of the rows of patches that are left out.
    """

    frequency: int = 48
    time: int = 192
    patch_time: float = 0.25
    patch_frequency: float = 0.25

    def __post_init__(self) -> None:
        if min(self.frequency, self.time) < 0 or not all(0 <= p < 1 for p in (self.patch_time, self.patch_frequency)):
            raise ParameterError(f"stripes must be at least 0 wide and shares of patches lie in [0, 1), got {self}")

    def striped(self, maps: Tensor) -> Tensor:
        """Return maps ``(batch, channels, frames, bands)`` with one stripe of bands and one of frames set to zero."""
        hidden = torch.zeros(maps.shape[-2:], dtype=torch.bool, device=maps.device)
        hidden[:, _stripe(self.frequency, maps.shape[-1])] = True
        hidden[_stripe(self.time, maps.shape[-2])] = True
        return maps.masked_fill(hidden, 0.0)

    def thinned(self, patches: Tensor, grid: tuple[int, int]) -> Tensor:
        """Return what is left of patches ``(batch, times * bands, width)``, in random order."""
        if not (self.patch_time or self.patch_frequency):
            return patches
        times, bands = grid
        kept = kept_patches(
            len(patches), times=times, bands=bands, drop_times=self.patch_time, drop_bands=self.patch_frequency
        ).to(patches.device)
        return patches.gather(1, kept[:, :, None].expand(-1, -1, patches.shape[-1]))


class ClipTransformer(nn.Module, ABC):
    """A listener that hears clips of one length and says of each what sounds in it and where.

    A shorter clip is continued with silence, a longer one refused: :mod:`auris.models.clip_listening` hears recordings of any
    length in windows.

    Shape:
        - Input: waveform ``(batch, 2, samples)`` at ``config.sample_rate``, left then right
        - Output: :class:`~auris.models.clip_outputs.ClipOutputs`
    """

    architecture: ClassVar[str]
    front_end_class: ClassVar[type[InterauralPhase]]
    pos_embed: Tensor

    def __init__(self, config: ClipTransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.name = self.architecture
        self.front_end = self.front_end_class(
            sample_rate=config.sample_rate,
            n_fft=config.n_fft,
            hop=config.hop,
            bands=config.bands,
            low=config.low,
            high=config.high,
            scale="mean" if config.maps == "scaled" else "published",
        )
        # Running statistics, but nothing learned: of the levels alone as published, of every map when scaled.
        normalised = self.front_end.channels if config.maps == "scaled" else self.front_end.levels
        self.bn = nn.BatchNorm2d(normalised, affine=False)
        times, bands = config.grid
        positions = sinusoidal_positions(times, bands, config.width)
        # The first row is that of AudioMAE's class token: published, never used.
        self.register_buffer("pos_embed", functional.pad(positions, (0, 0, 1, 0))[None])
        if config.stem == "patches":
            self.patch_embed = PatchEmbedding(1, config.width, patch=config.patch)
        drops = torch.linspace(0, config.drop_path, config.depth).tolist()
        self.blocks = nn.ModuleList(TransformerBlock(config.width, config.heads, drop_path=drop) for drop in drops)
        self._initialise()

    def _initialise(self) -> None:
        """Start the transformer as published."""
        for module in self.blocks.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)
        if self.config.stem == "patches":
            nn.init.xavier_uniform_(self.patch_embed.proj.weight.flatten(1))

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names, in the order of the output."""
        return self.config.labels

    @property
    def layout(self) -> ChannelLayout:
        """What it listens to."""
        return binaural()

    @property
    def sample_rate(self) -> int:
        """Sample rate of the waveforms it takes, hertz."""
        return self.config.sample_rate

    @property
    def clip_seconds(self) -> float:
        """Seconds it hears at a time."""
        return self.config.clip_seconds

    @property
    def token_width(self) -> int:
        """Numbers in each of :meth:`tokens`."""
        return self.config.width

    @property
    def detection(self) -> DetectionSettings:
        """How its outputs become events."""
        return self.config.detection

    def features(self, waveform: Tensor) -> Tensor:
        """Return what the network sees of a clip continued with silence: normalised maps ``(batch, channels, frames, bands)``.

        Raises:
            LayoutError: the waveform has other than two channels.
            ParameterError: it is empty, or longer than the network hears at a time.
        """
        if waveform.ndim != 3:
            raise LayoutError(f"audio must be (batch, {self.layout.channels}, samples), got {tuple(waveform.shape)}")
        if waveform.shape[1] != self.layout.channels:
            raise wrong_layout(waveform.shape[1], self.layout)
        samples, whole = waveform.shape[2], self.config.samples
        if not 0 < samples <= whole:
            raise ParameterError(
                f"this network hears 1 to {whole} samples ({self.clip_seconds:g} s) at a time, got {samples}; "
                "auris.listen and auris.models.clip_listening hear recordings of any length in windows"
            )
        maps = self._normalised(self.front_end(functional.pad(waveform, (0, whole - samples))))
        size = (self.config.frames, self.config.bands)
        return functional.interpolate(maps, size=size, mode="bicubic", align_corners=True)

    def _normalised(self, maps: Tensor) -> Tensor:
        if self.config.maps == "scaled":
            normalised: Tensor = self.bn(maps)
            return normalised
        levels = self.front_end.levels
        return torch.cat([self.bn(maps[:, :levels]), maps[:, levels:]], dim=1)

    @abstractmethod
    def tokens(self, features: Tensor, masks: TrainingMasks | None = None) -> Tensor:
        """Return ``(batch, 3 + patches, width)``, the last block's class tokens, then its patches: what a language model reads.

        Args:
            features: of :meth:`features`.
            masks: in training, what is hidden; it is drawn from torch's own generator.
        """

    @abstractmethod
    def from_features(self, features: Tensor, masks: TrainingMasks | None = None) -> ClipOutputs:
        """Return what the heads say; arguments as for :meth:`tokens`."""

    def forward(self, waveform: Tensor) -> ClipOutputs:
        """Return what the heads say of clips."""
        return self.from_features(self.features(waveform))

    def logits(self, outputs: ClipOutputs) -> ClipOutputs:
        """Return outputs whose softmax are probabilities of places."""
        return outputs

    def update_scales(self, outputs: ClipOutputs, targets: SpatialClasses) -> None:
        """Adapt what follows from a batch without a gradient; call it before the loss. Here there is nothing."""

    def _mixing(self, front: Sequence[nn.Module] = ()) -> nn.Sequential:
        """Layers from maps to the grid of patches, or to the one map that is cut into patches."""
        channels, config = self.front_end.channels, self.config
        if config.stem == "patches":
            return nn.Sequential(*front, nn.Conv2d(channels, 1, 3, padding=1, bias=False), nn.BatchNorm2d(1), nn.GELU())
        layers = list(front)
        steps = config.patch.bit_length() - 1
        for step in range(1, steps + 1):
            width = config.width >> (steps - step)
            layers += [nn.Conv2d(channels, width, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(width), nn.GELU()]
            channels = width
        return nn.Sequential(*layers)

    def _through_blocks(
        self, features: Tensor, branches: Sequence[tuple[nn.Module, Tensor]], masks: TrainingMasks | None
    ) -> Tensor:
        """Run branches, each with its own mixing of the maps and its own class tokens, as one batch through the blocks.

        Args:
            features: maps ``(batch, channels, frames, bands)``.
            branches: mixing layers and class tokens ``(1, 3, width)`` of each.
            masks: drawn for each branch anew.

        Returns:
            Tokens ``(branches * batch, 3 + patches, width)``, branch by branch.
        """
        wanted = (self.front_end.channels, self.config.frames, self.config.bands)
        if features.ndim != 4 or features.shape[1:] != wanted:
            raise ParameterError(
                f"this network sees features (batch, {', '.join(map(str, wanted))}), got {tuple(features.shape)}"
            )
        grids = torch.cat([self._grid(features, mixing, masks) for mixing, _ in branches])
        patches = grids.flatten(2).transpose(1, 2) + self.pos_embed[:, 1:]
        sequences = []
        for part, (_, tokens) in zip(patches.chunk(len(branches)), branches, strict=True):
            kept = part if masks is None else masks.thinned(part, self.config.grid)
            sequences.append(torch.cat([tokens.expand(len(kept), -1, -1), kept], dim=1))
        x = torch.cat(sequences)
        for block in self.blocks:
            x = block(x)
        return x

    def _grid(self, features: Tensor, mixing: nn.Module, masks: TrainingMasks | None) -> Tensor:
        """Patches of one branch, ``(batch, width, times, bands)``; stripes are blanked just before they are cut."""
        striped = masks.striped if masks else nn.Identity()
        if self.config.stem == "patches":
            grid: Tensor = self.patch_embed(striped(mixing(features)))
        else:
            # With their channels last, convolutions of few channels take two thirds of the time.
            grid = mixing(striped(features).contiguous(memory_format=torch.channels_last))
        return grid


def class_tokens(width: int) -> nn.Parameter:
    """Three tokens that gather what the heads answer from, ``(1, 3, width)``."""
    tokens = nn.Parameter(torch.empty(1, CLASS_TOKENS, width))
    nn.init.normal_(tokens, std=0.02)
    return tokens


def quiet_head(width: int, outputs: int) -> nn.Linear:
    """A linear head that says almost nothing at first; its bias starts as torch starts it."""
    head = nn.Linear(width, outputs)
    nn.init.trunc_normal_(head.weight, std=2e-5)
    return head


def _stripe(widest: int, size: int) -> slice:
    """A random stripe of an axis, drawn as torchaudio draws it."""
    wide, where = torch.rand(()).item() * min(widest, size), torch.rand(()).item()
    begin = math.trunc(where * (size - wide))
    return slice(begin, begin + math.trunc(wide))
