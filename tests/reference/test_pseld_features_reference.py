"""Front ends against the published code, array by array (tests/reference/pseld_features/manifest.json says what each is)."""

from __future__ import annotations

import fill
import numpy as np
import pytest
import torch

from auris.dsp.features import LogMel, LogMelGcc, LogMelIntensity, SalsaLite

CLIPS = {clip["name"]: clip for clip in fill.manifest("pseld_features")["inputs"] if clip["name"] != "mic_*"}
MICROPHONES = torch.tensor(fill.waveform(606, 4, 48_000))[None]
DECIBELS, INTENSITY = 1e-3, 1e-5


@pytest.fixture(scope="module")
def expected() -> dict[str, np.ndarray]:
    return fill.expected("pseld_features")


def clip_of(facts: dict) -> torch.Tensor:
    if facts["waveform_seed"] is None:
        return torch.zeros(1, 4, facts["samples"])
    return torch.tensor(fill.waveform(facts["waveform_seed"], 4, facts["samples"]) * np.float32(facts["gain"]))[None]


def largest_difference(found: torch.Tensor, wanted: np.ndarray) -> float:
    assert tuple(found.shape) == wanted.shape
    return float(np.abs(found.numpy() - wanted).max())


@pytest.mark.parametrize("name", CLIPS)
def test_pseld_features_levels_and_intensity(name: str, expected: dict[str, np.ndarray]) -> None:
    facts = CLIPS[name]
    found = LogMelIntensity(sample_rate=facts["sample_rate"])(clip_of(facts))[0]
    assert list(found.shape) == facts["full_shape"]
    found = found[:, :: facts["frame_step"]]
    assert largest_difference(found[:4], expected[name][:4]) < DECIBELS
    assert largest_difference(found[4:], expected[name][4:]) < INTENSITY


def test_pseld_features_silence_is_exact(expected: dict[str, np.ndarray]) -> None:
    found = LogMelIntensity(sample_rate=24_000)(torch.zeros(1, 4, 24_000))[0, :, ::10]
    assert np.array_equal(found.numpy(), expected["silence24"])


def test_pseld_features_window_and_banks_are_those_that_checkpoints_carry(expected: dict[str, np.ndarray]) -> None:
    front_end = LogMel(sample_rate=24_000)
    assert np.array_equal(front_end.stft.window.numpy(), expected["window"])
    assert largest_difference(front_end.bank, expected["fb24"]) < 1e-7
    assert largest_difference(LogMel(sample_rate=32_000).bank, expected["fb32"]) < 1e-7


def test_pseld_features_microphone_levels_and_correlations(expected: dict[str, np.ndarray]) -> None:
    found = LogMelGcc(sample_rate=24_000)(MICROPHONES)[0, :, ::10].permute(1, 2, 0)
    assert largest_difference(found[..., :4], expected["mic_logmel"]) < 1e-4
    assert largest_difference(found[..., 4:], expected["mic_gcc"]) < 1e-5


def test_pseld_features_salsa_lite(expected: dict[str, np.ndarray]) -> None:
    found = SalsaLite(sample_rate=24_000, phase_end="dcase2022")(MICROPHONES)[0, :, ::20]
    assert largest_difference(found[:4], expected["mic_salsalite"][:4]) < DECIBELS
    assert largest_difference(found[4:], expected["mic_salsalite"][4:]) < INTENSITY
