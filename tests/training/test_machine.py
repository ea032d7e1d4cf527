from __future__ import annotations

import pytest

from auris.training.machine import machine_name


def test_it_says_cores_and_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    count, _, processor = machine_name().partition(" cores of ")
    assert int(count) >= 1
    assert processor


def test_it_says_graphics_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda: "NVIDIA H200")
    assert machine_name() == "2 x NVIDIA H200"
