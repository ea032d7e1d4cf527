"""A small set of rendered scenes, made as every set is made, for tests of how sets are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from auris import seeding
from auris.data.made_sets.scene_items import rendered_item
from auris.data.production.maker import ItemFacts, MadeFile, MadeItem
from auris.data.production.manifest import Form
from auris.data.production.run import make_set
from auris.data.scene_presets import PRESETS
from auris.data.scene_sampler import sample_scene
from auris.data.sound_bank import ProceduralBank
from auris.io.dcase import dcase_text
from auris.io.frame_labels import scene_to_rows

RATE, SECONDS = 24_000, 1.0
LABELS = ProceduralBank().labels
SMALL = replace(
    PRESETS["static"],
    duration=SECONDS,
    sources=(1, 2),
    event_duration=(0.3, 0.8),
    t60=None,
    diffuse_snr_db=None,
    sensor_snr_db=None,
)


@dataclass(frozen=True)
class SceneMaker:
    """Scenes in first-order ambisonics and in mono, with frame labels; every fourth is of the split ``test``."""

    items: int = 10
    seed: int = 5
    preset: str = "small-scenes"

    def __len__(self) -> int:
        return self.items

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"rate": RATE, "seed": self.seed, "items": self.items}

    @property
    def seconds(self) -> float:
        return self.items * SECONDS

    def make(self, index: int) -> MadeItem:
        bank = ProceduralBank()
        scene = sample_scene(SMALL, bank, seeding.derive(self.seed, index))
        item = rendered_item(f"scene_{index:03d}", scene, bank, ("foa", "mono"), sample_rate=RATE)
        text = dcase_text(scene_to_rows(scene, LABELS), year=2023)
        labels = MadeFile(f"metadata/{item.name}.csv", "metadata.csv", text.encode())
        facts = {**item.facts, "split": "train" if index % 4 else "test"}
        return MadeItem(item.name, (*item.files, labels), facts)

    def lists(self, facts: Iterable[ItemFacts]) -> Iterator[MadeFile]:
        yield MadeFile("classes.txt", "classes.txt", "".join(f"{label}\n" for label in LABELS).encode())

    def balance(self) -> Mapping[str, float]:
        return dict.fromkeys(LABELS, 1 / len(LABELS))


def write_small_scenes(out: Path, items: int, *, form: Form = "folders", shard_items: int = 4) -> Path:
    """Make a set of these scenes and return its folder."""
    report = make_set(SceneMaker(items), out, form=form, shard_items=shard_items)
    assert not report.failures
    assert report.finished
    return out
