"""What a function's own lines show: undefined names, and files and environment variables that it reads directly.

Takes a callable of the project. Returns `BodyFacts`, which contain only what the source shows without doubt: a module
that changes its own names while it runs (`exec`, `globals`, a star import) has no undefined names, and a path counts
only if it is a literal and occurs only once.
"""

from __future__ import annotations

import ast
import builtins
import re
import symtable
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from pipespec.frozen_values import frozen
from pipespec.python.callable_ref import CallableRef
from pipespec.python.modules import Function, Module, ModuleFiles, Modules, Origin, modules_of
from pipespec.python.name_resolution import Located, dotted_name, locate

__all__ = ["BodyFacts", "Mention", "read_body", "symbols_of", "undefined_names"]

_ALWAYS: Final = frozenset(dir(builtins)) | frozenset(
    {
        *(
            "__annotations__",
            "__builtins__",
            "__cached__",
            "__class__",
            "__doc__",
            "__file__",
            "__loader__",
            "__name__",
        ),
        *(
            "__package__",
            "__path__",
            "__spec__",
            "WindowsError",
            "_",
            "display",
            "get_ipython",
            "profile",
            "reveal_type",
        ),
    }
)
"""Built-in names, names that every module has, and names that tools add to the built-in ones."""
_MAKES_NAMES: Final = re.compile(
    r"\b(?:__builtin__|__builtins__|__dict__|builtins|_convert_|exec|execfile|global_enum|globals|locals|modules|NameError|run_path|vars)\b"
    r"|\bimport\s*\(?\s*\*"
)
_READERS: Final = re.compile(
    r"pandas\.read_\w+|polars\.(?:read|scan)_\w+|numpy\.(?:fromfile|genfromtxt|load|loadtxt|memmap)|joblib\.load|torch\.load"
    r"|xarray\.open_\w+|geopandas\.read_file|PIL\.Image\.open|(?:io\.)?open|pyarrow\.(?:parquet|csv|feather)\.read_\w+"
)
_PATH_READERS: Final = frozenset({"read_bytes", "read_text"})
_NO_FILES: Final = frozenset(
    {
        "pandas.read_clipboard",
        "pandas.read_sql",
        "pandas.read_sql_query",
        "pandas.read_sql_table",
        "pandas.read_gbq",
    }
)
_ENVIRONMENT: Final = frozenset({"os.environ.get", "os.getenv", "os.environ.__getitem__"})
_SYSTEM: Final = ("/dev/", "/proc/", "/sys/")


class Mention(NamedTuple):
    """A name, path or variable, and its line in the module."""

    text: str
    line: int


@frozen
class BodyFacts:
    """What a function mentions: each text once, with its line. `path` is the module's file."""

    path: Path
    undefined: tuple[Mention, ...] = ()
    files: tuple[Mention, ...] = ()
    variables: tuple[Mention, ...] = ()


