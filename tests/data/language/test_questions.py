import itertools
import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from auris import seeding
from auris.data.language.answers import BINARY
from auris.data.language.phrases import AXES, half_metres, opposite
from auris.data.language.question_grammar import GRAMMAR
from auris.data.language.questions import (
    Answer,
    HeardSource,
    QuestionMargins,
    answered,
    askable,
    heard_sources,
    parsed_answer,
    parsed_question,
    question,
    said_label,
)
from auris.errors import ParameterError, SceneError
from auris.geometry import Orbit, Static, Turning
from auris.io.spatial_qa_records import ONE_SOURCE, QUESTION_TYPES, TWO_SOURCES
from auris.scene import Event, Listener, Scene, Source

# As awkward as the names of AudioSet are.
LABELS = (
    "dog",
    "Clock_tick",
    "sea waves",
    "whack, thwack",
    "accelerating, revving, vroom",
    "music of africa",
    "child's speech",
    "knock and rattle",
    "rattle (instrument)",
)
metres = st.floats(-6, 6).map(lambda value: round(value, 4))
points = st.tuples(metres, metres, st.floats(-1.5, 1.5).map(lambda value: round(value, 4))).filter(
    lambda p: math.hypot(*p) > 0.3
)
seeds = st.integers(0, 2**32)


@st.composite
def two_sources(draw):
    chosen = draw(st.lists(st.sampled_from(LABELS), min_size=2, max_size=4, unique=True))
    cut = draw(st.integers(1, len(chosen) - 1))
    return HeardSource(tuple(chosen[:cut]), draw(points)), HeardSource(tuple(chosen[cut:]), draw(points))


@st.composite
def scenes_of_type(draw):
    kind = draw(st.sampled_from(QUESTION_TYPES))
    sources = draw(two_sources())
    return kind, sources[:1] if kind in ONE_SOURCE else sources


def two(kind, seed=0, **changes):
    """A question about a dog on the left in front and rain behind on the right, further away and lower."""
    dog, rain = HeardSource(("dog",), (1.5, 1.0, 0.5)), HeardSource(("rain",), (-3.0, -2.0, -0.6))
    return question(kind, (dog, rain), seed, **changes)


def flipped(answer):
    return replace(answer, words=tuple(opposite(w) if w in ("left", "right") else w for w in answer.words))


@given(scenes_of_type())
def test_every_answer_follows_from_the_coordinates(case):
    kind, sources = case
    for asked, answer in askable(kind, sources):
        named = {label: source.position for source in sources for label in source.labels}
        x = {name: np.array(position) for name, position in named.items()}
        if kind in ("DOA", "MIXUP_SINGLE_DOA"):
            front, left, up = x[asked.subject] if asked.subject else sources[0].position
            words = ("left" if left > 0 else "right", "front" if front > 0 else "behind", "above" if up > 0 else "below")
            assert answer == Answer(words=words, distance=round(2 * math.hypot(front, left, up)) / 2)
        elif kind == "MIXUP_DISTANCE_BOTH":
            nearer = np.linalg.norm(x[asked.subject]) < np.linalg.norm(x[asked.other])
            assert answer.yes == (nearer == (asked.relation == "nearer"))
        elif kind == "MIXUP_NONBINARY_DISTANCE":
            assert answer.distance == half_metres(float(np.linalg.norm(x[asked.subject] - x[asked.other])))
        elif kind == "MIXUP_DIRECTION" and asked.relation == "more":
            front, left, up = x[asked.subject] - x[asked.other]
            further = {"left": left, "right": -left, "front": front, "behind": -front, "above": up, "below": -up}
            assert answer.yes == (further[asked.words[0]] > 0)
            assert abs(further[asked.words[0]]) >= 0.5


@given(two_sources(), st.integers(0, 100))
def test_answers_do_not_hang_on_a_degree_or_a_hand_s_breadth(sources, seed):
    rng = np.random.default_rng(seed)
    moved = []
    for source in sources:
        turned = Rotation.from_rotvec(rng.uniform(-1, 1, 3) * math.radians(2.5)).apply(source.position)
        moved.append(replace(source, position=tuple(turned + 0.03 * rng.uniform(-1, 1, 3) * min(1.0, source.distance))))
    for kind in TWO_SOURCES:
        for asked, answer in askable(kind, sources):
            again = answered(asked, moved)
            assert (again.labels, again.words, again.yes) == (answer.labels, answer.words, answer.yes), asked


@given(scenes_of_type())
def test_in_a_mirror_left_is_right_and_nothing_else_changes(case):
    kind, sources = case
    mirrored = [replace(s, position=(s.position[0], -s.position[1], s.position[2])) for s in sources]
    found = dict(askable(kind, mirrored))
    for asked, answer in askable(kind, sources):
        if asked.relation in ("alike", "apart") or kind == "MIXUP_NONBINARY_DIRECTION":
            assert found[asked] == flipped(answer)
        else:
            words = tuple(opposite(w) if w in ("left", "right") else w for w in asked.words)
            assert found[replace(asked, words=words)] == flipped(answer)


