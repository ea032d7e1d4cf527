"""Scene files: YAML or JSON of :meth:`auris.scene.Scene.to_dict`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from auris.errors import FormatError, SceneError
from auris.io.atomic import write_text
from auris.scene import Scene

_MAX_BYTES = 64 * 2**20


class _PlainLoader(yaml.SafeLoader):
    """SafeLoader without aliases: they add nothing to a scene and can blow up to gigabytes."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not accepted")
        return super().compose_node(parent, index)


def read_plain(path: str | Path) -> Any:
    """Read a YAML or JSON file of plain values.

    Raises:
        FormatError: the file is missing, too large, not UTF-8 text, or not valid YAML or JSON.
    """
    file = Path(path)
    if not file.is_file():
        raise FormatError(f"{file}: no such file")
    if file.stat().st_size > _MAX_BYTES:
        raise FormatError(f"{file}: larger than {_MAX_BYTES // 2**20} MiB, which no scene or recipe is")
    try:
        text = file.read_text(encoding="utf-8")
        return json.loads(text) if file.suffix.lower() == ".json" else yaml.load(text, Loader=_PlainLoader)
    except UnicodeDecodeError:
        raise FormatError(f"{file}: not a text file (UTF-8 expected)") from None
    except RecursionError:
        raise FormatError(f"{file}: nested too deeply") from None
    except (yaml.YAMLError, ValueError) as error:
        where = getattr(error, "problem_mark", None)
        line = f" in line {where.line + 1}" if where else ""
        reason = getattr(error, "problem", None) or str(error)
        raise FormatError(f"{file}: not valid {'JSON' if file.suffix == '.json' else 'YAML'}{line}: {reason}") from None


def read_scene(path: str | Path) -> Scene:
    """Read a scene from a YAML or JSON file.

    Raises:
        FormatError: the file cannot be read or parsed.
        SceneError: it is not a valid scene; the message names the file and the place in it.
    """
    plain = read_plain(path)
    try:
        return Scene.from_dict(plain)
    except SceneError as error:
        raise SceneError(f"{path}: {error}") from None


def write_scene(path: str | Path, scene: Scene) -> None:
    """Write a scene atomically; ``.json`` writes JSON, anything else YAML."""
    write_text(path, format_scene(scene, style="json" if Path(path).suffix.lower() == ".json" else "yaml"))


def format_scene(scene: Scene, *, style: str = "yaml") -> str:
    """Return a scene as YAML or JSON text."""
    if style == "json":
        return json.dumps(scene.to_dict(), indent=2) + "\n"
    return yaml.safe_dump(scene.to_dict(), sort_keys=False, default_flow_style=None, width=120)
