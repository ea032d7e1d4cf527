import logging
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from auris.data.spatial_clips import ClipSettings, SpatialClips, collate, render
from auris.data.spatial_clips.items import dry_clip
from auris.errors import FormatError, ParameterError

PLAIN = ClipSettings(sample_rate=8000, clip_seconds=0.5, response_seconds=0.1, gain="none", mixup=0.0)


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_an_item_is_a_clip_at_its_level_at_a_place(noise_clips, rooms):
    dataset = SpatialClips(noise_clips(), rooms, PLAIN)
    clip, _ = dataset.clips.dry(2, None)
    places = set()
    for seed in range(40):
        item = dataset[2, seed]
        np.testing.assert_allclose(item.dry[0], clip[:4000] * 10 ** (-14 / 20) / np.sqrt(np.mean(clip**2)), rtol=1e-5)
        assert item.labels.tolist() == [0, 0, 1, 0, 0, 0]
        place = round(float(item.responses[0, 0, 5])) - 1
        assert (item.distance, item.azimuth, item.elevation) == tuple(rooms.classes[place])
        assert item.responses.shape == (1, 2, 40 + 10 * (place % 3))
        places.add(place)
    assert places == set(range(6))


def test_items_are_a_function_of_clip_and_seed(noise_clips, rooms):
    settings = replace(PLAIN, gain="beta", roll="circular", mixup=0.5)
    first, second = (SpatialClips(noise_clips(), rooms, settings) for _ in range(2))
    for seed in range(20):
        assert same(first[1, seed], second[1, seed])
    assert not same(first[1, 0], first[1, 1])
    assert same(first[4, 7], pickle.loads(pickle.dumps(first))[4, 7])


def test_roll_moves_the_beginning_to_the_end(noise_clips, rooms):
    whole = SpatialClips(noise_clips(samples=4000), rooms, PLAIN)[0, 0].dry[0]
    rolled = SpatialClips(noise_clips(samples=4000), rooms, replace(PLAIN, roll="circular"))[0, 0].dry[0]
    start = int(np.argmin([np.abs(np.roll(whole, -n) - rolled).max() for n in range(4000)]))
    assert start > 0
    np.testing.assert_array_equal(np.roll(whole, -start), rolled)


def test_a_mirrored_item_is_the_room_seen_in_a_mirror(noise_clips, rooms):
    plain = SpatialClips(noise_clips(), rooms, PLAIN)
    mirrored = SpatialClips(noise_clips(), rooms, replace(PLAIN, mirror=1.0))
    for seed in range(10):
        seen, image = plain[0, seed], mirrored[0, seed]
        np.testing.assert_array_equal(image.responses, seen.responses[:, ::-1])
        assert (image.azimuth + seen.azimuth) % 360 == 180
        assert (image.distance, image.elevation) == (seen.distance, seen.elevation)
    sometimes = SpatialClips(noise_clips(), rooms, replace(PLAIN, mirror=0.5))
    assert 10 < sum(same(sometimes[0, seed], plain[0, seed]) for seed in range(40)) < 30


def test_short_clips_are_padded_and_silence_stays_silent():
    tone = np.ones(1000, np.float32)
    clip = dry_clip(tone, PLAIN)
    np.testing.assert_allclose(clip[:1000], 10 ** (-14 / 20), rtol=1e-6)
    assert not clip[1000:].any()
    assert not dry_clip(np.zeros(1000, np.float32), PLAIN).any()


def test_two_sources_at_one_place_share_labels(noise_clips, rooms):
    dataset = SpatialClips(noise_clips(), rooms, replace(PLAIN, mixup=1.0))
    shares = []
    for seed in range(60):
        item = dataset[0, seed]
        assert item.dry.shape == (1, 4000)
        assert item.labels.sum() == pytest.approx(1)
        second = int(np.argmax(item.labels[1:])) + 1
        if item.labels[second]:
            share = item.labels[0]
            wanted = share * dry_clip(dataset.clips.dry(0, None)[0], PLAIN)
            wanted += (1 - share) * dry_clip(dataset.clips.dry(second, None)[0], PLAIN)
            np.testing.assert_allclose(item.dry[0], wanted, atol=1e-6)
            shares.append(share)
    assert 0.4 < np.mean(shares) < 0.6
    assert 0.05 < np.std(shares) < 0.16  # 0.109 of Beta(10, 10)


