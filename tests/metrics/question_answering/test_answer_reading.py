"""Answers as people and language models give them, read by the rules of the module's docstring."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auris.data.language.answers import parsed_answer
from auris.data.language.questions import HeardSource, askable, question
from auris.errors import ParameterError
from auris.io.spatial_qa_records import QUESTION_TYPES
from auris.metrics.question_answering.answer_reading import (
    AXES,
    BINARY,
    LABELLED,
    PLACED,
    directions_said,
    distance_said,
    plain_answer,
    read_answer,
    sounds_said,
    yes_or_no,
)

YES = [
    "Yes",
    "yes.",
    "YES!",
    " Yes ",
    "Yes, it is.",
    "Yeah",
    "Yep, that's right.",
    "Yup.",
    "y",
    "True",
    "Correct.",
    "That's correct",
    "That is right.",
    "This is true.",
    "Right.",
    "Sure.",
    "Certainly!",
    "Absolutely.",
    "Definitely, yes.",
    "Of course.",
    "Indeed it is.",
    "It is.",
    "They are.",
    "It does.",
    "The dog is.",
    "I think so.",
    "I would say yes.",
    "I believe that is correct.",
    "The answer is yes",
    "Answer: Yes",
    "My answer would be yes.",
    "**Yes**",
    '"Yes"',
    "Yes Yes Yes",
    "Yes, without a doubt.",
    "Yes, no doubt about it.",
    "Yes, but it is not far.",
    "Yes, because the dog is louder.",
    "I'm not sure, but yes.",
    "Yes### Instruction: Is the dog on the right? ### Response:No",
    "Yes</s>",
    "It is true that the dog is left of the rain.",
    "Probably.",
    "Most likely yes",
    "I agree.",
]
NO = [
    "No",
    "no.",
    "NO!",
    "Nope",
    "Nah.",
    "n",
    "False",
    "Incorrect.",
    "That's wrong.",
    "That is not correct.",
    "That's not true",
    "Not really",
    "Not at all.",
    "Not quite.",
    "Certainly not.",
    "Of course not!",
    "Probably not",
    "Definitely not.",
    "It is not",
    "It isn’t.",
    "It's not.",
    "They aren't.",
    "It does not",
    "It doesn't.",
    "The dog is not.",
    "I don't think so.",
    "I do not believe it is.",
    "I think not.",
    "The answer is no.",
    "Response: no",
    "No, it is behind you.",
    "No, the dog is on the right.",
    "No, that's not right",
    "It is not on the left.",
    "The sound of the dog is not to the left of the music.",
    "They are not on the same side.",
    "It is not, but close.",
    "No way.",
    "Unlikely.",
    "It's unlikely.",
    "Never.",
    "Hardly.",
    "By no means",
]
NEITHER = [
    "",
    " ",
    "...",
    "Yes and no.",
    "Yes or no",
    "Yes/No",
    "Yes. No.",
    "Yes, it is not.",
    "No, it is.",
    "Maybe.",
    "Perhaps",
    "I am not sure.",
    "I don't know",
    "I cannot tell.",
    "It is hard to say.",
    "It is unclear whether it is.",
    "No idea.",
    "The dog is on the left.",
    "It is right behind you.",
    "Right in front of you",
    "2.5m",
    "left, behind, below; 2.5m",
    "It is not on the right but on the left.",
    "There is no question.",
    "(not answered: yes is what was said)",
    "dog; speech",
    "yesterday",
    "nothing",
]


@pytest.mark.parametrize("text", YES)
def test_says_yes(text):
    assert read_answer(text, "MIXUP_DIRECTION").yes is True


@pytest.mark.parametrize("text", NO)
def test_says_no(text):
    assert read_answer(text, "MIXUP_DISTANCE_BOTH").yes is False


@pytest.mark.parametrize("text", NEITHER)
def test_says_neither_and_is_unreadable(text):
    said = read_answer(text, "MIXUP_DIRECTION")
    assert said.yes is None
    assert not said.readable


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("left, behind, below; 2.5m", "left behind below"),
        ("Right, Front, Above; 1m", "right front above"),
        ("above, right, front", "right front above"),
        ("behind; left; above", "left behind above"),
        ("It is to your left, in front of you and above your head.", "left front above"),
        ("on the left-hand side, ahead, higher than your ears", "left front above"),
        ("on your right side, at your back, lower", "right behind below"),
        ("from the rear left, down low", "left behind below"),
        ("rear-right and up", "right behind above"),
        ("overhead, straight ahead", "- front above"),
        ("right in front of you", "- front -"),
        ("right behind you, on the left", "left behind -"),
        ("It's right here on your left", "left - -"),
        ("directly above", "- - above"),
        ("beneath you", "- - below"),
        ("underneath", "- - below"),
        ("the upper left", "left - above"),
        ("bottom right", "right - below"),
        ("leftwards and backwards", "left behind -"),
        ("not left but right", "right - -"),
        ("not to the left, right", "right - -"),
        ("neither above nor below, left", "left - -"),
        ("not above or below you; front", "- front -"),
        ("front rather than behind", "- front -"),
        ("left or right", "- - -"),
        ("left, right, left", "- - -"),
        ("in front and behind", "- - -"),
        ("up to 3 m away on the right", "right - -"),
        ("a high-pitched sound from behind", "- behind -"),
        ("at ear level", "- - -"),
        ("It is coming from the left.", "left - -"),
        ("LEFT", "left - -"),
        ("bright", "- - -"),
        ("", "- - -"),
    ],
)
def test_directions(text, words):
    wanted = tuple(None if word == "-" else word for word in words.split())
    assert directions_said(plain_answer(text)) == wanted


@pytest.mark.parametrize(
    ("text", "metres"),
    [
        ("2.5m", 2.5),
        ("2.5 m", 2.5),
        ("2.5 m.", 2.5),
        ("2m", 2),
        ("left, behind, below; 2.5m", 2.5),
        ("about 2.5 metres", 2.5),
        ("roughly 3 meters away", 3),
        ("1 metre", 1),
        ("one meter", 1),
        ("a metre", 1),
        ("two and a half meters", 2.5),
        ("two-and-a-half metres", 2.5),
        ("a metre and a half", 1.5),
        ("one and a half metres", 1.5),
        ("half a meter", 0.5),
        ("half a metre away", 0.5),
        ("a half metre", 0.5),
        ("three quarters of a metre", 0.75),
        ("a quarter of a metre", 0.25),
        ("2½ m", 2.5),
        ("½ m", 0.5),
        ("2 1/2 metres", 2.5),
        ("two point five meters", 2.5),
        ("a couple of metres", 2),
        ("twenty-two metres", 22),
        ("250 cm", 2.5),
        ("50 centimetres", 0.5),
        ("800mm", 0.8),
        ("8 feet", 2.4384),
        ("8ft", 2.4384),
        ("5 feet 3 inches", 1.6002),
        ("5'3\"", 1.6002),
        ("2 yards", 1.8288),
        ("2,5 m", 2.5),
        ("2-3 m", 2.5),
        ("2 to 3 metres", 2.5),
        ("2 m to 3 m", 2.5),
        ("between two and three metres", 2.5),
        ("8 feet (2.4 m)", 2.4),
        ("1 m 50 cm", 1.5),
        ("3 m, that is 300 cm", 3),
        ("It is 4m away from you, about 4 metres.", 4),
        ("distance: 3", 3),
        ("three", 3),
        ("12m", 12),
        ("10.5 Meters", 10.5),
        ("1 m or maybe 4 m", None),
        ("2m; 5m", None),
        ("1, 2, 3", None),
        ("far away", None),
        ("-2 m", None),
        ("near", None),
        ("45 degrees", None),
        ("30°", None),
        ("", None),
        ("left", None),
    ],
)
def test_distances(text, metres):
    said = distance_said(plain_answer(text))
    assert said is None if metres is None else said == pytest.approx(metres)


@pytest.mark.parametrize(
    ("text", "sounds"),
    [
        ("dog; speech", "dog|speech"),
        ("Dog; Speech.", "dog|speech"),
        ("dog, speech", "dog|speech"),
        ("dog and speech", "dog|speech"),
        ("a dog and speech", "dog|speech"),
        ("a dog, speech, and the rain", "dog|speech|rain"),
        ("I hear a dog barking, and someone speaking", "dog barking|someone speaking"),
        ("I can hear the sound of rain.", "rain"),
        ("There is a dog barking in the background.", "dog barking"),
        ("The sound of a dog", "dog"),
        ("The audio contains music and speech", "music|speech"),
        ("This recording includes a helicopter as well as rain", "helicopter|rain"),
        ("It sounds like a chainsaw", "chainsaw"),
        ("It's a dog", "dog"),
        ("In the clip there are birds chirping", "birds chirping"),
        ("dog\nspeech", "dog|speech"),
        ("- dog\n- speech", "dog|speech"),
        ("1. dog\n2. speech", "dog|speech"),
        ("music can be heard", "music"),
        ("no music, a dog", "dog"),
        ("domestic sounds; white noise", "domestic sounds|white noise"),
        ("dog; dog; dog", "dog"),
        ("accelerating, revving, vroom; car", "accelerating, revving, vroom|car"),
        ("accelerating, revving, vroom, car", "accelerating, revving, vroom|car"),
        ("", ""),
        ("Nothing.", ""),
        ("I hear nothing", ""),
        ("none of them", ""),
    ],
)
def test_sounds(text, sounds):
    names = ("accelerating, revving, vroom", "car")
    assert sounds_said(plain_answer(text), names=names) == tuple(filter(None, sounds.split("|")))


def test_there_are_more_than_a_hundred_shapes():
    assert len({*YES, *NO, *NEITHER}) > 100


@pytest.mark.parametrize("kind", QUESTION_TYPES)
def test_the_published_forms_of_a_made_set_are_read_as_they_were_written(kind):
    sources = [HeardSource(("dog", "animal"), (2.0, 3.0, -1.0)), HeardSource(("Clock_tick",), (-4.0, -2.0, 1.5))]
    sources = sources[:1] if kind in ("CLASSIFICATION", "DOA") else sources
    assert askable(kind, sources)
    for seed in range(20):
        asked = question(kind, sources, seed)
        said, true = read_answer(asked.answer, kind), parsed_answer(asked.answer, kind)
        assert said.readable
        assert said.yes is true.yes
        assert tuple(filter(None, said.words)) == true.words
        assert said.distance == true.distance
        assert said.labels == true.labels


@given(
    st.tuples(*(st.sampled_from(axis) for axis in AXES)).flatmap(st.permutations),
    st.integers(0, 40),
    st.sampled_from(["{}m", "{} m", "about {} metres", "{} Meters."]),
)
def test_any_order_of_words_and_any_way_of_writing_a_distance_is_the_same(words, steps, way):
    metres = steps / 2
    said = read_answer(f"{', '.join(words)}; {way.format(f'{metres:g}')}", "DOA")
    assert set(said.words) == set(words)
    assert said.distance == pytest.approx(metres)
    assert said.readable


@given(st.text(max_size=80), st.sampled_from(QUESTION_TYPES))
def test_any_text_can_be_read(text, kind):
    said = read_answer(text, kind)
    assert said.distance is None or (math.isfinite(said.distance) and said.distance >= 0)
    assert said.yes is None or kind in BINARY
    assert not said.labels or kind in LABELLED
    assert said.words == (None, None, None) or kind in PLACED or kind == "MIXUP_NONBINARY_DIRECTION"


@given(st.sampled_from(YES + NO), st.sampled_from(["{} ", "\n{}", "Answer: {}", "{}### Response: yes no", "“{}”"]))
def test_what_surrounds_an_answer_does_not_change_it(text, around):
    assert yes_or_no(plain_answer(around.format(text))) is (text in YES)


def test_a_place_needs_its_distance_but_not_all_words():
    assert read_answer("left; 2m", "DOA").readable
    assert not read_answer("left, front, above", "DOA").readable
    assert not read_answer("2m", "DOA").readable


def test_long_texts_take_no_time():
    for text in ("a " * 5000, "not " * 3000, "the dog is " * 1000, "1 " * 4000, ", and the " * 1000):
        for kind in QUESTION_TYPES:
            read_answer(text, kind)


def test_an_unknown_type_is_refused():
    with pytest.raises(ParameterError, match="did you mean 'DOA'"):
        read_answer("left", "DOAA")
