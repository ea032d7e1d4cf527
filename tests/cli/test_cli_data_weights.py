import json

import numpy as np
import pytest
import soundfile

from auris.cli import main


@pytest.fixture
def lists(tmp_path):
    """Two clips, one of which has no audio, and three classes."""
    (tmp_path / "classes.csv").write_text('index,mid,display_name\n0,/m/1,Dog\n1,/m/2,"Rain, heavy"\n2,/m/3,Sea\n')
    clips = [{"folder": "f", "id": "a", "label": ["/m/1"]}, {"folder": "f", "id": "b", "label": ["/m/1", "/m/2"]}]
    (tmp_path / "list.json").write_text(json.dumps(clips))
    (tmp_path / "f").mkdir()
    soundfile.write(tmp_path / "f" / "a.wav", np.zeros(100), 8000)
    return tmp_path


def weights(folder, *more):
    return main(
        ["data", "weights", f"{folder}/list.json", "--classes", f"{folder}/classes.csv", "--out", f"{folder}/w.csv", *more]
    )


def test_weights_of_a_list(lists, capsys):
    assert weights(lists, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["clips"], document["classes"], document["classes_without_clips"]) == (2, 3, ["Sea"])
    np.testing.assert_allclose(np.loadtxt(lists / "w.csv"), [1000 / 2.01, 1000 / 2.01 + 1000 / 1.01])


def test_clips_without_audio_are_named(lists, capsys):
    assert weights(lists, "--audio", str(lists)) == 1
    captured = capsys.readouterr()
    assert "b.wav: no such file" in captured.err
    assert "a.wav" not in captured.err
    assert (lists / "w.csv").is_file()


def test_lists_that_cannot_be_read_are_named(lists, capsys):
    (lists / "list.json").write_text('[{"folder": "f", "id": "a", "label": ["/m/9"]}]')
    assert weights(lists) == 1
    assert "list.json: entry 0: unknown class '/m/9'" in capsys.readouterr().err
