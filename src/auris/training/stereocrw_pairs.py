"""Pairs of microphone signals whose delay is known, drawn by number: recordings in simulated rooms and in free air."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from auris import seeding
from auris.acoustics.air import speed_of_sound
from auris.acoustics.engine import ShoeboxEngine
from auris.acoustics.paths import SoundPaths
from auris.acoustics.receivers import receiver_for
from auris.acoustics.shoebox import ShoeboxAcoustics
from auris.channels import STEREO_SPACING, stereo
from auris.data.sound_bank import Bank
from auris.errors import ParameterError
from auris.scene import Room

Samples = NDArray[np.float32]
Range = tuple[float, float]

_TEMPERATURE = 20.0
_MARGIN = 0.3  # metres between anything and a wall


@dataclass(frozen=True)
class PairSettings:
    """How pairs are made.

    Attributes:
        rooms: simulated rooms.
        places: of the source and the microphones in each.
        length: of the rooms, metres.
        width: metres.
        height: metres.
        t60: reverberation time, seconds.
        distance: of the source, metres.
        spacing: of the microphones, metres.
        taps: seconds of a room's response that are kept.
        free: share of pairs in free air.
        excerpts: stretches of recordings that are kept in memory.
        snr_db: level of the sound over that of noise that the microphones do not share.
        second: share of pairs with another source in the same room.
        second_db: its level, against the first.

    Raises:
        ParameterError: a count is below 1, a share is none, or a range runs backwards.
    """

    rooms: int = 60
    places: int = 8
    length: Range = (3.0, 12.0)
    width: Range = (3.0, 9.0)
    height: Range = (2.4, 4.0)
    t60: Range = (0.2, 0.8)
    distance: Range = (0.5, 4.0)
    spacing: float = STEREO_SPACING
    taps: float = 0.3
    free: float = 0.3
    excerpts: int = 300
    snr_db: Range = (5.0, 40.0)
    second: float = 0.3
    second_db: Range = (-25.0, -6.0)

    def __post_init__(self) -> None:
        if min(self.rooms, self.places, self.excerpts) < 1 or not 0 <= self.free <= 1 or not 0 <= self.second <= 1:
            raise ParameterError(f"rooms, places and excerpts are at least 1, free and second shares; got {self}")
        ranges = (self.length, self.width, self.height, self.t60, self.distance, self.snr_db, self.second_db)
        if any(len(pair) != 2 or pair[0] > pair[1] for pair in ranges):
            raise ParameterError(f"a range is two numbers, the smaller first; got {self}")
        if not (0 < self.spacing < 1 and 0.01 <= self.taps <= 2):
            raise ParameterError(f"spacing is some centimetres and taps 0.01 to 2 s, got {self.spacing!r} and {self.taps!r}")

    @property
    def longest(self) -> float:
        """Longest delay in seconds."""
        return self.spacing / speed_of_sound(_TEMPERATURE)


class Pairs(NamedTuple):
    """Some pairs.

    Attributes:
        sounds: ``(pairs, 2, samples)``, at levels of a recording.
        delays: seconds ``(pairs,)``, positive when the left channel leads.
    """

    sounds: Samples
    delays: NDArray[np.float64]


class PairBank:
    """Endless pairs, each batch a function of its number alone.

    Args:
        settings: how they are made.
        bank: where the sounds come from.
        sample_rate: hertz.
        seed: of rooms, places, excerpts and draws.
    """

    def __init__(self, settings: PairSettings, bank: Bank, *, sample_rate: int, seed: int) -> None:
        self.settings, self.sample_rate, self.seed = settings, sample_rate, seed
        self.taps = round(settings.taps * sample_rate)
        self.responses, self.delays = self._simulated()
        self.dry = self._excerpts(bank)

    def _simulated(self) -> tuple[Samples, NDArray[np.float64]]:
        """Return responses ``(rooms, places, 2, taps)`` that begin shortly before the sound arrives, and their delays."""
        settings = self.settings
        engine = ShoeboxEngine(receiver_for(stereo(settings.spacing), self.sample_rate), self.sample_rate)
        responses = np.zeros((settings.rooms, settings.places, 2, self.taps), np.float32)
        delays = np.zeros((settings.rooms, settings.places))
        for number in range(settings.rooms):
            rng = seeding.generator(self.seed, "room", number)
            ranges = (settings.length, settings.width, settings.height)
            size = np.array([rng.uniform(*limits) for limits in ranges])
            room = ShoeboxAcoustics.from_room(
                Room((size[0], size[1], size[2]), t60=float(rng.uniform(*settings.t60)), temperature=_TEMPERATURE),
                self.sample_rate,
            )
            sources, listeners, turns = self._places(size, rng)
            paths = SoundPaths.in_room(room, sources, listeners, rotations=turns)
            rendered = engine.responses(paths, length=self.taps + round(np.linalg.norm(size) / 340 * self.sample_rate))
            ears = listeners[:, None] + np.array([1, -1])[:, None] * turns[:, None, :, 1] * settings.spacing / 2
            away = np.linalg.norm(sources[:, None] - ears, axis=-1)
            delays[number] = (away[:, 1] - away[:, 0]) / room.speed_of_sound
            for place, first in enumerate((away.min(axis=1) / room.speed_of_sound * self.sample_rate).astype(int) - 16):
                kept = rendered[place, :, max(first, 0) :][:, : self.taps]
                responses[number, place, :, : kept.shape[1]] = kept / np.sqrt(np.square(kept).sum() / 2)
        return responses, delays

    def _places(
        self, size: NDArray[np.float64], rng: np.random.Generator
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Draw sources, listeners and where these look, until each source is in the room."""
        settings = self.settings
        sources: list[NDArray[np.float64]] = []
        listeners: list[NDArray[np.float64]] = []
        turns: list[NDArray[np.float64]] = []
        while len(sources) < settings.places:
            listener = rng.uniform(_MARGIN, size - _MARGIN)
            angle, towards = rng.uniform(-np.pi, np.pi), rng.uniform(-np.pi / 2, np.pi / 2)
            away = rng.uniform(*settings.distance)
            source = listener + away * np.array([np.cos(angle + towards), np.sin(angle + towards), 0])
            if (source > 0.1).all() and (source < size - 0.1).all():
                cos, sin = np.cos(angle), np.sin(angle)
                sources.append(source)
                listeners.append(listener)
                turns.append(np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]))
        return np.array(sources), np.array(listeners), np.array(turns)

    def _excerpts(self, bank: Bank) -> list[Samples]:
        """Stretches of two seconds, of all classes in turn."""
        labels, stretches = bank.labels, []
        for number in range(self.settings.excerpts):
            rng = seeding.generator(self.seed, "excerpt", number)
            sound = bank.pick(labels[number % len(labels)], rng, duration=2.0)
            stretches.append(bank.dry(sound, self.sample_rate, 2.0))
        return stretches

    def batch(self, number: int, *, pairs: int, samples: int) -> Pairs:
        """Return batch ``number``: so many pairs, of so many samples."""
        drawn = [self._pair(seeding.generator(self.seed, "pair", number, index), samples) for index in range(pairs)]
        return Pairs(np.stack([sound for sound, _ in drawn]), np.array([delay for _, delay in drawn]))

    def _pair(self, rng: np.random.Generator, samples: int) -> tuple[Samples, float]:
        settings = self.settings
        room, place, other = (int(rng.integers(count)) for count in (settings.rooms, settings.places, settings.places))
        if rng.random() < settings.free:
            delay = float(rng.uniform(-settings.longest, settings.longest))
            sound = self._delayed(self._stretch(rng, samples), delay, samples)
            sound *= 10 ** (rng.uniform(-3, 3, size=(2, 1)) / 20)
        else:
            delay = float(self.delays[room, place])
            sound = self._heard(self._stretch(rng, samples), self.responses[room, place], samples)
        level = np.sqrt(np.mean(np.square(sound))) + 1e-9
        sound /= level
        if rng.random() < settings.second and other != place:
            second = self._heard(self._stretch(rng, samples), self.responses[room, other], samples)
            gain = 10 ** (rng.uniform(*settings.second_db) / 20) / (np.sqrt(np.mean(np.square(second))) + 1e-9)
            sound += gain * second
        noise = rng.standard_normal(sound.shape) * 10 ** (-rng.uniform(*settings.snr_db) / 20)
        return ((sound + noise) * 10 ** (rng.uniform(-40, -10) / 20)).astype(np.float32), delay

    def _stretch(self, rng: np.random.Generator, samples: int) -> Samples:
        """Return a part of an excerpt that sounds, long enough for a response to ring."""
        length = samples + self.taps
        for _ in range(20):
            dry = self.dry[int(rng.integers(len(self.dry)))]
            begin = int(rng.integers(max(1, len(dry) - length)))
            part = np.pad(dry[begin : begin + length], (0, max(0, length - len(dry) + begin)))
            if np.sqrt(np.mean(np.square(part[-samples:]))) > 0.1:  # of an active level of 1
                break
        return part

    def _heard(self, dry: Samples, response: Samples, samples: int) -> NDArray[np.float64]:
        """Return the end of a stretch in a room."""
        size = fft.next_fast_len(len(dry) + self.taps, real=True)
        wet = fft.irfft(fft.rfft(dry, size) * fft.rfft(response, size, axis=-1), size, axis=-1)
        return np.asarray(wet[:, len(dry) - samples : len(dry)], dtype=np.float64)

    def _delayed(self, dry: Samples, delay: float, samples: int) -> NDArray[np.float64]:
        """Return a stretch whose right channel comes later by ``delay`` seconds, which both share."""
        size = fft.next_fast_len(len(dry) + 64, real=True)
        turns = np.exp(-1j * np.pi * fft.rfftfreq(size, 1 / self.sample_rate) * delay * np.array([[-1], [1]]))
        wet = fft.irfft(fft.rfft(dry.astype(np.float64), size) * turns, size, axis=-1)
        return np.asarray(wet[:, len(dry) - samples : len(dry)])
