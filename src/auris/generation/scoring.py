"""Generators against each other on the same prompts: is what was asked for heard, from where it was asked for, and like real?

Every clip is verified (:mod:`auris.generation.verification`) and embedded (:mod:`auris.models.audio_embedding`). Beside a model
stand ``place`` with sounds of a generator, real recordings rendered by the simulator (the best that can be reached), and the
model's own clips against exchanged prompts (what guessing is worth).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auris import seeding
from auris.audio import Audio
from auris.errors import ParameterError
from auris.generation.engines import Engine
from auris.generation.plan import Plan
from auris.generation.results import Sampling, is_silent
from auris.generation.verdicts import Verification, Witness
from auris.generation.verification import Ears, verify_with
from auris.metrics.bootstrap import BootstrapInterval, bootstrap_interval, resampling_counts
from auris.metrics.frechet import frechet_distance
from auris.metrics.generation import inception_score, mean_similarity, paired_divergence
from auris.models.audio_embedding import AudioEmbedder

SHUFFLED = "prompts exchanged"


@dataclass(frozen=True, eq=False)
class WrittenClip:
    """One clip, as a system wrote it.

    Attributes:
        audio: what is heard.
        seconds: that writing it took.
    """

    audio: Audio
    seconds: float


@dataclass(frozen=True, eq=False)
class JudgedClip:
    """One clip, judged.

    Attributes:
        verification: asked against heard.
        embedding: of the clip; None where it is silent.
        probabilities: of the embedder's classes; None where it has none, or the clip is silent.
        likeness: cosine between embeddings of prompt and clip; None where the embedder knows no words, or the clip is silent.
    """

    verification: Verification
    embedding: NDArray[np.float32] | None = None
    probabilities: NDArray[np.float32] | None = None
    likeness: float | None = None


@dataclass(frozen=True)
class GenerationScore:
    """What a system reached.

    Attributes:
        name: of the system.
        clips: that were written.
        silent: clips in which nothing is heard; they count as wrong below, and are left out of distances.
        direction_itd: share of the sounds alone in their clip whose time difference says that they come from where they were
            asked for, within half a class, at the beginning and at the end; None for layouts without one.
        direction_still: the same of those that do not move.
        direction_moving: the same of those that do.
        direction_listener: the same of all sounds, by the listener, of those whose class it knows.
        sound: share of sounds whose class the listener hears.
        frechet: distance of the embeddings from those of the reference; None where there is none.
        divergence: of class probabilities from those of the reference clips, in pairs.
        inception: how sure and how varied the classes are.
        likeness: mean cosine of prompts and clips, for embedders that know words.
        realtime: seconds of sound written in a second; None where the clips were there before.
    """

    name: str
    clips: int
    silent: int
    direction_itd: BootstrapInterval | None
    direction_still: float | None
    direction_moving: float | None
    direction_listener: BootstrapInterval | None
    sound: BootstrapInterval | None
    frechet: float | None
    divergence: float | None
    inception: float | None
    likeness: float | None
    realtime: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return a plain dictionary, ready for JSON."""
        return asdict(self)


def written(
    engine: Engine,
    plans: Sequence[Plan],
    *,
    seed: int,
    sampling: Sampling | None = None,
    report: Callable[[int, int], None] = lambda _done, _all: None,
) -> tuple[WrittenClip, ...]:
    """Write a clip for each plan, each from a seed of its own.

    Args:
        engine: who writes.
        plans: what is asked for.
        seed: of all clips.
        sampling: how a diffusion model draws; None as it likes.
        report: called with clips written and clips in all.
    """
    done = []
    for number, plan in enumerate(plans):
        begun = time.perf_counter()
        made = engine.make(
            plan, seed=seeding.derive(seed, "clip", number) >> 1, sampling=sampling or Sampling(), report=lambda *_: None
        )
        done.append(WrittenClip(made.audio, time.perf_counter() - begun))
        report(number + 1, len(plans))
    return tuple(done)


def judged(
    clips: Sequence[WrittenClip],
    plans: Sequence[Plan],
    *,
    ears: Ears,
    embedder: AudioEmbedder,
    report: Callable[[int, int], None] = lambda _done, _all: None,
) -> tuple[JudgedClip, ...]:
    """Judge clips, each against the plan in its place.

    Args:
        clips: of a system.
        plans: as many.
        ears: who verifies (:func:`~auris.generation.verification.ears_for`).
        embedder: of clips.
        report: called with clips judged and clips in all.
    """
    done = []
    for number, (clip, plan) in enumerate(zip(clips, plans, strict=True), start=1):
        done.append(_judged(clip.audio, plan, ears, embedder))
        report(number, len(clips))
    return tuple(done)


