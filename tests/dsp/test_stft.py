from __future__ import annotations

import math

import pytest
import torch

from auris.dsp.stft import Stft, as_matrix_products
from auris.errors import ParameterError


def test_white_noise_of_unit_variance_has_unit_power() -> None:
    noise = torch.randn(8, 48_000, generator=torch.Generator().manual_seed(0))
    power = Stft(n_fft=1024, window=960, hop=480)(noise).abs().square()[:, 2:-2, 5:-5].mean()
    assert float(power) == pytest.approx(1.0, rel=0.02)


def test_a_tone_is_in_its_bin_and_a_click_in_its_frame() -> None:
    stft = Stft(n_fft=512, window=512, hop=128)
    time = torch.arange(8192) / 8000
    spectrum = stft(torch.sin(2 * math.pi * 1000 * time)).abs()
    assert int(spectrum[20].argmax()) == 1000 * 512 // 8000
    click = torch.zeros(8192)
    click[30 * 128] = 1.0
    assert int(stft(click).abs().sum(dim=-1).argmax()) == 30


@pytest.mark.parametrize("shape", [(960,), (3, 961), (2, 4, 2399)])
def test_leading_axes_stay_and_frames_are_whole_hops(shape: tuple[int, ...]) -> None:
    spectra = Stft(n_fft=512, window=400, hop=160)(torch.zeros(shape))
    assert spectra.shape == (*shape[:-1], shape[-1] // 160, 257)
    assert float(spectra.abs().max()) == 0.0


@pytest.mark.parametrize(("n_fft", "window", "hop"), [(256, 512, 128), (512, 256, 300), (512, 512, 0)])
def test_contradicting_sizes_are_refused(n_fft: int, window: int, hop: int) -> None:
    with pytest.raises(ParameterError, match="hop <= window"):
        Stft(n_fft=n_fft, window=window, hop=hop)


def test_the_window_moves_with_the_module_and_is_not_saved() -> None:
    stft = Stft(n_fft=512, window=400, hop=160)
    assert stft.double().window.dtype == torch.float64
    assert stft.state_dict() == {}


def test_a_frame_for_each_centre_and_mirrored_ends() -> None:
    signal = torch.randn(2400, generator=torch.Generator().manual_seed(1))
    found = Stft(n_fft=512, window=512, hop=120, padding="reflect", frames="centres", scale="none")(signal)
    wanted = torch.stft(signal, 512, 120, window=torch.hann_window(512), pad_mode="reflect", return_complex=True).T
    assert found.shape == (21, 257)
    assert torch.allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize("padding", ["silence", "reflect"])
def test_runs_of_frames_are_the_whole_in_order(padding: str) -> None:
    stft = Stft(n_fft=256, window=200, hop=40, padding=padding)
    signal = torch.randn(1, 40, 40 * 120, generator=torch.Generator().manual_seed(1))
    runs = list(stft.runs(signal))
    assert len(runs) > 1
    for found, wanted in zip(zip(*runs, strict=True), stft.parts(signal), strict=True):
        assert torch.allclose(torch.cat(found, dim=-2), wanted, atol=1e-6)


@pytest.mark.parametrize(("n_fft", "window"), [(1024, 960), (512, 512), (400, 400), (243, 200), (127, 127), (96, 50)])
def test_matrix_products_are_the_transform(n_fft: int, window: int) -> None:
    stft = Stft(n_fft=n_fft, window=window, hop=40, padding="reflect", frames="centres")
    signal = torch.randn(2, 3, 1003, generator=torch.Generator().manual_seed(1))
    wanted = stft(signal)
    with as_matrix_products(torch.nn.Sequential(stft)):
        found = stft(signal)
        parts = stft.parts(signal)
        assert len(list(stft.runs(signal))) == len(stft.recordings(signal)) == 1
    assert torch.allclose(found, wanted, atol=2e-6)
    assert torch.equal(torch.complex(*parts), found)
    assert torch.equal(stft(signal), wanted)


def test_a_signal_too_short_to_be_mirrored_is_refused() -> None:
    with pytest.raises(ParameterError, match="more than 128 samples"):
        Stft(n_fft=256, window=256, hop=64, padding="reflect")(torch.zeros(128))
