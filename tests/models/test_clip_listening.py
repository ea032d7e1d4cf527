from __future__ import annotations

import math

import numpy as np
import pytest
import soundfile
import torch

from auris.audio import Audio
from auris.channels import ChannelLayout
from auris.errors import LayoutError, ParameterError
from auris.geometry import angle_between, angles, unit_vector
from auris.io.audio_files import write_audio
from auris.io.dcase import read_dcase, write_dcase
from auris.models import create
from auris.models.clip_listening import FRAME_SECONDS, WindowedListener, in_windows
from auris.models.clip_outputs import ClipOutputs
from auris.models.detections import DetectionSettings
from auris.models.listening import hear_pieces, says_distance
from auris.pipelines import hearing, listen, listener_for

RATE, CLIP = 8000, 5.0
LABELS = ("dog", "rain", "bell")
SURE = 6.0  # logit


def one_hot(numbers: torch.Tensor, count: int) -> torch.Tensor:
    return torch.nn.functional.one_hot(numbers.long(), count).float()


class ToneModel(torch.nn.Module):
    """Hears what is written into a clip: the left ear carries a level per class, the right ear the azimuth class / 1000."""

    labels = LABELS
    layout = ChannelLayout.parse("binaural")
    sample_rate, clip_seconds = RATE, CLIP
    detection = DetectionSettings()

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[int, ...]] = []

    def forward(self, waveform: torch.Tensor) -> ClipOutputs:
        self.heard.append(tuple(waveform.shape))
        number = (10 * waveform[:, 0]).round()
        events = torch.stack([(number == index + 1).any(dim=1) for index in range(3)], dim=1)
        azimuth = (1000 * waveform[:, 1].amax(dim=1)).round()
        distance, elevation = torch.full_like(azimuth, 4), torch.full_like(azimuth, 90)
        logits = torch.where(events, SURE, -SURE)
        return ClipOutputs(logits, one_hot(distance, 21), one_hot(azimuth, 360), one_hot(elevation, 180))


def recording(seconds: float, *sounds: tuple[int, float, float, int]) -> Audio:
    """Silence with sounds: class, onset, offset, azimuth class."""
    samples = np.zeros((2, round(seconds * RATE)), np.float32)
    for index, onset, offset, azimuth in sounds:
        when = slice(round(onset * RATE), round(offset * RATE))
        samples[0, when], samples[1, when] = (index + 1) / 10, azimuth / 1000
    return Audio(samples, RATE, "binaural")


@pytest.mark.parametrize(
    ("azimuth_class", "direction"),
    [(0, (0, -1, 0)), (90, (1, 0, 0)), (180, (0, 1, 0)), (270, (-1, 0, 0)), (45, (math.sqrt(0.5), -math.sqrt(0.5), 0))],
)
def test_places_arrive_in_the_right_frame(azimuth_class, direction):
    (source,) = listen(recording(5.0, (0, 0.0, 5.0, azimuth_class)), model=ToneModel()).sources
    np.testing.assert_allclose(source.path.at(1.0), 2 * np.array(direction), atol=1e-3)


def test_up_is_up_and_distance_is_half_metres():
    class Above(ToneModel):
        def forward(self, waveform):
            said = super().forward(waveform)
            classes = torch.tensor([150]), torch.tensor([7])
            return said._replace(elevation=one_hot(classes[0], 180), distance=one_hot(classes[1], 21))

    (source,) = listen(recording(5.0, (0, 0.0, 5.0, 90)), model=Above()).sources
    azimuth, elevation, distance = angles(source.path.at(0.0))
    assert (math.degrees(azimuth), math.degrees(elevation), distance) == pytest.approx((0, 60, 3.5), abs=0.01)


