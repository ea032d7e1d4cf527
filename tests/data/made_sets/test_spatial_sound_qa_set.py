import json
import math
import pickle
from collections import Counter
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest
import soundfile
from scipy.signal import fftconvolve

from auris.data.language.questions import HeardSource, QuestionMargins, answered, parsed_question
from auris.data.made_sets.spatial_qa_settings import SharedRooms
from auris.data.made_sets.spatial_sound_qa import QuestionCounts, SpatialSoundQaMaker, SpatialSoundQaSettings
from auris.data.production.check import check_set
from auris.data.production.fields import attribute_texts, settings_fields
from auris.data.production.maker import ItemFacts, Maker
from auris.data.production.manifest import read_manifest
from auris.data.production.presets import preset_named
from auris.data.production.run import make_set
from auris.data.sound_settings import BankSettings
from auris.data.spatial_clips import AudioSetBank, ClipSettings, EvaluationClips, SpatialClips
from auris.errors import FormatError, ParameterError
from auris.geometry.frames import FRAMES
from auris.io.mp3d_reverb import KINDS, read_reverb_bank
from auris.io.spatial_qa_records import ONE_SOURCE, QUESTION_TYPES, read_questions
from auris.io.spatial_sound_qa import read_clips, read_label_csv, read_sample_weights, sample_weights

ROOMS = SharedRooms(places_per_room=8, places_per_listener=4, t60=(0.1, 0.2), heads=1)
LABELS = ("bell", "clock_tick", "dog", "rain")
SMALL = SpatialSoundQaSettings(
    eval_share=0.25,
    classes=LABELS,
    classes_per_clip=(0.6, 0.4),
    clip_seconds=0.5,
    event_duration=(0.3, 0.5),
    sample_rate=8000,
    clip_uses=4,
    scenes_per_room=16,
    rooms=ROOMS,
    rendered=("binaural", "foa"),
)
MONO = replace(SMALL, responses=("mono",), rendered=())  # nothing that takes seconds to begin
SCENES = 64


def maker(settings=SMALL, *, items=SCENES, seed=5, sounds=None):
    return SpatialSoundQaMaker(settings, items=items, sounds=sounds or BankSettings(), seed=seed)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    root = tmp_path_factory.mktemp("spatial_sound_qa")
    make_set(maker(), root)
    return root


def scenes_of(root, split):
    return [item.facts for item in read_manifest(root).items if item.facts["kind"] == "scene" and item.facts["split"] == split]


def heard(record, root, split):
    """The sources of a record, from the published lists alone."""
    entries = {entry.name: entry for entry in read_reverb_bank(root / "mp3d_reverb", split).entries}
    classes = read_label_csv(root / "AudioSet/metadata/class_labels_indices_subset.csv")
    clips = read_clips(
        root / f"AudioSet/metadata/{'balanced' if split == 'train' else 'eval'}.json", root / "AudioSet", classes
    )
    labels = {clip.id: tuple(classes.names[number].lower() for number in clip.classes) for clip in clips}
    sources = []
    for audio, reverb in record.sources:
        entry = entries[reverb]
        offset = np.subtract(entry.source, entry.sensor)
        sources.append(HeardSource(labels[audio.rpartition("/")[2]], tuple(FRAMES["habitat"].to_internal(offset))))
    return tuple(sources)


def every_question(root):
    for split, name in (("train", "train"), ("eval", "eval-*")):
        for file in sorted((root / "closed-end").glob(f"*/{name}.json")):
            if split == "eval" or file.parent.name == "stage3-mixup":
                yield from ((split, record) for record in read_questions(file))


