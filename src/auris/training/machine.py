"""The machine that a training runs on: in words, for the cards of models, and how much of its memory was taken."""

from __future__ import annotations

import math
import os
import platform
import sys
from pathlib import Path

import torch


def machine_name() -> str:
    """Return the graphics cards if there are any, else the processor and how many cores of it may be used."""
    if torch.cuda.is_available():
        return f"{torch.cuda.device_count()} x {torch.cuda.get_device_name()}"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return f"{cores} cores of {processor_name()}"


def processor_name() -> str:
    """Return the processor as its maker calls it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def peak_megabytes(*, on_gpu: bool) -> float:
    """Return the most memory that this process has taken so far, on the GPU or beside it; NaN where nobody knows."""
    if on_gpu:
        return round(torch.cuda.max_memory_allocated() / 1e6, 1)
    try:
        import resource
    except ImportError:  # Windows
        return math.nan
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6, 1)
