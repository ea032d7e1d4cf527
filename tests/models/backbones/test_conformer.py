"""The conformer's parts against direct formulae; what published weights count on is kept."""

import math

import numpy as np
import pytest
import torch

from auris.errors import ParameterError
from auris.models.backbones.conformer import Conformer, ShiftedAttention, relative_shift, step_sinusoids


def noise(*shape, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_shift_reads_the_padded_table_one_row_longer():
    scores = noise(2, 3, 6, 6)
    shifted = relative_shift(scores)
    for i in range(6):
        for j in range(6):
            if j <= i:
                wanted = scores[..., i, 5 - i + j]
            elif j == i + 1:
                wanted = torch.zeros(2, 3)
            else:
                wanted = scores[..., i + 1, j - i - 2]
            assert torch.equal(shifted[..., i, j], wanted), (i, j)


def test_sinusoids_are_those_of_the_transformer():
    table = step_sinusoids(125, 64, like=torch.zeros(1)).numpy()
    step, rate = np.arange(125)[:, None], 10_000 ** (-np.arange(0, 64, 2) / 64)
    np.testing.assert_allclose(table[:, ::2], np.sin(step * rate), atol=1e-5)
    np.testing.assert_allclose(table[:, 1::2], np.cos(step * rate), atol=1e-5)
    assert step_sinusoids(3, 8, like=torch.zeros(1, dtype=torch.bfloat16)).dtype == torch.bfloat16


def test_attention_is_the_formula():
    torch.manual_seed(1)
    attention, x = ShiftedAttention(24, heads=3, dropout=0.1).eval(), noise(2, 7, 24)
    with torch.no_grad():
        query, key, value = (p(x) for p in (attention.query_proj, attention.key_proj, attention.value_proj))
        places = attention.pos_proj(step_sinusoids(7, 24, like=x))
        heads = []
        for head in range(3):
            part = slice(8 * head, 8 * head + 8)
            q, k, v = query[..., part], key[..., part], value[..., part]
            by_content = (q + attention.u_bias[head]) @ k.transpose(1, 2)
            by_place = relative_shift((q + attention.v_bias[head]) @ places[:, part].T)
            heads.append(((by_content + by_place) / math.sqrt(24)).softmax(dim=-1) @ v)
        wanted = attention.out_proj(torch.cat(heads, dim=-1))
        torch.testing.assert_close(attention(x), wanted, rtol=0, atol=1e-6)


def test_clips_of_a_batch_do_not_hear_each_other_and_stay_as_they_are():
    torch.manual_seed(1)
    conformer, x = Conformer(16, layers=2).eval(), noise(3, 40, 16)
    before = x.clone()
    together = conformer(x)
    assert torch.equal(x, before)
    torch.testing.assert_close(together[2:], conformer(x[2:]), rtol=0, atol=1e-5)


def test_training_drops_units_and_listening_does_not():
    torch.manual_seed(1)
    conformer, x = Conformer(16), noise(2, 20, 16)
    assert not torch.allclose(conformer.train()(x), conformer(x))
    conformer.eval()
    assert torch.equal(conformer(x), conformer(x))


def test_every_parameter_learns():
    torch.manual_seed(1)
    conformer = Conformer(16, layers=2)
    (conformer(noise(2, 20, 16)) * noise(2, 20, 16, seed=2)).sum().backward()
    for name, parameter in conformer.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().amax() > 0, name


@pytest.mark.parametrize("steps", [1, 2, 63, 250])
def test_any_length(steps):
    assert Conformer(16).eval()(noise(1, steps, 16)).shape == (1, steps, 16)


def test_it_starts_without_biases():
    conformer = Conformer(16)
    attention = conformer.layers[0].sequential[1].module.attention
    assert attention.query_proj.bias.abs().amax() == 0
    assert attention.query_proj.weight.abs().amax() <= math.sqrt(6 / 32)
    assert attention.pos_proj.bias is None


@pytest.mark.parametrize("width", [20, 7])
def test_width_must_suit(width):
    with pytest.raises(ParameterError, match="multiple of its 8 heads"):
        Conformer(width)
