"""Import the project's callables on trial, in separate processes, to find the errors that a run would find at its start.

Takes for each step what it calls, its params, and the files that it reads and writes. Returns an `ImportResult` for
each, obtained with the same code that a run uses. A module that ends its process or takes too long is reported once,
and the other questions are asked again without it.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from pipespec.checks.import_results import ImportResult, Lack
from pipespec.document.nodes import JSON
from pipespec.document.wording import quote
from pipespec.frozen_values import frozen
from pipespec.python.problem_kind import ProblemKind
from pipespec.python.signature import Annotation, Argument, ArgumentKind, CallableProblem, CallableSource
from pipespec.spec.file_formats import format_of
from pipespec.step.arguments.callable_import import CallError, import_callable
from pipespec.step.arguments.input_loading import annotation_of_variants
from pipespec.step.arguments.live_annotations import MISSING, LiveArgument, live_arguments, live_return
from pipespec.step.arguments.param_conversion import MisfitError, ParamPlace, convert
from pipespec.step.failure import one_line
from pipespec.step.formats.library_options import FormatError
from pipespec.step.formats.required_packages import require_packages
from pipespec.step.formats.type_names import type_of_annotation
from pipespec.step.questions.question_process import answer_all, ask

__all__ = ["Trial", "main", "try_steps"]

_KINDS: Final = {
    inspect.Parameter.POSITIONAL_ONLY: ArgumentKind.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD: ArgumentKind.PLAIN,
    inspect.Parameter.KEYWORD_ONLY: ArgumentKind.KEYWORD_ONLY,
}


@frozen
class Trial:
    """The questions about one step: import `call` and `others` (probe, loaders, savers), and try the rest.

    `inputs` are (argument, file, whether it is a fan-in), `outputs` are (name, file): the files that a format reads and
    writes.
    """

    step: str
    call: str
    others: tuple[str, ...] = ()
    params: tuple[tuple[str, JSON], ...] = ()
    inputs: tuple[tuple[str, str, bool], ...] = ()
    outputs: tuple[tuple[str, str], ...] = ()


def try_steps(
    trials: Sequence[Trial],
    *,
    module_folders: Sequence[str],
    root: str,
    timeout: float,
    redact: Callable[[str], str] = str,
) -> Mapping[str, ImportResult]:
    """Try all, and return the verdicts by step.

    `timeout` is in seconds, for the import of each callable. `redact` removes secrets from messages of the user's code.
    """
    problems: dict[str, CallableProblem] = {}
    found: dict[str, Any] = {}
    calls = dict.fromkeys(call for trial in trials for call in (trial.call, *trial.others))
    waiting = sorted(calls, key=_module)
    users: dict[str, list[Trial]] = {}
    for trial in trials:
        users.setdefault(trial.call, []).append(trial)
    while waiting:
        questions = [[call, [asdict(trial) for trial in users.get(call, ())]] for call in waiting]
        answers = ask(
            "pipespec.step.questions.import_trial",
            questions,
            folders=module_folders,
            root=root,
            timeout=timeout,
            is_for_each=True,
        )
        found |= dict(zip(waiting, answers.found, strict=False))
        rest = waiting[len(answers.found) :]
        if rest:
            words = one_line(redact(answers.last_words).rpartition("\n")[2])
            printed = f"; its last line of output was {quote(words)}" if words else ""
            message = f"importing module {quote(_module(rest[0]))} failed: {answers.end}{printed}"
            problems[rest[0]] = CallableProblem(ProblemKind.IMPORT_FAILED, message)
        waiting = [call for call in rest if _module(call) != _module(rest[0])]
    return {trial.step: _verdict(trial, found, problems, redact) for trial in trials}


def _module(call: str) -> str:
    return call.partition(":")[0]


def _verdict(
    trial: Trial,
    found: Mapping[str, Any],
    problems: Mapping[str, CallableProblem],
    redact: Callable[[str], str],
) -> ImportResult:
    callables: dict[str, CallableSource | CallableProblem] = {}
    for call in (trial.call, *trial.others):
        if call in problems:
            callables[call] = problems[call]
        elif call in found and (known := _read(found[call]["callable"], call, redact)) is not None:
            callables[call] = known
    tried = found.get(trial.call, {}).get("steps", {}).get(trial.step, {})
    misfits = {position: redact(why) for position, why in tried.get("misfits", ())}
    return ImportResult(callables, misfits, tuple(Lack(*lack) for lack in tried.get("lacks", ())))


def _read(
    said: Mapping[str, Any] | None, call: str, redact: Callable[[str], str]
) -> CallableSource | CallableProblem | None:
    if said is None:
        return None
    if "problem" in said:
        return CallableProblem(ProblemKind(said["problem"]), redact(said["message"]))
    return CallableSource(
        module=_module(call),
        qualname=call.partition(":")[2],
        path=Path(said["file"]),
        line=said["line"],
        arguments=tuple(
            Argument(name, ArgumentKind(kind), _annotation(annotation), has_default)
            for name, kind, annotation, has_default in said["arguments"]
        ),
        has_kwargs=said["has_kwargs"],
        returns=_annotation(said["returns"]),
    )


def _annotation(said: Sequence[str] | None) -> Annotation | None:
    return None if said is None else Annotation(said[0], said[1])


def main() -> None:
    """Answer the task on stdin."""
    answer_all(_answer)


def _answer(question: tuple[str, list[dict[str, Any]]], folders: Sequence[str]) -> dict[str, Any]:
    call, trials = question
    try:
        function = import_callable(call, folders)
        return {
            "callable": _told(function),
            "steps": {trial["step"]: _tried(function, trial) for trial in trials},
        }
    except CallError as error:
        message = f"{one_line(str(error))}{_place(error.__cause__, folders)}"
        return {"callable": {"problem": error.problem, "message": message}}
    except BaseException as error:  # noqa: BLE001 - a signature may also run the user's code
        message = f"{quote(call)} has a signature that cannot be read: {one_line(repr(error))}"
        return {"callable": {"problem": ProblemKind.IMPORT_FAILED, "message": message}}


def _place(error: BaseException | None, folders: Sequence[str]) -> str:
    """Say at which line of the project's code an exception was raised or passed on."""
    place, trace = "", error.__traceback__ if error is not None else None
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        own = next((folder for folder in folders if file.is_relative_to(folder)), None)
        if own is not None:
            place = f" ({file.relative_to(own)}:{trace.tb_lineno})"
        trace = trace.tb_next
    return place


