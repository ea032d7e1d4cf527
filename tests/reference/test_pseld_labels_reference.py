"""Labels of PSELDNets: metadata rows to arrays, arrays to training items, L3DAS22 events to frames."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auris.data.seld_sets.chunks import ChunkSettings, SeldChunks, chunk_spans
from auris.data.seld_sets.clips import find_clips
from auris.data.seld_targets import encode, overlap
from auris.io.l3das import read_l3das_events
from auris.io.pseldnets import read_frame_rows
from auris.vocabulary import DCASE2021, DCASE2022, L3DAS22

HERE = Path(__file__).parent / "pseld_labels"
FILES = ("fold1_room1_mix001", "fold1_room2_mix002")
SECONDS = {"fold1_room1_mix001": 25, "fold1_room2_mix002": 7}
SETS = {"DCASE2021": (DCASE2021.labels, 3, "dcase2021"), "STARSS23": (DCASE2022.labels, 6, "starss23")}
CASES = [(name, file) for name in SETS for file in FILES]


@pytest.fixture(scope="module")
def arrays():
    with np.load(HERE / "expected.npz") as stored:
        return dict(stored)


@pytest.fixture(scope="module")
def checks():
    return json.loads((HERE / "manifest.json").read_text())["checks"]


def write_rows(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(",".join(map(str, row)) + "\n" for row in rows.tolist()))
    return path


def degrees(vectors):
    """Whole degrees of vectors with axes last; azimuth 180 and -180 are the same."""
    azimuth = np.degrees(np.arctan2(vectors[..., 1], vectors[..., 0]))
    elevation = np.degrees(np.arcsin(np.clip(vectors[..., 2], -1, 1)))
    return np.rint(azimuth) % 360, np.rint(elevation)


def assert_same_directions(vectors, active, azimuth, elevation):
    """Stored whole degrees, as vectors and as degrees where the horizontal direction means something."""
    azimuth, elevation = (np.where(active, values, 0).astype(float) for values in (azimuth, elevation))
    a, e = np.radians(azimuth), np.radians(elevation)
    wanted = np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)], axis=-1) * active[..., None]
    np.testing.assert_allclose(vectors, wanted, atol=1e-6)
    got_azimuth, got_elevation = degrees(vectors)
    level = active & (np.abs(elevation) < 90)
    np.testing.assert_array_equal(got_azimuth[level], azimuth[level] % 360)
    np.testing.assert_array_equal(
        got_elevation[active & (np.abs(elevation) < 88)], elevation[active & (np.abs(elevation) < 88)]
    )


@pytest.mark.parametrize(("name", "file"), CASES)
def test_pseld_labels_accdoa(tmp_path, arrays, name, file):
    classes, _, _ = SETS[name]
    rows = read_frame_rows(write_rows(tmp_path / "a.csv", arrays[f"{name}/{file}/in_meta"]))
    active, azimuth, elevation = (arrays[f"{name}/{file}/accdoa/{key}"] for key in ("se", "azi", "ele"))
    vectors = encode(rows, "accdoa", classes=len(classes), frames=len(active)).targets.vectors.numpy().transpose(0, 2, 1)
    np.testing.assert_array_equal(np.any(vectors != 0, axis=-1), active)
    assert_same_directions(vectors, active, azimuth, elevation)


@pytest.mark.parametrize(("name", "file"), CASES)
def test_pseld_labels_adpit(tmp_path, arrays, name, file):
    classes, _, _ = SETS[name]
    rows = read_frame_rows(write_rows(tmp_path / "a.csv", arrays[f"{name}/{file}/in_meta"]))
    active, azimuth, elevation = (arrays[f"{name}/{file}/adpit/{key}"] for key in ("se", "azi", "ele"))
    slots = encode(rows, "adpit", classes=len(classes), frames=len(active)).targets.slots.numpy()
    np.testing.assert_array_equal(slots[:, :, 0] == 1, active)
    assert_same_directions(slots[:, :, 1:].transpose(0, 1, 3, 2), active, azimuth, elevation)


@pytest.mark.parametrize(("name", "file"), CASES)
def test_pseld_labels_tracks(tmp_path, arrays, name, file):
    classes, tracks, _ = SETS[name]
    rows = read_frame_rows(write_rows(tmp_path / "a.csv", arrays[f"{name}/{file}/in_meta"]))
    sed, doa = arrays[f"{name}/{file}/track/sed_label"], arrays[f"{name}/{file}/track/doa_label"]
    targets = encode(rows, "tracks", classes=len(classes), frames=len(sed), tracks=tracks).targets
    np.testing.assert_array_equal(targets.sed.numpy() == 1, sed)
    np.testing.assert_allclose(targets.doa.numpy(), doa, atol=1e-6)


@pytest.mark.parametrize("name", SETS)
def test_pseld_labels_dropped_rows_are_counted(tmp_path, arrays, checks, name):
    classes, tracks, _ = SETS[name]
    dropped = 0
    for file in FILES:
        rows = read_frame_rows(write_rows(tmp_path / "a.csv", arrays[f"{name}/{file}/in_meta"]))
        dropped += encode(rows, "tracks", classes=len(classes), frames=300, tracks=tracks).dropped
    assert dropped == checks[f"{name}_dropped_track_warnings"]


@pytest.fixture(scope="module")
def roots(tmp_path_factory, arrays):
    """The two sets of the fixture on disk."""
    base = tmp_path_factory.mktemp("pseld_labels")
    for name, file in CASES:
        write_rows(base / name / "metadata_dev" / f"{file}.csv", arrays[f"{name}/{file}/in_meta"])
        audio = base / name / "foa_dev" / f"{file}.wav"
        audio.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(audio, np.zeros((SECONDS[file] * 24_000, 4), np.int16), 24_000)
    return base


FORMATS = {"accdoa": "accdoa", "einv2": "tracks", "multi_accdoa": "adpit"}


@pytest.mark.parametrize("item_format", FORMATS)
@pytest.mark.parametrize("name", SETS)
def test_pseld_labels_items(roots, arrays, checks, name, item_format):
    classes, _, set_name = SETS[name]
    clips = find_clips(set_name, roots / name, "all")
    chunks = SeldChunks(clips, classes, ChunkSettings(FORMATS[item_format], alignment="published"))
    wanted = checks[f"{name}_items_{item_format}"]
    assert len(chunks) == len(wanted)
    for index, (file, tag, shape, _) in enumerate(wanted):
        example = chunks[index]
        assert (f"{example.clip.split('/')[1]}.wav", str(example.overlap)) == (file, tag)
        assert list(example.waveform.shape) == shape
        for key in (k for k in arrays if k.startswith(f"items/{item_format}/{index}/") and name == "DCASE2021"):
            np.testing.assert_allclose(item_array(example.targets, key), arrays[key], atol=1e-6)


def item_array(targets, key):
    if key.endswith("accdoa_label"):
        return targets.vectors.numpy().reshape(len(targets.vectors), -1)
    return targets[key.endswith("doa_label")].numpy()


@pytest.mark.parametrize("purpose", ["train", "test"])
@pytest.mark.parametrize("name", SETS)
def test_pseld_labels_index_rows(roots, checks, name, purpose):
    table = checks[f"{name}_index"][f"{name}_10sChunklen_10sHoplen_{purpose}.csv"]
    wanted = [tuple(map(int, line.split(",")[1:])) for line in table.splitlines()]
    spans = [
        (span.begin, span.end, 0, span.padding)
        for file in FILES
        for span in chunk_spans(SECONDS[file] * 24_000, length=240_000, hop=240_000, purpose=purpose)
    ]
    assert spans == wanted


SPANS = {  # name in the fixture -> samples, chunk and hop
    "60s": (1_440_000, 240_000, 240_000),
    "25s": (600_000, 240_000, 240_000),
    "23s": (552_000, 240_000, 240_000),
    "7s": (168_000, 240_000, 240_000),
    "10s": (240_000, 240_000, 240_000),
    "25.05s_hop0.5": (601_200, 240_000, 12_000),
    "30s_32k": (960_000, 320_000, 320_000),
}


@pytest.mark.parametrize("purpose", ["train", "test"])
@pytest.mark.parametrize("case", SPANS)
def test_pseld_postprocess_chunk_tables(case, purpose):
    samples, length, hop = SPANS[case]
    with np.load(HERE.parent / "pseld_postprocess" / "expected.npz") as stored:
        wanted = stored[f"segments/{case}/{purpose}"]
    spans = chunk_spans(samples, length=length, hop=hop, purpose=purpose)
    np.testing.assert_array_equal([(span.begin, span.end, 0, span.padding) for span in spans], wanted)


@pytest.mark.parametrize("name", SETS)
def test_pseld_labels_frames_for_scores(roots, checks, name):
    classes, _, set_name = SETS[name]
    chunks = SeldChunks(find_clips(set_name, roots / name, "all"), classes, ChunkSettings("accdoa", purpose="test"))
    counts = {f"{clip.name.split('/')[1]}.wav": chunks.frame_count(index) for index, clip in enumerate(chunks.clips)}
    assert counts == checks[f"{name}_valid_paths"]


def test_pseld_labels_l3das22(tmp_path, arrays, checks):
    path = tmp_path / "label_split0_ov1_0.csv"
    lines = [",".join(map(str, row)) for row in checks["l3das_in"]]
    path.write_text("File,Start,End,Class,X,Y,Z\n" + "\n".join(lines) + "\n")
    rows = read_l3das_events(path, L3DAS22.labels, rule="pseldnets")
    angles = (np.rint(np.degrees(values)).astype(int) for values in (rows.azimuth, rows.elevation))
    got = np.stack([rows.frame, rows.class_index, rows.track, *angles], axis=1)
    np.testing.assert_array_equal(got, arrays["L3DAS22/out_meta"])
    # The rule of auris loses no event: the 40 ms of laughter are there too.
    assert set(read_l3das_events(path, L3DAS22.labels).class_index) == set(rows.class_index) | {L3DAS22.index("Laughter")}


def test_pseld_labels_empty_file_is_a_clip_without_events(tmp_path):
    (tmp_path / "a.csv").touch()  # EmptyDataError in the published code
    targets = encode(read_frame_rows(tmp_path / "a.csv"), "adpit", classes=12, frames=100).targets
    assert targets.slots.shape == (100, 6, 4, 12)
    assert not targets.slots.any()
    assert overlap(targets) == 1
