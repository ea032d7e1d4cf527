"""Let models answer questions about recordings (:mod:`auris.training.qa_items`), in batches, going on where a run stopped."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from auris.audio import Audio
from auris.channels import ChannelLayout
from auris.errors import AurisError, FormatError, ParameterError
from auris.io.atomic import write_text
from auris.io.audio_files import read_audio
from auris.io.qa_predictions import QaPrediction, predictions_text, read_predictions, write_predictions
from auris.metrics.question_answering.plain_text import not_answered
from auris.models.answering import Answerer
from auris.training.qa_items import QaItem

_HELD = 8  # recordings and scenes that are kept because the next questions may be about them


class SceneAnswerer:
    """A listener and rules that answer from the scene that it hears, as an :class:`~auris.models.answering.Answerer`.

    What cannot be answered (a question that is not understood, a sound that was not heard) is answered by a text that counts as
    unreadable and gives the reason.
    """

    def __init__(
        self,
        heard: Callable[[Audio], object],
        answer_from: Callable[[object, str], str],
        *,
        name: str,
        layout: ChannelLayout,
        sample_rate: int,
        clip_seconds: float,
    ) -> None:
        """Put a listener and rules together.

        Args:
            heard: returns the scene of a recording; it listens once to recordings that follow each other and are the same.
            answer_from: answers a question about a scene.
            name: in tables.
            layout: what the listener hears.
            sample_rate: of the listener, hertz.
            clip_seconds: the longest recording that it is given.
        """
        self.name, self.layout, self.sample_rate, self.clip_seconds = name, layout, sample_rate, clip_seconds
        self._heard, self._answer_from = heard, answer_from
        self._scenes: OrderedDict[int, tuple[Audio, object]] = OrderedDict()

    def answer(
        self, clips: Sequence[Audio], questions: Sequence[str], *, on_text: Callable[[str], None] | None = None
    ) -> list[str]:
        """Answer one question about each recording; see :meth:`auris.models.answering.Answerer.answer`."""
        answers = [self._answered(clip, question) for clip, question in zip(clips, questions, strict=True)]
        if on_text is not None and answers:
            on_text(answers[0])
        return answers

    def _answered(self, clip: Audio, question: str) -> str:
        try:
            return self._answer_from(self._scene(clip), question)
        except AurisError as error:
            return not_answered(str(error))

    def _scene(self, clip: Audio) -> object:
        if id(clip) not in self._scenes:
            self._scenes[id(clip)] = clip, self._heard(clip)  # the recording is kept so that its id stays its own
            while len(self._scenes) > _HELD:
                self._scenes.popitem(last=False)
        return self._scenes[id(clip)][1]


def answered_questions(
    answerer: Answerer,
    items: Sequence[QaItem],
    *,
    batch: int = 8,
    report: Callable[[int], None] = lambda _done: None,
) -> Iterator[QaPrediction]:
    """Put questions to a model and yield its answers, in the order of the items.

    A recording longer than the model hears is cut, one in another layout is an error.

    Args:
        answerer: the model.
        items: what is asked about what.
        batch: questions at a time.
        report: called with the number of questions answered.

    Raises:
        ParameterError: the batch is below 1.
        FormatError: a recording cannot be read.
        LayoutError: the model does not hear the layout of a recording.
    """
    if batch < 1:
        raise ParameterError(f"questions are asked at least one at a time, got batch {batch}")
    recordings = _Recordings(answerer)
    for begin in range(0, len(items), batch):
        some = items[begin : begin + batch]
        answers = answerer.answer([recordings.of(item) for item in some], [item.question for item in some])
        if len(answers) != len(some):
            raise ParameterError(f"{answerer.name} gave {len(answers)} answers to {len(some)} questions")
        yield from (item.answered(answer) for item, answer in zip(some, answers, strict=True))
        report(begin + len(some))


class _Recordings:
    """Reads recordings as a model hears them; the last ones are kept."""

    def __init__(self, answerer: Answerer) -> None:
        self._answerer = answerer
        self._read: OrderedDict[object, Audio] = OrderedDict()

    def of(self, item: QaItem) -> Audio:
        key = item.audio
        if key not in self._read:
            audio = read_audio(key, layout=self._answerer.layout) if isinstance(key, Path) else key()
            self._read[key] = audio.between(0.0, self._answerer.clip_seconds)
            while len(self._read) > _HELD:
                self._read.popitem(last=False)
        return self._read[key]


def answered_to_file(
    path: str | Path,
    answerer: Answerer,
    items: Sequence[QaItem],
    *,
    settings: Mapping[str, Any],
    batch: int = 8,
    report: Callable[[int], None] = lambda _done: None,
) -> tuple[QaPrediction, ...]:
    """Put questions to a model and write every answer as it comes, going on after those that the file holds already.

    Args:
        path: ``.jsonl``; an answer that was not written whole is asked for again.
        answerer: the model.
        items: what is asked about what.
        settings: who answers and how, written beside the file (``<name>.settings.json``); a file can only be gone on with in
            the same way.
        batch: questions at a time.
        report: called with the number of questions answered.

    Raises:
        FormatError: the file holds answers to other questions or in other settings, or cannot be written.
        Other errors as :func:`answered_questions`.
    """
    file = Path(path)
    record, plain = file.with_suffix(".settings.json"), json.loads(json.dumps(settings))
    done = list(_answered_before(file, items))
    if done and _settings_before(record) != plain:
        raise FormatError(f"{file}: was begun with other settings ({record.name}); remove it, or write to another file")
    write_text(record, json.dumps(plain, indent=2) + "\n")
    write_predictions(file, done)
    before = len(done)
    report(before)
    try:
        with file.open("a", encoding="utf-8") as stream:
            left = items[before:]
            for each in answered_questions(answerer, left, batch=batch, report=lambda number: report(before + number)):
                stream.write(predictions_text([each]))
                stream.flush()
                done.append(each)
    except OSError as error:
        raise FormatError(f"{file}: cannot be written ({error.strerror or error})") from None
    return tuple(done)


def _answered_before(file: Path, items: Sequence[QaItem]) -> tuple[QaPrediction, ...]:
    """The answers that a file holds already, without one that was cut off."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise FormatError(f"{file}: cannot be read ({error.strerror or error})") from None
    whole = text[: text.rfind("\n") + 1]
    if not whole.strip():
        return ()
    if whole != text:
        write_text(file, whole)
    given = read_predictions(file)
    for number, prediction in enumerate(given, start=1):
        if number > len(items) or replace(prediction, prediction="") != items[number - 1].answered(""):
            raise FormatError(f"{file}:{number}: answers another question than is asked now; remove it, or write elsewhere")
    return given


def _settings_before(record: Path) -> Any:
    try:
        return json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
