"""Settings say which sounds are played, and name them the same wherever they lie."""

import json
import os
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from auris import seeding
from auris.data.procedural import PROCEDURAL_SOUNDS
from auris.data.sound_bank import MixedBank, ProceduralBank, SoundBank
from auris.data.sound_settings import BankSettings
from auris.data.stems import BankSettings as SettingsOfStems
from auris.data.stems import StemSettings
from auris.errors import FormatError, ParameterError
from auris.models.configuration import dataclass_from, plain_of


def test_settings_open_what_they_say(made_sounds: Path) -> None:
    sounds = str(made_sounds)
    assert isinstance(BankSettings().open(), ProceduralBank)
    assert isinstance(BankSettings(sounds=sounds, procedural=0.0).open(), SoundBank)
    mixed = BankSettings(sounds=sounds, procedural=0.5).open()
    assert isinstance(mixed, MixedBank)
    assert set(mixed.labels) == {*PROCEDURAL_SOUNDS}
    chosen = BankSettings(sounds=sounds, labels=("barking=dog", "rain"), procedural=0.5).open()
    assert chosen.labels == ("barking", "rain")
    picked = [chosen.pick("barking", seeding.generator(n, "pick")) for n in range(20)]
    assert all(sound.file is not None for sound in picked)
    assert BankSettings(labels=("dog", "bell")).open().labels == ("bell", "dog")
    train, test = (BankSettings(sounds, procedural=0.0, folds=folds).open() for folds in ((1, 2, 3), (4,)))
    assert isinstance(train, SoundBank)
    assert isinstance(test, SoundBank)
    heard = [{c.recording for clips in bank.clips.values() for c in clips} for bank in (train, test)]
    assert heard[0].isdisjoint(heard[1])


def test_settings_survive_files_and_processes() -> None:
    settings = BankSettings("x", split="train", labels=("a", "b"), kind="esc50", folds=None)
    assert pickle.loads(pickle.dumps(settings)) == settings
    assert dataclass_from(BankSettings, json.loads(json.dumps(plain_of(settings))), where="sounds") == settings
    assert SettingsOfStems is BankSettings


def test_stems_that_were_rendered_before_keep_their_name() -> None:
    # What StemSettings().digest(("a",)) and repr were before kind, split and labels came to the settings.
    assert repr(BankSettings()) == "BankSettings(sounds=None, folds=None, procedural=0.3, variations=24)"
    assert repr(BankSettings(kind="esc50")).endswith("variations=24, kind='esc50')")
    digests = {StemSettings(bank=bank).digest(("a",)) for bank in (BankSettings(), BankSettings(split="train"))}
    assert len(digests) == 2


def test_the_same_sounds_elsewhere_have_the_same_name(made_sounds: Path, tmp_path: Path) -> None:
    shutil.copytree(made_sounds, tmp_path / "copy")
    here, there = BankSettings(str(made_sounds)), BankSettings(str(tmp_path / "copy"))
    assert here.digest() == there.digest()
    assert here.plain() == there.plain()
    assert str(made_sounds) not in json.dumps(here.plain())
    assert here.plain()["recordings"]["clips"] == 20
    names = {replace(here, **change).digest() for change in ({"folds": (1,)}, {"labels": ("dog",)}, {"procedural": 0.5})}
    assert len({here.digest(), BankSettings().digest(), *names}) == 5
    file = next((tmp_path / "copy" / "dog").iterdir())
    with open(file, "ab") as stream:
        stream.write(b"\0\0")
    assert BankSettings(str(tmp_path / "copy")).digest() != here.digest()


def test_what_is_measured_does_not_change_the_name(made_sounds: Path, tmp_path: Path) -> None:
    shutil.copytree(made_sounds, tmp_path / "copy")
    settings = BankSettings(str(tmp_path / "copy"))
    before = settings.digest()
    SoundBank(tmp_path / "copy").check()
    os.utime(next((tmp_path / "copy" / "dog").iterdir()))
    assert BankSettings(str(tmp_path / "copy")).digest() == before


def test_impossible_settings_are_explained(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="share from 0 to 1"):
        BankSettings(procedural=1.5)
    with pytest.raises(ParameterError, match="did you mean 'validation'"):
        BankSettings(split="valid")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="either split or folds"):
        BankSettings(split="train", folds=(1,))
    with pytest.raises(ParameterError, match="variations"):
        BankSettings(variations=0)
    for act in (BankSettings(str(tmp_path / "nowhere")).open, BankSettings(str(tmp_path / "nowhere")).plain):
        with pytest.raises(FormatError, match="no such folder"):
            act()
    with pytest.raises(ParameterError, match="did you mean 'dog'"):
        BankSettings(labels=("dgo",)).open()


def test_a_mixed_bank_credits_its_recordings(made_sounds: Path) -> None:
    bank = BankSettings(str(made_sounds), procedural=0.5).open()
    file = SoundBank(made_sounds).clips["dog"][0].file
    told = bank.attribution([file, "gone.wav", file])
    assert [entry.file for entry in told] == [file, "gone.wav"]
    assert bank.licences() == {"unknown": 20}
    assert BankSettings().open().licences() == {}
    assert BankSettings().open().attribution([]) == ()
