from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auris.errors import ParameterError
from auris.geometry import Orbit, Static, Waypoints, angle_between, unit_vector
from auris.metrics.seld import score_scenes
from auris.models.accdoa import encode_scene
from auris.models.detections import UNKNOWN_DISTANCE, DetectionSettings, class_thresholds, scene_of
from auris.scene import Event, Scene, Source

LABELS = ("dog", "rain", "speech")


def outputs_of(scene: Scene, frames: int, activity: float = 0.9) -> np.ndarray:
    """What a perfect network says: every track points at an event, events duplicated."""
    targets = encode_scene(scene, LABELS, frames=frames, frame_seconds=0.1)
    out = np.zeros((frames, 3, len(LABELS), 4), dtype=np.float32)
    for frame, label in zip(*np.nonzero(targets[:, 0, :, 0]), strict=True):
        events = int(targets[frame, :, label, 0].sum())
        for track in range(3):
            _, *place, distance = targets[frame, track % events, label]
            out[frame, track, label] = [*(activity * np.array(place)), distance]
    return out


def heard(scene: Scene, **settings: object) -> Scene:
    frames = math.ceil(scene.duration * 10)
    chosen = DetectionSettings(**settings)  # type: ignore[arg-type]
    return scene_of(outputs_of(scene, frames), LABELS, frame_seconds=0.1, duration=scene.duration, settings=chosen)


def at(azimuth_deg: float, distance: float = 2.0, elevation_deg: float = 0.0) -> tuple[float, float, float]:
    x, y, z = distance * unit_vector(math.radians(azimuth_deg), math.radians(elevation_deg))
    return (float(x), float(y), float(z))


def test_a_resting_source_comes_back_with_onset_place_and_confidence() -> None:
    scene = Scene(4.0, (Source("dog", Static(at(60, 1.5, 20)), (Event(1.0, 2.5),)),))
    (source,) = heard(scene).sources
    (event,) = source.events
    assert (source.label, event.onset, event.offset) == ("dog", pytest.approx(1.0), pytest.approx(2.5))
    assert isinstance(source.path, Static)
    assert np.allclose(source.path.position, at(60, 1.5, 20), atol=1e-3)
    assert event.confidence == pytest.approx(0.9, abs=1e-3)
    assert event.sound is None


def test_a_moving_source_comes_back_as_a_path() -> None:
    orbit = Orbit((2.0, 0.0, 0.3), (0.0, 0.0, 0.3), math.radians(40))
    scene = Scene(4.0, (Source("rain", orbit, (Event(0.0, 4.0),)),))
    (source,) = heard(scene).sources
    assert isinstance(source.path, Waypoints)
    times = np.linspace(0.5, 3.5, 7)
    error = angle_between(source.path.at(times), orbit.at(times))
    assert np.degrees(error).max() < 1.0


def test_two_sounds_of_one_class_are_two_and_stay_apart() -> None:
    path = Waypoints((0.0, 4.0), (at(60), at(-60)), (0.0, 0.0, 0.0))
    other = Waypoints((0.0, 4.0), (at(-100), at(-170)), (0.0, 0.0, 0.0))
    scene = Scene(4.0, (Source("dog", path, (Event(0.5, 3.5),)), Source("dog", other, (Event(1.0, 3.0),))))
    found = heard(scene)
    assert sorted((s.events[0].onset, s.events[0].offset) for s in found.sources) == [(0.5, 3.5), (1.0, 3.0)]
    score = score_scenes(scene, found, LABELS, year=2024, average="macro_present")
    assert score.f > 0.99
    assert score.localisation_error_deg < 2


def test_sounds_of_one_class_side_by_side_are_one() -> None:
    sources = tuple(Source("dog", Static(at(a)), (Event(0.0, 2.0),)) for a in (0.0, 10.0))
    assert len(heard(Scene(2.0, sources)).sources) == 1
    assert len(heard(Scene(2.0, sources), unify_deg=5.0).sources) == 2


