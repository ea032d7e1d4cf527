"""The three questions of the demo."""

import dataclasses

import pytest

from auris.audio import Audio
from auris.data.language.answers import parsed_answer
from auris.data.language.phrases import WORDS
from auris.data.language.questions import answered, heard_sources, parsed_question
from auris.demo_questions import ask_demo, certain_questions
from auris.geometry import Static
from auris.pipelines import sample_scene
from auris.scene import Event, Scene, Source

LABELS = ("dog", "rain", "speech", "clock_tick", "music", "chainsaw", "sneezing", "rooster")


@pytest.fixture(scope="module")
def scenes():
    from auris.data.scene_presets import PRESETS

    preset = dataclasses.replace(PRESETS["demo"], labels=LABELS)
    return [sample_scene(preset, seed=seed) for seed in range(12)]


def test_truths_are_those_of_the_scene(scenes):
    count = 0
    for seed, scene in enumerate(scenes):
        for text, truth in certain_questions(scene, seed=seed):
            asked = parsed_question(text)
            if asked.type == "CLASSIFICATION":
                assert sorted(truth.split("; ")) == sorted({source.label.replace("_", " ") for source in scene.sources})
            else:
                assert answered(asked, heard_sources(scene)).text == truth
            assert parsed_answer(truth, asked.type).text == truth
            count += 1
    assert count >= 2 * len(scenes)


def test_most_scenes_give_a_place_a_comparison_and_a_detection(scenes):
    whole = [questions for seed, scene in enumerate(scenes) if len(questions := certain_questions(scene, seed=seed)) == 3]
    assert len(whole) >= len(scenes) / 2
    for (_, place), (_, compared), (_, detected) in whole:
        assert place.endswith("m") or place in WORDS
        assert compared in ("Yes", "No")
        assert set(detected.split("; ")) <= {label.replace("_", " ") for label in LABELS}


def test_the_same_seed_asks_the_same(scenes):
    assert certain_questions(scenes[0], seed=3) == certain_questions(scenes[0], seed=3)


def scene_of(*sources):
    return Scene(4.0, tuple(Source(label, Static(place), (Event(1.0, 3.0),)) for label, place in sources))


def test_nothing_is_asked_that_could_be_doubted():
    alike = scene_of(("dog", (2.0, 1.0, 1.0)), ("dog", (2.0, -1.0, 1.0)))
    assert [answer for _, answer in certain_questions(alike, seed=0)] == ["dog"]  # what sounds at all
    level = scene_of(("dog", (2.0, 1.0, 0.0)), ("rain", (2.0, -1.0, 0.0)))
    texts = [text for text, _ in certain_questions(level, seed=0)]
    # No place of three words: both are neither above nor below. Which way one lies from the other is asked instead.
    assert len(texts) == 3
    assert parsed_question(texts[0]).type == "MIXUP_NONBINARY_DIRECTION"


def test_answers_stand_beside_the_truth(monkeypatch):
    import numpy as np

    scene = scene_of(("dog", (2.0, 2.0, 1.0)), ("rain", (-2.0, -2.0, -1.0)))
    audio = Audio(0.1 * np.random.default_rng(0).standard_normal((2, 64_000)), 16_000, "binaural")
    monkeypatch.setattr("auris.asking.conversation.answerer_for", lambda layout, **options: None)
    model, found = ask_demo(scene, scene, audio, seed=0, report=lambda text: None)
    assert model is None
    assert len(found) == 3
    assert all(asked.by_model is None for asked in found)
    # What was heard is the truth here, and so are the answers by rules.
    assert all(asked.by_rules == asked.truth for asked in found)
    model, found = ask_demo(scene, Scene(4.0), audio, seed=0, report=lambda text: None)
    assert all(asked.by_rules.startswith("no answer: ") for asked in found[:2])


def test_a_language_model_answers_beside(monkeypatch):
    import numpy as np

    class Yes:
        name, sample_rate, clip_seconds = "yes", 16_000, 10.0

        def answer(self, clips, questions, *, on_text=None):
            return ["Yes"] * len(clips)

    scene = scene_of(("dog", (2.0, 2.0, 1.0)), ("rain", (-2.0, -2.0, -1.0)))
    audio = Audio(0.1 * np.random.default_rng(0).standard_normal((2, 64_000)), 16_000, "binaural")
    monkeypatch.setattr("auris.asking.conversation.answerer_for", lambda layout, **options: Yes())
    model, found = ask_demo(scene, scene, audio, seed=0, report=lambda text: None)
    assert model == "yes"
    assert {asked.by_model for asked in found} == {"Yes"}
    assert found[0].to_dict() == {
        "question": found[0].question,
        "truth": found[0].truth,
        "by_model": "Yes",
        "by_rules": found[0].truth,
    }
