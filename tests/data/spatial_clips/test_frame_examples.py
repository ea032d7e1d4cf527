"""Clips in rooms as examples with a target for every frame."""

from __future__ import annotations

import numpy as np
import pytest
from made_clips import NoiseClips

from auris.data.simulated import StemMixtures, StemPool
from auris.data.spatial_clips.frame_examples import ClipExamples
from auris.data.spatial_clips.placed_clips import PlacedClips, PlacedClipSettings
from auris.data.stems import StemSettings

ONE = PlacedClipSettings(response_seconds=0.1)
PARTS = PlacedClipSettings(sources=(0.0, 1.0), whole=0.0, response_seconds=0.1)


def examples(rooms, chosen):
    return ClipExamples(PlacedClips(NoiseClips(), rooms, chosen, sample_rate=8000, seconds=1.0), frame_seconds=0.1)


def test_a_sound_lasts_as_long_as_the_clip_where_it_was_drawn(rooms):
    made = examples(rooms, ONE)
    wave, targets = made.example(np.random.default_rng(3))
    drawn = made.clips.draw(np.random.default_rng(3))
    (number,) = np.flatnonzero(drawn.classes[0])
    distance = np.linalg.norm(drawn.positions[0])
    assert wave.shape == (2, 8000)
    assert targets.shape == (10, 3, 6, 5)
    assert (targets[..., 0].sum(axis=(1, 2)) == 1).all()
    assert (targets[:, 0, number, 0] == 1).all()
    assert np.allclose(targets[:, 0, number, 1:4], drawn.positions[0] / distance, atol=1e-6)
    assert np.allclose(targets[:, 0, number, 4], distance)


def test_what_is_heard_is_the_clips_through_the_responses_of_their_places(rooms):
    made = examples(rooms, PARTS)
    wave, _ = made.example(np.random.default_rng(3))
    drawn = made.clips.draw(np.random.default_rng(3))
    wanted = [
        sum(np.convolve(dry, response[ear])[:8000] for dry, response in zip(drawn.dry, drawn.responses, strict=True))
        for ear in range(2)
    ]
    assert np.allclose(wave, wanted, atol=1e-5 * np.abs(wanted).max())


def test_sounds_that_begin_later_and_end_earlier_have_targets_while_they_last(rooms):
    made = examples(rooms, PARTS)
    for seed in range(8):
        _, targets = made.example(np.random.default_rng(seed))
        drawn = made.clips.draw(np.random.default_rng(seed))
        for classes, (begin, end) in zip(drawn.classes, drawn.spans, strict=True):
            frames = targets[:, :, np.flatnonzero(classes)[0], 0].max(axis=1)
            assert frames.sum() == pytest.approx((end - begin) / 0.1, abs=1.01)


def test_a_data_set_takes_its_share_from_them(rooms, tmp_path):
    stems = StemSettings(layout="binaural", sample_rate=8000, seconds=1.0)
    made = examples(rooms, ONE)
    only = StemMixtures(StemPool(tmp_path, 1), stems, classes=6, batch=3, frame_seconds=0.1, seed=1, clips=(made, 1.0))
    waves, targets = next(iter(only))  # there are no stems, and none is needed
    assert waves.shape == (3, 2, 8000)
    assert bool((targets[..., 0].sum(dim=(2, 3)) == 1).all())
