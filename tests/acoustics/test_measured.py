"""Measured responses: nearest place, tolerance, orientation, files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.spatial.transform import Rotation

from auris.acoustics.free_field import FreeFieldEngine, OpenPaths
from auris.acoustics.measured import MeasuredEngine, read_response_folder
from auris.acoustics.receivers import receiver_for
from auris.acoustics.renderer import render
from auris.audio import Audio
from auris.channels import ChannelLayout
from auris.dsp.measured_responses import MeasuredResponses
from auris.errors import FormatError, LayoutError, ParameterError, SceneError
from auris.geometry import Static, Turning, Waypoints
from auris.io.audio_files import write_audio
from auris.io.sofa import read_room_responses, write_room_responses
from auris.scene import Event, Listener, Scene, Source

RATE = 16_000
GRID = np.array([(x, y, 1.5) for x in (1.0, 2.0, 3.0) for y in (0.0, 1.0)])
MICROPHONE = np.array([0.0, 0.5, 1.2])


def measured(name: str = "foa", *, rate: int = RATE) -> MeasuredResponses:
    """A "measured" hall: direct sound of a known microphone at six places."""
    kind = ChannelLayout.parse(name)
    engine = FreeFieldEngine(receiver_for(kind, rate), rate)
    responses = engine.responses(OpenPaths.between(GRID, MICROPHONE), length=rate // 16)
    count = len(GRID)
    turns = np.broadcast_to(np.eye(3), (count, 3, 3))
    return MeasuredResponses(GRID, np.broadcast_to(MICROPHONE, (count, 3)), turns, responses, rate, kind, "hall")


def scene(path: object, *, duration: float = 0.5, listener: Listener | None = None) -> Scene:
    who = listener or Listener(Static(tuple(MICROPHONE.tolist())))
    return Scene(duration, (Source("a", path, (Event(0.0, duration),)),), who)  # type: ignore[arg-type]


def noise(duration: float = 0.5) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((1, round(duration * RATE))).astype(np.float32)


def test_a_source_gets_the_nearest_measurement_unchanged() -> None:
    hall = measured()
    engine = MeasuredEngine(hall, RATE)
    answers = engine.responses(OpenPaths.between(GRID + np.array([0.1, -0.1, 0.05]), MICROPHONE + 0.02))
    np.testing.assert_array_equal(answers, hall.responses)
    assert engine.responses(OpenPaths.between(GRID, MICROPHONE), length=5000).shape == (6, 4, 5000)
    assert engine.responses(OpenPaths.between(GRID, MICROPHONE), length=50).shape == (6, 4, 50)


def test_it_renders_like_the_room_it_was_measured_in() -> None:
    position = tuple(GRID[3].tolist())
    for name in ("mono", "foa", "tetra", "binaural"):
        got = render(
            scene(Static(position)), noise(), layout=name, sample_rate=RATE, engine=MeasuredEngine(measured(name), RATE)
        )
        wanted = render(scene(Static(position)), noise(), layout=name, sample_rate=RATE)
        np.testing.assert_allclose(got.mixture.samples, wanted.mixture.samples, atol=1e-3)


def test_moving_sources_pass_from_point_to_point() -> None:
    path = Waypoints((0.0, 1.0), ((1.0, 0.0, 1.5), (3.0, 0.0, 1.5)))
    for motion in ("doppler", "crossfade"):
        out = render(
            scene(path, duration=1.0),
            noise(1.0),
            layout="foa",
            sample_rate=RATE,
            engine=MeasuredEngine(measured(), RATE, tolerance=0.6),
            motion=motion,  # type: ignore[arg-type]
        ).mixture.samples
        levels = [float(np.std(out[0, int(t * RATE) : int((t + 0.1) * RATE)])) for t in (0.05, 0.5, 0.85)]
        distances = np.linalg.norm(GRID[[0, 2, 4]] - MICROPHONE, axis=1)
        np.testing.assert_allclose(levels, 1 / distances, rtol=0.1)


def test_too_far_away_says_how_far_and_where_the_nearest_is() -> None:
    with pytest.raises(SceneError, match=r"source at \[2.0, 3.0, 1.5\] is 2.00 m .* \[2.0, 1.0, 1.5\]; 0.25 m are tolerated"):
        MeasuredEngine(measured(), RATE).responses(OpenPaths.between((2.0, 3.0, 1.5), MICROPHONE))
    elsewhere = scene(Static((1.0, 0.0, 1.5)), listener=Listener())
    with pytest.raises(SceneError, match="listener at"):
        render(elsewhere, noise(), layout="foa", sample_rate=RATE, engine=MeasuredEngine(measured(), RATE))
    with pytest.raises(ParameterError, match="tolerance"):
        MeasuredEngine(measured(), RATE, tolerance=0)


def test_ambisonics_turn_with_the_head_and_other_layouts_refuse() -> None:
    turn = Rotation.from_euler("ZY", [1.0, 0.3])
    for name in ("foa", "hoa3"):
        got = MeasuredEngine(measured(name), RATE).responses(OpenPaths.between(GRID, MICROPHONE, rotations=turn.as_matrix()))
        engine = FreeFieldEngine(receiver_for(ChannelLayout.parse(name), RATE), RATE)
        wanted = engine.responses(OpenPaths.between(GRID, MICROPHONE, rotations=turn.as_matrix()), length=got.shape[2])
        np.testing.assert_allclose(got, wanted, atol=1e-5)
    with pytest.raises(SceneError, match="cannot be turned"):
        MeasuredEngine(measured("tetra"), RATE).responses(OpenPaths.between(GRID, MICROPHONE, rotations=turn.as_matrix()))
    turning = Listener(Static(tuple(MICROPHONE.tolist())), Turning((0.0, 0.5), (0.0, 1.0)))
    engine = MeasuredEngine(measured(), RATE)
    out = render(scene(Static((1.0, 0.0, 1.5)), listener=turning), noise(), layout="foa", sample_rate=RATE, engine=engine)
    assert np.all(np.isfinite(out.mixture.samples))


def test_a_directivity_cannot_be_added() -> None:
    with pytest.raises(SceneError, match="loudspeaker"):
        MeasuredEngine(measured(), RATE).responses(OpenPaths.between(GRID[0], MICROPHONE, directivity="cardioid"))


def test_other_rates_keep_the_gain_and_the_delay() -> None:
    low, high = measured(), MeasuredEngine(measured(rate=48_000), RATE)
    a = np.fft.rfft(low.responses[0, 0], 4096)[100:1200]
    b = np.fft.rfft(high.measured.responses[0, 0], 4096)[100:1200]
    np.testing.assert_allclose(b, a, atol=0.01 * np.abs(a).max())


def test_the_engine_s_layout_must_be_the_one_asked_for() -> None:
    with pytest.raises(LayoutError, match="4 channels"):
        render(
            scene(Static((1.0, 0.0, 1.5))),
            noise(),
            layout="binaural",
            sample_rate=RATE,
            engine=MeasuredEngine(measured(), RATE),
        )


def test_sofa_round_trip(tmp_path: Path) -> None:
    hall = measured("tetra")
    write_room_responses(tmp_path / "hall.sofa", hall)
    engine = MeasuredEngine(read_room_responses(tmp_path / "hall.sofa", layout="tetra"), RATE)
    np.testing.assert_allclose(engine.responses(OpenPaths.between(GRID, MICROPHONE)), hall.responses, atol=1e-6)


def folder(place: Path, *, kind: str = "csv") -> Path:
    hall = measured()
    rows = []
    for index, response in enumerate(hall.responses):
        write_audio(place / f"{index}.wav", Audio(response[:, : 900 + index], RATE, hall.layout))
        x, y, z = GRID[index]
        rows.append({"file": f"{index}.wav", "x": x, "y": y, "z": z, "listener_y": 0.5, "listener_z": 1.2, "yaw_deg": 0})
    if kind == "json":
        (place / "positions.json").write_text(json.dumps(rows))
    else:
        lines = [",".join(rows[0]), *(",".join(str(v) for v in row.values()) for row in rows)]
        (place / "positions.csv").write_text("\n".join(lines) + "\n")
    return place


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_a_folder_of_wav_files(tmp_path: Path, kind: str) -> None:
    hall = read_response_folder(folder(tmp_path, kind=kind))
    assert hall.layout == ChannelLayout.parse("foa")
    assert hall.responses.shape == (6, 4, 905)
    np.testing.assert_allclose(hall.sources, GRID)
    np.testing.assert_allclose(hall.listeners, np.broadcast_to(MICROPHONE, (6, 3)))
    np.testing.assert_allclose(hall.responses[5], measured().responses[5, :, :905], atol=1e-6)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "at least one"),
        ("file,x,y\n0.wav,1,2\n", "no z"),
        ("file,x,y,z,angle\n0.wav,1,2,3,4\n", "unknown"),
        ("file,x,y,z\n0.wav,1,two,3\n", "y must be a finite number"),
        ("file,x,y,z\nnot.wav,1,2,3\n", "no such file"),
    ],
)
def test_damaged_lists_are_named(tmp_path: Path, text: str, match: str) -> None:
    folder(tmp_path)
    (tmp_path / "positions.csv").write_text(text)
    with pytest.raises(FormatError, match=match):
        read_response_folder(tmp_path)


def test_files_must_agree(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"positions\.csv or positions\.json"):
        read_response_folder(tmp_path)
    folder(tmp_path)
    soundfile.write(tmp_path / "1.wav", np.zeros((10, 4)), 8000)
    with pytest.raises(FormatError, match="8000 Hz"):
        read_response_folder(tmp_path, layout="foa")
    soundfile.write(tmp_path / "1.wav", np.zeros((10, 1)), RATE)
    with pytest.raises(LayoutError, match="mono"):
        read_response_folder(tmp_path)
    (tmp_path / "positions.csv").unlink()
    (tmp_path / "positions.json").write_text("{")
    with pytest.raises(FormatError, match="damaged"):
        read_response_folder(tmp_path)
