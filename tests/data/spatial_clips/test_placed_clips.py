"""Clips at places of a room: what is drawn, and what is heard of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auris.data.spatial_clips.placed_clips import PlacedClips, PlacedClipSettings
from auris.errors import ParameterError
from auris.geometry.frames import FRAMES

RATE, SECONDS = 8000, 0.5
TWO = PlacedClipSettings(sources=(0.3, 0.7), classes=(0.7, 0.3), whole=0.5, response_seconds=0.1)


@pytest.fixture(scope="module")
def drawn_from(request):
    from made_clips import NoiseClips

    rooms = request.getfixturevalue("rooms")
    return lambda chosen: PlacedClips(NoiseClips(), rooms, chosen, sample_rate=RATE, seconds=SECONDS)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_sources_are_at_places_of_one_listener_and_share_no_class(drawn_from, rooms, seed):
    drawn = drawn_from(TWO).draw(np.random.default_rng(seed))
    count = len(drawn.dry)
    assert count in (1, 2)
    assert drawn.dry.shape == (count, round(RATE * SECONDS))
    assert drawn.responses.shape[:2] == (count, 2)
    assert drawn.classes.any(axis=1).all()
    assert drawn.classes.sum(axis=0).max() == 1
    places = [FRAMES["habitat"].to_internal(np.subtract(entry.source, entry.sensor)) for entry in rooms.entries]
    where = [
        {n for n, place in enumerate(places) if np.allclose(np.abs(place), np.abs(position))} for position in drawn.positions
    ]
    assert all(where)
    assert count == 1 or where[0] != where[1]
    assert len({rooms.entries[next(iter(numbers))].scene for numbers in where}) == 1


def test_a_seed_draws_the_same_and_another_does_not(drawn_from):
    one, same, other = (drawn_from(TWO).draw(np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert one.dry.shape != other.dry.shape or not np.array_equal(one.dry, other.dry)


def test_mirrored_places_are_heard_with_exchanged_ears(drawn_from):
    chosen = {"response_seconds": 0.1}
    plain = drawn_from(PlacedClipSettings(mirror=0.0, **chosen)).draw(np.random.default_rng(3))
    mirrored = drawn_from(PlacedClipSettings(mirror=1.0, **chosen)).draw(np.random.default_rng(3))
    assert np.array_equal(plain.responses[:, ::-1], mirrored.responses)
    assert np.array_equal(plain.positions * [1, -1, 1], mirrored.positions)


def test_clips_are_as_loud_as_published_while_they_sound(drawn_from):
    for seed in range(12):
        drawn = drawn_from(TWO).draw(np.random.default_rng(seed))
        for dry, (begin, end) in zip(drawn.dry, drawn.spans, strict=True):
            first, last = round(begin * RATE), round(end * RATE)
            assert not dry[:first].any()
            assert not dry[last:].any()
            level = 20 * math.log10(np.sqrt(np.mean(np.square(dry[first:last], dtype=np.float64))) * len(drawn.dry))
            assert -14 + 20 * math.log10(0.5) < level < -14 + 20 * math.log10(1.5)


def test_what_cannot_be_drawn_is_refused(drawn_from):
    with pytest.raises(ParameterError, match=r"up to 4 sources are heard at once, but .* at most 3 places"):
        drawn_from(PlacedClipSettings(sources=(0, 0, 0, 1)))
    for wrong in ({"sources": ()}, {"classes": (0.0,)}, {"whole": 1.5}, {"lasts": (0.0, 1.0)}, {"second_db": (1.0, 0.0)}):
        with pytest.raises(ParameterError):
            PlacedClipSettings(**wrong)
