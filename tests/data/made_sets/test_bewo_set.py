"""Sets like BEWO-1M: fields, formulas, what the microphones hear, and that every clip is a function of its number."""

from __future__ import annotations

import io
import json
import math
import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from scipy import fft

from auris import seeding
from auris.data.language.attributes import attributes_from_plain, attributes_of
from auris.data.language.captions import mentioned
from auris.data.language.parsing import parse
from auris.data.language.rewriting import keeps_meaning
from auris.data.made_sets.bewo import BewoMaker, BewoSettings, stereo_pair
from auris.data.made_sets.bewo_scenes import JUMP, BewoScene, drawn_scene
from auris.data.production.maker import ItemFacts, MadeItem, Maker
from auris.data.stems import BankSettings
from auris.errors import ParameterError
from auris.io.bewo import BewoRecord, azimuth_deg, distance_ratio, open_bewo, record_from_plain
from auris.scene import Scene

SOUNDS = BankSettings()
QUICK: dict[str, Any] = {"duration": 1.0, "sample_rate": 16_000}
ONLY = {"SS": (1, 0, 0, 0), "SD": (0, 1, 0, 0), "DS": (0, 0, 1, 0), "Mix": (0, 0, 0, 1)}


def maker(items: int = 8, *, seed: int = 3, **settings: Any) -> BewoMaker:
    return BewoMaker(BewoSettings(**{**QUICK, **settings}), items=items, sounds=SOUNDS, seed=seed)


def record_of(item: MadeItem) -> BewoRecord:
    return record_from_plain(item.facts["record"])


def audio_of(item: MadeItem) -> NDArray[np.float64]:
    samples, _ = soundfile.read(io.BytesIO(item.files[0].content))
    return np.asarray(samples.T)


def scene_of(item: MadeItem) -> Scene:
    return Scene.from_dict(json.loads(item.files[1].content))


def measured_itd(stereo: NDArray[Any], rate: int) -> float:
    """Delay of the right channel after the left in seconds, by the peak of the cross-correlation, to a fraction of a sample."""
    size, finer = 2 * stereo.shape[1], 16
    left, right = (fft.rfft(channel, n=size) for channel in stereo)
    correlation = fft.irfft(right * np.conj(left), n=finer * size)
    most = round(0.8e-3 * rate * finer)
    around = np.concatenate([correlation[-most:], correlation[: most + 1]])
    return (int(np.argmax(around)) - most) / (rate * finer)


def scenes(count: int, subset: str, **settings: Any) -> list[BewoScene]:
    bank, chosen = SOUNDS.open(), BewoSettings(**{**QUICK, **settings})
    return [drawn_scene(chosen, subset, bank, bank.labels, seed=seed, name=str(seed)) for seed in range(count)]  # type: ignore[arg-type]


def test_an_item_is_a_function_of_its_number() -> None:
    made = maker()
    assert isinstance(made, Maker)
    items = [made.make(index) for index in range(3)]
    copy = pickle.loads(pickle.dumps(made))
    assert [copy.make(index) for index in (1, 2, 0)] == [items[index] for index in (1, 2, 0)]
    assert maker(100).make(2) == items[2]
    assert maker(seed=4).make(0).files[0].content != items[0].files[0].content
    assert len({item.name for item in items}) == 3
    assert json.loads(json.dumps(dict(items[0].facts))) == items[0].facts


def test_shares_of_the_subsets_hold_in_small_sets_too() -> None:
    made = maker(1000)
    for first in (0, 300):
        counts = Counter(made._subset(index) for index in range(first, first + 100))
        for subset, share in (("SS", 32), ("SD", 20), ("DS", 20), ("Mix", 28)):
            assert abs(counts[subset] - share) <= 3


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_a_set_on_disk_is_read_as_the_published_one(split: Any, tmp_path: Path) -> None:
    made = maker(4, split=split)
    facts = []
    for index in range(4):
        item = made.make(index)
        facts.append(ItemFacts(index, item.name, item.facts))
        for file in item.files:
            path = tmp_path / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.content)
    for file in made.lists(facts):
        path = tmp_path / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
    tree = open_bewo(tmp_path, split=split)
    assert len(tree.clips) == 4
    assert not tree.missing
    assert not tree.unused
    for clip in tree.clips:
        assert clip.audio.stem == clip.record.audio_name
        assert clip.audio.parent.name == clip.table
        assert soundfile.info(clip.audio).channels == 2


