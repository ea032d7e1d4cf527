"""Prompts that generators are scored on: what is drawn is what the grammar reads back."""

import pytest

from auris.errors import ParameterError
from auris.generation.score_prompts import PromptSettings, drawn_plans

LABELS = ("dog", "rain", "speech", "crying_baby")


def test_prompts_are_a_function_of_the_seed_and_classes_take_turns():
    first, again, other = (drawn_plans(LABELS, count=24, seed=seed) for seed in (1, 1, 2))
    assert first == again != other
    for number, plan in enumerate(first):
        assert plan.attributes.sounds[0].description.replace(" ", "_") == LABELS[number % 4]
        assert plan.seconds == 5.0
        assert 1 <= len(plan.attributes.sounds) <= 2
        assert all(sound.start is not None for sound in plan.attributes.sounds)


def test_shares_of_two_sounds_and_of_movement_are_kept():
    still = drawn_plans(LABELS, count=20, seed=3, settings=PromptSettings(two_sounds=0.0, moving=0.0))
    assert all(len(plan.attributes.sounds) == 1 and not plan.attributes.sounds[0].moving for plan in still)
    moving = drawn_plans(LABELS, count=20, seed=3, settings=PromptSettings(two_sounds=1.0, moving=1.0, seconds=3.0))
    assert all(len(plan.attributes.sounds) == 2 and plan.seconds == 3.0 for plan in moving)
    assert all(sound.moving for plan in moving for sound in plan.attributes.sounds)


@pytest.mark.parametrize(("labels", "count"), [(("dog",), 3), (LABELS, 0)])
def test_too_little_to_draw_from_is_refused(labels, count):
    with pytest.raises(ParameterError, match="got"):
        drawn_plans(labels, count=count, seed=0)


def test_impossible_shares_are_refused():
    with pytest.raises(ParameterError, match="shares"):
        PromptSettings(moving=1.5)
