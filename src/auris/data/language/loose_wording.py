"""Questions as people type them: filler left out, politeness added; what is asked stays.

A model that learns from well-formed sentences alone clings to their filler words. Here questions lose some of them at random,
so that sounds, directions and comparisons must carry the meaning.
"""

from __future__ import annotations

import re

import numpy as np

_FILLERS = frozenset(
    (
        *("the", "a", "an", "of", "that", "there", "it", "sound", "sounds", "source", "sources", "do", "does", "you", "hear"),
        *("here", "please", "can", "could", "would", "say", "tell", "me", "whether", "are", "is", "audio", "clip", "recording"),
        *("this", "heard", "originating", "located", "coming", "being"),
    )
)
_BEFORE = ("please: ", "tell me, ", "hey, ", "listen: ", "in this recording, ", "what do you think, ", "i wonder, ", "so, ")
_AFTER = (" please", " in this recording", " here", " would you say", " do you think", " can you tell")
_MOST_DROPPED = 0.6
_ADDED = 0.15


def loosened(text: str, rng: np.random.Generator) -> str:
    """Return a question with some filler words left out, and sometimes words added before or behind it.

    >>> loosened("Where is the sound of the dog coming from?", np.random.default_rng(1))
    'Where is sound of the dog coming from?'
    """
    share = rng.uniform(0, _MOST_DROPPED)
    words = [word for word in text.split() if re.sub(r"\W", "", word.lower()) not in _FILLERS or rng.random() >= share]
    loose = " ".join(words) or text
    end = text[-1] if text[-1] in ".?" else ""
    loose = loose.rstrip(".?,")
    if rng.random() < _ADDED:
        loose = _BEFORE[int(rng.integers(len(_BEFORE)))] + loose
    if rng.random() < _ADDED:
        loose += _AFTER[int(rng.integers(len(_AFTER)))]
    loose += end if rng.random() < 0.7 else ""
    return loose.lower() if rng.random() < 0.5 else loose
