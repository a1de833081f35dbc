"""Names of Python's own modules, which a module of a project should not have.

Python has only one module of a name. If its own is loaded first, that of the project cannot be loaded. If that of the
project is found first, a library that needs Python's module gets it instead.
"""

from __future__ import annotations

import sys
from typing import Final

__all__ = ["is_loaded_first", "is_of_python"]

_LOADED: Final = (
    "abc ast atexit base64 binascii bisect bz2 codecs collections contextlib copy copyreg csv ctypes dataclasses datetime difflib"
    " dis encodings enum errno faulthandler fcntl fnmatch functools genericpath glob hashlib heapq importlib inspect io ipaddress"
    " json keyword linecache locale logging lzma math ntpath opcode operator os pathlib pickle posixpath random re reprlib resource"
    " select selectors shlex shutil signal site stat string struct subprocess sysconfig tempfile textwrap threading token tokenize"
    " traceback types typing unicodedata urllib warnings weakref zipfile zipimport zlib"
)
"""The modules that a process has loaded before it can execute a step, of any pipeline."""


def is_of_python(module: str) -> bool:
    """Return whether Python itself has a module with this name."""
    return module.partition(".")[0] in sys.stdlib_module_names


def is_loaded_first(module: str) -> bool:
    """Return whether Python's own module with this name is loaded before any step is executed."""
    top = module.partition(".")[0]
    return top in _LOADED.split() or top in sys.builtin_module_names
