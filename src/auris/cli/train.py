"""``auris train``: a recipe to a trained model."""

from __future__ import annotations

import importlib
import os
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any

from auris.cli.console import message, print_json, print_table
from auris.errors import ParameterError

HELP = "Train a model from a recipe."
_MODULES = {
    "listener": "seld",
    "pseldnet": "pseldnet",
    "spatial_ast": "spatial_ast",
    "bat": "bat",
    "spatialsonic": "spatialsonic",
    "spatialsonic_vae": "spatialsonic_vae",
    "stereocrw": "stereocrw",
    "generator": "generator",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("recipe", help="recipe file (YAML)")
    parser.add_argument(
        "overrides",
        nargs="*",
        metavar="key=value",
        help="change a value of the recipe, e.g. trainer.max_steps=20, or trainer.devices=2 trainer.strategy=ddp",
    )
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--dry-run", action="store_true", help="print sizes and what one batch costs, train nothing")
    instead.add_argument("--validate", action="store_true", help="score the model of the recipe on its validation data")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    _take_options_anywhere(parser)


def _take_options_anywhere(parser: ArgumentParser) -> None:
    """Let options stand between recipe and changes, where argparse takes the changes for unknown; none of them has a value."""
    parse: Any = parser.parse_known_args

    def options_last(args: Sequence[str] | None = None, namespace: Any = None) -> Any:
        return parse(sorted(args or (), key=lambda argument: argument.startswith("-")), namespace)

    parser.parse_known_args = options_last  # type: ignore[method-assign,assignment]


def run(arguments: Namespace) -> int:
    """Run the command; Ctrl-C leaves a checkpoint, and the same command goes on from it."""
    from auris.training.loop import Interrupted
    from auris.training.recipe import read_recipe

    recipe = read_recipe(arguments.recipe, overrides=arguments.overrides)
    title, work = _work(arguments, recipe.task)
    try:
        result = work(recipe)
    except Interrupted as interruption:
        message(f"auris: {interruption}")
        return interruption.status
    if os.environ.get("LOCAL_RANK", "0") != "0":
        return 0  # one process of several reports
    if arguments.json:
        print_json(result)
    else:
        print_table(title, ["what", "value"], list(result.items()))
    return 0


def _work(arguments: Namespace, task: str) -> tuple[str, Any]:
    """What is to be done with a recipe of a task: its title and the function that does it."""
    kind: Any = importlib.import_module(f"auris.training.{_MODULES[task]}")
    if arguments.dry_run:
        return "Dry run", kind.describe
    if not arguments.validate:
        return "Trained", kind.train
    if not hasattr(kind, "validate"):
        raise ParameterError(
            f"--validate scores recipes of the tasks spatial_ast, bat and spatialsonic, this one is of {task}; "
            "auris score compares what any listener heard with labels"
        )
    return "Scored", kind.validate
