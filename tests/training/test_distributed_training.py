from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_gradient import record
from tiny_pseldnet import WHERE, TinyCnn, write_recipe

HERE = Path(__file__).parent


def gradient_of_two_processes(file: Path, result: Path) -> dict[str, Any]:
    """The first process starts the second one by itself, as `auris train` does."""
    source = str(HERE.parents[1] / "src")
    known = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join([source, os.environ.get("PYTHONPATH", "")])}
    flags = ["trainer.devices=2", "trainer.strategy=ddp", "trainer.batch=2"]
    command = [sys.executable, str(HERE / "tiny_gradient.py"), str(file), str(result), *flags]
    done = subprocess.run(command, capture_output=True, text=True, env=known, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = torch.load(result, weights_only=True)
    return found


@pytest.mark.filterwarnings("ignore")  # of other people
def test_two_processes_have_the_gradient_of_one_with_twice_the_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_recipe(tmp_path)
    two = gradient_of_two_processes(file, tmp_path / "two.pt")
    monkeypatch.setattr(WHERE, TinyCnn)
    record(file, tmp_path / "one.pt", "trainer.batch=4")
    one = torch.load(tmp_path / "one.pt", weights_only=True)
    assert two.keys() == one.keys()
    assert all(float(value.abs().max()) > 0 for name, value in one.items() if name.endswith("weight"))
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, rtol=1e-4, atol=1e-7, msg=name)
