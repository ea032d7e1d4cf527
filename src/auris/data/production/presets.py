"""The kinds of sets that can be made, by name: the only place that lists them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from auris.data.production.maker import Maker
from auris.data.sound_settings import BankSettings
from auris.errors import ParameterError, unknown_name


@dataclass(frozen=True)
class Preset:
    """One kind of set.

    Attributes:
        name: as on the command line.
        summary: one line about it.
        module: where its settings and its maker are; imported when asked for.
        settings: name of the dataclass of its distributions there; every field is documented and can be changed.
        maker: name of the maker's class there, called with ``(settings, items=, sounds=, seed=)``.
        sounds: whether recordings are ``used`` (synthesised ones without a folder), ``needed``, or ``none`` are heard.
    """

    name: str
    summary: str
    module: str
    settings: str
    maker: str
    sounds: Literal["used", "needed", "none"] = "used"

    @property
    def settings_class(self) -> Any:
        """The dataclass of settings. It has a property ``item_seconds``: seconds of audio in one item (0 for no audio)."""
        return getattr(importlib.import_module(self.module), self.settings)

    def create(self, settings: Any, *, items: int, sounds: BankSettings, seed: int) -> Maker:
        """Return a maker of ``items`` items.

        Raises:
            ParameterError: the settings contradict each other or the sounds.
            FormatError: the sounds cannot be read.
        """
        kind = getattr(importlib.import_module(self.module), self.maker)
        maker: Maker = kind(settings, items=items, sounds=sounds, seed=seed)
        return maker


def _entries() -> tuple[Preset, ...]:
    sets = "auris.data.made_sets"
    return (
        Preset(
            "pseldnets",
            "one-minute static scenes in foa/ mic/ sum/ metadata/, as PSELDNets pre-trains on",
            f"{sets}.pseldnets",
            "PseldnetsSettings",
            "PseldnetsMaker",
        ),
        Preset(
            "dcase2022",
            "moving scenes by the rules of DCASE's synthetic data",
            f"{sets}.dcase2022",
            "Dcase2022Settings",
            "Dcase2022Maker",
        ),
        Preset(
            "spatial-sound-qa",
            "clips, room responses, and questions with answers, as BAT trains on",
            f"{sets}.spatial_sound_qa",
            "SpatialSoundQaSettings",
            "SpatialSoundQaMaker",
        ),
        Preset(
            "bewo",
            "stereo clips with captions: single, moving, double and mixed sources, as BEWO-1M",
            f"{sets}.bewo",
            "BewoSettings",
            "BewoMaker",
        ),
        Preset(
            "reverb-bank",
            "room responses in the layout of SpatialSoundQA (mp3d_reverb)",
            f"{sets}.reverb_rooms",
            "ReverbRoomsSettings",
            "ReverbRoomsMaker",
            sounds="none",
        ),
        Preset(
            "active",
            "houses, responses between all places, and episodes, as SoundSpaces lays them out",
            f"{sets}.active",
            "ActiveSettings",
            "ActiveMaker",
        ),
        Preset("custom", "scenes of your own distributions, in any layouts", f"{sets}.custom", "CustomSettings", "CustomMaker"),
    )


PRESETS: Mapping[str, Preset] = {entry.name: entry for entry in _entries()}


def preset_named(name: str) -> Preset:
    """Return a preset.

    Raises:
        ParameterError: there is none of that name.
    """
    if name not in PRESETS:
        raise ParameterError(unknown_name("kind of set", name, PRESETS))
    return PRESETS[name]
