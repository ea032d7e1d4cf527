import pytest

from auris.data.language.question_rewrites import keeps_question
from auris.data.language.questions import HeardSource, parsed_question, question
from auris.io.spatial_qa_records import TWO_SOURCES

SOURCES = (HeardSource(("dog",), (1.5, 1.0, 0.5)), HeardSource(("rain",), (-3.0, -2.0, -0.6)))
LEFT = "Is the sound of the dog further to the left than the sound of the rain?"
NEARER = "Is the sound of the rain closer to you than the sound of the dog?"
TOLD = "What do you hear from behind, about 2.5 metres away?"
ALIKE = "Are the sound of the dog and the sound of the rain both in front of you or both behind you?"
APART = "What is the distance between the sound of the dog and the sound of the rain?"


@pytest.mark.parametrize("kind", TWO_SOURCES)
def test_a_question_keeps_itself_and_no_other(kind):
    drawn = [question(kind, SOURCES, seed) for seed in range(40)]
    for one in drawn:
        for other in drawn:
            assert keeps_question(one.asked, other.text) == (one.asked == other.asked), (one, other)


@pytest.mark.parametrize(
    ("original", "text"),
    [
        (LEFT, "Compared with the rain, does the dog come from further left?"),
        (LEFT, "Would you place the dog more to the left than the rain?"),
        (NEARER, "Between the two, can you hear whether the rain is nearer than the dog?"),
        (TOLD, "There is something behind you at 2.5 m. What do you think it is?"),
        (ALIKE, "Do dog and rain come from the same side, front or behind?"),
        (APART, "Rain and dog: how many metres lie between them?"),
    ],
)
def test_the_same_in_other_words_is_accepted(original, text):
    assert keeps_question(parsed_question(original), text)


@pytest.mark.parametrize(
    ("original", "text"),
    [
        (LEFT, "Compared with the dog, is the rain further left?"),
        (LEFT, "Is the dog further to the right than the rain?"),
        (LEFT, "Is the dog on your left, and not the rain?"),
        (LEFT, "Is the cat further to the left than the rain?"),
        (NEARER, "Is the rain farther from you than the dog?"),
        (NEARER, "Is the rain as close as the dog?"),
        (TOLD, "What do you hear from behind, about 3 metres away?"),
        (TOLD, "What do you hear from the front, about 2.5 metres away?"),
        (TOLD, "What do you hear about 2.5 metres away?"),
        (ALIKE, "Are dog and rain on opposite sides of you, front and behind?"),
        (APART, "How far is the dog?"),
        (APART, "The distance between the dog and the rain is 3 metres, right?"),
        (NEARER, ""),
        (NEARER, "Is the rain closer\nthan the dog?"),
    ],
)
def test_another_sense_is_refused(original, text):
    assert not keeps_question(parsed_question(original), text)
