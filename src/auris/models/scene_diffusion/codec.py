"""One sound, as two microphones hear it, as a short sequence of numbers, and back.

A token stands for a block of frames (0.19 s): what is heard (:mod:`auris.models.scene_diffusion.mel_latents`) and where
(:mod:`auris.models.scene_diffusion.spatial_numbers`). Small waveform autoencoders lose the delay between the ears, which says
where a sound is; here it is one number of the token and comes back exactly. Several sounds at once are several codes: their
delays do not add up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from auris.dsp.features.waveforms import checked, full_precision
from auris.errors import ParameterError
from auris.models.scene_diffusion.mel_latents import MelLatents, MelLevels
from auris.models.scene_diffusion.spatial_numbers import SpatialAnalysis, SpatialNumbers
from auris.models.scene_diffusion.vocoder import Decorrelator, FourierFrames, GriffinLim

DELAY_UNIT = 0.0005  # seconds


@dataclass(frozen=True)
class CodecConfig:
    """Everything that makes the codec.

    Attributes:
        sample_rate: hertz.
        n_fft: samples of a frame.
        hop: samples from one frame to the next.
        mels: bands of what is heard.
        block: frames in a token.
        components: numbers of a token that say what is heard.
        floor_db: level of silence in a band, dB re white noise at full scale; sounds are meant to have an active level of
            about -26 dB re full scale.
        edges: hertz, between the bands of level differences and coherence.
        longest_delay: seconds, the largest delay between the microphones that is looked for.
        iterations: steps of the Griffin-Lim algorithm.
    """

    sample_rate: int = 16_000
    n_fft: int = 1024
    hop: int = 256
    mels: int = 80
    block: int = 12
    components: int = 64
    floor_db: float = -80.0
    edges: tuple[float, ...] = (500.0, 1500.0, 4000.0)
    longest_delay: float = 0.00052
    iterations: int = 32

    def __post_init__(self) -> None:
        for name in ("sample_rate", "n_fft", "hop", "mels", "block", "components"):
            if getattr(self, name) < 1:
                raise ParameterError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.iterations < 0:
            raise ParameterError(f"iterations must not be negative, got {self.iterations}")
        corners = (0.0, *self.edges, self.sample_rate / 2)
        if any(high <= low for low, high in pairwise(corners)):
            raise ParameterError(
                f"edges must rise between 0 and half the sample rate, {self.sample_rate / 2:g} Hz; got {self.edges}"
            )
        if not 0 < self.longest_delay * self.sample_rate < self.n_fft / 4:
            raise ParameterError(
                f"longest_delay must be more than 0 s and less than a quarter of a frame, got {self.longest_delay}"
            )


class StereoCodec(nn.Module):
    """Encodes one sound heard by two omnidirectional microphones, and decodes it.

    Its parameters are the statistics of sounds (:meth:`fitted`), kept as buffers. Exchanging the two channels changes the sign
    of the delay and of the level differences, nothing else (:meth:`mirrored`).

    >>> codec = StereoCodec(CodecConfig())
    >>> codec.encode(torch.zeros(1, 2, 80_000)).shape
    torch.Size([1, 27, 73])
    """

    space_offset: Tensor
    space_scale: Tensor

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config = config
        bins, floor = config.n_fft // 2 + 1, 10 ** (config.floor_db / 10)
        self.frames = FourierFrames(n_fft=config.n_fft, hop=config.hop)
        self.mel = MelLevels(sample_rate=config.sample_rate, bins=bins, mels=config.mels, floor_db=config.floor_db)
        self.content = MelLatents(mels=config.mels, block=config.block, components=config.components)
        self.space = SpatialAnalysis(
            sample_rate=config.sample_rate,
            n_fft=config.n_fft,
            block=config.block,
            edges=config.edges,
            longest_delay=config.longest_delay,
            floor=floor,
        )
        self.griffin_lim = GriffinLim(self.frames, iterations=config.iterations)
        self.decorrelator = Decorrelator(self.frames, sample_rate=config.sample_rate)
        self.register_buffer("space_offset", torch.zeros(self.space_width))
        self.register_buffer("space_scale", torch.ones(self.space_width))

    @property
    def content_width(self) -> int:
        """Numbers of a token that say what is heard; they come first."""
        return self.config.components

    @property
    def space_width(self) -> int:
        """Numbers that say where: the delay, then the level difference of each band, then the angle of each."""
        return 1 + 2 * (len(self.config.edges) + 1)

    @property
    def width(self) -> int:
        """Numbers of a token."""
        return self.content_width + self.space_width

    @property
    def token_samples(self) -> int:
        """Samples that a token stands for."""
        return self.config.hop * self.config.block

    @property
    def token_seconds(self) -> float:
        """Seconds that a token stands for."""
        return self.token_samples / self.config.sample_rate

    def tokens(self, seconds: float) -> int:
        """Return how many tokens hold a sound of this length; the last one may be longer than what is left of it."""
        return max(1, -(-round(seconds * self.config.sample_rate) // self.token_samples))

    @classmethod
    def fitted(cls, config: CodecConfig, mono: Iterable[Tensor], stereo: Iterable[Tensor]) -> StereoCodec:
        """Return a codec with the statistics of examples.

        Args:
            config: its sizes.
            mono: what sounds, batches ``(B, samples)``, for the components of what is heard.
            stereo: what is heard of one sound each, batches ``(B, 2, samples)``, for the spread of where it is heard.

        Raises:
            ParameterError: there are too few examples.
        """
        codec = cls(config)
        codec.content.fit(codec.levels(batch) for batch in mono)
        codec._fit_space([codec._numbers(codec._spectra(batch)) for batch in stereo])
        return codec

    def _fit_space(self, numbers: Sequence[Tensor]) -> None:
        if not numbers:
            raise ParameterError("the spread of where sounds are heard needs examples, got none")
        rows = torch.cat([batch.flatten(0, 1) for batch in numbers])
        # Left and right are alike: delays and level differences have no mean.
        odd = self._odd()[self.content_width :]
        offset = torch.where(odd, torch.zeros(()), rows.mean(dim=0))
        self.space_offset.copy_(offset)
        self.space_scale.copy_((rows - offset).square().mean(dim=0).sqrt().clamp(min=1e-2))

    @torch.no_grad()
    def levels(self, mono: Tensor) -> Tensor:
        """Return mel levels ``(B, tokens * block, mels)`` in dB of waveforms ``(B, samples)``."""
        spectra = self._spectra(mono[:, None].expand(-1, 2, -1))
        levels: Tensor = self.mel(spectra[:, 0].abs().square())
        return levels

    @torch.no_grad()
    def encode(self, stereo: Tensor, *, delays: Tensor | None = None) -> Tensor:
        """Return latents ``(B, tokens, width)`` of about unit variance.

        Args:
            stereo: ``(B, 2, samples)``, left then right, at ``config.sample_rate``; silence makes the last token whole.
            delays: ``(B, tokens)`` seconds by which the left channel leads, where they are known; otherwise they are measured.

        Raises:
            LayoutError: these are not two channels.
            ParameterError: there are no samples, or not as many delays as tokens.
        """
        spectra = self._spectra(stereo)
        tokens = spectra.shape[2] // self.config.block
        if delays is not None and delays.shape != (stereo.shape[0], tokens):
            raise ParameterError(f"delays must have shape {(stereo.shape[0], tokens)}, got {tuple(delays.shape)}")
        content = self.content(self.mel(spectra.abs().square().mean(dim=1)))
        space = (self._numbers(spectra, delays=delays) - self.space_offset) / self.space_scale
        return torch.cat([content, space], dim=-1)

    @torch.no_grad()
    def encode_mono(self, mono: Tensor) -> Tensor:
        """Return the content alone, ``(B, tokens, content_width)``, of waveforms ``(B, samples)``."""
        content: Tensor = self.content(self.levels(mono))
        return content

    @torch.no_grad()
    def decode(self, latents: Tensor, *, seed: int) -> Tensor:
        """Return waveforms ``(B, 2, tokens * token_samples)`` of latents ``(B, tokens, width)``.

        Args:
            latents: as from :meth:`encode`.
            seed: of the phases, which the latents do not tell.

        Raises:
            ParameterError: the latents have another width.
        """
        self._check(latents, self.width)
        generator = torch.Generator().manual_seed(seed)
        mono = self._mono(latents[..., : self.content_width], generator)
        spectra = self.frames(mono)
        other = self.decorrelator(mono, spectra, generator=generator)
        stereo: Tensor = self.frames.inverse(self.space.placed(spectra, other, self.numbers(latents)))
        return stereo

    @torch.no_grad()
    def decode_mono(self, content: Tensor, *, seed: int) -> Tensor:
        """Return waveforms ``(B, tokens * token_samples)`` of content ``(B, tokens, content_width)``."""
        self._check(content, self.content_width)
        return self._mono(content, torch.Generator().manual_seed(seed))

    def numbers(self, latents: Tensor) -> SpatialNumbers:
        """Return where latents ``(B, tokens, width)`` are heard, in seconds, decibels and radians."""
        space = latents[..., self.content_width :] * self.space_scale + self.space_offset
        longest, bands = self.config.longest_delay, self.space.band_count
        delays = (space[..., 0] * DELAY_UNIT).clamp(-longest, longest)
        return SpatialNumbers(delays, space[..., 1 : 1 + bands], space[..., 1 + bands :].clamp(0, torch.pi))

    def mirrored(self, latents: Tensor) -> Tensor:
        """Return the latents of the same sound with left and right exchanged."""
        return torch.where(self._odd().to(latents.device), -latents, latents)

    def _odd(self) -> Tensor:
        """Which numbers of a token change their sign when left and right change places."""
        place = torch.arange(self.width)
        return (place >= self.content_width) & (place <= self.content_width + self.space.band_count)

    def _mono(self, content: Tensor, generator: torch.Generator) -> Tensor:
        magnitudes = self.mel.power(self.content.levels(content)).sqrt()
        mono: Tensor = self.griffin_lim(magnitudes, generator=generator)
        return mono

    def _numbers(self, spectra: Tensor, *, delays: Tensor | None = None) -> Tensor:
        numbers = self.space.measure(spectra, delays=delays)
        return torch.cat([numbers.delays[..., None] / DELAY_UNIT, numbers.levels, numbers.angles], dim=-1)

    def _spectra(self, stereo: Tensor) -> Tensor:
        stereo = checked(stereo, 2, "sound of a pair of microphones").to(self.frames.window)
        with full_precision(stereo):
            spectra: Tensor = self.frames(nn.functional.pad(stereo, (0, -stereo.shape[-1] % self.token_samples)))
        return spectra

    def _check(self, latents: Tensor, width: int) -> None:
        if latents.ndim != 3 or latents.shape[-1] != width or not latents.shape[1]:
            raise ParameterError(f"latents must have shape (batch, tokens, {width}), got {tuple(latents.shape)}")
