"""Training a language model in several processes, each of which holds a part of it (FSDP, arXiv:2304.11277).

Every block of the language model is divided; a process gathers it when the block computes, and forgets it after. What is
trained beside a frozen language model (projector, adapters, ears) is small: every process holds all of it, and gradients
are averaged once before each step, as are embeddings. Blocks that are trained themselves have their gradients and moments
divided, too. Checkpoints hold whole tensors, so that a run may go on with another number of processes, or with one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from auris.errors import ParameterError
from auris.training.trainer_recipe import TrainerRecipe


def model_strategy(recipe: TrainerRecipe) -> Any:
    """Return the strategy of Lightning that a recipe asks for."""
    if recipe.strategy != "fsdp":
        return recipe.strategy
    from lightning.pytorch.strategies import ModelParallelStrategy

    return ModelParallelStrategy(data_parallel_size=recipe.devices, tensor_parallel_size=1)


def shard_blocks(language_model: Any, mesh: Any) -> None:
    """Divide the blocks of a language model of Hugging Face between the processes of a mesh, in place.

    Adapters that are trained beside frozen weights stay whole.

    Args:
        language_model: with adapters or without.
        mesh: of processes, with one dimension.

    Raises:
        ParameterError: the language model has no list of blocks.
    """
    plain = language_model.get_base_model() if hasattr(language_model, "peft_config") else language_model
    decoder = plain.get_decoder()
    blocks = next((part for part in decoder.children() if isinstance(part, nn.ModuleList)), None)
    if blocks is None:
        raise ParameterError(f"{type(plain).__name__} has no list of blocks to divide; use trainer.strategy=ddp")
    for block in blocks:
        trained = {parameter for parameter in block.parameters() if parameter.requires_grad}
        frozen = set(block.parameters()) - trained
        # Frozen weights with adapters: these are left out. Otherwise all is trained, or nothing.
        fully_shard(block, mesh=mesh, reshard_after_forward=True, ignored_params=trained if frozen else None)
    # The decoder itself divides nothing; it tells its blocks which comes next.
    inside = {parameter for block in blocks for parameter in block.parameters()}
    fully_shard(decoder, mesh=mesh, ignored_params=set(decoder.parameters()) - inside)
    plain._is_fsdp_managed_module = True  # writing goes on until all processes have written


@contextmanager
def whole_blocks(language_model: nn.Module) -> Iterator[None]:
    """Hold all of a language model in every process for a while; all processes enter at once."""
    divided: list[tuple[nn.Module, str, Any]] = [
        (part, name, parameter)
        for part in language_model.modules()
        for name, parameter in part.named_parameters(recurse=False)
        if isinstance(parameter, DTensor)
    ]
    # In place of FSDP's own way to gather blocks, which lasts only until somebody asks for a state dict.
    for part, name, parameter in divided:
        part.register_parameter(name, nn.Parameter(parameter.detach().full_tensor(), parameter.requires_grad))
    try:
        yield
    finally:
        for part, name, parameter in divided:
            part.register_parameter(name, parameter)


def gathered(values: Any) -> Any:
    """Return nested dictionaries and lists with whole tensors in place of divided ones; all processes ask for the same."""
    if isinstance(values, DTensor):
        return values.full_tensor().cpu()
    if isinstance(values, Mapping):
        return {key: gathered(value) for key, value in values.items()}
    return [gathered(value) for value in values] if isinstance(values, list) else values


def distributed_state(saved: Mapping[str, Any], optimiser: torch.optim.Optimizer) -> dict[str, Any]:
    """Return the saved state of an optimiser, divided as its parameters are."""
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]

    def fitting(value: Any, like: Tensor) -> Any:
        if isinstance(like, DTensor) and isinstance(value, Tensor) and value.shape == like.shape:
            return distribute_tensor(value.to(like.device), like.device_mesh, like.placements)
        return value

    state = {
        number: {name: fitting(value, parameters[number]) for name, value in values.items()}
        for number, values in saved["state"].items()
    }
    return {**saved, "state": state}


def clipped_gradients(parameters: Sequence[Tensor], longest: float, *, strategy: str) -> float:
    """Shorten gradients that are together longer than ``longest``; return how long they were.

    Args:
        parameters: of the network; with ``fsdp``, gradients of those that every process holds are averaged first.
        longest: norm.
        strategy: of the trainer.
    """
    if strategy != "fsdp":
        return float(torch.nn.utils.clip_grad_norm_(parameters, longest))
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    _average([gradient for gradient in gradients if not isinstance(gradient, DTensor)])
    squares = [_square(gradient) for gradient in gradients]
    norm = math.sqrt(math.fsum(squares))
    if norm > longest:
        for gradient in gradients:
            gradient.mul_(longest / (norm + 1e-6))
    return norm


def _square(gradient: Tensor) -> float:
    square = gradient.detach().float().square().sum()
    return float(square.full_tensor() if isinstance(square, DTensor) else square)


def _average(gradients: Sequence[Tensor]) -> None:
    """Put the mean over all processes into gradients."""
    if not gradients:
        return
    flat = torch.cat([gradient.flatten().float() for gradient in gradients])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    begin = 0
    for gradient in gradients:
        gradient.copy_(flat[begin : begin + gradient.numel()].view_as(gradient))
        begin += gradient.numel()
