"""The scores once more, frame by frame and class by class in plain Python, as the text of the rules goes; slow and independent.

Used to test the vectorised counting, and by ``benchmarks/score.py`` to measure how much faster it is.
"""

import math
from collections import defaultdict

import numpy as np
from scipy.optimize import linear_sum_assignment

NAMES = ("right", "mislocated", "missed", "false_alarms", "references", "matched", "angle_sum_deg")
DISTANCES = ("distance_sum", "relative_distance_sum")


def polar_angle(a, b):
    cosine = math.sin(a[1]) * math.sin(b[1]) + math.cos(a[1]) * math.cos(b[1]) * math.cos(a[0] - b[0])
    return math.degrees(math.acos(min(1.0, max(-1.0, cosine))))


def cartesian_angle(a, b):
    here, there = (
        (math.cos(el) * math.cos(az), math.cos(el) * math.sin(az), math.sin(el)) for az, el in ((a[0], a[1]), (b[0], b[1]))
    )
    cosine = sum(p * q for p, q in zip(here, there, strict=True))
    for v in (here, there):
        cosine /= math.sqrt(sum(p * p for p in v) + 1e-10)
    return math.degrees(math.acos(min(1.0, max(-1.0, cosine))))


def by_frame(rows):
    """{frame: {class: [(azimuth, elevation, distance), ...]}} in the order of the rows."""
    table = {}
    columns = (rows.frame, rows.class_index, rows.azimuth, rows.elevation, rows.distance)
    for frame, label, *place in zip(*(column.tolist() for column in columns), strict=True):
        table.setdefault(frame, {}).setdefault(label, []).append(place)
    return table


def pairs_of(here, there, angle):
    """[(reference, prediction, angle)] of the assignment with the smallest total."""
    cost = np.array([[angle(a, b) for b in there] for a in here])
    return [(i, j, cost[i, j]) for i, j in zip(*linear_sum_assignment(cost), strict=True)]


class Tally:
    def __init__(self, classes):
        self.sums = {name: [0.0] * classes for name in (*NAMES, *DISTANCES)}
        self.kinds = [0, 0, 0]

    def add(self, label, **amounts):
        for name, amount in amounts.items():
            self.sums[name][label] += amount

    def close(self, false, missed):
        for kind, amount in enumerate((min(false, missed), max(missed - false, 0), max(false - missed, 0))):
            self.kinds[kind] += amount


def count_frames(reference, prediction, tally, *, angle=polar_angle, limit=20.0, relative=1.0):
    true, said = by_frame(reference), by_frame(prediction)
    for frame in {*true, *said}:
        true_here, said_here = true.get(frame, {}), said.get(frame, {})
        false_here = missed_here = 0
        for label in {*true_here, *said_here}:
            here, there = true_here.get(label, []), said_here.get(label, [])
            found = pairs_of(here, there, angle) if here and there else []
            gaps = [abs(here[i][2] - there[j][2]) for i, j, _ in found]
            shares = [gap / here[i][2] for gap, (i, *_) in zip(gaps, found, strict=True)]
            errors = [error for *_, error in found]
            wrong = sum(error > limit or share > relative for error, share in zip(errors, shares, strict=True))
            surplus, lack = max(len(there) - len(here), 0), max(len(here) - len(there), 0)
            tally.add(label, right=len(found) - wrong, mislocated=wrong, missed=lack, false_alarms=surplus)
            tally.add(label, references=len(here), matched=len(found), angle_sum_deg=sum(errors))
            tally.add(label, distance_sum=sum(gaps), relative_distance_sum=sum(shares))
            false_here += wrong + surplus
            missed_here += lack
        tally.close(false_here, missed_here)


def count_segments(reference, prediction, tally, *, angle=polar_angle, limit=20.0):
    true, said = by_frame(reference), by_frame(prediction)
    for block in {frame // 10 for frame in (*true, *said)}:
        frames, false_here, missed_here = range(10 * block, 10 * block + 10), 0, 0
        true_here, said_here = ([side.get(f, {}) for f in frames] for side in (true, said))
        for label in {label for frame in (*true_here, *said_here) for label in frame}:
            most, heard = (max(len(frame.get(label, [])) for frame in side) for side in (true_here, said_here))
            slots = defaultdict(list)
            for here, there in zip(true_here, said_here, strict=True):
                if label in here and label in there:
                    for i, _, error in pairs_of(here[label], there[label], angle):
                        slots[i].append(error)
            means = [sum(errors) / len(errors) for errors in slots.values()]
            wrong = sum(mean > limit for mean in means)
            false, missed = max(heard - most, 0), max(most - heard, 0)
            if most and heard and not means:
                false, missed = 0, heard
            tally.add(label, right=len(means) - wrong, mislocated=wrong, missed=missed, false_alarms=false)
            tally.add(label, references=most, matched=len(means), angle_sum_deg=sum(means))
            false_here += wrong + false
            missed_here += missed
        tally.close(false_here, missed_here)


def tally_of(references, predictions, classes, year):
    """Count clips {name: labels} by the rules of 2021, 2022, 2023, 2024 or "pseldnets"."""
    tally = Tally(classes)
    for name, reference in references.items():
        if year == 2024:
            count_frames(reference, predictions[name], tally, angle=cartesian_angle)
        else:
            count_segments(reference, predictions[name], tally)
    return tally


def scores_of(tally, year):
    """The official scores of the year, by the names of auris."""
    eps = 2.0**-23 if year == "pseldnets" else 2.0**-52
    classes = [dict(zip(tally.sums, values, strict=True)) for values in zip(*tally.sums.values(), strict=True)]
    error_rate = sum(tally.kinds) / (sum(c["references"] for c in classes) + eps)
    if year == 2021:
        classes = [{name: sum(c[name] for c in classes) for name in tally.sums}]
    rows = [_class_scores(c, year, error_rate, eps) for c in classes]
    if year == "pseldnets":
        rows = [row for row, c in zip(rows, classes, strict=True) if c["matched"]]
    means = {name: _mean([row[name] for row in rows]) for name in rows[0]}
    return means if year == 2024 else {"error_rate": error_rate, **means}


def _class_scores(c, year, error_rate, eps):
    mislocated = c["mislocated"] * (0.5 if year == 2021 else 1.0)
    f = c["right"] / (c["right"] + mislocated + 0.5 * (c["false_alarms"] + c["missed"]) + eps)
    recall = c["matched"] / (c["matched"] + c["missed"] + eps)
    angle = c["angle_sum_deg"] / (c["matched"] + eps) if c["matched"] else math.nan if year == 2024 else 180.0
    if year != 2024:
        seld = _mean([error_rate, 1 - f, angle / 180, 1 - recall])
        return {"f": f, "localisation_error_deg": angle, "localisation_recall": recall, "seld": seld}
    distance, relative = (c[name] / (c["matched"] + eps) if c["matched"] else math.nan for name in DISTANCES)
    return {
        "f": f,
        "localisation_error_deg": angle,
        "distance_error": distance,
        "relative_distance_error": relative,
        "localisation_recall": recall,
        "seld": _mean([1 - f, angle / 180, relative]),
    }


def _mean(values):
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan
