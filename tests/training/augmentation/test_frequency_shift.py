import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from auris.errors import ParameterError
from auris.training.augmentation.frequency_shift import draw_shifts, shift_bands


def random(seed=0):
    return torch.Generator().manual_seed(seed)


@given(shift=st.integers(-14, 14), bands=st.integers(15, 70))
def test_there_and_back_restores_what_never_left(shift, bands):
    features = torch.randn(1, 2, 3, bands, generator=random(bands))
    there = shift_bands(features, torch.tensor([shift]))
    back = shift_bands(there, torch.tensor([-shift]))
    inside = slice(0, bands - shift) if shift >= 0 else slice(-shift, bands)
    assert torch.equal(back[..., inside], features[..., inside])


@given(shift=st.integers(0, 14))
def test_up_is_down_upside_down(shift):
    features = torch.randn(2, 3, 4, 40, generator=random(shift))
    shifts = torch.tensor([shift, shift // 2])
    assert torch.equal(shift_bands(features, shifts), shift_bands(features.flip(-1), -shifts).flip(-1))


def test_content_moves_and_the_gap_mirrors_it():
    features = torch.arange(6.0).reshape(1, 1, 1, 6)
    assert shift_bands(features, torch.tensor([2])).flatten().tolist() == [2, 1, 0, 1, 2, 3]
    assert shift_bands(features, torch.tensor([-2])).flatten().tolist() == [2, 3, 4, 5, 4, 3]
    assert torch.equal(shift_bands(features, torch.tensor([0])), features)


def test_each_item_moves_by_its_own():
    features = torch.randn(3, 2, 4, 20)
    shifts = torch.tensor([0, 5, -3])
    found = shift_bands(features, shifts)
    for item in range(3):
        assert torch.equal(found[item : item + 1], shift_bands(features[item : item + 1], shifts[item : item + 1]))


@pytest.mark.parametrize(("direction", "signs"), [("down", {-1, 0}), ("up", {0, 1}), ("both", {-1, 0, 1})])
def test_directions(direction, signs):
    shifts = draw_shifts(2000, largest=14, direction=direction, probability=0.5, generator=random())
    assert set(shifts.sign().tolist()) == signs
    assert shifts.abs().max() == 14
    assert float((shifts != 0).float().mean()) == pytest.approx(0.5 * 14 / 15, abs=0.04)


def test_wrong_use_is_refused():
    with pytest.raises(ParameterError, match="unknown direction 'None'"):
        draw_shifts(2, direction="None", generator=random())
    with pytest.raises(ParameterError, match="fewer than the 8 bands there are, got 8"):
        shift_bands(torch.zeros(1, 1, 1, 8), torch.tensor([8]))
