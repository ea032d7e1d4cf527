"""``auris models``: which models there are, and what a card says."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from auris.cli.console import WrongUse, print_json, print_table

HELP = "List the models, or show the card of one."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("action", choices=["list", "show"], help="list all, or show one")
    parser.add_argument("name", nargs="?", help="model to show")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: Namespace) -> int:
    """Run the command."""
    from auris.models.pretrained import SHIPPED, describe

    if arguments.action == "show":
        if arguments.name is None:
            raise WrongUse("auris models show needs a name; auris models list prints them")
        model = describe(arguments.name)
        if arguments.json:
            print_json(model)
        else:
            print(model["card"])
        return 0
    models = [describe(name) for name in SHIPPED]
    if arguments.json:
        print_json({"models": models})
    else:
        rows = [
            (m["name"], m["architecture"], m["config"]["layout"], len(m["config"]["labels"]), m["bytes"] / 1e6) for m in models
        ]
        print_table("Models that ship", ["name", "architecture", "layout", "classes", "MB"], rows)
    return 0
