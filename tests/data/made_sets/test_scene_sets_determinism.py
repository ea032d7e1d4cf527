"""The same bytes in any process, in any order: makers of scenes are pure functions of their settings and a number."""

from __future__ import annotations

import hashlib
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from auris.data.made_sets.custom import CustomMaker, CustomSettings
from auris.data.made_sets.dcase2022 import Dcase2022Maker, Dcase2022Settings
from auris.data.made_sets.pseldnets import PseldnetsMaker, PseldnetsSettings
from auris.data.production.maker import Maker
from auris.data.sound_settings import BankSettings

ROOMS: dict[str, Any] = {"room_length": (4.0, 5.0), "room_width": (4.0, 5.0), "room_height": (2.5, 3.0), "t60": (0.2, 0.3)}
SCRIPT = """
import hashlib, pickle, sys
makers = pickle.load(open(sys.argv[1], "rb"))
for maker in makers:
    for index in (1, 0):
        item = maker.make(index)
        print(item.name, index, *(hashlib.sha256(file.content).hexdigest() for file in item.files))
"""


def makers(sounds: BankSettings) -> list[Maker]:
    common: dict[str, Any] = {**ROOMS, "sample_rate": 16_000, "duration": 1.2, "event_duration": (0.4, 0.7)}
    seld = PseldnetsSettings(**common, overlap=(2,), diffuse_snr_db=(10.0, 20.0))
    dcase = Dcase2022Settings(
        **common,
        layer_sounding=0.8,
        layers=1,
        trail_distance=(1.0, 1.5),
        moving_from=0.2,
        level_picks=3,
        fold_splits=(None, None),
    )
    own = CustomSettings(
        base="hard", scene={"duration": 1.5, "t60": [0.2, 0.3], "event_duration": [0.3, 1.0]}, sample_rate=16_000
    )
    return [
        PseldnetsMaker(seld, items=2, sounds=sounds, seed=5),
        Dcase2022Maker(dcase, items=2, sounds=sounds, seed=5),
        CustomMaker(own, items=2, sounds=sounds, seed=5),
    ]


def line(maker: Maker, index: int) -> str:
    item = maker.make(index)
    return " ".join([item.name, str(index), *(hashlib.sha256(file.content).hexdigest() for file in item.files)])


def test_the_same_bytes_in_another_process_and_another_order(tmp_path: Path, made_sounds: Path) -> None:
    made = makers(BankSettings(sounds=str(made_sounds), procedural=0.5))
    for maker in made:
        assert isinstance(maker, Maker)
    (tmp_path / "makers").write_bytes(pickle.dumps(made))
    here = sorted(line(maker, index) for maker in made for index in (0, 1))
    there = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "makers")], capture_output=True, text=True, check=True, timeout=300
    )
    assert sorted(there.stdout.splitlines()) == here


def test_an_opened_maker_is_small_when_it_is_sent() -> None:
    for maker in makers(BankSettings()):
        maker.balance()
        before = len(pickle.dumps(maker))
        maker.make(0)
        assert len(pickle.dumps(maker)) == before < 5_000


@pytest.mark.parametrize("number", [0, 1, 2])
def test_items_and_seeds_differ(number: int) -> None:
    first, other = makers(BankSettings())[number], makers(BankSettings())[number]
    other._seed = 6  # type: ignore[attr-defined]
    contents = {made.make(index).files[0].content for made in (first, other) for index in (0, 1)}
    assert len(contents) == 4
