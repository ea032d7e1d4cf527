import json
import math
from dataclasses import replace

import numpy as np
import pytest

from auris.data.reverb_bank import LEAD, ReverbBankSettings, bank_room, make_reverb_bank, planned_bank
from auris.errors import FormatError, ParameterError, SceneError
from auris.io.mp3d_reverb import read_reverb_bank

# Far from every surface, so that the direct sound is alone for two milliseconds.
OPEN = ReverbBankSettings(
    rooms=6,
    places_per_room=12,
    length=(11.0, 12.0),
    width=(9.0, 10.0),
    height=(4.0, 4.0),
    t60=(0.3, 0.5),
    listener_height=(1.6, 1.8),
    source_height=(1.4, 2.2),
    distance=(0.6, 3.0),
    margin=1.4,
    heads=1,
)
ALONE = round((LEAD + 2e-3) * OPEN.sample_rate)
SMALL = replace(OPEN, layout="mono", rooms=4, places_per_room=2, sample_rate=8000, t60=(0.1, 0.2), margin=0.2)


@pytest.fixture(scope="module")
def binaural(tmp_path_factory):
    root = tmp_path_factory.mktemp("binaural")
    make_reverb_bank(OPEN, root)
    return read_reverb_bank(root, "train")


@pytest.fixture(scope="module")
def mono(tmp_path_factory):
    root = tmp_path_factory.mktemp("mono")
    make_reverb_bank(replace(OPEN, layout="mono"), root)
    return read_reverb_bank(root, "train", kind="mono")


def energies(response):
    """Of the direct sound and of the rest, by channel."""
    squared = np.square(response, dtype=float)
    return squared[:, :ALONE].sum(axis=1), squared[:, ALONE:].sum(axis=1)


def files_of(root):
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_the_near_ear_hears_the_direct_sound_at_sample_24_to_32_as_in_the_published_files(binaural):
    for number in range(len(binaural)):
        direct = np.abs(binaural.response(number)[:, :ALONE])
        onset = int(np.argmax(direct.max(axis=0) > 0.1 * direct.max()))
        assert 20 <= onset <= 32


def test_the_amplitude_is_that_of_the_distance(mono):
    for number, entry in enumerate(mono.entries):
        direct, _ = energies(mono.response(number))
        assert entry.distance * math.sqrt(direct[0]) == pytest.approx(1, rel=0.1)  # the highest octave is left out


def test_the_ear_on_the_side_of_the_source_is_louder(binaural):
    sides = 0
    for number, entry in enumerate(binaural.entries):
        towards_left = entry.source[0] < entry.sensor[0]  # Habitat's x points to the right
        _, azimuth, _ = entry.classes()
        assert towards_left == (90 < azimuth < 270)
        if abs(math.cos(math.radians(azimuth))) > 0.4:
            (left, right), _ = energies(binaural.response(number))
            assert (left > right) == towards_left
            sides += 1
    assert sides > 20


def test_the_direct_sound_sinks_into_the_reverberation_with_distance(mono):
    ratios = [energies(mono.response(number)) for number in range(len(mono))]
    decibels = [10 * math.log10(direct[0] / rest[0]) for direct, rest in ratios]
    distances = [math.log2(entry.distance) for entry in mono.entries]
    assert np.polyfit(distances, decibels, 1)[0] == pytest.approx(-6, abs=1.5)  # decibels per doubling


def test_places_keep_their_ranges_and_rooms_ring_as_told(mono):
    for entry in mono.entries:
        assert 0.59 <= entry.distance <= 3.01
        assert 1.59 <= entry.sensor[1] <= 1.81
        assert 1.39 <= entry.source[1] <= 2.21
        assert 0.3 <= entry.t60 <= 0.5
    lengths = [len(mono.response(number)[0]) / OPEN.sample_rate for number in range(len(mono))]
    assert all(entry.t60 * 0.9 < length < 1.3 * entry.t60 for entry, length in zip(mono.entries, lengths, strict=True))


