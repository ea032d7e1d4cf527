"""A data set, a network and a recipe so small that a training takes seconds: two classes told by pitch, three directions.

Run as a program it is ``auris train`` with this network, and kills itself in the middle of its seventh checkpoint.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from auris.models.backbones.convolutional import ConvolutionalTrunk

WHERE = "auris.models.pseldnet.network.Cnn8"  # what TinyCnn takes the place of
RATE, SECONDS, CLASSES = 8000, 4.0, 2
AZIMUTHS_DEG = (0, 90, -120)

RECIPE = """
# A tiny network on a tiny set of the form of auris' own scenes.
task: pseldnet
name: tiny
model: {labels: [low, high], backbone: cnn8, decoder: gru, output: OUTPUT, sample_rate: 8000}
data: {name: auris, root: scenes, partition: default, chunk_seconds: 2.0, hop_seconds: 2.0, workers: 0}
optimiser: {rate: 1.0e-3, warmup_steps: 0, clip: 1.0, schedule: step, decay_epochs: 3}
trainer: {out: run, batch: 2, max_steps: 4, log_steps: 1, save_minutes: 0.0, accelerator: cpu}
seed: 3
"""


class TinyCnn(ConvolutionalTrunk):
    """Cnn8 with a few channels."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, widths=(4, 4, 8, 8), pools=((2, 2), (2, 2), (2, 2), (1, 2)))


def make_scenes(root: Path, *, train: int = 4) -> Path:
    """Write clips of four seconds into ``train/``, ``valid/`` and ``test/``: a tone from 0.5 s to 3 s, over faint noise."""
    for split, count in (("train", train), ("valid", 1), ("test", 1)):
        for number in range(count):
            _write_scene(root / split / f"scene_{number:05d}", number)
    return root


def _write_scene(folder: Path, number: int) -> None:
    folder.mkdir(parents=True)
    label, azimuth = number % CLASSES, AZIMUTHS_DEG[number % len(AZIMUTHS_DEG)]
    time = np.arange(round(SECONDS * RATE)) / RATE
    tone = 0.3 * np.sin(2 * np.pi * (400, 1600)[label] * time) * ((time >= 0.5) & (time < 3.0))
    angle = np.radians(azimuth)
    field = np.stack([tone, tone * np.sin(angle), 0 * tone, tone * np.cos(angle)])  # W, Y, Z, X
    field += 1e-3 * np.random.default_rng(number).standard_normal(field.shape)
    soundfile.write(folder / "foa.wav", field.T, RATE, subtype="PCM_16")
    rows = (f"{frame},{label},0,{azimuth},0,150\n" for frame in range(5, 30))
    (folder / "labels.csv").write_text("".join(rows))
    (folder / "classes.txt").write_text("low\nhigh\n")


def write_recipe(folder: Path, *, output: str = "multi_accdoa", text: str = RECIPE) -> Path:
    """Write the recipe and its scenes into a folder; return the recipe's file."""
    if not (folder / "scenes").exists():
        make_scenes(folder / "scenes")
    file = folder / "tiny.yaml"
    file.write_text(text.replace("OUTPUT", output))
    return file


def main() -> None:
    """Train until the seventh checkpoint is half written."""
    import torch

    from auris.cli import main as auris
    from auris.models.pseldnet import network
    from auris.training import run_folder

    network.Cnn8 = TinyCnn  # type: ignore[misc,assignment]
    real, count = torch.save, 0

    def save(state: Any, file: Path) -> None:
        nonlocal count
        real(state, file)
        count += 1
        if count == 7:
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
            os.kill(os.getpid(), signal.SIGKILL)

    run_folder.torch.save = save
    auris(["train", *sys.argv[1:]])


if __name__ == "__main__":
    main()
