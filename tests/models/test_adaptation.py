"""Adapters and LoRA: nothing changes at the start, what is trained, and weights that stay as they are."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from auris.errors import ParameterError
from auris.models.backbones import htsat
from auris.models.pretrained import weights_unset
from auris.models.pseldnet.adaptation import Adapter, LoraConv2d, LoraLinear, merged, trainable_parameters
from auris.models.pseldnet.config import Adaptation, PseldNetConfig
from auris.models.pseldnet.network import PseldNet

FRAMES = torch.randn(1, 7, 1001, 64, generator=torch.Generator().manual_seed(1))


@pytest.fixture(autouse=True)
def shallow(monkeypatch: pytest.MonkeyPatch) -> None:
    """HTS-AT with as few and as narrow blocks as it can have."""
    monkeypatch.setattr(htsat, "DEPTHS", (2, 1, 1, 1))
    monkeypatch.setattr(htsat, "WIDTH", 16)
    monkeypatch.setattr(htsat, "HEADS", (1, 1, 2, 2))


def network(**adaptation: object) -> PseldNet:
    torch.manual_seed(0)
    return PseldNet(PseldNetConfig(labels=("a", "b"), adaptation=Adaptation(**adaptation))).eval()


def vectors(model: PseldNet) -> torch.Tensor:
    return model.from_features(FRAMES).vectors


def shaken(model: PseldNet) -> PseldNet:
    """Give a network's new parts weights as training would."""
    for name, parameter in model.named_parameters():
        if "adapter" in name or "lora" in name:
            nn.init.normal_(parameter, std=0.2)
    return model


@pytest.mark.parametrize("adaptation", [{"method": "adapter"}, {"method": "adapter", "scale": "learned"}, {"method": "lora"}])
@torch.no_grad()
def test_at_the_start_nothing_changes(adaptation: dict[str, object]) -> None:
    plain, adapted = network(), network(**adaptation)
    found = adapted.load_state_dict(plain.state_dict(), strict=False)
    assert not found.unexpected_keys
    assert all("adapter" in name or "lora" in name for name in found.missing_keys)
    assert torch.equal(vectors(adapted), vectors(plain))
    assert not torch.allclose(vectors(shaken(adapted)), vectors(plain), atol=1e-3)


@torch.no_grad()
def test_an_adapter_is_a_bottleneck() -> None:
    adapter, x = Adapter(8, ratio=0.25, scale=0.1), torch.randn(3, 8)
    assert torch.equal(adapter(x), torch.zeros(3, 8))
    nn.init.normal_(adapter.fc2.weight)
    hidden = functional.gelu(x @ adapter.fc1.weight.T + adapter.fc1.bias)
    assert hidden.shape == (3, 2)
    assert torch.allclose(adapter(x), 0.1 * hidden @ adapter.fc2.weight.T)
    learned = Adapter(8, ratio=0.25, scale=None)
    assert isinstance(learned.scale, nn.Parameter)
    assert learned.scale.tolist() == [1]


@pytest.mark.parametrize("places", [("attention", "mlp"), ("mlp",), ("attention",)])
def test_adapters_train_with_biases_and_the_head_only(places: tuple[str, ...]) -> None:
    model = network(method="adapter", places=places)
    for name, parameter in model.named_parameters():
        tuned = "bias" in name or "adapter" in name or name.startswith("body.heads.")
        assert parameter.requires_grad == tuned, name
    adapted = {name.split(".adapter")[0].rsplit(".", 1)[1] for name, _ in model.named_parameters() if ".adapter." in name}
    assert adapted == {{"attention": "attn", "mlp": "mlp"}[place] for place in places}


def test_without_a_place_for_adapters_everything_trains() -> None:
    assert trainable_parameters(network(method="adapter", places=())) == trainable_parameters(network())


def test_lora_freezes_what_it_updates_and_nothing_else() -> None:
    model = network(method="lora")
    updated = {name.split(".lora_")[0] for name, _ in model.named_parameters() if ".lora_" in name}
    trunk = "body.encoder."
    assert f"{trunk}patch_embed.proj" in updated
    assert f"{trunk}layers.1.downsample.reduction" in updated
    assert not any(name.startswith("body.heads") for name in updated)
    frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    assert frozen == {f"{name}.weight" for name in updated}