@pytest.mark.parametrize("subset", ["SS", "SD", "DS", "Mix"])
def test_fields_follow_from_the_scene_by_the_published_formulas(subset: str) -> None:
    made = maker(3, subset_shares=ONLY[subset], mix_sources=(1, 1, 1))
    for index in range(3):
        item = made.make(index)
        record, scene = record_of(item), scene_of(item)
        (left, right), (front, also), (height, _) = record.micro_pos
        centre = ((left + right) / 2, front, height)
        assert right - left == pytest.approx(0.17)
        assert front == also
        assert record.caption == item.facts["text"]
        assert record.room_size == tuple(scene.room.dimensions if scene.room else record.room_size)
        for source in range(record.sources):
            path, ratio = scene.sources[source].path, record.speed_ratio[source]
            times = (0.0, scene.duration)
            for place, angle, moment in zip(
                (record.start[source], record.end[source]),
                (record.start_angle[source], record.end_angle[source]),
                times,
                strict=True,
            ):
                assert place[:3] == pytest.approx(path.at(moment), abs=1e-6)
                assert place[2] == height
                assert angle == pytest.approx(azimuth_deg(place, centre), abs=0.01)
                assert place[3] == pytest.approx(distance_ratio(place, centre, record.room_size), abs=1e-3)
                assert 0 <= angle <= 180
            assert abs(5 - record.start_angle[source] / 45 - record.raw_start[source]) <= 20 / 45 + 1e-3
            assert abs(5 - record.end_angle[source] / 45 - record.raw_end[source]) <= 20 / 45 + 1e-3
            _check_motion(record, source, path, ratio, scene.duration)


def _check_motion(record: BewoRecord, source: int, path: Any, ratio: float, duration: float) -> None:
    speed, begins = record.raw_speed[source], record.move_start_time[source] / 16_000
    if speed == "still":
        assert (ratio, begins, record.change_step[source]) == (0, 0, 0)
        assert not path.moves
    elif speed == "instantly":
        assert ratio == 0
        assert begins == pytest.approx(record.change_step[source] * duration, abs=1e-4)
        before, after = path.at([begins - JUMP, begins + JUMP])
        assert before == pytest.approx(record.start[source][:3])
        assert after == pytest.approx(record.end[source][:3])
    else:
        low, high = {"slow": (0.78, 0.95), "moderate": (0.48, 0.72), "fast": (0.2, 0.42)}[speed]
        assert low <= ratio <= high
        assert begins + ratio * duration <= duration + 1e-3
        assert path.at(begins - 1e-3) == pytest.approx(record.start[source][:3], abs=1e-6)
        assert path.at(begins + ratio * duration + 1e-3) == pytest.approx(record.end[source][:3], abs=1e-6)


def test_what_is_drawn_is_what_the_scene_is_heard_as() -> None:
    for subset in ("SS", "SD", "DS", "Mix"):
        for drawn in scenes(25, subset, duration=10.0):
            assert attributes_of(drawn.scene, reach=drawn.reach).in_words() == drawn.attributes
            assert len({part.label for part in drawn.sources}) == len(drawn.sources)


def test_subsets_have_the_sources_that_their_names_say() -> None:
    moving = {s: [[p.speed != "still" for p in d.sources] for d in scenes(30, s)] for s in ("SS", "SD", "DS", "Mix")}
    assert all(m == [False] for m in moving["SS"])
    assert all(m == [True] for m in moving["SD"])
    assert all(m == [False, False] for m in moving["DS"])
    assert all(len(m) >= 2 and any(m) for m in moving["Mix"])


def test_distributions_are_the_settings() -> None:
    drawn = scenes(250, "SD")
    sizes = Counter(scene.size for scene in drawn)
    speeds = Counter(scene.sources[0].speed for scene in drawn)
    assert sizes["outdoors"] / 250 == pytest.approx(0.33, abs=0.07)
    assert sizes["small"] / 250 == pytest.approx(0.04, abs=0.03)
    assert speeds["moderate"] / 250 == pytest.approx(0.43, abs=0.07)
    assert speeds["instantly"] / 250 == pytest.approx(0.09, abs=0.05)
    for scene in drawn:
        assert (scene.scene.room is None) == (scene.size == "outdoors")
    (only,) = {scene.sources[0].first_class for scene in scenes(5, "SS", direction_shares=(0, 0, 1, 0, 0))}
    assert only == 3


def test_captions_say_what_is_so() -> None:
    made = maker(12)
    item = made.make(0)
    truth = attributes_from_plain(item.facts["attributes"])
    assert keeps_meaning(mentioned(truth, seed=seeding.derive(3, "bewo", 0, "caption")))(item.facts["text"])
    for index in range(12):
        full = scenes(index + 1, "Mix")[index].attributes
        said = parse(made._caption(full, index)[0], labels=[sound.description for sound in full.sounds])
        assert [sound.description for sound in said.sounds] == [sound.description for sound in full.sounds]
        for sound, truth in zip(said.sounds, full.sounds, strict=True):
            assert sound.end == truth.end
            assert sound.start in (None, truth.start)
            assert sound.speed in (None, truth.speed)


