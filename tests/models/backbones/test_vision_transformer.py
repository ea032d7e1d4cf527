from __future__ import annotations

import pytest
import torch

from auris.models.backbones.vision_transformer import (
    PatchEmbedding,
    TransformerBlock,
    kept_patches,
    sinusoidal_positions,
)


def test_every_patch_has_a_position_of_its_own() -> None:
    table = sinusoidal_positions(16, 4, 192)
    assert torch.cdist(table, table).fill_diagonal_(1.0).min() > 0.1


def test_positions_tell_band_and_time_in_their_halves() -> None:
    table = sinusoidal_positions(5, 3, 64).reshape(5, 3, 64)
    assert torch.equal(table[0, :, :32], table[4, :, :32])
    assert torch.equal(table[:, 0, 32:], table[:, 2, 32:])
    assert not torch.equal(table[0, 0, 32:], table[1, 0, 32:])


@pytest.mark.parametrize(("drop_times", "drop_bands", "kept"), [(0.25, 0.25, 12 * 3), (0.5, 0.0, 8 * 4), (0.0, 0.0, 64)])
def test_whole_columns_and_rows_of_patches_are_left_out(drop_times: float, drop_bands: float, kept: int) -> None:
    torch.manual_seed(0)
    found = kept_patches(3, times=16, bands=4, drop_times=drop_times, drop_bands=drop_bands)
    assert found.shape == (3, kept)
    for item in found.tolist():
        times, bands = {patch // 4 for patch in item}, {patch % 4 for patch in item}
        assert set(item) == {4 * time + band for time in times for band in bands}
        assert len(set(item)) == kept


def test_each_item_loses_patches_of_its_own() -> None:
    torch.manual_seed(0)
    first, second = kept_patches(2, times=64, bands=8, drop_times=0.25, drop_bands=0.25).tolist()
    assert set(first) != set(second)


def test_patches_stand_edge_to_edge_unless_told_otherwise() -> None:
    maps = torch.zeros(1, 1, 64, 32)
    assert PatchEmbedding(1, 8, patch=16)(maps).shape == (1, 8, 4, 2)
    assert PatchEmbedding(1, 8, patch=16, stride=10, margin=3)(maps).shape == (1, 8, 6, 3)


def test_tokens_attend_to_each_other_whatever_their_order() -> None:
    torch.manual_seed(0)
    block, tokens, order = TransformerBlock(16, 2).eval(), torch.randn(2, 7, 16), torch.randperm(7)
    torch.testing.assert_close(block(tokens)[:, order], block(tokens[:, order]))


def test_a_block_is_skipped_in_training_for_whole_items() -> None:
    torch.manual_seed(0)
    block, tokens = TransformerBlock(16, 2, drop_path=0.9).train(), torch.randn(200, 3, 16)
    skipped = (block(tokens) == tokens).flatten(1).all(dim=1).float().mean()
    assert 0.7 < skipped < 0.9  # 0.81 skip both attention and perceptron
    assert not torch.equal(block.eval()(tokens), tokens)
