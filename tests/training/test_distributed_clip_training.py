from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_clip_gradient import record
from tiny_clips import write_recipe

HERE = Path(__file__).parent


def found_by_two_processes(file: Path, result: Path) -> list[dict[str, Any]]:
    """The first process starts the second one by itself, as `auris train` does."""
    source = str(HERE.parents[1] / "src")
    known = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join([source, os.environ.get("PYTHONPATH", "")])}
    flags = ["trainer.devices=2", "trainer.strategy=ddp", "trainer.batch=2"]
    command = [sys.executable, str(HERE / "tiny_clip_gradient.py"), str(file), str(result), *flags]
    done = subprocess.run(command, capture_output=True, text=True, env=known, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return [torch.load(result.with_suffix(f".{rank}.pt"), weights_only=True) for rank in (0, 1)]


@pytest.mark.filterwarnings("ignore")  # of other people
def test_two_processes_have_the_gradient_and_the_scales_of_one_with_twice_the_batch(tmp_path: Path) -> None:
    file = write_recipe(tmp_path, architecture="dspast")
    two = found_by_two_processes(file, tmp_path / "two.pt")
    record(file, tmp_path / "one.pt", "trainer.batch=4")
    one = torch.load(tmp_path / "one.0.pt", weights_only=True)
    assert {name for name in one if name.endswith(".s")} == {f"{part}_head.s" for part in ("distance", "azimuth", "elevation")}
    for name, value in one.items():
        assert float(value.abs().max()) > 0 or ".fc." in name, name  # ReLUs of the attention may be shut
        for process in two:
            torch.testing.assert_close(process[name], value, rtol=1e-4, atol=1e-7, msg=name)
