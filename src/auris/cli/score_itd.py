"""``auris score itd``: interaural time differences of stereo clips against those of others, or against records of BEWO-1M."""

from __future__ import annotations

import math
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from auris.cli.console import WrongUse, message, print_json, print_table, progress_bar
from auris.errors import AurisError, FormatError

if TYPE_CHECKING:
    from auris.audio import Audio
    from auris.io.bewo import BewoRecord
    from auris.metrics.itd import ItdEvaluation, ItdTrack

HELP = "Interaural time differences of stereo clips (Both Ears Wide Open): audio against audio, or against its records."

ESTIMATORS = {"gcc": "GCC-PHAT", "upstream": "the published GCC-PHAT", "stereocrw": "StereoCRW"}
_SUFFIXES = (".wav", ".flac", ".ogg")
_MODEL = "stereocrw-nano"
_TOLD = 10  # clips that are named when they are left out
_NAMES = {
    "frame_mae_ms": "mean error of frames, ms",
    "clip_mean_mae_ms": "mean error of clip means, ms",
    "direction_accuracy": "direction in the right of 5 classes, %",
    "trajectory_correlation": "correlation of tracks that move",
}


class _Sides(NamedTuple):
    """What is compared.

    Attributes:
        reference: by name of the clip: a file, or a record.
        prediction: files.
        missing: clips without a prediction.
        unused: number of predictions without a reference.
    """

    reference: Mapping[str, Path | BewoRecord]
    prediction: Mapping[str, Path]
    missing: tuple[str, ...]
    unused: int


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    against = parser.add_mutually_exclusive_group(required=True)
    against.add_argument("--reference", metavar="DIR", help="folder of clips with the same names as the predictions")
    against.add_argument("--truth", metavar="JSONL", help="records of BEWO-1M that say where sources are: a file, or a folder")
    parser.add_argument("--prediction", required=True, metavar="DIR", help="folder of stereo clips: WAV, FLAC or OGG")
    parser.add_argument(
        "--estimator",
        choices=[*ESTIMATORS],
        default="gcc",
        help="gcc (default): GCC-PHAT with silence left out; upstream: as the published code, with its figure; "
        "stereocrw: a network",
    )
    parser.add_argument(
        "--model",
        metavar="NAME|DIR",
        help=f"network of --estimator stereocrw (default: {_MODEL}); with upstream: the converted public one adds its figures",
    )
    parser.add_argument("--patches", type=int, metavar="N", help="patches a frame of the network; fewer are faster")
    parser.add_argument(
        "--spacing", type=float, default=0.17, metavar="M", help="metres between the microphones (default: 0.17)"
    )
    parser.add_argument(
        "--gate",
        default="40",
        metavar="DB|paper",
        help="leave out frames that are so many decibels below the loudest of their clip (default: 40); "
        "paper: those below -16 dB of full scale",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document, with every clip")


def run(arguments: Namespace) -> int:
    """Run the command."""
    if arguments.estimator == "upstream" and arguments.truth:
        raise WrongUse("--estimator upstream compares audio with audio: give --reference; gcc compares with --truth")
    if arguments.estimator == "gcc" and (arguments.model or arguments.patches):
        raise WrongUse("--model and --patches are of --estimator stereocrw")
    sides = _sides(arguments)
    document = (_published if arguments.estimator == "upstream" else _corrected)(sides, arguments)
    if arguments.json:
        print_json(document)
    return 0


# ── scores of our own ────────────────────────────────────────────────────────────────────────────────────────────────


def _corrected(sides: _Sides, arguments: Namespace) -> dict[str, Any]:
    """Compare frames with frames; print the table unless JSON is asked for."""
    from auris.metrics.itd import evaluate_itd

    estimate = _estimator(arguments)

    def tracks(name: str) -> tuple[ItdTrack, ItdTrack]:
        audio = _read(sides.prediction[name])
        known = sides.reference[name]
        reference = estimate(_read(known)) if isinstance(known, Path) else _truth(known, audio)
        return reference, estimate(audio)

    pairs, left_out = _each(sides, tracks)
    evaluation = evaluate_itd(pairs, spacing=arguments.spacing)
    if not arguments.json:
        heard = _clips(len(pairs) - len(evaluation.silent))
        _print_scores(evaluation, f"ITD by {ESTIMATORS[arguments.estimator]}, {heard}")
        if evaluation.silent:
            message(f"silent, in no score: {_some(evaluation.silent)}")
        message(f"{100 * evaluation.gated_share:.0f} % of the frames are too quiet to compare; {evaluation.movers} clips move")
    return {**_about(sides, arguments, left_out), **evaluation.to_dict()}


def _print_scores(evaluation: ItdEvaluation, title: str) -> None:
    rows = []
    for name, score in evaluation.scores().items():
        scale = 100 if name == "direction_accuracy" else 1
        rows.append([_NAMES[name], *(_number(scale * value) for value in (score.value, score.low, score.high))])
    print_table(title, ["score", "value", "from", "to"], rows)


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.1f}" if abs(value) >= 10 else f"{value:.4f}"


