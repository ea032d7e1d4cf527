"""Captions and questions in other words, by a language model: optional, checked, and remembered.

A rewrite counts only when its reader accepts it: for a caption, when its attributes read back are those of the original
(:func:`keeps_meaning`). Otherwise the model is told so and asked again, and in the end the original stays.

**Same seed, same bytes.** A model's answers cannot be repeated at will, so every accepted answer is kept on disk, under a hash
of model, instruction and text, and is used ever after: a set is the same bytes again wherever the same cache is used, on as
many machines as share the folder (the first answer kept wins). Texts that fell back are not kept; the next run asks for them
again, and may have better luck and other bytes. Without rewriting, sets depend on nothing but their settings and seed.

The key of an endpoint is read from an environment variable when a request is made. It is never kept, logged or written.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from auris.data.language.attributes import SceneAttributes
from auris.data.language.parsing import parse
from auris.data.sound_cache import cache_folder
from auris.errors import AurisError, FormatError, ParameterError, unknown_name

Message = Mapping[str, str]
Outcome = Literal["rewritten", "cached", "fallback"]

CAPTION_INSTRUCTION = """You rewrite captions of spatial audio in natural English.
Keep every sound, and for each sound keep exactly what is said of its direction, movement, speed and distance, and of the place.
Add nothing and leave out nothing. For space use only these words:
directions: left, front left, front, front right, right, or the degrees that are given;
movement: moves, travels, passes, shifts from ... to ..., towards ...; jumps when it is sudden;
speed: slowly, at a moderate speed, quickly, suddenly; distance: nearby, at a moderate distance, far away;
place: outdoors, in a large room, in a medium-sized room, in a small room.
Answer with the rewritten caption alone, in one line."""
_AGAIN = "That changed what is said. Rewrite the first caption again, keeping all of its facts and adding none."
_LONGEST = 600  # characters
_HOPELESS = 5  # texts in a row without any answer, after which a model is not asked again


class RewriteFailure(AurisError):  # noqa: N818 - it reads as what it is
    """A language model gave no usable answer."""


@runtime_checkable
class Rewriter(Protocol):
    """A chat model."""

    @property
    def name(self) -> str:
        """What decides about its answers, in words: the model and its temperature."""
        ...

    def answer(self, messages: Sequence[Message], *, attempt: int) -> str:
        """Return the model's answer to a conversation.

        Args:
            messages: each with ``role`` (``system``, ``user`` or ``assistant``) and ``content``.
            attempt: 0 for the first time this text is asked for.

        Raises:
            RewriteFailure: there is none; another text may fare better.
            ParameterError: there will never be one, because the model is set up wrongly.
        """
        ...


@dataclass
class RewriteCounts:
    """What became of the texts.

    Attributes:
        rewritten: texts with a new answer that was accepted.
        cached: texts with an accepted answer from the cache.
        failed: answers that were refused, or did not come.
        fallback: texts that stayed as they were.
    """

    rewritten: int = 0
    cached: int = 0
    failed: int = 0
    fallback: int = 0

    def to_dict(self) -> dict[str, int]:
        """Return them as a plain mapping."""
        return asdict(self)


@dataclass(frozen=True)
class Rewritten:
    """A text and where it comes from."""

    text: str
    outcome: Outcome


class Rewriting:
    """Rewrites texts, checks them, and remembers.

    Attributes:
        counts: what became of the texts so far.
    """

    def __init__(
        self,
        rewriter: Rewriter,
        *,
        cache: str | Path | None,
        instruction: str = CAPTION_INSTRUCTION,
        tries: int = 3,
    ) -> None:
        """Say how.

        Args:
            rewriter: the model.
            cache: folder of accepted answers; None keeps none, so that no two runs are alike.
            instruction: what the model is told.
            tries: answers that are asked for before the original stays.

        Raises:
            ParameterError: ``tries`` is below 1.
        """
        if tries < 1:
            raise ParameterError(f"tries must be at least 1, got {tries!r}")
        self._rewriter, self._instruction, self._tries = rewriter, instruction, tries
        self._cache = None if cache is None else Path(cache)
        self._unanswered = 0
        self.counts = RewriteCounts()

    def rewrite(self, text: str, *, accept: Callable[[str], bool]) -> Rewritten:
        """Return a text in other words, or as it is.

        Args:
            text: one line.
            accept: tells whether a rewrite still says the same.

        Raises:
            ParameterError: the model is set up wrongly.
            FormatError: the cache cannot be written.
        """
        known = self._known(text)
        if known is not None and accept(known):
            self.counts.cached += 1
            return Rewritten(known, "cached")
        answer = self._asked(text, accept)
        if answer is None:
            self.counts.fallback += 1
            return Rewritten(text, "fallback")
        self.counts.rewritten += 1
        return Rewritten(self._kept(text, answer, accept), "rewritten")

    def _asked(self, text: str, accept: Callable[[str], bool]) -> str | None:
        """The first accepted answer."""
        messages: list[Message] = [
            {"role": "system", "content": self._instruction},
            {"role": "user", "content": text},
        ]
        for attempt in range(self._tries if self._unanswered < _HOPELESS else 0):
            try:
                answer = cleaned(self._rewriter.answer(messages, attempt=attempt))
            except RewriteFailure:
                self.counts.failed += 1
                self._unanswered += 1
                return None
            self._unanswered = 0
            if answer and accept(answer):
                return answer
            self.counts.failed += 1
            messages += [{"role": "assistant", "content": answer}, {"role": "user", "content": _AGAIN}]
        return None

    # ── the cache ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _place(self, text: str) -> Path | None:
        if self._cache is None:
            return None
        key = json.dumps([self._rewriter.name, self._instruction, text], ensure_ascii=False)
        digest = blake2b(key.encode(), digest_size=20).hexdigest()
        return self._cache / digest[:2] / f"{digest}.json"

    def _known(self, text: str) -> str | None:
        place = self._place(text)
        if place is None:
            return None
        try:
            plain = json.loads(place.read_text(encoding="utf-8"))
        except (OSError, ValueError):  # not there, or damaged: it is asked for again
            return None
        if not isinstance(plain, dict) or plain.get("text") != text or not isinstance(plain.get("rewrite"), str):
            return None
        return str(plain["rewrite"])

    def _kept(self, text: str, answer: str, accept: Callable[[str], bool]) -> str:
        """Keep an answer, and return the one that counts: another process may have been first."""
        place = self._place(text)
        if place is None:
            return answer
        content = json.dumps({"model": self._rewriter.name, "text": text, "rewrite": answer}, ensure_ascii=False, indent=1)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with _temporary(place.parent, content + "\n") as written:
                try:
                    os.link(written, place)
                except FileExistsError:
                    first = self._known(text)
                    if first is not None and accept(first):
                        return first
                    os.replace(written, place)  # damaged, or no longer accepted
                except OSError:  # this file system has no links
                    os.replace(written, place)
        except OSError as error:
            raise FormatError(f"{place.parent}: cannot keep rewrites there ({error.strerror or error})") from None
        return answer


@contextmanager
def _temporary(folder: Path, content: str) -> Iterator[Path]:
    """A file with some content, synced to disk, that is gone afterwards unless it was moved."""
    handle, name = tempfile.mkstemp(prefix=".", suffix=".json", dir=folder)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def cleaned(answer: str) -> str:
    r"""Return a model's answer as one line: without fences, quotes, headings and what follows an empty line; "" for nonsense.

    >>> cleaned('Here is the caption:\n\n"A dog barks\non the left."')
    'A dog barks on the left.'
    """
    text = re.sub(r"(?s)<think>.*?</think>", "", answer)
    blocks = [" ".join(block.split()) for block in re.split(r"\n\s*\n", text.replace("```", "\n\n"))]
    blocks = [re.sub(r"(?i)^(?:(?:rewritten )?caption|answer|rewrite)\s*:\s*", "", block) for block in blocks]
    lines = [block.strip("\"'“”*` ") for block in blocks if block and not block.endswith(":")]
    line = lines[0] if lines else ""
    return line if len(line) <= _LONGEST else ""


def keeps_meaning(attributes: SceneAttributes) -> Callable[[str], bool]:
    """Return a test of rewritten captions: whether they say these attributes, in any order of the sounds."""
    labels = tuple(dict.fromkeys(sound.description for sound in attributes.sounds))
    wanted = _unordered(attributes)

    def accept(text: str) -> bool:
        return _unordered(parse(text, labels=labels)) == wanted

    return accept


def _unordered(attributes: SceneAttributes) -> tuple[Any, ...]:
    return attributes.size, sorted(map(repr, attributes.sounds))


# ── settings ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class RewriteSettings:
    """Whether and how texts are rewritten.

    Attributes:
        by: ``none``, an OpenAI-compatible ``endpoint``, or a ``local`` model by transformers.
        model: name of the endpoint's model; name or folder of a local one.
        url: of the endpoint, up to ``/v1``: ``http://127.0.0.1:8000/v1``.
        key_variable: environment variable that holds the endpoint's key; not asked for where it is not set.
        temperature: how freely the model chooses its words.
        tries: answers that are asked for before the grammar's text stays.
        timeout: seconds that an endpoint may take for an answer.
        cache: folder of accepted answers; null is ``rewrites`` in auris' cache. Keep it to make the same set again.
    """

    by: Literal["none", "endpoint", "local"] = "none"
    model: str = ""
    url: str = ""
    key_variable: str = "OPENAI_API_KEY"
    temperature: float = 0.7
    tries: int = 3
    timeout: float = 60.0
    cache: str | None = None

    def __post_init__(self) -> None:
        if self.by not in ("none", "endpoint", "local"):
            raise ParameterError(unknown_name("way of rewriting", self.by, ("none", "endpoint", "local")))
        if self.by != "none" and not self.model:
            raise ParameterError("rewriting needs the name of a model; give rewrite.model")
        if self.by == "endpoint" and not self.url.startswith(("http://", "https://")):
            raise ParameterError(f"rewrite.url must begin with http:// or https://, got {self.url!r}")
        if not 0 <= self.temperature <= 2 or not 1 <= self.tries <= 20 or not 0 < self.timeout <= 3600:
            raise ParameterError(
                "rewrite.temperature lies between 0 and 2, tries between 1 and 20, timeout between 0 and 3600 s; "
                f"got {self.temperature!r}, {self.tries!r}, {self.timeout!r}"
            )

    def open(self, *, instruction: str = CAPTION_INSTRUCTION) -> Rewriting | None:
        """Return what rewrites; None for ``none``.

        Raises:
            MissingDependency: a local model needs transformers.
            ParameterError: the local model cannot be loaded.
        """
        if self.by == "none":
            return None
        from auris.data.language.chat_models import EndpointRewriter, LocalRewriter

        rewriter: Rewriter
        if self.by == "endpoint":
            rewriter = EndpointRewriter(
                self.url,
                model=self.model,
                key_variable=self.key_variable,
                temperature=self.temperature,
                timeout=self.timeout,
            )
        else:
            rewriter = LocalRewriter.loaded(self.model, temperature=self.temperature)
        cache = self.cache or cache_folder() / "rewrites"
        return Rewriting(rewriter, cache=cache, instruction=instruction, tries=self.tries)

    def to_dict(self) -> dict[str, Any]:
        """Return what decides about the texts, plain: not where the model is reached and the cache lies."""
        if self.by == "none":
            return {"by": "none"}
        return {"by": self.by, "model": Path(self.model).name, "temperature": self.temperature, "tries": self.tries}