@pytest.mark.parametrize("seconds", [0.3, 5.0, 37.0])
def test_recordings_of_any_length_are_heard_from_beginning_to_end(seconds):
    model = ToneModel()
    heard = hearing(recording(seconds, (0, 0.0, seconds, 120)), model=model)
    assert len(heard.outputs) == math.ceil(seconds / FRAME_SECONDS)
    assert heard.duration == pytest.approx(seconds)
    assert {shape[2] for shape in model.heard} == {round(CLIP * RATE)}  # a window that is not filled ends in silence
    (source,) = heard.scene().sources
    (event,) = source.events
    assert (source.label, event.onset, event.offset) == ("dog", 0.0, seconds)
    assert event.confidence > 0.99
    assert heard.rows().frame.tolist() == list(range(round(10 * seconds)))  # labels of DCASE, ten a second


def test_a_short_sound_in_a_long_recording_is_found_within_one_hop():
    hop = CLIP / 4
    scene = listen(recording(37.0, (0, 15.2, 15.9, 90), (2, 22.6, 30.1, 0)), model=ToneModel())
    heard = {source.label: source.events[0] for source in scene.sources}
    assert set(heard) == {"dog", "bell"}
    for label, onset, offset in (("dog", 15.2, 15.9), ("bell", 22.6, 30.1)):
        assert onset - hop <= heard[label].onset <= onset
        assert offset <= heard[label].offset <= offset + hop


def test_one_doubtful_window_does_not_silence_a_sound_but_one_sure_window_does():
    class Doubting(ToneModel):
        """The first window that is full of sound says ``doubt``."""

        doubt = 0.0

        def forward(self, waveform):
            said = super().forward(waveform)
            full = (waveform[:, 0].abs() > 0).all(dim=1) & (len(self.heard) == 5)
            return said._replace(events=torch.where(full[:, None], self.doubt, said.events))

    for doubt, pieces in ((-0.5, 1), (-SURE, 2)):
        model = Doubting()
        model.doubt = doubt
        scene = listen(recording(20.0, (0, 0.0, 20.0, 90)), model=model)
        assert sum(len(source.events) for source in scene.sources if source.label == "dog") == pieces


def test_overlapping_windows_are_joined_by_hand():
    """Harmonic mean of activities, direction and distance weighted by activity; frame by frame."""

    class Numbered(ToneModel):
        """Window number n says activity p[n] at azimuth class a[n] and distance class d[n]."""

        p, a, d = (0.9, 0.6, 0.8, 0.7, 0.5), (80, 90, 100, 110, 120), (2, 4, 6, 8, 10)

        def forward(self, waveform):
            n = len(self.heard)
            self.heard.append(tuple(waveform.shape))
            numbers = [torch.tensor([x[n]]) for x in (self.d, self.a)]
            logit = torch.logit(torch.tensor([[self.p[n]] * 3]))
            return ClipOutputs(logit, one_hot(numbers[0], 21), one_hot(numbers[1], 360), one_hot(torch.tensor([90]), 180))

    model = Numbered()
    outputs = hearing(recording(5.0), model=model).outputs
    # Windows begin at -2.5, -1.25, 0, 1.25 and 2.5 s.
    assert len(model.heard) == 5
    for time, covering in ((0.6, (0, 1, 2)), (1.5, (0, 1, 2, 3)), (3.0, (1, 2, 3, 4)), (4.9, (2, 3, 4))):
        p = np.array([model.p[n] for n in covering])
        vectors = unit_vector(np.radians([model.a[n] - 90 for n in covering]), 0.0)
        said = outputs[int(time / FRAME_SECONDS), 0, 1]
        assert np.linalg.norm(said[:3]) == pytest.approx(len(p) / (1 / p).sum(), rel=1e-5)
        assert angle_between(said[:3], p @ vectors) < 1e-3
        assert said[3] == pytest.approx((p @ [model.d[n] / 2 for n in covering]) / p.sum(), rel=1e-5)


def test_a_hop_of_a_clip_hears_clips_one_after_the_other():
    model = ToneModel()
    heard = hearing(recording(12.0, (0, 6.0, 6.5, 90)), model=model, hop=CLIP)
    assert len(model.heard) == 3
    loud = np.linalg.norm(heard.outputs[:, 0, 0, :3], axis=-1) > 0.5
    assert np.flatnonzero(loud).tolist() == list(range(20, 40))


