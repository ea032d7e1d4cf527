import math

import numpy as np
import pytest
import torch

from auris.channels import ChannelLayout
from auris.data.spatial_clips.items import SpatialBatch
from auris.errors import LayoutError, ParameterError
from auris.models import create
from auris.models.clip_outputs import ClipOutputs
from auris.models.detections import DetectionSettings
from auris.training.clip_scoring import answers_from_frames, answers_from_outputs, answers_of, check_listener, compared

LABELS = ("dog", "rain")


def frames(*sounds, count=10):
    """Outputs of one clip: sounds as (frame, track, class, activity, azimuth, elevation, distance), angles in degrees."""
    outputs = np.zeros((1, count, 3, 2, 4), np.float32)
    outputs[..., 3] = 5.0
    for frame, track, label, activity, azimuth, elevation, distance in sounds:
        a, e = math.radians(azimuth), math.radians(elevation)
        vector = np.array([math.cos(e) * math.cos(a), math.cos(e) * math.sin(a), math.sin(e)])
        outputs[0, frame, track, label] = [*(activity * vector), distance]
    return outputs


def batches(*lengths, samples=8000):
    """Batches of dry noise, heard through single taps."""
    for clips in lengths:
        responses = torch.zeros(clips, 1, 2, 4)
        responses[..., 0] = 1
        numbers = torch.zeros(clips, dtype=torch.int64)
        yield SpatialBatch(torch.randn(clips, 1, samples), responses, torch.zeros(clips, 2), numbers, numbers, numbers)


class Ears:
    """A listener of frames that says the level of the first ear."""

    labels, layout, sample_rate, frame_seconds, name = LABELS, ChannelLayout.parse("binaural"), 4000, 0.1, "ears"
    detection = DetectionSettings()

    def __call__(self, waveform):
        self.heard = tuple(waveform.shape)
        outputs = torch.zeros(len(waveform), math.ceil(waveform.shape[-1] / 400), 1, 2, 4)
        outputs[..., 0, 0] = waveform[:, 0].abs().amax(dim=-1)[:, None, None]
        return outputs


def test_networks_of_clips_answer_by_themselves():
    events = torch.tensor([[1.0, -2.0]])
    heads = [torch.zeros(1, n) for n in (21, 360, 180)]
    for head, best in zip(heads, (7, 90, 12), strict=True):
        head[0, best] = 1
    said = answers_from_outputs(ClipOutputs(events, *heads), LABELS)
    assert said.scores.tolist() == [[1.0, -2.0]]
    assert [part.tolist() for part in said.classes] == [[7], [90], [12]]


def test_the_loudest_class_says_the_place():
    said = answers_from_frames(
        frames((2, 0, 1, 0.9, 90, 30, 2.1), (3, 2, 1, 0.9, 90, 30, 1.9), (5, 1, 0, 0.4, -45, 0, 7)), LABELS
    )
    assert [int(part[0]) for part in said.classes] == [4, 180, 120]  # 2 m, left, 30 degrees up
    assert said.scores[0, 1] > said.scores[0, 0] > 0


def test_active_frames_count_more_than_quiet_ones():
    said = answers_from_frames(frames((0, 0, 0, 0.9, 0, 0, 2.0), (1, 0, 0, 0.1, 170, 0, 9.0)), LABELS)
    distance, azimuth, elevation = (int(part[0]) for part in said.classes)
    assert (distance, elevation) == (4, 90)
    assert abs(azimuth - 90) <= 1


def test_scores_rise_with_activity_and_with_its_share_of_the_clip():
    loud, quiet, long = (
        answers_from_frames(frames(*((frame, 0, 0, level, 0, 0, 1) for frame in range(count)), (9, 0, 0, 0.2, 0, 0, 1)), LABELS)
        for count, level in ((2, 0.9), (2, 0.5), (6, 0.9))
    )
    assert long.scores[0, 0] > loud.scores[0, 0] > quiet.scores[0, 0]


def test_silence_and_unknown_distances_have_answers():
    silent = answers_from_frames(np.zeros((2, 10, 3, 2, 4), np.float32), LABELS)
    assert np.isfinite(silent.scores).all()
    assert [part.tolist() for part in silent.classes] == [[0, 0], [90, 90], [90, 90]]
    unknown = frames((0, 0, 0, 0.9, 0, 0, 2.0))
    unknown[..., 3] = np.nan
    assert answers_from_frames(unknown, LABELS).classes.distance.tolist() == [2]  # 1 m


def test_all_models_hear_the_same_clips_at_their_own_rate():
    clips = create(
        "spatial_ast",
        labels=LABELS,
        sample_rate=8000,
        clip_seconds=1.0,
        n_fft=256,
        hop=160,
        bands=32,
        high=4000.0,
        frames=64,
        patch=8,
        width=32,
        depth=1,
        heads=2,
    ).eval()
    ears, reported = Ears(), []
    said = compared({"clips": clips, "ears": ears}, batches(3, 2), sample_rate=8000, report=reported.append)
    assert {name: len(each) for name, each in said.items()} == {"clips": 5, "ears": 5}
    assert said["clips"].scores.shape == (5, 2)
    assert ears.heard == (2, 2, 4000)
    assert reported == [3, 5]


def test_blocks_of_one_length_are_filled_up_with_silence():
    ears = Ears()
    ears.block_seconds = 2.0
    said = answers_of(ears, batches(2), sample_rate=8000)
    assert ears.heard == (1, 2, 8000)
    assert len(said) == 2
    assert (said.scores[:, 0] > 0).all()


def test_models_that_cannot_hear_the_clips_are_refused():
    ears = Ears()
    check_listener(ears, LABELS, seconds=5.0)
    with pytest.raises(ParameterError, match="ears does not know 1 of the 2 classes: bell"):
        check_listener(ears, ("dog", "bell"), seconds=5.0)
    ears.clip_seconds = 2.0
    with pytest.raises(ParameterError, match="ears hears 2 s at a time, but the clips last 5 s"):
        check_listener(ears, LABELS, seconds=5.0)
    foa = create("seld_crnn", labels=LABELS, layout="foa", widths=(4, 4, 4, 4, 4), hidden=4)
    with pytest.raises(LayoutError, match="seld_crnn listens to foa audio, but these clips are binaural"):
        check_listener(foa, LABELS, seconds=5.0)
    with pytest.raises(LayoutError, match="listens to foa"):
        answers_of(foa, batches(1), sample_rate=8000)


def test_no_clips_have_no_answers():
    with pytest.raises(ParameterError, match="no clips were heard"):
        answers_of(Ears(), [], sample_rate=8000)
