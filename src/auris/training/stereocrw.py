"""Training estimators of the delay between two channels: where the sound is known to be, its delay is, too.

The published network learnt without labels, that a sound found in the other channel and back again must be where it was
(arXiv:2204.12489). Here every pair is simulated and its delay known, so the patch that it should be found at is the label.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset

from auris.metrics.itd.gcc_phat import SEGMENT, gcc_phat_delays
from auris.models.pretrained import save_pretrained
from auris.models.stereocrw import StereoCrw
from auris.seeding import derive
from auris.training.loop import Task, fit
from auris.training.machine import machine_name
from auris.training.run_folder import RunFolder
from auris.training.stereocrw_pairs import PairBank, Pairs, PairSettings
from auris.training.stereocrw_recipe import StereoCrwRecipe

_HALF_SAMPLE = 0.5 / 16_000  # seconds
_GCC_LONGEST = 1e-3


class DelayLosses(NamedTuple):
    """Losses of a batch."""

    total: Tensor
    matching: Tensor
    delay: Tensor


class StereoCrwTask(Task):
    """The network with its loss; it is kept whenever it finds the delays of the validation pairs better than before."""

    def __init__(self, model: StereoCrw, recipe: StereoCrwRecipe, *, out: RunFolder) -> None:
        super().__init__(
            model,
            optimiser=recipe.optimiser,
            trainer=recipe.trainer,
            seed=recipe.seed,
            epoch_steps=recipe.trainer.validate_steps,
        )
        self.recipe, self.out = recipe, out
        self._errors: list[Tensor] = []

    def losses(self, batch: tuple[Tensor, Tensor]) -> DelayLosses:
        """Return the losses of segments ``(pairs, 2, samples)`` with their delays in seconds."""
        sounds, delays = batch
        config = self.model.config
        patches = sounds.unfold(-1, config.patch, config.stride)
        # Statistics of batches are those of all patches of the batch at once.
        points = self.model.point(self.model.spectra(patches.reshape(-1, config.patch))).reshape(*patches.shape[:3], -1)
        similarities = self.model.similarities(points[:, 0], points[:, 1])
        strides = delays * (config.sample_rate / config.stride)
        sides = [matching_losses(similarities, strides, config.lags), matching_losses(similarities.mT, -strides, config.lags)]
        matching, delay = ((first + second) / 2 for first, second in zip(*sides, strict=True))
        return DelayLosses(matching + self.recipe.loss.delay * delay, matching, delay)

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        """Find the delays of some pairs."""
        found = self.model.read(self.model.segment_probabilities(batch[0]))
        self._errors.append((found - batch[1]).abs())

    def on_validation_epoch_start(self) -> None:
        """Forget the errors of the last validation."""
        self._errors = []

    def on_validation_epoch_end(self) -> None:
        """Keep the model if none was better."""
        error = 1e6 * float(torch.cat(self._errors).mean())
        self.log_dict({"validation/error_us": error})
        if error < self.best or not self.out.model.is_dir():
            self.best = min(error, self.best)
            save_pretrained(self.model, self.out.model, card=f"# {self.recipe.name}\n\nTraining has not ended.\n")


def matching_losses(similarities: Tensor, strides: Tensor, lags: int) -> tuple[Tensor, Tensor]:
    """Return how badly patches are found where they are.

    Args:
        similarities: ``(pairs, patches, patches)`` of the first channel with the second.
        strides: delay of the second channel ``(pairs,)``, in strides.
        lags: longest delay that is tried.

    Returns:
        Cross entropy with the two patches beside the true place, by how near they are; and the error of the expected delay in
        strides. Only patches whose true place lies among those of the other channel count.
    """
    count = similarities.shape[-1]
    step = torch.arange(count, device=similarities.device)
    apart = step[None, :] - step[:, None]
    found = similarities.masked_fill(apart.abs() > lags, -torch.inf).log_softmax(dim=-1)
    target = step[None, :] + strides[:, None]
    inside = (target >= 0) & (target <= count - 1)
    before = target.floor().clamp(0, count - 2).long()
    share = (target - before).clamp(0, 1)
    near = found.gather(-1, torch.stack([before, before + 1], dim=-1)).clamp_min(-30)  # beyond the longest delay: nothing
    entropy = -((1 - share) * near[..., 0] + share * near[..., 1])
    # A patch near an end is not tried at all delays, so that its expectation is not that of the others.
    whole = (step >= lags) & (step < count - lags) if count > 2 * lags else torch.ones_like(step, dtype=torch.bool)
    expected = (found.exp() * apart).sum(dim=-1)
    missed = functional.smooth_l1_loss(expected[:, whole], strides[:, None].expand(-1, int(whole.sum())))
    return entropy[inside].mean(), missed


class _Batches(IterableDataset[tuple[Tensor, Tensor]]):
    """The batches of the present epoch that are still to train on."""

    def __init__(self, bank: PairBank, task: StereoCrwTask) -> None:
        super().__init__()
        self.bank, self.task = bank, task

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        recipe = self.task.recipe
        samples = recipe.model.patch + (recipe.loss.patches - 1) * recipe.model.stride
        world, rank = self.task.place
        first = self.task.batches
        for number in range(first, first + self.task.remaining_batches):
            yield tensors(self.bank.batch(number * world + rank, pairs=recipe.trainer.batch, samples=samples))


def tensors(pairs: Pairs) -> tuple[Tensor, Tensor]:
    """Return pairs as float32 tensors."""
    return torch.from_numpy(pairs.sounds), torch.from_numpy(pairs.delays).float()


def build_model(recipe: StereoCrwRecipe) -> StereoCrw:
    """Return the untrained network of a recipe."""
    torch.manual_seed(recipe.seed)
    return StereoCrw(recipe.model)


def training_bank(recipe: StereoCrwRecipe) -> PairBank:
    """Return the pairs to train on.

    Raises:
        FormatError: the recordings are missing.
    """
    return PairBank(recipe.pairs, recipe.sounds.open(), sample_rate=recipe.model.sample_rate, seed=derive(recipe.seed, "train"))


def validation_pairs(recipe: StereoCrwRecipe, purpose: Literal["choose", "measure"]) -> dict[str, Pairs]:
    """Return pairs of recordings and rooms that are not trained on: in free air, in rooms, in rooms with much noise.

    Args:
        recipe: of the training.
        purpose: weights are chosen by some pairs, and measured on others, in other rooms.

    Raises:
        FormatError: the recordings are missing.
    """
    sounds = replace(recipe.sounds, folds=recipe.validation.folds, procedural=0.0, variations=1)
    few = replace(recipe.pairs, rooms=min(recipe.pairs.rooms, 24), excerpts=min(recipe.pairs.excerpts, 96), second=0.0)
    kinds: dict[str, PairSettings] = {
        "free air": replace(few, free=1.0, snr_db=(30.0, 40.0), rooms=1),
        "rooms": replace(few, free=0.0, snr_db=(30.0, 40.0)),
        "rooms, noise": replace(few, free=0.0, snr_db=(0.0, 10.0)),
    }
    bank, samples = sounds.open(), max(SEGMENT, recipe.model.segment)
    made = {}
    for name, settings in kinds.items():
        seed = derive(recipe.validation.seed, purpose, name)
        pairs = PairBank(settings, bank, sample_rate=recipe.model.sample_rate, seed=seed)
        count = recipe.validation.pairs if purpose == "choose" else recipe.validation.measured
        made[name] = pairs.batch(0, pairs=count, samples=samples)
    return made


def measure(model: StereoCrw, pairs: dict[str, Pairs]) -> dict[str, dict[str, float]]:
    """Return errors of a network, and of GCC-PHAT on the same segments.

    Returns:
        By kind of pairs and estimator (``"rooms, network"``): ``error_us``, mean absolute error in microseconds; ``median_us``;
        ``half_sample``, share of errors below half a sample of 16 kHz (31 µs).
    """
    rows = {}
    for kind, some in pairs.items():
        middle = (some.sounds.shape[-1] - SEGMENT) // 2
        estimates = {
            "network": model.estimate(some.sounds),
            "GCC-PHAT": gcc_phat_delays(some.sounds[..., middle : middle + SEGMENT], longest=_GCC_LONGEST),
        }
        for name, found in estimates.items():
            rows[f"{kind}, {name}"] = _errors(found, some.delays)
    return rows


def _errors(found: NDArray[np.float64], true: NDArray[np.float64]) -> dict[str, float]:
    errors = np.abs(found - true)
    return {
        "error_us": round(1e6 * float(errors.mean()), 1),
        "median_us": round(1e6 * float(np.median(errors)), 1),
        "half_sample": round(float((errors < _HALF_SAMPLE).mean()), 3),
    }


def describe(recipe: StereoCrwRecipe) -> dict[str, Any]:
    """Return sizes, and what a batch costs, without training."""
    torch.set_num_threads(recipe.trainer.threads)
    model = build_model(recipe)
    task = StereoCrwTask(model, recipe, out=RunFolder(Path(recipe.trainer.out)))
    config = recipe.model
    samples = config.patch + (recipe.loss.patches - 1) * config.stride
    batch = 0.01 * torch.randn(recipe.trainer.batch, 2, samples), torch.zeros(recipe.trainer.batch)
    begin = time.perf_counter()
    total: Any = task.losses(batch).total
    total.backward()
    step = time.perf_counter() - begin
    begin = time.perf_counter()
    model.eval().estimate(np.zeros((1, 2, config.segment), np.float32))
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return {
        "recipe": recipe.name,
        "architecture": StereoCrw.architecture,
        "parameters": parameters,
        "model_megabytes": round(4 * parameters / 1e6, 2),
        "input_shape": list(batch[0].shape),
        "seconds_per_step": round(step, 3),
        "seconds_per_frame_heard": round(time.perf_counter() - begin, 3),
        "max_steps": recipe.trainer.max_steps,
        "max_minutes": recipe.trainer.max_minutes,
        "out": recipe.trainer.out,
    }


def train(recipe: StereoCrwRecipe) -> dict[str, Any]:
    """Train, resume where a former run stopped, measure, and leave a model folder with its card.

    Returns:
        What was reached: steps, minutes, the model's folder, and the errors on the validation pairs, of the network and of
        GCC-PHAT.

    Raises:
        CheckpointError: the run folder holds another recipe's run.
        FormatError: the sounds are missing.
        AurisError: a gradient is not finite.
        Interrupted: a signal asked to stop; the checkpoint is written.
    """
    from auris.models.pretrained import from_pretrained

    torch.set_num_threads(recipe.trainer.threads)
    out = RunFolder(Path(recipe.trainer.out))
    saved = out.claim(recipe.to_yaml(), network=_network_of)
    task = StereoCrwTask(build_model(recipe), recipe, out=out)
    if saved is not None:
        task.restore(saved)
    if task.progress < 1 or not out.model.is_dir():
        batches = [tensors(some) for some in validation_pairs(recipe, "choose").values()]
        train_batches = DataLoader(_Batches(training_bank(recipe), task), batch_size=None)
        fit(task, out, train=train_batches, validation=DataLoader(batches, batch_size=None))  # type: ignore[arg-type]
    model = from_pretrained(out.model)
    model.config = recipe.model  # how it is asked may have changed
    measured = measure(model, validation_pairs(recipe, "measure"))
    save_pretrained(model, out.model, card=model_card(recipe, model, task.reached, measured))
    errors = {
        name: f"{row['error_us']} µs, {100 * row['half_sample']:.0f} % within half a sample" for name, row in measured.items()
    }
    return {"recipe": recipe.name, "model": str(out.model), **task.reached, **errors}


def validate(recipe: StereoCrwRecipe) -> dict[str, Any]:
    """Measure what a recipe trained on its validation pairs, beside GCC-PHAT.

    Raises:
        CheckpointError: nothing is trained yet.
        FormatError: the sounds are missing.
    """
    from auris.models.pretrained import from_pretrained

    torch.set_num_threads(recipe.trainer.threads)
    folder = RunFolder(Path(recipe.trainer.out)).model
    model = from_pretrained(folder)
    rows = measure(model, validation_pairs(recipe, "measure"))
    flat = {f"{name}, {score}": value for name, row in rows.items() for score, value in row.items()}
    return {"recipe": recipe.name, "model": str(folder), **flat}


def model_card(
    recipe: StereoCrwRecipe, model: StereoCrw, reached: dict[str, Any], measured: dict[str, dict[str, float]]
) -> str:
    """Return the README of a trained model."""
    config, pairs = recipe.model, recipe.pairs
    parameters = sum(parameter.numel() for parameter in model.parameters())
    folds, unseen = (", ".join(map(str, some or ())) or "all" for some in (recipe.sounds.folds, recipe.validation.folds))
    rows = "\n".join(
        f"| {name} | {row['error_us']:.1f} | {row['median_us']:.1f} | {100 * row['half_sample']:.0f}% |"
        for name, row in measured.items()
    )
    threads = f"{recipe.trainer.threads} thread{'s' * (recipe.trainer.threads > 1)}"
    note = f"\n{recipe.note}\n" if recipe.note else ""
    return f"""---
