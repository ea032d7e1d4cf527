"""The verbs, as functions: ``simulate`` a scene to audio, ``listen`` to audio to get a scene."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from auris.audio import Audio
from auris.channels import ChannelLayout
from auris.errors import LayoutError, ParameterError
from auris.scene import Scene
from auris.seeding import derive

if TYPE_CHECKING:
    import torch

    from auris.acoustics.measured import MeasuredEngine
    from auris.acoustics.renderer import Rendering
    from auris.acoustics.response_engine import ResponseEngine
    from auris.data.ambience import AmbienceFolder
    from auris.data.scene_presets import ScenePreset
    from auris.data.sound_bank import Bank
    from auris.dsp.hrtf import DirectionalResponses
    from auris.models.answering import Answerer
    from auris.models.clip_listening import ClipModel
    from auris.models.listening import FrameListener, Hearing, Reading
    from auris.models.rotation_averaging import TestTimeAveraging

_DEFAULT_LISTENERS = {"ambisonics": "nano-foa", "binaural": "nano-binaural", "stereo": "nano-stereo"}
_PIECE_SECONDS = 10.0  # of a file are read at a time


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
    ambience: str | Path | AmbienceFolder | None = None,
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
        ambience: folder of the recording that the scene's background names, where it names one.

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
    under = None
    if ambience is not None:
        from auris.data.ambience import AmbienceFolder

        folder = ambience if isinstance(ambience, AmbienceFolder) else AmbienceFolder(ambience)
        under = folder.read(resolved.background, receiver, sample_rate=sample_rate, duration=resolved.duration)
    return render(
        resolved,
        dry,
        layout=receiver,
        sample_rate=sample_rate,
        hrtf=responses,
        engine=engine,
        motion=motion,
        ambience=under,
    )


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
    model: str | Path | FrameListener | ClipModel | None = None,
    layout: ChannelLayout | str | None = None,
    threshold: float | Sequence[float] | Mapping[str, float] | None = None,
    hop: float | None = None,
    tta: TestTimeAveraging = "none",
    reading: Reading = "events",
    device: str = "auto",
    batch: int | None = None,
    report: Callable[[float], None] = lambda _seconds: None,
) -> Scene:
    """Hear who sounds in a recording, when, from where and how far.

    A file is read in pieces, so that its length does not matter. Networks that say no distance (PSELDNets) give scenes whose
    sources stand 1 m away, in the direction they were heard from; :func:`hearing` keeps what is known apart from that.

    Args:
        audio: audio, or the path of a file.
        model: name or folder of a listener, or a loaded one; None takes the shipped one for the layout.
        layout: what the channels of a file are, where neither the file nor a chosen model says it.
        threshold: activity 0..1 above which a class counts as heard, instead of the model's own: one number, one per class, or
            some by class name.
        hop: seconds from one block of the recording to the next, whose outputs are averaged; None does not average. Models that
            hear whole clips join windows that overlap, None is a quarter of a clip.
        tta: test-time averaging, ``acs`` over rotations of first-order ambisonics (audio channel swapping; 16 times the work).
        reading: ``events`` follows sounds through time; ``frames`` decides in each frame anew, as challenge systems do.
        device: where a model given by name computes: ``cpu``, ``cuda``, or ``auto`` for a graphics card where there is one. A
            loaded model stays where it is.
        batch: blocks heard at a time; None is one on a processor and more on a graphics card.
        report: called with the seconds read so far, piece by piece.

    Returns:
        The heard scene: the listener rests at the origin, events carry a ``confidence`` and no sound. It can be rendered
        again with :func:`simulate`.

    Raises:
        LayoutError: no listener for this layout, or nothing says what the channels are.
        ParameterError: a setting is impossible.
        FormatError: the file cannot be read.
        CheckpointError: the model cannot be loaded.
    """
    heard = hearing(
        audio,
        model=model,
        layout=layout,
        threshold=threshold,
        hop=hop,
        tta=tta,
        device=device,
        batch=batch,
        report=report,
    )
    return heard.scene(reading)


def hearing(
    audio: Audio | str | Path,
    *,
    model: str | Path | FrameListener | ClipModel | None = None,
    layout: ChannelLayout | str | None = None,
    threshold: float | Sequence[float] | Mapping[str, float] | None = None,
    hop: float | None = None,
    tta: TestTimeAveraging = "none",
    device: str = "auto",
    batch: int | None = None,
    report: Callable[[float], None] = lambda _seconds: None,
) -> Hearing:
    """Listen as :func:`listen`, and return what the network said in every frame, which can be read as scene or as rows."""
    from auris.io.audio_files import read_blocks
    from auris.models.detections import class_thresholds
    from auris.models.listening import hear_pieces
    from auris.models.rotation_averaging import averaged_over_rotations

    named = None if model is None else listener_for(layout, model=model, device=device)
    resolved = layout_of(audio, layout, listener=named)
    listener = named or listener_for(resolved, device=device)
    settings = None if threshold is None else class_thresholds(threshold, listener.labels, settings=listener.detection)
    pieces: Iterable[Audio] = (
        [audio] if isinstance(audio, Audio) else read_blocks(audio, seconds=_PIECE_SECONDS, layout=resolved)
    )
    averaged = averaged_over_rotations(listener, tta)
    return hear_pieces(averaged, _reported(pieces, report), settings=settings, hop=hop, batch=batch)


def _reported(pieces: Iterable[Audio], report: Callable[[float], None]) -> Iterator[Audio]:
    """Pass pieces on and tell how many seconds have gone by."""
    seconds = 0.0
    for piece in pieces:
        yield piece
        seconds += piece.duration
        report(seconds)


def listener_for(
    layout: ChannelLayout | str | None, *, model: str | Path | FrameListener | ClipModel | None = None, device: str = "auto"
) -> FrameListener:
    """Return the listener asked for, or the shipped one for a layout.

    Models that hear whole clips (Spatial-AST, DSpAST) listen in windows (:mod:`auris.models.clip_listening`).

    Args:
        layout: what the channels of the audio are; not looked at where a model is given.
        model: name or folder of a listener, or a loaded one, which is returned as it is or in windows.
        device: where a model that is loaded here computes, see :func:`listen`.

    Raises:
        LayoutError: no shipped listener hears this layout.
        CheckpointError: the model cannot be loaded.
        ParameterError: there is no such device.
    """
    from auris.models.clip_listening import in_windows
    from auris.models.pretrained import from_pretrained

    if model is not None and not isinstance(model, str | Path):
        return in_windows(model)
    where = device_named(device)
    if model is None:
        parsed = ChannelLayout.parse(layout or "")
        if parsed.kind not in _DEFAULT_LISTENERS or parsed.order not in (None, 1):
            accepted = "binaural, stereo (a pair of microphones 0.17 m apart) or first-order ambisonics (foa)"
            raise LayoutError(
                f"no listener ships for {parsed.name} audio; give {accepted}, or name a model with its own layout"
            )
        model = _DEFAULT_LISTENERS[parsed.kind]
    return in_windows(from_pretrained(model).to(where))


def device_named(name: str) -> torch.device:
    """Return a device; ``auto`` is a graphics card where there is one.

    Raises:
        ParameterError: there is no such device.
    """
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ParameterError(f"unknown device {name!r}; accepted: auto, cpu, cuda, cuda:1 …") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ParameterError(
            f"there is no device {name!r}: torch sees {torch.cuda.device_count()} graphics cards; use auto or cpu"
        )
    return device


def layout_of(
    audio: Audio | str | Path, layout: ChannelLayout | str | None = None, *, listener: FrameListener | Answerer | None = None
) -> ChannelLayout:
    """Return what the channels of a recording are: as asked for, as it says itself, or as a chosen model needs them.

    Raises:
        LayoutError: nothing says it, the number of channels does not fit, or the chosen listener hears another layout.
        FormatError: the file cannot be read.
    """
    from auris.io.audio_files import probe, resolve_layout

    if isinstance(audio, Audio):
        if layout is not None and ChannelLayout.parse(layout) != audio.layout:
            raise LayoutError(f"the audio is {audio.layout.name}, but layout {ChannelLayout.parse(layout).name} was asked for")
        return _heard_layout(audio.layout, listener)
    header = probe(audio)
    if layout is not None or header.layout is not None or listener is None:
        return _heard_layout(resolve_layout(header, layout), listener, where=str(header.path))
    if header.channels == listener.layout.channels:
        return listener.layout
    return _heard_layout(header.channels, listener, where=str(header.path))


def _heard_layout(given: ChannelLayout | int, listener: FrameListener | Answerer | None, *, where: str = "") -> ChannelLayout:
    """Return the layout given, if the listener hears it; a number of channels is no layout that any listener hears."""
    from auris.models.wrong_layout import wrong_layout

    if isinstance(given, ChannelLayout) and (listener is None or given == listener.layout):
        return given
    assert listener is not None
    raise wrong_layout(given, listener.layout, where=where)
