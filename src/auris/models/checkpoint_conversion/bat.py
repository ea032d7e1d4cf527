"""Checkpoints of BAT (arXiv:2402.01591): a projector and adapters of a language model, which both lie elsewhere.

The training script saves what it trained, and nothing else: the Q-Former under ``encoder_projector.`` and the LoRA matrices
under the names of peft behind ``llm.``. Sizes are told from the shapes; what shapes cannot tell is taken as published.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from safetensors.torch import save_file
from torch import Tensor

from auris.errors import CheckpointError
from auris.io.atomic import atomic_write, write_text
from auris.models.audio_towers import audio_tower
from auris.models.bat_config import ADAPTER, ENCODER, BatConfig, LoraSettings, Precision
from auris.models.checkpoint_conversion.misfits import refuse_misfits
from auris.models.configuration import plain_of
from auris.models.pretrained import (
    CARD,
    CONFIG,
    FORMAT_VERSION,
    SHIPPED,
    from_pretrained,
    refuse_bad_numbers,
    weights_unset,
    write_weights,
)
from auris.models.projectors import ProjectorConfig, build_projector
from auris.models.published import PublishedModel, published_model

_PROJECTOR = "encoder_projector."
_LLM = "llm."
_LORA = re.compile(
    r"llm\.(?P<before>base_model\.model\..*?layers)\.(?P<layer>\d+)\.(?P<part>.+)\.lora_(?P<side>[AB])\.default\.weight"
)
_LAYER = re.compile(r"qformer\.encoder\.layer\.(\d+)\.")
_HEAD_WIDTH = 64  # of an attention head, in every BERT of this size
_READS_VECTORS = ("q_proj", "k_proj", "v_proj")  # layers whose input is as wide as the language model
_Value = TypeVar("_Value")


@dataclass(frozen=True, eq=False)
class BatWeights:
    """What a file holds.

    Attributes:
        projector: sizes.
        lora: of the adapters; None where the file has none.
        encoder_width: of the tokens that the projector reads.
        language_width: of the vectors that it makes.
        layers: of the language model that have adapters.
        projector_weights: under our names.
        adapter_weights: under the names of peft.
    """

    projector: ProjectorConfig
    lora: LoraSettings | None
    encoder_width: int
    language_width: int
    layers: int
    projector_weights: Mapping[str, Tensor]
    adapter_weights: Mapping[str, Tensor]

    @property
    def parameters(self) -> int:
        """How many numbers."""
        return sum(value.numel() for part in (self.projector_weights, self.adapter_weights) for value in part.values())

    def __str__(self) -> str:
        text = f"the projector of BAT ({self.projector.queries} queries, {self.projector.layers} layers)"
        if self.lora is None:
            return text
        targets = " and ".join(self.lora.targets)
        return f"{text} and LoRA of rank {self.lora.rank} on {targets} of {self.layers} layers"


def recognise(tensors: Mapping[str, Tensor], *, file: object) -> BatWeights:
    """Tell sizes from an unwrapped checkpoint, and hold its names and shapes against what such a model has.

    Raises:
        CheckpointError: a tensor is missing, unknown or of another shape, of which the first three are named; or holds NaN.
    """
    projector = {name.removeprefix(_PROJECTOR): value for name, value in tensors.items() if name.startswith(_PROJECTOR)}
    adapters = {name: value for name, value in tensors.items() if name.startswith(_LLM)}
    config, encoder_width, language_width = _projector_sizes(projector, file=file)
    with weights_unset():
        network = build_projector(config, encoder_width=encoder_width, language_width=language_width)
    wanted = {_PROJECTOR + name: value for name, value in network.state_dict().items()}
    lora, layers, lora_shapes = _lora_sizes(adapters, language_width)
    wanted |= {name: torch.empty(shape, device="meta") for name, shape in lora_shapes.items()}
    refuse_misfits(tensors, wanted, needed=wanted.keys(), opening=f"{file}: looks like BAT, but does not fit it")
    refuse_bad_numbers(tensors, where=str(file))
    return BatWeights(
        projector=config,
        lora=lora,
        encoder_width=encoder_width,
        language_width=language_width,
        layers=layers,
        projector_weights=projector,
        adapter_weights={
            name.removeprefix(_LLM).replace(".default.weight", ".weight"): value for name, value in adapters.items()
        },
    )


def _projector_sizes(projector: Mapping[str, Tensor], *, file: object) -> tuple[ProjectorConfig, int, int]:
    shapes = {name: tuple(value.shape) for name, value in projector.items()}

    def size(name: str, axis: int, dimensions: int) -> int:
        shape = shapes.get(name)
        if shape is None:
            raise CheckpointError(f"{file}: damaged, or its projector is not the Q-Former of BAT: missing {_PROJECTOR}{name}")
        if len(shape) != dimensions or 0 in shape:
            raise CheckpointError(f"{file}: {_PROJECTOR}{name} is {shape}, which is no weight of the projector of BAT")
        return shape[axis]

    width = size("query", 2, 3)
    heads, rest = divmod(width, _HEAD_WIDTH)
    if rest or not heads:
        raise CheckpointError(f"{file}: queries of {width} numbers, which are no attention heads of {_HEAD_WIDTH}")
    first = "qformer.encoder.layer.0"
    config = ProjectorConfig(
        queries=size("query", 1, 3),
        layers=_layers((int(found[1]) for name in shapes if (found := _LAYER.match(name))), most=len(shapes)),
        width=width,
        heads=heads,
        inner=size(f"{first}.intermediate_query.dense.weight", 0, 2),
    )
    return config, size(f"{first}.crossattention.attention.key.weight", 1, 2), size("linear.weight", 0, 2)


def _lora_sizes(
    names: Mapping[str, Tensor], language_width: int
) -> tuple[LoraSettings | None, int, dict[str, tuple[int, int]]]:
    """Settings, layers, and the shapes that all adapters must have: in every layer alike, and as most of them are."""
    found = {match: names[name] for name in names if (match := _LORA.fullmatch(name))}
    matrices = {match: value for match, value in found.items() if value.ndim == 2}
    if not matrices:
        return None, 0, {}
    rank = _usual(value.shape[match["side"] == "B"] for match, value in matrices.items())
    before = _usual(match["before"] for match in matrices)
    layers = _layers((int(match["layer"]) for match in matrices), most=len(matrices))
    parts = sorted({match["part"] for match in matrices})
    shapes = {}
    for part in parts:
        ins = [value.shape[1] for match, value in matrices.items() if match["part"] == part and match["side"] == "A"]
        outs = [value.shape[0] for match, value in matrices.items() if match["part"] == part and match["side"] == "B"]
        read = language_width if part.endswith(_READS_VECTORS) or not ins else _usual(ins)
        written = _usual(outs) if outs else read
        for layer in range(layers):
            shapes[f"{_LLM}{before}.{layer}.{part}.lora_A.default.weight"] = (rank, read)
            shapes[f"{_LLM}{before}.{layer}.{part}.lora_B.default.weight"] = (written, rank)
    targets = tuple(dict.fromkeys(part.rpartition(".")[2] for part in parts))
    return LoraSettings(rank=rank, targets=targets), layers, shapes


def _usual(values: Iterable[_Value]) -> _Value:
    return Counter(values).most_common(1)[0][0]


def _layers(numbers: Iterable[int], *, most: int) -> int:
    return min(1 + max(numbers, default=0), most)


@dataclass(frozen=True)
class BatParts:
    """What a converted BAT is put together with.

    Attributes:
        config: of the model.
        notes: what the user has to know or to do, one sentence each.
    """

    config: BatConfig
    notes: tuple[str, ...]


def parts(
    weights: BatWeights,
    *,
    encoder: str | Path | None,
    language_model: str | Path | None,
    precision: Precision,
    folder: Path,
    file: object,
) -> BatParts:
    """Return the configuration of a model with these weights.

    Args:
        weights: of :func:`recognise`.
        encoder: a listener's name or folder; None means that it will be put into the model's folder.
        language_model: name on the Hugging Face Hub, or a folder; None is the published one.
        precision: in which it is to be loaded.
        folder: of the model, for the notes.
        file: for messages.

    Raises:
        CheckpointError: the encoder or the language model are not there or do not fit the projector.
    """
    named, of_encoder = _encoder(encoder, weights, folder=folder, file=file)
    writer, of_writer = _language_model(language_model, weights, file=file)
    config = BatConfig(
        encoder=named, language_model=writer, precision=precision, projector=weights.projector, lora=weights.lora
    )
    if (lora := weights.lora) is None:
        of_lora = "The file has no adapters: the language model is taken as it is."
    else:
        of_lora = (
            f"The file does not say how much its adapters count: {lora.alpha / lora.rank:g} times, with an alpha as published."
        )
    notes = (*of_encoder, *of_writer, of_lora)
    return BatParts(config, notes)


def _encoder(encoder: str | Path | None, weights: BatWeights, *, folder: Path, file: object) -> tuple[str, tuple[str, ...]]:
    if encoder is None:
        note = (
            f"The file holds no encoder. Published with it is Spatial-AST: auris models convert finetuned.pth --to "
            f"{folder / ENCODER} puts it where it is looked for; or name a model folder with --encoder."
        )
        return ENCODER, (note,)
    listener = from_pretrained(encoder)
    width = audio_tower(listener).width
    if width != weights.encoder_width:
        raise CheckpointError(
            f"{file}: the projector reads tokens of {weights.encoder_width} numbers, those of {encoder} have {width}; "
            "the published one reads Spatial-AST"
        )
    named = str(encoder) if str(encoder) in SHIPPED else str(Path(encoder).resolve())
    if listener.architecture == "spatial_ast":
        return named, ()
    note = (
        f"The file does not say which encoder it was trained with. The published one was trained with Spatial-AST, and answers "
        f"make sense with {encoder} ({listener.architecture}) only if it was trained with that."
    )
    return named, (note,)


def _language_model(name: str | Path | None, weights: BatWeights, *, file: object) -> tuple[str, tuple[str, ...]]:
    from auris.models.language_models import language_width

    text = BatConfig.language_model if name is None else str(name)
    is_folder = Path(text).is_dir()
    try:
        width = language_width(text)
    except CheckpointError:
        if is_folder:
            raise
        note = (
            f"It writes with {text}, which is not on this disk: hf download {text}, or name its folder with --language-model."
        )
        return text, (note,)
    if width != weights.language_width:
        raise CheckpointError(
            f"{file}: the projector makes vectors of {weights.language_width} numbers, {text} reads {width}; it was trained "
            "with another language model"
        )
    return str(Path(text).resolve()) if is_folder else text, ()


def write_model(weights: BatWeights, made: BatParts, folder: Path, *, card: str) -> None:
    """Write a model folder: projector, adapters as peft reads them, configuration and card.

    Raises:
        FormatError: the folder cannot be written.
    """
    floats = {name: value.float() for name, value in weights.projector_weights.items()}
    write_weights(floats, folder, architecture="bat")
    if weights.lora is not None:
        adapters = {name: value.float().contiguous() for name, value in weights.adapter_weights.items()}
        with atomic_write(folder / ADAPTER / "adapter_model.safetensors") as temporary:
            save_file(adapters, temporary, metadata={"format": "pt"})
        plain = _peft_config(weights.lora, made.config.language_model)
        write_text(folder / ADAPTER / "adapter_config.json", json.dumps(plain, indent=2) + "\n")
    model = {"format": FORMAT_VERSION, "architecture": "bat", "config": plain_of(made.config)}
    write_text(folder / CONFIG, json.dumps(model, indent=2) + "\n")
    write_text(folder / CARD, card)


def _peft_config(lora: LoraSettings, language_model: str) -> dict[str, object]:
    """What peft needs to know; all else is as it is by default, in every version."""
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": language_model,
        "r": lora.rank,
        "lora_alpha": lora.alpha,
        "lora_dropout": lora.dropout,
        "target_modules": list(lora.targets),
        "bias": "none",
        "inference_mode": True,
    }


def published_as(weights: BatWeights, file: Path) -> PublishedModel | None:
    """Return the published BAT if a file is it, told by its size and by what is in it: its checksum is not known."""
    known = published_model("BAT")
    return known if (file.stat().st_size, weights.parameters) == (known.bytes, known.parameters) else None


def card(name: str, file: Path, weights: BatWeights, made: BatParts, published: PublishedModel | None) -> str:
    """Return the README of a converted model."""
    known = "not a file of the catalogue (`auris models list`): trained further, or by others"
    origin = f"published as `{published.file}` by {published.system}: {published.host}" if published else known
    licence = f"{published.licence} (that of the authors' repository)" if published else "that of whoever trained it"
    config = made.config
    beside = "the folder `encoder` in this one" if config.encoder == ENCODER else f"`{config.encoder}`"
    return f"""---
library_name: auris
tags: [audio-question-answering, spatial-audio]
base_model: {config.language_model}
---
# {name}

BAT (arXiv:2402.01591): {weights}, converted from `{file.name}`.

    auris ask recording.wav "Is the dog on the left?" --model {name}

- Input: layout `binaural`, what its encoder hears at a time, and a question in English.
- Output: an answer of a few words, such as `left, behind, below; 2.5m`.
- Parameters: {weights.parameters / 1e6:.2f} million, without encoder and language model.

## Parts that lie elsewhere

- Encoder: {beside}. The published BAT was trained with Spatial-AST.
- Language model: `{config.language_model}`, loaded in {config.precision}. `adapter/` is a folder of peft for it.

## Origin

- File: `{file.name}`, {origin}.
- Licence of these weights: {licence}. Spatial-AST is published under CC BY-NC 4.0, which forbids commercial use.
- Llama 2, which the published adapters change, has a licence of its own (Llama 2 Community Licence) that must be accepted
  before it can be fetched.

## What the file did not say

{"".join(f"- {note}" + chr(10) for note in made.notes)}"""
