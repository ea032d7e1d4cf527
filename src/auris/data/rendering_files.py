"""What a simulated scene leaves on disk: audio, labels and the scene itself, in one folder that appears whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from auris.acoustics.renderer import Rendering
from auris.errors import FormatError
from auris.io.audio_files import write_audio
from auris.io.dcase import write_dcase
from auris.io.frame_labels import scene_to_rows
from auris.io.scene_files import write_scene
from auris.scene import Scene


@dataclass(frozen=True)
class WrittenScene:
    """The folder of one scene and the files in it."""

    folder: Path
    scene: Scene
    files: tuple[Path, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return a plain dictionary for ``--json``."""
        return {"folder": str(self.folder), "files": [str(f) for f in self.files], "scene": self.scene.to_dict()}


def write_renderings(
    folder: str | Path,
    renderings: Sequence[Rendering],
    *,
    classes: Sequence[str] | None = None,
    dcase_year: int = 2024,
    contents: Literal["mixture", "stems"] = "mixture",
    existing: Literal["refuse", "replace"] = "refuse",
) -> WrittenScene:
    """Write one scene, rendered to one or more layouts.

    Files: ``<layout>.wav`` (32-bit float), ``scene.yaml``, ``labels.csv`` (DCASE format of ``dcase_year``) and ``classes.txt``,
    whose lines name the class numbers: ``classes``, or the sorted labels of the scene. With ``contents="stems"`` also
    ``stems/<nn>_<class>_<layout>.wav``, ``stems/background_<layout>.wav`` and ``dry/<nn>_<class>.wav``.

    Raises:
        ParameterError: the scene has a class that is not among ``classes``.
        FormatError: the folder holds something already and ``existing`` is ``"refuse"``, or cannot be written.
    """
    target = Path(folder)
    if target.exists() and (not target.is_dir() or any(target.iterdir())) and existing == "refuse":
        raise FormatError(f"{target} is not empty; choose another folder or allow it to be overwritten (--overwrite)")
    scene = renderings[0].scene
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise FormatError(f"cannot write {target}: {error.strerror or error}") from None
    try:
        numbered = tuple(classes) if classes is not None else scene.labels
        names = _write_all(temporary, renderings, classes=numbered, dcase_year=dcase_year, contents=contents)
        _move_into_place(temporary, target, names)
    except OSError as error:
        raise FormatError(f"cannot write {target}: {error.strerror or error}") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return WrittenScene(target, scene, tuple(target / name for name in names))


def _write_all(
    folder: Path, renderings: Sequence[Rendering], *, classes: tuple[str, ...], dcase_year: int, contents: str
) -> list[str]:
    scene = renderings[0].scene
    names = ["scene.yaml", "labels.csv", "classes.txt"]
    write_scene(folder / names[0], scene)
    write_dcase(folder / names[1], scene_to_rows(scene, classes), year=dcase_year)
    (folder / names[2]).write_text("".join(f"{label}\n" for label in classes), encoding="utf-8")
    for rendering in renderings:
        layout = rendering.mixture.layout.name
        audio = {f"{layout}.wav": rendering.mixture}
        if contents == "stems":
            titles = [f"{i:02d}_{_file_name(s.label)}" for i, s in enumerate(scene.sources)]
            audio |= {f"stems/{t}_{layout}.wav": stem for t, stem in zip(titles, rendering.stems, strict=True)}
            audio |= {f"dry/{t}.wav": dry for t, dry in zip(titles, rendering.dry, strict=True)}
            if rendering.background is not None:
                audio[f"stems/background_{layout}.wav"] = rendering.background
        for name, item in audio.items():
            write_audio(folder / name, item)
        names += [name for name in audio if name not in names]
    return names


def _remove_stale(folder: Path, names: Sequence[str]) -> None:
    """Remove the audio of an earlier scene, which must not stand beside the truth of this one; nothing else."""
    ours = re.compile(r"(mono|stereo|binaural|foa|hoa\d|tetra|array\d+)\.wav|stems/(\d+|background)_.*\.wav|dry/\d+_.*\.wav")
    for path in [*folder.glob("*.wav"), *folder.glob("stems/*.wav"), *folder.glob("dry/*.wav")]:
        name = path.relative_to(folder).as_posix()
        if ours.fullmatch(name) and name not in names:
            path.unlink()


def _file_name(label: str) -> str:
    """A label as part of a file name: letters, digits, dash and underscore only."""
    return re.sub(r"[^\w-]+", "_", label)[:80]


def _move_into_place(temporary: Path, target: Path, names: Sequence[str]) -> None:
    """Rename the whole folder where possible; otherwise file by file into the folder that is there."""
    os.chmod(temporary, 0o755)
    if not target.exists() or not any(target.iterdir()):
        os.replace(temporary, target)
        return
    # The truth comes last: a folder without scene.yaml is one that was cut short.
    if (target / "scene.yaml").exists():
        _remove_stale(target, names)
        (target / "scene.yaml").unlink()
    for name in sorted(names, key=lambda name: name == "scene.yaml"):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(temporary / name, target / name)
