"""Files in memory: the same bytes for the same content, nothing clipped without saying so."""

from __future__ import annotations

import io
import json
import time

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from auris.audio import Audio
from auris.data.production.encoding import encoded_audio, fitted, json_bytes, jsonl_bytes, scaled_to_peak, text_bytes
from auris.errors import FormatError, ParameterError


def audio(peak: float = 0.5) -> Audio:
    samples = np.random.default_rng(0).uniform(-1, 1, (4, 4_800)).astype(np.float32)
    return Audio(samples / np.abs(samples).max() * peak, 24_000, "foa")


@pytest.mark.parametrize(
    ("form", "subtype", "step"),
    [
        ("flac", "PCM_16", 2**-15),
        ("flac", "PCM_24", 2**-23),
        ("wav", "PCM_16", 2**-15),
        ("wav", "PCM_24", 2**-23),
        ("wav", "FLOAT", 0),
    ],
)
def test_audio_comes_back(form: str, subtype: str, step: float) -> None:
    content = encoded_audio(audio(), form=form, subtype=subtype)  # type: ignore[arg-type]
    info = soundfile.info(io.BytesIO(content))
    assert (info.format, info.subtype) == (form.upper(), subtype)
    samples, rate = soundfile.read(io.BytesIO(content), dtype="float32")
    assert rate == 24_000
    np.testing.assert_allclose(samples.T, audio().samples, atol=step)


def test_the_bytes_do_not_know_what_time_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    first = encoded_audio(audio(), form="wav", subtype="FLOAT")
    time.sleep(1.1)  # libsndfile stamps whole seconds
    assert encoded_audio(audio(), form="wav", subtype="FLOAT") == first


def test_clipping_is_refused_where_numbers_are_whole() -> None:
    with pytest.raises(FormatError, match=r"foa audio has a peak of 1\.500, and flac PCM_16 clips above 1; .* fitted"):
        encoded_audio(audio(1.5))
    assert encoded_audio(audio(1.5), form="wav", subtype="FLOAT")


def test_flac_holds_eight_channels() -> None:
    with pytest.raises(FormatError, match="hoa2 audio has 9 channels, and flac holds 8"):
        encoded_audio(Audio(np.zeros((9, 100), np.float32), 24_000, "hoa2"))


def test_unknown_forms_are_refused() -> None:
    with pytest.raises(ParameterError, match="unknown form of audio 'mp3'"):
        encoded_audio(audio(), form="mp3")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match=r"unknown subtype of flac 'FLOAT'. Accepted: PCM_16, PCM_24"):
        encoded_audio(audio(), subtype="FLOAT")


@given(st.floats(1e-3, 50.0), st.floats(0.01, 1.0))
def test_fitted_brings_down_only_what_is_too_loud_and_says_by_how_much(peak: float, most: float) -> None:
    samples = audio(peak).samples
    result, gain_db = fitted(samples, most)
    assert np.abs(result).max() <= most * (1 + 1e-6)
    np.testing.assert_allclose(result, samples * 10 ** (gain_db / 20), rtol=1e-5)
    assert gain_db <= 0
    assert (gain_db == 0) == (float(np.abs(samples).max()) <= most)


def test_scaling_to_a_peak() -> None:
    result, gain_db = scaled_to_peak(audio(0.1).samples, 0.5)
    assert np.abs(result).max() == pytest.approx(0.5, rel=1e-4)
    assert gain_db == pytest.approx(13.98, abs=0.01)
    silence, none = scaled_to_peak(np.zeros((1, 10), np.float32), 0.5)
    assert none == 0
    assert not silence.any()
    with pytest.raises(ParameterError, match="a peak lies above 0"):
        fitted(silence, 0.0)


def test_plain_values() -> None:
    assert json.loads(json_bytes({"b": [1, 2.5], "a": "ü"})) == {"b": [1, 2.5], "a": "ü"}
    assert json_bytes({"b": 1, "a": 2}).decode().index('"b"') < json_bytes({"b": 1, "a": 2}).decode().index('"a"')
    assert jsonl_bytes([{"a": 1}, {"a": 2}]) == b'{"a": 1}\n{"a": 2}\n'
    assert text_bytes("ü\n") == "ü\n".encode()
    for odd in (float("nan"), {1, 2}, np.float32(1)):
        with pytest.raises(ParameterError, match="cannot be written as JSON"):
            json_bytes({"x": odd})


def test_sixteen_bits_are_rounded_as_by_the_library_itself() -> None:
    rng = np.random.default_rng(5)
    loud = np.concatenate([rng.uniform(-1, 1, 5000), [1.0, -1.0, 0.5 / 32768, 1.5 / 32768, 0.0, 32767.5 / 32768]])
    recording = Audio(np.stack([loud, loud[::-1]]).astype(np.float32), 24_000, "stereo")
    stream = io.BytesIO()
    with soundfile.SoundFile(stream, "w", 24_000, 2, "PCM_16", format="FLAC") as file:
        file.write(recording.samples.T)
    assert encoded_audio(recording, form="flac", subtype="PCM_16") == stream.getvalue()
