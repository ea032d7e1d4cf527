"""Spherical harmonics, conventions, encoding and rotation: closed forms, symmetries, round trips."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from auris.audio import Audio
from auris.dsp.ambisonics import (
    channel_degrees,
    convert,
    diffuseness,
    encode,
    energy_vector,
    intensity,
    max_re_weights,
    order_of,
    rotate,
    rotation_matrix,
    sideways_cardioids,
    spherical_harmonics,
    truncate,
    virtual_microphone,
)
from auris.dsp.sphere_sampling import fibonacci_grid
from auris.errors import LayoutError, ParameterError

rng = np.random.default_rng(5)
quaternions = st.tuples(*4 * [st.floats(-1, 1)]).filter(lambda q: np.linalg.norm(q) > 0.1)
orders = st.integers(0, 7)


def random_vectors(count: int) -> np.ndarray:
    vectors = np.random.default_rng(7).standard_normal((count, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_sn3d_matches_the_closed_forms_up_to_order_3() -> None:
    v = random_vectors(200)
    x, y, z = v.T
    s = np.sqrt
    table = [
        *(1 + 0 * x, y, z, x, s(3) * x * y, s(3) * y * z, (3 * z**2 - 1) / 2, s(3) * x * z, s(3) / 2 * (x**2 - y**2)),
        *(s(5 / 8) * y * (3 * x**2 - y**2), s(15) * x * y * z, s(3 / 8) * y * (5 * z**2 - 1), z * (5 * z**2 - 3) / 2),
        *(s(3 / 8) * x * (5 * z**2 - 1), s(15) / 2 * z * (x**2 - y**2), s(5 / 8) * x * (x**2 - 3 * y**2)),
    ]
    np.testing.assert_allclose(spherical_harmonics(v, 3), np.stack(table, axis=-1), atol=1e-12)


def test_harmonics_at_the_poles_and_for_any_length_and_shape() -> None:
    np.testing.assert_allclose(spherical_harmonics([0, 0, 5.0], 7), np.isin(np.arange(64), [n * n + n for n in range(8)]))
    assert spherical_harmonics(np.ones((2, 5, 3)), 2).shape == (2, 5, 9)


def test_harmonics_are_orthogonal_with_energy_one_over_two_n_plus_one() -> None:
    grid = fibonacci_grid(40_000)
    y = spherical_harmonics(grid, 7)
    n = channel_degrees(7)
    np.testing.assert_allclose(y.T @ y / len(grid), np.diag(1 / (2 * n + 1)), atol=2e-4)


def test_addition_theorem_fixes_the_sum_of_squares_per_degree() -> None:
    squares = spherical_harmonics(random_vectors(50), 7) ** 2
    per_degree = np.stack([squares[:, channel_degrees(7) == n].sum(axis=1) for n in range(8)])
    np.testing.assert_allclose(per_degree, 1.0, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(quaternions, orders)
def test_rotation_moves_every_source_and_is_orthogonal(quaternion, order) -> None:
    rotation = Rotation.from_quat(quaternion)
    matrix = rotation_matrix(rotation, order)
    v = random_vectors(20)
    moved = spherical_harmonics(v, order) @ matrix.T
    np.testing.assert_allclose(spherical_harmonics(rotation.apply(v), order), moved, atol=1e-12)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(len(matrix)), atol=1e-12)


@settings(max_examples=15, deadline=None)
@given(quaternions, quaternions)
def test_rotations_compose(first, second) -> None:
    a, b = Rotation.from_quat(first), Rotation.from_quat(second)
    np.testing.assert_allclose(rotation_matrix(a * b, 4), rotation_matrix(a, 4) @ rotation_matrix(b, 4), atol=1e-12)


def test_stacked_rotations_equal_single_ones_and_serve_tensors() -> None:
    stack = Rotation.random(4, random_state=1)
    matrices = rotation_matrix(stack, 2)
    for single, matrix in zip(stack, matrices, strict=True):
        np.testing.assert_array_equal(matrix, rotation_matrix(single, 2))
    signals = torch.from_numpy(rng.standard_normal((4, 9, 50)))
    turned = torch.from_numpy(matrices) @ signals
    np.testing.assert_allclose(turned[2].numpy(), matrices[2] @ signals[2].numpy())


def test_rotating_audio_turns_the_encoded_source() -> None:
    signal = rng.standard_normal(500).astype(np.float32)
    audio = Audio(encode(signal, (1.0, 0.0, 0.0), order=3), 24_000, "hoa3")
    turned = rotate(audio, Rotation.from_euler("z", 90, degrees=True))
    np.testing.assert_allclose(turned.samples, encode(signal, (0.0, 1.0, 0.0), order=3), atol=1e-5)
    with pytest.raises(LayoutError, match="ambisonics"):
        rotate(Audio(np.zeros((2, 5)), 24_000, "binaural"), Rotation.identity())
    with pytest.raises(ParameterError, match="one rotation"):
        rotate(audio, Rotation.random(2))


@pytest.mark.parametrize(("convention", "order"), [("n3d", 7), ("orthonormal", 5), ("fuma", 3), ("fuma", 2), ("wxyz", 1)])
def test_conventions_round_trip(convention, order) -> None:
    signals = rng.standard_normal(((order + 1) ** 2, 40)).astype(np.float32)
    there = convert(signals, source="sn3d", target=convention)
    assert there.dtype == np.float32
    np.testing.assert_allclose(convert(there, source=convention, target="sn3d"), signals, atol=1e-6)


def test_fuma_channels_never_exceed_one_and_reach_it() -> None:
    fuma = convert(spherical_harmonics(fibonacci_grid(50_000), 3), source="sn3d", target="fuma", axis=-1)
    peaks = np.abs(fuma).max(axis=0)
    np.testing.assert_allclose(peaks, [np.sqrt(0.5), *15 * [1.0]], atol=2e-3)


def test_bad_conventions_and_channel_counts_are_refused() -> None:
    with pytest.raises(ParameterError, match="did you mean 'n3d'"):
        convert(np.zeros((4, 1)), source="nd3", target="sn3d")
    with pytest.raises(ParameterError, match="up to order 3"):
        convert(np.zeros((25, 1)), source="sn3d", target="fuma")
    with pytest.raises(ParameterError, match="got 5"):
        convert(np.zeros((5, 1)), source="sn3d", target="n3d")
    with pytest.raises(ParameterError, match="0 to 7"):
        spherical_harmonics([1.0, 0, 0], 8)
    with pytest.raises(ParameterError, match="non-zero"):
        spherical_harmonics([0.0, 0, 0], 1)
    assert [order_of(n * n) for n in range(1, 9)] == list(range(8))


def test_encoding_a_moving_source_matches_encoding_each_sample() -> None:
    signal, path = rng.standard_normal(70_000), random_vectors(70_000)
    moving = encode(signal, path, order=2)
    for index in (0, 65_535, 65_536, 69_999):
        np.testing.assert_allclose(moving[:, index], encode(signal[[index]], path[index], order=2)[:, 0], atol=1e-6)
    with pytest.raises(ParameterError, match="mono signal"):
        encode(signal, path[:5])


def test_truncation_keeps_the_low_orders() -> None:
    audio = Audio(rng.standard_normal((16, 10)), 24_000, "hoa3")
    assert truncate(audio, 1).layout.name == "foa"
    np.testing.assert_array_equal(truncate(audio, 2).samples, audio.samples[:9])
    with pytest.raises(ParameterError, match="cannot be made"):
        truncate(audio, 4)


@settings(max_examples=20, deadline=None)
@given(quaternions)
def test_virtual_cardioid_hears_in_front_and_is_deaf_behind(quaternion) -> None:
    front = Rotation.from_quat(quaternion).apply([1.0, 0, 0])
    signal = rng.standard_normal(64)
    np.testing.assert_allclose(virtual_microphone(encode(signal, front), front), signal, atol=1e-5)
    np.testing.assert_allclose(virtual_microphone(encode(signal, -front), front), 0.0, atol=1e-5)


def test_sideways_cardioids_follow_mid_and_side() -> None:
    signals = rng.standard_normal((4, 30))
    np.testing.assert_allclose(sideways_cardioids(signals), 0.5 * np.stack([signals[0] + signals[1], signals[0] - signals[1]]))


def test_intensity_points_to_the_source_and_diffuseness_tells_one_wave_from_many() -> None:
    signal = rng.standard_normal(2000)
    direction = random_vectors(1)[0]
    wave = encode(signal, direction)
    mean = intensity(wave).mean(axis=-1)
    np.testing.assert_allclose(mean / np.linalg.norm(mean), direction, atol=1e-6)
    assert abs(diffuseness(wave)) < 1e-5
    field = sum(encode(rng.standard_normal(20_000), v) for v in fibonacci_grid(200))
    assert diffuseness(field) > 0.97
    assert diffuseness(np.zeros((4, 10))) == 1.0


def test_max_re_sharpens_the_energy_vector_of_a_sampling_decoder() -> None:
    speakers = fibonacci_grid(400)  # equal areas, so a sampling decoder needs no weights
    for order in (1, 2, 3, 5):
        n = channel_degrees(order)
        source = (2 * n + 1) * spherical_harmonics([1.0, 0, 0], order)
        y = spherical_harmonics(speakers, order)
        plain, sharp = (energy_vector(y @ (w * source), speakers) for w in (1.0, max_re_weights(order)[n]))
        assert sharp[0] > plain[0]
        assert sharp[0] == pytest.approx(np.cos(np.radians(137.9) / (order + 1.51)), abs=0.005)
