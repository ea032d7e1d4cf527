"""How a set is made: the same bytes whoever makes it, nothing missing, doubled or cut short whatever happens to them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_sets import Unreadable, leftovers, tiny_maker, tree

from auris.data.production.check import check_set
from auris.data.production.manifest import read_manifest
from auris.data.production.run import RunProgress, make_set
from auris.data.sound_catalogues.attribution import Attribution
from auris.errors import FormatError, ParameterError


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A set of ten items, made in one go."""
    out = tmp_path_factory.mktemp("whole") / "set"
    make_set(tiny_maker(), out)
    return out


@pytest.fixture
def trouble(tmp_path):
    folder = tmp_path / "trouble"
    folder.mkdir()
    return folder


def test_a_set_has_items_lists_manifest_and_card(whole):
    files = tree(whole)
    assert len([name for name in files if name.startswith("foa/")]) == 10
    assert files["levels.csv"].decode().splitlines()[3].startswith("clip_003,")
    assert b"tiny" in files["README.md"]
    manifest = read_manifest(whole)
    assert (manifest.preset, manifest.form, len(manifest.items)) == ("tiny", "folders", 10)
    assert [item.index for item in manifest.items] == list(range(10))
    assert manifest.items[-1].name == "clip_009"
    assert [item.name for item in manifest.items[2:4]] == ["clip_002", "clip_003"]
    (audio, scene) = manifest.items[3].files
    assert (audio.path, audio.field, audio.bytes) == ("foa/clip_003.raw", "foa.raw", 3003)
    assert json.loads(files[scene.path]) == {"level": manifest.items[3].facts["level"]}
    assert leftovers(whole) == []
    assert check_set(whole).findings == ()


def test_progress_and_report(tmp_path):
    heard: list[RunProgress] = []
    report = make_set(tiny_maker(4), tmp_path / "set", report=heard.append)
    assert [step.items for step in heard] == [1, 2, 3, 4]
    assert heard[-1] == RunProgress(4, 4, 8.0)
    assert (report.items, report.made, report.kept, report.failures, report.missing) == (4, 4, 0, (), 0)
    assert (report.finished, report.seconds) == (True, 8.0)


def test_parts_in_any_order_make_the_same_bytes(whole, tmp_path):
    reports = [make_set(tiny_maker(), tmp_path / "set", shard=(part, 3)) for part in (2, 3, 1)]
    assert [report.finished for report in reports] == [False, False, True]
    assert [report.missing for report in reports] == [7, 4, 0]
    assert tree(tmp_path / "set") == tree(whole)
    assert leftovers(tmp_path / "set") == []


def test_processes_make_the_same_bytes_and_survive_each_other(whole, tmp_path, trouble):
    for index in (2, 7):
        (trouble / f"die-once-{index}").touch()
    report = make_set(tiny_maker(trouble=trouble), tmp_path / "set", workers=3)
    assert (report.made, report.failures) == (10, ())
    assert len(list(trouble.glob("process-*"))) >= 3
    assert tree(tmp_path / "set") == tree(whole)
    assert leftovers(tmp_path / "set") == []


def test_what_kills_every_process_is_named(whole, tmp_path, trouble):
    (trouble / "die-4").touch()
    (trouble / "fail-1").touch()
    report = make_set(tiny_maker(trouble=trouble), tmp_path / "set", workers=2)
    assert [failure.index for failure in report.failures] == [1, 4]
    assert "item 1 has no room" in report.failures[0].text
    assert "ended 3 times, at last killed (signal 9" in report.failures[1].text
    assert (report.made, report.missing, report.finished) == (8, 2, False)
    (trouble / "die-4").unlink()
    (trouble / "fail-1").unlink()
    report = make_set(tiny_maker(trouble=trouble), tmp_path / "set", existing="resume")
    assert (report.made, report.kept, report.finished) == (2, 8, True)
    assert tree(tmp_path / "set") == tree(whole)


