import os

import pytest

from auris.errors import FormatError
from auris.io.atomic import atomic_write, write_text


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    write_text(tmp_path / "a.txt", "old")

    def die_half_way():
        with atomic_write(tmp_path / "a.txt") as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        die_half_way()
    assert (tmp_path / "a.txt").read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_folders_are_made_and_permissions_are_ordinary(tmp_path):
    write_text(tmp_path / "new" / "deep" / "a.txt", "x")
    reference = tmp_path / "plain"
    reference.write_text("x")
    assert (tmp_path / "new" / "deep" / "a.txt").stat().st_mode == reference.stat().st_mode


def test_a_folder_in_the_way_is_named(tmp_path):
    with pytest.raises(FormatError, match="it is a folder"):
        write_text(tmp_path, "x")
    (tmp_path / "file").write_text("x")
    with pytest.raises(FormatError, match="cannot write"):
        write_text(tmp_path / "file" / "a.txt", "x")