def test_the_set_is_whole_and_lies_as_published(out):
    assert not check_set(out).findings
    top = {path.name for path in out.iterdir() if not path.name.startswith(".")}
    assert {"AudioSet", "mp3d_reverb", "closed-end", "rendered"} <= top
    assert sorted(path.name for path in (out / "mp3d_reverb").iterdir()) == [
        "ambisonics",
        "binaural",
        "eval_reverberation.json",
        "mono",
        "train_reverberation.json",
    ]
    assert sorted(path.relative_to(out / "closed-end").as_posix() for path in out.glob("closed-end/*/*")) == [
        "stage1-clsdoa/eval-stage1-classification.json",
        "stage1-clsdoa/eval-stage1-doa.json",
        "stage1-clsdoa/train.json",
        "stage2-single/eval-stage2-classification.json",
        "stage2-single/eval-stage2-doa.json",
        "stage2-single/train.json",
        "stage3-mixup/eval-stage3-direction.json",
        "stage3-mixup/eval-stage3-distance.json",
        "stage3-mixup/eval-stage3-nonbinary.json",
        "stage3-mixup/train.json",
    ]
    first = json.loads((out / "closed-end/stage3-mixup/train.json").read_text())["data"][0]
    assert list(first) == [
        *("audio_id", "reverb_id", "audio_id2", "reverb_id2", "question_id", "question_type", "question", "answer")
    ]


def test_our_readers_of_clips_and_responses_open_it(out):
    classes = read_label_csv(out / "AudioSet/metadata/class_labels_indices_subset.csv")
    assert {"bell", "clock tick", "dog", "rain"} <= set(classes.names)
    for split, name in (("train", "balanced"), ("eval", "eval")):
        entries = read_clips(out / f"AudioSet/metadata/{name}.json", out / "AudioSet", classes)
        bank = AudioSetBank(entries, classes, sample_rate=8000)
        assert not bank.unreadable()
        assert {len(entry.classes) for entry in entries} <= {1, 2}
        for kind in KINDS:
            responses = read_reverb_bank(out / "mp3d_reverb", f"{split}_reverberation.json", kind=kind)
            assert not responses.unreadable()
            assert len(responses) % 8 == 0
        rooms = read_reverb_bank(out / "mp3d_reverb", split)
        settings = ClipSettings(sample_rate=8000, clip_seconds=0.5, response_seconds=0.3, mixup=1.0, mix="own_responses")
        item = EvaluationClips(bank, rooms, settings)[0]
        assert item.dry.shape == (1, 4000)
        assert SpatialClips(bank, rooms, settings)[0, 3].responses.shape[:2] == (2, 2)
    weights = read_sample_weights(out / "AudioSet/metadata/weights/balanced_weight.csv")
    entries = read_clips(out / "AudioSet/metadata/balanced.json", out / "AudioSet", classes)
    np.testing.assert_allclose(weights, sample_weights([entry.classes for entry in entries]))


def test_every_answer_is_right_by_the_places_in_the_published_lists(out):
    kinds = Counter()
    for split, record in every_question(out):
        sources = heard(record, out, split)
        asked = parsed_question(record.question, question_type=record.question_type)
        assert answered(asked, sources).text == record.answer
        assert (len(sources) == 1) == (record.question_type in ONE_SOURCE)
        kinds[record.question_type] += 1
    assert set(kinds) == set(QUESTION_TYPES)


def test_words_of_answers_are_those_of_the_published_classes(out):
    """BAT counts azimuth counter-clockwise from the right and elevation from straight down."""
    seen = set()
    for split, record in every_question(out):
        if record.question_type == "DOA":
            entries = {entry.name: entry for entry in read_reverb_bank(out / "mp3d_reverb", split).entries}
            distance, azimuth, elevation = entries[record.reverb_id].classes()
            place, _, metres = record.answer.partition("; ")
            side, depth, height = place.split(", ")
            assert side == ("left" if 90 < azimuth < 270 else "right")
            assert depth == ("front" if 0 < azimuth < 180 else "behind")
            assert height == ("above" if elevation > 90 else "below")
            assert metres == f"{distance / 2:g}m"
            seen |= {side, depth, height}
    assert seen == {"left", "right", "front", "behind", "above", "below"}


