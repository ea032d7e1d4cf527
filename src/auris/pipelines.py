"""The verbs, as functions: ``simulate`` a scene to audio, ``listen`` to audio to get a scene."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from auris.audio import Audio
from auris.channels import ChannelLayout
from auris.errors import LayoutError, ParameterError
from auris.scene import Scene
from auris.seeding import derive

if TYPE_CHECKING:
    from auris.acoustics.renderer import Rendering
    from auris.data.sound_bank import Bank
    from auris.dsp.hrtf import DirectionalResponses
    from auris.models.seld_crnn import SeldCrnn

_DEFAULT_LISTENERS = {"ambisonics": "first-listener-foa", "binaural": "first-listener-binaural"}


def sound_bank(sounds: str | Path | Bank | None = None) -> Bank:
    """Return a bank of sounds: a folder with one sub-folder per class, or the synthesised sounds that ship (None).

    Raises:
        FormatError: the folder is missing or holds no usable sound.
    """
    from auris.data.sound_bank import ProceduralBank, SoundBank

    if sounds is None:
        return ProceduralBank()
    return SoundBank(sounds) if isinstance(sounds, str | Path) else sounds


def sample_scene(preset: str = "demo", *, sounds: str | Path | Bank | None = None, seed: int = 0, index: int = 0) -> Scene:
    """Draw scene number ``index`` of a preset; the same arguments give the same scene.

    Args:
        preset: name in :data:`auris.data.scene_sampler.PRESETS`.
        sounds: where the sounds come from, as in :func:`sound_bank`.
        seed: seed of the whole series.
        index: which scene of the series.

    Raises:
        SceneError: the preset cannot be satisfied with these sounds.
        ParameterError: the preset is unknown.
    """
    from auris.data.scene_sampler import PRESETS
    from auris.data.scene_sampler import sample_scene as draw
    from auris.errors import unknown_name

    if preset not in PRESETS:
        raise ParameterError(unknown_name("preset", preset, PRESETS))
    return draw(PRESETS[preset], sound_bank(sounds), seed=derive(seed, "scene", index))


def simulate(
    scene: Scene | str | Path,
    *,
    layout: ChannelLayout | str = "binaural",
    sample_rate: int = 24_000,
    sounds: str | Path | Bank | None = None,
    hrtf: str | Path | DirectionalResponses | None = None,
    motion: Literal["doppler", "crossfade"] = "doppler",
) -> Rendering:
    """Render a scene to audio.

    Args:
        scene: a scene, or the path of a scene file.
        layout: what the listener is: mono, stereo, binaural, foa, hoa2 … hoa7, tetra, or any :class:`ChannelLayout`.
        sample_rate: 8000 to 96000 Hz.
        sounds: where the events' sounds come from, as in :func:`sound_bank`. Events without a sound get one of their class.
        hrtf: SOFA file or set of responses for binaural; None is the built-in head model.
        motion: ``"doppler"`` renders moving sources with a varying delay, ``"crossfade"`` between standing responses.

    Returns:
        The mixture, one wet stem and the dry signal per source, the background, and the scene itself as ground truth.

    Raises:
        SceneError: the scene or its sounds cannot be rendered.
        LayoutError: the layout is unknown or unsupported.
        FormatError: a file cannot be read.
    """
    from auris.acoustics.renderer import render
    from auris.data.dry import dry_signals
    from auris.io.scene_files import read_scene

    resolved = scene if isinstance(scene, Scene) else read_scene(scene)
    bank = sound_bank(sounds)
    dry = dry_signals(resolved, bank, sample_rate)
    responses = read_hrtf_file(hrtf) if isinstance(hrtf, str | Path) else hrtf
    return render(resolved, dry, layout=ChannelLayout.parse(layout), sample_rate=sample_rate, hrtf=responses, motion=motion)


def read_hrtf_file(path: str | Path) -> DirectionalResponses:
    """Read a SOFA file of head-related impulse responses."""
    from auris.io.sofa import read_hrtf

    return read_hrtf(path)
