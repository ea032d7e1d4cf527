"""Training delay estimators: pairs have the delays they say, the loss knows where patches are, a run learns and resumes."""

import numpy as np
import pytest
import torch

from auris.data.sound_settings import BankSettings
from auris.errors import CheckpointError, ParameterError
from auris.metrics.itd import gcc_phat_delays
from auris.training.recipe import read_recipe
from auris.training.stereocrw import matching_losses, train, validate, validation_pairs
from auris.training.stereocrw_pairs import PairBank, PairSettings

RECIPE = """
task: stereocrw
name: tiny
model: {patch: 1024, patches: 19, spectra: 8, longest: 5.0e-4, channels: [2, 2, 2, 2], embedding: 4, pooling: none, direct: 8,
        magnitudes: 0.3}
sounds: {procedural: 1.0}
pairs: {rooms: 2, places: 2, excerpts: 6}
loss: {patches: 12}
trainer: {out: run, batch: 4, max_steps: 6, validate_steps: 3, log_steps: 1, save_minutes: 0, accelerator: cpu}
validation: {pairs: 6, measured: 6}
optimiser: {rate: 3.0e-3, warmup_steps: 1}
"""


@pytest.fixture
def recipe(tmp_path):
    (tmp_path / "tiny.yaml").write_text(RECIPE)
    return lambda *changes: read_recipe(tmp_path / "tiny.yaml", overrides=[f"trainer.out={tmp_path / 'run'}", *changes])


def bank(**changes):
    settings = PairSettings(**{"rooms": 3, "places": 4, "excerpts": 24, "second": 0.0, "snr_db": (40.0, 50.0), **changes})
    return PairBank(settings, BankSettings(procedural=1.0).open(), sample_rate=16_000, seed=1)


@pytest.mark.parametrize("free", [1.0, 0.0], ids=["free air", "rooms"])
def test_pairs_have_the_delays_they_say(free):
    pairs = bank(free=free, t60=(0.2, 0.25), distance=(0.5, 1.0)).batch(0, pairs=32, samples=4352)
    assert pairs.sounds.shape == (32, 2, 4352)
    assert np.abs(pairs.delays).max() <= 0.17 / 343
    assert np.ptp(pairs.delays) > 0.2e-3
    error = np.abs(gcc_phat_delays(pairs.sounds) - pairs.delays)
    assert np.median(error) < (2e-6 if free else 20e-6)


def test_a_batch_follows_from_its_number():
    first, second = bank(), bank()
    np.testing.assert_array_equal(first.batch(5, pairs=2, samples=2000).sounds, second.batch(5, pairs=2, samples=2000).sounds)
    assert not np.array_equal(first.batch(6, pairs=2, samples=2000).sounds, second.batch(5, pairs=2, samples=2000).sounds)


def test_the_loss_is_least_where_patches_are():
    apart = torch.arange(20)[None, :] - torch.arange(20)[:, None]
    similarities = -((apart - 2.5) ** 2).float()[None] * 3
    losses = {delay: float(matching_losses(similarities, torch.tensor([delay]), 6)[0]) for delay in (-2.5, 0.0, 2.5, 4.0)}
    assert min(losses, key=losses.get) == 2.5
    matching, missed = matching_losses(similarities, torch.tensor([2.5]), 6)
    assert float(missed) < 1e-3
    assert float(matching_losses(similarities.mT, torch.tensor([-2.5]), 6)[0]) == pytest.approx(float(matching), abs=1e-5)


def test_a_run_leaves_a_model_with_its_card_and_goes_on_where_it_stopped(recipe, tmp_path):
    half = recipe("trainer.max_steps=3")
    train(half)
    result = train(recipe())
    assert result["steps"] == 6
    whole = recipe(f"trainer.out={tmp_path / 'whole'}")
    train(whole)
    ended = [torch.load(tmp_path / name / "last.ckpt", weights_only=True) for name in ("run", "whole")]
    assert ended[0]["progress"]["batches"] == ended[1]["progress"]["batches"] == 6
    card = (tmp_path / "run" / "model" / "README.md").read_text()
    assert "rooms, noise, GCC-PHAT" in card
    scores = validate(recipe())
    assert scores["free air, GCC-PHAT, error_us"] < 5
    assert set(validation_pairs(recipe(), "choose")) == {"free air", "rooms", "rooms, noise"}


def test_another_network_does_not_go_on(recipe):
    with pytest.raises(CheckpointError):
        validate(recipe())
    train(recipe("trainer.max_steps=1"))
    with pytest.raises(CheckpointError, match="another network"):
        train(recipe("model.direct=4"))


@pytest.mark.parametrize(
    "change",
    ["loss.patches=8", "pairs.spacing=0.3", "pairs.rooms=0", "pairs.t60=[0.8, 0.2]", "validation.pairs=0", "model.direct=-1"],
)
def test_recipes_that_cannot_train_are_refused(recipe, change):
    with pytest.raises(ParameterError):
        recipe(change)
