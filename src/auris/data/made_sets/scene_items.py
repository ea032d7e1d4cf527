"""A drawn scene as an item of a set: rendered to one or more layouts, with the scene itself and its facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auris.acoustics.motion import Motion
from auris.acoustics.renderer import render
from auris.audio import Audio
from auris.channels import ChannelLayout
from auris.data.ambience import AmbienceFolder
from auris.data.dry import dry_signals
from auris.data.production.encoding import PEAK, AudioForm, Subtype, encoded_audio, fitted, json_bytes, scaled_to_peak
from auris.data.production.facts import scene_facts
from auris.data.production.maker import MadeFile, MadeItem
from auris.data.sound_bank import Bank
from auris.data.sound_settings import BankSettings
from auris.dsp.hrtf import DirectionalResponses
from auris.scene import Scene

Float32 = NDArray[np.float32]


class SetSounds:
    """The sounds and the ambience of a set, opened by the process that first needs them; it is sent to others unopened."""

    def __init__(self, sounds: BankSettings, *, ambience: str | None = None) -> None:
        """Say which: the sounds, and a folder of recorded ambience (:mod:`auris.data.ambience`) or None."""
        self.sounds = sounds
        self.ambience_folder = ambience

    def __getstate__(self) -> dict[str, Any]:
        return {"sounds": self.sounds, "ambience_folder": self.ambience_folder}

    @cached_property
    def bank(self) -> Bank:
        """Plays the sounds."""
        return self.sounds.open()

    @cached_property
    def ambience(self) -> AmbienceFolder | None:
        """Plays the ambience; None for none."""
        return None if self.ambience_folder is None else AmbienceFolder(self.ambience_folder)

    def to_dict(self) -> dict[str, Any]:
        """Return what decides about the bytes of a set, plain: not where things lie, but what they are called and hold."""
        takes = () if self.ambience is None else self.ambience.takes.values()
        return {**self.sounds.plain(), "ambience": {take.name: round(take.duration, 4) for take in takes}}


@dataclass(frozen=True)
class AudioForms:
    """How the audio of a set is written.

    Attributes:
        form: ``flac`` or ``wav``.
        subtype: ``PCM_16``, ``PCM_24``, or ``FLOAT`` (wav only), which knows no clipping.
        peak: None keeps the rendered level, and brings what would clip down to
            :data:`~auris.data.production.encoding.PEAK`; a number scales every recording so that its largest sample is this.
    """

    form: AudioForm = "flac"
    subtype: Subtype = "PCM_16"
    peak: float | None = None

    def encoded(self, audio: Audio) -> tuple[bytes, float]:
        """Return the bytes of a file and the gain in dB that its samples were given for it."""
        samples, gain_db = audio.samples, 0.0
        if self.peak is not None:
            samples, gain_db = scaled_to_peak(samples, self.peak)
        elif self.subtype != "FLOAT":
            samples, gain_db = fitted(samples, PEAK)
        levelled = Audio(samples, audio.sample_rate, audio.layout)
        return encoded_audio(levelled, form=self.form, subtype=self.subtype), gain_db


def scene_mixtures(
    scene: Scene,
    dry: Float32,
    layouts: Mapping[str, ChannelLayout | str],
    *,
    sample_rate: int,
    hrtf: DirectionalResponses | None = None,
    motion: Motion = "doppler",
    ambience: AmbienceFolder | None = None,
    snr_channels: Mapping[str, str] | None = None,
) -> dict[str, Audio]:
    """Render a scene to several layouts, one after the other, and keep what is heard of each.

    Args:
        scene: what to render.
        dry: what its sources emit (:func:`auris.data.dry.dry_signals`).
        layouts: what it is heard with, by the names of the recordings.
        sample_rate: hertz.
        hrtf: head of a binaural layout; None takes the built-in one.
        motion: how moving sound is rendered (:func:`auris.acoustics.renderer.render`).
        ambience: where the recording lies that the scene's background names.
        snr_channels: by recording, a channel for the background's ratios other than the scene's.

    Raises:
        SceneError: the room is impossible, or a source cannot be heard where it is.
        LayoutError: a layout is unknown.
        ParameterError: the ambience was not recorded in one of the layouts, or one lacks the channel of the ratios.
    """
    mixtures = {}
    for name, layout in layouts.items():
        channel = (snr_channels or {}).get(name, scene.background.snr_channel)
        heard = scene.with_(background=replace(scene.background, snr_channel=channel))
        under = None
        if ambience is not None:
            under = ambience.read(heard.background, layout, sample_rate=sample_rate, duration=scene.duration)
        rendering = render(heard, dry, layout=layout, sample_rate=sample_rate, hrtf=hrtf, motion=motion, ambience=under)
        mixtures[name] = rendering.mixture
    return mixtures


def audio_files(
    name: str, recordings: Mapping[str, Audio], forms: AudioForms, *, folder: str = "{}"
) -> tuple[list[MadeFile], dict[str, float]]:
    """Return a file for each recording, and the gains in dB by recording.

    Args:
        name: of the scene.
        recordings: by what they are called: the field of their files, without the ending.
        forms: how they are written.
        folder: where the files lie, ``{}`` being the recording: ``train/{}``, ``{}_dev``.
    """
    files, gains = [], {}
    for recording, audio in recordings.items():
        content, gains[recording] = forms.encoded(audio)
        place = folder.format(recording)
        files.append(MadeFile(f"{place}/{name}.{forms.form}", f"{recording}.{forms.form}", content))
    return files, gains


def scene_file(name: str, scene: Scene, *, below: str = "") -> MadeFile:
    """Return ``<below>scenes/<name>.json``: the scene, enough to render it again."""
    return MadeFile(f"{below}scenes/{name}.json", "scene.json", json_bytes(scene.to_dict()))


def rendered_item(
    name: str,
    scene: Scene,
    bank: Bank,
    layouts: Sequence[ChannelLayout | str],
    *,
    sample_rate: int,
    forms: AudioForms | None = None,
    hrtf: DirectionalResponses | None = None,
    motion: Motion = "doppler",
    ambience: AmbienceFolder | None = None,
) -> MadeItem:
    """Return a scene as an item: ``<layout>/<name>.flac`` for each layout, ``scenes/<name>.json``, and its facts.

    The facts are those of :func:`~auris.data.production.facts.scene_facts` and ``gain_db`` by layout.
    """
    kinds = {kind.name: kind for kind in map(ChannelLayout.parse, layouts)}
    dry = dry_signals(scene, bank, sample_rate)
    mixtures = scene_mixtures(scene, dry, kinds, sample_rate=sample_rate, hrtf=hrtf, motion=motion, ambience=ambience)
    files, gains = audio_files(name, mixtures, forms or AudioForms())
    facts = {**scene_facts(scene, sample_rate=sample_rate), "gain_db": gains}
    return MadeItem(name, (*files, scene_file(name, scene)), facts)
