"""Why a callable cannot be told, in words, with the names that were perhaps meant.

Takes what `source` did not find, gives `CallableProblem`s.
"""

from __future__ import annotations

import ast
import sys
from difflib import get_close_matches

from pipespec.python.callable_ref import CallableRef, likely_call
from pipespec.python.classes import ClassSource
from pipespec.python.modules import Module, ModuleBinding, ModuleProblem, Modules, Origin
from pipespec.python.problem_kind import ProblemKind
from pipespec.python.signature import CallableProblem

__all__ = ["missing_function", "missing_method", "module_problem", "unreadable"]


def module_problem(problem: ModuleProblem, ref: CallableRef, modules: Modules) -> CallableProblem:
    """Say that the module is not there or cannot be read."""
    nearest: tuple[str, ...] = ()
    present: tuple[str, ...] = ()
    if problem.kind is ProblemKind.MODULE_NOT_FOUND:
        likely = likely_call(str(ref))
        names = modules.nearest(ref.module)
        if likely is not None and modules.find(likely.partition(":")[0]) is not None:
            names = (likely.partition(":")[0], *names)
        present = modules.beside_missing(ref.module)
        nearest = tuple(f"{name}:{ref.qualname}" for name in names)
    path = problem.file.path if problem.file else None
    return CallableProblem(
        problem.kind, problem.message, nearest, path, problem.line, problem.is_stdlib, present
    )


def missing_function(ref: CallableRef, module: Module, modules: Modules) -> CallableProblem:
    """Say that a module has no such name; that is no mistake yet where it may come to have it when it runs."""
    name = ref.qualname.partition(".")[0]
    makes_names = "__getattr__" in module.bindings or any(not modules.is_own(star) for star in module.stars)
    if makes_names or module.file.origin is not Origin.PROJECT:
        message = f"'{ref}' is not visible in the source of its module"
        return unreadable(message, module, dotted="" if module.file.origin is Origin.PROJECT else module.name)
    names = [one for one, bindings in module.bindings.items() if any(map(_may_be_called, bindings))]
    nearest = tuple(f"{ref.module}:{one}" for one in get_close_matches(name, names))
    message = f"module '{ref.module}' has no function '{name}'"
    return CallableProblem(ProblemKind.FUNCTION_NOT_FOUND, message, nearest, module.file.path)


def missing_method(owner: ClassSource, name: str, ref: CallableRef) -> CallableProblem:
    """Say that a class has no such method."""
    methods = [one.name for one in owner.node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
    prefix = f"{ref.module}:{ref.qualname.rpartition('.')[0]}"
    nearest = tuple(f"{prefix}.{one}" for one in get_close_matches(name, methods))
    message = f"class '{owner.node.name}' of module '{owner.module.name}' has no method '{name}'"
    path = owner.module.file.path
    return CallableProblem(ProblemKind.FUNCTION_NOT_FOUND, message, nearest, path, owner.node.lineno)


def unreadable(message: str, module: Module | None = None, *, dotted: str = "") -> CallableProblem:
    """Say that a callable is there, or may be, but cannot be read: no mistake, it is found out when it runs.

    `dotted` is its absolute name, where it is known to be outside of the project.
    """
    path = module.file.path if module is not None else None
    is_stdlib = dotted.partition(".")[0] in sys.stdlib_module_names
    return CallableProblem(ProblemKind.NOT_READABLE, message, (), path, None, is_stdlib)


def _may_be_called(binding: ModuleBinding) -> bool:
    if binding.typing_only:
        return False
    if binding.target is not None:
        return binding.target.attribute is not None
    match binding.node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.Assign(value=ast.Lambda()):
            return True
        case _:
            return False