def test_short_gaps_are_bridged_and_blips_dropped() -> None:
    scene = Scene(5.0, (Source("dog", Static(at(0)), (Event(0.5, 1.5), Event(1.7, 3.0))),))
    assert [(e.onset, e.offset) for _, e in heard(scene, smoothing=1).events()] == [(0.5, pytest.approx(3.0))]
    blip = Scene(5.0, (Source("dog", Static(at(0)), (Event(2.0, 2.1),)),))
    assert heard(blip, smoothing=1).sources == ()


def test_hysteresis_keeps_a_fading_sound_and_ignores_one_that_never_rises() -> None:
    scene = Scene(3.0, (Source("dog", Static(at(0)), (Event(0.0, 3.0),)),))
    out = outputs_of(scene, 30, activity=1.0)
    out[..., :3] *= np.linspace(0.9, 0.2, 30)[:, None, None, None]
    kept = scene_of(out, LABELS, frame_seconds=0.1, duration=3.0, settings=DetectionSettings(threshold=0.6, release=0.5))
    assert kept.sources[0].events[0].offset == pytest.approx(2.5, abs=0.11)
    out[..., :3] *= 0.6
    assert scene_of(out, LABELS, frame_seconds=0.1, duration=3.0, settings=DetectionSettings(threshold=0.6)).sources == ()


def test_thresholds_may_differ_by_class() -> None:
    sources = tuple(Source(label, Static(at(i * 90)), (Event(0.0, 2.0),)) for i, label in enumerate(LABELS))
    assert heard(Scene(2.0, sources), threshold=(0.5, 0.95, 0.5)).labels == ("dog", "speech")


def test_events_end_with_the_recording() -> None:
    scene = Scene(1.27, (Source("dog", Static(at(0)), (Event(0.0, 1.27),)),))
    assert heard(scene).sources[0].events[0].offset == pytest.approx(1.27)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), level=st.floats(0.05, 1.0))
def test_any_output_makes_a_valid_scene(seed: int, level: float) -> None:
    out = np.random.default_rng(seed).uniform(-level, level, (25, 3, 3, 4)).astype(np.float32)
    out[..., 3] = np.abs(out[..., 3]) + 0.1
    scene = scene_of(out, LABELS, frame_seconds=0.1, duration=2.5, settings=DetectionSettings(threshold=0.3))
    assert Scene.from_dict(scene.to_dict()) == scene
    assert all(0 <= e.confidence <= 1 for _, e in scene.events() if e.confidence is not None)


@pytest.mark.parametrize("bad", [{"threshold": 0.0}, {"threshold": (0.5, 1.2)}, {"smoothing": 4}, {"release": 0.0}])
def test_impossible_settings_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        DetectionSettings(**bad)  # type: ignore[arg-type]


def test_a_distance_that_is_not_known_is_one_metre_in_a_scene() -> None:
    scene = Scene(2.0, (Source("dog", Static(at(60, 3.0)), (Event(0.5, 1.5),)),))
    out = outputs_of(scene, 20)
    out[..., 3] = np.nan
    (source,) = scene_of(out, LABELS, frame_seconds=0.1, duration=2.0).sources
    assert np.allclose(source.path.at(1.0), at(60, UNKNOWN_DISTANCE), atol=1e-3)
    assert UNKNOWN_DISTANCE == 1.0


def test_thresholds_are_changed_for_all_classes_for_each_or_by_name() -> None:
    usual = DetectionSettings(threshold=0.4)

    def changed(threshold: object) -> list[float]:
        return class_thresholds(threshold, LABELS, settings=usual).thresholds(3).tolist()  # type: ignore[arg-type]

    assert changed(0.7) == [0.7] * 3
    assert changed([0.1, 0.2, 0.3]) == [0.1, 0.2, 0.3]
    assert changed({"rain": 0.9}) == [0.4, 0.9, 0.4]
    with pytest.raises(ParameterError, match="did you mean 'rain'"):
        changed({"rian": 0.9})
    with pytest.raises(ParameterError, match="2 thresholds for 3 classes"):
        changed([0.1, 0.2])
    with pytest.raises(ParameterError, match="between 0 and 1"):
        changed({"rain": 1.9})
