"""A scene to draw."""

import pytest

from auris.geometry import Orbit, Static
from auris.scene import Event, Listener, Room, Scene, Source


@pytest.fixture
def scene():
    orbit = Orbit(start=(4.0, 2.0, 1.5), centre=(3.0, 2.0, 1.5), angular_speed=2.0)
    sources = (
        Source("dog", orbit, (Event(0.5, 3.5),)),
        Source("bell", Static((1.0, 1.0, 1.0)), (Event(0.0, 1.0), Event(2.0, 3.0))),
    )
    return Scene(4.0, sources, Listener(Static((3.0, 2.0, 1.5))), room=Room((6.0, 4.0, 3.0), t60=0.4))
