"""What is remembered of a scene."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from auris.acoustics.engine import ShoeboxEngine
from auris.acoustics.motion import SoundInMotion
from auris.acoustics.receivers import AmbisonicReceiver
from auris.acoustics.shoebox import ShoeboxAcoustics
from auris.data.production.facts import scene_facts
from auris.data.scene_sampler import sample_scene
from auris.data.sound_bank import ProceduralBank
from auris.geometry.trajectories import Static, Turning, Waypoints
from auris.scene import Background, Event, Listener, Room, Scene, Sound, Source

RATE = 16_000


def source(label: str, place: tuple[float, float, float], *spans: tuple[float, float], file: str | None = None) -> Source:
    sound = Sound(file=file) if file else Sound(synthesis="dog")
    return Source(label, Static(place), tuple(Event(a, b, sound) for a, b in spans))


def test_seconds_by_number_of_sources_add_up() -> None:
    sources = (source("a", (1, 0, 0), (0, 2), (5, 6)), source("b", (1, 0, 0), (1, 5)), source("c", (1, 0, 0), (1.5, 2)))
    facts = scene_facts(Scene(10.0, sources), sample_rate=RATE)
    assert facts["overlap"] == [4.0, 5.0, 0.5, 0.5]
    assert scene_facts(Scene(3.0), sample_rate=RATE)["overlap"] == [3.0]
    touching = Scene(2.0, (source("a", (1, 0, 0), (0, 1)), source("b", (1, 0, 0), (1, 2))))
    assert scene_facts(touching, sample_rate=RATE)["overlap"] == [0.0, 2.0]


def test_events_say_where_they_are_as_the_listener_has_them() -> None:
    moving = Source(
        "cat", Waypoints((0.0, 4.0), ((2.0, 0.0, 0.0), (0.0, 2.0, 0.0))), (Event(0.0, 4.0, Sound(synthesis="dog")),)
    )
    scene = Scene(
        4.0, (source("dog", (0, 0, 3), (1, 2), file="dog/a.wav"), moving), Listener(turning=Turning(yaw=(np.pi / 2,)))
    )
    first, second = scene_facts(scene, sample_rate=RATE)["events"]
    assert (first["label"], first["source"], first["moving"]) == ("cat", 1, True)
    assert first["azimuth_deg"] == [-90.0, 0.0]
    assert first["distance"] == [2.0, 2.0]
    assert (second["label"], second["file"], second["moving"], second["onset"], second["offset"]) == (
        "dog",
        "dog/a.wav",
        False,
        1,
        2,
    )
    assert second["elevation_deg"] == [90.0, 90.0]
    assert "synthesis" not in second


def test_recordings_are_named_once() -> None:
    scene = Scene(
        4.0, (source("dog", (1, 0, 0), (0, 1), (2, 3), file="dog/b.wav"), source("cat", (1, 0, 0), (0, 1), file="cat/a.wav"))
    )
    assert scene_facts(scene, sample_rate=RATE)["recordings"] == ["cat/a.wav", "dog/b.wav"]


def test_a_free_field_has_no_room() -> None:
    facts = scene_facts(Scene(1.0, (source("a", (1, 0, 0), (0, 1)),)), sample_rate=RATE)
    assert facts["room"] is None
    assert facts["drr_db"] is None


@pytest.mark.parametrize(
    ("directivity", "facing"), [("omni", None), ("cardioid", (3.6, 1.9, 1.17)), ("cardioid", (5.0, 9.0, 1.3))]
)
def test_drr_is_that_of_the_rendered_response(directivity: Any, facing: tuple[float, float, float] | None) -> None:
    room = Room((8.0, 6.0, 3.0), t60=0.6, scattering=1.0)
    speaker = Source("a", Static((5.0, 2.3, 1.3)), (Event(0, 1),), directivity=directivity, facing=facing)
    scene = Scene(1.0, (speaker,), Listener(Static((3.6, 1.9, 1.17))), room)
    facts = scene_facts(scene, sample_rate=RATE)
    acoustics = ShoeboxAcoustics.from_room(room, RATE)
    path = SoundInMotion(speaker, scene.listener, acoustics, 0, 0).paths(emitted=0.0, heard=0.0)
    response = ShoeboxEngine(AmbisonicReceiver(1), RATE).responses(path)[0, 0]
    end = int(1.462 / 343.2 * RATE) + 12
    measured = 10 * np.log10(np.sum(np.square(response[:end])) / np.sum(np.square(response[end:])))
    # The diffuse field is an expectation; the first reflections of one place differ from it.
    assert facts["drr_db"][0] == pytest.approx(measured, abs=1.5)
    assert facts["room"]["t60"] == pytest.approx(0.6, abs=0.1)
    assert facts["room"]["volume"] == 144.0


def test_the_background_says_what_is_compared_with_what() -> None:
    background = Background(diffuse_snr_db=3.0, ambience="hall/a", ambience_snr_db=5.0, ambience_start=1.5, snr_channel="W")
    assert scene_facts(Scene(1.0, background=background), sample_rate=RATE)["background"] == {
        "diffuse_snr_db": 3.0,
        "sensor_snr_db": None,
        "ambience_snr_db": 5.0,
        "snr_channel": "W",
        "ambience": "hall/a",
        "ambience_start": 1.5,
    }


@pytest.mark.parametrize("preset", ["static", "walking-listener", "anechoic"])
def test_facts_are_plain_json(preset: str) -> None:
    facts = scene_facts(sample_scene(preset, ProceduralBank(), 4), sample_rate=RATE)
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    assert sum(facts["overlap"]) == pytest.approx(facts["seconds"], abs=1e-3)
