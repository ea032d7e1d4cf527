"""Captions: they say all of their attributes and nothing else, in English, in many ways."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auris.data.language.attributes import DISTANCES, SIZES, SPEEDS, SceneAttributes, SoundAttributes
from auris.data.language.captions import Mentions, caption, mentioned
from auris.data.language.parsing import parse
from auris.data.language.sound_phrases import described, phrases_of
from auris.errors import ParameterError
from auris.vocabulary import DCASE2021, DCASE2022, ESC50, L3DAS22, SOUNDS

NAMES = [*SOUNDS, *ESC50, *DCASE2021, *DCASE2022, *L3DAS22]
LABELS = list({phrases_of(label): label for label in NAMES}.values())  # of labels for the same sound, one
AWKWARD = [
    "Inside, large room or hall",
    "Fly, housefly",
    "Left-hand clap",
    "Run, and jump",
    "Walk, footsteps",
    "TV",
    "Rain on surface",
    "front door",
    "a man and a woman talking",
    "an old bus from the left bank",
    "Jackhammer (far away)",
    "theremin",
]
directions = st.none() | st.integers(1, 5).map(float) | st.integers(10, 50).map(lambda tenths: tenths / 10)


@st.composite
def sounds(draw: st.DrawFn, labels: list[str]) -> SoundAttributes:
    label = draw(st.sampled_from(labels))
    if draw(st.booleans()):
        start, distance = draw(directions), draw(st.sampled_from([None, *DISTANCES]))
        return SoundAttributes(label, start, start, "still", distance, distance)
    speed = draw(st.sampled_from([None, *SPEEDS[1:]]))
    near, far = (draw(st.sampled_from([None, *DISTANCES])) for _ in range(2))
    return SoundAttributes(label, draw(directions), draw(directions), speed, near, far)


def scenes(labels: list[str]) -> st.SearchStrategy[SceneAttributes]:
    listed = st.lists(sounds(labels), min_size=1, max_size=5).map(tuple)
    return st.builds(SceneAttributes, listed, st.sampled_from([None, *SIZES]))


def _read(text: str, attributes: SceneAttributes) -> SceneAttributes:
    return parse(text, labels=[sound.description for sound in attributes.sounds])


@given(scenes(LABELS), st.integers(0, 2**31))
def test_captions_are_read_back_exactly(attributes: SceneAttributes, seed: int) -> None:
    assert _read(caption(attributes, seed=seed), attributes) == attributes


@given(scenes(AWKWARD), st.integers(0, 2**31))
def test_labels_full_of_spatial_words_do_not_confuse_the_reader(attributes: SceneAttributes, seed: int) -> None:
    assert _read(caption(attributes, seed=seed), attributes) == attributes


def test_every_way_of_saying_is_read_back() -> None:
    rng = np.random.default_rng(0)
    cases = [
        SoundAttributes("dog", start, end, speed, near, far)
        for start in (None, 1.0, 2.0, 3.6)
        for end in (None, 3.0, 4.0, 3.6)
        for speed in (None, "slow", "moderate", "fast", "instantly")
        for near, far in ((None, None), ("near", "near"), ("far", "moderate"), ("far", None), (None, "near"))
    ]
    for seed in range(2):
        for case in cases:
            attributes = SceneAttributes((case, SoundAttributes("rain", 5.0)), SIZES[int(rng.integers(4))])
            text = caption(attributes, seed=seed)
            assert parse(text) == attributes, text


def test_a_caption_is_a_function_of_its_seed_and_rich() -> None:
    attributes = SceneAttributes((SoundAttributes("dog", 1.0, 5.0, "slow"), SoundAttributes("rain", 4.0)), "large")
    texts = [caption(attributes, seed=seed) for seed in range(400)]
    assert texts == [caption(attributes, seed=seed) for seed in range(400)]
    assert len(set(texts)) > 350


@given(scenes(LABELS), st.integers(0, 2**31))
def test_captions_look_like_sentences(attributes: SceneAttributes, seed: int) -> None:
    text = caption(attributes, seed=seed)
    assert re.fullmatch(r"[A-Z0-9].*[a-z]\.", text)
    assert not re.search(r"\s\s|,,|\s[,.;]|\ba [aeio]|\bthe the\b|,\.", text), text


def test_left_and_right_are_never_mixed_up() -> None:
    for seed in range(200):
        text = caption(SceneAttributes((SoundAttributes("dog", 1.0),)), seed=seed)
        assert "left" in text
        assert "right" not in text
        moving = caption(SceneAttributes((SoundAttributes("dog", 1.0, 5.0, "fast"),)), seed=seed)
        assert moving.index("left") < moving.index("right")


def test_mentioning_leaves_out_but_never_changes() -> None:
    full = SceneAttributes((SoundAttributes("dog", 1.0, 5.0, "slow", "near", "far"), SoundAttributes("rain", 4.0)), "small")
    for seed in range(200):
        said = mentioned(full, seed=seed)
        assert said.size in (None, full.size)
        for kept, whole in zip(said.sounds, full.sounds, strict=True):
            assert kept.moving == whole.moving
            assert kept.end == whole.end
            for name in ("start", "speed", "distance", "end_distance"):
                assert getattr(kept, name) in (None, getattr(whole, name))
    assert mentioned(full, seed=0, shares=Mentions(0, 0, 0, 0)).sounds[0] == SoundAttributes("dog", None, 5.0, None)
    alone = SceneAttributes((full.sounds[0],), "small")
    assert mentioned(alone, seed=0, shares=Mentions(1, 1, 1, 1)) == alone


def test_a_jump_is_always_called_one() -> None:
    jump = SceneAttributes((SoundAttributes("dog", 1.0, 5.0, "instantly"),))
    for seed in range(50):
        said = mentioned(jump, seed=seed, shares=Mentions(0, 0, 0, 1))
        assert parse(caption(said, seed=seed)) == jump


def test_what_cannot_be_said_is_refused() -> None:
    with pytest.raises(ParameterError, match="at least one sound"):
        caption(SceneAttributes(), seed=0)
    with pytest.raises(ParameterError, match="size"):
        Mentions(size=1.5)


def test_every_class_of_the_built_in_lists_has_words_of_its_own() -> None:
    for label in NAMES:
        assert phrases_of(label).clauses, label
        for phrase in phrases_of(label).spoken():
            assert described(phrase, [label]) == label


def test_a_class_without_words_is_the_sound_of_its_name() -> None:
    assert phrases_of("electric_guitar").nouns[0].phrase == "the sound of electric guitar"
    assert phrases_of("TV").nouns[0].phrase == "the sound of TV"
    assert phrases_of("an old lorry").nouns[0].phrase == "an old lorry"


def test_directions_without_a_word_are_said_in_degrees() -> None:
    attributes = SceneAttributes((SoundAttributes("dog", 2.7),))
    text = caption(attributes, seed=1)
    assert "13.5 degrees to the left" in text
    assert parse(text) == attributes
    assert "degrees" not in caption(attributes.in_words(), seed=1)
    assert replace(attributes.sounds[0], start=3.0, end=3.0) == attributes.in_words().sounds[0]
