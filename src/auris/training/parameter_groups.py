"""Which parameters are trained at which share of the learning rate, and with which weight decay."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from torch import nn

from auris.errors import ParameterError
from auris.training.trainer_recipe import OptimiserRecipe

_BLOCK = re.compile(r"(?:^|\.)blocks\.(\d+)\.")
_PATCHES = re.compile(r"(?:^|\.)patch_embed\.")


def parameter_groups(named: Iterable[tuple[str, nn.Parameter]], recipe: OptimiserRecipe) -> list[dict[str, Any]]:
    """Return the groups of an optimiser: parameters that share ``rate_scale`` and ``weight_decay``.

    With ``layer_decay`` d and n transformer blocks, block i learns at d^(n - i) of the rate, the patch embedding at d^(n + 1),
    and everything else at the whole (ELECTRA, arXiv:2003.10555; as AudioMAE and Spatial-AST fine-tune). Class tokens count
    as everything else. ``rate_factors`` come on top. Parameters are told apart by their names, never by their values.

    Args:
        named: parameters by name; frozen ones are left out.
        recipe: what to do with them.

    Raises:
        ParameterError: the network has no transformer blocks, but ``layer_decay`` is not 1; or ``rate_factors`` name a module
            in which nothing is trained.
    """
    trained = [(name, parameter) for name, parameter in named if parameter.requires_grad]
    names = [name for name, _ in trained]
    scales, factors = rate_scales(names, recipe.layer_decay), rate_factors(names, recipe.rate_factors)
    groups: dict[tuple[float, float], dict[str, Any]] = {}
    for name, parameter in trained:
        decay = recipe.weight_decay if recipe.decayed == "all" or parameter.ndim > 1 else 0.0
        key = (scales[name] * factors[name], decay)
        groups.setdefault(key, {"params": [], "rate_scale": key[0], "weight_decay": key[1]})["params"].append(parameter)
    return list(groups.values())


def rate_scales(names: Iterable[str], layer_decay: float) -> dict[str, float]:
    """Return each parameter's share of the learning rate.

    >>> rate_scales(["patch_embed.proj.weight", "blocks.0.norm1.bias", "blocks.1.norm1.bias", "head.weight"], 0.5)
    {'patch_embed.proj.weight': 0.125, 'blocks.0.norm1.bias': 0.25, 'blocks.1.norm1.bias': 0.5, 'head.weight': 1.0}

    Raises:
        ParameterError: no name is that of a transformer block, but ``layer_decay`` is not 1.
    """
    known = list(names)
    blocks = {name: int(found[1]) for name in known if (found := _BLOCK.search(name))}
    if layer_decay != 1 and not blocks:
        raise ParameterError(f"layer_decay={layer_decay} needs a network of transformer blocks; use 1")
    depth = 1 + max(blocks.values(), default=0)
    powers = {name: depth - blocks[name] if name in blocks else depth + 1 if _PATCHES.search(name) else 0 for name in known}
    return {name: layer_decay**power for name, power in powers.items()}


def rate_factors(names: Iterable[str], factors: Mapping[str, float]) -> dict[str, float]:
    """Return the product of the factors of the modules that each parameter is in.

    >>> rate_factors(["model.position.proj.weight", "model.position_code", "model.dit.bias"], {"position": 10})
    {'model.position.proj.weight': 10.0, 'model.position_code': 1.0, 'model.dit.bias': 1.0}

    Raises:
        ParameterError: a factor is for a module that has no parameter among the names.
    """
    known = dict.fromkeys(names, 1.0)
    for module, factor in factors.items():
        inside = [name for name in known if f".{module}." in f".{name}"]
        if not inside:
            raise ParameterError(f"rate_factors: nothing is trained in a module called {module!r}; leave it out")
        for name in inside:
            known[name] *= factor
    return known
