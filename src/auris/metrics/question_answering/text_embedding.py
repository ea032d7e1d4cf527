"""How well answers fit classes by the meaning of their sentences: cosines of embeddings.

The published scores embed an answer as a whole with OpenAI's ``text-embedding-ada-002`` and compare it with the embeddings of
the class names in ``audioset_class_embeds.npy``; :class:`EndpointEmbedder` asks any service of that kind. A sentence model in a
folder on this machine does without a service (:class:`SentenceEmbedder`). Both sides must come from one model.

Source: Zheng et al., BAT, arXiv:2402.01591, and the scoring script of its authors.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auris.errors import CheckpointError, FormatError, MissingDependency, ParameterError
from auris.io.atomic import atomic_write
from auris.io.json_endpoint import EndpointError, JsonEndpoint

Floats = NDArray[np.float64]

OPENAI_URL, PUBLISHED_MODEL = "https://api.openai.com/v1", "text-embedding-ada-002"


class TextEmbedder(Protocol):
    """Turns texts into vectors."""

    @property
    def name(self) -> str:
        """What decides about the vectors."""

    def embed(self, texts: Sequence[str]) -> Floats:
        """Return ``(texts, width)``; no text is empty."""


class EmbeddingSimilarity:
    """Cosines between answers and class names; a :class:`~auris.metrics.question_answering.label_matching.LabelSimilarity`."""

    def __init__(self, embedder: TextEmbedder, *, class_embeddings: ArrayLike | None = None) -> None:
        """Say what embeds.

        Args:
            embedder: of the answers.
            class_embeddings: ``(classes, width)`` in the order of the classes; None embeds their names.
        """
        self._embedder = embedder
        self._classes = None if class_embeddings is None else np.asarray(class_embeddings, dtype=float)

    @property
    def name(self) -> str:
        """Name of the embedder."""
        return self._embedder.name

    def scores(self, texts: Sequence[str], classes: Sequence[str]) -> Floats:
        """Return cosines ``(texts, classes)``; an empty text is as far from all of them as can be.

        Raises:
            ParameterError: there are not as many class embeddings as classes, or they have another width than those of texts.
        """
        known = self._embedder.embed(list(classes)) if self._classes is None else self._classes
        if len(known) != len(classes):
            raise ParameterError(
                f"{len(known)} class embeddings were given for {len(classes)} classes; they must be in one order"
            )
        distinct = [text for text in dict.fromkeys(texts) if text.strip()]
        result = np.full((len(texts), len(classes)), -1.0)
        if distinct:
            cosines = dict(zip(distinct, cosine_similarity(self._embedder.embed(distinct), known), strict=True))
            for row, text in enumerate(texts):
                if text in cosines:
                    result[row] = cosines[text]
        return result


def cosine_similarity(first: ArrayLike, second: ArrayLike) -> Floats:
    """Return the cosines between the rows of two arrays, ``(rows, rows)``; a row of zeros has cosine 0 with all others.

    Raises:
        ParameterError: the rows have different lengths.
    """
    one, two = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if one.ndim != 2 or two.ndim != 2 or one.shape[1] != two.shape[1]:
        raise ParameterError(f"embeddings of one model are needed, (texts, width) each; got shapes {one.shape} and {two.shape}")
    return np.asarray(_unit(one) @ _unit(two).T)


def _unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0))


def read_class_embeddings(path: str | Path, *, classes: int | None = None) -> Floats:
    """Read ``audioset_class_embeds.npy``: ``(classes, width)``, 355 rows as published.

    Args:
        path: the file.
        classes: how many there must be; None takes any number.

    Raises:
        FormatError: the file cannot be read, is pickled, or holds something else.
    """
    file = Path(path)
    try:
        rows = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise FormatError(f"{file}: cannot be read as an array of numbers ({error})") from None
    if not isinstance(rows, np.ndarray) or rows.ndim != 2 or rows.dtype.kind != "f" or not np.isfinite(rows).all():
        shape = getattr(rows, "shape", type(rows).__name__)
        raise FormatError(f"{file}: class embeddings are finite numbers (classes, width), got {shape}")
    if classes is not None and len(rows) != classes:
        raise FormatError(f"{file}: holds embeddings of {len(rows)} classes, but there are {classes}")
    return rows.astype(float)


class RememberingEmbedder:
    """Embeds every text once, also over several runs if it is given a file."""

    def __init__(self, embedder: TextEmbedder, *, file: str | Path | None = None) -> None:
        """Say what embeds, and where the vectors are kept.

        Raises:
            FormatError: the file is damaged, or holds vectors of another embedder.
        """
        self._embedder, self._file = embedder, None if file is None else Path(file)
        self._known: dict[str, Floats] = {}
        if self._file is not None and self._file.exists():
            self._known = self._read(self._file)

    @property
    def name(self) -> str:
        """Name of the embedder."""
        return self._embedder.name

    def embed(self, texts: Sequence[str]) -> Floats:
        """Return ``(texts, width)``, asking the embedder for those that are new."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self._embedder.embed(new), strict=True))
            self._write()
        return np.stack([self._known[text] for text in texts])

    def _read(self, file: Path) -> dict[str, Floats]:
        try:
            with np.load(file, allow_pickle=False) as kept:
                name, texts, vectors = str(kept["name"]), kept["texts"].tolist(), kept["vectors"]
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise FormatError(f"{file}: cannot be read as kept embeddings ({error}); remove it") from None
        if name != self.name or len(texts) != len(vectors):
            raise FormatError(f"{file}: holds embeddings of {name!r}, not of {self.name!r}; give another file")
        return dict(zip(texts, vectors.astype(float), strict=True))

    def _write(self) -> None:
        if self._file is None:
            return
        with atomic_write(self._file) as temporary, temporary.open("wb") as stream:
            vectors = np.stack(list(self._known.values())).astype(np.float32)
            np.savez(stream, name=np.array(self.name), texts=np.array(list(self._known)), vectors=vectors)


