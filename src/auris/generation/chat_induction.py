"""Chat models that read prompts: any OpenAI-compatible endpoint, or a local model by transformers.

A model is told the form of its answer, the JSON mapping of :func:`auris.data.language.attributes.attributes_to_plain`. An
answer may stand in a fence, between other words, or with numbers as texts; what it says is checked by
:func:`~auris.data.language.attributes.attributes_from_plain`, and a wrong one goes back to the model with what is wrong.

The key of an endpoint is read from an environment variable when a request is made. It is never kept, logged or written.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from auris.data.language.attributes import SceneAttributes, attributes_from_plain
from auris.data.language.chat_models import EndpointRewriter, LocalRewriter
from auris.data.language.rewriting import Message, RewriteFailure, Rewriter
from auris.data.language.sound_phrases import described
from auris.errors import AurisError, ParameterError

MOST_TOKENS = 800  # four sounds with everything said of them, and some thinking aloud
_LONGEST_ANSWER = 100_000  # characters
INSTRUCTION = """You read what someone wants to hear, and tell what sounds and where.
Answer with one JSON object and nothing else.

Its keys:
"sound": 1 if anything in the description makes a sound, otherwise 0.
"size": the place: 1 outdoors, 2 a large room, 3 a medium-sized room, 4 a small room. Leave it out if it is not said.
"objects": one entry for each thing that sounds, in the order of the description, at most four. The key of an entry names the
thing in a few words; if two have the same name, call the second "name (2)". Things that make no sound have no entry.

The keys of an entry:
"init_direction": where it begins, a number from 1 to 5: 1 left, 2 front left, 3 front, 4 front right, 5 right. Use decimals for
what lies between: 30 degrees to the left is 3 - 30/45 = 2.33. Leave it out if it is not said.
"init_dis": how far away it begins: 1 far, 2 at a moderate distance, 3 near. Leave it out if it is not said.
"moving": 1 if it changes its place, otherwise 0.
Only if moving is 1:
"end_direction": where it ends, 1 to 5, as above.
"end_dis": how far away it ends, 1 to 3, as above.
"speed": 1 slow, 2 moderate, 3 fast, 4 in an instant. Leave it out if it is not said.

Do not invent what is not said. Example: "a car races from the left to the right while rain falls nearby, outdoors" gives
{"sound": 1, "size": 1, "objects": {"car": {"init_direction": 1, "moving": 1, "end_direction": 5, "speed": 3},
"rain": {"init_dis": 3, "moving": 0}}}"""
_NAMES = "\nName a thing by one of these where one of them fits: {labels}."
_AGAIN = "That answer cannot be used: {reason}. Answer again, with the corrected JSON object alone."
_THOUGHTS = re.compile(r"(?s)<think(?:ing)?>.*?</think(?:ing)?>")
_TRAILING_COMMA = re.compile(r",(?=\s*[}\]])")


class InductionFailure(AurisError):  # noqa: N818 - it reads as what it is
    """A language model gave no usable answer."""


class ChatInducer:
    """Reads prompts by a chat model."""

    def __init__(
        self,
        chat: Rewriter,
        *,
        name: str,
        tries: int = 3,
        timeout: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Wrap a chat model.

        Args:
            chat: the model.
            name: what it is called in plans.
            tries: answers that are asked for.
            timeout: seconds after which no further answer is asked for.
            clock: tells seconds.

        Raises:
            ParameterError: ``tries`` or ``timeout`` are out of range.
        """
        if isinstance(tries, bool) or not isinstance(tries, int) or not 1 <= tries <= 20 or not 0 < timeout <= 3600:
            raise ParameterError(
                f"tries lie between 1 and 20, the timeout above 0 and up to 3600 s; got {tries!r}, {timeout!r}"
            )
        self._chat, self._name, self._tries, self._timeout, self._clock = chat, name, tries, timeout, clock

    @property
    def name(self) -> str:
        """What it is called in plans."""
        return self._name

    def attributes(self, prompt: str, *, labels: Sequence[str] = ()) -> SceneAttributes:
        """Return what a prompt says, as the model understands it; see :meth:`auris.generation.induction.Inducer.attributes`.

        Raises:
            InductionFailure: the model does not answer, or no answer can be used.
            ParameterError: the endpoint refuses: wrong key, unknown model, wrong address.
        """
        instruction = INSTRUCTION + (_NAMES.format(labels=", ".join(labels)) if labels else "")
        messages: list[Message] = [{"role": "system", "content": instruction}, {"role": "user", "content": prompt}]
        begin, reason, attempt = self._clock(), "", 0
        while attempt < self._tries and (attempt == 0 or self._clock() - begin < self._timeout):
            try:
                answer = self._chat.answer(messages, attempt=attempt)
            except RewriteFailure as failure:
                raise InductionFailure(f"{self._name} does not answer: {failure}") from None
            attempt += 1
            try:
                return attributes_of_answer(answer, labels=labels)
            except ParameterError as error:
                reason = str(error)
            again = _AGAIN.format(reason=reason)
            messages += [{"role": "assistant", "content": answer[:_LONGEST_ANSWER]}, {"role": "user", "content": again}]
        tries = "1 try" if attempt == 1 else f"{attempt} tries"
        raise InductionFailure(f"{self._name} gave no usable answer in {tries}: {reason}")


