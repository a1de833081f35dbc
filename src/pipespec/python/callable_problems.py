"""Explain why a callable cannot be read, with the names that were possibly meant.

Takes what `signature_reader` did not find. Returns `CallableProblem`s.
"""

from __future__ import annotations

import ast
from difflib import get_close_matches
from typing import Final, TypeAlias

from pipespec.document.wording import listing, quote
from pipespec.python.callable_ref import CallableRef, likely_call
from pipespec.python.classes import ClassSource
from pipespec.python.modules import Module, ModuleBinding, ModuleProblem, Modules, Origin
from pipespec.python.name_resolution import OutsideName
from pipespec.python.names_of_python import is_of_python
from pipespec.python.problem_kind import ProblemKind
from pipespec.python.signature import CallableProblem

__all__ = [
    "missing_function",
    "missing_method",
    "module_problem",
    "nested_function",
    "outside",
    "unreadable",
]

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
_DEFINITIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_MOST_SEARCHED: Final = 50
"""Maximum number of modules of a package that are searched for a function that the package itself does not have."""


def module_problem(problem: ModuleProblem, ref: CallableRef, modules: Modules) -> CallableProblem:
    """Say that the module does not exist or cannot be read."""
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
    """Say that a module has no such name. This is not a mistake yet if the module may define it when it runs."""
    name = ref.qualname.partition(".")[0]
    makes_names = "__getattr__" in module.bindings or any(not modules.is_own(star) for star in module.stars)
    if makes_names or module.file.origin is not Origin.PROJECT:
        message = f"'{ref}' is not visible in the source of its module"
        return unreadable(message, module, dotted="" if module.file.origin is Origin.PROJECT else module.name)
    if (outer := _nesting(name, module)) is not None:
        return nested_function(outer, name, ref, module)
    nearest = tuple(f"{ref.module}:{one}" for one in get_close_matches(name, _callables(module)))
    kind = "module" if module.file.path.suffix else "folder"
    message = f"{kind} '{ref.module}' has no function '{name}'"
    if module.file.is_package:
        nearest = (*_in_modules_below(ref, name, modules), *nearest)
    hint = None if nearest else _there("functions", _own_functions(module))
    return CallableProblem(ProblemKind.FUNCTION_NOT_FOUND, message, nearest, module.file.path, hint=hint)


def nested_function(outer: Function, name: str, ref: CallableRef, module: Module) -> CallableProblem:
    """Say that a function is inside another one, where nobody can call it from outside."""
    message = (
        f"{quote(name)} of '{ref}' is inside the function {quote(outer.name)}, so it cannot be called by name"
    )
    hint = f"move it to the top of module {quote(ref.module)}, and write {ref.module}:{name}"
    return CallableProblem(ProblemKind.NOT_CALLABLE, message, (), module.file.path, outer.lineno, hint=hint)


def _nesting(name: str, module: Module) -> Function | None:
    """Return the function of a module that a function of this name is defined in."""
    outers = (
        binding.node
        for bindings in module.bindings.values()
        for binding in bindings
        if isinstance(binding.node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return next(
        (
            outer
            for outer in outers
            if any(
                isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and inner.name == name
                for inner in ast.walk(outer)
                if inner is not outer
            )
        ),
        None,
    )


def _in_modules_below(ref: CallableRef, name: str, modules: Modules) -> tuple[str, ...]:
    """Return the functions with that name in the modules of a package."""
    searched = ((one, modules.get(one)) for one in modules.below(ref.module)[:_MOST_SEARCHED])
    return tuple(
        f"{one}:{ref.qualname}"
        for one, below in searched
        if isinstance(below, Module) and name in _callables(below)
    )


def _callables(module: Module) -> list[str]:
    return [one for one, bindings in module.bindings.items() if any(map(_may_be_called, bindings))]


def _own_functions(module: Module) -> list[str]:
    return [
        one.name for one in module.tree.body if isinstance(one, _DEFINITIONS) and not one.name.startswith("_")
    ]


def _there(kind: str, names: list[str]) -> str:
    return f"{kind} there: {listing(names)}" if names else f"there are no {kind} there"


def outside(found: OutsideName, ref: CallableRef) -> CallableProblem:
    """Describe a name that leads out of what is read: a module, a built-in, or something that a package creates when it is imported."""
    if found.is_module:
        message = f"'{ref}' is the module '{found.dotted}', not a function"
        return CallableProblem(ProblemKind.NOT_CALLABLE, message)
    why = "is built into Python" if found.is_builtin else f"is '{found.dotted}', whose source was not found"
    return unreadable(f"'{ref}' {why}, so its arguments cannot be read", dotted=found.dotted)


def missing_method(owner: ClassSource, name: str, ref: CallableRef) -> CallableProblem:
    """Say that a class has no such method."""
    methods = [one.name for one in owner.node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
    prefix = f"{ref.module}:{ref.qualname.rpartition('.')[0]}"
    nearest = tuple(f"{prefix}.{one}" for one in get_close_matches(name, methods))
    message = f"class '{owner.node.name}' of module '{owner.module.name}' has no method '{name}'"
    path = owner.module.file.path
    hint = None if nearest else _there("methods", methods)
    return CallableProblem(
        ProblemKind.FUNCTION_NOT_FOUND, message, nearest, path, owner.node.lineno, hint=hint
    )


def unreadable(message: str, module: Module | None = None, *, dotted: str = "") -> CallableProblem:
    """Say that a callable exists, or may exist, but cannot be read. This is not a mistake: it turns out when the step runs.

    `dotted` is its absolute name, if it is known to be outside of the project.
    """
    path = module.file.path if module is not None else None
    return CallableProblem(ProblemKind.NOT_READABLE, message, (), path, None, is_of_python(dotted))


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
