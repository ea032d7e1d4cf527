import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from auris.data.seld_targets import AccdoaTargets, AdpitTargets, TrackTargets, encode
from auris.errors import ParameterError
from auris.io.frame_labels import FrameLabels
from auris.training.augmentation.mixing import MixPlan, draw_mix, mix, mix_targets

FORMATS = ["accdoa", "adpit", "tracks"]
CLASSES, FRAMES = 3, 4
seeds = st.integers(0, 2**32)
tags = st.lists(st.integers(1, 3), max_size=9)


def random(seed=0):
    return torch.Generator().manual_seed(seed)


def targets_of(form, *items):
    """Targets of items, each a list of (frame, class, azimuth)."""
    encoded = []
    for rows in items:
        frame, label, azimuth = zip(*rows, strict=True) if rows else ((), (), ())
        labels = FrameLabels(frame, label, azimuth=azimuth, elevation=[0.3] * len(frame))
        encoded.append(encode(labels, form, classes=CLASSES, frames=FRAMES).targets)
    return type(encoded[0])(*(torch.stack(parts) for parts in zip(*encoded, strict=True)))


def direction(azimuth):
    return encode(FrameLabels([0], [0], azimuth=[azimuth], elevation=[0.3]), "tracks", classes=1, frames=1).targets.doa[0, 0]


def active_adpit(slots):
    """{(frame, class): [(slot, activity, direction)]} of one item."""
    found = {}
    for t, s, c in torch.nonzero(slots[:, :, 0] > 0).tolist():
        found.setdefault((t, c), []).append((s, round(float(slots[t, s, 0, c]), 4), slots[t, s, 1:, c]))
    return found


@given(overlap=tags, partner=st.sampled_from([1, 2]), seed=seeds)
def test_plans_join_single_sources_with_others(overlap, partner, seed):
    tensor = torch.tensor(overlap, dtype=torch.long)
    plan = draw_mix(tensor, partner_overlap=partner, generator=random(seed))
    assert all(overlap[i] == 1 for i in plan.items)
    assert all(overlap[i] == partner for i in plan.partners)
    assert len(set(plan.items.tolist())) == len(plan.items) == len(set(plan.partners.tolist()))
    assert not (plan.items == plan.partners).any()
    assert ((plan.own_level >= 0) & (plan.own_level <= 1)).all()
    singles = overlap.count(1)
    wanted = (singles if singles > 1 else 0) if partner == 1 else min(singles, overlap.count(2))
    assert len(plan.items) == len(plan.own_level) == wanted


def test_levels_follow_the_arcsine_law():
    level = draw_mix(torch.ones(20_000, dtype=torch.long), partner_overlap=1, generator=random()).own_level
    beta = torch.distributions.Beta(0.5, 0.5)
    assert float(level.mean()) == pytest.approx(0.5, abs=0.01)
    assert float(level.var()) == pytest.approx(float(beta.variance), abs=0.003)


@pytest.mark.parametrize("form", FORMATS)
def test_signals_and_labels_are_weighted_alike(form):
    targets = targets_of(form, [(0, 0, 0.1), (1, 0, 0.2)], [(1, 1, 1.0), (2, 1, 1.2)])
    signals = torch.randn(2, 4, 10)
    plan = MixPlan(torch.tensor([0]), torch.tensor([1]), torch.tensor([0.25]))
    batch = mix(signals, targets, torch.tensor([1, 1]), plan)
    torch.testing.assert_close(batch.signals[0], 0.25 * signals[0] + 0.75 * signals[1])
    assert torch.equal(batch.signals[1], signals[1])
    assert batch.overlap.tolist() == [2, 1]
    for part, before in zip(batch.targets, targets, strict=True):
        assert torch.equal(part[1], before[1])
    activity = {
        "accdoa": lambda t: t.vectors.norm(dim=2),
        "adpit": lambda t: t.slots[:, :, :, 0].sum(dim=2),
        "tracks": lambda t: t.sed.sum(dim=2),
    }[form](batch.targets)[0]
    wanted = torch.zeros(FRAMES, CLASSES)
    wanted[0:2, 0], wanted[1:3, 1] = 0.25, 0.75
    torch.testing.assert_close(activity, wanted)


def test_sources_of_one_class_share_the_slots_for_two():
    own = targets_of("adpit", [(0, 0, 0.1), (1, 0, 0.1), (2, 1, 0.4)])
    other = targets_of("adpit", [(0, 0, 1.0), (1, 1, 1.0)])
    found = active_adpit(mix_targets(own, other, torch.tensor([0.25])).slots[0])
    where = {key: [(slot, level) for slot, level, _ in entries] for key, entries in found.items()}
    assert where == {(0, 0): [(1, 0.25), (2, 0.75)], (1, 0): [(0, 0.25)], (1, 1): [(0, 0.75)], (2, 1): [(0, 0.25)]}
    torch.testing.assert_close(found[0, 0][0][2], direction(0.1))
    torch.testing.assert_close(found[0, 0][1][2], direction(1.0))


