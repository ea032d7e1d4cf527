import pytest

from auris.errors import ParameterError
from auris.io.plain_overrides import changes, merged, with_numbers


def test_changes_become_one_mapping():
    assert changes(["a.b=1", "a.c=[x, 2e-3]", "d=", "e={f: true}"]) == {
        "a": {"b": 1, "c": ["x", "2e-3"]},
        "d": None,
        "e": {"f": True},
    }


def test_numbers_that_yaml_takes_for_text():
    assert with_numbers({"a": {"b": "3e-4", "c": "3e-4x"}, "d": ["e"]}) == {"a": {"b": 3e-4, "c": "3e-4x"}, "d": ["e"]}
    assert changes(["rate=3e-4"]) == {"rate": 3e-4}


@pytest.mark.parametrize("text", ["a", "=1", "a.=1", "a=[1"])
def test_what_is_no_change_is_refused(text):
    with pytest.raises(ParameterError, match=r"a change reads key\.key=value|not valid YAML"):
        changes([text])


def test_a_value_holds_no_further_keys():
    with pytest.raises(ParameterError, match=r"'a\.b': a value in this path holds no further keys"):
        changes(["a=1", "a.b=2"])


def test_mappings_go_into_mappings_and_everything_else_whole():
    lower, upper = {"a": {"b": 1, "c": [2]}, "d": 3}, {"a": {"c": [4]}, "d": {"e": 5}}
    assert merged(lower, upper) == {"a": {"b": 1, "c": [4]}, "d": {"e": 5}}
