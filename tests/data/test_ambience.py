"""Recorded ambience: which files are which, which stretch plays, how it goes on, and how loud it is under a scene."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from auris.acoustics.renderer import render
from auris.audio import Audio
from auris.data.ambience import CROSS_FADE, AmbienceFolder
from auris.errors import FormatError, ParameterError, SceneError
from auris.geometry.trajectories import Static
from auris.io.audio_files import write_audio
from auris.pipelines import simulate
from auris.scene import Background, Event, Listener, Scene, Source

RATE = 8_000
SECONDS = 3.0


def noise(channels: int, seconds: float = SECONDS, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.05, (channels, round(seconds * RATE))).astype(np.float32)


def write(path: Path, samples: np.ndarray, rate: int = RATE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples.T, rate, subtype="FLOAT")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two takes as TAU-SNoise names them, and one in folders of its own."""
    write(tmp_path / "01_bomb_shelter" / "ambience_foa_sn3d_24k_edited.wav", noise(4, seed=1))
    write(tmp_path / "01_bomb_shelter" / "ambience_tetra_24k_edited.wav", noise(4, seed=2))
    write(tmp_path / "02_gym" / "ambience_foa_sn3d_24k_edited.wav", noise(4, seed=3))
    write(tmp_path / "binaural" / "street.wav", noise(2, seed=4))
    return tmp_path


def test_takes_are_found_by_the_words_in_their_paths(folder: Path) -> None:
    ambience = AmbienceFolder(folder)
    assert {name: sorted(take.files) for name, take in ambience.takes.items()} == {
        "01_bomb_shelter/ambience_24k_edited": ["foa", "tetra"],
        "02_gym/ambience_24k_edited": ["foa"],
        "street": ["binaural"],
    }
    assert [take.name for take in ambience.usable(["foa", "tetra"])] == ["01_bomb_shelter/ambience_24k_edited"]
    assert len(ambience.usable(["foa"])) == 2
    with pytest.raises(FormatError, match=r"no ambience recorded as hoa2; there are binaural, foa, foa \+ tetra"):
        ambience.usable(["hoa2"])


def test_what_a_file_says_of_itself_goes_before_its_name(tmp_path: Path) -> None:
    write_audio(tmp_path / "hall.wav", Audio(noise(4), RATE, "tetra"))
    assert sorted(AmbienceFolder(tmp_path).takes["hall"].files) == ["tetra"]


def test_files_whose_channels_mean_nothing_certain_are_skipped_by_name(folder: Path) -> None:
    write(folder / "four_channels.wav", noise(4))
    write(folder / "foa" / "two.wav", noise(2))
    write(folder / "foa" / "for_mic.wav", noise(4))
    (folder / "foa" / "broken.wav").write_bytes(b"RIFF but not really")
    skipped = AmbienceFolder(folder).skipped
    assert "neither the file nor its path says it" in skipped["four_channels.wav"]
    assert "2 channels, but foa has 4" in skipped["foa/two.wav"]
    assert "its path says foa and tetra" in skipped["foa/for_mic.wav"]
    assert "cannot be read as audio" in skipped["foa/broken.wav"]


def test_folders_without_ambience_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no such folder of ambience"):
        AmbienceFolder(tmp_path / "nowhere")
    with pytest.raises(FormatError, match="no ambience; WAV, FLAC and OGG"):
        AmbienceFolder(tmp_path)
    write(tmp_path / "odd.wav", noise(4))
    with pytest.raises(FormatError, match=r"odd\.wav: 4 channels of unknown meaning"):
        AmbienceFolder(tmp_path)


def test_the_stretch_that_plays_begins_where_it_says(folder: Path) -> None:
    ambience = AmbienceFolder(folder)
    under = Background(ambience="street", ambience_snr_db=10, ambience_start=0.75)
    samples = ambience.read(under, "binaural", sample_rate=RATE, duration=1.5)
    assert samples is not None
    np.testing.assert_array_equal(samples, noise(2, seed=4)[:, 6_000:18_000])
    assert ambience.read(Background(), "binaural", sample_rate=RATE, duration=1.5) is None
    with pytest.raises(ParameterError, match="unknown layout of the ambience 'street'"):
        ambience.read(under, "foa", sample_rate=RATE, duration=1.0)
    with pytest.raises(ParameterError, match=r"unknown ambience in .* did you mean 'street'"):
        ambience.read(Background(ambience="streets", ambience_snr_db=1), "foa", sample_rate=RATE, duration=1.0)


