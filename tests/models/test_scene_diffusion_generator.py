"""The generator of scenes: lengths, levels, seeds, windows, guidance, saving, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from auris import seeding
from auris.errors import AurisError, CheckpointError, ParameterError
from auris.metrics.itd import direction_class, gcc_phat_itd
from auris.models import create, from_pretrained, save_pretrained
from auris.models.generating import GenerationRequest, Generator, SoundRequest
from auris.models.scene_diffusion.codec import CodecConfig, StereoCodec
from auris.models.scene_diffusion.config import SceneDiffusionConfig
from auris.models.scene_diffusion.generator import SceneGenerator, request_track
from auris.models.scene_diffusion.network import Conditions

DOG, RAIN = SoundRequest("dog", 1.0, 1.0), SoundRequest("sea waves", 2.0, 5.0, share=0.5)


@pytest.fixture(scope="module")
def model() -> SceneGenerator:
    """A generator that was not trained, but answers something, with a codec of noise."""
    torch.manual_seed(0)
    config = SceneDiffusionConfig(
        ("dog", "sea_waves"), codec=CodecConfig(components=8, iterations=1), width=16, depth=1, heads=2, window=8, steps=3
    )
    noise = torch.randn(2, 2, 48_000) * 0.05
    made = SceneGenerator(config, codec=StereoCodec.fitted(config.codec, [noise[:, 0]], [noise]))
    for parameter in made.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.2)
    return made.eval()


def request(*sounds: SoundRequest, seconds: float = 1.0) -> GenerationRequest:
    return GenerationRequest("something", sounds, seconds)


def test_it_is_a_generator_and_writes_clips_of_any_length(model: SceneGenerator) -> None:
    assert isinstance(model, Generator)
    assert model.layout.name == "stereo"
    for seconds in (0.5, 1.5, 3.21):
        audio = model.generate(request(DOG, seconds=seconds), seed=1)
        assert audio.samples.shape == (2, round(seconds * 16_000))
        assert audio.layout == model.layout
        assert float(np.abs(audio.samples).max()) == pytest.approx(10 ** (-3 / 20), rel=1e-5)


def test_the_seed_decides_and_every_condition_counts(model: SceneGenerator) -> None:
    plain = model.generate(request(DOG), seed=1).samples
    assert np.array_equal(plain, model.generate(request(DOG), seed=1).samples)
    others = [
        model.generate(request(DOG), seed=2),
        model.generate(request(SoundRequest("sea_waves", 1.0, 1.0)), seed=1),
        model.generate(request(SoundRequest("dog", 4.0, 4.0)), seed=1),
        model.generate(GenerationRequest("x", (DOG,), 1.0, "large"), seed=1),
        model.generate(request(DOG), seed=1, steps=4),
        model.generate(request(DOG), seed=1, guidance=5.0),
        model.generate(request(DOG), seed=1, guidance_position=3.0),
    ]
    for other in others:
        assert np.abs(plain - other.samples).max() > 1e-4


def test_a_sound_is_the_same_whatever_sounds_beside_it(model: SceneGenerator) -> None:
    alone = model.stems([DOG], seconds=1.0, seed=3)[0]
    beside = model.stems([DOG, RAIN], seconds=1.0, seed=3)[0]
    assert np.abs(alone - beside).max() < 1e-3 * np.abs(alone).max()


def test_levels_fall_with_distance(model: SceneGenerator) -> None:
    far = SoundRequest("sea_waves", 3.0, 3.0, distance=15.0)
    near = SoundRequest("dog", 3.0, 3.0, distance=1.5)
    first, second = model.stems([near, far], seconds=1.0, seed=4)
    mixture = model.generate(request(near, far), seed=4).samples
    expected = first + second / 10
    np.testing.assert_allclose(mixture / np.abs(mixture).max(), expected / np.abs(expected).max(), atol=1e-4)


def test_content_alone_is_mono_and_takes_its_seed(model: SceneGenerator) -> None:
    first, second = model.mono(["dog", "a dog barks"], seconds=1.5, seed=5)
    assert first.shape == second.shape == (24_000,)
    assert np.abs(first - second).max() > 1e-4  # two dogs
    assert np.array_equal(first, model.mono(["dog", "dog"], seconds=1.5, seed=5)[0])


def test_progress_is_told_step_by_step(model: SceneGenerator) -> None:
    told: list[tuple[int, int]] = []
    model.generate(request(DOG), seed=1, steps=4, report=lambda done, of: told.append((done, of)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_windows_of_a_perfect_network_give_the_same_as_one(model: SceneGenerator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network whose answer for a token depends on that token alone does not notice that it sees windows."""
    monkeypatch.setattr(type(model.network), "forward", lambda self, noised, t, told: noised * 2 + told.tracks[..., :1])
    for count in (5, 8, 9, 20, 31):
        noised = torch.randn(2, count, model.codec.width)
        told = Conditions(torch.tensor([0, 1]), torch.randn(2, count, 4), torch.tensor([0, 1]))
        expected = noised * 2 + told.tracks[..., :1]
        torch.testing.assert_close(model.velocity(noised, torch.rand(2), told), expected)


