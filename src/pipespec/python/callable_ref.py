"""The text with which a user names a callable: `module:function`; and what a text in another form was meant to be."""

from __future__ import annotations

import re
from typing import Final

from pipespec.errors import Span
from pipespec.frozen_values import frozen

__all__ = ["PROGRAMS", "CallableRef", "SourceFileRef", "is_call", "library_step", "likely_call", "parse_call"]

_DOTTED: Final = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"
_CALL: Final = re.compile(rf"{_DOTTED}:{_DOTTED}", re.ASCII)
_COMMAND: Final = re.compile(r"(?:\S*/)?python[0-9.]*\s+(?:-m\s+)?")
_CALLED: Final = re.compile(r"\(.*\)$")
_SOURCE_FOLDER: Final = "src"
_RUN_BY: Final = {".ipynb": "notebook", ".sql": "sql", ".sh": "command", ".R": "command", ".r": "command"}
_METHOD: Final = re.compile(r"(.+)[.:]([A-Z]\w*)[.:]([A-Za-z_]\w*)")
PROGRAMS: Final = "a program is run by a function: write call: pipespec.steps:command"
"""What to do where the name of a program, or its command line, stands in place of a function."""


@frozen
class CallableRef:
    """`module:function` or `module:Class.method`, as written at `span`."""

    module: str
    qualname: str
    span: Span

    def __str__(self) -> str:
        return f"{self.module}:{self.qualname}"


@frozen
class SourceFileRef:
    """A file that a step runs as code: a script, a notebook, a query, or a file that a command line names.

    `is_word` is true for the words of a command. They are names of files only if there is such a file in the project
    root; other files are searched where modules are. `is_required` says that it is a mistake if the file does not
    exist. `module` is what `python -m` runs; `text` is then its path without a suffix.
    """

    text: str
    span: Span
    is_word: bool = False
    is_required: bool = True
    module: str = ""

    def __str__(self) -> str:
        kind = "command module" if self.module else "command file" if self.is_word else "file"
        return f"{kind} {self.text}"


def is_call(written: str) -> bool:
    """Return whether a text has the form `module:function`, as the schema requires."""
    return _CALL.fullmatch(written) is not None


def parse_call(written: str, span: Span) -> CallableRef:
    """Split `module:function` into its parts. `is_call` must be true for it."""
    module, _, qualname = written.partition(":")
    return CallableRef(module, qualname, span)


def likely_call(written: str) -> str | None:
    """Return the `module:function` that a text in another form means: `steps.plot`, `./steps.py:plot()`.

    For a file without a function, `function` is a placeholder: `prep:function`. None if nothing is likely.
    """
    written = written.replace(".<locals>", "")
    text = _CALLED.sub("", _COMMAND.sub("", written.strip()))
    place, separator, function = (part.strip() for part in re.sub(r"::+|#|->", ":", text).partition(":"))
    if method := _METHOD.fullmatch(text.replace("::", ":")):
        place, function = method[1], f"{method[2]}.{method[3]}"
    elif not separator:
        is_file = place.endswith(".py")
        place, _, function = (place, "", "function") if is_file else place.rpartition(".")
    likely = f"{_module_of(place)}:{function}"
    return likely if likely != written and is_call(likely) else None


def library_step(written: str) -> str | None:
    """Return how a file, or a command line, is run that somebody wrote in place of a function."""
    words = written.split()
    suffix = next((suffix for suffix in _RUN_BY if words and words[0].endswith(suffix)), None)
    if len(words) == 1 and suffix is not None:
        name = _RUN_BY[suffix]
        params = {"sql": f"query: {words[0]}, url: ...", "notebook": f"notebook: {words[0]}"}
        return f"write call: pipespec.steps:{name}, with params: {{{params.get(name, f'command: [./{words[0]}]')}}}"
    if _COMMAND.match(written) and (script := next((word for word in words if word.endswith(".py")), None)):
        return f"a script is run by a function: write call: pipespec.steps:script, with params: {{script: {script}}}"
    if len(words) > 1 and words[0] != "lambda" and re.fullmatch(r"[\w./+-]+", words[0]):
        return f"{PROGRAMS}, with params: {{command: [{', '.join(words)}]}}"
    return None


def _module_of(place: str) -> str:
    """Return the module of a path such as `./src/prep.py`. The folder `src` is one in which modules are searched."""
    parts = place.removesuffix(".py").replace("\\", "/").split("/")
    dotted = ".".join(part for part in parts if part != ".")
    return re.sub(r"^\.(?=\w)", "", dotted).removeprefix(f"{_SOURCE_FOLDER}.")
