"""Where published files are fetched, and what they need that is fetched by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Host:
    """Where a file can be fetched.

    Attributes:
        name: of the service.
        address: web page of the repository, folder or file; None where it is not known.
        repository: at the Hugging Face Hub.
        kind: of that repository.
    """

    name: str
    address: str | None = None
    repository: str | None = None
    kind: Literal["model", "dataset"] = "model"

    def __str__(self) -> str:
        return self.address or self.name


def hub(repository: str, kind: Literal["model", "dataset"]) -> Host:
    """Return a repository of the Hugging Face Hub."""
    folder = "datasets/" if kind == "dataset" else ""
    return Host("Hugging Face", f"https://huggingface.co/{folder}{repository}", repository, kind)


def drive(path: str) -> Host:
    """Return a file or folder of Google Drive."""
    return Host("Google Drive", f"https://drive.google.com/{path}")


@dataclass(frozen=True)
class LanguageModelFacts:
    """A language model that a published model writes with; it is fetched by itself.

    Attributes:
        name: on the Hugging Face Hub.
        licence: of its weights.
        parameters: numbers in it.
        kept: how many of them stay in half precision where the others are quantised.
    """

    name: str
    licence: str
    parameters: int
    kept: int


@dataclass(frozen=True)
class PromptEncoderFacts:
    """A text encoder that reads the prompts of a published model; it is fetched by itself.

    Attributes:
        name: on the Hugging Face Hub.
        licence: of its weights.
        parameters: numbers in it.
    """

    name: str
    licence: str
    parameters: int
