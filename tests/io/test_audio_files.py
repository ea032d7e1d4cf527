import numpy as np
import pytest
import soundfile

from auris.audio import Audio
from auris.channels import ChannelLayout, array
from auris.errors import FormatError, LayoutError
from auris.io.audio_files import probe, read_audio, read_blocks, read_window, verify_audio, write_audio


def noise(channels: int, samples: int = 4800) -> np.ndarray:
    return 0.1 * np.random.default_rng(0).standard_normal((channels, samples)).astype(np.float32)


@pytest.mark.parametrize("layout", ["mono", "stereo", "binaural", "foa", "hoa3", "tetra"])
def test_wav_round_trip_keeps_samples_rate_and_layout(tmp_path, layout):
    audio = Audio(noise(ChannelLayout.parse(layout).channels), 24_000, layout)
    write_audio(tmp_path / "a.wav", audio)
    back = read_audio(tmp_path / "a.wav")
    assert back.layout == audio.layout
    assert back.sample_rate == 24_000
    np.testing.assert_array_equal(back.samples, audio.samples)


def test_the_same_audio_gives_the_same_bytes_at_any_time(tmp_path):
    audio = Audio(noise(2), 24_000, "binaural")
    write_audio(tmp_path / "a.wav", audio)
    stamp = (tmp_path / "a.wav").read_bytes().find(b"PEAK") + 12
    assert (tmp_path / "a.wav").read_bytes()[stamp : stamp + 4] == bytes(4)


def test_a_general_array_keeps_its_positions(tmp_path):
    layout = array([[0.1, 0, 0], [0, 0.2, 0], [0, 0, 0.3]])
    write_audio(tmp_path / "a.wav", Audio(noise(3), 16_000, layout))
    assert read_audio(tmp_path / "a.wav").layout == layout


def test_an_array_too_large_for_a_comment_is_kept_beside_the_file(tmp_path):
    layout = array(np.random.default_rng(0).standard_normal((64, 3)))
    write_audio(tmp_path / "a.wav", Audio(noise(64, 100), 16_000, layout))
    assert read_audio(tmp_path / "a.wav").layout == layout


def test_flac_is_close_and_ogg_is_readable(tmp_path):
    audio = Audio(noise(2), 48_000, "binaural")
    write_audio(tmp_path / "a.flac", audio)
    np.testing.assert_allclose(read_audio(tmp_path / "a.flac").samples, audio.samples, atol=2**-22)
    write_audio(tmp_path / "a.ogg", audio)
    assert read_audio(tmp_path / "a.ogg", layout="binaural").channels == 2


def test_blocks_overlap_and_cover_the_file(tmp_path):
    audio = Audio(noise(1, 10_000), 10_000, "mono")
    write_audio(tmp_path / "a.wav", audio)
    blocks = list(read_blocks(tmp_path / "a.wav", seconds=0.3, overlap=0.1))
    assert all(block.length == 3000 for block in blocks[:-1])
    np.testing.assert_array_equal(blocks[0].samples[:, -1000:], blocks[1].samples[:, :1000])
    np.testing.assert_array_equal(blocks[-1].samples[0, -1], audio.samples[0, -1])


def test_two_channels_without_a_statement_are_refused_with_the_way_out(tmp_path):
    soundfile.write(tmp_path / "a.wav", noise(2).T, 24_000)
    with pytest.raises(LayoutError, match=r"stereo or binaural \(--layout\)"):
        read_audio(tmp_path / "a.wav")
    assert read_audio(tmp_path / "a.wav", layout="binaural").layout.name == "binaural"


def test_a_wrong_layout_is_refused(tmp_path):
    write_audio(tmp_path / "a.wav", Audio(noise(2), 24_000, "binaural"))
    with pytest.raises(LayoutError, match="2 channels, but layout foa has 4"):
        read_audio(tmp_path / "a.wav", layout="foa")


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "empty"), (b"hello, I am text\n" * 50, "cannot be read as audio"), (b"RIFF\xff\xff\xff\xffWAVE", "cannot be read")],
)
def test_files_that_are_not_audio(tmp_path, content, reason):
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(FormatError, match=reason):
        read_audio(tmp_path / "a.wav")


def test_missing_file_folder_and_unknown_suffix(tmp_path):
    with pytest.raises(FormatError, match="no such file"):
        probe(tmp_path / "none.wav")
    with pytest.raises(FormatError, match="not a file"):
        probe(tmp_path)
    with pytest.raises(FormatError, match=r"suffix '\.mp9'"):
        write_audio(tmp_path / "a.mp9", Audio(noise(1), 8000, "mono"))


def test_samples_that_are_not_numbers_are_refused(tmp_path):
    bad = noise(1)
    bad[0, 7] = np.nan
    soundfile.write(tmp_path / "a.wav", bad.T, 24_000, subtype="FLOAT")
    with pytest.raises(FormatError, match="1 samples are NaN"):
        read_audio(tmp_path / "a.wav")


def test_integer_formats_refuse_to_clip(tmp_path):
    with pytest.raises(FormatError, match="clips above 1"):
        write_audio(tmp_path / "a.flac", Audio(noise(1) * 100, 24_000, "mono"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_a_window_is_a_part_of_the_file(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    write_audio(path, Audio(noise(4), 24_000, "foa"))
    whole = read_audio(path).samples
    for start, samples in ((0, 10), (1_234, 2_000), (4_799, 1), (0, 4_800)):
        np.testing.assert_array_equal(read_window(path, start=start, samples=samples), whole[:, start : start + samples])
    with pytest.raises(FormatError, match="ends at sample 4800, but samples 4700 to 4900"):
        read_window(path, start=4_700, samples=200)
    with pytest.raises(FormatError, match="no such file"):
        read_window(tmp_path / "away.wav", start=0, samples=1)
    assert verify_audio(path).frames == verify_audio(path, read="all").frames == 4_800


def test_a_wav_of_a_program_that_streams_is_whole(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, noise(1).T, 24_000, subtype="PCM_16")
    content = bytearray(path.read_bytes())
    place = content.find(b"data") + 4
    content[place : place + 4] = b"\xff" * 4  # the length was not known when it was written
    path.write_bytes(content)
    assert verify_audio(path).frames == 4_800
    path.write_bytes(content[:place] + (9_600).to_bytes(4, "little") + content[place + 4 : -100])
    with pytest.raises(FormatError, match="cut short, 100 bytes"):
        verify_audio(path)
