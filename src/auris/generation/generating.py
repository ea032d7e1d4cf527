"""The verb: words, or a plan, to spatial sound."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from auris.channels import ChannelLayout
from auris.errors import ParameterError
from auris.generation.engines import Chosen, ContentKind, Engine, engine_for, with_known_sounds
from auris.generation.induction import Inducer, induce
from auris.generation.plan import Plan, checked_seconds
from auris.generation.results import Attempt, Generated, Made, Report, Sampling, is_silent
from auris.generation.verification import Ears, ears_for, verify_with
from auris.models.generating import Generator

if TYPE_CHECKING:
    from auris.data.sound_bank import Bank
    from auris.models.clip_listening import ClipModel
    from auris.models.listening import FrameListener

MOST_ATTEMPTS = 100


def generate(
    prompt: str | Plan,
    *,
    model: str | Path | Generator | Engine | None = None,
    layout: ChannelLayout | str | None = None,
    seconds: float | None = None,
    seed: int = 0,
    sounds: str | Path | Bank | None = None,
    content: ContentKind | None = None,
    infer: Inducer | None = None,
    steps: int | None = None,
    guidance: float | None = None,
    guidance_position: float | None = None,
    device: str = "auto",
    verify: bool = False,
    best_of: int = 1,
    listener: str | Path | FrameListener | ClipModel | None = None,
    report: Report | None = None,
) -> Generated:
    """Write spatial sound from words (Both Ears Wide Open, arXiv:2410.10676).

    >>> made = generate("a dog barks on the left, then runs to the right", model="place", layout="foa", seconds=2)
    >>> made.audio.layout.name, made.scene.labels
    ('foa', ('dog',))

    Args:
        prompt: in English; or a plan (:class:`auris.generation.plan.Plan`), where more is to be said than words do.
        model: who writes: ``place`` puts mono sounds where they are asked for, by simulation; name or folder of a model that
            writes all channels itself, or a loaded one; None takes the one that ships, where it writes the layout, and
            ``place`` otherwise.
        layout: mono, stereo, binaural, foa, hoa2 … hoa7, tetra, or any layout; None is what the model writes, a stereo pair
            (two omnidirectional microphones 0.17 m apart) for ``place``.
        seconds: length of the clip; None is what a plan or the prompt says, and else the model's usual one.
        seed: the same seed writes the same clip on the same machine.
        sounds: of ``place``: bank of sounds, as in :func:`auris.pipelines.sound_bank`.
        content: of ``place``: ``generated`` by the model that ships, or from the ``bank``; None takes the bank where sounds are
            given or no generator ships.
        infer: who reads the prompt (:mod:`auris.generation.induction`); None is the grammar.
        steps: of the sampler; None is the model's own number, as for the next two.
        guidance: how strongly the clip follows the words.
        guidance_position: how strongly it follows the directions, for models that tell both apart.
        device: where models given by name compute: ``cpu``, ``cuda``, or ``auto``.
        verify: listen to the result, and compare what is heard with what was asked for.
        best_of: clips to write, of which the one that verifies best is kept; their seeds follow ``seed``.
        listener: who listens, as ``model`` of :func:`auris.listen`; None is the one that ships for the layout.
        report: called with what is being done, how much of it is done, and of how much.

    Raises:
        ParameterError: the prompt is not understood, a sound is none that the model knows, or a setting is impossible.
        LayoutError: the model does not write the layout, or nobody can listen to it.
        CheckpointError: a model cannot be loaded.
        SceneError: the plan makes no scene, or a recording cannot be played.
        FormatError: the folder of sounds cannot be read.
        MissingDependency: a model needs an extra that is not installed.
    """
    if isinstance(best_of, bool) or not isinstance(best_of, int) or not 1 <= best_of <= MOST_ATTEMPTS:
        raise ParameterError(f"best_of must be a whole number from 1 to {MOST_ATTEMPTS}, got {best_of!r}")
    checked_seed(seed)
    if seconds is not None:
        checked_seconds(seconds)
    chosen = engine_for(model, layout=layout, sounds=sounds, content=content, device=device)
    plan = planned(prompt, chosen.engine, seconds=seconds, infer=infer)
    ears = ears_for(chosen.engine.layout, listener=listener, device=device) if verify or best_of > 1 else None
    sampling = Sampling(steps, guidance, guidance_position)
    return _best(plan, chosen, ears, seeds=range(seed, seed + best_of), sampling=sampling, report=report or _unheard)


def planned(prompt: str | Plan, engine: Engine, *, seconds: float | None = None, infer: Inducer | None = None) -> Plan:
    """Return the plan that an engine follows: with sounds that it knows, no longer than it can write.

    Raises:
        ParameterError: the prompt is not understood, a sound is unknown, or the clip is too long.
    """
    if isinstance(prompt, Plan):
        plan = prompt if seconds is None else replace(prompt, seconds=seconds)
    else:
        plan = induce(prompt, by=infer, labels=engine.labels or (), seconds=seconds, usual=engine.usual)
    if plan.seconds > engine.longest + 1e-6:
        raise ParameterError(f"{engine.name} writes at most {engine.longest:g} seconds, {plan.seconds:g} were asked for")
    return with_known_sounds(plan, engine.labels)


def checked_seed(seed: int) -> int:
    """Return a seed; raises :class:`ParameterError` unless it is a whole number of at least 0 that torch takes, too."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**63 - MOST_ATTEMPTS:
        raise ParameterError(f"a seed is a whole number of at least 0, got {seed!r}")
    return int(seed)


def _best(plan: Plan, chosen: Chosen, ears: Ears | None, *, seeds: range, sampling: Sampling, report: Report) -> Generated:
    """Write a clip for each seed, and return the one that verifies best, the first of equals."""
    best: Generated | None = None
    attempts: list[Attempt] = []
    for number, seed in enumerate(seeds):
        made = chosen.engine.make(plan, seed=seed, sampling=sampling, report=_of_many(report, number, len(seeds)))
        result = _result(plan, chosen, made, seed)
        if ears is None:
            return result
        report("listening", number, len(seeds))
        result = replace(result, verification=verify_with(made.audio, plan, ears))
        report("listening", number + 1, len(seeds))
        assert result.verification is not None
        attempts.append(Attempt(seed, result.verification.score))
        if best is None or best.verification is None or result.verification.score > best.verification.score:
            best = result
    assert best is not None
    return replace(best, attempts=tuple(attempts) if len(attempts) > 1 else ())


def _result(plan: Plan, chosen: Chosen, made: Made, seed: int) -> Generated:
    notes = (*chosen.notes, *(["the clip is silent"] if is_silent(made.audio) else []))
    return Generated(made.audio, made.scene, plan, chosen.engine.name, seed, dry=made.dry, notes=notes)


def _of_many(report: Report, number: int, count: int) -> Report:
    """Tell of which of several clips something is told."""
    if count == 1:
        return report
    return lambda doing, done, total: report(f"{doing}, clip {number + 1} of {count}", done, total)


def _unheard(doing: str, done: int, total: int) -> None:
    """Nobody wants to know."""
