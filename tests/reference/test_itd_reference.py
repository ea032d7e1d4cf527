"""Interaural time differences against the published measurement (the manifests say what each array is)."""

from __future__ import annotations

import functools
import hashlib

import fill
import itd_signals
import numpy as np
import pytest
import torch

from auris.metrics.itd import upstream_fsad, upstream_itd_ms, upstream_mse
from auris.models.stereocrw import StereoCrw, StereoCrwConfig, voted

GCC, CRW = "itd_gcc_phat", "itd_stereocrw_random"
MANIFEST, EXPECTED = fill.manifest(GCC), fill.expected(GCC)
NETWORK = fill.expected(CRW)
HEARD = ("static_left6", "static_right9p5", "move_left_to_right")


def published(name, pair):
    return EXPECTED[f"gcc_ms/{MANIFEST['aggregate']['pairs'][pair][name]}"]


@pytest.mark.parametrize("name", itd_signals.NAMES, ids=lambda name: f"{GCC}-{name}")
def test_gcc_phat_track(name):
    samples, rate = itd_signals.make(name)
    facts = MANIFEST["clips"][name]
    assert hashlib.sha256(samples.tobytes()).hexdigest() == facts["sha256_float32_le_channels_first"]
    found = upstream_itd_ms(samples, rate)
    assert found.shape == (100,)
    np.testing.assert_allclose(found, EXPECTED[f"gcc_ms/{name}"], atol=2e-3)
    assert found.mean() == pytest.approx(facts["mean_gcc_ms"], abs=2e-4)


def test_itd_gcc_phat_printed_figures():
    facts, count = MANIFEST["aggregate"], len(MANIFEST["aggregate"]["pairs"])
    sides = [np.stack([published(side, pair) for pair in range(count)]) for side in (0, 1)]
    assert upstream_mse(*sides) == pytest.approx(facts["gcc_printed_mse"], rel=1e-6)
    networks = [
        np.stack(
            [np.float32(0.8 * tracks[pair] + 0.1 * fill.fill(f"agg/crw{side}_{pair}", [100], "embed")) for pair in range(count)]
        )
        for side, tracks in enumerate(sides, start=1)
    ]
    assert upstream_mse(*networks) == pytest.approx(facts["crw_printed_mse"], rel=1e-4)


def test_itd_gcc_phat_fsad():
    count = len(MANIFEST["aggregate"]["pairs"])
    features = [
        np.stack(
            [
                np.float32(
                    0.8 * published(side - 1, pair)[:, None] / 1000
                    + 1e-4 * fill.fill(f"agg/feat{side}_{pair}", [100, 256], "embed")
                )
                for pair in range(count)
            ]
        )
        for side in (1, 2)
    ]
    assert upstream_fsad(*features) == pytest.approx(MANIFEST["aggregate"]["fsad_times_1000"], rel=1e-4)


@functools.cache
def network():
    model = StereoCrw(StereoCrwConfig(patches=65)).eval()
    model.load_state_dict({name: torch.from_numpy(np.asarray(value)) for name, value in fill.weights(CRW).items()})
    return model


@functools.cache
@torch.inference_mode()
def heard(name):
    """Everything the network says of one frame."""
    samples, _ = itd_signals.make(name)
    patches = torch.from_numpy(samples[:, 30_080 : 30_080 + 3904].copy()).unfold(-1, 3840, 1)
    model = network()
    spectrum = model.spectra(patches[0, 0])
    points = model.embed(patches)
    similarities = model.similarities(points[0], points[1])
    return spectrum, points, similarities, model.delays(similarities)


def test_itd_stereocrw_random_spectra():
    spectrum = heard("static_left6")[0]
    assert tuple(spectrum.shape) == (2, 128, 128)
    np.testing.assert_allclose(spectrum[:, :8, :16], NETWORK["spec_first_patch"], atol=1e-5)


@pytest.mark.parametrize("name", HEARD, ids=lambda name: f"{CRW}-{name}")
def test_network_of_one_frame(name):
    _, points, similarities, delays = heard(name)
    np.testing.assert_allclose(points[0], NETWORK[f"{name}/emb_left"], atol=1e-4)
    np.testing.assert_allclose(points[1], NETWORK[f"{name}/emb_right"], atol=1e-4)
    np.testing.assert_allclose(similarities, NETWORK[f"{name}/affinity"], atol=1e-3)
    np.testing.assert_allclose(delays, NETWORK[f"{name}/itd_track_s"], atol=1e-7)
    np.testing.assert_allclose(delays.mean(), NETWORK[f"{name}/itd_mean_s"][0], atol=1e-7)
    np.testing.assert_allclose(voted(delays, near=0.05 / 16_000), NETWORK[f"{name}/itd_ransac_s"][0], atol=1e-7)
    features = torch.nn.functional.adaptive_avg_pool1d(delays[None, None], 256)[0, 0]
    np.testing.assert_allclose(features, NETWORK[f"{name}/feat256"], atol=1e-7)


def test_itd_stereocrw_random_head():
    step = np.arange(513)
    lag = np.linspace(6, -9, 513)[:, None]
    similarities = 20 * np.exp(-0.5 * ((step[None] - step[:, None] - lag) / 1.5) ** 2)
    similarities = torch.from_numpy(similarities + 0.5 * fill.fill("crw/aff_noise", [513, 513], "embed")).float()
    delays = StereoCrw(StereoCrwConfig(channels=(1, 1, 1, 1))).delays(similarities)
    np.testing.assert_allclose(delays, NETWORK["synthetic/itd_track_s"], atol=1e-7)
    np.testing.assert_allclose(delays.mean(), NETWORK["synthetic/itd_mean_s"][0], atol=1e-7)
    features = torch.nn.functional.adaptive_avg_pool1d(delays[None, None], 256)[0, 0]
    np.testing.assert_allclose(features, NETWORK["synthetic/feat256"], atol=1e-7)
