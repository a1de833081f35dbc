"""Pass a user's `load` or `save` options to a library function as keyword arguments.

Takes the function, our own arguments and the user's options. Returns what the function returns. Refuses options for
which the function has no argument, and the argument that says where to read or write.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from pipespec.document.nodes import JSON
from pipespec.document.wording import did_you_mean, quote
from pipespec.errors import PipespecError

__all__ = ["FormatError", "Loader", "Options", "Saver", "call", "check_names", "library", "without_options"]

Options: TypeAlias = Mapping[str, JSON]
Loader: TypeAlias = Callable[[Path, Options], Any]
Saver: TypeAlias = Callable[[Any, Path, Options], None]


class FormatError(PipespecError):
    """A file cannot be read for its argument, or a value cannot be written for its output."""


def library(name: str) -> Any:
    """Import a module that one format needs. It is loaded only when a step uses the format.

    Raises:
        FormatError: if it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise FormatError(
            f"this needs the package {quote(package)}, which cannot be imported: {error}"
        ) from error


def call(function: Callable[..., Any], *arguments: Any, label: str, options: Options, **ours: Any) -> Any:
    """Call a library's function with our arguments and the user's options, which override `ours`.

    `label` is the function's public name, for messages.

    Raises:
        FormatError: if an option is unknown, or users may not set it. Other mistakes are reported by the library.
    """
    check_names(function, len(arguments), label=label, options=options)
    try:
        return function(*arguments, **{**ours, **options})
    except TypeError as error:
        # Functions with **kwargs pass options on, and only the last function in the chain detects an unknown option.
        if options and "keyword argument" in str(error):
            raise FormatError(f"{label} does not accept these options: {error}") from error
        raise


def check_names(function: Callable[..., Any], taken: int, *, label: str, options: Options) -> None:
    """Refuse options for which `function` has no keyword argument. Its first `taken` arguments are ours."""
    if not options:
        return
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # a C function without a signature
        return
    ours = list(parameters)[:taken]
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    known = [
        name
        for name, parameter in parameters.items()
        if name not in ours and parameter.kind in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]
    for option in options:
        if option in ours:
            raise FormatError(f"option {quote(option)} of {label} is set by pipespec")
        if option not in known and not takes_any:
            raise FormatError(f"{label} has no option {quote(option)}{_nearest(option, known)}")


def without_options(label: str, options: Options) -> None:
    """Refuse any option: this format calls no function that takes options."""
    if options:
        raise FormatError(f"{label} has no options, but got {quote(next(iter(options)))}")


def _nearest(option: str, known: list[str]) -> str:
    hint = did_you_mean(option, known)
    return f"; {hint}" if hint else ""