def test_both_sources_of_a_scene_have_one_listener_and_different_names(out):
    for split, record in every_question(out):
        if record.audio_id2 is not None:
            entries = {entry.name: entry for entry in read_reverb_bank(out / "mp3d_reverb", split).entries}
            first, second = entries[record.reverb_id], entries[record.reverb_id2]
            assert (first.scene, first.sensor) == (second.scene, second.sensor)
            assert first.source != second.source
            one, other = heard(record, out, split)
            assert set(one.labels) != set(other.labels)


def test_what_is_heard_is_the_clips_through_the_responses(out):
    scenes = [item for item in read_manifest(out).items if item.facts["kind"] == "scene" and item.facts["split"] == "eval"]
    for item in (next(i for i in scenes if len(i.facts["audio_ids"]) == n) for n in (1, 2)):
        paths = {file.field: file.path for file in item.files}
        for layout, kind in (("binaural", "binaural"), ("foa", "ambisonics")):
            found, rate = soundfile.read(out / paths[f"{layout}.flac"])
            wanted = []
            for audio, reverb in zip(item.facts["audio_ids"], item.facts["reverb_ids"], strict=True):
                dry, _ = soundfile.read(out / "AudioSet" / f"{audio}.wav")
                dry *= 10 ** (-14 / 20) / np.sqrt(np.mean(dry**2))
                response = np.load(out / "mp3d_reverb" / kind / reverb)
                wanted.append(fftconvolve(response, dry[None], axes=1)[:, : len(dry)])
            gain = 10 ** (item.facts["gain_db"][layout] / 20)
            np.testing.assert_allclose(found.T, gain * np.mean(wanted, axis=0), atol=1e-4)
            assert rate == 8000


def test_a_scene_that_is_heard_has_its_questions_beside_it(out):
    published = {record for file in out.glob("closed-end/*/eval-*.json") for record in read_questions(file)}
    beside = [record for file in out.glob("rendered/questions/eval/*.json") for record in read_questions(file)]
    assert set(beside) == published
    assert len({record.question_id for record in beside}) == len(beside) == len(published)


def test_facts_tell_scenes_and_questions(out):
    scenes = [*scenes_of(out, "train"), *scenes_of(out, "eval")]
    assert (len(scenes_of(out, "train")), len(scenes_of(out, "eval"))) == (48, 16)
    for facts in scenes:
        assert set(facts["text"][0]) == {"id", "question", "answer", "type"}
        assert {event["label"] for event in facts["events"]} <= set(LABELS)
        assert facts["room"]["t60"] > 0
    texts = [text for facts in scenes for text in facts["text"]]
    left_out = sum(len(facts["left_out"]) for facts in scenes)
    two = sum(len(facts["audio_ids"]) == 2 for facts in scenes)
    assert 0.25 < two / len(scenes) < 0.7
    # One of each type, and a third of a question of each that has no fixed form.
    assert len(texts) + left_out >= 2 * (len(scenes) - two) + 4 * two
    assert left_out < 0.1 * len(texts)
    yes = Counter(text["answer"] for text in texts if text["answer"] in ("Yes", "No"))
    assert 0.3 < yes["Yes"] / sum(yes.values()) < 0.7


def test_an_item_is_a_pure_function_of_its_number():
    made = maker(replace(MONO, rendered_splits=("train", "eval"), rendered=("mono",)), items=12)
    items = [made.make(index) for index in range(len(made))]
    other = pickle.loads(pickle.dumps(made))
    for index in reversed(range(len(made))):
        again = other.make(index)
        assert (again.name, again.files, again.facts) == (items[index].name, items[index].files, items[index].facts)
    assert len({item.name for item in items}) == len(items)
    assert isinstance(made, Maker)
    assert made.seconds == pytest.approx(sum(item.facts.get("seconds", 0) for item in items))
    assert len(pickle.dumps(made)) < 20_000
    with pytest.raises(ParameterError, match="has the items 0 to"):
        made.make(len(made))


