"""PaSST, light: a vision transformer over overlapping spectrogram patches, here with one step per label frame.

Patches of 16 bands by 16 frames stand 10 apart, so that a column of patches is 0.1 s. Two learned tokens (class and
distillation) take part in every attention and are left out at the end; what remains is averaged over frequency.

Sources: PaSST (arXiv:2110.05069); as a trunk for localisation PSELDNets (arXiv:2411.06399). Parameter names are theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from auris.errors import ParameterError
from auris.models.backbones.vision_transformer import PatchEmbedding, TransformerBlock

BANDS = 64
PATCH = 16
STRIDE = 10
MARGIN = (PATCH - STRIDE) // 2
LONGEST = 100  # time steps that have an embedding: ten seconds
ROWS = (BANDS + 2 * MARGIN - PATCH) // STRIDE + 1
TOKENS = 2  # class and distillation, in front of the patches


@dataclass(frozen=True)
class PatchOut:
    """What is left out in training, drawn anew for every batch: the network learns from parts and trains faster.

    The averages over frequency are taken over what is left; a label frame of which nothing is left takes the nearest one
    that has something. Where stitches join two trunks nothing can be left out: the trunks would lose different patches.

    Attributes:
        times: columns of patches (``s_patchout_t`` of PaSST).
        rows: rows of patches, of 6 (``s_patchout_f``).
        patches: single patches of those that remain (``u_patchout``).
    """

    times: int = 0
    rows: int = 0
    patches: int = 0

    def __post_init__(self) -> None:
        if min(self.times, self.rows, self.patches) < 0 or self.rows >= ROWS:
            raise ParameterError(f"patch-out takes numbers of at least 0 and fewer than {ROWS} rows, got {self}")

    def draw(self, rows: int, steps: int) -> Tensor:
        """Return the sorted flat indices (row-major) of the patches that stay; at least one column and one patch do."""
        stay_rows = torch.randperm(rows)[self.rows :].sort().values
        stay_times = torch.randperm(steps)[min(self.times, steps - 1) :].sort().values
        grid = (stay_rows[:, None] * steps + stay_times).flatten()
        return grid[torch.randperm(len(grid))[min(self.patches, len(grid) - 1) :].sort().values]


class Passt(nn.Module):
    """Features to one vector per label frame (:class:`~auris.models.backbones.trunk.Trunk`).

    Clips may be shorter than ten seconds: in training they take a random stretch of the time embedding, so that all of it
    is learned, otherwise its beginning.

    Shape:
        - ``embed``: ``(batch, channels, frames, 64)`` to tokens ``(batch, 2 + 6 * steps, width)``, steps = frames // 10
        - ``finish``: tokens to ``(batch, steps, width)``

    Args:
        channels: of the features.
        width: of the tokens; a multiple of ``heads``.
        depth: blocks.
        heads: of the attention.
        patch_out: what is left out in training.

    Raises:
        ParameterError: the width is not a multiple of the heads, or (in ``embed``) the clip is longer than ten seconds or
            has other than 64 bands.
    """

    channel_axis = -1
    finish_kind: Literal["sequence", "map"] = "sequence"
    label_frames = LONGEST

    def __init__(
        self, channels: int, *, width: int = 768, depth: int = 7, heads: int = 12, patch_out: PatchOut | None = None
    ) -> None:
        super().__init__()
        if width % heads:
            raise ParameterError(f"the width of PaSST must be a multiple of its {heads} heads, got {width}")
        self.width = width
        self.patch_out = patch_out or PatchOut()
        self.cls_token = nn.Parameter(torch.empty(1, 1, width))
        self.dist_token = nn.Parameter(torch.empty(1, 1, width))
        self.new_pos_embed = nn.Parameter(torch.empty(1, TOKENS, width))
        self.freq_new_pos_embed = nn.Parameter(torch.empty(1, width, ROWS, 1))
        self.time_new_pos_embed = nn.Parameter(torch.empty(1, width, 1, LONGEST))
        self.patch_embed = PatchEmbedding(channels, width, patch=PATCH, stride=STRIDE, margin=MARGIN)
        self.blocks = nn.ModuleList(TransformerBlock(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Sequential(nn.LayerNorm(width))
        self._kept: tuple[Tensor, int] | None = None  # what the last `embed` left: indices of patches, steps of the clip
        self._initialise()

    def _initialise(self) -> None:
        """Start as a vision transformer does: truncated normals, no biases."""
        for name, parameter in self.named_parameters():
            if "norm" not in name and "head" not in name:
                if name.endswith("bias"):
                    nn.init.zeros_(parameter)
                else:
                    nn.init.trunc_normal_(parameter, std=0.02)

    @property
    def stages(self) -> nn.ModuleList:
        """The transformer blocks."""
        return self.blocks

    @property
    def stitch_widths(self) -> tuple[int | None, ...]:
        """EINV2 stitches in front of every second block."""
        return tuple(self.width if block % 2 == 0 else None for block in range(len(self.blocks)))

    def embed(self, features: Tensor) -> Tensor:
        """Cut the spectrograms into patches and say of each where it is; the two tokens come first."""
        frames, bands = features.shape[-2:]
        if bands != BANDS or frames >= STRIDE * (LONGEST + 1):
            limit = f"{STRIDE * (LONGEST + 1) - 1} frames of {BANDS} bands (ten seconds)"
            raise ParameterError(f"PaSST takes at most {limit}, got {frames} of {bands}; cut the recording into blocks")
        short = max(0, STRIDE - frames)
        patches = self.patch_embed(functional.pad(features, (0, 0, 0, short)).transpose(2, 3))
        steps = patches.shape[-1]
        begin = int(torch.randint(LONGEST - steps + 1, ())) if self.training and steps < LONGEST else 0
        time = self.time_new_pos_embed[..., begin : begin + steps]
        patches = (patches + time + self.freq_new_pos_embed).flatten(2).transpose(1, 2)
        self._kept = None
        if self.training and self.patch_out != PatchOut():
            kept = self.patch_out.draw(ROWS, steps).to(patches.device)
            self._kept, patches = (kept, steps), patches[:, kept]
        tokens = torch.cat([self.cls_token, self.dist_token], dim=1) + self.new_pos_embed
        return torch.cat([tokens.expand(len(patches), -1, -1), patches], dim=1)

    def finish(self, x: Tensor) -> Tensor:
        """Average the patches of each label frame over frequency."""
        patches = self.norm(x)[:, TOKENS:]
        steps = (
            patches.reshape(len(x), ROWS, -1, self.width).mean(dim=1)
            if self._kept is None
            else _mean_of_kept(patches, *self._kept)
        )
        sequence: Tensor = self.head(steps)
        return sequence

    def readout(self, outputs: int) -> nn.Linear:
        """Return the layer to the outputs; a step is a label frame already."""
        return nn.Linear(self.width, outputs)


def _mean_of_kept(patches: Tensor, kept: Tensor, steps: int) -> Tensor:
    """Means over frequency where only the patches ``kept`` (flat indices, row-major) are there: ``(batch, steps, width)``."""
    times = kept % steps
    sums = patches.new_zeros(len(patches), steps, patches.shape[-1]).index_add(1, times, patches)
    counts = torch.bincount(times, minlength=steps)
    filled = counts.nonzero().flatten()
    nearest = (torch.arange(steps, device=kept.device)[:, None] - filled).abs().argmin(dim=1)
    means: Tensor = sums / counts.clamp(min=1)[:, None]
    return means[:, filled[nearest]]
