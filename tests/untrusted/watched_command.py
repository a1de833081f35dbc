"""Runs commands of pipespec in a stranger's folder, each in a process that notes what it does, within limits.

`watched` takes a folder and the arguments of commands; it returns of each what it said and its `deeds`: all that Python's
audit hooks saw of what a verb on a stranger's files must not do. One process imports pipespec, in the folder, and forks
the commands; a command that does not end by itself, within its processor time or in a minute, has a negative exit code.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["SECONDS", "Watched", "watched", "watching_command"]

SECONDS = 20
"""Of processor time, after which the kernel ends a command."""
MEMORY = 2 << 30
"""Address space that a command may use."""

SCRIPT = """
import importlib, json, os, resource, signal, sys
FOLDER, OUTSIDE, KEPT, REPORT, MODULES, COMMANDS, SECONDS, MEMORY = CONFIGURATION
seen = []
real = os.path.realpath
STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "pty.spawn")
REACHES = ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "urllib.Request")
CHANGES = ("os.rename", "os.remove", "os.link", "os.symlink", "os.mkdir", "os.rmdir", "os.truncate", "os.chmod", "os.chown", "shutil.rmtree")

def look(event, args):
    if event == "open":
        path, mode, flags = args
        if not isinstance(path, (str, bytes)):
            return
        place = real(os.fsdecode(path))
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and place != "/dev/null" and not place.startswith(KEPT):
            seen.append(["write", place])
        elif place.startswith(OUTSIDE):
            seen.append(["read outside", place])
    elif event == "exec":
        name = getattr(args[0], "co_filename", "")
        if name.startswith((FOLDER, real(FOLDER) + "/")):
            seen.append(["exec", name])
    elif event in STARTS:
        seen.append(["start", *map(str, args[1] if event == "subprocess.Popen" else args)])
    elif event in REACHES:
        if event in ("socket.connect", "socket.bind") and not isinstance(args[1], tuple):
            return  # a socket of this machine's own
        seen.append([event, repr(args[1:])])
    elif event in CHANGES:
        place = real(os.fsdecode(args[0])) if isinstance(args[0], (str, bytes)) else str(args[0])
        if not place.startswith(KEPT) and not (event == "os.mkdir" and os.path.isdir(place)):
            seen.append([event, place])
    elif event == "pickle.find_class":
        seen.append(["pickle", *map(str, args)])
    elif event == "ctypes.dlopen" and str(args[0]).startswith(FOLDER):
        seen.append(["load", str(args[0])])

def hook(event, args):
    try:
        look(event, args)
    except RecursionError:
        pass

sys.addaudithook(hook)
from pipespec.cli import VERBS, main
for name in MODULES:
    importlib.import_module(name)
before = list(seen)

def follow(number, arguments):
    for stream, fd in (("out", 1), ("err", 2)):
        os.dup2(os.open(f"{REPORT}.{number}.{stream}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), fd)
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 5))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(120)
    seen[:] = before
    began = os.times()
    try:
        main(arguments)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        import traceback
        traceback.print_exc()
        code = 1
    deeds, ended = list(seen), os.times()
    used = resource.getrusage(resource.RUSAGE_SELF)
    sys.stdout.flush()
    sys.stderr.flush()
    told = {"deeds": deeds, "seconds": ended.user + ended.system - began.user - began.system, "kilobytes": used.ru_maxrss}
    with open(f"{REPORT}.{number}.json", "w") as file:
        json.dump(told, file)
    os._exit(code)

for number, arguments in enumerate(COMMANDS):
    child = os.fork()
    if not child:
        follow(number, arguments)
    with open(f"{REPORT}.{number}.code", "w") as file:
        file.write(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))
"""

PRELOADED = (
    *("pipespec.api", "pipespec.pipeline", "pipespec.operations.compiling.compile_file", "pipespec.views.diagnostic_view"),
    *("pipespec.cli.validate", "pipespec.cli.graph", "pipespec.cli.render", "pipespec.cli.config", "pipespec.cli.plan"),
    *("pipespec.cli.explain", "pipespec.cli.diff", "pipespec.cli.status", "pipespec.cli.compare", "pipespec.cli.lineage"),
    *("pipespec.cli.reproduce", "pipespec.cli.ui"),
)  # fmt: skip


@dataclass(frozen=True)
class Watched:
    """What a command said and did; `deeds` are those that it must answer for."""

    code: int
    out: bytes
    err: bytes
    deeds: tuple[tuple[str, ...], ...]
    seconds: float
    kilobytes: int

    @property
    def said(self) -> str:
        return (self.out + self.err).decode("utf-8", "replace")


def watching_command(folder: Path, commands: Sequence[Sequence[str]], *, preloads: bool) -> list[str]:
    """Return the command line that watches commands; what these may write are their folder of state and their cache."""
    state = folder / ".pipespec"
    beside = folder.parent
    own = () if state.is_symlink() else (str(state),)  # a folder cannot be made where a file is
    kept = (*own, f"{folder}/other/.pipespec", f"{beside}/cache", f"{beside}/temporary")
    modules = PRELOADED if preloads else ()
    configuration = (f"{folder}/", f"{beside}/outside", kept, f"{beside}/report", modules, [list(one) for one in commands], SECONDS, MEMORY)  # fmt: skip
    return [sys.executable, "-P", "-c", f"CONFIGURATION = {configuration!r}\n{SCRIPT}"]


def watched(
    folder: Path,
    commands: Sequence[Sequence[str]],
    environment: Mapping[str, str],
    *,
    preloads: bool = True,
    prefix: Sequence[str] = (),
) -> list[Watched]:
    """Run commands in a folder; return what each did."""
    beside = folder.parent
    (beside / "temporary").mkdir(exist_ok=True)
    done = subprocess.run(
        [*prefix, *watching_command(folder, commands, preloads=preloads)],
        cwd=folder,
        env={**environment, "XDG_CACHE_HOME": f"{beside}/cache", "TMPDIR": f"{beside}/temporary"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:].decode(errors="replace")
    return [_read(beside, number) for number in range(len(commands))]


def _read(beside: Path, number: int) -> Watched:
    def content(kind: str) -> bytes:
        return (beside / f"report.{number}.{kind}").read_bytes()

    code = int(content("code"))
    told = json.loads(content("json")) if code >= 0 else {"deeds": [], "seconds": -1, "kilobytes": -1}
    deeds = tuple(map(tuple, told["deeds"]))
    return Watched(code, content("out"), content("err"), deeds, told["seconds"], told["kilobytes"])
