"""Read a callable's signature from its source by the syntax tree: nothing is imported, nothing runs.

Takes `module:function` or `module:Class.method`. Returns a `CallableSource`, or a `CallableProblem` that says what was
possibly meant. Follows re-exports and simple aliases, also into installed packages. If something between a function and
its caller cannot be analysed (a decorator, a partial), this is noted, not guessed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain as chained
from pathlib import Path
from typing import Final, TypeAlias

from pipespec.python.annotations import AnnotationReader
from pipespec.python.callable_problems import (
    missing_function,
    missing_method,
    module_problem,
    nested_function,
    outside,
    unreadable,
)
from pipespec.python.callable_ref import CallableRef
from pipespec.python.classes import (
    ClassSource,
    base_classes,
    class_at,
    dataclass_fields,
    is_dataclass,
    lineage,
)
from pipespec.python.modules import Function, Module, ModuleFiles, ModuleProblem, Modules, Origin, modules_of
from pipespec.python.name_resolution import Located, OutsideName, dotted_name, literal, locate
from pipespec.python.names_of_python import is_of_python
from pipespec.python.problem_kind import ProblemKind
from pipespec.python.signature import (
    Annotation,
    Argument,
    ArgumentKind,
    CallableProblem,
    CallableSource,
    DataclassDefinition,
    Definition,
    EnumDefinition,
    MethodKind,
)

__all__ = [
    "Annotation",
    "Argument",
    "ArgumentKind",
    "CallableProblem",
    "CallableSource",
    "DataclassDefinition",
    "Definition",
    "EnumDefinition",
    "MethodKind",
    "ModuleFiles",
    "ProblemKind",
    "read_signature",
]

_TRANSPARENT: Final = frozenset(
    {
        "abc.abstractmethod",
        "beartype.beartype",
        "classmethod",
        "dataclasses.dataclass",
        "functools.cache",
        "functools.lru_cache",
        "mlflow.trace",
        "numba.jit",
        "numba.njit",
        "pydantic.validate_call",
        "staticmethod",
        "tenacity.retry",
        "torch.enable_grad",
        "torch.inference_mode",
        "torch.no_grad",
        "typeguard.typechecked",
        "typing.final",
        "typing.no_type_check",
        "typing.override",
        "typing_extensions.deprecated",
        "typing_extensions.override",
        "warnings.deprecated",
    }
)
"""Decorators that do not change the arguments of a function."""

_METHODS: Final = {"staticmethod": MethodKind.STATIC, "classmethod": MethodKind.CLASS}
_HARMLESS_BASES: Final = frozenset({"object", "abc.ABC", "typing.Generic", "typing.Protocol"})

_Callable: TypeAlias = Function | ast.Lambda


def read_signature(
    ref: CallableRef, folders: Sequence[Path], files: ModuleFiles
) -> CallableSource | CallableProblem:
    """Read the arguments of a callable, or say why they are not known.

    `folders` is where the project's modules are looked for; the first match counts. What has been read is cached in
    `files`, so that many callables of one module cost one parse.
    """
    key = ("signatures", tuple(folders))
    if key not in files.memo:
        files.memo[key] = _SignatureReader(modules_of(folders, files))
    reader: _SignatureReader = files.memo[key]
    return reader.read(ref)


class _SignatureReader:
    """Reads signatures of one project, each once."""

    def __init__(self, modules: Modules) -> None:
        self._modules = modules
        self._annotations = AnnotationReader(modules)
        self._known: dict[tuple[str, str], CallableSource | CallableProblem] = {}

    def read(self, ref: CallableRef) -> CallableSource | CallableProblem:
        key = ref.module, ref.qualname
        if key not in self._known:
            self._known[key] = self._read(ref)
        return self._known[key]

    def _read(self, ref: CallableRef) -> CallableSource | CallableProblem:
        module = self._modules.get(ref.module)
        if isinstance(module, ModuleProblem):
            return module_problem(module, ref, self._modules)
        found = locate(
            self._modules, module, tuple(ref.qualname.split(".")), follow_installed=True, for_typing=False
        )
        match found:
            case ModuleProblem():
                message = f"'{ref}' comes from elsewhere: {found.message}"
                return replace(module_problem(found, ref, self._modules), message=message, nearest=())
            case Located():
                return self._define(found, ref)
            case OutsideName() if ref.qualname.partition(".")[0] in module.bindings:
                return outside(found, ref)
            case OutsideName() | None:
                return missing_function(ref, module, self._modules)

    def _define(self, found: Located, ref: CallableRef) -> CallableSource | CallableProblem:
        match found.node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() if not found.rest:
                return self._function(found.node, found, MethodKind.PLAIN)
            case ast.ClassDef():
                return self._member(found, ref)
            case ast.Assign(value=ast.Lambda() as value) if not found.rest:
                return self._function(value, found, MethodKind.PLAIN)
            case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value) if literal(value)[0]:
                message = f"'{ref}' is a value, not a function"
                return CallableProblem(
                    ProblemKind.NOT_CALLABLE,
                    message,
                    (),
                    found.module.file.path,
                    found.node.lineno,
                    hint="name a function; a value is a param, or the content of a file",
                )
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                return nested_function(found.node, found.rest[0], ref, found.module)
            case _:
                message = f"'{ref}' is created when its module is imported, so its arguments cannot be read"
                return unreadable(message, found.module)

    def _member(self, found: Located, ref: CallableRef) -> CallableSource | CallableProblem:
        """Read a class, or the method or inner class that `rest` names in it or in its bases."""
        if (inner := class_at(found)) is not None:
            return self._class(inner, found)
        owner = class_at(replace(found, rest=found.rest[:-1]))
        if owner is None:
            return missing_method(ClassSource(_class_node(found), found.module), found.rest[0], ref)
        for ancestor in lineage(owner, self._modules):
            for child in reversed(ancestor.node.body):
                if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and child.name == found.rest[-1]:
                    return self._method(child, replace(found, module=ancestor.module), ref)
        if self._unread_bases(owner):
            return unreadable(f"'{ref}' is inherited from a class whose source is not read", found.module)
        return missing_method(owner, found.rest[-1], ref)

    def _method(self, node: Function, found: Located, ref: CallableRef) -> CallableSource | CallableProblem:
        kinds = [_METHODS[name] for name in self._decorators(node, found.module) if name in _METHODS]
        if not kinds:
            message = f"'{ref}' is an instance method; only static methods and class methods can be called"
            return CallableProblem(
                ProblemKind.NOT_CALLABLE,
                message,
                (),
                found.module.file.path,
                node.lineno,
                hint="write a function that makes the object and calls this method",
            )
        return self._function(node, found, kinds[0])

    def _function(self, node: _Callable, found: Located, method: MethodKind) -> CallableSource:
        module = found.module
        arguments = self._arguments(node.args, module)
        notes: list[str] = []
        if isinstance(node, ast.Lambda):
            returns = docstring = None
        else:
            returns = self._annotations.read(node.returns, module) if node.returns else None
            docstring = ast.get_docstring(node)
            notes += self._decorator_notes(node, module)
        if method is MethodKind.CLASS:
            arguments = arguments[1:]
        return CallableSource(
            module=module.name,
            qualname=".".join((found.name, *found.rest)),
            path=module.file.path,
            line=node.lineno,
            arguments=arguments,
            has_kwargs=node.args.kwarg is not None,
            returns=returns,
            returns_value=_returns_value(node),
            docstring=docstring,
            is_async=isinstance(node, ast.AsyncFunctionDef),
            is_generator=_yields(node),
            is_decorated=bool(getattr(node, "decorator_list", [])) and method is MethodKind.PLAIN,
            is_stdlib=module.file.origin is Origin.STDLIB,
            is_certain=not notes,
            notes=(*notes, *_shadow_notes(module)),
            definitions=self._definitions(arguments, returns),
        )

    def _class(self, owner: ClassSource, found: Located) -> CallableSource:
        module = owner.module
        arguments, args, notes = self._constructor(owner)
        return CallableSource(
            module=module.name,
            qualname=".".join((found.name, *found.rest)),
            path=module.file.path,
            line=owner.node.lineno,
            arguments=arguments,
            has_kwargs=args is not None and args.kwarg is not None,
            docstring=ast.get_docstring(owner.node),
            is_class=True,
            is_stdlib=module.file.origin is Origin.STDLIB,
            is_certain=not notes,
            notes=(*notes, *_shadow_notes(module)),
            definitions=self._definitions(arguments, None),
        )

    def _constructor(
        self, owner: ClassSource
    ) -> tuple[tuple[Argument, ...], ast.arguments | None, list[str]]:
        """Return the arguments that create an object: those of `__init__`, or the fields of a dataclass or NamedTuple."""
        notes = list(self._decorator_notes(owner.node, owner.module))
        for one in lineage(owner, self._modules):
            for child in reversed(one.node.body):
                if isinstance(child, ast.FunctionDef) and child.name == "__init__":
                    return self._arguments(child.args, one.module)[1:], child.args, notes
            bases = base_classes(one, self._modules)
            if is_dataclass(one, self._modules) or "typing.NamedTuple" in bases:
                return dataclass_fields(one, self._modules, self._annotations.read), None, notes
        if self._unread_bases(owner):
            notes.append(
                f"the arguments of class '{owner.node.name}' come from a base class whose source is not read"
            )
        return (), None, notes

    def _arguments(self, args: ast.arguments, module: Module) -> tuple[Argument, ...]:
        positional = [*args.posonlyargs, *args.args]
        defaults: list[ast.expr | None] = [None] * (len(positional) - len(args.defaults))
        pairs = chained(
            zip(positional, [*defaults, *args.defaults], strict=True),
            zip(args.kwonlyargs, args.kw_defaults, strict=True),
        )
        kinds = chained(
            [ArgumentKind.POSITIONAL_ONLY] * len(args.posonlyargs),
            [ArgumentKind.PLAIN] * len(args.args),
            [ArgumentKind.KEYWORD_ONLY] * len(args.kwonlyargs),
        )
        return tuple(
            self._argument(arg, default, kind, module)
            for (arg, default), kind in zip(pairs, kinds, strict=True)
        )

    def _argument(
        self, arg: ast.arg, default: ast.expr | None, kind: ArgumentKind, module: Module
    ) -> Argument:
        annotation = self._annotations.read(arg.annotation, module) if arg.annotation else None
        if default is None:
            return Argument(arg.arg, kind, annotation)
        known, value = literal(default)
        return Argument(
            name=arg.arg,
            kind=kind,
            annotation=annotation,
            has_default=True,
            default=value,
            default_is_literal=known,
            default_text=module.excerpt(default),
        )

    def _definitions(
        self, arguments: Sequence[Argument], returns: Annotation | None
    ) -> dict[str, Definition]:
        annotations = [argument.annotation for argument in arguments if argument.annotation]
        return self._annotations.definitions([*annotations, *([returns] if returns else [])])

    def _decorators(self, node: Function | ast.ClassDef, module: Module) -> list[str]:
        return [dotted_name(one, module, self._modules) for one in node.decorator_list]

    def _decorator_notes(self, node: Function | ast.ClassDef, module: Module) -> Iterator[str]:
        for decorator, name in zip(node.decorator_list, self._decorators(node, module), strict=True):
            if name not in _TRANSPARENT:
                yield f"decorator '{module.excerpt(decorator)}' may change the arguments"

    def _unread_bases(self, owner: ClassSource) -> bool:
        bases = chained.from_iterable(
            base_classes(one, self._modules) for one in lineage(owner, self._modules)
        )
        return any(isinstance(base, str) and base not in _HARMLESS_BASES for base in bases)


def _shadow_notes(module: Module) -> tuple[str, ...]:
    """Say if Python may find another module than this one, because it has already loaded its own."""
    if module.file.origin is Origin.PROJECT and is_of_python(module.name):
        top = module.name.partition(".")[0]
        return (f"Python itself has a module '{top}', which may be imported instead of the project's module",)
    return ()


def _class_node(found: Located) -> ast.ClassDef:
    assert isinstance(found.node, ast.ClassDef)
    return found.node


def _yields(node: _Callable) -> bool:
    """Return whether a function is a generator: it contains `yield`, and not only in a function inside it."""
    return any(isinstance(one, ast.Yield | ast.YieldFrom) for one in _own_parts(node))


def _returns_value(node: _Callable) -> bool | None:
    """Return whether a `return` has a value other than None. If the body does nothing yet, this is not known."""
    if isinstance(node, ast.Lambda):
        return True
    if all(isinstance(one, ast.Pass | ast.Raise) or _is_constant(one) for one in node.body):
        return None
    return any(isinstance(one, ast.Return) and not _is_none(one.value) for one in _own_parts(node))


def _is_constant(statement: ast.stmt) -> bool:
    """Return whether a statement is a docstring or `...`."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_none(value: ast.expr | None) -> bool:
    return value is None or (isinstance(value, ast.Constant) and value.value is None)


def _own_parts(node: _Callable) -> Iterator[ast.AST]:
    """Yield the nodes of a function's body, without those inside of inner functions and classes."""
    waiting: list[ast.AST] = list(node.body) if isinstance(node.body, list) else [node.body]
    while waiting:
        one = waiting.pop()
        yield one
        if not isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(one))
