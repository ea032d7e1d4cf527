"""Scenes of one or two clips in a room: where they are, what is asked about them, and how they sound."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import oaconvolve

from auris import seeding
from auris.audio import Audio
from auris.data.language.answers import BINARY
from auris.data.language.questions import HeardSource, Question, QuestionMargins, askable, question
from auris.data.made_sets.reverb_rooms import BankMaker
from auris.data.made_sets.scene_items import AudioForms
from auris.data.made_sets.spatial_qa_clips import ClipPlan, ClipSound, QaClips
from auris.data.made_sets.spatial_qa_settings import SpatialSoundQaSettings
from auris.data.production.encoding import text_bytes
from auris.data.production.facts import scene_facts
from auris.data.production.maker import MadeFile, MadeItem
from auris.data.reverb_bank import BankRoom, bank_room, scene_name
from auris.data.reverb_listeners import Layout
from auris.data.stems import REFERENCE_DBFS
from auris.geometry.trajectories import Static, as_point
from auris.io.spatial_qa_records import QaRecord, QuestionType, questions_text
from auris.scene import Event, Listener, Scene, Source

_CLIP_TRIES, _WORD_TRIES = 50, 8
_IDS = 1000  # numbers of questions that a scene may have
Places = tuple[int, ...]


@dataclass(frozen=True)
class QaScene:
    """A scene.

    Attributes:
        split: ``train`` or ``eval``.
        number: in its split.
        room: in its split.
        clips: what sounds, one or two.
        places: of the room, one for each clip.
        sources: what is asked about.
        questions: with answers.
        left_out: types of questions that should have been asked, but have no certain answer here.
    """

    split: str
    number: int
    room: int
    clips: tuple[ClipPlan, ...]
    places: Places
    sources: tuple[HeardSource, ...]
    questions: tuple[Question, ...]
    left_out: tuple[str, ...]


class QaScenes:
    """The scenes of a split."""

    def __init__(
        self,
        settings: SpatialSoundQaSettings,
        clips: QaClips,
        banks: Mapping[Layout, BankMaker],
        *,
        split: str,
        clip_count: int,
        seed: int,
    ) -> None:
        """Say what scenes are drawn from: clips, and for each layout rooms, which are the same in all layouts."""
        self._settings, self._clips, self._banks, self._seed = settings, clips, banks, seed
        self.split, self._clip_count = split, clip_count
        self._placed: OrderedDict[int, BankRoom] = OrderedDict()
        self._responses: dict[Layout, tuple[int, Sequence[NDArray[np.float32]]]] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_placed": OrderedDict(), "_responses": {}}

    def scene(self, number: int, room: int) -> QaScene:
        """Draw a scene: a pure function of its number and its room."""
        settings = self._settings
        rng = seeding.generator(self._seed, "spatial-sound-qa", self.split, "scene", number)
        count = 1 + int(rng.random() < settings.two_sources)
        clips = self._draw_clips(count, rng)
        wanted = {kind: int(share) + int(rng.random() < share % 1) for kind, share in settings.questions.of(count).items()}
        types = [kind for kind, times in wanted.items() for _ in range(times)]
        places, sources = self._draw_places(clips, room, set(types), rng)
        asked, left_out = self._questions(number, types, sources)
        return QaScene(self.split, number, room, clips, places, sources, asked, left_out)

    def _draw_clips(self, count: int, rng: np.random.Generator) -> tuple[ClipPlan, ...]:
        """One clip, or two whose classes can be told from each other where there are such."""
        clips: tuple[ClipPlan, ...] = ()
        for _ in range(_CLIP_TRIES):
            numbers = rng.choice(self._clip_count, size=min(count, self._clip_count), replace=False).tolist()
            clips = tuple(self._clips.plan(self.split, number) for number in numbers)
            if count == 1 or not set(clips[0].classes) & set(clips[1].classes):
                break
        return clips

    def _draw_places(
        self, clips: Sequence[ClipPlan], room: int, types: set[QuestionType], rng: np.random.Generator
    ) -> tuple[Places, tuple[HeardSource, ...]]:
        """Places of one listener, drawn among those about which most of the questions have a certain answer."""
        placed = self.placed(room)
        labels = [tuple(self._clips.name_of(label) for label in clip.classes) for clip in clips]
        positions = (placed.sources - placed.listeners).round(4)
        listeners = [tuple(point) for point in placed.listeners.tolist()]
        choices = [
            chosen
            for chosen in itertools.permutations(range(len(listeners)), len(clips))
            if len({listeners[place] for place in chosen}) == 1
        ]
        best, most = choices[0], -1
        for number in rng.permutation(len(choices)).tolist():
            sources = _heard(labels, positions, choices[number])
            possible = sum(bool(askable(kind, sources, margins=self._settings.margins)) for kind in types)
            if possible > most:
                best, most = choices[number], possible
            if possible == len(types):
                break
        return best, _heard(labels, positions, best)

    def _questions(
        self, number: int, types: Sequence[QuestionType], sources: tuple[HeardSource, ...]
    ) -> tuple[tuple[Question, ...], tuple[str, ...]]:
        settings = self._settings
        found: list[Question] = []
        left_out: list[str] = []
        for rank, kind in enumerate(types):
            if not askable(kind, sources, margins=settings.margins):
                left_out.append(kind)
                continue
            seed = seeding.derive(self._seed, "spatial-sound-qa", self.split, "question", number, rank)
            drawn = _new_question(kind, sources, seed, yes=settings.yes, margins=settings.margins, asked=found)
            found += [drawn] if drawn is not None else []
        return tuple(found), tuple(left_out)

    def placed(self, room: int) -> BankRoom:
        """Return a room with its places."""
        if room not in self._placed:
            while len(self._placed) >= 4:
                self._placed.popitem(last=False)
            bank = next(iter(self._banks.values()))
            self._placed[room] = bank_room(bank.settings, self.split, room)
        return self._placed[room]

    def item(self, number: int, room: int) -> MadeItem:
        """Return a scene as an item: its questions and what is known of it, and what is heard where that is wanted."""
        drawn = self.scene(number, room)
        settings = self._settings
        name = f"{self.split}-{number:07d}"
        files: list[MadeFile] = []
        gains: dict[str, float] = {}
        facts = {
            "kind": "scene",
            "split": self.split,
            **scene_facts(self._as_scene(drawn), sample_rate=settings.sample_rate),
            "audio_ids": [clip.audio_id for clip in drawn.clips],
            "reverb_ids": [f"{scene_name(self.split, drawn.room)}/{place}.npy" for place in drawn.places],
            "text": [{"id": number * _IDS + rank, **asked.plain()} for rank, asked in enumerate(drawn.questions)],
            "left_out": list(drawn.left_out),
        }
        if settings.rendered and self.split in settings.rendered_splits:
            content = text_bytes(questions_text(question_records(facts)))
            files.append(MadeFile(f"rendered/questions/{self.split}/{name}.json", "questions.json", content))
            forms = AudioForms(settings.form, settings.subtype)
            for layout in settings.rendered:
                content, gains[layout] = forms.encoded(self._heard(drawn, layout))
                path = f"rendered/{layout}/{self.split}/{name}.{settings.form}"
                files.append(MadeFile(path, f"{layout}.{settings.form}", content))
            facts["gain_db"] = gains
        return MadeItem(name, tuple(files), facts)

    def _as_scene(self, drawn: QaScene) -> Scene:
        """The scene with a source for every sound of a clip."""
        placed = self.placed(drawn.room)
        sources = [
            Source(part.label, Static(as_point(placed.sources[place], "source")), (_event(part),))
            for clip, place in zip(drawn.clips, drawn.places, strict=True)
            for part in clip.sounds
        ]
        listener = Listener(Static(as_point(placed.listeners[drawn.places[0]], "listener")))
        return Scene(self._settings.clip_seconds, tuple(sources), listener, placed.room)

    def _heard(self, drawn: QaScene, layout: Layout) -> Audio:
        """What is heard: clips at -14 dBFS, each with the whole response of its place, two of them at half their level."""
        responses = self._room_responses(layout, drawn.room)
        parts = []
        for clip, place in zip(drawn.clips, drawn.places, strict=True):
            dry = self._clips.heard(self.split, clip.number)
            power = float(np.mean(np.square(dry, dtype=np.float64)))
            level = 10 ** (REFERENCE_DBFS / 20) / np.sqrt(power) if power else 0.0
            parts.append(oaconvolve(responses[place], np.float32(level) * dry[None], axes=1)[:, : len(dry)])
        return Audio(np.mean(parts, axis=0).astype(np.float32), self._settings.sample_rate, layout)

    def _room_responses(self, layout: Layout, room: int) -> Sequence[NDArray[np.float32]]:
        if layout not in self._responses or self._responses[layout][0] != room:
            self._responses[layout] = (room, self._banks[layout].scene(room).render())
        return self._responses[layout][1]


def question_records(facts: Mapping[str, Any]) -> Iterator[QaRecord]:
    """Yield the questions of a scene as they are published, from its facts."""
    audio, reverb = ([*facts[name], None][:2] for name in ("audio_ids", "reverb_ids"))
    for text in facts["text"]:
        ids = (audio[0], reverb[0], audio[1], reverb[1], text["id"])
        yield QaRecord(*ids, text["type"], question=text["question"], answer=text["answer"])


def _heard(labels: Sequence[tuple[str, ...]], positions: NDArray[np.float64], places: Places) -> tuple[HeardSource, ...]:
    points = [as_point(positions[place], "position") for place in places]
    return tuple(HeardSource(names, point) for names, point in zip(labels, points, strict=True))


def _event(part: ClipSound) -> Event:
    return Event(part.onset, part.offset, level_db=None)


def _new_question(
    kind: QuestionType,
    sources: Sequence[HeardSource],
    seed: int,
    *,
    yes: float,
    margins: QuestionMargins,
    asked: Sequence[Question],
) -> Question | None:
    """A question of a type that has not been asked in these words; None if none is found."""
    for attempt in range(_WORD_TRIES):
        rng = seeding.generator(seed, attempt)
        wish = bool(rng.random() < yes) if kind in BINARY else None
        drawn = question(kind, sources, seeding.derive(seed, attempt), margins=margins, wish=wish)
        if drawn.text not in {earlier.text for earlier in asked}:
            return drawn
    return None
