"""Rooms of any outline: a rectangular one must be the shoebox; an L hides and shows."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import pytest

from auris.acoustics.air import speed_of_sound
from auris.acoustics.engine import ShoeboxEngine
from auris.acoustics.free_field import OpenPaths
from auris.acoustics.paths import SoundPaths
from auris.acoustics.polyhedral import PolyhedralEngine, PolyhedralRoom
from auris.acoustics.receivers import receiver_for
from auris.acoustics.renderer import render
from auris.acoustics.shoebox import ShoeboxAcoustics
from auris.channels import ChannelLayout
from auris.errors import MissingDependency, ParameterError, SceneError
from auris.geometry import Static, Waypoints
from auris.scene import Event, Listener, Room, Scene, Source

RATE = 16_000
BOX = PolyhedralRoom(((0.0, 0.0), (6.0, 0.0), (6.0, 4.5), (0.0, 4.5)), 2.8, (0.2, 0.3, 0.35, 0.4))
L_SHAPE = PolyhedralRoom(((0.0, 0.0), (5.0, 0.0), (5.0, 2.0), (3.0, 2.0), (3.0, 5.0), (0.0, 5.0)), 2.7, 0.4)
SOURCE, EARS = np.array([4.1, 3.2, 1.7]), np.array([1.6, 1.3, 1.2])


def engine(room: PolyhedralRoom, layout: str, *, max_order: int = 7) -> PolyhedralEngine:
    return PolyhedralEngine(room, receiver_for(ChannelLayout.parse(layout), RATE), RATE, max_order=max_order)


@pytest.mark.parametrize("layout", ["mono", "stereo", "foa", "binaural", "tetra"])
def test_a_rectangular_outline_is_the_shoebox(layout: str) -> None:
    acoustics = ShoeboxAcoustics.from_room(Room((6.0, 4.5, 2.8), absorption=0.5), RATE)
    walls = np.broadcast_to(np.array([0.2, 0.3, 0.35, 0.4, 0.4, 0.4, 0.4]), (6, 7))
    acoustics = ShoeboxAcoustics(acoustics.dimensions, walls, acoustics.air, 0.5, acoustics.speed_of_sound, acoustics.centres)
    shoebox = ShoeboxEngine(receiver_for(ChannelLayout.parse(layout), RATE), RATE)
    wanted = shoebox.responses(SoundPaths.in_room(acoustics, SOURCE, EARS), length=3000)[0]
    got = engine(BOX, layout, max_order=9).responses(OpenPaths.between(SOURCE, EARS), length=3000)[0]
    early = slice(0, round(0.025 * RATE))
    window = np.hanning(64)[32:]  # smooths the upper octave, where tables of directions are coarse
    smooth = [np.array([np.convolve(c, window / window.sum()) for c in h[:, early]]) for h in (got, wanted)]
    limit = -22 if layout in ("binaural", "tetra") else -45
    assert 10 * np.log10(np.sum((smooth[0] - smooth[1]) ** 2) / np.sum(smooth[1] ** 2)) < limit
    np.testing.assert_allclose(np.sum(got**2), np.sum(wanted**2), rtol=0.1)


def test_the_box_with_the_same_volume_and_walls() -> None:
    assert L_SHAPE.area == pytest.approx(19.0)
    assert L_SHAPE.perimeter == pytest.approx(20.0)
    long, wide, high = L_SHAPE.equivalent_box()
    assert long * wide == pytest.approx(19.0)
    assert long + wide == pytest.approx(10.0)
    assert high == 2.7
    round_ish = PolyhedralRoom(tuple((np.cos(a), np.sin(a)) for a in np.arange(0, 6.2, 0.6)), 2.0, 0.3)
    assert round_ish.equivalent_box()[0] == pytest.approx(round_ish.equivalent_box()[1])


def test_the_corner_of_an_l_hides_the_direct_sound() -> None:
    listener = np.array([1.0, 4.5, 1.5])
    hidden, seen = np.array([4.6, 0.5, 1.5]), np.array([2.5, 1.0, 1.5])
    for source, visible in ((hidden, False), (seen, True)):
        response = engine(L_SHAPE, "mono").responses(OpenPaths.between(source, listener), length=2000)[0, 0]
        distance = float(np.linalg.norm(source - listener))
        arrival = round(distance / speed_of_sound() * RATE)
        level = np.abs(response[arrival - 2 : arrival + 3]).max() * distance
        assert (level > 0.6) == visible
        assert np.abs(response).max() > 0.05


def test_first_order_direct_sound_points_to_the_source() -> None:
    response = engine(L_SHAPE, "foa").responses(OpenPaths.between((2.5, 1.0, 1.5), (1.0, 3.5, 1.5)))[0]
    offset = np.array([1.5, -2.5, 0.0])
    arrival = round(float(np.linalg.norm(offset)) / speed_of_sound() * RATE)
    w, y, z, x = response[:, arrival - 2 : arrival + 3].astype(float)
    np.testing.assert_allclose(np.array([w @ x, w @ y, w @ z]) / (w @ w), offset / np.linalg.norm(offset), atol=0.02)


def test_scenes_render_resting_and_moving() -> None:
    events = (Event(0.0, 0.5),)
    walk = Waypoints((0.0, 0.5), ((1.0, 1.0, 1.5), (1.5, 1.0, 1.5)))
    sources = (Source("a", Static((4.0, 1.0, 1.5)), events), Source("b", walk, events))
    scene = Scene(0.5, sources, Listener(Static((1.0, 3.0, 1.5))))
    dry = np.random.default_rng(0).standard_normal((2, RATE // 2))
    out = render(scene, dry, layout="binaural", sample_rate=RATE, engine=engine(L_SHAPE, "binaural", max_order=3))
    assert np.all(out.mixture.samples.std(axis=1) > 0.01)


def test_what_is_refused() -> None:
    with pytest.raises(SceneError, match="listener at"):
        engine(L_SHAPE, "mono").responses(OpenPaths.between((1.0, 1.0, 1.0), (4.0, 4.0, 1.0)))
    with pytest.raises(SceneError, match="omni"):
        engine(L_SHAPE, "mono").responses(OpenPaths.between((1.0, 1.0, 1.0), (2.0, 1.0, 1.0), directivity="cardioid"))
    with pytest.raises(ParameterError, match="max_order"):
        engine(L_SHAPE, "mono", max_order=40)
    for corners, height, absorption in (
        (((0.0, 0.0), (1.0, 0.0)), 2.0, 0.3),
        (((0.0, 0.0), (1.0, 0.0), (2.0, 0.0)), 2.0, 0.3),
        (L_SHAPE.corners, 0.0, 0.3),
        (L_SHAPE.corners, 2.0, 1.0),
    ):
        with pytest.raises(SceneError):
            PolyhedralRoom(corners, height, absorption)


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "pyroomacoustics":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependency, match=r"auris\[peers\]"):
        engine(L_SHAPE, "mono")
