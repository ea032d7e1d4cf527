from __future__ import annotations

import functools
import math
from pathlib import Path

import pytest
import torch
from torch import distributed, multiprocessing

from auris.models.adacos import AdaCosHead

WIDTH, CLASSES = 16, 21


def head() -> AdaCosHead:
    torch.manual_seed(0)
    return AdaCosHead(WIDTH, CLASSES)


def batch(items: int, *, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(items, WIDTH, generator=generator), torch.randint(CLASSES, (items,), generator=generator)


def test_answers_are_cosines() -> None:
    network, (x, targets) = head(), batch(50)
    cosines = network(x).detach()
    assert float(cosines.abs().max()) <= 1 + 1e-6
    torch.testing.assert_close(network(7 * x).detach(), cosines)
    torch.testing.assert_close(network(network.W)[targets, targets], torch.ones(50))


def test_the_scale_starts_as_the_paper_says_and_is_kept_with_the_weights() -> None:
    network = head()
    assert network.s.item() == pytest.approx(math.sqrt(2) * math.log(CLASSES - 1))
    assert set(network.state_dict()) == {"W", "s"}
    assert [name for name, _ in network.named_parameters()] == ["W"]


def test_the_scale_follows_the_published_formula() -> None:
    network, (x, targets) = head(), batch(9)
    cosines, scale = network(x).detach().double(), network.s.double()
    others = (scale * cosines).exp().scatter(1, targets[:, None], 1.0).sum(dim=1)  # exp(0) for the true class
    angle = cosines.gather(1, targets[:, None]).acos().median()
    wanted = others.mean().log() / math.cos(min(math.pi / 4, float(angle)))
    network.update(network(x), targets)
    torch.testing.assert_close(network.s.double(), wanted[None], rtol=1e-6, atol=0)


def test_the_scale_settles_and_stays_finite_on_perfect_and_on_hopeless_answers() -> None:
    for sign in (1.0, -1.0):
        network = head()
        targets = torch.arange(CLASSES)
        for _ in range(50):
            network.update(network(sign * network.W[targets]), targets)
        assert 0.1 < network.s.item() < 100


def test_the_update_has_no_gradient_and_the_loss_has() -> None:
    network, (x, targets) = head(), batch(4)
    cosines = network(x.requires_grad_())
    network.update(cosines, targets)
    torch.nn.functional.cross_entropy(network.logits(cosines), targets).backward()
    assert x.grad is not None
    assert network.W.grad is not None
    assert not network.s.requires_grad


def _update_in_one_of_two(rank: int, folder: str, lengths: tuple[int, int]) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    network = head()
    x, targets = batch(sum(lengths))
    mine = slice(0, lengths[0]) if rank == 0 else slice(lengths[0], None)
    network.update(network(x[mine]), targets[mine])
    torch.save(network.s, f"{folder}/{rank}.pt")
    distributed.destroy_process_group()


def test_two_processes_keep_one_scale_that_of_their_batches_together(tmp_path: Path) -> None:
    lengths = (5, 4)
    work = functools.partial(_update_in_one_of_two, folder=str(tmp_path), lengths=lengths)
    multiprocessing.start_processes(work, nprocs=2, start_method="fork")
    alone, (x, targets) = head(), batch(sum(lengths))
    alone.update(alone(x), targets)
    for rank in range(2):
        torch.testing.assert_close(torch.load(tmp_path / f"{rank}.pt"), alone.s, rtol=1e-6, atol=0)
