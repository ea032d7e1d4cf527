"""Pictures of interaural time differences."""

import numpy as np
import pytest

from auris.audio import Audio
from auris.errors import LayoutError
from auris.metrics.itd import ItdTrack
from auris.plots import itd_tracks, save_figure

RATE = 16_000


@pytest.fixture
def clip():
    sound = np.random.default_rng(0).standard_normal(3 * RATE).astype(np.float32) * 0.1
    sound[RATE : 2 * RATE] = 0
    return Audio(np.stack([sound, np.roll(sound, 4)]), RATE, "stereo")


def test_what_was_found_and_asked_is_drawn_with_silence_shaded(clip, tmp_path):
    asked = ItdTrack(np.arange(30) / 10, np.full(30, 0.25e-3))
    figure = itd_tracks(clip, asked={"dog": asked}, title="a dog")
    below = figure.axes[1]
    texts = [text.get_text() for text in below.get_legend().get_texts()]
    assert texts == ["dog", "GCC-PHAT", "too quiet"]
    dots = next(line for line in below.lines if line.get_label() == "GCC-PHAT").get_ydata()
    assert np.nanmedian(dots) == pytest.approx(0.25, abs=1e-3)
    assert len(below.patches) == 1
    assert below.get_ylim()[1] > 0.496
    save_figure(tmp_path / "t.png", figure)
    assert (tmp_path / "t.png").stat().st_size > 10_000


def test_a_silent_clip_has_a_picture_and_more_channels_have_none(clip):
    figure = itd_tracks(Audio(np.zeros((2, RATE), np.float32), RATE, "stereo"))
    assert len(figure.axes[1].patches) == 1
    with pytest.raises(LayoutError, match="two channels"):
        itd_tracks(Audio(np.zeros((4, RATE), np.float32), RATE, "foa"))
