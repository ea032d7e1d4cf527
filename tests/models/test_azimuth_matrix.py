"""The azimuth state matrix: columns that add up, movements in their place, and the truncations of the published program."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from auris.errors import ParameterError
from auris.models.generating import SoundRequest
from auris.models.spatialsonic.azimuth_matrix import AzimuthTrack, active_rows, azimuth_matrix, azimuth_row, state_matrices

DIRECTIONS, SHARES = st.floats(1, 5), st.floats(-1, 1)


@settings(max_examples=50)
@given(DIRECTIONS, DIRECTIONS, SHARES, st.sampled_from(["coarse", "fine"]), st.integers(1, 96))
def test_every_column_adds_up_to_one_and_is_largest_at_the_active_row(start, end, share, spread, columns):
    track = AzimuthTrack(start, end, share, spread)
    matrix, rows = azimuth_matrix(track, columns), active_rows(track, columns)
    assert matrix.shape == (17, columns)
    torch.testing.assert_close(matrix.sum(dim=0), torch.ones(columns))
    assert torch.equal(matrix.argmax(dim=0), rows)


@settings(max_examples=50)
@given(DIRECTIONS, DIRECTIONS, SHARES)
def test_rows_go_from_start_to_end_without_turning_back(start, end, share):
    rows = active_rows(AzimuthTrack(start, end, share), 64)
    assert rows.min() >= min(azimuth_row(start), azimuth_row(end))
    assert rows.max() <= max(azimuth_row(start), azimuth_row(end))
    assert torch.all(rows.diff() * (end - start) >= 0)


def test_a_still_sound_stays_and_a_jump_is_where_its_share_says():
    assert active_rows(AzimuthTrack(2, 2), 10).tolist() == [4] * 10
    assert active_rows(AzimuthTrack(1, 5, 0), 4).tolist() == [0] * 4
    assert active_rows(AzimuthTrack(1, 5, -0.3), 10).tolist() == [0] * 3 + [16] * 7


def test_a_movement_is_in_the_middle_of_the_clip():
    rows = active_rows(AzimuthTrack(1, 5, 0.5), 68).tolist()
    assert rows[:17] == [0] * 17
    assert rows[17:51] == sorted(rows[17:51])
    assert rows[51:] == [16] * 17
    # As published, going right keeps the last row for the end of the movement, going left leaves the first at once.
    back = active_rows(AzimuthTrack(5, 1, 0.5), 68).tolist()
    assert (rows.count(16), back.count(16)) == (18, 18)


@pytest.mark.parametrize("columns", [1, 2, 3, 7])
@pytest.mark.parametrize("share", [0.01, 0.3, 1.0, -0.01, -1.0])
def test_movements_shorter_than_a_column_are_defined(columns, share):
    assert active_rows(AzimuthTrack(1, 5, share), columns).shape == (columns,)


def test_matrices_of_sounds_stand_below_one_another():
    first, second = AzimuthTrack(1, 1, spread="fine"), AzimuthTrack(5, 5, spread="fine")
    matrices = state_matrices([[first, second], []], sounds=4, columns=8)
    assert matrices.shape == (2, 68, 8)
    assert matrices[0].argmax(dim=0).tolist() == [0] * 8
    assert torch.equal(matrices[0, 17:34], azimuth_matrix(second, 8))
    assert not matrices[0, 34:].any()
    assert not matrices[1].any()


def test_a_track_of_a_request_is_the_same_movement():
    assert AzimuthTrack.of(SoundRequest("dog", 1, 4.5, 0.6), spread="fine") == AzimuthTrack(1, 4.5, 0.6, "fine")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((0, 3), "start is 0"),
        ((3, 5.1), "end is 5.1"),
        ((float("nan"), 3), "start is nan"),
        ((1, 5, 1.2), "share of the clip that the movement takes, at most 1"),
        ((1, 5, float("nan")), "got nan"),
        ((1, 5, 0.5, "wide"), "unknown spread 'wide'"),
    ],
)
def test_a_track_refuses_what_the_matrix_cannot_hold(values, said):
    with pytest.raises(ParameterError, match=said):
        AzimuthTrack(*values)


def test_too_many_sounds_are_refused():
    with pytest.raises(ParameterError, match="at most 4 sounds at a time, got 5"):
        state_matrices([[AzimuthTrack(1, 1)] * 5], sounds=4, columns=8)
