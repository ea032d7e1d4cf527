"""StereoCRW: delays between two channels, found by a network that knows the same sound again.

Patches of both channels, a sample apart, become points of a space in which the same sound lies at the same place; where the
patch of the left channel is found among those of the right one is the delay. After "Sound localization by self-supervised time
delay estimation" (arXiv:2204.12489), as the evaluation of Both Ears Wide Open (arXiv:2410.10676) applies it. With the defaults
the network is the published one, whose weights :func:`auris.models.checkpoint_conversion.convert` reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from auris.channels import ChannelLayout
from auris.errors import ParameterError

_MASKED = -1e20
_CANDIDATES = 1001  # delays that the vote tries
_NEAR = 0.05  # samples: how near a delay must be to vote for a candidate
_BESIDE = 2  # strides beside a peak that its place is read from
_FEATURES = 256
_AT_ONCE = 64  # patches in the network together


Reduce = Literal["mean", "vote", "peak"]


@dataclass(frozen=True)
class StereoCrwConfig:
    """The network, and how it is asked; the defaults are those of the published one.

    Attributes:
        sample_rate: hertz.
        patch: samples of a patch.
        patches: of each channel and frame, ``stride`` samples apart.
        stride: samples between patches, and so of the delays that are tried.
        longest: longest delay in seconds.
        n_fft: samples of a spectrum, and of its Hann window.
        spectra: of a patch.
        channels: of the four stages.
        embedding: dimensions of the space.
        temperature: divides similarities before they become probabilities.
        magnitudes: power to which the spectrum's magnitudes are raised; 1 leaves them, 0 keeps phases only.
        pooling: ``mean`` over time and frequency, or ``none``, which keeps a small network's sense of where in the spectrum
            a phase was.
        direct: sums of each spectrum that go straight into the point, past the network; 0 as published. Their cosine is a
            cross-correlation whose frequencies are weighed by training, which a small network begins with.
        reduce: how the patches of a frame become one delay: the ``mean`` of what they expect, as published figures have it; the
            ``vote`` leaves out those that disagree; ``peak`` is the delay that they find most probable together, which echoes
            do not draw to the middle.
        layout: what it hears.

    Raises:
        ParameterError: a number makes no network, or the patches of a frame do not reach the longest delay.
    """

    sample_rate: int = 16_000
    patch: int = 3840
    patches: int = 513
    stride: int = 1
    longest: float = 1.5e-3
    n_fft: int = 256
    spectra: int = 128
    channels: tuple[int, ...] = (64, 128, 256, 512)
    embedding: int = 128
    temperature: float = 0.05
    magnitudes: float = 1.0
    pooling: Literal["mean", "none"] = "mean"
    direct: int = 0
    reduce: Reduce = "mean"
    layout: Literal["stereo"] = "stereo"

    def __post_init__(self) -> None:
        counts = (self.patch, self.patches, self.stride, self.n_fft, self.spectra, self.embedding, *self.channels)
        if min(counts) < 1 or len(self.channels) != 4 or self.sample_rate < 1000:
            raise ParameterError(f"StereoCRW has four stages and counts of at least 1, got {self}")
        if self.n_fft % 32 or self.patch < max(self.n_fft, self.spectra):
            raise ParameterError(
                f"n_fft must be a multiple of 32 and a patch at least that long, got {self.n_fft}, {self.patch}"
            )
        if not (self.temperature > 0 and 0 <= self.magnitudes <= 1 and self.direct >= 0):
            raise ParameterError(f"temperature must exceed 0, magnitudes lie in 0 to 1 and direct be at least 0, got {self}")
        if self.lags < 1 or self.patches <= 2 * self.lags:
            raise ParameterError(
                f"{self.patches} patches, {self.stride} samples apart, cannot hold delays of {self.longest:g} s on both sides: "
                f"give more than {2 * self.lags}"
            )

    @property
    def lags(self) -> int:
        """Longest delay, in strides."""
        return int(self.sample_rate * self.longest / self.stride + 1e-9)

    @property
    def segment(self) -> int:
        """Samples of a frame."""
        return self.patch + (self.patches - 1) * self.stride


class _Block(nn.Module):
    """Two convolutions beside a short cut, as in ResNet (arXiv:1512.03385)."""

    def __init__(self, inputs: int, outputs: int, *, step: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, step, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = (
            nn.Sequential(nn.Conv2d(inputs, outputs, 1, step, bias=False), nn.BatchNorm2d(outputs))
            if step > 1 or inputs != outputs
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(x)) + shortcut)


class _ResNet9(nn.Module):
    """Nine layers from a spectrum of two channels (real, imaginary) to a point."""

    def __init__(self, config: StereoCrwConfig) -> None:
        super().__init__()
        widths = config.channels
        self.conv1 = nn.Conv2d(2, widths[0], 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.layer1 = nn.Sequential(_Block(widths[0], widths[0], step=1))
        self.layer2 = nn.Sequential(_Block(widths[0], widths[1], step=2))
        self.layer3 = nn.Sequential(_Block(widths[1], widths[2], step=2))
        self.layer4 = nn.Sequential(_Block(widths[2], widths[3], step=2))
        self.pooled = config.pooling == "mean"
        places = 1 if self.pooled else -(-config.spectra // 32) * -(-config.n_fft // 64)
        self.fc = nn.Linear(widths[3] * places, config.embedding)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.bn1(self.conv1(x)))
        x = functional.max_pool2d(x, 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean(dim=(2, 3)) if self.pooled else x.flatten(1))  # type: ignore[no-any-return]


class StereoCrw(nn.Module):
    """Estimates the delay between two channels.

    Attributes:
        architecture: its name among :data:`auris.models.ARCHITECTURES`.
        name: of the model folder, set when it is loaded.
    """

    architecture = "stereocrw"
    config_class = StereoCrwConfig

    def __init__(self, config: StereoCrwConfig) -> None:
        super().__init__()
        self.config, self.name = config, self.architecture
        self.net = _ResNet9(config)
        self.direct = nn.Linear(config.n_fft, config.direct, bias=False) if config.direct else None
        self.register_buffer("window", torch.hann_window(config.n_fft), persistent=False)
        self.window: Tensor

    @property
    def layout(self) -> ChannelLayout:
        """What it hears."""
        return ChannelLayout.parse(self.config.layout)

    @property
    def sample_rate(self) -> int:
        """Hertz."""
        return self.config.sample_rate

    def spectra(self, patches: Tensor) -> Tensor:
        """Return the complex spectra of patches.

        Args:
            patches: ``(..., patch)``.

        Returns:
            ``(..., 2, spectra, n_fft / 2)``: real and imaginary part, time, frequency.
        """
        config = self.config
        hop = config.patch // config.spectra
        spectra = torch.stft(
            patches.reshape(-1, config.patch), config.n_fft, hop, window=self.window, center=True, return_complex=True
        )
        parts = torch.view_as_real(spectra[:, :-1, : config.spectra]).permute(0, 3, 2, 1)
        if config.magnitudes < 1:
            power = parts.square().sum(dim=1, keepdim=True)
            # A patch's own level is the floor, so that nothing is made of what is far below it; it also makes levels alike.
            level = power.mean(dim=(2, 3), keepdim=True) + 1e-20
            parts = parts * level ** (-config.magnitudes / 2) * (power + 1e-6 * level) ** ((config.magnitudes - 1) / 2)
        return parts.reshape(*patches.shape[:-1], *parts.shape[1:])

    def point(self, spectra: Tensor) -> Tensor:
        """Return the points of spectra ``(patches, 2, spectra, n_fft / 2)``, all in the network at once."""
        points: Tensor = self.net(spectra)
        if self.direct is None:
            return points
        sums = self.direct(spectra.transpose(1, 2).flatten(2))
        return torch.cat([points, sums.flatten(1)], dim=-1)

    def embed(self, patches: Tensor) -> Tensor:
        """Return the points ``(..., dimensions)`` of patches ``(..., patch)``, of any length."""
        flat = patches.reshape(-1, self.config.patch)
        points = torch.cat([self.point(self.spectra(some)) for some in torch.split(flat, _AT_ONCE)])
        return points.reshape(*patches.shape[:-1], -1)

    def similarities(self, left: Tensor, right: Tensor) -> Tensor:
        """Return how alike points are, ``(..., left, right)``: cosines over the temperature."""
        left, right = functional.normalize(left, dim=-1), functional.normalize(right, dim=-1)
        return left @ right.mT / self.config.temperature

    def delays(self, similarities: Tensor) -> Tensor:
        """Return the expected delay in seconds of each patch that can be found on both sides.

        Args:
            similarities: ``(..., patches, patches)`` of :meth:`similarities`.

        Returns:
            ``(..., patches - 2 lags)``, positive when the left channel leads.
        """
        return self.expected(self.probabilities(similarities))

    def probabilities(self, similarities: Tensor) -> Tensor:
        """Return how probable each delay is for each patch that can be found on both sides.

        Args:
            similarities: as for :meth:`delays`.

        Returns:
            ``(..., patches - 2 lags, 2 lags + 1)``, from the right channel's longest lead to the left one's.
        """
        lags = self.config.lags
        # Row i of a band: the columns i to i + 2 lags of the patches that have all of them.
        band = similarities[..., lags : similarities.shape[-1] - lags, :].unfold(-1, 2 * lags + 1, 1)
        band = band.diagonal(dim1=-3, dim2=-2).mT
        return torch.where(band != 0, band, _MASKED).softmax(dim=-1)  # as published: an exact 0 is masked

    def expected(self, probabilities: Tensor) -> Tensor:
        """Return the expected delay in seconds ``(...)`` of probabilities ``(..., delays)``, whose middle one is none."""
        lags = probabilities.shape[-1] // 2
        apart = torch.arange(-lags, lags + 1, device=probabilities.device)
        return (probabilities * apart).sum(dim=-1) * (self.config.stride / self.config.sample_rate)

    def segment_probabilities(self, segments: Tensor, *, patches: int | None = None) -> Tensor:
        """Return how probable each delay is for the patches of frames.

        Args:
            segments: ``(frames, 2, samples)`` at :attr:`sample_rate`, at least as many samples as the patches need.
            patches: fewer than those of the configuration cost as much less; they lie in the middle of the segment.

        Returns:
            ``(frames, patches - 2 lags, 2 lags + 1)``.

        Raises:
            ParameterError: the segments are too short, or the patches too few.
        """
        config, count = self.config, patches or self.config.patches
        needed = config.patch + (count - 1) * config.stride
        if count <= 2 * config.lags:
            raise ParameterError(f"delays of {config.lags} patches on both sides need more than {2 * config.lags}, got {count}")
        if segments.ndim != 3 or segments.shape[1] != 2 or segments.shape[2] < needed:
            raise ParameterError(f"segments must be (frames, 2, at least {needed} samples), got {tuple(segments.shape)}")
        begin = (segments.shape[2] - needed) // 2
        found = []
        for segment in segments:
            points = self.embed(segment[:, begin : begin + needed].unfold(-1, config.patch, config.stride))
            found.append(self.probabilities(self.similarities(points[0], points[1])))
        return torch.stack(found)

    def read(self, probabilities: Tensor, *, reduce: Reduce | None = None) -> Tensor:
        """Return one delay for each frame, seconds ``(...)``, of probabilities ``(..., patches, delays)``.

        Args:
            probabilities: of :meth:`segment_probabilities`.
            reduce: how the patches of a frame become one delay; by default as the configuration says.
        """
        how = reduce or self.config.reduce
        if how == "mean":
            return self.expected(probabilities).mean(dim=-1)
        if how == "vote":
            return voted(self.expected(probabilities), near=_NEAR * self.config.stride / self.config.sample_rate)
        together = probabilities.mean(dim=-2)
        peak = together.argmax(dim=-1, keepdim=True)
        delays = torch.arange(together.shape[-1], device=together.device)
        return self.expected(functional.normalize(together * ((delays - peak).abs() <= _BESIDE), p=1, dim=-1))

    @torch.inference_mode()
    def estimate(
        self, segments: NDArray[np.float32], *, patches: int | None = None, reduce: Reduce | None = None
    ) -> NDArray[np.float64]:
        """Return one delay for each frame.

        Args:
            segments: ``(frames, 2, samples)`` at :attr:`sample_rate`.
            patches: as for :meth:`segment_probabilities`.
            reduce: as for :meth:`read`.

        Returns:
            Seconds ``(frames,)``, positive when the left channel leads.

        Raises:
            ParameterError: as :meth:`segment_probabilities`.
        """
        found = self.segment_probabilities(torch.from_numpy(np.ascontiguousarray(segments)).to(self.window), patches=patches)
        return np.asarray(self.read(found, reduce=reduce).cpu().double().numpy())

    @torch.inference_mode()
    def upstream_features(self, segments: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the published features of frames: their delays, averaged to 256 in seconds, ``(frames, 256)``."""
        found = self.segment_probabilities(torch.from_numpy(np.ascontiguousarray(segments)).to(self.window))
        return np.asarray(functional.adaptive_avg_pool1d(self.expected(found)[:, None], _FEATURES)[:, 0].cpu().numpy())


def voted(delays: Tensor, *, near: float) -> Tensor:
    """Return the delay that most patches agree on, as the published code has it.

    1001 delays from the shortest to the longest are tried; of those that most patches are near to, the middle one is taken,
    and of the patches near to it the mean.

    Args:
        delays: seconds ``(..., patches)``.
        near: seconds.

    Returns:
        ``(...)``.
    """
    low, high = delays.amin(dim=-1, keepdim=True), delays.amax(dim=-1, keepdim=True)
    candidates = low + (high - low) * torch.linspace(0, 1, _CANDIDATES, dtype=delays.dtype, device=delays.device)
    votes = ((delays[..., :, None] - candidates[..., None, :]).abs() <= near).sum(dim=-2)
    best = torch.where(votes == votes.amax(dim=-1, keepdim=True), candidates, torch.nan).nanmedian(dim=-1).values
    agree = (delays - best[..., None]).abs() <= near
    return (delays * agree).sum(dim=-1) / agree.sum(dim=-1)
