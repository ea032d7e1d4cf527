"""What a listener network sees: mel spectra and, per mel band, where the sound comes from.

The front ends are modules without weights that take waveforms ``(batch, channels, samples)``, so that a saved model needs
nothing but audio. They name what they make: ``inputs`` channels of audio, ``channels`` of features of which the first
``levels`` are in decibels, ``bands`` numbers in each. They compute in single precision at least, also under autocast and
for half-precision audio (``model.bfloat16()`` would round their tables: keep ``model.front_end`` in single precision); a
batch is heard item by item; gradients reach the waveform; nothing given is changed.
"""

from auris.dsp.features.ambisonic import AmbisonicFeatures, LogMelIntensity
from auris.dsp.features.binaural import BinauralFeatures
from auris.dsp.features.interaural import InterauralCues, InterauralPhase
from auris.dsp.features.mel import POWER_FLOOR, LogMel, decibels, mel_centres, mel_filterbank
from auris.dsp.features.microphones import LogMelGcc, SalsaLite

__all__ = [
    "POWER_FLOOR",
    "AmbisonicFeatures",
    "BinauralFeatures",
    "InterauralCues",
    "InterauralPhase",
    "LogMel",
    "LogMelGcc",
    "LogMelIntensity",
    "SalsaLite",
    "decibels",
    "mel_centres",
    "mel_filterbank",
]
