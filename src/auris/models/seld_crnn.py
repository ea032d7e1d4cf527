"""A small convolutional-recurrent listener: waveform in, multi-ACCDOA with distance out.

The plan is that of the DCASE baselines (convolutions over time and mel bands, a bidirectional GRU, a regression per
class), cut for processors: the first two layers stride instead of pooling, so that everything behind them runs at the
label rate of ten frames a second.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from auris.channels import ChannelLayout
from auris.dsp.features import AmbisonicFeatures, BinauralFeatures
from auris.dsp.features.mel import mel_widths
from auris.errors import ParameterError, unknown_name
from auris.models.accdoa import MaskedAccdoaHead, MultiAccdoaHead
from auris.models.detections import DetectionSettings
from auris.models.ears_head import EarsHead, resolved
from auris.models.encoders import BaselineEncoder, ConvRecurrentEncoder
from auris.models.precedence_head import PrecedenceHead

_FRONT_ENDS = {"foa": AmbisonicFeatures, "binaural": BinauralFeatures, "stereo": BinauralFeatures}


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
        encoder: ``strided`` is ours; ``dcase2024`` has the shape of that challenge's baseline, for comparison.
        widths: channels of the convolutions, five of them in ``strided`` and three in ``dcase2024``.
        hidden: units of the GRU in each direction.
        recurrent_layers: layers of the GRU.
        tracks: simultaneous sounds of one class that can be told apart.
        head: how places are said: read from the encoder alone (``linear``), from cues in the bands of a class
            (``masked``), from its first wavefronts (``precedence``, :mod:`auris.models.precedence_head`), or for two ears from
            what each band says (``ears``, :mod:`auris.models.ears_head`).
        delays: for two ears or microphones, steps of delay to which the front end steers the coherence.
        dropout: share of units dropped in training.
        detection: how outputs become events.
    """

    labels: tuple[str, ...]
    layout: Literal["foa", "binaural", "stereo"] = "foa"
    sample_rate: int = 24_000
    n_fft: int = 1024
    window: int = 960
    hop: int = 480
    bands: int = 64
    frames_per_label: int = 5
    encoder: Literal["strided", "dcase2024"] = "strided"
    widths: tuple[int, ...] = (32, 64, 96, 128, 128)
    hidden: int = 128
    recurrent_layers: int = 2
    tracks: int = 3
    head: Literal["linear", "masked", "precedence", "ears"] = "linear"
    delays: int = 9
    dropout: float = 0.1
    detection: DetectionSettings = field(default_factory=DetectionSettings)

    def __post_init__(self) -> None:
        if not self.labels or len(set(self.labels)) != len(self.labels):
            raise ParameterError(f"a listener needs class labels, each once; got {list(self.labels)}")
        if self.layout not in _FRONT_ENDS:
            raise ParameterError(unknown_name("layout for SeldCrnn", self.layout, _FRONT_ENDS))
        layers = 5 if self.encoder == "strided" else 3
        if self.bands % 32 or len(self.widths) != layers:
            raise ParameterError(
                f"bands must be a multiple of 32 and widths {layers} numbers for {self.encoder}, "
                f"got {self.bands}, {self.widths}"
            )
        if self.head == "precedence" and self.layout != "foa":
            raise ParameterError(
                f"the precedence head reads intensities, which {self.layout} has not; use head linear, masked or ears"
            )
        if self.head == "ears" and self.layout != "binaural":
            raise ParameterError(f"the ears head reads two ears, {self.layout} is something else; use precedence or linear")


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
        steered = {"delays": config.delays} if config.layout != "foa" else {}
        self.front_end = _FRONT_ENDS[config.layout](
            sample_rate=config.sample_rate,
            n_fft=config.n_fft,
            window=config.window,
            hop=config.hop,
            bands=config.bands,
            **steered,
        )
        kind = ConvRecurrentEncoder if config.encoder == "strided" else BaselineEncoder
        self.encoder = kind(
            self.front_end.channels,
            config.bands,
            frames_per_label=config.frames_per_label,
            widths=config.widths,
            hidden=config.hidden,
            recurrent_layers=config.recurrent_layers,
            dropout=config.dropout,
        )
        self.head = self._make_head(config)

    def _make_head(self, config: SeldCrnnConfig) -> nn.Module:
        width, levels = self.encoder.width, self.front_end.levels
        classes, tracks, bands = len(config.labels), config.tracks, config.bands
        if config.head == "linear":
            return MultiAccdoaHead(width, classes=classes, tracks=tracks)
        if config.head == "masked":
            kinds = self.front_end.channels - levels
            return MaskedAccdoaHead(width, classes=classes, tracks=tracks, bands=bands, kinds=kinds)
        rate = config.frames_per_label
        if config.head == "ears":
            widths = mel_widths(bands, sample_rate=config.sample_rate)
            return EarsHead(width, classes=classes, tracks=tracks, bands=bands, frames_per_label=rate, widths=widths)
        return PrecedenceHead(width, classes=classes, tracks=tracks, bands=bands, levels=levels, frames_per_label=rate)

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
        """Return the output for features (training changes them on the way); the ``ears`` head adds the odds of the front."""
        return self.gathered(features)[0]

    def gathered(self, features: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the output, and of the ``ears`` head also what it was read from ``(batch, label frames, classes, units)``."""
        hidden = self.encoder(features)
        if isinstance(self.head, EarsHead):
            return self.head.said(hidden, features)
        if self.config.head == "linear":
            return self.head(hidden), None
        return self.head(hidden, self.cues(features) if self.config.head == "masked" else features), None

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
        outputs = self.from_features(self.features(waveform))
        return resolved(outputs) if self.config.head == "ears" else outputs
