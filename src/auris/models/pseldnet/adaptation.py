"""Fine-tuning with few parameters: adapters with bias tuning (AdapterBit, arXiv:2411.06399) and LoRA (arXiv:2106.09685).

An adaptation is part of the configuration: a network made with one carries its modules from the start, and only what it
trains requires gradients. At the start all of them change nothing, so that a published network can be loaded into it.

LoRA never touches the weights it updates: whether a network trains, listens or is saved, its state is the same. Weights are
merged by :func:`merged` alone, which makes a new network without LoRA.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from auris.errors import ParameterError
from auris.models.backbones.swin import Mlp, WindowAttention
from auris.models.pseldnet.config import Adaptation

AnyNetwork = TypeVar("AnyNetwork", bound=nn.Module)
_TUNED = ("bias", "adapter", "lora")  # parts of the names of what AdapterBit trains


class Adapter(nn.Module):
    """A bottleneck whose last layer starts at zero.

    Shape:
        - Input and output: ``(..., width)``; the output is to be added to what the adapter stands beside

    Args:
        width: of the input.
        ratio: width of the bottleneck over that of the input.
        scale: factor of the output; None learns one that starts at 1.
    """

    def __init__(self, width: int, *, ratio: float, scale: float | None) -> None:
        super().__init__()
        hidden = max(1, int(width * ratio))
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.scale = nn.Parameter(torch.ones(1)) if scale is None else scale
        nn.init.zeros_(self.fc2.weight)
        nn.init.zeros_(self.fc2.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return what is added."""
        outputs: Tensor = self.scale * self.fc2(functional.gelu(self.fc1(x)))
        return outputs


class LoraLinear(nn.Linear):
    """A linear layer whose frozen weight is updated by a product of two thin matrices, ``B A * alpha / rank``."""

    def __init__(self, linear: nn.Linear, *, rank: int, alpha: float) -> None:
        with torch.device("meta"):
            super().__init__(linear.in_features, linear.out_features, bias=linear.bias is not None)
        self.weight, self.bias = linear.weight.requires_grad_(False), linear.bias
        self.factor = alpha / rank
        self.lora_A = nn.Parameter(linear.weight.new_empty(rank, linear.in_features))
        self.lora_B = nn.Parameter(linear.weight.new_zeros(linear.out_features, rank))
        nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name of the overridden method
        """Return the layer's output with the update."""
        update = functional.linear(functional.linear(input, self.lora_A), self.lora_B)
        return super().forward(input) + self.factor * update

    def merged(self) -> nn.Linear:
        """Return the plain layer that does the same."""
        plain = nn.Linear(self.in_features, self.out_features, bias=self.bias is not None, device="meta")
        plain.weight = nn.Parameter(self.weight.detach() + self.factor * (self.lora_B @ self.lora_A).detach())
        plain.bias = self.bias
        return plain


class LoraConv2d(nn.Conv2d):
    """A convolution with a low-rank update: the same convolution to ``rank`` maps, then a mix of these."""

    def __init__(self, convolution: nn.Conv2d, *, rank: int, alpha: float) -> None:
        geometry: dict[str, Any] = {
            "kernel_size": convolution.kernel_size,
            "stride": convolution.stride,
            "padding": convolution.padding,
        }
        inputs, outputs = convolution.in_channels, convolution.out_channels
        with torch.device("meta"):
            super().__init__(inputs, outputs, bias=convolution.bias is not None, **geometry)
        self.weight, self.bias = convolution.weight.requires_grad_(False), convolution.bias
        self.factor = alpha / rank
        device = convolution.weight.device
        self.lora_A = nn.Conv2d(inputs, rank, bias=False, device=device, **geometry)
        self.lora_B = nn.Conv2d(rank, outputs, 1, bias=False, device=device)
        nn.init.zeros_(self.lora_B.weight)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name of the overridden method
        """Return the convolution's output with the update."""
        outputs: Tensor = super().forward(input) + self.factor * self.lora_B(self.lora_A(input))
        return outputs

    def merged(self) -> nn.Conv2d:
        """Return the plain convolution that does the same."""
        geometry: dict[str, Any] = {"kernel_size": self.kernel_size, "stride": self.stride, "padding": self.padding}
        plain = nn.Conv2d(self.in_channels, self.out_channels, bias=self.bias is not None, device="meta", **geometry)
        update = torch.einsum("or,rikl->oikl", self.lora_B.weight[..., 0, 0], self.lora_A.weight)
        plain.weight = nn.Parameter(self.weight.detach() + self.factor * update.detach())
        plain.bias = self.bias
        return plain


