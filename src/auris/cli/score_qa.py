"""``auris score qa``: answers to questions about what sounds where, of files or of models on a made set."""

from __future__ import annotations

import math
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from auris.cli.ask import PRECISIONS
from auris.cli.console import WrongUse, class_list, print_json, print_table

if TYPE_CHECKING:
    from auris.io.qa_predictions import QaPrediction
    from auris.metrics.question_answering.label_matching import LabelSimilarity
    from auris.metrics.question_answering.scores import QaEvaluation, QaScore

HELP = "Questions about what sounds where, as BAT is scored: detection (mAP), direction, distance (DER), yes and no."

# What the published table holds, in its order, and the reasoning that it leaves out.
_PUBLISHED = {
    "A_map": "A  detection: mAP %",
    "B_direction": "B  direction: all three words %",
    "B_der": "B  distance: DER %",
    "C_map": "C  detection by place: mAP %",
    "D_direction": "D  direction of one of two %",
    "D_der": "D  distance of one of two: DER %",
    "E_direction": "E  yes/no, direction %",
    "E_distance": "E  yes/no, distance %",
    "E_yes_no": "E  yes/no, mean of both %",
    "E_nonbinary_direction": "E  which side %",
    "E_nonbinary_source": "E  which sound %",
    "E_nonbinary_der": "E  distance between two: DER %",
}
_AXES = {"left_right": "left or right", "front_behind": "front or behind", "above_below": "above or below"}
_IN_DETAIL = {
    **{f"{group}_f1": f"{group}  labels by name: F1 %" for group in "AC"},
    **{f"{group}_f1_by_meaning": f"{group}  labels by meaning: F1 %" for group in "AC"},
    **{f"{group}_{axis}": f"{group}  {words} %" for group in "BD" for axis, words in _AXES.items()},
    **{f"{group}_distance_error": f"{group}  distance error m" for group in "BD"},
    **{f"E_direction_{axis}": f"E  yes/no, {words} %" for axis, words in _AXES.items()},
    "E_nonbinary_distance_error": "E  distance between two: error m",
    **{f"{group}_unreadable": f"{group}  unreadable answers %" for group in "ABCDE"},
}


class _Row(NamedTuple):
    """Some answers: a column of the table."""

    name: str
    kind: str
    evaluation: QaEvaluation


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    models = parser.add_argument_group(
        "models on a made set (auris data make spatial-sound-qa, with recordings), or on what a recipe holds out"
    )
    models.add_argument("--model", nargs="+", metavar="NAME", help="models that answer, or 'symbolic': a listener and rules")
    models.add_argument("--questions", metavar="PATH", help="SET/rendered/questions/SPLIT, or one file of questions")
    models.add_argument("--audio", metavar="DIR", help="SET/rendered/LAYOUT/SPLIT")
    models.add_argument("--recipe", metavar="FILE", help="recipe of the first model: its held-out recordings and rooms")
    models.add_argument(
        "--wording",
        choices=("both", "training", "held_out"),
        default="both",
        help="of the recipe's questions: in sentences that training used, or never met (default: each in every other scene)",
    )
    models.add_argument(
        "--controls",
        action="store_true",
        help="also the same questions with recordings shuffled, with silence, and the symbolic answerer",
    )
    models.add_argument("--limit", type=int, metavar="N", help="ask N questions of each type only, drawn at random")
    models.add_argument("--listener", metavar="NAME", help="who listens for the symbolic answerer (default: the shipped one)")
    models.add_argument("--layout", metavar="L", help="what he hears (default: as the models do, or binaural)")
    models.add_argument("--device", default="auto", metavar="NAME", help="auto, cpu or cuda (default: auto)")
    models.add_argument("--precision", choices=PRECISIONS, help="of a language model's weights")
    models.add_argument("--batch", type=int, default=8, metavar="N", help="questions at a time (default: 8)")
    models.add_argument("--seed", type=int, default=0, metavar="N", help="of shuffling, drawing and intervals (default: 0)")
    models.add_argument("--out", metavar="DIR", help="keep the answers in DIR/NAME.jsonl; a run that stopped goes on there")
    files = parser.add_argument_group("answers of any program, as files (auris.io.qa_predictions says what is in them)")
    files.add_argument("--prediction", nargs="+", metavar="FILE", help=".jsonl, or decode logs …_pred; a column for each")
    files.add_argument(
        "--reference", metavar="FILE", help="questions (.json, .jsonl) or …_gt, where FILE does not hold the truth"
    )
    matching = parser.add_argument_group("how answers are matched with classes (default: names and synonyms, offline)")
    matching.add_argument("--classes", metavar="NAME|FILE", help="all classes, in their order (default: those of the truth)")
    matching.add_argument("--embeddings", metavar="DIR|URL", help="a sentence model, or an OpenAI-compatible service")
    matching.add_argument("--embedding-model", metavar="NAME", help="of a service (default: text-embedding-ada-002)")
    matching.add_argument("--key-variable", default="OPENAI_API_KEY", metavar="NAME", help="environment variable with its key")
    matching.add_argument("--class-embeddings", metavar="FILE", help="audioset_class_embeds.npy; --classes says its order")
    matching.add_argument("--embedding-cache", metavar="FILE", help=".npz in which embeddings are kept")
    parser.add_argument("--resamplings", type=int, default=1000, metavar="N", help="of 95 %% intervals; 0 for none (1000)")
    parser.add_argument("--worst", type=int, metavar="N", help="also report the N worst errors of each type of question")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: Namespace) -> int:
    """Run the command."""
    _check(arguments)
    classes, similarity = class_list(arguments.classes), _similarity(arguments)
    if arguments.model:
        from auris.cli.score_qa_models import answered_by_models

        answers = answered_by_models(arguments)
    else:
        answers = _of_files(arguments)
    rows = _evaluated(arguments, answers, classes=classes, similarity=similarity)
    if arguments.json:
        print_json(_document(rows, arguments.worst))
        return 0
    _print_scores(rows)
    if arguments.worst:
        _print_worst(rows, arguments.worst)
    return 0


