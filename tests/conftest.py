"""Fixtures for the whole suite."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A machine that is busy with something else must not fail a property.
settings.register_profile("auris", deadline=None)
settings.load_profile("auris")
os.environ.setdefault("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def shared_folder() -> Path | None:
    """The folder of shared measurements and recordings beside the repository, where there is one."""
    folder = Path(os.environ.get("AURIS_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    return folder if folder.is_dir() else None
