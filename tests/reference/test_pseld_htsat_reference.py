"""PSELDNets on HTS-AT against the published code: outputs, and slices of what happens inside (see manifest.json)."""

import functools

import fill
import numpy as np
import pytest
import torch

from auris.models.backbones.htsat import Htsat
from auris.models.checkpoint_conversion.pseldnets import own_names
from auris.models.pretrained import assign_weights, weights_unset
from auris.models.pseldnet.adaptation import merged, trainable_parameters
from auris.models.pseldnet.config import Adaptation, PseldNetConfig
from auris.models.pseldnet.network import PseldNet

TOLERANCE = 2e-5
ADAPTERS, LORA = {"adaptation": Adaptation("adapter")}, {"adaptation": Adaptation("lora")}
SETTINGS = {
    "pseld_accdoa_htsat": (13, {"output": "accdoa"}),
    "pseld_maccdoa_htsat": (170, {"output": "multi_accdoa"}),
    "pseld_seddoa_htsat": (13, {"output": "seddoa"}),
    "pseld_einv2_htsat": (13, {"output": "einv2"}),
    "pseld_maccdoa_htsat_adapterbit": (13, {"output": "multi_accdoa"} | ADAPTERS),
    "pseld_maccdoa_htsat_lora": (13, {"output": "multi_accdoa"} | LORA),
}
FIXTURES = pytest.mark.parametrize("fixture", list(SETTINGS))


def configuration(fixture, classes=None):
    count, settings = SETTINGS[fixture]
    return PseldNetConfig(labels=tuple(map(str, range(classes or count))), **settings)


@functools.cache
def filled_once(name, shape, rule):
    """Weights that several fixtures share are drawn once."""
    return torch.from_numpy(fill.fill(name, shape, rule))


@pytest.fixture(scope="module", autouse=True)
def _weights_are_given_back():
    yield
    filled_once.cache_clear()


def filled(fixture):
    tensors = {name: t for name, t in fill.manifest(fixture)["tensors"].items() if t["rule"] != "keep"}
    config = configuration(fixture)
    with weights_unset():
        network = PseldNet(config)
    # Only the trunk of one-trunk networks is shared; others would only fill the memory.
    weights = {
        own: (filled_once if name.startswith("encoder.") else filled_once.__wrapped__)(
            name, tuple(tensors[name]["shape"]), tensors[name]["rule"]
        )
        for name, own in own_names(tensors, config).items()
    }
    assign_weights(network, weights, where=fixture)
    return network.eval()


@functools.cache
def features():
    """What all of these networks see of clips a and c."""
    with weights_unset():
        network = PseldNet(configuration("pseld_accdoa_htsat"))
    return network.features(torch.from_numpy(np.stack([fill.clip("a"), fill.clip("c")])))


@FIXTURES
def test_outputs_and_what_happens_inside(fixture):
    network, activations = filled(fixture), {}
    expected = fill.expected(fixture)
    clips = [clip for clip in "ac" if any(name.startswith(f"{clip}/") for name in expected)]

    def keep(name, _module, _inputs, output):
        activations[name] = (output[0] if isinstance(output, tuple) else output)[0].flatten(0, -2).numpy()

    inside = [name.removeprefix("mid/") for name in expected if name.startswith("mid/")]
    for published, own in own_names([f"{name}." for name in inside], network.config).items():
        network.get_submodule(own.rstrip(".")).register_forward_hook(functools.partial(keep, published.rstrip(".")))
    with torch.inference_mode():
        outputs = network.from_features(features()[: len(clips)])

    for name in inside:
        tokens, width = activations[name].shape
        np.testing.assert_allclose(
            activations[name][:: tokens // 16, :: width // 16], expected[f"mid/{name}"], rtol=0, atol=TOLERANCE, err_msg=name
        )
    fields = outputs._fields if network.config.output in ("einv2", "seddoa") else [network.config.output]
    for field, found in zip(fields, outputs, strict=True):
        for item, clip in enumerate(clips):
            wanted = expected[f"{clip}/{field}"]
            np.testing.assert_allclose(found[item].reshape(wanted.shape), wanted, rtol=0, atol=TOLERANCE, err_msg=clip)


@pytest.mark.parametrize("fixture", ["pseld_maccdoa_htsat_lora"])
def test_merged_updates_do_the_same_and_leave_the_network_as_it_was(fixture):
    network = filled(fixture)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    plain = merged(network)
    assert plain.state_dict().keys() < before.keys()
    assert plain.config == configuration(fixture).__class__(labels=network.labels)
    assert trainable_parameters(plain) == 28_083_725
    with torch.inference_mode():
        found = plain.from_features(features()[:1]).vectors.reshape(100, -1)
    np.testing.assert_allclose(found, fill.expected(fixture)["a/multi_accdoa"], rtol=0, atol=TOLERANCE)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize("fixture", ["pseld_accdoa_htsat"])
def test_index_tables_and_masks_are_the_published_ones(fixture):
    expected = fill.expected(fixture)
    with weights_unset():
        trunk = Htsat(1)
    for number, layer in enumerate(trunk.layers):
        for block in layer.blocks:
            np.testing.assert_array_equal(block.attn.relative_position, expected["keep/relative_position_index"])
            assert (block.mask is None) == (block.shift == 0)
        if number < 3:
            mask = layer.blocks[1].mask[:, 0].numpy()
            np.testing.assert_array_equal(mask, -100.0 * expected[f"keep/encoder.layers.{number}.blocks.1.attn_mask/is_masked"])


@pytest.mark.parametrize(
    ("fixture", "classes", "count", "trained"),
    [
        ("pseld_accdoa_htsat", 13, 27_724_223, None),
        ("pseld_accdoa_htsat", 170, 29_895_062, None),
        ("pseld_maccdoa_htsat", 13, 28_083_725, None),
        ("pseld_maccdoa_htsat", 170, 34_596_242, None),
        ("pseld_seddoa_htsat", 13, 27_765_704, None),
        ("pseld_seddoa_htsat", 170, 29_936_543, None),
        ("pseld_einv2_htsat", 13, 55_310_432, None),
        ("pseld_einv2_htsat", 170, 57_481_271, None),
        ("pseld_maccdoa_htsat_adapterbit", 13, 32_410_061, 4_959_661),
        ("pseld_maccdoa_htsat_adapterbit", 14, 32_451_542, 5_001_142),
        ("pseld_maccdoa_htsat_lora", 13, 29_282_061, 1_844_493),
    ],
)
def test_sizes_are_the_published_ones(fixture, classes, count, trained):
    with weights_unset():
        network = PseldNet(configuration(fixture, classes))
    assert sum(parameter.numel() for parameter in network.parameters()) == count
    assert trainable_parameters(network) == (count if trained is None else trained)
