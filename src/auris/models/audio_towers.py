"""What of a listener a language model reads: tokens of a clip, before anything is decided.

Networks of whole clips (Spatial-AST, DSpAST) give the tokens of their last block, as published. Networks of frames give one
token for each class: what the head gathered about it in every frame, averaged over the clip by how much the class was heard.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from auris.channels import ChannelLayout
from auris.errors import CheckpointError
from auris.models.clip_transformer import ClipTransformer
from auris.models.seld_crnn import SeldCrnn

_LOUD = 0.25  # activities above it count in full
_FAINT = 0.05  # of fainter ones, directions are not blown up to full length


class AudioTower(Protocol):
    """A listener as a language model hears with it.

    Attributes:
        listener: the network; it is saved with the model.
        width: of the tokens.
        layout: what it listens to.
        sample_rate: hertz.
        clip_seconds: what it hears at a time.
    """

    listener: Any
    width: int
    layout: ChannelLayout
    sample_rate: int
    clip_seconds: float

    def __call__(self, waveform: Tensor) -> Tensor:
        """Return tokens ``(batch, tokens, width)`` of waveforms ``(batch, channels, samples)``."""
        ...


class ClipTower(nn.Module):
    """All tokens of the last block of a network of clips: three class tokens, then the patches."""

    def __init__(self, listener: ClipTransformer) -> None:
        super().__init__()
        self.listener, self.width = listener, listener.token_width
        self.layout, self.sample_rate, self.clip_seconds = listener.layout, listener.sample_rate, listener.clip_seconds

    def forward(self, waveform: Tensor) -> Tensor:
        """Return tokens ``(batch, 3 + patches, width)``."""
        with torch.autocast(waveform.device.type, enabled=False):
            features = self.listener.features(waveform.float())
        return self.listener.tokens(features)


class FrameTower(nn.Module):
    """A token for each class of a network of frames.

    Args:
        listener: the network.
        clip_seconds: what it is to hear at a time.
    """

    def __init__(self, listener: SeldCrnn, *, clip_seconds: float = 10.0) -> None:
        super().__init__()
        self.listener, self.clip_seconds = listener, clip_seconds
        self.layout, self.sample_rate = listener.layout, listener.sample_rate
        self.width = self._width()

    @torch.no_grad()
    def _width(self) -> int:
        training = self.listener.training
        self.listener.eval()  # its statistics must not learn the silence
        device = next(self.listener.parameters()).device
        silence = torch.zeros(1, self.layout.channels, self.listener.frame_samples, device=device)
        width = self(silence).shape[-1]
        self.listener.train(training)
        return int(width)

    def forward(self, waveform: Tensor) -> Tensor:
        """Return tokens ``(batch, classes, width)``."""
        outputs, details = self.listener.gathered(self.listener.features(waveform))
        cues = frame_cues(waveform, self.listener.frame_samples)[:, :, None].expand(-1, -1, outputs.shape[3], -1)
        return class_tokens(outputs, cues if details is None else torch.cat([cues, details], dim=-1))


def frame_cues(waveform: Tensor, samples: int) -> Tensor:
    """Return what of each frame tells how far its sounds are: level, and share of the power that all channels have in common.

    Networks of frames hear levels only against each other. A near sound is louder, and its direct sound, the same in all
    channels but for a factor, is more of what is heard; of a diffuse field each channel has its own.

    Args:
        waveform: ``(batch, channels, samples)``.
        samples: of a frame.

    Returns:
        ``(batch, frames, 2)``: level in tens of decibels above -30, and the largest eigenvalue of the channels' covariance
        against its trace, after a first difference, without which low frequencies are all there is.
    """
    padded = functional.pad(waveform, (1, -waveform.shape[-1] % samples)).diff(dim=-1)
    frames = padded.reshape(*waveform.shape[:2], -1, samples).transpose(1, 2)  # (B, T, channels, samples)
    covariance = frames @ frames.transpose(-1, -2) / samples
    power = covariance.diagonal(dim1=-2, dim2=-1).sum(dim=-1)
    level = 10 * (power / waveform.shape[1] + 1e-10).log10()
    common = torch.linalg.eigvalsh(covariance.float())[..., -1] / (power + 1e-10)
    return torch.stack([(level + 30) / 10, common], dim=-1)


def class_tokens(outputs: Tensor, details: Tensor | None) -> Tensor:
    """Return what was heard of each class in a clip.

    Args:
        outputs: ``(batch, frames, tracks, classes, 4)``, or with more behind, of :class:`auris.models.ears_head.EarsHead`.
        details: what else is known of each class in each frame, ``(batch, frames, classes, units)``; None where nothing is.

    Returns:
        ``(batch, classes, width)``: places, details, how loud and how long it was heard, and which class it is.
    """
    activity = outputs[..., :3].norm(dim=-1)  # (B, T, K, C)
    weights = activity.square() + 1e-6
    weights = weights / weights.sum(dim=(1, 2), keepdim=True)
    direction = outputs[..., :3] / activity.clamp(min=_FAINT)[..., None]
    parts = [direction, outputs[..., 3:4]]
    if outputs.shape[-1] > 4:  # ears: in front or behind, and how far
        odds = outputs[..., 4:5].clamp(-8, 8) / 4
        parts += [odds, direction[..., :1] * torch.tanh(2 * odds), 4 * outputs[..., 5:].softmax(dim=-1)]
    said = torch.einsum("btkc,btkcf->bcf", weights, torch.cat(parts, dim=-1))
    heard = activity.amax(dim=2)  # (B, T, C)
    amounts = [heard.amax(dim=1), heard.mean(dim=1), (heard / _LOUD).clamp(max=1).mean(dim=1)]
    tokens = [said, torch.stack(amounts, dim=-1)]
    if details is not None:
        tokens.append(torch.einsum("btc,btcu->bcu", weights.sum(dim=2), details))
    classes = torch.eye(heard.shape[-1], device=heard.device, dtype=said.dtype)
    return torch.cat([*tokens, classes.expand(len(said), -1, -1)], dim=-1)


def audio_tower(listener: Any) -> ClipTower | FrameTower:
    """Return a listener as a language model hears with it.

    Raises:
        CheckpointError: nothing is known of how to read this network.
    """
    if isinstance(listener, SeldCrnn):
        return FrameTower(listener)
    if isinstance(listener, ClipTransformer):
        return ClipTower(listener)
    raise CheckpointError(
        f"a language model cannot hear with a {getattr(listener, 'architecture', type(listener).__name__)}; "
        "give a spatial_ast, dspast or seld_crnn"
    )
