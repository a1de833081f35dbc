"""A user's `load` or `save` options, handed to the library function that they are keyword arguments of.

Takes the function, our own arguments and the user's; gives what the function returns. Refuses options that
the function has no argument for, and the argument that says where to read or write.
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
    """A file cannot be read as the argument wants it, or a value cannot be written as the output wants it."""


def library(name: str) -> Any:
    """Import a module that one format needs: none is loaded before a step uses it.

    Raises:
        FormatError: where it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise FormatError(
            f"this needs the package {quote(package)}, which cannot be imported: {error}"
        ) from error


def call(function: Callable[..., Any], *arguments: Any, label: str, options: Options, **ours: Any) -> Any:
    """Call a library's function with our arguments and the user's options, which win over `ours`.

    `label` is the function's public name, for messages.

    Raises:
        FormatError: where an option is unknown or not the user's to set; what else is wrong, the library says.
    """
    check_names(function, len(arguments), label=label, options=options)
    try:
        return function(*arguments, **{**ours, **options})
    except TypeError as error:
        # Functions with **kwargs pass names on, and only the last in the row knows that there is no such option.
        if options and "keyword argument" in str(error):
            raise FormatError(f"{label} does not accept these options: {error}") from error
        raise


def check_names(function: Callable[..., Any], taken: int, *, label: str, options: Options) -> None:
    """Refuse options that `function` has no keyword argument for; its first `taken` arguments are ours."""
    if not options:
        return
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # a function of C that does not tell
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
    """Refuse any option: there is no function behind this that takes some."""
    if options:
        raise FormatError(f"{label} has no options, but got {quote(next(iter(options)))}")


def _nearest(option: str, known: list[str]) -> str:
    hint = did_you_mean(option, known)
    return f"; {hint}" if hint else ""
