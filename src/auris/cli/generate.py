"""``auris generate``: words to spatial sound, what was understood of them, and what is heard of it."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auris.cli.console import LAYOUTS, WrongUse, error_message, message, print_json, print_table, progress_bar
from auris.errors import FormatError

if TYPE_CHECKING:
    from auris.generation.engines import Engine
    from auris.generation.induction import Inducer
    from auris.generation.plan import Plan
    from auris.generation.results import Generated, Report
    from auris.generation.verdicts import VerifiedSound, Witness

HELP = "Write spatial audio from words, listen to it, and compare."
_FORMATS = (".wav", ".flac", ".ogg")


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "prompt", nargs="?", metavar="PROMPT", help='in English: "a dog barks on the left, then runs to the right"'
    )
    parser.add_argument("--out", metavar="FILE", help="audio file to write (.wav, .flac, .ogg)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    _add_model(parser)
    _add_plan(parser)
    _add_induction(parser)
    checking = parser.add_argument_group("listening to the result")
    checking.add_argument("--verify", action="store_true", help="print what is heard against what was asked for")
    checking.add_argument(
        "--best-of", type=int, default=1, metavar="N", help="write N clips and keep the one that verifies best (with --verify)"
    )
    checking.add_argument("--listener", metavar="NAME|PATH", help="who listens; default: as auris listen")
    writing = parser.add_argument_group("what else to write")
    writing.add_argument("--scene", metavar="OUT.yaml", help="the scene that was asked for, for auris simulate")
    writing.add_argument("--plot", metavar="OUT.png", help="spectrogram, directions over time, and the plan")


def _add_model(parser: ArgumentParser) -> None:
    writers = parser.add_argument_group("who writes")
    writers.add_argument(
        "--model",
        metavar="NAME|PATH",
        help="place: mono sounds, put where they belong by simulation; nano-generator, or the folder of a converted model, end "
        "to end (default: nano-generator where it ships and writes the layout, else place)",
    )
    writers.add_argument(
        "--layout", choices=LAYOUTS, metavar="NAME", help=f"of place: one of {', '.join(LAYOUTS)} (default: stereo)"
    )
    writers.add_argument("--content", choices=("generated", "bank"), help="of place: who makes the sounds")
    writers.add_argument(
        "--sounds", metavar="DIR", help="of place: recordings, a sub-folder per class; default: synthesised sounds"
    )
    writers.add_argument("--seconds", type=float, metavar="S", help="length (default: the model's usual, at most 10)")
    writers.add_argument("--seed", type=int, default=0, help="another clip of the same words (default: 0)")
    writers.add_argument("--steps", type=int, metavar="N", help="of the sampler (default: the model's own)")
    writers.add_argument(
        "--guidance", type=float, metavar="G", help="how strongly words are followed (default: the model's own)"
    )
    writers.add_argument(
        "--guidance-position", type=float, metavar="G", help="how strongly directions are, where a model tells both apart"
    )
    writers.add_argument("--device", default="auto", help="auto, cpu or cuda (default: auto)")


def _add_plan(parser: ArgumentParser) -> None:
    where = parser.add_argument_group("what is where; one option for each sound, in the order of the words")
    where.add_argument(
        "--from-direction", action="append", metavar="D", help="1 left, 2 front left, 3 front … 5 right; decimals; or words"
    )
    where.add_argument("--to-direction", action="append", metavar="D", help="where it goes, for each sound")
    where.add_argument("--speed", action="append", metavar="V", help="0 still, 1 slow, 2 moderate, 3 fast, 4 instantly")
    where.add_argument("--box", action="append", metavar="X0,Y0,X1,Y1", help="where it is seen in an image, pixels")
    where.add_argument("--image-width", type=float, metavar="W", help="of --box, pixels")
    where.add_argument("--image-height", type=float, metavar="H", help="of --box: larger things are nearer")
    where.add_argument("--plan", metavar="FILE.yaml", help="the plan, instead of words")
    where.add_argument("--show-plan", action="store_true", help="print the plan as YAML, to edit and give to --plan, and end")


def _add_induction(parser: ArgumentParser) -> None:
    reading = parser.add_argument_group("who reads the words")
    reading.add_argument(
        "--infer",
        default="grammar",
        metavar="grammar|URL|MODEL",
        help="grammar; address of an OpenAI-compatible endpoint (https://host/v1); a chat model of transformers "
        "(default: grammar)",
    )
    reading.add_argument("--infer-model", metavar="NAME", help="name of the model at the endpoint")
    reading.add_argument(
        "--key-variable", default="OPENAI_API_KEY", metavar="NAME", help="environment variable with the endpoint's key"
    )
    reading.add_argument("--timeout", type=float, default=60.0, metavar="S", help="seconds to wait for it (default: 60)")


def run(arguments: Namespace) -> int:
    """Run the command."""
    _check_use(arguments)
    from auris.generation.engines import engine_for

    chosen = engine_for(
        arguments.model,
        layout=arguments.layout,
        sounds=arguments.sounds,
        content=arguments.content,
        device=arguments.device,
    )
    plan = _plan(arguments, chosen.engine)
    if arguments.show_plan:
        _show_plan(plan, json=arguments.json)
        return 0
    for note in (*chosen.notes, *plan.notes, *(f"not said, so taken: {text}" for text in plan.assumed)):
        message(note)
    made = _made(arguments, plan, chosen.engine)
    if made.silent:
        error_message(f"{made.model} wrote nothing but silence, so {arguments.out} is not written; try another --seed")
        return 1
    _write(arguments, made)
    _report(arguments, made, chosen.notes)
    return 0


def _check_use(arguments: Namespace) -> None:
    """Refuse arguments that contradict each other, and files nobody can write, before anything is made."""
    given = arguments
    for wrong, text in (
        (
            given.prompt is None and given.plan is None,
            'say what is to be heard, such as "a dog barks on the left", or give --plan FILE.yaml',
        ),
        (given.prompt is not None and given.plan is not None, "the plan says what is to be heard; give no words beside --plan"),
        (given.out is None and not given.show_plan, "--out FILE.wav is missing (or --show-plan, to see the plan alone)"),
        (
            (given.to_direction or given.speed) and not given.from_direction,
            "--to-direction and --speed belong to --from-direction, which says where each sound begins",
        ),
        (given.from_direction and given.plan, "the plan says what is where; leave --from-direction out, or edit the plan"),
        (given.from_direction and given.box, "--box and --from-direction both say where sounds are; give one of the two"),
        (given.box and not given.image_width, "--box needs --image-width, the width of the image in pixels"),
        ((given.image_width or given.image_height) and not given.box, "--image-width and --image-height belong to --box"),
        (given.best_of < 1, f"--best-of needs a number of at least 1, got {given.best_of}"),
        (given.listener and not (given.verify or given.best_of > 1), "--listener belongs to --verify"),
    ):
        if wrong:
            raise WrongUse(text)
    _check_inference(arguments)
    if arguments.out and Path(arguments.out).suffix.lower() not in _FORMATS:
        raise FormatError(f"cannot write {arguments.out}: the suffix is none of {', '.join(_FORMATS)}")
    if arguments.plot:
        from auris.plots import check_picture_name

        check_picture_name(arguments.plot)


def _check_inference(arguments: Namespace) -> None:
    by_endpoint = _is_address(arguments.infer)
    if arguments.infer != "grammar" and (arguments.plan or arguments.from_direction):
        raise WrongUse("with --plan or --from-direction nothing is left to infer; leave --infer out")
    if by_endpoint and not arguments.infer_model:
        raise WrongUse("an endpoint has several models; name one with --infer-model")
    if arguments.infer_model and not by_endpoint:
        raise WrongUse("--infer-model names the model at an endpoint; give its address with --infer https://host/v1")


def _is_address(text: str) -> bool:
    return text.startswith(("http://", "https://"))


def _plan(arguments: Namespace, engine: Engine) -> Plan:
    """Return what is to be heard, by what the arguments say."""
    from auris.generation.boxes import Box, placed_by_boxes
    from auris.generation.generating import planned
    from auris.generation.plan import plan_with, read_plan

    if arguments.plan:
        plan = read_plan(arguments.plan)
    elif arguments.from_direction:
        plan = plan_with(
            arguments.prompt,
            from_direction=arguments.from_direction,
            to_direction=arguments.to_direction,
            speed=arguments.speed,
            seconds=engine.usual,
            labels=engine.labels or (),
        )
    else:
        plan = planned(arguments.prompt, engine, seconds=arguments.seconds, infer=_inducer(arguments))
    if arguments.box:
        boxes = [Box.parse(text) for text in arguments.box]
        plan = placed_by_boxes(plan, boxes, width=arguments.image_width, height=arguments.image_height)
    return planned(plan, engine, seconds=arguments.seconds)


def _inducer(arguments: Namespace) -> Inducer | None:
    """Who reads the words."""
    if arguments.infer == "grammar":
        return None
    from auris.generation.induction import EndpointInducer, LocalInducer

    if not _is_address(arguments.infer):
        return LocalInducer.loaded(arguments.infer, timeout=arguments.timeout)
    return EndpointInducer(
        arguments.infer, model=arguments.infer_model, key_variable=arguments.key_variable, timeout=arguments.timeout
    )


def _show_plan(plan: Plan, *, json: bool) -> None:
    if json:
        print_json(plan.to_dict())
        return
    for text in plan.assumed:
        message(f"not said, so taken: {text}")
    print(plan.to_yaml(), end="")


def _made(arguments: Namespace, plan: Plan, engine: Engine) -> Generated:
    from auris.generation import generate

    with _progress() as report:
        return generate(
            plan,
            model=engine,
            seed=arguments.seed,
            steps=arguments.steps,
            guidance=arguments.guidance,
            guidance_position=arguments.guidance_position,
            device=arguments.device,
            verify=arguments.verify,
            best_of=arguments.best_of,
            listener=arguments.listener,
            report=report,
        )


@contextmanager
def _progress() -> Iterator[Report]:
    """Yield what shows how far the work is: a bar at a time."""
    with progress_bar() as progress:
        shown: dict[str, Any] = {}

        def report(doing: str, done: int, total: int) -> None:
            if doing not in shown:
                for task in shown.values():
                    progress.update(task, visible=False)
                shown[doing] = progress.add_task(doing, total=total)
            progress.update(shown[doing], completed=done)

        yield report


def _write(arguments: Namespace, made: Generated) -> None:
    """Write what is asked for, and tell what was written."""
    from auris.io.audio_files import write_audio
    from auris.io.scene_files import write_scene

    write_audio(arguments.out, made.audio)
    audio = made.audio
    message(f"wrote {arguments.out}: {audio.layout.name}, {audio.duration:.1f} s, by {made.model}, seed {made.seed}")
    if arguments.scene:
        write_scene(arguments.scene, made.scene)
    if arguments.plot:
        from auris import plots

        heard = None if made.verification is None else made.verification.heard
        plots.save_figure(arguments.plot, plots.generated(made.audio, made.scene, heard))
    for path in (arguments.scene, arguments.plot):
        if path:
            message(f"wrote {path}")


# ── what is printed ──────────────────────────────────────────────────────────────────────────────────────────────────


def _report(arguments: Namespace, made: Generated, notes: Sequence[str]) -> None:
    if arguments.json:
        document = made.to_dict()
        print_json({"file": str(arguments.out), **document, "notes": [*notes, *document["notes"]]})
        return
    if made.verification is None:
        print_table("Asked for", *_asked_table(made.plan))
        return
    print_table(f"Asked against heard, score {made.verification.score:.2f}", *heard_table(made))
    for attempt in made.attempts:
        kept = ", kept" if attempt.seed == made.seed else ""
        message(f"seed {attempt.seed}: {attempt.score:.2f}{kept}")
    if made.verification.others:
        message(f"heard besides: {', '.join(made.verification.others)}")
    if made.verification.listener is None:
        message("no listener ships for this layout, so only directions are verified, by time differences")
    if not made.verification.passed:
        message("not everything was heard as it was asked for; try another --seed, or --best-of N")


def _asked_table(plan: Plan) -> tuple[list[str], list[tuple[object, ...]]]:
    from auris.generation.unsaid import completed

    columns = ["sound", "from", "to", "speed", "distance"]
    rows: list[tuple[object, ...]] = []
    for sound in completed(plan.attributes).sounds:
        near = sound.distance if sound.distance == sound.end_distance else f"{sound.distance} → {sound.end_distance}"
        rows.append((sound.description, _named(sound.start), _named(sound.end), sound.speed, near))
    return columns, rows


def heard_table(made: Generated) -> tuple[list[str], list[tuple[object, ...]]]:
    """Return columns and rows of asked against heard; no rows of a clip that was not verified."""
    rows = () if made.verification is None else made.verification.rows
    cells: dict[str, list[object]] = {
        "sound": [row.asked for row in rows],
        "asked for": [_way(_named(row.asked_start), _named(row.asked_end)) for row in rows],
        "by time difference": [_witnessed(row.by_itd) for row in rows],
        "by listener": [_witnessed(row.by_listener) for row in rows],
        "heard as": [_class(row) for row in rows],
        "as asked": ["yes" if row.ok else "no" for row in rows],
    }
    kept = {name: column for name, column in cells.items() if any(cell is not None for cell in column)}
    return list(kept), list(zip(*kept.values(), strict=True))


def _class(row: VerifiedSound) -> str | None:
    if row.confidence:
        return f"{row.heard} ({row.confidence:.2f})"
    return row.heard or (None if row.confidence is None else "nothing")


def _witnessed(witness: Witness | None) -> str | None:
    if witness is None:
        return None
    first, last = ("–" if value is None else f"{value:.1f}" for value in (witness.start, witness.end))
    return _way(first, last)


def _way(first: str, last: str) -> str:
    return first if first == last else f"{first} → {last}"


def _named(direction: float | None) -> str:
    """A direction with its word: ``1 left``, ``2.5``."""
    from auris.data.language.attributes import direction_word

    if direction is None:
        return "–"
    return f"{direction:g} {direction_word(direction)}" if direction == int(direction) else f"{direction:g}"
