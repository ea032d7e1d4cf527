from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from auris.errors import ParameterError
from auris.geometry import unit_vector
from auris.models.detections import DetectionSettings
from auris.models.pseldnet.outputs import Accdoa, MultiAccdoa, TrackOutputs
from auris.models.track_decoding import SUGGESTED_THRESHOLDS, decode_frames, decode_outputs


def tracks(*azimuths_deg: float | None, level: float = 0.9) -> np.ndarray:
    """One frame of one class: a vector for each track, None for silence."""
    rows = [np.zeros(3) if a is None else level * unit_vector(np.radians(a), 0.0) for a in azimuths_deg]
    return np.stack(rows)[None, :, None]


def azimuths(outputs: np.ndarray, **changes: object) -> list[int]:
    rows = decode_frames(outputs, DetectionSettings(threshold=0.5, **{"unify_deg": 15.0, **changes}))  # type: ignore[arg-type]
    return np.round(np.degrees(rows.azimuth)).astype(int).tolist()


@pytest.mark.parametrize(
    ("given", "heard"),
    [
        ((None, None, None), []),
        ((40, None, None), [40]),
        ((0, 10, None), [5]),
        ((0, 90, None), [0, 90]),
        ((0, 90, -90), [0, 90, -90]),
        ((0, 10, 90), [5, 90]),
        ((90, 0, 10), [90, 5]),
        ((0, 90, 10), [90, 5]),  # of these the published decoding loses the second
        ((0, 10, 20), [10]),  # a chain is one sound
        ((175, -175, None), [-180]),
    ],
)
def test_tracks_that_agree_are_one_sound(given, heard) -> None:
    assert azimuths(tracks(*given)) == heard


def test_how_near_is_the_same_can_be_said() -> None:
    assert azimuths(tracks(0, 10, None), unify_deg=5.0) == [0, 10]
    assert azimuths(tracks(0, 30, None), unify_deg=40.0) == [15]


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15)
def test_the_order_of_tracks_does_not_matter(seed) -> None:
    random = np.random.default_rng(seed)
    said = random.uniform(-1, 1, (20, 3, 4, 3)).astype(np.float32)
    plain, permuted = (decode_frames(o) for o in (said, said[:, random.permutation(3)]))

    def as_set(rows) -> set[tuple[float, ...]]:
        return {(f, c, *np.round(v, 4) + 0.0) for f, c, v in zip(rows.frame, rows.class_index, rows.vectors, strict=True)}

    assert as_set(plain) == as_set(permuted)


def test_distances_are_averaged_with_their_tracks() -> None:
    said = np.concatenate([tracks(0, 10, 90), np.array([1.0, 3.0, 7.0])[None, :, None, None]], axis=-1)
    rows = decode_frames(said)
    assert rows.distance.tolist() == [2.0, 7.0]
    said[..., 3] = np.nan
    assert np.isnan(decode_frames(said).distance).all()


def test_each_clip_of_a_batch_has_its_own_table() -> None:
    vectors = torch.zeros(2, 5, 3, 2)
    vectors[0, 4, 0, 1] = vectors[1, 0, 1, 0] = 0.8
    first, second = decode_outputs(Accdoa(vectors), labels=("dog", "speech"))
    assert (first.frame.tolist(), first.class_index.tolist(), first.labels) == ([4], [1], ("dog", "speech"))
    assert (second.frame.tolist(), second.class_index.tolist()) == ([0], [0])
    assert second.azimuth[0] == pytest.approx(np.pi / 2)


def test_einv2_tracks_of_one_class_and_direction_are_one_sound() -> None:
    sed = torch.full((1, 1, 3, 2), -9.0)
    sed[..., 0] = 5.0
    doa = torch.tensor([[1.0, 0.0, 0.0], [0.9, 0.1, 0.0], [0.0, 0.3, 0.0]])[None, None]
    (ours,) = decode_outputs(TrackOutputs(sed, doa))
    (upstream,) = decode_outputs(TrackOutputs(sed, doa), decoding="upstream")
    assert (len(ours), len(upstream)) == (2, 3)
    assert np.degrees(upstream.azimuth).tolist() == pytest.approx([0.0, 6.0, 90.0], abs=1e-9)  # whole degrees
    assert 3 < np.degrees(ours.azimuth[0]) < 3.5


def test_thresholds_by_class_and_their_number() -> None:
    said = np.repeat(tracks(0, None, None, level=0.4), 13, axis=2)
    heard = decode_frames(said, DetectionSettings(threshold=SUGGESTED_THRESHOLDS["starss23"])).class_index
    assert heard.tolist() == [4, 5, 6, 10]
    with pytest.raises(ParameterError, match="12 thresholds for 13 classes"):
        decode_frames(said, DetectionSettings(threshold=SUGGESTED_THRESHOLDS["dcase2021"]))


def test_wrong_use_is_refused() -> None:
    with pytest.raises(ParameterError, match="unknown decoding 'fixed'"):
        decode_outputs(MultiAccdoa(torch.zeros(1, 1, 3, 3, 1)), decoding="fixed")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="must be \\(frames, tracks"):
        decode_frames(np.zeros((3, 3, 4)))