@pytest.mark.parametrize("fault", ["fail", "crash"])
def test_an_item_that_fails_is_named_and_the_others_are_made(fault, tmp_path, trouble):
    (trouble / f"{fault}-5").touch()
    report = make_set(tiny_maker(trouble=trouble), tmp_path / "set")
    assert (report.made, report.missing, [failure.index for failure in report.failures]) == (9, 1, [5])
    with pytest.raises(FormatError, match="is not finished; the command that began it goes on with --resume"):
        read_manifest(tmp_path / "set")
    (finding,) = check_set(tmp_path / "set").findings
    assert finding.kind == "unfinished"
    assert "9 of 10" in finding.text


# Ends the driver in the middle; the trouble folder makes it slow enough to be met there.
_DRIVER = """
import signal, sys
from pathlib import Path
from tiny_sets import tiny_maker
from auris.data.production.run import make_set
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are born deaf to it
    form, workers = sys.argv[3], int(sys.argv[4])
    make_set(tiny_maker(trouble=Path(sys.argv[2])), sys.argv[1], workers=workers, form=form, shard_items=3, existing="resume")
"""


def interrupted(out: Path, trouble: Path, sent: signal.Signals, *, form: str, workers: int) -> int:
    """Send a signal to a process that makes a set, when it has made some units, and return its exit status."""
    (trouble / "pause").write_text("0.2")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    script = trouble / "driver.py"
    script.write_text(_DRIVER)
    driver = subprocess.Popen(
        [sys.executable, str(script), str(out), str(trouble), form, str(workers)], env=environment, stderr=subprocess.DEVNULL
    )
    while len(list(out.glob(".auris/items/*/*.json"))) < 2 and driver.poll() is None:
        time.sleep(0.01)
    driver.send_signal(sent)
    status = driver.wait()
    (trouble / "pause").unlink()
    return status


def test_a_killed_run_goes_on(whole, tmp_path, trouble):
    out = tmp_path / "set"
    assert interrupted(out, trouble, signal.SIGKILL, form="folders", workers=2) == -signal.SIGKILL
    assert not (out / "manifest.jsonl").exists()
    deadline = time.monotonic() + 10
    while running_processes(trouble) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert running_processes(trouble) == []  # workers leave with the run
    report = make_set(tiny_maker(), out, existing="resume")
    assert report.kept >= 2
    assert report.made + report.kept == 10
    assert tree(out) == tree(whole)
    assert leftovers(out) == []


def running_processes(trouble: Path) -> list[int]:
    """Processes that made items and still run."""
    numbers = [int(path.name.removeprefix("process-")) for path in trouble.glob("process-*")]
    return [number for number in numbers if (stat := Path(f"/proc/{number}/stat")).exists() and ") Z " not in stat.read_text()]


def test_an_interrupted_run_leaves_nothing_behind_and_goes_on(tmp_path, trouble):
    out = tmp_path / "set"
    assert interrupted(out, trouble, signal.SIGINT, form="shards", workers=2) != 0
    assert running_processes(trouble) == []
    assert leftovers(out) == []
    make_set(tiny_maker(), out, form="shards", shard_items=3, existing="resume")
    make_set(tiny_maker(), tmp_path / "other", form="shards", shard_items=3)
    assert tree(out) == tree(tmp_path / "other")


def test_leftovers_of_killed_runs_are_removed_but_not_those_of_other_parts(tmp_path):
    out = tmp_path / "set"
    make_set(tiny_maker(), out, shard=(1, 2))
    for name in ("0.dead", "3.alive", "1-of-2.dead", "2-of-2.alive"):
        (out / ".auris" / "tmp" / name).mkdir(parents=True)
    make_set(tiny_maker(), out, shard=(1, 2), existing="resume")
    assert sorted(path.name for path in (out / ".auris" / "tmp").iterdir()) == ["2-of-2.alive", "3.alive"]
    make_set(tiny_maker(), out, existing="resume")
    assert leftovers(out) == []


