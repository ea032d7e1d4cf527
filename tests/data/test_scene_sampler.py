import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auris.data.scene_presets import PRESETS, ScenePreset, preset
from auris.data.scene_sampler import sample_scene
from auris.data.sound_bank import ProceduralBank, SoundBank
from auris.data.timeline import Impossible, free_span
from auris.errors import ParameterError, SceneError
from auris.geometry import angle_between, angles
from auris.scene import Scene

BANK = ProceduralBank(["dog", "rain", "speech"])
QUICK = [name for name in PRESETS if name != "minute"]


def overlap(scene: Scene) -> int:
    """Most sources that sound at once."""
    edges = sorted((t, d) for _, e in scene.events() for t, d in ((e.onset + 1e-9, 1), (e.offset - 1e-9, -1)))
    return int(max(np.cumsum([d for _, d in edges]), default=0))


def check(scene: Scene, ranges: ScenePreset) -> None:
    """Assert that a scene keeps every promise of its preset."""
    times = np.linspace(0, ranges.duration, 301)
    assert scene.duration == ranges.duration
    assert ranges.sources[0] <= len(scene.sources) <= ranges.sources[1]
    assert overlap(scene) <= ranges.max_overlap
    ears = scene.listener.path.at(times)
    places = [ears] + [s.path.at(times) for s in scene.sources]
    if scene.room is None:
        assert ranges.t60 is None
    else:
        walls = np.asarray(scene.room.dimensions)
        for place in places:
            assert np.all(place >= ranges.wall_margin - 1e-6)
            assert np.all(place <= walls - ranges.wall_margin + 1e-6)
        assert ranges.t60 is not None
        assert isinstance(scene.room.t60, float)
        assert ranges.t60[0] <= scene.room.t60 <= ranges.t60[1]
    for source in scene.sources:
        _, elevation, distance = angles(source.path.at(times) - ears)
        assert np.all(distance >= ranges.distance[0] * 0.99)
        assert np.all(distance <= ranges.distance[1] + 1e-5)
        assert np.all(np.degrees(elevation) >= ranges.elevation_deg[0] - 0.5)
        assert np.all(np.degrees(elevation) <= ranges.elevation_deg[1] + 0.5)
        if source.path.moves:
            offsets = source.path.at(times) - ears
            speed = np.degrees(angle_between(offsets[1:], offsets[:-1])) / np.diff(times)
            assert speed.max() <= ranges.angular_speed_deg[1] * 1.15
        for event in source.events:
            assert event.duration <= ranges.event_duration[1] + 1e-9
            assert event.level_db is not None
            assert ranges.level_db[0] - 0.01 <= event.level_db <= ranges.level_db[1] + 0.01


@pytest.mark.parametrize("name", QUICK)
def test_presets_keep_their_promises(name: str) -> None:
    for seed in range(8):
        scene = sample_scene(name, BANK, seed)
        check(scene, PRESETS[name])
        assert Scene.from_dict(json.loads(json.dumps(scene.to_dict()))) == scene
        assert sample_scene(name, BANK, seed) == scene


def test_a_minute_with_many_events() -> None:
    check(sample_scene("minute", BANK, 0), PRESETS["minute"])


def test_recordings_make_events_no_longer_than_they_last(recordings: Path) -> None:
    bank = SoundBank(recordings)
    for seed in range(30):
        for _, event in sample_scene("training", bank, seed).events():
            assert event.sound is not None
            assert event.duration <= bank.clip_length(event.sound) + 1e-6


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    most=st.integers(1, 3),
    overlap_limit=st.integers(1, 3),
    moving=st.sampled_from([0.0, 0.5, 1.0]),
    nearest=st.floats(0.3, 1.0),
    walking=st.booleans(),
    free=st.booleans(),
)
def test_any_sensible_preset_gives_valid_scenes(
    *, seed: int, most: int, overlap_limit: int, moving: float, nearest: float, walking: bool, free: bool
) -> None:
    ranges = ScenePreset(
        duration=6.0,
        sources=(1, most),
        max_overlap=overlap_limit,
        event_duration=(0.3, 1.9),
        events_per_source=(1, 2) if most < 3 else (1, 1),
        moving_probability=moving,
        distance=(nearest, 6.0),
        listener_moving_probability=float(walking),
        listener_turning_deg=(0.0, 50.0),
        t60=None if free else (0.2, 0.9),
        room_length=(5.0, 9.0),
        room_width=(5.0, 8.0),
        angular_speed_deg=(10.0, 90.0),
        speed=(0.3, 0.8),
    )
    scene = sample_scene(ranges, BANK, seed)
    check(scene, ranges)
    assert Scene.from_dict(scene.to_dict()) == scene


