"""Figures of room responses that tell whether speed was bought with accuracy: used by :mod:`benchmarks.simulate`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from auris.acoustics.bands import amplitude_partition, octave_centres
from auris.acoustics.engine import EngineSettings, ShoeboxEngine
from auris.acoustics.image_sources import image_sources
from auris.acoustics.paths import SoundPaths
from auris.acoustics.receivers import OpenArrayReceiver
from auris.acoustics.shoebox import ShoeboxAcoustics
from auris.scene import Room

Floats = NDArray[np.float64]

RATE = 24000
TETRAHEDRON = 0.042 / np.sqrt(3) * np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])  # free air, 6.9 cm apart

PEER_AIR = 1e-3 * np.array([0.1, 0.3, 0.6, 1.0, 1.9, 5.8, 20.3])  # 1/m, its table at 20 °C and 30 to 50 % humidity


@dataclass(frozen=True)
class Case:
    """A room, positions and a wanted reverberation time."""

    size: tuple[float, float, float]
    source: tuple[float, float, float]
    listener: tuple[float, float, float]
    t60: float

    @property
    def sabine(self) -> float:
        """Absorption by Sabine's formula, the documented way to ask the peer for a T60."""
        x, y, z = self.size
        return min(24 * np.log(10) * x * y * z / (343.0 * 2 * (x * y + x * z + y * z) * self.t60), 0.9)

    def room(self) -> Room:
        """The room, asked for by T60; this scattering mixes about as much as the peer's 0.1."""
        return Room(self.size, t60=self.t60, scattering=0.3)

    def paths(self, acoustics: ShoeboxAcoustics) -> SoundPaths:
        """The one pair of source and listener."""
        return SoundPaths.in_room(acoustics, self.source, self.listener)


@dataclass(frozen=True)
class Pair:
    """The responses ``(4, T)`` of both libraries to one case."""

    case: Case
    ours: Floats
    peer: Floats

    def of(self, who: str) -> Floats:
        """Return the response of ``"auris"`` or of the peer."""
        return self.ours if who == "auris" else self.peer


def octave(samples: Floats, centre: float) -> Floats:
    sos = signal.butter(4, [centre / 2**0.5, centre * 2**0.5], "band", fs=RATE, output="sos")
    return np.asarray(signal.sosfiltfilt(sos, samples, axis=-1))


def t30(response: Floats) -> float:
    remaining = np.cumsum(response[::-1] ** 2)[::-1]
    level = 10 * np.log10(remaining / remaining[0] + 1e-20)
    first, last = int(np.argmax(level < -5)), int(np.argmax(level < -35))
    return float(-60 / np.polyfit(np.arange(first, last) / RATE, level[first:last], 1)[0])


def direct_error(case: Case, response: Floats, *, speed: float, air: Floats) -> float | None:
    """Level of what differs from an exact delay below 0.8 of the band, dB; None where a reflection is within 1 ms.

    Args:
        case: where source and listener are.
        response: ``(4, T)``.
        speed: speed of sound that the library takes, m/s.
        air: energy attenuation per octave that it takes, 1/m.
    """
    microphone = np.array(case.listener) + TETRAHEDRON[0]
    images = image_sources(case.size, case.source, microphone, max_order=1)
    distances = np.sort(np.linalg.norm(images.positions - microphone, axis=1))
    if (distances[1] - distances[0]) / speed < 0.001:
        return None
    frequency = np.fft.rfftfreq(2048)
    taper = 0.5 + 0.5 * np.cos(np.pi * np.clip((2 * frequency - 0.7) / 0.1, 0, 1))
    gain = np.exp(-air * distances[0] / 2) @ amplitude_partition(frequency * RATE, octave_centres(RATE)) / distances[0]
    exact = np.fft.irfft(np.exp(-2j * np.pi * frequency * distances[0] * RATE / speed) * gain * taper)
    given = np.fft.irfft(np.fft.rfft(response[0, :2048], 2048) * taper)
    arrival = int(distances[0] / speed * RATE)
    window = slice(max(arrival - 12, 0), arrival + 12)
    return float(20 * np.log10(np.linalg.norm(given[window] - exact[window]) / np.linalg.norm(exact[window])))


