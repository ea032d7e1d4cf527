"""Follow-up questions made complete."""

import pytest
from yard import TWO_DOGS, YARD

from auris.data.language.dialogue import Dialogue
from auris.data.language.symbolic import answer_from
from auris.data.language.understanding import understood
from auris.errors import ParameterError, SceneError

TALKS = {
    "one after the other": """
        Where is the dog? | left, front, above; 2m
        and the rain? | right, behind, below; 3.5m
        how far is it? | 3.5m
        which of them is nearer? | dog
        when does it begin? | at 0.8 s
        and the other one? | at 1.5 s
        are they on the same side? | No
        how far apart are they? | 5.5m
    """,
    "around me": """
        what do you hear behind me? | rain; speech
        what about in front of me? | dog; music
        and on the left? | dog; speech
        and below me? | rain
    """,
    "times": """
        when does the second bark come? | at 3.2 s
        and the first? | at 0.8 s
        from where? | left, front, above; 2m
        is it on my left? | Yes
        and the music? | No
        does it move? | Yes
        which way? | from the front left to the right
    """,
    "comparisons": """
        Is the dog nearer than the rain? | Yes
        and the music? | Yes
        than the speech? | No
        which is further left? | speech
        is it behind me? | Yes
    """,
    "order": """
        what comes first? | dog
        where is it? | left, front, above; 2m
        and what comes after it? | rain
        how long does that last? | 7.5 s
    """,
    "moments": """
        what do you hear at 2 s? | dog; rain
        and at 9.5 s? | speech
        is it raining? | Yes
        how many times does the dog bark? | 2
        and the music? | 1
    """,
    "answers": """
        which sound is nearest and where is it? | speech, from the left, behind, above; 1.5m
        is it moving? | No
        how far away? | 1.5m
        what's its direction? | left, behind, above
    """,
    "presence": """
        is there a cat? | No
        and a dog? | Yes
        where is it? | left, front, above; 2m
        the music, is it moving? | Yes
    """,
    "limits": """
        is the rain within 2 metres? | No
        and 4 metres? | Yes
        is the dog on my left? | Yes
        and behind me? | No
    """,
}


@pytest.mark.parametrize("name", TALKS)
def test_talks(name):
    talk = Dialogue(YARD.labels)
    for line in TALKS[name].strip().splitlines():
        text, answer = (part.strip() for part in line.split(" | "))
        resolved = talk.resolve(text)
        reply = answer_from(YARD, resolved)
        assert reply.text == answer, (text, resolved)
        talk.answered(resolved, reply.text)


@pytest.mark.parametrize(
    ("first", "answer", "text", "whole"),
    [
        ("Is the dog on my left?", "Yes", "how far away is it?", "how far away is the sound of the dog?"),
        ("Is the dog on my left?", "Yes", "and the rain?", "Is the sound of the rain on your left?"),
        ("Is the dog on my left?", "Yes", "What about behind me?", "Is the sound of the dog behind you?"),
        ("When does the second bark come?", "at 3 s", "where is it?", "where is the second sound of the dog?"),
        (
            "What do you hear?",
            "dog; rain",
            "which of them is closer?",
            "which is closer, the sound of the dog or the sound of the rain?",
        ),
        ("What is nearest?", "rain", "does it move?", "does the sound of the rain move?"),
        ("Is the dog nearer than the rain?", "No", "and farther than the music?", None),
        ("Where is the dog?", "left, front, above; 2m", "is it raining?", "is it raining?"),
        ("Where is the dog?", "left, front, above; 2m", "Is the rain behind me?", "Is the rain behind me?"),
        ("Where is the dog?", "left, front, above; 2m", "The rain, is it behind me?", "The rain, is it behind me?"),
    ],
)
def test_follow_ups_become_whole_questions(first, answer, text, whole):
    talk = Dialogue(YARD.labels)
    talk.answered(first, answer)
    resolved = talk.resolve(text)
    assert resolved == whole if whole else understood(resolved, labels=YARD.labels).names


def test_the_first_question_stands_as_it_is():
    assert Dialogue().resolve("  where is it? ") == "where is it?"
    assert Dialogue().resolve("and the rain?") == "and the rain?"


def test_what_is_not_understood_changes_nothing():
    talk = Dialogue(YARD.labels)
    talk.answered("Where is the dog?", "left, front, above; 2m")
    talk.answered("Who let the dogs out?", "nobody knows")
    assert talk.resolve("how far is it?") == "how far is the sound of the dog?"
    assert talk.resolve("why?") == "why?"
    assert talk.resolve("and then something else entirely") == "and then something else entirely"


def test_what_was_understood_may_be_given_instead_of_its_words():
    talk = Dialogue(YARD.labels)
    talk.answered(understood("which is nearer, the dog or the rain?", labels=YARD.labels), "dog")
    assert talk.resolve("where is it?") == "where is the sound of the dog?"
    assert talk.resolve("and where is the other one?") == "and where is the sound of the rain?"


@pytest.mark.parametrize("text", ["", "  ", "?!"])
def test_nothing_asked_is_told(text):
    talk = Dialogue(YARD.labels)
    talk.answered("Where is the dog?", "left, front, above; 2m")
    with pytest.raises(ParameterError, match="Ask what is heard"):
        talk.resolve(text)


def test_a_failed_question_may_be_followed_up():
    talk = Dialogue(("dog", "crying_baby", "clock_tick"))
    question = talk.resolve("where is the baby?")
    with pytest.raises(SceneError, match="no crying baby"):
        answer_from(TWO_DOGS, question)
    talk.answered(question, "")
    assert answer_from(TWO_DOGS, talk.resolve("and the clock?")).text == "right, front, above; 1m"
