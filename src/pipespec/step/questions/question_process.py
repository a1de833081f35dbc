"""Ask the user's code questions in one separate process, which answers in order, with one line of JSON each.

`ask` is the parent's half. It starts `python -P -m MODULE`, whose `main` is the other half, `answer_all` or
`answer_at_once`. Answers arrive on a separate descriptor, so that printed text is never taken for an answer; the end of
the printed text is kept. Whatever the code does to its process - exit, crash, hang, fork, print without end - the
parent gets the answers given before it, and how the process ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from pipespec.frozen_values import frozen
from pipespec.step.arguments.planned_sources import PlannedSources
from pipespec.step.step_log import flush_streams

__all__ = ["ChildAnswers", "answer_all", "answer_at_once", "ask"]

_PR_SET_PDEATHSIG: Final = 1
_LAST_WORDS: Final = 4_000  # number of bytes shown of what a process printed before it died


@frozen
class ChildAnswers:
    """`found` are the answers in the order of the questions. If answers are missing, `end` says how the process ended."""

    found: tuple[dict[str, Any], ...]
    end: str = ""
    last_words: str = ""
    """The end of what the process printed."""


def ask(
    module: str,
    questions: Sequence[object],
    *,
    folders: Sequence[str],
    root: str,
    timeout: float,
    is_for_each: bool = False,
) -> ChildAnswers:
    """Send questions to `module`. `timeout` is in seconds, for all of them together or for each."""
    task = {"folders": list(folders), "root": root, "questions": list(questions)}
    reading, writing = os.pipe()
    with tempfile.TemporaryFile() as question:
        question.write(json.dumps(task).encode())
        question.seek(0)
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, str(writing)],
            stdin=question,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[writing],
            start_new_session=True,  # so that only this process gets Ctrl-C, and all processes that the new one starts can be ended
        )
    os.close(writing)
    assert process.stdout is not None
    reader = _Reader(reading, process.stdout.fileno(), len(questions), timeout, is_for_each=is_for_each)
    try:
        reader.read()
        end = _end_of(process, reader, timeout) if reader.lines < len(questions) else ""
    finally:
        os.close(reading)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
    lines = bytes(reader.answers).split(b"\n")[:-1]  # text after the last line end is incomplete
    return ChildAnswers(tuple(map(json.loads, lines)), end, reader.printed.decode(errors="replace").strip())


class _Reader:
    """Reads answers and printed text at once, until all answers are there, the answers end, or the time is over."""

    def __init__(self, answers: int, printed: int, count: int, timeout: float, *, is_for_each: bool) -> None:
        self.answers = bytearray()
        self.printed = b""
        self.lines = 0
        self._places = {answers: self._answer, printed: self._print}
        self._count = count
        self._timeout = timeout
        self._is_for_each = is_for_each
        self._deadline = time.monotonic() + timeout

    @property
    def rest(self) -> float:
        """Return the remaining seconds."""
        return max(self._deadline - time.monotonic(), 0.0)

    def read(self) -> None:
        """Read until the answers end. The process may still print afterwards."""
        with selectors.DefaultSelector() as selector:
            for descriptor, take in self._places.items():
                selector.register(descriptor, selectors.EVENT_READ, take)
            answers = next(iter(self._places))
            while self.lines < self._count and (ready := selector.select(self.rest)):
                for key, _ in sorted(
                    ready, key=lambda one: one[0].fd == answers
                ):  # it was printed before the answer
                    chunk = os.read(key.fd, 1 << 16)
                    key.data(chunk)
                    if not chunk:
                        selector.unregister(key.fd)
                if answers not in selector.get_map():
                    return
                if self.rest == 0.0:  # a process that prints without end is always ready
                    return

    def _answer(self, chunk: bytes) -> None:
        self.answers += chunk
        found = chunk.count(b"\n")
        self.lines += found
        if found and self._is_for_each:
            self.printed = b""
            self._deadline = time.monotonic() + self._timeout

    def _print(self, chunk: bytes) -> None:
        self.printed = (self.printed + chunk)[-_LAST_WORDS:]

    def drain(self) -> None:
        """Read what a process printed last before it ended."""
        _, printed = self._places
        os.set_blocking(printed, False)
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(printed, 1 << 16):
                self._print(chunk)
                if self.rest == 0.0:  # a process that it started still prints
                    return


def _end_of(process: subprocess.Popen[bytes], reader: _Reader, timeout: float) -> str:
    """Say how a process ended that has closed the descriptor of its answers."""
    try:
        code = _wait(process, reader)
    except subprocess.TimeoutExpired:
        return f"it took longer than {timeout:g} seconds"
    finally:
        reader.drain()
    return _ending(code)


def _ending(code: int) -> str:
    return (
        f"its process was killed by signal {-code}"
        if code < 0
        else f"its process ended with exit code {code}"
    )


def _wait(process: subprocess.Popen[bytes], reader: _Reader) -> int:
    """Wait for the process to end, and read what it prints meanwhile: it would block on a full pipe."""
    while reader.rest > 0.05:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(0.05)
        reader.drain()
    return process.wait(0)


def answer_all(answer: Callable[[Any, Sequence[str]], dict[str, Any]]) -> None:
    """Answer the questions on stdin with `answer`, which gets each question with the project's folders and never raises."""
    task, answers = _task()
    PlannedSources({}, "", task["folders"]).install()
    pid = os.getpid()
    for question in task["questions"]:
        os.chdir(task["root"])
        line = json.dumps(answer(question, task["folders"])) + "\n"
        flush_streams()  # printed text belongs to the question that was asked
        if os.getpid() != pid:
            break  # a fork of the user's code also returned here
        _write(answers, line.encode())
    flush_streams()
    os._exit(0)  # nothing that the code left running, such as a thread, may delay the end


def answer_at_once(answer: Callable[[Any], dict[str, Any]]) -> None:
    """Answer the questions on stdin in parallel, each in a fork, so that no question prevents the answer to another.

    An answer contains the `number` of its question, from 0 on. If a fork ends without an answer, `ended` says how.
    """
    task, answers = _task()
    asked: dict[int, int] = {}
    for number, question in enumerate(task["questions"]):
        if not (pid := os.fork()):
            _die_with_parent()
            _write(answers, f"{json.dumps({'number': number, **answer(question)})}\n".encode())
            os._exit(0)
        asked[pid] = number
    while asked:
        pid, status = os.wait()
        if status and pid in asked:
            told = {"number": asked[pid], "ended": _ending(os.waitstatus_to_exitcode(status))}
            _write(answers, f"{json.dumps(told)}\n".encode())
        asked.pop(pid, None)
    os._exit(0)


def _task() -> tuple[dict[str, Any], int]:
    """Return the questions, and the descriptor for the answers. The process ends when its parent ends."""
    _die_with_parent()
    task = json.load(sys.stdin)
    # A private copy of the descriptor: forks and children of the user's code must not keep the pipe open.
    answers = os.dup(int(sys.argv[1]))
    os.close(int(sys.argv[1]))
    del sys.argv[1:]
    return task, answers


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _write(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]
