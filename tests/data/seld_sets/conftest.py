"""A folder with tiny copies of every set, made once."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_datasets import FAKE_CLIPS, make_fake_dataset


@pytest.fixture(scope="session")
def fake_sets(tmp_path_factory) -> dict[str, Path]:
    """Root folder of a tiny copy of each set; not to be written to."""
    base = tmp_path_factory.mktemp("sets")
    return {name: make_fake_dataset(base / name, name) for name in FAKE_CLIPS}
