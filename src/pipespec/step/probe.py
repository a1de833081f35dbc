"""Probes: functions that say what a key cannot see, asked once for a plan, in one process of their own.

Takes the probes of a plan with their steps' params; gives their JSON answers. The user's code runs in
`python -P -m pipespec.step.probe`, which reads its task from stdin and answers over a descriptor of its own, so
that nothing printed is taken for an answer. Refuses what is no JSON, too much of it, and what takes too long.
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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Final

from pipespec.document.nodes import JSON
from pipespec.document.wording import quote
from pipespec.errors import PipespecError, UsageError
from pipespec.plan.identity import canonical
from pipespec.step.annotations import live_arguments
from pipespec.step.binding import bind, convert_params
from pipespec.step.callables import import_callable, prepare_imports
from pipespec.step.failure import StepError, describe
from pipespec.step.formats.values import to_json
from pipespec.step.log import flush_streams
from pipespec.step.secret import fill, redactor

__all__ = ["MAX_ANSWER", "ProbeFailedError", "ProbeProblem", "ProbeRequest", "main", "run_probes"]

MAX_ANSWER: Final = 64 << 10
"""Characters of one answer in canonical JSON: it is kept in the step's key parts."""

_PR_SET_PDEATHSIG: Final = 1
_LAST_WORDS: Final = 4_000  # bytes shown of what a process printed before it died


@dataclass(frozen=True, slots=True)
class ProbeRequest:
    """One question: the function `probe` (`module:function`) of the step with this id, and the step's params."""

    step: str
    probe: str
    params: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class ProbeProblem:
    """Why a probe gave no answer; `message` is one line, `traceback` the user's frames."""

    step: str
    probe: str
    message: str
    traceback: str = ""


class ProbeFailedError(UsageError):
    """At least one probe gave no answer, so nothing can be planned; its text names the first."""

    def __init__(self, problems: Sequence[ProbeProblem]) -> None:
        self.problems = tuple(problems)
        first = self.problems[0]
        more = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
        super().__init__(
            f"step {quote(first.step)}: its probe {quote(first.probe)} failed: {first.message}{more}"
        )

    def __reduce__(self) -> tuple[type[ProbeFailedError], tuple[object, ...]]:
        return type(self), (self.problems,)


def run_probes(
    probes: Sequence[ProbeRequest], *, module_folders: Sequence[str], root: str, timeout: float
) -> Mapping[str, JSON]:
    """Ask all probes in one process, and return the answers by step id.

    A probe gets those of the step's params that it has arguments for. `timeout` is in seconds, for all of them
    together. Secrets in params are filled in from this process's environment.

    Raises:
        ProbeFailedError: with every probe that failed; of a process that died, the one that it died in.
    """
    if not probes:
        return {}
    task = {
        "folders": list(module_folders),
        "root": root,
        "probes": [[probe.probe, dict(probe.params)] for probe in probes],
    }
    with tempfile.TemporaryFile() as printed:
        answers, end = _ask(json.dumps(task).encode(), len(probes), timeout, printed)
        redact = redactor([dict(probe.params) for probe in probes], os.environ)
        last_words = redact(_tail(printed))
    problems = [
        ProbeProblem(probe.step, probe.probe, answer["message"], answer["traceback"])
        for probe, answer in zip(probes, answers, strict=False)
        if "message" in answer
    ]
    if len(answers) < len(probes):
        culprit = probes[len(answers)]
        problems.append(ProbeProblem(culprit.step, culprit.probe, end, last_words))
    if problems:
        raise ProbeFailedError(problems)
    return {probe.step: answer["answer"] for probe, answer in zip(probes, answers, strict=True)}


def _ask(task: bytes, count: int, timeout: float, printed: IO[bytes]) -> tuple[list[dict[str, Any]], str]:
    """Run the process; return its answers in order, and, where there are not `count`, how it ended."""
    deadline = time.monotonic() + timeout
    reading, writing = os.pipe()
    with tempfile.TemporaryFile() as question:
        question.write(task)
        question.seek(0)
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", f"{__package__}.probe", str(writing)],
            stdin=question,
            stdout=printed,
            stderr=printed,
            pass_fds=[writing],
            start_new_session=True,  # so that Ctrl-C reaches us alone, and all that it starts can be ended
        )
    os.close(writing)
    try:
        content = _read_lines(reading, count, deadline)
        end = (
            _end_of(process, max(deadline - time.monotonic(), 0.0), timeout)
            if content.count(b"\n") < count
            else ""
        )
    finally:
        os.close(reading)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    lines = content.split(b"\n")[:-1]  # what comes after the last line end is torn
    return [json.loads(line) for line in lines], end


def _end_of(process: subprocess.Popen[bytes], rest: float, timeout: float) -> str:
    try:
        code = process.wait(rest)
    except subprocess.TimeoutExpired:
        return f"it took longer than {timeout:g} seconds"
    return (
        f"its process was killed by signal {-code}"
        if code < 0
        else f"its process ended with exit code {code}"
    )


def _read_lines(descriptor: int, count: int, deadline: float) -> bytes:
    """Read until there are so many lines, the pipe ends, or it is too late."""
    content = bytearray()
    lines = 0
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while lines < count and selector.select(max(deadline - time.monotonic(), 0.0)):
            chunk = os.read(descriptor, 1 << 16)
            if not chunk:
                break
            lines += chunk.count(b"\n")
            content += chunk
    return bytes(content)


def _tail(printed: IO[bytes]) -> str:
    size = printed.seek(0, os.SEEK_END)
    printed.seek(max(size - _LAST_WORDS, 0))
    return printed.read().decode(errors="replace").strip()


def main() -> None:
    """Answer the task on stdin: one line of JSON for each request, in order."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    task = json.load(sys.stdin)
    # A private copy of the descriptor: what a probe forks or starts must not keep the pipe open.
    answers = os.dup(int(sys.argv[1]))
    os.close(int(sys.argv[1]))
    del sys.argv[1:]
    prepare_imports(task["folders"])
    pid = os.getpid()
    for probe, params in task["probes"]:
        os.chdir(task["root"])
        line = json.dumps(_answer(probe, params, task["folders"])) + "\n"
        if os.getpid() != pid:
            break  # a fork came back from the probe, too
        _write(answers, line.encode())
    flush_streams()
    os._exit(0)  # nothing that a probe left behind, such as a thread, may keep us


def _answer(probe: str, params: dict[str, JSON], folders: Sequence[str]) -> dict[str, Any]:
    redact = redactor(params, os.environ)
    try:
        function = import_callable(probe, folders)
        known = live_arguments(function)
        if known is not None and not any(argument.is_rest for argument in known.values()):
            params = {name: value for name, value in params.items() if name in known}
        filled = fill(params, os.environ)
        assert isinstance(filled, dict)
        binding = bind(function, (), filled, ())
        answer = function(**convert_params(filled, binding.annotations))
        return {"answer": redact.value(_checked(answer))}  # it stands in the step's key parts
    except BaseException as error:  # noqa: BLE001 - also what a probe exits with
        failure = describe(error, redact)
        return {"message": failure.message, "traceback": failure.traceback}


def _checked(answer: object) -> JSON:
    try:
        value = to_json(answer)
        length = len(canonical(value))
    except PipespecError as error:
        raise StepError("probe", f"its answer has no place in a key: {error}") from None
    if length > MAX_ANSWER:
        raise StepError(
            "probe", f"its answer has {length} characters, more than {MAX_ANSWER}; a digest would do"
        )
    return value


def _write(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


if __name__ == "__main__":
    main()
