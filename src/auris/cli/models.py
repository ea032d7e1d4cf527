"""``auris models``: which models there are, and what a card says."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from auris.cli.console import print_json, print_table

HELP = "List the models, or show the card of one."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("action", choices=["list", "show"], help="list all, or show one")
    parser.add_argument("name", nargs="?", help="model to show")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: Namespace) -> int:
    """Run the command."""
    from auris.errors import ParameterError
    from auris.models.pretrained import model_card, shipped_models

    if arguments.action == "show":
        if arguments.name is None:
            raise ParameterError("auris models show needs a name; auris models list prints them")
        card = model_card(arguments.name)
        if arguments.json:
            print_json({"name": arguments.name, "card": card})
        else:
            print(card)
        return 0
    models = shipped_models()
    if arguments.json:
        print_json({"models": [vars(model) for model in models]})
    else:
        rows = [(m.name, m.task, m.layout, m.classes, m.megabytes, m.licence) for m in models]
        print_table("Models that ship", ["name", "task", "layout", "classes", "MB", "licence"], rows)
    return 0
