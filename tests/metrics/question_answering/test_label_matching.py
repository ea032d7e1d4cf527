"""Sounds named in words, put to classes: by name, by meaning, and by how near they come."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auris.errors import ParameterError
from auris.metrics.question_answering.label_matching import (
    NameSimilarity,
    classes_named,
    fit,
    matched_by_meaning,
    matched_exactly,
)
from auris.metrics.question_answering.sound_names import named_sounds, plain_name, sounds_called, words_of
from auris.vocabulary import DCASE2021, DCASE2022, ESC50, L3DAS22, SOUNDS

SHIPPED = tuple(label.replace("_", " ") for label in SOUNDS.labels)
LISTS = (SOUNDS, DCASE2021, DCASE2022, L3DAS22, ESC50)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("dog", "dog"),
        ("Dog", "dog"),
        ("bark", "dog"),
        ("barking", "dog"),
        ("a dog barking", "dog"),
        ("the barking of a dog", "dog"),
        ("barking dog", "dog"),
        ("a puppy", "dog"),
        ("people talking", "speech"),
        ("someone is speaking", "speech"),
        ("a voice", "speech"),
        ("conversation", "speech"),
        ("rainfall", "rain"),
        ("rain falling on a roof", "rain"),
        ("raindrops", "rain"),
        ("a helicopter flying", "helicopter"),
        ("chopper", "helicopter"),
        ("power saw", "chainsaw"),
        ("chain saw", "chainsaw"),
        ("the ticking of a clock", "clock tick"),
        ("tick-tock", "clock tick"),
        ("a fire crackling", "crackling fire"),
        ("campfire", "crackling fire"),
        ("a baby crying", "crying baby"),
        ("an infant crying", "crying baby"),
        ("a song playing", "music"),
        ("background music", "music"),
        ("a rooster crowing", "rooster"),
        ("cock-a-doodle-doo", "rooster"),
        ("ocean waves", "sea waves"),
        ("waves crashing", "sea waves"),
        ("surf", "sea waves"),
        ("someone sneezing", "sneezing"),
        ("sneeze", "sneezing"),
    ],
)
def test_everyday_words_mean_the_classes_that_ship(text, label):
    assert classes_named(text, SHIPPED) == (label,)
    assert matched_by_meaning(text, [label], classes=SHIPPED).f1 == 1.0
    scores = NameSimilarity().scores([text], SHIPPED)[0]
    assert SHIPPED[int(scores.argmax())] == label
    assert np.sum(scores == scores.max()) == 1


@pytest.mark.parametrize("text", ["a theorem", "thunder", "cat", "piano and nothing", "glass"])
def test_other_sounds_mean_none_of_them_surely(text):
    assert not set(classes_named(text, SHIPPED)) & set(SHIPPED)


@pytest.mark.parametrize("vocabulary", LISTS, ids=lambda each: each.name)
def test_every_class_of_every_list_is_itself_first(vocabulary):
    names = tuple(label.replace("_", " ") for label in vocabulary.labels)
    scores = NameSimilarity().scores(names, names)
    assert (scores.argmax(axis=1) == np.arange(len(names))).all()
    assert (np.diag(scores) == 1).all()


@pytest.mark.parametrize("vocabulary", LISTS, ids=lambda each: each.name)
def test_every_class_of_every_list_is_known_to_the_table(vocabulary):
    unknown = [label for label in vocabulary.labels if not sounds_called(label.replace("_", " "))]
    assert unknown == []


def test_the_steps_of_nearness():
    assert fit("Clock_tick", "clock tick") == 1.0
    assert fit("barking", "dog") == 0.9
    assert fit("a small dog in the yard", "dog") == 0.8
    assert fit("animal", "dog") == fit("dog", "animal") == 0.5
    assert fit("music", "banjo") == 0.4  # by way of instruments
    assert 0 < fit("horn of a train", "vehicle horn, car horn, honking") < 0.4
    assert fit("a fire alarm beeping", "fire alarm") == 0.8
    assert fit("a fire alarm beeping", "crackling fire") < 0.4
    assert fit("dog", "rain") == 0


def test_names_with_commas_are_one_class():
    classes = ["accelerating, revving, vroom", "car", "vehicle"]
    assert matched_exactly("accelerating, revving, vroom, car", classes[:2], classes=classes).f1 == 1
    assert matched_exactly("accelerating, revving, vroom; car", classes[:2], classes=classes).f1 == 1
    assert classes_named("Accelerating, revving, vroom and a car", classes) == ("accelerating, revving, vroom", "car")


def test_names_that_begin_as_an_introduction_does_are_kept():
    assert matched_exactly("A capella; the rain", ["a capella", "rain"]).f1 == 1
    assert matched_exactly("a capella", ["a capella"]).f1 == 1


def test_f1_counts_what_is_said_too_much_and_what_is_missing():
    assert matched_exactly("dog; rain", ["dog"]).f1 == pytest.approx(2 / 3)
    assert matched_exactly("dog", ["dog", "rain"]).f1 == pytest.approx(2 / 3)
    assert matched_exactly("dog; dog; dog.", ["dog"]).f1 == 1
    assert matched_exactly("bark", ["dog"]).f1 == 0
    assert matched_by_meaning("bark", ["dog"], classes=["dog", "rain"]).f1 == 1
    assert matched_exactly("", ["dog"]).f1 == 0


def test_only_right_needs_a_right_one_and_no_wrong_one():
    assert matched_by_meaning("a puppy", ["dog", "animal"], classes=SHIPPED).only_right
    assert not matched_by_meaning("a puppy; rain", ["dog"], classes=SHIPPED).only_right
    assert not matched_by_meaning("hm", ["dog"], classes=SHIPPED).only_right


def test_a_denied_sound_is_not_named():
    assert classes_named("a dog, but no rain", SHIPPED)[0] == "dog"
    assert classes_named("no music, a dog", SHIPPED) == ("dog",)


def test_a_long_list_is_matched_by_its_best():
    scores = NameSimilarity().scores(["dog; people talking; an animal"], ["dog", "speech", "rain"])
    assert scores.tolist() == [[1.0, 0.9, 0.0]]
    assert NameSimilarity().scores([], ["dog"]).shape == (0, 1)
    assert NameSimilarity().scores(["", "(not answered: dog)"], ["dog"]).tolist() == [[0.0], [0.0]]


def test_classes_that_cannot_be_told_apart_are_refused():
    with pytest.raises(ParameterError, match="'clock tick'"):
        NameSimilarity().scores(["dog"], ["clock tick", "Clock_tick"])


def test_the_table_is_sound():
    table = named_sounds()
    assert len(table) > 150
    for sound in table.values():
        assert plain_name(sound.name) == sound.name.replace("-", " ")
        assert sound.name not in sound.kinds
        assert all(kind in table for kind in sound.kinds)
        assert sounds_called(sound.name) == (sound.name,)


@given(st.lists(st.sampled_from(SHIPPED), min_size=1, max_size=4, unique=True), st.randoms(use_true_random=False))
def test_order_and_capitals_do_not_matter(labels, random):
    text = "; ".join(labels)
    mixed = random.sample(labels, len(labels))
    other = "; ".join("".join(random.choice((c.upper(), c.lower())) for c in label) for label in mixed)
    assert matched_exactly(other, labels).f1 == 1
    similarity = NameSimilarity()
    np.testing.assert_array_equal(similarity.scores([text], SHIPPED), similarity.scores([other], SHIPPED))


@pytest.mark.parametrize(
    ("one", "other"),
    [("a dog barks", "barking dog"), ("babies", "baby"), ("running", "run"), ("sneezes", "sneezing"), ("boxes", "box")],
)
def test_forms_of_a_word_are_one(one, other):
    assert words_of(one) == words_of(other)
