"""``auris data make``: whole sets, made here, in parts, or on a cluster, and gone on with where they stopped."""

from __future__ import annotations

import math
import os
import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auris.cli.console import WrongUse, message, print_json, print_table, progress_bar
from auris.cli.data_progress import making_progress

if TYPE_CHECKING:
    from auris.data.production.maker import Maker
    from auris.data.production.presets import Preset
    from auris.data.production.run import RunReport
    from auris.data.sound_bank import SoundBank
    from auris.data.sound_settings import BankSettings

HELP = "Make a whole set: recordings with labels, clips with captions or questions, rooms, houses."
# Spelled out so that --help need not import what makes them; a test holds this and auris.data.production.presets together.
PRESETS = ("pseldnets", "dcase2022", "spatial-sound-qa", "bewo", "reverb-bank", "active", "custom")
_OPTIONS = {"sounds": "--sounds", "kind": "--sounds-kind", "split": "--split", "folds": "--folds"}  # by field of the sounds
_SHOWN = 20  # recordings that cannot be used
_EPILOG = (
    "Every part of a set follows from settings, sounds and seed alone. A run that was interrupted or killed goes on with "
    "--resume. Parts can be made by machines that share nothing but the folder: --shard 1/8, 2/8, … in any order (Slurm "
    "arrays, xargs); the last to end finishes the set."
)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = _EPILOG
    parser.add_argument("preset", metavar="PRESET", help=f"kind of set: {', '.join(PRESETS)}")
    parser.add_argument(
        "changes",
        nargs="*",
        metavar="field=value",
        help="change a distribution, e.g. seconds=30 or room.t60=[0.2,0.6]; sounds.FIELD for the sounds. --fields lists all",
    )
    parser.add_argument("--fields", action="store_true", help="print every field with its default and meaning, make nothing")
    parser.add_argument("--out", metavar="DIR", help="folder of the set")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--hours", type=float, metavar="H", help="how much audio")
    size.add_argument(
        "--scenes", "--rooms", type=int, metavar="N", dest="scenes", help="how many scenes, clips, rooms or houses"
    )
    parser.add_argument(
        "--sounds",
        metavar="DIR",
        help="folder of recordings; sounds.procedural=0.3 mixes in synthesised ones (default: only these)",
    )
    parser.add_argument("--sounds-kind", metavar="K", help="layout of that folder, see auris data sounds (default: auto)")
    parser.add_argument("--split", metavar="S", help="use only this part of the recordings: train, validation or test")
    parser.add_argument("--folds", type=_numbers, metavar="F,…", help="use only these folds of the recordings, e.g. 1,2,3")
    parser.add_argument("--settings", metavar="YAML", help="file of fields, over which the changes go")
    parser.add_argument("--seed", type=int, default=0, help="seed of everything (default: 0)")
    parser.add_argument(
        "--format", choices=["folders", "shards"], default="folders", help="plain files, or tars for WebDataset"
    )
    parser.add_argument("--shard-items", type=int, metavar="N", help="items in a tar shard (default: 128)")
    parser.add_argument("--workers", type=int, default=1, metavar="K", help="processes (default: 1)")
    parser.add_argument("--shard", type=_part, default=(1, 1), metavar="i/n", help="make only the i-th of n parts")
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="make it on a Ray cluster: auto for the one that runs, an address, or local; --out and --sounds must lie on a "
        "file system that all nodes share, under the same path",
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on with a set that was begun; in a finished one, repair damage"
    )
    parser.add_argument("--dry-run", action="store_true", help="print what it would hold and cost, write nothing")
    parser.add_argument("--strict", action="store_true", help="fail before anything is made if recordings cannot be used")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    _take_changes_anywhere(parser)


def _take_changes_anywhere(parser: ArgumentParser) -> None:
    """Let changes stand after options, where argparse takes them for unknown."""
    parse: Any = parser.parse_known_args

    def changes_gathered(args: Sequence[str] | None = None, namespace: Any = None) -> Any:
        known, unknown = parse(args, namespace)
        known.changes += [text for text in unknown if re.match(r"[\w.]+=", text)]
        return known, [text for text in unknown if text not in known.changes]

    parser.parse_known_args = changes_gathered  # type: ignore[method-assign,assignment]


