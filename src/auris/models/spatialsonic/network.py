"""SpatialSonic: stereo sound from words and directions by latent diffusion (Both Ears Wide Open, arXiv:2410.10676).

An autoencoder of waveforms and a diffusion transformer, both those of stable-audio-open (arXiv:2407.14358) and modules of
diffusers, conditioned by words (T5), by where the clip begins and how long it is, and by the azimuths of its sounds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from auris.audio import Audio
from auris.channels import ChannelLayout
from auris.errors import CheckpointError, ParameterError, unknown_name
from auris.io.atomic import write_text
from auris.models import pretrained
from auris.models.configuration import dataclass_from, plain_of
from auris.models.diffusion import Velocity, denoiser, guided, guided_twice, polyexponential_sigmas, sample, unit_noise
from auris.models.generating import GenerationRequest
from auris.models.spatialsonic.autoencoder import build_autoencoder
from auris.models.spatialsonic.azimuth_matrix import AzimuthTrack, state_matrices
from auris.models.spatialsonic.conditioning import Conditions, Drop, SecondsConditioner, assembled, checked_drops, words_kept
from auris.models.spatialsonic.config import TEXT_ENCODER, SpatialSonicConfig
from auris.models.spatialsonic.position import PositionConditioner
from auris.models.spatialsonic.prompt_encoder import PromptEncoder, load_prompt_encoder, refuse_unfit_encoder
from auris.models.spatialsonic.transformer import build_transformer, predicted, set_precision
from auris.seeding import derive

Precision = Literal["float32", "float16", "bfloat16"]


class SpatialSonic(nn.Module):
    """Autoencoder, transformer and conditioners in one; see :class:`auris.models.generating.Generator`.

    The prompt encoder is no part of its weights: it is frozen, and looked up when the first prompt comes.

    Args:
        config: what it is made of.
        prompt_encoder: it, or its name or folder; None takes the configuration's.

    Attributes:
        name: what it is called in tables and messages.
        vae: ``AutoencoderOobleck``.
        dit: ``StableAudioDiTModel``.
        numbers: conditioner of the two lengths of time.
        position: None for a model that reads prompts alone.
    """

    architecture = "spatialsonic"
    config_class = SpatialSonicConfig

    def __init__(self, config: SpatialSonicConfig, *, prompt_encoder: PromptEncoder | str | Path | None = None) -> None:
        super().__init__()
        self.config, self.name = config, self.architecture
        self.vae = build_autoencoder(config)
        self.dit = build_transformer(config)
        self.numbers = SecondsConditioner(config.condition_width, most=config.most_seconds)
        self.position = (
            PositionConditioner(config.position, width=config.condition_width, tokens=config.prompt_tokens)
            if config.position is not None
            else None
        )
        # In a list, so that it is no part of the weights, of what is trained, or of what is averaged.
        self._prompt_encoder: list[PromptEncoder | str | Path] = [prompt_encoder or config.prompt_encoder]

    @property
    def prompt_encoder(self) -> PromptEncoder:
        """The encoder of prompts, loaded when it is first needed.

        Raises:
            CheckpointError: it is not on this disk, or does not fit.
        """
        encoder = self._prompt_encoder[0]
        with torch.inference_mode(False):  # it may be needed first by generate, and later by training
            if not isinstance(encoder, PromptEncoder):
                if encoder == TEXT_ENCODER:
                    raise ParameterError("the configuration says that the prompt encoder belongs to the model; give it one")
                refuse_unfit_encoder(encoder, width=self.config.condition_width)
                encoder = self._prompt_encoder[0] = load_prompt_encoder(encoder, tokens=self.config.prompt_tokens)
            return encoder.to(self.device)

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return next(self.numbers.parameters()).device

    @property
    def layout(self) -> ChannelLayout:
        """What its channels mean."""
        return ChannelLayout.parse(self.config.layout)

    @property
    def sample_rate(self) -> int:
        """Sample rate it writes at, hertz."""
        return self.config.sample_rate

    @property
    def longest(self) -> float:
        """The longest clip it writes, seconds."""
        return self.config.longest

    @property
    def labels(self) -> None:
        """It takes any words."""
        return

    def encode(
        self, wave: Tensor, *, sample: Literal["mean", "random"] = "mean", generator: torch.Generator | None = None
    ) -> Tensor:
        """Return latents (batch, latents, frames) of waveforms (batch, channels, samples).

        Args:
            wave: what is left behind the last whole frame is not encoded.
            sample: the mean of the autoencoder's distribution, or a draw from it as in training.
            generator: of the draw; None takes torch's own.
        """
        whole = self.config.latent_frames(wave.shape[-1]) * self.config.vae.hop
        found = self.vae.encode(wave[..., :whole]).latent_dist
        latents: Tensor = found.mode() if sample == "mean" else found.sample(generator)
        return latents

    def decode(self, latents: Tensor) -> Tensor:
        """Return waveforms (batch, channels, frames * hop) of latents (batch, latents, frames)."""
        wave: Tensor = self.vae.decode(latents).sample
        return wave

    def velocity(self, latents: Tensor, t: Tensor, context: Tensor, globals: Tensor) -> Tensor:  # noqa: A002
        """Return what the transformer predicts, like ``latents``: ``v = alpha * noise - sigma * clean``.

        Args:
            latents: (batch, latents, frames), noised, of unit variance.
            t: (batch,) times, 0 (clean) to 1 (noise alone).
            context: of :meth:`context`.
            globals: of :meth:`context`.
        """
        return predicted(self.dit, latents, t, Conditions(context, globals), rotated=self.config.dit.rotated)

    def context(
        self,
        prompts: Sequence[str] | Tensor,
        sounds: Sequence[Sequence[AzimuthTrack]],
        *,
        seconds_start: Sequence[float] | Tensor,
        seconds_total: Sequence[float] | Tensor,
        drop: Sequence[Drop] | None = None,
    ) -> Conditions:
        """Return what the transformer is conditioned with.

        Args:
            prompts: of each clip, or their tokens (batch, tokens, width) as the prompt encoder gives them.
            sounds: of each clip, where its sounds are; a model without positions passes over them.
            seconds_start: of each clip, where in its recording it begins.
            seconds_total: of each clip, how long its recording is.
            drop: of each clip, what of all this is left out.

        Raises:
            CheckpointError: the prompt encoder is not on this disk.
            ParameterError: there is not one of everything for each clip, or a clip has too many sounds.
        """
        clips = len(prompts)
        if not clips or {len(sounds), len(seconds_start), len(seconds_total)} != {clips}:
            raise ParameterError(
                f"every clip has a prompt, sounds (perhaps none), a beginning and a length; got {clips}, {len(sounds)}, "
                f"{len(seconds_start)} and {len(seconds_total)}"
            )
        drops = checked_drops(drop, clips=clips)
        words = prompts.to(self.device) if isinstance(prompts, Tensor) else self.prompt_encoder(prompts)
        start, total = (
            torch.as_tensor(seconds, dtype=torch.float32, device=self.device) for seconds in (seconds_start, seconds_total)
        )
        begins, lasts = self.numbers(start, total)
        return assembled(words, begins, lasts, self._position_tokens(words_kept(words, drops), sounds), drops)

    def _position_tokens(self, words: Tensor, sounds: Sequence[Sequence[AzimuthTrack]]) -> Tensor | None:
        if self.position is None or self.config.position is None:
            return None
        matrices = state_matrices(sounds, sounds=self.config.position.sounds, columns=self.config.condition_width)
        tokens: Tensor = self.position(words, matrices.to(words))
        return tokens

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
        """Write a clip; see :class:`auris.models.generating.Generator`.

        It is made of whole latent frames (2048 samples as published), so up to one of them shorter than asked for. Levels are
        as they are decoded, and may pass full scale. Distances and the room only count as far as the prompt speaks of them.
        """
        settings = self.config.sampling
        frames = self._frames(request.seconds)
        with _evaluated(self):
            velocity = self._guided(
                request,
                guidance=settings.guidance if guidance is None else guidance,
                guidance_position=settings.guidance_position if guidance_position is None else guidance_position,
            )
            draws = torch.Generator().manual_seed(derive(seed, "spatialsonic"))
            latents = sample(
                denoiser(velocity),
                unit_noise((1, self.config.vae.latents, frames), draws, device=self.device),
                polyexponential_sigmas(
                    settings.steps if steps is None else steps, sigma_min=settings.sigma_min, sigma_max=settings.sigma_max
                ),
                generator=draws,
                report=report,
            )
            wave = self.decode(latents)[0].float().cpu().numpy()
        return Audio(wave, self.sample_rate, self.layout)

    def _frames(self, seconds: float) -> int:
        """How many latent frames a clip has."""
        frames = self.config.latent_frames(round(seconds * self.sample_rate))
        if seconds > self.longest or frames < 1:
            least = self.config.vae.hop / self.sample_rate
            raise ParameterError(f"{self.name} writes clips of {least:.2g} to {self.longest:g} s, {seconds:g} s are asked for")
        return frames

    def _guided(self, request: GenerationRequest, *, guidance: float, guidance_position: float | None) -> Velocity:
        """The transformer under a request, guided by all conditions as one, or by words and directions apart."""
        separate = self.config.drops == "separate"
        if guidance_position is not None and not separate:
            raise ParameterError(
                f"{self.name} was trained to leave out words and directions together, so that guidance_position has no "
                "meaning; give guidance alone"
            )
        drops: tuple[Drop, ...] = ("nothing", "position", "all") if separate else ("nothing", "all")
        spread = self.config.position.spread if self.config.position is not None else "coarse"
        tracks = [AzimuthTrack.of(sound, spread=spread) for sound in request.sounds]
        copies = len(drops)
        conditions = self.context(
            self.prompt_encoder([request.prompt]).expand(copies, -1, -1),
            [tracks] * copies,
            seconds_start=[0.0] * copies,
            seconds_total=[request.seconds] * copies,
            drop=drops,
        )

        def velocity(latents: Tensor, t: Tensor) -> Tensor:
            return self.velocity(latents, t, *conditions)

        if not separate:
            return guided(velocity, scale=guidance)
        return guided_twice(velocity, text=guidance, position=guidance if guidance_position is None else guidance_position)

    def placed(self, device: str | torch.device, *, precision: Precision | None = None) -> SpatialSonic:
        """Move the model to where it is to compute, and return it.

        Args:
            device: of torch.
            precision: of the transformer, which is most of the model and of its work; None is half precision on a GPU, as the
                published program computes, and float32 elsewhere. Everything else stays in float32.

        Raises:
            ParameterError: the precision is unknown.
        """
        chosen = precision or ("float16" if torch.device(device).type == "cuda" else "float32")
        if chosen not in get_args(Precision):
            raise ParameterError(unknown_name("precision", chosen, get_args(Precision)))
        set_precision(self.dit, getattr(torch, chosen))
        return self.to(device)

    def save_pretrained(self, folder: str | Path, *, card: str) -> None:
        """Write a model folder: weights, configuration and card; a prompt encoder that is only named is not copied.

        Raises:
            FormatError: the folder cannot be written.
        """
        target = Path(folder)
        pretrained.write_weights(self.state_dict(), target, architecture=self.architecture)
        if self.config.prompt_encoder == TEXT_ENCODER:
            self.prompt_encoder.save(target / TEXT_ENCODER)
        plain = {"format": pretrained.FORMAT_VERSION, "architecture": self.architecture, "config": plain_of(self.config)}
        write_text(target / pretrained.CONFIG, json.dumps(plain, indent=2) + "\n")
        write_text(target / pretrained.CARD, card)

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | Path,
        *,
        prompt_encoder: str | Path | None = None,
        prompts: Literal["encoded", "unused"] = "encoded",
        device: str = "cpu",
        precision: Precision | None = None,
    ) -> SpatialSonic:
        """Load a model, ready to write (in evaluation mode), with another prompt encoder than it names.

        Args:
            name_or_path: a model folder, as for :func:`auris.models.from_pretrained`.
            prompt_encoder: another place of the prompt encoder: name on the Hugging Face Hub of what was fetched before, or a
                folder.
            prompts: ``unused`` does not ask for a prompt encoder: the autoencoder needs none, nor do tokens computed before.
            device: where it computes.
            precision: of the transformer; see :meth:`placed`.

        Raises:
            CheckpointError: there is no such model, or a part is missing, damaged, or does not fit.
            MissingDependency: diffusers or transformers is not installed.
            ParameterError: the precision is unknown.
        """
        folder = pretrained.model_folder(name_or_path)
        plain = pretrained.read_config(folder)
        if plain["architecture"] != cls.architecture:
            raise CheckpointError(f"{folder}: a {plain['architecture']}, not a {cls.architecture}")
        model = cls.from_folder(folder, plain["config"], prompt_encoder=prompt_encoder, prompts=prompts)
        model.name = str(name_or_path) if str(name_or_path) in pretrained.SHIPPED else folder.name
        return model.placed(device, precision=precision)

    @classmethod
    def from_folder(
        cls,
        folder: Path,
        plain: dict[str, Any],
        *,
        prompt_encoder: str | Path | None = None,
        prompts: Literal["encoded", "unused"] = "encoded",
    ) -> SpatialSonic:
        """Load what :meth:`save_pretrained` wrote; arguments and errors as for :meth:`from_pretrained`.

        Args:
            folder: the model's.
            plain: its configuration.
            prompt_encoder: instead of the configuration's.
            prompts: whether the prompt encoder is asked for.
        """
        config: SpatialSonicConfig = dataclass_from(SpatialSonicConfig, plain, where=str(folder / pretrained.CONFIG))
        place = prompt_encoder or (folder / TEXT_ENCODER if config.prompt_encoder == TEXT_ENCODER else config.prompt_encoder)
        if prompts == "encoded":
            refuse_unfit_encoder(place, width=config.condition_width)  # before gigabytes are read
        with pretrained.weights_unset():
            model = cls(config, prompt_encoder=place)
        # The file is mapped into memory, and its numbers become the weights as they lie there.
        pretrained.assign_weights(model, pretrained.read_weights(folder), where=str(folder / pretrained.WEIGHTS))
        return model.eval()


@contextmanager
def _evaluated(model: nn.Module) -> Iterator[None]:
    """Put a model in evaluation mode for a while: a training may ask it for a clip."""
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)
