from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from auris.audio import Audio
from auris.channels import ChannelLayout
from auris.errors import LayoutError, ParameterError
from auris.io.audio_files import read_blocks, write_audio
from auris.models import create
from auris.models.blocks import BLOCK_SECONDS
from auris.models.detections import DetectionSettings
from auris.models.listening import hear, hear_pieces, says_distance
from auris.pipelines import listen


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


class BlockListener(LevelListener):
    """The same, but it hears only blocks of two seconds."""

    block_seconds = 2.0

    def __init__(self) -> None:
        self.blocks = 0

    def __call__(self, waveform: torch.Tensor, /) -> torch.Tensor:
        assert waveform.shape[-1] == 16_000
        self.blocks += len(waveform)
        return super().__call__(waveform)


LENGTHS = [0.03, 0.95, 2.0, 2.01, 3.99, 11.99, 12.0, 12.01, 21.95, 22.0, 22.1, 50.37]


@pytest.mark.parametrize("kind", [LevelListener, BlockListener])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("seconds", LENGTHS)
def test_joined_blocks_equal_one_pass(kind, batch: int, seconds: float) -> None:
    audio = Audio(bursts(seconds, 8000), 8000, "foa")
    heard = hear_pieces(kind(), [audio], hop=1.5 if kind is BlockListener else None, batch=batch)
    assert heard.duration == pytest.approx(audio.duration)
    np.testing.assert_allclose(heard.outputs, LevelListener()(torch.tensor(audio.samples)[None])[0].numpy(), atol=1e-6)


@pytest.mark.parametrize("pieces", [1, 800, 12_345, 96_000])
def test_how_a_recording_arrives_does_not_matter(pieces: int) -> None:
    samples = bursts(13.3, 8000 if pieces > 1 else 1000)
    rate = 8000 if pieces > 1 else 1000
    cut = [Audio(samples[:, i : i + pieces], rate, "foa") for i in range(0, samples.shape[1], pieces)]
    whole = hear_pieces(LevelListener(), [Audio(samples, rate, "foa")])
    assert np.array_equal(hear_pieces(LevelListener(), cut).outputs, whole.outputs)


def test_every_moment_is_heard_in_the_middle_of_a_block() -> None:
    class Edges(BlockListener):
        """Says how far each frame is from the edge of its block."""

        block_seconds = 10.0

        def __call__(self, waveform: torch.Tensor, /) -> torch.Tensor:
            place = torch.arange(100.0)
            out = torch.zeros(len(waveform), 100, 1, 1, 4)
            out[..., 0, 0, 0] = torch.minimum(place, 99 - place)
            return out

    outputs = hear_pieces(Edges(), [Audio(np.zeros((4, 8000 * 47)), 8000, "foa")]).outputs[:, 0, 0, 0]
    assert len(outputs) == 470
    assert outputs[10:-10].min() >= 10  # one second of context, but at the ends of the recording


def test_averages_are_over_all_blocks_that_cover_a_frame() -> None:
    class Counting(BlockListener):
        """Says the number of the block."""

        def __call__(self, waveform: torch.Tensor, /) -> torch.Tensor:
            out = torch.zeros(len(waveform), 20, 1, 1, 4)
            out[..., 0] = torch.arange(self.blocks, self.blocks + len(waveform))[:, None, None, None]
            self.blocks += len(waveform)
            return out

    outputs = hear_pieces(Counting(), [Audio(np.zeros((4, 28_000)), 8000, "foa")], hop=0.5, batch=2).outputs[:, 0, 0, 0]
    # Blocks of 20 frames begin at 0, 5, 10 and 15; 35 frames in all.
    assert outputs.tolist() == [*[0] * 5, *[0.5] * 5, *[1] * 5, *[1.5] * 5, *[2] * 5, *[2.5] * 5, *[3] * 5]


@pytest.mark.parametrize("hop", [0.0, 0.25, 2.5, -1.0, float("nan"), float("inf")])
def test_impossible_hops_are_refused(hop: float) -> None:
    with pytest.raises(ParameterError, match=r"multiple of 0.1 s, at most the 2 s"):
        hear_pieces(BlockListener(), [Audio(np.zeros((4, 800)), 8000, "foa")], hop=hop)


@pytest.mark.parametrize("rate", [8000, 11_025, 44_100])
@pytest.mark.parametrize("hop", [None, 0.5])
def test_a_long_recording_is_heard_without_drift_at_any_rate(rate: int, hop: float | None) -> None:
    model = LevelListener()
    heard = hear_pieces(model, [Audio(bursts(30, rate), rate, "foa")], hop=hop)
    scene = heard.scene()
    assert model.longest <= BLOCK_SECONDS * 8000
    assert [round(e.onset, 1) for _, e in scene.events()] == [0, 7, 14, 21, 28]
    assert scene.duration == pytest.approx(30)
    assert len(heard.outputs) == 300


@pytest.mark.parametrize("seconds", [3.0, 31.4])
@pytest.mark.parametrize("rate", [8000, 11_025])
def test_a_file_in_pieces_is_heard_like_the_whole(tmp_path, seconds: float, rate: int) -> None:
    audio = Audio(bursts(seconds, rate), rate, "foa")
    write_audio(tmp_path / "a.wav", audio)
    assert hear_pieces(LevelListener(), read_blocks(tmp_path / "a.wav", seconds=10)).scene() == hear(LevelListener(), audio)
    assert listen(tmp_path / "a.wav", model=LevelListener()) == hear(LevelListener(), audio)


