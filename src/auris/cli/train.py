"""``auris train``: a recipe to a trained model."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from auris.cli.console import print_json, print_table

HELP = "Train a model from a recipe."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("recipe", help="recipe file (YAML)")
    parser.add_argument(
        "overrides", nargs="*", metavar="key=value", help="change a value of the recipe, e.g. trainer.max_steps=20"
    )
    parser.add_argument("--dry-run", action="store_true", help="print sizes and one batch, train nothing")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: Namespace) -> int:
    """Run the command."""
    from auris.training.recipe import read_recipe
    from auris.training.seld import describe, train

    recipe = read_recipe(arguments.recipe, overrides=arguments.overrides)
    result = describe(recipe) if arguments.dry_run else train(recipe)
    if arguments.json:
        print_json(result)
    else:
        print_table("Dry run" if arguments.dry_run else "Trained", ["what", "value"], list(result.items()))
    return 0
