import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from auris import seeding
from auris.data.sound_bank import Bank, MixedBank, ProceduralBank, SoundBank, open_bank
from auris.data.sound_folder import fold_of, recording_of, split_of
from auris.dsp.loudness import active_rms
from auris.errors import FormatError, ParameterError, SceneError
from auris.scene import Sound

RATE = 24_000


def rng(seed: int = 0) -> np.random.Generator:
    return seeding.generator(seed, "test")


def write(path: Path, samples: np.ndarray, rate: int = 16_000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate)


def tone(seconds: float = 1.0, rate: int = 16_000) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate)


def test_every_clip_of_the_recordings_plays_at_unit_level(recordings: Path) -> None:
    bank = SoundBank(recordings)
    generator = rng()
    for label in bank.labels:
        for _ in range(3):
            sound = bank.pick(label, generator, duration=2.0)
            assert str(sound.file).startswith(f"{label}/")
            duration = min(bank.clip_length(sound), 2.0)
            x = bank.dry(sound, RATE, duration)
            assert x.shape == (round(duration * RATE),)
            assert x.dtype == np.float32
            assert active_rms(x, RATE) == pytest.approx(1.0, rel=1e-4)
            assert abs(x[0]) < 0.05
            assert abs(x[-1]) < 0.05
    assert not bank.check().skipped


def test_banks_share_one_protocol(made_sounds: Path) -> None:
    for bank in (SoundBank(made_sounds), ProceduralBank(), MixedBank([ProceduralBank()])):
        assert isinstance(bank, Bank)
        assert bank.labels == tuple(sorted(bank.labels))
        first, again = (bank.pick("dog", rng(5), duration=1.0) for _ in range(2))
        assert first == again
        assert bank.plays(first)
        assert np.array_equal(bank.dry(first, 16_000, 0.7), bank.dry(first, 16_000, 0.7))


def test_picks_start_where_something_sounds(made_sounds: Path) -> None:
    bank = SoundBank(made_sounds)
    sounds = [bank.pick("rain", rng(i), duration=0.5) for i in range(20)]
    # The made clips begin with 0.3 s of silence and end with as much.
    assert all(0.25 <= s.start <= 1.5 for s in sounds)
    assert len({s.start for s in sounds}) > 10
    whole = bank.pick("rain", rng(1))
    assert whole.start == pytest.approx(0.28, abs=0.03)
    assert bank.clip_length(whole) == pytest.approx(1.68, abs=0.06)


def test_folds_and_splits_never_share_a_recording(made_sounds: Path) -> None:
    folds = [SoundBank(made_sounds, folds=f) for f in ((1, 2), (3, 4))]
    names = [{c.recording for clips in b.clips.values() for c in clips} for b in folds]
    assert names[0]
    assert names[0].isdisjoint(names[1])
    assert {c.fold for clips in folds[0].clips.values() for c in clips} == {1, 2}


def test_hash_splits_cover_everything_once(tmp_path: Path) -> None:
    for number in range(60):
        for take in "AB":
            write(tmp_path / "dog" / f"1-{5000 + number}-{take}-0.wav", tone(0.2))
    parts = [SoundBank(tmp_path, split=s).clips["dog"] for s in ("train", "validation", "test")]
    assert sum(len(p) for p in parts) == 120
    assert [len(p) > 0 for p in parts] == [True] * 3
    assert len(parts[0]) > 80
    recordings = [{c.recording for c in p} for p in parts]
    assert recordings[0].isdisjoint(recordings[1] | recordings[2])
    assert all(len(p) == 2 * len(r) for p, r in zip(parts, recordings, strict=True))


@pytest.mark.parametrize(
    ("file", "recording", "fold"),
    [
        ("dog/fold1-1-100032-A.ogg", "100032", 1),
        ("dog/1-100032-A-0.wav", "100032", None),
        ("a/b/5-9032-C-0.wav", "9032", None),
        ("speech/fold4-digits-theo-7.ogg", "fold4-digits-theo", 4),
        ("x/rex-B.wav", "rex", None),
        ("x/12345.wav", "12345", None),
        ("x/dog_001.wav", "dog_001", None),
    ],
)
def test_names_tell_recording_and_fold(file: str, recording: str, fold: int | None) -> None:
    assert recording_of(file) == recording
    assert fold_of(file) == fold


def test_split_shares() -> None:
    names = [split_of(str(i)) for i in range(5_000)]
    assert names.count("train") / 5_000 == pytest.approx(0.8, abs=0.02)
    assert names.count("test") / 5_000 == pytest.approx(0.1, abs=0.02)


def test_takes_can_be_named_by_the_caller(tmp_path: Path) -> None:
    for number in range(20):
        write(tmp_path / "dog" / f"rex_{number:02}.wav", tone(0.2))
    bank = SoundBank(tmp_path, recording=lambda file: Path(file).stem.split("_")[0])
    assert {c.recording for c in bank.clips["dog"]} == {"rex"}


