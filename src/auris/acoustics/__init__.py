"""How rooms sound: image sources, late reverberation, receivers and the renderer.

:func:`render` turns a scene and the dry sounds of its sources into what a receiver hears. Behind it stand a rectangular
room (:mod:`~auris.acoustics.engine`), a free field, measured responses (:mod:`~auris.acoustics.measured`) and, with
pyroomacoustics, rooms of any outline (:mod:`~auris.acoustics.polyhedral`).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from auris.acoustics.renderer import Rendering, render, render_batch
    from auris.acoustics.response_engine import ResponseEngine

__all__ = ["Rendering", "ResponseEngine", "render", "render_batch"]

_HOMES = {"ResponseEngine": "response_engine"}


def __getattr__(name: str) -> Any:
    # Compiled code and torch are loaded with the renderer, not with the package.
    if name in __all__:
        return getattr(importlib.import_module(f"auris.acoustics.{_HOMES.get(name, 'renderer')}"), name)
    raise AttributeError(f"module 'auris.acoustics' has no attribute {name!r}")
