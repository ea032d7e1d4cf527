"""Reading checkpoints of other projects without running what is in them.

A ``.pth`` or ``.ckpt`` file is a pickle, and a pickle may hold code. Everything here goes through the restricted unpickler
of ``torch.load(weights_only=True)``, which builds tensors and containers only. Training scripts leave their settings beside
the weights (argparse, OmegaConf, Lightning callbacks); those few kinds are replaced by inert placeholders so that the
weights can be read on a machine without those packages. Anything else is refused by name.
"""

from __future__ import annotations

import pickle
import pickletools
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from auris.errors import CheckpointError

_ACCEPTED = "a PyTorch checkpoint (.ckpt, .pth, .pt) or .safetensors"
_DOWNLOAD_AGAIN = "download it again"
# What other formats begin with: recognised to say what the file is instead of what it is not.
_FOREIGN = {
    b"\x1f\x8b": "a gzip archive; unpack it first",
    b"7z\xbc\xaf": "a 7z archive; unpack it first",
    b"Rar!": "a RAR archive; unpack it first",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy array",
    b"RIFF": "an audio file",
    b"fLaC": "an audio file",
}
# Settings and bookkeeping that training scripts pickle beside the weights.
_BOOKKEEPING = (
    "argparse.Namespace",
    "builtins.bool",
    "builtins.dict",
    "builtins.float",
    "builtins.int",
    "builtins.list",
    "builtins.str",
    "builtins.tuple",
    "collections.defaultdict",
    "habitat.config.",
    "lightning.",
    "numpy.",
    "omegaconf.",
    "pathlib.",
    "pytorch_lightning.",
    "typing.Any",
    "yacs.config.",
)
_TENSORS = ("torch.", "collections.OrderedDict", "_codecs.encode")
# Where frameworks put the weights inside what they save: Lightning, then PANNs and most research code.
_CONTAINERS = ("state_dict", "model", "model_state_dict")


class _Inert:
    """Stands for an object whose class is not imported: takes any state, does nothing."""

    def __new__(cls, *_: object) -> Any:
        # torch's unpickler fills plain dictionaries only.
        return {} if cls.__name__ == "defaultdict" else super().__new__(cls)

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


def read_tensors(file: str | Path) -> dict[str, Tensor]:
    """Return the weights in a checkpoint by name, on the CPU, memory-mapped where the format allows it.

    The dictionaries that training frameworks wrap around them (``state_dict`` of Lightning, ``model`` of PANNs) are opened.

    Raises:
        CheckpointError: the file is missing, no checkpoint, damaged, holds code, or holds no weights; the text says which.
    """
    path = Path(file)
    magic = _first_bytes(path)
    plain: Any = _safetensors(path) if _is_safetensors(magic) else _pickled(path, magic)
    if not isinstance(plain, dict):
        raise CheckpointError(f"{path}: holds a {type(plain).__name__}, no named weights")
    for container in _CONTAINERS:
        if isinstance(plain.get(container), dict):
            plain = plain[container]
            break
    tensors = {str(key): value for key, value in plain.items() if isinstance(value, Tensor)}
    if not tensors:
        names = ", ".join(repr(str(key)) for key in list(plain)[:5]) or "nothing"
        raise CheckpointError(f"{path}: holds no weights, only {names}")
    return tensors


def _first_bytes(path: Path) -> bytes:
    """Return the beginning of a file that may be a checkpoint."""
    if path.is_dir():
        raise CheckpointError(f"{path} is a folder; give the checkpoint file itself: {_ACCEPTED}")
    try:
        with path.open("rb") as stream:
            magic = stream.read(512)
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such file") from None
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror or error})") from None
    if not magic:
        raise CheckpointError(f"{path}: the file is empty; {_DOWNLOAD_AGAIN}")
    if magic.startswith(b"version https://git-lfs"):
        raise CheckpointError(f"{path}: a Git LFS pointer, not the file it points to; run: git lfs pull")
    if magic.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        raise CheckpointError(
            f"{path}: a web page, not a checkpoint; the site answered with a confirmation or an error. Download it in a browser"
        )
    for beginning, what in _FOREIGN.items():
        if magic.startswith(beginning):
            raise CheckpointError(f"{path}: {what}; accepted: {_ACCEPTED}")
    return magic