library_name: auris
license: apache-2.0
tags: [time-delay-estimation, spatial-audio]
---
# {recipe.name}

Says by how much one channel of a stereo pair leads the other: a small StereoCRW (arXiv:2204.12489), trained where delays are
known. It is no listener; `auris score itd` measures with it.

    auris score itd --reference DIR --prediction DIR --estimator stereocrw

- Input: two channels at {config.sample_rate} Hz (others are resampled), frames of {config.segment} samples.
- Output: a delay for each frame, up to {1e3 * config.longest:.2f} ms both ways, positive where the left channel leads.
- Network: `stereocrw`, {parameters / 1e6:.2f} million parameters; `config.json` says all of it.

## Data

Trained for {reached["minutes"]} minutes on {machine_name()}
({reached["steps"]} steps of {recipe.trainer.batch} pairs, {threads}), on pairs made on the fly:
{100 * pairs.free:.0f} % in free air, the others in {pairs.rooms} simulated shoebox rooms (reverberation times of
{pairs.t60[0]:g} to {pairs.t60[1]:g} s), two microphones {pairs.spacing:g} m apart, noise {pairs.snr_db[0]:g} to
{pairs.snr_db[1]:g} dB below the sound, a second and quieter source in {100 * pairs.second:.0f} %. Sounds: recordings of folds
{folds} (ESC-50 clips from Freesound under CC0, CC-BY and CC-Sampling+, LibriSpeech and spoken digits under CC-BY and
CC-BY-SA 4.0, music from public collections; authors and licences are in the `ATTRIBUTION.csv` of the sound folder) and
procedural synthesis ({100 * recipe.sounds.procedural:.0f} %).
{note}
## Measured

{recipe.validation.measured} pairs a row, of recordings of fold {unseen} in rooms that were not trained in. The weights were
chosen by other pairs of these recordings. `rooms, noise` has noise 0 to 10 dB below the sound. GCC-PHAT is that of
`auris.metrics.itd` (frames of {SEGMENT} samples, delays to {1e3 * _GCC_LONGEST:g} ms).

| pairs, estimator | mean error, µs | median error, µs | within half a sample (31 µs) |
|---|---|---|---|
{rows}

    auris train recipes/{recipe.name}.yaml --validate  # measures again what the recipe trained

## Limits

Two microphones in free air, {100 * pairs.spacing:.0f} cm apart: no head was heard in training. Of two sources that are as loud
it says something between. It is a second opinion beside GCC-PHAT, not a better one where the table does not say so.

## Licence

Weights: Apache-2.0. Recipe: `recipes/{recipe.name}.yaml`, for `auris train`.
"""


def _network_of(plain: dict[str, Any]) -> list[Any]:
    """What of a written recipe a checkpoint depends on: the network, but not how it is asked."""
    model = {key: value for key, value in (plain.get("model") or {}).items() if key not in ("patches", "reduce")}
    return [plain.get("task"), model]
