"""What to say to someone who gives a listener audio of another layout than it hears: what it hears, and the way out."""

from __future__ import annotations

from auris.channels import ChannelLayout, ambisonics, binaural, mono
from auris.errors import LayoutError


def wrong_layout(given: ChannelLayout | int, needed: ChannelLayout, *, where: str = "") -> LayoutError:
    """Return the error to raise.

    Args:
        given: the layout of the audio, or how many channels it has where nothing says what they are.
        needed: the layout that the listener hears.
        where: the file, in front of the text.
    """
    if isinstance(given, int):
        said = f"{given} channels, but this listener needs {needed.name} audio of {needed.channels}"
    else:
        said = f"this listener needs {needed.name} audio, but the audio is {given.name}"
    return LayoutError(f"{where}{': ' if where else ''}{said}; {_way_out(given, needed)}")


def _way_out(given: ChannelLayout | int, needed: ChannelLayout) -> str:
    simulate = f"auris simulate --layout {needed.name} renders scenes to {needed.name} audio"
    if given == 1 or given == mono():
        return f"one channel says nothing of direction; {simulate}"
    if given == 4 and needed != ambisonics():
        return "if this is first-order ambisonics, leave --model out and say --layout foa"
    if isinstance(given, ChannelLayout) and given.channels == needed.channels:
        return f"if its channels are {needed.name} after all, say so with --layout {needed.name}; {simulate}"
    if given == ambisonics() and needed == binaural():
        return "leave --model out for the shipped listener to foa, or decode it to two ears (auris.dsp.binaural_decoding)"
    if given == binaural():
        return f"leave --model out for the shipped listener to two ears; {simulate}"
    return f"give {needed.name} audio, or a model that hears this; {simulate}"
