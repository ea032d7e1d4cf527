"""What a generator of scenes learns from: stems as tokens, each with what it is, where, and in what room.

Stems are simulated once (:mod:`auris.training.generator_stems`), the codec is fitted to some of them, and all are encoded once.
A batch is a function of its number: crops of stems at random moments, every second one with left and right exchanged.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset

from auris import seeding
from auris.channels import STEREO_SPACING
from auris.errors import ParameterError
from auris.models.pretrained import assign_weights, read_weights, write_weights
from auris.models.scene_diffusion.codec import CodecConfig, StereoCodec
from auris.models.scene_diffusion.network import Conditions, track_of
from auris.training.generator_recipe import GeneratorRecipe, PlacedStemsRecipe
from auris.training.generator_stems import PATH_RATE, PlacedStems, made_stems, read_arrays, read_stems, write_arrays

if TYPE_CHECKING:
    from auris.training.loop import Task

SPEED_OF_SOUND = 343.2  # m/s, of the scenes
_ENCODED_AT_ONCE = 16

_LOG = logging.getLogger("auris.training")


class TokenBatch(NamedTuple):
    """A batch of crops.

    Attributes:
        latents: (B, T, width) clean tokens.
        classes: (B,) numbers of the labels.
        tracks: (B, T, 4) places (:func:`auris.models.scene_diffusion.network.track_of`).
        rooms: (B,) numbers of the rooms.
    """

    latents: Tensor
    classes: Tensor
    tracks: Tensor
    rooms: Tensor

    @property
    def conditions(self) -> Conditions:
        """What the network is told."""
        return Conditions(self.classes, self.tracks, self.rooms)


class TokenStems:
    """Encoded stems, all in memory.

    Args:
        batch: all of them as one batch of whole stems.
        codec: that encoded them.
        window: tokens of a crop.
        seed: of the crops.

    Raises:
        ParameterError: stems are shorter than a crop.
    """

    def __init__(self, batch: TokenBatch, codec: StereoCodec, *, window: int, seed: int) -> None:
        self.whole, self.codec, self.window, self.seed = batch, codec, window, seed
        self.spare = batch.latents.shape[1] - window
        if self.spare < 0:
            shortest = window * codec.token_seconds
            raise ParameterError(
                f"stems have {batch.latents.shape[1]} tokens, the network's window {window}; "
                f"set stems.scenes.duration to {shortest:.2f} s or more"
            )

    def __len__(self) -> int:
        return len(self.whole.classes)

    def crops(self, number: int, count: int) -> TokenBatch:
        """Return batch ``number`` of ``count`` crops."""
        rng = seeding.generator(self.seed, "crops", number)
        rows = torch.from_numpy(
            rng.permutation(len(self))[:count] if count <= len(self) else rng.integers(len(self), size=count)
        )
        starts = torch.from_numpy(rng.integers(self.spare + 1, size=count))
        turned = torch.from_numpy(rng.random(count) < 0.5)
        places = starts[:, None] + torch.arange(self.window)
        latents, tracks = self.whole.latents[rows[:, None], places], self.whole.tracks[rows[:, None], places]
        latents = torch.where(turned[:, None, None], self.codec.mirrored(latents), latents)
        tracks = torch.where(turned[:, None, None], tracks * torch.tensor([1.0, -1.0, 1.0, 1.0]), tracks)
        return TokenBatch(latents, self.whole.classes[rows], tracks, self.whole.rooms[rows])


class CropBatches(IterableDataset[TokenBatch]):
    """The batches of the present epoch that are still to train on; several processes take turns."""

    def __init__(self, stems: TokenStems, task: Task) -> None:
        super().__init__()
        self.stems, self.task = stems, task

    def __iter__(self) -> Iterator[TokenBatch]:
        """Yield batches."""
        world, rank = self.task.place
        first = self.task.batches
        for number in range(first, first + self.task.remaining_batches):
            yield self.stems.crops(number * world + rank, self.task.budget.batch)


class HeldOutBatches(IterableDataset[TokenBatch]):
    """The batches of a validation, always the same."""

    def __init__(self, stems: TokenStems, *, batches: int, batch: int) -> None:
        super().__init__()
        self.stems, self.batches, self.batch = stems, batches, batch

    def __iter__(self) -> Iterator[TokenBatch]:
        """Yield batches."""
        for number in range(self.batches):
            yield self.stems.crops(number, self.batch)


def fitted_codec(recipe: GeneratorRecipe, config: CodecConfig, files: Sequence[Path]) -> StereoCodec:
    """Return the codec of a recipe, fitted to its stems once and kept beside them.

    Raises:
        FormatError: stems or the codec on disk are damaged.
    """
    folder = codec_folder(recipe, config, files)
    codec = StereoCodec(config)
    if (folder / "model.safetensors").is_file():
        assign_weights(codec, read_weights(folder), where=str(folder))
        return codec
    used = files[: -(-recipe.codec_stems // recipe.stems.shard_size)]
    _LOG.warning("fitting the codec to the stems of %d files", len(used))
    codec = StereoCodec.fitted(config, (wave[:, 0] for wave in _waves(used)), _waves(used))
    write_weights(codec.state_dict(), folder, architecture="stereo_codec")
    return codec


def codec_folder(recipe: GeneratorRecipe, config: CodecConfig, files: Sequence[Path]) -> Path:
    """Return where the codec of a recipe and what it encodes are kept."""
    told = repr((asdict(config), recipe.codec_stems, recipe.stems.digest(recipe.labels)))
    return files[0].parent / f"tokens-{blake2b(told.encode(), digest_size=6).hexdigest()}"


def token_stems(recipe: GeneratorRecipe, config: CodecConfig, codec: StereoCodec | None = None, *, window: int) -> TokenStems:
    """Return the stems of a recipe as tokens; what is missing is simulated, fitted and encoded first, once.

    Args:
        recipe: which stems.
        config: of the codec.
        codec: that is fitted already; None for that of these stems.
        window: tokens of a crop.

    Raises:
        FormatError: recordings are missing, or files are damaged or cannot be written.
        ParameterError: the stems do not fit the network.
    """
    scenes = recipe.stems.scenes
    if config.sample_rate != scenes.sample_rate or scenes.spacing != STEREO_SPACING:
        raise ParameterError(
            f"stems of {scenes.sample_rate} Hz and {scenes.spacing:g} m between microphones; "
            f"the codec has {config.sample_rate} Hz, generators {STEREO_SPACING:g} m"
        )
    files = made_stems(recipe.stems, recipe.labels)
    chosen = fitted_codec(recipe, config, files) if codec is None else codec
    return TokenStems(_encoded(recipe.stems, chosen, files), chosen, window=window, seed=recipe.seed)


def held_out_stems(recipe: GeneratorRecipe, codec: StereoCodec, *, window: int) -> TokenStems:
    """Return the held-out stems of a recipe as tokens of a codec fitted to others.

    Raises:
        FormatError: as :func:`token_stems`.
        ParameterError: as :func:`token_stems`.
    """
    stems = recipe.stems.held_out
    files = made_stems(stems, recipe.labels)
    return TokenStems(_encoded(stems, codec, files), codec, window=window, seed=recipe.validation.seed)


def _encoded(recipe: PlacedStemsRecipe, codec: StereoCodec, files: Sequence[Path]) -> TokenBatch:
    """The tokens of files, encoded where that was not done yet by this very codec."""
    state = b"".join(value.cpu().numpy().tobytes() for value in codec.state_dict().values())
    name = blake2b(repr(asdict(codec.config)).encode() + state, digest_size=6).hexdigest()
    parts = []
    for file in files:
        target = file.parent / f"encoded-{name}" / file.name
        if not target.is_file():
            write_arrays(target, encoded(read_stems(file), codec))
        parts.append(read_arrays(target, TokenBatch._fields))
    columns = {field: torch.from_numpy(np.concatenate([part[field] for part in parts])) for field in TokenBatch._fields}
    return TokenBatch(**{**columns, "latents": columns["latents"].float(), "tracks": columns["tracks"].float()})


def encoded(stems: PlacedStems, codec: StereoCodec) -> dict[str, NDArray[np.generic]]:
    """Return stems as the fields of a :class:`TokenBatch`, latents in half precision.

    The delay between the microphones is that of the direct sound, as geometry has it, not a measured one.
    """
    waves = stems.waveforms
    tokens = waves.shape[2] // codec.token_samples
    moments = ((np.arange(tokens)[:, None] + np.linspace(0.05, 0.95, 8)) * codec.token_seconds * PATH_RATE).astype(int)
    moments = np.minimum(moments, stems.azimuths.shape[1] - 1)
    azimuths, distances = stems.azimuths[:, moments], stems.distances[:, moments]  # (S, tokens, 8)
    delays = torch.from_numpy(direct_delays(azimuths, distances).mean(axis=2)).float()
    tracks = track_of(torch.from_numpy(azimuths), torch.from_numpy(distances)).mean(dim=2)
    latents = [
        codec.encode(
            torch.from_numpy(waves[first : first + _ENCODED_AT_ONCE, :, : tokens * codec.token_samples]),
            delays=delays[first : first + _ENCODED_AT_ONCE],
        )
        for first in range(0, len(stems), _ENCODED_AT_ONCE)
    ]
    return {
        "latents": torch.cat(latents).half().numpy(),
        "classes": stems.classes,
        "tracks": tracks.numpy(),
        "rooms": stems.rooms,
    }


def direct_delays(azimuths: NDArray[np.floating], distances: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the seconds by which the left microphone of a pair hears a level source earlier than the right one."""
    x, y = distances * np.cos(azimuths), distances * np.sin(azimuths)
    half = STEREO_SPACING / 2
    return np.asarray((np.hypot(x, y + half) - np.hypot(x, y - half)) / SPEED_OF_SOUND, dtype=np.float64)


def _waves(files: Sequence[Path]) -> Iterator[Tensor]:
    for file in files:
        yield torch.from_numpy(read_stems(file).waveforms)
