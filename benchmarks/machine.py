"""What a measurement was taken on."""

from __future__ import annotations

import datetime
import os
import platform
from types import ModuleType
from typing import Any

import auris
from auris.training.machine import processor_name


def machine(*libraries: ModuleType) -> dict[str, Any]:
    """Return the facts that stand above a table of measurements, with the versions of the libraries that matter."""
    return {
        "processor": processor_name(),
        "cores": os.cpu_count(),
        "load average at start": [round(value, 2) for value in os.getloadavg()],
        "date": datetime.date.today().isoformat(),
        "python": platform.python_version(),
        "auris": auris.__version__,
        **{library.__name__: library.__version__ for library in libraries},
    }
