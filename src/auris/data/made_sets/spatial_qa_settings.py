"""Everything that is drawn for a set of spatial questions (:mod:`auris.data.made_sets.spatial_sound_qa`)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import get_args

from auris.data.language.questions import QuestionMargins
from auris.data.made_sets.ranges import Range, checked_count, checked_number, checked_range, checked_shares
from auris.data.production.encoding import AudioForm, Subtype
from auris.data.reverb_bank import RoomSettings
from auris.data.reverb_listeners import LAYOUTS, Layout
from auris.errors import ParameterError, unknown_name
from auris.io.spatial_qa_records import ONE_SOURCE, QUESTION_TYPES, Naming, QuestionType

SPLITS = ("train", "eval")


@dataclass(frozen=True)
class QuestionCounts:
    """How many questions of each type a scene has on average; 0.3 asks one in three scenes of ten.

    The published numbers are 139,392 of each type about one source, 118,000 of C and of D, and 357,528 of all types E.

    Attributes:
        classification: A, in scenes with one source: what is heard.
        doa: B, with one source: where it is.
        mixup_single_classification: C, with two sources: what is heard at a place.
        mixup_single_doa: D: where a named source is.
        mixup_direction: E, Yes or No: how two sources lie to each other, or to the listener.
        mixup_distance_both: E, Yes or No: which is nearer.
        mixup_nonbinary_distance: E: how far two sources are apart.
        mixup_nonbinary_direction: E: which way a source lies from the other.
        mixup_nonbinary_source: E: which of the two is nearer, further to the left, and so on.
    """

    classification: float = 1.0
    doa: float = 1.0
    mixup_single_classification: float = 1.0
    mixup_single_doa: float = 1.0
    mixup_direction: float = 1.0
    mixup_distance_both: float = 1.0
    mixup_nonbinary_distance: float = 0.34
    mixup_nonbinary_direction: float = 0.34
    mixup_nonbinary_source: float = 0.34

    def __post_init__(self) -> None:
        for entry in fields(self):
            checked_number(f"questions.{entry.name}", getattr(self, entry.name), 0, 100)

    def of(self, sources: int) -> dict[QuestionType, float]:
        """Return the counts of the types that ask about so many sources."""
        types = [kind for kind in QUESTION_TYPES if (kind in ONE_SOURCE) == (sources == 1)]
        return {kind: getattr(self, kind.lower()) for kind in types}


@dataclass(frozen=True)
class SharedRooms(RoomSettings):
    """Rooms in which a listener hears several sources from where he is.

    Attributes:
        places_per_listener: so many places in a row have the same listener.
    """

    places_per_listener: int = 6


@dataclass(frozen=True)
class SpatialSoundQaSettings:
    """Everything that is drawn. A range [low, high] is drawn from uniformly; equal ends fix the value.

    Attributes:
        eval_share: of scenes, for evaluation: with other recordings, other rooms and other heads than those for training.
        train_folds: folds of the recordings that training hears; null takes the recordings that a hash of their names gives to
            training.
        eval_folds: folds of the recordings of the evaluation; null takes those that a hash of their names gives to testing.
        numbering: class list that numbers the classes, such as the published ``class_labels_indices_subset.csv`` with its 355;
            null numbers the classes of the sounds alphabetically.
        classes: only these; null takes all that have sounds.
        two_sources: share of scenes with two sources, which are heard by one listener.
        questions: how many of each type.
        yes: share of Yes among the answers to questions for Yes or No.
        margins: what must differ, and by how much, for a question to be asked.
        clip_seconds: length of a dry clip.
        sample_rate: hertz of clips, responses and renderings.
        clip_uses: how often each clip is heard, on average.
        classes_per_clip: share of clips with 1, 2, … classes.
        event_duration: seconds that each sound of a clip lasts; shorter recordings repeat.
        level_db: of the second sound of a clip and further ones, against the first.
        scenes_per_room: how many scenes share a room.
        rooms: rooms, places and heads.
        responses: which are written: ``binaural``, ``mono``, ``foa``.
        rendered: also write what is heard in each scene, in these layouts, with its questions; the original leaves that to the
            reader.
        rendered_splits: for which of ``train`` and ``eval``.
        form: of what is heard: ``flac`` or ``wav``. Dry clips are WAV, as published.
        subtype: of what is heard: ``PCM_16``, ``PCM_24``, or ``FLOAT`` (wav only).
        naming: of the files of questions: ``published`` (``eval-….json``), ``slam_llm`` (``val.json`` and ``test.json``, which
            the published training code asks for), or ``both``.
    """

    eval_share: float = 0.1
    train_folds: tuple[int, ...] | None = None
    eval_folds: tuple[int, ...] | None = None
    numbering: str | None = None
    classes: tuple[str, ...] | None = None
    two_sources: float = 0.46
    questions: QuestionCounts = field(default_factory=QuestionCounts)
    yes: float = 0.5
    margins: QuestionMargins = field(default_factory=QuestionMargins)
    clip_seconds: float = 10.0
    sample_rate: int = 32_000
    clip_uses: float = 8.0
    classes_per_clip: tuple[float, ...] = (0.8, 0.2)
    event_duration: Range = (5.0, 10.0)
    level_db: Range = (-6.0, 0.0)
    scenes_per_room: int = 24
    rooms: SharedRooms = field(default_factory=SharedRooms)
    responses: tuple[Layout, ...] = ("binaural", "mono", "foa")
    rendered: tuple[Layout, ...] = ("binaural",)
    rendered_splits: tuple[str, ...] = ("eval",)
    form: AudioForm = "flac"
    subtype: Subtype = "PCM_16"
    naming: Naming = "published"

    def __post_init__(self) -> None:
        for name in ("eval_share", "two_sources", "yes"):
            object.__setattr__(self, name, checked_number(name, getattr(self, name), 0, 1))
        checked_number("clip_seconds", self.clip_seconds, 0.5, 600)
        checked_number("clip_uses", self.clip_uses, 0.1, 1e6)
        checked_count("sample_rate", self.sample_rate, 8_000, 96_000)
        checked_count("scenes_per_room", self.scenes_per_room, 1, 10**6)
        checked_shares("classes_per_clip", self.classes_per_clip, len(self.classes_per_clip))
        duration = checked_range("event_duration", self.event_duration, 0.05, 600)
        object.__setattr__(self, "event_duration", tuple(min(value, self.clip_seconds) for value in duration))
        object.__setattr__(self, "level_db", checked_range("level_db", self.level_db, -60, 60))
        self._check_names()
        self._check_places()
        folds = (self.train_folds, self.eval_folds)
        if (folds[0] is None) != (folds[1] is None) or set(folds[0] or ()) & set(folds[1] or ()):
            raise ParameterError(f"give train_folds and eval_folds that share no fold, or neither; got {folds[0]}, {folds[1]}")

    def _check_names(self) -> None:
        for name, accepted in (("responses", LAYOUTS), ("rendered", LAYOUTS), ("rendered_splits", SPLITS)):
            chosen = getattr(self, name)
            if odd := [value for value in chosen if value not in accepted]:
                raise ParameterError(unknown_name(f"name in {name}", odd[0], accepted))
            if len(set(chosen)) < len(chosen):
                raise ParameterError(f"{name} names something twice: {list(chosen)}")
        if not self.responses:
            raise ParameterError(f"responses must be some of {', '.join(LAYOUTS)}; without them nothing is heard anywhere")
        if self.naming not in get_args(Naming):
            raise ParameterError(unknown_name("naming", self.naming, get_args(Naming)))

    def _check_places(self) -> None:
        rooms = self.rooms
        for layout in {*self.responses, *self.rendered}:
            rooms.bank(layout, sample_rate=self.sample_rate)
        if self.two_sources and min(rooms.places_per_listener, rooms.places_per_room) < 2:
            raise ParameterError(
                "two sources are heard by one listener: rooms.places_per_listener and rooms.places_per_room must be at least "
                f"2, got {rooms.places_per_listener} and {rooms.places_per_room}; or set two_sources=0"
            )

    @property
    def item_seconds(self) -> float:
        """Seconds of audio in a scene."""
        return self.clip_seconds

    def scenes(self, split: str, items: int) -> int:
        """Return how many of ``items`` scenes belong to a split; one at least where the share is neither 0 nor 1."""
        held = round(items * self.eval_share)
        if 0 < self.eval_share < 1 and items > 1:
            held = min(max(held, 1), items - 1)
        return held if split == "eval" else items - held

    def clips(self, scenes: int, classes: int) -> int:
        """Return how many clips so many scenes share: so few that each is used often, but of every class one if possible."""
        if not scenes:
            return 0
        sounding = math.ceil(scenes * (1 + self.two_sources))
        return max(math.ceil(sounding / self.clip_uses), min(classes, sounding), 2 if self.two_sources else 1)

    def room_count(self, scenes: int) -> int:
        """Return how many rooms so many scenes are heard in."""
        return math.ceil(scenes / self.scenes_per_room)
