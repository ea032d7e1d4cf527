"""``auris score spatial-ast``: whole clips with one source, models against each other or answers against the truth."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from auris.cli.console import WrongUse, message, print_json, print_table, progress_bar
from auris.errors import ParameterError

if TYPE_CHECKING:
    from auris.metrics.bootstrap import BootstrapInterval
    from auris.metrics.spatial_ast import ClipEvaluation, ErrorBin
    from auris.training.clip_answers import ClipAnswers, ClipTruth
    from auris.training.spatial_ast_data import ScoredPairs
    from auris.training.spatial_ast_recipe import SpatialAstRecipe

HELP = "Whole binaural clips, as BAT and Spatial-AST are scored: what sounds (mAP), where (ER20, MAE), how far (DER)."

_MIRRORED = {"front_back": "front/back %", "left_right": "left/right %", "up_down": "up/down %"}


class _Scored(NamedTuple):
    """What is to be shown: evaluations by name of the model or file, and the sizes of models."""

    title: str
    evaluations: dict[str, ClipEvaluation]
    parameters: dict[str, int]


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    models = parser.add_argument_group("models on the validation set of a recipe")
    models.add_argument("--model", nargs="+", metavar="NAME", help="shipped models or model folders, a row of the table each")
    models.add_argument(
        "--recipe",
        nargs="+",
        metavar=("FILE", "key=value"),
        help="recipe of the task spatial_ast, and changes to it, e.g. validation.clips=100",
    )
    models.add_argument("--batch", type=int, metavar="N", help="clips heard at a time (default: as the recipe says)")
    models.add_argument("--write", metavar="DIR", help="write DIR/truth.npz and the answers of every model, DIR/NAME.npz")
    files = parser.add_argument_group("answers of any program, as files (auris.training.clip_answers says what is in them)")
    files.add_argument("--reference", metavar="TRUTH.npz", help="what there was to hear")
    files.add_argument("--prediction", nargs="+", metavar="ANSWERS.npz", help="what was heard, a row of the table each")
    parser.add_argument("--plots", metavar="DIR", help="draw errors against distance and T60, azimuths heard, and classes")
    parser.add_argument("--details", action="store_true", help="also print tables by class, distance and T60")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: Namespace) -> int:
    """Run the command."""
    _check(arguments)
    scored = _of_models(arguments) if arguments.model else _of_files(arguments)
    if arguments.plots:
        _draw(Path(arguments.plots), scored.evaluations)
    if arguments.json:
        print_json(_document(scored))
        return 0
    _print_scores(scored)
    if arguments.details:
        _print_details(scored.evaluations)
    return 0


def _check(arguments: Namespace) -> None:
    """Refuse what does not go together before anything is read."""
    if bool(arguments.model) == bool(arguments.prediction):
        raise WrongUse("give --model with --recipe to score models, or --reference with --prediction to score answers")
    wanted, foreign = ("recipe", ("reference",)) if arguments.model else ("reference", ("recipe", "batch", "write"))
    side = "--model" if arguments.model else "--prediction"
    if getattr(arguments, wanted) is None:
        raise WrongUse(f"{side} needs --{wanted}")
    for name in foreign:
        if getattr(arguments, name) is not None:
            raise WrongUse(f"--{name} does not go with {side}")
    if arguments.batch is not None and arguments.batch < 1:
        raise WrongUse(f"--batch must be at least 1, got {arguments.batch}")
    if arguments.plots:
        from auris.plots.figures import new_figure

        new_figure(1, 1)  # fails here where nothing can be drawn, not after an hour of listening


def _of_models(arguments: Namespace) -> _Scored:
    """Let models hear the validation set of a recipe."""
    from auris.training.clip_answers import evaluate, write_answers, write_truth
    from auris.training.recipe import read_recipe
    from auris.training.spatial_ast_recipe import SpatialAstRecipe

    file, *overrides = arguments.recipe
    recipe = read_recipe(file, overrides=overrides)
    if not isinstance(recipe, SpatialAstRecipe):
        raise ParameterError(f"{file} is of the task {recipe.task}; this scores recipes of the task {SpatialAstRecipe.task}")
    models = _loaded(arguments.model, recipe)
    pairs = _opened(recipe)
    truth = replace(pairs.truth, clips=_names_of(pairs))
    answers = _heard(models, pairs, batch=arguments.batch or pairs.batch_size)
    answers = {name: replace(each, clips=truth.clips) for name, each in answers.items()}
    if arguments.write:
        write_truth(Path(arguments.write) / "truth.npz", truth)
        for name, each in answers.items():
            write_answers(Path(arguments.write) / f"{name.replace('/', '_')}.npz", each)
    parameters = {name: sum(p.numel() for p in model.parameters()) for name, model in models.items()}
    return _Scored(_title(recipe.name, truth), {name: evaluate(each, truth) for name, each in answers.items()}, parameters)


def _loaded(given: Iterable[str], recipe: SpatialAstRecipe) -> dict[str, Any]:
    """Models by the name of their row, on a graphics card where there is one; those that cannot hear the clips are refused."""
    import torch

    from auris.models.pretrained import from_pretrained
    from auris.training.clip_scoring import check_listener

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    models = {}
    for name, text in _named(given, _model_name).items():
        models[name] = from_pretrained(text).to(device)
        models[name].name = name
        check_listener(models[name], recipe.labels, seconds=recipe.data.items.clip_seconds)
    return models


def _model_name(text: str) -> str:
    path = Path(text)
    return path.parent.name if path.name == "model" and path.parent.name else path.name


def _named(given: Iterable[str], short: Callable[[str], str]) -> dict[str, str]:
    """Give every text a short name, or itself where two would have the same."""
    texts = list(dict.fromkeys(given))
    names = [short(text) for text in texts]
    return {name if names.count(name) == 1 else text: text for name, text in zip(names, texts, strict=True)}


def _opened(recipe: SpatialAstRecipe) -> ScoredPairs:
    """Open the validation set; responses that are missing are simulated first."""
    from auris.data.reverb_bank import make_reverb_bank
    from auris.training.spatial_ast_data import ScoredPairs

    if recipe.data.banks is not None:
        with progress_bar() as progress:
            task = progress.add_task("simulating rooms", total=None)
            make_reverb_bank(
                recipe.data.banks.validation,
                recipe.data.reverb,
                "eval",
                lambda done, total: progress.update(task, completed=done, total=total),
            )
    return ScoredPairs(recipe)


def _names_of(pairs: ScoredPairs) -> tuple[str, ...]:
    """A name for each pair of clip and response."""
    names = (f"{pairs.clips.name(pair.clip)} at {pairs.responses.entries[pair.response].name}" for pair in pairs.pairs)
    return tuple(f"{number}: {name}" for number, name in enumerate(names))


def _heard(models: Mapping[str, Any], pairs: ScoredPairs, *, batch: int) -> dict[str, ClipAnswers]:
    from torch.utils.data import DataLoader

    from auris.data.spatial_clips.items import collate
    from auris.training.clip_scoring import compared

    loader: Any = DataLoader(pairs, batch, num_workers=pairs.workers, collate_fn=collate)
    with progress_bar() as progress:
        task = progress.add_task("listening", total=len(pairs))
        return compared(
            models,
            loader,
            sample_rate=pairs.settings.sample_rate,
            report=lambda clips: progress.update(task, completed=clips),
        )


def _of_files(arguments: Namespace) -> _Scored:
    """Score answers that were written before."""
    from auris.training.clip_answers import evaluate, read_answers, read_truth

    truth = read_truth(arguments.reference)
    files = _named(arguments.prediction, lambda text: Path(text).stem)
    evaluations = {}
    for name, file in files.items():
        try:
            evaluations[name] = evaluate(read_answers(file), truth)
        except ParameterError as error:
            raise ParameterError(f"{file}: {error}") from None
    return _Scored(_title(Path(arguments.reference).stem, truth), evaluations, {})


def _title(name: str, truth: ClipTruth) -> str:
    return f"{name}: {len(truth)} clips, {len(truth.labels)} classes"


def _draw(folder: Path, evaluations: Mapping[str, ClipEvaluation]) -> None:
    from auris.plots import save_figure
    from auris.plots.clip_scores import class_precisions, errors_against, heard_azimuths

    figures = {
        "errors_by_distance": errors_against(evaluations, "distance"),
        "azimuths": heard_azimuths(evaluations),
        "classes": class_precisions(evaluations),
    }
    if any(evaluation.by_t60() for evaluation in evaluations.values()):
        figures["errors_by_t60"] = errors_against(evaluations, "t60")
    for name, figure in figures.items():
        save_figure(folder / f"{name}.png", figure)
    message(f"drawn: {', '.join(f'{folder / name}.png' for name in figures)}")


def _document(scored: _Scored) -> dict[str, Any]:
    rows = []
    for name, each in scored.evaluations.items():
        sizes = {"parameters": scored.parameters[name]} if scored.parameters else {}
        row: dict[str, Any] = {"name": name, **sizes, **each.values()}
        row["intervals"] = {key: [interval.low, interval.high] for key, interval in each.intervals().items()}
        row["nearer_when_mirrored"] = {plane: mirrored.nearer for plane, mirrored in each.mirrored.items()}
        row["clips_off_the_plane"] = {plane: int(mirrored.counted.sum()) for plane, mirrored in each.mirrored.items()}
        row["by_class"] = each.by_class()
        row["by_distance"] = [asdict(some) for some in each.by_distance()]
        row["by_t60"] = [asdict(some) for some in each.by_t60()]
        rows.append(row)
    first = next(iter(scored.evaluations.values()))
    return {"title": scored.title, "clips": len(first), "labels": list(first.labels), "models": rows}


def _print_scores(scored: _Scored) -> None:
    rows, further = [], []
    for name, each in scored.evaluations.items():
        intervals = each.intervals()
        shown = [_shown(intervals[key], 1 if key == "mae" else 100) for key in ("map", "er20", "mae", "der")]
        sizes = [f"{scored.parameters[name] / 1e6:.2f} M"] if scored.parameters else []
        rows.append([name, *sizes, *shown])
        mirrored = [_shown(intervals[plane], 100) for plane in _MIRRORED]
        further.append([name, *mirrored, _shown(intervals["distance_error"], 1, digits=2)])
    columns = ["model", *(["parameters"] if scored.parameters else ()), "mAP %", "ER20 %", "MAE °", "DER %"]
    print_table(f"{scored.title}, with 95 % intervals", columns, rows)
    print_table(
        "Heard at the mirror image, of the clips off its plane", ["model", *_MIRRORED.values(), "distance error m"], further
    )
    absent = [label for label, present in zip(each.labels, each.present, strict=True) if not present]
    if absent:
        message(
            f"no clip holds {len(absent)} classes, which count 0 in mAP: {', '.join(absent[:5])}{' …' if absent[5:] else ''}"
        )


def _shown(interval: BootstrapInterval, scale: float, *, digits: int = 1) -> str:
    """A score with its interval; a dash where it is not defined."""
    if interval.value != interval.value:
        return "–"
    value, low, high = (f"{scale * number:.{digits}f}" for number in (interval.value, interval.low, interval.high))
    return f"{value} ({low}–{high})"


def _print_details(evaluations: Mapping[str, ClipEvaluation]) -> None:
    names = list(evaluations)
    by_class = [each.by_class() for each in evaluations.values()]
    rows = [[some[0]["label"], some[0]["clips"], *(100 * row["ap"] for row in some)] for some in zip(*by_class, strict=True)]
    print_table("Average precision by class, %", ["class", "clips", *names], rows)
    for title, unit, binned in (
        ("distance", "m", [each.by_distance() for each in evaluations.values()]),
        ("T60", "s", [each.by_t60() for each in evaluations.values()]),
    ):
        table = [
            [f"{some[0].low:g} to {some[0].high:g} {unit}", some[0].clips, *map(_bin, some)]
            for some in zip(*binned, strict=True)
        ]
        print_table(f"MAE °, ER20 %, DER % by {title}", [title, "clips", *names], table, empty="not known")


def _bin(some: ErrorBin) -> str:
    return f"{some.mae.value:.1f}, {100 * some.er20.value:.1f}, {100 * some.der.value:.1f}"
