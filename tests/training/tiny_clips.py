"""Clips, rooms, a network and a recipe so small that a training takes seconds: two pitches, and two ears that tell sides.

Run as a program it is ``auris train`` that kills itself in the middle of its fifth checkpoint.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import soundfile

RATE, SECONDS = 8000, 1.0
MIDS = ("/m/low", "/m/high")
FOLDS = (8, 4)  # clips to train on, and to be scored

# In Habitat's axes (x right, y up, z back), the listener at the origin: left, right and front.
SOURCES = ("-1.0,0.0,0.0", "1.0,0.0,0.0", "0.0,0.0,-2.0")

RECIPE = """
# A tiny network on tiny clips in the form of SpatialSoundQA.
task: spatial_ast
name: tiny
model:
  architecture: ARCHITECTURE
  config: {sample_rate: 8000, clip_seconds: 1.0, n_fft: 256, hop: 160, bands: 32, low: 50, high: 4000, frames: 64, patch: 8,
           width: 32, depth: 2, heads: 2, maps: scaled, stem: convolutions}
data:
  audioset: audioset
  reverb: rooms
  lists: {train: train.json, validation: eval.json, classes: classes.csv}
  sampling: weighted
  items: {response_seconds: 0.1, mixup: 0.5}
loss: {events: 2, distance: 1, direction: 1, smoothing_deg: 10, distance_smoothing: 0.3}
masks: {frequency: 6, time: 12, patch_time: 0.25, patch_frequency: 0.25}
optimiser: {rate: 2.0e-3, schedule: half_cosine, warmup_epochs: 1, layer_decay: 0.9, decayed: matrices, clip: null}
trainer: {out: run, batch: 2, max_steps: 6, log_steps: 1, save_minutes: 0.0, accelerator: cpu}
seed: 3
"""


def write_audioset(folder: Path) -> Path:
    """Write clips of a low and of a high tone with noise, their lists and their classes."""
    (folder / "clips").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name, count in zip(("train", "eval"), FOLDS, strict=True):
        records = []
        for number in range(count):
            time = np.arange(round(SECONDS * RATE * 0.8)) / RATE
            tone = np.sin(2 * np.pi * (500, 2500)[number % 2] * (1 + 0.05 * rng.random()) * time)
            clip = tone + 0.3 * rng.standard_normal(len(time))
            soundfile.write(folder / "clips" / f"{name}{number}.wav", 0.1 * clip, RATE)
            records.append({"folder": "clips", "id": f"{name}{number}", "label": [MIDS[number % 2]]})
        (folder / f"{name}.json").write_text(json.dumps(records))
    (folder / "classes.csv").write_text("index,mid,display_name\n0,/m/low,Low\n1,/m/high,High\n")
    return folder


def write_rooms(folder: Path) -> Path:
    """Write responses of two ears a few samples apart, with a short tail."""
    for split, seed in (("train", 1), ("eval", 2)):
        rng, records = np.random.default_rng(seed), []
        scene = folder / "binaural" / f"{split}room"
        scene.mkdir(parents=True)
        for number in range(6):
            response = 0.02 * rng.standard_normal((2, 400)) * np.exp(-np.arange(400) / 100)
            later = (1, 0, None)[number % 3]  # the ear that the sound reaches later
            for ear in (0, 1):
                response[ear, 24 + 4 * (ear == later)] += 0.4 if ear == later else 1.0
            np.save(scene / f"{number}.npy", response)
            source = SOURCES[number % 3]
            records.append({"fname": f"{scene.name}/{number}.npy", "sensor_position": "0,0,0", "source_position": source})
        (folder / f"{split}_reverberation.json").write_text(json.dumps({"data": records}))
    return folder


def write_recipe(folder: Path, *, architecture: str = "spatial_ast", text: str = RECIPE) -> Path:
    """Write the recipe and its data into a folder; return the recipe's file."""
    if not (folder / "audioset").exists():
        write_audioset(folder / "audioset")
        write_rooms(folder / "rooms")
    file = folder / f"tiny_{architecture}.yaml"
    file.write_text(text.replace("ARCHITECTURE", architecture))
    return file


if __name__ == "__main__":
    from killed_training import main

    main()