def _is_safetensors(magic: bytes) -> bool:
    """Whether a file starts like safetensors: the length of a JSON header, then the header."""
    return len(magic) > 9 and magic[8:9] == b"{" and int.from_bytes(magic[:8], "little") < 100_000_000


def _safetensors(path: Path) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path}: damaged safetensors file ({error}); {_DOWNLOAD_AGAIN}") from None


def _pickled(path: Path, magic: bytes) -> Any:
    """Read either format of ``torch.save``: the zip archive, or the bare pickles of before 2020."""
    zipped = magic.startswith(b"PK")
    if not zipped and not magic.startswith(b"\x80"):
        raise CheckpointError(f"{path}: not a checkpoint; accepted: {_ACCEPTED}")
    if zipped:
        _refuse_other_archives(path)
    elif magic[1:2] not in (b"", b"\x02"):
        raise CheckpointError(f"{path}: a Python pickle, which may hold code, refused; accepted: {_ACCEPTED}")
    wanted = _globals(path, zipped=zipped)
    inert: list[Any] = [_placeholder(name) for name in sorted(wanted) if name.startswith(_BOOKKEEPING)]
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(inert):
            warnings.simplefilter("ignore", UserWarning)  # the version of the pickle protocol is no concern of the user
            return torch.load(path, map_location="cpu", weights_only=True, mmap=True if zipped else None)
    except pickle.UnpicklingError:
        code = sorted(name for name in wanted if not name.startswith((*_BOOKKEEPING, *_TENSORS)))
        if not code:
            raise CheckpointError(f"{path}: damaged or truncated; {_DOWNLOAD_AGAIN}") from None
        names = ", ".join(code[:3]) + (" …" if len(code) > 3 else "")
        raise CheckpointError(f"{path}: holds code ({names}), refused; auris reads weights only and runs nothing") from None
    except Exception as error:  # a damaged pickle can fail in any way
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise CheckpointError(f"{path}: damaged or truncated ({reason}); {_DOWNLOAD_AGAIN}") from None


def _refuse_other_archives(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise CheckpointError(f"{path}: truncated or damaged, its end is missing; {_DOWNLOAD_AGAIN}") from None
    if not any(name.endswith("data.pkl") for name in names):
        inside = ", ".join(names[:3]) or "nothing"
        raise CheckpointError(f"{path}: a zip archive of {inside}, not a checkpoint; unpack it and give the file inside")


def _globals(path: Path, *, zipped: bool) -> set[str]:
    """Return the dotted names a checkpoint's pickles refer to, without executing them."""
    names: set[str] = set()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # escapes in damaged text
            for stream in _pickle_streams(path, zipped=zipped):
                for opcode, argument, _ in pickletools.genops(stream):
                    if opcode.name in ("GLOBAL", "INST"):
                        names.add(_modern(str(argument).replace(" ", ".")))
                    elif opcode.name == "STACK_GLOBAL":  # torch.save writes protocol 2, which has none
                        names.add("objects of pickle protocol 4")
    except Exception:  # damaged, in any way: what reads the file next says so
        pass
    return names


def _modern(name: str) -> str:
    """Return a name as Python 3 has it."""
    return name.replace("__builtin__.", "builtins.", 1) if name.startswith("__builtin__.") else name


def _pickle_streams(path: Path, *, zipped: bool) -> Iterator[Any]:
    if zipped:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith("data.pkl"):
                    with archive.open(name) as stream:
                        yield stream
        return
    with path.open("rb") as stream:
        for _ in range(4):  # magic number, protocol, system, then the object
            yield stream


def _placeholder(name: str) -> type[_Inert]:
    module, _, attribute = name.rpartition(".")
    return type(attribute, (_Inert,), {"__module__": module})
