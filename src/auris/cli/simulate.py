"""``auris simulate``: a scene file, or scenes drawn from a preset, to audio with its ground truth."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from auris.cli.console import (
    CLASSES_HELP,
    LAYOUT_HELP,
    LAYOUTS,
    WrongUse,
    class_list,
    message,
    print_json,
    print_table,
    progress_bar,
)
from auris.errors import FormatError

if TYPE_CHECKING:
    from auris.acoustics.response_engine import ResponseEngine
    from auris.channels import ChannelLayout
    from auris.data.rendering_files import WrittenScene
    from auris.data.sound_bank import Bank
    from auris.dsp.hrtf import DirectionalResponses
    from auris.scene import Scene

HELP = "Render a scene to audio with its ground truth."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("scene", nargs="?", help="scene file (YAML or JSON); leave out with --sample")
    parser.add_argument("--sample", type=int, metavar="N", help="draw N scenes from a preset instead of reading one")
    parser.add_argument("--preset", default="demo", help="preset of --sample (default: demo)")
    parser.add_argument("--sounds", metavar="DIR", help="folder with one sub-folder per class; default: synthesised sounds")
    parser.add_argument("--layout", nargs="+", choices=LAYOUTS, default=[], metavar="NAME", help=LAYOUT_HELP)
    parser.add_argument(
        "--array", metavar="FILE", help="microphone array instead of a layout: YAML with positions: [[x, y, z], …]"
    )
    parser.add_argument(
        "--responses", metavar="PATH", help="measured room: SOFA file, or folder of WAV files with positions.csv"
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="folder to write")
    parser.add_argument("--rate", type=int, default=24000, help="sample rate in Hz (default: 24000)")
    parser.add_argument("--hrtf", metavar="FILE", help="SOFA file for binaural (default: the built-in head model)")
    parser.add_argument("--ambience", metavar="DIR", help="folder of the ambience that the scene names")
    parser.add_argument("--motion", choices=["doppler", "crossfade"], default="doppler", help="how moving sources are rendered")
    parser.add_argument("--stems", action="store_true", help="also write each source alone, wet and dry")
    parser.add_argument("--year", type=int, default=2024, choices=range(2019, 2026), help="DCASE format of labels.csv")
    parser.add_argument("--classes", metavar="NAME|FILE", help=CLASSES_HELP + "; default: the classes of --sounds")
    parser.add_argument("--seed", type=int, default=0, help="seed of --sample (default: 0)")
    parser.add_argument("--overwrite", action="store_true", help="replace files of an earlier run")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: Namespace) -> int:
    """Run the command."""
    from auris.pipelines import sound_bank

    if (arguments.scene is None) == (arguments.sample is None):
        raise WrongUse("give either a scene file or --sample N")
    if arguments.sample is not None and arguments.sample < 1:
        raise WrongUse(f"--sample needs a number of at least 1, got {arguments.sample}")
    bank = sound_bank(arguments.sounds)
    receivers = _receivers(arguments)
    written = []
    with progress_bar() as progress:
        for folder, make_scene in progress.track(_jobs(arguments, bank), description="simulating"):
            if arguments.sample is not None and folder.exists() and not arguments.overwrite:
                _check_complete(folder, receivers)
                message(f"{folder} is there already; left as it is")
            else:
                written.append(_render(make_scene(), folder, arguments, bank, receivers))
    _report(written, json=arguments.json)
    return 0


@dataclass(frozen=True)
class _Receiver:
    """One layout to render to, with what it needs; read once, whatever the number of scenes."""

    layout: ChannelLayout
    hrtf: DirectionalResponses | None
    engine: ResponseEngine | Literal["auto"]


def _receivers(arguments: Namespace) -> list[_Receiver]:
    from auris.channels import ChannelLayout
    from auris.pipelines import measured_engine, read_hrtf_file

    layouts = [ChannelLayout.parse(name) for name in arguments.layout]
    if arguments.array:
        layouts.append(_array_layout(arguments.array))
    if arguments.responses:
        wanted: list[ChannelLayout | None] = [*layouts] or [None]
        engines = [measured_engine(arguments.responses, sample_rate=arguments.rate, layout=layout) for layout in wanted]
        return [_Receiver(engine.measured.layout, None, engine) for engine in engines]
    layouts = layouts or [ChannelLayout.parse("binaural")]
    if arguments.hrtf and all(layout.kind != "binaural" for layout in layouts):
        raise WrongUse("--hrtf is for --layout binaural")
    hrtf = read_hrtf_file(arguments.hrtf) if arguments.hrtf else None
    return [_Receiver(layout, hrtf if layout.kind == "binaural" else None, "auto") for layout in layouts]


def _check_complete(folder: Path, receivers: list[_Receiver]) -> None:
    """Refuse to go on from an earlier run that was asked for other layouts."""
    missing = [r.layout.name for r in receivers if not (folder / f"{r.layout.name}.wav").is_file()]
    if missing:
        raise FormatError(
            f"{folder} is there already, but without {' and '.join(missing)}; add --overwrite or choose another --out"
        )


def _jobs(arguments: Namespace, bank: Bank) -> list[tuple[Path, Callable[[], Scene]]]:
    """Return the folder of each scene, and how to make it."""
    from auris.data.scene_presets import preset
    from auris.io.scene_files import read_scene
    from auris.pipelines import sample_scene

    out = Path(arguments.out)
    if arguments.scene is not None:
        scene = read_scene(arguments.scene)
        return [(out, lambda: scene)]
    ranges = preset(arguments.preset)
    if (classes := class_list(arguments.classes)) is not None:
        ranges = replace(ranges, labels=tuple(label for label in bank.labels if label in classes))

    def make(index: int) -> Scene:
        scene = sample_scene(ranges, sounds=bank, seed=arguments.seed, index=index)
        return scene.with_(name=f"{arguments.preset}, seed {arguments.seed}, number {index}")

    return [(out / f"scene_{index:05d}", partial(make, index)) for index in range(arguments.sample)]


def _render(scene: Scene, folder: Path, arguments: Namespace, bank: Bank, receivers: list[_Receiver]) -> WrittenScene:
    """Render a scene to every layout asked for and write it."""
    from auris.data.rendering_files import write_renderings
    from auris.pipelines import simulate

    renderings = [
        simulate(
            scene,
            layout=receiver.layout,
            sample_rate=arguments.rate,
            sounds=bank,
            hrtf=receiver.hrtf,
            engine=receiver.engine,
            motion=arguments.motion,
            ambience=arguments.ambience,
        )
        for receiver in receivers
    ]
    classes = class_list(arguments.classes)
    if classes is None and set(scene.labels) <= set(bank.labels):
        classes = bank.labels
    return write_renderings(
        folder,
        renderings,
        classes=classes,
        dcase_year=arguments.year,
        contents="stems" if arguments.stems else "mixture",
        existing="replace" if arguments.overwrite else "refuse",
    )


def _array_layout(path: str) -> ChannelLayout:
    """Read an array: capsule positions in metres, and the radius of the rigid sphere that carries them, if any."""
    from auris.channels import array
    from auris.io.scene_files import read_plain

    plain = read_plain(path)
    if not isinstance(plain, dict) or not {"positions"} <= set(plain) <= {"positions", "sphere_radius"}:
        raise FormatError(
            f"{path}: an array file has the key 'positions' ([[x, y, z], …] in metres) and may have 'sphere_radius'"
        )
    return array(plain["positions"], sphere_radius=plain.get("sphere_radius"))


def _report(written: list[WrittenScene], *, json: bool) -> None:
    if json:
        print_json({"scenes": [item.to_dict() for item in written]})
        return
    rows = [(str(item.folder), item.scene.duration, ", ".join(item.scene.labels), len(item.files)) for item in written]
    print_table("Simulated", ["folder", "seconds", "classes", "files"], rows)
    if len(written) == 1:
        print_table("Files", ["file"], [(str(path),) for path in written[0].files])
