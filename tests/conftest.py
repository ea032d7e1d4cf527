"""Fixtures for the whole suite."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

# Before NumPy and torch are loaded: threads of small products only wait for each other, and processes share the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# What is measured of recordings that lie in a read-only folder is no business of the user's own cache.
os.environ.setdefault("AURIS_CACHE", tempfile.mkdtemp(prefix="auris-test-cache-"))

import pytest
from hypothesis import settings

# A busy machine must not fail a property (no deadline), and a change must not fail by an example that it has nothing to do
# with (the same examples every time). HYPOTHESIS_PROFILE=explore looks further.
settings.register_profile("auris", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "auris"))
os.environ.setdefault("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def shared_folder() -> Path | None:
    """The folder of shared measurements and recordings beside the repository, where there is one."""
    folder = Path(os.environ.get("AURIS_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    return folder if folder.is_dir() else None
