"""SELD scores side by side with scoring frame by frame in plain Python: speed, and that both give the same numbers.

    python -m benchmarks.score            # about two minutes on a quiet machine; writes results/score.{md,json}
    python -m benchmarks.score --quick    # 20 recordings, prints only

The other side is ``tests/metrics/seld_by_hand.py``, which follows the text of the rules with loops over recordings, frames (or
seconds) and the classes that occur in them, and an assignment by scipy wherever a class has events on both sides. Both start
from the same labels of 100 recordings of one minute, in one process and alternating order; the clock is processor time.
"""

from __future__ import annotations

import csv
import math
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "metrics"))  # the plain Python side serves the tests too

import numpy as np
import scipy
from seld_by_hand import scores_of, tally_of

from auris.io.dcase import write_dcase
from auris.io.frame_labels import FrameLabels
from auris.metrics.seld import RULES, evaluate_folders, evaluate_labels
from benchmarks.command import run
from benchmarks.machine import machine

Clips = dict[str, FrameLabels]

CLASSES, FRAMES = 13, 600
YEARS = (2021, 2022, 2023, 2024, "pseldnets")


@dataclass(frozen=True)
class Row:
    """One comparison: milliseconds for all recordings, the ratio with its range over repeats, and the largest difference."""

    what: str
    ours_ms: float
    python_ms: float
    ratio: float
    lowest: float
    highest: float
    difference: float


def made_clips(count: int) -> tuple[Clips, Clips]:
    """Return references and what a fair system might hear: a seventh missed, a tenth of another class, 10 degrees off."""
    random = np.random.default_rng(11)
    sides: tuple[Clips, Clips] = ({}, {})
    for index in range(count):
        events = np.sort(random.integers(0, FRAMES - 10, random.integers(12, 20)))
        lasts = np.clip(random.lognormal(3.3, 0.7, len(events)), 3, 200).astype(int)
        frame = np.concatenate([np.arange(a, min(a + n, FRAMES)) for a, n in zip(events, lasts, strict=True)])
        event = np.repeat(np.arange(len(events)), np.minimum(lasts, FRAMES - events))
        order = np.argsort(frame, kind="stable")
        frame, event = frame[order], event[order]
        drift = random.normal(0, 0.2, len(events))[event] * (frame - events[event])
        azimuth = (random.uniform(-180, 180, len(events))[event] + drift + 180) % 360 - 180
        elevation = random.uniform(-35, 35, len(events))[event]
        distance = np.round(random.uniform(0.5, 5, len(events)), 2)[event]
        label = random.integers(0, CLASSES, len(events))[event]
        name = f"mix{index:03d}"
        sides[0][name] = labels(frame, label, event, np.rint(azimuth), np.rint(elevation), distance)
        heard = np.nonzero(random.random(len(frame)) > 1 / 7)[0]
        other = np.where(random.random(len(frame)) < 0.1, random.integers(0, CLASSES, len(frame)), label)
        off = [np.rint(angle + random.normal(0, 10, len(frame))) for angle in (azimuth, elevation)]
        far = np.round(distance * np.exp(random.normal(0, 0.3, len(frame))), 2)
        sides[1][name] = labels(*(column[heard] for column in (frame, other, event, *off, far)))
    return sides


def labels(*columns: Any) -> FrameLabels:
    frame, label, event, azimuth, elevation, distance = columns
    turned, up = np.radians(azimuth), np.radians(elevation)
    return FrameLabels(frame, label, track=event, azimuth=turned, elevation=up, distance=distance)


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def compare(what: str, ours: Callable[[], dict[str, float]], python: Callable[[], dict[str, float]], repeats: int) -> Row:
    """Alternate both; ours is the median of three each time."""
    ours()
    fast, slow, difference = [], [], 0.0
    for _ in range(repeats):
        runs = [seconds(ours) for _ in range(3)]
        spent, theirs = seconds(python)
        fast.append(float(np.median([run[0] for run in runs])))
        slow.append(spent)
        mine = runs[0][1]
        if mine.keys() != theirs.keys():
            raise SystemExit(f"{what}: the scores are {sorted(mine)} and {sorted(theirs)}")
        difference = max(difference, *(abs(mine[name] - theirs[name]) for name in mine))
    if not difference < 1e-6:
        raise SystemExit(f"{what}: the scores differ by {difference:g}")
    ratios = np.divide(slow, fast)
    return Row(
        what,
        1e3 * float(np.median(fast)),
        1e3 * float(np.median(slow)),
        float(np.median(ratios)),
        float(ratios.min()),
        float(ratios.max()),
        difference,
    )


