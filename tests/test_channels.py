import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auris.channels import ChannelLayout, ambisonics, array, binaural, mono, require_layout, stereo, tetrahedral
from auris.errors import LayoutError
from auris.geometry import angles

near = st.floats(-2, 2).map(lambda x: round(x, 4))
layouts = st.one_of(
    st.just(mono()),
    st.just(binaural()),
    st.just(tetrahedral()),
    st.builds(ambisonics, st.integers(1, 7)),
    st.builds(stereo, st.floats(0.01, 1)),
    st.lists(st.tuples(near, near, near), min_size=1, max_size=8).map(array),
)


@given(layout=layouts)
def test_layouts_survive_being_written_down(layout):
    assert ChannelLayout.from_dict(json.loads(json.dumps(layout.to_dict()))) == layout


@given(layout=layouts)
def test_layouts_are_values(layout):
    assert layout.channels >= 1
    assert hash(layout) == hash(ChannelLayout.from_dict(layout.to_dict()))


@pytest.mark.parametrize(
    ("name", "channels"), [("mono", 1), ("stereo", 2), ("binaural", 2), ("foa", 4), ("hoa2", 9), ("hoa7", 64), ("tetra", 4)]
)
def test_names_parse_and_come_back(name, channels):
    layout = ChannelLayout.parse(name)
    assert layout.channels == channels
    assert layout.name == name
    assert ChannelLayout.parse(layout) is layout
    assert ChannelLayout.parse(name.upper()) == layout


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("binaurl", "did you mean 'binaural'"),
        ("hoa8", "unknown layout 'hoa8'"),
        ("4", "unknown layout"),
        (4, "unknown layout 4"),
    ],
)
def test_unknown_names_get_a_hint(name, message):
    with pytest.raises(LayoutError, match=message):
        ChannelLayout.parse(name)


def test_the_left_microphone_comes_first():
    left, right = stereo(0.2).positions
    assert left == (0, 0.1, 0)
    assert right == (0, -0.1, 0)


def test_the_tetrahedron_is_that_of_dcase():
    azimuth, elevation, radius = angles(tetrahedral().positions)
    np.testing.assert_allclose(np.degrees(azimuth), [45, -45, 135, -135], atol=1e-6)
    np.testing.assert_allclose(np.degrees(elevation), [35, -35, -35, 35], atol=1e-6)
    np.testing.assert_allclose(radius, 0.042, atol=1e-9)
    assert tetrahedral().sphere_radius == 0.042


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ChannelLayout("monno"), "unknown layout kind 'monno'.*did you mean 'mono'"),
        (lambda: ChannelLayout("mono", order=1), "an order belongs to ambisonics"),
        (lambda: ChannelLayout("ambisonics"), "an order belongs to ambisonics"),
        (lambda: ambisonics(0), "whole number from 1 to 7"),
        (lambda: ambisonics(8), "whole number from 1 to 7"),
        (lambda: ambisonics(1.5), "whole number from 1 to 7"),
        (lambda: ChannelLayout("array"), "capsule positions belong to"),
        (lambda: ChannelLayout("binaural", positions=((0, 0, 0), (1, 0, 0))), "capsule positions belong to"),
        (lambda: ChannelLayout("stereo", positions=((0, 0, 0),)), "two capsules, got 1"),
        (lambda: array([0, 0, 0]), r"list of \[x, y, z\]"),
        (lambda: array([[0, 0, np.nan]]), "finite"),
        (lambda: array([[0, 0, 1], [0, 1, 0.5]], sphere_radius=1.0), "at sphere_radius"),
        (lambda: ChannelLayout.from_dict({"kind": "mono", "ordr": 1}), "a layout has the keys"),
        (lambda: ChannelLayout.from_dict({}), "a layout has the keys"),
    ],
)
def test_impossible_layouts_are_refused(make, message):
    with pytest.raises(LayoutError, match=message):
        make()


def test_require_names_what_is_needed_and_what_is_there():
    require_layout(binaural(), ("stereo", "binaural"), what="the listener")
    with pytest.raises(LayoutError, match="the listener needs ambisonics or binaural audio, but this audio is stereo"):
        require_layout(stereo(), ("ambisonics", "binaural"), what="the listener")


@pytest.mark.parametrize(
    ("layout", "names"),
    [
        ("mono", ("mono",)),
        ("stereo", ("left", "right")),
        ("binaural", ("left", "right")),
        ("foa", ("W", "Y", "Z", "X")),
        ("tetra", ("capsule1", "capsule2", "capsule3", "capsule4")),
    ],
)
def test_channels_have_names(layout, names):
    assert ChannelLayout.parse(layout).channel_names == names


def test_ambisonic_channels_have_letters_up_to_third_order():
    names = ChannelLayout.parse("hoa4").channel_names
    assert "".join(names[:16]) == "WYZXVTRSUQOMKLNP"
    assert names[16:] == tuple(f"acn{number}" for number in range(16, 25))
