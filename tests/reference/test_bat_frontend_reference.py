"""Maps of two ears against the published code (tests/reference/bat_frontend/manifest.json says what each array is)."""

from __future__ import annotations

import functools

import fill
import numpy as np
import pytest
import torch
from torch.nn import functional

from auris.dsp.features.interaural import InterauralCues, InterauralPhase
from auris.models.backbones.vision_transformer import sinusoidal_positions

INPUTS = {facts["name"]: facts for facts in fill.manifest("bat_frontend")["inputs"]}
NAMES = pytest.mark.parametrize("name", list(INPUTS))
# Frames that are kept of levels and phases, and of correlations and level ratios (the copy here is thinner than the original).
STEPS = {"short": (2, 2), "silence": (2, 2), "long": (40, 80)}
EXPECTED = fill.expected("bat_frontend")


def waveform(name):
    facts = INPUTS[name]
    samples = fill.waveform(facts["seed"], facts["channels"], facts["samples"]) * np.float32(facts["gain"])
    for first, last, start, end in facts["zero"]:
        samples[first:last, start:end] = 0
    return torch.from_numpy(samples)[None]


@functools.cache
def maps(name):
    return InterauralCues()(waveform(name))[0]


def largest_difference(found, wanted):
    assert tuple(found.shape) == wanted.shape
    return float(np.abs(found.numpy() - wanted).max())


def relative(found, wanted):
    assert tuple(found.shape) == wanted.shape
    return float(np.linalg.norm(found.numpy() - wanted) / np.linalg.norm(wanted))


@NAMES
def test_bat_frontend_spectra(name):
    spectra = InterauralCues().stft(waveform(name))[0, :, :: 4 * (50 if name == "long" else 5), ::3]
    for part in ("real", "imag"):
        assert relative(getattr(spectra, part), EXPECTED[f"{name}.{part}"]) < 1e-5


@NAMES
def test_bat_frontend_levels_and_phases(name):
    found = maps(name)[:, :: STEPS[name][0]]
    assert largest_difference(found[:2], EXPECTED[f"{name}.logmel"]) < 2e-3
    assert largest_difference(found[4:], EXPECTED[f"{name}.ipd"]) < 2e-5


@NAMES
def test_bat_frontend_correlation_and_level_ratio(name):
    found = maps(name)[:, :: STEPS[name][1]]
    # Where one ear is silent and the other is not, the signs of zeros decide.
    assert relative(found[2], EXPECTED[f"{name}.gcc"]) < (1e-2 if name == "silence" else 1e-4)
    assert relative(found[3], EXPECTED[f"{name}.ild"]) < 1e-3


@NAMES
def test_bat_frontend_four_maps_are_four_of_the_six(name):
    assert torch.equal(InterauralPhase()(waveform(name))[0], maps(name)[[0, 1, 4, 5]])


@NAMES
def test_bat_frontend_stretched_in_time(name):
    found = functional.interpolate(maps(name)[None, [0, 1, 4, 5]], size=(1024, 128), mode="bicubic", align_corners=True)[0]
    found = found[:, :: 16 if name == "short" else 64, ::4]
    assert largest_difference(found[:2], EXPECTED[f"{name}.resized"][:2]) < 2e-3
    assert largest_difference(found[2:], EXPECTED[f"{name}.resized"][2:]) < 2e-5


def test_bat_frontend_mel_bands_and_window_are_those_that_checkpoints_carry():
    front_end = InterauralPhase()
    assert largest_difference(front_end.bank, EXPECTED["melW"]) < 1e-7
    # The real kernel of bin 0 is the window itself.
    assert largest_difference(front_end.stft.window, EXPECTED["kernel_rows"][0, 0]) < 1e-6


def test_bat_frontend_positions():
    table = torch.cat([torch.zeros(1, 768), sinusoidal_positions(64, 8, 768)])[::9, ::4]
    assert largest_difference(table, EXPECTED["sincos_pos_embed"]) < 1e-5  # published in single precision
