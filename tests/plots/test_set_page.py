"""The page about a made set: complete, openable from disk, and true to the set."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auris.audio import Audio
from auris.channels import ChannelLayout
from auris.cli import main
from auris.data.production.check import check_set
from auris.data.production.manifest import ManifestItem
from auris.data.production.statistics import statistics_of
from auris.errors import FormatError
from auris.plots import set_figures
from auris.plots.set_page import preview, write_set_page


class _Links(HTMLParser):
    """Everything a page wants to load, and whether its tags are balanced."""

    def __init__(self) -> None:
        super().__init__()
        self.files: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.files += [value for name, value in attributes if name in ("src", "href") and value]
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module", params=["folders", "shards"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sets") / "a_small_set"
    fields = ["base=anechoic", "scene.duration=1", "scene.event_duration=[0.3,0.8]", "layouts=[foa]"]
    assert main(["data", "make", "custom", *fields, "--scenes", "4", "--out", str(out), "--format", request.param]) == 0
    return out


def test_the_page_loads_nothing_that_is_not_beside_it(made: Path, tmp_path: Path) -> None:
    written = write_set_page(made, tmp_path / "page", examples=2)
    links = _Links()
    links.feed(written.page.read_text(encoding="utf-8"))
    assert links.open == ["html"] or not links.open
    assert len(written.examples) == 2
    assert links.files
    for file in links.files:
        assert (written.page.parent / file).is_file()
    beside = {path.name for path in written.page.parent.iterdir()} - {"index.html"}
    assert beside == set(links.files)


def test_what_is_played_is_the_example_in_two_channels(made: Path, tmp_path: Path) -> None:
    written = write_set_page(made, tmp_path, examples=1)
    (file,) = tmp_path.glob("*.flac")
    samples, rate = soundfile.read(file)
    assert file.name.startswith(written.examples[0])
    assert samples.shape == (rate, 2)
    assert np.abs(samples).max() > 1e-3


def test_a_page_inside_a_set_does_no_harm_to_it(made: Path) -> None:
    assert write_set_page(made, examples=1).page == made / "report" / "index.html"
    assert not check_set(made).findings


def test_the_same_seed_shows_the_same_examples(made: Path, tmp_path: Path) -> None:
    pages = [write_set_page(made, tmp_path / str(n), examples=2, seed=seed) for n, seed in enumerate((0, 0))]
    assert pages[0].examples == pages[1].examples
    assert pages[0].page.read_bytes() == pages[1].page.read_bytes()


def test_the_command_prints_what_is_on_the_page(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["data", "report", str(made), "--out", str(tmp_path), "--examples", "0", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["items"] == 4
    assert said["examples"] == []
    assert (tmp_path / "index.html").is_file()


def test_a_folder_without_a_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="holds no set made by auris"):
        write_set_page(tmp_path)


def test_what_a_set_has_nothing_of_is_not_drawn() -> None:
    empty = statistics_of([ManifestItem(0, "a", ())])
    draws = (set_figures.class_balance, set_figures.lengths_and_overlap, set_figures.coverage, set_figures.rooms)
    assert [draw(empty) for draw in (*draws, set_figures.levels)] == [None] * 5


@pytest.mark.parametrize(
    ("layout", "words"), [("tetra", "first two microphones"), ("binaural", "binaural"), ("hoa2", "decoded to two ears")]
)
def test_any_layout_is_heard_in_a_browser(layout: str, words: str) -> None:
    kind = ChannelLayout.parse(layout)
    heard, how = preview(Audio(np.full((kind.channels, 8000), 0.1, np.float32), 16_000, kind))
    assert heard.channels == 2
    assert heard.length == 8000
    assert words in how


def test_only_the_first_minute_is_played() -> None:
    heard, how = preview(Audio(np.zeros((1, 8000 * 61), np.float32), 8000, ChannelLayout.parse("mono")))
    assert heard.duration == 60
    assert how.endswith("its first 60 s")


def test_a_house_is_shown_from_above(tmp_path: Path) -> None:
    fields = ["plan.length=[5,5]", "plan.width=[5,5]", "plan.least_nodes=10", "source_places=2", "clips=2", "images=20"]
    assert main(["data", "make", "active", *fields, "--scenes", "1", "--out", str(tmp_path / "set")]) == 0
    written = write_set_page(tmp_path / "set", tmp_path / "page", examples=1)
    files = {path.name for path in written.page.parent.iterdir()}
    assert f"{written.examples[0]}.plan.png" in files
    assert any(name.endswith(".flac") for name in files)  # clips, not the hundreds of responses beside them
    assert len(files) < 15
