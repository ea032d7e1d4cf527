import math
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch
from fake_datasets import make_fake_dataset, write_fake_audio
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from auris.data.seld_sets.chunks import ChunkSettings, SeldChunks, chunk_spans
from auris.data.seld_sets.clips import find_classes, find_clips
from auris.data.seld_targets import AccdoaTargets, AdpitTargets, decode
from auris.dsp.resampling import resample
from auris.errors import FormatError, ParameterError
from auris.vocabulary import DCASE2022

SHORT = ChunkSettings("adpit", seconds=1.0, hop_seconds=1.0)


def chunks_of(fake_sets, name, settings=SHORT, split="all"):
    clips = [clip for clip in find_clips(name, fake_sets[name], split) if clip.labels]
    return SeldChunks(clips, find_classes(name, fake_sets[name]), settings)


@given(
    samples=st.integers(1, 3000),
    length=st.integers(1, 500),
    hop=st.integers(1, 500),
    purpose=st.sampled_from(["train", "test"]),
    grid=st.integers(1, 20),
)
def test_spans_are_chunks_inside_the_clip(samples, length, hop, purpose, grid):
    spans = chunk_spans(samples, length=length, hop=hop, purpose=purpose, grid=grid)
    assert all(span.end - span.begin + span.padding == length for span in spans)
    assert all(0 <= span.begin < span.end <= samples for span in spans)
    assert all(span.end == samples for span in spans if span.padding)
    assert sum(span.padding > 0 for span in spans) <= 1
    if hop <= length:
        heard = np.zeros(samples, bool)
        for span in spans:
            heard[span.begin : span.end] = True
        left = 0 if purpose == "test" else grid - 1  # what lies behind the last whole frame is not trained on
        assert heard[: samples - left].all()


