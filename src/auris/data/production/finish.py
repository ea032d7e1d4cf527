"""The end of a set: manifest, lists, card and description, from the records of all units."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256

from auris.data.production.card import attribution_csv, card_text, recordings
from auris.data.production.folders import write_file
from auris.data.production.maker import ItemFacts, MadeFile
from auris.data.production.manifest import (
    CARD,
    DESCRIPTION,
    MANIFEST,
    Description,
    Manifest,
    ManifestItems,
    StoredFile,
    json_line,
)
from auris.data.production.records import Records
from auris.data.production.staging import Staging, staging
from auris.data.production.units import SetWork, check_path
from auris.data.sound_catalogues.attribution import ATTRIBUTION_FILE, Attribution

Credits = Callable[[Sequence[str]], Sequence[Attribution]]
"""Returns whose some recordings are (:meth:`auris.data.sound_bank.Bank.attribution`)."""


def finish_set(work: SetWork, description: Description, *, owner: str, credits_of: Credits) -> None:
    """Write what belongs to the set as a whole; ``set.json`` comes last and says that it is finished.

    It depends on nothing but records and credits, so any number of runs may do it, at the same time too.

    Args:
        work: the set.
        description: of it.
        owner: names the temporary files.
        credits_of: tells whose the recordings are that are heard.

    Raises:
        FormatError: a record is damaged, or files cannot be written.
    """
    with staging(work.out, owner) as place:
        manifest, shards = _write_manifest(work, place)
        files = [manifest]
        for file in work.maker.lists(_facts(work)):
            check_path(file.path)
            files.append(write_file(place, MadeFile(file.path, "", file.content)))
        place.commit()
        whole = Manifest(description, ManifestItems(work.out / MANIFEST), tuple(files), tuple(shards))
        attribution = credits_of(recordings(whole))
        if attribution:
            table = attribution_csv(attribution).encode()
            files.append(write_file(place, MadeFile(ATTRIBUTION_FILE, "", table)))
        card = card_text(replace(whole, files=tuple(files)), attribution).encode()
        files.append(write_file(place, MadeFile(CARD, "", card)))
        plain = description.to_dict() | {"files": [file.to_dict() for file in files], "shards": [s.to_dict() for s in shards]}
        place.put(DESCRIPTION, json.dumps(plain, indent=1, ensure_ascii=False).encode() + b"\n")
        place.commit()


def _write_manifest(work: SetWork, place: Staging) -> tuple[StoredFile, list[StoredFile]]:
    digest, size = sha256(), 0
    shards = []
    with place.file(MANIFEST) as stream:
        for unit in range(work.units):
            record = Records(work.out).read(unit)
            if record.shard is not None:
                shards.append(record.shard)
            for item in record.items:
                line = json_line(item.to_dict())
                digest.update(line)
                size += stream.write(line)
    return StoredFile(MANIFEST, size, digest.hexdigest()), shards


def _facts(work: SetWork) -> Iterator[ItemFacts]:
    for unit in range(work.units):
        for item in Records(work.out).read(unit).items:
            yield ItemFacts(item.index, item.name, item.facts)