def test_blocks_hold_each_scene_room_and_clip_once():
    made = maker(replace(SMALL, scenes_per_room=5, clip_uses=1.5), items=57)
    for plan in made._plans:
        found = Counter(plan.place(index)[:2] for index in range(len(plan)))
        assert set(found.values()) == {1}
        for kind, count in (("room", len(plan.rooms)), ("scene", plan.scenes), ("clip", plan.clips)):
            assert sorted(number for name, number in found if name == kind) == list(range(count))
    assert sum(plan.scenes for plan in made._plans) == 57


def folder_of_recordings(root):
    rng = np.random.default_rng(0)
    for label in ("dog", "rain", "bell"):
        (root / label).mkdir(parents=True)
        for fold in (1, 2, 3):
            for take in range(2):
                soundfile.write(root / label / f"fold{fold}-{fold}{take}-{take}-A.wav", 0.1 * rng.standard_normal(8000), 8000)
    return root


def recordings(made):
    found = {"train": set(), "eval": set()}
    for index in range(len(made)):
        facts = made.make(index).facts
        if facts["kind"] == "clip":
            found[facts["split"]] |= set(facts["recordings"])
    return found["train"], found["eval"]


def test_training_and_evaluation_share_no_recording_and_no_room(tmp_path, out):
    sounds = BankSettings(str(folder_of_recordings(tmp_path)), procedural=0.0)
    settings = replace(MONO, classes=None, train_folds=(1, 2), eval_folds=(3,))
    train, scored = recordings(maker(settings, sounds=sounds, items=40))
    assert train
    assert scored
    assert all("fold3" in file for file in scored)
    assert not any("fold3" in file for file in train)
    rooms = [json.loads(path.read_text()) for path in out.glob("mp3d_reverb/binaural/*/*.json")]
    assert len({tuple(room["dimensions"]) for room in rooms}) == len(rooms) == 4
    assert {room["listener"] for room in rooms} == {"structural head 0 of train", "structural head 0 of eval"}
    with pytest.raises(ParameterError, match="divides the recordings itself"):
        maker(SMALL, sounds=replace(sounds, folds=(1,)))
    alone = maker(replace(settings, train_folds=None, eval_folds=None, eval_share=0.0), sounds=replace(sounds, folds=(1,)))
    assert all("fold1" in file for file in recordings(alone)[0])
    assert "eval" not in alone.settings["sounds"]


def test_further_classes_of_a_recording_are_among_its_answers(tmp_path):
    folder_of_recordings(tmp_path / "audio")
    rows = [f"audio/{p.parent.name}/{p.name},{p.parent.name},{p.stem}" for p in sorted((tmp_path / "audio").glob("*/*.wav"))]
    rows += [row.replace(",dog,", ",rain,") for row in rows if ",dog," in row]
    (tmp_path / "list.csv").write_text("file,label,recording\n" + "\n".join(rows) + "\n")
    sounds = BankSettings(str(tmp_path / "list.csv"), procedural=0.0)
    settings = replace(MONO, classes=None, classes_per_clip=(1.0,), eval_share=0.0)
    clips = maker(settings, sounds=sounds)._clips
    found = {clips.plan("train", number).sounds[0].label: clips.plan("train", number).classes for number in range(3)}
    assert found["dog"] == ("dog", "rain")
    assert found["bell"] == ("bell",)


def test_published_class_lists_number_the_classes(tmp_path):
    table = tmp_path / "class_labels_indices_subset.csv"
    table.write_text('index,mid,display_name\n7,/m/r,Rain\n3,/m/x,"Whack, thwack"\n1,/m/d,Dog\n')
    made = maker(replace(MONO, classes=None, numbering=str(table)), items=4)
    assert (made._clips.listed().mids, made._clips.listed().names) == (
        ("/m/r", "/m/x", "/m/d"),
        ("Rain", "Whack, thwack", "Dog"),
    )
    clip = next(item for item in map(made.make, range(len(made))) if item.facts["kind"] == "clip")
    assert set(clip.facts["mids"]) <= {"/m/r", "/m/d"}
    assert str(tmp_path) not in repr(made.settings)
    json.dumps(dict(made.settings))


