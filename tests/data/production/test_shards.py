"""Tar shards: what webdataset reads out of them, and that they are the same bytes whoever makes them."""

import gc
import hashlib
import json
import shutil
import tarfile

import pytest
import webdataset
from tiny_sets import TinyMaker, tiny_maker, tree

from auris.data.production.check import check_set
from auris.data.production.maker import MadeFile, MadeItem
from auris.data.production.manifest import read_manifest
from auris.data.production.run import make_set


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    """Ten items in shards of four."""
    out = tmp_path_factory.mktemp("shards") / "set"
    make_set(tiny_maker(), out, form="shards", shard_items=4)
    return out


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # the library leaves its shards open
def test_webdataset_reads_every_item(shards, tmp_path):
    folders = tmp_path / "folders"
    make_set(tiny_maker(), folders)
    files = tree(folders)
    pattern = str(shards / "shards" / "tiny-{000000..000002}.tar")
    samples = list(webdataset.WebDataset(pattern, shardshuffle=False))
    assert [sample["__key__"] for sample in samples] == [f"clip_{index:03d}" for index in range(10)]
    for sample in samples:
        assert sample["foa.raw"] == files[f"foa/{sample['__key__']}.raw"]
        assert json.loads(sample["scene.json"]) == json.loads(files[f"metadata/{sample['__key__']}.json"])
    gc.collect()  # here, where that may be said


def test_members_are_sorted_and_say_nothing_of_where_and_when(shards):
    for path in sorted((shards / "shards").iterdir()):
        with tarfile.open(path) as tar:
            members = tar.getmembers()
        assert [member.name for member in members] == sorted(member.name for member in members)
        assert {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode) for m in members} == {(0, 0, 0, "", "", 0o644)}


def test_the_manifest_says_where_each_member_lies(shards):
    manifest = read_manifest(shards)
    assert [shard.path for shard in manifest.shards] == [f"shards/tiny-{number:06d}.tar" for number in range(3)]
    for item in manifest.items:
        for file in item.files:
            with open(shards / file.path, "rb") as stream:
                stream.seek(file.offset)
                assert hashlib.sha256(stream.read(file.bytes)).hexdigest() == file.sha256
            assert file.to_dict()["shard"] == f"shards/tiny-{item.index // 4:06d}.tar"


def test_parts_and_processes_make_the_same_shards(shards, tmp_path, capfd):
    make_set(tiny_maker(), tmp_path / "set", form="shards", shard_items=4, shard=(2, 2))
    report = make_set(tiny_maker(), tmp_path / "set", form="shards", shard_items=4, workers=2, existing="resume")
    assert (report.made, report.kept) == (6, 4)
    assert tree(tmp_path / "set") == tree(shards)


def test_one_failing_item_leaves_its_shard_out(shards, tmp_path):
    (tmp_path / "trouble").mkdir()
    (tmp_path / "trouble" / "fail-5").touch()
    maker = tiny_maker(trouble=tmp_path / "trouble")
    report = make_set(maker, tmp_path / "set", form="shards", shard_items=4)
    assert ([failure.index for failure in report.failures], report.made, report.missing) == ([5], 6, 4)
    assert not (tmp_path / "set" / "shards" / "tiny-000001.tar").exists()
    (tmp_path / "trouble" / "fail-5").unlink()
    make_set(maker, tmp_path / "set", form="shards", shard_items=4, existing="resume")
    assert tree(tmp_path / "set") == tree(shards)


@pytest.mark.parametrize("damage", ["cut", "bit", "gone"])
def test_a_damaged_shard_is_found_and_made_again(damage, shards, tmp_path):
    out = tmp_path / "set"
    shutil.copytree(shards, out)
    path = out / "shards" / "tiny-000001.tar"
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        # A bit of the content of the second item's first file.
        place = read_manifest(out).items[5].files[0].offset
        path.write_bytes(content[:4000] if damage == "cut" else content[:place] + b"?" + content[place + 1 :])
    found = {(finding.kind, finding.path) for finding in check_set(out).findings}
    kind = {"cut": "truncated", "bit": "changed", "gone": "missing"}[damage]
    assert (kind, "shards/tiny-000001.tar") in found
    if damage == "bit":
        assert ("changed", "shards/tiny-000001.tar: clip_005.foa.raw") in found
        assert len(found) == 2
    assert make_set(tiny_maker(), out, form="shards", shard_items=4, existing="resume").made == 4
    assert tree(out) == tree(shards)


class Odd(TinyMaker):
    """Makes items that break the rules."""

    item: MadeItem

    def make(self, index):
        return self.item


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (MadeItem("a.b", ()), "letters, digits, dash and underscore, got 'a.b'"),
        (MadeItem("a", (MadeFile("../x", "x", b""),)), "lies below its folder"),
        (MadeItem("a", (MadeFile("/x", "x", b""),)), "lies below its folder"),
        (MadeItem("a", (MadeFile(".auris/x", "x", b""),)), "lies below its folder"),
        (MadeItem("a", (MadeFile("manifest.jsonl", "x", b""),)), "none of manifest.jsonl, set.json"),
        (MadeItem("a", (MadeFile("x", "x", b""), MadeFile("y", "x", b""))), "two of its files have one name"),
        (MadeItem("a", (MadeFile("x", "x/y", b""),)), "a field is a name with a suffix"),
        (MadeItem("a", (), {"seconds": 1.0, "level": float("nan")}), "facts are not plain JSON"),
        (MadeItem("a", (), {"level": object()}), "facts are not plain JSON"),
    ],
)
def test_items_that_break_the_rules_are_refused(item, text, tmp_path):
    maker = tiny_maker(1)
    maker.__class__ = Odd
    maker.item = item
    (failure,) = make_set(maker, tmp_path / "set").failures
    assert text in failure.text
