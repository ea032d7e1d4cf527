"""SOFA files: round trips, a second reader (sofar), and files that must be refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import sofar
from scipy.spatial.transform import Rotation

from auris.channels import ChannelLayout, ambisonics, array, binaural, tetrahedral
from auris.dsp.hrtf import DirectionalResponses, estimate_latency, itd, structural_head
from auris.dsp.measured_responses import MeasuredResponses
from auris.errors import FormatError, LayoutError, ParameterError
from auris.geometry.directions import unit_vector
from auris.io.sofa import read_hrtf, read_room_responses, write_hrtf, write_room_responses

rng = np.random.default_rng(11)
SIDE = unit_vector(np.pi / 2, 0.0)


@pytest.fixture(scope="module")
def head() -> DirectionalResponses:
    return structural_head(24_000, spacing_deg=20.0)


@pytest.fixture
def head_file(head, tmp_path) -> Path:
    write_hrtf(tmp_path / "head.sofa", head)
    return tmp_path / "head.sofa"


def room(layout: ChannelLayout, count: int = 6) -> MeasuredResponses:
    sources, listeners = rng.uniform(0, 4, (2, count, 3))
    rotations = Rotation.random(count, random_state=2).as_matrix()
    responses = rng.standard_normal((count, layout.channels, 100)).astype(np.float32)
    return MeasuredResponses(sources, listeners, rotations, responses, 24_000, layout, "a made room")


def edited(path: Path, change: Callable[[h5py.File], None]) -> Path:
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def replaced(file: h5py.File, name: str, values: object, **attributes: str) -> None:
    del file[name]
    file[name] = values
    for key, value in attributes.items():
        file[name].attrs[key] = value


def test_head_round_trip(head, head_file) -> None:
    again = read_hrtf(head_file)
    np.testing.assert_array_equal(again.filters, head.filters)
    np.testing.assert_allclose(again.directions, head.directions, atol=1e-12)
    assert (again.sample_rate, again.latency) == (head.sample_rate, head.latency)
    assert head.name in again.name


def test_sofar_reads_and_verifies_what_we_write(head, head_file, tmp_path, capsys) -> None:
    theirs = sofar.read_sofa(str(head_file))
    np.testing.assert_allclose(theirs.Data_IR, head.filters, atol=1e-7)
    assert theirs.GLOBAL_SOFAConventions == "SimpleFreeFieldHRIR"
    measured = room(ambisonics(1))
    write_room_responses(tmp_path / "room.sofa", measured)
    theirs = sofar.read_sofa(str(tmp_path / "room.sofa"))
    assert theirs.verify(issue_handling="return") in (None, "")
    np.testing.assert_allclose(theirs.Data_IR, measured.responses, atol=1e-7)
    np.testing.assert_allclose(theirs.SourcePosition, measured.sources)
    capsys.readouterr()


def test_files_of_sofar_are_read(head, tmp_path) -> None:
    sofa = sofar.Sofa("SimpleFreeFieldHRIR")
    sofa.Data_IR = head.filters.astype(float)
    sofa.Data_SamplingRate = 24_000
    sofa.Data_Delay = np.zeros((1, 2))
    sofa.SourcePosition = 1.2 * head.directions
    sofa.SourcePosition_Type, sofa.SourcePosition_Units = "cartesian", "metre"
    sofar.write_sofa(str(tmp_path / "theirs.sofa"), sofa)
    ours = read_hrtf(tmp_path / "theirs.sofa")
    np.testing.assert_allclose(ours.directions, head.directions, atol=1e-12)
    np.testing.assert_array_equal(ours.filters, head.filters)
    assert ours.latency == estimate_latency(head.directions, head.delays)
    assert ours.latency == pytest.approx(head.latency, abs=1.5)


def test_measured_kemar(shared_folder, head, tmp_path) -> None:
    file = shared_folder / "hrtf" / "mit_kemar_normal_pinna.sofa" if shared_folder else None
    if file is None or not file.is_file():
        file = tmp_path / "substitute.sofa"
        write_hrtf(file, head.resampled(44_100))
    measured = read_hrtf(file)
    assert measured.sample_rate == 44_100
    assert measured.channels == 2
    assert 0.55e-3 < itd(measured, SIDE) < 0.85e-3
    assert 0 < measured.latency < 0.5 * measured.taps
    assert measured.weights.sum() == pytest.approx(1.0)


def test_ears_come_left_first_whatever_their_order(head, head_file) -> None:
    def exchange(file: h5py.File) -> None:
        replaced(file, "ReceiverPosition", file["ReceiverPosition"][...][::-1], Type="cartesian", Units="metre")
        file["Data.IR"][...] = file["Data.IR"][...][:, ::-1]

    np.testing.assert_array_equal(read_hrtf(edited(head_file, exchange)).filters, head.filters)


def test_directions_are_turned_into_the_listeners_frame(head, head_file) -> None:
    turn = Rotation.from_euler("ZYX", [70, 20, 10], degrees=True)
    place = np.array([3.0, -1.0, 1.5])

    def move(file: h5py.File) -> None:
        replaced(file, "SourcePosition", place + turn.apply(head.directions.copy()) * 2.0, Type="cartesian")
        replaced(file, "ListenerPosition", place[None], Type="cartesian")
        replaced(file, "ListenerView", turn.apply([[1.0, 0, 0]]), Type="cartesian")
        replaced(file, "ListenerUp", turn.apply([[0.0, 0, 1]]))

    np.testing.assert_allclose(read_hrtf(edited(head_file, move)).directions, head.directions, atol=1e-12)


def test_delays_are_applied_with_their_fractions(head, head_file) -> None:
    delay = np.array([[3.0, 5.5]])
    responses = read_hrtf(edited(head_file, lambda file: replaced(file, "Data.Delay", delay)))
    np.testing.assert_allclose(responses.delays - head.delays, np.broadcast_to(delay, head.delays.shape), atol=0.01)


LAYOUTS = [ambisonics(1), tetrahedral(), binaural(), array([[0.0, 0.1, 0], [0, -0.1, 0], [0.1, 0, 0]])]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_room_round_trip(layout, tmp_path) -> None:
    measured = room(layout)
    write_room_responses(tmp_path / "room.sofa", measured)
    again = read_room_responses(tmp_path / "room.sofa", layout=layout)
    np.testing.assert_array_equal(again.responses, measured.responses)
    np.testing.assert_allclose(again.positions, measured.positions, atol=1e-9)
    np.testing.assert_allclose(again.rotations, measured.rotations, atol=1e-9)
    assert (again.layout, again.name, len(again)) == (layout, measured.name, 6)
    if layout.kind == "array":
        assert read_room_responses(tmp_path / "room.sofa").layout.positions == layout.positions


def test_meaning_of_channels_is_not_guessed(tmp_path) -> None:
    write_room_responses(tmp_path / "room.sofa", room(ambisonics(1)))
    with pytest.raises(FormatError, match="give a layout"):
        read_room_responses(tmp_path / "room.sofa")
    with pytest.raises(FormatError, match="9 channels"):
        read_room_responses(tmp_path / "room.sofa", layout="hoa2")
    with pytest.raises(LayoutError, match="did you mean 'foa'"):
        read_room_responses(tmp_path / "room.sofa", layout="foaa")


@pytest.mark.parametrize(
    ("convention", "kind", "last"), [("MultiSpeakerBRIR", "FIRE", False), ("SingleRoomMIMOSRIR", "FIR-E", True)]
)
def test_emitters_become_responses(convention, kind, last, tmp_path) -> None:
    path = tmp_path / "speakers.sofa"
    write_room_responses(path, room(binaural(), count=3))
    data = rng.standard_normal((3, 2, 4, 50))  # measurements, ears, loudspeakers, samples
    speakers = rng.standard_normal((4, 3))

    def change(file: h5py.File) -> None:
        file.attrs["SOFAConventions"], file.attrs["DataType"] = convention, kind
        replaced(file, "Data.IR", np.moveaxis(data, 2, -1) if last else data)
        replaced(file, "Data.Delay", np.zeros((1, 2, 1)))
        replaced(file, "SourcePosition", np.zeros((1, 3)), Type="cartesian")
        replaced(file, "EmitterPosition", speakers[..., None], Type="cartesian")

    measured = read_room_responses(edited(path, change), layout="binaural")
    assert measured.responses.shape == (12, 2, 50)
    np.testing.assert_allclose(measured.responses[6], data[1, :, 2], atol=1e-6)
    np.testing.assert_allclose(measured.sources[:8], np.concatenate([speakers, speakers]))


def test_emitters_turn_with_their_source(tmp_path) -> None:
    """A loudspeaker array is described along the axes of its own pose, which may differ from measurement to measurement."""
    path = tmp_path / "speakers.sofa"
    write_room_responses(path, room(binaural(), count=3))
    speakers, centres = rng.standard_normal((4, 3)), rng.standard_normal((3, 3))
    poses = Rotation.random(3, random_state=5)

    def change(file: h5py.File) -> None:
        file.attrs["SOFAConventions"], file.attrs["DataType"] = "SingleRoomMIMOSRIR", "FIR-E"
        replaced(file, "Data.IR", rng.standard_normal((3, 2, 50, 4)))
        replaced(file, "Data.Delay", np.zeros((1, 2, 1)))
        replaced(file, "SourcePosition", centres, Type="cartesian")
        replaced(file, "SourceView", 2.0 * poses.apply([1.0, 0.0, 0.0]), Type="cartesian")
        replaced(file, "SourceUp", poses.apply([0.0, 0.0, 1.0]))
        replaced(file, "EmitterPosition", speakers[..., None], Type="cartesian")

    measured = read_room_responses(edited(path, change), layout="binaural")
    for number, (centre, pose) in enumerate(zip(centres, poses, strict=True)):
        np.testing.assert_allclose(measured.sources[4 * number :][:4], centre + pose.apply(speakers), atol=1e-9)
    with pytest.raises(FormatError, match="SourceView and SourceUp must be two directions"):
        read_room_responses(edited(path, lambda f: replaced(f, "SourceUp", f["SourceView"][...])), layout="binaural")


def remove(name: str) -> Callable[[h5py.File], None]:
    return lambda file: file.__delitem__(name)


def huge(file: h5py.File) -> None:
    del file["Data.IR"]
    file.create_dataset("Data.IR", shape=(100_000, 2, 100_000), chunks=(1, 1, 1000), dtype="f8")


def linked(file: h5py.File) -> None:
    del file["Data.IR"]
    file["Data.IR"] = h5py.ExternalLink("/etc/passwd", "/x")


def stored_elsewhere(file: h5py.File) -> None:
    del file["Data.IR"]
    file.create_dataset("Data.IR", shape=(4, 2, 16), dtype="u1", external=[("/etc/passwd", 0, 128)])


REFUSED = {
    "convention": (lambda f: f.attrs.__setitem__("SOFAConventions", "GeneralTF"), "GeneralTF"),
    "room in a head reader": (lambda f: f.attrs.__setitem__("SOFAConventions", "SingleRoomSRIR"), "read_room_responses"),
    "no convention": (lambda f: f.attrs.__delitem__("SOFAConventions"), "not given"),
    "spectra": (lambda f: f.attrs.__setitem__("DataType", "TF"), "FIR"),
    "no responses": (remove("Data.IR"), "Data.IR is missing"),
    "no rate": (remove("Data.SamplingRate"), "SamplingRate is missing"),
    "no positions": (remove("SourcePosition"), "SourcePosition is missing"),
    "rate": (lambda f: replaced(f, "Data.SamplingRate", [44_100.5]), "sample rate"),
    "two rates": (lambda f: replaced(f, "Data.SamplingRate", [44_100.0, 48_000.0]), "sample rate"),
    "text for numbers": (lambda f: replaced(f, "Data.SamplingRate", np.bytes_(b"fast")), "numbers"),
    "not finite": (lambda f: f["Data.IR"].__setitem__((0, 0, 0), np.nan), "NaN"),
    "mono": (lambda f: replaced(f, "Data.IR", f["Data.IR"][:, :1]), "two receivers|Delay"),
    "flat": (lambda f: replaced(f, "Data.IR", np.ones(5)), "3 dimensions"),
    "too few positions": (lambda f: replaced(f, "SourcePosition", np.ones((5, 3)), Type="cartesian"), "SourcePosition"),
    "at the listener": (lambda f: f["SourcePosition"].__setitem__((3, 2), 0.0), "coincides"),
    "strange frame": (lambda f: f["SourcePosition"].attrs.__setitem__("Type", "geodesic"), "geodesic"),
    "delay shape": (lambda f: replaced(f, "Data.Delay", np.ones((7, 9))), "Delay"),
    "delay size": (lambda f: replaced(f, "Data.Delay", np.full((1, 2), 1e12)), "Delay"),
    "negative delay": (lambda f: replaced(f, "Data.Delay", np.full((1, 2), -3.0)), "Delay"),
    "no orientation": (lambda f: replaced(f, "ListenerView", np.array([[0.0, 0, 1]]), Type="cartesian"), "two directions"),
    "exchanged ears": (lambda f: f["Data.IR"].__setitem__(..., f["Data.IR"][...][:, ::-1]), "exchanged"),
    "latency": (lambda f: f.attrs.__setitem__("HeadCentreLatency", "soon"), "could not convert"),
    "huge": (huge, "GiB"),
    "external link": (linked, "missing"),
    "external storage": (stored_elsewhere, "another file"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_files_are_refused_with_a_reason(case, head_file) -> None:
    change, reason = REFUSED[case]
    with pytest.raises(FormatError, match=reason) as caught:
        read_hrtf(edited(head_file, change))
    assert "head.sofa" in str(caught.value)


def test_missing_foreign_and_cut_files_are_refused(head_file, tmp_path) -> None:
    with pytest.raises(FormatError, match="no such file"):
        read_hrtf(tmp_path / "none.sofa")
    (tmp_path / "text.sofa").write_text("a,b,c\n")
    with pytest.raises(FormatError, match="not HDF5"):
        read_hrtf(tmp_path / "text.sofa")
    whole = head_file.read_bytes()
    for share in (0.02, 0.3, 0.7, 0.99):
        (tmp_path / "cut.sofa").write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(FormatError):
            read_hrtf(tmp_path / "cut.sofa")


def test_damaged_bytes_never_escape_as_other_errors(head_file, tmp_path) -> None:
    whole = bytearray(head_file.read_bytes())
    for trial in range(25):
        damage = np.random.default_rng(trial)
        broken = bytearray(whole)
        for place in damage.integers(0, min(len(whole), 40_000), 40):
            broken[place] = damage.integers(0, 256)
        (tmp_path / "damaged.sofa").write_bytes(broken)
        try:
            read_hrtf(tmp_path / "damaged.sofa")
        except FormatError:
            continue


def test_only_heads_are_written_as_heads(head, tmp_path) -> None:
    with pytest.raises(ParameterError, match="two ears"):
        write_hrtf(tmp_path / "x.sofa", replace(head, filters=head.filters[:, :1]))
    with pytest.raises(FormatError, match="folder"):
        write_hrtf(tmp_path, head)


def test_impossible_room_responses_are_refused() -> None:
    good = room(ambisonics(1))
    for change in ({"sources": np.zeros((2, 3))}, {"responses": good.responses[:, :3]}, {"listeners": np.full((6, 3), np.nan)}):
        with pytest.raises(ParameterError):
            replace(good, **change)
