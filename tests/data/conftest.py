"""A folder of sounds in the manner of ESC-50, made by synthesis, and the recordings of the shared folder where they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from auris.data.procedural import synthesise

MADE = {"dog": 4, "rain": 3, "speech": 3}


def write_made_sounds(folder: Path) -> Path:
    """Write clips with ESC-50 names: folds 1 to 4, two takes (A, B) of every source recording."""
    for label, recordings in MADE.items():
        (folder / label).mkdir(parents=True)
        for number in range(recordings):
            for take in "AB":
                seed = 10 * number + (take == "B")
                sound = synthesise(label, seed=seed, duration=1.6, sample_rate=16_000)
                silence = np.zeros(4_800, np.float32)
                name = f"fold{number % 4 + 1}-{number % 4 + 1}-{1000 + number}-{take}.wav"
                soundfile.write(folder / label / name, np.concatenate([silence, sound, silence]), 16_000)
    return folder


@pytest.fixture(scope="session")
def made_sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of three classes, written once; tests that change it make their own."""
    return write_made_sounds(tmp_path_factory.mktemp("sounds"))


@pytest.fixture(scope="session")
def recordings(shared_folder: Path | None, made_sounds: Path) -> Path:
    """Real recordings where this machine has them, otherwise the made ones."""
    real = shared_folder / "sounds" if shared_folder else made_sounds
    return real if real.is_dir() else made_sounds
