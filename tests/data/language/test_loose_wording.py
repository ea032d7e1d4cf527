"""Questions as people type them."""

from __future__ import annotations

import re

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from auris.data.language.loose_wording import loosened
from auris.data.language.questions import HeardSource, askable, question
from auris.io.spatial_qa_records import QUESTION_TYPES

DOG, RAIN = HeardSource(("dog",), (1.0, 2.0, 0.8)), HeardSource(("heavy rain",), (-2.0, -3.0, -0.9))
MEANING = (
    "dog",
    "rain",
    "left",
    "right",
    "front",
    "behind",
    "above",
    "below",
    "nearer",
    "closer",
    "farther",
    "further",
    "between",
)


@settings(max_examples=80, deadline=None)
@given(kind=st.sampled_from(QUESTION_TYPES[2:]), seed=st.integers(0, 10**6))
def test_what_is_asked_stays(kind, seed):
    assert askable(kind, (DOG, RAIN))
    text = question(kind, (DOG, RAIN), seed).text
    loose = loosened(text, np.random.default_rng(seed))
    words, kept = (re.findall(r"\w+", said.lower()) for said in (text, loose))
    assert [word for word in words if word in MEANING] == [word for word in kept if word in MEANING]
    assert loose.strip()


def test_a_seed_says_it_the_same_way_and_others_do_not():
    text = "Where is the sound of the dog coming from?"
    ways = {loosened(text, np.random.default_rng(seed)) for seed in range(40)}
    assert loosened(text, np.random.default_rng(3)) == loosened(text, np.random.default_rng(3))
    assert len(ways) > 15


def test_filler_alone_is_not_lost():
    assert loosened("What is it?", np.random.default_rng(0))
