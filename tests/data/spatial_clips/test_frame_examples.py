"""Clips in rooms as examples with a target for every frame."""

from __future__ import annotations

import numpy as np
import pytest

from auris.data.simulated import StemMixtures, StemPool
from auris.data.spatial_clips.frame_examples import ClipExamples
from auris.data.spatial_clips.items import ClipSettings, SpatialClips
from auris.data.stems import StemSettings
from auris.errors import ParameterError
from auris.geometry import unit_vector
from auris.models.clip_outputs import SpatialClasses, places

SETTINGS = ClipSettings(sample_rate=8000, clip_seconds=1.0, response_seconds=0.1, mixup=0.0)


@pytest.fixture
def examples(noise_clips, rooms):
    return ClipExamples(SpatialClips(noise_clips(), rooms, SETTINGS), frame_seconds=0.1)


def test_a_sound_lasts_as_long_as_the_clip_where_its_item_says(examples):
    rng, again = np.random.default_rng(3), np.random.default_rng(3)
    wave, targets = examples.example(rng)
    number, seed = int(again.integers(6)), int(again.integers(1 << 62))
    item = examples.clips.item(number, seed)
    azimuth, elevation, distance = places(SpatialClasses(*(np.array([c]) for c in item[3:])))
    assert wave.shape == (2, 8000)
    assert targets.shape == (10, 3, 6, 5)
    assert (targets[..., 0].sum(axis=(1, 2)) == 1).all()
    assert (targets[:, 0, number, 0] == 1).all()
    assert np.allclose(targets[:, 0, number, 1:4], unit_vector(azimuth, elevation), atol=1e-6)
    assert np.allclose(targets[:, 0, number, 4], distance)


def test_what_is_heard_is_the_clip_through_the_response_of_its_place(examples):
    wave, _ = examples.example(np.random.default_rng(3))
    again = np.random.default_rng(3)
    item = examples.clips.item(int(again.integers(6)), int(again.integers(1 << 62)))
    wanted = [np.convolve(item.dry[0], response)[:8000] for response in item.responses[0]]
    assert np.allclose(wave, wanted, atol=1e-5 * np.abs(wanted).max())


def test_mixed_clips_have_no_single_place_and_are_refused(noise_clips, rooms):
    mixed = SpatialClips(noise_clips(), rooms, ClipSettings(sample_rate=8000, clip_seconds=1.0))
    with pytest.raises(ParameterError, match=r"cannot be mixed up; got mixup 0\.5"):
        ClipExamples(mixed, frame_seconds=0.1)


def test_a_data_set_takes_its_share_from_them(examples, tmp_path):
    stems = StemSettings(layout="binaural", sample_rate=8000, seconds=1.0)
    only = StemMixtures(StemPool(tmp_path, 1), stems, classes=6, batch=3, frame_seconds=0.1, seed=1, clips=(examples, 1.0))
    waves, targets = next(iter(only))  # there are no stems, and none is needed
    assert waves.shape == (3, 2, 8000)
    assert bool((targets[..., 0].sum(dim=(2, 3)) == 1).all())
