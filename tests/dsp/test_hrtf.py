"""Cues of the built-in head, and helpers on head-related sets."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from auris.dsp.hrtf import estimate_latency, ild, itd, left_right_difference_db, mirrored, rigid_sphere, structural_head
from auris.errors import ParameterError
from auris.geometry.directions import unit_vector

SIDE = unit_vector(np.pi / 2, 0.0)


def horizontal(*azimuth_deg: float) -> np.ndarray:
    return unit_vector(np.radians(np.asarray(azimuth_deg, dtype=float)), 0.0)


@pytest.fixture(scope="module")
def head():
    return structural_head(48_000)


def spectrum_db(head, vectors, ear: int = 0) -> np.ndarray:
    return 20 * np.log10(np.abs(np.fft.rfft(head.interpolated(vectors)[..., ear, :], 1024)) + 1e-9)


def test_time_difference_reaches_that_of_a_human_head(head) -> None:
    ring = horizontal(*range(0, 181, 5))
    greatest = itd(head, ring, band=(0.0, 3000.0)).max()
    assert 0.60e-3 < greatest < 0.75e-3
    low = itd(head, ring, band=(0.0, 400.0)).max()
    assert low == pytest.approx(3 * 0.0875 / 343.2, rel=0.05)  # Kuhn 1977: 3 a / c at low frequencies


def test_low_frequency_time_difference_is_larger_than_the_high_frequency_one(head) -> None:
    front = horizontal(5, 10, 15, 20)
    ratio = itd(head, front, band=(0.0, 400.0)) / itd(head, front, band=(2000.0, 8000.0))
    np.testing.assert_allclose(ratio, 1.5, atol=0.2)


def test_left_source_leads_and_is_louder_on_the_left(head) -> None:
    vectors = horizontal(20, 60, 90, 120, 160)
    assert np.all(itd(head, vectors) > 0)
    assert np.all(ild(head, vectors, band=(1500.0, 10_000.0)) > 0)
    np.testing.assert_allclose(itd(head, vectors * [1, -1, 1]), -itd(head, vectors), atol=1e-7)
    np.testing.assert_allclose(ild(head, vectors * [1, -1, 1]), -ild(head, vectors), atol=1e-3)


def test_level_difference_grows_with_frequency(head) -> None:
    bands = [(100.0, 300.0), (400.0, 900.0), (1500.0, 3000.0), (4000.0, 9000.0)]
    levels = [ild(head, horizontal(60), band=band)[0] for band in bands]
    assert np.all(np.diff(levels) > 0)
    assert abs(levels[0]) < 1.0
    assert 12.0 < levels[-1] < 25.0


def test_median_plane_has_no_interaural_difference_but_notches_that_rise_with_elevation(head) -> None:
    elevation = np.radians([-40, -20, 0, 20, 40])
    plane = unit_vector(0.0, elevation)
    np.testing.assert_allclose(itd(head, plane), 0.0, atol=2e-6)
    np.testing.assert_allclose(ild(head, plane), 0.0, atol=0.05)
    frequency = np.arange(513) * 48_000 / 1024
    band = (frequency > 4_000) & (frequency < 11_000)
    notches = frequency[band][np.argmin(spectrum_db(head, plane)[:, band], axis=1)]
    assert np.all(np.diff(notches) > 0)


def test_front_differs_from_back_at_high_frequencies_only(head) -> None:
    front, back = spectrum_db(head, horizontal(0, 180))
    frequency = np.arange(513) * 48_000 / 1024
    assert np.abs(front - back)[(frequency > 50) & (frequency < 500)].max() < 1.5
    assert np.abs(front - back)[(frequency > 3_000) & (frequency < 14_000)].max() > 6.0


def test_the_head_is_symmetric_and_its_mirror_image_is_itself(head) -> None:
    assert left_right_difference_db(head) < -60.0
    reflected = mirrored(head)
    np.testing.assert_allclose(reflected.interpolated(horizontal(40)), head.interpolated(horizontal(40)), atol=1e-5)
    exchanged = replace(head, filters=head.filters[:, ::-1])
    assert left_right_difference_db(exchanged) < -60.0
    lopsided = replace(head, filters=np.stack([head.filters[:, 0], head.filters[:, 0]], axis=1))
    assert left_right_difference_db(lopsided) > -3.0


def test_other_people_have_other_ears_and_the_same_seed_the_same(head) -> None:
    first, again, other = (structural_head(24_000, pinna_seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.filters, again.filters)
    vectors = unit_vector(np.radians([0, 90, 180, -60]), 0.3)
    assert np.abs(spectrum_db(first, vectors) - spectrum_db(other, vectors))[:, 100:400].max() > 2.0
    assert np.abs(spectrum_db(first, vectors) - spectrum_db(other, vectors))[:, 3:20].max() < 0.5


def test_larger_heads_have_larger_time_differences() -> None:
    values = [itd(structural_head(24_000, head_radius=radius), SIDE) for radius in (0.07, 0.0875, 0.1)]
    assert np.all(np.diff(values) > 0)
    assert values[2] / values[0] == pytest.approx(0.1 / 0.07, rel=0.05)


def test_bass_passes_unchanged(head) -> None:
    turn = np.exp(-2j * np.pi * 40 / 48_000 * (np.arange(head.taps) - head.latency))
    np.testing.assert_allclose(np.abs(head.filters @ turn), 1.0, atol=0.05)


def test_the_head_is_made_quickly() -> None:
    structural_head(24_000)
    start = time.process_time()
    responses = structural_head(24_000)
    assert time.process_time() - start < 0.6  # takes 0.06 s on an idle core
    assert 1000 <= len(responses.directions) <= 1500
    assert responses.taps <= 128


@pytest.mark.parametrize("radius", [0.04, 0.2, np.nan])
def test_impossible_heads_are_refused(radius) -> None:
    with pytest.raises(ParameterError, match="head radius"):
        structural_head(24_000, head_radius=radius)


def test_latency_is_estimated_from_the_responses_alone(head) -> None:
    assert estimate_latency(head.directions, head.delays) == pytest.approx(head.latency, abs=0.05e-3 * 48_000)
    sphere = rigid_sphere([[0, 0.042, 0], [0, -0.042, 0], [0.042, 0, 0], [-0.042, 0, 0]], 48_000)
    assert estimate_latency(sphere.directions, sphere.delays) == pytest.approx(sphere.latency, abs=0.05e-3 * 48_000)


def test_cues_need_two_ears_and_a_band_with_content(head) -> None:
    with pytest.raises(ParameterError, match="two ears"):
        itd(rigid_sphere([[0.042, 0, 0]], 24_000), SIDE)
    with pytest.raises(ParameterError, match="no frequency"):
        ild(head, SIDE, band=(30_000.0, 40_000.0))


def test_measured_head_has_the_same_cues(shared_folder) -> None:
    from auris.io.sofa import read_hrtf

    file = shared_folder / "hrtf" / "mit_kemar_normal_pinna.sofa" if shared_folder else None
    measured = read_hrtf(file) if file and file.is_file() else structural_head(44_100, pinna_seed=1)
    model = structural_head(44_100)
    vectors = horizontal(15, 30, 45, 60, 90, 120, 150)
    np.testing.assert_allclose(itd(measured, vectors), itd(model, vectors), atol=90e-6)
    band = (1500.0, 4000.0)
    np.testing.assert_allclose(ild(measured, vectors, band=band), ild(model, vectors, band=band), atol=6.0)
    small = measured.resampled(24_000).truncated(128)
    np.testing.assert_allclose(itd(small, vectors), itd(measured, vectors), atol=10e-6)