@pytest.mark.parametrize("size", range(4))
def test_itd_is_that_of_the_geometry_in_sign_and_size(size: int) -> None:
    shares = tuple(float(number == size) for number in range(4))
    for direction in (0, 1, 2, 4):
        settings = BewoSettings(
            **{**QUICK, "sample_rate": 44_100, "duration": 0.5},
            size_shares=shares,
            direction_shares=tuple(float(number == direction) for number in range(5)),
            near=(0.3, 0.35),
            distance_shares=(1, 0, 0),
        )
        bank = SOUNDS.open()
        drawn = drawn_scene(settings, "SS", bank, bank.labels, seed=direction, name="itd")
        click = np.zeros((1, 22_050), np.float32)
        click[0, 100] = 1.0
        heard = stereo_pair(drawn.scene, click, settings).samples
        first = int(np.argmax(np.abs(heard).max(axis=0) > 0.5 * np.abs(heard).max()))
        direct = heard[:, max(first - 64, 0) : first + 64] * np.hanning(64 + min(first, 64))
        offset = np.asarray(drawn.sources[0].start) - np.asarray(drawn.centre)
        half = np.array([0.085, 0.0, 0.0])
        truth = (np.linalg.norm(offset - half) - np.linalg.norm(offset + half)) / 343.2
        assert measured_itd(direct, 44_100) == pytest.approx(truth, abs=4e-6)
        assert truth * (2 - direction) >= 0 or direction == 2
        assert -0.17 / 343 * math.cos(math.atan2(offset[1], offset[0])) == pytest.approx(truth, abs=2e-5)


def test_a_moving_source_is_heard_where_it_is() -> None:
    settings = BewoSettings(**{**QUICK, "duration": 4.0}, size_shares=(1, 0, 0, 0), speed_shares=(1, 0, 0, 0), path="arc")
    bank = SOUNDS.open()
    drawn = next(
        scene
        for seed in range(50)
        for scene in [drawn_scene(settings, "SD", bank, bank.labels, seed=seed, name="m")]
        if (scene.sources[0].first_class, scene.sources[0].last_class) in {(1, 4), (1, 5), (2, 5)}
    )
    noise = np.random.default_rng(0).normal(0, 0.1, (1, 64_000)).astype(np.float32)
    heard = stereo_pair(drawn.scene, noise, settings).samples
    path = drawn.sources[0].source.path
    distance = lambda when: math.dist(path.at(when), drawn.centre)  # noqa: E731
    for moment in (0.1, 1.0, 2.0, 3.0, 3.7):
        piece = heard[:, round((moment - 0.05) * 16_000) : round((moment + 0.05) * 16_000)]
        emitted = moment
        for _ in range(10):  # what is heard left the source when it was elsewhere
            emitted = moment - (distance(emitted) - distance(0.0)) / 343.2
        (x, y, z) = drawn.scene.relative_positions(path, emitted)[0]
        truth = (math.hypot(x, y + 0.085, z) - math.hypot(x, y - 0.085, z)) / 343.2
        assert measured_itd(piece, 16_000) == pytest.approx(truth, abs=2e-5)


def test_a_jump_is_two_places_without_a_flight_between() -> None:
    settings = BewoSettings(**{**QUICK, "duration": 2.0}, size_shares=(1, 0, 0, 0), speed_shares=(0, 0, 0, 1))
    bank = SOUNDS.open()
    drawn = next(
        scene
        for seed in range(80)
        for scene in [drawn_scene(settings, "SD", bank, bank.labels, seed=seed, name="j")]
        if (scene.sources[0].first_class, scene.sources[0].last_class) == (1, 5)
    )
    tone = (0.1 * np.sin(2 * np.pi * 440 * np.arange(32_000) / 16_000)).astype(np.float32)[None]
    noise = np.random.default_rng(0).normal(0, 0.1, (1, 32_000)).astype(np.float32)
    heard = stereo_pair(drawn.scene, noise, settings).samples
    moment = drawn.sources[0].change_step * 2.0
    before, after = heard[:, : round((moment - 0.15) * 16_000)], heard[:, round((moment + 0.15) * 16_000) :]
    assert measured_itd(before, 16_000) > 0.4e-3
    assert measured_itd(after, 16_000) < -0.4e-3
    pitch = np.abs(fft.rfft(stereo_pair(drawn.scene, tone, settings).samples[0] * np.hanning(32_000)))
    beyond = np.r_[pitch[: 2 * 400], pitch[2 * 480 :]]
    assert beyond.max() < 0.03 * pitch.max()  # a flight would shift the tone far away


