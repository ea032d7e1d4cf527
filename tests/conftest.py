"""Fixtures for the whole suite."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def shared_folder() -> Path | None:
    """The folder of shared measurements and recordings beside the repository, where there is one."""
    folder = Path(os.environ.get("AURIS_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    return folder if folder.is_dir() else None