def _check(arguments: Namespace) -> None:
    """Refuse what does not go together before anything is read."""
    if bool(arguments.model) == bool(arguments.prediction):
        raise WrongUse(
            "give --model with --questions and --audio, or with --recipe, to ask models, or --prediction to score answers"
        )
    wanted = ("questions", "audio") if arguments.model and not arguments.recipe else ()
    foreign: tuple[str, ...] = ("reference",)
    if arguments.recipe and arguments.model:
        foreign = ("reference", "questions", "audio")
    elif not arguments.model:
        foreign = ("recipe", "questions", "audio", "limit", "listener", "layout", "precision", "out")
    side = "--model" if arguments.model else "--prediction"
    for name in wanted:
        if getattr(arguments, name) is None:
            raise WrongUse(f"{side} needs --{name}")
    for name in foreign:
        if getattr(arguments, name) is not None:
            raise WrongUse(f"--{name} does not go with {side}")
    if arguments.controls and not arguments.model:
        raise WrongUse("--controls asks models again: it goes with --model")
    for name, least in (("batch", 1), ("limit", 1), ("worst", 1), ("resamplings", 0)):
        if (value := getattr(arguments, name)) is not None and value < least:
            raise WrongUse(f"--{name} must be at least {least}, got {value}")
    if arguments.class_embeddings and not (arguments.embeddings and arguments.classes):
        raise WrongUse(
            "--class-embeddings needs --embeddings, which must come from the same model, and --classes for its order"
        )


def _similarity(arguments: Namespace) -> LabelSimilarity | None:
    """How answers are matched with classes; None for names and synonyms."""
    if not arguments.embeddings:
        return None
    from auris.metrics.question_answering.text_embedding import (
        PUBLISHED_MODEL,
        EmbeddingSimilarity,
        EndpointEmbedder,
        RememberingEmbedder,
        SentenceEmbedder,
        TextEmbedder,
        read_class_embeddings,
    )

    source = arguments.embeddings
    embedder: TextEmbedder
    if source.startswith(("http://", "https://")):
        model = arguments.embedding_model or PUBLISHED_MODEL
        embedder = EndpointEmbedder(source, model=model, key_variable=arguments.key_variable)
    else:
        embedder = SentenceEmbedder.loaded(source)
    classes = read_class_embeddings(arguments.class_embeddings) if arguments.class_embeddings else None
    return EmbeddingSimilarity(RememberingEmbedder(embedder, file=arguments.embedding_cache), class_embeddings=classes)


