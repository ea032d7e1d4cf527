"""auris: spatial hearing. One noun, the scene; five verbs: simulate, listen, ask, generate, separate.

Names are imported when they are first used, so that ``import auris`` costs next to nothing and does not load torch.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "Audio": "auris.audio",
    "AurisError": "auris.errors",
    "ChannelLayout": "auris.channels",
    "Conversation": "auris.asking",
    "Direction": "auris.geometry",
    "Event": "auris.scene",
    "Generated": "auris.generation",
    "Listener": "auris.scene",
    "Plan": "auris.generation",
    "Reply": "auris.asking",
    "Room": "auris.scene",
    "Scene": "auris.scene",
    "Sound": "auris.scene",
    "Source": "auris.scene",
    "Static": "auris.geometry",
    "Orbit": "auris.geometry",
    "Waypoints": "auris.geometry",
    "ask": "auris.asking",
    "generate": "auris.generation",
    "listen": "auris.pipelines",
    "read_audio": "auris.io.audio_files",
    "read_scene": "auris.io.scene_files",
    "sample_scene": "auris.pipelines",
    "simulate": "auris.pipelines",
    "write_audio": "auris.io.audio_files",
    "write_scene": "auris.io.scene_files",
}
_MODULES = (
    "acoustics",
    "asking",
    "data",
    "dsp",
    "generation",
    "geometry",
    "io",
    "metrics",
    "models",
    "pipelines",
    "plots",
    "training",
    "vocabulary",
)

__all__ = ["__version__", *_HOMES, *_MODULES]  # noqa: PLE0604 - the stub lists them one by one


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"auris.{name}")
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'auris' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
