"""Clips in the form of BEWO-1M and recipes so small that a training takes seconds.

Run as a program it is ``auris train`` that kills itself in the middle of its fifth checkpoint.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from auris.io.bewo import BewoRecord, write_annotations

RATE, SECONDS = 8000, 1.5

RECIPE = """
task: spatialsonic
name: tiny-sonic
seed: 3
model:
  config:
    sample_rate: 8000
    longest: 1.5
    vae: {latents: 4, width: 4, multiples: [1, 2], strides: [8, 16]}
    dit: {depth: 1, heads: 1, head_width: 32}
    condition_width: 32
    prompt_tokens: 16
    prompt_encoder: text_encoder
    drops: separate
    sampling: {steps: 4, sigma_max: 50.0, sigma_min: 0.1, guidance: 2.0}
  small_prompt_encoder: {words: 300, layers: 1, heads: 2}
data: {folder: set, crop_seconds: 0.75}
conditions: {plain_captions: 0.5, coarse: 0.5, drop_all: 0.1, drop_text: 0.1, drop_position: 0.1}
objective: {average: 0.9}
optimiser: {rate: 5.0e-3, weight_decay: 1.0e-3, schedule: inverse, inverse_warmup: 0.5, rate_factors: {position: 10}}
trainer: {out: run, batch: 4, epochs: 6, validate_steps: 6, log_steps: 1, save_minutes: 0.0, accelerator: cpu}
samples: {count: 2, steps: 2}
"""

VAE_RECIPE = """
task: spatialsonic_vae
name: tiny-vae
seed: 3
sample_rate: 8000
vae: {latents: 4, width: 4, multiples: [1, 2], strides: [8, 16]}
data: {folder: set, crop_seconds: 0.5}
loss: {windows: [256, 64]}
discriminator: {windows: [64], width: 4, begins: 0.5}
objective: {average: 0.9}
optimiser: {rate: 3.0e-3, betas: [0.8, 0.99], warmup_steps: 0, schedule: constant, clip: 1.0, rate_factors: {discriminator: 2}}
trainer: {out: vae-run, batch: 4, epochs: 6, validate_steps: 6, log_steps: 1, save_minutes: 0.0, accelerator: cpu}
samples: 1
"""


def record(name: str, **changes: Any) -> BewoRecord:
    """Return a line about a dog that runs from the left to the right in the middle half of the clip."""
    values: dict[str, Any] = {
        "audio_name": name,
        "meta": ("ESC-50&1",),
        "caption": "A dog barks from the left to the right.",
        "room_size": (20.0, 20.0, 3.0),
        "micro_pos": ((9.915, 10.085), (10.0, 10.0), (1.5, 1.5)),
        "start": ((8.0, 10.0, 1.5, 0.2),),
        "end": ((12.0, 10.0, 1.5, 0.2),),
        "RT60": 0.3,
        "change_step": (0.0,),
        "raw_start": (1,),
        "raw_end": (5,),
        "start_angle": (180.0,),
        "end_angle": (0.0,),
        "raw_speed": ("moderate",),
        "speed_ratio": (0.5,),
        "move_start_time": (0,),
        "raw_audio_path": ("/home/somebody/else.wav",),
    }
    return BewoRecord(**{**values, **changes})


def still(name: str, direction: int) -> BewoRecord:
    """Return a line about rain at 1 (left) to 5 (right)."""
    angle = 45.0 * (5 - direction)
    place = (10 + 2 * np.cos(np.radians(angle)), 10 + 2 * np.sin(np.radians(angle)), 1.5, 0.2)
    words = ("left", "front left", "front", "front right", "right")
    return record(
        name,
        caption=f"Rain falls on the {words[direction - 1]}.",
        **dict.fromkeys(("start", "end"), (tuple(float(value) for value in place),)),
        **dict.fromkeys(("raw_start", "raw_end"), (direction,)),
        **dict.fromkeys(("start_angle", "end_angle"), (angle,)),
        raw_speed=("still",),
        speed_ratio=(0.0,),
    )


def wave(number: int, delay: int) -> Any:
    """Return a tone of two channels, the right one ``delay`` samples later."""
    rng = np.random.default_rng(number)
    count = round(RATE * SECONDS)
    tone = np.sin(2 * np.pi * (300 + 40 * number) * np.arange(count + 16) / RATE) * 0.2
    noise = tone + 0.05 * rng.standard_normal(count + 16)
    return np.stack([noise[8 : 8 + count], noise[8 - delay : 8 - delay + count]], axis=1).astype(np.float32)


def write_set(folder: Path, *, train: int = 8, held_out: int = 3) -> None:
    """Write clips of still sources, and one that moves, with a doubled folder as unpacked archives have it."""
    for part, count in (("train", train), ("val", held_out)):
        table = f"audiocaps_single_{part}"
        audio = folder / "BEWO_SS_Audio_v1" / "BEWO_SS_Audio_v1" / table
        audio.mkdir(parents=True, exist_ok=True)
        records = []
        for number in range(count):
            name, direction = f"{part}{number}", 1 + number % 5
            records.append(still(name, direction))
            soundfile.write(audio / f"{name}.wav", wave(number, round(3 * np.cos(np.pi / 4 * (direction - 1)))), RATE)
        write_annotations(folder / "BEWO_SS_Annotation_v1" / f"{table}.jsonl", records)


def write_recipe(folder: Path, *, text: str = RECIPE) -> Path:
    """Write a recipe and its clips into a folder; return the recipe's file."""
    if not (folder / "set").exists():
        write_set(folder / "set")
    file = folder / ("vae.yaml" if "_vae" in text else "tiny.yaml")
    file.write_text(text)
    return file


if __name__ == "__main__":
    from killed_training import main

    main()
