import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import fftconvolve

from auris.data.spatial_clips import render
from auris.errors import ParameterError


@given(st.integers(1, 300), st.integers(1, 200), st.integers(1, 3), st.integers(0, 99))
def test_rendering_is_convolution_cut_to_the_clip(samples, taps, sources, seed):
    rng = np.random.default_rng(seed)
    dry, responses = rng.standard_normal((2, sources, samples)), rng.standard_normal((2, sources, 2, taps))
    heard = render(torch.from_numpy(dry), torch.from_numpy(responses))
    wanted = fftconvolve(dry[:, :, None], responses, axes=-1)[..., :samples].sum(axis=1)
    assert heard.dtype == torch.float32
    np.testing.assert_allclose(heard, wanted, atol=1e-4)


def test_half_precision_around_it_changes_nothing():
    dry, responses = torch.randn(1, 1, 500), torch.randn(1, 1, 2, 100)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(render(dry, responses), render(dry.double(), responses))


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ParameterError, match=r"got \(1, 100\)"):
        render(torch.zeros(1, 100), torch.zeros(1, 1, 2, 10))
    with pytest.raises(ParameterError, match="needs dry clips"):
        render(torch.zeros(1, 2, 100), torch.zeros(1, 1, 2, 10))
