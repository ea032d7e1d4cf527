"""The verb: engines by name and by layout, plans and words, seeds, the best of several, and what is refused."""

import numpy as np
import pytest

import auris
from auris.data.sound_bank import ProceduralBank
from auris.errors import CheckpointError, LayoutError, ParameterError
from auris.generation import engines, generate, generating, plan_with
from auris.generation.engines import engine_for
from auris.generation.place import GeneratedContent, PlaceEngine
from fake_generators import NO_LISTENER, MonoNoisyGenerator, NoisyGenerator

WALK = "a dog barks on the left, then runs to the right"


@pytest.fixture
def by_time_differences(monkeypatch):
    """What is verified is verified without a listener, who would not take noise for a dog."""
    monkeypatch.setattr(generating, "ears_for", lambda *a, **k: NO_LISTENER)


def test_the_public_names_are_the_verb_and_its_values():
    assert auris.generate is generate
    assert auris.Plan is auris.generation.Plan
    assert auris.Generated is auris.generation.Generated


def test_an_end_to_end_model_gets_the_request_and_its_settings():
    model, told = NoisyGenerator(), []
    made = generate(WALK, model=model, steps=7, guidance=2.0, guidance_position=3.0, seed=4, report=lambda *a: told.append(a))
    ((request, *settings),) = model.asked
    (sound,) = request.sounds
    assert (sound.description, sound.start, sound.end, sound.share) == ("dog", 1.0, 5.0, 0.6)
    assert settings == [4, 7, 2.0, 3.0]
    assert request.prompt == WALK
    assert (made.model, made.seed, made.audio.layout.name, made.audio.duration) == ("noisy", 4, "stereo", 5.0)
    assert told == [("sampling", 1, 1)]
    assert made.scene.labels == ("dog",)
    assert made.dry == ()


def test_synonyms_become_classes_and_other_words_are_refused():
    assert generate("a puppy on the left", model=NoisyGenerator(), seconds=1).plan.attributes.sounds[0].description == "dog"
    with pytest.raises(ParameterError, match=r"unicorn.*dog, rain"):
        generate("a unicorn on the left", model=NoisyGenerator(), seconds=1)
    free = NoisyGenerator(labels=None)
    assert "unicorn" in generate("a unicorn on the left", model=free, seconds=1).plan.attributes.sounds[0].description


def test_a_plan_is_taken_as_it_is():
    plan = plan_with("a dog barks", from_direction=1.5, to_direction=4.5, speed=3, seconds=2)
    model = NoisyGenerator()
    made = generate(plan, model=model)
    assert (made.audio.duration, made.plan) == (2.0, plan)
    assert (model.asked[0][0].sounds[0].start, model.asked[0][0].sounds[0].share) == (1.5, 0.3)
    assert generate(plan, model=model, seconds=1.5).audio.duration == 1.5


def test_the_best_of_several_is_kept(by_time_differences):
    model = NoisyGenerator(wrong=(3, 4), silent=(5,))
    made = generate(WALK, model=model, seconds=3, seed=3, best_of=5, verify=True)
    assert [attempt.seed for attempt in made.attempts] == [3, 4, 5, 6, 7]
    assert [round(attempt.score, 1) for attempt in made.attempts][:3] == [0.0, 0.0, 0.0]
    assert made.seed in (6, 7)
    assert made.verification.passed
    assert made.verification.score == max(attempt.score for attempt in made.attempts)
    np.testing.assert_array_equal(made.audio.samples, generate(WALK, model=model, seconds=3, seed=made.seed).audio.samples)


def test_silence_never_passes(by_time_differences):
    made = generate(WALK, model=NoisyGenerator(silent=(0,)), seconds=2, verify=True)
    assert made.silent
    assert "the clip is silent" in made.notes
    assert (made.verification.passed, made.verification.score, made.verification.silent) == (False, 0.0, True)


def test_other_layouts_go_through_the_simulator():
    chosen = engine_for(MonoNoisyGenerator(), layout="foa")
    assert isinstance(chosen.engine, PlaceEngine)
    assert isinstance(chosen.engine.content, GeneratedContent)
    assert chosen.notes == ("noisy-mono writes stereo; for foa the simulator places the sounds it writes",)
    made = generate(WALK, model=MonoNoisyGenerator(), layout="foa", seconds=1)
    assert (made.audio.layout.name, made.model, made.audio.sample_rate) == ("foa", "place (noisy-mono)", 16_000)
    assert made.notes == chosen.notes
    with pytest.raises(LayoutError, match=r"noisy writes stereo and nothing else; for foa use the model place"):
        generate(WALK, model=NoisyGenerator(), layout="foa")


