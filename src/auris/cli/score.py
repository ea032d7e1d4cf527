"""``auris score``: predictions against references, and models against each other."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from auris.cli import score_generation, score_itd, score_qa, score_seld, score_spatial_ast

HELP = "Score predictions against references, or models on a validation set."

TASKS = {"seld": score_seld, "spatial-ast": score_spatial_ast, "qa": score_qa, "itd": score_itd, "generation": score_generation}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    tasks = parser.add_subparsers(dest="task", metavar="TASK", required=True, title="tasks")
    for name, module in TASKS.items():
        module.add_arguments(tasks.add_parser(name, description=module.HELP, help=module.HELP))


def run(arguments: Namespace) -> int:
    """Run the command."""
    status: int = TASKS[arguments.task].run(arguments)
    return status