def test_bad_files_are_reported_by_name_and_skipped(tmp_path: Path) -> None:
    write(tmp_path / "dog" / "deep" / "down" / "good.flac", tone())
    write(tmp_path / "dog" / "short.wav", tone(0.01))
    write(tmp_path / "dog" / "silent.wav", np.zeros(16_000))
    (tmp_path / "dog" / "text.wav").write_text("this is not audio")
    (tmp_path / "dog" / "empty.ogg").write_bytes(b"")
    (tmp_path / "dog" / "notes.txt").write_text("ignored")
    nan = tone().astype(np.float32)
    nan[5] = np.nan
    soundfile.write(tmp_path / "dog" / "nan.wav", nan, 16_000, subtype="FLOAT")
    (tmp_path / "cat").mkdir()
    (tmp_path / ".hidden").mkdir()
    bank = SoundBank(tmp_path)
    assert bank.labels == ("dog",)
    assert bank.report.absent == ("cat",)
    assert {bank.pick("dog", rng(i)).file for i in range(20)} == {"dog/deep/down/good.flac"}
    report = bank.check()
    assert set(report.skipped) == {"dog/short.wav", "dog/silent.wav", "dog/text.wav", "dog/empty.ogg", "dog/nan.wav"}
    assert "too short (10 ms" in report.skipped["dog/short.wav"]
    assert report.skipped["dog/silent.wav"] == "silent"
    assert "NaN" in report.skipped["dog/nan.wav"]
    assert "skipped dog/text.wav: cannot be read" in str(report)
    assert "no recording of cat" in str(report)


def test_a_class_without_usable_recordings_is_an_error(tmp_path: Path) -> None:
    write(tmp_path / "dog" / "silent.wav", np.zeros(16_000))
    bank = SoundBank(tmp_path)
    with pytest.raises(FormatError, match=r"none of its 1 recordings(.|\n)*silent\.wav: silent"):
        bank.pick("dog", rng())


def test_impossible_folders_are_explained(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no such folder"):
        SoundBank(tmp_path / "none")
    with pytest.raises(FormatError, match="it is empty"):
        SoundBank(tmp_path)
    write(tmp_path / "loose.wav", tone())
    with pytest.raises(FormatError, match="one folder per class"):
        SoundBank(tmp_path)
    with pytest.raises(FormatError, match="a file, not a folder"):
        SoundBank(tmp_path / "loose.wav")
    (tmp_path / "dog").mkdir()
    with pytest.raises(FormatError, match="no usable recording"):
        SoundBank(tmp_path)


def test_impossible_choices_are_explained(made_sounds: Path) -> None:
    with pytest.raises(ParameterError, match="did you mean 'dog'"):
        SoundBank(made_sounds, labels=["dgo"])
    with pytest.raises(ParameterError, match="did you mean 'validation'"):
        SoundBank(made_sounds, split="valid")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="not both"):
        SoundBank(made_sounds, split="train", folds=(1,))
    with pytest.raises(FormatError, match=r"in folds \[9\]"):
        SoundBank(made_sounds, folds=(9,))
    with pytest.raises(ParameterError, match="variations"):
        SoundBank(made_sounds, variations=0)
    with pytest.raises(ParameterError, match="did you mean 'rain'"):
        SoundBank(made_sounds).pick("rian", rng())
    with pytest.raises(ParameterError, match="at least one class"):
        ProceduralBank([])
    with pytest.raises(ParameterError, match="did you mean 'speech'"):
        ProceduralBank(["speach"])
    with pytest.raises(ParameterError, match="weight"):
        MixedBank([ProceduralBank()], weights=[0.0])


def test_sounds_that_cannot_be_played_are_explained(made_sounds: Path) -> None:
    bank = SoundBank(made_sounds)
    file = bank.clips["dog"][0].file
    cases = {
        "no such file": Sound("dog/none.wav"),
        "outside the sound folder": Sound("../secret.wav"),
        "outside": Sound(os.path.abspath(os.sep + "etc/passwd")),
        "starts at 99 s": Sound(file, start=99.0),
        "silent from": Sound(file, start=2.199),
        "synthesis 'dog'": Sound(synthesis="dog"),
    }
    for message, sound in cases.items():
        with pytest.raises(SceneError, match=message):
            bank.dry(sound, RATE, 0.01)
    assert not bank.plays(Sound("../x/dog/none.wav"))
    with pytest.raises(SceneError, match="plays no files"):
        ProceduralBank().dry(Sound(file), RATE, 1.0)
    with pytest.raises(SceneError, match="did you mean 'dog'"):
        ProceduralBank().dry(Sound(synthesis="dogg"), RATE, 1.0)
    with pytest.raises(ParameterError, match="duration"):
        bank.dry(Sound(file), RATE, 0.0)


