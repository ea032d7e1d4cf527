import numpy as np
import pytest

from auris.dsp.fourier import irfft, rfft


@pytest.mark.parametrize("length", [512, 1536, 2304])
def test_spectra_agree_with_numpy_and_come_back(length):
    samples = np.random.default_rng(0).standard_normal((3, 2, 500)).astype(np.float32)
    samples.flags.writeable = False
    spectra = rfft(samples, length)
    assert spectra.dtype == np.complex64
    np.testing.assert_allclose(spectra, np.fft.rfft(samples, length), atol=1e-4)
    np.testing.assert_allclose(irfft(spectra, length)[..., :500], samples, atol=1e-5)
