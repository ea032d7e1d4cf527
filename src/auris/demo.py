"""The whole loop on one scene: sample it, render it, listen to it, ask about it, compare; and one generated from words.

``auris demo`` writes a folder with audio to put headphones on, labels, scenes, pictures and ``summary.json``.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auris.demo_questions import AskedOfDemo, ask_demo
from auris.errors import MissingDependency
from auris.geometry import angles
from auris.metrics.event_pairs import EventPair, pair_events
from auris.scene import Event, Scene, Source

if TYPE_CHECKING:
    from auris.acoustics.renderer import Rendering
    from auris.data.scene_presets import ScenePreset
    from auris.data.sound_bank import Bank
    from auris.generation import Generated

PROMPT = "a dog barks on the left, then runs to the right"
LAYOUTS = ("binaural", "foa")


@dataclass(frozen=True)
class DemoResult:
    """What the demo made and measured; ``heard``, ``pairs`` and ``scores`` by layout.

    ``questions`` were asked of the audio for two ears; ``model`` is the language model that answered, None where there is none.
    ``generated`` was written from :data:`PROMPT`, and verified.
    """

    folder: Path
    scene: Scene
    heard: dict[str, Scene]
    pairs: dict[str, list[EventPair]]
    scores: dict[str, dict[str, float]]
    model: str | None
    questions: tuple[AskedOfDemo, ...]
    generated: Generated
    seconds: dict[str, float]
    files: tuple[Path, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the plain dictionary of ``summary.json``."""
        return {
            "folder": str(self.folder),
            "files": [str(path.relative_to(self.folder)) for path in self.files],
            "scene": self.scene.to_dict(),
            "heard": {layout: scene.to_dict() for layout, scene in self.heard.items()},
            "events": {layout: [pair_row(self.scene, self.heard[layout], p) for p in v] for layout, v in self.pairs.items()},
            "scores": self.scores,
            "questions": {"model": self.model, "asked": [question.to_dict() for question in self.questions]},
            "generated": self.generated.to_dict(),
            "seconds": self.seconds,
        }


def run_demo(
    folder: str | Path,
    *,
    sounds: str | Path | Bank | None = None,
    seed: int = 0,
    report: Callable[[str], None] = lambda _step: None,
) -> DemoResult:
    """Run the demo.

    Args:
        folder: where to write; made when missing, files of an earlier run are replaced.
        sounds: folder with one sub-folder per class, or None for the synthesised sounds.
        seed: which scene to draw.
        report: called with a line of text as each step begins.

    Raises:
        SceneError: no scene can be made of these sounds.
        FormatError: the folder of sounds or the output folder is unusable.
    """
    from auris.data.rendering_files import write_renderings
    from auris.pipelines import listen, sample_scene, simulate, sound_bank

    out, seconds, clock = Path(folder), {}, time.perf_counter
    report("drawing a scene")
    bank = sound_bank(sounds)
    preset = _preset_for(bank.labels, report)
    scene = sample_scene(preset, sounds=bank, seed=seed).with_(name=f"Demo scene {seed}")
    renderings: dict[str, Rendering] = {}
    for layout in LAYOUTS:
        report(f"simulating it as {layout}")
        started = clock()
        renderings[layout] = simulate(scene, layout=layout, sounds=bank)
        seconds[f"simulate_{layout}"] = round(clock() - started, 3)
    written = write_renderings(out, list(renderings.values()), classes=preset.labels, existing="replace")
    heard = {}
    for layout in LAYOUTS:
        report(f"listening to the {layout} audio")
        started = clock()
        heard[layout] = listen(renderings[layout].mixture)
        seconds[f"listen_{layout}"] = round(clock() - started, 3)
    report("asking three questions")
    started = clock()
    model, questions = ask_demo(scene, heard["foa"], renderings["foa"].mixture, seed=seed, report=report)
    seconds["ask"] = round(clock() - started, 3)
    report(f"generating: {PROMPT}")
    started = clock()
    generated = _generated(out, seed)
    seconds["generate"] = round(clock() - started, 3)
    report("comparing and drawing")
    pairs = {layout: pair_events(scene, heard[layout]) for layout in LAYOUTS}
    scores = {layout: _scores(scene, heard[layout]) for layout in LAYOUTS}
    drawn = _draw(out, scene, heard, renderings, generated)
    files = [*written.files, out / "generated.wav", *_write_heard(out, heard), *drawn]
    result = DemoResult(out, scene, heard, pairs, scores, model, questions, generated, seconds, tuple(files))
    return _with_summary(result)


