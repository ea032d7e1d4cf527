import numpy as np
import pytest

from auris import plots
from auris.audio import Audio
from auris.geometry import Orbit, Static
from auris.scene import Event, Listener, Room, Scene, Source


@pytest.fixture
def scene():
    orbit = Orbit(start=(4.0, 2.0, 1.5), centre=(3.0, 2.0, 1.5), angular_speed=2.0)
    sources = (
        Source("dog", orbit, (Event(0.5, 3.5),)),
        Source("bell", Static((1.0, 1.0, 1.0)), (Event(0.0, 1.0), Event(2.0, 3.0))),
    )
    return Scene(4.0, sources, Listener(Static((3.0, 2.0, 1.5))), room=Room((6.0, 4.0, 3.0), t60=0.4))


def test_a_line_does_not_cross_the_picture_where_azimuth_wraps(scene):
    figure = plots.directions(scene.with_(sources=scene.sources[:1]))
    (line, *_) = figure.axes[0].get_lines()
    assert np.nanmax(np.abs(np.diff(line.get_ydata()))) < 180


def test_classes_keep_their_colours(scene):
    few = scene.with_(sources=scene.sources[:1])
    assert plots.class_colours(scene) == plots.class_colours(few, scene)


@pytest.mark.parametrize("channels", [("mono", 1), ("binaural", 2), ("foa", 4), ("hoa3", 16)])
def test_every_picture_is_drawn_and_saved(scene, channels, tmp_path):
    name, count = channels
    audio = Audio(np.random.default_rng(0).standard_normal((count, 4000)), 8000, name)
    for index, figure in enumerate(
        [plots.plan(scene, heard=scene), plots.directions(scene, scene, audio=audio), plots.spectrogram(audio)]
    ):
        plots.save_figure(tmp_path / f"{index}.png", figure)
        assert (tmp_path / f"{index}.png").stat().st_size > 5000


def test_an_empty_scene_and_silent_audio_are_drawn():
    plots.plan(Scene(1.0))
    plots.directions(Scene(1.0), audio=Audio(np.zeros((1, 100)), 8000, "mono"))
    plots.spectrogram(Audio(np.zeros((2, 10)), 8000, "binaural"))
