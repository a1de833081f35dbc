"""Names that libraries look up by a text, as in `!!python/name:models.Model` of a YAML file: noted as pickle's classes are.

A module that is loaded already is taken from `sys.modules`, of which Python tells no audit event. Takes the table below; code of the
user's that imports by a text is read in its source.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from pipespec.step.witness.wrapped_functions import wrap_functions

__all__ = ["watch_named_in_texts"]

_LOOK_UP: Final[Mapping[str, tuple[str, ...]]] = {
    "hydra._internal.utils": ("_locate",),
    "logging.config": ("BaseConfigurator.resolve",),
    "pydoc": ("locate",),
    "unittest.loader": ("TestLoader.loadTestsFromName",),
    "yaml.constructor": ("FullConstructor.find_python_module", "FullConstructor.find_python_name"),
}


def watch_named_in_texts(note: Callable[[str, str], object]) -> None:
    """Let module and name of each text be noted that these functions are given."""
    wrap_functions(_LOOK_UP, partial(_noting, note=note))


def _noting(function: Callable[..., Any], note: Callable[[str, str], object]) -> Callable[..., Any]:
    @functools.wraps(function)
    def noting(*args: Any, **more: Any) -> Any:
        try:
            return function(*args, **more)
        finally:
            for text in (*args, *more.values()):
                if isinstance(text, str):
                    note(*_split(text))

    return noting


def _split(text: str) -> tuple[str, str]:
    """Return the longest part of a text that is the name of a loaded module, and the first name after it."""
    module = text
    while module and module not in sys.modules:
        module = module.rpartition(".")[0]
    return module, text[len(module) + 1 :].partition(".")[0]
