from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import DatasetCard

from auris.data.production.card import attribution_csv, card_text, hub_licence, recordings
from auris.data.production.manifest import Description, Form, Manifest, ManifestItem, StoredFile
from auris.data.sound_catalogues.attribution import Attribution, stated_credits

# https://huggingface.co/docs/hub/repositories-licenses, those that recordings have
HUB = {"cc", "cc0-1.0", "cc-by-3.0", "cc-by-4.0", "cc-by-nc-3.0", "cc-by-sa-4.0", "cc-by-nc-sa-4.0", "other", "unknown", "mit"}
DOG = Attribution("dog/a.wav", "A | dog\nbarks", "https://freesound.org/s/1/", "someone", "CC-BY-4.0")
RAIN = Attribution("rain/b.wav", licence="CC0")


def event(label: str, file: str | None, onset: float, **more: Any) -> dict[str, Any]:
    heard = {} if file is None else {"file": file}
    return {"label": label, "onset": onset, "offset": onset + 2, "moving": False, "distance": [1.5, 3.0], **heard, **more}


FACTS: tuple[dict[str, Any], ...] = (
    {"seconds": 60.0, "events": [event("dog", "dog/a.wav", 0), event("rain", "rain/b.wav", 1, moving=True)]},
    {"seconds": 60.0, "events": [event("dog", None, 5)], "room": {"t60": 0.5, "volume": 80.0}, "drr_db": [3.0, None]},
    {"seconds": 60.0, "events": [], "room": None, "drr_db": None, "overlap": [50.0, 10.0], "split": "test"},
    {"label": "something else"},
)


