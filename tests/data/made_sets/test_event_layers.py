"""Layers of events: the seconds of sound and silence, the gaps, the last event."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auris.data.made_sets.event_layers import LayerEvent, LayerRules
from auris.scene import Sound


def layer(rules: LayerRules, low: float, high: float, seed: int) -> list[LayerEvent]:
    def pick(generator: np.random.Generator, /) -> tuple[str, Sound, float]:
        return "dog", Sound(synthesis="dog"), float(generator.uniform(low, high))

    return rules.fill(pick, np.random.default_rng(seed))


@given(st.integers(0, 10_000), st.floats(0.1, 8.0), st.floats(0.1, 12.0))
def test_events_fit_keep_their_gaps_and_begin_on_the_grid(seed: int, low: float, spread: float) -> None:
    events = layer(LayerRules(60.0, 40.0, 1.0, 3.0), low, low + spread, seed)
    assert events
    for event in events:
        assert event.onset * 10 == pytest.approx(round(event.onset * 10), abs=1e-6)
        assert 0 <= event.onset < event.offset <= 60.0
    for first, second in itertools.pairwise(events):
        assert second.onset - first.offset >= 1.0 - 1e-6
    blocks = sum(np.ceil(round(event.seconds * 10, 6)) / 10 for event in events)
    assert blocks <= 40.0 + 1e-6


@given(st.integers(0, 1000))
def test_forty_seconds_are_filled_but_for_a_rest_too_short(seed: int) -> None:
    events = layer(LayerRules(60.0, 40.0, 1.0, 3.0), 4.0, 11.0, seed)
    assert 37.0 - 0.1 * len(events) <= sum(event.seconds for event in events) <= 40.0 + 1e-6


def test_the_last_event_is_cut_where_more_than_the_shortest_rest_remains() -> None:
    events = layer(LayerRules(60.0, 40.0, 1.0, 3.0), 12.0, 12.0, 0)
    assert sorted(event.seconds for event in events) == pytest.approx([4.0, 12.0, 12.0, 12.0])
    events = layer(LayerRules(60.0, 40.0, 1.0, 4.0), 12.0, 12.0, 0)
    assert [event.seconds for event in events] == pytest.approx([12.0, 12.0, 12.0])


def test_the_only_event_is_cut_however_little_is_asked_for() -> None:
    (event,) = layer(LayerRules(5.0, 2.0, 1.0, 3.0), 10.0, 10.0, 0)
    assert event.seconds == pytest.approx(2.0)


def test_short_events_do_not_use_up_more_silence_than_there_is() -> None:
    events = layer(LayerRules(60.0, 40.0, 1.0, 3.0), 0.1, 0.3, 0)
    assert len(events) == 21
    assert events[-1].offset <= 60.0


def test_gaps_are_drawn_over_the_whole_scene() -> None:
    firsts = [layer(LayerRules(60.0, 40.0, 1.0, 3.0), 5.0, 9.0, seed) for seed in range(200)]
    starts = np.array([events[0].onset for events in firsts])
    ends = np.array([60 - events[-1].offset for events in firsts])
    assert starts.min() < 0.3
    assert starts.max() > 6
    assert abs(starts.mean() - ends.mean()) < 1.0
