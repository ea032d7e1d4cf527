"""The small diffusion transformer: what it is told, what it forgets, and what it cannot know."""

from __future__ import annotations

import math

import pytest
import torch

from auris.models.scene_diffusion.network import ROOMS, Conditions, SceneDiffusion, track_of


def network(seed: int = 0, *, tokens: int = 7) -> SceneDiffusion:
    """A network whose last layers were drawn too, as after training."""
    torch.manual_seed(seed)
    made = SceneDiffusion(tokens, classes=3, width=16, depth=2, heads=2).eval()
    for parameter in made.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    return made


def told(azimuth: float = 0.5, distance: float = 2.0, *, count: int = 5, what: int = 1, room: int = 0) -> Conditions:
    track = track_of(torch.full((1, count), azimuth), torch.full((1, count), distance))
    return Conditions(torch.tensor([what]), track, torch.tensor([room]))


def test_it_begins_as_the_answer_zero() -> None:
    made = SceneDiffusion(7, classes=3, width=16, depth=2, heads=2)
    assert not made(torch.randn(2, 5, 7), torch.rand(2), Conditions.stacked([told(), told(what=2)])).any()


def test_every_condition_changes_the_answer() -> None:
    made, noised, t = network(), torch.randn(1, 5, 7), torch.tensor([0.7])
    plain = made(noised, t, told())
    assert plain.shape == (1, 5, 7)
    others = [
        told(what=2),
        told(azimuth=-0.5),
        told(distance=4.0),
        told(room=2),
        told().without_class(3),
        told().without_place(),
    ]
    for other in others:
        assert (made(noised, t, other) - plain).abs().max() > 1e-4
    assert (made(noised, t * 0.5, told()) - plain).abs().max() > 1e-4


def test_sounds_of_a_batch_know_nothing_of_each_other() -> None:
    made, noised, t = network(), torch.randn(2, 5, 7), torch.tensor([0.7, 0.2])
    both = made(noised, t, Conditions.stacked([told(), told(what=2, azimuth=1.0)]))
    alone = made(noised[1:], t[1:], told(what=2, azimuth=1.0))
    torch.testing.assert_close(both[1:], alone)


def test_attention_knows_distances_only() -> None:
    """A stretch of equal tokens looks the same to those before and after it, wherever it begins."""
    made = network()
    same = torch.randn(1, 1, 7).expand(1, 6, 7)
    answer = made(same, torch.tensor([0.5]), told(count=6))
    torch.testing.assert_close(answer, answer[:, :1].expand_as(answer), atol=1e-5, rtol=1e-4)


def test_what_is_dropped_is_told_by_nothing() -> None:
    made, noised, t = network(), torch.randn(1, 5, 7), torch.tensor([0.7])
    first, second = told(what=0, azimuth=0.1, room=1), told(what=2, azimuth=1.2, room=3)
    assert (made(noised, t, first) - made(noised, t, second)).abs().max() > 1e-4
    nothing = [made(noised, t, one.without_class(3).without_place()) for one in (first, second)]
    assert torch.equal(*nothing)
    placeless = [one.without_place() for one in (first, second)]
    assert all(int(one.rooms) == len(ROOMS) and not one.tracks.any() for one in placeless)
    kept = first.without_class(3, torch.tensor([False])).without_place(torch.tensor([False]))
    assert torch.equal(made(noised, t, kept), made(noised, t, first))


@pytest.mark.parametrize("degrees", [-90.0, 0.0, 45.0])
def test_a_track_says_presence_angle_and_distance(degrees: float) -> None:
    track = track_of(torch.tensor(math.radians(degrees)), torch.tensor(math.e**2))
    expected = [1.0, math.sin(math.radians(degrees)), math.cos(math.radians(degrees)), 1.0]
    torch.testing.assert_close(track, torch.tensor(expected), atol=1e-6, rtol=0)
