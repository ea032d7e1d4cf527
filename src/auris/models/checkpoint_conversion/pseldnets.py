"""Checkpoints of PSELDNets (arXiv:2411.06399): their names, what their shapes say of the network, their constants.

Lightning files hold the network under ``net.`` (compiled: ``net._orig_mod.``) and the front end under ``af_extractor.``. The
front end, index tables, masks and sinusoids are computed here; those in the file are compared with ours, then left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from auris.dsp.features.mel import mel_filterbank
from auris.errors import CheckpointError
from auris.models.backbones.conformer import step_sinusoids
from auris.models.checkpoint_conversion.recognition import Recognised, class_names
from auris.models.pseldnet.assembly import PUBLISHED_EINV2_NAMES, PUBLISHED_NAMES, PUBLISHED_SEDDOA_NAMES
from auris.models.pseldnet.config import (
    TRACKS,
    Adaptation,
    Backbone,
    Decoder,
    Features,
    OutputFormat,
    Place,
    PseldNetConfig,
)
from auris.models.pseldnet.network import PseldNet
from auris.vocabulary import DCASE2021, DCASE2022, L3DAS22, PSELDNETS_CLASSES

Arrangement = Literal["one head", "two heads", "two trunks"]

FRONT_END = "af_extractor."
SAMPLE_RATES = (24_000, 32_000)
_BINS, _BANDS, _N_FFT = 513, 64, 1024
_LISTS = {len(vocabulary): vocabulary for vocabulary in (DCASE2021, DCASE2022, L3DAS22)}
# Their published name -> the name of the same table here.
_TABLES = {"relative_position_index": "relative_position", "attn_mask": "mask"}
_CONVOLUTIONAL = ("cnn14", "cnn8")
_SINUSOIDS = ".positional_encoding.pe"
_ADVICE = f"for the {PSELDNETS_CLASSES} of the synthetic set that is cls_indices_train.tsv of the data set."
_MERGED = (
    "The original code merges LoRA updates into the weights to validate, and a file that it saves then holds them twice. "
    "The weights and updates of this file are taken as they are."
)


def recognise(
    tensors: Mapping[str, Tensor], *, labels: Sequence[str] | None, sample_rate: int | None, file: object
) -> Recognised:
    """Tell the network's configuration from an unwrapped checkpoint.

    Raises:
        CheckpointError: the names or shapes are those of no PSELDNet, or leave open what only the caller can say.
    """
    shapes = {name: tuple(value.shape) for name, value in tensors.items()}
    backbone = backbone_of(shapes, file=file)
    output, count = _output(shapes, labels, file)
    decoder, layers = _decoder(shapes)
    layout, features = _features(shapes, file)
    names = class_names(count, labels, known=_LISTS, advice=_ADVICE, file=file)
    rate, rate_notes = _sample_rate(tensors, sample_rate, classes=count, file=file)
    config = PseldNetConfig(
        labels=names.labels,
        backbone=backbone,
        output=output,
        decoder=decoder,
        decoder_layers=layers,
        layout=layout,
        features=features,
        sample_rate=rate,
        adaptation=_adaptation(shapes, file),
    )
    lora_notes = (_MERGED,) if config.adaptation.method == "lora" else ()
    return Recognised(
        network=PseldNet,
        config=config,
        model=describe(config),
        work="PSELDNets, arXiv:2411.06399",
        hears=f"layout `{layout}` at {rate} Hz (other rates are resampled), heard ten seconds at a time",
        says="who sounds and from where, ten times a second; no distance",
        classes=names.origin,
        notes=(*names.notes, *rate_notes, *lora_notes),
    )


def own_names(tensors: Iterable[str], config: PseldNetConfig) -> dict[str, str]:
    """Return for each published name of a network (front end left out) the name of the same tensor here."""
    arrangements: dict[str, Arrangement] = {"einv2": "two trunks", "seddoa": "two heads"}
    return _with(tensors, _name_table(config.backbone, arrangements.get(config.output, "one head")))


def own_names_of_file(tensors: Iterable[str], *, file: object) -> dict[str, str]:
    """Return the same for a file whose network is not known.

    Raises:
        CheckpointError: the trunk is none of ours.
    """
    names = list(tensors)
    return _with(names, _name_table(backbone_of(names, file=file), _arrangement(names)))


def _with(names: Iterable[str], table: Sequence[tuple[str, str]]) -> dict[str, str]:
    return {name: _renamed(name, table) for name in names if not name.startswith(FRONT_END)}


def is_constant(name: str) -> bool:
    """Whether a tensor of this published name is computed, not learned."""
    return name.endswith((*_TABLES, _SINUSOIDS))


def weights(tensors: Mapping[str, Tensor], model: PseldNet, *, file: object) -> dict[str, Tensor]:
    """Return the weights under our names, their constants compared and left out; strict about names and shapes.

    Args:
        tensors: unwrapped, as published.
        model: the network that was recognised, with its computed tables.
        file: for messages.

    Raises:
        CheckpointError: a tensor is missing, unknown or of another shape (the first three are named), or a constant differs
            from ours.
    """
    names = own_names(tensors, model.config)
    constants = {name for name in names if is_constant(name)}
    _check_constants({name: tensors[name] for name in constants}, names, model, file)
    found = {own: (name, tensors[name]) for name, own in names.items() if name not in constants}
    wanted = model.state_dict()
    problems = [f"unknown {found[own][0]}" for own in found.keys() - wanted.keys()]
    table = _name_table(model.config.backbone, _arrangement(names))
    problems += [f"missing {_published(own, table, model.config.backbone)}" for own in wanted.keys() - found.keys()]
    for own in wanted.keys() & found.keys():
        name, value = found[own]
        if value.shape != wanted[own].shape:
            problems.append(f"{name} is {tuple(value.shape)}, needed {tuple(wanted[own].shape)}")
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise CheckpointError(
            f"{file}: looks like {describe(model.config)}, but does not fit it: {'; '.join(sorted(problems)[:3])}{more}"
        )
    return {own: value for own, (_, value) in found.items()}


def describe(config: PseldNetConfig) -> str:
    """Return a configuration in the words of its authors, e.g. ``mACCDOA-HTSAT with 170 classes``."""
    outputs = {"accdoa": "ACCDOA", "multi_accdoa": "mACCDOA", "einv2": "EINV2", "seddoa": "SEDDOA"}
    trunks = {"htsat": "HTSAT", "passt": "PaSST", "cnn14": "CNN14", "cnn8": "CNN8"}
    decoders = {"none": "", "gru": "-GRU", "conformer": "-Conformer", "transformer": "-Transformer"}
    adaptations = {"none": "", "adapter": " and adapters", "lora": " and LoRA"}
    name = f"{outputs[config.output]}-{trunks[config.backbone]}{decoders[config.decoder]}"
    return f"{name} with {len(config.labels)} classes{adaptations[config.adaptation.method]}"


def backbone_of(names: Iterable[str], *, file: object) -> Backbone:
    """Return the trunk of a published network.

    Raises:
        CheckpointError: none of ours.
    """
    known = list(names)
    trunk = r"^((sed|doa)_)?encoder\."
    if any(re.match(trunk + r"layers\.0\.blocks\.", name) for name in known):
        return "htsat"
    if any(re.match(trunk + r"blocks\.", name) for name in known):
        return "passt"
    blocks = {int(found[1]) for name in known if (found := re.match(r"^(?:(?:sed|doa)_)?convs\.conv_block(\d+)\.", name))}
    if blocks in ({1, 2, 3, 4}, {1, 2, 3, 4, 5, 6}):
        return "cnn8" if len(blocks) == 4 else "cnn14"
    raise CheckpointError(f"{file}: a PSELDNet without a known trunk (HTSAT, PaSST, CNN14 with 6 blocks or CNN8 with 4)")


def _output(shapes: Mapping[str, Any], labels: Sequence[str] | None, file: object) -> tuple[OutputFormat, int]:
    """Return the output format and the number of classes from the shapes of the heads."""
    for head in ("sed_tscam_conv.weight", "fc_sed.0.weight", "fc_sed_track1.weight"):
        if head in shapes:
            outputs = shapes[head][0]
            classes, rest = divmod(outputs, TRACKS) if head.startswith("sed_") else (outputs, 0)
            if rest or not classes:
                raise CheckpointError(f"{file}: {head} has {outputs} outputs, which are not {TRACKS} tracks of classes")
            return ("einv2" if _arrangement(shapes) == "two trunks" else "seddoa"), classes
    head = next((head for head in ("tscam_conv.weight", "fc.weight") if head in shapes), "")
    if not head:
        raise CheckpointError(f"{file}: a PSELDNet without a head (tscam_conv, fc, or their EINV2 forms)")
    return _accdoa_kind(shapes[head][0], labels, file)


def _accdoa_kind(outputs: int, labels: Sequence[str] | None, file: object) -> tuple[OutputFormat, int]:
    """ACCDOA has 3 outputs for each class, multi-ACCDOA 9: told apart by the number of classes."""
    options: dict[int, OutputFormat] = {}
    if outputs % 3 == 0:
        options[outputs // 3] = "accdoa"
    if outputs % 9 == 0:
        options[outputs // 9] = "multi_accdoa"
    wanted = [len(labels)] if labels is not None else [*_LISTS, PSELDNETS_CLASSES] if len(options) > 1 else [*options]
    fitting = [classes for classes in wanted if classes in options]
    if len(fitting) == 1:
        return options[fitting[0]], fitting[0]
    spoken = " or ".join(f"{classes} of {kind}" for classes, kind in options.items()) or "no number of classes"
    advice = f"{len(labels)} were given" if labels is not None else "give the class names (labels) to say which"
    raise CheckpointError(f"{file}: its head has {outputs} outputs, which are {spoken}; {advice}")


def _decoder(shapes: Mapping[str, Any]) -> tuple[Decoder, int]:
    """Return what stands behind the trunk, and its layers."""
    patterns: tuple[tuple[Decoder, str], ...] = (
        ("conformer", r"decoder\.decoder\.layers\.(\d+)\.sequential\."),
        ("transformer", r"decoder\.decoder\.layers\.(\d+)\.self_attn\."),
        ("gru", r"decoder\.decoder\.weight_ih_l(\d+)$"),
        ("conformer", r"_track1\.decoder\.layers\.(\d+)\.sequential\."),
        ("transformer", r"_track1\.decoder\.layers\.(\d+)\.self_attn\."),
        ("gru", r"_track1\.decoder\.weight_ih_l(\d+)$"),
    )
    for kind, pattern in patterns:
        layers = {int(found[1]) for name in shapes if (found := re.search(pattern, name))}
        if layers:
            return kind, max(layers) + 1
    return "none", 1


def _features(shapes: Mapping[str, Any], file: object) -> tuple[Literal["foa", "mic", "mono"], Features]:
    """Return layout and front end from the number of normalisations, one for each feature channel."""
    channels = len({name.split(".")[1] for name in shapes if name.startswith("scalar.")})
    known: dict[int, tuple[Literal["foa", "mic", "mono"], Features]] = {
        7: ("foa", "logmel_iv"),
        10: ("mic", "logmel_gcc"),
        1: ("mono", "logmel"),
    }
    if channels not in known:
        raise CheckpointError(f"{file}: {channels} feature channels; known are 7 (FOA), 10 (microphones) and 1 (mono)")
    return known[channels]


def _adaptation(shapes: Mapping[str, Any], file: object) -> Adaptation:
    if ranks := {shape[0] for name, shape in shapes.items() if name.endswith((".lora_A", ".lora_A.weight"))}:
        if len(ranks) > 1:
            raise CheckpointError(f"{file}: LoRA updates of several ranks, {sorted(ranks)}")
        return Adaptation(method="lora", rank=ranks.pop())
    adapters = {name: shape for name, shape in shapes.items() if name.endswith(".adapter.fc1.weight")}
    if not adapters:
        return Adaptation()
    present: dict[Place, str] = {"attention": ".attn.adapter.", "mlp": ".mlp.adapter."}
    places: tuple[Place, ...] = tuple(place for place, part in present.items() if any(part in name for name in adapters))
    hidden, width = next(iter(adapters.values()))
    learned = any(".adapter.scale" in name for name in shapes)
    return Adaptation(method="adapter", places=places, ratio=hidden / width, scale="learned" if learned else 0.1)


def _sample_rate(
    tensors: Mapping[str, Tensor], given: int | None, *, classes: int, file: object
) -> tuple[int, tuple[str, ...]]:
    """Return the rate whose mel bands are in the file; without them, what was given or the rate of the published networks."""
    window, bank = tensors.get(FRONT_END + "stft_extractor.window"), tensors.get(FRONT_END + "mel_scale.fb")
    if window is not None and not _equal(window, torch.hann_window(_N_FFT)):
        raise CheckpointError(f"{file}: its analysis window is not the Hann window of {_N_FFT} samples that auris uses")
    if bank is None:
        if given is None and classes == len(L3DAS22):
            raise CheckpointError(
                f"{file}: {classes} classes are those of L3DAS22, mostly trained at 32000 Hz, but the file does not say; "
                "give the sample rate (32000 or 24000)"
            )
        assumed = () if given else (f"The file does not say its sample rate; {SAMPLE_RATES[0]} Hz was assumed.",)
        return given or SAMPLE_RATES[0], assumed
    rates = [given] if given else [*SAMPLE_RATES]
    for rate in rates:
        if _equal(bank, mel_filterbank(_BINS, _BANDS, sample_rate=rate, norm="area")):
            return rate, ()
    spoken = " or ".join(str(rate) for rate in rates)
    raise CheckpointError(f"{file}: its mel bands are not those of auris at {spoken} Hz")


def _equal(theirs: Tensor, ours: Tensor, tolerance: float = 1e-5) -> bool:
    return theirs.shape == ours.shape and bool(torch.allclose(theirs.float(), ours.float(), rtol=0, atol=tolerance))


def _check_constants(constants: Mapping[str, Tensor], names: Mapping[str, str], model: nn.Module, file: object) -> None:
    """Compare the index tables, masks and sinusoids in a file with those of the network."""
    buffers = dict(model.named_buffers())
    for name, theirs in constants.items():
        if name.endswith(_SINUSOIDS):
            rows, width = theirs.shape[-2:]
            # Float32 sines of up to 10000 radians: the last rows differ by rounding of the argument.
            fits = theirs.ndim == 3 and _equal(theirs[0], step_sinusoids(rows, width, like=theirs), tolerance=5e-3)
        else:
            suffix = name.rpartition(".")[2]
            ours = buffers.get(names[name].removesuffix(suffix) + _TABLES[suffix])
            fits = ours is not None and _equal(theirs, ours.reshape(theirs.shape) if ours.numel() == theirs.numel() else ours)
        if not fits:
            raise CheckpointError(f"{file}: the constant {name} is not what auris computes; this is another network")


def _arrangement(names: Iterable[str]) -> Arrangement:
    known = set(names)
    if any(name.startswith(("doa_encoder.", "doa_convs.")) for name in known):
        return "two trunks"
    return "two heads" if any(name.startswith("sed_") for name in known) else "one head"


def _name_table(backbone: Backbone, arrangement: Arrangement) -> tuple[tuple[str, str], ...]:
    if arrangement != "two trunks":
        return PUBLISHED_SEDDOA_NAMES if arrangement == "two heads" else PUBLISHED_NAMES
    if backbone not in _CONVOLUTIONAL:
        return PUBLISHED_EINV2_NAMES
    # Stitches stand behind every block but the last; the last three are those of the tracks.
    between = 5 if backbone == "cnn14" else 3
    return (
        ("sed_convs.", "body.sed_encoder."),
        ("doa_convs.", "body.doa_encoder."),
        *((f"stitch.{index}.", f"body.stitches.{index}.") for index in range(between)),
        *((f"stitch.{between + track}.", f"body.tracks.{track}.stitch.") for track in range(TRACKS)),
        *(
            (f"{part}{kind}_track{track + 1}.", f"body.tracks.{track}.{kind}_{ours}.")
            for part, ours in (("", "decoder"), ("fc_", "head"))
            for kind in ("sed", "doa")
            for track in range(TRACKS)
        ),
    )


def _renamed(name: str, table: Sequence[tuple[str, str]]) -> str:
    return next((ours + name.removeprefix(theirs) for theirs, ours in table if name.startswith(theirs)), name)


def _published(own: str, table: Sequence[tuple[str, str]], backbone: Backbone) -> str:
    """Return the published name of one of our tensors, for messages."""
    for theirs, ours in table:
        trunk, head = ours.endswith("encoder."), "vectors" in ours
        fits_trunk = not trunk or ("convs" in theirs) == (backbone in _CONVOLUTIONAL)
        fits_head = not head or (theirs == "tscam_conv.") == (backbone == "htsat")
        if own.startswith(ours) and fits_trunk and fits_head:
            return theirs + own.removeprefix(ours)
    return own
