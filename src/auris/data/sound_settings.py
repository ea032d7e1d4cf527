"""Which sounds are played: a folder of recordings of any known layout, synthesis, or both; and what names them reproducibly."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any

from auris.data.procedural import PROCEDURAL_SOUNDS
from auris.data.sound_bank import Bank, MixedBank, ProceduralBank, SoundBank
from auris.data.sound_folder import SPLIT_SHARES, Clip, Split
from auris.errors import ParameterError, unknown_name


@dataclass(frozen=True)
class BankSettings:
    """Which sounds are played.

    Attributes:
        sounds: folder of recordings, or a CSV list of them; None plays procedural sounds only.
        folds: folds of the recordings that may be used; None uses all.
        procedural: share of sounds that are synthesised (0..1).
        variations: how many variations of each recording are drawn from.
        kind: layout of the folder, one of :data:`auris.data.sound_catalogues.KINDS`; ``auto`` finds out.
        split: use only this part of the recordings; None uses all. Parts never share a source recording.
        labels: classes to use; None uses all. ``name=class`` gives a class another name, several may get the same.
    """

    sounds: str | None = None
    folds: tuple[int, ...] | None = None
    procedural: float = 0.3
    variations: int = 24
    kind: str = "auto"
    split: Split | None = None
    labels: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.procedural <= 1:
            raise ParameterError(f"procedural is a share from 0 to 1, got {self.procedural!r}")
        if self.variations < 1:
            raise ParameterError(f"variations must be at least 1 (as recorded), got {self.variations!r}")
        if self.split is not None and self.split not in SPLIT_SHARES:
            raise ParameterError(unknown_name("split", self.split, SPLIT_SHARES))
        if self.split is not None and self.folds is not None:
            raise ParameterError("give either split or folds, not both")

    def __repr__(self) -> str:
        # Stems on disk are named by it, so fields that came later are said only where they are used.
        later = (("kind", "auto"), ("split", None), ("labels", None))
        said = [(name, getattr(self, name)) for name in ("sounds", "folds", "procedural", "variations")]
        said += [(name, value) for name, default in later if (value := getattr(self, name)) != default]
        return f"BankSettings({', '.join(f'{name}={value!r}' for name, value in said)})"

    def open(self) -> Bank:
        """Return the bank.

        Raises:
            FormatError: the folder is missing, of no known layout, or holds nothing usable.
            ParameterError: a class or kind is unknown.
        """
        if self.sounds is None or self.procedural == 1:
            return ProceduralBank(self._names)
        recordings = self._recordings()
        synthetic = tuple(name for name in PROCEDURAL_SOUNDS if self._names is None or name in self._names)
        if self.procedural == 0 or not synthetic:
            return recordings
        return MixedBank((recordings, ProceduralBank(synthetic)), weights=(1 - self.procedural, self.procedural))

    def plain(self) -> dict[str, Any]:
        """Return what decides which sounds are played, as plain JSON: the recordings by their listing, not by where they lie.

        Raises:
            FormatError: the folder is missing, of no known layout, or holds nothing usable.
        """
        return {
            "recordings": self._listing,
            "procedural": 1.0 if self._listing is None else self.procedural,
            "variations": self.variations,
            "folds": self.folds and list(self.folds),
            "split": self.split,
            "labels": self.labels and list(self.labels),
        }

    def digest(self) -> str:
        """Return a short name for :meth:`plain`: equal for equal sounds, on any machine and in any folder.

        Raises:
            FormatError: as :meth:`plain`.
        """
        return blake2b(json.dumps(self.plain(), sort_keys=True).encode(), digest_size=8).hexdigest()

    def _recordings(self) -> SoundBank:
        return SoundBank(
            str(self.sounds),
            kind=self.kind,
            labels=self.labels,
            split=self.split,
            folds=self.folds,
            variations=self.variations,
        )

    @property
    def _names(self) -> tuple[str, ...] | None:
        """The chosen classes, by the names they are given."""
        return None if self.labels is None else tuple(dict.fromkeys(text.partition("=")[0] for text in self.labels))

    @cached_property
    def _listing(self) -> dict[str, Any] | None:
        """Kind of the folder, number of its clips, and a digest of their names and sizes by class."""
        if self.sounds is None or self.procedural == 1:
            return None
        bank = self._recordings()
        clips = [clip for label in bank.labels for clip in bank.clips[label]]
        return {"kind": bank.kind, "classes": len(bank.labels), "clips": len(clips), "digest": _listing_digest(clips)}


def _listing_digest(clips: Iterable[Clip]) -> str:
    lines = "\n".join(f"{clip.label}\t{clip.file}\t{clip.size}" for clip in clips)
    return blake2b(lines.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
