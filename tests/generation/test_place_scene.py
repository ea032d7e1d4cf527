"""Scenes of plans: what is asked is what the scene says again, and what is heard from the listener's place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auris.data.language.attributes import DISTANCES, SIZES, SPEEDS, SceneAttributes, SoundAttributes, attributes_of
from auris.errors import ParameterError
from auris.generation.place_scene import scene_of
from auris.generation.plan import Plan, request_of
from auris.geometry.frames import FRAMES
from auris.scene import Scene

directions = st.integers(100, 500).map(lambda hundredths: hundredths / 100)


@st.composite
def sounds(draw: st.DrawFn) -> SoundAttributes:
    what, start, near = draw(st.sampled_from(["dog", "rain"])), draw(directions), draw(st.sampled_from(DISTANCES))
    speed = draw(st.sampled_from(SPEEDS))
    if speed == "still":
        return SoundAttributes(what, start, start, "still", near, near)
    end, far = draw(directions), draw(st.sampled_from(DISTANCES))
    # Less than a quarter of a direction, or a jump to where it is, is no movement.
    if near == far and abs(end - start) < 0.3:
        end = start + 1 if start < 3 else start - 1
    return SoundAttributes(what, start, end, speed, near, far)


plans = st.builds(
    Plan,
    st.just("words"),
    st.builds(SceneAttributes, st.lists(sounds(), min_size=1, max_size=4).map(tuple), st.sampled_from(SIZES)),
    st.floats(1, 30),
)


def heard(scene: Scene, number: int, moments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    points = scene.relative_positions(scene.sources[number].path, moments)
    return FRAMES["five_way"].from_internal(points)[:, 0], np.linalg.norm(points, axis=1)


@given(plans, st.integers(0, 2**31))
def test_a_scene_says_what_was_asked(plan: Plan, seed: int) -> None:
    again = attributes_of(scene_of(plan, seed=seed))
    assert again.size == plan.attributes.size
    for got, asked in zip(again.sounds, plan.attributes.sounds, strict=True):
        assert got.start == pytest.approx(asked.start, abs=1e-4)
        assert got.end == pytest.approx(asked.end, abs=1e-4)
        assert (got.description, got.speed, got.distance, got.end_distance) == (
            asked.description,
            asked.speed,
            asked.distance,
            asked.end_distance,
        )


@given(plans, st.integers(0, 2**31))
def test_directions_and_distances_are_exact_at_every_moment(plan: Plan, seed: int) -> None:
    scene, request = scene_of(plan, seed=seed), request_of(plan)
    times = np.linspace(0, 1, 41)[1:-1]
    for number, asked in enumerate(request.sounds):
        direction, distance = heard(scene, number, times * plan.seconds)
        away = np.abs(times + asked.share) > 0.001 if asked.share < 0 else np.ones(len(times), bool)  # beside a jump
        assert np.allclose(direction[away], asked.direction(times)[away], atol=1e-6)
        metres = asked.distance + (asked.end_distance - asked.distance) * asked.progress(times)
        assert np.allclose(distance[away], metres[away], rtol=1e-6)


def test_a_sound_that_moves_about_comes_back() -> None:
    for start, speed in ((1.0, "slow"), (3.0, "fast"), (5.0, "moderate")):
        plan = Plan("x", SceneAttributes((SoundAttributes("dog", start, start, speed, "near", "near"),), "small"))
        assert attributes_of(scene_of(plan, seed=3)) == plan.attributes
        direction, _ = heard(scene_of(plan, seed=3), 0, np.linspace(0, 10, 201))
        assert np.abs(direction - start).max() == pytest.approx(1.0, abs=0.02)
        assert direction.min() >= 1 - 1e-9
        assert direction.max() <= 5 + 1e-9


def test_what_is_not_said_is_the_same_for_every_seed_and_what_has_no_word_is_drawn() -> None:
    plan = Plan("x", SceneAttributes((SoundAttributes("dog"),), "moderate"))
    scenes = [scene_of(plan, seed=seed) for seed in range(5)]
    assert len({scene.room for scene in scenes}) == 5
    assert {attributes_of(scene).sounds for scene in scenes} == {(SoundAttributes("dog", 3, 3, "still", "moderate"),)}
    assert scene_of(plan, seed=1) == scene_of(plan, seed=1)
    assert scene_of(Plan("x", SceneAttributes((SoundAttributes("dog"),))), seed=0).room is None


def test_length_and_frame() -> None:
    plan = Plan("x", SceneAttributes((SoundAttributes("dog", 1),), "large"), 4.0)
    scene = scene_of(plan, seed=0, seconds=2.5)
    assert scene.duration == scene.sources[0].events[0].offset == 2.5
    point = scene.relative_positions(scene.sources[0].path, [0.0])[0]
    assert point[1] > 0
    assert point[[0, 2]] == pytest.approx([0, 0], abs=1e-9)
    with pytest.raises(ParameterError, match="seconds"):
        scene_of(plan, seed=0, seconds=0)
