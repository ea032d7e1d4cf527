"""How rooms sound: image sources, late reverberation, receivers and the renderer."""
