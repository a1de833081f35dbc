"""Call any function of the project once: from the words of a command line to files, or to a text that is printed.

The function gets its arguments as a step's function does, in this process and in the working directory. Its source
determines which options there are. It is imported only when it is called.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from pipespec.document.wording import quote
from pipespec.errors import Span, UsageError
from pipespec.frozen_values import frozen
from pipespec.operations.calling.call_failure import error_of
from pipespec.operations.calling.given_values import Given, GivenValues, read_given
from pipespec.operations.calling.returned_value import (
    Out,
    read_out,
    require_free,
    save_returned,
    text_of_returned,
)
from pipespec.operations.calling.scratch_folder import scratch_folder
from pipespec.project.disk_modules import DiskModules
from pipespec.project.project_root import find_root
from pipespec.python.callable_ref import CallableRef, is_call, likely_call, parse_call
from pipespec.python.docstrings import headline
from pipespec.python.signature import CallableProblem, CallableSource
from pipespec.python.signature_reader import read_signature
from pipespec.spec.call_options import CallOption, options_of_function
from pipespec.step.arguments.argument_binding import bind, convert_params
from pipespec.step.arguments.callable_import import import_callable
from pipespec.step.arguments.input_loading import load_input
from pipespec.step.arguments.planned_sources import PlannedSources
from pipespec.step.failure import describe

__all__ = ["CallAnswer", "FunctionCall", "function_call"]


@frozen
class CallAnswer:
    """The result of a call: the files that were written, or a text; None if nothing was returned."""

    files: tuple[Path, ...] = ()
    text: str | None = None


@frozen
class FunctionCall:
    """A function that can be called, and its options."""

    ref: CallableRef
    folders: tuple[Path, ...]
    summary: str
    options: tuple[CallOption, ...]

    is_step: ClassVar = False

    @property
    def name(self) -> str:
        """The name by which a user calls it."""
        return str(self.ref)

    def call(self, given: Given, out: Sequence[str] = (), *, force: bool = False) -> CallAnswer:
        """Call the function, and save what it returns. Existing files are replaced only with `force`.

        `out` is the destination: nothing (the value is returned as text), a file, a folder with `/` at its end, or
        `NAME=FILE` for each part.

        Raises:
            UsageError: if the arguments do not fit; nothing is called then.
            StepFailedError: if the function raised, or its value cannot be saved in this way; with the traceback.
        """
        values = read_given(self.options, given)
        place = read_out(out)
        require_free(place.places, force=force)
        with scratch_folder() as folder:
            try:
                return self._called(values, place, folder)
            except Exception as error:
                raise error_of(describe(error)) from error

    def _called(self, values: GivenValues, out: Out, folder: Path) -> CallAnswer:
        folders = tuple(map(str, self.folders))
        PlannedSources({}, "", folders).install()
        function = import_callable(str(self.ref), folders)
        binding = bind(function, values.inputs, values.params, ())
        params = convert_params(values.params, binding.annotations)
        loaded = {
            job.argument: load_input(job, binding.annotations.get(job.argument), folder / job.argument)
            for job in values.inputs
        }
        value = function(**binding.arguments(loaded, params, {}))
        if out == Out():
            return CallAnswer(text=text_of_returned(value, folder))
        return CallAnswer(save_returned(value, out, self.ref.qualname.rpartition(".")[2]))


def function_call(call: str, folder: Path) -> FunctionCall:
    """Find a function by `module:function`, from a folder of a project. Nothing is imported.

    Raises:
        UsageError: if there is no such function, or its source cannot be read.
    """
    if not is_call(call):
        likely = likely_call(call)
        meant = f", did you mean {quote(likely)}?" if likely else ""
        raise UsageError(f"{quote(call)} is not of the form 'module:function'{meant}")
    root = find_root(folder / "any")
    folders = tuple(dict.fromkeys((folder, root, root / "src")))
    ref = parse_call(call, Span("", 1, 1, 1, 1))
    source = read_signature(ref, folders, DiskModules(root))
    if isinstance(source, CallableProblem):
        nearest = f", did you mean {quote(source.nearest[0])}?" if source.nearest else ""
        raise UsageError(f"{source.message}{nearest}{f'; {source.hint}' if source.hint else ''}")
    assert isinstance(source, CallableSource)
    return FunctionCall(ref, folders, headline(source), options_of_function(source))
