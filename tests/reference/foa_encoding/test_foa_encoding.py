"""Ambisonics against numbers of spaudiopy 8995ca8 (see README.md and expected.json beside this file)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from auris.dsp.ambisonics import channel_degrees, convert, max_re_weights, rotation_matrix, spherical_harmonics
from auris.dsp.binaural_decoding import least_squares_decoder, magnitude_least_squares_decoder
from auris.dsp.hrtf import DirectionalResponses
from auris.dsp.rigid_sphere import mode_strengths
from auris.geometry.directions import unit_vector


@pytest.fixture(scope="module")
def expected() -> dict[str, np.ndarray]:
    with np.load(Path(__file__).parent / "expected.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def harmonics(expected) -> np.ndarray:
    vectors = unit_vector(np.radians(expected["azimuth_deg"]), np.radians(expected["elevation_deg"]))
    return spherical_harmonics(vectors, 3)


@pytest.mark.parametrize(("convention", "key"), [("sn3d", "sn3d_ambix"), ("n3d", "n3d"), ("orthonormal", "orthonormal")])
def test_steering_vectors_in_every_normalisation(expected, harmonics, convention, key) -> None:
    np.testing.assert_allclose(convert(harmonics, source="sn3d", target=convention, axis=-1), expected[key], atol=1e-10)


@pytest.mark.parametrize(("convention", "key"), [("wxyz", "wxyz_unit"), ("fuma", "wxyz_fuma")])
def test_first_order_in_wxyz_order(expected, harmonics, convention, key) -> None:
    first = convert(harmonics[:, :4], source="sn3d", target=convention, axis=-1)
    np.testing.assert_allclose(first, expected[key], atol=1e-10)


def test_rotation_matrices(expected) -> None:
    rotations = Rotation.from_matrix(expected["rotation_cartesian"])
    np.testing.assert_allclose(rotation_matrix(rotations, 3), expected["rotation_matrices_n3d"], atol=1e-10)


def test_rotations_are_spaudiopys_euler_angles_with_signs_turned(expected) -> None:
    yaw, pitch, roll = np.radians(expected["rotation_yaw_pitch_roll_deg"]).T
    # Passive signs upstream: positive yaw lowers the azimuth, positive pitch lifts the front, positive roll lifts the left.
    ours = Rotation.from_euler("ZYX", np.stack([-yaw, -pitch, -roll], axis=-1))
    np.testing.assert_allclose(rotation_matrix(ours, 3), expected["rotation_matrices_n3d"], atol=1e-10)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_max_re_weights(expected, order) -> None:
    np.testing.assert_allclose(max_re_weights(order), expected[f"max_re_weights_{order}"], atol=1e-10)


@pytest.mark.parametrize("sphere", ["open", "rigid"])
def test_mode_strengths(expected, sphere) -> None:
    ours = mode_strengths(expected["mode_kr"], 4, sphere=sphere)
    np.testing.assert_allclose(ours, expected[f"mode_strength_{sphere}"], atol=1e-6)


@pytest.fixture(scope="module")
def head(expected) -> DirectionalResponses:
    directions = unit_vector(expected["hrir_azi"], np.pi / 2 - expected["hrir_zen"])
    filters = np.stack([expected["hrir_left"], expected["hrir_right"]], axis=1)
    return DirectionalResponses(directions, filters, 48_000, 12.0, "dummy set of the fixture")


def orthonormal(filters: np.ndarray) -> np.ndarray:
    """Decoder filters for orthonormal instead of SN3D signals."""
    weight = np.sqrt((2 * channel_degrees(round(np.sqrt(filters.shape[1])) - 1) + 1) / (4 * np.pi))
    return filters / weight[:, None]


def test_least_squares_decoder(expected, head) -> None:
    decoder = least_squares_decoder(head, 3, weights=np.ones(512))
    np.testing.assert_allclose(orthonormal(decoder.filters), expected["ls_n3"], atol=1e-6)


def test_magls_decoder_of_order_3(expected, head) -> None:
    decoder = magnitude_least_squares_decoder(head, 3, weights=np.ones(512))
    np.testing.assert_allclose(orthonormal(decoder.filters), expected["magls_n3"], atol=1e-6)


def test_magls_decoder_of_order_1(expected, head) -> None:
    # The recursion of order 1 is undetermined where it reproduces almost nothing: a change of 1e-15 in the input moves
    # the output by percents, and upstream's output is not even symmetric in up and down, as its input is. What is
    # determined agrees: the waveform below the transition (but for leakage from above), and magnitudes in all directions above.
    decoder = magnitude_least_squares_decoder(head, 1, weights=np.ones(512))
    ours, theirs = (np.fft.rfft(f, 1024) for f in (orthonormal(decoder.filters), expected["magls_n1"]))
    low = slice(0, 13)
    horizontal = [0, 1, 3]
    assert np.linalg.norm((ours - theirs)[:, horizontal, low]) < 3e-3 * np.linalg.norm(theirs[:, horizontal, low])
    harmonics = convert(spherical_harmonics(head.directions, 1), source="sn3d", target="orthonormal", axis=-1)
    ear_ours, ear_theirs = (np.abs(np.einsum("dc,ecf->edf", harmonics, x)) for x in (ours, theirs))
    assert np.linalg.norm(ear_ours - ear_theirs) < 0.05 * np.linalg.norm(ear_theirs)
    measured = np.abs(np.fft.rfft(head.filters.transpose(1, 0, 2), 1024))
    assert np.linalg.norm(ear_ours - measured) < 1.03 * np.linalg.norm(ear_theirs - measured)