def test_without_a_model_the_one_that_ships_writes_what_it_can(monkeypatch):
    monkeypatch.setattr(engines, "_ships", lambda name: True)
    monkeypatch.setattr(engines, "loaded_generator", lambda name, device: MonoNoisyGenerator(name=name))
    assert engine_for().engine.name == "nano-generator"
    assert engine_for(layout="stereo").engine.name == "nano-generator"
    assert engine_for(layout="binaural").engine.name == "place (nano-generator)"
    assert engine_for("place").engine.name == "place (nano-generator)"
    assert engine_for("place", content="bank").engine.name == "place"
    assert engine_for(sounds=ProceduralBank(["dog"])).engine.name == "place"
    monkeypatch.setattr(engines, "_ships", lambda name: False)
    assert engine_for().engine.name == "place"
    with pytest.raises(CheckpointError, match="no generator ships"):
        engine_for("place", content="generated")


def test_the_networks_plug_in():
    from auris.models.scene_diffusion.config import SceneDiffusionConfig
    from auris.models.scene_diffusion.generator import SceneGenerator

    network = SceneGenerator(SceneDiffusionConfig(("dog", "sea_waves"), width=8, depth=1, heads=1))
    assert isinstance(engine_for(network).engine, engines.EndToEnd)
    assert isinstance(engine_for(network, layout="foa").engine, PlaceEngine)


def test_an_engine_can_be_given():
    engine = engine_for("place", layout="foa", sounds=ProceduralBank(["dog", "rain"])).engine
    assert engine_for(engine).engine is engine
    with pytest.raises(LayoutError, match="writes foa, but stereo was asked for"):
        engine_for(engine, layout="stereo")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"model": "nano-foa"}, "nano-foa is a model to listen with"),
        ({"model": "no-such-model"}, "no model called 'no-such-model'"),
        ({"model": NoisyGenerator(), "sounds": ProceduralBank()}, "sounds belong to the model 'place'"),
        ({"model": NoisyGenerator(), "content": "bank"}, "content belong to the model 'place'"),
        ({"model": "place", "content": "recorded"}, "'generated' or 'bank'"),
        ({"model": "place", "content": "generated", "sounds": ProceduralBank()}, "leave one of the two out"),
        ({"model": "place", "content": "bank", "steps": 3}, "sounds of a bank are not sampled"),
        ({"model": "place", "content": "bank", "guidance_position": 3.0}, "exactly where they are asked for"),
        ({"model": NoisyGenerator(), "seconds": 6}, "noisy writes at most 5 seconds, 6 were asked for"),
        ({"seconds": 0}, "seconds must be above 0"),
        ({"seconds": float("nan")}, "seconds must be above 0"),
        ({"best_of": 0}, "best_of must be a whole number from 1 to 100"),
        ({"best_of": 2.5}, "best_of must be"),
        ({"seed": -1}, "a seed is a whole number of at least 0"),
        ({"seed": 1.5}, "a seed is a whole number of at least 0"),
        ({"layout": "quad"}, "unknown layout 'quad'"),
        ({"model": "place", "layout": "mono", "verify": True}, "mono audio cannot be verified"),
        ({"model": "place", "layout": "tetra", "verify": True}, "tetra audio cannot be verified"),
        ({"listener": "nano-foa", "verify": True, "model": NoisyGenerator()}, "nano-foa|foa"),
    ],
)
def test_impossible_settings_are_refused(settings, said):
    with pytest.raises((ParameterError, LayoutError, CheckpointError), match=said):
        generate("a dog barks on the left", **{"seconds": 1, **settings})


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("", "prompt|nothing|words"),
        ("on the left", "nothing sounds"),
        ("a dog, a bell, rain, a rooster and a helicopter", r"5 sounds .* more than the 4"),
    ],
)
def test_prompts_that_make_no_plan_are_refused(prompt, said):
    with pytest.raises(ParameterError, match=said):
        generate(prompt, model="place", seconds=1)