def test_three_of_one_class_share_the_slots_for_three():
    own = targets_of("adpit", [(0, 0, 0.1), (1, 2, 0.1)])
    other = targets_of("adpit", [(0, 0, 1.0), (0, 0, 2.0), (1, 0, 1.0), (1, 0, 2.0)])
    found = active_adpit(mix_targets(own, other, torch.tensor([0.5])).slots[0])
    assert {key: [slot for slot, *_ in entries] for key, entries in found.items()} == {
        (0, 0): [3, 4, 5],
        (1, 0): [1, 2],
        (1, 2): [0],
    }
    for (_, _, vector), azimuth in zip(found[0, 0], (0.1, 1.0, 2.0), strict=True):
        torch.testing.assert_close(vector, direction(azimuth))


def test_tracks_keep_their_directions():
    own, other = targets_of("tracks", [(0, 0, 0.1)]), targets_of("tracks", [(0, 1, 1.0), (0, 2, 2.0)])
    mixed = mix_targets(own, other, torch.tensor([0.2]))
    torch.testing.assert_close(mixed.sed[0, 0], torch.diag(torch.tensor([0.2, 0.8, 0.8])))
    torch.testing.assert_close(mixed.doa[0, 0], torch.stack([direction(a) for a in (0.1, 1.0, 2.0)]))


def random_batch(form, overlap, seed):
    """Targets in which each item has as many sources at once as its tag says."""
    generator = random(seed)
    items = []
    for tag in overlap:
        rows = []
        for frame in range(FRAMES):
            count = int(torch.randint(tag + 1, (), generator=generator))
            labels = torch.randint(CLASSES, (count,), generator=generator).tolist()
            rows += [(frame, label, float(torch.rand((), generator=generator))) for label in labels]
        items.append(rows)
    return targets_of(form, *items)


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=40)
@given(overlap=st.lists(st.integers(1, 2), min_size=1, max_size=7), partner=st.sampled_from([1, 2]), seed=seeds)
def test_mixing_keeps_activities_and_directions_in_bounds(form, overlap, partner, seed):
    tensor, generator = torch.tensor(overlap), random(seed)
    targets, signals = random_batch(form, overlap, seed), torch.randn(len(overlap), 2, 5, generator=generator)
    kept = [part.clone() for part in (signals, *targets, tensor)]
    batch = mix(signals, targets, tensor, draw_mix(tensor, partner_overlap=partner, generator=generator))
    assert all(torch.equal(a, b) for a, b in zip((signals, *targets, tensor), kept, strict=True))
    assert [part.shape for part in (batch.signals, *batch.targets, batch.overlap)] == [part.shape for part in kept]
    assert batch.signals.dtype == torch.float32
    assert batch.overlap.max() <= 3
    if form == "accdoa":
        assert (batch.targets.vectors.norm(dim=2) <= 1 + 1e-6).all()
        return
    activity, vectors = (
        (batch.targets.slots[:, :, :, 0], batch.targets.slots[:, :, :, 1:].movedim(-2, -1))
        if form == "adpit"
        else (batch.targets.sed.sum(dim=-1), batch.targets.doa)
    )
    assert ((activity >= 0) & (activity <= 1 + 1e-6)).all()
    torch.testing.assert_close(vectors.norm(dim=-1)[activity > 0], torch.ones(int((activity > 0).sum())))
    assert (vectors[activity == 0] == 0).all() or form == "tracks"


def test_nobody_to_mix_with_changes_nothing():
    targets, signals = targets_of("accdoa", [(0, 0, 0.1)]), torch.randn(1, 4, 8)
    for partner in (1, 2):
        plan = draw_mix(torch.tensor([1]), partner_overlap=partner, generator=random())
        batch = mix(signals, targets, torch.tensor([1]), plan)
        assert torch.equal(batch.signals, signals)
        assert torch.equal(batch.targets.vectors, targets.vectors)
        assert batch.overlap.tolist() == [1]


def test_wrong_use_is_refused():
    plan = draw_mix(torch.tensor([1, 1]), partner_overlap=1, generator=random())
    with pytest.raises(ParameterError, match=r"as many items each, got \[2, 1, 2\]"):
        mix(torch.zeros(2, 4, 8), AccdoaTargets(torch.zeros(1, 2, 3, 4)), torch.tensor([1, 1]), plan)
    slots, tracks = AdpitTargets(torch.zeros(1, 1, 6, 4, 1)), TrackTargets(torch.zeros(1, 1, 3, 1), torch.zeros(1, 1, 3, 3))
    with pytest.raises(TypeError, match="targets of one kind are needed, got AdpitTargets and TrackTargets"):
        mix_targets(slots, tracks, torch.ones(1))
