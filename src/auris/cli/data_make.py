"""``auris data make`` and ``auris data weights``: what training needs beside recordings, written to disk."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

from auris.cli.console import message, print_json, print_table, progress_bar

if TYPE_CHECKING:
    from auris.data.reverb_bank import ReverbBankSettings

MAKE_HELP = "Simulate what a training set needs."
WEIGHTS_HELP = "Write how often each clip of an AudioSet list is to be drawn, rare classes more often."
_BANK_HELP = (
    "Simulate room responses in the layout of SpatialSoundQA (mp3d_reverb), that Spatial-AST, DSpAST and BAT are trained from. "
    "A bank that was begun is continued."
)


def add_make_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``auris data make``."""
    things = parser.add_subparsers(dest="thing", metavar="WHAT", required=True)
    bank = things.add_parser("reverb-bank", description=_BANK_HELP, help=_BANK_HELP)
    bank.add_argument("--out", required=True, metavar="DIR", help="folder of the bank")
    bank.add_argument("--split", choices=["train", "eval"], default="train", help="each has rooms and heads of its own")
    bank.add_argument("--layout", choices=["binaural", "mono", "foa"], default="binaural", help="what listens (binaural)")
    bank.add_argument("--rooms", type=int, metavar="N", help="number of rooms (default: 400)")
    bank.add_argument("--places", type=int, metavar="N", help="responses in each room (default: 12)")
    bank.add_argument("--heads", type=int, metavar="N", help="structural heads that take turns by room (default: 24)")
    bank.add_argument("--hrtf", nargs="+", default=[], metavar="FILE", help="SOFA files of measured heads, that take turns too")
    bank.add_argument(
        "--hrtf-scale",
        nargs="+",
        type=float,
        default=[],
        metavar="X",
        help="sizes in which each measured head listens, such as 0.95 1 1.05 (default: 1)",
    )
    bank.add_argument("--t60", nargs=2, type=float, metavar=("LOW", "HIGH"), help="reverberation times in s (0.2 0.9)")
    bank.add_argument("--distance", nargs=2, type=float, metavar=("LOW", "HIGH"), help="of sources in m (0.5 8)")
    bank.add_argument("--rate", type=int, metavar="HZ", help="sample rate (default: 32000)")
    bank.add_argument("--seconds", type=float, help="longest response (default: 2)")
    bank.add_argument("--seed", type=int, default=0, help="seed of rooms, places and structural heads (default: 0)")
    bank.add_argument("--dry-run", action="store_true", help="print what would be made, make nothing")
    bank.add_argument("--json", action="store_true", help="print one JSON document")


def add_weights_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``auris data weights``."""
    parser.add_argument("list", metavar="LIST.json", help="list of clips, such as balanced.json")
    parser.add_argument("--classes", required=True, metavar="CSV", help="table of classes: index, mid, display_name")
    parser.add_argument(
        "--out", required=True, metavar="CSV", help="file to write: one weight per line, in the order of the list"
    )
    parser.add_argument("--audio", metavar="DIR", help="also name the clips whose audio below DIR is missing or damaged")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run_make(arguments: Namespace) -> int:
    """Run ``auris data make reverb-bank``."""
    from auris.data.reverb_bank import make_reverb_bank, planned_bank

    settings = _bank_settings(arguments)
    plan = planned_bank(settings, arguments.out, arguments.split)
    document: dict[str, Any] = {
        "folder": arguments.out,
        "split": arguments.split,
        "rooms": plan.rooms,
        "responses": plan.responses,
        "listeners": settings.population().count,
        "rooms_on_disk": plan.rooms_on_disk,
        "megabytes": round(plan.megabytes, 1),
    }
    if not arguments.dry_run:
        with progress_bar() as progress:
            task = progress.add_task("rooms", total=plan.rooms)
            report = make_reverb_bank(
                settings, arguments.out, arguments.split, lambda done, total: progress.update(task, completed=done, total=total)
            )
        document |= {"list": str(report.path), "rendered": report.rendered}
    if arguments.json:
        print_json(document)
    else:
        title = "Would be simulated" if arguments.dry_run else "Reverberation bank"
        print_table(title, ["", ""], [(name.replace("_", " "), str(value)) for name, value in document.items()])
    return 0


def _bank_settings(arguments: Namespace) -> ReverbBankSettings:
    from auris.data.reverb_bank import ReverbBankSettings

    given: dict[str, Any] = {
        "rooms": arguments.rooms,
        "places_per_room": arguments.places,
        "heads": arguments.heads,
        "t60": arguments.t60 and tuple(arguments.t60),
        "distance": arguments.distance and tuple(arguments.distance),
        "sample_rate": arguments.rate,
        "seconds": arguments.seconds,
        "hrtf_scales": tuple(arguments.hrtf_scale) or None,
    }
    chosen = {name: value for name, value in given.items() if value is not None}
    return ReverbBankSettings(layout=arguments.layout, hrtf=tuple(arguments.hrtf), seed=arguments.seed, **chosen)


def run_weights(arguments: Namespace) -> int:
    """Run ``auris data weights``."""
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
