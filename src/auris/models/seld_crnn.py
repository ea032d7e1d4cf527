"""A small convolutional-recurrent listener: waveform in, multi-ACCDOA with distance out.

The plan is that of the DCASE baselines (convolutions over time and mel bands, a bidirectional GRU, a regression per
class), cut for processors: the first two layers stride instead of pooling, so that everything behind them runs at the
label rate of ten frames a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from auris.channels import ChannelLayout
from auris.dsp.features import AmbisonicFeatures, BinauralFeatures
from auris.errors import ParameterError, unknown_name
from auris.models.accdoa import MaskedAccdoaHead, MultiAccdoaHead
from auris.models.detections import DetectionSettings

_FRONT_ENDS = {"foa": AmbisonicFeatures, "binaural": BinauralFeatures}


@dataclass(frozen=True)
class SeldCrnnConfig:
    """Everything that makes the network.

    Attributes:
        labels: class names, in the order of the output.
        layout: what it listens to.
        sample_rate: hertz.
        n_fft: samples of the Fourier transform.
        window: samples of its window.
        hop: samples between feature frames.
        bands: mel bands; a multiple of 32.
        frames_per_label: feature frames in one label frame.
        widths: channels of the five convolutions.
        hidden: units of the GRU in each direction.
        recurrent_layers: layers of the GRU.
        tracks: simultaneous sounds of one class that can be told apart.
        head: how places are said.
        dropout: share of units dropped in training.
        detection: how outputs become events.
    """

    labels: tuple[str, ...]
    layout: Literal["foa", "binaural"] = "foa"
    sample_rate: int = 24_000
    n_fft: int = 1024
    window: int = 960
    hop: int = 480
    bands: int = 64
    frames_per_label: int = 5
    widths: tuple[int, ...] = (32, 64, 96, 128, 128)
    hidden: int = 128
    recurrent_layers: int = 2
    tracks: int = 3
    head: Literal["linear", "masked"] = "linear"
    dropout: float = 0.1
    detection: DetectionSettings = field(default_factory=DetectionSettings)

    def __post_init__(self) -> None:
        if not self.labels or len(set(self.labels)) != len(self.labels):
            raise ParameterError(f"a listener needs class labels, each once; got {list(self.labels)}")
        if self.layout not in _FRONT_ENDS:
            raise ParameterError(unknown_name("layout for SeldCrnn", self.layout, _FRONT_ENDS))
        if self.bands % 32 or len(self.widths) != 5:
            raise ParameterError(f"bands must be a multiple of 32 and widths five numbers, got {self.bands}, {self.widths}")


class ConvRecurrentEncoder(nn.Module):
    """Convolutions over time and mel bands, then a bidirectional GRU over label frames.

    Shape:
        - Input: ``(batch, channels, frames, bands)``, frames a multiple of ``frames_per_label``
        - Output: ``(batch, frames // frames_per_label, 2 * hidden)``
    """

    def __init__(
        self,
        channels: int,
        bands: int,
        *,
        frames_per_label: int,
        widths: Sequence[int],
        hidden: int,
        recurrent_layers: int,
        dropout: float,
    ) -> None:
        super().__init__()
        # Levels, cosines and decibels meet at the same size. Without weights, so that no gradient is needed behind the
        # first convolution, the largest.
        self.scale = nn.BatchNorm1d(channels * bands, affine=False)
        first, second, third, fourth, fifth = widths
        self.convolutions = nn.Sequential(
            *_convolution(channels, first, (3, 3), stride=(1, 2), padding=(1, 1)),
            *_convolution(first, second, (frames_per_label, 3), stride=(frames_per_label, 2), padding=(0, 1)),
            *_convolution(second, third, (3, 3)),
            nn.MaxPool2d((1, 2)),
            *_convolution(third, fourth, (3, 3)),
            nn.MaxPool2d((1, 2)),
            *_convolution(fourth, fifth, (3, 3)),
        )
        self.project = nn.Linear(fifth * bands // 16, 2 * hidden)
        self.recurrent = nn.GRU(
            2 * hidden,
            hidden,
            recurrent_layers,
            batch_first=True,
            bidirectional=True,
            dropout=dropout if recurrent_layers > 1 else 0.0,
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, features: Tensor) -> Tensor:
        """Return one vector per label frame."""
        batch, channels, frames, bands = features.shape
        flat = features.transpose(2, 3).reshape(batch, channels * bands, frames)
        scaled = self.scale(flat).reshape(batch, channels, bands, frames).transpose(2, 3)
        maps = self.convolutions(scaled.contiguous(memory_format=torch.channels_last))
        sequence = functional.relu(self.project(self.dropout(maps.transpose(1, 2).flatten(2))))
        outputs: Tensor = self.dropout(sequence + self.recurrent(sequence)[0])
        return outputs


def _convolution(
    inputs: int,
    outputs: int,
    kernel: tuple[int, int],
    *,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (1, 1),
) -> list[nn.Module]:
    """Convolution, normalisation, rectifier."""
    convolution = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=padding, bias=False)
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


class SeldCrnn(nn.Module):
    """Front end, encoder and head in one: who sounds, where, how far, ten times a second.

    Shape:
        - Input: waveform ``(batch, channels, samples)`` at ``config.sample_rate``
        - Output: ``(batch, label frames, tracks, classes, 4)`` (:mod:`auris.models.accdoa`); a started frame counts

    >>> model = SeldCrnn(SeldCrnnConfig(labels=("dog", "speech")))
    >>> model(torch.zeros(1, 4, 24_000)).shape
    torch.Size([1, 10, 3, 2, 4])
    """

    architecture = "seld_crnn"
    config_class = SeldCrnnConfig

    def __init__(self, config: SeldCrnnConfig) -> None:
        super().__init__()
        self.config = config
        self.name = self.architecture
        self.front_end = _FRONT_ENDS[config.layout](
            sample_rate=config.sample_rate, n_fft=config.n_fft, window=config.window, hop=config.hop, bands=config.bands
        )
        self.encoder = ConvRecurrentEncoder(
            self.front_end.channels,
            config.bands,
            frames_per_label=config.frames_per_label,
            widths=config.widths,
            hidden=config.hidden,
            recurrent_layers=config.recurrent_layers,
            dropout=config.dropout,
        )
        sizes = {"classes": len(config.labels), "tracks": config.tracks}
        self.head: nn.Module
        if config.head == "masked":
            kinds = self.front_end.channels - self.front_end.levels
            self.head = MaskedAccdoaHead(2 * config.hidden, bands=config.bands, kinds=kinds, **sizes)
        else:
            self.head = MultiAccdoaHead(2 * config.hidden, **sizes)

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names, in the order of the output."""
        return self.config.labels

    @property
    def layout(self) -> ChannelLayout:
        """What it listens to."""
        return ChannelLayout.parse(self.config.layout)

    @property
    def sample_rate(self) -> int:
        """Sample rate of the waveforms it takes, hertz."""
        return self.config.sample_rate

    @property
    def detection(self) -> DetectionSettings:
        """How its outputs become events."""
        return self.config.detection

    @property
    def frame_samples(self) -> int:
        """Samples in one label frame."""
        return self.config.hop * self.config.frames_per_label

    @property
    def frame_seconds(self) -> float:
        """Seconds in one label frame."""
        return self.frame_samples / self.sample_rate

    def features(self, waveform: Tensor) -> Tensor:
        """Return what the encoder sees: ``(batch, channels, frames, bands)``."""
        missing = -waveform.shape[-1] % self.frame_samples
        features: Tensor = self.front_end(functional.pad(waveform, (0, missing)))
        return features

    def from_features(self, features: Tensor) -> Tensor:
        """Return the output for features (training changes them on the way)."""
        hidden = self.encoder(features)
        outputs: Tensor = self.head(hidden, *([self.cues(features)] if self.config.head == "masked" else []))
        return outputs

    def cues(self, features: Tensor) -> Tensor:
        """Return the spatial cues of each band in each label frame ``(B, T, bands, kinds)``: means by amplitude."""
        levels = self.front_end.levels
        amplitude = 10 ** (features[:, :levels].mean(dim=1, keepdim=True) / 20)
        weighted = torch.cat([features[:, levels:] * amplitude, amplitude], dim=1)
        batch, kinds, frames, bands = weighted.shape
        sums = weighted.reshape(batch, kinds, frames // self.config.frames_per_label, -1, bands).sum(dim=3)
        return (sums[:, :-1] / sums[:, -1:]).permute(0, 2, 3, 1)

    def forward(self, waveform: Tensor) -> Tensor:
        """Return multi-ACCDOA with distance."""
        return self.from_features(self.features(waveform))