@pytest.mark.parametrize("start", [0.0, 1.0, 2.6, 2.9])
def test_a_recording_that_ends_goes_on_from_its_beginning_without_a_gap(tmp_path: Path, start: float) -> None:
    write(tmp_path / "mono" / "hum.wav", noise(1))
    under = Background(ambience="hum", ambience_snr_db=0, ambience_start=start)
    samples = AmbienceFolder(tmp_path).read(under, "mono", sample_rate=RATE, duration=20.0)
    assert samples is not None
    assert samples.shape == (1, 20 * RATE)
    power = np.square(samples[0].reshape(-1, RATE // 4)).mean(axis=1)
    assert power.min() > 0.8 * 0.05**2  # the fades cross at equal power
    assert power.max() < 1.2 * 0.05**2
    period = round((SECONDS - CROSS_FADE) * RATE)
    np.testing.assert_array_equal(samples[0, 3 * period : 5 * period], samples[0, 4 * period : 6 * period])


def test_other_rates_are_converted(tmp_path: Path) -> None:
    time = np.arange(2 * 16_000) / 16_000
    write(tmp_path / "mono" / "tone.wav", np.sin(2 * np.pi * 440 * time)[None].astype(np.float32), 16_000)
    under = Background(ambience="tone", ambience_snr_db=0, ambience_start=0.25)
    samples = AmbienceFolder(tmp_path).read(under, "mono", sample_rate=RATE, duration=1.0)
    assert samples is not None
    expected = np.sin(2 * np.pi * 440 * (0.25 + np.arange(RATE) / RATE))
    np.testing.assert_allclose(samples[0, 200:-200], expected[200:-200], atol=1e-3)


def test_stretches_are_drawn_from_what_fits(folder: Path) -> None:
    ambience = AmbienceFolder(folder)
    rng = np.random.default_rng(0)
    drawn = [
        ambience.drawn(Background(diffuse_snr_db=5.0), ["foa"], duration=2.0, snr_db=12.5, generator=rng) for _ in range(60)
    ]
    assert {item.ambience for item in drawn} == {"01_bomb_shelter/ambience_24k_edited", "02_gym/ambience_24k_edited"}
    starts = np.array([item.ambience_start for item in drawn])
    assert 0 <= starts.min() < 0.2
    assert 0.8 < starts.max() <= 1.0
    assert {(item.ambience_snr_db, item.diffuse_snr_db) for item in drawn} == {(12.5, 5.0)}


def scene(background: Background) -> Scene:
    source = Source("speech", Static((1.0, 1.0, 0.0)), (Event(0.5, 1.5),))
    return Scene(2.0, (source,), Listener(), background=background)


@pytest.mark.parametrize(
    ("layout", "channel", "compared"),
    [
        ("binaural", "first", slice(0, 1)),
        ("binaural", "left", slice(0, 1)),
        ("binaural", "right", slice(1, 2)),
        ("binaural", "mean", slice(None)),
        ("foa", "W", slice(0, 1)),
        ("foa", "Y", slice(1, 2)),
        ("tetra", "capsule3", slice(2, 3)),
    ],
)
@pytest.mark.parametrize("kind", ["ambience", "diffuse", "sensor"])
def test_the_ratio_holds_on_the_channel_it_names(layout: str, channel: str, compared: slice, kind: str) -> None:
    ratios = {f"{kind}_snr_db": 7.0} | ({"ambience": "take"} if kind == "ambience" else {})
    asked = scene(Background(snr_channel=channel, **ratios))  # type: ignore[arg-type]
    dry = np.zeros((1, 2 * RATE), np.float32)
    dry[0, RATE // 2 : 3 * RATE // 2] = noise(1, 1.0, seed=5)[0]
    channels = {"binaural": 2, "foa": 4, "tetra": 4}[layout]
    under = noise(channels, 2.0, seed=6) * np.linspace(0.1, 1, channels, dtype=np.float32)[:, None]
    heard = render(asked, dry, layout=layout, sample_rate=RATE, ambience=under if kind == "ambience" else None)
    assert heard.background is not None
    clean = heard.stems[0].samples[compared, RATE // 2 : 3 * RATE // 2]
    ratio = np.mean(np.square(clean)) / np.mean(np.square(heard.background.samples[compared]))
    assert 10 * np.log10(ratio) == pytest.approx(7.0, abs=0.01)
    np.testing.assert_allclose(heard.mixture.samples, heard.stems[0].samples + heard.background.samples, atol=1e-7)


def test_ambience_that_does_not_fit_is_refused() -> None:
    asked = scene(Background(ambience="take", ambience_snr_db=3.0))
    dry = np.ones((1, RATE), np.float32)
    with pytest.raises(SceneError, match="has the ambience 'take', but no recording of it was given"):
        render(asked, dry, layout="foa", sample_rate=RATE)
    with pytest.raises(SceneError, match="must have the shape of the mixture"):
        render(asked, dry, layout="foa", sample_rate=RATE, ambience=noise(4, 1.0))
    with pytest.raises(SceneError, match="is silent on the channel 'first'"):
        render(asked, dry, layout="foa", sample_rate=RATE, ambience=np.zeros((4, 2 * RATE)))
    with pytest.raises(SceneError, match="background names none"):
        render(scene(Background()), dry, layout="foa", sample_rate=RATE, ambience=noise(4, 2.0))
    with pytest.raises(ParameterError, match=r"unknown snr_channel for foa audio 'left'. Accepted: W, X, Y, Z, first, mean"):
        render(scene(Background(sensor_snr_db=3.0, snr_channel="left")), dry, layout="foa", sample_rate=RATE)


def test_simulate_reads_the_folder_of_the_ambience(folder: Path) -> None:
    asked = scene(Background(ambience="street", ambience_snr_db=3.0))
    heard = simulate(asked, layout="binaural", sample_rate=RATE, ambience=folder)
    assert heard.background is not None
    expected = noise(2, seed=4)[:, : 2 * RATE]
    scale = heard.background.samples[0, 100] / expected[0, 100]
    np.testing.assert_allclose(heard.background.samples, expected * scale, rtol=1e-4)
    with pytest.raises(SceneError, match="--ambience"):
        simulate(asked, layout="binaural", sample_rate=RATE)
