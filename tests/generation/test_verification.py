"""Verification: time differences and listeners as witnesses, moments, classes, several sounds, silence."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auris.audio import Audio
from auris.errors import LayoutError
from auris.generation import generate, plan_with, verify
from auris.generation import verification as verifying
from auris.generation.plan import request_of
from auris.generation.verdicts import TOLERANCE, VerifiedSound, Witness
from auris.geometry import Static
from auris.scene import Event, Scene, Source
from fake_generators import NO_LISTENER, RATE, NoisyGenerator


def by_time(audio, plan):
    return verifying.verify_with(audio, plan, NO_LISTENER)


def clip(plan, **kind):
    return NoisyGenerator(**kind).generate(request_of(plan), seed=0)


@settings(max_examples=8)
@given(st.floats(1, 5), st.floats(1, 5), st.sampled_from(["slow", "moderate", "fast", "instantly"]))
def test_what_is_as_asked_passes_and_its_mirror_image_does_not(start, end, speed):
    plan = plan_with("rain", from_direction=start, to_direction=end, speed=speed if start != end else None, seconds=3)
    heard = by_time(clip(plan), plan)
    assert heard.passed
    assert heard.score > 0.85
    mirrored = by_time(clip(plan, wrong=(0,)), plan)
    assert mirrored.score <= heard.score
    if max(abs(start - 3), abs(end - 3)) > 0.6:
        assert not mirrored.passed


def test_a_sound_that_stays_does_not_pass_for_one_that_moves():
    moving = plan_with("rain", from_direction=1, to_direction=5, seconds=3)
    still = plan_with("rain", from_direction=1, seconds=3)
    heard = by_time(clip(still), moving)
    assert not heard.passed
    (row,) = heard.rows
    assert row.by_itd.start == pytest.approx(1, abs=0.2)
    assert row.by_itd.end == pytest.approx(1, abs=0.2)


def test_a_moving_sound_must_be_heard_in_both_halves():
    plan = plan_with("rain", from_direction=1, to_direction=5, seconds=4)
    samples = clip(plan).samples.copy()
    samples[:, round(1.6 * RATE) :] = 0
    (row,) = by_time(Audio(samples, RATE, "stereo"), plan).rows
    assert row.by_itd.off[0] < TOLERANCE
    assert row.by_itd.end is None
    assert not row.ok
    still = plan_with("rain", from_direction=1, seconds=4)
    samples = clip(still).samples.copy()
    samples[:, round(1.6 * RATE) :] = 0
    assert by_time(Audio(samples, RATE, "stereo"), still).passed


def test_of_two_sounds_both_must_be_there():
    plan = plan_with("a dog barks and rain falls", from_direction=[1, 4.5], seconds=3)
    alternating = np.repeat(np.arange(6) % 2, round(0.5 * RATE))  # of two noises at once, the louder one is heard
    first, second = (clip(plan_with("rain", from_direction=d, seconds=3)).samples for d in (1, 4.5))
    both = Audio(np.where(alternating == 0, first, second), RATE, "stereo")
    heard = by_time(both, plan)
    assert heard.passed, heard.to_dict()
    alone = by_time(Audio(first, RATE, "stereo"), plan)
    assert [row.ok for row in alone.rows] == [True, False]


def test_silence_is_no_answer():
    plan = plan_with("rain", from_direction=3, seconds=2)
    heard = by_time(Audio(np.full((2, 2 * RATE), 1e-6), RATE, "stereo"), plan)
    assert (heard.silent, heard.passed, heard.score) == (True, False, 0.0)
    assert heard.rows[0].direction is None
    json.dumps(heard.to_dict(), allow_nan=False)


def scene_of_heard(*sounds):
    """A heard scene of labels with azimuths in degrees and confidences."""
    sources = []
    for label, azimuth, confidence in sounds:
        place = (2 * np.cos(np.radians(azimuth)), 2 * np.sin(np.radians(azimuth)), 0.0)
        sources.append(Source(label, Static(place), (Event(0.2, 2.8, confidence=confidence),)))
    return Scene(3.0, tuple(sources))


@pytest.fixture
def listening(monkeypatch):
    """Sets what the listener hears."""

    def hears(*sounds):
        monkeypatch.setattr(verifying, "_heard", lambda audio, ears: scene_of_heard(*sounds))

    return hears


FOA = Audio(0.1 * np.random.default_rng(0).standard_normal((4, 3 * RATE)), RATE, "foa")


def test_the_class_must_be_heard(listening):
    plan = plan_with("a puppy barks", from_direction=1, seconds=3)
    listening(("dog", 88, 0.9))
    (row,) = verify(FOA, plan).rows
    assert (row.heard, row.confidence, row.class_ok, row.ok) == ("dog", 0.9, True, True)
    assert row.score == pytest.approx((0.9 + row.by_listener.nearness) / 2)
    listening(("rain", 88, 0.9))
    heard = verify(FOA, plan)
    assert (heard.rows[0].heard, heard.rows[0].class_ok, heard.rows[0].direction_ok) == ("rain", False, True)
    assert not heard.passed
    assert heard.others == ("rain",)
    listening()
    (row,) = verify(FOA, plan).rows
    assert (row.heard, row.class_ok, row.ok, row.score) == (None, False, False, 0.0)


def test_a_class_that_the_listener_does_not_know_is_judged_by_direction_alone(listening):
    plan = plan_with("a theremin", from_direction=5, seconds=3)
    listening(("music", -85, 0.7))
    heard = verify(FOA, plan)
    assert (heard.rows[0].class_ok, heard.rows[0].heard, heard.rows[0].ok, heard.others) == (None, "music", True, ())


def test_two_sounds_of_a_class_are_told_apart_by_direction(listening):
    plan = plan_with("a dog barks", from_direction=[1, 5], seconds=3)
    listening(("dog", -80, 0.8), ("dog", 85, 0.9))
    assert [row.by_listener.start for row in verify(FOA, plan).rows] == pytest.approx([3 - 85 / 45, 3 + 80 / 45])
    listening(("dog", -80, 0.8), ("dog", -85, 0.9))
    assert [row.ok for row in verify(FOA, plan).rows] == [False, True]


def test_ambisonics_tell_behind_from_in_front_and_two_ears_do_not(listening):
    plan = plan_with("a dog barks", from_direction=2, seconds=3)
    listening(("dog", 135, 0.9))
    (row,) = verify(FOA, plan).rows
    assert row.by_listener.start == pytest.approx(0)
    assert row.by_listener.off[0] == pytest.approx(2)
    assert not row.ok
    assert verify(Audio(FOA.samples[:2], RATE, "binaural"), plan).rows[0].by_listener.start == pytest.approx(2)


def test_higher_orders_are_heard_as_first_order():
    third = Audio(np.concatenate([FOA.samples, np.zeros((12, FOA.length))]), RATE, "hoa3")
    assert verifying.ears_for(third.layout).hears.name == "foa"
    assert verify(third, plan_with("rain", from_direction=3, seconds=3)).listener == "nano-foa"


def test_the_listener_that_ships_hears_what_is_placed():
    bank = {"model": "place", "content": "bank"}
    made = generate("rain on the left in a small room", **bank, layout="foa", seconds=2, verify=True)
    (row,) = made.verification.rows
    assert (made.verification.listener, row.heard, row.class_ok, row.direction_ok) == ("nano-foa", "rain", True, True)


def test_nobody_verifies_mono():
    with pytest.raises(LayoutError, match="mono audio cannot be verified"):
        verify(Audio(np.ones(RATE), RATE, "mono"), plan_with("rain", from_direction=3, seconds=1))


def test_of_two_witnesses_the_nearer_one_counts():
    right, wrong = Witness(1.0, 1.0, (0.0, 0.0)), Witness(3.0, 3.0, (2.0, 2.0))
    for by_itd, by_listener in ((right, wrong), (wrong, right), (right, None), (None, right)):
        row = VerifiedSound("dog", 1.0, 1.0, "dog", 0.8, by_listener=by_listener, by_itd=by_itd)
        assert row.direction is right
        assert row.ok
    lopsided = Witness(1.0, 2.0, (0.0, 0.9))  # on the whole nearer, but not right
    fair = Witness(1.4, 1.4, (0.49, 0.49))
    assert VerifiedSound("dog", 1.0, 1.0, by_listener=lopsided, by_itd=fair).direction is fair
    assert VerifiedSound("dog", 1.0, 1.0).direction is None