def test_seeds_give_different_scenes_that_do_not_shift_each_other() -> None:
    scenes = [sample_scene("static", BANK, seed) for seed in range(6)]
    assert len({s.room for s in scenes}) == 6
    assert len({s.seed for s in scenes}) == 6
    # Another level range leaves room, listener and paths as they were.
    quieter = sample_scene(replace(PRESETS["static"], level_db=(-60.0, -50.0)), BANK, 3)
    assert quieter.room == scenes[3].room
    assert [s.path for s in quieter.sources] == [s.path for s in scenes[3].sources]


def test_draws_cover_their_ranges() -> None:
    ranges = replace(PRESETS["static"], distance=(0.8, 4.0), room_length=(9.0, 12.0), room_width=(9.0, 12.0), sources=(1, 1))
    scenes = [sample_scene(ranges, BANK, seed) for seed in range(200)]
    azimuth, _, distance = angles([s.relative_positions(s.sources[0].path, 0.0)[0] for s in scenes])
    assert np.histogram(azimuth, 4, (-np.pi, np.pi))[0].min() > 30
    assert np.histogram(distance, 4, (0.8, 4.0))[0].min() > 25
    assert {s.sources[0].label for s in scenes} == {"dog", "rain", "speech"}


def test_moving_sources_walk_or_orbit_at_the_speed_asked_for() -> None:
    ranges = replace(PRESETS["moving"], speed=(0.7, 0.7), angular_speed_deg=(20.0, 60.0), motions=("walk",))
    for seed in range(5):
        for source in sample_scene(ranges, BANK, seed).sources:
            times = np.arange(0, 10, 0.01)
            steps = np.linalg.norm(np.diff(source.path.at(times), axis=0), axis=1) / 0.01
            # A step across a corner is shorter; elsewhere the speed is exact.
            assert np.median(steps) == pytest.approx(0.7, rel=1e-6)
            assert steps.max() < 0.7 + 1e-6
    orbiting = replace(ranges, motions=("orbit",), angular_speed_deg=(30.0, 30.0))
    scene = sample_scene(orbiting, BANK, 1)
    for source in scene.sources:
        azimuth = np.unwrap(angles(scene.relative_positions(source.path, np.arange(0, 10, 0.1)))[0])
        assert abs(np.degrees(azimuth[-1] - azimuth[0]) / 9.9) == pytest.approx(30.0, abs=0.1)


def test_the_listener_turns_all_the_way_round() -> None:
    ranges = replace(PRESETS["static"], listener_turning_deg=(100.0, 100.0), duration=10.0)
    turning = sample_scene(ranges, BANK, 0).listener.turning
    vectors = turning.at(np.arange(0, 10, 0.01)).apply([1.0, 0.0, 0.0])
    heading = np.unwrap(np.arctan2(vectors[:, 1], vectors[:, 0]))
    assert abs(np.degrees(heading[-1] - heading[0])) == pytest.approx(999.0, abs=1.0)


def test_sources_keep_apart() -> None:
    ranges = replace(PRESETS["static"], sources=(3, 3), min_separation_deg=50.0, max_overlap=3)
    for seed in range(10):
        scene = sample_scene(ranges, BANK, seed)
        vectors = [scene.relative_positions(s.path, 0.0)[0] for s in scene.sources]
        for i in range(3):
            for j in range(i):
                assert np.degrees(angle_between(vectors[i], vectors[j])) >= 50.0 - 1e-6


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sources": (9, 9), "event_duration": (3.0, 4.0), "max_overlap": 1}, "with at most 1 sounding at once"),
        ({"distance": (50.0, 60.0)}, r"a source finds no place with distance \[50.0, 60.0\] m"),
        ({"wall_margin": 5.0}, "wall_margin of 5 m leaves no space"),
        ({"t60": (0.05, 0.06)}, "t60 of at most 0.06 s needs a smaller room"),
        ({"listener_height": (8.0, 9.0)}, "listener_height"),
        ({"sources": (3, 3), "min_separation_deg": 175.0}, "min_separation_deg 175"),
        ({"moving_probability": 1.0, "motions": ("walk",), "angular_speed_deg": (0.1, 0.2)}, "no walk"),
        (
            {"moving_probability": 1.0, "motions": ("orbit",), "room_width": 1.7, "distance": 2, "angular_speed_deg": 90},
            "no orbit",
        ),
    ],
)
def test_impossible_presets_name_the_constraint(changes: dict[str, object], message: str) -> None:
    with pytest.raises(SceneError, match=f"after 40 tries(.|\n)*{message}"):
        sample_scene(replace(PRESETS["static"], **changes), BANK, 0)  # type: ignore[arg-type]


