"""Moving sources and listeners against the physics of motion."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

from auris.acoustics.air import speed_of_sound
from auris.acoustics.engine import ShoeboxEngine
from auris.acoustics.free_field import FreeFieldEngine
from auris.acoustics.motion import SoundInMotion, Stretch, _tail_weights, render_moving
from auris.acoustics.receivers import receiver_for
from auris.acoustics.renderer import render
from auris.acoustics.shoebox import ShoeboxAcoustics
from auris.channels import ChannelLayout
from auris.dsp.ambisonics import rotation_matrix
from auris.dsp.hrtf import structural_head
from auris.errors import ParameterError
from auris.geometry import Orbit, Static, Trajectory, Turning, Waypoints, angle_between
from auris.scene import Directivity, Event, Listener, Room, Scene, Source

RATE = 16_000
ROOM = Room((6.0, 4.5, 2.8), t60=0.35)
EARS = Static((3.0, 2.2, 1.5))
ORIGIN = Listener()


def scene(path: Trajectory, *, listener: Listener, duration: float, room: Room | None = None, seed: int = 0) -> Scene:
    return Scene(duration, (Source("a", path, (Event(0.0, duration),)),), listener, room, seed=seed)


def low_noise(duration: float, *, seed: int = 0) -> np.ndarray:
    """Noise below 0.35 of the sample rate, where delay lines and tables are exact."""
    sections = butter(8, 0.7, output="sos")
    return sosfiltfilt(sections, np.random.default_rng(seed).standard_normal((1, round(duration * RATE)))).astype(np.float32)


def moving(path: Trajectory, listener: Listener = ORIGIN, room: Room | None = None, **source: object) -> SoundInMotion:
    acoustics = None if room is None else ShoeboxAcoustics.from_room(room, RATE)
    return SoundInMotion(Source("a", path, (Event(0.0, 1.0),), **source), listener, acoustics, 0, 0)  # type: ignore[arg-type]


def error_db(got: np.ndarray, wanted: np.ndarray) -> float:
    return float(10 * np.log10(np.mean((got - wanted) ** 2) / np.mean(wanted**2)))


def test_sound_left_where_the_source_was() -> None:
    path = Waypoints((0.0, 2.0), ((1.0, 0.0, 0.0), (21.0, 15.0, 0.0)))
    walker = Listener(Waypoints((0.0, 2.0), ((0.0, 0.0, 0.0), (0.0, 4.0, 0.0))))
    part = moving(path, walker)
    heard = np.linspace(0.1, 1.9, 50)
    emitted = part.emission_times(heard)
    way = np.linalg.norm(path.at(emitted) - walker.path.at(heard), axis=1)
    np.testing.assert_allclose(way, speed_of_sound() * (heard - emitted), atol=1e-3)
    assert np.all(emitted < heard)


@pytest.mark.parametrize("layout", ["mono", "stereo", "foa", "hoa3", "tetra", "binaural"])
@pytest.mark.parametrize("directivity", ["omni", "speech"])
@pytest.mark.parametrize("room", [ROOM, None], ids=["room", "free field"])
def test_moving_at_no_speed_is_resting(layout: str, directivity: Directivity, room: Room | None) -> None:
    source = Source("a", Static((1.2, 3.1, 1.3)), (Event(0.0, 0.5),), directivity=directivity)
    asked = Scene(0.5, (source,), Listener(EARS), room)
    dry = low_noise(0.5)
    wanted = render(asked, dry, layout=layout, sample_rate=RATE).mixture.samples
    receiver = receiver_for(ChannelLayout.parse(layout), RATE)
    engine = FreeFieldEngine(receiver, RATE) if room is None else ShoeboxEngine(receiver, RATE)
    part = moving(source.path, Listener(EARS), room, directivity=directivity)
    stretch = Stretch(0, dry.shape[1], RATE)
    assert error_db(render_moving(dry[0], part, engine, stretch, mode="crossfade"), wanted) < -90
    # The engine's table of a head has a finite grid; the direct sound of a moving source is interpolated.
    table = room is not None and layout in ("tetra", "binaural")
    limit = -28 if table else -65 if directivity == "speech" else -80
    assert error_db(render_moving(dry[0], part, engine, stretch), wanted) < limit


@pytest.mark.parametrize("speed", [-30.0, -3.0, 3.0, 30.0])
def test_doppler_shift_of_a_passing_tone_is_exact(speed: float) -> None:
    start = 40.0
    path = Waypoints((0.0, 1.0), ((start, 0.0, 0.0), (start + speed, 0.0, 0.0)))
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE).astype(np.float32)[None]
    got = render(scene(path, listener=ORIGIN, duration=1.0), tone, layout="mono", sample_rate=RATE).mixture.samples[0]
    heard = np.arange(RATE) / RATE
    c = speed_of_sound()
    emitted = (c * heard - start) / (c + speed)  # from c (heard - emitted) = start + speed * emitted
    wanted = np.sin(2 * np.pi * 1000 * emitted) / (start + speed * emitted)
    inner = slice(round(0.3 * RATE), round(0.85 * RATE))
    assert error_db(got[inner], wanted[inner]) < -75


def test_a_moving_listener_hears_the_doppler_shift_of_a_listener() -> None:
    walker = Listener(Waypoints((0.0, 1.0), ((0.0, 0.0, 0.0), (20.0, 0.0, 0.0))))
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE).astype(np.float32)[None]
    asked = scene(Static((40.0, 0.0, 0.0)), listener=walker, duration=1.0)
    got = render(asked, tone, layout="mono", sample_rate=RATE).mixture.samples[0]
    inner = got[round(0.3 * RATE) : round(0.9 * RATE)] * np.hanning(round(0.9 * RATE) - round(0.3 * RATE))
    spectrum = np.abs(np.fft.rfft(inner, n=1 << 20))
    assert np.argmax(spectrum) * RATE / (1 << 20) == pytest.approx(1000 * (1 + 20 / speed_of_sound()), abs=0.5)


def test_crossfading_keeps_the_pitch() -> None:
    path = Waypoints((0.0, 1.0), ((40.0, 0.0, 0.0), (20.0, 0.0, 0.0)))
    tone = np.sin(2 * np.pi * 300 * np.arange(RATE) / RATE).astype(np.float32)[None]
    asked = scene(path, listener=ORIGIN, duration=1.0)
    got = render(asked, tone, layout="mono", sample_rate=RATE, motion="crossfade").mixture.samples[0]
    inner = got[round(0.3 * RATE) : round(0.8 * RATE)]
    crossings = np.count_nonzero(np.diff(np.signbit(inner)))
    assert crossings / 2 / 0.5 == pytest.approx(300, rel=0.07)


@pytest.mark.parametrize("room", [None, Room((8.0, 8.0, 4.0), absorption=0.9)], ids=["free field", "dead room"])
def test_intensity_follows_the_path(room: Room | None) -> None:
    centre = (4.0, 4.0, 2.0)
    path = Orbit((5.5, 4.0, 2.0), centre, 1.5)
    asked = scene(path, listener=Listener(Static(centre)), duration=2.0, room=room)
    out = render(asked, low_noise(2.0), layout="foa", sample_rate=RATE).mixture.samples.astype(float)
    for moment in np.arange(0.2, 1.9, 0.2):
        w, y, z, x = out[:, round((moment - 0.02) * RATE) : round((moment + 0.02) * RATE)]
        intensity = np.array([w @ x, w @ y, w @ z])
        truth = asked.relative_positions(path, moment)[0]
        limit = 2.0 if room is None else 12.0  # reflections pull
        assert np.degrees(angle_between(intensity, truth)) < limit


def test_level_follows_the_distance() -> None:
    path = Waypoints((0.0, 2.0), ((1.0, 0.0, 0.0), (8.0, 0.0, 0.0)))
    out = render(scene(path, listener=ORIGIN, duration=2.0), low_noise(2.0), layout="mono", sample_rate=RATE).mixture.samples[0]
    reference = low_noise(2.0)[0]
    for moment in (0.3, 1.0, 1.7):
        part = slice(round((moment - 0.1) * RATE), round((moment + 0.1) * RATE))
        distance = float(np.linalg.norm(path.at(moment)))
        measured = np.std(reference) / np.std(out[part])
        assert measured == pytest.approx(distance, rel=0.08)


def test_a_turning_listener_equals_a_turned_sound_field() -> None:
    turning = Turning((0.0, 1.0), (0.0, 2.5), (0.0, 0.5))
    dry = low_noise(1.0)
    source = Static((2.0, 1.0, 0.3))
    still = render(scene(source, listener=ORIGIN, duration=1.0), dry, layout="foa", sample_rate=RATE).mixture.samples
    turned = scene(source, listener=Listener(turning=turning), duration=1.0)
    got = render(turned, dry, layout="foa", sample_rate=RATE).mixture.samples
    matrices = rotation_matrix(turning.at(np.arange(RATE) / RATE).inv(), 1)
    assert error_db(got, np.einsum("tij,jt->it", matrices, still)) < -50


def test_a_turning_head_equals_a_world_that_turns_the_other_way() -> None:
    dry = low_noise(1.0)
    for layout in ("foa", "binaural", "stereo"):
        turned = scene(Static((2.0, 0.0, 0.3)), listener=Listener(turning=Turning((0.0, 1.0), (0.0, 1.0))), duration=1.0)
        orbit = scene(Orbit((2.0, 0.0, 0.3), (0.0, 0.0, 0.0), -1.0), listener=ORIGIN, duration=1.0)
        a, b = (render(s, dry, layout=layout, sample_rate=RATE).mixture.samples for s in (turned, orbit))
        # The sound of the orbit is 6 ms older than the head's turn: 0.35 degrees.
        assert error_db(a, b) < -30


def test_early_reflections_turn_with_the_head() -> None:
    """A click before the tail begins, in a room, with a head that turns."""
    turning = Turning((0.0, 0.5), (0.0, 1.0))
    click = np.zeros((1, RATE // 2), np.float32)
    click[0, 4000:4200] = low_noise(1.0)[0, :200]
    source = Static((1.2, 3.1, 1.3))
    still = render(scene(source, listener=Listener(EARS), duration=0.5, room=ROOM), click, layout="foa", sample_rate=RATE)
    turned = render(
        scene(source, listener=Listener(EARS, turning), duration=0.5, room=ROOM), click, layout="foa", sample_rate=RATE
    )
    matrices = rotation_matrix(turning.at(np.arange(RATE // 2) / RATE).inv(), 1)
    wanted = np.einsum("tij,jt->it", matrices, still.mixture.samples)
    early = slice(4000, 4000 + round(0.024 * RATE))
    assert error_db(turned.mixture.samples[:, early], wanted[:, early]) < -35


def test_moving_ears_keep_the_time_difference_of_the_head() -> None:
    """A source that circles the head: at each moment the cross-correlation peaks at the head's own lag."""
    path = Orbit((2.0, 0.0, 0.0), (0.0, 0.0, 0.0), 1.0)
    asked = scene(path, listener=ORIGIN, duration=3.0)
    out = render(asked, low_noise(3.0), layout="binaural", sample_rate=RATE).mixture.samples
    head = FreeFieldEngine(receiver_for(ChannelLayout.parse("binaural"), RATE), RATE)
    for moment in (0.5, 1.2, 1.9, 2.6):
        standing = moving(Static(tuple(path.at(moment - 2 / speed_of_sound()).tolist())))
        still = head.responses(standing.paths(emitted=0.0, heard=0.0))[0]
        part = out[:, round((moment - 0.02) * RATE) : round((moment + 0.02) * RATE)]
        assert lag(part[0], part[1]) == pytest.approx(lag(still[0], still[1]), abs=20e-6)
    assert structural_head(RATE).channels == 2


