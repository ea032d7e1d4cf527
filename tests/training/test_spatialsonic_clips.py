"""Data of a generator's training: published trees with their faults, examples drawn from them, plain captions."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tiny_sonic import RATE, record, still, wave, write_recipe, write_set

from auris.data.language.attributes import SceneAttributes, SoundAttributes
from auris.data.language.captions import caption
from auris.data.language.parsing import parse
from auris.errors import FormatError
from auris.io.bewo import write_annotations
from auris.training.recipe import SpatialSonicRecipe, read_recipe
from auris.training.spatialsonic_captions import without_directions
from auris.training.spatialsonic_clips import listed_clips
from auris.training.spatialsonic_data import Chances, SonicClips, SonicMaterial
from auris.training.spatialsonic_recipe import ClipDataRecipe, ConditionRecipe


def recipe_of(folder: Path, *changes: str) -> SpatialSonicRecipe:
    recipe: SpatialSonicRecipe = read_recipe(write_recipe(folder), overrides=changes)
    return recipe


def clips_of(folder: Path, *changes: str) -> SonicClips:
    recipe = recipe_of(folder, *changes)
    return SonicClips(listed_clips(recipe.data, "train"), recipe, conditions=recipe.conditions)


def test_published_trees_are_read_with_their_faults(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_set(tmp_path)
    names = {"train": "audiocaps_train_mix", "val": "audiocaps_val_mix", "test": "audiocaps_mix_test"}  # as published
    for split, table in names.items():
        audio = tmp_path / "BEWO_Mix_Audio_v1" / table
        audio.mkdir(parents=True)
        records = [record(f"{split}-mix{number}") for number in range(3)]
        write_annotations(tmp_path / "BEWO_Mix_Annotation_v1" / f"{table}.jsonl", records)
        for number in range(2):  # the third one's audio is missing
            soundfile.write(audio / f"{split}-mix{number}.wav", wave(number, 0), RATE)
    full = tmp_path / "BEWO_SD_Audio_v1" / "full_move"  # belongs to no split: it is trained with
    full.mkdir(parents=True)
    soundfile.write(full / "f.wav", wave(0, 0), RATE)
    write_annotations(tmp_path / "BEWO_SD_Annotation_v1" / "full_move.jsonl", [record("f")])
    with caplog.at_level(logging.WARNING):
        train = listed_clips(ClipDataRecipe(folder=str(tmp_path)), "train")
    assert Counter(clip.table for clip in train) == {"audiocaps_single_train": 8, "audiocaps_train_mix": 2, "full_move": 1}
    assert "left out 1 clips of audiocaps_train_mix without audio: train-mix2" in caplog.text
    assert not any("somebody" in str(clip.audio) for clip in train)  # never the authors' own paths
    val = listed_clips(ClipDataRecipe(folder=str(tmp_path)), "val")
    assert {clip.table for clip in val} == {"audiocaps_single_val", "audiocaps_val_mix"}
    with pytest.raises(FormatError, match=r"no BEWO_DS_Annotation"):
        listed_clips(ClipDataRecipe(folder=str(tmp_path), subsets=("DS",)), "train")
    with pytest.raises(FormatError, match=r"set data\.folder"):
        listed_clips(ClipDataRecipe(folder=str(tmp_path), subsets=("SD",)), "val")


def test_damaged_files_are_skipped_or_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clips = clips_of(tmp_path)
    clips.clips[2].audio.write_bytes(b"RIFF")
    soundfile.write(clips.clips[3].audio, wave(0, 0)[:, 0], RATE)  # mono
    with caplog.at_level(logging.WARNING):
        examples = [clips.example(number, 5) for number in (2, 3)]
    assert all(np.isfinite(example.sound.numpy()).all() for example in examples)
    assert caplog.text.count("skipped: ") == 2
    assert "1 channels" in caplog.text
    strict = clips_of(tmp_path, "data.unreadable=refuse")
    with pytest.raises(FormatError, match="cannot be read"):
        strict.example(2, 5)


def test_an_example_is_a_function_of_its_address(tmp_path: Path) -> None:
    first, again = clips_of(tmp_path).example(1, 77), clips_of(tmp_path).example(1, 77)
    assert first._replace(sound=0) == again._replace(sound=0)  # type: ignore[arg-type]
    assert (first.sound == again.sound).all()
    other = clips_of(tmp_path).example(1, 78)
    assert other.seconds != first.seconds


def test_a_stretch_is_cut_from_the_clip_and_says_where(tmp_path: Path) -> None:
    clips = clips_of(tmp_path)
    for seed in range(5):
        example = clips.example(0, seed)
        start, total = example.seconds
        whole, _ = soundfile.read(clips.clips[0].audio, dtype="float32")
        first = round(start * RATE)
        assert total == pytest.approx(len(whole) / RATE)
        np.testing.assert_array_equal(example.sound.numpy().T, whole[first : first + example.sound.shape[1]])


def test_short_clips_are_filled_up_and_other_rates_converted(tmp_path: Path) -> None:
    clips = clips_of(tmp_path)
    soundfile.write(clips.clips[0].audio, wave(0, 0)[:2000], RATE)
    soundfile.write(clips.clips[1].audio, np.repeat(wave(0, 0), 2, axis=0), 2 * RATE)
    short, fast = clips.example(0, 1), clips.example(1, 1)
    assert short.seconds == (0.0, 0.25)
    assert not short.sound[:, 2000:].any()
    assert short.sound[:, :2000].any()
    assert fast.sound.shape == short.sound.shape
    assert fast.seconds[1] == pytest.approx(1.5)


def test_drops_and_all_else_have_their_shares() -> None:
    told = ConditionRecipe(plain_captions=0.3, coarse=0.25, drop_all=0.1, drop_text=0.2, drop_position=0.05)
    drawn = [Chances.of(seed) for seed in range(6000)]
    drops = Counter(chances.drop_of(told) for chances in drawn)
    for name, share in {"all": 0.1, "text": 0.2, "position": 0.05, "nothing": 0.65}.items():
        assert drops[name] / len(drawn) == pytest.approx(share, abs=0.02), name
    assert np.mean([chances.spread_of(told) == "coarse" for chances in drawn]) == pytest.approx(0.25, abs=0.02)
    assert np.mean([chances.plain < 0.3 for chances in drawn]) == pytest.approx(0.3, abs=0.02)
    published = ConditionRecipe()
    assert {chances.drop_of(published) for chances in drawn} == {"all", "nothing"}
    assert {chances.spread_of(published) for chances in drawn} == {"coarse"}


def test_captions_lose_their_directions_as_often_as_the_recipe_says(tmp_path: Path) -> None:
    whole, none = clips_of(tmp_path, "conditions.plain_captions=0.0"), clips_of(tmp_path, "conditions.plain_captions=1.0")
    assert {whole.example(0, seed).prompt for seed in range(9)} == {"Rain falls on the left."}
    plain = {none.example(0, seed).prompt for seed in range(9)}
    assert len(plain) > 1
    assert not any("left" in text.lower() for text in plain)
    assert all("rain" in text.lower() for text in plain)


def test_captions_lose_nothing_else() -> None:
    said = SceneAttributes((SoundAttributes("dog", 1.0, 4.0, "slow"), SoundAttributes("rain", 5.0, distance="far")), "large")
    for seed in range(40):
        left = parse(without_directions(caption(said, seed=seed), seed=seed))
        assert [sound.description for sound in left.sounds] == ["dog", "rain"]
        assert left.size == "large"
        assert {sound.distance for sound in left.sounds} == {None, "far"}
        assert not any(sound.moving or sound.start is not None for sound in left.sounds)
    assert without_directions("On the left.", seed=0) == "On the left."  # nothing sounds in it


def test_movements_are_cut_with_the_clip_or_told_whole(tmp_path: Path) -> None:
    write_recipe(tmp_path)
    table = tmp_path / "set" / "BEWO_SS_Annotation_v1" / "audiocaps_single_train.jsonl"
    write_annotations(table, [record("train0", move_start_time=(0,))])  # all within the first half
    cut, kept = (
        clips_of(tmp_path, "data.movement_begins=recorded", f"data.cropped_movement={how}", "data.crop_seconds=0.5")
        for how in ("cut", "whole")
    )
    found = [cut.example(0, seed) for seed in range(30)]
    late = [example.tracks[0] for example in found if example.seconds[0] > 0.8]
    assert late
    assert all((track.start, track.end, track.share) == (5.0, 5.0, 0.0) for track in late)
    assert all(example.tracks[0].share <= 1 for example in found)
    assert {kept.example(0, seed).tracks[0].share for seed in range(5)} == {0.5}


def test_requests_for_samples_are_those_of_whole_clips(tmp_path: Path) -> None:
    material = SonicMaterial(recipe_of(tmp_path, "conditions.plain_captions=0.0"))
    request = material.held_out.request(1, seconds=0.5)
    assert (request.prompt, request.seconds) == ("Rain falls on the front left.", 0.5)
    assert (request.sounds[0].start, request.sounds[0].share) == (pytest.approx(2.0), 0.0)


def test_held_out_examples_drop_nothing(tmp_path: Path) -> None:
    material = SonicMaterial(recipe_of(tmp_path, "conditions.drop_all=0.8"))
    batches = list(material.validation_loader())
    assert [number for batch in batches for number in batch.numbers] == [0, 1, 2]
    assert {drop for batch in batches for drop in batch.drops} == {"nothing"}


def test_still_sources_are_at_one_place(tmp_path: Path) -> None:
    clips = clips_of(tmp_path)
    assert [round(clips.example(number, 0).tracks[0].start, 6) for number in range(5)] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert replace(still("a", 2), caption="x").sources == 1
