import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from auris.errors import ParameterError
from auris.geometry.directions import angle_between, unit_vector
from auris.metrics.mirror_confusion import PLANES, mirror_confusion

directions = st.integers(1, 20).flatmap(
    lambda n: st.tuples(
        *(arrays.arrays(np.float64, n, elements=st.floats(-limit, limit)) for limit in (np.pi, np.pi / 2, np.pi, np.pi / 2))
    )
)


def image(vectors, plane):
    return vectors * np.where(np.arange(3) == PLANES.index(plane), -1.0, 1.0)


@pytest.mark.parametrize("plane", PLANES)
@given(said=directions)
def test_the_mirror_images_of_the_truth_are_all_confused(plane, said):
    truth = unit_vector(said[0], said[1])
    found = mirror_confusion(image(truth, plane), truth, plane)
    assert found.items_confused[found.counted].all()
    assert found.items_nearer[found.counted].all()
    assert not mirror_confusion(truth, truth, plane).items_confused.any()


@given(said=directions)
def test_confusions_are_errors_about_one_plane_at_most(said):
    truth, heard = unit_vector(said[0], said[1]), unit_vector(said[2], said[3])
    found = [mirror_confusion(heard, truth, plane) for plane in PLANES]
    confused = np.stack([each.items_confused for each in found])
    assert (confused.sum(axis=0) <= 1).all()
    assert (np.degrees(angle_between(heard, truth))[confused.any(axis=0)] > 20).all()
    assert all((each.items_nearer | ~each.items_confused).all() for each in found)


@given(said=directions)
def test_turning_left_and_right_over_changes_nothing_about_front_and_back(said):
    truth, heard = unit_vector(said[0], said[1]), unit_vector(said[2], said[3])
    first = mirror_confusion(heard, truth, "front_back")
    second = mirror_confusion(image(heard, "left_right"), image(truth, "left_right"), "front_back")
    np.testing.assert_array_equal(first.items_confused, second.items_confused)


def test_the_sides_do_not_count_for_front_and_back():
    # 69, 71 and 90 degrees to the left: 21, 19 and 0 from the plane through the ears.
    truth = unit_vector(np.radians([69.0, 71.0, 90.0]), np.zeros(3))
    assert mirror_confusion(truth, truth, "front_back").counted.tolist() == [True, False, False]


def test_shares_by_hand():
    azimuths = {"true": [0, 0, 0, 0, 90], "heard": [180, 165, 120, 10, -90]}
    truth, heard = (unit_vector(np.radians(azimuths[side]), np.zeros(5)) for side in ("true", "heard"))
    front = mirror_confusion(heard, truth, "front_back")
    assert front.counted.tolist() == [True, True, True, True, False]
    assert (front.confused, front.nearer) == (0.5, 0.75)
    assert mirror_confusion(heard, truth, "left_right").confused == 1.0
    assert np.isnan(mirror_confusion(heard, truth, "up_down").confused)


@pytest.mark.parametrize(
    ("heard", "plane", "tolerance", "message"),
    [
        (np.zeros((2, 3)), "front_back", 20.0, r"got \(2, 3\) and \(1, 3\)"),
        (np.zeros((1, 3)), "front", 20.0, "unknown mirror plane 'front'"),
        (np.zeros((1, 3)), "up_down", 45.0, "between 0 and 45"),
    ],
)
def test_impossible_requests_are_refused(heard, plane, tolerance, message):
    with pytest.raises(ParameterError, match=message):
        mirror_confusion(heard, np.zeros((1, 3)), plane, tolerance_deg=tolerance)