def compare_years(reference: Clips, prediction: Clips, repeats: int) -> list[Row]:
    rows = []
    for year in YEARS:

        def ours(year: int | str = year) -> dict[str, float]:
            return evaluate_labels(reference, prediction, classes=CLASSES, year=year).score().values()

        def python(year: int | str = year) -> dict[str, float]:
            return scores_of(tally_of(reference, prediction, CLASSES, year), year)

        rows.append(compare(f"labels to scores, {RULES[year].name}", ours, python, repeats))
    return rows


def read_by_hand(folder: Path, *, centimetres: bool) -> Clips:
    """Read CSV files of 2024 with the standard library."""
    clips = {}
    for path in sorted(folder.glob("*.csv")):
        with path.open(newline="") as file:
            rows = [[float(cell) for cell in row] for row in csv.reader(file)]
        frame, label, track, azimuth, elevation, distance = zip(*rows, strict=True)
        far = [d / 100 for d in distance] if centimetres else distance
        turned, up = map(math.radians, azimuth), map(math.radians, elevation)
        clips[path.stem] = FrameLabels(frame, label, track=track, azimuth=list(turned), elevation=list(up), distance=far)
    return clips


def compare_files(reference: Clips, prediction: Clips, repeats: int) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        sides = Path(folder) / "reference", Path(folder) / "prediction"
        for name in reference:
            write_dcase(sides[0] / f"{name}.csv", reference[name], year=2024)
            write_dcase(sides[1] / f"{name}.csv", prediction[name], year=2024, content="prediction")

        def python() -> dict[str, float]:
            read = read_by_hand(sides[0], centimetres=True), read_by_hand(sides[1], centimetres=False)
            return scores_of(tally_of(*read, CLASSES, 2024), 2024)

        def ours() -> dict[str, float]:
            return evaluate_folders(*sides, classes=CLASSES, year=2024).score().values()

        return compare("CSV files to scores, dcase2024", ours, python, repeats)


def jackknife_ms(reference: Clips, prediction: Clips) -> dict[str, float]:
    """Milliseconds of intervals over recordings, on top of the scores."""
    spent = {}
    for year in YEARS:
        evaluation = evaluate_labels(reference, prediction, classes=CLASSES, year=year)
        evaluation.intervals()
        spent[RULES[year].name] = 1e3 * float(np.median([seconds(evaluation.intervals)[0] for _ in range(5)]))
    return spent


def measure(*, quick: bool) -> dict[str, Any]:
    facts = machine(np, scipy)
    reference, prediction = made_clips(20 if quick else 100)
    repeats = 1 if quick else 5
    rows = [*compare_years(reference, prediction, repeats), compare_files(reference, prediction, repeats)]
    return {
        "machine": facts,
        "recordings": len(reference),
        "rows": [sum(map(len, side.values())) for side in (reference, prediction)],
        "speed": [asdict(row) for row in rows],
        "jackknife_ms": jackknife_ms(reference, prediction),
    }


def as_markdown(results: dict[str, Any]) -> str:
    facts: dict[str, object] = results["machine"]
    lines = ["# SELD scores: auris and plain Python", "", ", ".join(f"{k} {v}" for k, v in facts.items()) + ".", ""]
    lines += [
        f"{results['recordings']} recordings of one minute, {results['rows'][0]} reference and {results['rows'][1]} predicted "
        "rows, one thread, processor time; one run, alternating order; ratio: median over repeats, and its range.",
        "",
        "| what | auris ms | plain Python ms | ratio | range | largest difference |",
        "|---|---|---|---|---|---|",
    ]
    for row in results["speed"]:
        lines.append(
            f"| {row['what']} | {row['ours_ms']:.3g} | {row['python_ms']:.4g} | **{row['ratio']:.0f}** "
            f"| {row['lowest']:.0f} to {row['highest']:.0f} | {row['difference']:.1g} |"
        )
    spent = ", ".join(f"{name} {value:.3g} ms" for name, value in results["jackknife_ms"].items())
    return "\n".join([*lines, "", f"Jackknife intervals of every score on top: {spent}.", ""])


if __name__ == "__main__":
    run("score", about=__doc__, quick="20 recordings, one repeat", measure=measure, as_markdown=as_markdown)