def test_the_first_sound_arrives_at_once_unless_travel_is_kept() -> None:
    bank = SOUNDS.open()
    for propagation in ("relative", "absolute"):
        settings = BewoSettings(**QUICK, size_shares=(1, 0, 0, 0), propagation=propagation)  # type: ignore[arg-type]
        drawn = drawn_scene(settings, "DS", bank, bank.labels, seed=1, name="p")
        clicks = np.zeros((2, 16_000), np.float32)
        clicks[:, 1000] = 1.0
        heard = np.abs(stereo_pair(drawn.scene, clicks, settings).samples).max(axis=0)
        distances = [math.dist(part.start, drawn.centre) for part in drawn.sources]
        first = int(np.argmax(heard > 0.3 * heard.max())) - 1000
        kept = propagation == "absolute"
        assert first == pytest.approx(min(distances) / 343.2 * 16_000 * kept, abs=12)
        later = round((max(distances) - min(distances)) / 343.2 * 16_000)
        assert heard[1000 + first + later - 14 : 1000 + first + later + 14].max() > 0.2 / max(distances) * 0.5


def test_levels_keep_the_distance_law_and_the_peak() -> None:
    bank = SOUNDS.open()
    settings = BewoSettings(**QUICK, size_shares=(1, 0, 0, 0))
    drawn = drawn_scene(settings, "DS", bank, bank.labels, seed=1, name="l")
    noise = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    powers = []
    for number in range(2):
        dry = np.zeros((2, 16_000), np.float32)
        dry[number] = noise
        heard = stereo_pair(drawn.scene, dry, settings).samples[0, 4000:]
        powers.append(float(np.sqrt(np.mean(heard**2))) * math.dist(drawn.sources[number].start, drawn.centre))
    assert powers[0] == pytest.approx(powers[1], rel=0.05)
    made = maker(3)
    for index in range(3):
        item = made.make(index)
        assert np.abs(audio_of(item)).max() == pytest.approx(10 ** (-3 / 20), abs=1e-3)
        assert np.isfinite(item.facts["gain_db"]["stereo"])


def test_straight_ways_keep_away_from_the_listener_and_arcs_turn_evenly() -> None:
    for path in ("straight", "arc"):
        for drawn in scenes(60, "SD", path=path, speed_shares=(1, 1, 1, 0), duration=10.0):
            (part,) = drawn.sources
            times = np.linspace(part.begins, part.begins + part.ratio * 10, 101)
            points = drawn.scene.relative_positions(part.source.path, times)
            assert np.linalg.norm(points, axis=1).min() >= 0.29
            assert points[:, 0].min() >= -1e-6  # never behind
            azimuth = np.degrees(np.arctan2(points[:, 1], points[:, 0]))
            if path == "arc":
                steps = np.diff(azimuth)
                assert steps == pytest.approx(np.full(100, steps.mean()), abs=0.02)


@pytest.mark.parametrize(
    "change",
    [
        {"split": "validation"},
        {"subset_shares": (1, 1)},
        {"size_shares": (0, 0, 0, 0)},
        {"slow": (0.9, 0.5)},
        {"peak_db": 3.0},
        {"angle_jitter_deg": 90.0},
        {"path": "spiral"},
        {"collection": "a b"},
        {"collection": "my_train"},
        {"sample_rate": 100},
        {"form": "flac", "subtype": "FLOAT"},
    ],
)
def test_impossible_settings_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ParameterError):
        BewoSettings(**change)


def test_too_few_classes_are_refused() -> None:
    few = BewoMaker(BewoSettings(**QUICK), items=3, sounds=BankSettings(labels=("speech", "rain")), seed=0)
    with pytest.raises(ParameterError, match="up to 4 sources"):
        few.make(0)
    with pytest.raises(ParameterError, match="items 0 to 7"):
        maker(8).make(8)


def test_rewriting_changes_captions_only_and_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from auris.data.language import rewriting
    from auris.data.made_sets.bewo import Rewriting

    class Shouting:
        name = "shouting"

        def answer(self, messages: Any, *, attempt: int) -> str:
            return str(messages[1]["content"]).upper()

    monkeypatch.setattr(
        rewriting.RewriteSettings,
        "open",
        lambda self, **_: Rewriting(Shouting(), cache=tmp_path) if self.by != "none" else None,
    )
    plain = maker(2)
    louder = maker(2, rewrite=rewriting.RewriteSettings(by="local", model="shouting"))
    items = [louder.make(index) for index in range(2)]
    for index, item in enumerate(items):
        assert item.facts["text"] == plain.make(index).facts["text"].upper()
        assert item.facts["rewritten"] is True
        assert item.files == plain.make(index).files
    lists = {
        file.path: file.content for file in louder.lists(ItemFacts(i, item.name, item.facts) for i, item in enumerate(items))
    }
    assert json.loads(lists["captions.json"]) == {"rewritten": 2, "grammar": 0}
    assert louder.settings["rewrite"]["model"] == "shouting"
