"""The parts of a PSELDNet as they are usually written, for comparison: spectra by convolution, attention step by step.

Each takes its weights from our part of the same shape, so that both compute the same numbers. Formulas: arXiv 2411.06399
(front end), 2103.14030 (windows), 2010.11929 (transformer blocks).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from auris.dsp.features import LogMelIntensity
from auris.models.backbones.passt import TransformerBlock
from auris.models.backbones.swin import WINDOW, SwinBlock


class ConvolutionFrontEnd(nn.Module):
    """Log-mel spectra and intensity; real and imaginary part of each frame are correlations with windowed waves."""

    def __init__(self, ours: LogMelIntensity) -> None:
        super().__init__()
        size, self.hop, window = ours.stft.n_fft, ours.stft.hop, ours.stft.window
        angle = 2 * math.pi / size * torch.outer(torch.arange(size // 2 + 1), torch.arange(size)).remainder(size).double()
        self.cosines = (angle.cos().float() * window)[:, None]
        self.sines = (-angle.sin().float() * window)[:, None]
        self.bank = ours.bank

    def forward(self, waveform: Tensor) -> Tensor:
        """Return features ``(batch, 7, frames, bands)``."""
        batch, channels, samples = waveform.shape
        half = self.cosines.shape[-1] // 2
        padded = functional.pad(waveform.reshape(batch * channels, 1, samples), (half, half), mode="reflect")
        real = functional.conv1d(padded, self.cosines, stride=self.hop).unflatten(0, (batch, channels)).transpose(2, 3)
        imaginary = functional.conv1d(padded, self.sines, stride=self.hop).unflatten(0, (batch, channels)).transpose(2, 3)
        levels = 10 * torch.log10((real**2 + imaginary**2).matmul(self.bank).clamp(min=1e-10))
        intensity = real[:, :1] * real[:, 1:] + imaginary[:, :1] * imaginary[:, 1:]
        length = (intensity**2).sum(dim=1, keepdim=True).sqrt() + torch.finfo(torch.float32).eps
        return torch.cat([levels, (intensity / length).matmul(self.bank)], dim=1)


class PlainSwinBlock(nn.Module):
    """Window attention with logits, softmax and mixing one after the other."""

    def __init__(self, ours: SwinBlock) -> None:
        super().__init__()
        self.ours, self.heads = ours, ours.attn.heads

    def forward(self, grid: Tensor) -> Tensor:
        """Return a grid of the same shape."""
        shift, rows, columns = self.ours.shift, *grid.shape[1:3]
        x = self.ours.norm1(grid)
        if shift:
            x = torch.roll(x, (-shift, -shift), dims=(1, 2))
        parts = x.view(-1, rows // WINDOW, WINDOW, columns // WINDOW, WINDOW, x.shape[-1])
        windows = parts.permute(0, 1, 3, 2, 4, 5).contiguous().view(-1, WINDOW**2, x.shape[-1])
        mixed = self._attention(windows)
        parts = mixed.view(-1, rows // WINDOW, columns // WINDOW, WINDOW, WINDOW, x.shape[-1])
        x = parts.permute(0, 1, 3, 2, 4, 5).contiguous().view(grid.shape)
        if shift:
            x = torch.roll(x, (shift, shift), dims=(1, 2))
        x = grid + x
        return x + self.ours.mlp.fc2(functional.gelu(self.ours.mlp.fc1(self.ours.norm2(x))))

    def _attention(self, windows: Tensor) -> Tensor:
        count, tokens, width = windows.shape
        attention = self.ours.attn
        qkv = attention.qkv(windows).reshape(count, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        query, key, value = qkv[0] * (width // self.heads) ** -0.5, qkv[1], qkv[2]
        logits = query @ key.transpose(-2, -1)
        bias = attention.relative_position_bias_table[attention.relative_position.view(-1)]
        logits = logits + bias.view(tokens, tokens, -1).permute(2, 0, 1).contiguous().unsqueeze(0)
        if self.ours.mask is not None:
            grids = logits.view(-1, len(self.ours.mask), self.heads, tokens, tokens) + self.ours.mask[None]
            logits = grids.view(count, self.heads, tokens, tokens)
        mixed = logits.softmax(dim=-1) @ value
        return attention.proj(mixed.transpose(1, 2).reshape(count, tokens, width))


class PlainTransformerBlock(nn.Module):
    """Attention between all tokens with logits, softmax and mixing one after the other."""

    def __init__(self, ours: TransformerBlock) -> None:
        super().__init__()
        self.ours, self.heads = ours, ours.attn.heads

    def forward(self, x: Tensor) -> Tensor:
        """Return tokens of the same shape."""
        count, tokens, width = x.shape
        attention = self.ours.attn
        qkv = attention.qkv(self.ours.norm1(x)).reshape(count, tokens, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        logits = (query @ key.transpose(-2, -1)) * (width // self.heads) ** -0.5
        mixed = logits.softmax(dim=-1) @ value
        x = x + attention.proj(mixed.transpose(1, 2).reshape(count, tokens, width))
        return x + self.ours.mlp.fc2(functional.gelu(self.ours.mlp.fc1(self.ours.norm2(x))))