def manifest(
    facts: Sequence[Mapping[str, Any]] = FACTS, *, form: Form = "folders", preset: str = "pseldnets", lists: Sequence[str] = ()
) -> Manifest:
    items = []
    for index, known in enumerate(facts):
        name = f"mix{index}"
        place = f"shards/pseldnets-{index // 2:06d}.tar" if form == "shards" else ""
        files = [
            StoredFile(place or f"{kind}/{name}.{end}", 1000, "0" * 64, f"{kind}.{end}", index if place else None)
            for kind, end in (("foa", "flac"), ("metadata", "csv"))
        ]
        items.append(ManifestItem(index, name, tuple(files), known))
    shards = [f"shards/pseldnets-{i:06d}.tar" for i in range(-(-len(facts) // 2))] if form == "shards" else []
    settings = {"duration": 60.0, "t60": [0.2, 1.0], "sounds": {"split": "train"}, "seed": 7, "items": len(facts)}
    return Manifest(
        Description(preset, settings, len(facts), form, 2 if form == "shards" else 1, "0.1.0"),
        items,
        tuple(StoredFile(path, 1, "0" * 64) for path in ("manifest.jsonl", *lists)),
        tuple(StoredFile(path, 1, "0" * 64) for path in shards),
    )


@pytest.mark.parametrize(
    "preset", ["pseldnets", "dcase2022", "spatial-sound-qa", "bewo", "reverb-bank", "active", "custom", "mine"]
)
@pytest.mark.parametrize("form", ["folders", "shards"])
def test_the_hub_reads_the_card(preset: str, form: Form) -> None:
    card = DatasetCard(card_text(manifest(preset=preset, form=form), [DOG, RAIN]))
    data = card.data.to_dict()
    assert data["license"] == ["cc-by-4.0", "cc0-1.0"]
    assert set(data["license"]) <= HUB
    assert data["size_categories"] == ["n<1K"]
    assert data["task_categories"]
    assert ("webdataset" in data["tags"]) == (form == "shards")
    assert (data.get("configs") is not None) == (form == "shards")


def test_the_card_says_how_to_make_it_again() -> None:
    text = card_text(manifest(form="shards"))
    assert "auris data make pseldnets --out DIR --scenes 4 --seed 7 --format shards --shard-items 2" in text
    written = yaml.safe_load(text.split("```yaml\n")[1].split("```")[0])
    assert written == manifest().settings
    assert "With auris 0.1.0" in text


def test_files_are_listed_by_field() -> None:
    folders, shards = card_text(manifest()), card_text(manifest(form="shards", lists=["classes.tsv"]))
    assert "| `foa.flac` | `foa/mix*.flac` | 4 | 0.004 | ambisonics of order 1, ACN/SN3D |" in folders
    assert "| `metadata.csv` | member `<name>.metadata.csv` | 4 | 0.004 | frame labels" in shards
    assert "Tar shards of 2 items: 2 of them, `shards/pseldnets-000000.tar` to `shards/pseldnets-000001.tar`." in shards
    assert "`classes.tsv`" in shards
    assert "DIR/shards/pseldnets-{000000..000001}.tar" in shards


def test_statistics_are_those_of_the_facts() -> None:
    assert recordings(manifest()) == ("dog/a.wav", "rain/b.wav")
    text = card_text(manifest())
    assert "4 items, 3 min of audio, 2 classes" in text
    assert "3 events, 33 % of them moving." in text
    assert "Time with sources at once: 0: 83.3 %, 1: 16.7 %." in text
    assert "| Reverberation time (s) | 0.5 | 0.5 | 0.5 |" in text
    assert "| dog | 2 | 4 s |" in text


def test_sources_are_credited() -> None:
    text = card_text(manifest(), [DOG, RAIN])
    assert "2 recordings are heard" in text
    assert "By licence: CC-BY-4.0 (1), CC0 (1)." in text
    assert "| `dog/a.wav` | A \\| dog barks | someone | https://freesound.org/s/1/ | CC-BY-4.0 |" in text


def test_what_is_not_known_is_said() -> None:
    data = DatasetCard(card_text(manifest(), [DOG])).data.to_dict()
    assert data["license"] == ["cc-by-4.0", "unknown"]
    text = card_text(manifest())
    assert "By licence: unknown (2). Where the licence is unknown, ask" in text
    silent = card_text(manifest([{"seconds": 1.0}]))
    assert "No recordings are heard in this set" in silent
    assert "license" not in DatasetCard(silent).data.to_dict()
    assert "None: the facts of these items say nothing of sounds." in card_text(manifest([{}]))


def test_long_tables_go_to_a_file_where_there_is_one() -> None:
    known = [Attribution(f"dog/{number:03d}.wav", licence="CC0") for number in range(100)]
    facts = [{"recordings": [credit.file for credit in known]}]
    assert card_text(manifest(facts), known).count("`dog/") == 100
    brief = card_text(manifest(facts, lists=["ATTRIBUTION.csv"]), known)
    assert "Title, author and source of each are in `ATTRIBUTION.csv`." in brief
    assert "`dog/" not in brief
    many = [{"events": [event(f"class{number:03d}", None, 0)]} for number in range(60)]
    assert "… and 20 more classes" in card_text(manifest(many))


def test_credits_are_read_back(tmp_path: Path) -> None:
    (tmp_path / "ATTRIBUTION.csv").write_text(attribution_csv([RAIN, DOG]))
    assert list(stated_credits(tmp_path)) == ["dog/a.wav", "rain/b.wav"]
    assert stated_credits(tmp_path)["rain/b.wav"] == RAIN


def test_licences_have_the_names_of_the_hub() -> None:
    names = ["CC-BY-NC-SA-4.0", "CC-BY-SA-4.0", "cc by 4.0", "public domain", "Sampling+", "CC-Sampling+-1.0", "MIT", ""]
    assert [hub_licence(name) for name in names] == [
        "cc-by-nc-sa-4.0",
        "cc-by-sa-4.0",
        "cc-by-4.0",
        "cc0-1.0",
        "other",
        "cc",
        "mit",
        "unknown",
    ]


def test_the_card_is_always_the_same() -> None:
    assert card_text(manifest(), [DOG, RAIN]) == card_text(manifest(), [DOG, RAIN])


def test_items_of_several_kinds_are_not_taken_for_one_table() -> None:
    whole = manifest(form="shards")
    rooms = tuple(
        StoredFile("shards/pseldnets-000001.tar", 10, "0" * 64, field, 0)
        for field in ("hoa2.flac", "mono.0.npy", "mono.12.npy", "dog_room-0.wav")
    )
    mixed = replace(whole, items=[*whole.items, ManifestItem(4, "room", rooms)])
    text = card_text(mixed)
    assert "| `mono.*.npy` | member `<name>.mono.*.npy` | 2 |" in text
    assert "| `dog_*-*.wav` | member `<name>.dog_*-*.wav` | 1 |" in text
    assert "| `hoa2.flac` | member `<name>.hoa2.flac` | 1 | 1e-05 | ambisonics of order 2" in text
    assert "load_dataset" in card_text(whole)
    assert "load_dataset" not in text
    assert "configs" not in text
    assert 'sample["__key__"]' in text
    assert "example.files, example.scene" in text
