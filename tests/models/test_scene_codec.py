"""The codec of stereo sounds: what it keeps of rendered sources, still and moving, outdoors and in rooms."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from auris import seeding
from auris.acoustics.renderer import render
from auris.channels import stereo
from auris.data.procedural_bank import ProceduralBank
from auris.errors import LayoutError, ParameterError
from auris.geometry.trajectories import Static, Waypoints
from auris.metrics.itd import gcc_phat_itd
from auris.models.scene_diffusion.codec import CodecConfig, StereoCodec
from auris.scene import Event, Listener, Room, Scene, Source
from auris.training.codec_quality import codec_quality

RATE, SECONDS = 16_000, 3.0
CENTRE = (3.0, 2.5, 1.5)
ROOM = Room((6.0, 5.0, 3.0), t60=0.35)
LEFT, RIGHT = (3.4, 3.4, 1.5), (3.8, 1.9, 1.5)
PLACES = {
    "still outdoors": (None, Static(LEFT)),
    "moving outdoors": (None, Waypoints((0.0, SECONDS), (LEFT, RIGHT))),
    "still in a room": (ROOM, Static(RIGHT)),
    "moving in a room": (ROOM, Waypoints((0.0, SECONDS), (RIGHT, LEFT))),
}


@lru_cache
def dry(number: int) -> NDArray[np.float32]:
    """A made sound at -26 dB re full scale."""
    bank = ProceduralBank()
    label = bank.labels[number % len(bank.labels)]
    sound = bank.pick(label, seeding.generator(number, "codec"), duration=SECONDS)
    return np.asarray(bank.dry(sound, RATE, SECONDS) * np.float32(0.05))


def heard(place: str, number: int) -> NDArray[np.float32]:
    """What the pair of microphones hears of a sound, 1 m away."""
    room, path = PLACES[place]
    source = Source("sound", path, (Event(0.0, SECONDS),))
    scene = Scene(SECONDS, (source,), Listener(Static(CENTRE)), room)
    return np.array(render(scene, dry(number)[None], layout=stereo(), sample_rate=RATE).mixture.samples)


@pytest.fixture(scope="module")
def codec() -> StereoCodec:
    """Fitted to made sounds."""
    mono = [torch.from_numpy(dry(number))[None] for number in range(12)]
    pairs = [torch.from_numpy(heard(place, number))[None] for number, place in enumerate(PLACES)]
    return StereoCodec.fitted(CodecConfig(iterations=16), mono, pairs)


@pytest.mark.parametrize("place", PLACES)
def test_place_and_levels_come_back(codec: StereoCodec, place: str) -> None:
    quality = codec_quality(codec, [heard(place, number) for number in (15, 19)])
    assert quality.clips == 2
    assert quality.itd_error_ms < (0.06 if "room" in place else 0.01)
    assert quality.level_error_db < (2.0 if "room" in place else 1.0)
    assert quality.spectral_distance_db < 9.0


@pytest.mark.parametrize("place", ["still outdoors", "still in a room"])
def test_the_delay_of_a_token_is_that_of_the_place(codec: StereoCodec, place: str) -> None:
    position = np.subtract(PLACES[place][1].at(np.zeros(1))[0], CENTRE)
    ears = [np.linalg.norm(position - [0.0, side * 0.085, 0.0]) for side in (1, -1)]
    delays = codec.numbers(codec.encode(torch.from_numpy(heard(place, 5))[None])).delays
    assert float(delays.median()) == pytest.approx((ears[1] - ears[0]) / 343.2, abs=2e-5)


def test_a_delay_that_is_asked_for_is_heard(codec: StereoCodec) -> None:
    latents = codec.encode(torch.from_numpy(heard("still outdoors", 1))[None])
    latents[..., codec.content_width] = -0.5 / codec.space_scale[0]
    track = gcc_phat_itd(codec.decode(latents, seed=1)[0].numpy(), RATE)
    assert np.nanmedian(track.itd) == pytest.approx(-0.00025, abs=1e-5)


def test_exchanged_channels_are_mirrored_latents(codec: StereoCodec) -> None:
    pair = torch.from_numpy(heard("moving in a room", 3))[None]
    exchanged = codec.encode(pair.flip(1))
    assert torch.allclose(exchanged, codec.mirrored(codec.encode(pair)), atol=2e-2)


def test_latents_have_about_unit_variance(codec: StereoCodec) -> None:
    latents = torch.cat([codec.encode(torch.from_numpy(heard(place, number))[None]) for number, place in enumerate(PLACES)])
    assert latents.shape == (4, codec.tokens(SECONDS), codec.width)
    space = latents[..., codec.content_width :].square().mean(dim=(0, 1))
    assert torch.allclose(space, torch.ones_like(space), atol=0.2)


def test_silence_comes_back_as_silence_and_has_no_place(codec: StereoCodec) -> None:
    latents = codec.encode(torch.zeros(1, 2, 40_000))
    assert float(codec.numbers(latents).delays.abs().max()) < 1e-9
    assert float(codec.decode(latents, seed=0).square().mean().sqrt()) < 1e-3


def test_equal_seeds_sound_equal_and_a_code_holds_whole_tokens(codec: StereoCodec) -> None:
    latents = codec.encode(torch.from_numpy(heard("still outdoors", 2)[:, :10_000])[None])
    assert latents.shape[1] == codec.tokens(10_000 / RATE) == 4
    first, second, other = (codec.decode(latents, seed=seed) for seed in (3, 3, 4))
    assert first.shape == (1, 2, 4 * codec.token_samples)
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    mono = codec.decode_mono(latents[..., : codec.content_width], seed=3)
    assert mono.shape == (1, 4 * codec.token_samples)
    assert float(mono.square().mean()) == pytest.approx(float(first.square().mean()), rel=0.3)


def test_statistics_travel_in_the_state(codec: StereoCodec) -> None:
    copy = StereoCodec(codec.config)
    copy.load_state_dict(codec.state_dict())
    pair = torch.from_numpy(heard("still in a room", 1))[None]
    assert torch.equal(copy.encode(pair), codec.encode(pair))


def test_content_alone_is_the_content_of_equal_channels(codec: StereoCodec) -> None:
    mono = torch.from_numpy(dry(4))[None]
    both = codec.encode(mono[:, None].expand(-1, 2, -1))
    assert torch.allclose(codec.encode_mono(mono), both[..., : codec.content_width], atol=1e-4)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"hop": 0}, "hop must be at least 1"),
        ({"edges": (500.0, 400.0)}, "edges must rise"),
        ({"edges": (9000.0,)}, "edges must rise"),
        ({"longest_delay": 0.1}, "quarter of a frame"),
        ({"iterations": -1}, "must not be negative"),
        ({"components": 2000}, "1 to 960 components"),
    ],
)
def test_impossible_sizes_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        StereoCodec(CodecConfig(**wrong))


def test_what_does_not_fit_is_refused(codec: StereoCodec) -> None:
    with pytest.raises(LayoutError, match=r"\(batch, 2, samples\)"):
        codec.encode(torch.zeros(1, 4, 16_000))
    with pytest.raises(ParameterError, match="delays must have shape"):
        codec.encode(torch.zeros(1, 2, 16_000), delays=torch.zeros(1, 3))
    with pytest.raises(ParameterError, match="latents must have shape"):
        codec.decode(torch.zeros(1, 4, 64), seed=0)
    with pytest.raises(ParameterError, match="latents must have shape"):
        codec.decode_mono(torch.zeros(1, 4, 73), seed=0)
    with pytest.raises(ParameterError, match="needs examples"):
        StereoCodec.fitted(CodecConfig(components=4), [torch.zeros(1, 80_000)], [])
    with pytest.raises(ParameterError, match="needs clips"):
        codec_quality(codec, [])
