"""The counting rules once more, frame by frame and class by class, as the text of the rules goes; slow and independent.

Used to test the vectorised counting, and to measure how much faster it is.
"""

import math
from collections import defaultdict

import numpy as np
from scipy.optimize import linear_sum_assignment

NAMES = ("right", "mislocated", "missed", "false_alarms", "references", "matched", "angle_sum_deg")


def angle(a, b):
    cosine = math.sin(a[1]) * math.sin(b[1]) + math.cos(a[1]) * math.cos(b[1]) * math.cos(a[0] - b[0])
    return math.degrees(math.acos(min(1.0, max(-1.0, cosine))))


def by_frame(rows):
    """{frame: {class: [(azimuth, elevation, distance), ...]}} in the order of the rows."""
    table = defaultdict(lambda: defaultdict(list))
    for f, c, *place in zip(rows.frame, rows.class_index, rows.azimuth, rows.elevation, rows.distance, strict=True):
        table[int(f)][int(c)].append(tuple(map(float, place)))
    return table


def pairs_of(here, there):
    cost = np.array([[angle(a, b) for b in there] for a in here])
    return [(i, j, cost[i, j]) for i, j in zip(*linear_sum_assignment(cost), strict=True)]


class Tally:
    def __init__(self, classes):
        self.sums = {name: np.zeros(classes) for name in NAMES}
        self.kinds = np.zeros(3)

    def add(self, label, **amounts):
        for name, amount in amounts.items():
            self.sums[name][label] += amount

    def close(self, false, missed):
        self.kinds += (min(false, missed), max(missed - false, 0), max(false - missed, 0))


def count_frames(reference, prediction, classes, *, limit=20.0, relative=1.0):
    true, said, tally = by_frame(reference), by_frame(prediction), Tally(classes)
    for frame in {*true, *said}:
        false_here = missed_here = 0
        for label in range(classes):
            here, there = true[frame][label], said[frame][label]
            found = pairs_of(here, there) if here and there else []
            wrong = sum(e > limit or abs(here[i][2] - there[j][2]) / here[i][2] > relative for i, j, e in found)
            surplus, lack = max(len(there) - len(here), 0), max(len(here) - len(there), 0)
            tally.add(label, right=len(found) - wrong, mislocated=wrong, missed=lack, false_alarms=surplus)
            tally.add(label, references=len(here), matched=len(found), angle_sum_deg=sum(e for *_, e in found))
            false_here += wrong + surplus
            missed_here += lack
        tally.close(false_here, missed_here)
    return tally


def count_segments(reference, prediction, classes, *, limit=20.0):
    true, said, tally = by_frame(reference), by_frame(prediction), Tally(classes)
    for block in {frame // 10 for frame in (*true, *said)}:
        frames, false_here, missed_here = range(10 * block, 10 * block + 10), 0, 0
        for label in range(classes):
            most = max(len(true[f][label]) for f in frames)
            heard = max(len(said[f][label]) for f in frames)
            slots = defaultdict(list)
            for f in frames:
                if true[f][label] and said[f][label]:
                    for i, _, e in pairs_of(true[f][label], said[f][label]):
                        slots[i].append(e)
            means = [float(np.mean(errors)) for errors in slots.values()]
            wrong = sum(mean > limit for mean in means)
            false, missed = max(heard - most, 0), max(most - heard, 0)
            if most and heard and not means:
                false, missed = 0, heard
            tally.add(label, right=len(means) - wrong, mislocated=wrong, missed=missed, false_alarms=false)
            tally.add(label, references=most, matched=len(means), angle_sum_deg=sum(means))
            false_here += wrong + false
            missed_here += missed
        tally.close(false_here, missed_here)
    return tally
