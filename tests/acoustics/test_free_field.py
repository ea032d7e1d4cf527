"""The direct sound against geometry."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from auris.acoustics.air import speed_of_sound
from auris.acoustics.engine import ShoeboxEngine
from auris.acoustics.free_field import FreeFieldEngine, OpenPaths
from auris.acoustics.paths import SoundPaths
from auris.acoustics.receivers import AmbisonicReceiver, DirectionalReceiver, OpenArrayReceiver, receiver_for
from auris.acoustics.shoebox import ShoeboxAcoustics
from auris.acoustics.torch_engine import TorchShoeboxEngine
from auris.channels import ChannelLayout
from auris.dsp.ambisonics import rotation_matrix
from auris.dsp.hrtf import itd, structural_head
from auris.errors import ParameterError
from auris.scene import Room

RATE = 24_000
SPEED = speed_of_sound()
points = st.tuples(*[st.floats(-6, 6)] * 3).filter(lambda p: np.linalg.norm(p) > 0.2)


def paths(
    source: object,
    *,
    listener: object = (0.0, 0.0, 0.0),
    turn: Rotation | None = None,
    pattern: str = "omni",
    facing: object = (1, 0, 0),
) -> OpenPaths:
    matrix = None if turn is None else turn.as_matrix()
    return OpenPaths.between(source, listener, rotations=matrix, directivity=pattern, facings=facing)  # type: ignore[arg-type]


def spectrum(response: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies from 300 to 6000 Hz and the response's spectrum there."""
    frequency = np.fft.rfftfreq(8192, 1 / RATE)
    inside = (frequency > 300) & (frequency < 6000)
    return frequency[inside], np.fft.rfft(response.astype(float), n=8192)[..., inside]


def delay_of(response: np.ndarray) -> float:
    """Seconds, from the slope of the phase."""
    frequency, values = spectrum(response)
    return float(-np.polyfit(2 * np.pi * frequency, np.unwrap(np.angle(values)), 1)[0])


@settings(max_examples=25, deadline=None)
@given(points)
def test_level_is_one_over_distance_and_delay_is_distance_over_speed(source: tuple[float, float, float]) -> None:
    response = FreeFieldEngine(OpenArrayReceiver(np.zeros((1, 3))), RATE).responses(paths(source))[0, 0]
    distance = float(np.linalg.norm(source))
    # A fraction of a sample leaves a ripple of up to 0.23 % (measured over 400 distances).
    np.testing.assert_allclose(np.abs(spectrum(response)[1]), 1 / distance, rtol=3e-3)
    assert delay_of(response) == pytest.approx(distance / SPEED, abs=2e-7)


def test_peak_at_one_metre_is_one() -> None:
    distance = 70 * SPEED / RATE
    response = FreeFieldEngine(OpenArrayReceiver(np.zeros((1, 3))), RATE).responses(paths((distance, 0, 0)))[0, 0]
    assert int(np.argmax(response)) == 70
    assert response[70] == pytest.approx(0.95 / distance, rel=1e-3)  # the upper 5 % of the band fade out


@settings(max_examples=25, deadline=None)
@given(points, st.floats(-3, 3), st.floats(-1.5, 1.5))
def test_first_order_points_to_the_source(source: tuple[float, float, float], yaw: float, pitch: float) -> None:
    turn = Rotation.from_euler("ZY", [yaw, pitch])
    listener = np.array([1.0, -2.0, 0.5])
    engine = FreeFieldEngine(AmbisonicReceiver(1), RATE)
    w, y, z, x = engine.responses(paths(listener + source, listener=listener, turn=turn))[0].astype(float)
    energy = np.array([w @ x, w @ y, w @ z]) / (w @ w)
    np.testing.assert_allclose(energy, turn.inv().apply(source) / np.linalg.norm(source), atol=1e-5)


def test_turning_the_head_equals_turning_the_world() -> None:
    turn = Rotation.from_euler("ZYX", [0.7, -0.4, 0.2])
    source = np.array([2.0, 1.0, -0.5])
    for name in ("foa", "hoa3", "tetra", "binaural", "stereo"):
        engine = FreeFieldEngine(receiver_for(ChannelLayout.parse(name), RATE), RATE)
        turned = engine.responses(paths(source, turn=turn), length=600)
        moved = engine.responses(paths(turn.inv().apply(source)), length=600)
        np.testing.assert_allclose(turned, moved, atol=1e-6)
    soundfield = FreeFieldEngine(AmbisonicReceiver(3), RATE)
    rotated = rotation_matrix(turn.inv(), 3) @ soundfield.responses(paths(source), length=600)[0]
    np.testing.assert_allclose(soundfield.responses(paths(source, turn=turn), length=600)[0], rotated, atol=1e-6)


def test_each_microphone_has_its_own_distance() -> None:
    positions = np.array([[0.1, 0, 0], [-0.1, 0, 0], [0, 0.3, 0.2]])
    source = np.array([0.7, 0.4, 0.1])
    response = FreeFieldEngine(OpenArrayReceiver(positions), RATE).responses(paths(source))[0]
    distances = np.linalg.norm(source - positions, axis=1)
    np.testing.assert_allclose([delay_of(r) for r in response], distances / SPEED, atol=2e-7)
    np.testing.assert_allclose(np.abs(spectrum(response)[1]).mean(axis=1), 1 / distances, rtol=2e-3)


