"""Answers by rules, against the grammar and against mirror images."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from yard import PASSING, TWO_DOGS, YARD, heard

from auris.data.language.phrases import opposite
from auris.data.language.question_sentences import sentence
from auris.data.language.questions import HeardSource, answered, askable, heard_sources, question
from auris.data.language.symbolic import SymbolicReply, answer_from
from auris.data.language.understanding import Understood, understood
from auris.errors import ParameterError, SceneError
from auris.geometry import Orbit, Static, Turning
from auris.io.spatial_qa_records import ONE_SOURCE, QUESTION_TYPES, TWO_SOURCES
from auris.scene import Event, Listener, Scene, Source

LABELS = ("crying_baby", "dog", "rain", "speech")
coordinates = st.floats(-6, 6).map(lambda value: round(value, 3))
points = st.tuples(coordinates, coordinates, st.floats(-1.5, 1.5).map(lambda value: round(value, 3))).filter(
    lambda point: min(map(abs, point)) > 0.05
)
spans = st.tuples(st.integers(0, 60), st.integers(1, 30)).map(lambda pair: (pair[0] / 10, (pair[0] + pair[1]) / 10))


@st.composite
def scenes(draw, sources=(2, 4)):
    """Scenes of sounds of different classes."""
    labels = draw(st.permutations(LABELS))[: draw(st.integers(*sources))]
    return Scene(10.0, tuple(Source(label, Static(draw(points)), (Event(*draw(spans)),)) for label in labels))


@st.composite
def scenes_of_type(draw):
    kind = draw(st.sampled_from(QUESTION_TYPES))
    return kind, draw(scenes((1, 1) if kind in ONE_SOURCE else (2, 2)))


def say(scene, text):
    return answer_from(scene, text).text


@settings(max_examples=60, deadline=None)
@given(scenes_of_type(), st.integers(0, 2**32))
def test_published_questions_are_answered_as_published(case, seed):
    kind, scene = case
    sources = heard_sources(scene)
    assume(askable(kind, sources))
    drawn = question(kind, sources, seed)
    reply = answer_from(scene, drawn.text)
    assert reply.text == drawn.answer == answered(drawn.asked, sources).text
    assert reply.why
    assert answer_from(scene, understood(reply.understood, labels=LABELS)).text == drawn.answer


@settings(max_examples=6, deadline=None)
@given(scenes((2, 2)))
def test_whatever_can_be_asked_about_two_sounds_is_answered_as_published(scene):
    sources = heard_sources(scene)
    for kind in TWO_SOURCES:
        for asked, answer in askable(kind, sources):
            meant = Understood.of(asked)
            assert answer_from(scene, meant).text == answer.text
            assert answer_from(scene, sentence(meant)).text == answer.text


def mirrored(scene):
    sources = tuple(
        replace(s, path=Static((s.path.position[0], -s.path.position[1], s.path.position[2]))) for s in scene.sources
    )
    return scene.with_(sources=sources)


def with_sides_swapped(text):
    return re.sub(r"\b(left|right)\b", lambda match: opposite(match[0]), text)


@settings(max_examples=15, deadline=None)
@given(scenes(), st.data())
def test_in_a_mirror_left_is_right(scene, data):
    first, second = (source.label.replace("_", " ") for source in scene.sources[:2])
    text = data.draw(
        st.sampled_from(
            (
                f"where is the {first}?",
                f"which side is the {first} on?",
                f"is the {first} on my left?",
                "is there anything on my right and behind me?",
                "how many sounds are on my left?",
                f"is the {first} to the left of the {second}?",
                "which sound is furthest to the right?",
                f"what is to the left of the {first}?",
                "what do you hear on my left?",
                f"where is the {first} relative to the {second}",
            )
        )
    )
    assert say(mirrored(scene), with_sides_swapped(text)) == with_sides_swapped(say(scene, text))
    if "left" not in text and "right" not in text:
        assert say(mirrored(scene), text) == with_sides_swapped(say(scene, text))


@settings(max_examples=15, deadline=None)
@given(scenes((2, 2)))
def test_asking_the_other_way_round_turns_the_answer(scene):
    a, b = (source.label.replace("_", " ") for source in scene.sources)
    near, far = (math.hypot(*source.path.position) for source in scene.sources)
    assume(abs(near - far) > 1e-3)
    assert {say(scene, f"is the {a} nearer than the {b}?"), say(scene, f"is the {b} nearer than the {a}?")} == {"Yes", "No"}
    assert say(scene, f"is the {a} nearer than the {b}?") == say(scene, f"is the {b} farther away than the {a}?")
    assert {say(scene, f"is the {x} nearer or farther than the {y}?") for x, y in ((a, b), (b, a))} == {"nearer", "farther"}
    assert say(scene, f"which is closer, the {a} or the {b}?") == say(scene, f"the {b} or the {a}: which one's closer?")
    assert say(scene, f"how far apart are the {a} and the {b}?") == say(scene, f"how far is the {b} from the {a}?")
    assert say(scene, f"do the {a} and the {b} overlap?") == say(scene, f"does the {b} sound at the same time as the {a}?")
    sides = {say(scene, f"is the {x} to the left or to the right of the {y}?") for x, y in ((a, b), (b, a))}
    assert len(sides) == 2 or math.isclose(scene.sources[0].path.position[1], scene.sources[1].path.position[1])


@settings(max_examples=15, deadline=None)
@given(scenes(), st.floats(0, 9.9))
def test_times_are_those_of_the_events(scene, time):
    now = [s.label.replace("_", " ") for s in sorted(scene.sources, key=lambda s: (s.events[0].onset, s.label))]
    at = round(time, 2)
    sounding = {s.label.replace("_", " ") for s in scene.sources if s.events[0].onset <= at <= s.events[0].offset}
    assert set(say(scene, f"what do you hear at {at} s?").replace("nothing", "").split("; ")) - {""} == sounding
    for label in now:
        assert (say(scene, f"is the {label} heard at {at} seconds?") == "Yes") == (label in sounding)
    assert say(scene, "in which order do the sounds come?").split("; ") == now
    assert say(scene, "how many sounds are there?") == str(len(now))
    ends = {s.label.replace("_", " "): s.events[0].offset for s in scene.sources}
    assert ends[say(scene, "which sound ends last?")] == max(ends.values())


@given(st.integers(0, 5))
def test_extremes_of_many_sounds(seed):
    places = np.random.default_rng(seed).uniform((-5, -5, -1.5), (5, 5, 1.5), (4, 3)).tolist()
    scene = Scene(3.0, tuple(Source(label, Static(p), (Event(0, 1),)) for label, p in zip(LABELS, places, strict=True)))
    said = [label.replace("_", " ") for label in LABELS]
    for text, value in (
        ("which sound is nearest?", lambda p: -math.hypot(*p)),
        ("which sound is the farthest away?", lambda p: math.hypot(*p)),
        ("what is the leftmost sound?", lambda p: p[1]),
        ("which sound is the lowest?", lambda p: -p[2]),
        ("which sound is furthest to the back?", lambda p: -p[0]),
    ):
        best = max(range(4), key=lambda n: value(places[n]))
        assert say(scene, text) == said[best]
        assert say(scene, f"is the {said[best]} {text.split(' is ', 1)[1]}") == "Yes" if "what" not in text else True


# ── reasons ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_reasons_name_the_events_and_the_comparison():
    reply = answer_from(YARD, "Is the puppy nearer than the rain?")
    assert reply == SymbolicReply(
        "Yes",
        "Is the sound of the dog closer to you than the sound of the rain?",
        (
            "dog: 0.8-2.1 s, 3.2-4 s, 34° left, 16° up, 1.9 m (heard with 0.78)",
            "rain: 1.5-9 s, 146° right (behind), 9° down, 3.7 m (heard with 0.95)",
            "dog is 1.8 m nearer than rain",
        ),
    )
    assert str(reply) == "Yes"
    left = answer_from(YARD, "Is the dog to the left of the rain?")
    assert left.why[-1] == "dog 32° left, rain 33° right; dog lies 3.0 m further left"
    assert "dog and rain are 5.5 m apart" in answer_from(YARD, "how far apart are dog and rain").why
    assert "in order: speech 1.3 m, dog 1.9 m, music 3.0 m, rain 3.7 m" in answer_from(YARD, "what is nearest?").why


def test_one_of_several_sources_is_chosen_and_told():
    reply = answer_from(TWO_DOGS, "Where is the dog?")
    assert reply.text == "left, front, above; 3m"
    assert (
        "2 sources of dog are heard; the one that sounds longest is meant, not dog: 1-1.6 s, 108° right (behind)"
        in reply.why[1]
    )
    dominant = answer_from(YARD, "Where is the sound coming from, and how far away is it?")
    assert dominant.text == "right, behind, below; 3.5m"
    assert "4 sounds are heard" in dominant.why[1]


def test_events_from_one_direction_are_one_source_only_if_they_were_heard():
    made = YARD.with_(
        sources=tuple(replace(s, events=tuple(replace(e, confidence=None) for e in s.events)) for s in YARD.sources)
    )
    assert (say(YARD, "how many dogs are there?"), say(made, "how many dogs are there?")) == ("1", "2")
    assert say(made, "how many times does the dog bark?") == say(YARD, "how many times does the dog bark?") == "2"


def test_moving_sounds_are_where_they_are_while_they_sound():
    scene = Scene(10.0, (heard("music", PASSING, 7.0, 8.0, 0.9),))
    assert say(scene, "which side is the music on?") == "right"
    assert say(YARD, "where is the music at 4.6 s?") == "left, front, above; 3m"
    assert say(YARD, "where is the music at 7.9 s?") == "right, front, above; 3m"
    assert say(YARD, "where does the music start, and where does it end?") == "left, front, above; 3m, right, front, above; 3m"
    around = Source("dog", Orbit((2.0, 0.0, 0.0), (0.0, 0.0, 0.0), math.pi / 8), (Event(0.0, 4.0),))
    assert say(Scene(5.0, (around,)), "which way does the dog move?") == "from the front to the left"
    turned = Scene(5.0, (replace(around, path=Static((0.0, 2.0, 0.1))),), Listener(turning=Turning(yaw=(math.pi / 2,))))
    assert say(turned, "is the dog in front of me?") == "Yes"


def test_what_comes_nearer_does():
    from auris.geometry import Waypoints

    coming = heard("speech", Waypoints((0.0, 4.0), ((5.0, 0.5, 0.1), (1.0, 0.3, 0.1))), 0.0, 4.0, 0.9)
    scene = Scene(5.0, (coming, heard("dog", Static((1.0, 1.0, 0.1)), 1.0, 2.0, 0.9)))
    assert say(scene, "is the person coming closer?") == "Yes"
    assert say(scene, "is the person moving away from me?") == "No"
    assert say(scene, "which sound is approaching?") == "speech"
    assert say(scene, "which sounds stand still?") == "dog"
    assert say(scene, "how does the voice move?") == "coming nearer"


def test_levels_are_compared_where_the_scene_says_them():
    near, far = Static((1.0, 0.2, 0.1)), Static((4.0, 0.2, 0.1))
    scene = Scene(5.0, (Source("dog", near, (Event(0, 1, level_db=-30),)), Source("rain", far, (Event(0, 2, level_db=-26),))))
    assert say(scene, "which sound is louder, the dog or the rain?") == "dog"  # 12 dB of distance against 4
    assert say(scene, "is the rain louder than the dog?") == "No"
    assert say(scene, "which is the quietest sound?") == "rain"
    with pytest.raises(SceneError, match="how loud dog is, the scene does not say"):
        answer_from(YARD, "is the dog louder than the rain?")


# ── what is not heard, not known, or not understood ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text", ["where is the baby?", "is the baby nearer than the dog?", "when does the baby cry?", "is the baby on my left?"]
)
def test_what_is_not_heard_is_told_with_what_is(text):
    with pytest.raises(SceneError, match="no crying baby is heard; what is heard: dog, rain, music, speech"):
        answer_from(YARD, text)
    with pytest.raises(SceneError, match="no crying baby is heard; nothing is heard"):
        answer_from(Scene(3.0), "where is the baby?")


def test_whether_there_is_such_a_sound_has_an_answer_even_so():
    reply = answer_from(YARD, "Do you hear a baby?")
    assert (reply.text, reply.why) == ("No", ("what is heard: dog, rain, music, speech", "no crying baby is heard"))
    assert say(Scene(3.0), "can you hear anything?") == "No"
    assert say(Scene(3.0), "is it silent?") == "Yes"
    assert say(Scene(3.0), "how many dogs are there?") == "0"


def test_a_class_that_the_listener_does_not_know_is_no_no():
    with pytest.raises(ParameterError, match="this listener cannot tell it: unknown sound 'crying baby'"):
        answer_from(YARD, "Do you hear a baby?", labels=("dog", "rain", "music", "speech"))
    assert answer_from(YARD, "Do you hear a baby?", labels=("dog", "crying_baby")).text == "No"


@pytest.mark.parametrize(
    "text",
    [
        "how far away is the dog?",
        "is the dog nearer than the rain?",
        "which sound is nearest?",
        "is the dog within 2 m?",
        "how far apart are the dog and the rain?",
        "what do you hear 2 metres away?",
        "does the music come closer?",
        "are the dog and the rain equally far away?",
    ],
)
def test_distances_that_are_not_known_are_not_told(text):
    with pytest.raises(SceneError, match="directions only"):
        answer_from(YARD, text, distances="unknown")


def test_directions_are_told_without_distances():
    assert answer_from(YARD, "where is the dog?", distances="unknown").text == "left, front, above"
    reply = answer_from(YARD, "is the dog to the left of the rain?", distances="unknown")
    assert (reply.text, reply.why[-1]) == ("Yes", "dog 32° left, rain 33° right")
    assert not any(" m" in line for line in reply.why)
    named = answer_from(YARD, "In which direction and how far away is the sound of the dog?", distances="unknown")
    assert named.text == "left, front, above; distance unknown"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("when does the third bark come?", r"there is no number 3: dog is heard 2 times"),
        ("where is the ninth sound?", r"there is no number 9: 4 sounds are heard"),
        ("what do you hear at 30 s?", r"the scene ends at 10 s"),
        ("where is the dog at 7 s?", r"dog does not sound at that time"),
        ("are the two sounds on the same side?", r"compares two sounds without naming them"),
    ],
)
def test_what_the_scene_does_not_have_is_told(text, message):
    with pytest.raises(SceneError, match=message):
        answer_from(YARD, text)


def test_sounds_are_told_by_their_place_with_a_little_goodwill():
    almost = Scene(
        3.0, (Source("dog", Static((2.0, -0.2, 0.3)), (Event(0, 1),)), Source("rain", Static((-2, -2, 0.3)), (Event(0, 1),)))
    )
    reply = answer_from(almost, "what do you hear on my left?")
    assert reply.text == "dog"
    assert "not quite there, but within 10°: dog" in reply.why
    assert say(almost, "which of the two is on my left?") == "dog"
    assert say(almost, "is there anything on my left?") == "No"
    away = almost.with_(sources=almost.sources[1:])
    assert say(away, "what do you hear on my left?") == "nothing"


def test_sources_of_a_scene_may_be_anywhere_in_a_room():
    from auris.scene import Room

    room = Room((6.0, 5.0, 3.0), t60=0.4)
    listener = Listener(Static((3.0, 2.5, 1.5)), Turning(yaw=(math.pi,)))
    scene = Scene(4.0, (Source("Clock_tick", Static((5.0, 2.0, 1.8)), (Event(0, 4),)),), listener, room)
    assert say(scene, "where is the clock?") == "left, behind, above; 2m"
    assert heard_sources(scene)[0] == HeardSource(("clock tick",), heard_sources(scene)[0].position)