def test_unknown_names_are_explained() -> None:
    with pytest.raises(ParameterError, match="did you mean 'static'"):
        preset("statik")
    with pytest.raises(ParameterError, match="did you mean 'dog'"):
        sample_scene(replace(PRESETS["static"], labels=("doge",)), BANK, 0)
    with pytest.raises(ParameterError, match="seed"):
        sample_scene("static", BANK, -1)
    with pytest.raises(ParameterError, match="did you mean 'distance'"):
        ScenePreset.from_dict({"distanse": [1, 2]})


@pytest.mark.parametrize("name", PRESETS)
def test_presets_round_trip_through_json(name: str) -> None:
    ranges = PRESETS[name]
    assert ScenePreset.from_dict(json.loads(json.dumps(ranges.to_dict()))) == ranges
    assert preset(ranges) is ranges


@pytest.mark.parametrize(
    "changes",
    [
        {"distance": (2.0, 1.0)},
        {"distance": (0.0, 1.0)},
        {"t60": (0.1, float("nan"))},
        {"sources": (2, 1)},
        {"sources": (1.5, 2)},
        {"max_overlap": 0},
        {"moving_probability": 1.5},
        {"motions": ("fly",)},
        {"motions": ()},
        {"duration": 0},
        {"labels": ()},
        {"labels": "dog"},
        {"elevation_deg": (-100.0, 0.0)},
        {"level_db": "loud"},
    ],
)
def test_impossible_ranges_are_refused_with_their_name(changes: dict[str, object]) -> None:
    with pytest.raises(ParameterError, match=f"preset {next(iter(changes))}"):
        ScenePreset(**changes)  # type: ignore[arg-type]


def test_a_single_number_fixes_a_range() -> None:
    assert ScenePreset.from_dict({"t60": 0.4, "sources": 2}).t60 == (0.4, 0.4)
    assert ScenePreset.from_dict({"sources": 2}).sources == (2, 2)


def crowd(taken: list[tuple[float, float]], moments: np.ndarray) -> np.ndarray:
    """How many intervals hold each moment, but for rounding at their ends."""
    return np.sum([(moments > a + 1e-9) & (moments < b - 1e-9) for a, b in taken] or [np.zeros(moments.shape)], axis=0)


def room_for(length: float, taken: list[tuple[float, float]], most: int, *, duration: float) -> bool:
    """Whether an event fits somewhere: if it does, it also fits at the start, at the end, or against another event."""
    ends = np.asarray([0.0, duration, *(t for span in taken for t in span)])
    onsets = np.concatenate([ends, ends - length])
    onsets = onsets[(onsets >= 0) & (onsets + length <= duration)][:, None]
    # Between two neighbouring ends the crowd is constant; an event meets those stretches that it overlaps.
    steps = np.sort(ends)
    starts, stops = steps[:-1], steps[1:]
    met = (starts < onsets + length - 1e-8) & (stops > onsets + 1e-8) & (stops - starts > 1e-8)
    free = crowd(taken, (starts + stops) / 2) < most
    return bool((free | ~met).all(axis=1).any())


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 9), st.floats(0.01, 3)), max_size=8),
    st.integers(1, 3),
    st.floats(0.1, 10),
    st.integers(0, 99),
)
def test_a_free_span_never_exceeds_the_overlap(events: list[tuple[float, float]], most: int, length: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    taken: list[tuple[float, float]] = []
    for _, wanted in [*events, (0.0, length)]:
        try:
            span = free_span(taken, [], (wanted / 2, wanted), duration=10.0, most=most, rng=rng)
        except Impossible:
            assert not room_for(wanted / 2 + 1e-6, taken, most, duration=10.0)
            continue
        assert 0 <= span[0] < span[1] <= 10
        assert wanted / 2 - 1e-9 <= span[1] - span[0] <= wanted + 1e-9
        taken.append(span)
    edges = np.asarray([t for span in taken for t in span] or [0.0])
    assert crowd(taken, np.concatenate([edges - 1e-7, edges + 1e-7])).max() <= most