def run(arguments: Namespace) -> int:
    """Run the command."""
    # Before NumPy is loaded, whose products of matrices would otherwise depend on the number of threads.
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    from auris.data.production.presets import preset_named

    preset = preset_named(arguments.preset)
    if arguments.fields:
        return _print_fields(preset, json=arguments.json)
    if not (arguments.out or arguments.dry_run):
        raise WrongUse("--out DIR says where the set goes")
    settings, sounds = _settings(arguments, preset)
    bank = _recordings(sounds)
    if not _usable(bank, strict=arguments.strict):
        return 1
    maker: Maker = preset.create(settings, items=_items(arguments, settings), sounds=sounds, seed=arguments.seed)
    return _plan(arguments, maker) if arguments.dry_run else _make(arguments, maker, bank)


def _settings(arguments: Namespace, preset: Preset) -> tuple[Any, BankSettings]:
    """Settings of the set and of the sounds: from the file, over it the changes, over them the options."""
    from auris.data.sound_settings import BankSettings
    from auris.errors import FormatError
    from auris.io.plain_overrides import changes, merged, with_numbers
    from auris.io.scene_files import read_plain
    from auris.models.configuration import dataclass_from

    from_file = with_numbers(read_plain(arguments.settings)) if arguments.settings else {}
    if not isinstance(from_file, Mapping):
        raise FormatError(f"{arguments.settings}: settings are a mapping of fields to values")
    plain = merged(from_file, changes(arguments.changes))
    sounds = plain.pop("sounds", None) or {}
    options = {
        "sounds": arguments.sounds and str(Path(arguments.sounds).expanduser().absolute()),
        "kind": arguments.sounds_kind,
        "split": arguments.split,
        "folds": arguments.folds,
    }
    given = {name: value for name, value in options.items() if value is not None}
    if preset.sounds == "none":
        if "split" in given and hasattr(preset.settings_class, "split"):
            plain["split"] = given.pop("split")  # rooms have parts, too
        if given or sounds:
            named = [*(_OPTIONS[name] for name in given), *(f"sounds.{name}" for name in sounds)]
            raise WrongUse(f"no recordings are heard in {preset.name}; leave out {', '.join(named)}")
    wanted = merged(sounds, given)
    if wanted.get("sounds") is not None:
        wanted.setdefault("procedural", 0.0)  # who gives recordings means these
    bank = dataclass_from(BankSettings, wanted, where="sounds")
    if preset.sounds == "needed" and bank.sounds is None:
        raise WrongUse(f"{preset.name} needs recordings: --sounds DIR")
    return dataclass_from(preset.settings_class, plain, where=preset.name), bank


def _items(arguments: Namespace, settings: Any) -> int:
    if arguments.scenes is not None:
        if arguments.scenes < 1:
            raise WrongUse(f"--scenes is at least 1, got {arguments.scenes}")
        return int(arguments.scenes)
    if arguments.hours is None:
        raise WrongUse("--hours H or --scenes N says how large the set is")
    if not 0 < arguments.hours < math.inf:
        raise WrongUse(f"--hours is above 0, got {arguments.hours}")
    each = float(settings.item_seconds)
    if not each:
        raise WrongUse(f"hours do not measure {arguments.preset}, whose items have no fixed length; give --scenes N")
    # A thousandth of an item is rounding, not audio that is still wanted.
    return max(1, math.ceil(float(arguments.hours) * 3600 / each - 1e-3))


def _recordings(sounds: BankSettings) -> SoundBank | None:
    """The recordings that are heard, without what is synthesised beside them."""
    if sounds.sounds is None or sounds.procedural == 1:
        return None
    from auris.data.sound_bank import SoundBank

    bank = replace(sounds, procedural=0.0).open()
    assert isinstance(bank, SoundBank)
    return bank


def _usable(bank: SoundBank | None, *, strict: bool) -> bool:
    """Name the recordings that cannot be used; whether to go on."""
    if bank is None:
        return True
    if strict:
        with progress_bar() as progress:
            task = progress.add_task("measuring sounds", total=None)
            bank.check(
                workers=os.cpu_count() or 1,
                progress=lambda done, total: progress.update(task, completed=done, total=total),
            )
    skipped = sorted(bank.report.skipped.items())
    for file, reason in skipped[:_SHOWN]:
        message(f"{file}: {reason}")
    if skipped:
        more = f"; auris data sounds {bank.folder} names all of them" if len(skipped) > _SHOWN else ""
        outcome = "nothing is made (--strict)" if strict else "they are left out"
        message(f"{len(skipped)} recordings cannot be used; {outcome}{more}")
    return not (skipped and strict)


