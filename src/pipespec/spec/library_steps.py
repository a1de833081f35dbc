"""The functions of `pipespec.steps`: which of their params name files of code.

Takes the function that a step calls and its params. Returns the files; it does not check whether they exist. The words
of a command are split, because `--script=run.R` and `bash -c "./tool.sh"` also name files; so do `-m tools.make` and the
values of `env`.
"""

from __future__ import annotations

import itertools
import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pipespec.document.nodes import MappingNode, Node, ScalarNode, SequenceNode, set_at
from pipespec.python.callable_ref import CallableRef, SourceFileRef

__all__ = ["LIBRARY", "PATH_NAME", "TEMPLATE", "files_of", "is_library", "path_in_project"]

LIBRARY: Final = "pipespec.steps"
_FILES: Final = {"script": "script", "notebook": "notebook", "sql": "query"}
"""The param of each function that names its file."""
_COMMAND: Final = "command"

TEMPLATE: Final = re.compile(r"\{(inputs|params|outputs)\.([^{}]+)\}")
"""A placeholder for a value in an argument: `{inputs.raw}`."""
PATH_NAME: Final = re.compile(r"(inputs|params|outputs)\.(.+)|params")
"""What `paths` of a command names: one value of the step, or all of its params."""


def is_library(call: CallableRef) -> bool:
    """Return whether a step calls a function of `pipespec.steps`."""
    return call.module == LIBRARY


def files_of(call: CallableRef, params: Mapping[str, Node]) -> tuple[SourceFileRef, ...]:
    """Return the files that the params name, each once."""
    if not is_library(call):
        return ()
    match params.get(_FILES.get(call.qualname, "")):
        case ScalarNode(value=str(text)) as node if text and "${" not in text:
            return (SourceFileRef(text, set_at(node)),)
    match params.get(_COMMAND) if call.qualname == _COMMAND else None:
        case SequenceNode(items=items):
            folder = _text(params.get("folder"))
            env = params.get("env")
            values = [entry.value for entry in env.entries.values()] if isinstance(env, MappingNode) else []
            laid = _laid(params, folder)
            named = [*_named(items, folder, laid), *_named(values, folder, laid, of_program=False)]
            return tuple(dict(reversed(named)).values())[::-1]
        case _:
            return ()


def path_in_project(written: str, folder: str = "") -> str | None:
    """Return a path that a program in a folder of the project uses, relative to the project root; None if it leaves the project."""
    path = posixpath.normpath(posixpath.join(folder, written))
    is_inside = written and not path.startswith(("/", "../")) and path not in (".", "..") and "\0" not in path
    return path if is_inside else None


def _laid(params: Mapping[str, Node], folder: str) -> tuple[str, ...]:
    """Return the paths that inputs and outputs have while the program runs. Any other file at these paths does not count."""
    node = params.get("paths")
    written = [_text(entry.value) for entry in node.entries.values()] if isinstance(node, MappingNode) else []
    return tuple(path for text in written if (path := path_in_project(text, folder)) is not None)


def _text(node: Node | None) -> str:
    return node.value if isinstance(node, ScalarNode) and isinstance(node.value, str) else ""


def _named(
    items: Sequence[Node], folder: str, laid: tuple[str, ...], *, of_program: bool = True
) -> Iterator[tuple[str, SourceFileRef]]:
    for position, item in enumerate(items):
        if isinstance(item, ScalarNode) and isinstance(item.value, str):
            is_own = of_program and position == 0 and "/" in item.value and not item.value.startswith("/")
            is_module = of_program and position > 0 and _text(items[position - 1]) == "-m"
            for word in (*_words(item.value), *(_files_of_module(item.value) if is_module else ())):
                path = path_in_project(word, folder) or word
                if not f"{path}/".startswith(tuple(f"{each}/" for each in laid)):
                    is_program = is_own and word == item.value
                    name = path if folder else word
                    yield name, SourceFileRef(name, set_at(item), is_word=True, is_required=is_program)


def _files_of_module(name: str) -> list[str]:
    """Return the files that `python -m NAME` may run, in the folder of the program and in its `src`."""
    if not all(part.isidentifier() for part in name.split(".")):
        return []
    stem = name.replace(".", "/")
    return [
        f"{place}{stem}{tail}" for place in ("", "src/") for tail in (".py", "/__init__.py", "/__main__.py")
    ]


def _words(text: str) -> Iterator[str]:
    """Yield what may be the name of a file in one argument of a command."""
    try:
        pieces = shlex.split(text)
    except ValueError:  # a quote is not closed
        pieces = text.split()
    modules = [
        name for before, one in itertools.pairwise(pieces) if before == "-m" for name in _files_of_module(one)
    ]
    for piece in dict.fromkeys((text, *pieces, *modules)):
        for word in (piece, piece.partition("=")[2]):
            if (
                word
                and not TEMPLATE.search(word)
                and "${" not in word
                and "\0" not in word
                and len(word) < 4096
            ):
                yield word
