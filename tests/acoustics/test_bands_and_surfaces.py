"""Octave bands, materials and radiation patterns."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auris.acoustics import directivity
from auris.acoustics.bands import amplitude_partition, octave_centres, per_band, power_partition
from auris.acoustics.materials import MATERIALS, absorption_of
from auris.errors import ParameterError, SceneError
from auris.scene import DIRECTIVITIES


@pytest.mark.parametrize(("rate", "count"), [(8000, 6), (16000, 7), (24000, 7), (32000, 8), (44100, 8), (48000, 8), (96000, 8)])
def test_bands_reach_half_the_sample_rate(rate, count):
    centres = octave_centres(rate)
    assert len(centres) == count
    assert centres[0] == 125
    assert centres[-1] <= rate / 2


@pytest.mark.parametrize("rate", [4000, 192000])
def test_other_sample_rates_are_refused(rate):
    with pytest.raises(ParameterError, match="8000 to 96000"):
        octave_centres(rate)


@given(st.sampled_from([8000, 24000, 48000]), st.floats(0, 1))
def test_bands_share_every_frequency(rate, share):
    weights = amplitude_partition([share * rate / 2], octave_centres(rate))
    assert weights.sum() == pytest.approx(1)
    assert np.count_nonzero(weights > 1e-12) <= 2
    assert np.sum(power_partition([share * rate / 2], octave_centres(rate)) ** 2) == pytest.approx(1)


def test_a_band_is_whole_at_its_centre():
    assert amplitude_partition(octave_centres(48000), octave_centres(48000)) == pytest.approx(np.eye(8))


def test_values_per_band():
    assert per_band((0.1, 0.2), 4).tolist() == [0.1, 0.2, 0.2, 0.2]
    assert per_band((1, 2, 3), 2).tolist() == [1, 2]


def test_materials_absorb_between_nothing_and_everything():
    table = np.array(list(MATERIALS.values()))
    assert table.shape[1] == 7
    assert len(table) >= 25
    assert table.min() > 0
    assert table.max() <= 1


def test_unknown_material_names_the_nearest():
    with pytest.raises(SceneError, match="did you mean 'carpet'"):
        absorption_of("carpt", 7)


@pytest.mark.parametrize("pattern", DIRECTIVITIES)
def test_patterns_are_one_on_the_axis_and_keep_their_power(pattern):
    cosine = np.linspace(-1, 1, 20001)
    gain = directivity.gain(pattern, cosine, 8)
    assert gain[:, -1] == pytest.approx(np.ones(8))
    assert np.abs(gain).max() <= 1 + 1e-12
    assert np.mean(gain**2, axis=1) == pytest.approx(directivity.diffuse_power(pattern, 8), rel=1e-3)


def test_a_cardioid_is_silent_behind_and_speech_narrows_with_frequency():
    assert directivity.gain("cardioid", np.array([-1.0]), 7) == pytest.approx(np.zeros((7, 1)))
    assert np.all(np.diff(directivity.gain("speech", np.array([-1.0]), 8)[:, 0]) < 0)


def test_unknown_pattern_names_the_nearest():
    with pytest.raises(SceneError, match="did you mean 'cardioid'"):
        directivity.gain("cardiod", np.array([1.0]), 7)
