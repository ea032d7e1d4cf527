"""Recordings longer than a model hears at a time."""

import numpy as np
import pytest
import soundfile
from asked_audio import FAR_RAIN, NEAR_DOG, Parrot, heard_scene, noise
from hypothesis import given
from hypothesis import strategies as st

from auris.asking import Conversation, ask
from auris.asking.recordings import Recording, is_silent
from auris.asking.windows import never_together, seconds_heard, spans
from auris.audio import Audio
from auris.errors import FormatError
from auris.io.audio_files import write_audio


@given(st.floats(0.1, 500.0), st.floats(0.5, 30.0))
def test_windows_cover_a_recording_with_half_of_each_in_common(duration, length):
    found = spans(duration, length)
    assert found[0][0] == 0.0
    assert found[-1][1] == pytest.approx(duration)
    if len(found) == 1:
        assert duration <= length
        return
    begins = np.asarray([begin for begin, _ in found])
    assert all(end - begin == pytest.approx(length) for begin, end in found)
    assert np.all(np.diff(begins) > 0)
    assert np.all(np.diff(begins) <= length / 2 + 1e-9)


LONG = heard_scene(35.0, ("dog", NEAR_DOG, 1.0, 2.0), ("dog", NEAR_DOG, 21.5, 24.0), ("rain", FAR_RAIN, 22.0, 34.0))


def long_talk(**options):
    parrot = Parrot(clip_seconds=10.0)
    return parrot, Conversation(noise(35.0, levels=(0.1, 0.5, 0.1, 0.2, 0.1, 0.1, 0.1)), model=parrot, heard=LONG, **options)


def test_a_long_recording_is_answered_window_by_window_with_times():
    parrot, talk = long_talk()
    progress = []
    reply = talk.ask("Describe the party.", report=lambda doing, seconds: progress.append((doing, seconds)))
    assert [(w.begin, w.end) for w in reply.windows] == [(b, b + 10.0) for b in (0.0, 5.0, 10.0, 15.0, 20.0, 25.0)]
    assert all(len(clips) <= 4 for clips, _ in parrot.asked)
    assert all(clip.duration == 10.0 for clips, _ in parrot.asked for clip in clips)
    assert progress == [("answering", 25.0), ("answering", 35.0)]
    assert reply.to_dict()["windows"][1] == {"begin": 5.0, "end": 15.0, "text": reply.windows[1].text}


def test_the_window_in_which_what_is_named_is_heard_longest_answers_the_whole():
    _, talk = long_talk()
    reply = talk.ask("Where is the sound of the dog coming from, and how far away is it?")
    assert reply.text == reply.windows[3].text  # from 15 to 25 s: all of the second bark
    assert reply.why == ("answered from 15 to 25 s: dog is heard there for 2.5 s",)
    both = talk.ask("Is the sound of the dog closer to you than the sound of the rain?")
    assert both.text == both.windows[4].text
    assert "dog and rain are heard there for 2.5 s" in both.why[0]


def test_where_nothing_is_named_the_window_with_most_sound_answers():
    _, talk = long_talk()
    reply = talk.ask("Describe the party.")
    assert reply.why == ("answered from 20 to 30 s: it has the most sound",)
    deaf = Conversation(noise(20.0, levels=(0.1, 0.1, 0.1, 0.3)), model=Parrot(clip_seconds=5.0), heard=heard_scene(20.0))
    assert deaf.ask("Where is the dog?").why == ("answered from 15 to 20 s: it has the most sound",)


def test_what_sounds_in_a_long_recording_is_what_sounds_in_any_window():
    class Listing(Parrot):
        def text(self, clip):
            return "rain" if float(np.abs(clip.samples).max()) < 1 else "dog; rain"

    talk = Conversation(noise(20.0, levels=(0.1, 0.9)), model=Listing(clip_seconds=8.0), heard=heard_scene(20.0))
    assert talk.ask("What sounds can you hear in this recording?").text == "rain; dog"


def test_silent_windows_are_not_asked_about():
    parrot = Parrot(clip_seconds=5.0)
    talk = Conversation(noise(20.0, levels=(0.1, 0.0, 0.0, 0.1)), model=parrot, heard=heard_scene(20.0))
    reply = talk.ask("Describe the party.")
    assert [(w.begin, w.end) for w in reply.windows] == [(0.0, 5.0), (2.5, 7.5), (12.5, 17.5), (15.0, 20.0)]


