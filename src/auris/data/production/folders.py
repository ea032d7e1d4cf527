"""Items as plain files, in the layout that the field knows them in."""

from __future__ import annotations

from hashlib import sha256

from auris.data.production.maker import MadeFile, MadeItem
from auris.data.production.manifest import ManifestItem, StoredFile
from auris.data.production.staging import Staging


def write_file(place: Staging, file: MadeFile) -> StoredFile:
    """Write a file and return what is remembered of it."""
    place.put(file.path, file.content)
    return StoredFile(file.path, len(file.content), sha256(file.content).hexdigest(), file.field)


def write_item(place: Staging, index: int, item: MadeItem) -> ManifestItem:
    """Write the files of an item and return what is remembered of it."""
    return ManifestItem(index, item.name, tuple(write_file(place, file) for file in item.files), item.facts)
