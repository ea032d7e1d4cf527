import numpy as np
import pytest
import soundfile
from scipy.signal import resample_poly

from auris.data.spatial_clips import AudioSetBank, ClipBank, FolderBank
from auris.data.spatial_clips.clip_cache import ClipCache
from auris.errors import FormatError, ParameterError
from auris.io.spatial_sound_qa import AudioSetClasses, ClipEntry

RATE = 8000
CLASSES = AudioSetClasses(("/m/1", "/m/2"), ("Dog", "Rain"))


@pytest.fixture
def folder(tmp_path):
    """Two classes of recordings: long noise, and short noise in silence; one of fold 2; one silent."""
    for label, seconds in (("dog", 0.4), ("rain", 3.0)):
        (tmp_path / label).mkdir()
        for number in range(3):
            noise = np.random.default_rng(number).standard_normal(round(seconds * RATE)) * 0.1
            soundfile.write(tmp_path / label / f"fold{1 + number % 2}-{label}{number}.wav", noise, RATE)
    soundfile.write(tmp_path / "dog" / "fold3-silent.wav", np.zeros(RATE), RATE)
    return tmp_path


def test_recordings_of_a_folder(folder):
    bank = FolderBank(folder, folds=(1,), seconds=1.0, sample_rate=RATE, variations=3)
    assert isinstance(bank, ClipBank)
    assert bank.labels == ("dog", "rain")
    assert [bank.classes(number) for number in range(len(bank))] == [(0,), (0,), (1,), (1,)]
    assert bank.name(0) == "dog/fold1-dog0.wav"
    clips = {}
    for seed in range(60):
        clip, rate = bank.dry(3, np.random.default_rng(seed))
        assert (clip.shape, rate, clip.dtype) == ((RATE,), RATE, np.float32)
        clips[clip.tobytes()] = clip
    assert len(clips) == 3
    again = FolderBank(folder, folds=(1,), seconds=1.0, sample_rate=RATE, variations=3)
    np.testing.assert_array_equal(again.dry(3, np.random.default_rng(7))[0], bank.dry(3, np.random.default_rng(7))[0])


def test_labels_keep_the_order_that_was_asked_for(folder):
    bank = FolderBank(folder, labels=("rain", "dog"), folds=(2,), sample_rate=RATE)
    assert (bank.labels, bank.classes(0)) == (("rain", "dog"), (0,))
    assert bank.name(0).startswith("rain/")


def test_one_variation_is_the_recording_itself(folder):
    bank = FolderBank(folder, folds=(1,), seconds=1.0, sample_rate=RATE, variations=1)
    clip, _ = bank.dry(2, np.random.default_rng(0))
    recorded, _ = soundfile.read(folder / bank.name(2))
    assert np.corrcoef(clip, recorded[:RATE])[0, 1] > 0.98  # high-passed, faded, in half precision


def test_a_share_is_synthesised(folder):
    half = FolderBank(folder, folds=(1,), seconds=0.5, sample_rate=RATE, variations=1, procedural=0.5)
    assert len({half.dry(0, np.random.default_rng(seed))[0].tobytes() for seed in range(12)}) > 2
    whole = FolderBank(folder, folds=(1,), seconds=0.5, sample_rate=RATE, variations=1, procedural=1.0)
    recorded = FolderBank(folder, folds=(1,), seconds=0.5, sample_rate=RATE, variations=1).dry(0, np.random.default_rng(0))[0]
    assert not np.array_equal(whole.dry(0, np.random.default_rng(0))[0], recorded)


def test_what_is_wrong_with_a_folder_is_told(folder):
    with pytest.raises(FormatError, match="no recording of rain in these folds"):
        FolderBank(folder, labels=("dog", "rain"), folds=(3,))
    silent = FolderBank(folder, folds=(3,), sample_rate=RATE)
    with pytest.raises(FormatError, match=r"fold3-silent\.wav: silent"):
        silent.dry(0, np.random.default_rng(0))
    with pytest.raises(FormatError, match="no such folder"):
        FolderBank(folder / "nothing")
    with pytest.raises(ParameterError, match="variations is at least 1"):
        FolderBank(folder, variations=0)
    with pytest.raises(ParameterError, match="did you mean 'dog'"):
        FolderBank(folder, labels=("dgo",))


def audioset(folder, *names):
    return AudioSetBank([ClipEntry(folder / name, name, (0,)) for name in names], CLASSES, sample_rate=RATE)


def test_clips_of_audioset_are_the_first_channel_resampled(tmp_path):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (9000, 2))
    soundfile.write(tmp_path / "a.wav", noise, 12_000, subtype="FLOAT")
    bank = audioset(tmp_path, "a.wav")
    assert isinstance(bank, ClipBank)
    assert bank.labels == ("Dog", "Rain")
    clip, rate = bank.dry(0, np.random.default_rng(0))
    assert rate == RATE
    np.testing.assert_allclose(clip, resample_poly(noise[:, 0], 2, 3), atol=1e-6)
    (tmp_path / "a.wav").unlink()
    assert bank.dry(0, np.random.default_rng(1))[0] is clip  # from memory


def test_unreadable_clips_are_named(tmp_path):
    soundfile.write(tmp_path / "good.wav", np.ones(100), RATE)
    (tmp_path / "text.wav").write_text("no sound")
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), RATE)
    soundfile.write(tmp_path / "nan.wav", np.array([0.0, np.nan]), RATE, subtype="FLOAT")
    bank = audioset(tmp_path, "good.wav", "text.wav", "gone.wav", "empty.wav", "nan.wav")
    assert [path.rpartition("/")[2] for path in bank.unreadable()] == ["text.wav", "gone.wav"]
    for number, text in ((1, "cannot be read"), (2, "no such clip"), (3, "holds no samples"), (4, "holds NaN")):
        with pytest.raises(FormatError, match=rf"{bank.name(number)}: {text}"):
            bank.dry(number, np.random.default_rng(0))


def test_memory_is_bounded_and_forgets_what_was_used_least():
    cache, made = ClipCache(limit=1000), []

    def clip(name):
        def make():
            made.append(name)
            return np.zeros(100, np.float32)

        return cache.get(name, make)

    for name in "abacab":
        clip(name)
    assert made == ["a", "b", "c", "b"]
