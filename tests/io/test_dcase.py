"""DCASE label files of every year: round trips, known rows, and exact complaints about what is wrong."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auris.errors import FormatError, ParameterError
from auris.geometry import Static, Waypoints
from auris.io.dcase import YEARS, read_dcase, read_dcase_folder, scene_to_rows, write_dcase
from auris.io.frame_labels import FrameLabels
from auris.io.l3das import read_l3das, read_l3das_folder, write_l3das
from auris.scene import Event, Scene, Source

HEADER_2019 = "sound_event_recording,start_time,end_time,ele,azi,dist\n"
HEADER_2025 = "frame,class,source,azimuth,distance,onscreen\n"
VOCABULARY = ("cat", "dog")


@st.composite
def tables(draw):
    """Labels that every format can hold exactly: whole degrees and centimetres, in front."""
    count = draw(st.integers(0, 12))
    column = lambda low, high: draw(st.lists(st.integers(low, high), min_size=count, max_size=count))  # noqa: E731
    frames = column(0, 600)
    return FrameLabels(
        frames,
        column(0, 12),
        azimuth=np.radians(column(-90, 90)),
        elevation=np.radians(column(-90, 90)),
        distance=np.array(column(1, 2000)) / 100,
        track=column(0, 5),
        onscreen=column(0, 1),
    ).sorted()


@pytest.mark.parametrize("content", ["reference", "prediction"])
@pytest.mark.parametrize("year", range(2020, 2026))
@settings(max_examples=25, deadline=None)
@given(rows=tables())
def test_what_a_format_holds_comes_back(tmp_path_factory, year, content, rows):
    path = tmp_path_factory.mktemp("dcase") / "clip.csv"
    write_dcase(path, rows, year=year, content=content)
    back = read_dcase(path, year=year, content=content)
    for name in ("frame", "class_index", "track"):
        np.testing.assert_array_equal(getattr(back, name), getattr(rows, name))
    if year == 2025:
        np.testing.assert_array_equal(back.onscreen, rows.onscreen)
        np.testing.assert_allclose(np.cos(back.azimuth - rows.azimuth), 1, atol=1e-9)
        assert np.isnan(back.elevation).all()
    else:
        np.testing.assert_allclose(back.vectors, rows.vectors, atol=2e-5)
    if year >= 2024 or (year == 2023 and content == "reference"):
        np.testing.assert_allclose(back.distance, rows.distance, atol=1e-9)
    else:
        assert np.isnan(back.distance).all()


ONE = FrameLabels(
    [7], [1], azimuth=[np.radians(-100.5)], elevation=[np.radians(20.5)], distance=[1.255], track=[2], onscreen=[1]
)


@pytest.mark.parametrize(
    ("year", "content", "text"),
    [
        (2020, "reference", "7,1,2,-101,21\n"),
        (2021, "reference", "7,1,2,-101,21\n"),
        (2022, "reference", "7,1,2,-101,21\n"),
        (2023, "reference", "7,1,2,-101,21,126\n"),
        (2024, "reference", "7,1,2,-101,21,126\n"),
        (2025, "reference", HEADER_2025 + "7,1,2,-80,126,1\n"),
        (2022, "prediction", "7,1,2,-0.170695,-0.920988,0.350207\n"),
        (2023, "prediction", "7,1,2,-0.170695,-0.920988,0.350207,0\n"),
        (2024, "prediction", "7,1,2,-100.500,20.500,1.255\n"),
        (2025, "prediction", HEADER_2025 + "7,1,2,-80,126,1\n"),
    ],
)
def test_the_very_text(tmp_path, year, content, text):
    write_dcase(tmp_path / "a.csv", ONE, year=year, content=content)
    assert (tmp_path / "a.csv").read_text() == text


def test_straight_back_is_minus_180(tmp_path):
    for azimuth in (-np.pi, np.radians(179.7)):
        write_dcase(tmp_path / "a.csv", FrameLabels([0], [0], azimuth=[azimuth], elevation=[0]), year=2021)
        assert (tmp_path / "a.csv").read_text() == "0,0,0,-180,0\n"


def test_unknown_onscreen_is_written_as_no(tmp_path):
    write_dcase(tmp_path / "a.csv", FrameLabels([0], [0], azimuth=[0.0], distance=[1.0]), year=2025)
    assert (tmp_path / "a.csv").read_text() == HEADER_2025 + "0,0,0,0,100,0\n"


@pytest.mark.parametrize(
    ("year", "content", "text", "place"),
    [
        (2021, "reference", "3,4,0,90,0\n", (0, 1, 0)),
        (2021, "prediction", "3,4,0,0,0.5,0\n", (0, 1, 0)),
        (2023, "reference", "3,4,0,90,0,150\n", (0, 1.5, 0)),
        (2023, "reference", "3,4,0,90,0\n", (0, 1, 0)),
        (2024, "prediction", "3,4,90,0\n", (0, 1, 0)),
        (2024, "prediction", "3,4,0,90,0\n", (0, 1, 0)),
        (2024, "prediction", "3,4,0,90,0,1.5\n", (0, 1.5, 0)),
        (2024, "prediction", "3,4,0,0,1,0,1.5\n", (0, 1.5, 0)),
        (2024, "reference", "3,4,0,90,0,150\n", (0, 1.5, 0)),
        (2025, "reference", HEADER_2025 + "3,4,0,90,150,0\n", (0, 1.5, 0)),
    ],
)
def test_every_accepted_row(tmp_path, year, content, text, place):
    (tmp_path / "a.csv").write_text(text + "\n\n")
    rows = read_dcase(tmp_path / "a.csv", year=year, content=content, vocabulary=VOCABULARY)
    assert (rows.frame[0], rows.class_index[0], rows.labels) == (3, 4, VOCABULARY)
    distance = np.nan_to_num(rows.distance, nan=1.0)[:, None]
    np.testing.assert_allclose(rows.vectors * distance, [place], atol=1e-12)


@pytest.mark.parametrize(
    ("year", "content", "text", "message"),
    [
        (2021, "reference", "0,1,0,10,0\n0,1,0,ten,0\n", r"a\.csv:2: 'ten' is not a finite number"),
        (2021, "reference", "0,1,0,10,0\n0,1,0,nan,0\n", r"a\.csv:2: 'nan' is not a finite number"),
        (2021, "reference", "0,1,0,10,0\n0,1,0,,0\n", r"a\.csv:2: '' is not a finite number"),
        (2021, "reference", "0,1,0,10,0\n\n0,1,0,10,0\n", r"a\.csv:2: blank line"),
        (2021, "reference", "0,1,0,10,0,100\n", r"a\.csv:1: 6 columns; DCASE 2021 reference files have 5"),
        (2021, "reference", "0 1 0 10 0\n", r"a\.csv:1: '0 1 0 10 0' is not a finite number"),
        (2023, "reference", "0,1,0,10,0\n0,1,0,10,0,100\n", r"a\.csv:2: 6 columns, but the first row has 5"),
        (2023, "prediction", "0,1,0,1,0,0\n", r"a\.csv:1: 6 columns; DCASE 2023 prediction files have 5 or 7"),
        (2024, "reference", "0,1,0,10,0\n", r"a\.csv:1: 5 columns; DCASE 2024 reference files have 6"),
        (
            2024,
            "reference",
            "frame,class,source,azimuth,elevation,distance\n",
            r"a\.csv:1: 'frame' .*; DCASE 2024 .* have no header",
        ),
        (2024, "reference", "0.5,1,0,10,0,100\n", r"a\.csv:1: frame must be a whole number of at least 0, got 0\.5"),
        (
            2024,
            "reference",
            "0,1,0,10,0,100\n1,-1,0,10,0,100\n",
            r"a\.csv:2: class must be a whole number of at least 0, got -1",
        ),
        (2024, "reference", "0,1,0,10,91,100\n", r"a\.csv:1: elevation must be a number from -90 to 90, got 91"),
        (2024, "reference", "0,1,0,400,0,100\n", r"a\.csv:1: azimuth must be a number from -360 to 360, got 400"),
        (2024, "reference", "0,1,0,10,0,-5\n", r"a\.csv:1: centimetres must be a number of at least 0, got -5"),
        (2025, "reference", "0,1,0,10,100,0\n", r"a\.csv:1: DCASE 2025 reference files begin with the line 'frame,class"),
        (2025, "reference", "", r"a\.csv:1: .* got 'an empty file'"),
        (2025, "reference", HEADER_2025 + "0,1,0,10,100,2\n", r"a\.csv:2: onscreen must be a whole number from 0 to 1, got 2"),
        (2019, "reference", "dog,0,1,0,0,1\n", r"a\.csv:1: DCASE 2019 files begin with the line"),
        (2019, "reference", HEADER_2019 + "dgo,0,1,0,0,1\n", r"a\.csv:2: unknown class 'dgo', did you mean 'dog'"),
        (2019, "reference", HEADER_2019 + "dog,1,0,0,0,1\n", r"a\.csv:2: needs 0 <= start < end"),
        (2019, "reference", HEADER_2019 + "dog,0,x,0,0,1\n", r"a\.csv:2: start, end, elevation"),
        (2019, "reference", HEADER_2019 + "dog,0,1,0,0\n", r"a\.csv:2: 5 columns; DCASE 2019 files have 6"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path, year, content, text, message):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(FormatError, match=message):
        read_dcase(tmp_path / "a.csv", year=year, content=content, vocabulary=VOCABULARY)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00binary", b"0,1,0,10,0\xff\n"])
def test_what_is_not_text_is_refused(tmp_path, content):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(FormatError, match="not a text file"):
        read_dcase(tmp_path / "a.csv", year=2021)


def test_windows_line_ends_and_a_byte_order_mark_are_read(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbf0,1,0,10,0\r\n1,1,0,11,0\r\n")
    assert len(read_dcase(tmp_path / "a.csv", year=2021)) == 2


def test_wrong_use_is_named(tmp_path):
    with pytest.raises(ParameterError, match="unknown DCASE year 2018; accepted: 2019 to 2025"):
        read_dcase(tmp_path / "a.csv", year=2018)
    with pytest.raises(ParameterError, match="content is 'reference' or 'prediction', got 'labels'"):
        write_dcase(tmp_path / "a.csv", ONE, year=2024, content="labels")
    with pytest.raises(ParameterError, match="name their classes"):
        read_dcase(tmp_path / "a.csv", year=2019)
    with pytest.raises(FormatError, match=r"missing\.csv: no such file"):
        read_dcase(tmp_path / "missing.csv", year=2021)
    for year, lacking in ((2024, "distance"), (2021, "elevation")):
        with pytest.raises(ParameterError, match=f"DCASE {year} files hold .* {lacking}"):
            write_dcase(tmp_path / "a.csv", FrameLabels([0], [0], azimuth=[0.0]), year=year)
    assert not any(tmp_path.iterdir())


def test_folders_are_read_by_name(tmp_path):
    for name in ("b", "a"):
        write_dcase(tmp_path / f"{name}.csv", ONE, year=2024)
    (tmp_path / "notes.txt").write_text("x")
    assert list(read_dcase_folder(tmp_path, year=2024)) == ["a", "b"]
    with pytest.raises(FormatError, match=r"no \.csv files"):
        read_dcase_folder(tmp_path / "..", year=2024) if not list(tmp_path.parent.glob("*.csv")) else None
    with pytest.raises(FormatError, match="no such folder"):
        read_dcase_folder(tmp_path / "nowhere", year=2024)


def test_2019_holds_events_by_name(tmp_path):
    scene = Scene(4, (Source("dog", Static((1.0, 1.0, 0.0)), (Event(0.5, 1.5), Event(2, 3))),))
    write_dcase(tmp_path / "a.csv", scene_to_rows(scene, VOCABULARY), year=2019)
    assert (tmp_path / "a.csv").read_text() == HEADER_2019 + "dog,0.5,1.5,0,45,1.41\ndog,2,3,0,45,1.41\n"
    back = read_dcase(tmp_path / "a.csv", year=2019, vocabulary=VOCABULARY)
    assert back.frame.tolist() == [*range(5, 15), *range(20, 30)]
    np.testing.assert_allclose(np.degrees(back.azimuth), 45, atol=1e-9)


def test_2019_refuses_what_moves_or_has_no_name(tmp_path):
    path = Waypoints((0.0, 1.0), ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)))
    rows = scene_to_rows(Scene(1, (Source("dog", path, (Event(0, 1),)),)), VOCABULARY)
    with pytest.raises(ParameterError, match="'dog' moves at 0 s"):
        write_dcase(tmp_path / "a.csv", rows, year=2019)
    with pytest.raises(ParameterError, match="carry no class names"):
        write_dcase(tmp_path / "a.csv", ONE, year=2019)


@pytest.mark.parametrize("year", YEARS)
def test_silence_is_written_and_read(tmp_path, year):
    write_dcase(tmp_path / "a.csv", FrameLabels(), year=year)
    assert len(read_dcase(tmp_path / "a.csv", year=year, vocabulary=VOCABULARY)) == 0


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.csv"
    write_dcase(path, ONE, year=2024)
    before = path.read_text()
    with pytest.raises(ParameterError):
        write_dcase(path, FrameLabels([0], [0], azimuth=[0.0]), year=2024)
    assert path.read_text() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]


def test_l3das_rows(tmp_path):
    write_l3das(tmp_path / "a.csv", ONE)
    assert (tmp_path / "a.csv").read_text() == "7,1,-0.2142,-1.1558,0.4395\n"
    back = read_l3das_folder(tmp_path)["a"]
    np.testing.assert_allclose(back.positions, ONE.positions, atol=1e-4)
    (tmp_path / "a.csv").write_text("7,1.5,0,0,0\n")
    with pytest.raises(FormatError, match=r"a\.csv:1: frame and class must be whole numbers"):
        read_l3das(tmp_path / "a.csv")
    with pytest.raises(FormatError, match="no distance"):
        write_l3das(tmp_path / "b.csv", FrameLabels([0], [0], azimuth=[0.0]))
