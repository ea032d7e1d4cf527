"""PSELDNets in one module: waveform in, who sounds where ten times a second out (arXiv:2411.06399)."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from auris.channels import ChannelLayout, tetrahedral
from auris.dsp.features import LogMel, LogMelGcc, LogMelIntensity, SalsaLite
from auris.errors import LayoutError, ParameterError
from auris.models.backbones.convolutional import Cnn8, Cnn14
from auris.models.backbones.htsat import Htsat
from auris.models.backbones.passt import Passt
from auris.models.backbones.sequence import sequence_decoder
from auris.models.backbones.trunk import Trunk
from auris.models.detections import DetectionSettings
from auris.models.pseldnet.adaptation import adapt
from auris.models.pseldnet.assembly import OneTrunk, TwoTrunks
from auris.models.pseldnet.config import LABEL_RATE, TRACKS, PseldNetConfig
from auris.models.pseldnet.outputs import Accdoa, MultiAccdoa, PseldOutputs, TrackOutputs

_BLOCK_SECONDS = 10.0


class PseldNet(nn.Module):
    """Front end, normalisation, trunks and heads.

    Transformers are made for ten seconds. They hear a shorter clip as ten seconds that end in digital silence, and the outputs
    are cut to its length (a started frame counts); the published code heard clips of 5 s in pairs glued together instead, for
    EINV2 and SEDDOA only. They refuse a longer one: :mod:`auris.models.listening` hears it in blocks. CNNs hear clips of any
    length, though they learn from ten seconds too.

    Shape:
        - Input: waveform ``(batch, channels, samples)`` at ``config.sample_rate``
        - Output: ``(batch, label frames, tracks, classes, 4)``: a vector whose length is the activity, and NaN for the
          distance, of which these networks say nothing

    >>> model = PseldNet(PseldNetConfig(labels=("dog", "speech"), backbone="cnn8", decoder="gru"))
    >>> model(torch.zeros(1, 4, 12_000)).shape
    torch.Size([1, 5, 3, 2, 4])
    """

    architecture = "pseldnet"
    config_class = PseldNetConfig

    def __init__(self, config: PseldNetConfig) -> None:
        super().__init__()
        self.config = config
        self.name = self.architecture
        self.front_end = _front_end(config, self.layout.channels)
        channels, classes = self.front_end.channels, len(config.labels)
        # One for each channel of the features; their own "channels" are the bands.
        self.scalar = nn.ModuleList(nn.BatchNorm1d(self.front_end.bands) for _ in range(channels))
        parts: dict[str, Any] = {"make_trunk": partial(_trunk, config), "make_decoder": partial(_decoder, config)}
        self.body: OneTrunk | TwoTrunks
        if config.output == "einv2":
            self.body = TwoTrunks(self.front_end.levels, channels, classes=classes, tracks=TRACKS, order=config.stitch, **parts)
        else:
            questions = {
                "accdoa": {"vectors": 3 * classes},
                "multi_accdoa": {"vectors": TRACKS * 3 * classes},
                "seddoa": {"sed": TRACKS * classes, "doa": TRACKS * 3},
            }
            self.body = OneTrunk(channels, questions[config.output], **parts)
        adapt(self, config.adaptation, trunks=list(self.body.trunks()), heads=list(self.body.readouts()))

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names, in the order of the output."""
        return self.config.labels

    @property
    def layout(self) -> ChannelLayout:
        """What it listens to."""
        return tetrahedral() if self.config.layout == "mic" else ChannelLayout.parse(self.config.layout)

    @property
    def sample_rate(self) -> int:
        """Sample rate of the waveforms it takes, hertz."""
        return self.config.sample_rate

    @property
    def frame_seconds(self) -> float:
        """Seconds in one label frame."""
        return 1 / LABEL_RATE

    @property
    def block_seconds(self) -> float:
        """Seconds it hears at a time."""
        return _BLOCK_SECONDS

    @property
    def detection(self) -> DetectionSettings:
        """How its outputs become events."""
        return self.config.detection

    @property
    def frame_samples(self) -> int:
        """Samples in one label frame."""
        return self.sample_rate // LABEL_RATE

    def label_frames(self, samples: int) -> int:
        """Return the label frames of a clip; a started frame counts."""
        return -(-samples // self.frame_samples)

    def features(self, waveform: Tensor) -> Tensor:
        """Return what the network sees: ``(batch, channels, frames, bands)`` of the clip, continued with silence.

        Raises:
            LayoutError: the waveform has another number of channels.
            ParameterError: it is empty, or longer than the network hears at a time.
        """
        if waveform.ndim != 3 or waveform.shape[1] != self.layout.channels:
            shape = tuple(waveform.shape)
            raise LayoutError(f"{self.layout.name} audio must be (batch, {self.layout.channels}, samples), got {shape}")
        samples, frames = waveform.shape[2], self.body.label_frames
        if samples == 0 or (frames is not None and self.label_frames(samples) > frames):
            limit = "any number of" if frames is None else f"1 to {frames * self.frame_samples}"
            raise ParameterError(
                f"this network hears {limit} samples at a time, got {samples}; "
                "auris.listen and auris.models.listening hear recordings of any length in blocks"
            )
        wanted = (frames or self.label_frames(samples)) * self.frame_samples
        features: Tensor = self.front_end(functional.pad(waveform, (0, wanted - samples)))
        return features

    def from_features(self, features: Tensor) -> PseldOutputs:
        """Return what the heads say, for features of :meth:`features` (training changes them on the way).

        Raises:
            ParameterError: the features are those of another front end.
        """
        if features.ndim != 4 or features.shape[1] != len(self.scalar):
            wanted = f"(batch, {len(self.scalar)}, frames, {self.front_end.bands})"
            raise ParameterError(f"this network sees features {wanted}, got {tuple(features.shape)}")
        channels = zip(self.scalar, features.unbind(1), strict=True)
        normalised = torch.stack([scalar(channel.transpose(1, 2)) for scalar, channel in channels], dim=1)
        answers = self.body(normalised.transpose(2, 3))
        classes = len(self.labels)
        if self.config.output == "accdoa":
            return Accdoa(answers[0].tanh().unflatten(-1, (3, classes)))
        if self.config.output == "multi_accdoa":
            return MultiAccdoa(answers[0].tanh().unflatten(-1, (TRACKS, 3, classes)))
        return TrackOutputs(answers[0].unflatten(-1, (TRACKS, classes)), answers[1].tanh().unflatten(-1, (TRACKS, 3)))

    def raw(self, waveform: Tensor) -> PseldOutputs:
        """Return what the heads say of each label frame of a waveform."""
        outputs = self.from_features(self.features(waveform))
        frames = self.label_frames(waveform.shape[2])
        return type(outputs)(*(part[:, :frames] for part in outputs))

    def forward(self, waveform: Tensor) -> Tensor:
        """Return directions with activity, as listeners do (:class:`auris.models.listening.FrameListener`)."""
        vectors = self.raw(waveform).activity_vectors()
        return torch.cat([vectors, torch.full_like(vectors[..., :1], math.nan)], dim=-1)


def _trunk(config: PseldNetConfig, channels: int) -> Trunk:
    if config.backbone == "htsat":
        return Htsat(channels, drop_path=config.drop_path)
    if config.backbone == "passt":
        return Passt(channels)
    return Cnn14(channels) if config.backbone == "cnn14" else Cnn8(channels)


def _decoder(config: PseldNetConfig, width: int) -> nn.Module:
    return sequence_decoder(config.decoder, width, layers=config.decoder_layers)


def _front_end(config: PseldNetConfig, inputs: int) -> Any:
    rate = config.sample_rate
    if config.features == "logmel_iv":
        return LogMelIntensity(sample_rate=rate)
    if config.features == "logmel_gcc":
        return LogMelGcc(sample_rate=rate)
    return SalsaLite(sample_rate=rate) if config.features == "salsa_lite" else LogMel(sample_rate=rate, inputs=inputs)