def test_sounds_never_heard_together_are_compared_by_rules():
    scene = heard_scene(35.0, ("dog", NEAR_DOG, 1.0, 2.0), ("rain", FAR_RAIN, 30.0, 34.0))
    assert never_together(scene, ("dog", "rain"), 35.0, 10.0)
    assert not never_together(LONG, ("dog", "rain"), 35.0, 10.0)
    assert not never_together(scene, ("dog",), 35.0, 10.0)
    assert not never_together(scene, ("dog", "chainsaw"), 35.0, 10.0)
    parrot = Parrot()
    talk = Conversation(noise(35.0), model=parrot, heard=scene)
    reply = talk.ask("Is the sound of the dog closer to you than the sound of the rain?")
    assert (reply.text, reply.model, parrot.asked) == ("Yes", "symbolic", [])
    assert "not heard within 10 s" in reply.why[0]


def test_seconds_of_a_class_in_a_stretch():
    assert seconds_heard(LONG, "dog", (0.0, 35.0)) == pytest.approx(3.5)
    assert seconds_heard(LONG, "Dog", (1.5, 22.0)) == pytest.approx(1.0)
    assert seconds_heard(LONG, "", (20.0, 24.0)) == pytest.approx(4.5)


def test_a_long_file_is_read_window_by_window(tmp_path, monkeypatch):
    from auris.asking import recordings

    write_audio(tmp_path / "long.flac", noise(35.0))
    lengths = []
    read = recordings.read_window
    monkeypatch.setattr(recordings, "read_window", lambda *a, **k: lengths.append(k["samples"]) or read(*a, **k))
    talk = Conversation(tmp_path / "long.flac", model=Parrot(), heard=LONG)
    reply = talk.ask("Where is the sound of the dog coming from, and how far away is it?")
    assert lengths == [160_000] * 7  # the first one finds that there is sound
    assert len(reply.windows) == 6


def test_a_real_listener_chooses_the_window(tmp_path):
    """Nothing but the answerer is made up: a 35 s file with one sound in its last third, heard by the shipped listener."""
    import auris

    rendered = auris.simulate(heard_scene(9.0, ("music", (2.0, 1.0, 0.0), 1.0, 8.0)), sample_rate=24_000).mixture
    hiss = 1e-4 * np.random.default_rng(0).standard_normal((2, 35 * 24_000)).astype(np.float32)
    hiss[:, 24 * 24_000 : 33 * 24_000] += rendered.samples[:, : 9 * 24_000]
    write_audio(tmp_path / "long.wav", Audio(hiss, 24_000, "binaural"))
    told = set()
    reply = ask(tmp_path / "long.wav", "Where is the sound of the music coming from, and how far away is it?",
                model=Parrot(), report=lambda doing, _seconds: told.add(doing))  # fmt: skip
    assert told == {"listening", "answering"}
    assert "music is heard there" in reply.why[0]
    assert reply.text in (reply.windows[-1].text, reply.windows[-2].text)
    late = ask(tmp_path / "long.wav", "When does the music begin?", model="symbolic")
    (source,) = late.scene.sources
    assert source.events[0].onset == pytest.approx(25.0, abs=0.5)
    assert f"{source.events[0].onset:g} s" in late.text


def test_stretches_of_audio_and_of_files_are_the_same(tmp_path):
    sound = noise(3.0)
    write_audio(tmp_path / "a.wav", sound)
    held, filed = (Recording.opened(given, sound.layout) for given in (sound, tmp_path / "a.wav"))
    assert (held.duration, held.sample_rate) == (filed.duration, filed.sample_rate) == (3.0, 16_000)
    np.testing.assert_array_equal(held.between(0.5, 1.25).samples, filed.between(0.5, 1.25).samples)
    assert held.between(2.5, 9.0).duration == filed.between(2.5, 9.0).duration == 0.5


def test_damage_in_a_later_window_is_told(tmp_path):
    samples = np.asarray(noise(20.0).samples.T).copy()
    samples[15 * 16_000] = np.inf
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    talk = Conversation(tmp_path / "a.wav", model=Parrot(), heard=heard_scene(20.0))
    with pytest.raises(FormatError, match="NaN or infinite"):
        talk.ask("Describe the party.")


def test_what_is_silent():
    assert is_silent(Audio(np.zeros((2, 0)), 16_000, "binaural"))
    assert is_silent(Audio(np.full((2, 10), -3e-5, np.float32), 16_000, "binaural"))
    assert not is_silent(Audio(np.full((2, 10), -4e-5, np.float32), 16_000, "binaural"))


@pytest.mark.parametrize("rate", [22_050, 44_100, 48_000])
def test_no_window_is_longer_than_a_model_hears(rate):
    """Parrots refuse clips that are a sample too long."""
    parrot = Parrot(clip_seconds=1.3333)
    sound = Audio(0.1 * np.ones((2, 7 * rate // 2 + 13), np.float32), rate, "binaural")
    assert len(Conversation(sound, model=parrot, heard=heard_scene(3.0)).ask("Describe the party.").windows) == 5