def adapt(network: nn.Module, adaptation: Adaptation, *, trunks: Sequence[nn.Module], heads: Sequence[nn.Module]) -> None:
    """Put an adaptation's modules into a network's trunks and freeze what it does not train.

    Adapters come with AdapterBit's rule: everything is frozen but the heads and all parameters with ``bias``, ``adapter`` or
    ``lora`` in their names. By this rule of the published networks, tables of relative position bias are trained too, and the
    biases of normalisations, but not their weights. LoRA updates every
    linear layer and convolution of the trunks, freezes their weights and nothing else.

    Args:
        network: all of it.
        adaptation: what to do; ``none`` changes nothing.
        trunks: where adapters and updates go.
        heads: what is always trained.

    Raises:
        ParameterError: adapters were asked for in a trunk that has no place for them.
    """
    if adaptation.method == "none":
        return
    add = _add_lora if adaptation.method == "lora" else _add_adapters
    for trunk in trunks:
        add(trunk, adaptation)
    if adaptation.method == "adapter" and adaptation.places:
        freeze(network, heads=heads)


def freeze(network: nn.Module, *, heads: Sequence[nn.Module]) -> None:
    """Freeze all but the heads, biases, adapters and LoRA updates, recognised by their names (AdapterBit).

    Running statistics of batch normalisation are no parameters: they keep moving in training.
    """
    kept = {id(parameter) for head in heads for parameter in head.parameters()}
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(id(parameter) in kept or any(part in name for part in _TUNED))


def trainable_parameters(network: nn.Module) -> int:
    """Return how many numbers training changes."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


def merged(network: AnyNetwork) -> AnyNetwork:
    """Return a copy of a network whose LoRA updates are part of plain weights: as fast and as large as without.

    Raises:
        ParameterError: the network has no LoRA updates (adapters are not linear, they cannot be merged).
    """
    plain = copy.deepcopy(network)
    found = list(_children(plain, (LoraLinear, LoraConv2d)))
    if not found:
        raise ParameterError("this network has no LoRA updates to merge; adapters can't be merged into weights")
    for parent, name, layer in found:
        setattr(parent, name, layer.merged())
    settings: Any = plain
    settings.config = replace(settings.config, adaptation=Adaptation())
    return plain.requires_grad_()


def _add_adapters(trunk: nn.Module, adaptation: Adaptation) -> None:
    kinds: dict[str, type[Mlp | WindowAttention]] = {"attention": WindowAttention, "mlp": Mlp}
    places = tuple(kinds[place] for place in adaptation.places)
    found = [module for module in trunk.modules() if isinstance(module, places)]
    if places and not found:
        raise ParameterError("adapters have their places in the blocks of htsat only; use another backbone or method='lora'")
    for module in found:
        scale = None if adaptation.scale == "learned" else float(adaptation.scale)
        module.adapter = Adapter(module.width, ratio=adaptation.ratio, scale=scale)


def _add_lora(trunk: nn.Module, adaptation: Adaptation) -> None:
    for parent, name, layer in list(_children(trunk, (nn.Linear, nn.Conv2d))):
        updated = LoraLinear if isinstance(layer, nn.Linear) else LoraConv2d
        setattr(parent, name, updated(layer, rank=adaptation.rank, alpha=adaptation.alpha))


def _children(network: nn.Module, kinds: tuple[type[nn.Module], ...]) -> Iterator[tuple[nn.Module, str, Any]]:
    """Parent, name and module of all parts of some kinds."""
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, kinds):
                yield parent, name, child
