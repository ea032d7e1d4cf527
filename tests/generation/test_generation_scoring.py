"""Scores of generators: what is right scores high, exchanged prompts low, silence not at all."""

import numpy as np
import pytest
import torch

from auris.audio import Audio
from auris.channels import stereo
from auris.data.procedural_bank import ProceduralBank
from auris.errors import ParameterError
from auris.generation.engines import engine_for
from auris.generation.score_prompts import PromptSettings, drawn_plans
from auris.generation.scoring import WrittenClip, embedded, exchanged, judged, score, written
from auris.generation.verification import Ears
from auris.models import create
from auris.models.audio_embedding import ListenerEmbedder

LABELS = ("dog", "rain", "speech")
EARS = Ears(stereo(), None, True)


@pytest.fixture(scope="module")
def plans():
    return drawn_plans(LABELS, count=6, seed=1, settings=PromptSettings(seconds=2.0, two_sounds=0.0, moving=0.0))


@pytest.fixture(scope="module")
def clips(plans):
    told = []
    made = written(engine_for("place", sounds=ProceduralBank()).engine, plans, seed=0, report=lambda *now: told.append(now))
    assert told == [(number, 6) for number in range(1, 7)]
    return made


@pytest.fixture(scope="module")
def embedder():
    torch.manual_seed(0)
    small = {"widths": (8, 8, 8, 8, 8), "hidden": 8, "sample_rate": 16_000, "window": 640, "hop": 320}
    return ListenerEmbedder(create("seld_crnn", labels=LABELS, layout="stereo", **small).eval())


def test_what_the_simulator_places_comes_from_where_it_was_asked_for(plans, clips, embedder):
    judgements = judged(clips, plans, ears=EARS, embedder=embedder)
    reached = score("place", clips, judgements, reference=judgements)
    assert reached.direction_itd.value == reached.direction_still == 1.0
    assert reached.direction_moving is reached.direction_listener is reached.sound is reached.likeness is None
    assert reached.frechet == pytest.approx(0.0, abs=1e-6)
    assert reached.divergence == pytest.approx(0.0, abs=1e-6)
    assert (reached.clips, reached.silent) == (6, 0)
    assert reached.realtime > 0
    assert reached.to_dict()["direction_itd"]["value"] == 1.0


def test_exchanged_prompts_score_lower_and_none_stays_in_its_place(plans, clips, embedder):
    others = exchanged(plans, seed=0)
    assert sorted(plan.prompt for plan in others) == sorted(plan.prompt for plan in plans)
    assert all(plan is not other for plan, other in zip(plans, others, strict=True))
    reached = score("exchanged", clips, judged(clips, others, ears=EARS, embedder=embedder))
    assert reached.direction_itd.value < 1.0
    assert reached.frechet is None


def test_silence_is_counted_and_wrong(plans, clips, embedder):
    nothing = [
        WrittenClip(Audio(np.zeros_like(clip.audio.samples), clip.audio.sample_rate, clip.audio.layout), 0.0) for clip in clips
    ]
    reached = score("silence", nothing, judged(nothing, plans, ears=EARS, embedder=embedder))
    assert reached.silent == 6
    assert reached.direction_itd.value == 0.0
    assert reached.inception is reached.realtime is None


def test_clips_without_a_prompt_are_embedded_alone(clips, embedder):
    assert embedded(clips[0].audio, embedder).embedding.shape == embedder.embedded(clips[1].audio).shape


def test_nothing_to_score_or_to_exchange_is_refused(plans):
    with pytest.raises(ParameterError, match="no clips"):
        score("nothing", [], [])
    with pytest.raises(ParameterError, match="two prompts"):
        exchanged(plans[:1], seed=0)