def _estimator(arguments: Namespace) -> Callable[[Audio], ItdTrack]:
    from auris.metrics.itd import framed_track, gcc_phat_itd

    gate = _gate(arguments.gate)
    if arguments.estimator == "gcc":
        return lambda audio: gcc_phat_itd(audio.samples, audio.sample_rate, gate=gate)
    model = _network(arguments.model or _MODEL)
    config = model.config
    patches = arguments.patches or config.patches

    def by_network(audio: Audio) -> ItdTrack:
        return framed_track(
            audio.samples,
            audio.sample_rate,
            lambda frames: model.estimate(frames, patches=patches),
            estimator_rate=config.sample_rate,
            segment=config.patch + (patches - 1) * config.stride,
            gate=gate,
        )

    return by_network


def _gate(text: str) -> Any:
    from auris.metrics.itd import PAPER_GATE, EnergyGate

    if text == "paper":
        return PAPER_GATE
    try:
        return EnergyGate(-abs(float(text)))
    except ValueError:
        raise WrongUse(f"--gate takes decibels above 0, or paper; got {text!r}") from None


def _network(name: str) -> Any:
    from auris.models import describe, from_pretrained

    kind = describe(name)["architecture"]
    if kind != "stereocrw":
        raise WrongUse(f"--model {name} is a {kind}; this needs an estimator of delays (stereocrw)")
    return from_pretrained(name)


def _truth(record: BewoRecord, audio: Audio) -> ItdTrack:
    from auris.metrics.itd import record_itd

    if record.sources > 1:
        raise FormatError(f"its record has {record.sources} sources, which have no common time difference")
    return record_itd(record, duration=audio.duration, sample_rate=audio.sample_rate)


# ── the published scores ─────────────────────────────────────────────────────────────────────────────────────────────


