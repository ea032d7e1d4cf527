"""Measuring a listener on whole scenes, and the card that goes with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from auris.data.scene_sampler import PRESETS
from auris.data.simulated import RenderedScene, validation_scenes
from auris.data.stems import BankSettings, StemSettings
from auris.dsp.hrtf import DirectionalResponses, structural_head
from auris.metrics.seld import score_scenes
from auris.models.detections import DetectionSettings
from auris.models.listening import hear, hear_pieces
from auris.seeding import derive
from auris.training.machine import machine_name
from auris.training.recipe import Recipe


def open_scenes(recipe: Recipe) -> dict[str, list[RenderedScene]]:
    """Render the validation scenes: ``recordings`` of the recipe's folds, and ``procedural`` sounds.

    The classes are the recipe's, rooms and places are drawn from the preset with another seed than in training.

    Raises:
        FormatError: the sound folder is missing.
    """
    recordings = replace(recipe.stems.bank, folds=recipe.validation.folds, procedural=0.0, variations=1)
    scenes = {"procedural": _scenes(recipe, replace(recipe.stems.bank, procedural=1.0), "procedural")}
    if recipe.stems.bank.sounds is not None:
        scenes["recordings"] = _scenes(recipe, recordings, "recordings")
    return scenes


def _scenes(recipe: Recipe, bank: BankSettings, name: str) -> list[RenderedScene]:
    """Render one set of scenes; its name is part of its seed."""
    return list(
        validation_scenes(
            replace(PRESETS[recipe.validation.preset], labels=recipe.labels),
            bank.open(),
            layout=recipe.stems.layout,
            sample_rate=recipe.stems.sample_rate,
            count=recipe.validation.scenes,
            seed=derive(recipe.validation.seed, name),
            heads=unseen_heads(recipe.stems),
        )
    )


def calibrated(recipe: Recipe, model: Any) -> DetectionSettings:
    """Return the model's settings with the threshold that gives the best F20 on further procedural scenes.

    Recordings have no say, so that what is measured on them stays unseen.
    """
    scenes = _scenes(recipe, replace(recipe.stems.bank, procedural=1.0), "calibration")
    true, hearings = [s.scene for s in scenes], [hear_pieces(model, [s.audio]) for s in scenes]

    def f20(settings: DetectionSettings) -> float:
        heard = [replace(hearing, settings=settings).scene() for hearing in hearings]
        return score_scenes(true, heard, model.labels, year=2024, average="macro_present", hop=model.frame_seconds).f

    options: list[DetectionSettings] = [replace(model.detection, threshold=threshold) for threshold in _THRESHOLDS]
    return max(options, key=f20)


def unseen_heads(stems: StemSettings, *, count: int = 3) -> list[DirectionalResponses | None]:
    """Return heads of the structural model that no stem was heard with, and the built-in one; nothing for other layouts."""
    if stems.layout != "binaural":
        return [None]
    made = (structural_head(stems.sample_rate, head_radius=0.082 + 0.005 * i, pinna_seed=1000 + i) for i in range(count))
    return [None, *made]


def measure(model: Any, scenes: Mapping[str, Sequence[RenderedScene]]) -> dict[str, float]:
    """Score a model on sets of scenes: ``{"recordings/f20": …}``.

    By the rules of DCASE 2024 (frames, 20 degrees, relative distance error at most 1): ``f20``, ``angle_error_deg``,
    ``distance_error`` in metres, ``relative_distance_error``. By those of 2023 (segments of a second): ``segment_f20``,
    ``error_rate``, ``localisation_error_deg`` and ``localisation_recall`` (LE_CD, LR_CD), ``seld``. For two channels also
    ``f20_folded`` and ``azimuth_error_folded_deg`` by those of 2025, which ask for left and right but not for front and back.
    Means over the classes present.
    """
    scores: dict[str, float] = {}
    for name, some in scenes.items():
        heard, true = [hear(model, rendered.audio) for rendered in some], [rendered.scene for rendered in some]
        later = score_scenes(true, heard, model.labels, year=2024, average="macro_present", hop=model.frame_seconds)
        earlier = score_scenes(true, heard, model.labels, year=2023, average="macro_present")  # ten frames a second, always
        scores |= {
            f"{name}/f20": later.f,
            f"{name}/angle_error_deg": later.localisation_error_deg,
            f"{name}/distance_error": later.distance_error,
            f"{name}/relative_distance_error": later.relative_distance_error,
            f"{name}/localisation_error_deg": earlier.localisation_error_deg,
            f"{name}/localisation_recall": earlier.localisation_recall,
            f"{name}/error_rate": earlier.error_rate,
            f"{name}/segment_f20": earlier.f,
            f"{name}/seld": earlier.seld,
        }
        if model.layout.kind != "ambisonics":
            folded = score_scenes(true, heard, model.labels, year=2025, average="macro_present", hop=model.frame_seconds)
            scores[f"{name}/f20_folded"] = folded.f
            scores[f"{name}/azimuth_error_folded_deg"] = folded.localisation_error_deg
    return {name: round(float(value), 4) for name, value in scores.items()}


def model_card(recipe: Recipe, model: Any, reached: Mapping[str, Any]) -> str:
    """Return the text of a model's README.md, with everything that was measured."""
    parameters = sum(p.numel() for p in model.parameters())
    sets = sorted({key.split("/")[0] for key in reached if "/" in key})
    columns = _COLUMNS + (_FOLDED if f"{sets[0]}/f20_folded" in reached else ())
    lines = ["| scenes | " + " | ".join(title for title, _, _ in columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name in sets:
        cells = (form.format(reached[f"{name}/{key}"]) for _, key, form in columns)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return _CARD.format(
        name=recipe.name,
        architecture=recipe.model.architecture,
        layout=_LAYOUTS[recipe.stems.layout],
        channels=model.layout.channels,
        rate=model.sample_rate,
        labels=", ".join(recipe.labels),
        parameters=f"{parameters / 1e6:.2f} million",
        steps=reached["steps"],
        minutes=f"{reached['minutes']:.0f}",
        machine=machine_name(),
        threads="one thread" if recipe.trainer.threads == 1 else f"{recipe.trainer.threads} threads",
        batch=recipe.trainer.batch,
        stems=recipe.pool.shards * recipe.stems.shard_size,
        folds=", ".join(map(str, recipe.stems.bank.folds or ())) or "all",
        share=f"{100 * recipe.stems.bank.procedural:.0f} %",
        preset=recipe.stems.preset,
        clips=_clips(recipe),
        tested=", ".join(map(str, recipe.validation.folds)),
        scenes=recipe.validation.scenes,
        table="\n".join(lines),
        heads=_HEADS if recipe.stems.layout == "binaural" else "",
        note=f"\n{recipe.note}\n" if recipe.note else "",
        limits=_LIMITS[recipe.stems.layout],
    )


def _clips(recipe: Recipe) -> str:
    """Tell of the whole clips that a recipe trains on besides."""
    clips = recipe.clips
    if clips is None or not clips.share:
        return ""
    ears = f"{clips.bank.population().count} heads and sizes of heads"
    return (
        f"; {100 * clips.share:.0f} % of the examples are clips with one sound that lasts and no noise, at the level of "
        f"SpatialSoundQA, in {clips.bank.rooms} further rooms, heard with {ears}"
    )


_THRESHOLDS = (0.3, 0.4, 0.5, 0.6)
_COLUMNS = (
    ("ER20", "error_rate", "{:.2f}"),
    ("F20", "segment_f20", "{:.1%}"),
    ("LE_CD", "localisation_error_deg", "{:.1f}°"),
    ("LR_CD", "localisation_recall", "{:.1%}"),
    ("SELD", "seld", "{:.3f}"),
    ("F20 by frames", "f20", "{:.1%}"),
    ("angle error", "angle_error_deg", "{:.1f}°"),
    ("distance error", "distance_error", "{:.2f} m"),
    ("relative", "relative_distance_error", "{:.0%}"),
)
_FOLDED = (
    ("F20, front and back folded", "f20_folded", "{:.1%}"),
    ("azimuth error, folded", "azimuth_error_folded_deg", "{:.1f}°"),
)
_LAYOUTS = {
    "foa": "first-order ambisonics (ACN/SN3D: W, Y, Z, X)",
    "binaural": "binaural audio (left ear, right ear)",
    "stereo": "the sound of two omnidirectional microphones 0.17 m apart (left, right)",
}
_HEADS = (
    "\nHeads: several of the built-in structural model with different radii and pinnae, and MIT KEMAR if found. "
    "The scenes below were heard with the mean head and with structural heads that were not trained on.\n"
)
_LIMITS = {
    "foa": "Ideal ambisonics only: real microphone arrays lose directions above their spatial aliasing frequency. Distances "
    "beyond 5 m were not trained.",
    "binaural": "Two ears of an unknown head: front and back are often confused, heights are told poorly. Distances beyond 8 m "
    "were not trained; level tells them best where sounds are as loud at 1 m as in SpatialSoundQA (-14 dB re full scale).",
    "stereo": "Free microphones without a head between them, 0.17 m apart, as in BEWO-1M. All is heard as if in front, at the "
    "height of the microphones. Distances beyond 8 m were not trained.",
}
_CARD = """---
library_name: auris
license: apache-2.0
tags: [sound-event-localization-and-detection, spatial-audio]
---
# {name}

Hears who sounds, when, from where and how far, ten times a second, in {layout}.

    auris listen recording.wav --model {name}

- Input: {channels} channels; any sample rate and length (resampled to {rate} Hz, heard in overlapping blocks).
- Output: multi-ACCDOA with distance, three tracks per class, read as a scene with sources, paths and confidences.
- Classes: {labels}.
- Network: `{architecture}`, {parameters} parameters; `config.json` says all of it.

## Data

Trained for {minutes} minutes on {machine} ({steps} steps of {batch} examples of 5 s, {threads}), on scenes mixed on
the fly from {stems} rendered single sources, a third of them moving, in shoebox rooms of the preset `{preset}`, under
diffuse and sensor noise{clips}. Sounds: recordings of folds {folds} (ESC-50 clips from Freesound under CC0, CC-BY and
CC-Sampling+, LibriSpeech and spoken digits under CC-BY and CC-BY-SA 4.0, music from public collections; authors and
licences are in the `ATTRIBUTION.csv` of the sound folder) and procedural synthesis ({share}).
{heads}{note}
## Measured

{scenes} scenes of 5 s per row, from the same preset in rooms that were not trained in. `recordings` are of fold {tested},
which training never heard; `procedural` are new variations of the synthesis. ER20, F20, LE_CD, LR_CD and SELD score by the
rules of DCASE 2023 (segments of a second), F20 by frames, angle and distance errors by those of 2024; means over the classes
present.

{table}

## Limits

{limits}

Everything was simulated: expect less on recordings of real rooms. Three sources at once, quiet ones especially, are often
heard as two. Events of one class closer than 18° count as one.

## Licence

Weights: Apache-2.0. Recipe: `recipes/{name}.yaml`, for `auris train`.
"""
