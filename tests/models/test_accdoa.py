from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from auris.errors import SceneError
from auris.geometry import Orbit, Static, unit_vector
from auris.models.accdoa import MaskedAccdoaHead, MultiAccdoaHead, MultiAccdoaLoss, encode_scene, fill_slots, frame_times
from auris.scene import Event, Scene, Source

LABELS = ("dog", "rain", "speech")


def test_a_scene_becomes_targets_at_frame_centres() -> None:
    orbit = Orbit((2.0, 0.0, 0.0), (0.0, 0.0, 0.0), 0.5)
    scene = Scene(2.0, (Source("rain", orbit, (Event(0.52, 1.5),)),))
    targets = encode_scene(scene, LABELS, frames=20, frame_seconds=0.1)
    assert targets.shape == (20, 3, 3, 5)
    # Frame 5 spans 0.5 to 0.6 s: its centre lies within the event. Frame 15 begins where the event ends.
    assert np.flatnonzero(targets[:, 0, 1, 0]).tolist() == list(range(5, 15))
    assert np.allclose(targets[7, 0, 1, 1:], [*unit_vector(0.5 * 0.75, 0.0), 2.0], atol=1e-6)
    assert targets[:, 1:].sum() == targets[:, :, [0, 2]].sum() == 0


def test_sounds_of_one_class_share_slots_from_the_first_on() -> None:
    sources = tuple(Source("dog", Static((1.0 + i, 0.0, 0.0)), (Event(i * 0.5, 2.0),)) for i in range(4))
    targets = encode_scene(Scene(2.0, sources), LABELS, frames=20, frame_seconds=0.1)
    assert targets[:, :, 0, 0].sum(axis=1).tolist() == [1] * 5 + [2] * 5 + [3] * 10
    assert targets[-1, :, 0, 4].tolist() == [1.0, 2.0, 3.0]


def test_an_empty_scene_has_silent_targets() -> None:
    assert not encode_scene(Scene(1.0), LABELS, frames=10, frame_seconds=0.1).any()


def test_a_class_outside_the_labels_is_named() -> None:
    scene = Scene(1.0, (Source("dogg", Static((1.0, 0.0, 0.0)), (Event(0, 1),)),))
    with pytest.raises(SceneError, match="did you mean 'dog'"):
        encode_scene(scene, LABELS, frames=10, frame_seconds=0.1)


def test_the_head_speaks_vectors_within_the_unit_ball_and_sane_distances() -> None:
    head = MultiAccdoaHead(16, classes=5, tracks=3)
    out = head(torch.randn(2, 7, 16) * 50).detach()
    assert out.shape == (2, 7, 3, 5, 4)
    assert float(out[..., :3].norm(dim=-1).max()) <= 1 + 1e-6
    assert float(out[..., 3].min()) >= 0.1 - 1e-6
    assert float(out[..., 3].max()) <= 50.01


def perfect(targets: np.ndarray, order: tuple[int, int, int]) -> torch.Tensor:
    """Outputs that say the targets, tracks in some order, events duplicated where there are fewer than tracks."""
    frames, _, classes, _ = targets.shape
    out = torch.zeros(1, frames, 3, classes, 4)
    out[..., 3] = 1.0
    for frame, label in itertools.product(range(frames), range(classes)):
        events = int(targets[frame, :, label, 0].sum())
        for track in range(3):
            if events:
                _, *place, distance = targets[frame, order[track] % events, label]
                out[0, frame, track, label] = torch.tensor([*(0.999999 * np.array(place)), distance])
    return out


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("events", [1, 2, 3])
def test_no_order_of_tracks_is_preferred(order: tuple[int, int, int], events: int) -> None:
    rng = np.random.default_rng(events)
    places = rng.standard_normal((events, 4, 3))
    distances = rng.uniform(0.5, 5, (events, 4))
    units = places / np.linalg.norm(places, axis=-1, keepdims=True)
    targets = fill_slots(np.ones(events, dtype=int), np.ones((events, 4), dtype=bool), units, distances, classes=3)
    losses = MultiAccdoaLoss()(perfect(targets, order), torch.tensor(targets)[None])
    assert float(losses.direction) < 1e-5
    assert float(losses.distance) < 1e-5
    assert float(losses.activity) < 1e-3


