from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auris.data.shard_reading import read_stretch, shard_examples, shard_members
from auris.errors import FormatError

CONTENT = {"a.wav": b"sound" * 300, "a.json": b"{}", "b.wav": b"", "b.json": b"[1]" * 700}


def write_tar(path: Path, content: dict[str, bytes], *, form: int = tarfile.PAX_FORMAT) -> Path:
    with tarfile.open(path, "w", format=form) as tar:
        for name, value in content.items():
            info = tarfile.TarInfo(name)
            info.size = len(value)
            tar.addfile(info, io.BytesIO(value))
    return path


def contents(path: Path) -> dict[str, bytes]:
    return {m.name: read_stretch(path, offset=m.offset, size=m.size, what=m.name) for m in shard_members(path)}


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_members_are_found_with_their_content(tmp_path: Path, form: int) -> None:
    shard = write_tar(tmp_path / "x.tar", CONTENT, form=form)
    assert contents(shard) == CONTENT
    assert [(one.key, list(one.fields)) for one in shard_examples(shard)] == [("a", ["wav", "json"]), ("b", ["wav", "json"])]


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_and_foreign_names_are_read(tmp_path: Path, form: int) -> None:
    named = {f"{'deep/' * 40}Grüße {'x' * 120}.scene.json": b"1", "kurz.txt": b"2", f"{'n' * 300}.txt": b"3"}
    assert contents(write_tar(tmp_path / "x.tar", named, form=form)) == named


def test_what_is_no_part_of_an_example_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w") as tar:
        folder = tarfile.TarInfo("some")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        link = tarfile.TarInfo("some/link.wav")
        link.type, link.linkname = tarfile.SYMTYPE, "a.wav"
        tar.addfile(link)
        for name in ("some/README", "some/.hidden.wav", "__meta__.json", "some/a.b.wav"):
            tar.addfile(tarfile.TarInfo(name), io.BytesIO())
    assert [(one.key, list(one.fields)) for one in shard_examples(path)] == [("some/a", ["b.wav"])]


@given(cut=st.integers(0, 10_239))
def test_a_shard_that_was_cut_anywhere_is_refused_by_name(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    folder = tmp_path_factory.mktemp("cut")
    whole = write_tar(folder / "whole.tar", CONTENT).read_bytes()
    shard = folder / "set-000007.tar"
    end = 512 * 4 + sum(-(-len(value) // 512) * 512 for value in CONTENT.values()) + 512  # headers, content, an empty block
    shard.write_bytes(whole[:cut])
    if cut >= end:  # only padding is missing
        assert len(shard_members(shard)) == len(CONTENT)
        return
    with pytest.raises(FormatError, match=r"set-000007\.tar: cut short"):
        shard_members(shard)


def test_a_member_that_is_cut_is_named(tmp_path: Path) -> None:
    shard = write_tar(tmp_path / "x.tar", CONTENT)
    shard.write_bytes(shard.read_bytes()[:1000])
    with pytest.raises(FormatError, match=r"x\.tar: cut short in member 'a\.wav', 1012 of its 1500 bytes are missing"):
        shard_examples(shard)
    with pytest.raises(FormatError, match=r"x\.tar: cut short in member 'a\.wav'"):
        read_stretch(shard, offset=512, size=1500, what="member 'a.wav'")


def test_damage_and_other_files_are_told_apart(tmp_path: Path) -> None:
    shard = write_tar(tmp_path / "x.tar", CONTENT)
    content = bytearray(shard.read_bytes())
    content[512 + 1536 + 3] ^= 1  # in the second header
    shard.write_bytes(content)
    with pytest.raises(FormatError, match=r"damaged after member 'a\.wav': no tar header at byte 2048"):
        shard_members(shard)
    packed = tmp_path / "x.tar.gz"
    packed.write_bytes(gzip.compress(b"something" * 100) * 20)
    with pytest.raises(FormatError, match=r"compressed \(gzip\).*unpack"):
        shard_members(packed)
    (tmp_path / "y.tar").write_bytes(b"hello" * 300)
    with pytest.raises(FormatError, match=r"y\.tar: not a tar file"):
        shard_members(tmp_path / "y.tar")
    with pytest.raises(FormatError, match=r"z\.tar: No such file"):
        shard_members(tmp_path / "z.tar")


def test_files_of_an_example_belong_together(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"'a\.txt' comes after other examples"):
        shard_examples(write_tar(tmp_path / "x.tar", {"a.wav": b"", "b.wav": b"", "a.txt": b""}))
    path = tmp_path / "y.tar"
    with tarfile.open(path, "w") as tar:
        tar.addfile(tarfile.TarInfo("a.wav"))
        tar.addfile(tarfile.TarInfo("a.wav"))
    with pytest.raises(FormatError, match=r"two members are called 'a\.wav'"):
        shard_examples(path)
