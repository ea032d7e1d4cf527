import numpy as np
import pytest

from auris import plots
from auris.audio import Audio
from auris.geometry import Static
from auris.io.audio_files import write_audio
from auris.plots import levels
from auris.scene import Event, Scene, Source


def test_a_line_does_not_cross_the_picture_where_azimuth_wraps(scene):
    figure = plots.directions(scene.with_(sources=scene.sources[:1]))
    (line, *_) = figure.axes[0].get_lines()
    assert np.nanmax(np.abs(np.diff(line.get_ydata()))) < 180


def test_truth_and_what_was_heard_are_told_apart_and_rows_can_be_chosen(scene):
    figure = plots.directions(scene, scene, rows=("azimuth", "elevation"))
    assert [axis.get_ylabel().split()[0] for axis in figure.axes] == ["azimuth", "elevation"]
    styles = {line.get_linestyle() for line in figure.axes[0].get_lines()}
    assert styles == {"-", "None"}
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["bell", "dog", "true", "heard"]


def test_events_shorter_than_a_frame_are_drawn():
    click = Scene(600.0, (Source("click", Static((1.0, 0.0, 0.0)), (Event(300.0, 300.01),)),))
    (dots,) = plots.directions(None, click).axes[0].get_lines()
    assert dots.get_xdata() == pytest.approx([300.0], abs=0.02)


def test_an_hour_with_many_classes_stays_readable_and_small():
    random = np.random.default_rng(0)
    sources = tuple(
        Source(f"class {i % 40}", Static((1.0, float(i % 7) - 3, 0.2)), (Event(float(onset), float(onset) + 5.0),))
        for i, onset in enumerate(random.uniform(0, 3590, 600))
    )
    figure = plots.directions(None, Scene(3600.0, sources), rows=("azimuth",))
    assert sum(len(line.get_xdata()) for line in figure.axes[0].get_lines()) < 5000
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert len(texts) <= 17
    assert texts[-1] == "24 other classes"


def test_the_spectrogram_of_a_file_is_that_of_its_audio(tmp_path):
    samples = np.random.default_rng(0).standard_normal((4, 20_000)) * 0.1
    write_audio(tmp_path / "a.wav", Audio(samples, 8000, "foa"))
    whole, of_file = plots.audio_spectrogram(Audio(samples, 8000, "foa")), plots.file_spectrogram(tmp_path / "a.wav")
    np.testing.assert_allclose(of_file.level_db, whole.level_db, atol=1e-3)
    assert (of_file.duration, of_file.top_hertz) == (2.5, 4000)


def test_of_a_long_file_only_moments_are_read(tmp_path, monkeypatch):
    rate, seconds = 8000, 700
    time = np.arange(rate * seconds) / rate
    tone = np.where((time > 300) & (time < 400), np.sin(2 * np.pi * 1000 * time), 0)
    write_audio(tmp_path / "a.wav", Audio(tone[None], rate, "mono"))
    read, original = [], levels.read_window
    monkeypatch.setattr(levels, "read_window", lambda *a, **k: read.append(k["samples"]) or original(*a, **k))
    image = plots.file_spectrogram(tmp_path / "a.wav")
    assert sum(read) < 0.35 * rate * seconds
    columns = image.level_db.shape[1]
    loud = image.level_db.max(axis=0) > -40
    assert loud.mean() == pytest.approx(1 / 7, abs=0.01)
    assert (np.flatnonzero(loud)[0] / columns) == pytest.approx(3 / 7, abs=0.01)
    peak = image.level_db[:, columns // 2].argmax() / (image.level_db.shape[0] - 1) * 4000
    assert peak == pytest.approx(1000, abs=40)


def test_classes_keep_their_colours(scene):
    few = scene.with_(sources=scene.sources[:1])
    assert plots.class_colours(scene) == plots.class_colours(few, scene)


@pytest.mark.parametrize("channels", [("mono", 1), ("hoa3", 16)])
def test_every_picture_is_drawn_and_saved(scene, channels, tmp_path):
    name, count = channels
    audio = Audio(np.random.default_rng(0).standard_normal((count, 4000)), 8000, name)
    for index, figure in enumerate(
        [plots.plan(scene, heard=scene), plots.directions(scene, scene, audio=audio), plots.spectrogram(audio)]
    ):
        plots.save_figure(tmp_path / f"{index}.png", figure)
        assert (tmp_path / f"{index}.png").stat().st_size > 5000


def test_what_surrounds_the_listener_is_drawn_and_saved(scene, tmp_path):
    audio = Audio(np.random.default_rng(0).standard_normal((2, 4000)), 8000, "binaural")
    plots.save_figure(tmp_path / "a.png", plots.listening(scene, scene, audio=audio))
    plots.save_figure(tmp_path / "b.svg", plots.surroundings(scene))
    assert (tmp_path / "a.png").stat().st_size > 20_000
    assert "left" in (tmp_path / "b.svg").read_text()


def test_an_empty_scene_and_silent_audio_are_drawn():
    plots.plan(Scene(1.0))
    plots.directions(Scene(1.0), audio=Audio(np.zeros((1, 100)), 8000, "mono"))
    plots.listening(None, Scene(1.0), audio=Audio(np.zeros((2, 100)), 8000, "binaural"))
    plots.surroundings(None)
    plots.spectrogram(Audio(np.zeros((2, 10)), 8000, "binaural"))
