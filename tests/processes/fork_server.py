"""Run as a program: forks a process for each request, with the modules imported already that it needs in any case.

`python fork_server.py FD SCRIPT MODULE:FUNCTION` stands for `SCRIPT`, which calls that function; beforehand, the whole
package of MODULE is imported, and what pipespec ships as text is compiled. `python -P fork_server.py FD -m MODULE IMPORTED…` stands for `python -P -m MODULE`.

Requests come over an inherited socket until that ends. Each brings arguments, environment and folder, and files: stdin,
stdout, stderr, one that gets the process id and then the wait status, and those that the process is to have from 3 on.
A process is one of its own: it leads a session, reads what it is given, and ends as Python ends. Imports are done in a
folder with nothing in it. Where they or the start of Python could make a difference, the real program is executed.
"""

import array
import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import runpy
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

LARGEST = 1 << 20
"""Bytes of one request, which is a packet."""

MOST_FILES = 8
STREAMS = 3
"""How many files every process has; in a request, the one that is told of the process comes next."""

READ_AT_START = ("PYTHON", "LC_", "LANG", "LD_", "TZ", "LUIGI_", "MALLOC_", "PIPESPEC_FAULT")
"""How the names of variables begin that Python, its libraries in C, Luigi, or our points of faults read once."""

TAKEN_OVER = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")

READ_BY_LUIGI = ("luigi.cfg", "client.cfg")


class Script:
    """An installed command. A socket that it is given leads to the server of its templates for step processes."""

    at = 1
    """Where on its path PYTHONPATH begins: the first place is the script's."""
    hands_on = False
    """Whether what it executes has its files too."""

    def __init__(self, file: str, entry: str) -> None:
        from warm_templates import divert

        self._divert = divert
        module, function = entry.split(":")
        sys.path[0] = str(Path(file).parent)
        self.name, self.start = file, [file]
        self.call: Callable[[], None] = getattr(importlib.import_module(module), function)
        import_all(package := module.partition(".")[0])
        if package == "pipespec":
            compile_shipped_texts()

    def take(self, files: list[int]) -> None:
        if files:
            from pipespec.engine.processes import step_processes

            step_processes.subprocess = self._divert(socket.socket(fileno=STREAMS))


class Module:
    """A module that Python runs."""

    at = 0
    hands_on = True

    def __init__(self, name: str, *imported: str) -> None:
        self.name, self.start = "-m", [sys.executable, "-P", "-m", name]
        self.call = lambda: runpy._run_module_as_main(name)  # as `python -m` does
        for module in imported:
            importlib.import_module(module)

    def take(self, files: list[int]) -> None:
        """Leave them where they are: its arguments name them."""


def import_all(package: str) -> None:
    """Import a package and its modules, but for programs, templates, and what needs Dask, which is heavy."""
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
        if not module.name.endswith("__main__") and not {"templates", "dask"} & set(module.name.split(".")):
            importlib.import_module(module.name)


def compile_shipped_texts() -> None:
    """Compile the templates of pages and the schema of pipelines, which a run does as it comes to them."""
    from pipespec.spec.schema.document_schema import _rule
    from pipespec.views.html_page import _environment

    _rule()
    for name in _environment().list_templates(extensions=["j2"]):
        _environment().get_template(name)


def receive(control: socket.socket) -> tuple[dict, list[int]] | None:
    """Return the next request with its files, or None when there are no more."""
    files = array.array("i")
    packet, ancillary, _, _ = control.recvmsg(LARGEST, socket.CMSG_LEN(MOST_FILES * files.itemsize))
    for _, _, data in ancillary:
        files.frombytes(data)
    return (json.loads(packet), list(files)) if packet else None


def serve(control: socket.socket) -> tuple[dict, list[int]] | None:
    """Fork for each request. Returns in each process that is to be a program, with the request; at the end with None."""
    while (asked := receive(control)) is not None:
        request, files = asked
        told = files.pop(STREAMS)
        if os.fork() == 0:
            control.close()
            if (program := os.fork()) == 0:
                return request, files
            for file in files:
                os.close(file)
            os.write(told, b"%d\n" % program)
            os.write(told, b"%d\n" % os.waitpid(program, 0)[1])
            os._exit(0)
        for file in (*files, told):
            os.close(file)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
    with contextlib.suppress(ChildProcessError):
        while os.wait():
            pass
    return None


def become(request: Mapping, files: list[int], program: Script | Module) -> None:
    """Make this process what a start of the program would have made it, or start that."""
    before = dict(os.environ)
    os.setsid()
    for number, file in enumerate(files):
        # Onto no file that is still wanted: their numbers rise, from 3 or more on.
        os.dup2(file, number, inheritable=number < STREAMS or program.hands_on)
    os.closerange(len(files), os.sysconf("SC_OPEN_MAX"))
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv[:] = [program.name, *request["arguments"]]
    folders = [
        os.path.abspath(folder) for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder
    ]
    if (
        read_at_start(os.environ) != read_at_start(before)
        or ("luigi" in sys.modules and any(map(os.path.exists, READ_BY_LUIGI)))
        or any(is_imported_before(name) for folder in folders for name in names_in(folder))
    ):
        start = [*program.start, *request["arguments"]]
        os.execve(start[0], start, os.environ)
    program.take(files[STREAMS:])
    sys.path[program.at : program.at] = folders
    sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))


def read_at_start(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what a process cannot take over later."""
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(READ_AT_START) and name not in TAKEN_OVER
    }


def names_in(folder: str) -> Iterator[str]:
    """Return the names that a folder of PYTHONPATH has for an import."""
    if Path(folder).is_dir():
        yield from (path.name.partition(".")[0] for path in Path(folder).iterdir())


def is_imported_before(name: str) -> bool:
    return name in sys.modules or name in ("sitecustomize", "usercustomize")


def end_with(call: Callable[[], None]) -> None:
    """Call, and end as Python does, but leave it to the system to free the memory."""
    code: object = 0
    try:
        call()
    except SystemExit as end:
        code = end.code
        if type(code) is not int:
            raise
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code & 0xFF)


def main() -> None:
    number, first, *rest = sys.argv[1:]
    program = Module(*rest) if first == "-m" else Script(first, *rest)
    gc.collect()
    gc.freeze()  # collecting in a fork would copy all that was loaded
    if (asked := serve(socket.socket(fileno=int(number)))) is not None:
        become(*asked, program)
        end_with(program.call)


if __name__ == "__main__":
    main()
