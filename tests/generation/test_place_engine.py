"""The engine ``place``: directions exact in every layout, the same again from its scene, deterministic sounds."""

import numpy as np
import pytest

import auris
from auris.channels import array
from auris.generation import generate, plan_with, verify
from auris.generation.place import LEVEL_DB, PEAK_DB
from auris.io.scene_files import read_scene, write_scene
from auris.metrics.itd import direction_of_itd, gcc_phat_itd
from fake_generators import MonoNoisyGenerator

RAIN = {"model": "place", "content": "bank", "seconds": 1.5}


def heard_directions(audio):
    track = gcc_phat_itd(audio.samples, audio.sample_rate)
    return direction_of_itd(track.itd[track.active])


@pytest.mark.parametrize("direction", [1, 2, 3, 3.5, 5])
def test_a_sound_is_where_it_is_asked_for(direction):
    made = generate(plan_with("rain falls", from_direction=direction), **RAIN)
    assert np.abs(heard_directions(made.audio) - direction).max() < 0.15
    assert np.abs(made.audio.samples).max() == pytest.approx(10 ** (PEAK_DB / 20), rel=1e-3)


def test_a_jump_is_a_jump():
    made = generate(plan_with("rain falls", from_direction=1, to_direction=5, speed="instantly"), **RAIN)
    directions = heard_directions(made.audio)
    assert np.abs(directions[:5] - 1).max() < 0.2
    assert np.abs(directions[-5:] - 5).max() < 0.2


@pytest.mark.parametrize("layout", ["mono", "binaural", "foa", array([[0.05, 0, 0], [-0.05, 0, 0], [0, 0.05, 0]])])
def test_every_layout_can_be_written(layout):
    made = generate("rain falls in front", layout=layout, **RAIN)
    assert made.audio.layout == auris.ChannelLayout.parse(layout)
    assert not made.silent


@pytest.mark.parametrize("prompt", ["rain falls on the left", "rain in a small room while a dog barks and runs to the left"])
def test_its_scene_sounds_the_same_again(prompt, tmp_path):
    made = generate(prompt, layout="binaural", seed=7, **RAIN)
    write_scene(tmp_path / "again.yaml", made.scene)
    assert read_scene(tmp_path / "again.yaml") == made.scene
    again = auris.simulate(tmp_path / "again.yaml", layout="binaural", sample_rate=made.audio.sample_rate)
    np.testing.assert_allclose(again.mixture.samples, made.audio.samples, atol=2e-5)


def test_the_same_seed_gives_the_same_clip_and_another_another():
    first, same, other = (generate("rain in a small room", seed=seed, **RAIN) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.audio.samples, same.audio.samples)
    assert first.scene == same.scene
    assert first.scene.sources[0].events[0].sound != other.scene.sources[0].events[0].sound


def test_what_each_source_emits_is_kept():
    made = generate("rain on the left and a dog barks on the right", model=MonoNoisyGenerator(), layout="foa", seconds=1)
    assert [dry.layout.name for dry in made.dry] == ["mono", "mono"]
    level = {source.events[0].level_db for source in made.scene.sources}
    assert len(level) == 1
    (level_db,) = level
    for dry in made.dry:
        rms = np.sqrt(np.mean(np.square(dry.samples)))
        assert 20 * np.log10(rms) == pytest.approx(level_db, abs=0.2)
    assert level_db > LEVEL_DB  # outdoors, sounds are far away, and the clip is raised to its peak
    assert made.scene.sources[0].events[0].sound is None


def test_a_model_that_writes_silence_makes_a_silent_clip():
    made = generate("rain on the left", model=MonoNoisyGenerator(silent=(0,)), layout="foa", seconds=1)
    assert made.silent
    assert not verify(made.audio, made.plan).passed


def test_a_folder_of_recordings_is_a_bank(tmp_path):
    from auris.audio import Audio
    from auris.io.audio_files import write_audio

    noise = 0.1 * np.random.default_rng(0).standard_normal(16_000)
    write_audio(tmp_path / "gong" / "one.wav", Audio(noise, 16_000, "mono"))
    made = generate("a gong on the right", model="place", sounds=tmp_path, seconds=1)
    assert made.scene.sources[0].events[0].sound.file == "gong/one.wav"
    with pytest.raises(auris.AurisError, match=r"rain.*gong"):
        generate("rain on the right", model="place", sounds=tmp_path, seconds=1)
