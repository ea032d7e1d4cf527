"""``auris train`` in a process that is killed while it writes its fifth checkpoint."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """Train until the fifth checkpoint is half written."""
    from auris.cli import main as auris
    from auris.training import run_folder

    real, count = run_folder.torch.save, 0

    def save(state: Any, file: Path) -> None:
        nonlocal count
        real(state, file)
        count += 1
        if count == 5:
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
            os.kill(os.getpid(), signal.SIGKILL)

    run_folder.torch.save = save  # type: ignore[assignment]
    auris(["train", *sys.argv[1:]])