@pytest.mark.parametrize("damage", ["cut", "gone", "record", "bit", "list", "manifest"])
def test_damage_is_found_and_repaired(damage, whole, tmp_path):
    out = tmp_path / "set"
    shutil.copytree(whole, out)
    name = {"list": "levels.csv", "manifest": "manifest.jsonl", "record": ".auris/items/000/000006.json"}.get(
        damage, "foa/clip_006.raw"
    )
    content = (out / name).read_bytes()
    if damage == "gone":
        (out / name).unlink()
    else:
        (out / name).write_bytes(content[:-7] if damage in ("cut", "record") else content[:-1] + bytes([content[-1] ^ 1]))
    kinds = {"cut": ["truncated"], "gone": ["missing"], "record": []}.get(damage, ["changed"])
    assert [(finding.kind, finding.path) for finding in check_set(out).findings] == [(kind, name) for kind in kinds]
    report = make_set(tiny_maker(), out, existing="resume")
    assert report.made == (1 if damage in ("cut", "gone", "record", "bit") else 0)
    assert tree(out) == tree(whole)
    assert check_set(out).findings == ()


def test_what_does_not_belong_to_the_set_is_found(whole, tmp_path):
    out = tmp_path / "set"
    shutil.copytree(whole, out)
    (out / "foa" / "clip_010.raw").touch()
    (out / "report").mkdir()
    (out / "report" / "index.html").touch()
    assert [(finding.kind, finding.path) for finding in check_set(out).findings] == [("extra", "foa/clip_010.raw")]


def test_another_set_is_not_touched(whole, tmp_path):
    out = tmp_path / "set"
    shutil.copytree(whole, out)
    with pytest.raises(ParameterError, match=r"holds this set, or a part of it; go on with --resume"):
        make_set(tiny_maker(), out)
    with pytest.raises(ParameterError, match=r"settings\.settings\.seconds is 2\.0 there, 3\.0 here\. Give those, or choose"):
        make_set(tiny_maker(seconds=3.0), out, existing="resume")
    with pytest.raises(ParameterError, match=r"form is 'folders' there, 'shards' here; shard_items is 1 there, 5 here"):
        make_set(tiny_maker(), out, form="shards", shard_items=5, existing="resume")
    assert tree(out) == tree(whole)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    with pytest.raises(ParameterError, match="is not empty and holds no set"):
        make_set(tiny_maker(), tmp_path / "mine", existing="resume")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"workers": 0}, "workers and shard_items are at least 1"),
        ({"shard": (3, 2)}, "got 1, 128, 3/2"),
        ({"form": "zip"}, "unknown form of a set 'zip'"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, text, tmp_path):
    with pytest.raises(ParameterError, match=text):
        make_set(tiny_maker(), tmp_path / "set", **arguments)
    assert not (tmp_path / "set").exists()


def test_a_folder_that_cannot_be_written_ends_the_run(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FormatError, match="cannot write"):
        make_set(tiny_maker(), tmp_path / "file" / "set")


def test_processes_that_cannot_start_end_the_run(tmp_path, capfd):
    maker = tiny_maker()
    maker.burden = Unreadable()
    with pytest.raises(FormatError, match="worker processes cannot start"):
        make_set(maker, tmp_path / "set", workers=2)
    assert "exploded" in capfd.readouterr().err


def test_credits_are_kept_beside_the_set(tmp_path):
    asked = []

    def credits_of(files):
        asked.append(files)
        return (Attribution("dog/1.wav", author="Somebody", licence="CC-BY-4.0"),)

    make_set(tiny_maker(2), tmp_path / "set", credits_of=credits_of)
    assert len(asked) == 1
    assert "Somebody" in (tmp_path / "set" / "ATTRIBUTION.csv").read_text()
    assert "ATTRIBUTION.csv" in [file.path for file in read_manifest(tmp_path / "set").files]
    assert check_set(tmp_path / "set").findings == ()
