"""Import the live function that `module:function` names from the project's folders.

Takes the text of a `call` and the folders that contain the project's modules. Refuses what cannot be imported, classes,
coroutines and generators, methods of instances, and a module that has the same name as a module of the project but
comes from elsewhere. Runs in the process that executes a step, never in the process that plans.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from pipespec.document.wording import did_you_mean, quote
from pipespec.python.problem_kind import ProblemKind
from pipespec.spec.library_steps import LIBRARY
from pipespec.step.failure import StepError, shown, summary

__all__ = ["CallError", "import_callable"]

_WHAT_TO_CALL: Final = "a step must call a function, a static method or a class method"


class CallError(StepError):
    """A callable cannot be called. `validate` would report the same reason if the source code showed it."""

    def __init__(self, problem: ProblemKind, message: str) -> None:
        self.problem = problem
        super().__init__("import", message)


def import_callable(call: str, folders: Sequence[str] = ()) -> Callable[..., Any]:
    """Return the function that `module:function` or `module:Class.method` names.

    Raises:
        CallError: if the import fails; its cause is the module's own exception.
    """
    name, _, qualname = call.partition(":")
    module = _import_module(name, folders)
    found: Any = module
    owner: Any = None
    for part in qualname.split("."):
        owner = found
        found = _member(found, part, call, module)
    _refuse_kinds(found, owner, qualname.rpartition(".")[2], call)
    function: Callable[..., Any] = found
    return function


def _import_module(name: str, folders: Sequence[str]) -> ModuleType:
    if name == LIBRARY:  # rendered modules contain a copy of pipespec under another name
        name = f"{__name__.partition('.')[0]}.{LIBRARY.rpartition('.')[2]}"
    try:
        module = importlib.import_module(name)
    except StepError:
        raise
    except BaseException as error:
        if isinstance(error, ModuleNotFoundError) and error.name and f"{name}.".startswith(f"{error.name}."):
            _refuse_other(error.name.partition(".")[0], folders)
            raise CallError(
                ProblemKind.MODULE_NOT_FOUND, f"there is no module {quote(error.name)}{_looked_in(folders)}"
            ) from error
        raise CallError(
            ProblemKind.IMPORT_FAILED, f"module {quote(name)} cannot be imported: {summary(error)}"
        ) from error
    _refuse_other(name.partition(".")[0], folders)
    return module


def _looked_in(folders: Sequence[str]) -> str:
    return f" in {', '.join(map(shown, folders))}, and it is not installed" if folders else ""


def _refuse_other(top: str, folders: Sequence[str]) -> None:
    """Refuse a module that was loaded from elsewhere although the project has a module of that name."""
    loaded = sys.modules.get(top)
    if loaded is None:
        return
    for folder in folders:
        for candidate in (Path(folder, top, "__init__.py"), Path(folder, f"{top}.py")):
            if not candidate.is_file():
                continue
            file = getattr(loaded, "__file__", None)
            if file is None or not candidate.samefile(file):
                raise CallError(
                    ProblemKind.REFUSED,
                    f"{shown(candidate)} has the same name as another module, {shown(file or 'built-in')}; rename it",
                )
            return


def _member(owner: Any, name: str, call: str, module: ModuleType) -> Any:
    try:
        return getattr(owner, name)
    except AttributeError as error:
        hint = did_you_mean(name, (known for known in dir(owner) if not known.startswith("_")))
        where = shown(getattr(module, "__file__", None) or module.__name__)
        raise CallError(
            ProblemKind.FUNCTION_NOT_FOUND,
            f"{quote(call)} is not in {where}: there is no {quote(name)}{f'; {hint}' if hint else ''}",
        ) from error


def _refuse_kinds(found: Any, owner: Any, name: str, call: str) -> None:
    if inspect.isclass(found):
        raise CallError(ProblemKind.NOT_CALLABLE, f"{quote(call)} is a class; {_WHAT_TO_CALL}")
    if not callable(found):
        raise CallError(
            ProblemKind.NOT_CALLABLE, f"{quote(call)} is a {quote(type(found).__name__)}; {_WHAT_TO_CALL}"
        )
    refuse_waiting(inspect.unwrap(found), call)
    if inspect.isclass(owner) and inspect.isfunction(inspect.getattr_static(owner, name)):
        raise CallError(ProblemKind.NOT_CALLABLE, f"{quote(call)} is a method of instances; {_WHAT_TO_CALL}")


def refuse_waiting(function: Any, call: str) -> None:
    """Refuse functions that return immediately without having done anything."""
    if inspect.iscoroutinefunction(function):
        raise CallError(ProblemKind.NOT_CALLABLE, f"{quote(call)} is an async function; {_WHAT_TO_CALL}")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise CallError(ProblemKind.NOT_CALLABLE, f"{quote(call)} is a generator; {_WHAT_TO_CALL}")
