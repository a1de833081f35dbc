"""Note names that libraries look up from a text, for example `!!python/name:models.Model` in a YAML file, like the classes of pickle.

A module that is already loaded is taken from `sys.modules`, which causes no audit event. Uses the table below. User code that
imports by a text is found in its source.
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
    """Note the module and the name of each text that is passed to these functions."""
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
    """Return the longest part of a text that names a loaded module, and the first name after it."""
    module = text
    while module and module not in sys.modules:
        module = module.rpartition(".")[0]
    return module, text[len(module) + 1 :].partition(".")[0]