def _told(function: Callable[..., Any]) -> dict[str, Any] | None:
    """Return the arguments and the return type of a live function; None if they are not available."""
    live = live_arguments(function)
    if live is None:
        return None
    parameters = inspect.signature(function).parameters.values()
    inner = inspect.unwrap(function)
    inner = getattr(inner, "func", inner)  # of functools.partial
    code = getattr(inner if hasattr(inner, "__code__") else type(inner).__call__, "__code__", None)
    return {
        "file": code.co_filename if code is not None else os.devnull,
        "line": code.co_firstlineno if code is not None else 1,
        "has_kwargs": any(one.kind is one.VAR_KEYWORD for one in parameters),
        "returns": _spelt(live_return(function)),
        "arguments": [
            (one.name, _KINDS[one.kind], _spelt_of(live.get(one.name)), one.default is not one.empty)
            for one in parameters
            if one.kind in _KINDS
        ],
    }


def _spelt_of(argument: LiveArgument | None) -> tuple[str, str] | None:
    if argument is None or not argument.is_annotated:
        return None
    return _spelt(argument.annotation) or ("?", "")


def _spelt(annotation: Any) -> tuple[str, str] | None:
    """Return the text of an annotation, and its type among those that formats distinguish, which `checks` uses."""
    if annotation is MISSING:
        return None
    text = inspect.formatannotation(annotation)
    return ("None", "None") if annotation is type(None) else (text, type_of_annotation(annotation) or "")


def _tried(function: Callable[..., Any], trial: Mapping[str, Any]) -> dict[str, Any]:
    arguments = live_arguments(function) or {}
    annotations = {name: one.annotation for name, one in arguments.items() if one.annotation is not MISSING}
    return {
        "misfits": list(_misfits(trial["params"], annotations)),
        "lacks": list(_lacks(trial, annotations, live_return(function))),
    }


def _misfits(params: Sequence[tuple[str, JSON]], annotations: Mapping[str, Any]) -> Any:
    for position, (name, value) in enumerate(params):
        if name in annotations:
            try:
                convert(value, annotations[name], ParamPlace("param", name))
            except MisfitError as error:
                yield position, str(error)


def _lacks(trial: Mapping[str, Any], annotations: Mapping[str, Any], returned: Any) -> Any:
    for argument, file, is_fan_in in trial["inputs"]:
        annotation = annotations.get(argument)
        asked = annotation_of_variants(annotation) if is_fan_in else annotation
        yield from _lack("input", argument, file, type_of_annotation(asked) or format_of(file).default)
    outputs = [(name, file) for name, file in trial["outputs"] if not _is_path(annotations.get(name))]
    is_sole = len(outputs) == 1
    for name, file in outputs:
        kind = type_of_annotation(returned) if is_sole and returned is not MISSING else None
        yield from _lack("output", name, file, kind)


def _is_path(annotation: Any) -> bool:
    return annotation is not None and type_of_annotation(annotation) == "pathlib.Path"


def _lack(what: str, name: str, file: str, kind: str | None) -> Any:
    try:
        require_packages(file, kind)
    except FormatError as error:
        yield what, name, f"{quote(file)} cannot be used, {error}"


if __name__ == "__main__":
    main()