def test_two_sources_at_their_own_places_in_one_room(noise_clips, rooms):
    dataset = SpatialClips(noise_clips(), rooms, replace(PLAIN, mixup=1.0, mix="own_responses"))
    for seed in range(30):
        item = dataset[0, seed]
        assert item.dry.shape == (2, 4000)
        assert set(item.labels.tolist()) <= {0.0, 1.0}
        first, second = (round(float(response[0, 5])) - 1 for response in item.responses)
        assert first != second
        assert first // 3 == second // 3
        assert (item.distance, item.azimuth, item.elevation) == tuple(rooms.classes[first])


def test_batches_pad_sources_and_responses_without_changing_what_is_heard(noise_clips, rooms):
    dataset = SpatialClips(noise_clips(), rooms, replace(PLAIN, mixup=0.5, mix="own_responses"))
    items = [dataset[number % 6, number] for number in range(8)]
    assert len({len(item.dry) for item in items}) == 2
    batch = collate(items)
    assert batch.dry.shape == (8, 2, 4000)
    assert batch.responses.shape == (8, 2, 2, 60)
    assert batch.distance.dtype == torch.int64
    heard = render(batch.dry, batch.responses)
    for row, item in enumerate(items):
        alone = collate([item])
        torch.testing.assert_close(render(alone.dry, alone.responses)[0], heard[row], atol=1e-6, rtol=1e-5)


def test_workers_give_what_one_process_gives(noise_clips, rooms):
    dataset = SpatialClips(noise_clips(), rooms, replace(PLAIN, mixup=0.5))
    batches = []
    for workers in (0, 1):
        addresses = [(number, 30 + number) for number in (4, 1, 5, 0, 2, 3)]
        loader = DataLoader(dataset, batch_size=3, sampler=addresses, collate_fn=collate, num_workers=workers)
        batches.append(list(loader))
    for one, other in zip(*batches, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_clips_that_cannot_be_read_end_the_run_or_are_replaced_and_named(noise_clips, rooms, caplog):
    clips = noise_clips(damaged=(1, 3))
    with pytest.raises(FormatError, match=r"clip3\.wav: no such clip"):
        _ = SpatialClips(clips, rooms, PLAIN)[3, 0]
    dataset = SpatialClips(clips, rooms, replace(PLAIN, unreadable="skip"))
    with caplog.at_level(logging.WARNING):
        for seed in range(10):
            assert dataset[3, seed].labels[[1, 3]].sum() == 0
    assert sum("clip3.wav" in record.message for record in caplog.records) == 1
    with pytest.raises(FormatError, match="in a row cannot be read"):
        _ = SpatialClips(noise_clips(damaged=tuple(range(6))), rooms, replace(PLAIN, unreadable="skip"))[0, 0]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"mixup": 1.5}, "mixup and mirror are probabilities from 0 to 1, got 1.5 and 0.0"),
        ({"gain": "betta"}, "did you mean 'beta'"),
        ({"mix": "own"}, "unknown mix"),
        ({"clip_seconds": 0.0}, "must be above 0"),
    ],
)
def test_impossible_settings_are_refused(changes, text):
    with pytest.raises(ParameterError, match=text):
        replace(PLAIN, **changes)


def test_another_sample_rate_is_refused(noise_clips, rooms):
    dataset = SpatialClips(noise_clips(), rooms, replace(PLAIN, sample_rate=16_000))
    with pytest.raises(ParameterError, match=r"clip0\.wav: 8000 Hz, but items have 16000 Hz"):
        _ = dataset[0, 0]
    with pytest.raises(ParameterError, match="got 0 and 6"):
        SpatialClips(noise_clips(count=0), rooms)
