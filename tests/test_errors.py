import pytest

from auris import errors
from auris.errors import AurisError, MissingDependency, did_you_mean, unknown_name

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, AurisError)]


def test_one_root_and_python_families():
    assert len(KINDS) == 7
    for kind in KINDS:
        assert issubclass(kind, AurisError)
    assert {kind.__name__ for kind in KINDS if issubclass(kind, ValueError)} == {
        "ParameterError",
        "SceneError",
        "LayoutError",
        "FormatError",
        "CheckpointError",
    }


def test_a_missing_package_names_the_command():
    error = MissingDependency("matplotlib", "plot")
    assert isinstance(error, ImportError)
    assert 'pip install "auris[plot]"' in str(error)
    assert "'matplotlib'" in str(error)


def test_suggestions_come_only_when_near():
    assert did_you_mean("binaurl", ["mono", "binaural"]) == ", did you mean 'binaural'?"
    assert did_you_mean("zzz", ["mono", "binaural"]) == ""
    assert did_you_mean("x", []) == ""


@pytest.mark.parametrize("name", ["foaa", 3, None])
def test_unknown_names_list_what_is_accepted(name):
    text = unknown_name("layout", name, iter(["mono", "foa"]))
    assert repr(name) in text
    assert text.endswith("Accepted: foa, mono")
