import numpy as np
import pytest
from matplotlib.patches import Circle

from auris import plots
from auris.audio import Audio
from auris.geometry import Static
from auris.scene import Event, Scene, Source


def around(**places):
    """A heard scene with one event per class at rest; places in metres, x front and y left."""
    return Scene(4.0, tuple(Source(label, Static(place), (Event(0.5, 3.0),)) for label, place in places.items()))


def offsets(axis):
    """Centres of the dots, circles and darts drawn into an axis."""
    return [tuple(np.round(np.asarray(c.get_offsets())[0], 6).tolist()) for c in axis.collections]


def words(axis):
    return {text.get_text(): text.get_position() for text in axis.texts}


def test_front_is_up_and_left_is_left():
    (axis,) = plots.surroundings(None, around(dog=(2.0, 0.0, 0.0), rain=(0.0, 3.0, 0.0), bell=(0.0, -1.0, 0.5))).axes
    assert set(offsets(axis)) == {(0.0, 2.0), (-3.0, 0.0), (1.0, 0.0)}
    at = words(axis)
    assert at["front"][1] > 0 > at["back"][1]
    assert at["left"][0] < 0 < at["right"][0]
    assert axis.get_aspect() == 1.0


@pytest.mark.parametrize(
    ("furthest", "rings"),
    [
        (0.2, ["0.25 m", "0.5 m"]),
        (1.6, ["0.5 m", "1 m", "1.5 m", "2 m"]),
        (4.0, ["1 m", "2 m", "3 m", "4 m"]),
        (9.0, ["5 m", "10 m"]),
        (700.0, ["1000 m", "2000 m"]),
    ],
)
def test_rings_reach_as_far_as_what_was_heard(furthest, rings):
    (axis,) = plots.surroundings(None, around(dog=(furthest, 0.0, 0.0))).axes
    assert [text for text in words(axis) if text.endswith(" m")] == rings
    radii = [patch.radius for patch in axis.patches if isinstance(patch, Circle) and not patch.get_fill()]
    assert radii == [float(ring.split()[0]) for ring in rings]
    assert radii[-1] >= furthest
    assert axis.get_xlim()[1] > radii[-1]


def test_truth_is_lines_and_what_was_heard_is_dots_in_the_colour_of_the_class():
    true, heard = around(dog=(2.0, 0.0, 0.0), rain=(0.0, 1.0, 0.0)), around(dog=(1.5, 0.5, 0.0))
    (axis,) = plots.surroundings(true, heard).axes
    colours = plots.class_colours(true, heard)
    spokes = {
        line.get_color(): line.get_xydata()[-1].tolist() for line in axis.get_lines() if line.get_color() in colours.values()
    }
    assert spokes == {colours["dog"]: [0.0, 2.0], colours["rain"]: [-1.0, 0.0]}
    filled = [c for c in axis.collections if len(c.get_facecolor())]
    assert [offsets(axis)[axis.collections.index(c)] for c in filled] == [(-0.5, 1.5)]


def test_what_moves_has_a_path_and_a_dart_at_its_end(scene):
    (axis,) = plots.surroundings(scene.with_(sources=scene.sources[:1]), None).axes
    (path,) = [line for line in axis.get_lines() if len(line.get_xdata()) > 2]
    dart = axis.collections[-1]
    np.testing.assert_allclose(dart.get_offsets()[0], path.get_xydata()[-1])
    tip = dart.get_paths()[0].vertices[0]
    onward = path.get_xydata()[-1] - path.get_xydata()[-3]
    assert tip @ onward / np.linalg.norm(tip) / np.linalg.norm(onward) == pytest.approx(1.0, abs=0.02)


def test_the_time_line_stands_beside_what_surrounds_the_listener(scene):
    figure = plots.listening(scene, scene, audio=Audio(np.zeros((2, 8000)), 8000, "binaural"))
    *rows, around_listener = figure.axes
    labels = [axis.get_ylabel().split()[0] for axis in rows]
    assert labels == ["kHz", "azimuth", "elevation", "distance"]
    figure.draw_without_rendering()
    assert max(axis.get_position().x1 for axis in rows) < around_listener.get_position().x0
    assert {axis.get_xlim() for axis in rows} == {(0.0, 4.0)}
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["bell", "dog", "true", "heard"]
