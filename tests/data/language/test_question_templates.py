import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auris.data.language.templates import Template, found
from auris.errors import ParameterError

SENTENCE = Template("[Where|From where] [do you hear|is] {thing}[ coming from[ now|]|]?")


def ways(template):
    rng = np.random.default_rng(0)
    return {template.said(rng, lambda slot: f"<{slot}>") for _ in range(500)}


def test_all_ways_are_said_and_counted():
    assert len(ways(SENTENCE)) == SENTENCE.ways == 12
    assert "From where is <thing> coming from now?" in ways(SENTENCE)
    assert SENTENCE.slots == {"thing"}


@given(st.integers(0, 999), st.text("abc ?.", min_size=1, max_size=9))
def test_what_was_said_is_read_back(seed, thing):
    text = SENTENCE.said(np.random.default_rng(seed), lambda slot: thing)
    assert found(SENTENCE.pattern({"thing": "[abc ?.]+?"}), text)["thing"].strip() in thing


def test_a_slot_may_stand_in_several_options():
    pattern = Template("[{thing} first|Second, {thing}]!").pattern({"thing": "\\w+"})
    assert found(pattern, "Rain first!") == found(pattern, "second, Rain!") == {"thing": "Rain"}
    assert found(pattern, "Rain!") is None


@pytest.mark.parametrize("text", ["[open", "shut]", "a [b|[c]", "{a b}", "{", "a|b"])
def test_broken_templates_are_told(text):
    with pytest.raises(ParameterError, match="template"):
        _ = Template(text).ways
