"""Rewriting by a language model: checked, remembered, and never in the way."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from auris.data.language.attributes import SceneAttributes, SoundAttributes
from auris.data.language.captions import caption
from auris.data.language.chat_models import EndpointRewriter, LocalRewriter
from auris.data.language.rewriting import Message, RewriteFailure, RewriteSettings, Rewriting, Rewritten, cleaned, keeps_meaning
from auris.errors import FormatError, MissingDependency, ParameterError

SAID = SceneAttributes((SoundAttributes("dog", 1.0, 5.0, "slow"), SoundAttributes("rain", 4.0)), "large")
TEXT = caption(SAID, seed=1)
GOOD = (
    "In a large hall, rain can be heard at the front right while a hound's barking slowly travels from the left to the right."
)
WRONG = "In a large hall, rain can be heard at the front left while a dog barks, slowly travelling from the right to the left."
SECRET = "sk-very-secret"


class Script:
    """A chat model that answers by a script."""

    def __init__(self, *answers: str | Exception, name: str = "script") -> None:
        self.answers, self._name = list(answers), name
        self.heard: list[list[Message]] = []

    @property
    def name(self) -> str:
        return self._name

    def answer(self, messages: Sequence[Message], *, attempt: int) -> str:
        self.heard.append(list(messages))
        answer = self.answers[min(len(self.heard), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_an_answer_that_keeps_the_meaning_is_taken(tmp_path: Path) -> None:
    rewriting = Rewriting(Script(GOOD), cache=tmp_path)
    assert rewriting.rewrite(TEXT, accept=keeps_meaning(SAID)) == Rewritten(GOOD, "rewritten")
    assert rewriting.counts.to_dict() == {"rewritten": 1, "cached": 0, "failed": 0, "fallback": 0}


def test_wrong_answers_are_asked_again_with_a_word_about_it(tmp_path: Path) -> None:
    script = Script(WRONG, "no idea", GOOD)
    rewriting = Rewriting(script, cache=tmp_path, tries=3)
    assert rewriting.rewrite(TEXT, accept=keeps_meaning(SAID)).text == GOOD
    assert rewriting.counts.failed == 2
    assert [len(messages) for messages in script.heard] == [2, 4, 6]
    assert script.heard[1][2]["content"] == WRONG


def test_what_is_never_right_falls_back_and_is_counted(tmp_path: Path) -> None:
    rewriting = Rewriting(Script(WRONG), cache=tmp_path, tries=2)
    for _ in range(3):
        assert rewriting.rewrite(TEXT, accept=keeps_meaning(SAID)) == Rewritten(TEXT, "fallback")
    assert rewriting.counts.to_dict() == {"rewritten": 0, "cached": 0, "failed": 6, "fallback": 3}
    assert not list(tmp_path.rglob("*.json"))


def test_the_same_text_is_the_same_ever_after(tmp_path: Path) -> None:
    first = Rewriting(Script(GOOD), cache=tmp_path).rewrite(TEXT, accept=keeps_meaning(SAID)).text
    again = Rewriting(Script(RewriteFailure("gone")), cache=tmp_path)
    assert again.rewrite(TEXT, accept=keeps_meaning(SAID)) == Rewritten(first, "cached")
    assert again.counts.cached == 1
    other = Rewriting(Script(RewriteFailure("gone"), name="another model"), cache=tmp_path)
    assert other.rewrite(TEXT, accept=keeps_meaning(SAID)).outcome == "fallback"


def test_the_first_of_two_processes_wins(tmp_path: Path) -> None:
    accept = keeps_meaning(SAID)
    slower = Rewriting(Script(GOOD), cache=tmp_path)
    other = GOOD.replace("can be heard", "is heard")

    class Late(Script):
        def answer(self, messages: Sequence[Message], *, attempt: int) -> str:
            slower.rewrite(TEXT, accept=accept)  # another process keeps its answer in the meantime
            return super().answer(messages, attempt=attempt)

    assert Rewriting(Late(other), cache=tmp_path).rewrite(TEXT, accept=accept).text == GOOD


def test_a_damaged_cache_is_mended(tmp_path: Path) -> None:
    accept = keeps_meaning(SAID)
    Rewriting(Script(GOOD), cache=tmp_path).rewrite(TEXT, accept=accept)
    (file,) = tmp_path.rglob("*.json")
    for content in ("", "{", "[]", '{"text": "another", "rewrite": "x"}', json.dumps({"text": TEXT, "rewrite": WRONG})):
        file.write_text(content)
        rewriting = Rewriting(Script(GOOD), cache=tmp_path)
        assert rewriting.rewrite(TEXT, accept=accept).outcome == "rewritten"
        assert json.loads(file.read_text())["rewrite"] == GOOD


def test_a_cache_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FormatError, match="cannot keep rewrites"):
        Rewriting(Script(GOOD), cache=tmp_path / "file").rewrite(TEXT, accept=keeps_meaning(SAID))


def test_a_model_that_never_answers_is_given_up(tmp_path: Path) -> None:
    script = Script(RewriteFailure("away"))
    rewriting = Rewriting(script, cache=tmp_path)
    for number in range(20):
        assert rewriting.rewrite(f"{TEXT} {number}", accept=keeps_meaning(SAID)).outcome == "fallback"
    assert len(script.heard) == 5
    assert rewriting.counts.fallback == 20


def test_meaning_is_in_the_facts_and_not_in_their_order() -> None:
    accept = keeps_meaning(SAID)
    assert accept(TEXT)
    assert accept(GOOD)
    assert not accept(WRONG)
    assert not accept(GOOD.replace("slowly ", ""))
    assert not accept(GOOD.replace("In a large hall, rain", "Rain"))
    assert not accept(GOOD + " A cat meows.")
    assert not accept("")


@pytest.mark.parametrize(
    "answer",
    [
        GOOD,
        f'"{GOOD}"',
        f"Sure! Here is the caption:\n\n{GOOD}\n\nLet me know!",
        f"```\n{GOOD}\n```",
        f"Caption: {GOOD}",
        f"<think>the left…</think>\n{GOOD}",
        GOOD.replace(" while ", "\nwhile "),
    ],
)
def test_answers_are_cleaned(answer: str) -> None:
    assert cleaned(answer) == GOOD
    assert cleaned("x" * 10_000) == ""


# ── an endpoint ──────────────────────────────────────────────────────────────────────────────────────────────────────

Reply = Callable[[BaseHTTPRequestHandler, dict[str, Any]], None]


class Endpoint:
    """A chat server on this machine that does what a test tells it to."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.requests.append({"path": self.path, **body})
                outer.keys.append(self.headers.get("Authorization"))
                outer.replies[min(len(outer.requests), len(outer.replies)) - 1](self, body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("TEST_KEY", SECRET)
    made = Endpoint()
    yield made
    made.server.shutdown()
    made.server.server_close()


def status(code: int, headers: dict[str, str] | None = None) -> Reply:
    def reply(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
        handler.send_response(code)
        for name, value in {"Content-Length": "0", **(headers or {})}.items():
            handler.send_header(name, value)
        handler.end_headers()

    return reply


def body(content: bytes) -> Reply:
    def reply(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return reply


def says(text: str) -> Reply:
    return body(json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]}).encode())


