import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from auris.acoustics.engine import EngineSettings, ShoeboxEngine
from auris.acoustics.paths import SoundPaths
from auris.acoustics.receivers import AmbisonicReceiver
from auris.acoustics.renderer import render
from auris.acoustics.shoebox import ShoeboxAcoustics
from auris.data.seld_targets import AccdoaTargets, AdpitTargets, TrackTargets, encode_scene
from auris.dsp.ambisonics import encode, intensity
from auris.dsp.features import LogMelIntensity
from auris.errors import LayoutError, ParameterError
from auris.geometry import Static, Waypoints
from auris.scene import Event, Room, Scene, Source
from auris.training.augmentation.rotation import channel_swaps, draw_rotations, possible_turns, rotate_targets, rotate_waveforms

KINDS = ["swaps16", "swaps48", "rotations", "reflections"]
FORMATS = ["accdoa", "adpit", "tracks"]
RATE = 16_000
seeds = st.integers(0, 2**32)
directions = st.tuples(st.floats(-1, 1), st.floats(-1, 1), st.floats(-1, 1)).filter(lambda v: math.hypot(*v) > 0.1)


def random(seed=0):
    return torch.Generator().manual_seed(seed)


def turn_of(kind, seed):
    return draw_rotations(1, kind=kind, probability=1.0, generator=random(seed))


@pytest.mark.parametrize("kind", KINDS)
def test_turns_are_orthogonal(kind):
    matrices = draw_rotations(200, kind=kind, probability=1.0, generator=random())
    torch.testing.assert_close(matrices @ matrices.mT, torch.eye(3).expand(200, 3, 3), atol=1e-6, rtol=0)
    determinants = torch.linalg.det(matrices).round()
    assert set(determinants.tolist()) == ({1.0} if kind == "rotations" else {-1.0, 1.0})


@pytest.mark.parametrize(("kind", "count"), [("swaps16", 16), ("swaps48", 48)])
def test_channel_swaps_are_a_group(kind, count):
    table = channel_swaps(kind)
    rows = {tuple(matrix.flatten().tolist()) for matrix in table}
    assert len(rows) == count
    assert torch.equal(table[0], torch.eye(3))
    assert {tuple((a @ b + 0).flatten().tolist()) for a in table for b in table} == {tuple(m) for m in rows}
    assert rows <= {tuple(matrix.flatten().tolist()) for matrix in channel_swaps("swaps48")}


def test_swaps_of_16_keep_the_vertical():
    assert (channel_swaps("swaps16")[:, 2, 2].abs() == 1).all()


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30)
@given(seed=seeds, direction=directions)
def test_turning_a_plane_wave_is_encoding_it_from_the_turned_direction(kind, seed, direction):
    matrix = turn_of(kind, seed)
    signal = np.random.default_rng(seed).standard_normal(64)
    unit = np.asarray(direction) / math.hypot(*direction)
    turned = rotate_waveforms(torch.from_numpy(encode(signal, unit))[None], matrix)[0]
    np.testing.assert_allclose(turned, encode(signal, matrix[0].double().numpy() @ unit), atol=1e-5)


def scene_of(points):
    """A resting source and one that moves along an arc, around a listener at the origin; points (3, 3)."""
    arc = Waypoints((0.0, 1.0), tuple(map(tuple, points[1:].tolist())), around=(0.0, 0.0, 0.0))
    resting = Source("dog", Static(tuple(points[0].tolist())), (Event(0.0, 0.6),))
    return Scene(1.0, (resting, Source("cat", arc, (Event(0.2, 1.0),))))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=8)
