"""The public checkpoint of StereoCRW (arXiv:2204.12489), as the evaluation of Both Ears Wide Open uses it.

``FreeMusic-StereoCRW-1024.pth.tar`` holds a ResNet of nine layers under ``state_dict``, its names beginning with ``net.`` or
``module.net.``. It was trained on patches of 1024 samples and is asked with patches of 3840, as published.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from auris.models.checkpoint_conversion.misfits import refuse_misfits
from auris.models.pretrained import assign_weights, save_pretrained, weights_unset
from auris.models.published import PublishedModel, identify, published_model
from auris.models.stereocrw import StereoCrw, StereoCrwConfig


@dataclass(frozen=True, eq=False)
class StereoCrwWeights:
    """The weights of a checkpoint, under our names.

    Attributes:
        config: of the published network.
        tensors: by the names of :class:`auris.models.stereocrw.StereoCrw`.
        parameters: numbers that are learnt.
    """

    config: StereoCrwConfig
    tensors: Mapping[str, Tensor]
    parameters: int

    def __str__(self) -> str:
        return f"StereoCRW with {self.parameters / 1e6:.2f} million parameters"


def recognise(tensors: Mapping[str, Tensor], *, file: object) -> StereoCrwWeights:
    """Return the weights of an unwrapped checkpoint; strict about names and shapes.

    Raises:
        CheckpointError: a tensor is missing, unknown or of another shape; the first three are named.
    """
    config = StereoCrwConfig()
    with weights_unset():
        model = StereoCrw(config)
    found = {f"net.{name}": value for name, value in tensors.items()}
    wanted = model.state_dict()
    # Old versions of torch did not count batches.
    counts = {name: value for name, value in wanted.items() if name.endswith(".num_batches_tracked")}
    needed = [name for name in wanted if name not in counts]
    refuse_misfits(
        found, wanted, needed=needed, opening=f"{file}: looks like StereoCRW, but does not fit the published network"
    )
    found |= {name: value.new_zeros((), device="cpu") for name, value in counts.items() if name not in found}
    return StereoCrwWeights(config, found, sum(parameter.numel() for parameter in model.parameters()))


def published_as(file: Path) -> PublishedModel | None:
    """Return the entry of the catalogue that a file is, told by its bytes, or by its name where these are not known."""
    known = published_model("StereoCRW")
    return identify(file) or (known if file.name == known.file else None)


def write_model(weights: StereoCrwWeights, folder: Path, *, card: str) -> None:
    """Write the model folder.

    Raises:
        CheckpointError: a weight is not a finite number.
        FormatError: the folder cannot be written.
    """
    with weights_unset():
        model = StereoCrw(weights.config)
    assign_weights(model, weights.tensors, where="the checkpoint")
    save_pretrained(model, folder, card=card)


def card(name: str, source: Path, weights: StereoCrwWeights, published: PublishedModel | None) -> str:
    """Return the README of a converted model."""
    config = weights.config
    origin = f"published as `{published.file}` by the authors of StereoCRW" if published else "not a file of the catalogue"
    return f"""---
library_name: auris
tags: [time-delay-estimation, spatial-audio]
---
# {name}

{weights} (arXiv:2204.12489), converted from `{source.name}`. It is no listener: it estimates the delay between two channels.

    auris score itd --reference DIR --prediction DIR --estimator upstream --model {name}
    auris score itd --reference DIR --prediction DIR --estimator stereocrw --model {name} --patches 65

- Input: two channels at {config.sample_rate} Hz, frames of {config.patches} patches of {config.patch} samples.
- Output: delays up to {1e3 * config.longest:g} ms, positive where the left channel leads.
- On a processor a frame takes seconds with all {config.patches} patches; 65 are eight times faster.

## Origin

- File: `{source.name}`, {origin}.
- Licence of the weights: {(published.licence if published else None) or "not known"}. Ask the authors before you pass them on.
"""
