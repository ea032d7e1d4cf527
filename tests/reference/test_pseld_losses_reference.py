"""Losses against values and gradients of the published code (fixture ``pseld_losses``; its manifest says what was run)."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from auris.data.seld_targets import AccdoaTargets, AdpitTargets, TrackTargets
from auris.models.pseldnet.outputs import Accdoa, MultiAccdoa, TrackOutputs
from auris.training.seld_losses import accdoa_loss, adpit_loss, aggregated_loss, track_pit_loss

FIXTURE = dict(np.load(Path(__file__).parent / "pseld_losses" / "expected.npz"))

TRACK_LOSSES = {
    "einv2_tpit_bce_mse": track_pit_loss,
    "einv2_tpit_bce_l1_b0.7": partial(track_pit_loss, direction="l1", activity_weight=0.7),
    "einv2_tpit_bce_cosine": partial(track_pit_loss, direction="cosine"),
    "einv2_nopit_bce_mse": partial(track_pit_loss, assignment="fixed"),
    "agg_mACCDOA_pit_mse": aggregated_loss,
    "agg_mACCDOA_pit_l1": partial(aggregated_loss, error="l1"),
    "agg_ACCDOA_mse": partial(aggregated_loss, aggregation="classes"),
    "agg_ACCDOA_l1": partial(aggregated_loss, aggregation="classes", error="l1"),
    "agg_both_mse": partial(aggregated_loss, aggregation="both", track_weight=0.3),
    "agg_both_l1": partial(aggregated_loss, aggregation="both", track_weight=0.3, error="l1"),
}
PARTS = {"sed": "loss_sed", "doa": "loss_doa", "tracks": "loss_agg", "classes": "loss_accdoa"}


def given(name: str) -> torch.Tensor:
    return torch.from_numpy(FIXTURE[name])


def assert_gradient(name: str, tensor: torch.Tensor) -> None:
    assert tensor.grad is not None
    np.testing.assert_allclose(tensor.grad.numpy(), FIXTURE[name], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("error", ["mse", "l1"])
def test_pseld_losses_accdoa(error) -> None:
    said = given("accdoa/in_pred").requires_grad_()
    targets = AccdoaTargets(given("accdoa/in_target").unflatten(-1, (3, -1)))
    loss = accdoa_loss(Accdoa(said.unflatten(-1, (3, -1))), targets, error=error)
    loss.total.backward()
    assert loss.total.item() == pytest.approx(FIXTURE[f"accdoa_{error}/loss_all"], rel=1e-6)
    assert_gradient(f"accdoa_{error}/grad_accdoa", said)


def test_pseld_losses_adpit() -> None:
    said = given("adpit/in_pred").requires_grad_()
    loss = adpit_loss(MultiAccdoa(said.unflatten(-1, (3, 3, -1))), AdpitTargets(given("adpit/in_target")))
    loss.total.backward()
    assert loss.total.item() == pytest.approx(FIXTURE["adpit/loss_all"], rel=1e-6)
    assert_gradient("adpit/grad_multi_accdoa", said)


@pytest.mark.parametrize("name", TRACK_LOSSES)
def test_pseld_losses_track_wise(name) -> None:
    sed, doa = (given(f"einv2/in_{part}").requires_grad_() for part in ("sed", "doa"))
    targets = TrackTargets(given("einv2/in_sed_target"), given("einv2/in_doa_target"))
    loss = TRACK_LOSSES[name](TrackOutputs(sed, doa), targets)
    loss.total.backward()
    assert loss.total.item() == pytest.approx(FIXTURE[f"{name}/loss_all"], rel=1e-6)
    for part, key in PARTS.items():
        value = getattr(loss, part, None)
        if value is not None and not value.isnan():
            assert value.item() == pytest.approx(FIXTURE[f"{name}/{key}"], rel=1e-6)
    assert_gradient(f"{name}/grad_sed", sed)
    assert_gradient(f"{name}/grad_doa", doa)