def test_every_layout_hears_the_same_places(tmp_path):
    lists = []
    for layout in ("mono", "foa"):
        path = make_reverb_bank(replace(SMALL, layout=layout), tmp_path / layout).path
        lists.append(path.read_text())
    assert lists[0] == lists[1]
    foa = read_reverb_bank(tmp_path / "foa", "train", kind="ambisonics")
    single = read_reverb_bank(tmp_path / "mono", "train", kind="mono")
    for number in range(len(foa)):
        omni, alone = foa.response(number)[0], single.response(number)[0]
        assert np.dot(omni, omni) == pytest.approx(np.dot(alone, alone), rel=0.35)


def test_an_interrupted_bank_is_continued_to_the_same_bytes(tmp_path):
    def interrupt(done, total):
        if done == 2:
            raise KeyboardInterrupt

    whole, parts = tmp_path / "whole", tmp_path / "parts"
    make_reverb_bank(SMALL, whole)
    with pytest.raises(KeyboardInterrupt):
        make_reverb_bank(SMALL, parts, report=interrupt)
    assert not (parts / "train_reverberation.json").exists()
    assert planned_bank(SMALL, parts).rooms_on_disk == 2
    (parts / "mono" / ".train00002.999").mkdir()  # what a killed process leaves
    report = make_reverb_bank(SMALL, parts)
    assert (report.rooms, report.responses, report.rendered) == (4, 8, 4)
    assert files_of(parts) == files_of(whole)


def test_a_larger_bank_holds_the_smaller_one(tmp_path):
    make_reverb_bank(SMALL, tmp_path)
    small = {name: data for name, data in files_of(tmp_path).items() if name.suffix == ".npy"}
    assert make_reverb_bank(replace(SMALL, rooms=6), tmp_path).rendered == 4
    assert small.items() <= files_of(tmp_path).items()


def test_splits_and_seeds_have_other_rooms_and_other_heads():
    rooms = [bank_room(replace(SMALL, seed=seed), split, 0) for seed, split in ((0, "train"), (0, "eval"), (1, "train"))]
    assert len({drawn.room.dimensions for drawn in rooms}) == 3
    again = bank_room(SMALL, "train", 0)
    np.testing.assert_array_equal(again.sources, rooms[0].sources)


def test_heads_take_turns_by_room(tmp_path):
    from auris.dsp.hrtf import structural_head
    from auris.io.sofa import write_hrtf

    file = tmp_path / "head.sofa"
    write_hrtf(file, structural_head(8000, spacing_deg=15))
    settings = replace(SMALL, layout="binaural", heads=0, hrtf=(str(file),), hrtf_scales=(1.0, 1.05), places_per_room=1)
    make_reverb_bank(settings, tmp_path / "bank")
    notes = [json.loads(path.read_text()) for path in sorted((tmp_path / "bank" / "binaural").glob("*/*.json"))]
    listeners = [note["listener"] for note in notes]
    assert listeners == ["head, 1 times as large", "head, 1.05 times as large"] * 2


def test_other_settings_are_not_mixed_into_a_bank(tmp_path):
    make_reverb_bank(SMALL, tmp_path)
    with pytest.raises(FormatError, match="made with other settings"):
        make_reverb_bank(replace(SMALL, seed=1), tmp_path)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"rooms": 0}, "rooms must be at least 1"),
        ({"t60": (0.9, 0.2)}, "t60 is a range"),
        ({"layout": "stereo"}, "unknown layout"),
        ({"layout": "binaural", "heads": 0}, "needs heads"),
        ({"hrtf_scales": (9.0,)}, "hrtf_scales"),
        ({"distance": (0.0, 1.0)}, "distance above 0"),
    ],
)
def test_impossible_settings_are_refused(changes, text):
    with pytest.raises(ParameterError, match=text):
        replace(SMALL, **changes)


def test_what_no_room_can_have_is_told(tmp_path):
    hall = (90.0, 99.0)
    with pytest.raises(SceneError, match="cannot be reached"):
        bank_room(replace(SMALL, length=hall, width=hall, height=hall, t60=(0.05, 0.06)), "train", 0)
    with pytest.raises(SceneError, match="no place"):
        bank_room(replace(SMALL, distance=(50.0, 60.0)), "train", 0)
    with pytest.raises(FormatError, match=r"nowhere\.sofa: no such SOFA file"):
        make_reverb_bank(replace(SMALL, layout="binaural", hrtf=("nowhere.sofa",)), tmp_path)