class EndpointInducer(ChatInducer):
    """Reads prompts by a model behind an OpenAI-compatible ``/chat/completions``: GPT-4o, DeepSeek, a local server."""

    def __init__(
        self,
        url: str,
        *,
        model: str,
        key_variable: str = "OPENAI_API_KEY",
        tries: int = 3,
        timeout: float = 60.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Say where it is.

        Args:
            url: ``https://api.openai.com/v1``, ``https://api.deepseek.com/v1``, ``http://127.0.0.1:8000/v1`` …
            model: its name there.
            key_variable: environment variable that holds the key; no key is sent where it is not set.
            tries: answers that are asked for.
            timeout: seconds for one answer, and after which no further one is asked for.
            sleep: waits, when the endpoint is busy.

        Raises:
            ParameterError: the address is none, or holds a key or password; or a number is out of range.
        """
        address = urlsplit(url)
        if address.username or address.password or address.query or address.fragment:
            raise ParameterError(
                "the address of an endpoint holds no key, password or query; "
                f"the key belongs into the environment, as ${key_variable}"
            )
        if not model.strip():
            raise ParameterError("an endpoint needs the name of a model, such as gpt-4o")
        chat = EndpointRewriter(
            url,
            model=model,
            key_variable=key_variable,
            temperature=0.0,
            timeout=min(max(timeout, 0.01), 3600.0),
            tries=2,
            most_tokens=MOST_TOKENS,
            sleep=sleep,
        )
        super().__init__(chat, name=model, tries=tries, timeout=timeout)


class LocalInducer(ChatInducer):
    """Reads prompts by a chat model on this machine."""

    @classmethod
    def loaded(cls, model: str, *, tries: int = 3, timeout: float = 120.0) -> LocalInducer:
        """Load a chat model by name or folder.

        Args:
            model: its name or folder.
            tries: answers that are asked for.
            timeout: seconds for one answer, and after which no further one is asked for.

        Raises:
            MissingDependency: transformers is not installed.
            ParameterError: the model cannot be loaded, or a number is out of range.
        """
        chat = LocalRewriter.loaded(model, most_tokens=MOST_TOKENS, most_seconds=timeout)
        return cls(chat, name=model.rstrip("/").rpartition("/")[2], tries=tries, timeout=timeout)


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def attributes_of_answer(answer: str, *, labels: Sequence[str] = ()) -> SceneAttributes:
    """Return what a model's answer says.

    Args:
        answer: a JSON object, in a fence or between other words.
        labels: classes that its names become where they mean one.

    Raises:
        ParameterError: there is no object, or it has another form; the text names the key and what is accepted.

    >>> attributes_of_answer('Sure! {"objects": {"dog": {"init_direction": 1, "moving": 0}}}').sounds[0].start
    1.0
    """
    text = _THOUGHTS.sub("", answer[:_LONGEST_ANSWER])
    found = next(_objects(text), None)
    if found is None:
        raise ParameterError("it holds no JSON object with the keys sound, size and objects")
    attributes = attributes_from_plain(_tidied(found))
    sounds = tuple(replace(sound, description=_named(sound.description, labels)) for sound in attributes.sounds)
    return replace(attributes, sounds=sounds)


def _objects(text: str) -> Iterator[Mapping[str, Any]]:
    """The JSON objects in a text that speak of sounds."""
    decoder = json.JSONDecoder()
    for candidate in (text, _TRAILING_COMMA.sub("", text)):
        end = 0
        for brace in re.finditer(r"\{", candidate):
            if brace.start() < end:
                continue
            try:
                found, end = decoder.raw_decode(candidate, brace.start())
            except (ValueError, RecursionError):
                continue
            if isinstance(found, dict) and {"sound", "objects"} & set(found):
                yield found


def _tidied(found: Mapping[str, Any]) -> dict[str, Any]:
    """The same with texts that are numbers as numbers, and without what stands for nothing."""
    plain = {key: _number(value) for key, value in found.items() if value is not None}
    objects = plain.get("objects")
    if isinstance(objects, Mapping):
        plain["objects"] = {name: _tidied_entry(entry) for name, entry in objects.items()}
    if plain.get("size") == 0:
        del plain["size"]
    return plain


def _tidied_entry(entry: Any) -> Any:
    if not isinstance(entry, Mapping):
        return entry
    plain = {key: _number(value) for key, value in entry.items() if value is not None}
    # Models write 0 for what is not said; nothing but "moving" has a 0.
    return {key: value for key, value in plain.items() if key == "moving" or value != 0}


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"\s*\d+(?:\.\d+)?\s*", value):
        return float(value) if "." in value else int(value)
    return value


def _named(name: str, labels: Sequence[str]) -> str:
    return name if name in labels else described(name.replace("_", " "), labels)
