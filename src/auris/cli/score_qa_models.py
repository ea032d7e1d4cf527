"""Models that answer the questions of a made set for ``auris score qa``, and the same with their hearing taken away."""

from __future__ import annotations

import re
from argparse import Namespace
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from auris.cli.console import progress_bar
from auris.errors import ParameterError

if TYPE_CHECKING:
    from auris.channels import ChannelLayout
    from auris.io.qa_predictions import QaPrediction
    from auris.models.answering import Answerer
    from auris.training.qa_items import QaItem

SYMBOLIC = "symbolic"
_SHUFFLED, _SILENT = "audio shuffled", "question only"
_BINAURAL = "binaural"  # what questions of this kind are published about
_LONGEST = 3600.0  # seconds that the symbolic answerer listens to

Answers = dict[str, tuple[str, tuple["QaPrediction", ...]]]


def answered_by_models(arguments: Namespace) -> Answers:
    """Return the answers of every model and control, and of what kind each is, by the name of the column."""
    from auris.training.qa_items import shuffled, silenced

    names = _names(arguments.model)
    items = _some_of_each(_items(arguments, names.values()), arguments.limit, arguments.seed)
    answers: Answers = {}
    layout: ChannelLayout | None = None
    for name, given in names.items():
        answerer = _symbolic(arguments, layout) if given == SYMBOLIC else _loaded(arguments, given)
        layout = answerer.layout
        answers[name] = "model", _answers(arguments, name, given, answerer, items)
        if arguments.controls and given != SYMBOLIC:
            for control, other in ((_SHUFFLED, shuffled(items, seed=arguments.seed)), (_SILENT, silenced(items, answerer))):
                column = control if len(set(names) - {SYMBOLIC}) == 1 else f"{name}, {control}"
                answers[column] = "control", _answers(arguments, column, f"{given}, {control}", answerer, other)
    if arguments.controls and SYMBOLIC not in names:
        answerer = _symbolic(arguments, layout)
        answers[SYMBOLIC] = "model", _answers(arguments, SYMBOLIC, SYMBOLIC, answerer, items)
    return answers


def _items(arguments: Namespace, names: Iterable[str]) -> Sequence[QaItem]:
    """The questions of a made set, or of the held-out scenes of a recipe."""
    from auris.training.qa_items import made_items

    if arguments.recipe is None:
        return made_items(arguments.questions, arguments.audio)
    from auris.models.bat import Bat
    from auris.training.bat_recipe import BatRecipe
    from auris.training.bat_scoring import recipe_items
    from auris.training.recipe import read_recipe

    recipe = read_recipe(arguments.recipe)
    model = next((_loaded(arguments, name) for name in names if name != SYMBOLIC), None)
    if not isinstance(recipe, BatRecipe) or not isinstance(model, Bat):
        raise ParameterError(f"{arguments.recipe}: --recipe is of the task bat, and the first --model is one of it")
    return recipe_items(recipe, model, wording=arguments.wording)


def _some_of_each(items: Sequence[QaItem], limit: int | None, seed: int) -> tuple[QaItem, ...]:
    """At most ``limit`` items of each type, in their order."""
    from auris.seeding import generator

    groups: dict[str, list[int]] = defaultdict(list)
    for index, item in enumerate(items):
        groups[item.question_type].append(index)
    kept: list[int] = []
    for kind, members in groups.items():
        count = len(members) if limit is None else min(limit, len(members))
        kept += generator(seed, "questions", kind).permutation(members)[:count].tolist()
    return tuple(items[index] for index in sorted(kept))


def _names(given: Sequence[str]) -> dict[str, str]:
    """A short name for every model, or itself where two would have the same."""
    texts = list(dict.fromkeys(given))
    short = [
        Path(text).parent.name if Path(text).name == "model" and Path(text).parent.name else Path(text).name for text in texts
    ]
    return {name if short.count(name) == 1 else text: text for name, text in zip(short, texts, strict=True)}


def _loaded(arguments: Namespace, given: str) -> Answerer:
    from auris.asking.answerers import named_answerer

    return named_answerer(given, device=arguments.device, precision=arguments.precision)


def _symbolic(arguments: Namespace, layout: ChannelLayout | None) -> Answerer:
    """A listener for a layout, and the rules that answer from its scenes."""
    from auris.data.language.symbolic import answer_from
    from auris.models.listening import says_distance
    from auris.pipelines import listen, listener_for
    from auris.training.qa_scoring import SceneAnswerer

    listener = listener_for(arguments.layout or layout or _BINAURAL, model=arguments.listener, device=arguments.device)
    distances: Literal["known", "unknown"] = "known" if says_distance(listener) else "unknown"

    def said(scene: Any, question: str) -> str:
        return answer_from(scene, question, labels=listener.labels, distances=distances).text

    return SceneAnswerer(
        lambda audio: listen(audio, model=listener),
        said,
        name=SYMBOLIC,
        layout=listener.layout,
        sample_rate=listener.sample_rate,
        clip_seconds=_LONGEST,
    )


def _answers(
    arguments: Namespace, name: str, given: str, answerer: Answerer, items: Sequence[QaItem]
) -> tuple[QaPrediction, ...]:
    """Ask, with progress on standard error, and keep the answers where that is wanted."""
    from auris.asking.answerers import memory_told
    from auris.training.qa_scoring import answered_questions, answered_to_file

    with progress_bar() as progress, memory_told(given, needed=lambda: _weight_bytes(answerer)):
        task = progress.add_task(f"asking {name}", total=len(items))

        def report(done: int) -> None:
            progress.update(task, completed=done)

        if not arguments.out:
            return tuple(answered_questions(answerer, items, batch=arguments.batch, report=report))
        settings = {"answered_by": given, **{key: getattr(arguments, key) for key in ("seed", "listener", "precision")}}
        file = Path(arguments.out) / (re.sub(r"[^\w.]+", "-", name) + ".jsonl")
        return answered_to_file(file, answerer, items, settings=settings, batch=arguments.batch, report=report)


def _weight_bytes(answerer: Any) -> float:
    parameters = getattr(answerer, "parameters", None)
    return float(sum(each.numel() * each.element_size() for each in parameters())) if callable(parameters) else 0.0
