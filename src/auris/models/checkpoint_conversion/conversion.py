"""From a published checkpoint to a model folder that :func:`auris.models.from_pretrained` loads."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import Tensor

from auris.errors import CheckpointError, FormatError, ParameterError
from auris.models.bat_config import Precision
from auris.models.checkpoint_conversion import pseldnets, spatial_ast
from auris.models.checkpoint_conversion.families import RECIPE_KEYS, TITLES, Family, family_of, unwrapped
from auris.models.checkpoint_conversion.reading import read_tensors
from auris.models.checkpoint_conversion.recognition import PublishedFamily, Recognised
from auris.models.pretrained import assign_weights, save_pretrained, weights_unset
from auris.models.published import PublishedModel, identify
from auris.vocabulary import Vocabulary, read_vocabulary, vocabulary

_LISTENERS: dict[Family, PublishedFamily] = {"pseldnets": pseldnets, "spatial_ast": spatial_ast, "dspast": spatial_ast}


def convert(
    file: str | Path,
    folder: str | Path,
    *,
    labels: str | Path | Sequence[str] | Vocabulary | None = None,
    sample_rate: int | None = None,
    encoder: str | Path | None = None,
    language_model: str | Path | None = None,
    precision: Precision | None = None,
    prompt_encoder: str | Path | None = None,
) -> dict[str, Any]:
    """Turn a published checkpoint into a model folder; nothing in the file is executed.

    The family, the network's parts and the number of classes are told by the names and shapes in the file. The folder
    appears whole or not at all.

    Args:
        file: checkpoint as its authors published it, whatever its suffix (.ckpt, .pth, .safetensors, none).
        folder: model folder to write; must not exist, or be empty.
        labels: names of the classes in the order of the output: a list, a known vocabulary's name (``dcase2021``), or a file
            (:func:`auris.vocabulary.read_vocabulary`). By default the known list of as many classes, or numbers.
        sample_rate: of the recordings it was trained with, hertz; needed only where the file does not say.
        encoder: of BAT: the listener that its projector reads, a name or a model folder. By default it is looked for in the
            folder ``encoder`` of the new model.
        language_model: of BAT: name on the Hugging Face Hub, or a folder. By default the published one.
        precision: of BAT: of the language model's weights where it is loaded; by default ``float16``.
        prompt_encoder: of SpatialSonic: a T5, by name on the Hugging Face Hub or folder. By default the published ``t5-base``.

    Returns:
        What was made: ``folder``, ``model`` (in its authors' words), ``published`` (name in the catalogue, if the file is
        exactly that one), ``parameters``, ``bytes``, ``notes``; of listeners ``classes``, ``labels`` (``given``, ``list`` or
        ``numbered``), ``sample_rate``; of BAT ``encoder``, ``language_model``, ``precision``; of SpatialSonic ``layout``,
        ``sample_rate``, ``positions`` (whether it is told directions), ``prompt_encoder``; of StereoCRW ``layout``,
        ``sample_rate``.

    Raises:
        CheckpointError: the file is no checkpoint, damaged, holds code, or is of a family that cannot be converted; or the
            encoder, language model or prompt encoder are not there or do not fit.
        FormatError: the folder is in use or cannot be written, or the class list cannot be read.
        MissingDependency: BAT needs the extra ``llm``, SpatialSonic ``generation``.
        ParameterError: the vocabulary's name is unknown, the sample rate or the labels are refused, or an argument is of
            another family.
    """
    source, target = Path(file), Path(folder)
    _check_free(target)
    names = _labels(labels)
    tensors = unwrapped(read_tensors(source))
    family = family_of(tensors, file=source)
    bats = {"encoder": encoder, "language_model": language_model, "precision": precision}
    if family == "bat":
        foreign = {"labels": labels, "sample_rate": sample_rate, "prompt_encoder": prompt_encoder}
        _refuse_arguments("BAT has no classes and hears what its encoder hears", **foreign)
        return _convert_bat(
            tensors, source, target, encoder=encoder, language_model=language_model, precision=precision or "float16"
        )
    if family == "spatialsonic":
        _refuse_arguments("SpatialSonic has no classes, and neither listens nor answers", labels=labels, **bats)
        return _convert_spatialsonic(tensors, source, target, sample_rate=sample_rate, prompt_encoder=prompt_encoder)
    if family == "stereocrw":
        foreign = {"labels": labels, "sample_rate": sample_rate, "prompt_encoder": prompt_encoder}
        _refuse_arguments("StereoCRW estimates delays and has no classes", **foreign, **bats)
        return _convert_stereocrw(tensors, source, target)
    if family not in _LISTENERS:
        raise CheckpointError(f"{source}: {_no_listener(family)}")
    _refuse_arguments(f"{TITLES[family]} listens and does not answer", **bats, prompt_encoder=prompt_encoder)
    recognised = _LISTENERS[family].recognise(tensors, labels=names, sample_rate=sample_rate, file=source)
    with weights_unset():
        model = recognised.network(recognised.config)
    assign_weights(model, _LISTENERS[family].weights(tensors, model, file=source), where=str(source))
    published = identify(source)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    with _folder_at_once(target) as temporary:
        save_pretrained(model, temporary, card=_card(target.name, source, recognised, published, parameters=parameters))
    return {
        "folder": str(target),
        "model": recognised.model,
        "published": published.name if published else None,
        "parameters": parameters,
        "bytes": sum(part.stat().st_size for part in target.iterdir()),
        "classes": len(recognised.config.labels),
        "labels": recognised.classes,
        "sample_rate": recognised.config.sample_rate,
        "notes": list(recognised.notes),
    }


def _convert_bat(
    tensors: Mapping[str, Tensor],
    source: Path,
    target: Path,
    *,
    encoder: str | Path | None,
    language_model: str | Path | None,
    precision: Precision,
) -> dict[str, Any]:
    from auris.models.checkpoint_conversion import bat

    weights = bat.recognise(tensors, file=source)
    made = bat.parts(weights, encoder=encoder, language_model=language_model, precision=precision, folder=target, file=source)
    published = bat.published_as(weights, source)
    with _folder_at_once(target) as temporary:
        bat.write_model(weights, made, temporary, card=bat.card(target.name, source, weights, made, published))
    return {
        "folder": str(target),
        "model": str(weights),
        "published": published.name if published else None,
        "parameters": weights.parameters,
        "bytes": sum(part.stat().st_size for part in target.rglob("*") if part.is_file()),
        "encoder": made.config.encoder,
        "language_model": made.config.language_model,
        "precision": made.config.precision,
        "notes": list(made.notes),
    }


def _convert_spatialsonic(
    tensors: Mapping[str, Tensor],
    source: Path,
    target: Path,
    *,
    sample_rate: int | None,
    prompt_encoder: str | Path | None,
) -> dict[str, Any]:
    from auris.models.checkpoint_conversion import spatialsonic

    weights = spatialsonic.recognise(tensors, sample_rate=sample_rate, prompt_encoder=prompt_encoder, file=source)
    published = spatialsonic.published_as(weights, source)
    with _folder_at_once(target) as temporary:
        spatialsonic.write_model(weights, temporary, card=spatialsonic.card(target.name, source, weights, published))
    return {
        "folder": str(target),
        "model": str(weights),
        "published": published.name if published else None,
        "parameters": weights.parameters,
        "bytes": sum(part.stat().st_size for part in target.iterdir()),
        "layout": weights.config.layout,
        "sample_rate": weights.config.sample_rate,
        "positions": weights.config.position is not None,
        "prompt_encoder": weights.config.prompt_encoder,
        "notes": list(weights.notes),
    }


def _convert_stereocrw(tensors: Mapping[str, Tensor], source: Path, target: Path) -> dict[str, Any]:
    from auris.models.checkpoint_conversion import stereocrw

    weights = stereocrw.recognise(tensors, file=source)
    published = stereocrw.published_as(source)
    with _folder_at_once(target) as temporary:
        stereocrw.write_model(weights, temporary, card=stereocrw.card(target.name, source, weights, published))
    return {
        "folder": str(target),
        "model": str(weights),
        "published": published.name if published else None,
        "parameters": weights.parameters,
        "bytes": sum(part.stat().st_size for part in target.iterdir()),
        "layout": weights.config.layout,
        "sample_rate": weights.config.sample_rate,
        "notes": [],
    }


def _refuse_arguments(reason: str, **arguments: object) -> None:
    given = [name.replace("_", " ") for name, value in arguments.items() if value is not None]
    if given:
        raise ParameterError(f"{reason}; leave out {' and '.join(given)}")


def _labels(given: str | Path | Sequence[str] | Vocabulary | None) -> tuple[str, ...] | None:
    if given is None:
        return None
    if isinstance(given, str) and not ("." in given or "/" in given or Path(given).is_file()):
        return vocabulary(given).labels
    if isinstance(given, str | Path):
        return read_vocabulary(given).labels
    return Vocabulary("given labels", tuple(given)).labels


def _no_listener(family: Family) -> str:
    """Return why files of this family are not converted, and what they are good for."""
    if family == "auris":
        return "is an auris network already; load its folder with from_pretrained"
    reasons: dict[Family, str] = {
        "audiomae": "has learned to complete spectrograms and has no head",
        "spatial_ast_body": "has no heads for distance and direction; convert the finetuned.pth of Spatial-AST instead",
    }
    reason = reasons.get(family, "names sounds, not where they are")
    return (
        f"{TITLES[family]} {reason}. It is no listener, but trainings can start from it: "
        f"set {RECIPE_KEYS[family]} of a recipe to this file"
    )


def _check_free(target: Path) -> None:
    if target.is_file():
        raise FormatError(f"{target} is a file; give a folder to write the model to")
    if target.is_dir() and any(target.iterdir()):
        raise FormatError(f"{target} is there already and not empty; choose another folder, or remove it first")


@contextmanager
def _folder_at_once(target: Path) -> Iterator[Path]:
    """Yield a temporary folder beside ``target`` that takes its place on success and is removed otherwise."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise FormatError(f"cannot write {target}: {error.strerror or error}") from None
    try:
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        os.replace(temporary, target)
    except OSError as error:
        raise FormatError(f"cannot write {target}: {error.strerror or error}") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _card(name: str, source: Path, recognised: Recognised, published: PublishedModel | None, *, parameters: int) -> str:
    """Return the README of a converted model."""
    known = "not a file of the catalogue (`auris models list`): fine-tuned, or another version"
    origin = f"published as `{published.file}` by {published.system}: {published.host}" if published else known
    licence = f"{published.licence or 'not known'}" if published else "that of whoever trained it"
    result = f"- Measured by its authors: {published.result}\n" if published and published.result else ""
    notes = "".join(f"- {note}\n" for note in recognised.notes) or "- None: the file said everything.\n"
    return f"""---
library_name: auris
tags: [sound-event-localization-and-detection, spatial-audio]
---
# {name}

{recognised.model} ({recognised.work}), converted from `{source.name}`.

    auris listen recording.wav --model {name}

- Input: {recognised.hears}.
- Output: {recognised.says}.
- Parameters: {parameters / 1e6:.2f} million.
- Classes: {"; ".join(recognised.config.labels)}.

## Origin

- File: `{source.name}`, {origin}.
{result}- Licence of the weights: {licence}. Ask the authors before you pass them on.

## What the file did not say

{notes}"""