@given(scenes_of_type(), seeds)
def test_what_is_asked_and_answered_can_be_read_back(case, seed):
    kind, sources = case
    try:
        drawn = question(kind, sources, seed)
    except SceneError:
        assert not askable(kind, sources)
        return
    assert parsed_question(drawn.text, question_type=kind) == drawn.asked
    assert parsed_question(f"  {drawn.text.upper()} ").form.partition("/")[2] == drawn.asked.form.partition("/")[2]
    assert parsed_answer(drawn.answer, kind).text == drawn.answer
    assert answered(drawn.asked, sources).text == drawn.answer
    assert drawn == question(kind, sources, seed)


def test_a_question_tells_its_type_by_its_words():
    for kind in TWO_SOURCES:
        for seed in range(150):
            drawn = two(kind, seed)
            found = parsed_question(drawn.text)
            # Where a named sound is, is asked in the same words about one source and about two.
            assert found == (replace(drawn.asked, type="DOA") if kind == "MIXUP_SINGLE_DOA" else drawn.asked)


@pytest.mark.parametrize("kind", QUESTION_TYPES)
def test_every_type_is_asked_in_dozens_of_ways(kind):
    templates = sum(template.ways for form, some in GRAMMAR.items() if form.split("/")[0] == kind for template in some)
    assert templates >= 20
    dog = (HeardSource(("dog",), (1.5, 1.0, 0.5)),)
    texts = {(question(kind, dog, seed) if kind in ONE_SOURCE else two(kind, seed)).text for seed in range(400)}
    assert len(texts) >= (100 if kind != "MIXUP_NONBINARY_DISTANCE" else 60)


def test_questions_have_no_odd_spaces_capitals_or_ends():
    for kind, seed in itertools.product(TWO_SOURCES, range(100)):
        text = two(kind, seed).text
        assert text[0].isupper()
        assert text[-1] in "?."
        assert "  " not in text
        assert " ," not in text
        assert not set(text) & set("[]{}|")


@pytest.mark.parametrize("kind", BINARY)
def test_yes_is_as_frequent_as_no_whatever_is_asked(kind):
    counts = Counter()
    for seed in range(600):
        places = np.random.default_rng(seed).uniform((-5, -5, -1), (5, 5, 1), (2, 3)).tolist()
        sources = [HeardSource((label,), tuple(place)) for label, place in zip(("dog", "rain"), places, strict=True)]
        if askable(kind, sources):
            drawn = question(kind, sources, seed)
            counts[drawn.asked.relation, drawn.answer] += 1
    for relation in {relation for relation, _ in counts}:
        yes, no = counts[relation, "Yes"], counts[relation, "No"]
        assert 0.38 < yes / (yes + no) < 0.62
    assert {two(kind, seed, wish=True).answer for seed in range(50)} == {"Yes"}
    assert {two(kind, seed, wish=False).answer for seed in range(50)} == {"No"}


def test_answers_are_the_published_texts():
    assert question("DOA", [HeardSource(("Dog",), (-2.0, 1.0, -1.0))], 0).answer == "left, behind, below; 2.5m"
    car = HeardSource(("Car", "accelerating, revving, vroom", "car"), (1.0, 1.0, 1.0))
    assert question("CLASSIFICATION", [car], 0).answer == "car; accelerating, revving, vroom"
    assert two("MIXUP_NONBINARY_DISTANCE").answer == "5.5m"
    assert Answer(words=("left", "front", "above"), distance=4.0).text == "left, front, above; 4m"


@pytest.mark.parametrize(
    ("text", "form", "subject"),
    [
        ("Enumerate the sound occurrences in the audio clip.", "CLASSIFICATION", ""),
        ("How would you describe the location of the music's sound in terms of direction and distance?", "DOA/named", "music"),
        ("At what distance and in which direction, is the writing's sound originating?", "DOA/named", "writing"),
        (
            "is the sound of camera more distant from you than the sound of music?",
            "MIXUP_DISTANCE_BOTH/compared/named",
            "camera",
        ),
        (
            "How far away is the sound of the banjo from the sound of the whack, thwack?",
            "MIXUP_NONBINARY_DISTANCE/named",
            "banjo",
        ),
    ],
)
def test_published_questions_are_understood(text, form, subject):
    asked = parsed_question(text)
    assert (asked.form, asked.subject) == (form, subject)


def test_near_the_planes_nothing_is_asked_about_sides():
    ahead = HeardSource(("dog",), (3.0, 0.05, 1.0))
    assert askable("DOA", [ahead]) == ()
    with pytest.raises(SceneError, match="without doubt"):
        question("DOA", [ahead], 0)
    assert len(askable("DOA", [ahead], margins=QuestionMargins(plane_deg=0))) == 2
    level = HeardSource(("dog",), (3.0, 2.0, 0.0))
    assert askable("DOA", [level], margins=QuestionMargins(plane_deg=0)) == ()


