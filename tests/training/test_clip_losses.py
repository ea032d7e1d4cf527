from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from auris.models.clip_outputs import ClipOutputs
from auris.training.clip_losses import ClipTargets, clip_losses, spread_on_circle, spread_on_line
from auris.training.spatial_ast_recipe import ClipLossRecipe

places = st.integers(0, 359), st.integers(0, 179)


def targets(distance: int, azimuth: int, elevation: int) -> ClipTargets:
    return ClipTargets(torch.zeros(1, 3), *(torch.tensor([value]) for value in (distance, azimuth, elevation)))


def sure_of(distance: int, azimuth: int, elevation: int) -> ClipOutputs:
    """Outputs that are all but certain of a place, and of silence."""
    parts = []
    for value, count in ((distance, 21), (azimuth, 360), (elevation, 180)):
        parts.append(30 * torch.nn.functional.one_hot(torch.tensor([value]), count).float())
    return ClipOutputs(torch.full((1, 3), -30.0), *parts)


@settings(max_examples=30)
@given(*places, st.floats(1, 30))
def test_spread_targets_are_probabilities_with_their_peak_at_the_truth(azimuth: int, elevation: int, width: float) -> None:
    line = spread_on_line(torch.tensor([elevation]), 180, width)
    assert float(line.sum()) == pytest.approx(1, abs=1e-5)
    assert int(line.argmax()) == elevation
    circle = spread_on_circle(torch.tensor([azimuth]), torch.tensor([max(elevation, 1)]), width)
    assert float(circle.sum()) == pytest.approx(1, abs=1e-5)
    assert int(circle.argmax()) == azimuth


def test_azimuths_close_the_circle_and_do_not_matter_overhead() -> None:
    level = spread_on_circle(torch.tensor([0]), torch.tensor([90]), 5.0)[0]
    torch.testing.assert_close(level[1:].flip(0), level[1:])
    spread = math.sqrt(float((level * torch.tensor([min(a, 360 - a) ** 2 for a in range(360)])).sum()))
    assert spread == pytest.approx(5, rel=0.02)
    overhead = spread_on_circle(torch.tensor([77]), torch.tensor([0]), 5.0)[0]
    torch.testing.assert_close(overhead, torch.full((360,), 1 / 360))


def test_without_smoothing_a_neighbour_is_as_wrong_as_the_far_side() -> None:
    near, far = (clip_losses(sure_of(4, azimuth, 90), targets(4, 10, 90), ClipLossRecipe()).azimuth for azimuth in (11, 190))
    assert float(near) == pytest.approx(float(far))


def test_with_smoothing_a_neighbour_is_less_wrong() -> None:
    recipe = ClipLossRecipe(smoothing_deg=5, distance_smoothing=0.5)
    right, near, far = (
        clip_losses(sure_of(*said), targets(4, 359, 90), recipe) for said in ((4, 359, 90), (5, 1, 92), (9, 179, 130))
    )
    for part in ("distance", "azimuth", "elevation"):
        assert getattr(right, part) < getattr(near, part) < getattr(far, part)


def test_the_total_is_weighted() -> None:
    recipe = ClipLossRecipe(events=3, distance=5, direction=7)
    losses = clip_losses(sure_of(3, 100, 80), targets(4, 10, 90), recipe)
    wanted = 3 * losses.events + 5 * losses.distance + 7 * (losses.azimuth + losses.elevation)
    torch.testing.assert_close(losses.total, wanted)


def test_smoothing_of_nothing_is_the_limit_of_little_smoothing() -> None:
    torch.manual_seed(0)
    logits = ClipOutputs(*(torch.randn(1, count) for count in (3, 21, 360, 180)))
    hard = clip_losses(logits, targets(3, 200, 60), ClipLossRecipe())
    soft = clip_losses(logits, targets(3, 200, 60), ClipLossRecipe(smoothing_deg=0.1, distance_smoothing=0.05))
    torch.testing.assert_close(torch.stack(soft), torch.stack(hard))
