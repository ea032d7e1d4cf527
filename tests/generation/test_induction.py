"""From words to plans: by the grammar, by chat models on a server on this machine, and what happens when they fail."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from auris.data.language.attributes import SceneAttributes, SoundAttributes
from auris.data.language.chat_models import LocalRewriter
from auris.data.language.rewriting import Message, RewriteFailure
from auris.errors import MissingDependency, ParameterError
from auris.generation.chat_induction import attributes_of_answer
from auris.generation.induction import ChatInducer, EndpointInducer, InductionFailure, LocalInducer, induce

PROMPT = "a dog barks on the left, then runs to the right while rain falls nearby"
PLAIN = {
    "sound": 1,
    "size": 1,
    "objects": {
        "dog": {"init_direction": 1, "moving": 1, "end_direction": 4.5, "speed": 3},
        "rain": {"init_dis": 3, "moving": 0},
    },
}
READ = SceneAttributes((SoundAttributes("dog", 1, 4.5, "fast"), SoundAttributes("rain", distance="near")), "outdoors")
SECRET = "sk-very-secret"


# ── the grammar ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_grammar_reads_a_prompt() -> None:
    plan = induce(f"  {PROMPT} ")
    assert plan.prompt == PROMPT
    assert plan.by == "grammar"
    assert plan.attributes.sounds == (SoundAttributes("dog", 1, 5, None), SoundAttributes("rain", distance="near"))
    assert plan.notes == ()


@pytest.mark.parametrize(
    ("prompt", "told"),
    [
        ("", "say in words"),
        ("42 !?", "say in words"),
        ("on the left", "nothing sounds in 'on the left'"),
        ("silence", "nothing sounds in 'silence'"),
        ("a quiet empty room", "nothing sounds"),
        ("a dog barks behind me", "dog: 'behind me' is not in the front half"),
        ("a dog barks on the left and on the right", "dog: one sound cannot be in several places"),
        ("a dog barks at 30 degrees", "add left or right"),
        ("outdoors, a dog barks in a small room", "the place cannot be outdoors, small at once"),
        ("a dog moves slowly and quickly to the left", "several speeds"),
        ("a dog, a cat, rain, wind and a cow", "5 sounds"),
        ("dog " * 600, "at most 2000 characters"),
    ],
)
def test_prompts_that_cannot_be_meant(prompt: str, told: str) -> None:
    with pytest.raises(ParameterError, match=told):
        induce(prompt)


def test_what_is_left_out_is_noted() -> None:
    plan = induce("a plane flies over my head from left to right and back")
    assert [note.partition("'")[2].partition("'")[0] for note in plan.notes] == ["over my head", "and back"]


def test_labels_give_the_descriptions() -> None:
    assert induce("the hound barks on the left", labels=("dog", "cat")).attributes.sounds == (SoundAttributes("dog", 1),)


def test_the_length_is_given_or_said_or_usual() -> None:
    assert induce("a 5 second clip of rain").seconds == 5
    assert induce("rain").seconds == 10
    assert induce("rain", usual=4.0).seconds == 4
    plan = induce("a 5 second clip of rain", seconds=7)
    assert plan.seconds == 7
    assert "5 seconds, 7 are made" in plan.notes[0]
    with pytest.raises(ParameterError, match="seconds"):
        induce("rain", seconds=0)


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "answer",
    [
        json.dumps(PLAIN),
        f"```json\n{json.dumps(PLAIN, indent=2)}\n```",
        f"Sure! Here it is: {json.dumps(PLAIN)} Let me know {{if}} it helps.",
        f'<think>{{"objects": 3}} hm</think>{json.dumps(PLAIN)}',
        json.dumps(PLAIN).replace("}}}", "},},}"),
        json.dumps(PLAIN).replace(": 1,", ': "1",').replace("4.5", '"4.5"'),
        json.dumps(PLAIN).replace('"moving": 0', '"moving": false, "speed": 0, "end_direction": null, "end_dis": 0'),
    ],
    ids=["plain", "fence", "between words", "thoughts", "trailing commas", "texts", "zeros"],
)
def test_answers_are_read_tolerantly(answer: str) -> None:
    assert attributes_of_answer(answer) == READ


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("no idea", "no JSON object"),
        ("", "no JSON object"),
        ("{" * 5000, "no JSON object"),
        ('{"objects": {"dog": {"init_direction": 7, "moving": 0}}}', "init_direction must be a direction from 1"),
        ('{"objects": {"dog": {"init_direction": "left", "moving": 0}}}', "init_direction must be a direction"),
        ('{"objects": {"dog": {"init_direction": 1}}}', "moving is missing"),
        ('{"objects": {"dog": {"init_direction": 1, "end_direction": 5, "moving": 0}}}', "moving is 0, but it ends elsewhere"),
        ('{"objects": {"dog": 3}}', "must be a mapping"),
        ('{"objects": ["dog"]}', "objects must be a mapping"),
        ('{"sound": 1, "objects": {}}', "there are 0 objects"),
    ],
)
def test_answers_are_checked_strictly(answer: str, told: str) -> None:
    with pytest.raises(ParameterError, match=told):
        attributes_of_answer(answer)


def test_names_become_classes() -> None:
    answer = '{"objects": {"barking dog": {"moving": 0}, "barking dog (2)": {"moving": 0}, "theremin": {"moving": 0}}}'
    assert [sound.description for sound in attributes_of_answer(answer, labels=("dog",)).sounds] == ["dog", "dog", "theremin"]


# ── chat models ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Script:
    """A chat model that answers by a script, each answer taking a second."""

    name = "script"

    def __init__(self, *answers: str | Exception) -> None:
        self.answers, self.heard, self.now = list(answers), [], 0.0  # type: tuple[Any, list[list[Message]], float]

    def answer(self, messages: Sequence[Message], *, attempt: int) -> str:
        assert attempt == len(self.heard)
        self.heard.append(list(messages))
        self.now += 1
        answer = self.answers[min(len(self.heard), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def inducer(self, *, tries: int = 3, timeout: float = 60.0) -> ChatInducer:
        return ChatInducer(self, name="script", tries=tries, timeout=timeout, clock=lambda: self.now)


def test_a_model_is_told_the_form_and_the_classes() -> None:
    script = Script(json.dumps(PLAIN))
    plan = induce(PROMPT, by=script.inducer(), labels=("dog", "rain"))
    assert (plan.attributes, plan.by, plan.notes) == (READ, "script", ())
    system, user = script.heard[0]
    assert user["content"] == PROMPT
    assert all(key in system["content"] for key in ("init_direction", "end_dis", "moving", "speed", "dog, rain"))


def test_a_wrong_answer_is_asked_again_with_what_is_wrong() -> None:
    script = Script('{"objects": {"dog": {"init_direction": 9, "moving": 0}}}', "?", json.dumps(PLAIN))
    assert induce(PROMPT, by=script.inducer()).attributes == READ
    assert [len(messages) for messages in script.heard] == [2, 4, 6]
    assert "init_direction" in script.heard[1][3]["content"]


def test_what_never_answers_rightly_falls_back_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    script = Script("no idea")
    with caplog.at_level(logging.WARNING, logger="auris"):
        plan = induce(PROMPT, by=script.inducer())
    assert plan.attributes == induce(PROMPT).attributes
    assert plan.by == "grammar, in place of script"
    (note,) = plan.notes
    assert note.startswith("script gave no usable answer in 3 tries: it holds no JSON object")
    assert note.endswith("the grammar read the prompt instead")
    assert "script gave no usable answer" in caplog.text
    with pytest.raises(InductionFailure, match="3 tries"):
        induce(PROMPT, by=Script("?").inducer(), fallback="refuse")


def test_tries_end_with_the_time() -> None:
    script = Script("?")
    with pytest.raises(InductionFailure, match="2 tries"):
        script.inducer(tries=9, timeout=1.5).attributes(PROMPT)


def test_what_has_no_room_in_an_answer_is_refused_before_a_model_is_asked() -> None:
    script = Script(json.dumps(PLAIN))
    with pytest.raises(ParameterError, match="behind me"):
        induce("a dog barks behind me", by=script.inducer())
    assert script.heard == []


def test_a_model_may_find_that_nothing_sounds() -> None:
    with pytest.raises(ParameterError, match="nothing sounds"):
        induce("a red carpet", by=Script('{"sound": 0, "objects": {}}').inducer())


@pytest.mark.parametrize("values", [{"tries": 0}, {"tries": 1.5}, {"timeout": 0}, {"timeout": 1e9}])
def test_impossible_settings_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match="tries lie between"):
        ChatInducer(Script(), name="x", **values)


class Server:
    """A chat server on this machine: status and answer of every request in turn, the last one for all that follow."""

    def __init__(self) -> None:
        self.replies: list[tuple[int, str]] = []
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                outer.keys.append(self.headers.get("Authorization"))
                code, text = outer.replies[min(len(outer.requests), len(outer.replies)) - 1]
                if code == 0:
                    time.sleep(0.4)
                    return
                body = json.dumps({"choices": [{"message": {"content": text}}]}).encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def inducer(self, *, timeout: float = 20.0) -> EndpointInducer:
        return EndpointInducer(self.url, model="tiny", key_variable="TEST_KEY", timeout=timeout, sleep=lambda _: None)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("TEST_KEY", SECRET)
    made = Server()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_an_endpoint_reads_a_prompt(server: Server) -> None:
    server.replies = [(503, ""), (200, "hm"), (200, f"```json\n{json.dumps(PLAIN)}\n```")]
    plan = induce(PROMPT, by=server.inducer())
    assert (plan.attributes, plan.by) == (READ, "tiny")
    assert server.keys == [f"Bearer {SECRET}"] * 3
    assert server.requests[0]["temperature"] == 0
    assert server.requests[0]["max_tokens"] >= 500


@pytest.mark.parametrize("reply", [(500, ""), (429, ""), (0, "")], ids=["500", "429", "timeout"])
def test_an_endpoint_that_stays_away_falls_back(
    server: Server, reply: tuple[int, str], caplog: pytest.LogCaptureFixture
) -> None:
    server.replies = [reply]
    inducer = server.inducer(timeout=0.1 if reply[0] == 0 else 20.0)
    plan = induce(PROMPT, by=inducer)
    assert plan.by == "grammar, in place of tiny"
    assert "does not answer" in plan.notes[0]
    assert SECRET not in repr(plan) + plan.to_yaml() + repr(vars(inducer)) + repr(inducer) + caplog.text


def test_nobody_there_falls_back() -> None:
    nobody = EndpointInducer("http://127.0.0.1:9/v1", model="m", timeout=0.2, sleep=lambda _: None)
    assert induce(PROMPT, by=nobody).by == "grammar, in place of m"
    with pytest.raises(InductionFailure, match=r"m does not answer: http://127\.0\.0\.1:9/v1/chat/completions gave no answer"):
        induce(PROMPT, by=nobody, fallback="refuse")


def test_a_wrong_key_stops_and_stays_secret(server: Server) -> None:
    server.replies = [(401, "")]
    with pytest.raises(ParameterError, match=r"\$TEST_KEY") as caught:
        induce(PROMPT, by=server.inducer())
    assert SECRET not in str(caught.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize("url", [f"https://user:{SECRET}@host/v1", f"https://host/v1?key={SECRET}"])
def test_addresses_hold_no_secrets(url: str) -> None:
    with pytest.raises(ParameterError, match="environment") as caught:
        EndpointInducer(url, model="m")
    assert SECRET not in str(caught.value)


def test_an_endpoint_needs_an_address_and_a_model() -> None:
    with pytest.raises(ParameterError, match="http://"):
        EndpointInducer("api.openai.com", model="m")
    with pytest.raises(ParameterError, match="name of a model"):
        EndpointInducer("http://host/v1", model=" ")


def test_a_local_model_reads_a_prompt() -> None:
    heard: list[dict[str, Any]] = []

    def generate(messages: list[dict[str, str]], **settings: Any) -> Any:
        heard.append(settings)
        return [{"generated_text": json.dumps(PLAIN) if len(heard) > 1 else "?"}]

    chat = LocalRewriter(generate, name="local", most_tokens=800, most_seconds=5.0)
    assert induce(PROMPT, by=LocalInducer(chat, name="local")).attributes == READ
    assert heard[0]["max_time"] == 5.0
    assert heard[0]["max_new_tokens"] == 800
    assert [settings["do_sample"] for settings in heard] == [False, True]


def test_without_transformers_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(MissingDependency, match=r"auris\[llm\]"):
        LocalInducer.loaded("nobody/none")


def test_failures_of_chat_models_are_failures_of_induction() -> None:
    with pytest.raises(InductionFailure, match="gone"):
        Script(RewriteFailure("gone")).inducer().attributes(PROMPT)
