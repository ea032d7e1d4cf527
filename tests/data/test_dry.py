from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from auris.data.dry import dry_signals, with_sounds
from auris.data.sound_bank import ProceduralBank, SoundBank, open_bank
from auris.dsp.loudness import active_rms, to_decibels
from auris.errors import SceneError
from auris.geometry import Static
from auris.scene import Event, Scene, Sound, Source

RATE = 16_000


def scene(*events: Event, label: str = "speech") -> Scene:
    return Scene(4.0, (Source(label, Static((1.0, 0.0, 0.0)), events), Source("rain", Static((0.0, 1.0, 0.0)), (RAIN,))))


RAIN = Event(0.0, 4.0, Sound(synthesis="rain", seed=1), -40.0)
SPEECH = Event(1.0, 2.5, Sound(synthesis="speech", seed=2), -26.0)


def test_events_sound_exactly_when_they_should_at_their_level() -> None:
    x = dry_signals(scene(SPEECH, replace(SPEECH, onset=3.0, offset=4.0, level_db=-35.0)), ProceduralBank(), RATE)
    assert x.shape == (2, 4 * RATE)
    assert x.dtype == np.float32
    assert np.all(x[0, :RATE] == 0)
    assert np.all(x[0, int(2.5 * RATE) : 3 * RATE] == 0)
    assert to_decibels(active_rms(x[0, RATE : int(2.5 * RATE)], RATE)) == pytest.approx(-26.0, abs=0.01)
    assert to_decibels(active_rms(x[0, 3 * RATE :], RATE)) == pytest.approx(-35.0, abs=0.01)
    assert to_decibels(active_rms(x[1], RATE)) == pytest.approx(-40.0, abs=0.01)


def test_no_level_plays_the_recording_as_it_is(made_sounds: Path) -> None:
    bank = SoundBank(made_sounds)
    sound = bank.pick("speech", np.random.default_rng(0), duration=1.0)
    x = dry_signals(Scene(2.0, (Source("speech", Static((1, 0, 0)), (Event(0.5, 1.5, sound, None),)),)), bank, RATE)
    assert np.array_equal(x[0, RATE // 2 : 3 * RATE // 2], bank.excerpt(sound, sample_rate=RATE, duration=1.0))


def test_fractional_times_round_to_samples() -> None:
    event = replace(SPEECH, onset=0.100_03, offset=1.234_56)
    x = dry_signals(scene(event), ProceduralBank(), RATE)[0]
    first, last = np.flatnonzero(x)[[0, -1]]
    assert first >= round(0.100_03 * RATE)
    assert last < round(1.234_56 * RATE)
    assert abs(first - round(0.100_03 * RATE)) < 1_600


def test_an_empty_scene_has_no_signals() -> None:
    assert dry_signals(Scene(1.0), ProceduralBank(), RATE).shape == (0, RATE)


def test_an_event_shorter_than_a_sample_is_silent() -> None:
    assert not dry_signals(scene(Event(1.0, 1.00001, SPEECH.sound)), ProceduralBank(), RATE)[0].any()


def test_files_and_syntheses_mix(made_sounds: Path) -> None:
    bank = open_bank(made_sounds)
    sound = bank.pick("dog", np.random.default_rng(0), duration=1.0)
    x = dry_signals(scene(Event(0, 1.0, sound), label="dog"), bank, RATE)
    assert x[0].any()
    assert x[1].any()


def test_errors_name_source_and_event(made_sounds: Path) -> None:
    with pytest.raises(SceneError, match=r"source 'speech', event at 1 s: dog/none\.wav: no such file"):
        dry_signals(scene(replace(SPEECH, sound=Sound("dog/none.wav"))), open_bank(made_sounds), RATE)
    with pytest.raises(SceneError, match="with_sounds"):
        dry_signals(scene(replace(SPEECH, sound=None)), ProceduralBank(), RATE)


def test_a_heard_scene_gets_sounds_of_its_classes() -> None:
    heard = scene(Event(0.5, 2.0, confidence=0.9), replace(SPEECH, onset=2.5, offset=3.0))
    filled = with_sounds(heard, ProceduralBank(), seed=3)
    assert filled == with_sounds(heard, ProceduralBank(), seed=3) != with_sounds(heard, ProceduralBank(), seed=4)
    first, second = filled.sources[0].events
    assert first.sound is not None
    assert first.sound.synthesis == "speech"
    assert (first.onset, first.offset, first.confidence) == (0.5, 2.0, 0.9)
    assert second == heard.sources[0].events[1]
    assert dry_signals(filled, ProceduralBank(), RATE)[0].any()
    with pytest.raises(SceneError, match="did you mean 'speech'"):
        with_sounds(scene(Event(0, 1), label="speeches"), ProceduralBank(), seed=0)