def _preset_for(labels: Sequence[str], report: Callable[[str], None]) -> ScenePreset:
    """The demo's preset, with only classes that the listeners know, as long as there are any."""
    from auris.data.scene_presets import PRESETS
    from auris.pipelines import listener_for

    known = set.intersection(*(set(listener_for(layout).labels) for layout in LAYOUTS))
    heard, unheard = [x for x in labels if x in known], [x for x in labels if x not in known]
    if not heard:
        report(f"the listeners know none of the classes {', '.join(labels)}; they know {', '.join(sorted(known))}")
    elif unheard:
        report(f"left out, because the listeners do not know them: {', '.join(unheard)}")
    return replace(PRESETS["demo"], labels=tuple(heard or labels))


def _with_summary(result: DemoResult) -> DemoResult:
    import json

    from auris.io.atomic import write_text

    path = result.folder / "summary.json"
    complete = replace(result, files=(*result.files, path))
    write_text(path, json.dumps(_finite(complete.to_dict()), indent=2) + "\n")
    return complete


def _finite(value: Any) -> Any:
    """Replace NaN, which JSON cannot say, by None."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _generated(out: Path, seed: int) -> Generated:
    """Write :data:`PROMPT` as sound and listen to it."""
    from auris.generation import generate
    from auris.io.audio_files import write_audio

    made = generate(PROMPT, seconds=5.0, seed=seed, verify=True)
    write_audio(out / "generated.wav", made.audio)
    return made


def _scores(scene: Scene, heard: Scene) -> dict[str, float]:
    """Location-dependent F-score at 20° and distance error (DCASE 2024), localisation error and recall (DCASE 2023)."""
    from auris.metrics.seld import score_scenes

    labels = sorted({*scene.labels, *heard.labels})
    new, old = (score_scenes(scene, heard, labels, year=year, average="micro") for year in (2024, 2023))
    return {
        "f20": new.f,
        "relative_distance_error": new.relative_distance_error,
        "localisation_error_deg": old.localisation_error_deg,
        "localisation_recall": old.localisation_recall,
    }


def _write_heard(out: Path, heard: dict[str, Scene]) -> list[Path]:
    from auris.io.scene_files import write_scene

    paths = [out / f"heard_{layout}.yaml" for layout in heard]
    for path, scene in zip(paths, heard.values(), strict=True):
        write_scene(path, scene)
    return paths


def _draw(out: Path, scene: Scene, heard: dict[str, Scene], renderings: dict[str, Rendering], made: Generated) -> list[Path]:
    """Draw the pictures; without matplotlib there are none."""
    from auris import plots

    try:
        figures = {"plan.png": plots.plan(scene, heard=heard["foa"])}
        for layout, rendering in renderings.items():
            figures[f"directions_{layout}.png"] = plots.listening(scene, heard[layout], audio=rendering.mixture)
        figures["spectrogram.png"] = plots.spectrogram(renderings["binaural"].mixture)
        verified = made.verification
        figures["generated.png"] = plots.generated(made.audio, made.scene, None if verified is None else verified.heard)
    except MissingDependency:
        return []
    for name, figure in figures.items():
        plots.save_figure(out / name, figure)
    return [out / name for name in figures]


def pair_row(scene: Scene, heard: Scene, pair: EventPair) -> dict[str, Any]:
    """Return what was there and what was heard, side by side, in seconds, degrees and metres."""
    return {
        "true": _event(scene, pair.true),
        "heard": _event(heard, pair.heard),
        "angle_deg": math.degrees(pair.angle),
        "distance_error": pair.distance_error,
    }


def _event(scene: Scene, item: tuple[Source, Event] | None) -> dict[str, Any] | None:
    if item is None:
        return None
    source, event = item
    ends = scene.relative_positions(source.path, [event.onset, event.offset])
    azimuth, elevation, distance = angles(ends)
    return {
        "class": source.label,
        "onset": event.onset,
        "offset": event.offset,
        "azimuth_deg": [round(math.degrees(a), 1) for a in azimuth],
        "elevation_deg": [round(math.degrees(e), 1) for e in elevation],
        "distance": [round(float(d), 2) for d in distance],
        "confidence": event.confidence,
    }
