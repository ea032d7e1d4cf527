"""Sequence decoders: one surface, published names."""

import pytest
import torch

from auris.errors import ParameterError
from auris.models.backbones.sequence import sequence_decoder


def noise(*shape, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("kind", ["none", "gru", "conformer", "transformer"])
@pytest.mark.parametrize("layers", [1, 2])
def test_a_sequence_keeps_its_shape_and_clips_stay_apart(kind, layers):
    torch.manual_seed(1)
    decoder, x = sequence_decoder(kind, 32, layers=layers).eval(), noise(3, 25, 32)
    before = x.clone()
    with torch.no_grad():
        y = decoder(x)
        assert y.shape == x.shape
        assert torch.equal(x, before)
        torch.testing.assert_close(y[1:2], decoder(x[1:2]), rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", ["gru", "conformer", "transformer"])
def test_every_parameter_learns(kind):
    torch.manual_seed(1)
    decoder = sequence_decoder(kind, 32, layers=2)
    (decoder(noise(2, 25, 32)) * noise(2, 25, 32, seed=2)).sum().backward()
    for name, parameter in decoder.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().amax() > 0, name


@pytest.mark.parametrize("kind", ["gru", "conformer", "transformer"])
def test_every_step_hears_the_others(kind):
    torch.manual_seed(1)
    decoder, x = sequence_decoder(kind, 32).eval(), noise(1, 25, 32)
    changed = x.clone()
    changed[:, 12] += 1.0
    with torch.no_grad():
        assert (decoder(changed) - decoder(x)).abs().amax(dim=(0, 2)).gt(0).all()


@pytest.mark.parametrize(
    ("kind", "name", "shape"),
    [
        ("gru", "decoder.weight_hh_l1_reverse", (48, 16)),
        ("conformer", "decoder.layers.1.sequential.2.module.sequential.4.conv.weight", (32, 1, 31)),
        ("conformer", "decoder.layers.1.sequential.1.module.attention.u_bias", (8, 4)),
        ("transformer", "decoder.layers.1.self_attn.in_proj_weight", (96, 32)),
        ("transformer", "decoder.layers.1.linear1.weight", (2048, 32)),
    ],
)
def test_published_names(kind, name, shape):
    assert sequence_decoder(kind, 32, layers=2).state_dict()[name].shape == shape


def test_the_transformer_is_that_of_torch():
    torch.manual_seed(1)
    decoder, x = sequence_decoder("transformer", 32, layers=2).eval(), noise(2, 25, 32)
    peer = torch.nn.TransformerEncoderLayer(32, 8, batch_first=True)
    peer = torch.nn.TransformerEncoder(peer, 2, enable_nested_tensor=False).eval()
    peer.load_state_dict(decoder.decoder.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(decoder(x), peer(x), rtol=0, atol=1e-5)


def test_training_drops_units_and_listening_does_not():
    torch.manual_seed(1)
    for kind in ("conformer", "transformer"):
        decoder, x = sequence_decoder(kind, 32), noise(2, 25, 32)
        assert not torch.allclose(decoder.train()(x), decoder(x))
        assert torch.equal(decoder.eval()(x), decoder(x))


def test_none_has_nothing_to_learn():
    assert not list(sequence_decoder("none", 7).parameters())


@pytest.mark.parametrize(
    ("kind", "width", "layers", "message"),
    [
        ("lstm", 32, 1, "unknown decoder 'lstm'"),
        ("grus", 32, 1, "did you mean 'gru'"),
        ("gru", 31, 1, "multiple of 2"),
        ("conformer", 20, 1, "multiple of 8"),
        ("transformer", 20, 1, "multiple of 8"),
        ("gru", 32, 0, "at least 1 layer"),
    ],
)
def test_what_does_not_suit_is_refused(kind, width, layers, message):
    with pytest.raises(ParameterError, match=message):
        sequence_decoder(kind, width, layers=layers)
