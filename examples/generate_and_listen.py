"""Write spatial sound from words, listen to it, and render the same sounds for other ears.

Run: python examples/generate_and_listen.py
"""

from __future__ import annotations

import auris
from auris.generation import verify


def main() -> None:
    """Let a dog run past, and hear whether it did."""
    prompt = "a dog barks on the left, then runs to the right, in a small room"
    for layout in ("stereo", "binaural", "foa"):
        made = auris.generate(prompt, model="place", layout=layout, seconds=5.0, seed=1)
        auris.write_audio(f"out/generated_{layout}.wav", made.audio)
        heard = verify(made.audio, made.plan)
        print(f"\n{layout}: {made.audio}, score {heard.score:.2f}")
        for row in heard.rows:
            said = row.direction
            ends = [] if said is None else [f"{end:.1f}" for end in (said.start, said.end) if end is not None]
            asked, places = f"{row.asked_start:g} → {row.asked_end:g}", " → ".join(ends) or "no place"
            print(f"  {row.asked:6s} asked for at {asked}, heard at {places}")

    auris.write_scene("out/generated.yaml", made.scene)  # for auris simulate, or to be edited
    again = auris.simulate(made.scene, layout="foa", sample_rate=made.audio.sample_rate)
    print(f"\nrendered again from its scene: {again.mixture}")


if __name__ == "__main__":
    main()
