"""Sets of one's own: base and changes, layouts, labels, head, ambience."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from auris.acoustics.renderer import render
from auris.audio import Audio
from auris.data.ambience import AmbienceFolder
from auris.data.dry import dry_signals
from auris.data.made_sets.custom import CustomMaker, CustomSettings
from auris.data.production.maker import ItemFacts, MadeItem
from auris.data.scene_presets import PRESETS
from auris.data.sound_settings import BankSettings
from auris.dsp.hrtf import structural_head
from auris.errors import FormatError, LayoutError, ParameterError
from auris.io.audio_files import write_audio
from auris.io.dcase import read_dcase
from auris.io.frame_labels import scene_to_rows
from auris.io.sofa import write_hrtf
from auris.models.configuration import dataclass_from, plain_of
from auris.scene import Scene

RATE = 16_000
SHORT = {
    "duration": 1.5,
    "sources": [1, 2],
    "t60": [0.2, 0.3],
    "event_duration": [0.4, 1.0],
    "labels": ["dog", "rain", "speech"],
}


def maker(items: int = 3, *, seed: int = 1, scene: dict[str, Any] | None = None, **changes: Any) -> CustomMaker:
    settings = CustomSettings(scene={**SHORT, **(scene or {})}, sample_rate=RATE, **changes)
    return CustomMaker(settings, items=items, sounds=BankSettings(), seed=seed)


def content(item: MadeItem) -> dict[str, bytes]:
    return {file.field: file.content for file in item.files}


def scene_of(item: MadeItem) -> Scene:
    return Scene.from_dict(json.loads(content(item)["scene.json"]))


def test_every_layout_is_written_with_labels_and_scene() -> None:
    layouts = ("foa", "tetra", "binaural", "stereo", "mono", "hoa2")
    item = maker(layouts=layouts, form="wav", prefix="room-7").make(2)
    assert [file.path for file in item.files] == [
        *(f"{layout}/room-7_000002.wav" for layout in layouts),
        "labels/room-7_000002.csv",
        "scenes/room-7_000002.json",
    ]
    assert [file.field for file in item.files][-3:] == ["hoa2.wav", "labels.csv", "scene.json"]
    for layout, channels in (("foa", 4), ("binaural", 2), ("mono", 1), ("hoa2", 9)):
        info = soundfile.info(io.BytesIO(content(item)[f"{layout}.wav"]))
        assert (info.channels, info.samplerate, info.frames) == (channels, RATE, round(1.5 * RATE))
    assert set(item.facts["gain_db"]) == set(layouts)


def test_labels_are_those_of_the_scene(tmp_path: Path) -> None:
    made = maker(numbering="esc50", year=2023)
    item = made.make(0)
    (listed,) = made.lists([ItemFacts(0, item.name, item.facts)])
    classes = tuple(listed.content.decode().splitlines())
    (tmp_path / "labels.csv").write_bytes(content(item)["labels.csv"])
    rows, wanted = read_dcase(tmp_path / "labels.csv", year=2023, vocabulary=classes), scene_to_rows(scene_of(item), classes)
    np.testing.assert_array_equal(rows.frame, wanted.frame)
    np.testing.assert_array_equal(rows.class_index, wanted.class_index)
    np.testing.assert_allclose(rows.positions, wanted.positions, atol=0.1)
    assert scene_of(item).labels[0] in classes


def test_classes_that_several_sounds_mean_are_joined() -> None:
    made = maker(scene={"labels": None}, numbering="dcase2022")
    shares = made.balance()
    assert sum(shares.values()) == pytest.approx(1.0)
    assert "Walk, footsteps" in shares
    assert {label for index in range(3) for label in made.scene(index).labels} <= set(shares)


def test_base_and_changes_give_the_distributions() -> None:
    settings = CustomSettings(base="moving", scene={"duration": 4.0, "t60": [0.3, 0.4]})
    assert settings.preset.moving_probability == PRESETS["moving"].moving_probability == 1.0
    assert (settings.preset.duration, settings.preset.t60) == (4.0, (0.3, 0.4))
    assert settings.item_seconds == 4.0
    assert dataclass_from(CustomSettings, json.loads(json.dumps(plain_of(settings))), where="settings") == settings
    assert json.loads(json.dumps(maker().settings)) == maker().settings


def test_a_head_of_ones_own_is_heard(tmp_path: Path) -> None:
    head = structural_head(RATE, head_radius=0.095)
    write_hrtf(tmp_path / "head.sofa", head)
    item = maker(layouts=("binaural",), hrtf=str(tmp_path / "head.sofa"), scene={"diffuse_snr_db": None}).make(0)
    samples, _ = soundfile.read(io.BytesIO(content(item)["binaural.flac"]), dtype="float32", always_2d=True)
    scene = scene_of(item)
    dry = dry_signals(scene, BankSettings().open(), RATE)
    own = render(scene, dry, layout="binaural", sample_rate=RATE, hrtf=head).mixture.samples
    other = render(scene, dry, layout="binaural", sample_rate=RATE).mixture.samples
    assert np.square(samples.T - own).mean() < 0.05 * np.square(samples.T - other).mean()


def test_ambience_lies_under_all_layouts_with_its_ratio(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for layout, channels in (("foa", 4), ("binaural", 2)):
        write_audio(tmp_path / "hall" / f"{layout}.wav", Audio(rng.normal(0, 0.1, (channels, 4 * RATE)), RATE, layout))
    made = maker(
        layouts=("foa", "binaural"),
        ambience=str(tmp_path),
        ambience_snr_db=(4.0, 9.0),
        snr_channel="mean",
        scene={"diffuse_snr_db": None, "sensor_snr_db": None},
    )
    item = made.make(0)
    background = item.facts["background"]
    assert (background["ambience"], background["snr_channel"]) == ("hall", "mean")
    assert 4 <= background["ambience_snr_db"] <= 9
    assert str(tmp_path) not in json.dumps([made.settings, item.facts, scene_of(item).to_dict()])
    scene = scene_of(item)
    assert content(item)["scene.json"].decode().startswith('{\n "version": 2')
    folder, dry = AmbienceFolder(tmp_path), dry_signals(scene, BankSettings().open(), RATE)
    for layout in ("foa", "binaural"):
        under = folder.read(scene.background, layout, sample_rate=RATE, duration=scene.duration)
        again = render(scene, dry, layout=layout, sample_rate=RATE, ambience=under)
        samples, _ = soundfile.read(io.BytesIO(content(item)[f"{layout}.flac"]), dtype="float32", always_2d=True)
        np.testing.assert_allclose(samples.T, again.mixture.samples * 10 ** (item.facts["gain_db"][layout] / 20), atol=1e-4)


def test_no_labels_and_a_stated_peak() -> None:
    item = maker(year=None, peak=0.25, form="wav", subtype="PCM_24").make(0)
    assert [file.field for file in item.files] == ["foa.wav", "scene.json"]
    samples, _ = soundfile.read(io.BytesIO(content(item)["foa.wav"]))
    assert np.abs(samples).max() == pytest.approx(0.25, abs=1e-4)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"base": "statick"}, ParameterError, "unknown scene preset 'statick', did you mean 'static'"),
        ({"scene": {"t61": 1}}, ParameterError, "preset: unknown key 't61', did you mean 't60'"),
        ({"scene": {"t60": [2, 1]}}, ParameterError, "preset t60 must be a range"),
        ({"layouts": ("foaa",)}, LayoutError, "unknown layout 'foaa'"),
        ({"layouts": ()}, ParameterError, "layouts must be some of"),
        ({"layouts": ("foa", "foa")}, ParameterError, "each once"),
        ({"year": 2019}, ParameterError, "year must be a whole number from 2020 to 2025"),
        ({"prefix": "a b"}, ParameterError, "prefix must be letters"),
        ({"hrtf": "x.sofa"}, ParameterError, "hrtf is the head of a binaural layout"),
        ({"ambience_snr_db": (1.0,)}, ParameterError, "ambience_snr_db must be a range"),
        ({"layouts": ("foa", "hoa3")}, ParameterError, "flac holds 8 channels, fewer than hoa3; set form=wav"),
        ({"peak": 0.0}, ParameterError, "peak must be a number"),
    ],
)
def test_impossible_settings_are_refused(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        CustomSettings(**changes)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ParameterError, match=r"unknown sound .scene.labels. 'dgo', did you mean 'dog'"):
        maker(scene={"labels": ["dgo"]}).make(0)
    with pytest.raises(FormatError, match=r"head\.sofa: cannot be read"):
        _ = maker(layouts=("binaural",), hrtf="head.sofa").settings
    with pytest.raises(ParameterError, match="unknown class list 'dcase22', did you mean 'dcase2022'"):
        maker(numbering="dcase22").make(0)
    with pytest.raises(FormatError, match="no such folder of ambience"):
        maker(ambience="nowhere").make(0)