def direct_to_reverberant(case: Case, response: Floats) -> float:
    """Ratio in dB between 500 Hz and 5 kHz, the direct sound lasting 2.5 ms."""
    sos = signal.butter(4, [500, 5000], "band", fs=RATE, output="sos")
    energy = signal.sosfiltfilt(sos, response[0]) ** 2
    end = int((np.linalg.norm(np.subtract(case.source, case.listener)) / 343 + 0.0025) * RATE)
    return float(10 * np.log10(energy[:end].sum() / energy[end:].sum()))


def tail_coherence(responses: list[Floats]) -> Floats:
    """Real coherence of microphones 6.9 cm apart after 80 ms at 300, 500, 1000 and 1500 Hz, all pairs averaged."""
    cross, power = 0.0, 0.0
    for response in responses:
        tail = octave_balanced(response[:, int(0.08 * RATE) : int(0.35 * RATE)])
        for first in range(4):
            f, spectrum = signal.welch(tail[first], RATE, nperseg=256)
            power = power + spectrum / 4
            for second in range(first):
                cross = cross + signal.csd(tail[first], tail[second], RATE, nperseg=256)[1].real / 6
    return np.interp([300, 500, 1000, 1500], f, cross / power)


def octave_balanced(tail: Floats) -> Floats:
    """Undo the decay, so that late and early parts of a tail count alike."""
    envelope = signal.filtfilt(*signal.butter(1, 20, fs=RATE), np.mean(tail**2, axis=0), padlen=200)
    return np.asarray(tail / np.sqrt(np.maximum(envelope, 1e-3 * envelope.max())))


def accuracy(kept: list[Pair]) -> dict[str, dict[str, object]]:
    """Figures of both, each against what it was asked for."""
    table: dict[str, dict[str, object]] = {}
    exact_engine = ShoeboxEngine(OpenArrayReceiver(TETRAHEDRON), RATE, settings=EngineSettings(mode="images"))
    for who in ("auris", "pyroomacoustics"):
        decay, drr, direct = [], [], []
        for pair in kept:
            case, response = pair.case, pair.of(who)
            decay += [t30(octave(response[0], centre)) / case.t60 - 1 for centre in (500, 1000, 2000, 4000)]
            same_walls = case.room() if who == "auris" else Room(case.size, absorption=case.sabine, temperature=20.0)
            acoustics = ShoeboxAcoustics.from_room(same_walls, RATE)
            exact = exact_engine.responses(case.paths(acoustics), length=response.shape[1])[0].astype(float)
            drr.append(direct_to_reverberant(case, response) - direct_to_reverberant(case, exact))
            taken = (acoustics.speed_of_sound, acoustics.air) if who == "auris" else (343.0, PEER_AIR)
            direct.append(direct_error(case, response, speed=taken[0], air=taken[1]))
        coherence = tail_coherence([pair.of(who) for pair in kept if pair.case.t60 > 0.3])
        theory = np.sinc(2 * np.array([300, 500, 1000, 1500]) * 0.0686 / 343)
        clear = [error for error in direct if error is not None]
        table[who] = {
            "error around the direct sound, dB (median)": round(float(np.median(clear)), 1),
            "T60 off target, % (mean ± std)": f"{100 * np.mean(decay):+.1f} ± {100 * np.std(decay):.1f}",
            "DRR off image sources, dB (mean ± std)": f"{np.mean(drr):+.2f} ± {np.std(drr):.2f}",
            "tail coherence 300 / 500 / 1000 / 1500 Hz": " / ".join(f"{value:.2f}" for value in coherence),
            "diffuse field theory": " / ".join(f"{value:.2f}" for value in theory),
        }
    return table
