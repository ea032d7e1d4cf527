"""Questions about one recording, one after the other: it is heard once, and follow-up questions are understood."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from auris.asking.answerers import answerer_for, answers, is_symbolic, named_answerer
from auris.asking.recordings import Recording, require_sound
from auris.asking.replies import SYMBOLIC, Reply
from auris.asking.windows import answered_windows, listed, most_telling, never_together
from auris.audio import Audio
from auris.channels import ChannelLayout
from auris.data.language.dialogue import Dialogue
from auris.data.language.free_questions import FreeType, Understood
from auris.data.language.question_grammar import read
from auris.data.language.symbolic import answer_from
from auris.data.language.understanding import understood
from auris.errors import LayoutError, ParameterError, SceneError, unknown_name
from auris.models.answering import Answerer
from auris.pipelines import hearing, layout_of, listener_for
from auris.scene import Scene

if TYPE_CHECKING:
    from auris.models.bat_config import Precision
    from auris.models.clip_listening import ClipModel
    from auris.models.listening import FrameListener

Beside = Literal["none", "symbolic"]
Report = Callable[[Literal["listening", "answering"], float], None]
# Beside the published types; what else can be asked (of time, order, number, motion, loudness) a model of clips never learnt.
_OF_A_CLIP: tuple[FreeType, ...] = ("PLACE", "DIRECTION", "HOW_FAR", "SIDE", "WHICH_SIDE", "PRESENT", "NEARER_OR_FARTHER")
_OTHER_KINDS = "a question of time, order, number or another kind that models of single clips do not learn"
_LONGEST_QUESTION = 1000  # characters; a model's own context may be shorter, and it says so itself


@dataclass(frozen=True)
class Heard:
    """What a listener heard.

    Attributes:
        scene: who, when, where.
        listener: its name.
        labels: the classes that it knows.
        says_distance: whether it says how far away sounds are; otherwise distances in the scene are no measurements.
    """

    scene: Scene
    listener: str
    labels: tuple[str, ...] = ()
    says_distance: bool = True


def ask(
    audio: Audio | str | Path,
    question: str,
    *,
    model: str | Path | Answerer | None = None,
    listener: str | Path | FrameListener | ClipModel | None = None,
    layout: ChannelLayout | str | None = None,
    device: str = "auto",
    precision: Precision | None = None,
    beside: Beside = "none",
    on_text: Callable[[str], None] | None = None,
    report: Report | None = None,
) -> Reply:
    """Answer a question about a recording of any length.

    Questions about what is where are answered by the model. Of a recording longer than it hears at a time, it answers about
    windows; the window answers the whole in which the sounds that the question names are heard longest. Questions about time,
    order, number and motion are answered by rules from the scene that is heard, and ``why`` says so.

    Args:
        audio: audio, or the path of a file.
        question: in English.
        model: name or folder of a language model with ears, or a loaded one; ``symbolic`` answers by rules from what is heard;
            None takes the language model that ships for the layout, and rules where there is none or its extra ``llm`` is not
            installed.
        listener: who hears the scene for the rules, as ``model`` of :func:`auris.pipelines.listen`.
        layout: what the channels of a file are, where neither the file nor a chosen model says it.
        device: where models given by name compute: ``cpu``, ``cuda``, or ``auto``.
        precision: of the weights of a language model given by name; None as its configuration says. ``8bit`` and ``4bit`` need
            bitsandbytes.
        beside: ``symbolic`` answers by rules as well, for comparison (:attr:`Reply.beside`).
        on_text: called with the answer in pieces, as they are written where that is possible.
        report: called with what is being done and the seconds of the recording that are done.

    Raises:
        ParameterError: the question is empty, too long or not understood, or the recording is silent.
        SceneError: the rules are asked about a sound that is not heard.
        LayoutError: the model hears another layout, or nothing says what the channels are.
        FormatError: the file cannot be read.
        CheckpointError: a model cannot be loaded.
        MissingDependency: a model that was asked for needs an extra that is not installed.
        AurisError: the memory does not hold the model.
    """
    checked_question(question)
    conversation = Conversation(audio, model=model, listener=listener, layout=layout, device=device, precision=precision)
    return conversation.ask(question, beside=beside, on_text=on_text, report=report)


class Conversation:
    """Questions about one recording; it is listened to once, when an answer first needs it.

    Args:
        audio: audio, or the path of a file.
        model: as for :func:`ask`.
        listener: as for :func:`ask`.
        layout: as for :func:`ask`.
        device: as for :func:`ask`.
        precision: as for :func:`ask`.
        heard: what somebody has heard in it already; then nobody listens again.

    Raises:
        LayoutError, FormatError, ParameterError, CheckpointError, MissingDependency, AurisError: as :func:`ask`.
    """

    def __init__(
        self,
        audio: Audio | str | Path,
        *,
        model: str | Path | Answerer | None = None,
        listener: str | Path | FrameListener | ClipModel | None = None,
        layout: ChannelLayout | str | None = None,
        device: str = "auto",
        precision: Precision | None = None,
        heard: Scene | None = None,
    ) -> None:
        require_sound(audio)  # before models are loaded, which may take minutes
        given: Answerer | None = None
        if isinstance(model, str | Path) and not is_symbolic(model):
            given = named_answerer(model, device=device, precision=precision)
        elif model is not None and not isinstance(model, str | Path):
            given = model
        self._device = device
        self._listener = None if listener is None else listener_for(None, model=listener, device=device)
        resolved = layout_of(audio, layout, listener=given or self._listener)
        self.recording = Recording.opened(audio, resolved)
        self._answerer = answerer_for(resolved, device=device, precision=precision) if model is None else given
        self._heard = None if heard is None else Heard(heard, "the listener")
        if self._answerer is None and heard is None and self._listener is None:
            self._listener = listener_for(resolved, device=device)
        self._dialogue = Dialogue(() if self._listener is None else self._listener.labels)

    @property
    def model(self) -> str:
        """Who answers: name of a language model, or ``symbolic``."""
        return SYMBOLIC if self._answerer is None else self._answerer.name

    def heard(self, report: Report | None = None) -> Heard:
        """Return what is heard in the recording; the first call listens.

        Raises:
            LayoutError: no listener hears this layout.
            FormatError: the file is damaged.
        """
        if self._heard is None:
            recording, told = self.recording, report or _nobody
            listener = self._listener or listener_for(recording.layout, device=self._device)
            said = hearing(
                recording.audio,
                model=listener,
                layout=recording.layout,
                report=lambda seconds: told("listening", seconds),
            )
            name = str(getattr(listener, "name", type(listener).__name__))
            self._heard = Heard(said.scene(), name, said.labels, said.says_distance)
        return self._heard

    def ask(
        self,
        question: str,
        *,
        beside: Beside = "none",
        on_text: Callable[[str], None] | None = None,
        report: Report | None = None,
    ) -> Reply:
        """Answer a question, which may follow up on earlier ones (``and how far is it?``).

        Args:
            question: in English.
            beside: ``symbolic`` answers by rules as well, for comparison.
            on_text: called with the answer in pieces, as they are written where that is possible.
            report: called with what is being done and the seconds of the recording that are done.

        Raises:
            ParameterError, SceneError, LayoutError, FormatError, AurisError: as :func:`ask`.
        """
        if beside not in get_args(Beside):
            raise ParameterError(unknown_name("answer beside", beside, get_args(Beside)))
        asked = checked_question(question)
        whole = asked if _is_complete(asked) else self._dialogue.resolve(asked)
        told = report or _nobody
        if self._answerer is None:
            reply = self._by_rules(asked, whole, told)
        else:
            reply = self._by_model(self._answerer, asked, whole, on_text, told)
        if beside == "symbolic" and reply.model != SYMBOLIC:
            reply = replace(reply, beside=self._compared(asked, whole, told))
        if on_text is not None and (reply.model == SYMBOLIC or reply.windows):
            on_text(reply.text)
        self._dialogue.answered(whole, reply.text)
        return reply if whole == asked else replace(reply, whole=whole)

    def _by_rules(self, asked: str, whole: str, report: Report, *because: str) -> Reply:
        """Answer from the scene that is heard."""
        heard = self.heard(report)
        distances: Literal["known", "unknown"] = "known" if heard.says_distance else "unknown"
        found = answer_from(heard.scene, whole, labels=heard.labels, distances=distances)
        return Reply(asked, found.text, SYMBOLIC, understood=found.understood, why=(*because, *found.why), scene=heard.scene)

    def _compared(self, asked: str, whole: str, report: Report) -> Reply:
        """Answer by rules beside another answer, which a failure of the rules must not spoil."""
        try:
            return self._by_rules(asked, whole, report)
        except (LayoutError, ParameterError, SceneError) as error:
            return Reply(asked, "", SYMBOLIC, why=(str(error),))

    def _by_model(
        self, answerer: Answerer, asked: str, whole: str, on_text: Callable[[str], None] | None, report: Report
    ) -> Reply:
        """Answer with a language model, unless it is asked what it cannot know from one clip."""
        meant = _meaning(whole)
        if meant is not None and not _is_of_a_clip(meant):
            return self._by_rules(asked, whole, report, f"{_OTHER_KINDS}: answered by rules, not by {answerer.name}")
        recording = self.recording
        if recording.duration <= answerer.clip_seconds:
            (text,) = answers(answerer, [recording.between(0.0, recording.duration)], whole, on_text=on_text)
            return Reply(asked, text, answerer.name)
        heard = self._scene_if_any(report)
        meant = _meaning(whole, () if self._heard is None else self._heard.labels)
        labels = () if meant is None else meant.names
        if heard is not None and never_together(heard, labels, recording.duration, answerer.clip_seconds):
            because = (
                f"{' and '.join(labels)} are not heard within {answerer.clip_seconds:g} s, which is what {answerer.name} hears"
            )
            return self._by_rules(asked, whole, report, f"{because}: by rules")
        windows = answered_windows(answerer, recording, whole, report=lambda seconds: report("answering", seconds))
        if meant is not None and meant.type == "CLASSIFICATION":
            text, why = listed(windows), "what is heard in any window"
        else:
            best, reason = most_telling(windows, heard, labels)
            text, why = best.reply.text, f"answered from {best.reply.begin:g} to {best.reply.end:g} s: {reason}"
        replies = tuple(window.reply for window in windows)
        return Reply(asked, text, answerer.name, why=(why,), windows=replies, scene=heard)

    def _scene_if_any(self, report: Report) -> Scene | None:
        """What is heard, to choose among windows; none where the model hears a layout that no listener ships for."""
        try:
            return self.heard(report).scene
        except LayoutError:
            if self._listener is not None:
                raise
            return None


def checked_question(question: str) -> str:
    """Return a question without spaces at its ends.

    Raises:
        ParameterError: it is empty or too long.
    """
    text = " ".join(str(question).split())
    if not any(letter.isalnum() for letter in text):
        raise ParameterError(f"the question is empty ({question!r}); ask, for example: Where is the dog?")
    if len(text) > _LONGEST_QUESTION:
        raise ParameterError(f"the question has {len(text)} characters, at most {_LONGEST_QUESTION} are read; ask shorter")
    return text


def _is_complete(asked: str) -> bool:
    """Whether a question in the published words says all it is about, so that nothing said before may change it."""
    try:
        meant = read(asked)
    except ParameterError:
        return False
    return bool(meant.subject) or meant.type in ("CLASSIFICATION", "MIXUP_SINGLE_CLASSIFICATION")


def _meaning(whole: str, labels: tuple[str, ...] = ()) -> Understood | None:
    """What a question asks; None where the rules do not understand it, which a language model still may."""
    try:
        return understood(whole, labels=labels)
    except ParameterError:
        return None


def _is_of_a_clip(meant: Understood) -> bool:
    """Whether a question is of a kind that language models with ears learn to answer about a clip as a whole."""
    plain = not (meant.also or meant.number or meant.span or meant.moment or meant.counted)
    return meant.asked is not None or (meant.type in _OF_A_CLIP and plain)


def _nobody(_doing: str, _seconds: float) -> None:
    """Report to nobody."""
