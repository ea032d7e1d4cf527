"""The command line: ``auris VERB …``.

Each verb is a module with ``HELP``, ``add_arguments(parser)`` and ``run(arguments) -> int``; none imports anything heavy
before ``run``. Tables go to standard output for people, one JSON document with ``--json``; messages and progress go to
standard error. Exit status: 0 done, 1 failed, 2 wrong use.
"""

from __future__ import annotations

import importlib
import os
import sys
from argparse import ArgumentParser
from collections.abc import Sequence

from auris import __version__
from auris.cli.console import WrongUse, error_message
from auris.errors import AurisError

VERBS = ("simulate", "listen", "ask", "generate", "train", "score", "models", "data", "demo")


def build_parser() -> ArgumentParser:
    """Return the parser of the whole command line."""
    parser = ArgumentParser(prog="auris", description="Spatial hearing: a scene, and what one can do with it.")
    parser.add_argument("--version", action="version", version=f"auris {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name in VERBS:
        module = importlib.import_module(f"auris.cli.{name}")
        module.add_arguments(verbs.add_parser(name, description=module.HELP, help=module.HELP))
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    arguments = build_parser().parse_args(argv)  # exits with 2 by itself on wrong use
    module = importlib.import_module(f"auris.cli.{arguments.verb}")
    try:
        status = module.run(arguments)
        sys.stdout.flush()
        return int(status)
    except WrongUse as error:
        error_message(f"{error}; auris {arguments.verb} --help tells more")
        return 2
    except AurisError as error:
        error_message(str(error))
        return 1
    except KeyboardInterrupt:
        error_message("interrupted")
        return 130
    except BrokenPipeError:
        # The reader (head, less) has gone; point stdout elsewhere so that the interpreter does not complain on exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (OSError, MemoryError) as error:
        error_message(f"{type(error).__name__}: {error}")
        return 1
