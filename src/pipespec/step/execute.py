"""One step, once: from a `StepJob` to a `StepOutcome`, in a process that is the step's own.

Takes a job and what only the caller knows (how to fetch, how to read code); gives an outcome, whatever the
user's code does short of ending the process. It changes the process for good: directory, environment,
streams, `sys.path`, random numbers. It knows neither Luigi nor MLflow.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

from pipespec.document.wording import quote
from pipespec.faults import reach
from pipespec.step.binding import Binding, bind, convert_params, returned_values
from pipespec.step.callables import import_callable, prepare_imports
from pipespec.step.digest import digest_file
from pipespec.step.failure import StepError, describe, shown
from pipespec.step.inputs import load_input
from pipespec.step.log import attach_streams, clean_log, flush_streams, open_log
from pipespec.step.metrics import read_metrics
from pipespec.step.model import Failure, SavedOutput, StepJob, StepOutcome
from pipespec.step.outputs import check_output, make_place, save_output, undeclared
from pipespec.step.secret import Redactor, fill, redactor
from pipespec.step.seeds import seed_all, seed_on_import
from pipespec.step.sources import Localise

__all__ = ["execute"]

_FORKED: Final = 70
"""The exit code of what a function forked, and what then returned from it: EX_SOFTWARE of sysexits.h."""


def execute(
    job: StepJob,
    *,
    localise: Localise | None = None,
    code_digest: Callable[[], str] | None = None,
    during: Callable[[], AbstractContextManager[object]] = contextlib.nullcontext,
    on_error: Callable[[BaseException], None] | None = None,
    attach: bool = True,
) -> StepOutcome:
    """Execute a job. Everything that goes wrong is in the outcome's `failure`; nothing is raised.

    Args:
        job: What to do; `job.staging` and `job.log` are this execution's own.
        localise: Brings inputs that are elsewhere to this machine; without it such inputs fail.
        code_digest: Says the digest of the callable's code as it is now; called once the module is imported.
        during: Entered around the call, after inputs are loaded and before anything is saved.
        on_error: Told the live exception of a failure before it becomes text, for a debugger.
        attach: False leaves the streams alone, for a debugger on the terminal.
    """
    started = time.monotonic()
    execution = _Execution(job, localise, code_digest, during, attach=attach)
    failure: Failure | None = None
    outputs: tuple[SavedOutput, ...] = ()
    metrics: Mapping[str, float] = {}
    try:
        outputs, metrics = execution.run()
    except BaseException as error:  # noqa: BLE001 - SystemExit and KeyboardInterrupt of a function fail its step
        execution.require_sole()
        if on_error is not None:
            on_error(error)
        failure = describe(error, execution.redact)
    execution.close(failure)
    return StepOutcome(job.step, time.monotonic() - started, outputs, metrics, _peak_bytes(), failure)


class _Execution:
    """The stages of one execution, and how the process is kept in order around the user's code."""

    def __init__(
        self,
        job: StepJob,
        localise: Localise | None,
        code_digest: Callable[[], str] | None,
        during: Callable[[], AbstractContextManager[object]],
        *,
        attach: bool,
    ) -> None:
        self._job = job
        self._localise = localise
        self._code_digest = code_digest
        self._during = during
        self._attach = attach
        self._log: int | None = None
        self._pid = os.getpid()
        self._umask = _umask()
        self._recursion = sys.getrecursionlimit()
        self._staging = Path(job.staging).resolve()
        self.redact: Redactor = redactor(
            dict(job.params), {**os.environ, **job.environment}, names=job.secrets
        )

    def run(self) -> tuple[tuple[SavedOutput, ...], Mapping[str, float]]:
        self._prepare()
        function = self._import()
        params = fill(dict(self._job.params), os.environ)
        assert isinstance(params, dict)
        binding = bind(function, self._job.inputs, params, self._job.outputs)
        savers = {output.name: self._callable(output.save_call) for output in self._job.outputs}
        arguments = convert_params(params, binding.annotations) | self._inputs(binding)
        places = self._places(binding)
        arguments |= {output.name: places[output.name] for output in binding.written}
        value = self._call(function, arguments)
        return self._save(binding, value, places, savers)

    def _prepare(self) -> None:
        if self._attach:
            self._log = open_log(Path(self._job.log))
            attach_streams(self._log)
        os.environ.setdefault("MPLBACKEND", "Agg")  # a step has no screen
        os.environ.update(self._job.environment)
        os.chdir(self._job.root)
        prepare_imports(self._job.module_folders)
        seed_on_import(self._job.seed)
        seed_all(self._job.seed)

    def _import(self) -> Callable[..., Any]:
        self._require_planned_files()
        function = import_callable(self._job.call, self._job.module_folders)
        self.require_sole()
        self._require_planned_files()
        if self._code_digest is not None and self._job.code_digest is not None:
            digest = self._code_digest()
            if digest != self._job.code_digest:
                raise StepError(
                    "changed",
                    f"the code of {quote(self._job.call)} is not what was planned: its digest is {digest}, expected was {self._job.code_digest}",
                )
        return function

    def _require_planned_files(self) -> None:
        for file, planned in self._job.code_files.items():
            try:
                digest, _ = digest_file(Path(file))
            except FileNotFoundError:
                raise StepError("changed", f"{shown(file)} is gone since the run was planned") from None
            if digest != planned:
                raise StepError("changed", f"{shown(file)} changed since the run was planned; run again")

    def _callable(self, call: str | None) -> Callable[..., Any] | None:
        return None if call is None else import_callable(call, self._job.module_folders)

    def _inputs(self, binding: Binding) -> dict[str, Any]:
        return {
            job.argument: load_input(
                job,
                binding.annotations.get(job.argument),
                self._staging / "inputs" / job.argument,
                call=self._callable(job.load_call),
                localise=self._localise,
            )
            for job in self._job.inputs
        }

    def _places(self, binding: Binding) -> dict[str, Path]:
        """Where each output is to be; a directory is made for whoever writes into it, not for one that is returned."""
        return {
            output.name: make_place(
                self._staging,
                output,
                empty_directory=output in binding.written or output.save_call is not None,
            )
            for output in self._job.outputs
        }

    def _call(self, function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
        with self._during():
            seed_all(self._job.seed)
            reach("step.before-call")
            try:
                value = function(**arguments)
            finally:
                self._repair()
            reach("step.after-call")
        return value

    def require_sole(self) -> None:
        """End what the user's code forked and what came back out of it: a step has one result."""
        if os.getpid() != self._pid:
            flush_streams()
            os._exit(_FORKED)

    def _repair(self) -> None:
        """Put right what the user's code may have left that would harm what we do after it."""
        self.require_sole()
        signal.setitimer(signal.ITIMER_REAL, 0)
        os.umask(self._umask)
        sys.setrecursionlimit(max(self._recursion, sys.getrecursionlimit()))
        if self._log is not None:
            try:
                attach_streams(self._log)
            except OSError:  # it closed every descriptor, ours too
                self._log = open_log(Path(self._job.log))
                attach_streams(self._log)

    def _save(
        self,
        binding: Binding,
        value: object,
        places: Mapping[str, Path],
        savers: Mapping[str, Callable[..., Any] | None],
    ) -> tuple[tuple[SavedOutput, ...], Mapping[str, float]]:
        values = returned_values(value, binding.returned)
        for output in binding.returned:
            save_output(values[output.name], places[output.name], output, savers[output.name])
        self._repair()
        outputs = tuple(check_output(places[output.name], output) for output in self._job.outputs)
        for name in undeclared(self._staging, self._job.outputs):
            sys.stderr.write(f"pipespec: {quote(name)} is no declared output, and is not kept\n")
        metrics = self._metrics(places)
        reach("step.after-save")
        return outputs, metrics

    def _metrics(self, places: Mapping[str, Path]) -> Mapping[str, float]:
        if self._job.metrics is None:
            return {}
        name, part = self._job.metrics
        output = next(output for output in self._job.outputs if output.name == name)
        return read_metrics(name, places[name], output.file, part)

    def close(self, failure: Failure | None) -> None:
        """Write what failed to the log, and leave the log bounded and without secrets."""
        if failure is not None:
            with contextlib.suppress(Exception):
                sys.stderr.write(f"{failure.traceback}\npipespec: {failure.message}\n".lstrip())
        flush_streams()
        if self._log is not None:
            with contextlib.suppress(OSError):
                clean_log(Path(self._job.log), self.redact)
                os.close(self._log)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _peak_bytes() -> int:
    """The largest resident memory of this process or of any of its children, so far."""
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return peak if sys.platform == "darwin" else peak * 1024
