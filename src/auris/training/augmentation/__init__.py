"""Augmentation of recordings for sound event localisation, with the labels that go with it (PSELDNets, arXiv:2411.06399).

>>> import torch
>>> from auris.data.seld_targets import AccdoaTargets
>>> from auris.training.augmentation import augment_waveforms, preset
>>> front = torch.tensor([1.0, 0.0, 0.0]).reshape(1, 1, 3, 1)
>>> sound = torch.randn(1, 1, 480) * torch.tensor([1.0, 0.0, 0.0, 1.0]).reshape(1, 4, 1)  # W, Y, Z, X: from the front
>>> random = torch.Generator().manual_seed(1)
>>> batch = augment_waveforms(sound, AccdoaTargets(front), torch.tensor([1]), recipe=preset("augmix"), generator=random)
>>> batch.signals.shape
torch.Size([3, 4, 480])

Every operation comes in two functions: one draws random parameters from a :class:`torch.Generator`, one applies them. Nothing
is changed in place, nothing depends on global randomness, and draws follow the generator's device, so that a generator on the
CPU gives the same training on any machine.

What is published and what is offered here:

=================  ==========================================  =================================================
operation          presets ``augment``, ``augmix``, ...        default of :class:`AugmentationRecipe`, or extra
=================  ==========================================  =================================================
rotation           16 or 48 channel swaps of ambisonics        also any rotation, or rotation and reflection; 8 or 24
                                                               capsule swaps of a tetrahedral array
wav and track mix  an item may take itself, and is then        nobody takes themselves, in presets too
                   labelled as two sources
spec_augment,      hidden places are 0: of a log-mel           ``fill="mean"`` of the channel, or ``"silence"``
cutout             spectrogram 0 dB, louder than most sounds   (-100 dB, no direction)
frequency_shift    down only (the option for both ways is      ``direction="both"``
                   misread there)
mono               two sources stop with an assertion;         a clear error; float32
                   float64 with numpy 2
=================  ==========================================  =================================================
"""

from auris.training.augmentation.batches import AugmentedBatch
from auris.training.augmentation.chain import augment_features, augment_waveforms, draw_chain
from auris.training.augmentation.recipe import PRESETS, AugmentationRecipe, MaskSettings, ShiftSettings, preset

__all__ = [
    "PRESETS",
    "AugmentationRecipe",
    "AugmentedBatch",
    "MaskSettings",
    "ShiftSettings",
    "augment_features",
    "augment_waveforms",
    "draw_chain",
    "preset",
]
