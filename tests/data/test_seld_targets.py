import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from auris.data.seld_targets import TARGET_FORMATS, AccdoaTargets, decode, encode, encode_scene, overlap, unheld_rows
from auris.errors import FormatError, ParameterError
from auris.geometry import Static
from auris.io.frame_labels import FrameLabels, rows_to_scene, scene_to_rows
from auris.scene import Event, Scene, Source

CLASSES = ("dog", "speech", "music", "rain")
FRAMES = 12


@st.composite
def frame_labels(draw, *, per_class=1, per_frame=3):
    """Labels that every format can hold with these bounds, in an order of their own."""
    rows = []
    for frame in draw(st.lists(st.integers(0, FRAMES - 1), unique=True)):
        labels = draw(st.lists(st.integers(0, len(CLASSES) - 1), min_size=1, max_size=per_frame))
        rows += [(frame, label) for rank, label in enumerate(labels) if labels[:rank].count(label) < per_class]
    rows = draw(st.permutations(rows))
    angle = st.floats(-3.1, 3.1)
    azimuth = draw(st.lists(angle, min_size=len(rows), max_size=len(rows)))
    elevation = draw(st.lists(st.floats(-1.5, 1.5), min_size=len(rows), max_size=len(rows)))
    return FrameLabels([f for f, _ in rows], [c for _, c in rows], azimuth=azimuth, elevation=elevation, labels=CLASSES)


def in_order(labels):
    """Rows as (frame, class, x, y, z), sorted."""
    table = np.column_stack([labels.frame, labels.class_index, np.round(labels.vectors, 5) + 0.0])
    return table[np.lexsort(table.T[::-1])]


@pytest.mark.parametrize(("name", "per_class"), [("accdoa", 1), ("adpit", 3), ("tracks", 3)])
@given(data=st.data())
@settings(max_examples=25)
def test_what_fits_comes_back(name, per_class, data):
    labels = data.draw(frame_labels(per_class=per_class))
    encoded = encode(labels, name, classes=len(CLASSES), frames=FRAMES)
    assert encoded.dropped == 0
    back = decode(encoded.targets, labels=CLASSES)
    assert back.labels == CLASSES
    np.testing.assert_allclose(in_order(back), in_order(labels), atol=2e-5)


@pytest.mark.parametrize("name", TARGET_FORMATS)
@given(labels=frame_labels(per_class=5, per_frame=8))
@settings(max_examples=25)
def test_every_row_is_held_or_counted(name, labels):
    encoded = encode(labels, name, classes=len(CLASSES), frames=FRAMES)
    assert len(decode(encoded.targets)) + encoded.dropped == len(labels)
    assert unheld_rows(labels, name) == encoded.dropped


@pytest.mark.parametrize("name", TARGET_FORMATS)
@given(labels=frame_labels(per_class=2, per_frame=5), begin=st.integers(0, FRAMES), frames=st.integers(0, FRAMES))
@settings(max_examples=15)
def test_a_window_is_a_part_of_the_whole(name, labels, begin, frames):
    frames = min(frames, FRAMES - begin)
    whole = encode(labels, name, classes=len(CLASSES), frames=FRAMES).targets
    part = encode(labels, name, classes=len(CLASSES), frames=frames, begin=begin).targets
    for a, b in zip(whole, part, strict=True):
        torch.testing.assert_close(a[begin : begin + frames], b, rtol=0, atol=0)
    if frames:
        np.testing.assert_array_equal(decode(part, begin=begin).frame, decode(part).frame + begin)


@given(labels=frame_labels(per_class=2, per_frame=5))
@settings(max_examples=25)
def test_adpit_slots_say_how_many_rows_a_class_has(labels):
    active = encode(labels, "adpit", classes=len(CLASSES), frames=FRAMES).targets.slots[:, :, 0].bool().numpy()
    counts = np.zeros((FRAMES, len(CLASSES)), int)
    np.add.at(counts, (labels.frame, labels.class_index), 1)
    np.testing.assert_array_equal(active[:, 0], counts == 1)
    np.testing.assert_array_equal(active[:, 1] & active[:, 2], counts == 2)
    assert not active[:, 3:].any()


def row(frame, label, degrees):
    return frame, label, np.radians(degrees)


def from_rows(*rows):
    frame, label, azimuth = zip(*rows, strict=True)
    return FrameLabels(frame, label, azimuth=azimuth, elevation=np.zeros(len(frame)))


def azimuths(targets):
    return np.rint(np.degrees(decode(targets).azimuth)).astype(int).tolist()


