"""Language models that rewrite: any OpenAI-compatible endpoint, or a local model by transformers."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Sequence
from typing import Any

from auris.data.language.rewriting import Message, RewriteFailure
from auris.errors import MissingDependency, ParameterError
from auris.io.json_endpoint import EndpointError, JsonEndpoint

MOST_TOKENS = 200  # of an answer: a caption or a question
_MOST_BYTES = 1 << 20  # of an answer


class EndpointRewriter:
    """A model behind an OpenAI-compatible ``/chat/completions``."""

    def __init__(
        self,
        url: str,
        *,
        model: str,
        key_variable: str = "OPENAI_API_KEY",
        temperature: float = 0.7,
        timeout: float = 60.0,
        tries: int = 4,
        most_tokens: int = MOST_TOKENS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Say where it is.

        Args:
            url: ``https://host/v1``, with or without ``/chat/completions``.
            model: its name there.
            key_variable: environment variable that holds the key; no key is sent where it is not set.
            temperature: how freely it chooses its words.
            timeout: seconds for one answer.
            tries: requests before it counts as unanswered; the pauses between them double, from half a second.
            most_tokens: of an answer.
            sleep: waits.

        Raises:
            ParameterError: the address is none.
        """
        address = url.rstrip("/")
        self.url = address if address.endswith("/chat/completions") else f"{address}/chat/completions"
        self.model, self.temperature, self._most_tokens = model, temperature, most_tokens
        self._endpoint = JsonEndpoint(
            self.url, key_variable=key_variable, timeout=timeout, tries=tries, most_bytes=_MOST_BYTES, sleep=sleep
        )

    @property
    def name(self) -> str:
        """Model and temperature."""
        return f"{self.model} at temperature {self.temperature:g}"

    def answer(self, messages: Sequence[Message], *, attempt: int) -> str:
        """Return the model's answer; see :meth:`~auris.data.language.rewriting.Rewriter.answer`.

        Raises:
            RewriteFailure: no answer after all tries, or none that can be read.
            ParameterError: the endpoint refuses: unknown model, wrong key or address.
        """
        body = {
            "model": self.model,
            "messages": [dict(message) for message in messages],
            "temperature": self.temperature,
            "max_tokens": self._most_tokens,
            "seed": attempt,
        }
        try:
            return _content(self._endpoint.posted(body))
        except EndpointError as error:
            raise RewriteFailure(str(error)) from None


class LocalRewriter:
    """A chat model on this machine."""

    def __init__(
        self,
        generate: Callable[..., Any],
        *,
        name: str,
        temperature: float = 0.7,
        most_tokens: int = MOST_TOKENS,
        most_seconds: float | None = None,
    ) -> None:
        """Wrap a model.

        Args:
            generate: called like a ``text-generation`` pipeline of transformers: with a list of messages and generation
                settings; returns ``[{"generated_text": …}]``.
            name: what decides about its answers.
            temperature: of tries after the first, which takes the likeliest words.
            most_tokens: of an answer.
            most_seconds: after which an answer is cut off; None lets it end.
        """
        self._generate, self._name, self._temperature = generate, name, temperature
        self._limits: dict[str, Any] = {"max_new_tokens": most_tokens}
        if most_seconds is not None:
            self._limits["max_time"] = most_seconds

    @classmethod
    def loaded(
        cls, model: str, *, temperature: float = 0.7, most_tokens: int = MOST_TOKENS, most_seconds: float | None = None
    ) -> LocalRewriter:
        """Load a model by name or folder; the rest as for the constructor.

        Raises:
            MissingDependency: transformers is not installed.
            ParameterError: the model cannot be loaded.
        """
        try:
            transformers: Any = importlib.import_module("transformers")
        except ImportError:
            raise MissingDependency("transformers", "llm") from None
        try:
            generate = transformers.pipeline("text-generation", model=model)
        except (OSError, ValueError) as error:
            raise ParameterError(f"the model {model!r} cannot be loaded: {error}") from None
        name = model.rstrip("/").rpartition("/")[2]
        return cls(generate, name=name, temperature=temperature, most_tokens=most_tokens, most_seconds=most_seconds)

    @property
    def name(self) -> str:
        """Model and temperature."""
        return f"{self._name} at temperature {self._temperature:g}"

    def answer(self, messages: Sequence[Message], *, attempt: int) -> str:
        """Return the model's answer: the likeliest one at first, then samples.

        Raises:
            RewriteFailure: the model's output cannot be read.
        """
        sampling: dict[str, Any] = {"do_sample": False}
        if attempt and self._temperature > 0:
            sampling = {"do_sample": True, "temperature": self._temperature}
        output = self._generate([dict(message) for message in messages], return_full_text=False, **self._limits, **sampling)
        try:
            text = output[0]["generated_text"]
            text = text if isinstance(text, str) else text[-1]["content"]
        except (LookupError, TypeError):
            raise RewriteFailure(f"{self._name} answered in another form than [{{'generated_text': …}}]") from None
        if not isinstance(text, str):
            raise RewriteFailure(f"{self._name} answered with {type(text).__name__} instead of text")
        return text


def _content(document: Any) -> str:
    """The text of an answer."""
    try:
        content = document["choices"][0]["message"]["content"]
    except (LookupError, TypeError):
        raise RewriteFailure("the endpoint's answer is not of the form choices[0].message.content") from None
    if not isinstance(content, str):
        raise RewriteFailure(f"the endpoint's answer holds {type(content).__name__} instead of text")
    return content
