"""Latents of whole clips, encoded once by a frozen autoencoder and kept on disk as means and deviations.

What is drawn from them is drawn anew at every step, as if the autoencoder were there. A stretch begins at a latent frame; at
its ends it knows of the sound around it, which a stretch that is cut before it is encoded does not.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from auris.dsp.resampling import resample
from auris.errors import AurisError, FormatError
from auris.io.atomic import atomic_write
from auris.io.audio_files import probe, read_window
from auris.models.spatialsonic.config import SpatialSonicConfig
from auris.training.spatialsonic_clips import ListedClip

_TOLD = 1000  # clips between two lines of the log
_LOG = logging.getLogger("auris.training")


class KeptLatents:
    """Latents on disk, in a folder of their own for an autoencoder and a length.

    Args:
        folder: where they are kept.
        vae: ``AutoencoderOobleck``.
        config: of the model.
        least_frames: latent frames that a clip has at least; shorter ones are filled up with silence.
    """

    def __init__(self, folder: str | Path, vae: Any, config: SpatialSonicConfig, *, least_frames: int) -> None:
        self.config, self.least = config, least_frames
        self.folder = Path(folder) / f"{weights_digest(vae)}-{config.sample_rate}-{least_frames}"
        self._vae = vae

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_vae": None}  # processes that read ahead encode nothing

    def encode(self, clips: Sequence[ListedClip]) -> None:
        """Encode the clips that are not there yet; those whose audio is damaged are left out, and named in the log."""
        missing = [clip for clip in clips if not self.file(clip).is_file()]
        if missing:
            _LOG.warning("encoding %d clips into %s, once for all trainings with this autoencoder", len(missing), self.folder)
        for number, clip in enumerate(missing, start=1):
            try:
                self._write(clip)
            except AurisError as error:
                _LOG.warning("not encoded: %s", error)
            if number % _TOLD == 0:
                _LOG.info("encoded %d of %d clips", number, len(missing))

    def part(self, clip: ListedClip, *, frames: int, place: float) -> tuple[Tensor, int]:
        """Return means and deviations ``(2 * latents, frames)`` of a stretch of a clip, and the latent frame it begins at.

        Args:
            clip: one that was encoded.
            frames: of the stretch.
            place: where it begins among all places where it may, 0 to 1.

        Raises:
            FormatError: the clip was not encoded, or what was kept is damaged.
        """
        file = self.file(clip)
        try:
            kept = np.load(file, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise FormatError(f"{file}: no latents of {clip.audio} ({error}); delete it to encode the clip again") from None
        begin = int(place * (kept.shape[1] - frames + 1))
        return torch.from_numpy(np.asarray(kept[:, begin : begin + frames], dtype=np.float32)), begin

    def file(self, clip: ListedClip) -> Path:
        """Return where the latents of a clip are kept."""
        return self.folder / clip.table / f"{clip.audio.stem}.npy"

    @torch.inference_mode()
    def _write(self, clip: ListedClip) -> None:
        header, config = probe(clip.audio), self.config
        if header.channels != config.channels:
            raise FormatError(f"{clip.audio}: {header.channels} channels, but layout {config.layout} has {config.channels}")
        wave = resample(read_window(clip.audio, start=0, samples=header.frames), header.sample_rate, config.sample_rate)
        frames = max(-(-wave.shape[1] // config.vae.hop), self.least)
        padded = np.pad(wave, ((0, 0), (0, frames * config.vae.hop - wave.shape[1])))
        device = next(self._vae.parameters()).device
        found = self._vae.encode(torch.from_numpy(padded)[None].to(device)).latent_dist
        both = torch.cat([found.mean, found.std], dim=1)[0].to(torch.float16).cpu().numpy()
        with atomic_write(self.file(clip)) as temporary, open(temporary, "wb") as stream:
            np.save(stream, both, allow_pickle=False)


def weights_digest(network: torch.nn.Module) -> str:
    """Return a short name of the weights of a network."""
    digest = blake2b(digest_size=6)
    for name, value in sorted(network.state_dict().items()):
        digest.update(name.encode() + value.detach().cpu().float().contiguous().numpy().tobytes())
    return digest.hexdigest()
