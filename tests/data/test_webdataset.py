"""Shards are what the WebDataset library reads and writes."""

from __future__ import annotations

import gc
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import webdataset
from small_scene_sets import RATE, write_small_scenes

from auris.data.datasets import MadeSet, MadeStream

ITEMS = 7

pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # the library leaves its shards open


@pytest.fixture(autouse=True)
def _shards_closed() -> Iterator[None]:
    yield
    gc.collect()  # here, where that may be said


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sets") / "out"
    return write_small_scenes(out, ITEMS, form="shards", shard_items=3)


def pipeline(made: Path) -> Any:
    return webdataset.WebDataset(f"{made}/shards/small-scenes-{{000000..000002}}.tar", shardshuffle=False)


def test_the_library_reads_our_shards(made: Path) -> None:
    ours = MadeSet(made)
    samples = list(pipeline(made))
    assert [sample["__key__"] for sample in samples] == [example.name for example in ours]
    for sample, example in zip(samples, ours, strict=True):
        files = {field: content for field, content in sample.items() if not field.startswith("__")}
        assert files == dict(example.files)


def test_its_decoders_and_tuples_take_them(made: Path) -> None:
    def heard(content: bytes) -> Any:
        return soundfile.read(io.BytesIO(content), dtype="float32")[0].T

    handlers = [webdataset.handle_extension("flac", heard), webdataset.handle_extension("json", json.loads)]
    decoded = pipeline(made).decode(*handlers).to_tuple("foa.flac", "scene.json", "metadata.csv")
    for (samples, scene, _), example in zip(decoded, MadeSet(made), strict=True):
        assert np.array_equal(samples, example.audio["foa"].samples)
        assert scene["duration"] == 1.0


def test_the_card_tells_how(made: Path) -> None:
    card = (made / "README.md").read_text()
    (code,) = re.findall(r"```python\n(import io, soundfile, webdataset.*?)```", card, re.DOTALL)
    found: dict[str, Any] = {}
    exec(code.replace("DIR", str(made)), found)
    assert found["sample_rate"] == RATE
    assert found["samples"].shape == (RATE, 4)


def test_we_read_what_the_library_writes(tmp_path: Path) -> None:
    audio = io.BytesIO()
    soundfile.write(audio, np.full((100, 1), 0.5), RATE, format="FLAC")
    with webdataset.ShardWriter(f"{tmp_path}/set-%06d.tar", maxcount=4, verbose=0) as writer:
        for number in range(10):
            writer.write(
                {"__key__": f"a.b/{'deep' * 40}/clip{number:03d}", "flac": audio.getvalue(), "cls.json": {"n": number}}
            )
    examples = list(MadeStream(tmp_path, order="stored"))
    assert [json.loads(example.files["cls.json"])["n"] for example in examples] == list(range(10))
    theirs = webdataset.WebDataset(sorted(map(str, tmp_path.glob("*.tar"))), shardshuffle=False)
    assert [example.name for example in examples] == [sample["__key__"] for sample in theirs]
    assert examples[3].heard().samples.max() == 0.5
