"""``auris generate``: files, tables, JSON, plans shown and given back, and every wrong use with its sentence."""

import json

import pytest
import yaml

from auris.cli import main
from auris.generation import engines
from auris.io.audio_files import probe, read_audio
from auris.io.scene_files import read_scene
from fake_generators import MonoNoisyGenerator, NoisyGenerator

WALK = "a dog barks on the left, then runs to the right"
PLACE = ("--model", "place", "--content", "bank", "--seconds", "1.5")


def run(*arguments):
    try:
        return main(["generate", *(str(a) for a in arguments)])
    except SystemExit as stop:
        return stop.code


def test_words_become_a_file_and_a_table(tmp_path, capsys):
    out = tmp_path / "deep" / "dog.wav"
    assert run(WALK, "--out", out, *PLACE) == 0
    assert (probe(out).layout.name, probe(out).duration) == ("stereo", 1.5)
    printed, said = capsys.readouterr()
    assert printed.splitlines()[0].strip() == "Asked for"
    for cell in ("sound", "speed", "dog", "1 left", "5 right", "moderate"):
        assert cell in printed
    assert f"wrote {out}: stereo, 1.5 s, by place, seed 0" in said
    assert "not said, so taken: dog: moves at a moderate speed, at a moderate distance" in said


def test_the_loop_closes(tmp_path, capsys):
    wave, scene = tmp_path / "rain.wav", tmp_path / "rain.yaml"
    arguments = ("rain falls on the left in a small room", *PLACE, "--layout", "foa", "--json")
    assert run(*arguments, "--out", wave, "--scene", scene, "--verify") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["file"], document["layout"], document["verification"]["passed"]) == (str(wave), "foa", True)
    assert document["plan"]["sounds"] == [{"what": "rain", "from": "left"}]
    assert document["plan"]["room"] == "small"
    assert main(["listen", str(wave), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["events"][0]["class"] == "rain"
    assert main(["simulate", str(scene), "--layout", "foa", "--rate", "44100", "--out", str(tmp_path / "again")]) == 0
    again = read_audio(tmp_path / "again" / "foa.wav")
    assert abs(again.samples - read_audio(wave).samples).max() < 1e-4


def test_asked_against_heard_is_a_table(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(engines, "loaded_generator", lambda name, device: NoisyGenerator(wrong=(0,)))
    arguments = ("rain falls on the left", "--model", "folder", "--seconds", "2", "--out", tmp_path / "a.wav")
    assert run(*arguments, "--best-of", 2) == 0
    printed, said = capsys.readouterr()
    assert "Asked against heard, score" in printed
    assert "rain" in printed
    assert "1 left" in printed
    assert "seed 0: 0." in said
    assert "seed 1: 0." in said
    assert ", kept" in said.partition("seed 1: ")[2].splitlines()[0]


def test_a_model_that_writes_silence_fails_and_writes_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(engines, "loaded_generator", lambda name, device: NoisyGenerator(silent=(0,)))
    assert run("rain", "--model", "folder", "--seconds", "1", "--out", tmp_path / "a.wav") == 1
    assert "wrote nothing but silence" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_another_layout_goes_through_the_simulator_and_says_so(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(engines, "loaded_generator", lambda name, device: MonoNoisyGenerator())
    out = tmp_path / "a.wav"
    assert run("rain", "--model", "folder", "--layout", "foa", "--seconds", "1", "--out", out) == 0
    assert probe(out).layout.name == "foa"
    assert "noisy-mono writes stereo; for foa the simulator places the sounds it writes" in capsys.readouterr().err


def test_a_plan_is_shown_edited_and_given_back(tmp_path, capsys):
    assert run("a puppy barks on the left", "--show-plan", *PLACE) == 0
    shown = capsys.readouterr().out
    plan = yaml.safe_load(shown)
    assert plan["sounds"] == [{"what": "dog", "from": "left"}]
    plan["sounds"][0]["from"] = 4.5
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(plan))
    assert run("--plan", tmp_path / "plan.yaml", "--out", tmp_path / "a.wav", "--scene", tmp_path / "s.yaml", *PLACE) == 0
    x, y, _ = read_scene(tmp_path / "s.yaml").sources[0].path.position
    assert y < -x
    capsys.readouterr()
    assert run("--plan", tmp_path / "plan.yaml", "--show-plan", "--json", *PLACE) == 0
    assert json.loads(capsys.readouterr().out)["sounds"][0]["from"] == 4.5


def test_attributes_beside_the_words(capsys):
    directions = ("--from-direction", "1.5", "--from-direction", "right", "--to-direction", "4.25", "--to-direction", "5")
    speeds = ("--speed", "3", "--speed", "0")
    assert run("a dog barks and rain falls", *directions, *speeds, "--show-plan", *PLACE) == 0
    assert yaml.safe_load(capsys.readouterr().out)["sounds"] == [
        {"what": "dog", "from": 1.5, "to": 4.25, "speed": "fast"},
        {"what": "rain", "from": "right"},
    ]


def test_a_box_in_an_image_is_a_direction(capsys):
    arguments = ("--box", "960,100,1120,400", "--image-width", "1280", "--image-height", "720")
    assert run("a dog barks", *arguments, "--show-plan", *PLACE) == 0
    assert yaml.safe_load(capsys.readouterr().out)["sounds"] == [{"what": "dog", "from": 4.25, "distance": "moderate"}]


def test_a_picture_is_drawn(tmp_path):
    assert run("rain on the left", "--out", tmp_path / "a.wav", "--plot", tmp_path / "a.png", *PLACE) == 0
    assert (tmp_path / "a.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out", "a.wav"], "say what is to be heard"),
        ([WALK], "--out FILE.wav is missing"),
        ([WALK, "--plan", "p.yaml", "--out", "a.wav"], "give no words beside --plan"),
        ([WALK, "--to-direction", "5", "--out", "a.wav"], "belong to --from-direction"),
        ([WALK, "--speed", "3", "--out", "a.wav"], "belong to --from-direction"),
        (["--plan", "p.yaml", "--from-direction", "1", "--out", "a.wav"], "leave --from-direction out"),
        ([WALK, "--box", "1,2,3,4", "--out", "a.wav"], "--box needs --image-width"),
        ([WALK, "--image-width", "640", "--out", "a.wav"], "belong to --box"),
        ([WALK, "--box", "1,2,3,4", "--image-width", "9", "--from-direction", "1", "--out", "a.wav"], "give one of the two"),
        ([WALK, "--best-of", "0", "--out", "a.wav"], "--best-of needs a number of at least 1"),
        ([WALK, "--listener", "nano-foa", "--out", "a.wav"], "--listener belongs to --verify"),
        ([WALK, "--infer", "http://127.0.0.1:9/v1", "--out", "a.wav"], "name one with --infer-model"),
        ([WALK, "--infer-model", "gpt-4o", "--out", "a.wav"], "give its address with --infer"),
        ([WALK, "--infer", "some/model", "--from-direction", "1", "--out", "a.wav"], "nothing is left to infer"),
        ([WALK, "--layout", "quad", "--out", "a.wav"], "invalid choice: 'quad'"),
        ([WALK, "--seconds", "long", "--out", "a.wav"], "invalid float value"),
    ],
)
def test_wrong_use_is_status_2(arguments, said, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a unicorn neighs on the left"], "unicorn"),
        (["a dog, a bell, rain, a rooster and a helicopter"], "5 sounds"),
        (["on the left"], "nothing sounds in 'on the left'"),
        (["a dog barks behind me"], "not in the front half"),
        (["a dog barks on the left and on the right"], "several places at once"),
        ([""], "say in words what is to be heard"),
        ([WALK, "--seconds", "0"], "seconds must be above 0"),
        ([WALK, "--seconds", "-3"], "seconds must be above 0"),
        ([WALK, "--seed", "-1"], "a seed is a whole number of at least 0"),
        ([WALK, "--from-direction", "5"], "the prompt says that it begins on the left"),
        (["a dog barks", "--from-direction", "1", "--to-direction", "3", "--speed", "0"], "speed is still"),
        (["a dog barks", "--from-direction", "7"], "from_direction"),
        (["a dog barks", "--from-direction", "behind"], "only the front half"),
        (["a dog barks", "--from-direction", "1", "--speed", "9"], "speed"),
        (["a dog barks", "--from-direction", "1", "--from-direction", "2", "--to-direction", "3"], "has 2 values"),
        (["a dog barks and rain falls", "--from-direction", "1"], "give one for each"),
        (["a dog barks", "--box", "1,2,3", "--image-width", "640"], "a box is four numbers"),
        (["a dog barks", "--box", "1,2,900,4", "--image-width", "640"], "reaches beyond the image"),
        ([WALK, "--model", "no-such"], "no model called 'no-such'"),
        ([WALK, "--model", "nano-foa"], "nano-foa is a model to listen with"),
        ([WALK, "--model", "place", "--content", "bank", "--steps", "9"], "steps and guidance do nothing"),
        ([WALK, "--model", "place", "--layout", "mono", "--verify"], "mono audio cannot be verified"),
        ([WALK, "--sounds", "nowhere"], "nowhere"),
        ([WALK, "--device", "abacus", "--model", "nano-foa"], "unknown device 'abacus'"),
        (["--plan", "missing.yaml"], "missing.yaml: no such file"),
        ([WALK, "--out", "a.mp3"], "the suffix is none of .wav, .flac, .ogg"),
        ([WALK, "--plot", "a.bmp"], "cannot draw a.bmp"),
    ],
)
def test_what_cannot_be_done_is_status_1_and_says_why(arguments, said, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = () if "--model" in arguments or "--sounds" in arguments else ("--model", "place", "--content", "bank")
    out = () if "--out" in arguments else ("--out", "a.wav")
    assert run(*arguments, *model, *out) == 1
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_an_endpoint_that_is_not_there_leaves_it_to_the_grammar(capsys):
    endpoint = ("--infer", "http://127.0.0.1:9/v1", "--infer-model", "any", "--timeout", "1")
    assert run(WALK, *endpoint, "--show-plan", *PLACE) == 0
    plan = yaml.safe_load(capsys.readouterr().out)
    assert "grammar" in plan["by"]
    assert plan["sounds"][0]["to"] == "right"