def _plan(arguments: Namespace, maker: Maker) -> int:
    from auris.data.production.plan import plan_set

    plan = plan_set(maker, workers=arguments.workers)
    if arguments.json:
        print_json({"preset": maker.preset} | plan.to_dict())
        return 0
    rows = [
        ("items", str(plan.items)),
        ("hours of audio", f"{plan.hours:.2f}"),
        ("size", _size(plan.bytes)),
        ("seconds to make one item", f"{plan.seconds_per_item:.3f}"),
        ("seconds to start", f"{plan.start_seconds:.1f}"),
        (f"time with {plan.workers} process{'es' if plan.workers > 1 else ''}", _duration(plan.wall_seconds)),
    ]
    print_table(f"{maker.preset}: would be made", ["", ""], rows)
    if plan.balance:
        shares = sorted(plan.balance.items(), key=lambda pair: (-pair[1], pair[0]))
        print_table("Expected classes", ["class", "percent"], [(name, 100 * share) for name, share in shares])
    return 0


def _make(arguments: Namespace, maker: Maker, bank: SoundBank | None) -> int:
    from auris.data.production.run import make_set
    from auris.data.production.shards import SHARD_ITEMS

    with making_progress(maker.preset) as progress:
        try:
            report = make_set(
                maker,
                arguments.out,
                workers=arguments.workers,
                shard=arguments.shard,
                existing="resume" if arguments.resume else "refuse",
                form=arguments.format,
                shard_items=arguments.shard_items or SHARD_ITEMS,
                cluster=arguments.cluster,
                credits_of=(lambda _: ()) if bank is None else bank.attribution,
                report=progress,
            )
        except KeyboardInterrupt:
            message("auris: interrupted; what is made is kept, and the same command with --resume goes on")
            return 130
    for failure in report.failures:
        message(f"item {failure.index}: {failure.text}")
    if arguments.json:
        print_json({"preset": maker.preset} | report.to_dict())
    else:
        _print_report(maker.preset, report)
    if report.failures:
        message(
            f"{len(report.failures)} items could not be made; when the reason is gone, the same command with --resume goes on"
        )
    elif report.missing:
        message(f"{report.missing} items of other parts are missing; the part that ends last finishes the set")
    return 1 if report.failures else 0


def _print_report(preset: str, report: RunReport) -> None:
    rate = report.seconds / report.wall_seconds if report.wall_seconds else 0.0
    rows = [
        ("folder", report.out),
        ("items made", str(report.made)),
        ("items that were there", str(report.kept)),
        ("items that failed", str(len(report.failures))),
        ("hours of audio made", f"{report.seconds / 3600:.2f}"),
        ("seconds of audio per second", f"{rate:.1f}"),
        ("time", _duration(report.wall_seconds)),
        ("the set is", "finished" if report.finished else f"not finished, {report.missing} items are missing"),
    ]
    print_table(preset, ["", ""], rows)


def _print_fields(preset: Preset, *, json: bool) -> int:
    from auris.data.production.fields import settings_fields
    from auris.data.sound_settings import BankSettings

    fields = list(settings_fields(preset.settings_class))
    if preset.sounds != "none":
        fields += settings_fields(BankSettings, above="sounds.")
    if json:
        print_json({"preset": preset.name, "fields": [vars(field) for field in fields]})
        return 0
    rows = [(field.name, _yaml(field.default), field.text) for field in fields]
    print_table(f"{preset.name}: {preset.summary}", ["field", "default", "meaning"], rows)
    return 0


def _yaml(value: Any) -> str:
    """A value as it is written on the command line."""
    import yaml

    return str(yaml.safe_dump(value, default_flow_style=True, width=1000)).removesuffix("\n").removesuffix("\n...")


def _size(count: int) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count / 1e3:.1f} kB"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ArgumentTypeError(f"numbers with commas between them, such as 1,2,3; got {text!r}") from None


def _part(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    part = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= part[0] <= part[1]:
        raise ArgumentTypeError(f"i/n with 1 <= i <= n, such as 2/8; got {text!r}")
    return part
