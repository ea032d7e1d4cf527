import numpy as np
import pytest

from auris.data.spatial_clips import ClipPair, ClipSettings, EvaluationClips, evaluation_pairs
from auris.errors import ParameterError

PLAIN = ClipSettings(sample_rate=8000, clip_seconds=0.5, response_seconds=0.1)


def test_pairs_are_fixed_and_use_every_response_alike(noise_clips, rooms):
    pairs = evaluation_pairs(noise_clips(), rooms, seed=3, per_clip=4)
    assert pairs == evaluation_pairs(6, 6, 3, per_clip=4)
    assert pairs != evaluation_pairs(6, 6, 4, per_clip=4)
    assert np.bincount([pair.clip for pair in pairs]).tolist() == [4] * 6
    assert np.bincount([pair.response for pair in pairs]).tolist() == [4] * 6
    assert len(set(evaluation_pairs(100, 7))) == 100


def test_the_published_pairing_differs_at_every_call():
    calls = [evaluation_pairs(200, 50, pairing="upstream") for _ in range(2)]
    assert calls[0] != calls[1]
    assert [pair.clip for pair in calls[0]] == list(range(200))


def test_items_are_plain_and_the_same_every_time(noise_clips, rooms):
    settings = ClipSettings(sample_rate=8000, clip_seconds=0.5, response_seconds=0.1, mixup=1.0, roll="circular")
    dataset = EvaluationClips(noise_clips(), rooms, settings, pairs=[ClipPair(4, 2), ClipPair(0, 5)])
    assert len(dataset) == len(list(dataset)) == 2
    item, again = dataset[0], dataset[0]
    assert all(np.array_equal(a, b) for a, b in zip(item, again, strict=True))
    assert item.labels.tolist() == [0, 0, 0, 0, 1, 0]
    assert item.responses[0, 0, 5] == 3
    clip, _ = dataset.clips.dry(4, None)
    np.testing.assert_allclose(item.dry[0], clip[:4000] * 10 ** (-14 / 20) / np.sqrt(np.mean(clip**2)), rtol=1e-5)
    assert len(EvaluationClips(noise_clips(), rooms, PLAIN)) == 6


def test_nothing_to_pair_is_refused():
    with pytest.raises(ParameterError, match="nothing to pair: 0 clips"):
        evaluation_pairs(0, 5)
    with pytest.raises(ParameterError, match="did you mean 'fixed'"):
        evaluation_pairs(5, 5, pairing="fixd")