def lag(left: np.ndarray, right: np.ndarray) -> float:
    """Interaural time difference in seconds below 1500 Hz, positive when the left ear leads."""
    size = 4096
    cross = np.fft.rfft(right.astype(float), size) * np.conj(np.fft.rfft(left.astype(float), size))
    cross *= np.fft.rfftfreq(size, 1 / RATE) < 1500
    correlation = np.fft.irfft(cross, 16 * size)
    return float(int(np.argmax(np.concatenate([correlation[-300:], correlation[:301]]))) - 300) / (16 * RATE)


def test_the_power_of_a_source_that_circles_in_a_room_stays() -> None:
    """Cross-fades of reflections and of tails that are drawn anew lose and gain nothing on average."""
    room = Room((9.0, 9.0, 4.0), t60=0.6)
    listener = Listener(Static((4.5, 4.5, 2.0)))
    dry = low_noise(6.0)

    def powers(*paths: Trajectory) -> np.ndarray:
        sources = tuple(Source("a", path, (Event(0.0, 6.0),)) for path in paths)
        out = render(Scene(6.0, sources, listener, room), np.repeat(dry, len(paths), 0), layout="foa", sample_rate=RATE)
        return np.array([np.sum(np.mean(stem.samples[:, RATE:].astype(float) ** 2, axis=1)) for stem in out.stems])

    circle = Orbit((7.0, 4.5, 2.0), (4.5, 4.5, 2.0), 0.8)
    resting = powers(*(Static(tuple(circle.at(t).tolist())) for t in np.linspace(1, 6, 12)))
    assert abs(10 * np.log10(powers(circle)[0] / resting.mean())) < 0.4