def test_readings_that_contradict_each_other_are_not_asked_about():
    # One metre further to the left, but at a smaller angle: who is "further to the left"?
    near, far = HeardSource(("dog",), (0.1, 1.0, 0.0)), HeardSource(("rain",), (9.0, 2.0, 0.0))
    assert not QuestionMargins().apart(near, far, 0)
    assert not any("left" in asked.words and asked.relation == "more" for asked, _ in askable("MIXUP_DIRECTION", (near, far)))


def test_names_that_fit_both_sources_are_not_used():
    speech = HeardSource(("speech", "door"), (2.0, 2.0, 0.5)), HeardSource(("male speech, man speaking",), (-2.0, -2.0, -0.5))
    assert {asked.subject for asked, _ in askable("MIXUP_SINGLE_DOA", speech)} == {"door"}
    assert askable("MIXUP_NONBINARY_DISTANCE", speech) == ()
    same = HeardSource(("dog",), (2.0, 2.0, 0.5)), HeardSource(("dog",), (-2.0, -2.0, -0.5))
    assert askable("MIXUP_SINGLE_CLASSIFICATION", same) == ()


def test_what_is_told_by_direction_is_nowhere_else():
    sources = HeardSource(("dog",), (2.0, 2.0, 0.5)), HeardSource(("rain",), (2.0, 1.0, -0.5))
    told = {asked.words for asked, answer in askable("MIXUP_SINGLE_CLASSIFICATION", sources) if asked.distance is None}
    assert ("above",) in told
    assert ("left",) not in told
    assert all("above" in words or "below" in words for words in told if words)


def test_scenes_are_heard_from_where_the_listener_looks():
    orbit = Orbit((5.0, 3.0, 1.0), (3.0, 3.0, 0.0), math.pi / 8)
    sources = (
        Source("Clock_tick", Static((3.0, 5.0, 1.5)), (Event(0, 1),)),
        Source("dog", orbit, (Event(0.0, 1.0), Event(3.0, 4.0))),
    )
    listener = Listener(Static((3.0, 3.0, 1.0)), Turning(yaw=(math.pi / 2,)))
    clock, dog = heard_sources(Scene(4.0, sources, listener))
    assert clock.labels == ("clock tick",)
    np.testing.assert_allclose(clock.position, (2.0, 0.0, 0.5), atol=1e-9)
    np.testing.assert_allclose(dog.position, (2**0.5, -(2**0.5), 0.0), atol=1e-9)  # halfway through a quarter turn


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("left, above, behind; 2m", "DOA"),
        ("left, behind, above", "MIXUP_SINGLE_DOA"),
        ("perhaps", "MIXUP_DIRECTION"),
        ("far", "MIXUP_NONBINARY_DISTANCE"),
        ("leftish", "MIXUP_NONBINARY_DIRECTION"),
        ("", "CLASSIFICATION"),
    ],
)
def test_answers_of_another_form_are_refused(text, kind):
    with pytest.raises(ParameterError, match="is no answer"):
        parsed_answer(text, kind)


def test_answers_are_read_with_some_goodwill():
    assert parsed_answer("  yes, it is.", "MIXUP_DIRECTION").yes is True
    assert parsed_answer("No", "MIXUP_DISTANCE_BOTH").yes is False
    assert parsed_answer("Dog;  Rain", "CLASSIFICATION").labels == ("dog", "rain")
    assert parsed_answer("2.5 meters", "MIXUP_NONBINARY_DISTANCE").distance == 2.5


def test_wrong_use_is_told():
    dog = HeardSource(("dog",), (2.0, 2.0, 0.5))
    with pytest.raises(ParameterError, match="did you mean 'DOA'"):
        askable("DAO", [dog])
    with pytest.raises(ParameterError, match="asks about 2 sources, got 1"):
        askable("MIXUP_DIRECTION", [dog])
    with pytest.raises(ParameterError, match="semicolon"):
        HeardSource(("dog; cat",), (1, 1, 1))
    with pytest.raises(ParameterError, match="away from the listener"):
        HeardSource(("dog",), (0, 0, 0))
    with pytest.raises(ParameterError, match="margin distance"):
        QuestionMargins(distance=-1)
    with pytest.raises(ParameterError, match="in the words of this grammar"):
        parsed_question("Who let the dogs out?")
    with pytest.raises(SceneError, match="'dog', which both sources are"):
        answered(two("MIXUP_DISTANCE_BOTH").asked, [dog, dog])
    with pytest.raises(SceneError, match="which none of the sources"):
        answered(two("MIXUP_DISTANCE_BOTH").asked, [HeardSource(("cat",), (1, 1, 1)), dog])
    assert said_label("Clock_tick") == "clock tick"


def test_axes_are_named_from_the_listeners_left_front_and_top():
    source = HeardSource(("dog",), (1.0, 2.0, 3.0))
    assert source.words == tuple(first for first, _ in AXES)
    assert [source.coordinate(axis) for axis in range(3)] == [2.0, 1.0, 3.0]
    assert seeding.derive(0) != seeding.derive(1)
