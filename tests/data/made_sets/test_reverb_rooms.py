import pickle
from dataclasses import fields

import pytest

from auris.data.made_sets.reverb_rooms import ReverbRoomsMaker, ReverbRoomsSettings
from auris.data.production.fields import attribute_texts
from auris.data.production.maker import ItemFacts, Maker
from auris.data.production.presets import preset_named
from auris.data.reverb_bank import ReverbBankSettings, RoomSettings, make_reverb_bank, room_order
from auris.data.sound_settings import BankSettings
from auris.errors import FormatError, ParameterError
from auris.io.mp3d_reverb import read_reverb_bank

SMALL = {"places_per_room": 2, "sample_rate": 8000, "t60": (0.1, 0.2)}


def maker(items=4, *, seed=7, **changes):
    return ReverbRoomsMaker(ReverbRoomsSettings(**{**SMALL, **changes}), items=items, sounds=BankSettings(), seed=seed)


def files_of(some, order=None):
    """All files of a set, its items made in any order."""
    items = {index: some.make(index) for index in order or range(len(some))}
    files = {file.path: file.content for item in items.values() for file in item.files}
    facts = (ItemFacts(index, items[index].name, items[index].facts) for index in sorted(items))
    return files | {file.path: file.content for file in some.lists(facts)}


def on_disk(root):
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("layout", "heads"), [("mono", 0), ("foa", 0), ("binaural", 1)])
def test_the_bytes_are_those_of_a_bank_made_at_once(tmp_path, layout, heads):
    settings = ReverbBankSettings(rooms=4, seed=7, layout=layout, heads=heads, **SMALL)
    make_reverb_bank(settings, tmp_path, "eval")
    assert files_of(maker(layout=layout, heads=heads, split="eval"), order=(2, 0, 3, 1)) == on_disk(tmp_path)


def test_rooms_of_one_head_are_neighbours_and_names_are_those_of_the_folders():
    made = maker(5, heads=2)
    items = [made.make(number) for number in range(len(made))]
    assert [item.name for item in items] == ["train00000", "train00002", "train00004", "train00001", "train00003"]
    assert [item.facts["listener"] for item in items] == sorted(item.facts["listener"] for item in items)
    assert room_order(ReverbBankSettings(rooms=3, heads=0, layout="mono")) == (0, 1, 2)
    item = maker(1, layout="foa").make(0)
    assert {file.field for file in item.files} == {"ambisonics.0.npy", "ambisonics.1.npy", "ambisonics.json"}
    assert set(item.facts["room"]) == {"dimensions", "t60", "volume"}


def test_places_may_share_a_listener(tmp_path):
    made = maker(1, layout="mono", places_per_room=7, places_per_listener=3)
    for path, content in files_of(made).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    entries = read_reverb_bank(tmp_path, "train", kind="mono").entries
    sensors = [entry.sensor for entry in entries]
    assert sensors == [sensors[0]] * 3 + [sensors[3]] * 3 + [sensors[6]]
    assert len(set(sensors)) == 3
    assert len({entry.source for entry in entries}) == 7
    assert all(0.49 <= entry.distance <= 8.01 for entry in entries)


def test_a_maker_is_sent_to_other_processes_without_its_heads():
    made = maker(2, layout="mono")
    first = made.make(1)
    copy = pickle.loads(pickle.dumps(made))
    assert len(pickle.dumps(made)) < 5000
    assert copy.make(1).files == first.files
    assert isinstance(copy, Maker)


def test_settings_name_everything_that_decides_about_the_bytes_but_no_folders(tmp_path):
    file = tmp_path / "head.sofa"
    file.write_bytes(b"")
    plain = maker(3, hrtf=(str(file),)).settings
    assert plain["hrtf"] == ["head.sofa"]
    assert (plain["items"], plain["seed"], plain["layout"]) == (3, 7, "binaural")
    assert str(tmp_path) not in repr(plain)


def test_the_preset_has_every_setting_of_a_bank_and_documents_it():
    own = {field.name: field.default for field in fields(ReverbRoomsSettings)}
    bank = {field.name: field.default for field in fields(ReverbBankSettings) if field.name not in ("rooms", "seed")}
    assert own == {**bank, "split": "train", "eval_rooms": 0}
    for kind in (RoomSettings, ReverbRoomsSettings):
        assert {field.name for field in fields(kind)} == set(attribute_texts(kind))
    preset = preset_named("reverb-bank")
    assert preset.settings_class is ReverbRoomsSettings
    made = preset.create(ReverbRoomsSettings(**SMALL), items=2, sounds=BankSettings(), seed=0)
    assert (len(made), made.seconds, ReverbRoomsSettings().item_seconds, made.balance()) == (2, 0, 0, {})


def test_what_cannot_be_is_refused():
    with pytest.raises(ParameterError, match="needs heads"):
        ReverbRoomsSettings(heads=0)
    with pytest.raises(ParameterError, match="t60 is a range"):
        ReverbRoomsSettings(t60=(0.9, 0.2))
    with pytest.raises(ParameterError, match="split names a list"):
        ReverbRoomsSettings(split="../train")
    with pytest.raises(ParameterError, match="at least one room"):
        maker(0)
    with pytest.raises(FormatError, match=r"nowhere\.sofa: no such SOFA file"):
        maker(hrtf=("nowhere.sofa",))


def test_rooms_to_be_scored_with_can_be_made_beside_those_to_train_in(tmp_path):
    for split, rooms in (("train", 3), ("eval", 2)):
        make_reverb_bank(ReverbBankSettings(rooms=rooms, seed=7, layout="mono", **SMALL), tmp_path, split)
    assert files_of(maker(3, layout="mono", eval_rooms=2), order=(4, 1, 0, 3, 2)) == on_disk(tmp_path)
    with pytest.raises(ParameterError, match="eval_rooms are 0 or more beside another split"):
        ReverbRoomsSettings(split="eval", eval_rooms=2)