@pytest.mark.parametrize("start", [0, 333])
def test_weights_of_the_tails_conserve_power(start: int) -> None:
    travelled = np.cumsum(np.abs(np.sin(np.linspace(0, 7, 200)))) / 20
    step, samples = 37, 6000
    total = np.zeros(samples)
    for number in range(int(travelled[-1]) + 3):
        low, weights = _tail_weights(np.abs(travelled - number), step, start, samples)
        total[low : low + weights.size] += weights**2
    np.testing.assert_allclose(total, 1, atol=0.02)


def test_only_movement_draws_a_new_tail() -> None:
    listener = Listener(EARS)
    dry = low_noise(0.6)
    turning = Listener(EARS, Turning((0.0, 0.6), (0.0, 1e-9)))
    rest, turned = (
        render(scene(Static((1.2, 3.1, 1.3)), listener=who, duration=0.6, room=ROOM), dry, layout="foa", sample_rate=RATE)
        for who in (listener, turning)
    )
    assert error_db(turned.mixture.samples, rest.mixture.samples) < -80


def test_both_move() -> None:
    """Source and listener walk side by side: geometry, and so the direct sound, stays as it is."""
    steps = ((1.0, 1.0, 1.5), (4.0, 1.0, 1.5))
    beside = tuple((x, y + 1.5, z) for x, y, z in steps)
    asked = scene(Waypoints((0.0, 2.0), beside), listener=Listener(Waypoints((0.0, 2.0), steps)), duration=2.0)
    out = render(asked, low_noise(2.0), layout="foa", sample_rate=RATE).mixture.samples.astype(float)
    w, y, _, x = out[:, RATE // 2 :]
    # The sound was made one travel time earlier, 6.6 mm behind.
    assert np.degrees(np.arctan2(w @ x, w @ y)) == pytest.approx(-np.degrees(1.5 / speed_of_sound()), abs=0.05)
    assert np.std(w) == pytest.approx(np.std(low_noise(2.0)) / 1.5, rel=0.03)
    in_room = render(asked.with_(room=ROOM), low_noise(2.0), layout="binaural", sample_rate=RATE).mixture.samples
    assert np.all(np.isfinite(in_room))


def test_a_source_faces_its_way_and_at_rest_the_listener() -> None:
    away = moving(Waypoints((0.0, 1.0), ((1.0, 0.0, 0.0), (3.0, 0.0, 0.0))), directivity="cardioid")
    np.testing.assert_allclose(away.facings([0.5]), [[1, 0, 0]])
    np.testing.assert_allclose(away.facings([5.0]), [[-1, 0, 0]], atol=1e-12)
    pointed = moving(Static((1.0, 0.0, 0.0)), directivity="cardioid", facing=(1.0, 4.0, 0.0))
    np.testing.assert_allclose(pointed.facings([0.5]), [[0, 1, 0]])
    towards = moving(Waypoints((0.0, 1.0), ((3.0, 0.0, 0.0), (1.0, 0.0, 0.0))), directivity="cardioid")
    stretch = Stretch(0, RATE // 2, RATE)
    engine = FreeFieldEngine(receiver_for(ChannelLayout.parse("mono"), RATE), RATE)
    loud, quiet = (np.std(render_moving(low_noise(0.5)[0], part, engine, stretch)) for part in (towards, away))
    assert quiet < 0.02 * loud


def test_a_stretch_from_the_middle_of_a_scene_is_that_part_of_the_whole() -> None:
    path = Waypoints((0.0, 1.0), ((1.5, 1.0, 1.4), (4.5, 1.2, 1.6)))
    dry = low_noise(1.0)
    dry[:, : RATE // 2] = 0
    dry[:, -RATE // 4 :] = 0
    asked = scene(path, listener=Listener(EARS), duration=1.0, room=ROOM)
    whole = render(asked, dry, layout="foa", sample_rate=RATE).mixture.samples
    part = moving(path, Listener(EARS), ROOM)
    engine = ShoeboxEngine(receiver_for(ChannelLayout.parse("foa"), RATE), RATE)
    first = int(np.flatnonzero(dry[0])[0])
    got = render_moving(dry[0, first : -RATE // 4], part, engine, Stretch(first, RATE - first, RATE))
    np.testing.assert_allclose(got, whole[:, first:], atol=1e-6)
    assert not whole[:, : RATE // 2].any()


def test_finer_keyframes_come_closer_to_the_finest() -> None:
    path = Waypoints((0.0, 1.0), ((1.5, 1.0, 1.4), (3.5, 1.2, 1.6)))
    asked = scene(path, listener=Listener(EARS), duration=1.0, room=ROOM)
    dry = np.cumsum(low_noise(1.0), axis=1) * 0.05
    hops = (0.05, 0.02, 0.002)
    coarse, fine, finest = (
        render(asked, dry, layout="foa", sample_rate=RATE, keyframe_hop=hop).mixture.samples for hop in hops
    )
    assert error_db(fine, finest) < min(error_db(coarse, finest), -20)
    with pytest.raises(ParameterError, match=r"0\.001"):
        render(asked, dry, layout="foa", sample_rate=RATE, keyframe_hop=0.0)
