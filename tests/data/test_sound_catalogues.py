"""Published sets of sounds, written here field by field in small, and read back as banks."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from auris import seeding
from auris.data.sound_bank import SoundBank
from auris.data.sound_catalogues import KINDS
from auris.data.sound_catalogues.attribution import Attribution, licence_name
from auris.data.sound_splits import Split, official_splits
from auris.dsp.loudness import active_rms
from auris.errors import FormatError, ParameterError

RATE = 8_000


def clip(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.3 * np.sin(np.arange(RATE // 5) / 3), RATE)


def text(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def write_esc50(folder: Path) -> None:
    rows = [
        ("1-100032-A-0.wav", 1, 0, "dog", True, 100032, "A"),
        ("2-122104-A-0.wav", 2, 0, "dog", True, 122104, "A"),
        ("2-122104-B-0.wav", 2, 0, "dog", True, 122104, "B"),
        ("5-9032-A-44.wav", 5, 44, "engine", False, 9032, "A"),
    ]
    table = ["filename,fold,target,category,esc10,src_file,take", *(",".join(map(str, row)) for row in rows)]
    text(folder / "meta" / "esc50.csv", "\n".join(table))
    for row in rows:
        clip(folder / "audio" / str(row[0]))
    text(
        folder / "LICENSE",
        "# ESC-50\n\n101 - Dog:\n"
        "- [1-100032-A.ogg]: clip derived from rose (bark).wav (http://www.freesound.org/people/nfrae/sounds/100032/) by nfrae "
        "[CC0]\n- [5-9032-A.ogg]:  clip derived from V8.wav (http://www.freesound.org/people/Mr%20T/sounds/9032/) by Mr T "
        "[CC-BY]\n",
    )


def write_urbansound8k(folder: Path) -> None:
    rows = [
        ("100032-3-0-0.wav", 100032, 0.0, 0.317551, 1, 5, 3, "dog_bark"),
        ("100263-2-0-117.wav", 100263, 58.5, 62.5, 1, 5, 2, "children_playing"),
        ("100263-2-0-121.wav", 100263, 60.5, 64.5, 1, 5, 2, "children_playing"),
        ("99-3-0-0.wav", 99, 0.0, 4.0, 2, 10, 3, "dog_bark"),
    ]
    head = "slice_file_name,fsID,start,end,salience,fold,classID,class"
    text(folder / "metadata" / "UrbanSound8K.csv", "\n".join([head, *(",".join(map(str, row)) for row in rows)]))
    for row in rows:
        clip(folder / "audio" / f"fold{row[5]}" / str(row[0]))


def write_fsd50k(folder: Path) -> None:
    truth = folder / "FSD50K.ground_truth"
    dog = "Bark,Dog,Animal"
    dev = [
        (64760, "Electric_guitar,Guitar,Music", "train"),
        (64761, "Guitar,Music", "train"),
        (64762, "Music", "val"),
        (1, dog, "train"),
        (2, "Dog,Animal", "val"),
        (3, f"{dog},Guitar,Music", "train"),
        (5, "Animal", "train"),
    ]
    evaluation = [(4, dog)]
    text(truth / "dev.csv", "\n".join(["fname,labels,mids,split", *(f'{n},"{x}","/m/{n}",{s}' for n, x, s in dev)]))
    text(truth / "eval.csv", "\n".join(["fname,labels,mids", *(f'{n},"{x}",/m/{n}' for n, x in evaluation)]))
    classes = ("Animal", "Bark", "Dog", "Electric_guitar", "Guitar", "Music", "Zipper_(clothing)")
    text(truth / "vocabulary.csv", "\n".join(f"{n},{name},/m/{n}" for n, name in enumerate(classes)))
    for number, *_ in dev:
        clip(folder / "FSD50K.dev_audio" / f"{number}.wav")
    clip(folder / "FSD50K.eval_audio" / "4.wav")
    info = {
        "title": "bark.wav",
        "description": "A dog",
        "tags": ["dog"],
        "license": "http://creativecommons.org/licenses/by-nc/3.0/",
        "uploader": "anna",
    }
    text(folder / "FSD50K.metadata" / "dev_clips_info_FSD50K.json", json.dumps({"1": info}))
    text(
        folder / "FSD50K.metadata" / "eval_clips_info_FSD50K.json",
        json.dumps({"4": {**info, "license": "http://creativecommons.org/publicdomain/zero/1.0/"}}),
    )


def write_librispeech(folder: Path) -> None:
    for subset, speaker, chapter in (("train-clean-100", 19, 198), ("train-clean-100", 26, 495), ("dev-clean", 84, 121123)):
        place = folder / subset / str(speaker) / str(chapter)
        for number in range(2):
            clip(place / f"{speaker}-{chapter}-{number:04}.flac")
        text(place / f"{speaker}-{chapter}.trans.txt", f"{speaker}-{chapter}-0000 NORTHANGER ABBEY\n")
    text(
        folder / "SPEAKERS.TXT",
        "; Some pipe(|) separated metadata\n;ID  |SEX| SUBSET           |MINUTES| NAME\n"
        "19   | F | train-clean-100  | 25.19 | Kara Shallenberg\n84   | F | dev-clean        | 8.02  | Christie Nowak | x\n",
    )
    text(
        folder / "CHAPTERS.TXT",
        ";ID    |READER|MINUTES| SUBSET           | PROJ.|BOOK ID| CH. TITLE | PROJECT TITLE\n"
        "198    | 19   | 14.22 | train-clean-100  | 21   | 121   | Chapter 01 | Northanger Abbey\n",
    )


def write_musdb(folder: Path) -> None:
    for part, track in (("train", "A - One"), ("train", "Meaxic - Take A Step"), ("test", "B - Two")):
        for stem in ("mixture", "vocals", "drums", "bass", "other"):
            clip(folder / part / track / f"{stem}.wav")


CLASSES = 'index,mid,display_name\n0,/m/09x0r,"Speech"\n1,/m/0bt9lr,"Dog"\n2,/m/05zppz,"Male speech, man speaking"\n'


def write_audioset(folder: Path) -> None:
    text(folder / "class_labels_indices.csv", CLASSES)
    head = "# Segments csv created Sun Mar  5 10:54:31 2017\n# num_ytids=3, num_segs=3\n"
    head += "# YTID, start_seconds, end_seconds, positive_labels\n"
    rows = '--aE2O5G5WE, 0.000, 10.000, "/m/09x0r,/m/05zppz"\n__y-zz12345, 30.000, 40.000, "/m/0bt9lr,/m/0unknown"\n'
    text(folder / "balanced_train_segments.csv", head + rows + 'gone1234567, 0.000, 10.000, "/m/0bt9lr"\n')
    text(folder / "eval_segments.csv", head + 'Yabcdefghij,0.000,10.000,"/m/0bt9lr"\n')
    clip(folder / "audio" / "balanced" / "Y--aE2O5G5WE.wav")
    clip(folder / "audio" / "balanced" / "__y-zz12345_30.000_40.000.wav")
    clip(folder / "audio" / "eval" / "Yabcdefghij.flac")


def write_spatial_sound_qa(folder: Path) -> None:
    text(folder / "metadata" / "class_labels_indices_subset.csv", CLASSES)
    balanced = [{"folder": "balanced_train/audio", "id": "Y--aE2O5G5WE", "label": ["/m/09x0r"]}]
    old = [{"folder": "unbalanced_train/part00/part00_full.h5", "id": "Y1234567890a", "label": ["/m/0bt9lr"]}]
    text(folder / "metadata" / "balanced.json", json.dumps(balanced))
    text(folder / "metadata" / "unbalanced.json", json.dumps(old))
    text(folder / "metadata" / "eval.json", json.dumps([{"folder": "eval/audio", "id": "Yxyz", "label": ["/m/0bt9lr"]}]))
    clip(folder / "balanced_train" / "audio" / "Y--aE2O5G5WE.wav")
    clip(folder / "unbalanced_train" / "audio" / "Y1234567890a.wav")
    clip(folder / "eval" / "audio" / "Yxyz.wav")


def write_manifest(folder: Path) -> None:
    rows = [
        "file,label,split,fold,recording,licence,author,title,source",
        "a/1.wav,dog,train,1,rex,CC0,Anna,Rex barks,https://example.org/1",
        '"a/2.wav","dog",test,2,fido,http://creativecommons.org/licenses/by/4.0/,"B, C",Fido,',
        "a/2.wav,growl,test,2,fido,,,,",
        "b/rain-A.wav,rain,,,,,,,",
    ]
    text(folder / "sounds.csv", "\n".join(rows) + "\n")
    for file in ("a/1.wav", "a/2.wav", "b/rain-A.wav"):
        clip(folder / file)


def write_class_folders(folder: Path) -> None:
    for file in ("dog/fold1-1-1000-A.wav", "dog/fold2-2-1001-A.wav", "rain/deep/drops.wav"):
        clip(folder / file)
    text(folder / "ATTRIBUTION.csv", "file,title,source,author,licence\ndog/fold1-1-1000-A.wav,Rex,http://x,Anna,CC0\n")


WRITERS: Mapping[str, Callable[[Path], None]] = {
    "esc50": write_esc50,
    "urbansound8k": write_urbansound8k,
    "fsd50k": write_fsd50k,
    "librispeech": write_librispeech,
    "musdb": write_musdb,
    "audioset": write_audioset,
    "manifest": write_manifest,
    "class_folders": write_class_folders,
}


@pytest.mark.parametrize("kind", WRITERS)
def test_every_layout_is_recognised_and_plays(kind: str, tmp_path: Path) -> None:
    WRITERS[kind](tmp_path)
    bank = SoundBank(tmp_path)
    assert bank.kind == kind
    assert bank.labels == SoundBank(tmp_path, kind=kind).labels
    assert not bank.check().skipped
    rng = seeding.generator(0, kind)
    for label in bank.labels:
        sound = bank.pick(label, rng, duration=0.1)
        assert active_rms(bank.dry(sound, RATE, 0.1), RATE) == pytest.approx(1.0, rel=1e-4)
    files = [c.file for clips in bank.clips.values() for c in clips]
    assert [entry.file for entry in bank.attribution(files)] == list(dict.fromkeys(files))
    assert sum(bank.licences().values()) == len(set(files))


def by_file(bank: SoundBank, label: str) -> dict[str, tuple[str, int | None]]:
    return {c.file: (c.recording, c.fold) for c in bank.clips[label]}


def test_esc50_has_folds_recordings_and_credits(tmp_path: Path) -> None:
    write_esc50(tmp_path)
    bank = SoundBank(tmp_path)
    assert by_file(bank, "dog") == {
        "audio/1-100032-A-0.wav": ("100032", 1),
        "audio/2-122104-A-0.wav": ("122104", 2),
        "audio/2-122104-B-0.wav": ("122104", 2),
    }
    assert SoundBank(tmp_path, folds=(5,)).labels == ("engine",)
    first, last = bank.attribution(["audio/1-100032-A-0.wav", "audio/5-9032-A-44.wav"])
    source = "http://www.freesound.org/people/nfrae/sounds/100032/"
    assert first == Attribution("audio/1-100032-A-0.wav", "rose (bark).wav", source, "nfrae", "CC-BY-3.0")
    assert (last.author, last.licence) == ("Mr T", "CC-BY-NC-3.0")
    assert bank.licences() == {"CC-BY-3.0": 3, "CC-BY-NC-3.0": 1}


def test_urbansound8k_has_folds_and_recordings(tmp_path: Path) -> None:
    write_urbansound8k(tmp_path)
    bank = SoundBank(tmp_path)
    assert by_file(bank, "children_playing") == {
        "audio/fold5/100263-2-0-117.wav": ("100263", 5),
        "audio/fold5/100263-2-0-121.wav": ("100263", 5),
    }
    assert by_file(bank, "dog_bark")["audio/fold10/99-3-0-0.wav"] == ("99", 10)
    assert bank.attribution(["audio/fold10/99-3-0-0.wav"])[0].source == "https://freesound.org/s/99/"
    assert bank.licences() == {"CC-BY-NC-3.0": 4}


def test_fsd50k_gives_a_clip_its_leaf_and_leaves_mixtures_out(tmp_path: Path) -> None:
    write_fsd50k(tmp_path)
    bank = SoundBank(tmp_path)
    dev = "FSD50K.dev_audio"
    assert {label: [c.file for c in clips] for label, clips in bank.clips.items()} == {
        "Animal": [f"{dev}/5.wav"],
        "Bark": [f"{dev}/1.wav", "FSD50K.eval_audio/4.wav"],
        "Dog": [f"{dev}/2.wav"],
        "Electric_guitar": [f"{dev}/64760.wav"],
        "Guitar": [f"{dev}/64761.wav"],
        "Music": [f"{dev}/64762.wav"],
    }
    assert bank.clips["Bark"][0].others == ("Dog", "Animal")
    assert bank.report.absent == ("Zipper_(clothing)",)
    assert any("1 clips with several classes" in note for note in bank.report.notes)
    assert [c.split for c in bank.clips["Bark"]] == ["train", "test"]
    assert SoundBank(tmp_path, split="validation").labels == ("Dog", "Music")
    told = bank.attribution([f"{dev}/1.wav", "FSD50K.eval_audio/4.wav", f"{dev}/2.wav"])
    assert told[0] == Attribution(f"{dev}/1.wav", "bark.wav", "https://freesound.org/s/1/", "anna", "CC-BY-NC-3.0")
    assert [entry.licence for entry in told] == ["CC-BY-NC-3.0", "CC0-1.0", "unknown"]


def test_librispeech_is_speech_by_speaker_or_a_class_for_each_voice(tmp_path: Path) -> None:
    write_librispeech(tmp_path)
    speech = SoundBank(tmp_path)
    assert speech.labels == ("speech",)
    assert {(c.recording, c.split) for c in speech.clips["speech"] if c.recording == "speaker-84"} == {
        ("speaker-84", "validation")
    }
    assert {c.recording for c in SoundBank(tmp_path, split="validation").clips["speech"]} == {"speaker-84"}
    voices = SoundBank(tmp_path, kind="librispeech_speakers")
    assert voices.labels == ("speaker-19", "speaker-26", "speaker-84")
    assert {c.recording for c in voices.clips["speaker-19"]} == {"19-198"}
    told = speech.attribution(["train-clean-100/19/198/19-198-0000.flac", "train-clean-100/26/495/26-495-0001.flac"])
    assert (told[0].title, told[0].author, told[0].licence) == (
        "Northanger Abbey: Chapter 01",
        "Kara Shallenberg",
        "CC-BY-4.0",
    )
    assert told[1].author == "LibriVox reader 26"
    inner = SoundBank(tmp_path / "train-clean-100")
    assert inner.kind == "librispeech"
    assert inner.attribution(["19/198/19-198-0000.flac"])[0].author == "Kara Shallenberg"


def test_musdb_has_stems_by_track_and_the_published_validation(tmp_path: Path) -> None:
    write_musdb(tmp_path)
    bank = SoundBank(tmp_path)
    assert bank.labels == ("bass", "drums", "other", "vocals")
    assert {c.recording: c.split for c in bank.clips["drums"]} == {
        "A - One": "train",
        "B - Two": "test",
        "Meaxic - Take A Step": "validation",
    }
    renamed = SoundBank(tmp_path, labels=("singing=vocals", "music=bass", "music=drums"))
    assert {label: len(clips) for label, clips in renamed.clips.items()} == {"music": 6, "singing": 3}
    assert bank.attribution(["test/B - Two/bass.wav"])[0].author == "B"
    (tmp_path / "packed").mkdir()
    (tmp_path / "packed" / "C - Three.stem.mp4").write_bytes(b"\0\0\0\x20ftypM4A ")
    assert "unpack them" in SoundBank(tmp_path).report.skipped["packed/C - Three.stem.mp4"]


def test_audioset_takes_segment_lists_and_any_usual_file_name(tmp_path: Path) -> None:
    write_audioset(tmp_path)
    bank = SoundBank(tmp_path)
    assert bank.labels == ("Dog", "Male speech, man speaking", "Speech")
    (speech,) = bank.clips["Speech"]
    assert (speech.file, speech.recording) == ("audio/balanced/Y--aE2O5G5WE.wav", "--aE2O5G5WE")
    assert speech.others == ("Male speech, man speaking",)
    assert {c.recording: c.split for c in bank.clips["Dog"]}["Yabcdefghij"] == "test"
    assert {c.recording for c in bank.clips["Dog"]} == {"__y-zz12345", "Yabcdefghij"}
    assert "1 listed clips are not here" in bank.report.notes
    assert bank.licences() == {"unknown": 3}
    assert bank.attribution([speech.file])[0].source == "https://www.youtube.com/watch?v=--aE2O5G5WE"


def test_audioset_takes_the_lists_of_spatial_sound_qa(tmp_path: Path) -> None:
    write_spatial_sound_qa(tmp_path)
    bank = SoundBank(tmp_path)
    assert bank.kind == "audioset"
    assert {c.file: c.split for clips in bank.clips.values() for c in clips if c.split == "test"} == {
        "eval/audio/Yxyz.wav": "test"
    }
    assert {c.file for c in bank.clips["Dog"]} == {"eval/audio/Yxyz.wav", "unbalanced_train/audio/Y1234567890a.wav"}
    assert bank.report.absent == ("Male speech, man speaking",)


def test_a_manifest_names_everything_itself(tmp_path: Path) -> None:
    write_manifest(tmp_path)
    for bank in (SoundBank(tmp_path), SoundBank(tmp_path / "sounds.csv")):
        assert bank.kind == "manifest"
        assert bank.folder == tmp_path
        assert {c.file: (c.recording, c.fold, c.split) for c in bank.clips["dog"]} == {
            "a/1.wav": ("rex", 1, "train"),
            "a/2.wav": ("fido", 2, "test"),
        }
        assert bank.clips["growl"][0].others == ("dog",)
        assert bank.clips["rain"][0].recording == "rain"
        first, second, third = bank.attribution(["a/1.wav", "a/2.wav", "b/rain-A.wav"])
        assert first == Attribution("a/1.wav", "Rex barks", "https://example.org/1", "Anna", "CC0")
        assert (second.author, second.licence) == ("B, C", "CC-BY-4.0")
        assert third.licence == "unknown"


def test_attribution_is_stated_in_a_table_beside_the_classes(tmp_path: Path) -> None:
    write_class_folders(tmp_path)
    bank = SoundBank(tmp_path)
    assert bank.attribution(["dog/fold1-1-1000-A.wav"])[0].author == "Anna"
    assert bank.licences() == {"unknown": 2, "CC0": 1}


def test_the_shared_recordings_are_credited(recordings: Path) -> None:
    bank = SoundBank(recordings)
    licences = bank.licences()
    assert sum(licences.values()) == sum(len(clips) for clips in bank.clips.values())
    if (recordings / "ATTRIBUTION.csv").is_file():
        assert "unknown" not in licences
        assert all(entry.author for entry in bank.attribution(c.file for c in bank.clips["dog"]))


@pytest.mark.parametrize(
    ("kind", "file", "content", "message"),
    [
        ("esc50", "meta/esc50.csv", "filename,fold,category\n", r"esc50\.csv: lacks the column src_file"),
        (
            "esc50",
            "meta/esc50.csv",
            "filename,fold,category,src_file\na.wav,x,dog,1\n",
            r"esc50\.csv:2: fold is a whole number",
        ),
        ("urbansound8k", "metadata/UrbanSound8K.csv", "a,b\n\n", "lacks the column slice_file_name and fsID"),
        (
            "fsd50k",
            "FSD50K.ground_truth/dev.csv",
            "fname,labels,mids,split\n1,Dog,/m,dev\n",
            r"dev\.csv:2: split is train or val",
        ),
        ("fsd50k", "FSD50K.ground_truth/vocabulary.csv", "0,Dog\n", r"vocabulary\.csv:1: a class is number,name,identifier"),
        ("audioset", "eval_segments.csv", "# YTID, a, b, c\nx, 0.0\n", r"eval_segments\.csv:2: a clip is YTID, start"),
        ("manifest", "sounds.csv", "file,label,split\na/1.wav,dog,dev\n", r"sounds\.csv:2: unknown split 'dev'"),
        ("manifest", "sounds.csv", "file,label\na/1.wav,\n", r"sounds\.csv:2: no label in this row"),
        ("manifest", "sounds.csv", "file,label\na/1.wav,dog,brown\n", r"sounds\.csv:2: 3 values for 2 columns"),
    ],
)
def test_damaged_lists_are_named_with_the_line(kind: str, file: str, content: str, message: str, tmp_path: Path) -> None:
    WRITERS[kind](tmp_path)
    text(tmp_path / file, content)
    with pytest.raises(FormatError, match=message):
        SoundBank(tmp_path)


def test_damaged_credits_are_named(tmp_path: Path) -> None:
    write_fsd50k(tmp_path)
    bank = SoundBank(tmp_path)
    text(tmp_path / "FSD50K.metadata" / "dev_clips_info_FSD50K.json", "{")
    with pytest.raises(FormatError, match=r"dev_clips_info_FSD50K\.json: not JSON"):
        bank.licences()


@pytest.mark.parametrize("kind", ["esc50", "urbansound8k", "fsd50k", "manifest"])
def test_listed_files_that_are_missing_are_reported(kind: str, tmp_path: Path) -> None:
    WRITERS[kind](tmp_path)
    whole = SoundBank(tmp_path)
    gone = next(iter(whole.clips.values()))[0].file
    (tmp_path / gone).unlink()
    report = SoundBank(tmp_path).report
    assert "no such file, though" in report.skipped[gone]


def test_parts_whose_audio_is_not_here_are_counted(tmp_path: Path) -> None:
    write_fsd50k(tmp_path)
    (tmp_path / "FSD50K.eval_audio" / "4.wav").unlink()
    report = SoundBank(tmp_path).report
    assert not report.skipped
    assert any("1 listed clips are of a part whose audio is not here" in note for note in report.notes)


def test_a_manifest_never_leaves_its_folder(tmp_path: Path) -> None:
    clip(tmp_path / "in" / "a.wav")
    clip(tmp_path / "secret.wav")
    (tmp_path / "in" / "b.m4a").write_bytes(b"x")
    text(tmp_path / "in" / "list.csv", f"file,label\na.wav,dog\n../secret.wav,dog\n{tmp_path}/secret.wav,dog\nb.m4a,dog\n")
    bank = SoundBank(tmp_path / "in")
    assert [c.file for c in bank.clips["dog"]] == ["a.wav"]
    assert "outside the folder" in bank.report.skipped["../secret.wav"]
    assert "no audio that can be decoded" in bank.report.skipped["b.m4a"]
    text(tmp_path / "in" / "other.csv", "file,label\na.wav,dog\n")
    with pytest.raises(FormatError, match=r"several lists \(list\.csv, other\.csv\)"):
        SoundBank(tmp_path / "in")
    assert SoundBank(tmp_path / "in" / "other.csv").labels == ("dog",)


def test_unknown_folders_say_what_was_looked_for(tmp_path: Path) -> None:
    text(tmp_path / "notes.csv", "a,b\n")
    with pytest.raises(FormatError, match=r"not a known set of sounds\. Looked for: ESC-50: meta/esc50\.csv; .*one folder of"):
        SoundBank(tmp_path)
    with pytest.raises(FormatError, match=r"Looked for: ESC-50: meta/esc50\.csv$"):
        SoundBank(tmp_path, kind="esc50")
    with pytest.raises(ParameterError, match="did you mean 'fsd50k'"):
        SoundBank(tmp_path, kind="fsd50")
    with pytest.raises(ParameterError, match="of the kind manifest"):
        SoundBank(tmp_path / "notes.csv", kind="esc50")


def test_a_folder_above_a_published_set_is_not_taken_for_a_class(tmp_path: Path) -> None:
    write_esc50(tmp_path / "ESC-50-master")
    with pytest.raises(FormatError, match=r"holds one folder, which looks like ESC-50.*; give .*ESC-50-master"):
        SoundBank(tmp_path)
    assert SoundBank(tmp_path, kind="class_folders").labels == ("ESC-50-master",)


def test_a_class_of_speech_may_be_laid_out_as_librispeech(tmp_path: Path) -> None:
    clip(tmp_path / "speech" / "19" / "198" / "19-198-0000.flac")
    clip(tmp_path / "dog" / "1.wav")
    assert SoundBank(tmp_path).labels == ("dog", "speech")


def test_classes_can_be_renamed_and_joined(tmp_path: Path) -> None:
    write_manifest(tmp_path)
    bank = SoundBank(tmp_path, labels=("animal=dog", "animal=growl", "rain"))
    assert bank.labels == ("animal", "rain")
    assert [c.file for c in bank.clips["animal"]] == ["a/1.wav", "a/2.wav"]
    with pytest.raises(ParameterError, match=r"unknown class.*'dgo', did you mean 'dog'"):
        SoundBank(tmp_path, labels=("animal=dgo",))
    with pytest.raises(ParameterError, match="both 'a' and 'b'"):
        SoundBank(tmp_path, labels=("a=dog", "b=dog"))


parts = st.sampled_from(["train", "validation", "test", None])


@given(st.lists(st.tuples(st.integers(0, 40).map(str), parts)))
def test_no_recording_is_in_two_parts(listed: list[tuple[str, Split | None]]) -> None:
    splits = official_splits(listed)
    assert set(splits) == {recording for recording, _ in listed}
    said = {split for _, split in listed if split is not None}
    for recording, split in listed:
        if split == "test":
            assert splits[recording] == "test"
        if split == "train" and said == {"train", "validation", "test"}:
            assert splits[recording] in {s for r, s in listed if r == recording}


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(st.integers(0, 12), st.integers(0, 30), parts, st.sampled_from(["dog", "rain"])), min_size=1, max_size=60
    )
)
def test_banks_of_the_parts_share_no_recording(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, int, str | None, str]]
) -> None:
    folder = tmp_path_factory.getbasetemp() / "property"
    if not folder.is_dir():
        for number in range(31):
            clip(folder / f"{number}.wav")
    lines = [f"{number}.wav,{label},{split or ''},{recording}" for recording, number, split, label in rows]
    text(folder / "list.csv", "\n".join(["file,label,split,recording", *lines]))
    heard: dict[str, set[str]] = {}
    for split in ("train", "validation", "test"):
        try:
            bank = SoundBank(folder, split=split)
        except FormatError:  # nothing in this part
            continue
        heard[split] = {c.recording for clips in bank.clips.values() for c in clips}
    found = [recording for recordings in heard.values() for recording in recordings]
    assert len(found) == len(set(found)) == len({recording for recording, *_ in rows} & {int(f) for f in found})
    assert set(found) == {c.recording for clips in SoundBank(folder).clips.values() for c in clips}


def test_recordings_in_several_parts_count_for_the_last(tmp_path: Path) -> None:
    for name in "abc":
        clip(tmp_path / f"{name}.wav")
    rows = ("a.wav,dog,train,1,rex", "b.wav,dog,test,2,rex", "c.wav,dog,train,1,fido")
    text(tmp_path / "list.csv", "\n".join(["file,label,split,fold,recording", *rows]))
    bank = SoundBank(tmp_path, split="test")
    assert {"a.wav", "b.wav"} <= {c.file for c in bank.clips["dog"]}
    assert bank.report.notes == (
        "1 recordings have clips in several folds",
        "1 recordings are listed in several parts; each counts for the last",
    )


def test_parts_that_are_not_published_are_drawn_from_train() -> None:
    listed: list[tuple[str, Split | None]] = [(str(n), "train") for n in range(2_000)] + [("t", "test")]
    splits = list(official_splits(listed).values())
    assert splits.count("test") == 1
    assert splits.count("validation") / 2_000 == pytest.approx(0.1, abs=0.02)
    alone = list(official_splits((str(n), "train") for n in range(2_000)).values())
    assert alone.count("test") / 2_000 == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("http://creativecommons.org/licenses/by/3.0/", "CC-BY-3.0"),
        ("https://creativecommons.org/licenses/sampling+/1.0/", "CC-Sampling+-1.0"),
        ("http://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
        ("Royalty free", "Royalty free"),
        (" ", "unknown"),
    ],
)
def test_licences_have_short_names(address: str, name: str) -> None:
    assert licence_name(address) == name


def test_all_kinds_are_tested_here() -> None:
    assert set(KINDS) == {*WRITERS, "librispeech_speakers"}
