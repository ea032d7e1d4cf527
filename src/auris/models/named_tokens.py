"""Words of a question that name a class: found among its tokens, so that they can carry what was heard of that class.

A small language model that reads one token for each class needs many thousand examples before it looks up the one that a word
names. Here the encoder's classes are known, and the word itself says what was heard.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from auris.models.bat_sequences import IGNORED, TokenBatch


class NamedTokens:
    """Finds names of classes in sequences of tokens.

    Args:
        tokenizer: of the language model.
        names: words that name each class, in the order of the encoder's tokens.
    """

    def __init__(self, tokenizer: Any, names: Sequence[Sequence[str]]) -> None:
        spelled: dict[tuple[int, ...], int] = {}
        for number, group in enumerate(names):
            for name in group:
                for written in (f" {name}", name):  # inside a sentence, and at its beginning
                    spelled.setdefault(tuple(tokenizer(written, add_special_tokens=False).input_ids), number)
        # By their first token; the longest first: "crying baby" is more than "crying".
        self._spelled: dict[int, list[tuple[tuple[int, ...], int]]] = {}
        for ids, number in sorted(spelled.items(), key=lambda entry: -len(entry[0])):
            self._spelled.setdefault(ids[0], []).append((ids, number))

    def places(self, batch: TokenBatch) -> Tensor:
        """Return which class each token of a question names, ``(batch, length)``, -1 for none; answers name nothing."""
        found = torch.full_like(batch.input_ids, -1)
        asked = batch.attention_mask if batch.labels is None else batch.attention_mask * (batch.labels == IGNORED)
        for row, (ids, question) in enumerate(zip(batch.input_ids.tolist(), asked.tolist(), strict=True)):
            place, end = question.index(1), len(ids) - question[::-1].index(1)  # padding before, the answer behind
            while place < end:
                length, number = self._name_at(ids, place, end)
                found[row, place : place + length] = number
                place += max(length, 1)
        return found

    def _name_at(self, ids: Sequence[int], place: int, end: int) -> tuple[int, int]:
        """How many tokens from a place on are a name, and of which class."""
        for name, number in self._spelled.get(ids[place], ()):
            if place + len(name) <= end and tuple(ids[place : place + len(name)]) == name:
                return len(name), number
        return 0, -1

    def heard_of(self, batch: TokenBatch, sounds: Tensor) -> Tensor:
        """Return what was heard of the class that each token names, ``(batch, length, width)``; zero for other tokens.

        Args:
            batch: sequences.
            sounds: a vector for each class, ``(batch, classes, width)``.
        """
        places = self.places(batch)
        heard = sounds.gather(1, places.clamp(min=0)[..., None].expand(-1, -1, sounds.shape[-1]))
        return heard * (places >= 0)[..., None]
