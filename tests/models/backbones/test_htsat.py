"""HTS-AT: what is folded where, when its steps are, and how they become label frames."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from auris.errors import ParameterError
from auris.models.backbones.htsat import BANDS, FRAMES, Htsat, MapReadout


@pytest.fixture(scope="module")
def trunk() -> Htsat:
    torch.manual_seed(0)
    return Htsat(2).eval()


def run(trunk: Htsat, features: torch.Tensor) -> torch.Tensor:
    x = trunk.embed(features)
    for stage in trunk.stages:
        x = stage(x)
    return trunk.finish(x)


@pytest.mark.parametrize(("frame", "band"), [(0, 0), (255, 63), (256, 0), (700, 13), (1000, 63)])
@torch.no_grad()
def test_four_blocks_of_time_are_stacked_along_frequency(trunk: Htsat, frame: int, band: int) -> None:
    features = torch.zeros(1, 2, 1001, BANDS)
    silent = trunk.patch_embed.proj(torch.zeros(1, 2, 4, 4)).squeeze()
    features[0, 1, frame, band] = 1
    row, column = frame // 256 * 64 + band, frame % 256
    tokens = trunk.embed(features)
    changed = (tokens[0] - trunk.patch_embed.norm(silent)).abs().sum(-1).nonzero().tolist()
    assert changed == [[row // 4, column // 4]]
    seen = silent + trunk.patch_embed.proj.weight[:, 1, row % 4, column % 4]
    assert torch.allclose(tokens[0, row // 4, column // 4], trunk.patch_embed.norm(seen), atol=1e-5)


@torch.no_grad()
def test_missing_frames_count_as_zero(trunk: Htsat) -> None:
    features = torch.randn(1, 2, 600, BANDS)
    assert torch.equal(trunk.embed(features), trunk.embed(functional.pad(features, (0, 0, 0, FRAMES - 600))))


@torch.no_grad()
def test_the_last_grid_is_unfolded_in_time(trunk: Htsat) -> None:
    """Row = block * 2 + half of the spectrum, column = step in the block."""
    grid = torch.randn(2, 8, 8, 768)
    outputs, normalised = trunk.finish(grid), trunk.norm(grid)
    assert outputs.shape == (2, 768, 2, 32)
    for half, step in [(0, 0), (1, 7), (0, 8), (1, 31), (0, 17)]:
        assert torch.equal(outputs[1, :, half, step], normalised[1, step // 8 * 2 + half, step % 8])


@torch.no_grad()
def test_a_readout_upsamples_cuts_and_averages() -> None:
    readout = MapReadout(6, 5).eval()
    grid = torch.randn(2, 6, 2, 32)
    steps = functional.conv2d(grid, readout.weight, readout.bias, padding=(0, 1))
    frames = functional.interpolate(steps, size=(1, 1024), mode="bilinear", align_corners=False)[:, :, 0, :1000]
    wanted = frames.reshape(2, 5, 100, 10).mean(-1).transpose(1, 2)
    assert torch.allclose(readout(grid), wanted, atol=1e-6)
    assert torch.allclose(readout.resampling.sum(dim=1), torch.ones(100))


@torch.no_grad()
def test_a_sound_is_heard_when_it_sounds(trunk: Htsat) -> None:
    """With attention that sees only its window, the last step changes most where the features change."""
    features = torch.randn(1, 2, 1001, BANDS)
    changed = features.clone()
    changed[:, :, 500:510] += 5
    moved = (run(trunk, changed) - run(trunk, features)).square().sum(dim=(0, 1, 2))
    assert int(moved.argmax()) == 505 // 32


@pytest.mark.parametrize(("frames", "bands"), [(1025, 64), (1001, 32)])
def test_other_sizes_are_refused(trunk: Htsat, frames: int, bands: int) -> None:
    with pytest.raises(
        ParameterError, match=f"64 bands and at most 1024 frames, got {bands} bands and {frames} frames.*blocks"
    ):
        trunk.embed(torch.zeros(1, 2, frames, bands))


def test_blocks_are_skipped_more_and_more_often(trunk: Htsat) -> None:
    rates = [block.drop_path.probability for layer in trunk.layers for block in layer.blocks]
    assert rates == pytest.approx(torch.linspace(0, 0.1, 12).tolist())


@torch.no_grad()
def test_a_new_trunk_has_small_weights_and_no_bias(trunk: Htsat) -> None:
    attention = trunk.layers[2].blocks[0].attn
    assert float(attention.qkv.weight.std()) == pytest.approx(0.02, rel=0.02)
    assert float(attention.relative_position_bias_table.std()) == pytest.approx(0.02, rel=0.05)
    assert float(attention.qkv.bias.abs().max()) == 0
    assert trunk.stitch_widths == (96, 192, 384, 768)
    assert (trunk.width, trunk.channel_axis, trunk.finish_kind, trunk.label_frames) == (768, -1, "map", 100)
