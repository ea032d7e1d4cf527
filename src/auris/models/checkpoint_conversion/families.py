"""Which published family a checkpoint belongs to, told by the names of its tensors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from torch import Tensor

from auris.errors import CheckpointError

Family = Literal[
    "auris",
    "pseldnets",
    "spatial_ast",
    "dspast",
    "spatial_ast_body",
    "bat",
    "spatialsonic",
    "stereocrw",
    "htsat_audioset",
    "passt_audioset",
    "cnn14_audioset",
    "audiomae",
]

TITLES: dict[Family, str] = {
    "auris": "an auris network",
    "pseldnets": "a PSELDNet",
    "spatial_ast": "Spatial-AST",
    "dspast": "DSpAST",
    "spatial_ast_body": "the Spatial-AST inside BAT",
    "bat": "projector and adapters of BAT",
    "spatialsonic": "SpatialSonic",
    "stereocrw": "StereoCRW",
    "htsat_audioset": "HTS-AT trained on AudioSet",
    "passt_audioset": "PaSST trained on AudioSet",
    "cnn14_audioset": "CNN14 (PANNs) trained on AudioSet",
    "audiomae": "AudioMAE",
}
RECIPE_KEYS: dict[Family, str] = {
    "htsat_audioset": "initial.audioset",
    "passt_audioset": "initial.audioset",
    "cnn14_audioset": "initial.audioset",
    "audiomae": "initial.audiomae",
    "spatial_ast_body": "initial.checkpoint",
}
"""For families that are no listeners: the key of a recipe that takes such a file."""

# What stands in front of the names: Lightning modules call their network net (PSELDNets), diffusion
# (SpatialSonic) or model (here).
_WRAPPERS = ("module.", "net.", "model.", "sed_model.", "diffusion.", "_orig_mod.")
# Tensors that only one family has; all of a row must be there, the first such row counts.
_MARKS: tuple[tuple[Family, tuple[str, ...]], ...] = (
    ("auris", ("scalar.0.weight", "body.")),
    ("pseldnets", ("scalar.0.weight",)),
    # Published files hold the front end, which auris computes: without it, under the same names, a network is ours.
    ("dspast", ("cls_tokens1", "spectrogram_extractor.")),
    ("spatial_ast", ("cls_tokens", "azimuth_head.", "spectrogram_extractor.")),
    ("spatial_ast_body", ("cls_tokens", "conv_downsample.0.", "spectrogram_extractor.")),
    ("bat", ("encoder_projector.",)),
    ("spatialsonic", ("pretransform.model.encoder.",)),
    ("spatialsonic", ("conditioner.conditioners.",)),
    ("auris", ("dit.proj_in.weight", "numbers.")),
    ("stereocrw", ("conv1.weight", "layer1.0.bn2.weight", "layer4.0.conv2.weight", "fc.weight")),
    ("auris", ("cls_tokens", "blocks.0.")),
    ("auris", ("encoder.convolutions.0.weight", "encoder.scale.running_mean")),
    ("htsat_audioset", ("bn0.weight", "layers.0.blocks.0.attn.relative_position_bias_table")),
    ("passt_audioset", ("time_new_pos_embed", "blocks.0.attn.qkv.weight")),
    ("cnn14_audioset", ("bn0.weight", "conv_block6.conv1.weight")),
    ("audiomae", ("cls_token", "pos_embed", "patch_embed.proj.weight", "blocks.0.attn.qkv.weight")),
)
# Published systems whose networks auris does not have yet, so that a user is not told that the file is damaged.
_NOT_YET = {
    "actor_critic.": "active audio-visual separation",
}


def unwrapped(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors under the network's own names, without what training frameworks put in front."""
    return {_bare(name): value for name, value in tensors.items()}


def _bare(name: str) -> str:
    while wrapper := next((w for w in _WRAPPERS if name.startswith(w)), None):
        name = name.removeprefix(wrapper)
    return name


def family_of(names: Iterable[str], *, file: object) -> Family:
    """Return the family of a checkpoint with these (unwrapped) names.

    Raises:
        CheckpointError: none that auris knows; the text says which system it is if that is recognised.
    """
    known = set(names)
    for family, marks in _MARKS:
        if all(mark in known or any(name.startswith(mark) for name in known) for mark in marks):
            return family
    for mark, system in _NOT_YET.items():
        if any(name.startswith(mark) for name in known):
            raise CheckpointError(
                f"{file}: weights of {system}, which auris cannot convert yet; auris models list shows what it can"
            )
    first = ", ".join(sorted(known)[:3])
    raise CheckpointError(
        f"{file}: of no family that auris knows (it begins with {first}); auris models list shows what can be converted"
    )
