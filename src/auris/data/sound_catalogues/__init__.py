"""Sets of sounds as they are published: one module for each layout, all read into the same catalogue of clips by class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from auris.data.sound_catalogues import (
    audioset,
    class_folders,
    esc50,
    fsd50k,
    librispeech,
    manifest,
    musdb,
    urbansound8k,
)
from auris.data.sound_catalogues.attribution import Attribution, stated_credits
from auris.data.sound_catalogues.entries import CatalogueKind, SoundTree, sound_tree
from auris.errors import FormatError, ParameterError, unknown_name

# In the order in which an unknown folder is compared with them: what any folder could be comes last.
_KINDS = (
    esc50.KIND,
    urbansound8k.KIND,
    fsd50k.KIND,
    librispeech.KIND,
    librispeech.SPEAKERS_KIND,
    musdb.KIND,
    audioset.KIND,
    manifest.KIND,
    class_folders.KIND,
)
KINDS: Mapping[str, CatalogueKind] = {kind.name: kind for kind in _KINDS}


def kind_of(tree: SoundTree, kind: str = "auto") -> CatalogueKind:
    """Return the layout of a folder of sounds.

    Args:
        tree: the folder and its files.
        kind: name of a layout, or ``auto`` to find out.

    Raises:
        ParameterError: there is no such layout.
        FormatError: the folder looks like none of the layouts, or not like the one asked for.
    """
    if kind not in (*KINDS, "auto"):
        raise ParameterError(unknown_name("kind of sound folder", kind, (*KINDS, "auto")))
    asked = KINDS.values() if kind == "auto" else (KINDS[kind],)
    found = next((candidate for candidate in asked if candidate.recognises(tree)), None)
    if found is None:
        looked = "; ".join(candidate.looks_for for candidate in asked)
        raise FormatError(f"{tree.folder}: {_state(tree)}. Looked for: {looked}")
    if kind == "auto" and found is class_folders.KIND and len(tree.folders) == 1:
        _refuse_one_level_up(tree)
    return found


def _refuse_one_level_up(tree: SoundTree) -> None:
    """Refuse a folder whose only folder is a published set, which would be read as one class."""
    inner = sound_tree(tree.folder / tree.folders[0])
    published = next((kind for kind in _KINDS if kind is not class_folders.KIND and kind.recognises(inner)), None)
    if published is not None:
        raise FormatError(f"{tree.folder}: holds one folder, which looks like {published.looks_for}; give {inner.folder}")


def attributions(kind: CatalogueKind, tree: SoundTree, files: Iterable[str]) -> tuple[Attribution, ...]:
    """Return title, author, source and licence of files, each once: by ``ATTRIBUTION.csv``, otherwise by the set's own lists.

    Raises:
        FormatError: the lists that tell it are damaged.
    """
    wanted = list(dict.fromkeys(files))
    stated = stated_credits(tree.folder)
    rest = [file for file in wanted if file not in stated]
    published = kind.credits(tree, rest) if rest else {}
    return tuple(stated.get(file) or published.get(file) or Attribution(file) for file in wanted)


def _state(tree: SoundTree) -> str:
    if tree.closed:
        return next(iter(tree.closed.values()))
    if any("/" not in file for file in tree.files):
        return "it holds recordings directly; move them into one folder per class, or list them in a CSV file"
    return "not a known set of sounds" if tree.folders or tree.files or tree.lists else "it is empty"
