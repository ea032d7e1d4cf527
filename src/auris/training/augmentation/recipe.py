"""What is done to a batch in training: one dataclass, and the combinations that were published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Literal, get_args

from auris.errors import ParameterError, unknown_name
from auris.training.augmentation.frequency_shift import ShiftDirection
from auris.training.augmentation.masking import Fill
from auris.training.augmentation.rotation import RotationKind

ChainStep = Literal["spec_augment", "cutout", "frequency_shift", "track_mix"]
Spatialisation = Literal["none", "mono"]


@dataclass(frozen=True)
class MaskSettings:
    """Sizes of what is hidden.

    A stretch is one to ``longest - 1`` places long, or not there at all.

    Attributes:
        times: stretches of time per item.
        longest_time: in label frames.
        bands: stretches of bands per item and channel.
        widest_band: in bands.
        rectangles: per item and channel.
        longest_rectangle: in feature frames.
        widest_rectangle: in bands.
        fill: what stands in hidden places. ``"zero"`` is what was published, and 0 dB is loud in a log-mel spectrogram.
    """

    times: int = 4
    longest_time: int = 4
    bands: int = 2
    widest_band: int = 8
    rectangles: int = 4
    longest_rectangle: int = 8
    widest_rectangle: int = 4
    fill: Fill = "mean"

    def __post_init__(self) -> None:
        for name in ("times", "longest_time", "bands", "widest_band", "rectangles", "longest_rectangle", "widest_rectangle"):
            _check_whole(self, name, least=0 if name in ("times", "bands", "rectangles") else 1)
        _check_name("fill", self.fill, get_args(Fill))


@dataclass(frozen=True)
class ShiftSettings:
    """How far features move along frequency.

    Attributes:
        largest: most bands.
        direction: what was published moves ``"down"`` only.
        probability: of moving an item when the shift is drawn.
    """

    largest: int = 14
    direction: ShiftDirection = "both"
    probability: float = 0.5

    def __post_init__(self) -> None:
        _check_whole(self, "largest", least=0)
        _check_share(self, "probability")
        _check_name("direction", self.direction, get_args(ShiftDirection))


@dataclass(frozen=True)
class AugmentationRecipe:
    """Everything that happens to a batch, in this order; without arguments, nothing does.

    Attributes:
        spatialisation: ``"mono"`` replaces the recording by its first channel, placed in a random direction.
        copies: 1 augments the batch itself; 3 (AugMix) makes three batches of it, each rotated by its own, of which the
            features of the first then stay as they are. The loss is the mean over all of them.
        rotation: which turns (:data:`~auris.training.augmentation.rotation.RotationKind`), or ``"none"``.
        rotation_probability: of turning an item.
        wave_mix_probability: of mixing waveforms of the batch.
        chain: steps on features. For each batch one combination of at least one of them is drawn, in a drawn order.
        masks: of ``spec_augment`` and ``cutout``.
        shift: of ``frequency_shift``.
    """

    spatialisation: Spatialisation = "none"
    copies: int = 1
    rotation: RotationKind | Literal["none"] = "none"
    rotation_probability: float = 0.8
    wave_mix_probability: float = 0.0
    chain: tuple[ChainStep, ...] = ()
    masks: MaskSettings = field(default_factory=MaskSettings)
    shift: ShiftSettings = field(default_factory=ShiftSettings)

    def __post_init__(self) -> None:
        _check_name("spatialisation", self.spatialisation, get_args(Spatialisation))
        _check_name("rotation", self.rotation, ("none", *get_args(RotationKind)))
        _check_share(self, "rotation_probability")
        _check_share(self, "wave_mix_probability")
        _check_whole(self, "copies", least=1)
        object.__setattr__(self, "chain", tuple(self.chain))
        for step in self.chain:
            _check_name("step", step, get_args(ChainStep))
        if len(set(self.chain)) != len(self.chain):
            raise ParameterError(f"each step of the chain is named once, got {', '.join(self.chain)}")
        if self.copies > 1 and not self.chain:
            raise ParameterError(
                f"{self.copies} copies would stay alike without a chain; name its steps ({', '.join(get_args(ChainStep))}), "
                "or leave copies at 1"
            )

    @property
    def does_nothing(self) -> bool:
        """Whether batches pass unchanged."""
        off = AugmentationRecipe()
        return all(getattr(self, f.name) == getattr(off, f.name) for f in fields(self) if f.name in _SWITCHES)


_SWITCHES = ("spatialisation", "copies", "rotation", "wave_mix_probability", "chain")


def _check_share(settings: object, name: str) -> None:
    value = getattr(settings, name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ParameterError(f"{name} is a probability from 0 to 1, got {value!r}")


def _check_whole(settings: object, name: str, *, least: int) -> None:
    value = getattr(settings, name)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ParameterError(f"{name} is a whole number of at least {least}, got {value!r}")


def _check_name(kind: str, value: object, accepted: tuple[str, ...]) -> None:
    if value not in accepted:
        raise ParameterError(unknown_name(kind, value, accepted))


_PUBLISHED_MASKS = MaskSettings(fill="zero")
_PUBLISHED_SHIFT = ShiftSettings(direction="down")
_ALL_STEPS: tuple[ChainStep, ...] = ("spec_augment", "cutout", "frequency_shift", "track_mix")

PRESETS: Mapping[str, AugmentationRecipe] = MappingProxyType(
    {
        "none": AugmentationRecipe(),
        "augment": AugmentationRecipe(
            rotation="swaps48",
            wave_mix_probability=0.5,
            chain=_ALL_STEPS,
            masks=_PUBLISHED_MASKS,
            shift=_PUBLISHED_SHIFT,
        ),
        "augmix": AugmentationRecipe(
            copies=3,
            rotation="swaps48",
            wave_mix_probability=0.5,
            chain=_ALL_STEPS,
            masks=_PUBLISHED_MASKS,
            shift=_PUBLISHED_SHIFT,
        ),
        "augmix1": AugmentationRecipe(
            copies=3,
            rotation="swaps16",
            chain=_ALL_STEPS[:3],
            masks=_PUBLISHED_MASKS,
            shift=_PUBLISHED_SHIFT,
        ),
        "mono": AugmentationRecipe(spatialisation="mono"),
    }
)


def preset(name: str) -> AugmentationRecipe:
    """Return a recipe by name: ``none``, ``augment``, ``augmix``, ``augmix1`` as published, ``mono`` for AdapterBit.

    Raises:
        ParameterError: no such preset.

    >>> preset("augmix1").copies
    3
    """
    if name not in PRESETS:
        raise ParameterError(unknown_name("augmentation", name, PRESETS))
    return PRESETS[name]
