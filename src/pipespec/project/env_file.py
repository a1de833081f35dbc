"""The file `.env` in the project root: variables for the environment of a run.

Takes a pipeline's file and the environment, and adds to the environment what `.env` sets and the environment does not.
Refuses a file that cannot be parsed. Only verbs that trust the pipeline may call this. Values may be secrets, so no
message shows them.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from io import StringIO
from pathlib import Path
from typing import Final

from pipespec.document.size_limits import MAX_BYTES
from pipespec.errors import UsageError
from pipespec.project.project_root import find_root

__all__ = ["read_env_file"]

_NAME: Final = ".env"


def read_env_file(file: str, environment: MutableMapping[str, str]) -> None:
    """Set the variables of `.env` that are not set yet.

    Raises:
        UsageError: if the file exists and cannot be read.
    """
    path = find_root(Path(file)) / _NAME
    if not path.is_file():  # importing python-dotenv takes 20 ms
        return
    from dotenv import dotenv_values  # noqa: PLC0415 - as above
    from dotenv.parser import parse_stream  # noqa: PLC0415 - as above

    try:
        with path.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise UsageError(f"'{path}' cannot be read: it is larger than {MAX_BYTES >> 20} MiB")
        text = content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"'{path}' cannot be read: {reason}") from error
    for binding in parse_stream(StringIO(text)):
        if binding.error or "\0" in (binding.value or ""):
            written = binding.original.string
            line = binding.original.line + written[: len(written) - len(written.lstrip())].count("\n")
            raise UsageError(
                f"'{path}', line {line}, is no variable; write NAME=value, and quote a value that has"
                " spaces or '#'"
            )
    for name, value in dotenv_values(stream=StringIO(text)).items():
        if value is not None:
            environment.setdefault(name, value)
