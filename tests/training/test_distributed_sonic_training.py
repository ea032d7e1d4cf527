"""A generator that two processes train, each with all of it or with a part."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tiny_sonic import write_recipe
from tiny_sonic_gradient import mean_gradient

from auris.models import from_pretrained

HERE = Path(__file__).parent


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of other people
@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_two_processes_have_the_gradient_of_one_with_both_batches(tmp_path: Path, strategy: str) -> None:
    file, result = write_recipe(tmp_path), tmp_path / "two.pt"
    source = str(HERE.parents[1] / "src")
    known = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join([source, os.environ.get("PYTHONPATH", "")])}
    flags = ["trainer.devices=2", f"trainer.strategy={strategy}", "trainer.batch=2", "conditions.drop_all=0.0"]
    command = [sys.executable, str(HERE / "tiny_sonic_gradient.py"), str(file), str(result), *flags]
    done = subprocess.run(command, capture_output=True, text=True, env=known, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    wanted = mean_gradient(file, "trainer.batch=2", "conditions.drop_all=0.0")
    assert sum(float(value.abs().max()) > 0 for value in wanted.values()) > 20
    for found in (torch.load(result.with_suffix(f".{rank}.pt"), weights_only=True) for rank in (0, 1)):
        held, everything = int(found.pop("held")), int(found.pop("all"))
        assert (held == everything) if strategy == "ddp" else (held < 0.6 * everything)
        assert found.keys() == wanted.keys()
        for name, value in wanted.items():
            torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-6, msg=name)
    states = [torch.load(result.with_suffix(f".state.{rank}.pt"), weights_only=True) for rank in (0, 1)]
    assert states[0]["loss"] == states[1]["loss"]
    model = dict(from_pretrained(tmp_path / "run" / "model").named_parameters())
    for name, value in states[0]["average"].items():  # whole tensors, in checkpoint and model folder alike
        assert torch.equal(states[1]["average"][name], value), name
        assert torch.equal(model[name], value), name
    for name, value in states[0]["state_dict"].items():
        assert torch.equal(states[1]["state_dict"][name], value), name