def embedded(clip: Audio, embedder: AudioEmbedder) -> JudgedClip:
    """Embed a clip of which nobody knows what was asked for."""
    nothing = Verification((), silent=is_silent(clip))
    return JudgedClip(nothing) if nothing.silent else JudgedClip(nothing, embedder.embedded(clip), embedder.probabilities(clip))


def exchanged(plans: Sequence[Plan], *, seed: int) -> tuple[Plan, ...]:
    """Return the same plans in another order, none at its own place: prompts for clips that were written for others.

    Raises:
        ParameterError: there are fewer than two.
    """
    if len(plans) < 2:
        raise ParameterError(f"two prompts or more can be exchanged, got {len(plans)}")
    order = seeding.generator(seed, "exchanged").permutation(len(plans))
    places = np.empty(len(plans), dtype=int)
    places[order] = np.roll(order, 1)
    return tuple(plans[int(place)] for place in places)


def score(
    name: str,
    clips: Sequence[WrittenClip],
    judgements: Sequence[JudgedClip],
    *,
    reference: Sequence[JudgedClip] | None = None,
) -> GenerationScore:
    """Return what a system reached.

    Args:
        name: of the system.
        clips: of it, one or more.
        judgements: of them.
        reference: of real clips for the same plans; distances are from these.

    Raises:
        ParameterError: there are no clips.
    """
    if not clips:
        raise ParameterError("there are no clips to score")
    rows = [row for judgement in judgements for row in judgement.verification.rows]
    alone = [row for row in rows if row.by_itd is not None and not row.several]
    known = [row for row in rows if row.class_ok is not None]
    likenesses = [judgement.likeness for judgement in judgements if judgement.likeness is not None]
    return GenerationScore(
        name=name,
        clips=len(clips),
        silent=sum(judgement.verification.silent for judgement in judgements),
        direction_itd=_share([_right(row.by_itd) for row in alone]),
        direction_still=_mean([_right(row.by_itd) for row in alone if row.asked_start == row.asked_end]),
        direction_moving=_mean([_right(row.by_itd) for row in alone if row.asked_start != row.asked_end]),
        direction_listener=_share([_right(row.by_listener) for row in known]),
        sound=_share([bool(row.class_ok) for row in known]),
        likeness=_mean(likenesses),
        realtime=_realtime(clips),
        **_distances(judgements, reference),
    )


def _judged(audio: Audio, plan: Plan, ears: Ears, embedder: AudioEmbedder) -> JudgedClip:
    verification = verify_with(audio, plan, ears)
    if verification.silent:
        nowhere = Witness(None, None, (None, None))  # heard by nobody, which is wrong, and not for want of a witness
        rows = tuple(
            replace(
                row,
                by_itd=nowhere if ears.time_differences else None,
                by_listener=None if ears.listener is None else nowhere,
                confidence=None if ears.listener is None else 0.0,
            )
            for row in verification.rows
        )
        return JudgedClip(replace(verification, rows=rows))
    vector, words = embedder.embedded(audio), embedder.embedded_text(plan.prompt)
    likeness = None if words is None else mean_similarity(vector[None], words[None])
    return JudgedClip(verification, vector, embedder.probabilities(audio), likeness)


def _right(witness: Witness | None) -> bool:
    return witness is not None and witness.right


def _realtime(clips: Sequence[WrittenClip]) -> float | None:
    spent = sum(clip.seconds for clip in clips)
    return sum(clip.audio.duration for clip in clips) / spent if spent else None


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if len(values) else None


def _share(right: Sequence[bool]) -> BootstrapInterval | None:
    """A share with its interval; None of nothing."""
    if not right:
        return None
    counts = resampling_counts(len(right))
    return bootstrap_interval(float(np.mean(right)), np.asarray(right, dtype=float) @ counts / len(right))


def _distances(judgements: Sequence[JudgedClip], reference: Sequence[JudgedClip] | None) -> dict[str, float | None]:
    """Fréchet distance, divergence and inception score; None where they cannot be told."""
    said = [judgement.probabilities for judgement in judgements if judgement.probabilities is not None]
    found: dict[str, float | None] = {"frechet": None, "divergence": None, "inception": inception_score(said) if said else None}
    if reference is None:
        return found
    clouds = [
        np.asarray([judgement.embedding for judgement in some if judgement.embedding is not None])
        for some in (reference, judgements)
    ]
    if min(map(len, clouds)) > 1:
        found["frechet"] = frechet_distance(*clouds)
    pairs = [
        (real.probabilities, made.probabilities)
        for real, made in zip(reference, judgements, strict=True)
        if real.probabilities is not None and made.probabilities is not None
    ]
    if pairs:
        found["divergence"] = paired_divergence(*zip(*pairs, strict=True))
    return found
