"""Free questions and what they ask."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auris.data.language.free_questions import FREE_TYPES, Understood
from auris.data.language.question_sentences import sentence
from auris.data.language.questions import HeardSource, parsed_question, question
from auris.data.language.sound_names import sound_names
from auris.data.language.understanding import understood
from auris.errors import ParameterError, SceneError
from auris.io.spatial_qa_records import ONE_SOURCE, QUESTION_TYPES

LABELS = ("chainsaw", "clock_tick", "crying_baby", "dog", "music", "rain", "sea_waves", "speech")
AWKWARD = ("dog", "Clock_tick", "whack, thwack", "music of africa", "child's speech", "knock and rattle", "rattle (instrument)")
AXES = (("left", "right"), ("front", "behind"), ("above", "below"))
TWO = {"subject": "dog", "other": "rain"}


def drawn_questions(labels, seeds):
    """Questions of every type about two of the classes, in the words of the grammar."""
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        chosen = rng.choice(len(labels), 2, replace=False)
        places = rng.uniform((-5, -5, -1.5), (5, 5, 1.5), (2, 3)).tolist()
        sources = [HeardSource((labels[n],), tuple(place)) for n, place in zip(chosen, places, strict=True)]
        for kind in QUESTION_TYPES:
            try:
                yield question(kind, sources[: 1 if kind in ONE_SOURCE else 2], seed)
            except SceneError:
                continue


@pytest.mark.parametrize("labels", [LABELS, AWKWARD], ids=["shipped", "awkward"])
def test_the_words_of_the_grammar_are_understood_as_they_are_meant(labels):
    count = 0
    for drawn in drawn_questions(labels, 130):
        found = understood(drawn.text, labels=labels)
        assert found.asked == parsed_question(drawn.text), drawn
        assert found.parts == (found,)
        count += 1
    assert count > 1000


def every_question_of_space():
    yield from (Understood("CLASSIFICATION"), Understood("DOA"), Understood("DOA", "dog"), Understood("DOA", "dog", number=2))
    yield Understood("DOA", "dog", span=(3, 3))
    yield Understood("MIXUP_SINGLE_CLASSIFICATION", words=("left", "behind"))
    yield Understood("MIXUP_SINGLE_CLASSIFICATION", words=("left",), distance=2.5)
    yield from (
        Understood("MIXUP_SINGLE_CLASSIFICATION", distance=2.0),
        Understood("MIXUP_SINGLE_CLASSIFICATION", relation="nearer"),
    )
    yield Understood("MIXUP_SINGLE_CLASSIFICATION", "dog", words=("left",))
    yield from (Understood("MIXUP_NONBINARY_SOURCE", words=("left",)), Understood("MIXUP_NONBINARY_SOURCE", relation="farther"))
    yield Understood("MIXUP_NONBINARY_SOURCE", **TWO, relation="nearer")
    for axis, word in itertools.product(AXES, (0, 1)):
        words = (axis[word],)
        yield Understood("MIXUP_NONBINARY_SOURCE", **TWO, words=words, relation="more")
        yield Understood("MIXUP_DIRECTION", **TWO, words=words, relation="more")
        yield from (Understood("SIDE", "dog", words=words), Understood("SIDE", **TWO, words=words, relation="all"))
        yield Understood("EXTREME", "dog", words=words, relation="more")
        yield Understood("COMPARED", other="dog", words=words, relation="more")
        yield from (Understood("MOVES", "dog", words=words), Understood("PRESENT", "dog", words=words))
        yield from (Understood("PRESENT", words=words), Understood("COUNT", words=words, counted="sources"))
        yield from (Understood("COUNT", "dog", words=words, counted="sources"), Understood("ORDER", number=1, words=words))
    for axis in AXES:
        yield from (Understood("MIXUP_DIRECTION", **TWO, words=axis, relation=relation) for relation in ("alike", "apart"))
        yield from (Understood("MIXUP_DIRECTION", words=axis, relation=relation) for relation in ("alike", "apart"))
        yield Understood("MIXUP_NONBINARY_DIRECTION", **TWO, words=axis, relation="more")
        yield from (
            Understood("WHICH_SIDE", "dog", words=axis),
            Understood("COMPARED", other="dog", words=axis, relation="alike"),
        )
    yield from (Understood("MIXUP_DISTANCE_BOTH", **TWO, relation=relation) for relation in ("nearer", "farther"))
    yield from (
        Understood("MIXUP_NONBINARY_DISTANCE", **TWO),
        Understood("MIXUP_NONBINARY_DISTANCE"),
        Understood("RELATIVE", **TWO),
    )


def every_question_of_one_or_of_time():
    for kind in ("PLACE", "DIRECTION", "BEARING", "HOW_FAR"):
        yield from (Understood(kind, "dog"), Understood(kind, "dog", number=3), Understood(kind, "dog", number=-1))
        yield from (Understood(kind, number=2), Understood(kind, "dog", span=(1, 1)), Understood(kind, "dog", moment="end"))
    yield from (Understood("PLACE", several=True), Understood("PLACE", "dog", several=True), Understood("HOW_FAR"))
    for kind in ("WHEN", "DURATION"):
        yield from (Understood(kind, "dog"), Understood(kind, "dog", number=2), Understood(kind, number=2))
    yield from (Understood("WHEN", "dog", moment=moment, number=number) for moment in ("begin", "end") for number in (0, -1))
    yield Understood("WHEN", **TWO, relation="all")
    for counted in ("events", "sources"):
        yield from (Understood("COUNT", "dog", counted=counted), Understood("COUNT", counted=counted))
        for relation in ("", "more", "fewer"):
            yield Understood("AS_MANY", "dog", number=2, counted=counted, relation=relation)
    yield from (Understood("COUNT", counted="classes"), Understood("AS_MANY", number=1, counted="classes"))
    yield Understood("COUNT", "dog", counted="events", span=(1, 2))
    yield Understood("COUNT", counted="sources", distance=2.0, relation="nearer")
    yield from (
        Understood("PRESENT", **TWO, relation="all"),
        Understood("PRESENT", **TWO, relation="any"),
        Understood("PRESENT"),
    )
    yield from (Understood("PRESENT", "dog", span=(2, 2)), Understood("PRESENT", "dog", number=2), Understood("PRESENT", "dog"))
    yield from (Understood("PRESENT", "dog", distance=2.0, relation="nearer"), Understood("SILENT"))
    yield Understood("PRESENT", distance=2.0, relation="farther")
    yield from (Understood("SIDE", "dog", words=("left", "behind", "below")), Understood("SIDE", words=("left",)))
    yield from (Understood("SIDE", "dog", words=("left",), number=2), Understood("SIDE", "dog", words=("left",), several=True))
    for relation in ("nearer", "farther", "alike"):
        yield Understood("WITHIN", "dog", distance=2.5, relation=relation)
    yield from (Understood("WITHIN", **TWO, distance=2.5, relation=relation) for relation in ("nearer", "farther"))
    yield from (Understood(kind, **TWO) for kind in ("NEARER_OR_FARTHER", "SAME_DISTANCE", "ANGLE", "GAP", "OVERLAP"))
    yield from (Understood("SAME_PLACE", **TWO, relation=relation) for relation in ("alike", "apart"))
    yield from (Understood("COMPARED", other="dog", relation="nearer"), Understood("COMPARED", distance=2.0, relation="nearer"))
    for relation in ("nearer", "farther", "louder", "quieter", "longer", "shorter"):
        yield Understood("EXTREME", "dog", relation=relation)
    for relation in ("", "nearer", "farther", "rests"):
        yield from (Understood("MOVES", "dog", relation=relation), Understood("MOVING", relation=relation))
    yield from (Understood("MOVES"), Understood("MOTION", "dog"), Understood("MOTION", "dog", number=2))
    yield from (Understood("ORDER", number=number, moment=moment) for number in (1, 2, -1) for moment in ("", "end"))
    yield from (Understood("ORDER"), Understood("ORDER", other="dog", relation="before", number=2))
    for relation, moment in itertools.product(("before", "after"), ("", "end")):
        yield Understood("ORDER", other="dog", relation=relation, moment=moment)
        yield Understood("IN_ORDER", **TWO, relation=relation, moment=moment)
        yield Understood("SOONER", **TWO, relation=relation)
    yield from (Understood("IN_ORDER", "dog", number=number) for number in (1, 2, -1))
    for span in ((3, 3), (1, 2), (2, math.inf), (-2, math.inf)):
        yield from (Understood("AT_TIME", span=span), Understood("AT_TIME", span=span, words=("left",)))
    yield from (Understood("OVERLAP", "dog"), Understood("OVERLAP"), Understood("OVERLAP", **TWO, moment="begin"))
    yield from (Understood("TOGETHER", other="dog"), Understood("TOGETHER"))
    for kind, pair in (("LOUD", ("louder", "quieter")), ("LONG", ("longer", "shorter"))):
        for relation in pair:
            yield from (Understood(f"{kind}ER", **TWO, relation=relation), Understood(f"{kind}EST", **TWO, relation=relation))
            yield Understood(f"{kind}EST", relation=relation)
    yield Understood("WHEN", "dog", number=2, also=(Understood("PLACE", "dog", number=2),))
    yield Understood("MIXUP_NONBINARY_SOURCE", relation="nearer", also=(Understood("PLACE", of_answer=True),))
    yield Understood("ORDER", number=1, also=(Understood("WHEN", of_answer=True), Understood("DIRECTION", of_answer=True)))
    yield Understood("PLACE", "dog", also=(Understood("PLACE", "rain"),))


def every_question():
    """At least one question of every type, and of every shade that a type has."""
    return [*every_question_of_space(), *every_question_of_one_or_of_time()]


def test_what_was_understood_is_said_so_that_it_is_understood_again():
    asked = every_question()
    for meant in asked:
        assert understood(sentence(meant), labels=LABELS) == meant, sentence(meant)
    assert {meant.type for meant in asked} >= set(FREE_TYPES) | set(QUESTION_TYPES) - {"MIXUP_SINGLE_DOA"}
    assert len({sentence(meant) for meant in asked}) == len(set(asked)) > 200


before = st.sampled_from(
    ("", "Please, ", "hey, ", "Could you tell me: ", "OK so ", "and ", "Auris, ", "Excuse me! ", "um, ", "I'd like to know: ")
)
after = st.sampled_from(("", "?", "???", " ?", ".", ", please", " please?", ", thanks!", " in this recording?"))


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(every_question()), before, after, st.sampled_from((str, str.upper, str.title)))
def test_politeness_capitals_and_stops_change_nothing(meant, opening, ending, style):
    text = opening + style(sentence(meant).rstrip("?")) + ending
    assert understood(text, labels=LABELS) == meant


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("wehre is the dog", "where is the dog"),
        ("is teh dog on my lfet", "is the dog on my left"),
        ("which sound is furhter to the left", "which sound is further to the left"),
        ("how far awya is the muisc", "how far away is the music"),
        ("is the dog behnd me", "is the dog behind me"),
        ("when does the spech begin", "when does the speech begin"),
        ("is the chainsow nearrer than the dogg", "is the chainsaw nearer than the dog"),
        ("in wich dirction is the rian", "in which direction is the rain"),
        ("whats on my left", "what is on my left"),
        ("isnt the dog on my left", "is the dog on my left"),
    ],
)
def test_typing_errors_are_forgiven(wrong, right):
    assert understood(wrong, labels=LABELS) == understood(right, labels=LABELS)


@pytest.mark.parametrize(
    "name",
    [
        "the dog",
        "a dog",
        "the puppy",
        "my hound",
        "the barking",
        "the dog's bark",
        "the sound of the dog",
        "the dog that barks",
    ],
)
def test_a_sound_has_many_names(name):
    assert understood(f"Where is {name}?", labels=LABELS) == Understood("PLACE", "dog")


@pytest.mark.parametrize(
    ("name", "labels", "label"),
    [
        ("the alarm", ("siren",), "siren"),
        ("the alarm", ("clock_alarm", "siren"), "clock alarm"),
        ("the man", ("male_speech", "female_speech"), "male speech"),
        ("the woman", ("Male speech, man speaking", "Female speech, woman speaking"), "female speech, woman speaking"),
        ("the person talking", ("dog", "speech"), "speech"),
        ("the surf", ("Waves, surf", "dog"), "waves, surf"),
        ("the bird", ("crow", "dog"), "crow"),
        ("the theremin", ("Theremin", "dog"), "theremin"),
        ("the rattle", ("rattle (instrument)", "dog"), "rattle (instrument)"),
        ("the baby", ("crying_baby",), "crying baby"),
        ("the dog", (), "dog"),
    ],
)
def test_names_mean_classes_that_can_be_heard(name, labels, label):
    assert understood(f"is {name} on my left", labels=labels).names == (label,)


def test_names_tell_what_is_heard_from_who_is_there():
    names = sound_names(LABELS)
    found = {name.text: name for text in ("the dogs", "the barks", "a puppy") for _, name in names.find(text)}
    assert (found["dogs"].several, found["dogs"].heard) == (True, False)
    assert found["barks"].heard
    assert not found["puppy"].heard
    assert names.only("the sound of a dog barking") == "dog"
    assert names.only("the dog and the rain") is None


@pytest.mark.parametrize("text", ["", "  ", "?!", "...", "42", "- - -"])
def test_nothing_asked_is_told(text):
    with pytest.raises(ParameterError, match=r"(?s)got .*Ask what is heard.*Sounds that can be named: .*dog"):
        understood(text, labels=LABELS)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("¿Dónde está el perro?", "perro"),
        ("Wo ist der Hund?", "wo"),
        ("where is the violin", "violin"),
        ("is the violin closer than the dog", "violin"),
        ("what is the capital of France", "capital"),
        ("asdf qwer", "asdf"),
    ],
)
def test_words_that_are_not_known_are_named(text, word):
    with pytest.raises(ParameterError, match=rf"(?s)'{word}'.* no sound or word that is known.*Sounds that can be named"):
        understood(text, labels=LABELS)


@pytest.mark.parametrize(
    "text",
    [
        "Who let the dogs out?",
        "hello",
        "Which sound do I hear only once?",
        "Is the rain the only sound behind me?",
        "Is the first bark closer than the second bark?",
        "How much closer is the dog than the rain?",
        "Is the rain at 210 degrees?",
        "When is it quiet?",
        "What is the dog doing?",
        "Is the dog between the rain and the music?",
    ],
)
def test_what_is_not_understood_is_refused_rather_than_answered_wrongly(text):
    with pytest.raises(ParameterError, match="cannot tell what"):
        understood(text, labels=LABELS)


def test_published_questions_come_with_what_they_ask():
    found = understood("who's nearer to me, the puppy or the surf?", labels=LABELS)
    assert found.asked is not None
    assert found.asked.form == "MIXUP_NONBINARY_SOURCE/compared/named"
    assert (found.asked.subject, found.asked.other) == ("dog", "sea waves")
    assert understood("when does the dog bark?", labels=LABELS).asked is None
    assert understood("where does the second bark come from, and how far is it?", labels=LABELS).asked is None
