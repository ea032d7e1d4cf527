"""A scene that was heard, about which tests ask: a dog that barks twice, rain, music that passes by, somebody who speaks."""

from auris.geometry import Static, Waypoints
from auris.scene import Event, Scene, Source


def heard(label, path, onset, offset, confidence):
    return Source(label, path, (Event(onset, offset, level_db=None, confidence=confidence),))


PASSING = Waypoints((4.0, 8.0), ((0.5, 3.0, 0.2), (0.5, -3.0, 0.2)), (0.0, 0.0, 0.0))
YARD = Scene(
    10.0,
    (
        heard("dog", Static((1.5, 1.0, 0.5)), 0.8, 2.1, 0.83),  # 1.9 m away
        heard("rain", Static((-3.0, -2.0, -0.6)), 1.5, 9.0, 0.95),  # 3.7 m
        heard("dog", Static((1.4, 1.1, 0.45)), 3.2, 4.0, 0.7),
        heard("music", PASSING, 4.5, 8.0, 0.6),  # 3 m, in the middle 10 degrees to the right
        heard("speech", Static((-1.0, 0.8, 0.1)), 9.2, 9.9, 0.77),  # 1.3 m
    ),
)
TWO_DOGS = Scene(
    6.0,
    (
        heard("dog", Static((2.0, 2.0, 0.3)), 0.5, 2.0, 0.9),
        heard("dog", Static((-1.0, -3.0, -0.2)), 1.0, 1.6, 0.6),
        heard("clock_tick", Static((0.4, -1.0, 0.6)), 2.5, 5.5, 0.8),
    ),
)