def test_hops_that_do_not_fit_are_refused():
    for hop in (0.0, 0.3, 5.25, float("nan")):
        with pytest.raises(ParameterError, match=r"multiple of 0.25 s, at most the 5 s of a block"):
            hearing(recording(1.0), model=ToneModel(), hop=hop)


def test_every_class_above_its_threshold_is_an_event_at_the_one_place():
    class Both(ToneModel):
        detection = DetectionSettings(threshold=(0.5, 0.95, 0.5))

        def forward(self, waveform):
            said = super().forward(waveform)
            return said._replace(events=torch.tensor([[2.0, 2.0, 2.0]]).expand_as(said.events))

    scene = listen(recording(5.0, (0, 0.0, 5.0, 200)), model=Both())
    assert [source.label for source in scene.sources] == ["bell", "dog"]  # rain at 0.88 is below its own threshold
    assert len({source.path for source in scene.sources}) == 1
    lower = listen(recording(5.0, (0, 0.0, 5.0, 200)), model=Both(), threshold={"rain": 0.6})
    assert {source.label for source in lower.sources} == set(LABELS)


def test_a_sound_follows_what_the_windows_say_of_its_place():
    moved = recording(20.0, (0, 0.0, 10.0, 60), (0, 10.0, 20.0, 120))
    scene = listen(moved, model=ToneModel())
    for time, azimuth_deg in ((2.0, -30), (18.0, 30)):
        (source,) = [s for s in scene.sources if s.events[0].onset <= time < s.events[-1].offset]
        assert math.degrees(angles(source.path.at(time))[0]) == pytest.approx(azimuth_deg, abs=3)


@pytest.mark.parametrize("rate", [11_025, 44_100])
def test_a_file_of_another_rate_is_heard_like_its_audio_and_in_batches(tmp_path, rate):
    noise = 0.1 * np.random.default_rng(0).standard_normal((2, round(12.3 * rate)))
    audio = Audio(noise.astype(np.float32), rate, "binaural")
    write_audio(tmp_path / "a.wav", audio)
    torch.manual_seed(0)
    model = tiny("spatial_ast")
    whole = hearing(audio, model=model)
    assert len(whole.outputs) == 50
    for heard in (hearing(tmp_path / "a.wav", model=model), hearing(audio, model=model, batch=4)):
        np.testing.assert_allclose(heard.outputs, whole.outputs, atol=1e-4)


def tiny(architecture: str):
    sizes = {"clip_seconds": 2.0, "hop": 640, "bands": 32, "frames": 112, "width": 24, "depth": 1, "heads": 2}
    more = {"branch_width": 8} if architecture == "dspast" else {}
    return create(architecture, labels=LABELS, **sizes, **more).eval()


@pytest.mark.parametrize("architecture", ["spatial_ast", "dspast"])
def test_a_clip_model_listens_like_any_other(architecture):
    model = tiny(architecture)
    listener = listener_for(None, model=model)
    assert isinstance(listener, WindowedListener)
    assert listener_for(None, model=listener) is listener
    assert (listener.labels, listener.sample_rate, listener.layout.name) == (LABELS, 32_000, "binaural")
    assert (listener.block_seconds, listener.hop_seconds, listener.name) == (2.0, 0.5, architecture)
    assert says_distance(listener)
    waveform = torch.randn(3, 2, 64_000)
    said, outputs = listener(waveform), model(waveform)
    assert said.shape == (3, 8, 1, 3, 4)
    torch.testing.assert_close(said[..., :3].norm(dim=-1), outputs.events.sigmoid()[:, None, None].expand(3, 8, 1, 3))
    torch.testing.assert_close(said[:, 0, 0, 0, 3], outputs.distance.argmax(dim=-1).clamp(min=0.25) / 2)


def test_frame_listeners_are_left_as_they_are():
    model = create("seld_crnn", labels=("dog",), layout="binaural", widths=(4, 4, 4, 4, 4), hidden=4)
    assert in_windows(model) is model


