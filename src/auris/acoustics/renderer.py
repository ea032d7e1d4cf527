"""From a scene and the sounds of its sources to what the listener's microphones or ears receive.

Rendering changes no label: the truth of a rendering is ``scene.tracks``. Sources that rest, for a listener who rests, are
answered in one call of the engine and convolved; the others go through :mod:`auris.acoustics.motion`. Every random stream
has a name below the scene's seed (``late/source/draw``, ``background/...``), so one more source changes nothing in the
others, and a scene sounds the same alone and in a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auris.acoustics.background import render_background
from auris.acoustics.engine import ShoeboxEngine
from auris.acoustics.free_field import FreeFieldEngine
from auris.acoustics.measured import MeasuredEngine
from auris.acoustics.motion import KEYFRAME_HOP, Motion, SoundInMotion, Stretch, joined, late_length, render_moving
from auris.acoustics.placed import Placed, PlacedSounds
from auris.acoustics.receivers import AmbisonicReceiver, OpenArrayReceiver, Receiver, receiver_for
from auris.acoustics.response_engine import LayeredEngine, ResponseEngine
from auris.acoustics.shoebox import ShoeboxAcoustics
from auris.audio import Audio
from auris.channels import ChannelLayout, mono
from auris.dsp.block_convolution import sounding_span
from auris.dsp.convolution import convolve
from auris.dsp.hrtf import DirectionalResponses
from auris.errors import LayoutError, ParameterError, unknown_name
from auris.scene import Scene

Float32 = NDArray[np.float32]
Engine = ResponseEngine | Literal["auto", "shoebox", "free_field"]

MOTIONS: tuple[Motion, ...] = ("doppler", "crossfade")


@dataclass(frozen=True, eq=False)
class Rendering:
    """What was heard, and what it was made of.

    Attributes:
        mixture: everything; exactly ``stems[0] + stems[1] + … + background``, added in that order in float32.
        stems: each source as heard, reverberation included; laid out when asked for.
        dry: each source as given, mono, at 1 m; laid out when asked for.
        background: noise, or None.
        scene: the scene; its tracks are the ground truth.
    """

    mixture: Audio
    stems: Sequence[Audio]
    dry: Sequence[Audio]
    background: Audio | None
    scene: Scene


def render(
    scene: Scene,
    dry: ArrayLike,
    *,
    layout: ChannelLayout | str,
    sample_rate: int,
    hrtf: DirectionalResponses | None = None,
    engine: Engine = "auto",
    motion: Motion = "doppler",
    keyframe_hop: float = KEYFRAME_HOP,
    ambience: ArrayLike | None = None,
) -> Rendering:
    """Render a scene.

    Reverberation rings on after events and ends with the scene.

    Args:
        scene: room, listener, sources, noise.
        dry: ``(S, N)``, the sound of each source at 1 m, already placed in time; shorter than the scene is padded with
            silence.
        layout: what receives: a :class:`ChannelLayout` or its name (``"foa"``, ``"binaural"``, …).
        sample_rate: 8000 to 96000 Hz.
        hrtf: head of a binaural layout; None takes the built-in head.
        engine: ``"auto"`` takes the shoebox engine in a room and the free field without one; an engine of your own or a
            measured one (:class:`~auris.acoustics.response_engine.ResponseEngine`) answers whatever the room.
        motion: ``"doppler"`` delays moving sound exactly; ``"crossfade"`` fades between static responses.
        keyframe_hop: seconds between the reflections' keyframes of moving sound; 0.02 is finer and costs twice as much.
        ambience: ``(C, N)`` the recording that the scene's background names (:mod:`auris.data.ambience`), at any level.

    Returns:
        Mixture, stems, dry sounds and noise, all ``round(duration * sample_rate)`` samples long.

    Raises:
        ParameterError: ``dry`` does not fit the scene, or a name is unknown.
        LayoutError: the engine gives another number of channels than the layout has.
        SceneError: the room is impossible, an engine cannot answer a position, or the ambience is not what the scene names.
    """
    if motion not in MOTIONS:
        raise ParameterError(unknown_name("motion", motion, MOTIONS))
    if not 0.001 <= keyframe_hop <= 1:
        raise ParameterError(f"keyframe_hop must lie between 0.001 and 1 s, got {keyframe_hop!r}")
    kind = ChannelLayout.parse(layout)
    length = max(1, round(scene.duration * sample_rate))
    sounds = _checked_dry(dry, scene, length)
    chosen = _engine_for(scene, kind, sample_rate, hrtf, engine)
    acoustics = None
    if scene.room is not None and isinstance(chosen, LayeredEngine):
        acoustics = ShoeboxAcoustics.from_room(scene.room, sample_rate)
    parts = [SoundInMotion(s, scene.listener, acoustics, scene.seed, i) for i, s in enumerate(scene.sources)]
    whole = Stretch(0, length, sample_rate)
    stems = {part.index: Placed(0, np.zeros((kind.channels, 0), np.float32)) for part in parts}  # of silence
    stems |= _resting(sounds, [p for p in parts if not p.moves], chosen, whole)
    stems |= _moving(sounds, [p for p in parts if p.moves], chosen, whole, motion=motion, hop=keyframe_hop)
    receiver = receiver_for(kind, sample_rate, hrtf=hrtf)
    given = None if ambience is None else np.asarray(ambience, dtype=np.float32)
    return _mixed(scene, sounds, list(stems.values()), receiver, layout=kind, whole=whole, ambience=given)


def render_batch(
    scenes: Sequence[Scene],
    dries: Sequence[ArrayLike],
    *,
    layout: ChannelLayout | str,
    sample_rate: int,
    hrtf: DirectionalResponses | None = None,
    engine: Engine = "auto",
    motion: Motion = "doppler",
    keyframe_hop: float = KEYFRAME_HOP,
    threads: int = 1,
) -> list[Rendering]:
    """Render many scenes, each bit for bit as :func:`render` would; engines and their tables are shared.

    Args:
        scenes: what to render.
        dries: the sources' sounds of each scene, ``(S, N)``.
        layout: as in :func:`render`.
        sample_rate: as in :func:`render`.
        hrtf: as in :func:`render`.
        engine: as in :func:`render`.
        motion: as in :func:`render`.
        keyframe_hop: as in :func:`render`.
        threads: scenes rendered at once; compiled code and transforms run without the interpreter lock.

    Raises:
        ParameterError: the numbers of scenes and of sounds differ; else as :func:`render`.
    """
    if len(scenes) != len(dries):
        raise ParameterError(f"{len(scenes)} scenes but sounds for {len(dries)}; give one array of dry sounds per scene")

    def one(pair: tuple[Scene, ArrayLike]) -> Rendering:
        return render(
            pair[0],
            pair[1],
            layout=layout,
            sample_rate=sample_rate,
            hrtf=hrtf,
            engine=engine,
            motion=motion,
            keyframe_hop=keyframe_hop,
        )

    pairs = list(zip(scenes, dries, strict=True))
    if threads <= 1:
        return [one(pair) for pair in pairs]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, pairs))


def _checked_dry(dry: ArrayLike, scene: Scene, length: int) -> list[Placed]:
    """Return each source's sound from its first to its last sample that is not zero; an empty one for silence."""
    sounds = np.asarray(dry, dtype=np.float32)
    if not scene.sources and sounds.size == 0:
        return []
    if sounds.ndim != 2 or sounds.shape[0] != len(scene.sources) or sounds.shape[1] > length:
        raise ParameterError(
            f"dry sounds must have shape ({len(scene.sources)} sources, at most {length} samples), got {sounds.shape}"
        )
    placed = [_without_silence(sound) for sound in sounds]
    for number, sound in enumerate(placed):
        if not np.all(np.isfinite(sound.samples)):
            raise ParameterError(f"the dry sound of source {number} has samples that are NaN or infinite; repair it first")
    return placed


