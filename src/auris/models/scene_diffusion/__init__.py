"""A small generator of scenes: sounds of a few classes, where they are asked for, as a pair of microphones hears them."""
