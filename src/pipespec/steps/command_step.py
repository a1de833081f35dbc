"""Run any program as a step. Its standard streams go to the step's log, and a failure shows the end of its stderr."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Final

from pipespec.document.wording import quote
from pipespec.spec.library_steps import path_in_project
from pipespec.step.active_environment import search_path
from pipespec.step.failure import StepError
from pipespec.steps.program_folder import program_folder
from pipespec.steps.step_arguments import Values

__all__ = ["command"]

_NOTHING_BESIDE_CODE: Final = {"PYTHONDONTWRITEBYTECODE": "1"}
"""Bytecode, which Python writes beside modules, would change folders of the project that are inputs."""

_KEPT: Final = 16_000
"""Number of bytes of stderr that are kept for a failure."""
_LAST_WORDS: Final = 1.0
"""Seconds to read the rest of the pipe after the program has ended: a process that it started may keep the pipe open."""


def command(
    command: list[str | int | float],
    inputs: Mapping[str, Path],
    params: Mapping[str, Any],
    outputs: Mapping[str, Path],
    env: dict[str, str | int | float] | None = None,
    folder: str = "",
    paths: dict[str, str] | None = None,
) -> None:
    """Run a program in the project, which writes the outputs.

    Args:
        command: The program and its arguments, such as `["sort", "-o", "{outputs.sorted}", "{inputs.raw}"]`; no shell reads them.
        inputs: Their paths.
        params: The other params.
        outputs: Where the program writes each.
        env: Environment variables for the program, beside those of the step; values may have the same templates.
        folder: Where the program runs, relative to the project root.
        paths: Where the program itself expects what, relative to `folder`: `{"outputs.model": "model.pkl", "inputs.raw": "data/raw.csv",
            "params": "params.yaml"}`. It then runs in a folder of its own that shows the project, with these in place.
    """
    if not command:
        raise StepError("binding", "'command' is empty; write the program and its arguments")
    values = Values(inputs, params, outputs)
    words = values.filled(command)
    extra = {name: values.text(value) for name, value in (env or {}).items()}
    if folder and path_in_project(folder) is None and folder != ".":
        raise StepError("binding", f"'folder' is {quote(folder)}, which is not inside the project")
    if paths is None:
        _run(words, extra, Path(folder))
        return
    with program_folder(folder, paths, values) as place:
        _run(words, {**_NOTHING_BESIDE_CODE, **extra}, place)


def _run(words: list[str], extra: Mapping[str, str], place: Path) -> None:
    """Run a program to its end.

    Raises:
        StepError: if it cannot be started.
        CalledProcessError: if it fails.
    """
    environment = {**os.environ, "PATH": search_path(), **extra, "PWD": str(place.absolute())}
    sys.stdout.flush()
    try:
        process = subprocess.Popen(
            words, cwd=place, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
    except (FileNotFoundError, NotADirectoryError):
        if not place.is_dir():
            raise StepError("binding", f"there is no folder {quote(str(place))}") from None
        raise StepError("import", _not_found(place, words[0])) from None
    except PermissionError:
        raise StepError(
            "import", f"{quote(words[0])} may not be executed; try: chmod +x {words[0]}"
        ) from None
    except OSError as error:
        if error.errno == errno.ENOEXEC:
            said = f"{quote(words[0])} has no first line such as '#!/bin/sh'; write the program before it: [sh, {words[0]}]"
        elif error.errno == errno.E2BIG:
            said = "the command and its environment are too long; pass long values in a file, as an input"
        else:
            said = f"{quote(words[0])} cannot be executed: {error.strerror}"
        raise StepError("import", said) from None
    except ValueError as error:
        raise StepError("binding", f"the command cannot be started: {error}") from None
    assert process.stderr is not None
    kept = bytearray()
    reader = threading.Thread(target=_pass_on, args=(process.stderr, kept), daemon=True)
    reader.start()
    code = process.wait()
    reader.join(_LAST_WORDS)
    if code:
        raise subprocess.CalledProcessError(code, words, stderr=bytes(kept))


def _pass_on(stream: IO[bytes], kept: bytearray) -> None:
    """Write a program's stderr to the log as it arrives, and keep the end of it."""
    while chunk := os.read(stream.fileno(), 1 << 16):
        view = memoryview(chunk)
        while view:
            view = view[os.write(2, view) :]
        kept += chunk
        del kept[:-_KEPT]


def _not_found(place: Path, program: str) -> str:
    said = f"there is no program {quote(program)}"
    file = place / program
    if "/" in program and file.is_file():
        with file.open("rb") as opened:
            first = opened.readline(256).removeprefix(b"#!")
        wrong = "; its lines end as on Windows" if first.endswith(b"\r\n") else ""
        interpreter = first.decode(errors="replace").split()
        return f"the first line of {quote(program)} names {quote(interpreter[0] if interpreter else '')}, which is not there{wrong}"
    if file.is_file():
        return f"{said}; write './{program}' for the file of the project"
    if len(program.split()) > 1:
        return f'{said}; write each word as an item of its own, or for a shell: [sh, -c, "..."]'
    return said if "/" in program else f"{said} in the folders of PATH"
