from __future__ import annotations

import io
import pickle
import tarfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from small_scene_sets import RATE, SceneMaker, write_small_scenes
from torch.utils.data import DataLoader, IterableDataset

from auris.data.datasets import MadeSet, MadeStream
from auris.data.made_examples import MadeExample
from auris.errors import FormatError, LayoutError, ParameterError

ITEMS = 11
MAKER = SceneMaker(ITEMS)


@pytest.fixture(scope="module", params=["folders", "shards"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sets") / request.param
    return write_small_scenes(out, ITEMS, form=request.param)


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("shards") / "out"
    return write_small_scenes(out, ITEMS, form="shards")


@pytest.fixture
def foreign(shards: Path, tmp_path: Path) -> Path:
    """The shards alone, as anybody may have written them."""
    for shard in sorted(shards.glob("shards/*.tar")):
        (tmp_path / shard.name).write_bytes(shard.read_bytes())
    return tmp_path


def names(examples: list[MadeExample]) -> list[str]:
    return [example.name for example in examples]


def listed(examples: list[MadeExample]) -> list[MadeExample]:
    """What a loader of whole examples collates."""
    return examples


def test_what_was_made_is_read_back(made: Path) -> None:
    examples = MadeSet(made)
    assert len(examples) == ITEMS
    for index in (0, 5, ITEMS - 1):
        item, example = MAKER.make(index), examples[index]
        assert (example.name, example.index, example.facts) == (item.name, index, item.facts)
        assert dict(example.files) == {file.field: file.content for file in item.files}
        scene = example.scene
        assert scene is not None
        assert scene.labels == tuple(sorted({event["label"] for event in item.facts["events"]}))
        assert example.labels is not None
        assert len(example.labels) == example.files["metadata.csv"].count(b"\n")
        assert np.nanmax(np.abs(example.labels.distance)) > 0.4
        for name, channels in (("foa", 4), ("mono", 1)):
            written, rate = soundfile.read(io.BytesIO(example.files[f"{name}.flac"]), dtype="float32", always_2d=True)
            assert (example.audio[name].channels, example.audio[name].sample_rate) == (channels, rate)
            assert np.array_equal(example.audio[name].samples, written.T)
            assert example.heard(name) is example.audio[name]
    assert examples[-1].name == examples[ITEMS - 1].name
    with pytest.raises(IndexError):
        examples[ITEMS]


def test_only_what_is_asked_for_is_decoded(made: Path) -> None:
    assert list(MadeSet(made, layouts="foa")[0].audio) == ["foa"]
    assert list(MadeSet(made, layouts=())[0].audio) == []
    example = MadeSet(made)[0]
    assert list(example.audio) == ["foa", "mono"]
    assert example.audio["foa"] is example.audio["foa"]
    with pytest.raises(LayoutError, match=r"'scene_002' has no recording 'binaural'; it has: foa, mono"):
        MadeSet(made, layouts="binaural")[2]
    with pytest.raises(LayoutError, match="several recordings; say which of: foa, mono"):
        MadeSet(made)[0].heard()


def test_a_split_is_a_set_of_its_own(made: Path) -> None:
    test, train = MadeSet(made, where={"split": "test"}), MadeSet(made, where={"split": "train"})
    assert names(list(test)) == ["scene_000", "scene_004", "scene_008"]
    assert len(train) == ITEMS - 3
    assert {example.facts["split"] for example in MadeStream(made, where={"split": "train"})} == {"train"}
    assert names(list(MadeSet(made, where={"split": "train", "seconds": 1.0}))) == names(list(train))
    with pytest.raises(
        ParameterError, match=r"no item with split='tset', colour=2; split is one of test, train; no item has 'colour'"
    ):
        MadeSet(made, where={"split": "tset", "colour": 2})


def test_shards_without_a_manifest_are_read_too(foreign: Path, shards: Path) -> None:
    examples, known = MadeSet(foreign), MadeSet(shards)
    assert names(list(examples)) == names(list(known))
    assert np.array_equal(examples[7].audio["foa"].samples, known[7].audio["foa"].samples)
    assert examples[7].scene == known[7].scene
    assert sorted(names(list(MadeStream(str(foreign / "*.tar"))))) == names(list(known))
    some = sorted(foreign.glob("*.tar"))[:2]
    assert names(list(MadeStream(some, order="stored"))) == names(list(known))[:8]


def test_recordings_that_do_not_say_what_they_are_are_asked_about(tmp_path: Path) -> None:
    encoded = io.BytesIO()
    soundfile.write(encoded, np.zeros((100, 2), np.float32), RATE, format="WAV")
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        info = tarfile.TarInfo("clip.wav")
        info.size = len(encoded.getvalue())
        tar.addfile(info, io.BytesIO(encoded.getvalue()))
    example = MadeSet(tmp_path)[0]
    assert list(example.audio) == ["audio"]
    with pytest.raises(LayoutError, match=r"2 channels, and nothing says what they are; say what its channels are"):
        example.heard()
    with pytest.raises(LayoutError, match=r"member 'clip\.wav': 2 channels, .*channels=\{'audio': 'LAYOUT'\}"):
        MadeSet(tmp_path, layouts="audio")[0]
    for said in (None, "binaural", "audio"):
        for name in ("audio", "a*"):
            example = MadeSet(tmp_path, layouts=said, channels={"mono": "foa", name: "binaural"})[0]
            assert example.heard("binaural").layout.name == "binaural"


def test_missing_damaged_and_unfinished_sets_are_named(shards: Path, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="neither a set made by auris"):
        MadeSet(tmp_path)
    with pytest.raises(FormatError, match="neither a set made by auris"):
        MadeSet(tmp_path / "nowhere")
    with pytest.raises(ParameterError, match="without a manifest have no facts"):
        MadeSet(sorted(shards.glob("shards/*.tar")), where={"split": "train"})
    out = tmp_path / "out"
    write_small_scenes(out, 2)
    (out / "foa" / "scene_001.flac").write_bytes(b"fLaC")
    with pytest.raises(FormatError, match=r"scene_001\.flac: cut short in this file"):
        MadeSet(out)[1].heard("foa")
    (out / "foa" / "scene_000.flac").unlink()
    with pytest.raises(FormatError, match=r"scene_000\.flac: No such file"):
        MadeSet(out, layouts="foa")[0]
    assert MadeSet(out, layouts="mono")[0].audio["mono"].duration == 1


def test_damage_inside_a_shard_is_found_by_checksum(tmp_path: Path) -> None:
    write_small_scenes(tmp_path / "out", 2, form="shards")
    (shard,) = tmp_path.glob("out/shards/*.tar")
    whole = shard.read_bytes()
    content = bytearray(whole)
    content[content.index(b'"duration"') + 12] ^= 1
    shard.write_bytes(content)
    with pytest.raises(FormatError, match=r"000000\.tar: member 'scene_000\.scene\.json' is not the content"):
        MadeSet(tmp_path / "out", check="checksum")[0]
    shard.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FormatError, match=r"000000\.tar: cut short in member 'scene_001"):
        list(MadeStream(tmp_path / "out"))


def test_a_stream_gives_each_example_once_in_an_order_of_seed_and_epoch(made: Path) -> None:
    def order(**settings: Any) -> list[str]:
        epoch = settings.pop("epoch", 0)
        stream = MadeStream(made, layouts=(), buffer=5, **settings)
        stream.set_epoch(epoch)
        return names(list(stream))

    whole = [MAKER.make(i).name for i in range(ITEMS)]
    orders = [order(), order(seed=1), order(epoch=1), order(order="stored")]
    assert all(sorted(one) == whole for one in orders)
    assert orders[3] == whole
    assert len({tuple(one) for one in orders}) == 4
    assert order(epoch=1) == orders[2]


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_a_loader_gives_the_same_batches_with_any_number_of_workers(made: Path, workers: int) -> None:
    stream = MadeStream(made, layouts=(), buffer=5, batch=2)
    loader = DataLoader(stream, batch_size=2, num_workers=workers, collate_fn=names)
    alone = names(list(stream))
    assert list(loader) == [alone[i : i + 2] for i in range(0, ITEMS, 2)]


def test_workers_that_stay_learn_of_the_epoch(made: Path) -> None:
    stream = MadeStream(made, layouts=(), buffer=5)
    loader = DataLoader(stream, batch_size=None, num_workers=2, persistent_workers=True)
    first = names(list(loader))
    stream.set_epoch(1)
    second = names(list(loader))
    assert first != second
    assert sorted(first) == sorted(second)
    assert second == names(list(stream))


def test_workers_that_are_spawned_give_the_same(shards: Path) -> None:
    stream = MadeStream(shards, layouts="mono", buffer=5)
    stream.set_epoch(4)
    loader = DataLoader(stream, batch_size=None, num_workers=1, multiprocessing_context="spawn")
    assert names(list(loader)) == names(list(stream))


def test_ranks_share_a_stream(made: Path) -> None:
    whole = names(list(MadeStream(made, layouts=(), buffer=5, batch=2)))
    parts = [MadeStream(made, layouts=(), buffer=5, batch=2, ranks=(rank, 3)) for rank in range(3)]
    assert [names(list(part)) for part in parts] == [whole[0:2] + whole[6:8], whole[2:4] + whole[8:10], whole[4:6] + whole[10:]]
    assert [len(part) for part in parts] == [4, 4, 3]
    equal = [MadeStream(made, layouts=(), buffer=5, batch=2, ranks=(rank, 3), tail="drop") for rank in range(3)]
    assert [len(list(part)) for part in equal] == [len(part) for part in equal] == [2, 2, 2]


def test_the_environment_says_the_rank(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert len(MadeStream(made)) == ITEMS // 2
    with pytest.raises(ParameterError, match="0 <= rank < ranks"):
        MadeStream(made, ranks=(2, 2))


@pytest.mark.parametrize("taken", [0, 1, 4, ITEMS - 1, ITEMS])
def test_a_stream_goes_on_where_it_was(made: Path, taken: int) -> None:
    stream = MadeStream(made, layouts=(), buffer=5, seed=3)
    stream.set_epoch(2)
    whole = names(list(stream))
    for _ in islice(iter(stream), taken):
        pass
    if taken == 0:
        stream.set_epoch(1)
        stream.set_epoch(2)
    state = pickle.loads(pickle.dumps(stream.state_dict()))
    later = MadeStream(made, layouts=(), buffer=5, seed=3)
    later.load_state_dict(state)
    assert later.epoch == 2
    later.set_epoch(2)  # as a loop over epochs does
    assert later.state_dict() == state
    assert names(list(later)) == whole[taken:]
    assert names(list(later)) == whole  # once is enough


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_goes_on_where_it_was(made: Path, workers: int) -> None:
    def loader() -> tuple[MadeStream, DataLoader[Any]]:
        stream = MadeStream(made, layouts=(), buffer=5, seed=3, batch=2, ranks=(1, 2))
        return stream, DataLoader(stream, batch_size=2, num_workers=workers, collate_fn=names)

    stream, batches = loader()
    whole = list(batches)
    later, rest = loader()
    later.load_state_dict(stream.state_dict(delivered=2))
    assert list(rest) == whole[1:]
    later.set_epoch(1)
    stream.set_epoch(1)
    assert list(rest) == list(batches)


class _WithStates(IterableDataset[Any]):
    """Gives with each example the state of its worker, and begins with states, as stateful loaders do."""

    def __init__(self, stream: MadeStream, states: dict[int, Any]) -> None:
        self.stream, self.states = stream, states

    def __iter__(self) -> Iterator[Any]:
        from torch.utils.data import get_worker_info

        info = get_worker_info()
        assert info is not None
        if info.id in self.states:
            self.stream.load_state_dict(self.states[info.id])
        for example in self.stream:
            yield info.id, example.name, self.stream.state_dict()


def test_workers_go_on_each_where_it_was(made: Path) -> None:
    def given(states: dict[int, Any], workers: int = 2) -> list[Any]:
        stream = MadeStream(made, layouts=(), buffer=5)
        return list(DataLoader(_WithStates(stream, states), batch_size=None, num_workers=workers))

    whole = given({})
    states = {worker: state for worker, _, state in whole[:6]}  # the last of each
    assert [name for _, name, _ in given(states)] == [name for _, name, _ in whole[6:]]
    (alone,) = (state for _, name, state in given({}, workers=1) if name == whole[4][1])
    stream = MadeStream(made, layouts=(), buffer=5)
    stream.load_state_dict(alone)
    assert names([next(iter(stream))]) == [whole[5][1]]
    assert stream.state_dict()["delivered"] == 6
    with pytest.raises(ParameterError, match="one of 2 workers and cannot go on with 1"):
        given(states, workers=1)


def test_foreign_states_are_refused(made: Path) -> None:
    state = MadeStream(made, seed=1).state_dict()
    with pytest.raises(ParameterError, match="another order, buffer, seed"):
        MadeStream(made, seed=2).load_state_dict(state)
    with pytest.raises(ParameterError, match="not the state of a stream"):
        MadeStream(made).load_state_dict({"epoch": 1})
    with pytest.raises(ParameterError, match="unknown order"):
        MadeStream(made, order="random")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="at least 1"):
        MadeStream(made, buffer=0)


def test_examples_travel_between_processes(made: Path) -> None:
    copied: MadeExample = pickle.loads(pickle.dumps(MadeSet(made)[3]))
    assert copied.files["scene.json"] == MadeSet(made)[3].files["scene.json"]
    loader = DataLoader(MadeSet(made, layouts="foa"), batch_size=4, num_workers=2, collate_fn=listed)
    assert names([example for batch in loader for example in batch]) == names(list(MadeSet(made, layouts=())))
