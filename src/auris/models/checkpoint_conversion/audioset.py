"""AudioSet checkpoints as the start of a PSELDNet: HTS-AT, PaSST and the CNN14 of PANNs.

They hear one channel and name sounds; a PSELDNet hears several and says where. The trunk is taken as it is, the first
layer's weights are spread over the channels (repeated, divided by their number), so that the same spectrogram in all of
them gives the response it had. Everything as in the published trainings (arXiv:2411.06399), also where one would do it
differently today: the statistics of HTS-AT's and CNN14's input normalisation, which are those of log-mel levels, start the
normalisation of the intensity channels too, and those of PaSST (which has none) start at zero mean and unit variance.

Sources: HTS-AT (arXiv:2202.00874), PaSST (arXiv:2110.05069), PANNs (arXiv:1912.10211).
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor
from torch.nn import functional

from auris.models.checkpoint_conversion.families import Family
from auris.models.checkpoint_conversion.start import Start

BACKBONES: dict[Family, str] = {"htsat_audioset": "htsat", "passt_audioset": "passt", "cnn14_audioset": "cnn14"}

_TRUNKS: dict[Family, tuple[str, ...]] = {
    "htsat_audioset": ("patch_embed.", "layers.", "norm."),
    "passt_audioset": (
        "patch_embed.",
        "blocks.",
        "norm.",
        "head.0.",
        "cls_token",
        "dist_token",
        "new_pos_embed",
        "freq_new_pos_embed",
        "time_new_pos_embed",
    ),
    "cnn14_audioset": ("conv_block",),
}
_FIRST_LAYER = {
    "htsat_audioset": "patch_embed.proj.weight",
    "passt_audioset": "patch_embed.proj.weight",
    "cnn14_audioset": "conv_block1.conv1.weight",
}
_NORMALISATION = "bn0."
_COMPUTED = ("relative_position_index", "attn_mask", "pe")
_FRONT_END = ("spectrogram_extractor.", "logmel_extractor.")


def mapped(tensors: Mapping[str, Tensor], family: Family, wanted: Mapping[str, Tensor]) -> Start:
    """Bring an AudioSet checkpoint to a model's names and shapes.

    Args:
        tensors: unwrapped, as published.
        family: one of :data:`BACKBONES`.
        wanted: the model's ``state_dict``, for its trunks and their channels.
    """
    result = Start()
    trunks = [part for part in ("body.encoder.", "body.sed_encoder.", "body.doa_encoder.") if _has(wanted, part)]
    scalars = sorted({name.split(".")[1] for name in wanted if name.startswith("scalar.")}, key=int)
    for name, value in tensors.items():
        if name.endswith(_COMPUTED):
            result.reasons[name] = "computed, not learned"
        elif name.startswith(_NORMALISATION):
            result.weights |= {f"scalar.{index}.{name.removeprefix(_NORMALISATION)}": value.clone() for index in scalars}
        elif name.startswith(_TRUNKS[family]):
            for trunk in trunks:
                result.weights[trunk + name] = _fitted(name, value, family, wanted.get(trunk + name))
        else:
            result.reasons[name] = (
                "front end of AudioSet" if name.startswith(_FRONT_END) else "head for the classes of AudioSet"
            )
    return result


def _has(wanted: Mapping[str, Tensor], prefix: str) -> bool:
    return any(name.startswith(prefix) for name in wanted)


def _fitted(name: str, value: Tensor, family: Family, target: Tensor | None) -> Tensor:
    """Spread the first layer over the channels and cut or stretch position tables; everything else stays."""
    if target is None or value.ndim != target.ndim:
        return value.clone()
    if name == _FIRST_LAYER[family]:
        channels = target.shape[1]
        return value.repeat(1, channels, 1, 1) / channels
    if name == "time_new_pos_embed" and value.shape[3] != target.shape[3]:
        return functional.interpolate(value, size=(1, target.shape[3]), mode="bilinear", align_corners=False)
    if name == "freq_new_pos_embed" and value.shape[2] > target.shape[2]:
        # 128 bands become 64: the rows in the middle.
        first = (value.shape[2] - target.shape[2]) // 2
        return value[:, :, first : first + target.shape[2]].clone()
    return value.clone()