class EndpointEmbedder:
    """A model behind an OpenAI-compatible ``/embeddings``."""

    def __init__(
        self,
        url: str = OPENAI_URL,
        *,
        model: str = PUBLISHED_MODEL,
        key_variable: str = "OPENAI_API_KEY",
        batch: int = 256,
        endpoint: JsonEndpoint | None = None,
    ) -> None:
        """Say where it is.

        Args:
            url: ``https://host/v1``, with or without ``/embeddings``.
            model: its name there.
            key_variable: environment variable that holds the key; no key is sent where it is not set.
            batch: texts in a request.
            endpoint: how it is asked; None takes the address and the key.

        Raises:
            ParameterError: the address is none, or the batch is below 1.
        """
        if batch < 1:
            raise ParameterError(f"texts are embedded at least one at a time, got batch {batch}")
        address = url.rstrip("/")
        address = address if address.endswith("/embeddings") else f"{address}/embeddings"
        self.model, self._batch = model, batch
        self._endpoint = endpoint or JsonEndpoint(address, key_variable=key_variable)

    @property
    def name(self) -> str:
        """The model."""
        return self.model

    def embed(self, texts: Sequence[str]) -> Floats:
        """Return ``(texts, width)``.

        Raises:
            EndpointError: no answer, or none that can be read.
            ParameterError: the service refuses.
        """
        rows: list[Floats] = []
        for begin in range(0, len(texts), self._batch):
            some = list(texts[begin : begin + self._batch])
            rows.append(_vectors(self._endpoint.posted({"model": self.model, "input": some}), len(some)))
        return np.concatenate(rows)


def _vectors(document: Any, count: int) -> Floats:
    """The vectors of an answer, in the order of the texts."""
    try:
        rows = sorted(document["data"], key=lambda row: row["index"])
        vectors = np.array([row["embedding"] for row in rows], dtype=float)
    except (LookupError, TypeError, ValueError):
        raise EndpointError("the endpoint's answer is not of the form data[…].embedding") from None
    if vectors.ndim != 2 or len(vectors) != count or not np.isfinite(vectors).all():
        raise EndpointError(f"the endpoint gave embeddings of shape {vectors.shape} for {count} texts")
    return vectors


class SentenceEmbedder:
    """A sentence model of Hugging Face in a folder on this machine, such as all-MiniLM-L6-v2."""

    def __init__(self, tokenizer: Any, model: Any, *, name: str, pooling: str = "mean", batch: int = 64) -> None:
        """Wrap a model.

        Args:
            tokenizer: called with texts, ``padding``, ``truncation`` and ``return_tensors``.
            model: returns ``last_hidden_state``.
            name: what decides about the vectors.
            pooling: ``mean`` over the words, or ``cls`` for the first token.
            batch: texts at a time.
        """
        self._tokenizer, self._model, self.name, self._pooling, self._batch = tokenizer, model, name, pooling, batch

    @classmethod
    def loaded(cls, folder: str | Path) -> SentenceEmbedder:
        """Load a model from a folder; how its words are pooled is read from ``1_Pooling/config.json`` where there is one.

        Raises:
            MissingDependency: transformers is not installed.
            CheckpointError: the folder holds no such model.
        """
        path = Path(folder)
        if not path.is_dir():
            raise CheckpointError(f"{path}: no such folder; sentence models are loaded from a folder on this machine")
        try:
            transformers: Any = importlib.import_module("transformers")
        except ImportError:
            raise MissingDependency("transformers", "llm") from None
        try:
            tokenizer = transformers.AutoTokenizer.from_pretrained(str(path), local_files_only=True)
            model = transformers.AutoModel.from_pretrained(str(path), local_files_only=True)
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{path}: no sentence model can be loaded from here ({error})") from None
        return cls(tokenizer, model.eval(), name=path.name, pooling=_pooling(path / "1_Pooling" / "config.json"))

    def embed(self, texts: Sequence[str]) -> Floats:
        """Return ``(texts, width)``, each of length 1."""
        torch: Any = importlib.import_module("torch")
        rows = []
        for begin in range(0, len(texts), self._batch):
            some = list(texts[begin : begin + self._batch])
            tokens = self._tokenizer(some, padding=True, truncation=True, return_tensors="pt")
            with torch.inference_mode():
                states = self._model(**tokens).last_hidden_state.double()
            mask = tokens["attention_mask"][..., None].double()
            pooled = states[:, 0] if self._pooling == "cls" else (states * mask).sum(1) / mask.sum(1).clamp(min=1)
            rows.append(_unit(pooled.numpy()))
        return np.concatenate(rows)


def _pooling(file: Path) -> str:
    try:
        return "cls" if json.loads(file.read_text(encoding="utf-8")).get("pooling_mode_cls_token") else "mean"
    except (OSError, ValueError, AttributeError):
        return "mean"
