"""Promises about the package as a whole: what an import loads, what the command line imports, what the README says."""

import subprocess
import sys
from pathlib import Path

import pytest

import auris
from auris.channels import ChannelLayout
from auris.cli.console import LAYOUTS

ROOT = Path(__file__).resolve().parents[1]


def loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(' '.join(m for m in sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_import_loads_nothing_heavy():
    assert loaded_by("import auris") & {"numpy", "scipy", "torch", "numba", "soundfile", "matplotlib"} == set()


def test_help_loads_nothing_heavy():
    code = "import auris.cli\ntry:\n    auris.cli.main(['--help'])\nexcept SystemExit:\n    pass"
    assert loaded_by(code) & {"numpy", "scipy", "torch", "numba", "lightning", "matplotlib"} == set()


def test_scenes_do_not_need_torch():
    assert "torch" not in loaded_by("from auris import Scene, Audio, read_scene\nScene(1.0)")


def test_public_names_exist_and_agree_with_the_stub():
    stub = (ROOT / "src" / "auris" / "__init__.pyi").read_text()
    for name in auris.__all__:
        assert getattr(auris, name) is not None
        assert f"{name} as {name}" in stub or name == "__version__"
    with pytest.raises(AttributeError, match="no attribute 'simulator'"):
        auris.simulator  # noqa: B018


def test_layouts_of_the_command_line_are_those_of_the_library():
    assert [ChannelLayout.parse(name).name for name in LAYOUTS] == list(LAYOUTS)


def test_readme_is_short_and_names_the_two_commands():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 150
    assert "make demo" in text
    assert "make test" in text


def test_constraints_pin_torch():
    assert "torch==2.13.0\n" in (ROOT / "constraints.txt").read_text()
