"""Decoding and averaging against the published code (fixture ``pseld_postprocess``; its manifest says what was run)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from auris.channels import ChannelLayout
from auris.io.frame_labels import FrameLabels
from auris.models.blocks import block_plan, joined, windows
from auris.models.detections import DetectionSettings
from auris.models.pseldnet.outputs import Accdoa, MultiAccdoa, TrackOutputs
from auris.models.rotation_averaging import RotationAveraged
from auris.models.track_decoding import decode_outputs

FIXTURE = dict(np.load(Path(__file__).parent / "pseld_postprocess" / "expected.npz"))
CLASSES, FRAMES = 5, 100
SETTINGS = {
    "thr0.5": DetectionSettings(threshold=0.5, unify_deg=15),
    "thr_per_class": DetectionSettings(threshold=(0.3, 0.5, 0.6, 0.1, 0.5), unify_deg=15),
    "thr0.5_unify30": DetectionSettings(threshold=0.5, unify_deg=30),
}


def polar(heard: list[FrameLabels]) -> np.ndarray:
    """Rows of successive clips as the fixture has them: frame, class, azimuth and elevation in degrees."""
    parts = [
        np.stack([rows.frame + clip * FRAMES, rows.class_index, np.degrees(rows.azimuth), np.degrees(rows.elevation)], axis=1)
        for clip, rows in enumerate(heard)
    ]
    return np.concatenate(parts)


def in_order(rows: np.ndarray) -> np.ndarray:
    """Rows by frame, class, azimuth in [-180, 180) and elevation."""
    frame, label, azimuth, elevation = np.round(rows.T, 2)
    return rows[np.lexsort((elevation, (azimuth + 180) % 360, label, frame))]


def assert_same_events(said: np.ndarray, wanted: np.ndarray) -> None:
    assert said.shape == wanted.shape
    assert np.array_equal(said[:, :2], wanted[:, :2])
    assert np.abs((said[:, 2] - wanted[:, 2] + 180) % 360 - 180).max() < 1e-3
    assert np.abs(said[:, 3] - wanted[:, 3]).max() < 1e-3


def multi_accdoa() -> MultiAccdoa:
    return MultiAccdoa(torch.from_numpy(FIXTURE["maccdoa/in_pred"]).unflatten(-1, (3, 3, CLASSES)))


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize(("decoding", "array"), [("corrected", "events_polar_fixed"), ("upstream", "events_polar")])
def test_pseld_postprocess_multi_accdoa(name, decoding, array) -> None:
    heard = decode_outputs(multi_accdoa(), SETTINGS[name], decoding=decoding)
    assert_same_events(polar(heard), FIXTURE[f"maccdoa/{name}/{array}"])
    assert all(np.isnan(rows.distance).all() for rows in heard)


def test_pseld_postprocess_vectors_of_events() -> None:
    (rows,) = decode_outputs(MultiAccdoa(multi_accdoa().vectors.flatten(0, 1)[None]), SETTINGS["thr0.5"], decoding="upstream")
    wanted = FIXTURE["maccdoa/thr0.5/events_xyz"]
    units = wanted[:, 2:] / np.linalg.norm(wanted[:, 2:], axis=1, keepdims=True)
    np.testing.assert_allclose(rows.vectors, units, atol=1e-6)


def test_pseld_postprocess_submission_rows_are_cut_towards_zero() -> None:
    said = polar(decode_outputs(multi_accdoa(), decoding="upstream"))
    rows = np.trunc(np.round(said, 4)).astype(int)  # the fixture has rows in an order of its own
    assert sorted(map(tuple, rows.tolist())) == sorted(map(tuple, FIXTURE["maccdoa/thr0.5/csv_rows"].tolist()))


def test_pseld_postprocess_accdoa() -> None:
    outputs = Accdoa(torch.from_numpy(FIXTURE["accdoa/in_pred"]).unflatten(-1, (3, CLASSES)))
    heard = decode_outputs(outputs, decoding="upstream")
    assert_same_events(polar(heard), FIXTURE["accdoa/events_polar"])
    active = np.zeros((2 * FRAMES, CLASSES), dtype=bool)
    frame, label = polar(heard)[:, :2].astype(int).T
    active[frame, label] = True
    assert np.array_equal(active, FIXTURE["accdoa/active"])
    assert sum(map(len, decode_outputs(outputs))) > len(frame)  # more than three at a time are heard as well


def test_pseld_postprocess_einv2() -> None:
    outputs = TrackOutputs(*(torch.from_numpy(FIXTURE[f"einv2/in_{part}"]) for part in ("sed_logits", "doa")))
    upstream, wanted = polar(decode_outputs(outputs, decoding="upstream")), FIXTURE["einv2/events_polar"]
    assert_same_events(in_order(upstream), in_order(wanted))
    # The corrected decoding says the same directions, not rounded.
    apart = polar(decode_outputs(outputs, DetectionSettings(threshold=0.5, unify_deg=0.0)))
    assert np.abs(apart[:, 2:] - np.rint(apart[:, 2:])).max() > 0.4
    assert_same_events(in_order(np.rint(apart)), in_order(wanted))


def test_pseld_postprocess_moving_average() -> None:
    chunks, out = FIXTURE["move_avg/in_pred"], FIXTURE["move_avg/out"][0]
    plan = block_plan(block_seconds=10.0, frame_seconds=0.1, hop=0.5)
    first_chunk = first_frame = 0
    for frames, count in zip(FIXTURE["move_avg/in_seg_lens"], FIXTURE["move_avg/in_num_chunks"], strict=True):
        own = chunks[first_chunk : first_chunk + count]
        averaged = np.concatenate(list(joined(own, plan)))[:frames]
        np.testing.assert_allclose(averaged, out[first_frame : first_frame + frames], atol=1e-6)
        first_chunk, first_frame = first_chunk + count, first_frame + -(-frames // FRAMES) * FRAMES
    assert (first_chunk, first_frame) == (len(chunks), len(out))


@pytest.mark.parametrize(
    ("name", "seconds", "rate", "hop"),
    [
        ("60s", 60, 24, 10),
        ("25s", 25, 24, 10),
        ("23s", 23, 24, 10),
        ("7s", 7, 24, 10),
        ("10s", 10, 24, 10),
        ("25.05s_hop0.5", 25.05, 24, 0.5),
        ("30s_32k", 30, 32, 10),
    ],
)
def test_pseld_postprocess_chunks(name, seconds, rate, hop) -> None:
    samples = np.arange(round(seconds * rate * 1000), dtype=np.float32)[None]
    found = [(int(w[0, 0]), int(w[0, -1]) + 1) for w in windows([samples], length=rate * 10_000, hop=round(rate * 1000 * hop))]
    assert found == [(begin, end) for begin, end, *_ in FIXTURE[f"segments/{name}/test"].tolist()]


class ToyNetwork:
    """The network of the fixture: a product with a matrix, ten samples a frame."""

    labels = tuple("abcde")
    layout = ChannelLayout.parse("foa")
    sample_rate, frame_seconds = 100, 0.1
    detection = DetectionSettings()

    def __init__(self, kind: str) -> None:
        self.kind, self.matrix = kind, torch.from_numpy(FIXTURE[f"acs/{kind}/in_A"])

    def raw(self, waveform: torch.Tensor) -> torch.Tensor:
        return torch.tanh(3 * torch.nn.functional.avg_pool1d(waveform, 10).transpose(1, 2) @ self.matrix)

    def __call__(self, waveform: torch.Tensor, /) -> torch.Tensor:
        if self.kind == "accdoa":
            vectors = Accdoa(self.raw(waveform).unflatten(-1, (3, CLASSES))).activity_vectors()
        else:
            vectors = MultiAccdoa(self.raw(waveform).unflatten(-1, (3, 3, CLASSES))).activity_vectors()
        return torch.cat([vectors, torch.full_like(vectors[..., :1], torch.nan)], dim=-1)


@pytest.mark.parametrize("kind", ["accdoa", "multi_accdoa"])
def test_pseld_postprocess_rotations(kind) -> None:
    averaged = RotationAveraged(ToyNetwork(kind))(torch.from_numpy(FIXTURE["acs/in_x"]))
    assert averaged[..., 3].isnan().all()
    wanted = torch.from_numpy(FIXTURE[f"acs/{kind}/out"]).unflatten(-1, (-1, 3, CLASSES)).transpose(-1, -2)
    torch.testing.assert_close(averaged[..., :3], wanted, atol=2e-6, rtol=1e-5)
