"""Interaural time differences by GCC-PHAT: known delays come back, whatever the level; silence has none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auris.channels import stereo
from auris.errors import ParameterError
from auris.metrics.itd import PAPER_GATE, EnergyGate, framed_track, gcc_phat_delays, gcc_phat_itd, itd_of_direction
from auris.metrics.itd.tracks import ItdTrack

RATE = 16_000


def pair(delay, *, seconds=1.0, rate=RATE, seed=0, noise=0.0):
    """Noise whose right channel comes later by so many seconds."""
    rng = np.random.default_rng(seed)
    count = int(seconds * rate)
    spectrum = np.fft.rfft(rng.standard_normal(count))
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(count, 1 / rate) * delay / 2)
    sides = np.stack([np.fft.irfft(spectrum * turn.conj(), count), np.fft.irfft(spectrum * turn, count)])
    return (0.1 * (sides + noise * rng.standard_normal(sides.shape))).astype(np.float32)


@given(st.floats(-0.9e-3, 0.9e-3), st.floats(-40, 20))
@settings(max_examples=15)
def test_a_delay_comes_back_whatever_the_level(delay, gain_db):
    track = gcc_phat_itd(pair(delay) * np.float32(10 ** (gain_db / 20)), RATE)
    assert len(track) == 10
    np.testing.assert_allclose(track.itd, delay, atol=1e-6)


def test_swapped_channels_change_the_sign():
    sound = pair(0.3e-3, noise=0.5)
    np.testing.assert_allclose(gcc_phat_itd(sound[::-1], RATE).itd, -gcc_phat_itd(sound, RATE).itd, atol=1e-9)


@pytest.mark.parametrize("rate", [8000, 44_100, 48_000])
def test_other_rates_are_resampled(rate):
    np.testing.assert_allclose(gcc_phat_itd(pair(0.25e-3, rate=rate), rate).itd[1:-1], 0.25e-3, atol=2e-6)


def test_a_rendered_source_is_where_it_is():
    from auris.acoustics.renderer import render
    from auris.geometry import Static
    from auris.scene import Event, Scene, Source

    sound = np.random.default_rng(0).standard_normal((1, RATE)).astype(np.float32) * 0.1
    for direction in (1.5, 3.0, 4.2):
        angle = np.radians(45 * (3 - direction))
        place = Static((5 * np.cos(angle), 5 * np.sin(angle), 0.0))
        heard = render(Scene(1.0, (Source("dog", place, (Event(0, 1),)),)), sound, layout=stereo(), sample_rate=RATE).mixture
        found = gcc_phat_itd(heard.samples, RATE)
        assert found.median == pytest.approx(float(itd_of_direction(direction)), abs=4e-6)


def test_narrow_bands_are_read_right():
    time = np.arange(RATE) / RATE
    tone = np.stack([np.sin(2 * np.pi * 500 * (time + side * 0.15e-3)) for side in (1, -1)]).astype(np.float32)
    np.testing.assert_allclose(gcc_phat_itd(0.1 * tone, RATE).itd[1:-1], 0.3e-3, atol=2e-5)


def test_a_mover_is_followed():
    rate, count = RATE, 4 * RATE
    sound = np.random.default_rng(1).standard_normal(count + 64)
    delays = np.linspace(7, -7, count)  # samples
    place = np.arange(count) + 32.0
    right = np.interp(place - delays, np.arange(count + 64), sound)
    track = gcc_phat_itd(np.stack([sound[32 : count + 32], right]).astype(np.float32) * 0.1, rate)
    np.testing.assert_allclose(track.itd[2:-2], delays[:: rate // 10][2:-2] / rate, atol=15e-6)


def test_silence_has_no_delay_and_is_counted():
    sound = pair(0.3e-3, seconds=2.0)
    sound[:, RATE:] = 0
    track = gcc_phat_itd(sound, RATE)
    assert track.gated_share == pytest.approx(0.45, abs=0.1)
    assert track.median == pytest.approx(0.3e-3, abs=1e-6)
    silent = gcc_phat_itd(np.zeros((2, RATE), np.float32), RATE)
    assert silent.gated_share == 1
    assert np.isnan(silent.mean)
    assert np.isnan(silent.median)
    assert silent.to_dict()["itd_ms"] == [None] * 10


def test_one_silent_channel_is_silence():
    sound = pair(0.0)
    sound[1] = 0
    assert gcc_phat_itd(sound, RATE).gated_share == 1


def test_the_gate_of_the_paper_is_one_of_full_scale():
    assert gcc_phat_itd(pair(0.0), RATE, gate=PAPER_GATE).gated_share == 1  # -20 dB
    assert gcc_phat_itd(3 * pair(0.0), RATE, gate=PAPER_GATE).gated_share == 0


def test_short_clips_have_shorter_windows():
    for seconds in (0.04, 0.1, 0.2, 0.27):
        track = gcc_phat_itd(pair(0.2e-3, seconds=seconds), RATE)
        assert len(track) == np.ceil(seconds * 10)
        np.testing.assert_allclose(track.itd, 0.2e-3, atol=8e-6)


@pytest.mark.parametrize(
    ("samples", "options", "said"),
    [
        (np.zeros((1, RATE)), {}, "shape"),
        (np.zeros((2, 100)), {}, "0.032 s"),
        (np.full((2, RATE), np.nan), {}, "finite"),
        (np.zeros((2, RATE)), {"longest": 1.0}, "longest"),
    ],
)
def test_bad_input_is_refused(samples, options, said):
    with pytest.raises(ParameterError, match=said):
        gcc_phat_itd(samples, RATE, **options)


def test_gates_and_tracks_refuse_nonsense():
    for wrong in ({"threshold_db": 3.0}, {"relative_to": "moon"}):
        with pytest.raises(ParameterError):
            EnergyGate(**wrong)
    with pytest.raises(ParameterError):
        ItdTrack([0, 1], [0.0])
    with pytest.raises(ParameterError):
        ItdTrack([0, 1], [0.0, np.inf])


def test_any_estimator_gives_a_track_of_the_frames_that_sound():
    sound = pair(0.3e-3, seconds=2.0)
    sound[:, RATE:] = 0
    seen = []

    def estimate(frames):
        seen.append(frames.shape)
        return gcc_phat_delays(frames)

    track = framed_track(sound, RATE, estimate, estimator_rate=RATE, segment=4352)
    assert seen == [(int(track.active.sum()), 2, 4352)]
    assert track.median == pytest.approx(0.3e-3, abs=1e-6)
    with pytest.raises(ParameterError, match=r"needs 0\.272 s"):
        framed_track(sound[:, :1000], RATE, estimate, estimator_rate=RATE, segment=4352)


def test_segments_of_another_shape_are_refused():
    with pytest.raises(ParameterError, match="segments"):
        gcc_phat_delays(np.zeros((3, 4352)))
