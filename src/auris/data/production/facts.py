"""What a run remembers of a simulated scene: enough for lists, balance, report and card, without opening a file again."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from auris.acoustics.decay import octant
from auris.acoustics.directivity import diffuse_power, gain
from auris.acoustics.motion import SoundInMotion
from auris.acoustics.shoebox import ShoeboxAcoustics
from auris.geometry import angles
from auris.scene import Event, Room, Scene, Source


def scene_facts(scene: Scene, *, sample_rate: int) -> dict[str, Any]:
    """Return a scene as plain JSON facts, numbers rounded to what anyone could tell apart.

    * ``seconds``;
    * ``events``: one entry each, by onset, with ``label``, ``source`` (number), ``onset``, ``offset``, ``level_db``, ``file``
      or ``synthesis``, ``moving``, and at its onset and its end ``azimuth_deg``, ``elevation_deg``, ``distance``
      ``[first, last]``, as the listener has them;
    * ``room``: ``dimensions``, ``t60`` (mean over octaves, seconds) and ``volume``, or None in a free field;
    * ``drr_db``: energy of the direct sound against the diffuse field for each source at its first event, None in a free field;
    * ``overlap``: seconds during which 0, 1, 2, … sources sound;
    * ``background``: ``diffuse_snr_db``, ``sensor_snr_db``, ``ambience_snr_db`` (None for none), the ``snr_channel`` on which
      they hold, and ``ambience`` with ``ambience_start`` where there is one;
    * ``recordings``: the files of sounds that are played, each once, sorted.
    """
    acoustics = None if scene.room is None else ShoeboxAcoustics.from_room(scene.room, sample_rate)
    return {
        "seconds": round(scene.duration, 4),
        "events": _events(scene),
        "room": None if scene.room is None or acoustics is None else _room(scene.room, acoustics),
        "drr_db": None if acoustics is None else [_drr(scene, acoustics, number) for number in range(len(scene.sources))],
        "overlap": _overlap(scene),
        "background": _background(scene),
        "recordings": sorted(
            {str(e.sound.file) for _, e in scene.events() if e.sound is not None and e.sound.file is not None}
        ),
    }


def _events(scene: Scene) -> list[dict[str, Any]]:
    found = [(event.onset, number, source, event) for number, source in enumerate(scene.sources) for event in source.events]
    return [_event(scene, number, source, event) for _, number, source, event in sorted(found, key=lambda item: item[:2])]


def _event(scene: Scene, number: int, source: Source, event: Event) -> dict[str, Any]:
    azimuth, elevation, distance = angles(scene.relative_positions(source.path, (event.onset, event.offset)))
    sound = event.sound
    played = {} if sound is None else {"file": sound.file} if sound.file is not None else {"synthesis": sound.synthesis}
    return {
        "label": source.label,
        "source": number,
        "onset": round(event.onset, 4),
        "offset": round(event.offset, 4),
        "level_db": None if event.level_db is None else round(event.level_db, 2),
        **played,
        "moving": source.path.moves or scene.listener.moves,
        "azimuth_deg": np.round(np.degrees(azimuth), 2).tolist(),
        "elevation_deg": np.round(np.degrees(elevation), 2).tolist(),
        "distance": np.round(distance, 3).tolist(),
    }


def _room(room: Room, acoustics: ShoeboxAcoustics) -> dict[str, Any]:
    return {
        "dimensions": [round(side, 3) for side in room.dimensions],
        "t60": round(float(acoustics.t60().mean()), 4),
        "volume": round(room.volume, 2),
    }


def _drr(scene: Scene, acoustics: ShoeboxAcoustics, number: int) -> float:
    """Direct energy ``g² / d²`` over that of all images behind it: ``4πc/V`` times the decay from ``d/c`` on."""
    source = scene.sources[number]
    moment = source.events[0].onset
    way = scene.listener.path.at(moment) - source.path.at(moment)
    distance = max(float(np.linalg.norm(way)), 1e-3)
    facing = SoundInMotion(source, scene.listener, acoustics, scene.seed, number).facings(np.array([moment]))[0]
    bands = len(acoustics.centres)
    direct = gain(source.directivity, np.asarray(facing @ way / distance), bands) ** 2 / distance**2
    _, weights = octant()
    tail = (np.exp(-acoustics.rates * distance / acoustics.speed_of_sound) / acoustics.rates) @ weights
    diffuse = 4 * np.pi * acoustics.speed_of_sound / acoustics.volume * diffuse_power(source.directivity, bands) * tail
    return round(float(10 * np.log10(max(float(direct.mean()), 1e-12) / float(diffuse.mean()))), 2)


def _overlap(scene: Scene) -> list[float]:
    """Seconds with 0, 1, 2, … sources sounding, up to the most that ever do."""
    edges = sorted([(e.onset, 1) for _, e in scene.events()] + [(min(e.offset, scene.duration), -1) for _, e in scene.events()])
    moments = [(0.0, 0), *edges, (scene.duration, 0)]
    seconds = [0.0]
    sounding = 0
    for (moment, change), (later, _) in itertools.pairwise(moments):
        sounding += change
        seconds += [0.0] * (sounding + 1 - len(seconds))
        seconds[sounding] += later - moment
    while len(seconds) > 1 and seconds[-1] <= 0:  # one event ended as another began
        seconds.pop()
    return [round(value, 4) for value in seconds]


def _background(scene: Scene) -> dict[str, Any]:
    """Ratios, the channel on which they hold, and which recording is under the sources."""
    background = scene.background
    plain: dict[str, Any] = {
        "diffuse_snr_db": background.diffuse_snr_db,
        "sensor_snr_db": background.sensor_snr_db,
        "ambience_snr_db": background.ambience_snr_db,
        "snr_channel": background.snr_channel,
    }
    if background.ambience is not None:
        plain |= {"ambience": background.ambience, "ambience_start": round(background.ambience_start, 4)}
    return plain
