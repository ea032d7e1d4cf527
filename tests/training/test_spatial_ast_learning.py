from __future__ import annotations

from pathlib import Path

import pytest
from tiny_clips import write_recipe

from auris.training.recipe import read_recipe
from auris.training.spatial_ast import train


@pytest.mark.filterwarnings("ignore")  # of other people
@pytest.mark.parametrize(("architecture", "rate"), [("spatial_ast", 1e-2), ("dspast", 4e-3)])
def test_learning_tells_pitch_and_side(tmp_path: Path, architecture: str, rate: float) -> None:
    changes = ["trainer.batch=16", "trainer.max_steps=60", "trainer.save_minutes=9", "masks=null", "data.items.mixup=0"]
    more = ["data.epoch_items=960", "optimiser.warmup_epochs=0.1", "validation.per_clip=6", f"optimiser.rate={rate}"]
    reached = train(read_recipe(write_recipe(tmp_path, architecture=architecture), overrides=[*changes, *more]))
    assert reached["validation/map"] > 0.8  # 0.5 by chance
    assert reached["validation/mae"] < 30  # 80 and more by chance
    assert reached["validation/der"] < 0.4
