from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from auris.data.seld_targets import AccdoaTargets, AdpitTargets, TrackTargets, encode_adpit
from auris.errors import ParameterError
from auris.io.frame_labels import FrameLabels
from auris.models.pseldnet.outputs import Accdoa, MultiAccdoa, TrackOutputs
from auris.training.seld_losses import accdoa_loss, adpit_loss, aggregated_loss, track_pit_loss

CLASSES, FRAMES = 3, 6


def labels(seed: int) -> FrameLabels:
    """Up to three events of each class in each frame."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 4, (FRAMES, CLASSES))
    frame, label = np.repeat(np.indices(counts.shape).reshape(2, -1), counts.ravel(), axis=1)
    azimuth, elevation = rng.uniform(-3, 3, len(frame)), rng.uniform(-1.5, 1.5, len(frame))
    return FrameLabels(frame, label, azimuth=azimuth, elevation=elevation)


def adpit_targets(seed: int) -> AdpitTargets:
    slots = encode_adpit(labels(seed), classes=CLASSES, frames=FRAMES).targets.slots
    return AdpitTargets(slots[None].double())


def track_batch(seed: int, *, dtype: torch.dtype = torch.float64) -> tuple[TrackOutputs, TrackTargets]:
    random = torch.Generator().manual_seed(seed)
    sed, doa = torch.randn(2, FRAMES, 3, CLASSES, generator=random), torch.randn(2, FRAMES, 3, 3, generator=random)
    active = torch.rand(2, FRAMES, 3, CLASSES, generator=random).round()
    true = torch.nn.functional.normalize(torch.randn(2, FRAMES, 3, 3, generator=random), dim=-1)
    true = true * active.amax(dim=-1, keepdim=True)
    return TrackOutputs(sed.to(dtype), doa.to(dtype)), TrackTargets(active.to(dtype), true.to(dtype))


def exact_outputs(targets: AdpitTargets, choose: np.random.Generator) -> torch.Tensor:
    """Tracks that point at the events, every event at least once, in any order."""
    out = torch.zeros(1, FRAMES, 3, 3, CLASSES, dtype=torch.float64)
    for frame, label in itertools.product(range(FRAMES), range(CLASSES)):
        slots = targets.slots[0, frame, :, :, label]
        (held,) = torch.nonzero(slots[:, 0], as_tuple=True)
        ways = [way for way in itertools.product(held.tolist(), repeat=3) if set(way) == set(held.tolist())]
        if ways:
            out[0, frame, :, :, label] = slots[list(ways[choose.integers(len(ways))]), 1:]
    return out


@given(seed=st.integers(0, 10_000), order=st.integers(0, 10_000))
@settings(max_examples=20)
def test_adpit_is_zero_exactly_when_every_event_is_pointed_at(seed, order) -> None:
    targets = adpit_targets(seed)
    exact = exact_outputs(targets, np.random.default_rng(order))
    assert adpit_loss(MultiAccdoa(exact), targets).total == 0
    cell = tuple(int(i) for i in np.random.default_rng(order).integers(0, exact.shape))
    off = exact.clone()
    off[cell] += 0.01
    assert adpit_loss(MultiAccdoa(off), targets).total > 0


def test_adpit_demands_every_event() -> None:
    # Two events, all tracks at the first: the second is missed.
    both = FrameLabels([0, 0], [0, 0], azimuth=[0.0, 1.5])
    slots = encode_adpit(both, classes=1, frames=1).targets.slots[None]
    first = slots[:, :, 1:2, 1:].expand(-1, -1, 3, -1, -1)
    assert adpit_loss(MultiAccdoa(first), AdpitTargets(slots)).total > 0.1


@given(seed=st.integers(0, 10_000))
@settings(max_examples=10)
def test_adpit_does_not_ask_which_event_or_track_is_which(seed) -> None:
    said, targets = torch.randn(1, FRAMES, 3, 3, CLASSES, dtype=torch.float64), adpit_targets(seed)
    loss = adpit_loss(MultiAccdoa(said), targets).total
    order = np.random.default_rng(seed).permutation(3)
    assert torch.allclose(adpit_loss(MultiAccdoa(said[:, :, order]), targets).total, loss)
    slots = targets.slots[:, :, [0, 2, 1, *(3 + order)]]
    assert torch.allclose(adpit_loss(MultiAccdoa(said), AdpitTargets(slots)).total, loss)


@pytest.mark.parametrize("loss", [track_pit_loss, aggregated_loss])
@given(seed=st.integers(0, 10_000))
@settings(max_examples=10)
def test_the_order_of_target_tracks_does_not_count(loss, seed) -> None:
    outputs, targets = track_batch(seed)
    order = np.random.default_rng(seed).permutation(3)
    permuted = TrackTargets(targets.sed[:, :, order], targets.doa[:, :, order])
    assert torch.allclose(loss(outputs, permuted).total, loss(outputs, targets).total)


def test_a_fixed_order_counts_and_is_never_better() -> None:
    outputs, targets = track_batch(1)
    fixed, best = (track_pit_loss(outputs, targets, assignment=a).total for a in ("fixed", "best"))
    assert fixed > best


def test_the_parts_of_a_track_loss_make_its_total() -> None:
    outputs, targets = track_batch(2)
    loss = track_pit_loss(outputs, targets, direction="cosine", activity_weight=0.3)
    assert torch.allclose(loss.total, 0.3 * loss.sed + 0.7 * loss.doa)
    both, tracks, classes = (
        aggregated_loss(outputs, targets, aggregation=a, track_weight=0.2) for a in ("both", "tracks", "classes")
    )
    assert torch.allclose(both.total, 0.2 * tracks.total + 0.8 * classes.total)
    assert (both.tracks, both.classes) == (tracks.total, classes.total)
    assert tracks.classes.isnan()


def test_aggregated_losses_know_neither_the_length_of_directions_nor_idle_ones() -> None:
    outputs, targets = track_batch(3)
    longer = TrackOutputs(outputs.sed, 5 * outputs.doa)
    for aggregation in ("tracks", "classes"):
        same = [aggregated_loss(o, targets, aggregation=aggregation).total for o in (outputs, longer)]
        assert torch.allclose(*same)
    sure = TrackOutputs(torch.where(targets.sed > 0, 50.0, -50.0).double(), targets.doa + 0.0)
    assert aggregated_loss(sure, targets).total < 1e-12


def test_tracks_beyond_those_of_the_output_are_left_out() -> None:
    outputs, targets = track_batch(4)
    more = TrackTargets(*(torch.cat([part, torch.ones_like(part[:, :, :1])], dim=2) for part in targets))
    assert track_pit_loss(outputs, more).total == track_pit_loss(outputs, targets).total


@pytest.mark.parametrize("direction", ["mse", "l1", "cosine"])
def test_gradients_of_track_losses(direction) -> None:
    (sed, doa), targets = track_batch(5)
    assert torch.autograd.gradcheck(
        lambda s, d: track_pit_loss(TrackOutputs(s, d), targets, direction=direction).total,
        (sed.requires_grad_(), doa.requires_grad_()),
    )
    assert torch.autograd.gradcheck(
        lambda s, d: aggregated_loss(TrackOutputs(s, d), targets, aggregation="both").total, (sed, doa)
    )


def test_gradients_of_vector_losses() -> None:
    said = torch.randn(1, FRAMES, 3, 3, CLASSES, dtype=torch.float64, requires_grad=True)
    targets = adpit_targets(6)
    assert torch.autograd.gradcheck(lambda x: adpit_loss(MultiAccdoa(x), targets).total, (said,))
    true = AccdoaTargets(torch.randn(1, FRAMES, 3, CLASSES, dtype=torch.float64))
    for error in ("mse", "l1"):
        assert torch.autograd.gradcheck(lambda x, e=error: accdoa_loss(Accdoa(x[:, :, 0]), true, error=e).total, (said,))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda o, t: track_pit_loss(o, t, direction="mae"), "unknown error of directions 'mae'"),
        (lambda o, t: track_pit_loss(o, t, assignment="free"), "unknown assignment 'free'"),
        (lambda o, t: aggregated_loss(o, t, aggregation="agg1"), "unknown aggregation 'agg1'"),
        (lambda o, t: aggregated_loss(o, t, error="l2"), "unknown error of vectors 'l2'"),
        (lambda o, t: track_pit_loss(o, TrackTargets(t.sed[:, :1], t.doa)), "activities of tracks.*differ in shape"),
        (lambda o, t: accdoa_loss(Accdoa(o.doa), AccdoaTargets(t.doa[:1])), "ACCDOA vectors.*differ in shape"),
        (lambda o, t: adpit_loss(MultiAccdoa(o.doa), AdpitTargets(t.doa)), r"must be \(B, T, 3, 3, C\)"),
    ],
)
def test_wrong_use_is_refused(call, sentence) -> None:
    with pytest.raises(ParameterError, match=sentence):
        call(*track_batch(7))
