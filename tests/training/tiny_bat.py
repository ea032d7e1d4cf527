"""Ears, a language model, questions and a recipe so small that a training takes seconds, in the form of SpatialSoundQA.

Run as a program it is ``auris train`` that kills itself in the middle of its fifth checkpoint.
"""

from __future__ import annotations

from pathlib import Path

import torch
from tiny_clips import write_audioset, write_rooms

from auris.io.spatial_qa_records import QaRecord, QuestionType, stage_files, write_questions
from auris.models import create, save_pretrained

PLACES = ("left, front, below; 1m", "right, front, below; 1m", "right, front, below; 2m")  # of tiny_clips.SOURCES
SIDES = ("left", "right", "front")
NAMES = ("low", "high")

RECIPE = """
task: bat
name: tiny-bat
seed: 3
model:
  encoder: ears
  language_model: LANGUAGE_MODEL
  lora: {rank: 2, alpha: 8, dropout: 0.1}
  projector: {queries: 4, layers: 2, width: 16, heads: 2, inner: 16}
  prompt: "{question}:"
  writing: {beams: 2, longest: 8}
data: {audioset: audioset, reverb: rooms, questions: closed-end, stage: stage1-clsdoa, response_rate: 8000, validation_count: 3}
optimiser: {rate: 5.0e-3, weight_decay: 0.0, schedule: linear, warmup_steps: 2, end_step: 40, clip: null}
trainer: {out: run, batch: 4, epochs: 3, validate_steps: 4, log_steps: 1, save_minutes: 0.0, accelerator: cpu}
"""


def write_ears(folder: Path) -> None:
    """Write a Spatial-AST that hears one second at 8 kHz, and was never trained."""
    torch.manual_seed(0)
    sizes = {"n_fft": 256, "hop": 160, "bands": 32, "low": 50, "high": 4000, "frames": 64, "patch": 8}
    model = create("spatial_ast", labels=list(NAMES), sample_rate=8000, clip_seconds=1.0, width=32, depth=1, heads=2, **sizes)
    save_pretrained(model, folder, card="# ears\n")


def write_language_model(folder: Path) -> None:
    """Write a language model of two blocks with its tokenizer."""
    from auris.models.bat_config import SmallLanguageModel
    from auris.models.language_models import new_language_model, new_tokenizer, save_language_model

    torch.manual_seed(0)
    tokenizer = new_tokenizer(["Is the low sound left, right, front or below?", "Yes No 1m 2m high"] * 9, words=300)
    sizes = SmallLanguageModel(words=300, width=16, layers=2, heads=2, inner=32, context=160)
    save_language_model(new_language_model(sizes, tokenizer), tokenizer, folder)


def record(split: str, number: int, kind: QuestionType) -> QaRecord:
    """Return a question about clips and places by number."""
    place, other = number % 3, (number + 1) % 3
    first = (f"clips/{split}{number}", f"{split}room/{place}.npy")
    second = (None, None) if kind in ("CLASSIFICATION", "DOA") else (f"clips/{split}{number ^ 1}", f"{split}room/{other}.npy")
    name, other_name = NAMES[number % 2], NAMES[1 - number % 2]
    asked = {
        "CLASSIFICATION": ("What do you hear?", name),
        "DOA": ("Where is it?", PLACES[place]),
        "MIXUP_SINGLE_DOA": (f"Where is {name}?", PLACES[place]),
        "MIXUP_DIRECTION": (f"Is {name} left of {other_name}?", "Yes" if place == 0 else "No"),
    }
    return QaRecord(*first, *second, number, kind, *asked[kind])


def write_closed_end(folder: Path, **counts: int) -> None:
    """Write the stages of questions about the clips of :mod:`tiny_clips`."""
    kinds: tuple[QuestionType, ...] = ("CLASSIFICATION", "DOA", "MIXUP_SINGLE_DOA", "MIXUP_DIRECTION")
    made = {
        split: [record(split, number, kind) for kind in kinds for number in range(count)]
        for split, count in (("train", 8), ("eval", 4))
    }
    for name, records in stage_files(made["train"], made["eval"]):
        write_questions(folder / name, records)


def write_recipe(folder: Path, *, text: str = RECIPE) -> Path:
    """Write the recipe and everything that it needs into a folder; return the recipe's file."""
    if not (folder / "ears").exists():
        write_ears(folder / "ears")
        write_language_model(folder / "writer")
        write_audioset(folder / "audioset")
        write_rooms(folder / "rooms")
        write_closed_end(folder / "closed-end")
    file = folder / "tiny.yaml"
    file.write_text(text.replace("LANGUAGE_MODEL", str(folder / "writer")))
    return file


if __name__ == "__main__":
    from killed_training import main

    main()
