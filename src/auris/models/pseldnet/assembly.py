"""Trunks, decoders and heads put together: one trunk for all questions, or two that exchange (EINV2, arXiv:2010.13092).

Both are written over :class:`~auris.models.backbones.trunk.Trunk`: any trunk can take any place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import cast

import torch
from torch import Tensor, nn

from auris.models.backbones.trunk import Trunk
from auris.models.pseldnet.config import StitchOrder
from auris.models.pseldnet.stitch import CrossStitch

MakeTrunk = Callable[[int], Trunk]  # channels of the features -> trunk
MakeDecoder = Callable[[int], nn.Module]  # width -> module from (batch, steps, width) to the same

# Start of a name in the published checkpoints (the network's own names, behind "net.") -> start of the name here. The first
# that fits counts; other names, "scalar." among them, stay.
PUBLISHED_NAMES: tuple[tuple[str, str], ...] = (
    ("encoder.", "body.encoder."),
    ("convs.", "body.encoder."),
    ("decoder.", "body.decoder."),
    ("tscam_conv.", "body.heads.vectors."),
    ("fc.", "body.heads.vectors."),
    ("sed_encoder.", "body.sed_encoder."),
    ("doa_encoder.", "body.doa_encoder."),
    ("stitch1.", "body.stitches."),
)
PUBLISHED_SEDDOA_NAMES = (
    *PUBLISHED_NAMES,
    ("sed_tscam_conv.", "body.heads.sed."),
    ("doa_tscam_conv.", "body.heads.doa."),
)
PUBLISHED_EINV2_NAMES = (
    *PUBLISHED_NAMES,
    ("sed_tscam_conv.", "body.tracks.0.sed_head."),
    ("doa_tscam_conv.", "body.tracks.0.doa_head."),
    *((f"stitch2.{k}.", f"body.tracks.{k}.stitch.") for k in range(3)),
    *((f"fc_sed.{k}.", f"body.tracks.{k}.sed_head.") for k in range(3)),
    *((f"fc_doa.{k}.", f"body.tracks.{k}.doa_head.") for k in range(3)),
)


class OneTrunk(nn.Module):
    """A trunk, a decoder and a head for each question.

    Args:
        channels: of the features.
        questions: name and number of outputs of each head.
        make_trunk: see :data:`MakeTrunk`.
        make_decoder: see :data:`MakeDecoder`; not used behind a map.

    Shape:
        - Input: normalised features ``(batch, channels, frames, bands)``
        - Output: for each question ``(batch, label frames, outputs)``
    """

    def __init__(
        self, channels: int, questions: Mapping[str, int], *, make_trunk: MakeTrunk, make_decoder: MakeDecoder
    ) -> None:
        super().__init__()
        self.encoder = make_trunk(channels)
        self.decoder = _decoder_behind(self.encoder, make_decoder)
        self.heads = nn.ModuleDict({name: self.encoder.readout(outputs) for name, outputs in questions.items()})

    def forward(self, features: Tensor) -> tuple[Tensor, ...]:
        """Return the answers in the order of the questions."""
        x = self.encoder.embed(features)
        for stage in self.encoder.stages:
            x = stage(x)
        sequence = self.decoder(self.encoder.finish(x))
        return tuple(head(sequence) for head in self.heads.values())

    @property
    def label_frames(self) -> int | None:
        """Label frames it is made for."""
        return self.encoder.label_frames

    def trunks(self) -> Iterator[nn.Module]:
        """Yield its trunks."""
        yield cast(nn.Module, self.encoder)

    def readouts(self) -> Iterator[nn.Module]:
        """Yield its heads."""
        yield from self.heads.values()


class TwoTrunks(nn.Module):
    """One trunk for what sounds and one for where, with cross-stitches between their stages.

    Behind trunks that end in a sequence each track has decoders, a last stitch and heads of its own; behind a map the tracks
    are parts of one head's output, as in the published networks.

    Args:
        levels: first channels of the features, which say what sounds.
        channels: all of them, which say where.
        classes: outputs of each track for what.
        tracks: sounds at a time.
        make_trunk: see :data:`MakeTrunk`.
        make_decoder: see :data:`MakeDecoder`.
        order: of the cross-stitches.

    Shape:
        - Input: normalised features ``(batch, channels, frames, bands)``
        - Output: ``(batch, label frames, tracks * classes)`` and ``(batch, label frames, tracks * 3)``
    """

    def __init__(
        self,
        levels: int,
        channels: int,
        *,
        classes: int,
        tracks: int,
        make_trunk: MakeTrunk,
        make_decoder: MakeDecoder,
        order: StitchOrder,
    ) -> None:
        super().__init__()
        self.levels = levels
        self.sed_encoder, self.doa_encoder = make_trunk(levels), make_trunk(channels)
        axis, widths = self.sed_encoder.channel_axis, self.sed_encoder.stitch_widths
        self.stitches = nn.ModuleList(CrossStitch(w, channel_axis=axis, order=order) for w in widths if w is not None)
        if self.sed_encoder.finish_kind == "map":
            groups = [_Tracks(self.sed_encoder, (tracks * classes, tracks * 3), make_decoder=None, order=order)]
        else:
            groups = [_Tracks(self.sed_encoder, (classes, 3), make_decoder=make_decoder, order=order) for _ in range(tracks)]
        self.tracks = nn.ModuleList(groups)

    def forward(self, features: Tensor) -> tuple[Tensor, ...]:
        """Return what sounds and where, track by track."""
        sed, doa = self.sed_encoder.embed(features[:, : self.levels]), self.doa_encoder.embed(features)
        stitches = iter(self.stitches)
        stages = zip(self.sed_encoder.stitch_widths, self.sed_encoder.stages, self.doa_encoder.stages, strict=True)
        for stitched, sed_stage, doa_stage in stages:
            if stitched is not None:
                sed, doa = next(stitches)(sed, doa)
            sed, doa = sed_stage(sed), doa_stage(doa)
        sed, doa = self.sed_encoder.finish(sed), self.doa_encoder.finish(doa)
        answers = [track(sed, doa) for track in self.tracks]
        return tuple(torch.cat(parts, dim=-1) for parts in zip(*answers, strict=True))

    @property
    def label_frames(self) -> int | None:
        """Label frames it is made for."""
        return self.sed_encoder.label_frames

    def trunks(self) -> Iterator[nn.Module]:
        """Yield its trunks."""
        yield from (cast(nn.Module, trunk) for trunk in (self.sed_encoder, self.doa_encoder))

    def readouts(self) -> Iterator[nn.Module]:
        """Yield its heads."""
        for track in self.tracks:
            assert isinstance(track, _Tracks)
            yield from (track.sed_head, track.doa_head)


class _Tracks(nn.Module):
    """Decoders, stitch and heads of one track, or the heads of all tracks behind a map."""

    def __init__(
        self,
        trunk: Trunk,
        outputs: tuple[int, int],
        *,
        make_decoder: MakeDecoder | None,
        order: StitchOrder,
    ) -> None:
        super().__init__()
        self.stitch: CrossStitch | None = None
        if make_decoder is not None:
            self.sed_decoder, self.doa_decoder = make_decoder(trunk.width), make_decoder(trunk.width)
            self.stitch = CrossStitch(trunk.width, order=order)
        self.sed_head, self.doa_head = (trunk.readout(count) for count in outputs)

    def forward(self, sed: Tensor, doa: Tensor) -> tuple[Tensor, Tensor]:
        """Return what and where."""
        if self.stitch is not None:
            sed, doa = self.stitch(self.sed_decoder(sed), self.doa_decoder(doa))
        return self.sed_head(sed), self.doa_head(doa)


def _decoder_behind(trunk: Trunk, make_decoder: MakeDecoder) -> nn.Module:
    return nn.Identity() if trunk.finish_kind == "map" else make_decoder(trunk.width)
