"""The text with which a user names a callable: `module:function`; and what a text in another form was meant to be."""

from __future__ import annotations

import re
from typing import Final

from pipespec.errors import Span
from pipespec.frozen_values import frozen

__all__ = ["CallableRef", "SourceFileRef", "is_call", "likely_call", "parse_call"]

_DOTTED: Final = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"
_CALL: Final = re.compile(rf"{_DOTTED}:{_DOTTED}", re.ASCII)
_COMMAND: Final = re.compile(r"(?:\S*/)?python[0-9.]*\s+(?:-m\s+)?")
_CALLED: Final = re.compile(r"\(.*\)$")
_SOURCE_FOLDER: Final = "src"


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
    exist.
    """

    text: str
    span: Span
    is_word: bool = False
    is_required: bool = True

    def __str__(self) -> str:
        return f"{'command file' if self.is_word else 'file'} {self.text}"


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
    text = _CALLED.sub("", _COMMAND.sub("", written.strip()))
    place, separator, function = (part.strip() for part in re.sub(r"::+|#|->", ":", text).partition(":"))
    if not separator:
        is_file = place.endswith(".py")
        place, _, function = (place, "", "function") if is_file else place.rpartition(".")
    likely = f"{_module_of(place)}:{function}"
    return likely if likely != written and is_call(likely) else None


def _module_of(place: str) -> str:
    """Return the module of a path such as `./src/prep.py`. The folder `src` is one in which modules are searched."""
    parts = place.removesuffix(".py").replace("\\", "/").split("/")
    dotted = ".".join(part for part in parts if part != ".")
    return dotted.removeprefix(f"{_SOURCE_FOLDER}.")
