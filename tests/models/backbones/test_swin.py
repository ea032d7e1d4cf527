"""Swin blocks against slow definitions, and what windows and shifts promise."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from auris.errors import ParameterError
from auris.models.backbones.swin import WINDOW, DropPath, Mlp, PatchMerging, SwinBlock, SwinStage, WindowAttention

WIDTH, HEADS, SIDE = 12, 3, 16


def block(shift: int = 0, **settings: float) -> SwinBlock:
    torch.manual_seed(1)
    made = SwinBlock(WIDTH, side=SIDE, heads=HEADS, shift=shift, **settings).double().eval()
    torch.nn.init.normal_(made.attn.relative_position_bias_table)
    return made


def attention_by_definition(
    attention: WindowAttention, tokens: torch.Tensor, places: list[tuple[int, int]], asking: tuple[int, int]
) -> torch.Tensor:
    """What the token at ``asking`` takes from tokens ``(count, width)`` at rows and columns of its window, as sums."""
    query, key, value = attention.qkv(tokens).chunk(3, dim=-1)
    size, mixed = WIDTH // HEADS, torch.zeros(WIDTH, dtype=tokens.dtype)
    for head in range(HEADS):
        part = slice(head * size, (head + 1) * size)
        logits = []
        for j, (row, column) in enumerate(places):
            place = (asking[0] - row + WINDOW - 1) * (2 * WINDOW - 1) + asking[1] - column + WINDOW - 1
            similarity = query[places.index(asking), part] @ key[j, part] / size**0.5
            logits.append(similarity + attention.relative_position_bias_table[place, head])
        mixed[part] = torch.stack(logits).softmax(0) @ value[:, part]
    return attention.proj(mixed)


def neighbours(row: int, column: int, shift: int) -> list[tuple[int, int]]:
    """Tokens that the one at a row and column attends to: windows are cut ``shift`` later, and end at the border."""
    rows = [r for r in range(SIDE) if (r - shift) // WINDOW == (row - shift) // WINDOW]
    columns = [c for c in range(SIDE) if (c - shift) // WINDOW == (column - shift) // WINDOW]
    return [(r, c) for r in rows for c in columns]


@pytest.mark.parametrize("shift", [0, WINDOW // 2])
@pytest.mark.parametrize("place", [(0, 0), (3, 4), (7, 12), (15, 2)])
@torch.no_grad()
def test_a_block_is_attention_among_the_tokens_of_its_window(shift: int, place: tuple[int, int]) -> None:
    layer, grid = block(shift), torch.randn(2, SIDE, SIDE, WIDTH, dtype=torch.float64)
    group = neighbours(*place, shift)
    tokens = torch.stack([layer.norm1(grid[1])[r, c] for r, c in group])
    attended = attention_by_definition(layer.attn, tokens, group, place)
    first = grid[1][place] + attended
    wanted = first + layer.mlp(layer.norm2(first))
    assert torch.allclose(layer(grid)[1][place], wanted, atol=1e-10)


@pytest.mark.parametrize(("shift", "reached"), [(0, 64), (WINDOW // 2, 16)])
def test_what_a_corner_hears_of(shift: int, reached: int) -> None:
    grid = torch.randn(1, SIDE, SIDE, WIDTH, dtype=torch.float64, requires_grad=True)
    block(shift)(grid)[0, 0, 0].sum().backward()
    heard = grid.grad[0].abs().sum(-1) > 1e-12
    assert int(heard.sum()) == reached
    assert not bool(heard[-1].any())  # the roll brings the last row next to the first; the mask keeps them apart


def test_the_input_is_left_as_it_is() -> None:
    grid = torch.randn(1, SIDE, SIDE, WIDTH, dtype=torch.float64)
    before = grid.clone()
    block(4)(grid)
    assert torch.equal(grid, before)


@torch.no_grad()
def test_merging_stacks_neighbours_column_by_column() -> None:
    merge = PatchMerging(2)
    merge.norm, merge.reduction = torch.nn.Identity(), torch.nn.Identity()
    grid = torch.arange(32.0).reshape(1, 4, 4, 2)
    merged = merge(grid)
    assert merged.shape == (1, 2, 2, 8)
    for row in range(2):
        for column in range(2):
            r, c = 2 * row, 2 * column
            wanted = torch.cat([grid[0, r, c], grid[0, r + 1, c], grid[0, r, c + 1], grid[0, r + 1, c + 1]])
            assert torch.equal(merged[0, row, column], wanted)


@torch.no_grad()
def test_items_of_a_batch_do_not_mix() -> None:
    torch.manual_seed(0)
    stage = SwinStage(WIDTH, side=SIDE, heads=HEADS, drop_paths=(0.0, 0.1), merge=PatchMerging(WIDTH)).eval()
    grids = torch.randn(3, SIDE, SIDE, WIDTH)
    outputs = stage(grids)
    assert outputs.shape == (3, SIDE // 2, SIDE // 2, 2 * WIDTH)
    assert torch.allclose(outputs[1], stage(grids[1:2])[0], atol=1e-6)


def test_only_every_second_block_shifts_and_only_where_there_is_more_than_one_window() -> None:
    shifts = [b.shift for b in SwinStage(WIDTH, side=16, heads=HEADS, drop_paths=(0.0,) * 4, merge=None).blocks]
    assert shifts == [0, 4, 0, 4]
    assert [b.shift for b in SwinStage(WIDTH, side=8, heads=HEADS, drop_paths=(0.0,) * 2, merge=None).blocks] == [0, 0]


def test_a_grid_that_does_not_divide_into_windows_is_refused() -> None:
    with pytest.raises(ParameterError, match="12 by 12 tokens does not divide into windows of 8"):
        SwinStage(WIDTH, side=12, heads=HEADS, drop_paths=(0.0,), merge=None)


def test_skipping_keeps_the_mean_and_whole_items() -> None:
    torch.manual_seed(0)
    x = torch.ones(4000, 2, 3)
    dropped = DropPath(0.25).train()(x)
    assert torch.equal(dropped.amin(dim=(1, 2)), dropped.amax(dim=(1, 2)))
    assert sorted(dropped.unique().tolist()) == pytest.approx([0, 1 / 0.75])
    assert float(dropped.mean()) == pytest.approx(1, abs=0.03)
    assert DropPath(0.25).eval()(x) is x
    assert DropPath(0.0).train()(x) is x


@torch.no_grad()
def test_the_perceptron_uses_the_exact_gelu() -> None:
    mlp, x = Mlp(4, 8).double(), torch.randn(5, 4, dtype=torch.float64)
    hidden = mlp.fc1(x)
    assert torch.allclose(mlp(x), mlp.fc2(hidden * 0.5 * (1 + torch.erf(hidden / 2**0.5))), atol=1e-14)
    assert torch.allclose(mlp(x), mlp.fc2(functional.gelu(hidden)), atol=1e-14)


def test_gradients_reach_every_weight() -> None:
    stage = SwinStage(WIDTH, side=SIDE, heads=HEADS, drop_paths=(0.0, 0.0), merge=PatchMerging(WIDTH)).train()
    stage(torch.randn(2, SIDE, SIDE, WIDTH)).square().sum().backward()
    assert all(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in stage.parameters())


def test_a_block_is_exported_for_any_batch() -> None:
    layer, grids = block(4), torch.randn(3, SIDE, SIDE, WIDTH, dtype=torch.float64)
    batch = torch.export.Dim("batch", min=1, max=64)
    exported = torch.export.export(layer, (grids[:2],), dynamic_shapes=({0: batch},)).module()
    assert torch.allclose(exported(grids), layer(grids), atol=1e-12)