def test_it_finds_what_its_network_knows(model: SceneGenerator, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a network that knows the clean tokens, sampling returns them; guidance changes nothing, as nothing is at odds."""
    truth = torch.randn(1, 8, model.codec.width)

    def forward(self: object, noised: torch.Tensor, t: torch.Tensor, told: Conditions) -> torch.Tensor:
        alpha, sigma = (torch.pi / 2 * t).cos()[:, None, None], (torch.pi / 2 * t).sin()[:, None, None]
        return (alpha * noised - truth) / sigma

    monkeypatch.setattr(type(model.network), "forward", forward)
    expected = model.codec.decode(truth, seed=seeding.derive(6, "sound", 0) >> 1)[0, :, :16_000].numpy()
    (found,) = model.stems([DOG], seconds=1.0, seed=6, steps=12, guidance=3.0)
    found, expected = (sound / np.abs(sound).max() for sound in (found, expected))
    np.testing.assert_allclose(found, expected, atol=0.02)


def test_tracks_of_requests_move_in_the_middle() -> None:
    times = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
    track = request_track(SoundRequest("dog", 1.0, 5.0, share=0.5, distance=1.0, end_distance=4.0), times)
    np.testing.assert_allclose(track[:, 1], [1, 1, 0, -1, -1], atol=1e-6)
    np.testing.assert_allclose(track[:, 3], np.log([1, 1, 2, 4, 4]) / 2, atol=1e-6)
    jump = request_track(SoundRequest("dog", 1.0, 5.0, share=-0.5), times)
    np.testing.assert_allclose(jump[:, 1], [1, 1, -1, -1, -1], atol=1e-6)


def test_it_is_saved_and_read_back(model: SceneGenerator, tmp_path: Path) -> None:
    save_pretrained(model, tmp_path / "made", card="# made\n")
    back = from_pretrained(tmp_path / "made")
    assert back.name == "made"
    assert back.config == model.config
    assert np.array_equal(back.generate(request(DOG, RAIN), seed=7).samples, model.generate(request(DOG, RAIN), seed=7).samples)
    (tmp_path / "made" / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="safetensors is missing"):
        from_pretrained(tmp_path / "made")


def test_the_one_that_ships_writes_sounds_where_they_are_asked_for() -> None:
    shipped = from_pretrained("nano-generator")
    asked = [SoundRequest("rain", 2.0, 2.0), SoundRequest("speech", 5.0, 5.0), SoundRequest("chainsaw", 1.0, 4.0, share=-0.5)]
    tracks = [gcc_phat_itd(stem, 16_000).itd for stem in shipped.stems(asked, seconds=4.0, seed=1, steps=8)]
    heard = [np.nanmedian(tracks[0]), np.nanmedian(tracks[1]), np.nanmedian(tracks[2][:15]), np.nanmedian(tracks[2][-15:])]
    assert direction_class(heard).tolist() == [2, 5, 1, 4]


@pytest.mark.parametrize("description", ["Dog", "dog", "a DOG barks", "two dogs, far away"])
def test_descriptions_name_classes(model: SceneGenerator, description: str) -> None:
    assert model.class_of(description) == 0
    assert model.class_of("sea waves") == model.class_of("sea_waves") == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"request": request(SoundRequest("violin", 3.0, 3.0))}, "violin.*dog"),
        ({"request": request(SoundRequest("a dog in sea waves", 3.0, 3.0))}, "several classes"),
        ({"request": request()}, "give one to four"),
        ({"request": request(DOG, seconds=31.0)}, "up to 30 s"),
        ({"steps": 0}, "steps"),
        ({"guidance": float("nan")}, "guidance"),
        ({"guidance_position": -1.0}, "guidance"),
    ],
)
def test_what_cannot_be_written_is_refused(model: SceneGenerator, change: dict[str, object], message: str) -> None:
    given: dict[str, object] = {"request": request(DOG), "seed": 1, **change}
    asked = given.pop("request")
    with pytest.raises(ParameterError, match=message):
        model.generate(asked, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "config",
    [{"labels": []}, {"labels": ["a", "a"]}, {"width": 20, "heads": 4}, {"window": 7}, {"dropout": 1.0}, {"longest": 0.0}],
)
def test_configurations_that_make_no_generator_are_refused(config: dict[str, object]) -> None:
    with pytest.raises(AurisError):
        create("scene_diffusion", **{"labels": ["dog"], **config})