def test_examples_hold_what_the_files_hold(fake_sets):
    chunks = chunks_of(fake_sets, "starss23")
    assert len(chunks) == 7 * 3
    for index in (0, 1, 2, 20):
        example, clip = chunks[index], chunks.clips[index // 3]
        whole, _ = soundfile.read(clip.audio, dtype="float32")
        begin = 24_000 * (index % 3)
        np.testing.assert_array_equal(example.waveform.numpy(), whole[begin : begin + 24_000].T)
        assert (example.clip, example.begin_frame, example.dropped) == (clip.name, 10 * (index % 3), 0)
        rows = clip.read_labels(chunks.classes)
        rows = rows.rows((rows.frame >= example.begin_frame) & (rows.frame < example.begin_frame + 10))
        assert len(decode(example.targets)) == len(rows)
    # Five rows of the second event at 1.0 s, with the first one until 1.5 s.
    assert [chunks[index].overlap for index in range(3)] == [1, 2, 1]


def test_batches_keep_their_shape_and_do_not_depend_on_workers(fake_sets):
    chunks = chunks_of(fake_sets, "dcase2021")
    alone, shared = (list(DataLoader(chunks, batch_size=5, num_workers=workers)) for workers in (0, 2))
    first = alone[0]
    assert first.waveform.shape == (5, 4, 24_000)
    assert isinstance(first.targets, AdpitTargets)
    assert first.targets.slots.shape == (5, 10, 6, 4, 12)
    assert first.overlap.tolist() == [1, 2, 1, 1, 2]
    assert first.clip[0] == "dev/fold1_room1_mix001"
    for a, b in zip(alone, shared, strict=True):
        assert torch.equal(a.waveform, b.waveform)
        assert torch.equal(a.targets.slots, b.targets.slots)


def test_the_mono_variant_hands_the_first_channel(fake_sets):
    four = chunks_of(fake_sets, "l3das22", replace(SHORT, sample_rate=32_000), "ov1/train")
    mono = chunks_of(fake_sets, "l3das22", replace(SHORT, sample_rate=32_000, channels=1), "ov1/train")
    assert mono[1].waveform.shape == (1, 32_000)
    assert torch.equal(mono[1].waveform, four[1].waveform[:1])


def test_the_rest_of_a_clip_is_padded_or_overlaps(fake_sets):
    test = chunks_of(fake_sets, "dcase2021", replace(SHORT, seconds=2.0, hop_seconds=2.0, purpose="test"))
    assert [span.padding for span in test.spans[:2]] == [0, 24_000]
    assert not test[1].waveform[:, 24_000:].any()
    assert test.frame_count(0) == 30
    train = chunks_of(fake_sets, "dcase2021", ChunkSettings("adpit", seconds=2.5, hop_seconds=2.5))
    assert [(span.begin, span.end) for span in train.spans[:2]] == [(0, 60_000), (12_000, 72_000)]


@pytest.mark.parametrize("alignment", ["frame", "published"])
def test_chunks_begin_on_frames_unless_published(tmp_path, alignment):
    root = make_fake_dataset(tmp_path, "starss23", seconds=2.56)
    clips = find_clips("starss23", root, "test")
    chunks = SeldChunks(clips, DCASE2022.labels, replace(SHORT, seconds=2.0, hop_seconds=2.0, alignment=alignment))
    last = chunks.spans[1]
    assert last.begin == (12_000 if alignment == "frame" else 13_440)
    assert chunks[1].begin_frame == 5


def test_labels_of_the_last_half_frame_are_kept(tmp_path):
    root = make_fake_dataset(tmp_path, "starss23", seconds=1.96)
    clips = find_clips("starss23", root, "test")
    frames = {}
    for alignment in ("frame", "published"):
        chunks = SeldChunks(clips, DCASE2022.labels, ChunkSettings("adpit", seconds=3.0, purpose="test", alignment=alignment))
        frames[alignment] = int(decode(chunks[0].targets).frame.max())
    assert frames == {"frame": 19, "published": 18}


def test_resampled_windows_join_as_the_whole_file_would(tmp_path):
    root = make_fake_dataset(tmp_path, "l3das22")
    clips = find_clips("l3das22", root, "test")
    settings = replace(SHORT, other_rates="resample", purpose="test")
    chunks = SeldChunks(clips[:1], find_classes("l3das22", root), settings)
    joined = np.concatenate([chunks[index].waveform.numpy() for index in range(len(chunks))], axis=1)
    whole, rate = soundfile.read(clips[0].audio, dtype="float32")
    np.testing.assert_allclose(joined, resample(whole.T, rate, 24_000), atol=2e-5)


@pytest.mark.parametrize("rate", [44_100, 22_050, 48_000])
def test_resampling_from_any_rate_keeps_lengths(tmp_path, rate):
    root = make_fake_dataset(tmp_path, "starss23")
    for path in (root / "foa_dev").rglob("fold4*.wav"):
        write_fake_audio(path, rate=rate, seconds=2.34)
    chunks = SeldChunks(
        find_clips("starss23", root, "test"), DCASE2022.labels, replace(SHORT, other_rates="resample", purpose="test")
    )
    assert [span.padding for span in chunks.spans[:3]] == [0, 0, 24_000 - 8_160]
    assert all(chunks[index].waveform.shape == (4, 24_000) for index in range(3))
    assert not chunks[2].waveform[:, 8_160:].any()


def test_whole_files_are_not_read(fake_sets, monkeypatch):
    asked = []
    read = soundfile.SoundFile.read
    monkeypatch.setattr(
        soundfile.SoundFile, "read", lambda self, frames=-1, **more: asked.append(frames) or read(self, frames, **more)
    )
    chunks = chunks_of(fake_sets, "pseldnets")  # FLAC
    chunks[1]
    assert asked == [24_000]


def test_targets_have_the_format_asked_for(fake_sets):
    example = chunks_of(fake_sets, "dcase2021", replace(SHORT, format="accdoa"))[1]
    assert isinstance(example.targets, AccdoaTargets)
    assert example.targets.vectors.shape == (10, 3, 12)
    tracks = chunks_of(fake_sets, "dcase2021", replace(SHORT, format="tracks", tracks=1))
    assert tracks[1].targets.sed.shape == (10, 1, 12)
    assert tracks[1].dropped == 5  # the second event while the first one lasts


def test_what_cannot_be_used_is_told(fake_sets):
    with pytest.raises(FormatError, match=r"12 of 12 clips have another rate than 24000 Hz .* the first is .*split0_ov1_1_A"):
        chunks_of(fake_sets, "l3das22")
    with pytest.raises(FormatError, match=r"1 of 8 clips have no labels; the first is .*mix001\.wav"):
        SeldChunks(find_clips("starss23", fake_sets["starss23"], "all"), DCASE2022.labels, SHORT)
    with pytest.raises(FormatError, match="fewer than 6 channels"):
        chunks_of(fake_sets, "dcase2021", replace(SHORT, channels=6))
    with pytest.raises(ParameterError, match="class list is empty"):
        SeldChunks([], (), SHORT)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"format": "accdao"}, "did you mean 'accdoa'"),
        ({"sample_rate": 22_055}, "not a multiple of 10"),
        ({"seconds": 0.25}, "multiple of the label frame"),
        ({"hop_seconds": 0.0}, "above 0"),
        ({"channels": -1}, "channels of at least 0"),
    ],
)
def test_impossible_settings_are_told(change, text):
    with pytest.raises(ParameterError, match=text):
        replace(SHORT, **change)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"length": 0}, "at least 1"),
        ({"purpose": "tset"}, "did you mean 'test'"),
    ],
)
def test_impossible_spans_are_told(arguments, text):
    with pytest.raises(ParameterError, match=text):
        chunk_spans(10, **{"length": 5, "hop": 5, "purpose": "test", **arguments})


def test_frames_for_scores_round_up(tmp_path):
    root = make_fake_dataset(tmp_path, "starss23", seconds=2.56)
    chunks = SeldChunks(find_clips("starss23", root, "test"), DCASE2022.labels, replace(SHORT, purpose="test"))
    assert [chunks.frame_count(index) for index in range(2)] == [math.ceil(2.56 / 0.1)] * 2
