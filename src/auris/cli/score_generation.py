"""``auris score generation``: generators on prompts that were drawn, or folders of clips against real ones."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auris.cli.console import LAYOUTS, WrongUse, print_json, print_table, progress_bar
from auris.errors import FormatError, ParameterError

if TYPE_CHECKING:
    from rich.progress import Progress

    from auris.generation.engines import Engine
    from auris.generation.scoring import GenerationScore, JudgedClip
    from auris.metrics.bootstrap import BootstrapInterval
    from auris.models.audio_embedding import AudioEmbedder

HELP = "Generated sound: is it heard from where it was asked for, as what, and how like real recordings."

REAL, PLACED = "recordings, rendered", "place"
_SUFFIXES = (".wav", ".flac", ".ogg")
_COLUMNS = {
    "direction_itd": "ITD",
    "direction_still": "still",
    "direction_moving": "moving",
    "direction_listener": "listener",
    "sound": "class",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    models = parser.add_argument_group("models, on prompts that are drawn")
    models.add_argument("--model", nargs="+", metavar="NAME", help="generators: place, a name or a folder")
    models.add_argument("--prompts", type=int, default=200, metavar="N", help="how many (default: 200)")
    models.add_argument("--seconds", type=float, default=5.0, metavar="S", help="length of a clip (default: 5)")
    models.add_argument("--seed", type=int, default=0, metavar="N", help="of prompts and clips (default: 0)")
    models.add_argument("--sounds", metavar="DIR", help="real recordings, to render for the same prompts and compare with")
    models.add_argument("--folds", type=int, nargs="+", metavar="N", help="use only these folds of them")
    models.add_argument(
        "--controls",
        action="store_true",
        help="also place with the first model's sounds, and the first model's clips against prompts of others",
    )
    models.add_argument("--steps", type=int, metavar="N", help="of the sampler (default: the model's)")
    models.add_argument("--guidance", type=float, metavar="G", help="how strongly clips follow the words")
    models.add_argument("--device", default="auto", metavar="NAME", help="auto, cpu or cuda (default: auto)")
    files = parser.add_argument_group("folders of clips; pairs have the same name")
    files.add_argument("--prediction", metavar="DIR", help="generated clips")
    files.add_argument("--reference", metavar="DIR", help="real ones")
    files.add_argument("--layout", choices=LAYOUTS, metavar="NAME", help="what their channels are, if the files do not say")
    judging = parser.add_argument_group("who judges")
    judging.add_argument("--listener", metavar="NAME|PATH", help="verifies and embeds (default: the one for the layout)")
    judging.add_argument("--clap", metavar="NAME|DIR", help="embed with a CLAP model of Hugging Face instead, prompts as well")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: Namespace) -> int:
    """Run the command."""
    if bool(arguments.model) == bool(arguments.prediction):
        raise WrongUse("give --model to score generators, or --prediction and --reference to compare folders of clips")
    if arguments.prediction and not arguments.reference:
        raise WrongUse("--prediction needs --reference, a folder of real clips")
    scores = _of_folders(arguments) if arguments.prediction else _of_models(arguments)
    if arguments.json:
        print_json({"scores": [score.to_dict() for score in scores]})
    else:
        _print_scores(scores)
    return 0


# ── models ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _of_models(arguments: Namespace) -> list[GenerationScore]:
    from auris.generation.engines import engine_for, with_known_sounds
    from auris.generation.results import Sampling
    from auris.generation.score_prompts import PromptSettings, drawn_plans
    from auris.generation.scoring import SHUFFLED, exchanged, judged, score, written
    from auris.generation.verification import ears_for

    engines: dict[str, Engine] = {name: engine_for(name, device=arguments.device).engine for name in arguments.model}
    first, real = next(iter(engines.values())), _real(arguments, next(iter(engines.values())))
    if arguments.controls and PLACED not in engines:
        engines[PLACED] = engine_for(PLACED, layout=first.layout, device=arguments.device).engine
    labels = _common_classes([*engines.values(), *([] if real is None else [real])])
    settings = PromptSettings(seconds=arguments.seconds)
    plans = drawn_plans(labels, count=arguments.prompts, seed=arguments.seed, settings=settings)
    ears = ears_for(first.layout, listener=arguments.listener, device=arguments.device)
    embedder, sampling = _embedder(arguments, ears.listener), Sampling(arguments.steps, arguments.guidance)
    reference: tuple[JudgedClip, ...] | None = None
    scores = []
    with progress_bar() as bar:
        if real is not None:
            # Other recordings at the same places: what real sounds differ by among themselves is no fault of a generator's.
            clips = written(real, plans, seed=arguments.seed + 1, report=_reporter(bar, "reference"))
            reference = judged(clips, plans, ears=ears, embedder=embedder, report=_reporter(bar, "reference, listening"))
            engines[REAL] = real
        for name, engine in engines.items():
            known = [with_known_sounds(plan, engine.labels) for plan in plans]
            clips = written(engine, known, seed=arguments.seed, sampling=sampling, report=_reporter(bar, name))
            judgements = judged(clips, known, ears=ears, embedder=embedder, report=_reporter(bar, f"{name}, listening"))
            scores.append(score(name, clips, judgements, reference=reference))
            if arguments.controls and engine is first:
                others = exchanged(known, seed=arguments.seed)
                scores.append(score(f"{name}, {SHUFFLED}", clips, judged(clips, others, ears=ears, embedder=embedder)))
    return scores


def _common_classes(engines: Sequence[Engine]) -> tuple[str, ...]:
    """The classes that all engines know, in the order of the first; the syntheses that ship where all take any words."""
    from auris.data.procedural_bank import ProceduralBank

    known = [engine.labels for engine in engines if engine.labels is not None] or [ProceduralBank().labels]
    common = tuple(label for label in known[0] if all(label in labels for labels in known))
    if len(common) < 2:
        raise ParameterError(f"the systems know {len(common)} classes in common, prompts need two; leave one system out")
    return common


def _real(arguments: Namespace, first: Engine) -> Engine | None:
    if arguments.sounds is None:
        return None
    from auris.data.sound_bank import open_bank
    from auris.generation.engines import engine_for

    bank = open_bank(arguments.sounds, folds=arguments.folds)
    return engine_for(PLACED, layout=first.layout, sounds=bank, device=arguments.device).engine


def _embedder(arguments: Namespace, listener: Any) -> AudioEmbedder:
    from auris.models.audio_embedding import ClapEmbedder, ListenerEmbedder
    from auris.models.seld_crnn import SeldCrnn

    if arguments.clap:
        return ClapEmbedder.loaded(arguments.clap)
    if not isinstance(listener, SeldCrnn):
        raise ParameterError("only listeners of the architecture seld_crnn embed; name one with --listener, or use --clap")
    return ListenerEmbedder(listener)


# ── folders ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _of_folders(arguments: Namespace) -> list[GenerationScore]:
    from auris.generation.scoring import WrittenClip, embedded, score
    from auris.io.audio_files import read_audio

    found = {side: _clips_in(getattr(arguments, side)) for side in ("reference", "prediction")}
    common = sorted(found["reference"].keys() & found["prediction"].keys())
    if not common:
        raise FormatError(
            f"{arguments.prediction} and {arguments.reference} hold {len(found['prediction'])} and {len(found['reference'])} "
            "clips, none of the same name; clips are compared in pairs"
        )
    sides: dict[str, list[Any]] = {}
    embedder: AudioEmbedder | None = None
    with progress_bar() as bar:
        for side, files in found.items():
            report = _reporter(bar, side)
            clips = []
            for number, stem in enumerate(common, start=1):
                audio = read_audio(files[stem], layout=arguments.layout)
                embedder = embedder or _embedder(arguments, None if arguments.clap else _listener(arguments, audio.layout))
                clips.append((WrittenClip(audio, 0.0), embedded(audio, embedder)))
                report(number, len(common))
            sides[side] = clips
    written, judgements = zip(*sides["prediction"], strict=True)
    return [score(Path(arguments.prediction).name, written, judgements, reference=[judged for _, judged in sides["reference"]])]


def _clips_in(folder: str) -> dict[str, Path]:
    root = Path(folder)
    if not root.is_dir():
        raise FormatError(f"{root}: no such folder")
    return {path.stem: path for path in sorted(root.rglob("*")) if path.suffix.lower() in _SUFFIXES}


def _listener(arguments: Namespace, layout: Any) -> Any:
    from auris.pipelines import listener_for

    return listener_for(layout, model=arguments.listener, device=arguments.device)


# ── the table ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _reporter(bar: Progress, doing: str) -> Callable[[int, int], None]:
    task = bar.add_task(doing, total=None)
    return lambda done, total: bar.update(task, completed=done, total=total)


def _print_scores(scores: Sequence[GenerationScore]) -> None:
    columns = [name for name in _COLUMNS if any(getattr(score, name) is not None for score in scores)]
    numbers = {"frechet": "FD", "divergence": "KL", "inception": "IS", "likeness": "CLAP"}
    also = [name for name in numbers if any(getattr(score, name) is not None for score in scores)]
    head = ["system", "clips", *(_COLUMNS[name] for name in columns), *(numbers[name] for name in also)]
    timed = any(score.realtime for score in scores)
    rows = [
        [score.name, _clips(score), *(_percent(getattr(score, name)) for name in columns), *_numbers(score, also)]
        + (["–" if score.realtime is None else f"{score.realtime:.1f}"] if timed else [])
        for score in scores
    ]
    print_table(
        "Generated sound: directions that are right by ITD and by the listener, classes heard (%)",
        [*head, *(["x real"] if timed else [])],
        rows,
    )


def _clips(score: GenerationScore) -> str:
    return f"{score.clips}" + (f" ({score.silent} silent)" if score.silent else "")


def _percent(value: BootstrapInterval | float | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{100 * value:.1f}"
    return f"{100 * value.value:.1f} ({100 * value.low:.0f}–{100 * value.high:.0f})"


def _numbers(score: GenerationScore, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        value = getattr(score, name)
        yield "–" if value is None else f"{value:.3g}"