def test_clips_that_cannot_be_divided_are_refused():
    for sizes in ({"clip_seconds": 0.2}, {"sample_rate": 11_025}):
        model = ToneModel()
        for name, value in sizes.items():
            setattr(model, name, value)
        with pytest.raises(ParameterError, match=r"clips of at least 0\.25 s and a sample rate that is a multiple of 4 Hz"):
            WindowedListener(model)


def test_a_clip_that_is_no_whole_number_of_frames_is_heard_in_shorter_windows():
    model = ToneModel()
    model.clip_seconds = 2.56
    listener = WindowedListener(model)
    assert (listener.block_seconds, listener.hop_seconds) == (2.5, 0.5)


@pytest.mark.parametrize(
    ("layout", "way_out"),
    [
        ("mono", "one channel says nothing of direction; auris simulate --layout binaural renders scenes"),
        ("stereo", "if its channels are binaural after all, say so with --layout binaural"),
        ("foa", "leave --model out for the shipped listener to foa, or decode it to two ears"),
        ("tetra", "give binaural audio, or a model that hears this"),
    ],
)
def test_other_layouts_are_refused_with_the_way_out(tmp_path, layout, way_out):
    channels = ChannelLayout.parse(layout).channels
    audio = Audio(np.zeros((channels, RATE)), RATE, layout)
    for where in ("audio", "file"):
        given = audio
        if where == "file":
            given = tmp_path / "a.wav"
            write_audio(given, audio)
        with pytest.raises(LayoutError) as error:
            listen(given, model=ToneModel())
        assert f"this listener needs binaural audio, but the audio is {layout}; " in str(error.value)
        assert way_out in str(error.value)
        assert ("a.wav" in str(error.value)) == (where == "file")
    with pytest.raises(LayoutError, match="this listener needs binaural"):
        hear_pieces(WindowedListener(ToneModel()), [audio])


@pytest.mark.parametrize(
    ("channels", "way_out"), [(1, "one channel says nothing of direction"), (4, "say --layout foa"), (6, "give binaural audio")]
)
def test_so_are_files_that_do_not_say_what_they_are(tmp_path, channels, way_out):
    soundfile.write(tmp_path / "a.wav", np.zeros((RATE, channels)), RATE)
    with pytest.raises(LayoutError, match=f"{channels} channels, but this listener needs binaural audio of 2; .*{way_out}"):
        listen(tmp_path / "a.wav", model=ToneModel())


def test_two_channels_that_do_not_say_what_they_are_are_ears_for_a_model_with_ears(tmp_path):
    audio = recording(5.0, (0, 0.0, 5.0, 180))
    soundfile.write(tmp_path / "a.wav", audio.samples.T, RATE, subtype="FLOAT")
    assert listen(tmp_path / "a.wav", model=ToneModel()) == listen(audio, model=ToneModel())


@pytest.mark.parametrize("reading", ["events", "frames"])
@pytest.mark.parametrize("year", [2024, 2025])
def test_what_was_heard_goes_through_csv_files(tmp_path, reading, year):
    """A source behind on the left: 2024 keeps it there, 2025 folds it to the front; 0.1 s rows, metres kept."""
    heard = hearing(recording(6.0, (1, 0.0, 6.0, 210)), model=ToneModel())
    write_dcase(tmp_path / "a.csv", heard.rows(reading), year=year, content="prediction")
    rows = read_dcase(tmp_path / "a.csv", year=year, content="prediction", vocabulary=LABELS)
    assert rows.frame.tolist() == list(range(60))
    assert set(rows.class_index.tolist()) == {1}
    np.testing.assert_allclose(rows.distance, 2.0, atol=1e-3)
    np.testing.assert_allclose(np.degrees(rows.azimuth), 120 if year == 2024 else 60, atol=0.01)
    if year == 2025:
        assert (tmp_path / "a.csv").read_text().splitlines()[:2] == [
            "frame,class,source,azimuth,distance,onscreen",
            "0,1,0,60,200,0",
        ]
