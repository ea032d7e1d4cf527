"""Whole renderings: what adds up, what stays the same, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from auris.acoustics.air import speed_of_sound
from auris.acoustics.free_field import FreeFieldEngine
from auris.acoustics.receivers import AmbisonicReceiver
from auris.acoustics.renderer import Rendering, render, render_batch
from auris.channels import ChannelLayout, array
from auris.dsp.ambisonics import rotation_matrix
from auris.errors import LayoutError, ParameterError
from auris.geometry import Orbit, Static, Turning, Waypoints
from auris.scene import Background, Event, Listener, Room, Scene, Source

RATE = 16_000
ROOM = Room((6.0, 4.5, 2.8), t60=0.35)
EARS = Listener(Static((3.0, 2.2, 1.5)))
ARRAY = array([[0.05, 0, 0], [-0.05, 0, 0], [0, 0.05, 0.02]])
LAYOUTS = ["mono", "stereo", "binaural", "foa", "hoa3", "tetra", ARRAY]


def scene(*paths: object, duration: float = 1.0, room: Room | None = ROOM, listener: Listener = EARS, **rest: object) -> Scene:
    sources = tuple(Source(f"source{i}", p, (Event(0.0, duration),)) for i, p in enumerate(paths))  # type: ignore[arg-type]
    return Scene(duration, sources, listener, room, **rest)  # type: ignore[arg-type]


def noise(count: int, duration: float = 1.0, *, rate: int = RATE, seed: int = 0) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal((count, round(duration * rate)))).astype(np.float32)


def walk() -> Waypoints:
    return Waypoints((0.0, 1.0), ((1.5, 1.0, 1.4), (4.5, 1.2, 1.6)))


REST = Static((1.2, 3.1, 1.3))


def heard(of: Rendering) -> np.ndarray:
    return of.mixture.samples


@pytest.mark.parametrize("room", [ROOM, None], ids=["room", "free field"])
@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_every_layout_renders_resting_and_moving_sources(layout: str | ChannelLayout, room: Room | None) -> None:
    result = render(scene(REST, walk(), room=room), noise(2), layout=layout, sample_rate=RATE)
    kind = ChannelLayout.parse(layout)
    assert result.mixture.layout == kind
    assert result.mixture.samples.shape == (kind.channels, RATE)
    assert len(result.stems) == len(result.dry) == 2
    assert result.background is None
    assert np.all(np.abs(result.mixture.samples).max(axis=1) > 1e-4)
    np.testing.assert_array_equal(heard(result), result.stems[0].samples + result.stems[1].samples)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 32000, 44100, 48000, 96000])
def test_every_rate_renders(rate: int) -> None:
    for layout in ("foa", "binaural"):
        result = render(scene(REST, walk(), duration=0.3), noise(2, 0.3, rate=rate), layout=layout, sample_rate=rate)
        assert result.mixture.sample_rate == rate
        assert result.mixture.length == round(0.3 * rate)
        assert np.abs(heard(result)).max() > 1e-3


@pytest.mark.parametrize("layout", ["stereo", "binaural", "foa"])
def test_stems_and_background_add_to_the_mixture_exactly(layout: str) -> None:
    asked = scene(REST, walk(), REST, background=Background(diffuse_snr_db=20, sensor_snr_db=30))
    result = render(asked, noise(3), layout=layout, sample_rate=RATE)
    total = np.zeros_like(heard(result))
    for stem in result.stems:
        total = total + stem.samples
    assert result.background is not None
    np.testing.assert_array_equal(heard(result), total + result.background.samples)


@pytest.mark.parametrize("room", [ROOM, None], ids=["room", "free field"])
def test_rendering_is_linear_in_the_dry_sound(room: Room | None) -> None:
    asked = scene(REST, walk(), room=room)
    first, second = noise(2, seed=1), noise(2, seed=2)
    parts = [heard(render(asked, x, layout="foa", sample_rate=RATE)) for x in (first, second, 2 * first - 0.5 * second)]
    np.testing.assert_allclose(parts[2], 2 * parts[0] - 0.5 * parts[1], atol=2e-5)


def test_the_same_seed_gives_the_same_samples_and_another_seed_another_tail() -> None:
    asked = scene(REST, walk(), background=Background(diffuse_snr_db=10), seed=5)
    first, again, other = (
        heard(render(s, noise(2), layout="foa", sample_rate=RATE)) for s in (asked, asked, asked.with_(seed=6))
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-4


def test_one_more_source_changes_nothing_in_the_others() -> None:
    sounds = noise(3)
    for room in (ROOM, None):
        few = render(scene(REST, walk(), room=room), sounds[:2], layout="foa", sample_rate=RATE)
        more = render(scene(REST, walk(), Static((5.0, 3.9, 1.0)), room=room), sounds, layout="foa", sample_rate=RATE)
        for stem, same in zip(few.stems, more.stems, strict=False):
            np.testing.assert_array_equal(stem.samples, same.samples)


def test_a_batch_equals_single_renderings_on_any_number_of_threads() -> None:
    scenes = [
        scene(REST, walk(), seed=1),
        scene(REST, room=None, seed=2),
        scene(walk(), room=Room((8.0, 5.0, 3.0), t60=(0.8, 0.6, 0.5)), seed=3, background=Background(sensor_snr_db=20)),
    ]
    sounds = [noise(len(s.sources), seed=s.seed) for s in scenes]
    single = [heard(render(s, x, layout="binaural", sample_rate=RATE)) for s, x in zip(scenes, sounds, strict=True)]
    for threads in (1, 3):
        batch = render_batch(scenes, sounds, layout="binaural", sample_rate=RATE, threads=threads)
        for one, other in zip(single, batch, strict=True):
            np.testing.assert_array_equal(one, heard(other))


def test_nothing_in_the_scene() -> None:
    for dry in (np.zeros((0, RATE)), []):
        result = render(scene(), dry, layout="foa", sample_rate=RATE)
        assert not heard(result).any()
        assert result.stems == ()
    noisy = render(scene(background=Background(diffuse_snr_db=0)), [], layout="foa", sample_rate=RATE)
    assert heard(noisy).any()


def test_silence_stays_silence() -> None:
    result = render(scene(REST, walk()), np.zeros((2, RATE)), layout="binaural", sample_rate=RATE)
    assert not heard(result).any()
    one = noise(2)
    one[0] = 0
    assert not render(scene(REST, walk()), one, layout="foa", sample_rate=RATE).stems[0].samples.any()


@pytest.mark.parametrize("duration", [0.001, 0.005, 0.04])
def test_a_very_short_scene(duration: float) -> None:
    for layout in ("mono", "binaural", "foa"):
        result = render(scene(REST, walk(), duration=duration), noise(2, duration), layout=layout, sample_rate=RATE)
        assert result.mixture.length == round(duration * RATE)


def test_reverberation_rings_on_after_the_event_and_ends_with_the_scene() -> None:
    click = np.zeros((1, RATE), np.float32)
    click[0, 800:1600] = noise(1)[0, :800]
    for path in (REST, walk()):
        out = heard(render(scene(path), click, layout="foa", sample_rate=RATE))
        assert out.shape[1] == RATE
        later = [float(np.mean(out[0, a : a + 1600] ** 2)) for a in (3200, 4800, 6400)]
        assert later[0] > 30 * later[2] > 0
    early = heard(render(scene(REST), click, layout="foa", sample_rate=RATE))[:, :800]
    assert np.abs(early).max() < 1e-4


def test_direct_sound_has_the_level_delay_and_direction_of_the_geometry() -> None:
    click = np.zeros((1, RATE), np.float32)
    click[0, 100] = 1
    position = np.array([4.2, 3.1, 1.9])
    out = heard(render(scene(Static(tuple(position))), click, layout="foa", sample_rate=RATE)).astype(float)
    offset = position - np.array(EARS.path.at(0.0))
    distance = np.linalg.norm(offset)
    arrival = 100 + distance / speed_of_sound() * RATE
    window = out[:, round(arrival) - 3 : round(arrival) + 4]
    assert abs(np.argmax(np.abs(out[0])) - arrival) <= 1
    assert np.abs(out[0]).max() == pytest.approx(1 / distance, rel=0.35)  # the peak may fall between samples
    direction = window[[3, 1, 2]] @ window[0]
    np.testing.assert_allclose(direction / np.linalg.norm(direction), offset / distance, atol=0.02)


def test_level_differences_between_near_and_far_are_kept() -> None:
    near, far = Static((3.5, 2.2, 1.5)), Static((5.0, 2.2, 1.5))
    result = render(scene(near, far, room=None), np.repeat(noise(1), 2, 0), layout="mono", sample_rate=RATE)
    ratio = np.sum(result.stems[0].samples ** 2) / np.sum(result.stems[1].samples ** 2)
    assert 10 * np.log10(ratio) == pytest.approx(20 * np.log10(2.0 / 0.5), abs=0.1)


def test_a_turned_head_hears_the_turned_sound_field() -> None:
    turning = Turning(yaw=(0.8,), pitch=(-0.3,), roll=(0.2,))
    dry = np.pad(noise(1, 0.02), ((0, 0), (0, RATE - 320)))
    straight = heard(render(scene(REST, seed=3), dry, layout="foa", sample_rate=RATE))
    turned = heard(render(scene(REST, seed=3, listener=Listener(EARS.path, turning)), dry, layout="foa", sample_rate=RATE))
    wanted = rotation_matrix(turning.at(0.0).inv(), 1) @ straight
    early = slice(0, round(0.024 * RATE))  # before the tail fades in
    np.testing.assert_allclose(turned[:, early], wanted[:, early], atol=2e-5)
    np.testing.assert_allclose(np.mean(turned**2), np.mean(straight**2), rtol=0.1)


def test_directivity_and_facing() -> None:
    def level(facing: tuple[float, float, float] | None) -> float:
        source = Source("talker", REST, (Event(0.0, 1.0),), directivity="cardioid", facing=facing)
        asked = Scene(1.0, (source,), EARS, None)
        return float(np.std(heard(render(asked, noise(1), layout="mono", sample_rate=RATE))))

    listener = tuple(np.asarray(EARS.path.at(0.0)).tolist())
    behind = tuple((2 * np.asarray(REST.position) - listener).tolist())
    assert level(None) == pytest.approx(level(listener), rel=1e-5)  # at rest a source looks at the listener
    assert level(behind) < 1e-4 * level(listener)


def test_background_is_recorded_and_its_snr_holds() -> None:
    asked = scene(REST, background=Background(diffuse_snr_db=12.0))
    half = asked.with_(sources=(Source("a", REST, (Event(0.2, 0.7),)),))
    dry = np.zeros((1, RATE), np.float32)
    dry[:, round(0.2 * RATE) : round(0.7 * RATE)] = noise(1, 0.5)
    result = render(half, dry, layout="binaural", sample_rate=RATE)
    assert result.background is not None
    active = slice(round(0.2 * RATE), round(0.7 * RATE))
    signal = float(np.mean(result.stems[0].samples[0, active] ** 2))
    under = float(np.mean(result.background.samples[0] ** 2))
    assert 10 * np.log10(signal / under) == pytest.approx(12, abs=0.01)


def test_dry_sounds_come_back_padded_to_the_scene() -> None:
    short = noise(1, 0.5)
    result = render(scene(REST), short, layout="mono", sample_rate=RATE)
    np.testing.assert_array_equal(result.dry[0].samples[0, : short.shape[1]], short[0])
    assert result.dry[0].length == RATE
    assert not result.dry[0].samples[0, short.shape[1] :].any()


def test_the_engine_can_be_chosen() -> None:
    asked = scene(REST)
    free = heard(render(asked, noise(1), layout="foa", sample_rate=RATE, engine="free_field"))
    outdoors = heard(render(asked.with_(room=None), noise(1), layout="foa", sample_rate=RATE))
    np.testing.assert_array_equal(free, outdoors)
    own = FreeFieldEngine(AmbisonicReceiver(1), RATE)
    np.testing.assert_array_equal(heard(render(asked, noise(1), layout="foa", sample_rate=RATE, engine=own)), free)


def test_doppler_and_crossfade_agree_when_nothing_moves_fast() -> None:
    slow = Orbit((4.0, 2.2, 1.5), (3.0, 2.2, 1.5), 1e-4)
    dry = np.cumsum(noise(1), axis=1) * 0.1
    a, b = (heard(render(scene(slow), dry, layout="foa", sample_rate=RATE, motion=m)) for m in ("doppler", "crossfade"))
    assert np.sum((a - b) ** 2) < 1e-3 * np.sum(a**2)


@pytest.mark.parametrize(
    ("dry", "match"),
    [
        (np.zeros((2, 100)), "1 sources"),
        (np.zeros(100), "shape"),
        (np.zeros((1, RATE + 1)), "at most 16000"),
        (np.full((1, 100), np.nan), "source 0"),
    ],
)
def test_dry_sounds_that_do_not_fit(dry: np.ndarray, match: str) -> None:
    with pytest.raises(ParameterError, match=match):
        render(scene(REST), dry, layout="foa", sample_rate=RATE)


def test_other_bad_arguments_name_what_is_accepted() -> None:
    with pytest.raises(LayoutError, match="did you mean 'foa'"):
        render(scene(REST), noise(1), layout="fooa", sample_rate=RATE)
    with pytest.raises(ParameterError, match="doppler"):
        render(scene(REST), noise(1), layout="foa", sample_rate=RATE, motion="dopler")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="free_field"):
        render(scene(REST), noise(1), layout="foa", sample_rate=RATE, engine="free")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="needs a room"):
        render(scene(REST, room=None), noise(1), layout="foa", sample_rate=RATE, engine="shoebox")
    with pytest.raises(ParameterError, match="8000"):
        render(scene(REST), noise(1, rate=4000), layout="foa", sample_rate=4000)
    with pytest.raises(LayoutError, match="4 channels"):
        render(scene(REST), noise(1), layout="mono", sample_rate=RATE, engine=FreeFieldEngine(AmbisonicReceiver(1), RATE))
    with pytest.raises(ParameterError, match="one array"):
        render_batch([scene(REST)], [], layout="foa", sample_rate=RATE)


def test_an_engine_must_mean_the_layout_that_is_asked_for() -> None:
    sounds = noise(1)
    foa = FreeFieldEngine(AmbisonicReceiver(1), RATE)
    with pytest.raises(LayoutError, match="the engine renders for ambisonics, but layout tetra"):
        render(scene(Static((2.0, 2.0, 1.5))), sounds, layout="tetra", sample_rate=RATE, engine=foa)


def test_the_torch_engine_serves_the_renderer() -> None:
    from auris.acoustics.torch_engine import TorchShoeboxEngine

    sounds = noise(2)
    two = scene(Static((2.0, 2.0, 1.5)), walk())
    engine = TorchShoeboxEngine(AmbisonicReceiver(1), RATE)
    ours, torch = (render(two, sounds, layout="foa", sample_rate=RATE, engine=e) for e in ("auto", engine))
    for a, b in zip(ours.stems, torch.stems, strict=True):
        assert np.linalg.norm(a.samples - b.samples) < 10 ** (-60 / 20) * np.linalg.norm(a.samples)
