"""Write a scene by hand, render it for headphones and for a first-order microphone, and hear what is in it.

Run: python examples/moving_dog.py
"""

from __future__ import annotations

import math

import auris


def main() -> None:
    """Walk a dog around a listener who looks along +y."""
    room = auris.Room((6.0, 5.0, 3.0), t60=0.4)
    ears = (3.0, 2.5, 1.5)
    listener = auris.Listener(auris.Static(ears))
    dog = auris.Source(
        "dog",
        auris.Orbit(start=(4.5, 2.5, 0.6), centre=ears, angular_speed=math.radians(30)),
        (auris.Event(0.5, 5.5, sound=auris.Sound(synthesis="dog", seed=4)),),
    )
    clock = auris.Source("clock_tick", auris.Static((1.0, 4.0, 1.8)), (auris.Event(1.0, 6.0),))
    scene = auris.Scene(6.0, (dog, clock), listener, room, name="a dog walks around the listener")

    for layout in ("binaural", "foa"):
        rendering = auris.simulate(scene, layout=layout)
        auris.write_audio(f"out/moving_dog_{layout}.wav", rendering.mixture)
        print(f"\n{layout}: {rendering.mixture}")
        heard = auris.listen(rendering.mixture)
        for source, event in heard.events():
            start, end = heard.relative_positions(source.path, [event.onset, event.offset])
            turn = [round(math.degrees(math.atan2(y, x))) for x, y, _ in (start, end)]
            print(f"  {source.label:12s} {event.onset:4.1f}–{event.offset:4.1f} s, azimuth {turn[0]}° → {turn[1]}°")


if __name__ == "__main__":
    main()