def test_linked_class_folders_are_followed(tmp_path: Path, made_sounds: Path) -> None:
    (tmp_path / "dog").symlink_to(made_sounds / "dog", target_is_directory=True)
    bank = SoundBank(tmp_path)
    assert active_rms(bank.dry(bank.pick("dog", rng()), RATE, 0.5), RATE) == pytest.approx(1.0, rel=1e-4)


def test_the_cache_is_bounded_and_does_not_travel(made_sounds: Path) -> None:
    small, large = SoundBank(made_sounds, cache_bytes=200_000), SoundBank(made_sounds)
    for bank in (small, large):
        bank.check()
    assert len(pickle.dumps(large)) < 50_000
    sound = large.pick("dog", rng(3))
    assert np.array_equal(small.dry(sound, RATE, 1.0), pickle.loads(pickle.dumps(large)).dry(sound, RATE, 1.0))
    assert small._recordings._held <= 200_000


def test_picks_do_not_depend_on_what_was_played_before(made_sounds: Path) -> None:
    fresh, used = SoundBank(made_sounds), SoundBank(made_sounds)
    used.check()
    assert [fresh.pick("speech", rng(i)) for i in range(10)] == [used.pick("speech", rng(i)) for i in range(10)]


def test_variations_change_the_sound_but_not_its_level(made_sounds: Path) -> None:
    bank = SoundBank(made_sounds, variations=50)
    sound = next(s for i in range(100) if (s := bank.pick("speech", rng(i), duration=1.0)).seed > 0)
    plain = Sound(sound.file, start=sound.start)
    varied, recorded = bank.dry(sound, RATE, 1.0), bank.dry(plain, RATE, 1.0)
    assert active_rms(varied, RATE) == pytest.approx(active_rms(recorded, RATE), rel=1e-4)
    assert abs(np.corrcoef(varied, recorded)[0, 1]) < 0.99
    assert bank.clip_length(sound) != bank.clip_length(plain)
    assert all(s.seed == 0 for s in (SoundBank(made_sounds).pick("speech", rng(i)) for i in range(5)))


def test_an_excerpt_is_the_recording(tmp_path: Path) -> None:
    x = tone(2.0, 24_000)
    write(tmp_path / "dog" / "a.wav", x, 24_000)
    y = SoundBank(tmp_path).excerpt(Sound("dog/a.wav", start=0.5), sample_rate=24_000, duration=1.0)
    assert np.sqrt(np.mean(y**2)) == pytest.approx(0.3 / np.sqrt(2), rel=0.02)
    assert y[2_000:-2_000] == pytest.approx(x[14_000:34_000], abs=0.03)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.02, 6.0), st.sampled_from([8_000, 16_000, 44_100]), st.integers(0, 20))
def test_any_duration_and_rate_has_the_length_asked_for(made_sounds: Path, duration: float, rate: int, seed: int) -> None:
    bank = SoundBank(made_sounds, variations=3)
    x = bank.excerpt(bank.pick("rain", rng(seed), duration=duration), sample_rate=rate, duration=duration)
    assert x.shape == (round(duration * rate),)
    assert np.isfinite(x).all()


def test_a_mixed_bank_follows_its_weights(made_sounds: Path) -> None:
    real, made = SoundBank(made_sounds), ProceduralBank(["dog", "bell"])
    bank = MixedBank([real, made], weights=[1.0, 3.0])
    assert bank.labels == ("bell", "dog", "rain", "speech")
    generator = rng()
    picked = [bank.pick("dog", generator) for _ in range(400)]
    assert np.mean([s.synthesis is not None for s in picked]) == pytest.approx(0.75, abs=0.07)
    assert all(s.file is not None for s in (bank.pick("rain", generator) for _ in range(5)))
    for sound in (picked[0], Sound(synthesis="bell")):
        assert active_rms(bank.dry(sound, RATE, 1.0), RATE) == pytest.approx(1.0, rel=1e-4)
    assert bank.clip_length(Sound(synthesis="bell")) == float("inf")
    with pytest.raises(SceneError, match="no such file"):
        bank.dry(Sound("dog/none.wav"), RATE, 1.0)
    with pytest.raises(ParameterError, match="did you mean 'bell'"):
        bank.pick("bel", generator)


def test_a_folder_opens_with_procedural_sounds_beside(made_sounds: Path) -> None:
    bank = open_bank(made_sounds, folds=(1, 2, 3))
    assert bank.labels == ("dog", "rain", "speech")
    assert bank.plays(Sound(synthesis="bell", seed=1))
    assert isinstance(open_bank(), ProceduralBank)
