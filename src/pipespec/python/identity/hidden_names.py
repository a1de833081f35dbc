"""Ways to reach code that no name in the text shows: `eval`, `sys.modules`, imports by a text, texts that are read.

Tables of what Python and common libraries offer, by absolute name, or by the last word if that is enough. `name_usage` uses
them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from pipespec.python.name_resolution import Chain

__all__ = [
    "HIDDEN",
    "HIDDEN_ATTRIBUTES",
    "IMPORTERS",
    "READING_ATTRIBUTES",
    "READING_CALLS",
    "TEXT_READERS",
    "names_in_text",
]

HIDDEN: Final = frozenset(
    [
        "eval",
        "exec",
        "globals",
        "builtins.eval",
        "builtins.exec",
        "builtins.globals",
        "sys._getframe",
        "sys.modules",
        "sys._current_frames",
        "inspect.currentframe",
        "inspect.stack",
        "inspect.trace",
        "inspect.getmodule",
        "inspect.getmembers_static",
        "gc.get_objects",
        "gc.get_referrers",
        "code.interact",
        "__builtins__",
        "importlib.reload",
        "runpy.run_path",
        "importlib.util.spec_from_file_location",
        "importlib.machinery.SourceFileLoader",
    ]
)
"""Names by which code reaches others that its text does not show."""

HIDDEN_ATTRIBUTES: Final = frozenset(
    ["__globals__", "func_globals", "f_globals", "f_builtins", "f_back", "f_locals", "__builtins__"]
)
"""Attributes of that kind, whatever they belong to."""

IMPORTERS: Final = frozenset(
    [
        "import_module",
        "__import__",
        "importlib.import_module",
        "importlib.__import__",
        "builtins.__import__",
        "importlib.util.find_spec",
        "importlib.find_loader",
        "pkgutil.get_loader",
        "pkgutil.find_loader",
        "pkgutil.resolve_name",
        "pydoc.locate",
        "runpy.run_module",
        "import_string",
        "import_object",
        "load_object",
        "locate_object",
    ]
)
"""Calls that import a module by a text; `import_module` by whatever name leads to it."""

READING_ATTRIBUTES: Final[Mapping[str, str]] = {
    "__doc__": "docstrings",
    "__annotations__": "annotations",
    "__signature__": "annotations",
    "__subclasses__": "subclasses",
    **dict.fromkeys(("getEffectiveLevel", "handlers", "hasHandlers", "isEnabledFor", "level"), "logging"),
    **dict.fromkeys(("co_firstlineno", "co_lines", "co_positions", "f_lineno", "tb_lineno"), "lines"),
}
READING_CALLS: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("inspect.getdoc", "pydoc.getdoc", "pydoc.render_doc", "pydoc.plain", "help"), "docstrings"
    ),
    **dict.fromkeys(("inspect.cleandoc", "doctest.testmod", "doctest.DocTestFinder"), "docstrings"),
    **dict.fromkeys(("logging.getHandlerNames", "logging.getLevelName", "logging.getLoggerClass"), "logging"),
    **dict.fromkeys(
        ("inspect.getsource", "inspect.getcomments", "dill.source.getsource"),
        "text",
    ),
    **dict.fromkeys(("inspect.getsourcelines", "inspect.findsource", "inspect.getframeinfo"), "lines"),
    **dict.fromkeys(
        (
            "inspect.signature",
            "inspect.get_annotations",
            "inspect.getfullargspec",
            "inspect.Signature.from_callable",
            "typing.get_type_hints",
            "typing_extensions.get_type_hints",
        ),
        "annotations",
    ),
}
"""What looks at other code, and at which part of it that otherwise does not count."""

TEXT_READERS: Final = frozenset(
    [
        "query",
        "eval",
        "evaluate",
        "sql",
        "exec",
        "execute",
        "dmatrix",
        "dmatrices",
        "from_formula",
        "ols",
        "wls",
        "gls",
        "glm",
        "logit",
        "probit",
        "mixedlm",
        "timeit",
        "repeat",
    ]
)
"""Calls that look up names of the code around them in a text: pandas, numexpr, duckdb, patsy, timeit."""

_MARKED: Final = re.compile(r"@([^\W\d]\w*(?:\.[^\W\d]\w*)*)")
_PLAIN: Final = re.compile(r"(?<![\w.@])[^\W\d]\w*(?:\.[^\W\d]\w*)*")


def names_in_text(text: str) -> Iterator[tuple[Chain, bool]]:
    """Yield what may be names in a text, and whether it is certain that they are: those after `@`."""
    for found in _MARKED.findall(text):
        yield tuple(found.split(".")), True
    for found in _PLAIN.findall(text):
        yield tuple(found.split(".")), False
