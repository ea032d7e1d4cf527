"""The picture of a generated clip: what was asked for as lines, time differences of a pair, what a listener heard."""

import numpy as np
import pytest

from auris.audio import Audio
from auris.geometry import Static, Waypoints
from auris.plots import generated, save_figure
from auris.scene import Event, Scene, Source

ASKED = Scene(
    2.0,
    (
        Source("dog", Waypoints((0.5, 1.5), ((0.0, 2.0, 0.0), (0.0, -2.0, 0.0)), around=(0, 0, 0)), (Event(0.0, 2.0),)),
        Source("rain", Static((2.0, 0.0, 0.0)), (Event(0.0, 2.0),)),
    ),
    name="a dog barks on the left, then runs to the right, while rain falls in front",
)
HEARD = Scene(2.0, (Source("dog", Static((-1.0, 1.0, 0.0)), (Event(0.2, 0.9, confidence=0.8),)),))


def noise(layout, channels):
    return Audio(0.1 * np.random.default_rng(0).standard_normal((channels, 32_000)), 16_000, layout)


@pytest.mark.parametrize(("layout", "channels", "witnesses"), [("stereo", 2, 1), ("foa", 4, 0)])
def test_directions_run_from_left_above_to_right_below(layout, channels, witnesses, tmp_path):
    figure = generated(noise(layout, channels), ASKED, HEARD)
    levels, directions = figure.axes
    assert levels.get_title(loc="left") == ASKED.name
    low, high = directions.get_ylim()
    assert low > 5
    assert high < 1
    lines = directions.get_lines()
    assert len(lines) == 2 + witnesses + 1
    walk = lines[0].get_ydata()
    assert (walk[0], walk[-1]) == pytest.approx((1, 5))
    assert np.ptp(lines[1].get_ydata()) == pytest.approx(0)
    heard = lines[-1].get_ydata()
    np.testing.assert_allclose(heard, 2, atol=1e-9)  # behind on the left, mirrored
    save_figure(tmp_path / "clip.png", figure)


def test_silence_can_be_drawn():
    silent = Audio(np.zeros((2, 16_000)), 16_000, "stereo")
    assert len(generated(silent, Scene(1.0)).axes) == 2
