from __future__ import annotations

import numpy as np
import pytest
import torch

from auris.audio import Audio
from auris.channels import ChannelLayout
from auris.errors import LayoutError, ParameterError
from auris.io.audio_files import read_blocks, write_audio
from auris.models import create
from auris.models.detections import DetectionSettings
from auris.models.listening import BLOCK_SECONDS, CONTEXT_SECONDS, blocks_of, frame_outputs, hear, hear_blocks


class LevelListener:
    """Hears one class from the front wherever it is loud: its output follows from each frame alone."""

    labels = ("noise",)
    layout = ChannelLayout.parse("foa")
    sample_rate = 8000
    frame_seconds = 0.1
    detection = DetectionSettings()
    longest = 0

    def __call__(self, waveform: torch.Tensor, /) -> torch.Tensor:
        self.longest = max(self.longest, waveform.shape[-1])
        frames = torch.nn.functional.pad(waveform, (0, -waveform.shape[-1] % 800)).unfold(-1, 800, 800)
        level = frames[:, 0].square().mean(dim=-1).sqrt().clamp(max=1)
        out = torch.zeros(*level.shape, 3, 1, 4)
        out[..., 0, 0], out[..., 0, 3] = level[..., None], 1.0
        return out


def bursts(seconds: float, rate: int) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    loud = (time % 7.0 < 2.0).astype(np.float32)
    return np.stack([loud * 0.9 * np.sign(np.sin(2 * np.pi * 100 * time + 0.1))] * 4).astype(np.float32)


@pytest.mark.parametrize("seconds", [0.03, 0.95, 11.99, 12.0, 12.01, 21.95, 22.0, 22.1, 50.37])
def test_stitched_blocks_equal_one_pass(seconds: float) -> None:
    model = LevelListener()
    audio = Audio(bursts(seconds, 8000), 8000, "foa")
    outputs, duration = frame_outputs(model, blocks_of(audio))
    assert duration == pytest.approx(audio.duration)
    assert np.array_equal(outputs, model(torch.tensor(audio.samples)[None])[0].numpy())


@pytest.mark.parametrize("rate", [8000, 11_025, 44_100])
def test_a_long_recording_is_heard_in_bounded_memory_at_any_rate(rate: int) -> None:
    model = LevelListener()
    scene = hear(model, Audio(bursts(30, rate), rate, "foa"))
    assert model.longest <= BLOCK_SECONDS * 8000
    assert [round(e.onset, 1) for _, e in scene.events()] == [0, 7, 14, 21, 28]
    assert scene.duration == pytest.approx(30)


@pytest.mark.parametrize("seconds", [3.0, 31.4])
def test_a_file_in_blocks_is_heard_like_the_whole(tmp_path, seconds: float) -> None:
    audio = Audio(bursts(seconds, 8000), 8000, "foa")
    write_audio(tmp_path / "a.wav", audio)
    blocks = read_blocks(tmp_path / "a.wav", seconds=BLOCK_SECONDS, overlap=2 * CONTEXT_SECONDS)
    assert hear_blocks(LevelListener(), blocks) == hear(LevelListener(), audio)


def test_another_layout_is_refused_and_so_is_nothing() -> None:
    with pytest.raises(LayoutError, match="needs foa audio, but the audio is binaural"):
        hear(LevelListener(), Audio(np.zeros((2, 8000)), 8000, "binaural"))
    with pytest.raises(ParameterError, match="no audio"):
        hear_blocks(LevelListener(), iter([]))


@pytest.mark.parametrize(("layout", "channels"), [("foa", 4), ("binaural", 2)])
def test_a_network_hears_any_length_down_to_a_click_and_silence(layout: str, channels: int) -> None:
    model = create("seld_crnn", labels=("dog",), layout=layout, widths=(4, 4, 4, 4, 4), hidden=4).eval()
    for length in (1, 100, 24_000 * 3 + 7):
        scene = hear(model, Audio(np.zeros((channels, length)), 24_000, layout))
        assert scene.duration == pytest.approx(length / 24_000, abs=1e-3)