def test_another_layout_is_refused_and_so_is_nothing() -> None:
    with pytest.raises(LayoutError, match="needs foa audio, but the audio is binaural"):
        hear(LevelListener(), Audio(np.zeros((2, 8000)), 8000, "binaural"))
    for nothing in ([], [Audio(np.zeros((4, 0)), 8000, "foa")]):
        with pytest.raises(ParameterError, match="no audio"):
            hear_pieces(LevelListener(), nothing)
    mixed = [Audio(np.zeros((4, 800)), rate, "foa") for rate in (8000, 16_000)]
    with pytest.raises(ParameterError, match="must be alike"):
        hear_pieces(LevelListener(), mixed)
    with pytest.raises(ParameterError, match="at least 1 block"):
        hear_pieces(LevelListener(), mixed[:1], batch=0)


class NearListener(LevelListener):
    """Does not say how far."""

    def __call__(self, waveform: torch.Tensor, /) -> torch.Tensor:
        out = super().__call__(waveform)
        out[..., 3] = torch.nan
        return out


@pytest.mark.parametrize("reading", ["events", "frames"])
def test_unknown_distances_stay_unknown_in_rows_and_are_one_metre_in_scenes(reading) -> None:
    audio = Audio(bursts(5, 8000), 8000, "foa")
    heard = hear_pieces(NearListener(), [audio])
    assert not heard.says_distance
    rows = heard.rows(reading)
    assert len(rows) == 20
    assert np.isnan(rows.distance).all()
    (source,) = heard.scene(reading).sources
    assert np.linalg.norm(source.path.at(1.0)) == pytest.approx(1.0)
    known = hear_pieces(LevelListener(), [audio])
    assert known.says_distance
    assert known.rows(reading).distance == pytest.approx(np.ones(20))
    assert not says_distance(NearListener())
    assert says_distance(LevelListener())


def test_unknown_readings_are_refused() -> None:
    heard = hear_pieces(LevelListener(), [Audio(bursts(1, 8000), 8000, "foa")])
    for read in (heard.scene, heard.rows):
        with pytest.raises(ParameterError, match="unknown reading 'event', did you mean 'events'"):
            read("event")


def hour_of_silence(path: Path, *, burst_at: float) -> None:
    """An hour of four channels at 24 kHz as a WAV file with holes, which takes no room on the disk."""
    size = 3600 * 24_000 * 8
    header = struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 4, 24_000, 192_000, 8, 16, b"data", size
    )
    with open(path, "wb") as file:
        file.write(header)
        file.seek(44 + round(burst_at * 24_000) * 8)
        file.write(np.full((24_000, 4), 30_000, np.int16).tobytes())
        file.truncate(44 + size)


HOUR = """
import resource, sys
from pathlib import Path
import torch
from auris.channels import ChannelLayout
from auris.models import create
from auris.models.detections import DetectionSettings
from auris.pipelines import listen

class Wide:
    "The first of many classes follows the level."
    labels = tuple(f"class {i}" for i in range(60))
    layout, sample_rate, frame_seconds, block_seconds = ChannelLayout.parse("foa"), 24_000, 0.1, 10.0
    detection = DetectionSettings()
    def __call__(self, waveform):
        out = torch.zeros(len(waveform), 100, 3, 60, 4)
        out[:, :, 0, 0, 1] = waveform[:, 0].unflatten(-1, (100, -1)).abs().mean(dim=-1)
        out[..., 3] = torch.nan
        return out

torch.set_num_threads(1)
if sys.argv[2] == "stub":
    model = Wide()
else:
    model = create("pseldnet", labels=[str(i) for i in range(170)]).eval()
    for parameter in model.body.heads.parameters():  # untrained, it would hear everything everywhere
        parameter.data.zero_()
scene = listen(sys.argv[1], model=model, layout="foa")
events = [(round(e.onset), round(e.offset), s.label) for s, e in scene.events()]
status = Path("/proc/self/status")
if status.exists():  # ru_maxrss would count what the process was before it became Python: its parent
    peak = next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(round(scene.duration), peak // 1024, events)
"""


def test_an_hour_is_heard_in_bounded_memory(tmp_path) -> None:
    duration, peak, events = listen_for_an_hour(tmp_path, "stub")
    assert (duration, events) == (3600, "[(3540, 3541, 'class 0')]")
    assert peak < 2048, f"{peak} MiB"


@pytest.mark.slow
def test_an_hour_is_heard_in_bounded_memory_by_a_published_network(tmp_path) -> None:
    duration, peak, _ = listen_for_an_hour(tmp_path, "pseldnet")
    assert duration == 3600
    assert peak < 2048, f"{peak} MiB"


def listen_for_an_hour(folder: Path, model: str) -> tuple[int, int, str]:
    """Length heard in seconds, peak of the resident memory in MiB, and the events."""
    hour_of_silence(folder / "hour.wav", burst_at=3540)
    command = [sys.executable, "-c", HOUR, str(folder / "hour.wav"), model]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    duration, peak, events = done.stdout.split(maxsplit=2)
    return int(duration), int(peak), events.strip()


@pytest.mark.parametrize(("layout", "channels"), [("foa", 4), ("binaural", 2)])
def test_a_network_hears_any_length_down_to_a_click_and_silence(layout: str, channels: int) -> None:
    model = create("seld_crnn", labels=("dog",), layout=layout, widths=(4, 4, 4, 4, 4), hidden=4).eval()
    for length in (1, 100, 24_000 * 3 + 7):
        scene = hear(model, Audio(np.zeros((channels, length)), 24_000, layout))
        assert scene.duration == pytest.approx(length / 24_000, abs=1e-3)