def _of_files(arguments: Namespace) -> dict[str, tuple[str, tuple[QaPrediction, ...]]]:
    """Answers that were written before, by the name of their column."""
    from auris.io.qa_predictions import read_predictions

    files = list(dict.fromkeys(arguments.prediction))
    short = [Path(file).stem.removesuffix("_pred") for file in files]
    names = [name if short.count(name) == 1 else file for name, file in zip(short, files, strict=True)]
    return {
        name: ("file", read_predictions(file, reference=arguments.reference)) for name, file in zip(names, files, strict=True)
    }


def _evaluated(
    arguments: Namespace,
    answers: dict[str, tuple[str, tuple[QaPrediction, ...]]],
    *,
    classes: Sequence[str] | None,
    similarity: LabelSimilarity | None,
) -> list[_Row]:
    """Score answers, and beside them those of nobody."""
    from auris.metrics.question_answering.chance import MAJORITY, RANDOM, majority_answers, random_answers
    from auris.metrics.question_answering.scores import evaluate_answers

    first = next(iter(answers.values()))[1]
    chance = {
        MAJORITY: ("chance", majority_answers(first)),
        RANDOM: ("chance", random_answers(first, seed=arguments.seed)),
    }
    return [
        _Row(name, kind, evaluate_answers(
            given, classes=classes, similarity=similarity, resamplings=arguments.resamplings, seed=arguments.seed))
        for name, (kind, given) in (answers | chance).items()
    ]  # fmt: skip


def _document(rows: Sequence[_Row], most: int | None) -> dict[str, Any]:
    from auris.metrics.question_answering.worst_errors import worst_errors

    first = rows[0].evaluation
    document: dict[str, Any] = {
        "questions": len(first),
        "classes": list(first.classes),
        "similarity": first.similarity.name,
        "answers": [],
    }
    for row in rows:
        scores = {
            score.key: {"value": score.value, "low": score.interval.low, "high": score.interval.high, "questions": score.items}
            for score in row.evaluation.scores
        }
        entry = {"name": row.name, "kind": row.kind, "unreadable": row.evaluation.unreadable, "scores": scores}
        if most and row.kind != "chance":
            entry["worst"] = worst_errors(row.evaluation, most=most)
        document["answers"].append(entry)
    return document


def _print_scores(rows: Sequence[_Row]) -> None:
    first = rows[0].evaluation
    found = [{score.key: score for score in row.evaluation.scores} for row in rows]
    known = {score.key: score for scores in reversed(found) for score in scores.values()}
    title = f"{len(first)} questions, {len(first.classes)} classes, matched by {first.similarity.name}"
    title += ", with 95 % intervals" if first.resamplings else ""
    for heading, labels in ((title, _PUBLISHED), ("In detail", _IN_DETAIL)):
        lines = [
            [label, known[key].items, *(_shown(scores.get(key)) for scores in found)]
            for key, label in labels.items()
            if key in known
        ]
        print_table(heading, ["", "questions", *(row.name for row in rows)], lines)


def _shown(score: QaScore | None) -> str:
    """A score with its interval, if there is one; a dash where it is not defined."""
    if score is None or math.isnan(score.value):
        return "–"
    in_metres = score.name.endswith("distance_error")
    scale, digits, coarse = (1, 2, 2) if in_metres else (100, 1, 0)
    text = f"{scale * score.value:.{digits}f}"
    if math.isnan(score.interval.low):
        return text
    return f"{text} ({scale * score.interval.low:.{coarse}f}–{scale * score.interval.high:.{coarse}f})"


def _print_worst(rows: Sequence[_Row], most: int) -> None:
    from auris.metrics.question_answering.worst_errors import worst_errors

    for row in rows:
        if row.kind in ("file", "model"):
            print(f"\nWorst errors of {row.name}\n")
            print(worst_errors(row.evaluation, most=most))
