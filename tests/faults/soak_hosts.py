"""Hosts of a soak: network namespaces with an address and a hostname each, or this host; and what runs on them.

The soak itself runs in a namespace of its own (`in_namespace`), where the servers are; nothing outside is changed, and all of
it goes with its processes.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

SERVER = "10.77.0.1"
"""Where hosts find the servers."""

_PR_SET_CHILD_SUBREAPER = 36


def namespace_command() -> list[str] | None:
    """What runs a program in a network of its own; None without the right to make one."""
    programs = [["unshare", "--net"], ["unshare", "--user", "--map-root-user", "--net"]]
    trial = ["sh", "-c", "ip link add veth0 type veth peer name veth1 && unshare --net --uts hostname trial"]
    for command in programs:
        try:
            if subprocess.run([*command, *trial], capture_output=True, check=False).returncode == 0:
                return command
        except FileNotFoundError:
            return None
    return None


def _run(*command: str | int) -> None:
    subprocess.run([str(word) for word in command], check=True, timeout=30)


def open_network() -> None:
    """Give the servers of this namespace their address."""
    _run("ip", "link", "set", "lo", "up")
    _run("ip", "address", "add", f"{SERVER}/32", "dev", "lo")


@dataclass
class Host:
    """A host with a project folder; at most one `pipespec run` at a time runs there."""

    name: str
    project: Path
    prefix: list[str] = field(default_factory=list)
    link: str = ""
    """The device here by which it is joined; a host that is this computer has none."""
    kind: str = "plain"
    """What executes the steps of its run: the run itself, also watched by `luigid`, or workers of `dask`."""
    run: subprocess.Popen[bytes] | None = None
    output: Path | None = None
    runs: int = 0

    @classmethod
    def apart(cls, number: int, name: str, project: Path) -> "Host":
        """Make a host with an address and a name of its own, joined with this namespace."""
        holder = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--uts", "sleep", "infinity"]
        )
        own = os.readlink("/proc/self/ns/net")
        until = time.monotonic() + 10
        while os.readlink(f"/proc/{holder.pid}/ns/net") == own:
            assert time.monotonic() < until
            time.sleep(0.01)
        enter = ["nsenter", "--target", str(holder.pid), "--net", "--uts"]
        here, there, net = f"here{number}", f"there{number}", f"10.77.{number}"
        _run("ip", "link", "add", here, "type", "veth", "peer", "name", there)
        _run("ip", "link", "set", there, "netns", holder.pid)
        _run("ip", "address", "add", f"{net}.1/24", "dev", here)
        _run("ip", "link", "set", here, "up")
        for command in (
            ["hostname", name],
            ["ip", "link", "set", "lo", "up"],
            ["ip", "address", "add", f"{net}.2/24", "dev", there],
            ["ip", "link", "set", there, "up"],
            ["ip", "route", "add", "default", "via", f"{net}.1"],
        ):
            _run(*enter, *command)
        return cls(name, project, enter, here)

    @property
    def temporary(self) -> Path:
        return self.project.with_name(self.project.name + "-tmp")

    @property
    def notes(self) -> Path:
        """Where its steps note their executions (`noted.py`)."""
        return self.project.with_name("notes")

    def start(self, *arguments: str) -> None:
        """Begin `pipespec` with these arguments, and with its output in a file of its own."""
        self.temporary.mkdir(exist_ok=True)
        self.runs += 1
        self.output = self.project.with_name(f"{self.project.name}-{self.runs}.txt")
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("MLFLOW_", "PIPESPEC_", "AWS_"))
        }
        with self.output.open("wb") as output:
            self.run = subprocess.Popen(
                [*self.prefix, str(Path(sys.executable).with_name("pipespec")), *arguments],
                cwd=self.project,
                env={
                    **kept,
                    "MLFLOW_DISABLE_TELEMETRY": "true",
                    "OMP_NUM_THREADS": "1",
                    "TMPDIR": str(self.temporary),
                    "XDG_CACHE_HOME": str(self.temporary.with_name("cache")),
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )


def cut_link(host: Host) -> None:
    """Let nothing pass between a host and the servers."""
    _run("ip", "link", "set", host.link, "down")


def join_link(host: Host) -> None:
    """Let everything pass again."""
    _run("ip", "link", "set", host.link, "up")


# ---------------------------------------------------------------------------------------------- processes


def adopt_orphans() -> None:
    """Become the parent of what loses its own: so nothing that a run leaves escapes."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children() -> dict[int, list[int]]:
    """The processes of this computer by their parents; those that only wait to be reaped are left out."""
    found: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (parent := parent_of(int(name))) is not None:
            found.setdefault(parent, []).append(int(name))
    return found


def parent_of(pid: int) -> int | None:
    """The parent of a process; None if it has ended, also if it only waits to be reaped."""
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except OSError:
        return None
    return None if state in "ZX" else int(parent)


def descendants(pid: int) -> list[int]:
    """Return all processes below one, the nearest first."""
    tree, found = children(), [pid]
    for each in found:
        found.extend(tree.get(each, ()))
    return found[1:]


def kill(pids: Sequence[int]) -> None:
    signal_all(pids, signal.SIGKILL)


def signal_all(pids: Sequence[int], number: signal.Signals) -> None:
    """Send a signal to those that are still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def descriptors(pids: Sequence[int]) -> int:
    """How many files and sockets processes have open."""
    count = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            count += len(os.listdir(f"/proc/{pid}/fd"))
    return count