def test_the_order_of_the_file_decides():
    labels = from_rows(row(0, 1, 10), row(0, 1, 20), row(0, 1, 30), row(0, 1, 40))
    assert azimuths(encode(labels, "accdoa", classes=2, frames=1).targets) == [40]
    assert azimuths(encode(labels, "adpit", classes=2, frames=1).targets) == [10, 20, 30]
    assert azimuths(encode(labels, "tracks", classes=2, frames=1).targets) == [10, 20, 30]
    assert azimuths(encode(labels, "tracks", classes=2, frames=1, tracks=6).targets) == [10, 20, 30, 40]


def test_tracks_are_filled_from_the_first_in_every_frame():
    labels = from_rows(row(0, 0, 0), row(0, 1, 90), row(1, 1, 90))
    sed = encode(labels, "tracks", classes=2, frames=2).targets.sed
    assert sed.nonzero().tolist() == [[0, 0, 0], [0, 1, 1], [1, 0, 1]]


def test_overlap_counts_what_each_format_counts():
    labels = from_rows(*(row(0, 0, 10 * k) for k in range(2)), row(0, 1, 5), row(0, 2, 5), row(1, 0, 0))
    tags = {name: overlap(encode(labels, name, classes=3, frames=3).targets) for name in TARGET_FORMATS}
    assert tags == {"accdoa": 3, "adpit": 4, "tracks": 3}
    assert overlap(encode(FrameLabels(), "adpit", classes=3, frames=3).targets) == 1
    assert overlap(encode(FrameLabels(), "accdoa", classes=3, frames=0).targets) == 1


@st.composite
def scenes(draw):
    """Static sources of different classes whose events lie on frames."""
    sources = []
    for label in draw(st.lists(st.sampled_from(CLASSES), unique=True, min_size=1, max_size=3)):
        edges = sorted(draw(st.lists(st.integers(0, 30), unique=True, min_size=2, max_size=6)))
        pairs = zip(edges[::2], edges[1::2], strict=False)
        events = tuple(Event(a / 10, b / 10) for a, b in pairs)
        x, y, z = (draw(st.floats(-1, 1)) for _ in range(3))
        sources.append(Source(label, Static((x + 1.5, y, z)), events))
    return Scene(3.0, tuple(sources))


@given(scene=scenes(), name=st.sampled_from(TARGET_FORMATS))
@settings(max_examples=25)
def test_scene_to_targets_to_frames_to_scene(scene, name):
    encoded = encode_scene(scene, name, vocabulary=CLASSES)
    assert encoded.dropped == 0
    assert len(encoded.targets[0]) == 30
    rows = decode(encoded.targets, labels=CLASSES)
    np.testing.assert_allclose(in_order(rows), in_order(scene_to_rows(scene, CLASSES)), atol=2e-5)
    if name == "tracks":  # a track changes its source; the class tells sources apart here
        rows = FrameLabels(rows.frame, rows.class_index, azimuth=rows.azimuth, elevation=rows.elevation, labels=CLASSES)
    back = rows_to_scene(rows, duration=3.0)
    events = {(s.label, round(e.onset, 6), round(e.offset, 6)) for s, e in scene.events()}
    merged = {(s.label, round(e.onset, 6), round(e.offset, 6)) for s, e in back.events()}
    assert {label for label, *_ in events} == {label for label, *_ in merged}
    assert total(events) == pytest.approx(total(merged))
    again = encode_scene(back, name, vocabulary=CLASSES).targets
    if name != "tracks":
        for a, b in zip(encoded.targets, again, strict=True):
            torch.testing.assert_close(a, b, atol=1e-5, rtol=0)


def total(events):
    return sum(b - a for _, a, b in events)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: encode(FrameLabels(), "accdoas", classes=3, frames=1), ParameterError, "did you mean 'accdoa'"),
        (lambda: unheld_rows(FrameLabels(), "track"), ParameterError, "did you mean 'tracks'"),
        (lambda: encode(from_rows(row(0, 3, 0)), "adpit", classes=3, frames=1), FormatError, "class number 3.*0 to 2"),
        (lambda: encode(FrameLabels(), "adpit", classes=0, frames=1), ParameterError, "at least 1 class"),
        (lambda: encode(FrameLabels(), "adpit", classes=1, frames=-1), ParameterError, "frames=-1"),
        (lambda: encode(FrameLabels(), "tracks", classes=1, frames=1, tracks=0), ParameterError, "at least 1 track"),
        (lambda: decode(AccdoaTargets(torch.zeros(2, 5, 3, 4))), ParameterError, "3 axes"),
    ],
)
def test_wrong_use_is_told(call, error, text):
    with pytest.raises(error, match=text):
        call()
