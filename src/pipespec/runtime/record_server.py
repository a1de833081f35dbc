"""The process that serves the tasks of a rendered module: `python -P -m pipespec.runtime.record_server FD`.

Takes a pickled `Declared` and the command line on its standard input, then questions over a listening socket, one line
of JSON each. Answers each with one line. It is the only process that has the store open: it looks up records, executes
steps as `pipespec run` does, and publishes. It ends on SIGTERM, or when the process that started it is gone. Whatever
is executing is then ended, and its run is marked KILLED.

    {"ask": "plan"}                 plan everything again, unless steps are executing -> {"complete": [ids]}
    {"ask": "complete", "step": id} -> {"complete": [ids]}, which includes the step if it is complete
    {"ask": "run", "step": id}      -> {"done": id}, or {"failed": [lines]}
    if nothing can be decided       -> {"error": line, "code": exit code}
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import queue
import shlex
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping
from functools import cached_property, partial
from typing import Any, BinaryIO, Final, TypeAlias

from pipespec.document.nodes import JSON
from pipespec.engine.open_engine import Opened, opened
from pipespec.engine.run_settings import RunSettings
from pipespec.errors import PipespecError, StoreUnavailableError
from pipespec.operations.planning.open_store import read_store, write_store
from pipespec.operations.reporting.run_environment import about, new_invocation
from pipespec.plan.plan import Plan
from pipespec.plan.results import RunReport, StepResult, StepState
from pipespec.plan.store_name import StoreName
from pipespec.project.planned_inputs import PlannedInputs
from pipespec.runtime.declared import Declared
from pipespec.runtime.rendered_plans import ModulePlans, complete_steps
from pipespec.state_folder import StateFolder
from pipespec.step.secrets import redactor
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.record_names import RUN_FILE
from pipespec.tracking.tracking_uri import shown
from pipespec.views.run_view import to_json

__all__ = ["RecordServer", "main"]

_TICK: Final = 0.25
"""Seconds between checks whether the process that started this one still exists."""

_SLOTS: Final = 1 << 16
"""Maximum number of steps that execute at a time. The real limit is in Luigi, which counts the steps."""

Question: TypeAlias = Mapping[str, Any] | None
"""None if the client that asked is gone."""


class RecordServer:
    """Answers questions in one thread. Other threads only read them."""

    def __init__(self, declared: Declared, command: list[str], stack: contextlib.ExitStack) -> None:
        self._declared = declared
        self._command = command
        self._stack = stack
        self._questions: queue.SimpleQueue[tuple[BinaryIO, Question]] = queue.SimpleQueue()
        self._waiting: dict[str, list[BinaryIO]] = {}
        """The clients that wait for each step that executes."""
        self._results: dict[str, StepResult] = {}
        """The results of all plans so far."""
        self._run: Opened | None = None
        self._began = time.monotonic()
        self._stopped: int | None = None

    def listen(self, listener: socket.socket) -> None:
        """Accept questions from every client, until the process ends."""
        threading.Thread(target=self._accept, args=[listener], daemon=True).start()

    def stop(self, signum: int) -> None:
        """End what executes, and then the process. May be called from a signal handler."""
        self._stopped = signum

    def serve(self, parent: int) -> None:
        """Answer until stopped, or until the process with this number is gone.

        Raises:
            StoreUnavailableError: if what executes cannot be recorded. All waiting clients are told first.
        """
        is_orphan = False
        while self._stopped is None or (self._run is not None and self._run.invocation.is_busy):
            if not is_orphan and os.getppid() != parent:
                is_orphan = True
                signal.raise_signal(signal.SIGTERM)
            try:
                self._turn()
            except StoreUnavailableError as error:
                for step in list(self._waiting):
                    self._tell(step, _refusal(error))
                raise
        self._finish()

    def _turn(self) -> None:
        with contextlib.suppress(queue.Empty):
            self._answer_next(*self._questions.get(block=self._run is None, timeout=_TICK))
            while True:
                self._answer_next(*self._questions.get_nowait())
        if self._run is not None:
            self._run.invocation.turn()
            self._stopped = self._stopped or self._run.interrupts.signum
            self._tell_of_ended()

    def _answer_next(self, asker: BinaryIO, question: Question) -> None:
        if question is None:
            self._forget(asker)
            return
        try:
            answer = self._answer(asker, question)
        except (PipespecError, OSError) as error:
            answer = _refusal(error)
        if answer is not None:
            _say(asker, answer)
        self._tell_of_ended()

    def _answer(self, asker: BinaryIO, question: Mapping[str, Any]) -> dict[str, Any] | None:
        match question:
            case {"ask": "plan"}:
                return {"complete": self._complete(self._planned(None))}
            case {"ask": "complete", "step": str(step)}:
                return {"complete": self._complete(self._planned(step))}
            case {"ask": "run", "step": str(step)}:
                return self._begin(asker, step)
            case _:
                return {"error": "this is no question", "code": 2}

    @cached_property
    def _ledger(self) -> Ledger:
        return self._stack.enter_context(read_store(self._declared.spec))

    @cached_property
    def _plans(self) -> ModulePlans:
        return ModulePlans(self._declared, self._ledger)

    def _planned(self, step: str | None) -> Plan:
        """Return the plan that contains a step. For None, return a plan of all steps, made again unless steps are executing."""
        plan = self._plans.plan
        is_anew = step is None and not self._waiting
        if plan is None or is_anew or (step is not None and step not in plan.decisions):
            plan = self._plans.look(self._declared.spec.steps if step is None else (step,))
            if self._run is not None:
                plan = self._plans.counted(plan)
                if is_anew:
                    self._results |= self._run.invocation.settled.results
                    self._run.invocation.forget()
                self._run.invocation.take(plan)
        return plan

    def _complete(self, plan: Plan) -> list[str]:
        if self._run is None:
            return complete_steps(plan)
        return [step for step in plan.decisions if step in self._run.invocation.settled.records]

    def _begin(self, asker: BinaryIO, step: str) -> dict[str, Any] | None:
        plan = self._planned(step)
        run = self._opened(plan)
        if step in run.invocation.settled.records:
            return {"done": step}
        if step in self._waiting:
            self._waiting[step].append(asker)
        else:
            run.invocation.begin(step)
            self._waiting[step] = [asker]
        return None

    def _opened(self, plan: Plan) -> Opened:
        if self._run is None:
            plan = self._plans.counted(plan)
            settings = self._settings(plan)
            self._run = self._stack.enter_context(
                opened(
                    plan,
                    ledger=self._ledger,
                    open_recorder=partial(write_store, self._declared.spec),
                    settings=settings,
                )
            )
            self._run.invocation.take(plan)
        return self._run

    def _settings(self, plan: Plan) -> RunSettings:
        spec = plan.pipeline
        source = spec.file.relative_to(spec.root).as_posix()
        files = {f"pipespec/{self._declared.module.name}": self._declared.module.read_text(encoding="utf-8")}
        params: dict[str, JSON] = {step.id: step.param_values for step in spec.steps.values()}
        return RunSettings(
            state=StateFolder.of(spec.root).made(),
            invocation=lambda: new_invocation(
                spec, command=shlex.join(self._command), source=source, files=files, tags={}
            ),
            external=PlannedInputs(spec.root, self._plans.files, {}),
            workers=_SLOTS,
            keep_going=True,
            counts_resources=False,
            redact=redactor(params, os.environ),
            about=about(),
            report_files=lambda report: {RUN_FILE: json.dumps(to_json(report), indent=2) + "\n"},
        )

    def _outcome(self, step: str) -> dict[str, Any]:
        assert self._run is not None
        result = self._run.invocation.settled.results[step]
        if step in self._run.invocation.settled.records:
            return {"done": step}
        log = [] if result.log is None else [f"log: {result.log}"]
        return {"failed": [result.error or "it failed", *result.traceback.splitlines(), *log]}

    def _tell_of_ended(self) -> None:
        while self._run is not None and (ended := self._run.invocation.pop_ended()):
            self._tell(ended[0], self._outcome(ended[0]))

    def _tell(self, step: str, answer: dict[str, Any]) -> None:
        for asker in self._waiting.pop(step, ()):
            _say(asker, answer)

    def _forget(self, asker: BinaryIO) -> None:
        """End the steps for which no client waits after this client is gone."""
        for step, askers in self._waiting.items():
            if asker in askers:
                askers.remove(asker)
                if not askers and self._run is not None:
                    self._run.invocation.cancel(step)

    def _finish(self) -> None:
        """End the invocation's run. It contains the results of the steps that had a turn or needed none."""
        if self._run is None:
            return
        results = self._results | self._run.invocation.settled.results
        is_cut = any(result.state is StepState.CANCELLED for result in results.values())
        report = RunReport(
            self._run.attempts.invocation,
            tuple(results.values()),
            time.monotonic() - self._began,
            StoreName(shown(self._ledger.tracking_uri), self._declared.spec.root),
            self._stopped if is_cut else None,
        )
        self._run.attempts.finish(report)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            link, _ = listener.accept()
            threading.Thread(target=self._read, args=[link], daemon=True).start()

    def _read(self, link: socket.socket) -> None:
        file = link.makefile("rwb", buffering=0)
        with contextlib.suppress(OSError, ValueError):
            lines = link.makefile("rb")
            for line in lines:
                self._take(file, json.loads(line))
        self._take(file, None)

    def _take(self, asker: Any, question: Question) -> None:
        self._questions.put((asker, question))
        if self._run is not None:
            self._run.executor.wake()


def _refusal(error: PipespecError | OSError) -> dict[str, Any]:
    code = error.exit_code if isinstance(error, PipespecError) else PipespecError.exit_code
    return {"error": str(error), "code": code}


def _say(asker: BinaryIO, answer: Mapping[str, Any]) -> None:
    with contextlib.suppress(OSError):  # the client is gone
        asker.write(json.dumps(answer).encode() + b"\n")


def main() -> None:
    """Serve the process that started this one."""
    parent = os.getppid()
    listener = socket.socket(fileno=int(sys.argv[1]))
    declared, command = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the parent process, through a private pipe
    sys.stdin.close()
    with contextlib.ExitStack() as stack:
        server = RecordServer(declared, command, stack)
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(signum, lambda signum, _: server.stop(signum))
        server.listen(listener)
        with contextlib.suppress(StoreUnavailableError):
            server.serve(parent)


if __name__ == "__main__":
    main()