def silent(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
    time.sleep(0.5)


def rewriter(endpoint: Endpoint, *, timeout: float = 5.0, pauses: list[float] | None = None) -> EndpointRewriter:
    sleep = (pauses if pauses is not None else []).append
    return EndpointRewriter(endpoint.url, model="tiny", key_variable="TEST_KEY", timeout=timeout, sleep=sleep)


def test_an_endpoint_is_asked_in_the_common_way(endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.replies = [says(GOOD)]
    rewriting = Rewriting(rewriter(endpoint), cache=tmp_path)
    assert rewriting.rewrite(TEXT, accept=keeps_meaning(SAID)).text == GOOD
    (request,) = endpoint.requests
    assert request["path"] == "/v1/chat/completions"
    assert request["model"] == "tiny"
    assert [message["role"] for message in request["messages"]] == ["system", "user"]
    assert endpoint.keys == [f"Bearer {SECRET}"]
    kept = "".join(path.read_text() for path in tmp_path.rglob("*.json"))
    assert SECRET not in kept + repr(vars(rewriting)) + repr(vars(rewriting._rewriter))


def test_no_key_is_sent_where_there_is_none(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_KEY")
    endpoint.replies = [says(GOOD)]
    rewriter(endpoint).answer([{"role": "user", "content": "x"}], attempt=0)
    assert endpoint.keys == [None]


def test_wrong_attributes_are_asked_again_and_then_fall_back(endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.replies = [says(WRONG)]
    rewriting = Rewriting(rewriter(endpoint), cache=tmp_path, tries=2)
    assert rewriting.rewrite(TEXT, accept=keeps_meaning(SAID)) == Rewritten(TEXT, "fallback")
    assert len(endpoint.requests) == 2


def test_a_busy_endpoint_is_waited_for(endpoint: Endpoint) -> None:
    pauses: list[float] = []
    endpoint.replies = [status(429, {"Retry-After": "7"}), status(500), status(503, {"Retry-After": "soon"}), says("yes")]
    assert rewriter(endpoint, pauses=pauses).answer([], attempt=0) == "yes"
    assert pauses == [7.0, 1.0, 2.0]


@pytest.mark.parametrize("reply", [status(500), silent, status(429, {"Retry-After": "9999"})], ids=["500", "timeout", "429"])
def test_an_endpoint_that_stays_away_is_no_answer(endpoint: Endpoint, reply: Reply, tmp_path: Path) -> None:
    pauses: list[float] = []
    endpoint.replies = [reply]
    rewriting = Rewriting(rewriter(endpoint, timeout=0.1, pauses=pauses), cache=tmp_path)
    assert rewriting.rewrite(TEXT, accept=keeps_meaning(SAID)).outcome == "fallback"
    assert len(endpoint.requests) == 4
    assert len(pauses) == 3
    assert max(pauses) <= 30


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"choices": []}',
        b'{"choices": [{"message": {"content": null}}]}',
        b'{"choices": "x"}',
        b"\xff\xfe",
    ],
)
def test_malformed_answers_are_no_answer(endpoint: Endpoint, content: bytes) -> None:
    endpoint.replies = [body(content)]
    with pytest.raises(RewriteFailure):
        rewriter(endpoint).answer([], attempt=0)


@pytest.mark.parametrize("code", [400, 401, 403, 404])
def test_an_endpoint_that_refuses_stops_the_run_and_keeps_the_key_to_itself(endpoint: Endpoint, code: int) -> None:
    endpoint.replies = [status(code)]
    with pytest.raises(ParameterError, match=str(code)) as caught:
        Rewriting(rewriter(endpoint), cache=None).rewrite(TEXT, accept=keeps_meaning(SAID))
    assert SECRET not in str(caught.value)
    assert len(endpoint.requests) == 1


def test_the_key_is_never_sent_elsewhere(endpoint: Endpoint) -> None:
    endpoint.replies = [status(307, {"Location": f"{endpoint.url}/elsewhere"}), says(GOOD)]
    with pytest.raises(ParameterError, match="307"):
        rewriter(endpoint).answer([], attempt=0)
    assert len(endpoint.requests) == 1


def test_nobody_there_is_no_answer() -> None:
    nobody = EndpointRewriter("http://127.0.0.1:9/v1/chat/completions", model="m", timeout=0.2, sleep=lambda _: None)
    with pytest.raises(RewriteFailure, match="no answer in 4 tries"):
        nobody.answer([], attempt=0)


# ── a local model ────────────────────────────────────────────────────────────────────────────────────────────────────


class Pipeline:
    """Stands for a text-generation pipeline of transformers."""

    def __init__(self, *outputs: Any) -> None:
        self.outputs, self.calls = list(outputs), 0
        self.settings: list[dict[str, Any]] = []

    def __call__(self, messages: list[dict[str, str]], **settings: Any) -> Any:
        assert all(set(message) == {"role", "content"} for message in messages)
        self.settings.append(settings)
        self.calls += 1
        return self.outputs[min(self.calls, len(self.outputs)) - 1]


def test_a_local_model_rewrites_too(tmp_path: Path) -> None:
    pipeline = Pipeline([{"generated_text": WRONG}], [{"generated_text": [{"role": "assistant", "content": GOOD}]}])
    rewriting = Rewriting(LocalRewriter(pipeline, name="local"), cache=tmp_path)
    assert rewriting.rewrite(TEXT, accept=keeps_meaning(SAID)).text == GOOD
    assert [settings["do_sample"] for settings in pipeline.settings] == [False, True]


@pytest.mark.parametrize("output", [[], None, [{}], [{"generated_text": 3}], [{"generated_text": []}]])
def test_odd_outputs_of_a_local_model_are_no_answer(output: Any) -> None:
    with pytest.raises(RewriteFailure):
        LocalRewriter(Pipeline(output), name="local").answer([], attempt=0)


def test_without_transformers_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(MissingDependency, match=r"auris\[llm\]"):
        RewriteSettings(by="local", model="nobody/none").open()


@pytest.mark.parametrize(
    "values",
    [
        {"by": "magic"},
        {"by": "endpoint", "url": "http://x"},
        {"by": "endpoint", "model": "m", "url": "file:///etc/passwd"},
        {"by": "local"},
        {"temperature": -1},
        {"tries": 0},
    ],
)
def test_impossible_settings_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ParameterError):
        RewriteSettings(**values)


def test_settings_say_what_decides_and_not_where() -> None:
    settings = RewriteSettings(by="endpoint", model="m", url="http://127.0.0.1:9/v1", cache="/somewhere")
    assert settings.to_dict() == {"by": "endpoint", "model": "m", "temperature": 0.7, "tries": 3}
    assert RewriteSettings().open() is None
    assert settings.open() is not None
