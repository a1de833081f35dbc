"""Execute one step once, from a `StepJob` to a `StepOutcome`, in a process that only this step uses.

Takes a job and what only the caller knows (how to fetch, how to read code). Returns an outcome, whatever the user's
code does, unless it ends the process. Changes the process permanently: directory, environment, streams, `sys.path`,
random numbers. Does not import Luigi or MLflow.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
import time
from collections import ChainMap
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

from pipespec.document.nodes import JSON
from pipespec.document.wording import quote
from pipespec.fault_points import reach
from pipespec.plan.witness import NO_WITNESS, Witness
from pipespec.step.arguments.argument_binding import ArgumentBinding, bind, convert_params
from pipespec.step.arguments.callable_import import import_callable
from pipespec.step.arguments.input_loading import load_input
from pipespec.step.arguments.planned_sources import PlannedSources
from pipespec.step.arguments.verified_content import Localise
from pipespec.step.failure import StepError, describe
from pipespec.step.formats.type_names import name_of
from pipespec.step.memory_limit import limited_memory
from pipespec.step.model_files import ModelFiles, SavedParts, without_models
from pipespec.step.process_ending import end_as_python_does, forget_exit_callbacks
from pipespec.step.random_seeds import seed_all, seed_on_import
from pipespec.step.results.after_arguments import after_arguments
from pipespec.step.results.metric_reading import read_metrics
from pipespec.step.results.model_parts import bundled_code, shown_to
from pipespec.step.results.output_saving import (
    check_output,
    fitted_output,
    make_place,
    naming,
    save_output,
    undeclared,
)
from pipespec.step.results.output_taking import take_outputs
from pipespec.step.results.returned_values import returned_values
from pipespec.step.secrets import Redactor, fill, redactor
from pipespec.step.step_job import (
    Failure,
    OutputJob,
    SavedOutput,
    StepJob,
    StepOutcome,
    taken_outputs,
    tested_outputs,
    written_outputs,
)
from pipespec.step.step_log import attach_streams, clean_log, flush_streams, open_log
from pipespec.step.step_logging import log_on_import
from pipespec.step.witness.take_witness import WitnessTaking

__all__ = ["execute"]

_FORKED: Final = 70
"""The exit code of a process that the function forked and that returned from the function: EX_SOFTWARE of sysexits.h."""


def execute(
    job: StepJob,
    *,
    localise: Localise | None = None,
    models: ModelFiles | None = None,
    code_digest: Callable[[], str] | None = None,
    during: Callable[[], AbstractContextManager[object]] = contextlib.nullcontext,
    on_error: Callable[[BaseException], None] | None = None,
    on_saved: Callable[[], None] = lambda: None,
    attach: bool = True,
) -> StepOutcome:
    """Execute a job. Every failure is in the outcome's `failure`; nothing is raised.

    Args:
        job: What to do. `job.staging` and `job.log` belong to this execution only.
        localise: Fetches inputs that are elsewhere to this machine. Without it, such inputs fail.
        models: Saves and loads MLflow models. Without it, such inputs and outputs fail.
        code_digest: Returns the current digest of the callable's code. Called after the module is imported.
        during: Entered around the call: after inputs are loaded and before anything is saved.
        on_error: Gets the live exception of a failure before it is turned into text, for a debugger.
        on_saved: Called when the user's code has run and what it returned is saved; not if it failed.
        attach: False leaves the streams unchanged, for a debugger on the terminal.
    """
    started = time.monotonic()
    execution = _StepExecution(job, localise, models, code_digest, during, on_saved, attach=attach)
    failure: Failure | None = None
    outputs: tuple[SavedOutput, ...] = ()
    metrics: Mapping[str, float] = {}
    witness = NO_WITNESS
    try:
        with limited_memory(job.memory_limit):
            outputs, metrics, witness = execution.run()
    except BaseException as error:  # noqa: BLE001 - SystemExit and KeyboardInterrupt of a function fail its step
        execution.require_sole()
        if on_error is not None:
            on_error(error)
        failure = describe(error, execution.redact)
    execution.close(failure)
    return StepOutcome(
        job.step, time.monotonic() - started, outputs, metrics, _peak_bytes(), failure, witness
    )


class _StepExecution:
    """The stages of one execution, and the protection of the process against the user's code."""

    def __init__(
        self,
        job: StepJob,
        localise: Localise | None,
        models: ModelFiles | None,
        code_digest: Callable[[], str] | None,
        during: Callable[[], AbstractContextManager[object]],
        on_saved: Callable[[], None],
        *,
        attach: bool,
    ) -> None:
        self._job = job
        self._localise = localise
        self._models = models
        self._code_digest = code_digest
        self._during = during
        self._on_saved = on_saved
        self._attach = attach
        self._log: int | None = None
        self._pid = os.getpid()
        self._umask = _umask()
        self._recursion = sys.getrecursionlimit()
        self._staging = Path(job.staging).resolve()
        self._sources = PlannedSources(job.code_files, job.code_folder, job.module_folders)
        self.redact: Redactor = redactor(
            dict(job.params), ChainMap(dict(job.environment), os.environ), names=job.secrets
        )

    def run(self) -> tuple[tuple[SavedOutput, ...], Mapping[str, float], Witness]:
        self._prepare()
        if self._job.witness is None:
            return *self._execute(), NO_WITNESS
        with WitnessTaking(self._job.witness, self._job.code_files) as taking:
            outputs, metrics = self._execute()
            return outputs, metrics, taking.witness()

    def _execute(self) -> tuple[tuple[SavedOutput, ...], Mapping[str, float]]:
        function = self._import()
        params = fill(dict(self._job.params), os.environ)
        assert isinstance(params, dict)
        binding = bind(function, self._job.inputs, params, self._job.outputs)
        for output in self._job.outputs:
            if output.model is not None:
                with naming(output):
                    without_models(self._models).require(output.model.flavor)
        after = self._callable(self._job.after)
        savers = {output.name: self._callable(output.save_call) for output in self._job.outputs}
        converted = convert_params(params, binding.annotations)
        inputs = self._inputs(binding)
        places = self._places(binding)
        written = {output.name: places[output.name] for output in binding.written}
        value = self._call(function, binding.arguments(inputs, converted, written))
        saved = self._save(
            binding, value, inputs, places, savers, lambda: self._test_outputs(after, params, places)
        )
        self._sources.require_nothing_else()
        return saved

    def _prepare(self) -> None:
        if self._attach:
            self._log = open_log(Path(self._job.log))
            attach_streams(self._log)
            log_on_import()
            forget_exit_callbacks()
        os.environ.setdefault("MPLBACKEND", "Agg")  # a step has no screen
        os.environ.update(self._job.environment)
        os.chdir(self._job.root)
        self._sources.install()
        if self._job.is_new_seed:
            sys.stderr.write(f"pipespec: random numbers start from the seed {self._job.seed}\n")
        seed_on_import(self._job.seed)
        seed_all(self._job.seed)

    def _import(self) -> Callable[..., Any]:
        self._sources.require_planned()
        function = import_callable(self._job.call, self._job.module_folders)
        self.require_sole()
        self._sources.require_planned()
        if self._code_digest is not None and self._job.code_digest is not None:
            digest = self._code_digest()
            if digest != self._job.code_digest:
                raise StepError(
                    "changed",
                    f"the code of {quote(self._job.call)} has changed since it was planned: its digest is {digest}, expected {self._job.code_digest}",
                )
        return function

    def _callable(self, call: str | None) -> Callable[..., Any] | None:
        return None if call is None else import_callable(call, self._job.module_folders)

    def _inputs(self, binding: ArgumentBinding) -> dict[str, Any]:
        return {
            job.argument: load_input(
                job,
                binding.annotations.get(job.argument),
                self._staging / "inputs" / job.argument,
                call=self._callable(job.load_call),
                localise=self._localise,
                models=self._models,
            )
            for job in self._job.inputs
        }

    def _places(self, binding: ArgumentBinding) -> dict[str, Path]:
        """Return the place of each output. A directory is created if someone writes into it, not if the output is returned."""
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

    def _test_outputs(
        self, function: Callable[..., Any] | None, params: Mapping[str, JSON], places: Mapping[str, Path]
    ) -> None:
        """Let `after` test the outputs. A missing output is reported later, in the same way as without `after`."""
        if function is None or not all(place.exists() for place in places.values()):
            return
        folder = tested_outputs(self._staging)
        folder.mkdir()
        arguments = after_arguments(function, self._job.outputs, params, places, folder, self._models)
        with self._during():
            try:
                verdict = function(**arguments)
            finally:
                self._repair()
        if type(verdict).__name__ in ("bool", "bool_") and not verdict:  # numpy has its own type of bool
            raise StepError(
                "outputs", f"{quote(str(self._job.after))} refused the outputs: it returned False"
            )

    def require_sole(self) -> None:
        """End processes that the user's code forked and that returned from it: a step has one result."""
        if os.getpid() != self._pid:
            flush_streams()
            os._exit(_FORKED)

    def _repair(self) -> None:
        """Undo what the user's code may have left behind that would harm the work after it."""
        self.require_sole()
        signal.setitimer(signal.ITIMER_REAL, 0)
        os.umask(self._umask)
        sys.setrecursionlimit(max(self._recursion, sys.getrecursionlimit()))
        if self._log is not None:
            try:
                attach_streams(self._log)
            except OSError:  # the user's code closed every descriptor, including ours
                self._log = open_log(Path(self._job.log))
                attach_streams(self._log)

    def _save(
        self,
        binding: ArgumentBinding,
        value: object,
        inputs: Mapping[str, Any],
        places: Mapping[str, Path],
        savers: Mapping[str, Callable[..., Any] | None],
        test: Callable[[], None],
    ) -> tuple[tuple[SavedOutput, ...], Mapping[str, float]]:
        values = returned_values(value, binding.returned)
        if value is not None and not self._job.outputs:
            kind = quote(name_of(value))
            sys.stderr.write(
                f"pipespec: the returned value of type {kind} is not saved: the step has no outputs\n"
            )
        for output in binding.returned:
            value = fitted_output(values[output.name], output, binding.annotations_returned.get(output.name))
            if output.model is None or isinstance(value, os.PathLike):
                save_output(value, places[output.name], output, savers[output.name])
            else:
                self._save_model(value, places[output.name], output, inputs, values)
        test()
        end_as_python_does(written_outputs(self._staging), is_own_process=self._attach)
        self._repair()
        self._on_saved()
        take_outputs(self._staging, taken := taken_outputs(self._staging))
        places = {output.name: taken / output.file for output in self._job.outputs}
        outputs = tuple(check_output(places[output.name], output) for output in self._job.outputs)
        for name in undeclared(self._staging, self._job.outputs):
            sys.stderr.write(f"pipespec: {quote(name)} is not a declared output and is not saved\n")
        metrics = self._metrics(places)
        reach("step.after-save")
        return outputs, metrics

    def _save_model(
        self,
        value: object,
        place: Path,
        output: OutputJob,
        inputs: Mapping[str, Any],
        values: Mapping[str, object],
    ) -> None:
        assert output.model is not None
        example, frames = shown_to(output, inputs, values)
        parts = SavedParts(example, frames, bundled_code(self._job, self._sources))
        with naming(output):
            without_models(self._models).save(
                value, place, output.model.flavor, dict(output.save or {}), parts
            )

    def _metrics(self, places: Mapping[str, Path]) -> Mapping[str, float]:
        if self._job.metrics is None:
            return {}
        name, part = self._job.metrics
        output = next(output for output in self._job.outputs if output.name == name)
        return read_metrics(name, places[name], output.file, part)

    def close(self, failure: Failure | None) -> None:
        """Write the failure to the log, limit the size of the log and remove secrets from it."""
        if failure is not None and self._log is not None:  # without a log, whoever called reports it
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
    """Return the largest resident memory so far of this process or of any of its children."""
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return peak if sys.platform == "darwin" else peak * 1024
