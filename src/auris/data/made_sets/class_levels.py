"""How loud the events of each class are: as its recordings are, with the quietest and the loudest quarter left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from auris import seeding
from auris.acoustics.motion import Motion
from auris.acoustics.renderer import render
from auris.data.sound_bank import Bank
from auris.dsp.loudness import rms
from auris.scene import Scene

Float32 = NDArray[np.float32]
Quartiles = tuple[float, float, float]  # first, median, third; dB re full scale

LONGEST = 5.0  # seconds of a recording that are listened to
_RATE = 16_000
_FLOOR_DB = -90.0


def measured_quartiles(bank: Bank, labels: Sequence[str], *, picks: int, seed: int) -> Quartiles:
    """Return the quartiles of the level, while they sound, of ``picks`` recordings of a class as they were recorded.

    Raises:
        FormatError: none of the recordings of a label can be used.
    """
    rng = seeding.generator(seed, "quartiles", *labels)
    levels = []
    for number in range(picks):
        sound = bank.pick(labels[number % len(labels)], rng, duration=LONGEST)
        seconds = max(min(LONGEST, bank.clip_length(sound)), 0.02)
        level = rms(bank.excerpt(sound, sample_rate=_RATE, duration=seconds))
        levels.append(max(20 * np.log10(max(level, 1e-9)), _FLOOR_DB))
    first, median, third = (round(float(q), 2) for q in np.quantile(levels, (0.25, 0.5, 0.75)))
    return first, median, third


def drawn_level(quartiles: Quartiles, generator: np.random.Generator) -> float:
    """Return a level between the first and the third quartile, each half of them equally likely, uniform in power."""
    low, high = quartiles[:2] if generator.random() < 0.5 else quartiles[1:]
    power = generator.uniform(10 ** (low / 10), 10 ** (high / 10))
    return float(10 * np.log10(power))


@dataclass(frozen=True)
class HeardLevels:
    """A scene whose events have the level that is wanted where they are heard.

    Attributes:
        scene: with the ``level_db`` of every event set.
        dry: the sources' sounds at these levels, ``(S, N)``.
    """

    scene: Scene
    dry: Float32


def levelled_as_heard(
    scene: Scene, dry: Float32, wanted_db: Mapping[int, float], *, sample_rate: int, motion: Motion
) -> HeardLevels:
    """Change the levels of sources so that each is heard with a wanted energy.

    The energy is that of an omnidirectional microphone (W of ambisonics), reverberation included, divided by the seconds that
    the event lasts; so a far source in a dry room sounds as loud as a near one. Sources have one event each.

    Args:
        scene: its sources have one event each, with a level.
        dry: their sounds at these levels, ``(S, N)``.
        wanted_db: power in dB re full scale, by the number of the source.
        sample_rate: hertz.
        motion: how moving sound is rendered.
    """
    quiet = scene.with_(
        background=replace(scene.background, diffuse_snr_db=None, sensor_snr_db=None, ambience=None, ambience_snr_db=None)
    )
    stems = render(quiet, dry, layout="mono", sample_rate=sample_rate, motion=motion).stems
    sources, louder = list(scene.sources), np.array(dry)
    for number, wanted in wanted_db.items():
        (event,) = sources[number].events
        energy = float(np.sum(np.square(stems[number].samples, dtype=np.float64))) / sample_rate
        if energy == 0 or event.level_db is None:
            continue
        change = wanted - 10 * float(np.log10(energy / event.duration))
        level = round(event.level_db + change, 3)
        sources[number] = replace(sources[number], events=(replace(event, level_db=level),))
        louder[number] *= np.float32(10 ** ((level - event.level_db) / 20))
    return HeardLevels(scene.with_(sources=tuple(sources)), louder)
