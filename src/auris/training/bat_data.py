"""Questions of a data set with what is heard: clips and responses as SpatialSoundQA publishes them, rendered as published.

Each clip of a record is read (first channel), brought to its level, convolved with its whole response, and cut to what the
encoder hears at a time; of two, half the sum is heard. Source: Zheng et al., BAT, arXiv:2402.01591, and the training code of
its authors.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import resample_poly
from torch.utils.data import Dataset

from auris import seeding
from auris.channels import ChannelLayout
from auris.data.spatial_clips.clip_banks import read_first_channel
from auris.data.spatial_clips.items import ClipSettings, dry_clip
from auris.data.spatial_clips.rendering import render
from auris.errors import FormatError, ParameterError
from auris.io.mp3d_reverb import Kind, open_response
from auris.io.spatial_qa_records import QUESTION_TYPES, STAGES, QaRecord, read_questions
from auris.training.bat_questions import QuestionBatch
from auris.training.bat_recipe import QuestionDataRecipe

Float32 = NDArray[np.float32]
Address = tuple[int, int]  # of a question, and the seed of what is asked in its place if its files are damaged
_KINDS: dict[str, Kind] = {"binaural": "binaural", "foa": "ambisonics"}
_SUFFIXES = (".wav", ".flac")
_TRIES = 20
_LOG = logging.getLogger("auris.training")


def training_questions(data: QuestionDataRecipe) -> tuple[QaRecord, ...]:
    """Return the questions to train with.

    Raises:
        FormatError: there is no such file, or it is damaged.
    """
    return read_questions(_question_file(Path(data.questions) / data.stage, data.train))


def held_out_questions(data: QuestionDataRecipe, *, seed: int) -> tuple[QaRecord, ...]:
    """Return the questions to validate with, in the order of their types; always the same ones for a seed.

    Raises:
        FormatError: there are no such files, or one is damaged.
    """
    records = [record for file in _held_out_files(data) for record in read_questions(file)]
    chosen: list[QaRecord] = []
    for kind in QUESTION_TYPES:
        of_kind = [record for record in records if record.question_type == kind]
        order = seeding.generator(seed, "held-out-questions", kind).permutation(len(of_kind))[: data.validation_count]
        chosen += [of_kind[number] for number in sorted(order)]
    return tuple(chosen)


def _held_out_files(data: QuestionDataRecipe) -> list[Path]:
    root = Path(data.questions)
    if data.validation:
        return [_question_file(root / data.stage, name) for name in data.validation]
    if (given := _found_file(root / data.stage, "val")) is not None:
        return [given]
    # The published training code asks for val.json, which nobody has published; the evaluations are at hand.
    known = [stage.folder for stage in STAGES]
    stages = STAGES[: known.index(data.stage) + 1] if data.stage in known else ()
    found = [_found_file(root / stage.folder, name) for stage in stages for name, _ in stage.evaluations]
    files = [file for file in found if file is not None] or sorted((root / data.stage).glob("eval-*.json*"))
    if not files:
        raise FormatError(
            f"{root / data.stage}: neither val.json nor eval-….json to validate with; name files in data.validation"
        )
    return files


def _question_file(folder: Path, name: str) -> Path:
    if (file := _found_file(folder, name)) is not None:
        return file
    there = ", ".join(sorted(file.name for file in folder.glob("*.json*"))) or "no questions"
    raise FormatError(f"{folder}: no {name}.json or {name}.jsonl but {there}; set data.questions and data.stage")


def _found_file(folder: Path, name: str) -> Path | None:
    return next((file for end in ("", ".json", ".jsonl") if (file := folder / f"{name}{end}").is_file()), None)


class RenderedQuestions(Dataset[QuestionBatch]):
    """Questions with what is heard, in batches: ``dataset[addresses]``.

    Args:
        records: the questions.
        data: where clips and responses are.
        layout: that the encoder listens to.
        sample_rate: it hears at, hertz.
        seconds: it hears at a time.

    Raises:
        FormatError: clips or responses are missing and may not be skipped, or all are.
        ParameterError: the set has no responses in this layout.
    """

    def __init__(
        self, records: Sequence[QaRecord], data: QuestionDataRecipe, *, layout: ChannelLayout, sample_rate: int, seconds: float
    ) -> None:
        if layout.name not in _KINDS:
            raise ParameterError(f"data are heard by two ears or in first order (foa), the encoder listens to {layout.name}")
        self.data, self.channels, self.kind = data, layout.channels, _KINDS[layout.name]
        self.form = ClipSettings(sample_rate=sample_rate, clip_seconds=seconds, level_dbfs=data.level_dbfs)
        self.records = self._readable(records)
        self._told: set[int] = set()

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, addresses: Sequence[Address]) -> QuestionBatch:
        rows = [self._heard(*address) for address in addresses]
        records = [self.records[number] for number, _ in rows]
        return QuestionBatch(
            tokens=None,
            waveforms=torch.from_numpy(np.stack([wave for _, wave in rows])),
            questions=tuple(record.question for record in records),
            answers=tuple(record.answer for record in records),
            types=tuple(record.question_type for record in records),
            numbers=tuple(number for number, _ in addresses),
        )

    def waveform(self, record: QaRecord) -> Float32:
        """Return what is heard in a question, ``(channels, samples)``.

        Raises:
            FormatError: a clip or response cannot be read; the message names the file.
        """
        dry = np.stack([dry_clip(read_first_channel(self._clip(audio), self.form.sample_rate), self.form) for audio, _ in
                        record.sources])  # fmt: skip
        heard = [self._response(reverb) for _, reverb in record.sources]
        joined = np.zeros((len(heard), self.channels, max(response.shape[1] for response in heard)), np.float32)
        for row, response in zip(joined, heard, strict=True):
            row[:, : response.shape[1]] = response
        sounds = render(torch.from_numpy(dry)[None], torch.from_numpy(joined)[None])[0]
        return np.asarray(sounds / len(heard), dtype=np.float32)

    def _heard(self, number: int, seed: int) -> tuple[int, Float32]:
        """What is heard in a question, or in another one where its files are damaged and may be skipped."""
        rng = seeding.generator(seed, "instead")
        for _ in range(_TRIES):
            try:
                return number, self.waveform(self.records[number])
            except FormatError as error:
                if self.data.unreadable == "refuse":
                    raise
                if number not in self._told:
                    _LOG.warning("skipped: %s", error)
                self._told.add(number)
            number = int(rng.integers(len(self.records)))
        raise FormatError(f"the files of {_TRIES} questions in a row cannot be read; they are named in the log")

    def _response(self, name: str) -> Float32:
        response = open_response(self._response_file(name), kind=self.kind)[: self.channels]
        rate, given = self.form.sample_rate, self.data.response_rate
        if rate != given:  # as loud as before: fewer samples are added up
            response = resample_poly(np.asarray(response, float), rate, given, axis=1) * (given / rate)
        return np.asarray(response, dtype=np.float32)

    def _clip(self, name: str) -> Path:
        root = Path(self.data.audioset) / _inside(name)
        return next((file for end in _SUFFIXES if (file := root.with_name(root.name + end)).is_file()), root.with_name(
            root.name + _SUFFIXES[0]))  # fmt: skip

    def _response_file(self, name: str) -> Path:
        return Path(self.data.reverb) / self.kind / _inside(name)

    def _readable(self, records: Sequence[QaRecord]) -> tuple[QaRecord, ...]:
        """The questions whose files are there."""
        lacking = self._lacking(records)
        kept = tuple(record for record in records if not lacking & {name for source in record.sources for name in source})
        if not lacking:
            return kept
        some = ", ".join(sorted(lacking)[:3]) + (f" and {len(lacking) - 3} more" if len(lacking) > 3 else "")
        text = f"{len(records) - len(kept)} of {len(records)} questions are about clips or responses that are not there: {some}"
        if self.data.unreadable == "refuse" or not kept:
            raise FormatError(
                f"{text}; set data.audioset and data.reverb to where they are (now {self.data.audioset} and "
                f"{self.data.reverb}), or data.unreadable=skip to leave questions out"
            )
        _LOG.warning("left out: %s", text)
        return kept

    def _lacking(self, records: Sequence[QaRecord]) -> set[str]:
        clips = {audio for record in records for audio, _ in record.sources}
        responses = {reverb for record in records for _, reverb in record.sources}
        return {name for name in clips if not self._clip(name).is_file()} | {
            name for name in responses if not self._response_file(name).is_file()
        }


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise FormatError(f"a question names the file {name!r}, which leads outside its folder")
    return name


def counts_by_type(records: Iterable[QaRecord]) -> Iterator[tuple[str, int]]:
    """Yield how many questions there are of each type."""
    kinds = [record.question_type for record in records]
    yield from ((kind, kinds.count(kind)) for kind in QUESTION_TYPES if kind in kinds)