def _published(sides: _Sides, arguments: Namespace) -> dict[str, Any]:
    """Compute what the published code prints; print the table unless JSON is asked for."""
    import numpy as np

    from auris.metrics.itd import upstream_fsad, upstream_itd_ms, upstream_mse
    from auris.metrics.itd.upstream import upstream_segments

    model = _network(arguments.model) if arguments.model else None

    def measured(name: str) -> tuple[Any, ...]:
        known = sides.reference[name]
        assert isinstance(known, Path)
        both = []
        for audio in (_read(known), _read(sides.prediction[name])):
            both.append(upstream_itd_ms(audio.samples, audio.sample_rate))
            if model is not None:
                both.append(model.upstream_features(upstream_segments(audio.samples, audio.sample_rate)))
        return tuple(both)

    found, left_out = _each(sides, measured)
    columns = [np.stack(column) for column in zip(*found.values(), strict=True)]
    scores: dict[str, float | None] = {"upstream_gcc_mse_x1000": upstream_mse(columns[0], columns[len(columns) // 2])}
    if model is not None:
        first, second = columns[1], columns[3]
        scores["upstream_crw_mse_x1000"] = upstream_mse(1e3 * first.mean(axis=-1), 1e3 * second.mean(axis=-1))
        scores["upstream_fsad_x1000"] = upstream_fsad(first, second) if len(found) > 1 else None
    if not arguments.json:
        rows = [[name.replace("_", " "), "–" if value is None else f"{value:.4f}"] for name, value in scores.items()]
        print_table(f"ITD as published, {_clips(len(found))}", ["score", "value"], rows)
        message("1000 x the squared difference of clip means in ms²: silence counts as the far left, and movers as the middle")
    return {**_about(sides, arguments, left_out), "scores": scores, "clips_compared": len(found)}


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _sides(arguments: Namespace) -> _Sides:
    """Pair references and predictions by the names of their files."""
    prediction = _audio_files(Path(arguments.prediction))
    reference: Mapping[str, Path | BewoRecord]
    reference = _records(Path(arguments.truth)) if arguments.truth else _audio_files(Path(arguments.reference))
    missing = tuple(sorted(name for name in reference if name not in prediction))
    if len(missing) == len(reference):
        first = next(iter(reference))
        raise FormatError(
            f"{arguments.prediction}: none of the {len(reference)} clips is there; "
            f"files are paired by their names, such as {first}.wav"
        )
    if missing:
        message(f"without a prediction, in no score: {_some(missing)}")
    return _Sides(reference, prediction, missing, sum(name not in reference for name in prediction))


def _audio_files(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise FormatError(f"{folder}: no such folder")
    found: dict[str, Path] = {}
    for path in sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES):
        if path.stem in found:
            raise FormatError(f"{folder}: {found[path.stem].name} and {path.name} have the same name; keep one of them")
        found[path.stem] = path
    if not found:
        raise FormatError(f"{folder}: holds no audio files ({', '.join(_SUFFIXES)})")
    return found


def _records(path: Path) -> dict[str, BewoRecord]:
    from auris.io.bewo import iterate_annotations

    files = sorted(path.rglob("*.jsonl")) if path.is_dir() else [path]
    # A made set also lists its files in .jsonl.
    files = [file for file in files if "annotation" in file.parent.name.lower()] or files
    records = {record.audio_name: record for file in files for record in iterate_annotations(file)}
    if not records:
        raise FormatError(f"{path}: holds no records of BEWO-1M (.jsonl)")
    return records


def _read(path: Path) -> Audio:
    """Read a clip of two channels, whatever they are said to be."""
    from auris.io.audio_files import probe, read_audio

    header = probe(path)
    if header.channels != 2:
        raise FormatError(f"{path}: {header.channels} channel{'s' * (header.channels > 1)}; a time difference needs two")
    return read_audio(path, layout=header.layout or "stereo")


def _each(sides: _Sides, work: Callable[[str], Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what ``work`` makes of every pair, and why some were left out."""
    done: dict[str, Any] = {}
    left_out: dict[str, str] = {}
    names = [name for name in sides.reference if name in sides.prediction]
    with progress_bar() as progress:
        task = progress.add_task("clips", total=len(names))
        for name in names:
            try:
                done[name] = work(name)
            except AurisError as error:
                left_out[name] = str(error)
            progress.advance(task)
    for name, reason in list(left_out.items())[:_TOLD]:
        message(f"left out: {name}: {reason}")
    if len(left_out) > _TOLD:
        message(f"left out: {len(left_out) - _TOLD} more; --json names all")
    if not done:
        raise FormatError(f"none of the {len(names)} pairs of clips can be compared; the reasons stand above")
    return done, left_out


def _about(sides: _Sides, arguments: Namespace, left_out: Mapping[str, str]) -> dict[str, Any]:
    return {
        "estimator": arguments.estimator,
        "model": arguments.model or (_MODEL if arguments.estimator == "stereocrw" else None),
        "reference": arguments.truth or arguments.reference,
        "prediction": arguments.prediction,
        "missing": list(sides.missing),
        "unused": sides.unused,
        "left_out": dict(left_out),
    }


def _clips(count: int) -> str:
    return f"{count} clip{'s' * (count != 1)}"


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