@torch.no_grad()
def test_updates_are_what_the_paper_says() -> None:
    plain, x = nn.Linear(6, 4), torch.randn(5, 6)
    layer = LoraLinear(plain, rank=2, alpha=3.0)
    assert torch.equal(layer(x), plain(x))
    nn.init.normal_(layer.lora_B)
    weight = plain.weight + 3 / 2 * layer.lora_B @ layer.lora_A
    assert torch.allclose(layer(x), functional.linear(x, weight, plain.bias), atol=1e-5)
    assert torch.allclose(layer.merged()(x), layer(x), atol=1e-5)


@torch.no_grad()
def test_a_convolution_is_merged_into_one() -> None:
    plain, x = nn.Conv2d(3, 4, (4, 2), (2, 1), padding=(1, 0)), torch.randn(2, 3, 9, 7)
    layer = LoraConv2d(plain, rank=2, alpha=1.0)
    assert torch.equal(layer(x), plain(x))
    nn.init.normal_(layer.lora_B.weight)
    assert not torch.allclose(layer(x), plain(x), atol=1e-3)
    assert torch.allclose(layer.merged()(x), layer(x), atol=1e-5)


@torch.no_grad()
def test_merging_makes_a_plain_network_that_does_the_same() -> None:
    model = shaken(network(method="lora", rank=4, alpha=2.0))
    plain = merged(model)
    assert plain.state_dict().keys() == network().state_dict().keys()
    assert plain.config == PseldNetConfig(labels=("a", "b"))
    assert all(parameter.requires_grad for parameter in plain.parameters())
    assert torch.allclose(vectors(plain), vectors(model), atol=1e-5)


def test_training_evaluating_and_saving_leave_the_weights_apart() -> None:
    """Published code merges updates when it evaluates, and saves what is then merged again (spec 18.9)."""
    model = shaken(network(method="lora"))
    before = copy.deepcopy(model.state_dict())
    model.train().eval()
    again = network(method="lora")
    again.load_state_dict(model.state_dict())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    with torch.no_grad():
        assert torch.equal(vectors(again), vectors(model))


def test_a_step_changes_only_what_is_trained() -> None:
    for method in ("adapter", "lora"):
        model = network(method=method)
        before = copy.deepcopy(dict(model.named_parameters()))
        optimiser = torch.optim.SGD((p for p in model.parameters() if p.requires_grad), lr=1.0)
        vectors(model).square().sum().backward()
        optimiser.step()
        changed = {name for name, parameter in model.named_parameters() if not torch.equal(parameter, before[name])}
        assert {name for name in before if ".adapter.fc2." in name or ".lora_B" in name} <= changed
        assert all(model.get_parameter(name).requires_grad for name in changed)


def test_two_networks_do_not_know_of_each_other() -> None:
    adapted = network(method="adapter")
    plain = network()
    assert not any("adapter" in name for name in plain.state_dict())
    assert trainable_parameters(plain) == sum(parameter.numel() for parameter in plain.parameters())
    assert trainable_parameters(adapted) < sum(parameter.numel() for parameter in adapted.parameters())


@pytest.mark.parametrize("adaptation", [{}, {"method": "adapter"}])
def test_nothing_to_merge_is_said(adaptation: dict[str, object]) -> None:
    with pytest.raises(ParameterError, match="no LoRA updates to merge"):
        merged(network(**adaptation))


@pytest.mark.parametrize(("backbone", "updated"), [("cnn8", "conv_block1.conv1"), ("passt", "blocks.0.attn.qkv")])
def test_lora_goes_into_every_trunk(backbone: str, updated: str) -> None:
    with weights_unset():
        model = PseldNet(PseldNetConfig(labels=("a",), backbone=backbone, output="einv2", adaptation=Adaptation("lora")))
    for trunk in ("sed_encoder", "doa_encoder"):
        assert not model.get_submodule(f"body.{trunk}.{updated}").weight.requires_grad
