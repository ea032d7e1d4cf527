"""``auris ask``: questions about a recording: what sounds where, when, how far away, and how sounds lie to each other.

The answer to one question stands alone on standard output; what explains it goes to standard error. Several questions make a
table, ``--json`` one document. ``--chat`` reads questions from standard input and answers a line each.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from auris.cli.console import (
    LAYOUTS,
    WrongUse,
    error_message,
    message,
    options_anywhere,
    print_json,
    print_table,
    progress_bar,
)
from auris.errors import ParameterError, SceneError

if TYPE_CHECKING:
    from auris.asking import Conversation, Reply
    from auris.asking.conversation import Beside

HELP = "Ask a recording what sounds where, when and how far away."
# Spelled out so that --help need not import the models; a test holds it to auris.models.bat_config.
PRECISIONS = ("float32", "float16", "bfloat16", "8bit", "4bit")
_QUIT = ("quit", "exit")


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    options_anywhere(parser)
    parser.add_argument("file", metavar="FILE", help="audio file of any length (WAV, FLAC, OGG)")
    parser.add_argument("questions", nargs="*", metavar="QUESTION", help='in English: "Is the dog to the left of the rain?"')
    parser.add_argument("--chat", action="store_true", help="go on with questions from standard input, until its end or quit")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    answering = parser.add_argument_group("how to answer")
    answering.add_argument(
        "--model",
        metavar="NAME|PATH",
        help="language model with ears, or symbolic: by rules from what is heard (default: the one that ships for the layout, "
        "else symbolic)",
    )
    answering.add_argument("--beside", choices=("none", "symbolic"), default="none", help="show the answer by rules as well")
    answering.add_argument(
        "--explain", action="store_true", help="print what was heard and how the answer by rules follows from it"
    )
    answering.add_argument("--listener", metavar="NAME|PATH", help="who hears for the rules; default: as auris listen")
    answering.add_argument("--layout", choices=LAYOUTS, metavar="NAME", help="what the channels are, if the file does not say")
    answering.add_argument("--device", default="auto", help="auto, cpu or cuda (default: auto)")
    answering.add_argument(
        "--precision", choices=PRECISIONS, help="of the language model's weights; 8bit and 4bit need bitsandbytes"
    )


def run(arguments: Namespace) -> int:
    """Run the command."""
    if not arguments.questions and not arguments.chat:
        raise WrongUse('give a question, such as "Where is the dog?", or --chat')
    from auris.asking.conversation import Conversation, checked_question

    for question in arguments.questions:
        checked_question(question)
    conversation = Conversation(
        arguments.file,
        model=arguments.model,
        listener=arguments.listener,
        layout=arguments.layout,
        device=arguments.device,
        precision=arguments.precision,
    )
    session = _Session(arguments, conversation)
    for question in arguments.questions:
        session.answer(question)
    if arguments.chat:
        for question in _typed(conversation):
            session.answer(question)
    return session.finish()


class _Session:
    """Answers questions as the arguments say, and keeps what came of them."""

    def __init__(self, arguments: Namespace, conversation: Conversation) -> None:
        self._arguments, self._conversation = arguments, conversation
        self._replies: list[Reply] = []
        self._failures: list[dict[str, str]] = []
        self._as_lines = not arguments.json and (arguments.chat or len(arguments.questions) == 1)
        self._streams = self._as_lines and sys.stdout.isatty()
        self._heard_shown = False

    def answer(self, question: str) -> None:
        """Answer a question; one that cannot be answered does not keep others from it."""
        beside: Beside = "symbolic" if self._arguments.explain else self._arguments.beside
        try:
            with _streamed(self._streams) as write, _progress(self._conversation) as report:
                reply = self._conversation.ask(question, beside=beside, on_text=write, report=report)
        except (ParameterError, SceneError) as error:
            self._failures.append({"question": question, "error": str(error)})
            error_message(str(error) if self._as_lines else f"{question}: {error}")
            return
        self._replies.append(reply)
        if self._as_lines:
            if not self._streams:
                print(reply.text, flush=True)
            self._show_beside(reply)

    def finish(self) -> int:
        """Print what is printed at the end, and return the exit status."""
        if self._arguments.json:
            print_json(self._document())
        elif not self._as_lines and self._replies:
            by_rules = any(reply.beside for reply in self._replies)
            columns = ["question", "answer", *(["by rules"] if by_rules else []), "model"]
            rows = [(r.question, r.text, *([_beside_text(r)] if by_rules else []), r.model) for r in self._replies]
            print_table(f"Asked of {self._arguments.file}", columns, rows)
            for reply in self._replies:
                self._show_windows(reply)
                if self._arguments.explain:
                    self._explain(reply)
        return 1 if self._failures else 0

    def _show_beside(self, reply: Reply) -> None:
        """Show on standard error what belongs to an answer that is out."""
        if reply.whole is not None:
            message(f"  taken as: {reply.whole}")
        self._show_windows(reply)
        if reply.beside is not None:
            message(f"  by rules: {_beside_text(reply)}")
        if self._arguments.explain:
            self._explain(reply)
        else:
            by_other = reply.why[:1] if reply.model != self._conversation.model else ()
            for line in reply.why if reply.windows else by_other:
                message(f"  {line}")

    def _show_windows(self, reply: Reply) -> None:
        if reply.windows:
            rows = [(window.begin, window.end, window.text) for window in reply.windows]
            print_table(f"Window by window, by {reply.model}", ["from s", "to s", "answer"], rows, to="messages")

    def _explain(self, reply: Reply) -> None:
        """Print the events once, and for each answer how it was understood and compared."""
        from auris.cli.heard import table

        rules = reply.beside or reply
        if rules.scene is not None and not self._heard_shown:
            heard = self._conversation.heard()
            columns, rows = table(heard, heard.scene)
            print_table(f"Heard by {heard.listener}", columns, rows, empty="nothing was heard", to="messages")
            self._heard_shown = True
        message(reply.question)
        if rules.understood:
            message(f"  understood: {rules.understood}")
        for line in dict.fromkeys((*reply.why, *rules.why)):
            message(f"  {line}")

    def _document(self) -> dict[str, Any]:
        """The JSON document: what was heard once, not with every answer."""
        from auris.cli.heard import event_documents

        recording = self._conversation.recording
        listened = any((reply.beside or reply).scene is not None or reply.scene is not None for reply in self._replies)
        heard = self._conversation.heard() if listened else None
        return {
            "file": str(self._arguments.file),
            "layout": recording.layout.name,
            "duration": recording.duration,
            "model": self._conversation.model,
            "listener": None if heard is None else heard.listener,
            "events": None if heard is None else event_documents(heard, heard.scene),
            "replies": [_without_scene(reply) for reply in self._replies],
            "failures": self._failures,
        }


def _without_scene(reply: Reply) -> dict[str, Any]:
    """Return a reply as plain values, without the scene that all share."""
    plain = {key: value for key, value in reply.to_dict().items() if key != "scene"}
    if reply.beside is not None:
        plain["beside"] = {k: v for k, v in reply.beside.to_dict().items() if k not in ("scene", "beside", "question")}
    return plain


def _beside_text(reply: Reply) -> str | None:
    """The answer by rules, or what keeps them from one."""
    if reply.beside is None:
        return None
    return reply.beside.text or f"no answer: {'; '.join(reply.beside.why)}"


def _typed(conversation: Conversation) -> Iterator[str]:
    """Yield the questions on standard input; people at a terminal are prompted."""
    person = sys.stdin.isatty()
    if person:
        message(f"{conversation.model} answers questions about {conversation.recording.name}; quit or Ctrl-D ends")
    while True:
        if person:
            print("> ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        question = line.strip()
        if not line or question.lower() in _QUIT:
            return
        if question:
            yield question


@contextmanager
def _streamed(wanted: bool) -> Iterator[Callable[[str], None] | None]:
    """Yield what writes an answer to a terminal as it comes, and end its line whatever happens; None where none is wanted."""
    begun = False

    def write(text: str) -> None:
        nonlocal begun
        begun = True
        print(text, end="", flush=True)

    try:
        yield write if wanted else None
    finally:
        if begun:
            print(flush=True)


@contextmanager
def _progress(conversation: Conversation) -> Iterator[Callable[[str, float], None]]:
    """Yield what shows how far listening is; the bar is gone before an answer is written."""
    total = conversation.recording.duration
    tasks: dict[str, Any] = {}
    with ExitStack() as shown:

        def report(doing: str, seconds: float) -> None:
            if doing not in tasks:
                shown.close()
                bar = shown.enter_context(progress_bar())
                tasks[doing] = (bar, bar.add_task(f"{doing} (seconds)", total=round(total)))
            bar, task = tasks[doing]
            bar.update(task, completed=round(seconds))
            if seconds >= total - 0.01:
                shown.close()

        yield report
