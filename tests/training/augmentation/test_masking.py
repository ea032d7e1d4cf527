import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from auris.data.seld_targets import AccdoaTargets, AdpitTargets, TrackTargets
from auris.errors import ParameterError
from auris.training.augmentation.masking import (
    CutoutPlan,
    SpecAugmentPlan,
    Stretches,
    cutout,
    draw_stretches,
    fill_of,
    place,
    spec_augment,
)

seeds = st.integers(0, 2**32)


def random(seed=0):
    return torch.Generator().manual_seed(seed)


def one(start, length):
    """One stretch in each of the items or (item, channel) pairs."""
    return Stretches(torch.tensor(start)[..., None], torch.tensor(length)[..., None])


@given(
    shares=st.tuples(st.floats(0, 1, exclude_max=True, width=32), st.floats(0, 1, exclude_max=True, width=32)),
    longest=st.integers(1, 40),
    size=st.integers(0, 30),
)
def test_stretches_fit(shares, longest, size):
    start, length = place(*(torch.tensor([share]) for share in shares), longest=longest, size=size)
    assert 0 <= start <= start + length <= size
    assert length < longest
    assert Stretches(start, length).hidden(size, device=start.device).sum() == length


def test_all_lengths_and_places_are_drawn():
    start, length = draw_stretches((5000,), longest=4, size=6, generator=random())
    assert set(length.tolist()) == {0, 1, 2, 3}
    assert set(start.tolist()) == set(range(6))
    assert (torch.bincount(length) / 5000 - 0.25).abs().max() < 0.03


def test_time_is_hidden_in_features_and_labels_alike():
    plan = SpecAugmentPlan(one([1, 0], [2, 0]), Stretches(torch.zeros(2, 3, 0), torch.zeros(2, 3, 0)))
    features, targets = spec_augment(torch.ones(2, 3, 43, 8), AccdoaTargets(torch.ones(2, 4, 3, 5)), plan, fill=0.0)
    assert (features[0] == 0).all(dim=0).all(dim=-1).nonzero().flatten().tolist() == list(range(10, 30))
    assert (targets.vectors[0] == 0).all(dim=-1).all(dim=-1).tolist() == [False, True, True, False]
    assert features[1].all()
    assert targets.vectors[1].all()


@pytest.mark.parametrize(
    "targets",
    [
        AccdoaTargets(torch.ones(2, 4, 3, 5)),
        AdpitTargets(torch.ones(2, 4, 6, 4, 5)),
        TrackTargets(torch.ones(2, 4, 2, 5), torch.ones(2, 4, 2, 3)),
    ],
)
def test_every_kind_of_label_is_silenced(targets):
    plan = SpecAugmentPlan(one([0, 3], [1, 1]), one([[0], [7]], [[2], [1]]))
    features, hidden = spec_augment(torch.ones(2, 1, 41, 8), targets, plan, fill=-3.0)
    assert type(hidden) is type(targets)
    for part, before in zip(hidden, targets, strict=True):
        assert before.all()
        assert part.shape == before.shape
        frames = part.flatten(2).sum(-1) > 0
        assert frames.tolist() == [[False, True, True, True], [True, True, True, False]]
    assert (features[0, 0, 15] == torch.tensor([-3.0, -3, 1, 1, 1, 1, 1, 1])).all()
    assert (features[1, 0, 0] == torch.tensor([1.0, 1, 1, 1, 1, 1, 1, -3])).all()
    assert (features[1, 0, 40, :7] == 1).all()


def test_rectangles_are_those_of_the_plan():
    plan = CutoutPlan(one([[2, 0]], [[3, 0]]), one([[1, 0]], [[2, 4]]))
    hidden = cutout(torch.ones(1, 2, 6, 5), plan, fill=0.0) == 0
    wanted = torch.zeros(1, 2, 6, 5, dtype=torch.bool)
    wanted[0, 0, 2:5, 1:3] = True
    assert torch.equal(hidden, wanted)


@settings(max_examples=30)
@given(seed=seeds, shape=st.tuples(st.integers(1, 3), st.integers(1, 7), st.integers(1, 47), st.integers(1, 9)))
def test_masks_never_change_shapes(seed, shape):
    generator = random(seed)
    items, channels, frames, bands = shape
    features, targets = torch.randn(shape, generator=generator), AccdoaTargets(torch.ones(items, -(-frames // 10), 3, 2))
    kept = features.clone()
    times = draw_stretches((items, 2), longest=4, size=targets.vectors.shape[1], generator=generator)
    plan = SpecAugmentPlan(times, draw_stretches((items, channels, 2), longest=8, size=bands, generator=generator))
    hidden, labels = spec_augment(features, targets, plan, fill=fill_of(features, "mean"))
    rectangles = CutoutPlan(
        draw_stretches((items, channels, 3), longest=8, size=frames, generator=generator),
        draw_stretches((items, channels, 3), longest=4, size=bands, generator=generator),
    )
    cut = cutout(features, rectangles, fill=fill_of(features, "silence"))
    assert hidden.shape == cut.shape == shape
    assert hidden.dtype == cut.dtype == torch.float32
    assert labels.vectors.shape == targets.vectors.shape
    assert torch.equal(features, kept)
    assert ((cut == features) | (cut == -100) | (cut == 0)).all()


def test_fills():
    features = torch.randn(2, 7, 20, 8) - 40
    assert (fill_of(features, "zero").expand_as(features) == 0).all()
    torch.testing.assert_close(fill_of(features, "mean")[1, 3, 0, 0], features[1, 3].mean())
    silence = fill_of(features, "silence").expand_as(features)
    assert (silence[:, :4] == -100).all()
    assert (silence[:, 4:] == 0).all()
    assert (fill_of(features, "silence", level_channels=7) == -100).all()
    with pytest.raises(ParameterError, match="unknown fill 'median'"):
        fill_of(features, "median")
