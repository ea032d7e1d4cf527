"""Ask pip, without installing, what every extra would bring, and fail when it would touch torch or need its satellites.

Runs in an environment that already has the pinned torch; a package that replaces it, or brings CUDA libraries, or one of
the packages that are tied to one torch build, breaks the promise of a one-command installation.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

FORBIDDEN = {"torch", "torchvision", "torchaudio", "torchcodec", "timm"}


def planned_packages(requirement: str) -> dict[str, str]:
    """Return name → version of everything pip would add to this environment for ``requirement``."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--report", str(report), requirement]
        subprocess.run(command, check=True)
        planned = json.loads(report.read_text())["install"]
    return {item["metadata"]["name"].lower(): item["metadata"]["version"] for item in planned}


def main() -> int:
    """Print the plan of the extra ``all``; return 1 when it breaks the rule."""
    planned = planned_packages(".[all]")
    broken = {n: v for n, v in planned.items() if n in FORBIDDEN or n.startswith(("nvidia-", "torchtext"))}
    print(f"auris[all] would add {len(planned)} packages to this environment")
    for name, version in broken.items():
        print(f"not allowed: {name} {version}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