def _without_silence(sound: Float32) -> Placed:
    span = sounding_span(sound)
    return Placed(span.start, sound[None, span].copy())


def _engine_for(
    scene: Scene, layout: ChannelLayout, sample_rate: int, hrtf: DirectionalResponses | None, engine: Engine
) -> ResponseEngine:
    if isinstance(engine, str):
        if engine not in ("auto", "shoebox", "free_field"):
            raise ParameterError(unknown_name("engine", engine, ["auto", "shoebox", "free_field"]))
        if engine == "shoebox" and scene.room is None:
            raise ParameterError("the shoebox engine needs a room, and this scene has none; give it one or use 'free_field'")
        in_room = scene.room is not None and engine != "free_field"
        return _shoebox_engine(layout, sample_rate, hrtf) if in_room else _free_field_engine(layout, sample_rate, hrtf)
    _check_layout(engine, layout)
    return engine


def _check_layout(engine: ResponseEngine, layout: ChannelLayout) -> None:
    """Refuse an engine whose channels mean something else than those of the layout."""
    if engine.channels != layout.channels:
        raise LayoutError(f"the engine gives {engine.channels} channels, layout {layout.name} has {layout.channels}")
    if isinstance(engine, MeasuredEngine) and engine.measured.layout != layout:
        raise LayoutError(
            f"these responses were measured as {engine.measured.layout.name}; they cannot be rendered as {layout.name}"
        )
    receiver = getattr(engine, "receiver", None)
    kinds = {AmbisonicReceiver: ("ambisonics",), OpenArrayReceiver: ("mono", "stereo", "array")}
    fitting = kinds.get(type(receiver), ("binaural", "array") if receiver is not None else (layout.kind,))
    if layout.kind not in fitting:
        raise LayoutError(f"the engine renders for {' or '.join(fitting)}, but layout {layout.name} was asked for")


