"""How a question, an answer and the places of audio tokens become one sequence for a language model, as BAT has it.

Audio tokens come first, before the token that begins a text; then the prompt, the answer right behind its colon, and the token
that ends a text. Prompts of a batch end together (padding on the left), answers are padded on the right. Source: Zheng et al.,
BAT, arXiv:2402.01591, and the training code of its authors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from auris.errors import ParameterError

PROMPT = (
    "Based on the audio you've heard, refer to the instruction and provide a response.\n\n"
    "### Instruction:\n{question}\n\n### Response:"
)
"""The published prompt; its exact characters matter to the published weights."""

AUDIO = -1  # in the place of an audio token
IGNORED = -100  # in the place of a token that is not to be learnt


@dataclass(frozen=True, eq=False)
class TokenBatch:
    """Sequences of equal length.

    Attributes:
        input_ids: ``(batch, length)`` int64; :data:`AUDIO` where an audio token stands.
        attention_mask: ``(batch, length)`` int64, 0 where nothing is.
        labels: ``(batch, length)`` int64, :data:`IGNORED` but for answers; None where none are known.
    """

    input_ids: Tensor
    attention_mask: Tensor
    labels: Tensor | None = None

    @property
    def is_audio(self) -> Tensor:
        """Where audio tokens stand, ``(batch, length)`` bool."""
        return self.input_ids == AUDIO

    def to(self, device: torch.device | str) -> TokenBatch:
        """Return the batch on a device."""
        labels = None if self.labels is None else self.labels.to(device)
        return replace(self, input_ids=self.input_ids.to(device), attention_mask=self.attention_mask.to(device), labels=labels)


def question_batch(tokenizer: Any, questions: Sequence[str], *, audio_tokens: int, prompt: str = PROMPT) -> TokenBatch:
    """Return the sequences that ask.

    Args:
        tokenizer: of the language model, or anything that is called like one.
        questions: one or more.
        audio_tokens: so many stand before each prompt.
        prompt: with ``{question}`` in it.

    Raises:
        ParameterError: there is no question, one is empty, or the tokenizer has no token that ends a text.
    """
    prompts = [_prompt_ids(tokenizer, question, audio_tokens, prompt) for question in questions]
    pad, width = end_of(tokenizer), max(map(len, prompts), default=0)
    if not width:
        raise ParameterError("there is no question to ask")
    rows = [[pad] * (width - len(ids)) + ids for ids in prompts]
    masks = [[0] * (width - len(ids)) + [1] * len(ids) for ids in prompts]
    return TokenBatch(torch.tensor(rows), torch.tensor(masks))


def answer_batch(
    tokenizer: Any, questions: Sequence[str], answers: Sequence[str], *, audio_tokens: int, prompt: str = PROMPT
) -> TokenBatch:
    """Return the sequences that are learnt from: arguments as for :func:`question_batch`, and an answer to each question.

    Raises:
        ParameterError: as for :func:`question_batch`, or there are not as many answers as questions.
    """
    if len(questions) != len(answers):
        raise ParameterError(f"every question needs an answer, got {len(questions)} and {len(answers)}")
    asked = question_batch(tokenizer, questions, audio_tokens=audio_tokens, prompt=prompt)
    end = end_of(tokenizer)
    replies = [
        [*_answer_ids(tokenizer, question, answer, prompt), end] for question, answer in zip(questions, answers, strict=True)
    ]
    width = max(map(len, replies))
    rest = [width - len(ids) for ids in replies]
    ids = torch.tensor([reply + [end] * missing for reply, missing in zip(replies, rest, strict=True)])
    mask = torch.tensor([[1] * len(reply) + [0] * missing for reply, missing in zip(replies, rest, strict=True)])
    return TokenBatch(
        torch.cat([asked.input_ids, ids], dim=1),
        torch.cat([asked.attention_mask, mask], dim=1),
        torch.cat([torch.full_like(asked.input_ids, IGNORED), ids.masked_fill(mask == 0, IGNORED)], dim=1),
    )


def end_of(tokenizer: Any) -> int:
    """Return the token that ends a text, which also pads, whatever the tokenizer says of padding.

    Raises:
        ParameterError: the tokenizer has none.
    """
    end = tokenizer.eos_token_id
    if end is None:
        raise ParameterError(
            "the tokenizer of this language model has no token that ends a text (eos_token); set one with "
            "tokenizer.add_special_tokens({'eos_token': ...}) and save it, or choose another model"
        )
    return int(end)


def _prompt_ids(tokenizer: Any, question: str, audio_tokens: int, prompt: str) -> list[int]:
    if not question.strip():
        raise ParameterError("the question is empty; ask something, such as 'Where is the dog?'")
    return [AUDIO] * audio_tokens + _begun(tokenizer, _filled(prompt, question))


def _answer_ids(tokenizer: Any, question: str, answer: str, prompt: str) -> list[int]:
    """Tokens of an answer as they follow the prompt's colon: alone, a word may have another token than inside a text."""
    before = _begun(tokenizer, _filled(prompt, question))
    whole = _begun(tokenizer, _filled(prompt, question) + answer)
    if whole[: len(before)] == before:
        return whole[len(before) :]
    return list(tokenizer(answer, add_special_tokens=False).input_ids)  # the colon is one token with what follows


def _filled(prompt: str, question: str) -> str:
    return prompt.replace("{question}", question.strip())


def _begun(tokenizer: Any, text: str) -> list[int]:
    """Tokens of a text that goes on: some tokenizers end every text."""
    ids = list(tokenizer(text).input_ids)
    return ids[:-1] if ids and ids[-1] == tokenizer.eos_token_id else ids
