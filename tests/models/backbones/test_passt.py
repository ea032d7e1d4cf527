"""PaSST: steps follow the clip, tokens stay apart, what is left out in training changes nothing afterwards."""

import pytest
import torch

from auris.errors import ParameterError
from auris.models.backbones.passt import Passt, PatchOut


def small(**settings):
    torch.manual_seed(1)
    return Passt(7, width=24, depth=2, heads=3, **settings)


def run(trunk, features):
    x = trunk.embed(features)
    for stage in trunk.stages:
        x = stage(x)
    return trunk.finish(x)


def noise(frames, *, batch=2):
    return torch.randn(batch, 7, frames, 64, generator=torch.Generator().manual_seed(frames))


@pytest.mark.parametrize(("frames", "steps"), [(1001, 100), (1009, 100), (501, 50), (19, 1), (10, 1), (1, 1)])
def test_there_is_a_step_for_each_whole_tenth_of_a_second(frames, steps):
    trunk = small()
    for mode in (trunk.eval(), trunk.train()):
        assert run(mode, noise(frames)).shape == (2, steps, 24)


@pytest.mark.parametrize("shape", [(1, 7, 1010, 64), (1, 7, 2001, 64), (1, 7, 1001, 32)])
def test_longer_clips_and_other_bands_are_refused(shape):
    with pytest.raises(ParameterError, match="at most 1009 frames of 64 bands"):
        small().embed(torch.zeros(shape))


def test_clips_of_a_batch_do_not_hear_each_other():
    trunk, features = small().eval(), noise(301)
    torch.testing.assert_close(run(trunk, features)[1:], run(trunk, features[1:]), rtol=0, atol=1e-5)


def test_features_are_left_as_they_are():
    trunk, features = small().train(), noise(201)
    before = features.clone()
    run(trunk, features).sum().backward()
    assert torch.equal(features, before)


def test_a_change_of_the_sound_is_seen_where_it_is_before_attention_spreads_it():
    trunk, features = small().eval(), noise(501, batch=1)
    changed = features.clone()
    changed[:, :, 200:300] += 1.0
    moved = (trunk.embed(changed) - trunk.embed(features)).abs().amax(dim=(0, 2))
    steps = moved[2:].reshape(6, 50).amax(dim=0).nonzero().flatten()
    # A patch covers frames 10 t - 3 ... 10 t + 12.
    assert moved[:2].eq(0).all()
    assert steps.tolist() == list(range(19, 31))


def test_every_parameter_learns():
    trunk = small()
    features = noise(1001)
    (run(trunk, features) * torch.randn(100, 24, generator=torch.Generator().manual_seed(1))).sum().backward()
    for name, parameter in trunk.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().amax() > 0, name


def test_short_clips_learn_all_of_the_time_embedding_and_are_judged_with_its_beginning():
    trunk, features = small().train(), noise(101)
    torch.manual_seed(2)
    for _ in range(25):
        run(trunk, features).square().sum().backward()
    assert trunk.time_new_pos_embed.grad.abs().amax(dim=(0, 1, 2)).gt(0).sum() > 60
    trunk.eval()
    assert torch.equal(run(trunk, features), run(trunk, features))
    trunk.zero_grad()
    run(trunk, features).square().sum().backward()
    assert trunk.time_new_pos_embed.grad.abs().amax(dim=(0, 1, 2)).nonzero().flatten().tolist() == list(range(10))


def test_ten_seconds_are_the_same_in_training():
    trunk, features = small(), noise(1001)
    torch.testing.assert_close(run(trunk.train(), features), run(trunk.eval(), features))


def test_stitches_stand_before_every_second_block():
    assert Passt(4, width=24, depth=7, heads=3).stitch_widths == (24, None, 24, None, 24, None, 24)


@pytest.mark.parametrize(
    ("patch_out", "left"),
    [(PatchOut(times=10), 6 * 40), (PatchOut(rows=2), 4 * 50), (PatchOut(patches=33), 267), (PatchOut(10, 2, 33), 4 * 40 - 33)],
)
def test_patches_are_left_out_in_training_only(patch_out, left):
    trunk = small(patch_out=patch_out)
    assert trunk.train().embed(noise(501)).shape[1] == 2 + left
    assert run(trunk, noise(501)).shape == (2, 50, 24)
    whole = run(trunk.eval(), noise(501))
    torch.testing.assert_close(whole, run(small().eval(), noise(501)))


def test_more_than_there_is_leaves_one_patch():
    trunk = small(patch_out=PatchOut(times=1000, patches=1000)).train()
    assert run(trunk, noise(501)).shape == (2, 50, 24)


def test_averages_are_over_what_is_left():
    """With equal patches everywhere leaving some out changes nothing: no frame is dimmed."""
    trunk = small(patch_out=PatchOut(times=20, rows=3, patches=40))
    trunk.norm, trunk.head = torch.nn.Identity(), torch.nn.Identity()
    trunk.train().embed(noise(501))
    kept, _ = trunk._kept
    times = torch.arange(50.0).repeat(6)[kept]  # a patch says its own time
    tokens = torch.cat([torch.zeros(2), times])[None, :, None].expand(1, -1, 24)
    means = trunk.finish(tokens)[0, :, 0]
    has = torch.zeros(50, dtype=torch.bool).index_fill(0, kept % 50, value=True)
    numbers = torch.arange(50.0)
    assert 0 < has.sum() <= 30
    torch.testing.assert_close(means[has], numbers[has])
    distance = (numbers[:, None] - numbers[has]).abs().amin(dim=1)
    torch.testing.assert_close((means - numbers).abs(), distance)


@pytest.mark.parametrize("numbers", [(-1, 0, 0), (0, 6, 0), (0, 0, -3)])
def test_impossible_patch_out_is_refused(numbers):
    with pytest.raises(ParameterError, match="fewer than 6 rows"):
        PatchOut(*numbers)


def test_heads_must_divide_the_width():
    with pytest.raises(ParameterError, match="multiple of its 12 heads"):
        Passt(7, width=100)


def test_size_is_the_published_one():
    with torch.device("meta"):
        trunk = Passt(7)
        count = sum(p.numel() for p in [*trunk.parameters(), *trunk.readout(117).parameters()])
    assert count + 7 * 2 * 64 == 51_170_549