def read_body(ref: CallableRef, folders: Sequence[Path], files: ModuleFiles) -> BodyFacts | None:
    """Read a function's body, or return None if it is not a function of the project."""
    modules = modules_of(folders, files)
    module = modules.get(ref.module)
    if not isinstance(module, Module):
        return None
    found = locate(modules, module, tuple(ref.qualname.split(".")), for_typing=False)
    if not isinstance(found, Located) or found.module.file.origin is not Origin.PROJECT or found.rest:
        return None
    if not isinstance(found.node, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    node = found.node
    return BodyFacts(
        path=found.module.file.path,
        undefined=undefined_names(node, _tables(found.module, files)),
        files=_once(_files(node, found.module, modules)),
        variables=_variables(node, found.module, modules),
    )


def _tables(module: Module, files: ModuleFiles) -> symtable.SymbolTable | None:
    """Return Python's own symbol table of a module, created once; None if it has none, or if names are created while it runs."""
    key = ("symbols", module.name)
    if key not in files.memo:
        files.memo[key] = symbols_of(module.text)
    known: symtable.SymbolTable | None = files.memo[key]
    return known


def symbols_of(text: str) -> symtable.SymbolTable | None:
    """Create the table of a text, if all its names are visible in it."""
    if _MAKES_NAMES.search(text):
        return None
    try:
        return symtable.symtable(text, "<module>", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError, SystemError):
        return None


def undefined_names(node: Function, table: symtable.SymbolTable | None) -> tuple[Mention, ...]:
    """Return the names that a top-level function of a module uses and that nothing in the module binds."""
    own = None if table is None else _table_of(node, table)
    if table is None or own is None:
        return ()
    unknown = {name for scope in _below(own) for name in _globals(scope)} - _ALWAYS
    if not unknown:
        return ()
    unknown -= {
        symbol.get_name()
        for scope in _below(table)
        for symbol in scope.get_symbols()
        if (scope is table or symbol.is_declared_global())
        and (symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace())
    }
    uses = (one for one in _evaluated(node) if isinstance(one, ast.Name) and one.id in unknown)
    return _once(Mention(one.id, one.lineno) for one in uses if isinstance(one.ctx, ast.Load))


def _table_of(node: Function, table: symtable.SymbolTable) -> symtable.SymbolTable | None:
    lines = {node.lineno, *(one.lineno for one in node.decorator_list)}
    found = [
        one
        for one in _below(table)
        if one.get_name() == node.name and one.get_lineno() in lines and one.get_type() == "function"
    ]
    return found[0] if len(found) == 1 else None


def _below(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    waiting = [table]
    while waiting:
        one = waiting.pop()
        yield one
        waiting.extend(one.get_children())


def _globals(scope: symtable.SymbolTable) -> Iterator[str]:
    return (
        symbol.get_name() for symbol in scope.get_symbols() if symbol.is_global() and symbol.is_referenced()
    )


def _evaluated(node: Function) -> Iterator[ast.AST]:
    """Yield all nodes of a function's body except annotations, which may never be evaluated."""
    waiting: list[ast.AST] = list(reversed(node.body))
    while waiting:
        one = waiting.pop()
        yield one
        left = {"annotation", "returns", "type_params"}
        children = (
            child for name, value in ast.iter_fields(one) if name not in left for child in _nodes(value)
        )
        waiting.extend(reversed(list(children)))


def _nodes(value: object) -> Iterator[ast.AST]:
    if isinstance(value, ast.AST):
        yield value
    elif isinstance(value, list):
        yield from (one for one in value if isinstance(one, ast.AST))


def _files(node: Function, module: Module, modules: Modules) -> Iterator[Mention]:
    """Yield the paths that calls in a function read, if they are literals that it mentions nowhere else."""
    mentioned = Counter(
        one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)
    )
    for one in _evaluated(node):
        if isinstance(one, ast.Call) and (path := _path_read(one, module, modules)):
            is_own = mentioned[path] == 1 and not path.startswith(_SYSTEM) and path.isprintable()
            if is_own:
                yield Mention(path, one.lineno)


def _path_read(call: ast.Call, module: Module, modules: Modules) -> str | None:
    function = call.func
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Call):
        maker = function.value
        is_read = function.attr in _PATH_READERS or (function.attr == "open" and _reads(call, 0))
        is_path = is_read and dotted_name(maker.func, module, modules) == "pathlib.Path"
        return _literal(maker, 0) if is_path and len(maker.args) == 1 else None
    name = dotted_name(function, module, modules)
    if not _READERS.fullmatch(name) or name in _NO_FILES or (name.endswith("open") and not _reads(call, 1)):
        return None
    return _literal(call, 0)


def _reads(call: ast.Call, position: int) -> bool:
    """Return whether a call of `open` only reads, according to its mode."""
    given = [one.value for one in call.keywords if one.arg == "mode"] + call.args[position : position + 1]
    mode = given[0] if given else ast.Constant("r")
    return (
        isinstance(mode, ast.Constant) and isinstance(mode.value, str) and not set(mode.value) & set("wax+")
    )


def _literal(call: ast.Call, position: int) -> str | None:
    given = call.args[position] if len(call.args) > position else None
    is_text = isinstance(given, ast.Constant) and isinstance(given.value, str) and given.value
    return (
        given.value if isinstance(given, ast.Constant) and is_text and isinstance(given.value, str) else None
    )


def _variables(node: Function, module: Module, modules: Modules) -> tuple[Mention, ...]:
    """Return the environment variables that a function reads by a literal name, and does not set itself."""
    found: list[Mention] = []
    stored: set[str] = set()
    for one in _evaluated(node):
        match one:
            case ast.Subscript(value=value, slice=ast.Constant(value=str(name))) if (
                dotted_name(value, module, modules) == "os.environ"
            ):
                if isinstance(one.ctx, ast.Load):
                    found.append(Mention(name, one.lineno))
                else:
                    stored.add(name)
            case ast.Call(args=[ast.Constant(value=str(name)), *_]) if (
                dotted_name(one.func, module, modules) in _ENVIRONMENT
            ):
                found.append(Mention(name, one.lineno))
            case _:
                pass
    return _once(mention for mention in found if mention.text not in stored)


def _once(mentions: Iterator[Mention]) -> tuple[Mention, ...]:
    first: dict[str, Mention] = {}
    for mention in mentions:
        first.setdefault(mention.text, mention)
    return tuple(first.values())
