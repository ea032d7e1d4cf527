"""PSELDNets on PaSST and on CNNs against the published code: outputs, and slices of what happens inside (see manifest.json)."""

import functools

import fill
import numpy as np
import pytest
import torch

from auris.models.checkpoint_conversion.pseldnets import own_names
from auris.models.pretrained import assign_weights, weights_unset
from auris.models.pseldnet.config import PseldNetConfig
from auris.models.pseldnet.network import PseldNet

TOLERANCE = 2e-5
CLIPS = "ac"  # noise throughout, and noise that ends in silence
LABELS = tuple(f"class {number}" for number in range(13))
SETTINGS = {
    "pseld_maccdoa_passt": {"backbone": "passt", "output": "multi_accdoa"},
    "pseld_einv2_passt": {"backbone": "passt", "output": "einv2"},
    "pseld_maccdoa_crnn": {"backbone": "cnn14", "output": "multi_accdoa", "decoder": "conformer"},
    "pseld_accdoa_crnn_gru": {"backbone": "cnn8", "output": "accdoa", "decoder": "gru", "decoder_layers": 2},
}
FIXTURES = pytest.mark.parametrize("fixture", list(SETTINGS))


def configuration(fixture, labels=LABELS):
    return PseldNetConfig(labels=labels, **SETTINGS[fixture])


def filled(fixture):
    config, arrays = configuration(fixture), fill.weights(fixture)
    names = own_names(arrays, config)
    with weights_unset():
        network = PseldNet(config)
    assign_weights(network, {names[name]: torch.from_numpy(array) for name, array in arrays.items()}, where=fixture)
    return network.eval()


def sliced(array):
    """A coarse grid of an activation, as the fixtures keep it."""
    parts = 8 if array.ndim == 3 else 16
    return array[tuple(slice(None, None, max(1, size // parts)) for size in array.shape)]


@functools.cache
def heard(fixture):
    """Outputs for the clips in one batch, and the activations the fixture knows, for the first clip."""
    network, activations = filled(fixture), {}

    def keep(name, _module, _inputs, output):
        activations[name] = (output[0] if isinstance(output, tuple) else output)[0].numpy()

    wanted = [name.removeprefix("mid/") for name in fill.expected(fixture) if name.startswith("mid/")]
    for published, own in own_names({f"{name}.": 0 for name in wanted}, network.config).items():
        network.get_submodule(own.rstrip(".")).register_forward_hook(functools.partial(keep, published.rstrip(".")))
    with torch.inference_mode():
        outputs = network.raw(torch.from_numpy(np.stack([fill.clip(name) for name in CLIPS])))
    return outputs, activations


@FIXTURES
def test_outputs(fixture):
    outputs, _ = heard(fixture)
    expected = fill.expected(fixture)
    fields = ["sed", "doa"] if "einv2" in fixture else [fixture.split("_")[1].replace("maccdoa", "multi_accdoa")]
    for field, found in zip(fields, outputs, strict=True):
        for item, clip in enumerate(CLIPS):
            wanted = expected[f"{clip}/{field}"]
            np.testing.assert_allclose(found[item].numpy().reshape(wanted.shape), wanted, rtol=0, atol=TOLERANCE, err_msg=clip)


@FIXTURES
def test_what_happens_inside(fixture):
    _, activations = heard(fixture)
    expected = {name.removeprefix("mid/"): array for name, array in fill.expected(fixture).items() if name.startswith("mid/")}
    assert activations.keys() == expected.keys()
    for name, wanted in expected.items():
        # Activations inside reach 100, where single precision ends at 1e-5.
        np.testing.assert_allclose(sliced(activations[name]), wanted, rtol=1e-5, atol=5e-5, err_msg=name)


@pytest.mark.parametrize(
    ("fixture", "classes", "count"),
    [
        ("pseld_maccdoa_passt", 13, 51_170_549),
        ("pseld_maccdoa_passt", 170, 52_257_146),
        ("pseld_einv2_passt", 13, 101_628_848),
        ("pseld_maccdoa_crnn", 13, 176_511_669),
        ("pseld_maccdoa_crnn", 170, 179_406_906),
        ("pseld_accdoa_crnn_gru", 13, 1_778_183),
    ],
)
def test_sizes_are_the_published_ones(fixture, classes, count):
    with weights_unset():
        network = PseldNet(configuration(fixture, tuple(map(str, range(classes)))))
    assert sum(parameter.numel() for parameter in network.parameters()) == count