@given(seed=seeds)
def test_rotating_a_scene_then_rendering_is_rendering_then_rotating(kind, seed):
    matrix = turn_of(kind, seed)
    points = np.array([[1.0, 2.0, -0.4], [2.0, -0.5, 0.3], [0.4, 1.5, 1.0]])
    dry = np.random.default_rng(1).standard_normal((2, RATE)).astype(np.float32)
    scenes = scene_of(points), scene_of(points @ matrix[0].double().numpy().T)
    before, after = (torch.tensor(render(s, dry, layout="foa", sample_rate=RATE).mixture.samples) for s in scenes)
    torch.testing.assert_close(rotate_waveforms(before[None], matrix)[0], after, atol=2e-5, rtol=0)
    for form in FORMATS:
        labels, turned = (encode_scene(scene, form, vocabulary=["dog", "cat"], frames=10).targets for scene in scenes)
        batch = type(labels)(*(part[None] for part in labels))
        for found, wanted in zip(rotate_targets(batch, matrix), turned, strict=True):
            torch.testing.assert_close(found[0], wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize("number", [1, 9, 20, 33, 47])
def test_the_same_in_a_room_with_its_reflections(number):
    matrix = channel_swaps("swaps48")[number]
    turn = matrix.double().numpy()
    engine = ShoeboxEngine(AmbisonicReceiver(1), RATE, settings=EngineSettings(mode="images", horizon=0.05))

    def response(turn):
        size = np.abs(turn @ np.array([5.0, 4.0, 3.0]))
        places = [turn @ (np.array(p) - np.array([2.5, 2.0, 1.5])) + size / 2 for p in ((1.2, 1.7, 1.0), (3.1, 2.6, 1.4))]
        room = ShoeboxAcoustics.from_room(Room(tuple(size.tolist()), absorption=0.3), RATE)
        paths = SoundPaths(
            rooms=(room,),
            room_index=np.zeros(1, int),
            sources=places[0][None],
            listeners=places[1][None],
            rotations=np.eye(3)[None],
            keys=np.zeros(1, np.uint64),
            directivity=("omni",),
            facings=np.array([[1.0, 0.0, 0.0]]),
        )
        return torch.from_numpy(engine.responses(paths, length=800))

    before, after = response(np.eye(3)), response(turn)
    assert before.abs().max() > 0.1
    torch.testing.assert_close(rotate_waveforms(before, matrix[None]), after, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("kind", "count", "closeness"), [("swaps16", 8, 1e-5), ("swaps48", 24, 0.05)])
def test_a_tetrahedral_array_turns_by_swapping_capsules(kind, count, closeness):
    table = possible_turns(kind, "tetra")
    assert len(table) == count
    points = np.array([[1.0, 2.0, -0.4], [2.0, -0.5, 0.3], [0.4, 1.5, 1.0]])
    # Below 1 kHz, where 0.3 mm are nothing.
    dry = np.fft.irfft(np.exp(2j * np.pi * np.random.default_rng(1).random((2, 400))), n=RATE).astype(np.float32)

    def heard(matrix):
        return torch.tensor(
            render(scene_of(points @ matrix.double().numpy().T), dry, layout="tetra", sample_rate=RATE).mixture.samples
        )

    before = heard(torch.eye(3))
    for matrix in table[1::3]:
        turned = rotate_waveforms(before[None], matrix[None], layout="tetra")[0]
        assert (turned - heard(matrix)).norm() < closeness * before.norm()
    drawn = draw_rotations(500, kind=kind, probability=1.0, layout="tetra", generator=random())
    assert len(torch.unique(drawn.flatten(1), dim=0)) == count


@pytest.mark.parametrize("kind", KINDS)
def test_intensity_points_at_the_turned_label(kind):
    matrices = draw_rotations(20, kind=kind, generator=random(3))
    unit = np.array([0.6, -0.64, 0.48])
    noise = np.random.default_rng(0).standard_normal(4800)
    waveforms = rotate_waveforms(torch.from_numpy(encode(noise, unit)).expand(20, -1, -1), matrices)
    label = torch.from_numpy(unit).float().reshape(1, 1, 3, 1).expand(20, 1, 3, 1)
    wanted = rotate_targets(AccdoaTargets(label), matrices).vectors[:, 0, :, 0]
    flow = torch.from_numpy(intensity(waveforms.numpy()).mean(-1))
    torch.testing.assert_close(torch.nn.functional.normalize(flow, dim=-1), wanted, atol=1e-5, rtol=0)
    # The network's features say the same, with the channels in the order y, z, x.
    features = LogMelIntensity(sample_rate=24_000)(waveforms)[:, 4:].mean(dim=(-2, -1))
    seen = torch.nn.functional.normalize(features[:, [2, 0, 1]], dim=-1)
    torch.testing.assert_close(seen, wanted, atol=1e-3, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_levels_and_activities_stay(kind):
    generator = random(5)
    waveforms = torch.randn(7, 4, 33, generator=generator)
    matrices = draw_rotations(7, kind=kind, generator=generator)
    turned = rotate_waveforms(waveforms, matrices)
    assert torch.equal(turned[:, 0], waveforms[:, 0])
    torch.testing.assert_close(turned[:, 1:].square().sum(1), waveforms[:, 1:].square().sum(1))
    slots = torch.rand(7, 3, 6, 4, 5, generator=generator)
    assert torch.equal(rotate_targets(AdpitTargets(slots), matrices).slots[..., 0, :], slots[..., 0, :])
    tracks = TrackTargets(torch.rand(7, 3, 2, 5), torch.rand(7, 3, 2, 3))
    assert torch.equal(rotate_targets(tracks, matrices).sed, tracks.sed)


def test_swapping_channels_changes_no_bit():
    waveforms = torch.randn(48, 4, 100, generator=random())
    turned = rotate_waveforms(waveforms, channel_swaps("swaps48"))
    assert torch.equal(turned.abs().sort(dim=1).values, waveforms.abs().sort(dim=1).values)


def test_as_many_items_turn_as_asked_for():
    matrices = draw_rotations(4000, kind="rotations", probability=0.8, generator=random())
    share = (matrices == torch.eye(3)).all(dim=-1).all(dim=-1).float().mean()
    assert float(share) == pytest.approx(0.2, abs=0.03)


def test_every_swap_is_drawn():
    matrices = draw_rotations(3000, kind="swaps48", probability=1.0, generator=random())
    assert len(torch.unique(matrices.flatten(1), dim=0)) == 48


def test_rotations_are_spread_evenly():
    matrices = draw_rotations(4000, kind="rotations", probability=1.0, generator=random())
    # Each column of a uniformly random rotation is a uniformly random direction.
    assert matrices.mean(dim=0).abs().max() < 0.04
    assert (matrices.square().mean(dim=0) - 1 / 3).abs().max() < 0.03


def test_nothing_changes_in_place():
    waveforms, matrices = torch.randn(2, 4, 9), draw_rotations(2, probability=1.0, generator=random(2))
    targets = TrackTargets(torch.rand(2, 3, 2, 5), torch.rand(2, 3, 2, 3))
    kept = waveforms.clone(), targets.doa.clone()
    rotate_waveforms(waveforms, matrices)
    rotate_targets(targets, matrices)
    assert torch.equal(waveforms, kept[0])
    assert torch.equal(targets.doa, kept[1])


def test_wrong_use_is_refused():
    with pytest.raises(LayoutError, match=r"foa is \(B, 4, samples\), got \(2, 2, 8\)"):
        rotate_waveforms(torch.zeros(2, 2, 8), torch.eye(3).expand(2, 3, 3))
    with pytest.raises(LayoutError, match="only first-order ambisonics and arrays of microphones can be turned, got binaural"):
        rotate_waveforms(torch.zeros(2, 2, 8), torch.eye(3).expand(2, 3, 3), layout="binaural")
    with pytest.raises(LayoutError, match="does not put the capsules of tetra in each other's places"):
        rotate_waveforms(torch.zeros(1, 4, 8), torch.diag(torch.tensor([1.0, 1.0, -1.0]))[None], layout="tetra")
    with pytest.raises(LayoutError, match="tetra cannot be turned by 'rotations'"):
        draw_rotations(2, kind="rotations", layout="tetra", generator=random())
    with pytest.raises(ParameterError, match="unknown kind of rotation 'swap48', did you mean 'swaps48'"):
        draw_rotations(2, kind="swap48", generator=random())
    with pytest.raises(ParameterError, match="unknown set of channel swaps"):
        channel_swaps("rotations")