def test_questions_that_have_no_certain_answer_are_left_out_and_counted():
    strict = replace(MONO, margins=QuestionMargins(plane_deg=40, distance=30))
    facts = [item.facts for item in map(maker(strict).make, range(6)) if item.facts["kind"] == "scene"]
    assert any("DOA" in some["left_out"] or "MIXUP_DISTANCE_BOTH" in some["left_out"] for some in facts)
    for some in facts:
        assert not {text["type"] for text in some["text"]} & set(some["left_out"])


def test_numbers_of_questions_follow_the_settings():
    counts = QuestionCounts(**{field.name: 0 for field in fields(QuestionCounts)} | {"classification": 3, "mixup_direction": 2})
    made = maker(replace(MONO, questions=counts, two_sources=0.5), items=40)
    for index in range(len(made)):
        facts = made.make(index).facts
        if facts["kind"] == "scene":
            one = len(facts["audio_ids"]) == 1
            texts = [text["question"] for text in facts["text"]]
            assert {text["type"] for text in facts["text"]} <= {"CLASSIFICATION" if one else "MIXUP_DIRECTION"}
            assert len(set(texts)) == len(texts) == (3 if one else 2) or facts["left_out"]


def test_every_field_is_documented_and_the_preset_is_found():
    preset = preset_named("spatial-sound-qa")
    assert preset.settings_class is SpatialSoundQaSettings
    for kind in (SpatialSoundQaSettings, QuestionCounts, QuestionMargins, SharedRooms):
        assert {field.name for field in fields(kind)} == set(attribute_texts(kind))
    names = {entry.name for entry in settings_fields(SpatialSoundQaSettings)}
    assert {"rooms.t60", "margins.plane_deg", "questions.doa", "two_sources"} <= names
    assert SpatialSoundQaSettings().item_seconds == 10
    for entry in fields(SpatialSoundQaSettings):  # a group that is given in part is as the whole otherwise
        default = getattr(SpatialSoundQaSettings(), entry.name)
        assert not is_dataclass(default) or default == type(default)()
    made = preset.create(SMALL, items=8, sounds=BankSettings(), seed=0)
    assert math.isclose(sum(made.balance().values()), 1)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"eval_share": 1.5}, "eval_share must be a number from 0 to 1"),
        ({"responses": ()}, "responses must be some of"),
        ({"rendered": ("stereo",)}, "unknown name in rendered"),
        ({"naming": "slam"}, "unknown naming"),
        ({"train_folds": (1, 2), "eval_folds": (2,)}, "share no fold"),
        ({"train_folds": (1, 2)}, "share no fold"),
        ({"rooms": SharedRooms(places_per_listener=1)}, "rooms.places_per_listener"),
        ({"classes_per_clip": (0.0,)}, "classes_per_clip"),
        ({"event_duration": (3.0, 1.0)}, "event_duration must be a range"),
    ],
)
def test_impossible_settings_are_refused(changes, text):
    with pytest.raises(ParameterError, match=text):
        replace(SMALL, **changes)


def test_one_split_alone():
    only = maker(replace(MONO, eval_share=1.0), items=6)
    items = [only.make(index) for index in range(len(only))]
    paths = {file.path for file in only.lists(ItemFacts(n, item.name, item.facts) for n, item in enumerate(items))}
    assert "AudioSet/metadata/eval.json" in paths
    assert not any("train" in path or "balanced" in path for path in paths)


def test_a_part_without_recordings_is_told(tmp_path):
    (tmp_path / "dog").mkdir()
    soundfile.write(tmp_path / "dog/only.wav", np.full(8000, 0.1), 8000)
    with pytest.raises(FormatError, match="give train_folds and eval_folds, or eval_share=0"):
        len(maker(replace(SMALL, classes=None), sounds=BankSettings(str(tmp_path), procedural=0.0)))
