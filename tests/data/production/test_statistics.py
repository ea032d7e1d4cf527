"""A set in numbers, from the facts of its items."""

from __future__ import annotations

import numpy as np
import pytest

from auris.data.production.manifest import ManifestItem, StoredFile
from auris.data.production.statistics import SetStatistics, statistics_of

ROOM = {"dimensions": [5, 4, 3], "t60": 0.4, "volume": 60.0}


def event(label: str, onset: float, offset: float, **more: object) -> dict[str, object]:
    place = {"azimuth_deg": [30.0, 90.0], "elevation_deg": [0.0, 10.0], "distance": [2.0, 3.0]}
    return {"label": label, "source": 0, "onset": onset, "offset": offset, "level_db": -20.0, "moving": False, **place, **more}


SCENES = [
    {
        "seconds": 10.0,
        "events": [event("dog", 0, 2, file="dog/a.wav"), event("rain", 1, 9, file="rain/r.wav", moving=True)],
        "room": ROOM,
        "drr_db": [3.0, -2.0],
        "overlap": [1.0, 8.0, 1.0],
        "background": {"diffuse_snr_db": 20.0},
        "text": "a dog barks",
    },
    {
        "seconds": 5.0,
        "events": [
            event("dog", 0, 1, file="dog/a.wav"),
            event("dog", 2, 3, file="dog/b.wav"),
            event("bell", 3, 4, synthesis="bell"),
        ],
        "room": None,
        "overlap": [2.0, 3.0],
        "text": [{"question": "Where?", "answer": "left"}, {"question": "What?", "answer": "dog"}],
    },
]


def statistics(*facts: dict[str, object]) -> SetStatistics:
    files = [
        (StoredFile(f"foa/clip{n}.flac", 100, "0" * 64, "foa.flac"), StoredFile(f"x/{n}.npy", 7, "0" * 64, f"mono.{n}.npy"))
        for n in range(9)
    ]
    return statistics_of(ManifestItem(n, f"clip{n}", files[n], one) for n, one in enumerate(facts))


def test_classes_are_counted_in_events_seconds_and_recordings() -> None:
    found = statistics(*SCENES)
    assert [(s.label, s.events, s.seconds) for s in found.classes] == [("rain", 1, 8.0), ("dog", 3, 4.0), ("bell", 1, 1.0)]
    assert found.recordings == ("dog/a.wav", "dog/b.wav", "rain/r.wav")
    assert (found.items, found.seconds, found.events) == (2, 15.0, 5)


def test_rooms_overlap_noise_and_texts_are_gathered_over_items() -> None:
    found = statistics(*SCENES)
    assert found.overlap.tolist() == [3.0, 11.0, 1.0]
    assert found.t60.tolist() == [0.4]
    assert found.drr_db.tolist() == [3.0, -2.0]
    assert found.snr_db.tolist() == [20.0]
    assert (found.free_field, found.texts) == (1, 3)
    assert found.moving.tolist() == [False, True, False, False, False]


def test_places_are_those_at_the_beginning_of_events() -> None:
    found = statistics(SCENES[0])
    assert found.azimuths_deg.tolist() == [30.0, 30.0]
    assert found.distances.tolist() == [2.0, 2.0]


@pytest.mark.parametrize("facts", [[], [{}], [{"bytes": 3}]])
def test_sets_without_scenes_have_empty_numbers(facts: list[dict[str, object]]) -> None:
    found = statistics(*facts)
    assert found.items == len(facts)
    assert found.classes == ()
    assert all(not len(values) for values in (found.durations, found.t60, found.overlap))
    assert found.moving.dtype == np.bool_


def test_files_are_counted_by_kind_whatever_their_numbers() -> None:
    found = statistics({}, {"split": "test"})
    assert {name: (kind.items, kind.files, kind.bytes, kind.patterns) for name, kind in found.kinds.items()} == {
        "foa.flac": (2, 2, 200, {"foa/clip*.flac"}),
        "mono.*.npy": (2, 2, 14, {"x/*.npy"}),
    }
    assert found.splits == {"test": 1}


def test_quantiles_are_of_what_was_measured() -> None:
    found = statistics(*({"room": {"t60": n / 8}} for n in range(9))).quantiles()
    assert found == {"Reverberation time (s)": pytest.approx((0.05, 0.5, 0.95))}
