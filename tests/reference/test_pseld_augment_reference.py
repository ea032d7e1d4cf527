"""Augmentation against PSELDNets, with the random draws of the fixture (see its manifest.json)."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from auris.data.seld_targets import AccdoaTargets, AdpitTargets, TrackTargets
from auris.training.augmentation.frequency_shift import shift_bands
from auris.training.augmentation.masking import CutoutPlan, SpecAugmentPlan, cutout, place, spec_augment
from auris.training.augmentation.mixing import MixPlan, mix
from auris.training.augmentation.rotation import channel_swaps, rotate_targets, rotate_waveforms, signed_permutation
from auris.training.augmentation.spatialisation import directions_from_degrees, spatialise_targets, spatialise_waveforms

HERE = Path(__file__).parent / "pseld_augment"
ARRAYS = np.load(HERE / "expected.npz")
CHECKS = json.loads((HERE / "manifest.json").read_text())["checks"]
FIXTURE = pytest.mark.parametrize("fixture", ["pseld_augment"])


def tensor(name):
    return torch.from_numpy(ARRAYS[name])


def by_axis(rows):
    """ACCDOA rows ``(..., 3 C)`` as ``(..., 3, C)``."""
    return rows.reshape(*rows.shape[:-1], 3, -1)


def same(found, name):
    wanted = tensor(name)
    torch.testing.assert_close(found.reshape(wanted.shape), wanted, rtol=0, atol=1e-6, check_dtype=False)


def published_swaps():
    rows = ARRAYS["rotate/meta_xx_yy_zz_sx_sy_sz"].tolist()
    return torch.stack([signed_permutation(tuple(row[:3]), tuple(map(float, row[3:]))) for row in rows])


@FIXTURE
def test_all_rotations_of_audio_and_directions(fixture):
    matrices = published_swaps()
    count = len(matrices)
    same(rotate_waveforms(tensor("rotate/in_x").expand(count, -1, -1), matrices), "rotate/out_x")
    doa = tensor("rotate/in_doa").expand(count, -1, -1, -1)
    tracks = rotate_targets(TrackTargets(torch.zeros(count, 3, 2, 5), doa), matrices)
    same(tracks.doa, "rotate/out_doa")


@FIXTURE
def test_these_are_our_48_channel_swaps(fixture):
    rows = {tuple(matrix.flatten().tolist()) for matrix in published_swaps()}
    assert rows == {tuple(matrix.flatten().tolist()) for matrix in channel_swaps("swaps48")}
    assert len(rows) == 48


@FIXTURE
def test_rotation_of_accdoa_and_adpit_labels(fixture):
    # The fixture does not say which of the 48 turned these two, so it must be one of them.
    accdoa, adpit = by_axis(tensor("rotate/in_accdoa_label")), tensor("rotate/in_adpit_label")
    found = [
        (rotate_targets(AccdoaTargets(accdoa), m[None]).vectors, rotate_targets(AdpitTargets(adpit), m[None]).slots)
        for m in published_swaps()
    ]
    for index, name in enumerate(("accdoa", "adpit")):
        wanted = tensor(f"rotate/out_{name}_label")
        assert min(float((pair[index].reshape(wanted.shape) - wanted).abs().max()) for pair in found) < 1e-6


@FIXTURE
@pytest.mark.parametrize(("direction", "sign"), [("config_None", -1), ("up", 1)])
@pytest.mark.parametrize("bands", [0, 1, 14])
def test_frequency_shift(fixture, direction, sign, bands):
    features = tensor("freqshift/in_x")[None]
    same(shift_bands(features, torch.tensor([sign * bands]))[0], f"freqshift/{direction}_{bands}")


@FIXTURE
def test_cutout(fixture):
    shares = [tensor(f"crop/rand_{i}").movedim(0, -1) for i in range(4)]
    plan = CutoutPlan(place(shares[0], shares[1], longest=8, size=101), place(shares[2], shares[3], longest=4, size=64))
    found = cutout(torch.ones(3, 7, 101, 64), plan, fill=0.0)
    assert torch.equal(found == 0, tensor("crop/masked"))


@FIXTURE
def test_spec_augment(fixture):
    times = place(tensor("specaug/rand_0").T, tensor("specaug/rand_1").T, longest=4, size=10)
    widths, starts = (torch.stack([tensor(f"specaug/rand_{i}") for i in pair], dim=-1) for pair in ((2, 4), (3, 5)))
    plan = SpecAugmentPlan(times, place(widths, starts, longest=8, size=64))
    targets = AccdoaTargets(torch.ones(3, 10, 3, 1))
    features, targets = spec_augment(torch.ones(3, 7, 101, 64), targets, plan, fill=0.0)
    assert torch.equal(features == 0, tensor("specaug/masked"))
    assert torch.equal(targets.vectors[:, :, 0, 0], tensor("specaug/label_kept"))


def mix_inputs(kind):
    if kind == "accdoa":
        return AccdoaTargets(by_axis(tensor("mix/accdoa/in_accdoa_label")))
    if kind == "adpit":
        return AdpitTargets(tensor("mix/adpit/in_adpit_label"))
    return TrackTargets(tensor("mix/einv2/in_sed_label"), tensor("mix/einv2/in_doa_label"))


@FIXTURE
@pytest.mark.parametrize("how", ["wavmix_add1", "wavmix_add2", "trackmix"])
@pytest.mark.parametrize("kind", ["accdoa", "adpit", "einv2"])
def test_mixing(fixture, kind, how):
    overlap = torch.tensor([int(tag) for tag in CHECKS["mix_draws"]["ov_in"]])
    partners = torch.nonzero(overlap == (2 if how == "wavmix_add2" else 1)).flatten().flip(0)
    items = torch.nonzero(overlap == 1).flatten()[: len(partners)]
    level = torch.tensor(CHECKS["mix_draws"]["lambda"])[: len(items)]
    found = mix(tensor(f"mix/{kind}/in_x"), mix_inputs(kind), overlap, MixPlan(items, partners, level))
    same(found.signals, f"mix/{kind}/{how}/x")
    names = {"accdoa": ["accdoa_label"], "adpit": ["adpit_label"], "einv2": ["sed_label", "doa_label"]}[kind]
    for part, name in zip(found.targets, names, strict=True):
        same(part, f"mix/{kind}/{how}/{name}")
    assert [str(tag) for tag in found.overlap.tolist()] == CHECKS[f"mix/{kind}/{how}/ov"]


@FIXTURE
def test_mono_spatialisation(fixture):
    directions = directions_from_degrees(*torch.tensor(CHECKS["mono_azi_ele"])[:, None])
    same(spatialise_waveforms(tensor("mono/in_x")[None], directions), "mono/out_x")
    same(spatialise_targets(AdpitTargets(tensor("mono/in_adpit")[None]), directions).slots, "mono/out_adpit")
    # The fixture has activity before the coordinates, and loses it; here the length of the vector is the activity.
    activity = tensor("mono/in_accdoa_se_xyz").reshape(1, 5, 4, -1)[:, :, :1]
    found = spatialise_targets(AccdoaTargets(activity * torch.tensor([0.0, 0.6, 0.8])[:, None]), directions).vectors
    same(torch.cat([torch.zeros_like(activity), found], dim=2), "mono/out_accdoa")
    tracks = TrackTargets(tensor("mono/in_sed")[None], torch.zeros(1, 5, 3, 3))
    same(spatialise_targets(tracks, directions).doa, "mono/out_doa")