@lru_cache(maxsize=16)
def _shoebox_engine(layout: ChannelLayout, sample_rate: int, hrtf: DirectionalResponses | None) -> ShoeboxEngine:
    return ShoeboxEngine(receiver_for(layout, sample_rate, hrtf=hrtf), sample_rate)


@lru_cache(maxsize=16)
def _free_field_engine(layout: ChannelLayout, sample_rate: int, hrtf: DirectionalResponses | None) -> FreeFieldEngine:
    return FreeFieldEngine(receiver_for(layout, sample_rate, hrtf=hrtf), sample_rate)


def _resting(sounds: list[Placed], parts: list[SoundInMotion], engine: ResponseEngine, whole: Stretch) -> dict[int, Placed]:
    """Return the stems of sources that rest: responses in one call of the engine where it is a room's, one convolution each."""
    parts = [part for part in parts if sounds[part.index].samples.size]
    if not parts:
        return {}
    acoustics = parts[0].acoustics
    if acoustics is not None:
        paths = joined([part.paths(emitted=0.0, heard=0.0) for part in parts])
        length = whole.length if whole.length < late_length(acoustics, whole.sample_rate) else None
        responses = list(engine.responses(paths, length=length))
    else:  # one by one: the length of a response must not depend on the other sources
        responses = [engine.responses(part.paths(emitted=0.0, heard=0.0))[0] for part in parts]
    stems = {}
    for part, response in zip(parts, responses, strict=True):
        sound = sounds[part.index]
        count = min(sound.samples.shape[1] + response.shape[1] - 1, whole.length - sound.start)
        stems[part.index] = Placed(sound.start, convolve(sound.samples, response[None], length=count)[0])
    return stems


def _moving(
    sounds: list[Placed], parts: list[SoundInMotion], engine: ResponseEngine, whole: Stretch, *, motion: Motion, hop: float
) -> dict[int, Placed]:
    """Return the stems of sources that move, or that are heard while moving."""
    stems = {}
    for part in parts:
        sound = sounds[part.index]
        if sound.samples.size:
            stretch = Stretch(sound.start, whole.length - sound.start, whole.sample_rate)
            stems[part.index] = Placed(
                sound.start, render_moving(sound.samples[0], part, engine, stretch, mode=motion, hop=hop)
            )
    return stems


def _mixed(
    scene: Scene,
    sounds: list[Placed],
    stems: list[Placed],
    receiver: Receiver,
    *,
    layout: ChannelLayout,
    whole: Stretch,
    ambience: Float32 | None,
) -> Rendering:
    """Add the stems, put noise under them, and wrap everything up."""
    length, sample_rate = whole.length, whole.sample_rate
    mixture: Float32 = np.zeros((layout.channels, length), np.float32)
    for stem in stems:
        stem.add_to(mixture)
    active = np.zeros(length, dtype=np.bool_)
    for _, event in scene.events():
        active[round(event.onset * sample_rate) : round(event.offset * sample_rate)] = True
    noise = render_background(
        scene.background,
        receiver,
        layout=layout,
        mixture=mixture,
        active=active,
        sample_rate=sample_rate,
        seed=scene.seed,
        ambience=ambience,
    )
    if noise is not None:
        mixture += noise
    return Rendering(
        mixture=Audio(mixture, sample_rate, layout),
        stems=PlacedSounds(stems, length, sample_rate, layout) if stems else (),
        dry=PlacedSounds(sounds, length, sample_rate, mono()) if sounds else (),
        background=None if noise is None else Audio(noise, sample_rate, layout),
        scene=scene,
    )
