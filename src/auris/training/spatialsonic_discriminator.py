"""A small discriminator of waves: convolutions over complex spectra of several windows (after EnCodec, arXiv:2210.13438)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.utils.parametrizations import weight_norm

from auris.errors import ParameterError
from auris.training.autoencoder_losses import Views


@dataclass(frozen=True)
class DiscriminatorRecipe:
    """What judges whether a wave is a recording.

    Attributes:
        windows: samples of the spectra, one network for each.
        width: of the convolutions.
        begins: share of the budget after which it has a say. It learns from the beginning on, at a rate of its own with
            ``optimiser.rate_factors={discriminator: 2}``.
    """

    windows: tuple[int, ...] = (2048, 1024, 512)
    width: int = 32
    begins: float = 0.4

    def __post_init__(self) -> None:
        if not self.windows or any(window < 32 or window % 4 for window in self.windows) or self.width < 1:
            raise ParameterError(f"windows are at least 32 samples and multiples of 4, width at least 1; got {self}")
        if not 0 <= self.begins < 1:
            raise ParameterError(f"begins is a share of the budget, 0 to below 1, got {self.begins}")


Pair = tuple[int, int]


class _OfOneWindow(nn.Module):
    def __init__(self, window: int, *, channels: int, width: int) -> None:
        super().__init__()
        self.view = Views(window)
        shapes: list[tuple[int, Pair, Pair, Pair]] = [
            (2 * channels, (3, 9), (1, 1), (1, 1)),
            (width, (3, 9), (1, 2), (1, 1)),
            (width, (3, 9), (1, 2), (2, 1)),
            (width, (3, 9), (1, 2), (4, 1)),
            (width, (3, 3), (1, 1), (1, 1)),
        ]
        self.layers = nn.ModuleList(_convolution(inner, width, kernel, stride, gaps) for inner, kernel, stride, gaps in shapes)
        self.verdict = _convolution(width, 1, (3, 3), (1, 1), (1, 1))

    def forward(self, wave: Tensor) -> tuple[Tensor, list[Tensor]]:
        spectra = self.view.spectra(wave)
        hidden = torch.cat([spectra.real, spectra.imag], dim=1).transpose(-1, -2)  # time, frequency
        seen = []
        for layer in self.layers:
            hidden = nn.functional.leaky_relu(layer(hidden), 0.2)
            seen.append(hidden)
        return self.verdict(hidden), seen


def _convolution(inner: int, outer: int, kernel: Pair, stride: Pair, dilation: Pair) -> nn.Module:
    padding = ((kernel[0] - 1) // 2 * dilation[0], (kernel[1] - 1) // 2 * dilation[1])
    layer: nn.Module = weight_norm(nn.Conv2d(inner, outer, kernel, stride=stride, dilation=dilation, padding=padding))
    return layer


class Discriminator(nn.Module):
    """Judges waves by their spectra of several windows.

    Args:
        recipe: its sizes.
        channels: of the waves.

    Shape:
        - Input: ``(batch, channels, samples)``
        - Output: for each window a verdict ``(batch, 1, frames, bins)``, higher for recordings, and what its layers saw
    """

    def __init__(self, recipe: DiscriminatorRecipe, *, channels: int) -> None:
        super().__init__()
        self.parts = nn.ModuleList(_OfOneWindow(window, channels=channels, width=recipe.width) for window in recipe.windows)

    def forward(self, wave: Tensor) -> list[tuple[Tensor, list[Tensor]]]:
        """Judge waves."""
        return [part(wave) for part in self.parts]

    def own_loss(self, made: Tensor, real: Tensor) -> Tensor:
        """Return the loss by which it learns to tell recordings from what was made; nothing else learns from it."""
        false, true = self(made.detach()), self(real)
        margins = [(1 + no).relu().mean() + (1 - yes).relu().mean() for (no, _), (yes, _) in zip(false, true, strict=True)]
        return torch.stack(margins).mean()

    def judgement(self, made: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the autoencoder learns from it, which learns nothing itself: the verdict, the distance of features."""
        still = self._still()
        false: list[tuple[Tensor, list[Tensor]]] = functional_call(self, still, (made,))
        with torch.no_grad():
            true = functional_call(self, still, (real,))
        verdict = torch.stack([-verdict.mean() for verdict, _ in false]).mean()
        distances = [
            (there - asked).abs().mean() / asked.abs().mean().clamp(min=1e-6)
            for (_, made_seen), (_, real_seen) in zip(false, true, strict=True)
            for there, asked in zip(made_seen, real_seen, strict=True)
        ]
        return verdict, torch.stack(distances).mean()

    def _still(self) -> dict[str, Tensor]:
        return {name: parameter.detach() for name, parameter in self.named_parameters()}
