from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from auris.dsp.features import InterauralCues, InterauralPhase, mel_filterbank
from auris.errors import LayoutError, ParameterError

RATE = 32_000
FRONT_ENDS = pytest.mark.parametrize("kind", [InterauralPhase, InterauralCues])
SCALES = pytest.mark.parametrize("scale", ["published", "mean"])
LEVELS, CORRELATION, RATIO, COSINE, SINE = slice(0, 2), 2, 3, 4, 5


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 0.1


def ears(delay: int, *, samples: int = 16_000) -> torch.Tensor:
    """Noise that reaches the right ear some samples after the left one."""
    signal = noise(samples + 256)
    return torch.stack([signal[128:-128], signal[128 - delay : samples + 128 - delay]])[None]


@SCALES
def test_swapping_the_ears_mirrors_every_map(scale: str) -> None:
    front_end, sound = InterauralCues(scale=scale), noise(1, 2, 8000)
    there, here = front_end(sound)[0], front_end(sound.flip(1))[0]
    assert torch.equal(here[LEVELS], there[LEVELS].flip(0))
    assert torch.equal(here[COSINE], there[COSINE])
    assert torch.equal(here[SINE], -there[SINE])
    # Lags run from -64 to 63: the first one has no mirror image.
    torch.testing.assert_close(here[CORRELATION][:, 1:], there[CORRELATION][:, 1:].flip(1), rtol=0, atol=1e-6)
    mirrored = -there[RATIO] if scale == "mean" else 1 / there[RATIO]
    torch.testing.assert_close(here[RATIO], mirrored, rtol=1e-3, atol=1e-3)


@settings(max_examples=10)
@given(delay=st.integers(-60, 60))
def test_a_delay_is_a_lag(delay: int) -> None:
    correlation = InterauralCues()(ears(delay))[0, CORRELATION, 5:-5].mean(dim=0)
    assert int(correlation.argmax()) == 64 - delay


def test_a_delay_turns_the_phase_of_every_band() -> None:
    delay, front_end = 5, InterauralCues(scale="mean")
    phase = 2 * math.pi * torch.arange(513) * delay / 1024
    maps = front_end(ears(delay))[0, :, 5:-5].mean(dim=1)
    # Frames that hold the delayed sound and what comes before it add noise to the phase.
    torch.testing.assert_close(maps[COSINE], phase.cos() @ front_end.phase_bank, rtol=0, atol=0.05)
    torch.testing.assert_close(maps[SINE], -phase.sin() @ front_end.phase_bank, rtol=0, atol=0.05)


def test_levels_follow_the_gain_and_all_else_stays() -> None:
    front_end, sound = InterauralCues(scale="mean"), noise(1, 2, 8000)
    quiet, loud = front_end(sound), front_end(100 * sound)
    torch.testing.assert_close(loud[:, LEVELS], quiet[:, LEVELS] + 20, rtol=0, atol=1e-3)  # of magnitudes, not powers
    torch.testing.assert_close(loud[:, 2:], quiet[:, 2:], rtol=0, atol=1e-4)


def test_the_scales_differ_in_phases_and_level_ratio_only() -> None:
    sound = 100 * noise(1, 2, 8000)
    published, mean = InterauralCues(scale="published"), InterauralCues(scale="mean")
    there, here = published(sound)[0], mean(sound)[0]
    assert torch.equal(there[:3], here[:3])
    torch.testing.assert_close(there[RATIO].log(), here[RATIO], rtol=0, atol=1e-3)
    torch.testing.assert_close(there[4:] / published.bank.sum(dim=0), here[4:], rtol=0, atol=1e-5)
    assert float(here[4:].abs().max()) <= 1 + 1e-5
    assert float(there[4:].abs().max()) < 0.04


@SCALES
def test_silence_is_the_floor_in_phase(scale: str) -> None:
    maps = InterauralCues(scale=scale)(torch.zeros(1, 2, 4000))[0]
    assert torch.equal(maps[LEVELS], torch.full_like(maps[LEVELS], -100))
    assert torch.equal(maps[SINE], torch.zeros_like(maps[SINE]))
    assert maps[CORRELATION].argmax(dim=1).eq(64).all()
    torch.testing.assert_close(maps[CORRELATION, :, 64], torch.ones(maps.shape[1]))


@SCALES
@pytest.mark.parametrize("silent", [0, 1])
def test_one_silent_ear_gives_numbers_whose_variance_is_finite(scale: str, silent: int) -> None:
    sound = noise(1, 2, 8000)
    sound[:, silent] = 0
    maps = InterauralCues(scale=scale)(100 * sound)
    assert maps.isfinite().all()
    assert maps.var(dim=(2, 3)).isfinite().all()


@FRONT_ENDS
def test_shapes_and_names(kind: type[InterauralPhase]) -> None:
    front_end = kind(bands=64, hop=640)
    assert front_end(noise(3, 2, 6400)).shape == (3, front_end.channels, 11, 64)
    assert (front_end.inputs, front_end.levels, front_end.bands) == (2, 2, 64)
    assert not front_end.state_dict()


@FRONT_ENDS
def test_a_batch_is_heard_item_by_item(kind: type[InterauralPhase]) -> None:
    front_end, sounds = kind(), noise(3, 2, 8000)
    assert torch.equal(front_end(sounds)[1:2], front_end(sounds[1:2]))


@FRONT_ENDS
def test_gradients_reach_the_waveform_through_silence(kind: type[InterauralPhase]) -> None:
    sound = noise(1, 2, 8000)
    sound[..., 3000:] = 0
    sound.requires_grad_()
    kind(scale="mean")(sound).square().mean().backward()
    assert sound.grad is not None
    assert sound.grad.isfinite().all()
    assert sound.grad.abs().max() > 0


@FRONT_ENDS
def test_half_precision_is_heard_in_single(kind: type[InterauralPhase]) -> None:
    front_end, sound = kind(), noise(1, 2, 4000).half()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = front_end(sound)
    assert torch.equal(found, front_end(sound.float()))


@FRONT_ENDS
@pytest.mark.parametrize("channels", [1, 4])
def test_other_layouts_are_refused(kind: type[InterauralPhase], channels: int) -> None:
    with pytest.raises(LayoutError, match="binaural audio must have shape"):
        kind()(noise(1, channels, 4000))


def test_too_short_a_sound_is_refused() -> None:
    with pytest.raises(ParameterError, match="append silence"):
        InterauralPhase()(noise(1, 2, 512))


def test_mel_bands_end_where_they_are_told_to() -> None:
    bank = mel_filterbank(513, 64, sample_rate=RATE, low=50.0, high=8000.0, scale="slaney")
    frequencies = torch.linspace(0, RATE / 2, 513)
    assert bank[frequencies >= 8000].count_nonzero() == 0
    assert bank[frequencies <= 50].count_nonzero() == 0
    assert torch.equal(mel_filterbank(513, 64, sample_rate=RATE), mel_filterbank(513, 64, sample_rate=RATE, high=RATE / 2))


@pytest.mark.parametrize("limits", [(50.0, 17_000.0), (8000.0, 8000.0), (-1.0, 8000.0)])
def test_mel_bands_beyond_the_spectrum_are_refused(limits: tuple[float, float]) -> None:
    with pytest.raises(ParameterError, match="0 <= low < high <= 16000 Hz"):
        mel_filterbank(513, 64, sample_rate=RATE, low=limits[0], high=limits[1])
