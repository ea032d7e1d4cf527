"""The verbs, as functions: ``simulate`` a scene to audio, ``listen`` to audio to get a scene."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from auris.audio import Audio
from auris.channels import ChannelLayout
from auris.errors import LayoutError
from auris.scene import Scene
from auris.seeding import derive

if TYPE_CHECKING:
    from auris.acoustics.measured import MeasuredEngine
    from auris.acoustics.renderer import Rendering
    from auris.acoustics.response_engine import ResponseEngine
    from auris.data.scene_presets import ScenePreset
    from auris.data.sound_bank import Bank
    from auris.dsp.hrtf import DirectionalResponses
    from auris.models.listening import FrameListener

_DEFAULT_LISTENERS = {"ambisonics": "first-listener-foa", "binaural": "first-listener-binaural"}


def sound_bank(sounds: str | Path | Bank | None = None) -> Bank:
    """Return a bank of sounds: a folder with one sub-folder per class, or the synthesised sounds that ship (None).

    Raises:
        FormatError: the folder is missing or holds no usable sound.
    """
    from auris.data.sound_bank import open_bank

    return open_bank(sounds) if sounds is None or isinstance(sounds, str | Path) else sounds


def sample_scene(
    preset: str | ScenePreset = "demo", *, sounds: str | Path | Bank | None = None, seed: int = 0, index: int = 0
) -> Scene:
    """Draw scene number ``index`` of a preset; the same arguments give the same scene.

    Args:
        preset: name in :data:`auris.data.scene_presets.PRESETS`, or ranges of your own.
        sounds: where the sounds come from, as in :func:`sound_bank`.
        seed: seed of the whole series.
        index: which scene of the series.

    Raises:
        SceneError: the preset cannot be satisfied with these sounds.
        ParameterError: the preset is unknown.
    """
    from auris.data.scene_sampler import sample_scene as draw

    scene = draw(preset, sound_bank(sounds), derive(seed, "scene", index))
    return scene.with_(name=f"{preset if isinstance(preset, str) else 'scene'}, seed {seed}, number {index}")


def simulate(
    scene: Scene | str | Path,
    *,
    layout: ChannelLayout | str = "binaural",
    sample_rate: int = 24_000,
    sounds: str | Path | Bank | None = None,
    hrtf: str | Path | DirectionalResponses | None = None,
    engine: ResponseEngine | Literal["auto", "shoebox", "free_field"] = "auto",
    motion: Literal["doppler", "crossfade"] = "doppler",
) -> Rendering:
    """Render a scene to audio.

    Args:
        scene: a scene, or the path of a scene file.
        layout: what the listener is: mono, stereo, binaural, foa, hoa2 … hoa7, tetra, or any :class:`ChannelLayout`.
        sample_rate: 8000 to 96000 Hz.
        sounds: where the events' sounds come from, as in :func:`sound_bank`. Events without a sound get one of their class.
        hrtf: SOFA file or set of responses for binaural; None is the built-in head model.
        engine: ``"auto"`` is image sources and a statistical tail in a room, the direct sound without one; or an engine of
            your own: measured responses (:func:`measured_engine`), a polyhedral room
            (:mod:`auris.acoustics.polyhedral`), the torch engine (:mod:`auris.acoustics.torch_engine`).
        motion: ``"doppler"`` renders moving sources with a varying delay, ``"crossfade"`` between standing responses.

    Returns:
        The mixture, one wet stem and the dry signal per source, the background, and the scene itself as ground truth.

    Raises:
        SceneError: the scene or its sounds cannot be rendered.
        LayoutError: the layout is unknown or unsupported.
        FormatError: a file cannot be read.
    """
    from auris.acoustics.renderer import render
    from auris.data.dry import dry_signals, with_sounds
    from auris.io.scene_files import read_scene

    resolved = scene if isinstance(scene, Scene) else read_scene(scene)
    bank = sound_bank(sounds)
    resolved = with_sounds(resolved, bank, seed=resolved.seed)
    dry = dry_signals(resolved, bank, sample_rate)
    responses = read_hrtf_file(hrtf) if isinstance(hrtf, str | Path) else hrtf
    receiver = ChannelLayout.parse(layout)
    return render(resolved, dry, layout=receiver, sample_rate=sample_rate, hrtf=responses, engine=engine, motion=motion)


def read_hrtf_file(path: str | Path) -> DirectionalResponses:
    """Read a SOFA file of head-related impulse responses."""
    from auris.io.sofa import read_hrtf

    return read_hrtf(path)


def measured_engine(
    path: str | Path, *, sample_rate: int = 24_000, layout: ChannelLayout | str | None = None
) -> MeasuredEngine:
    """Return an engine of measured room responses, for :func:`simulate`; its layout is ``engine.measured.layout``.

    Args:
        path: a SOFA file (SingleRoomSRIR, MultiSpeakerBRIR, …), or a folder of WAV files with ``positions.csv``.
        sample_rate: of the rendering; the responses are resampled to it.
        layout: what the channels are, where the files do not say.

    Raises:
        FormatError: the responses cannot be read.
        LayoutError: nothing says what their channels are.
    """
    from auris.acoustics.measured import MeasuredEngine, read_response_folder
    from auris.io.sofa import read_room_responses

    read = read_response_folder if Path(path).is_dir() else read_room_responses
    return MeasuredEngine(read(path, layout=layout), sample_rate)


def listen(
    audio: Audio | str | Path,
    *,
    model: str | Path | FrameListener | None = None,
    layout: ChannelLayout | str | None = None,
    threshold: float | None = None,
    report: Callable[[float], None] = lambda _seconds: None,
) -> Scene:
    """Hear who sounds in a recording, when, from where and how far.

    A file is read in blocks, so that its length does not matter.

    Args:
        audio: audio, or the path of a file.
        model: name or folder of a listener, or a loaded one; None takes the shipped one for the layout.
        layout: what the channels of a file are, where the file does not say.
        threshold: activity 0..1 above which a class counts as heard, instead of the model's own.
        report: called with the seconds read so far, block by block.

    Returns:
        The heard scene: the listener rests at the origin, events carry a ``confidence`` and no sound. It can be rendered
        again with :func:`simulate`.

    Raises:
        LayoutError: no listener for this layout, or nothing says what the channels are.
        FormatError: the file cannot be read.
        CheckpointError: the model cannot be loaded.
    """
    from auris.io.audio_files import read_blocks
    from auris.models.listening import BLOCK_SECONDS, CONTEXT_SECONDS, blocks_of, hear_blocks

    resolved = _layout_of(audio, layout)
    listener = listener_for(resolved, model=model)
    settings = None if threshold is None else replace(listener.detection, threshold=threshold)
    if isinstance(audio, Audio):
        blocks = blocks_of(audio)
    else:
        blocks = read_blocks(audio, seconds=BLOCK_SECONDS, overlap=2 * CONTEXT_SECONDS, layout=resolved)
    return hear_blocks(listener, _reported(blocks, report, shared=2 * CONTEXT_SECONDS), settings=settings)


def _reported(blocks: Iterator[Audio], report: Callable[[float], None], *, shared: float) -> Iterator[Audio]:
    """Pass blocks on and tell how many seconds have gone by."""
    seconds = shared
    for block in blocks:
        yield block
        seconds += block.duration - shared
        report(seconds)


def listener_for(layout: ChannelLayout | str, *, model: str | Path | FrameListener | None = None) -> FrameListener:
    """Return the listener asked for, or the shipped one for a layout.

    Raises:
        LayoutError: no shipped listener hears this layout.
        CheckpointError: the model cannot be loaded.
    """
    from auris.models.pretrained import from_pretrained

    parsed = ChannelLayout.parse(layout)
    if model is None:
        if parsed.kind not in _DEFAULT_LISTENERS or parsed.order not in (None, 1):
            accepted = "binaural or first-order ambisonics (foa)"
            raise LayoutError(
                f"no listener ships for {parsed.name} audio; give {accepted}, or name a model with its own layout"
            )
        model = _DEFAULT_LISTENERS[parsed.kind]
    return from_pretrained(model) if isinstance(model, str | Path) else model


def _layout_of(audio: Audio | str | Path, layout: ChannelLayout | str | None) -> ChannelLayout:
    from auris.io.audio_files import probe, resolve_layout

    if not isinstance(audio, Audio):
        return resolve_layout(probe(audio), layout)
    if layout is not None and ChannelLayout.parse(layout) != audio.layout:
        raise LayoutError(f"the audio is {audio.layout.name}, but layout {ChannelLayout.parse(layout).name} was asked for")
    return audio.layout
