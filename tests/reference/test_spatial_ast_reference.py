"""Spatial-AST and DSpAST against the published code: outputs, and slices of what happens inside (see the manifest.json)."""

from __future__ import annotations

import functools

import fill
import numpy as np
import pytest
import torch

from auris.models.dspast import Dspast, DspastConfig
from auris.models.pretrained import assign_weights, weights_unset
from auris.models.spatial_ast import SpatialAst, SpatialAstConfig

LABELS = tuple(f"class {number}" for number in range(355))
CLIPS = "abc"  # noise throughout; noise with a faint end; one channel through a response for each ear
FIXTURES = pytest.mark.parametrize("fixture", ["spatial_ast", "dspast"])
COMPUTED = ("spectrogram_extractor.", "logmel_extractor.")  # tables that checkpoints carry and networks here do not
TOKENS = {"spatial_ast": 5e-5, "dspast": 3e-4}


def built(fixture):
    kind, config = {"spatial_ast": (SpatialAst, SpatialAstConfig), "dspast": (Dspast, DspastConfig)}[fixture]
    return kind(config(labels=LABELS))


def needless(name):
    """Whether a network here has no use for a tensor of the checkpoint."""
    return name.startswith(COMPUTED) or name.endswith(".pi") or ".bn2." in name


@functools.cache  # most are the same in both networks
def weight(name, shape, rule):
    return torch.from_numpy(fill.fill(name, shape, rule))


def filled(fixture):
    with weights_unset():
        network = built(fixture)
    tensors = {name: value for name, value in network.state_dict().items() if name.endswith("_head.s")}  # kept as constructed
    for name, facts in fill.manifest(fixture)["tensors"].items():
        if facts["rule"] != "keep" and not needless(name):
            tensors[name] = weight(name, tuple(facts["shape"]), facts["rule"])
    assign_weights(network, tensors, where=fixture)
    return network.eval()


def clip(facts):
    """An input of the fixtures, rendered with its response by a Fourier transform in single precision, as published."""
    wave, response = facts["wave"], facts["rir"]
    dry = fill.waveform(wave["seed"], wave["channels"], wave["samples"]) * np.float32(wave["gain"])
    dry[:, wave["keep"] :] *= np.float32(wave["tail"])
    taps = np.zeros((2, response["samples"]), np.float32)
    if response["kind"] == "identity":
        taps[:, 0] = 1
    else:
        decay = np.exp(-np.arange(response["taps"]) / response["tau"])
        taps[:, : response["taps"]] = fill.waveform(response["seed"], 2, response["taps"]) * decay
    length = dry.shape[1] + taps.shape[1] - 1
    spectrum = torch.fft.rfft(torch.from_numpy(dry), n=length) * torch.fft.rfft(torch.from_numpy(taps), n=length)
    return torch.fft.irfft(spectrum, n=length)[:, : dry.shape[1]]


@functools.cache
def heard(fixture):
    """What the network makes of the three clips in one batch: every array that the fixture knows, by its name there."""
    network, found = filled(fixture), {}
    mixings = [name for name, _ in network.named_children() if name.startswith("conv_downsample")]
    for name in mixings:
        network.get_submodule(name).register_forward_hook(
            lambda _module, _inputs, output, name=name: found.update({name: output[:, 0, ::32, ::4]})
        )
    with torch.inference_mode():
        features = network.features(torch.stack([clip(facts) for facts in fill.manifest(fixture)["inputs"]]))
        tokens = network.tokens(features)
        network.tokens = lambda *_: tokens
        outputs = network.from_features(features)
    found |= {"features": features[:, :, ::64, ::8], "tokens": tokens[:, fill.manifest(fixture)["token_rows"]]}
    found |= dict(zip(("classifier", "distance", "azimuth", "elevation"), outputs, strict=True))
    return {f"{name}.{kind}": array[item].numpy() for item, name in enumerate(CLIPS) for kind, array in found.items()}


def relative(found, wanted):
    assert found.shape == wanted.shape
    return np.linalg.norm(found - wanted) / np.linalg.norm(wanted)


@FIXTURES
def test_names_and_numbers_of_weights(fixture):
    facts = fill.manifest(fixture)
    with weights_unset():
        network = built(fixture)
    published = {name: tuple(t["shape"]) for name, t in facts["tensors"].items() if not needless(name)}
    assert {name: tuple(value.shape) for name, value in network.state_dict().items()} == published
    assert sum(parameter.numel() for parameter in network.parameters()) == facts["trainable_parameters"]


@FIXTURES
def test_heads(fixture):
    expected = fill.expected(fixture)
    for name in (f"{clip}.{head}" for clip in CLIPS for head in ("classifier", "distance", "azimuth", "elevation")):
        assert relative(heard(fixture)[name], expected[name]) < 5e-5, name


@FIXTURES
def test_tokens(fixture):
    expected = fill.expected(fixture)
    for clip in CLIPS:
        assert relative(heard(fixture)[f"{clip}.tokens"], expected[f"{clip}.tokens"]) < TOKENS[fixture], clip


@FIXTURES
def test_maps_before_and_after_mixing(fixture):
    expected = fill.expected(fixture)
    names = [name for name in expected if "features" in name or "conv_downsample" in name]
    assert names
    for name in names:
        assert relative(heard(fixture)[name], expected[name]) < 1e-3, name
