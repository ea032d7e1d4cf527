"""Receivers of every layout, and the grid on which heads and rigid arrays are tabulated."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auris import channels
from auris.acoustics.direction_table import direction_table
from auris.acoustics.octahedral import nearest_node, node_directions
from auris.acoustics.receivers import AmbisonicReceiver, DirectionalReceiver, OpenArrayReceiver, receiver_for
from auris.acoustics.spherical_harmonics import fill_harmonics, harmonic_tables
from auris.channels import ChannelLayout
from auris.dsp.ambisonics import spherical_harmonics
from auris.dsp.hrtf import structural_head
from auris.errors import LayoutError, ParameterError


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("mono", OpenArrayReceiver),
        ("stereo", OpenArrayReceiver),
        ("binaural", DirectionalReceiver),
        ("tetra", DirectionalReceiver),
        ("foa", AmbisonicReceiver),
        ("hoa7", AmbisonicReceiver),
    ],
)
def test_every_layout_has_a_receiver_with_its_channels(name, kind):
    layout = ChannelLayout.parse(name)
    receiver = receiver_for(layout, 24000)
    assert isinstance(receiver, kind)
    assert receiver.channels == layout.channels
    assert receiver_for(layout, 24000) is receiver


def test_open_arrays_keep_their_positions():
    positions = np.array([[0.1, 0, 0], [0, 0.2, 0], [0, 0, 0.3]])
    receiver = receiver_for(channels.array(positions), 16000)
    assert isinstance(receiver, OpenArrayReceiver)
    assert receiver.positions == pytest.approx(positions)


def test_a_measured_head_is_brought_to_the_sample_rate():
    receiver = receiver_for(channels.binaural(), 16000, hrtf=structural_head(32000))
    assert receiver.responses.sample_rate == 16000


def test_a_head_does_not_fit_microphones():
    with pytest.raises(LayoutError, match="binaural layout, not to foa"):
        receiver_for(channels.ambisonics(), 16000, hrtf=structural_head(16000))


@pytest.mark.parametrize("order", [0, 8, 1.5])
def test_impossible_orders(order):
    with pytest.raises(LayoutError, match="from 1 to 7"):
        AmbisonicReceiver(order)


@pytest.mark.parametrize("positions", [np.zeros(3), np.zeros((0, 3)), np.full((1, 3), np.nan)])
def test_impossible_positions(positions):
    with pytest.raises(ParameterError, match="microphone positions"):
        OpenArrayReceiver(positions)


@pytest.mark.parametrize("order", range(1, 8))
def test_compiled_harmonics_are_those_of_ambisonics(order):
    vectors = np.random.default_rng(order).standard_normal((100, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[:6] = np.concatenate([np.eye(3), -np.eye(3)])
    found = np.empty(((order + 1) ** 2, 100), dtype=np.float32)
    fill_harmonics(100, np.ascontiguousarray(vectors.T), harmonic_tables(order), found)
    expected = spherical_harmonics(vectors, order)
    evaluated = found.T
    assert evaluated == pytest.approx(expected, abs=1e-6)


@given(st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: np.linalg.norm(v) > 0.1))
@settings(max_examples=200, deadline=None)
def test_the_nearest_node_is_near(vector):
    nodes = node_directions(64)
    unit = np.array(vector) / np.linalg.norm(vector)
    found = nodes[nearest_node(*vector, 64)]
    assert np.degrees(np.arccos(np.clip(found @ unit, -1, 1))) < 3.9
    assert found @ unit > np.max(nodes @ unit) - np.radians(2.5) ** 2


def test_nodes_are_their_own_nearest_and_hold_the_axes():
    nodes = node_directions(32)
    for vector in nodes:
        assert nodes[nearest_node(*vector, 32)] == pytest.approx(vector)
    for axis in np.concatenate([np.eye(3), -np.eye(3)]):
        assert np.max(nodes @ axis) == pytest.approx(1)


def test_large_arrays_get_a_coarser_table():
    fine = direction_table(receiver_for(channels.binaural(), 16000).responses)
    positions = 0.042 * node_directions(4)
    many = np.unique(np.round(positions, 9), axis=0)
    coarse = direction_table(receiver_for(channels.array(many, sphere_radius=0.042), 48000).responses)
    assert coarse.cells < fine.cells
    assert coarse.filters.nbytes < 48 << 20
