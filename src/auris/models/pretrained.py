"""Model folders and the only table of model names.

A model folder holds ``config.json`` (architecture and the constructor's dataclass), ``model.safetensors`` and
``README.md`` (the card: data, measurements, limits, licence). Nothing in it is ever unpickled.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from auris.errors import AurisError, CheckpointError, ParameterError, did_you_mean, unknown_name
from auris.io.atomic import atomic_write, write_text
from auris.models.configuration import dataclass_from, plain_of
from auris.models.published import PUBLISHED

FORMAT_VERSION = 1
CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"

ARCHITECTURES = {
    "bat": "auris.models.bat:Bat",
    "dspast": "auris.models.dspast:Dspast",
    "pseldnet": "auris.models.pseldnet.network:PseldNet",
    "scene_diffusion": "auris.models.scene_diffusion.generator:SceneGenerator",
    "seld_crnn": "auris.models.seld_crnn:SeldCrnn",
    "spatial_ast": "auris.models.spatial_ast:SpatialAst",
    "spatialsonic": "auris.models.spatialsonic.network:SpatialSonic",
    "stereocrw": "auris.models.stereocrw:StereoCrw",
}
SHIPPED = ("nano-foa", "nano-binaural", "nano-stereo", "spatial-ast-nano", "dspast-nano", "nano-generator", "stereocrw-nano")
# Of models that are put together: folders of networks, of language models and of their adapters.
_PARTS = ("*/*.json", "*/*.safetensors", "*/*.model", f"*/{CARD}")
# What an architecture is for; those that are not named listen.
_TASKS = {"bat": "ask", "scene_diffusion": "generate", "spatialsonic": "generate", "stereocrw": "measure"}
_WEIGHTS_FOLDER = Path(__file__).resolve().parents[1] / "weights"


def create(name: str, **config: Any) -> Any:
    """Build an untrained network.

    Args:
        name: an architecture of :data:`ARCHITECTURES`.
        **config: fields of the architecture's configuration dataclass.

    Raises:
        ParameterError: the name or a field is unknown, or a value is refused.

    >>> create("seld_crnn", labels=["dog", "speech"], layout="binaural").layout.name
    'binaural'
    """
    kind = _architecture(name)
    if hasattr(kind, "from_folder"):
        raise ParameterError(
            f"{name} is put together from parts of its own; build it from its class, or load it with from_pretrained"
        )
    return _built(kind, dataclass_from(kind.config_class, config, where=f"{name} configuration"))


def from_pretrained(name_or_path: str | Path, *, source: Literal["local", "hub"] = "local") -> Any:
    """Load a model, ready to listen (in evaluation mode).

    Args:
        name_or_path: a shipped model's name (:data:`SHIPPED`), a model folder, or with ``source="hub"`` a repository of
            the Hugging Face Hub.
        source: ``hub`` is the only way to reach the network, and only when asked.

    Raises:
        CheckpointError: there is no such model, or its folder is incomplete, damaged or of another format.
    """
    folder = _downloaded(str(name_or_path)) if source == "hub" else model_folder(name_or_path)
    plain = read_config(folder)
    kind = _architecture(plain["architecture"], folder)
    try:
        model = kind.from_folder(folder, plain["config"]) if hasattr(kind, "from_folder") else _from_folder(kind, folder, plain)
    except ParameterError as error:
        raise CheckpointError(str(error)) from None
    model.name = str(name_or_path) if str(name_or_path) in SHIPPED or source == "hub" else folder.name
    return model.eval()


def _from_folder(kind: Any, folder: Path, plain: Mapping[str, Any]) -> Any:
    config = dataclass_from(kind.config_class, plain["config"], where=str(folder / CONFIG))
    with weights_unset():
        model = _built(kind, config)
    assign_weights(model, read_weights(folder), where=str(folder / WEIGHTS))
    return model


@contextmanager
def weights_unset() -> Iterator[None]:
    """Build networks without reserving or drawing their weights, which are then to be assigned.

    Layers reserve parameters with ``torch.empty``; on torch's meta device that costs nothing, nor does the random start.
    Everything else (windows, filter banks, index tables) is computed as always.
    """
    with _EmptyOnMeta():
        yield


class _EmptyOnMeta(TorchFunctionMode):
    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func is torch.empty and kwargs.get("device") is None:
            kwargs["device"] = "meta"
        return func(*args, **kwargs)


def assign_weights(model: nn.Module, tensors: Mapping[str, Tensor], *, where: str) -> None:
    """Give a network exactly its weights: every one of them, of its shape, finite; nothing is copied that fits as it is.

    Args:
        model: built under :func:`weights_unset`, or any other.
        tensors: by the names of its ``state_dict``.
        where: the file they come from, for messages.

    Raises:
        CheckpointError: a weight is missing, unknown, of another shape, or not finite; the text names the first three.
    """
    wanted = model.state_dict()
    problems = [f"missing {key}" for key in wanted.keys() - tensors.keys()]
    problems += [f"unknown {key}" for key in tensors.keys() - wanted.keys()]
    problems += [
        f"{key} is {tuple(tensors[key].shape)}, needed {tuple(wanted[key].shape)}"
        for key in wanted.keys() & tensors.keys()
        if tensors[key].shape != wanted[key].shape
    ]
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise CheckpointError(f"{where}: the weights do not fit the configuration: {'; '.join(sorted(problems)[:3])}{more}")
    refuse_bad_numbers(tensors, where=where)
    model.load_state_dict({key: value.to(wanted[key].dtype) for key, value in tensors.items()}, assign=True)
    assert not any(buffer.is_meta for buffer in model.buffers()), "a buffer was made with torch.empty"


def refuse_bad_numbers(tensors: Mapping[str, Tensor], *, where: str) -> None:
    """Refuse weights that hold NaN or infinite values.

    Raises:
        CheckpointError: with the name of the first.
    """
    for name, value in tensors.items():
        # Smallest and largest show NaN as well, without a mask of the tensor's size.
        if value.is_floating_point() and value.numel() and not torch.stack(value.aminmax()).isfinite().all():
            raise CheckpointError(f"{where}: {name} holds NaN or infinite values; the training that made it failed")


def save_pretrained(model: Any, folder: str | Path, *, card: str) -> None:
    """Write a model folder: configuration, weights and card, each atomically.

    Args:
        model: a network of one of the :data:`ARCHITECTURES`; one of several parts writes them into folders of their own.
        folder: created if missing.
        card: the text of README.md: data, measurements, limits, licence.

    Raises:
        FormatError: the folder cannot be written.
    """
    if hasattr(model, "save_pretrained"):
        model.save_pretrained(folder, card=card)
        return
    target = Path(folder)
    write_weights(model.state_dict(), target, architecture=model.architecture)
    plain = {"format": FORMAT_VERSION, "architecture": model.architecture, "config": plain_of(model.config)}
    write_text(target / CONFIG, json.dumps(plain, indent=2) + "\n")
    write_text(target / CARD, card)


def write_weights(tensors: Mapping[str, Tensor], folder: Path, *, architecture: str) -> None:
    """Write the weights of a model folder.

    Raises:
        FormatError: the file cannot be written.
    """
    from safetensors.torch import save_file

    plain = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
    with atomic_write(folder / WEIGHTS) as temporary:
        save_file(plain, temporary, metadata={"format": "pt", "architecture": architecture})


def describe(name_or_path: str | Path) -> dict[str, Any]:
    """Return what a model folder says of itself, without loading its weights.

    These are: name, architecture, task (``listen``, ``ask``, ``generate`` or ``measure``), config, layout, card, bytes.

    Raises:
        CheckpointError: as :func:`from_pretrained`.
    """
    folder = model_folder(name_or_path)
    config = read_config(folder)
    card = folder / CARD
    return {
        "name": str(name_or_path),
        "architecture": config["architecture"],
        "task": _TASKS.get(config["architecture"], "listen"),
        "config": config["config"],
        "layout": config["config"].get("layout", "binaural"),  # networks of clips hear nothing else
        "bytes": sum(file.stat().st_size for file in folder.rglob("*.safetensors")),
        "card": card.read_text(encoding="utf-8") if card.is_file() else "",
    }


def model_folder(name_or_path: str | Path) -> Path:
    """Return the folder of a shipped model, or a model folder as it was given.

    Raises:
        CheckpointError: there is neither; the text names what ships.
    """
    text = str(name_or_path)
    if text in SHIPPED and not Path(text).is_dir():
        folder = _WEIGHTS_FOLDER / text
        if not folder.is_dir():
            raise CheckpointError(f"the shipped model {text!r} is missing from this installation; reinstall auris")
        return folder
    folder = Path(name_or_path)
    if folder.is_dir():
        return folder
    if folder.exists():
        raise CheckpointError(f"{folder}: a model is a folder with {CONFIG} and {WEIGHTS}, this is a file")
    if text.lower() in (model.name.lower() for model in PUBLISHED):
        raise CheckpointError(f"{text} is published, but not a model folder here; auris models show {text} tells how to get it")
    hint = did_you_mean(text, SHIPPED) or "."
    raise CheckpointError(
        f"no model called {text!r}{hint} Shipped: {', '.join(SHIPPED)}; or give a model folder, or source='hub'"
    )


def _downloaded(repository: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(repository, allow_patterns=[CONFIG, WEIGHTS, CARD, *_PARTS]))
    except Exception as error:  # the hub raises a dozen kinds, from name syntax to time-outs
        reason = str(error).strip().split("\n")[0]
        raise CheckpointError(f"cannot fetch {repository!r} from the Hugging Face Hub: {reason}") from None


def read_config(folder: Path) -> dict[str, Any]:
    """Read what a model folder is: ``format``, ``architecture`` and ``config``.

    Raises:
        CheckpointError: the file is missing, damaged, or of another format.
    """
    file = folder / CONFIG
    if not file.is_file():
        raise CheckpointError(f"{file.parent}: {CONFIG} is missing; a model folder holds {CONFIG}, {WEIGHTS} and {CARD}")
    try:
        plain = json.loads(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise CheckpointError(f"{file}: not valid JSON; the file is damaged, fetch or save the model again") from None
    if not isinstance(plain, dict) or not {"format", "architecture", "config"} <= set(plain):
        raise CheckpointError(f"{file}: not an auris model; it needs the keys format, architecture, config")
    if plain["format"] != FORMAT_VERSION:
        raise CheckpointError(f"{file}: format {plain['format']!r}, this auris reads {FORMAT_VERSION}; update auris")
    return plain


def _architecture(name: str, folder: Path | None = None) -> Any:
    if name not in ARCHITECTURES:
        text = unknown_name("architecture", name, ARCHITECTURES)
        raise CheckpointError(f"{folder / CONFIG}: {text}") if folder else ParameterError(text)
    module, attribute = ARCHITECTURES[name].split(":")
    return getattr(importlib.import_module(module), attribute)


def _built(kind: Any, config: Any) -> Any:
    try:
        return kind(config)
    except AurisError:
        raise
    except (RuntimeError, TypeError, ValueError, ArithmeticError) as error:
        raise ParameterError(f"the configuration makes no network: {error}") from None


def read_weights(folder: Path) -> dict[str, Tensor]:
    """Read the weights of a model folder.

    Raises:
        CheckpointError: there are none, or they are damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    file = folder / WEIGHTS
    if not file.is_file():
        raise CheckpointError(f"{folder}: {WEIGHTS} is missing; fetch or save the model again")
    try:
        return load_file(file)
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{file}: damaged or not safetensors ({error}); fetch or save the model again") from None
