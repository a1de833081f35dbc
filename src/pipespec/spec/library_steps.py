"""The functions of `pipespec.steps`: which of their params name files of code.

Takes the function that a step calls and its params. Returns the files; it does not check whether they exist. The words
of a command are split, because `--script=run.R` and `bash -c "./tool.sh; wc a.txt"` also name files; so do params in
templates and variables of `env`. `python -m tools.fit` names a module. A split may give too many words, which matters little where
only names of files count, and never too few.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Final

from pipespec.document.nodes import MappingNode, Node, ScalarNode, SequenceNode, set_at
from pipespec.python.callable_ref import CallableRef, SourceFileRef

__all__ = [
    "AS_CODE", "AS_MODULE", "LIBRARY", "NEAR_TEMPLATE", "PATH_NAME", "TEMPLATE",
    "files_of", "is_library", "parts_of", "path_in_project", "pieces_of", "words_of",
]  # fmt: skip

LIBRARY: Final = "pipespec.steps"
_FILES: Final = {"script": "script", "notebook": "notebook", "sql": "query"}
"""The param of each function that names its file."""
_COMMAND: Final = "command"

AS_MODULE: Final = re.compile(r"-[A-Za-z]*m")
"""The option of Python after which a module is named."""
AS_CODE: Final = re.compile(r"-[A-Za-z]*c")
"""The option of Python, and of shells, after which code stands."""

_BETWEEN_WORDS: Final = re.compile(r"""[\s;|&()<>`"']+""")
_IN_WORDS: Final = re.compile(r"[=,:@]+")

_MODULE: Final = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)

TEMPLATE: Final = re.compile(r"\{(inputs|params|outputs)\.([^{}]+)\}")
"""A placeholder for a value in an argument: `{inputs.raw}`."""
NEAR_TEMPLATE: Final = re.compile(r"\{(input|param|output)\.([^{}]+)\}")
"""A placeholder as Snakemake and others write it."""
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
    if call.qualname != _COMMAND:
        return ()
    found = {str(ref): ref for ref in (*_named(params), *_modules(params))}
    required = {str(ref): ref for ref in found.values() if ref.is_required}
    return tuple({**found, **required}.values())


def pieces_of(text: str) -> list[str]:
    """Split a text as a shell does, and also where quotes end and operators such as `;` and `>` are."""
    try:
        pieces = shlex.split(text)
    except ValueError:  # a quote is not closed
        pieces = []
    return [piece for piece in (*pieces, *_BETWEEN_WORDS.split(text)) if piece]


def parts_of(piece: str) -> list[str]:
    """Return a piece and its parts: the files in `--conf=a.yaml`, `@args.txt`, `in:a.csv,b.csv`."""
    parts = dict.fromkeys((piece, piece.partition("=")[2], *_IN_WORDS.split(piece)))
    return [part for part in parts if part and "\0" not in part and len(part) < 4096]


def words_of(text: str) -> list[str]:
    """Return a text, its pieces, and their parts, each once."""
    pieces = dict.fromkeys((text, *pieces_of(text)))
    return [*dict.fromkeys(part for piece in pieces for part in parts_of(piece))]


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


def _named(params: Mapping[str, Node]) -> Iterator[SourceFileRef]:
    """Yield what may be files: the words of the command, and of the variables of its environment."""
    folder = _text(params.get("folder"))
    laid = _laid(params, folder)
    for position, (text, node) in enumerate(_texts(params)):
        is_own = position == 0 and "/" in text and not text.startswith("/")
        for word in _words(text):
            path = path_in_project(word, folder) or word
            if not f"{path}/".startswith(tuple(f"{each}/" for each in laid)):
                name = path if folder else word
                yield SourceFileRef(name, set_at(node), is_word=True, is_required=is_own and word == text)


def _modules(params: Mapping[str, Node]) -> Iterator[SourceFileRef]:
    """Yield what `python -m` may run: in the folder where the program runs, or where modules are."""
    folder = _text(params.get("folder"))
    before = ""
    for text, node in _texts(params):
        for word in pieces_of(text):
            if AS_MODULE.fullmatch(before) and _MODULE.fullmatch(word):
                path = word.replace(".", "/")
                for place in dict.fromkeys((path_in_project(path, folder) or path, path)):
                    yield SourceFileRef(place, set_at(node), is_word=True, is_required=False, module=word)
            before = word


def _texts(params: Mapping[str, Node]) -> Iterator[tuple[str, Node]]:
    """Yield the arguments of a command and the values of its `env`, with the params that they name."""
    for key in (_COMMAND, "env"):
        match params.get(key):
            case SequenceNode(items=items):
                nodes = [*items]
            case MappingNode(entries=entries):
                nodes = [entry.value for entry in entries.values()]
            case _:
                nodes = []
        for node in nodes:
            for text in _filled(_text(node), params):
                yield text, node


def _filled(text: str, params: Mapping[str, Node]) -> list[str]:
    """Return a text with the params that it names. If it is exactly a list of params, return its items."""
    whole = TEMPLATE.fullmatch(text)
    if (
        whole is not None
        and whole[1] == "params"
        and isinstance(several := params.get(whole[2]), SequenceNode)
    ):
        return [_text(item) for item in several.items]

    def value(found: re.Match[str]) -> str:
        return (found[1] == "params" and _text(params.get(found[2]))) or found[0]

    return [TEMPLATE.sub(value, text)]


def _words(text: str) -> Iterator[str]:
    """Yield what may be the name of a file in one argument of a command."""
    for word in words_of(text):
        if not TEMPLATE.search(word) and "${" not in word:
            yield word
