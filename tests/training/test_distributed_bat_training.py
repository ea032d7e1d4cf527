"""A language model divided between two processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tiny_bat import write_recipe
from tiny_bat_gradient import mean_gradient

from auris.models import from_pretrained

HERE = Path(__file__).parent
WHOLE = ("model.lora=null", "optimiser.clip=1.0e9")


@pytest.mark.filterwarnings("ignore")  # of other people
@pytest.mark.parametrize("changes", [(), WHOLE], ids=["adapters", "whole"])
def test_a_divided_language_model_has_the_gradient_of_the_whole_one(tmp_path: Path, changes: tuple[str, ...]) -> None:
    file, result = write_recipe(tmp_path), tmp_path / "two.pt"
    source = str(HERE.parents[1] / "src")
    known = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join([source, os.environ.get("PYTHONPATH", "")])}
    flags = ["trainer.devices=2", "trainer.strategy=fsdp", "trainer.batch=2", *changes]
    command = [sys.executable, str(HERE / "tiny_bat_gradient.py"), str(file), str(result), *flags]
    done = subprocess.run(command, capture_output=True, text=True, env=known, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    processes = [torch.load(result.with_suffix(f".{rank}.pt"), weights_only=True) for rank in (0, 1)]
    wanted = mean_gradient(file, "trainer.batch=2", *changes)
    assert sum(float(value.abs().max()) > 0 for value in wanted.values()) > 20
    for found in processes:
        assert int(found.pop("all")) >= 2 * int(found.pop("held")) * 0.99  # each holds half of the blocks
        assert found.keys() == wanted.keys()
        for name, value in wanted.items():
            torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-7, msg=name)
    states = [torch.load(result.with_suffix(f".state.{rank}.pt"), weights_only=True) for rank in (0, 1)]
    model = from_pretrained(tmp_path / "run" / "model").state_dict()
    for name, value in states[0].items():  # whole tensors after the step, in checkpoint and model folder alike
        assert torch.equal(states[1][name], value), name
        assert torch.equal(model[name.removeprefix("model.")], value), name
