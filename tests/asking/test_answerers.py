"""Who answers: which model is taken, and what is said when memory or an extra is missing."""

import logging
import sys

import pytest
import torch
from asked_audio import Parrot, heard_scene, noise

from auris.asking import Conversation, answerers, ask
from auris.errors import AurisError, MissingDependency, ParameterError
from auris.models.bat import Bat
from auris.models.bat_config import LANGUAGE_MODEL, BatConfig, SmallLanguageModel, WritingSettings
from auris.models.language_models import new_language_model, new_tokenizer
from auris.models.projectors import ProjectorConfig
from auris.models.spatial_ast import SpatialAst, SpatialAstConfig


@pytest.fixture(scope="module")
def small_bat(tmp_path_factory):
    """A BAT of random weights, saved: what it says means nothing, but it is said by the real thing."""
    torch.manual_seed(0)
    sizes = {"width": 48, "depth": 1, "heads": 2, "n_fft": 256, "hop": 80, "bands": 32, "high": 4000.0, "frames": 112}
    ears = SpatialAst(SpatialAstConfig(labels=("dog", "rain"), sample_rate=8000, clip_seconds=1.0, **sizes)).eval()
    tokenizer = new_tokenizer(["Where is the dog? left, front, above; 2m"], words=300)
    writer = new_language_model(SmallLanguageModel(words=300, width=32, layers=1, heads=2, inner=32, context=120), tokenizer)
    config = BatConfig(
        language_model=LANGUAGE_MODEL,
        lora=None,
        projector=ProjectorConfig(queries=4, layers=2, width=64, heads=1, inner=32),
        prompt="{question}:",
        writing=WritingSettings(beams=1, longest=6),
    )
    folder = tmp_path_factory.mktemp("models") / "small-bat"
    Bat(config, encoder=ears, language_model=writer.eval(), tokenizer=tokenizer).eval().save_pretrained(
        folder, card="Untrained."
    )
    return folder


def test_a_model_folder_answers_and_streams(small_bat):
    pieces = []
    reply = ask(noise(0.8), "Where is the dog?", model=small_bat, on_text=pieces.append)
    assert reply.model == "small-bat"
    assert "".join(pieces) == reply.text
    assert ask(noise(0.8), "Where is the dog?", model=small_bat, precision="bfloat16").model == "small-bat"


def test_a_model_folder_answers_about_windows(small_bat):
    talk = Conversation(noise(2.5), model=small_bat, heard=heard_scene(2.5, ("dog", (1.0, 1.0, 0.0), 1.6, 2.4)))
    reply = talk.ask("Where is the dog?")
    assert [(w.begin, w.end) for w in reply.windows] == [(0.0, 1.0), (0.5, 1.5), (1.0, 2.0), (1.5, 2.5)]
    assert reply.text == reply.windows[3].text


def test_a_question_longer_than_the_model_reads_is_refused(small_bat):
    with pytest.raises(ParameterError, match="question is too long"):
        ask(noise(0.8), "Zork " * 150, model=small_bat)


def test_an_unknown_precision_or_device_is_refused(small_bat):
    with pytest.raises(ParameterError, match="unknown precision '2bit'"):
        ask(noise(0.8), "Where is it?", model=small_bat, precision="2bit")
    with pytest.raises(ParameterError, match="unknown device 'gpu'"):
        ask(noise(0.8), "Where is it?", model=small_bat, device="gpu")


def test_a_listener_answers_no_questions():
    with pytest.raises(ParameterError, match="nano-binaural is a listener and answers no questions"):
        ask(noise(1.0), "Where is it?", model="nano-binaural")


@pytest.fixture
def without_transformers(monkeypatch):
    for module in ("auris.models.bat", "auris.models.language_models"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, "transformers", None)


@pytest.mark.usefixtures("without_transformers")
def test_without_the_extra_the_rules_answer_and_the_log_says_so(small_bat, monkeypatch, caplog):
    from auris.models import pretrained

    monkeypatch.setattr(pretrained, "SHIPPED", (*pretrained.SHIPPED, str(small_bat)))
    monkeypatch.setattr(answerers, "_DEFAULTS", {"binaural": str(small_bat)})
    with caplog.at_level(logging.WARNING, "auris"):
        assert Conversation(noise(1.0)).model == "symbolic"
    assert 'pip install "auris[llm]"' in caplog.text
    with pytest.raises(MissingDependency, match="llm"):
        ask(noise(1.0), "Where is it?", model=small_bat)


def test_the_model_that_ships_for_a_layout_is_taken(small_bat, monkeypatch):
    from auris.models import pretrained

    monkeypatch.setattr(pretrained, "SHIPPED", (*pretrained.SHIPPED, str(small_bat)))
    monkeypatch.setattr(answerers, "_DEFAULTS", {"binaural": str(small_bat)})
    assert Conversation(noise(1.0)).model != "symbolic"
    assert Conversation(noise(1.0, layout="foa")).model == "symbolic"
    assert Conversation(noise(1.0), model="symbolic").model == "symbolic"


class Greedy(Parrot):
    """Answers only as many clips at a time as its memory holds."""

    def __init__(self, error: Exception, most: int = 0) -> None:
        super().__init__(clip_seconds=2.0)
        self.error, self.most = error, most

    def parameters(self):
        return iter([torch.zeros(3_500_000)])

    def answer(self, clips, questions, *, on_text=None):
        if len(clips) > self.most:
            raise self.error
        return super().answer(clips, questions, on_text=on_text)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory: 5 bytes"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    ],
)
def test_too_little_memory_is_told_with_what_is_needed_and_what_to_do(error):
    with pytest.raises(AurisError, match=r"weights of parrot alone take 14 MB.*precision 4bit.*symbolic"):
        ask(noise(1.0), "Where is it?", model=Greedy(error))


def test_too_little_memory_to_load_tells_the_size_of_the_language_model(small_bat, monkeypatch):
    def full(*_, **__):
        raise MemoryError

    monkeypatch.setattr(Bat, "from_pretrained", full)
    with pytest.raises(AurisError, match=r"weights of .*small-bat alone take \d MB"):
        ask(noise(1.0), "Where is it?", model=small_bat)


def test_too_little_memory_for_several_windows_is_enough_for_one():
    greedy = Greedy(MemoryError(), most=1)
    reply = Conversation(noise(5.0), model=greedy, heard=heard_scene(5.0)).ask("Tell me a story?")
    assert [len(clips) for clips, _ in greedy.asked] == [1] * 4
    assert len(reply.windows) == 4


def test_other_failures_of_a_model_are_not_hidden():
    with pytest.raises(RuntimeError, match="shape mismatch"):
        ask(noise(1.0), "Where is it?", model=Greedy(RuntimeError("shape mismatch")))
