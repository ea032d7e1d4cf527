import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auris.errors import FormatError
from auris.io.pseldnets import read_frame_rows

ROW = (3, 7, 2, -90, 45, 150, "/m/01m4t")


@pytest.mark.parametrize("width", [4, 5, 6, 7])
def test_rows_of_every_width(tmp_path, width):
    row = ROW[:width] if width > 4 else (ROW[0], ROW[1], *ROW[3:5])
    (tmp_path / "a.csv").write_text(",".join(map(str, row)) + "\n")
    rows = read_frame_rows(tmp_path / "a.csv", vocabulary=[str(n) for n in range(8)])
    assert (rows.frame[0], rows.class_index[0], rows.track[0]) == (3, 7, 2 if width > 4 else 0)
    np.testing.assert_allclose((rows.azimuth[0], rows.elevation[0]), np.radians([-90, 45]))
    assert np.isnan(rows.distance).all()
    metres = read_frame_rows(tmp_path / "a.csv", distance="centimetres").distance[0]
    assert metres == 1.5 if width > 5 else np.isnan(metres)


@given(st.lists(st.tuples(st.integers(0, 599), st.integers(0, 169), st.integers(-180, 180), st.integers(-90, 90))))
def test_the_order_of_the_file_is_kept(tmp_path_factory, table):
    path = tmp_path_factory.mktemp("rows") / "a.csv"
    path.write_text("".join(",".join(map(str, row)) + "\n" for row in table))
    rows = read_frame_rows(path)
    assert rows.frame.tolist() == [row[0] for row in table]
    assert rows.class_index.tolist() == [row[1] for row in table]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,2,3\n", "3 columns; SELD label files have 4 or 5 or 6"),
        ("1,2,3,4\n1,2,3,4,5\n", "5 columns, but the first row has 4"),
        ("1,2,3,4,5,six,/m/x\n", "'six' is not a finite number"),
        ("1,2.5,3,4\n", "class must be a whole number of at least 0, got 2.5"),
    ],
)
def test_faults_name_file_and_line(tmp_path, text, said):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(FormatError, match=r"a\.csv:\d+: .*" + said):
        read_frame_rows(tmp_path / "a.csv")
