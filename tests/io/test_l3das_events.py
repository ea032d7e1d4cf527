import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auris.errors import FormatError, ParameterError
from auris.io.l3das import read_l3das_events
from auris.vocabulary import L3DAS22

HEADER = "File?,Start,End,Class,X,Y,Z\n"


def read(folder, rows, rule="centre"):
    path = folder / "label_split0_ov1_1.csv"
    path.write_text(HEADER + "".join(",".join(map(str, row)) + "\n" for row in rows))
    return read_l3das_events(path, L3DAS22.labels, rule=rule)


# start, end -> first and last frame by rule
SPANS = {
    (0.0, 1.0): {"centre": (0, 9), "pseldnets": (0, 9), "l3das22": (0, 9)},
    (0.04, 0.26): {"centre": (0, 2), "pseldnets": (0, 2), "l3das22": (0, 2)},
    (0.25, 0.45): {"centre": (2, 3), "pseldnets": (2, 3), "l3das22": (1, 3)},
    (20.0, 30.0): {"centre": (200, 299), "pseldnets": (200, 299), "l3das22": (199, 299)},
}


@pytest.mark.parametrize("rule", ["centre", "pseldnets", "l3das22"])
@pytest.mark.parametrize("times", SPANS)
def test_events_become_frames_by_each_rule(tmp_path, times, rule):
    rows = read(tmp_path, [("a.wav", *times, "Knock", 1, 2, 2)], rule)
    first, last = SPANS[times][rule]
    assert rows.frame.tolist() == list(range(first, last + 1))
    assert set(rows.class_index) == {L3DAS22.index("Knock")}


def test_positions_and_cut_angles(tmp_path):
    event = ("a.wav", 0.0, 0.1, "Printer", -1.5, -0.01, 0.3)
    np.testing.assert_allclose(read(tmp_path, [event]).positions, [[-1.5, -0.01, 0.3]])
    cut = read(tmp_path, [event], "pseldnets")
    np.testing.assert_allclose(np.degrees([cut.azimuth[0], cut.elevation[0]]), [-179, 11])


@given(start=st.floats(0, 29), length=st.floats(0, 1))
def test_no_event_is_lost(tmp_path_factory, start, length):
    rows = read(tmp_path_factory.mktemp("l3das"), [("a", start, start + length, "Knock", 1, 0, 0)])
    assert len(rows) >= 1
    assert abs((rows.frame.mean() + 0.5) * 0.1 - (start + length / 2)) <= 0.1


def test_events_of_one_frame_keep_the_order_of_the_file(tmp_path):
    rows = read(tmp_path, [("a", 1.0, 1.2, "Writing", 1, 0, 0), ("b", 0.9, 1.1, "Knock", 0, 1, 0)])
    assert rows.frame.tolist() == [9, 10, 10, 11]
    assert rows.track.tolist() == [1, 0, 1, 0]


def test_files_without_events(tmp_path):
    assert len(read(tmp_path, [])) == 0
    (tmp_path / "empty.csv").touch()
    assert len(read_l3das_events(tmp_path / "empty.csv", L3DAS22.labels)) == 0


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("a", 0, 1, "Knok", 1, 2, 3), "2: unknown class 'Knok', did you mean 'Knock'"),
        (("a", 0, 1, "Knock", 1, 2), "2: 6 columns, but the header has 7"),
        (("a", 0, "x", "Knock", 1, 2, 3), "2: start, end, x, y and z must be numbers"),
        (("a", 2, 1, "Knock", 1, 2, 3), "2: needs 0 <= start <= end"),
        (("a", 0, 1, "Knock", 0, 0, 0), "off the microphone"),
        (("a", 0, "nan", "Knock", 1, 0, 0), "needs 0 <= start <= end"),
    ],
)
def test_faults_name_file_and_line(tmp_path, row, said):
    with pytest.raises(FormatError, match=said):
        read(tmp_path, [row])


def test_header_and_rule_are_needed(tmp_path):
    (tmp_path / "a.csv").write_text("0,7,1,2,3\n")
    with pytest.raises(FormatError, match=r"1: L3DAS22 labels begin with a header .* start is not there"):
        read_l3das_events(tmp_path / "a.csv", L3DAS22.labels)
    with pytest.raises(ParameterError, match="did you mean 'centre'"):
        read_l3das_events(tmp_path / "a.csv", L3DAS22.labels, rule="center")
