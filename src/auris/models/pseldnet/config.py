"""Everything that makes a PSELDNet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from auris.errors import ParameterError, unknown_name
from auris.models.detections import DetectionSettings

Backbone = Literal["htsat", "passt", "cnn14", "cnn8"]
OutputFormat = Literal["accdoa", "multi_accdoa", "einv2", "seddoa"]
Decoder = Literal["none", "gru", "conformer", "transformer"]
Features = Literal["logmel_iv", "logmel_gcc", "salsa_lite", "logmel"]
Layout = Literal["foa", "mic", "mono"]
StitchOrder = Literal["sequential", "symmetric"]
Place = Literal["attention", "mlp"]

_NAMES = {
    "backbone": Backbone,
    "output": OutputFormat,
    "decoder": Decoder,
    "layout": Layout,
    "features": Features,
    "stitch": StitchOrder,
}
LABEL_RATE = 10  # label frames a second
TRACKS = 3


@dataclass(frozen=True)
class Adaptation:
    """Few parameters for a new task, the rest frozen (:mod:`auris.models.pseldnet.adaptation`).

    Attributes:
        method: ``adapter`` (AdapterBit: small bottlenecks, all biases, the head) or ``lora`` (low-rank updates).
        places: where adapters stand in every block.
        ratio: width of an adapter's bottleneck over that of what enters it.
        scale: factor of what an adapter adds; ``learned`` starts at 1.
        rank: of the LoRA updates.
        alpha: numerator of their factor ``alpha / rank``.
    """

    method: Literal["none", "adapter", "lora"] = "none"
    places: tuple[Place, ...] = ("attention", "mlp")
    ratio: float = 0.5
    scale: float | Literal["learned"] = 0.1
    rank: int = 16
    alpha: float = 1.0

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise ParameterError(f"a LoRA update needs a rank of at least 1, got {self.rank}; use method='none' for no update")
        if not self.ratio > 0:
            raise ParameterError(f"the bottleneck's ratio must be positive, got {self.ratio}")
        unknown = [place for place in self.places if place not in get_args(Place)]
        if unknown or len(set(self.places)) != len(self.places):
            raise ParameterError(f"adapters stand at 'attention', 'mlp' or both, each once; got {list(self.places)}")


@dataclass(frozen=True)
class PseldNetConfig:
    """Front end, trunk, decoder and output format of a :class:`~auris.models.pseldnet.network.PseldNet`.

    Attributes:
        labels: class names, in the order of the output.
        backbone: the trunk. ``cnn14`` is the CNN of PANNs with fewer poolings in time, ``cnn8`` its first four blocks.
        output: what the heads say. ``seddoa`` is ``einv2`` with one trunk for both questions.
        decoder: what stands between trunk and heads; not behind ``htsat``.
        decoder_layers: layers of it.
        layout: what it listens to: ``foa``, ``mic`` (a tetrahedral array of four open microphones) or ``mono``.
        features: its front end; ``logmel_iv`` needs ``foa``, ``logmel_gcc`` and ``salsa_lite`` need ``mic``, the
            latter a CNN too.
        sample_rate: hertz; the hop is always 10 ms.
        stitch: how EINV2's trunks exchange: ``sequential`` as published, ``symmetric`` as the cross-stitch paper.
        drop_path: rate at which the last block of a trunk is skipped in training; earlier ones less.
        adaptation: what of it is trained.
        detection: how outputs become events.
    """

    labels: tuple[str, ...]
    backbone: Backbone = "htsat"
    output: OutputFormat = "multi_accdoa"
    decoder: Decoder = "none"
    decoder_layers: int = 1
    layout: Layout = "foa"
    features: Features = "logmel_iv"
    sample_rate: int = 24_000
    stitch: StitchOrder = "sequential"
    drop_path: float = 0.1
    adaptation: Adaptation = field(default_factory=Adaptation)
    detection: DetectionSettings = field(default_factory=lambda: DetectionSettings(unify_deg=15.0))  # as published

    def __post_init__(self) -> None:
        if not self.labels or len(set(self.labels)) != len(self.labels):
            raise ParameterError(f"a listener needs class labels, each once; got {list(self.labels)}")
        for name, kind in _NAMES.items():
            if getattr(self, name) not in get_args(kind):
                raise ParameterError(unknown_name(name, getattr(self, name), get_args(kind)))
        if self.decoder != "none" and self.backbone == "htsat":
            raise ParameterError(f"htsat takes no decoder, got {self.decoder!r}; use decoder='none' or another backbone")
        if self.decoder_layers < 1:
            raise ParameterError(f"decoder_layers must be at least 1, got {self.decoder_layers}; use decoder='none' for none")
        if self.sample_rate < 8000 or self.sample_rate % 100:
            raise ParameterError(f"the sample rate must be at least 8000 Hz and a multiple of 100, got {self.sample_rate}")
        if not 0 <= self.drop_path < 1:
            raise ParameterError(f"drop_path is a probability below 1, got {self.drop_path}")
        needed = {"logmel_iv": ("foa",), "logmel_gcc": ("mic",), "salsa_lite": ("mic",), "logmel": ("foa", "mic", "mono")}
        if self.layout not in needed[self.features]:
            accepted = " or ".join(needed[self.features])
            raise ParameterError(f"features {self.features!r} need layout {accepted}, got {self.layout!r}")
        if self.features == "salsa_lite" and self.backbone in ("htsat", "passt"):
            raise ParameterError(f"salsa_lite has no mel bands, which {self.backbone} needs; use cnn14, cnn8 or 'logmel_gcc'")