def test_every_event_must_be_pointed_at() -> None:
    units = np.array([[[1.0, 0, 0]], [[0, 1.0, 0]]])
    targets = fill_slots(np.zeros(2, dtype=int), np.ones((2, 1), dtype=bool), units, np.ones((2, 1)), classes=1)
    out = torch.zeros(1, 1, 3, 1, 4)
    out[..., 0], out[..., 3] = 1.0, 1.0  # all three tracks point at the first
    assert float(MultiAccdoaLoss()(out, torch.tensor(targets)[None]).direction) == pytest.approx(1 / 3, abs=1e-5)


def test_there_are_thirteen_assignments_for_three_tracks() -> None:
    loss = MultiAccdoaLoss(tracks=3)
    assert loss.events.tolist() == [1] + [2] * 6 + [3] * 6


@settings(max_examples=10, deadline=None)
@given(angle=st.floats(0.05, 3.0), ratio=st.floats(0.3, 3.0))
def test_errors_are_what_they_are_called(angle: float, ratio: float) -> None:
    targets = torch.zeros(1, 1, 3, 1, 5)
    targets[0, 0, 0, 0] = torch.tensor([1.0, 1.0, 0.0, 0.0, 2.0])
    out = torch.zeros(1, 1, 3, 1, 4)
    out[..., :3] = 0.7 * torch.tensor(unit_vector(angle, 0.0), dtype=torch.float32)
    out[..., 3] = 2.0 * ratio
    losses = MultiAccdoaLoss(direction=2.0, distance=0.5)(out, targets)
    assert float(losses.direction) == pytest.approx(1 - np.cos(angle), abs=1e-5)
    assert float(losses.distance) == pytest.approx(abs(np.log(ratio)), abs=1e-5)
    assert float(losses.activity) == pytest.approx(-np.log(0.7), abs=1e-4)
    parts = losses.activity + 2.0 * losses.direction + 0.5 * losses.distance
    assert float(losses.total) == pytest.approx(float(parts), rel=1e-5)


def test_silence_costs_activity_alone_and_gradients_stay_finite() -> None:
    head = MultiAccdoaHead(8, classes=3)
    for targets in (torch.zeros(2, 5, 3, 3, 5), torch.tensor([1.0, 0, 0, 1.0, 0.0]).expand(2, 5, 3, 3, 5)):
        losses = MultiAccdoaLoss()(head(torch.randn(2, 5, 8) * 100), targets)
        losses.total.backward()
        assert all(torch.isfinite(p.grad).all() for p in head.parameters())
    assert frame_times(2, 0.1).tolist() == [0.05, pytest.approx(0.15)]


def test_a_masked_head_reads_the_direction_of_the_band_it_listens_to() -> None:
    torch.manual_seed(0)
    head = MaskedAccdoaHead(4, classes=2, bands=3, kinds=3, tracks=2, reach=1)
    with torch.no_grad():
        for layer in (head.mask, head.plain.place, head.shortcut, *head.readout[::2]):
            layer.weight.zero_()
            layer.bias.zero_()
        head.mask.bias.copy_(torch.tensor([8.0, -8, -8, -8, -8, 8]))  # class 0 hears the lowest band, class 1 the highest
        head.shortcut.weight[:3, :3] = torch.eye(3)
    cues = torch.zeros(1, 5, 3, 3)
    cues[..., 0, :], cues[..., 2, :] = torch.tensor([0.6, 0.0, 0.1]), torch.tensor([0.0, -0.5, 0.0])
    out = head(torch.zeros(1, 5, 4), cues).detach()
    assert out.shape == (1, 5, 2, 2, 4)
    directions = out[..., :3] / out[..., :3].norm(dim=-1, keepdim=True)
    assert torch.allclose(directions[0, :, 0, 1], torch.tensor([0.0, -1.0, 0.0]), atol=1e-3)
    assert torch.allclose(directions[0, 2, 1, 0], torch.tensor([0.6, 0.0, 0.1]) / math.sqrt(0.37), atol=1e-3)
