"""The generator that ships: sounds of a few classes, each written with its place, for a pair of microphones.

Content and space are one code (:mod:`auris.models.scene_diffusion.codec`) that one diffusion transformer writes, told what
sounds, where it is at every moment, and in what room (parametric stereo as a small analogue of Both Ears Wide Open,
arXiv:2410.10676). Sounds of a clip are written side by side, each as if it were alone, and added at the levels of their
distances. A sound longer than the network sees at once is written in windows that overlap by half and are denoised together
(arXiv:2302.08113).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from auris import seeding
from auris.audio import Audio
from auris.channels import ChannelLayout
from auris.dsp.loudness import active_rms, from_decibels
from auris.errors import ParameterError, unknown_name
from auris.models.diffusion import cosine_sigmas, denoiser, sample, unit_noise
from auris.models.diffusion.denoising import Velocity
from auris.models.generating import GenerationRequest, RoomSize, SoundRequest
from auris.models.scene_diffusion.codec import StereoCodec
from auris.models.scene_diffusion.config import SceneDiffusionConfig
from auris.models.scene_diffusion.network import ROOMS, Conditions, SceneDiffusion, track_of

LEVEL_DB = -26.0  # active level of a sound at 1 m, dB re full scale
PEAK_DB = -3.0
_DRY = SoundRequest("content", 3.0, 3.0, distance=1.0)  # where content alone is written: in front, near, outdoors
_MOST_STEPS = 1000
_SILENT = 1e-7


class SceneGenerator(nn.Module):
    """Writes clips (:class:`auris.models.generating.Generator`).

    Attributes:
        architecture: name in the table of architectures.
        config_class: what it is built from.
        config: sizes and defaults.
        name: what it is called in tables and messages.
        codec: of sound into tokens and back.
        network: of the diffusion.

    Args:
        config: sizes and defaults.
        codec: fitted to sounds; None for one that is not, whose statistics are then to be loaded.
    """

    architecture = "scene_diffusion"
    config_class = SceneDiffusionConfig

    def __init__(self, config: SceneDiffusionConfig, *, codec: StereoCodec | None = None) -> None:
        super().__init__()
        self.config, self.name = config, self.architecture
        self.codec = StereoCodec(config.codec) if codec is None else codec
        self.network = SceneDiffusion(
            self.codec.width,
            len(config.labels),
            width=config.width,
            depth=config.depth,
            heads=config.heads,
            dropout=config.dropout,
        )

    @property
    def labels(self) -> tuple[str, ...]:
        """Classes it writes."""
        return self.config.labels

    @property
    def sample_rate(self) -> int:
        """Hertz."""
        return self.config.codec.sample_rate

    @property
    def layout(self) -> ChannelLayout:
        """A pair of omnidirectional microphones."""
        return ChannelLayout.parse(self.config.layout)

    @property
    def longest(self) -> float:
        """Seconds of the longest clip."""
        return self.config.longest

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.network.parameters()).device

    def class_of(self, description: str) -> int:
        """Return the number of the class that a description names: the class itself, or the only one among its words.

        Raises:
            ParameterError: it names none or several.

        >>> from auris.models.scene_diffusion.config import SceneDiffusionConfig
        >>> model = SceneGenerator(SceneDiffusionConfig(("dog", "sea_waves"), width=8, depth=1, heads=1))
        >>> model.class_of("Sea waves"), model.class_of("a dog barks")
        (1, 0)
        """
        text = " ".join(re.findall(r"[a-z0-9]+", description.lower()))
        names = [" ".join(re.findall(r"[a-z0-9]+", label.lower())) for label in self.labels]
        if text in names:
            return names.index(text)
        found = [number for number, name in enumerate(names) if re.search(rf"\b{re.escape(name)}s?\b", text)]
        if len(found) == 1:
            return found[0]
        if found:
            several = ", ".join(self.labels[number] for number in found)
            raise ParameterError(f"{description!r} names several classes ({several}); ask for one sound each")
        raise ParameterError(unknown_name("sound", description, self.labels))

    @torch.inference_mode()
    def generate(
        self,
        request: GenerationRequest,
        *,
        seed: int,
        steps: int | None = None,
        guidance: float | None = None,
        guidance_position: float | None = None,
        report: Callable[[int, int], None] | None = None,
    ) -> Audio:
        """Write a clip; see :meth:`auris.models.generating.Generator.generate`.

        A sound stays the same whatever other sounds the clip has. The clip's largest sample is at -3 dB re full scale.

        Raises:
            ParameterError: the clip is too long or has no sound, a sound is of no class that is known, or a setting is out of
                range.
        """
        if not request.sounds:
            raise ParameterError(f"{self.name} writes sounds that are named: give one to four, of {', '.join(self.labels)}")
        stems = self.stems(
            request.sounds,
            seconds=request.seconds,
            room=request.room,
            seed=seed,
            steps=steps,
            guidance=guidance,
            guidance_position=guidance_position,
            report=report,
        )
        mixture = sum(stem * np.float32(_gain(sound)) for stem, sound in zip(stems, request.sounds, strict=True))
        samples = np.asarray(mixture, dtype=np.float32)
        peak = float(np.abs(samples).max())
        return Audio(samples * np.float32(from_decibels(PEAK_DB) / max(peak, 1e-9)), self.sample_rate, self.layout)

    @torch.inference_mode()
    def stems(
        self,
        sounds: Sequence[SoundRequest],
        *,
        seconds: float,
        room: RoomSize = "outdoors",
        seed: int,
        steps: int | None = None,
        guidance: float | None = None,
        guidance_position: float | None = None,
        report: Callable[[int, int], None] | None = None,
    ) -> list[NDArray[np.float32]]:
        """Write sounds, each alone and at the level of 1 m.

        Returns:
            For each, ``(2, round(seconds * sample_rate))``.

        Raises:
            ParameterError: as :meth:`generate`.
        """
        classes = [self.class_of(sound.description) for sound in sounds]
        conditions = self._conditions(classes, sounds, seconds=seconds, room=room)
        latents = self._latents(
            conditions, seed, steps=steps, guidance=guidance, guidance_position=guidance_position, report=report
        )
        return [
            self._levelled(self.codec.decode(latent[None], seed=_stream(seed, number))[0], seconds)
            for number, latent in enumerate(latents)
        ]

    @torch.inference_mode()
    def mono(
        self,
        descriptions: Sequence[str],
        *,
        seconds: float,
        seed: int,
        steps: int | None = None,
        guidance: float | None = None,
        report: Callable[[int, int], None] | None = None,
    ) -> list[NDArray[np.float32]]:
        """Write what sounds alone, without a room, to be placed by others.

        Args:
            descriptions: one for each sound.
            seconds: length of all.
            seed: as for :meth:`generate`.
            steps: as there.
            guidance: as there.
            report: as there.

        Returns:
            For each, ``(round(seconds * sample_rate),)`` at an active level of -26 dB re full scale.

        Raises:
            ParameterError: as :meth:`generate`.
        """
        classes = [self.class_of(description) for description in descriptions]
        conditions = self._conditions(classes, [_DRY] * len(classes), seconds=seconds, room="outdoors")
        latents = self._latents(conditions, seed, steps=steps, guidance=guidance, guidance_position=None, report=report)
        content = latents[..., : self.codec.content_width]
        return [
            self._levelled(self.codec.decode_mono(one[None], seed=_stream(seed, number)), seconds)[0]
            for number, one in enumerate(content)
        ]

    def velocity(self, noised: Tensor, t: Tensor, conditions: Conditions) -> Tensor:
        """Return what the network answers for sounds of any length, longer ones window by window.

        Args:
            noised: ``(B, T, tokens)``.
            t: ``(B,)`` times.
            conditions: of B sounds.
        """
        count, window = noised.shape[1], self.config.window
        if count <= window:
            velocities: Tensor = self.network(noised, t, conditions)
            return velocities
        starts = _starts(count, window)
        parts = [
            Conditions(conditions.classes, conditions.tracks[:, start : start + window], conditions.rooms) for start in starts
        ]
        pieces = torch.cat([noised[:, start : start + window] for start in starts])
        answers = self.network(pieces, t.repeat(len(starts)), Conditions.stacked(parts)).chunk(len(starts))
        # What lies in two windows is mostly told by the one in whose middle it is.
        place = (torch.arange(window, device=noised.device) + 0.5) / window
        weight = torch.minimum(place, 1 - place)[:, None]
        total, weights = torch.zeros_like(noised), torch.zeros(count, 1, device=noised.device)
        for start, answer in zip(starts, answers, strict=True):
            total[:, start : start + window] += weight * answer
            weights[start : start + window] += weight
        return total / weights

    def _conditions(
        self, classes: Sequence[int], sounds: Sequence[SoundRequest], *, seconds: float, room: RoomSize
    ) -> Conditions:
        if not 0 < seconds <= self.longest:
            raise ParameterError(f"{self.name} writes clips of up to {self.longest:g} s, {seconds:g} s were asked for")
        count = max(self.codec.tokens(seconds), self.config.window)  # a shorter clip is the beginning of a longer one
        times = (np.arange(count) + 0.5) * self.codec.token_seconds / seconds
        tracks = [request_track(sound, np.minimum(times, 1.0)) for sound in sounds]
        rooms = torch.full((len(classes),), ROOMS.index(room))
        return Conditions(torch.tensor(classes), torch.stack(tracks), rooms).to(self.device)

    def _latents(
        self,
        conditions: Conditions,
        seed: int,
        *,
        steps: int | None,
        guidance: float | None,
        guidance_position: float | None,
        report: Callable[[int, int], None] | None,
    ) -> Tensor:
        count = self.config.steps if steps is None else steps
        if not 1 <= count <= _MOST_STEPS:
            raise ParameterError(f"the sampler takes 1 to {_MOST_STEPS} steps, got {count}")
        text = self.config.guidance if guidance is None else guidance
        position = self.config.guidance_position if guidance_position is None else guidance_position
        if not all(np.isfinite(scale) and scale >= 0 for scale in (text, position)):
            raise ParameterError(f"guidance is a number of at least 0, got {text} and {position} for the position")
        streams = [
            torch.Generator().manual_seed(_stream(seed, number)) for number in range(len(conditions.classes))
        ]  # one for each sound, which then does not depend on the others
        noise = unit_noise((len(streams), conditions.tracks.shape[1], self.codec.width), streams, device=self.device)
        velocity = self._guided(conditions, text=text, position=position)
        return sample(denoiser(velocity), noise, cosine_sigmas(count), method="dpmpp_2m_sde", eta=0.0, report=report)

    def _guided(self, conditions: Conditions, *, text: float, position: float) -> Velocity:
        """The network with guidance, of what is heard by the class and of where by the place.

        Guided by the class, delays would be exaggerated as well; so each part of a token goes further from what the network
        says without the condition that is its own.
        """
        parts = [conditions, conditions.without_class(len(self.labels)), conditions.without_place()]
        stacked = Conditions.stacked(parts if position != 1 else parts[:2])
        scales = torch.full((self.codec.width,), position, device=self.device)
        scales[: self.codec.content_width] = text

        def guided(noised: Tensor, t: Tensor) -> Tensor:
            copies = len(stacked.classes) // len(conditions.classes)
            given, *less = self.velocity(noised.repeat(copies, 1, 1), t.repeat(copies), stacked).chunk(copies)
            without = less[0].clone()
            split = self.codec.content_width
            without[..., split:] = less[-1][..., split:]  # with a scale of 1 it does not count
            return without + scales * (given - without)

        return guided

    def _levelled(self, waveform: Tensor, seconds: float) -> NDArray[np.float32]:
        """Cut a sound ``(channels, samples)`` to length, at the level of all sounds."""
        samples = waveform[:, : round(seconds * self.sample_rate)].float().cpu().numpy()
        level = active_rms(np.sqrt(np.mean(np.square(samples), axis=0)), self.sample_rate)
        gain = from_decibels(LEVEL_DB) / level if level > _SILENT else 1.0
        return np.asarray(samples * np.float32(gain), dtype=np.float32)


def request_track(sound: SoundRequest, times: NDArray[np.float64]) -> Tensor:
    """Return the place of a sound as the network is told it, ``(T, 4)``.

    It moves evenly in angle and in the logarithm of the distance.

    Args:
        sound: what is asked for.
        times: ``(T,)`` shares of the clip.
    """
    progress = sound.progress(times)
    distance = sound.distance * (sound.end_distance / sound.distance) ** progress
    azimuth = np.radians(45 * (3 - sound.direction(times)))
    return track_of(torch.as_tensor(azimuth), torch.as_tensor(distance))


def _gain(sound: SoundRequest) -> float:
    """The level of a sound against one at 1 m."""
    return float(1 / np.sqrt(sound.distance * sound.end_distance))


def _stream(seed: int, number: int) -> int:
    return seeding.derive(seed, "sound", number) >> 1


def _starts(count: int, window: int) -> list[int]:
    """Where windows begin: every half a window, and so that the last one ends where the sound does."""
    starts = list(range(0, count - window, window // 2))
    return [*starts, count - window]
