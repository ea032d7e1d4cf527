"""The machine that a training runs on, in words, for the cards of models."""

from __future__ import annotations

import os
import platform
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
