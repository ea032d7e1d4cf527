"""``auris data weights``: how often each clip of a list is to be drawn."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from auris.cli.console import message, print_json, print_table

HELP = "Write how often each clip of an AudioSet list is to be drawn, rare classes more often."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``auris data weights``."""
    parser.add_argument("list", metavar="LIST.json", help="list of clips, such as balanced.json")
    parser.add_argument("--classes", required=True, metavar="CSV", help="table of classes: index, mid, display_name")
    parser.add_argument(
        "--out", required=True, metavar="CSV", help="file to write: one weight per line, in the order of the list"
    )
    parser.add_argument("--audio", metavar="DIR", help="also name the clips whose audio below DIR is missing or damaged")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: Namespace) -> int:
    """Run the command."""
    from auris.io.spatial_sound_qa import read_clips, read_label_csv, sample_weights, write_sample_weights

    classes = read_label_csv(arguments.classes)
    entries = read_clips(arguments.list, arguments.audio or ".", classes)
    weights = sample_weights([entry.classes for entry in entries])
    write_sample_weights(arguments.out, weights)
    absent: dict[str, str] = {}
    if arguments.audio:
        from auris.data.spatial_clips import AudioSetBank

        absent = AudioSetBank(entries, classes).unreadable()
    used = {number for entry in entries for number in entry.classes}
    document = {
        "list": arguments.list,
        "clips": len(entries),
        "classes": len(classes),
        "classes_without_clips": [name for number, name in enumerate(classes.names) if number not in used],
        "lowest_weight": float(weights.min()),
        "highest_weight": float(weights.max()),
        "written": arguments.out,
        "unreadable": absent,
    }
    if arguments.json:
        print_json(document)
        return 1 if absent else 0
    for file, reason in absent.items():
        message(f"{file}: {reason}")
    rows = [
        (name.replace("_", " "), len(value) if isinstance(value, list | dict) else value) for name, value in document.items()
    ]
    print_table("Sample weights", ["", ""], [(name, f"{v:.6g}" if isinstance(v, float) else str(v)) for name, v in rows])
    return 1 if absent else 0