@pytest.mark.parametrize("azimuth_deg", [0, 30, 60, 90, -45, 150])
def test_binaural_time_difference_is_that_of_the_head(azimuth_deg: float) -> None:
    head = structural_head(RATE)
    direction = np.array([np.cos(np.radians(azimuth_deg)), np.sin(np.radians(azimuth_deg)), 0])
    left, right = FreeFieldEngine(DirectionalReceiver(head), RATE).responses(paths(2 * direction))[0].astype(float)
    lags = np.fft.irfft(
        np.fft.rfft(right, 8192) * np.conj(np.fft.rfft(left, 8192)) * (np.fft.rfftfreq(8192, 1 / RATE) < 1500), 65536
    )
    best = int(np.argmax(np.concatenate([lags[-500:], lags[:501]]))) - 500
    assert best / (8 * RATE) == pytest.approx(float(itd(head, direction)), abs=8e-6)


def test_the_head_s_latency_is_taken_out() -> None:
    head = structural_head(RATE)
    engine = FreeFieldEngine(DirectionalReceiver(head), RATE)
    front = engine.responses(paths((3.0, 0, 0)))[0, 0]
    # In front, the ears lie beside the centre; the head itself delays low frequencies by a fraction of its radius.
    assert delay_of(front) == pytest.approx(3 / SPEED, abs=2e-4)


def test_directivity_acts_along_the_facing() -> None:
    engine = FreeFieldEngine(OpenArrayReceiver(np.zeros((1, 3))), RATE)
    towards, away = (-1.0, 0.0, 0.0), (1.0, 0.0, 0.0)
    level = {
        (pattern, facing): float(
            np.abs(spectrum(engine.responses(paths((2.0, 0, 0), pattern=pattern, facing=facing))[0, 0])[1]).mean()
        )
        for pattern in ("omni", "cardioid", "speech")
        for facing in (towards, away)
    }
    assert level["cardioid", away] < 1e-3
    for pattern in ("omni", "cardioid", "speech"):
        assert level[pattern, towards] == pytest.approx(0.5, rel=0.01)
    assert 0.1 < level["speech", away] < 0.4


def test_length_cuts_and_pads() -> None:
    engine = FreeFieldEngine(AmbisonicReceiver(1), RATE)
    whole = engine.responses(paths([(1.0, 0, 0), (5.0, 0, 0)]))
    assert engine.responses(paths([(1.0, 0, 0), (5.0, 0, 0)]), length=100).shape == (2, 4, 100)
    longer = engine.responses(paths([(1.0, 0, 0), (5.0, 0, 0)]), length=5000)
    np.testing.assert_array_equal(longer[:, :, : whole.shape[2]], whole)
    assert not longer[:, :, whole.shape[2] :].any()


def test_a_source_inside_the_listener_is_loud_but_finite() -> None:
    for name in ("mono", "foa", "binaural", "tetra"):
        response = FreeFieldEngine(receiver_for(ChannelLayout.parse(name), RATE), RATE).responses(paths((0.0, 0, 0)))
        assert np.all(np.isfinite(response))
        assert np.abs(response).max() < 40


@pytest.mark.parametrize("away", [(0.03, 0.04, 0.0), (0.0, 0.0, -0.02), (0.0, 0.0, 0.0)])
@pytest.mark.parametrize("name", ["mono", "foa", "hoa3", "stereo", "binaural"])
def test_close_sources_are_as_loud_in_a_room_as_in_the_open(name: str, away: tuple[float, float, float]) -> None:
    """At rest the room's engines render the direct sound, in motion the free field's arithmetic does."""
    receiver = receiver_for(ChannelLayout.parse(name), RATE)
    ears = np.array([2.0, 1.5, 1.2])
    turn = np.asarray(Rotation.from_euler("Z", 30, degrees=True).as_matrix())
    room = SoundPaths.in_room(ShoeboxAcoustics.from_room(Room((5, 4, 3), t60=0.3), RATE), ears + away, ears, rotations=turn)
    open_air = FreeFieldEngine(receiver, RATE).responses(OpenPaths.between(ears + away, ears, rotations=turn))
    wanted = spectrum(open_air[0])[1]
    for engine in (ShoeboxEngine(receiver, RATE), TorchShoeboxEngine(receiver, RATE)):
        got = spectrum(engine.early(room)[0] - engine.reflections(room)[0])[1]
        # The room takes the nearest direction of its table where the open air interpolates.
        assert np.abs(got - wanted).max() < (0.1 if name == "binaural" else 3e-3) * np.abs(wanted).max()


def test_nearer_than_ten_centimetres_a_source_gets_no_louder() -> None:
    for name in ("foa", "mono"):
        receiver = receiver_for(ChannelLayout.parse(name), RATE)
        ears = np.array([2.0, 1.5, 1.2])
        room = ShoeboxAcoustics.from_room(Room((5, 4, 3), t60=0.3), RATE)
        paths = SoundPaths.in_room(room, ears + np.outer([0.2, 0.1, 0.05], [1, 0, 0]), ears)
        for engine in (ShoeboxEngine(receiver, RATE), TorchShoeboxEngine(receiver, RATE)):
            levels = np.abs(spectrum(engine.early(paths) - engine.reflections(paths))[1]).mean(axis=(1, 2))
            np.testing.assert_allclose(levels / levels[1], [0.5, 1.0, 1.0], rtol=5e-3)


def test_positions_must_be_finite() -> None:
    with pytest.raises(ParameterError, match="sources"):
        paths((np.nan, 0.0, 0.0))
