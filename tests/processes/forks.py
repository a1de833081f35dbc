"""What a program does that asks a `fork_server.py` for processes; it imports nothing that a process could miss."""

import atexit
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

SERVER = Path(__file__).with_name("fork_server.py")


class ForkServer:
    """One server, which ends with whoever started it; `options` are Python's, `arguments` say what it stands for."""

    def __init__(self, *arguments: str, environment: Mapping[str, str], options: Sequence[str] = ()) -> None:
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, *options, SERVER, str(theirs.fileno()), *arguments],
                cwd="/",  # no project's folder
                env={name: value for name, value in environment.items() if name != "PYTHONPATH"},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        atexit.register(self.close)

    def close(self) -> int:
        """Let it end when all that it forked has ended, and return its exit code."""
        self.control.close()
        return self._process.wait()


def fork(
    control: socket.socket,
    arguments: Sequence[str],
    folder: Path | str,
    environment: Mapping[str, str],
    files: Sequence[int],
) -> int:
    """Ask for a process with these files from 0 on; returns the file that tells its id and then its wait status."""
    request = {"arguments": [*map(str, arguments)], "folder": str(folder), "environment": dict(environment)}
    told, told_end = os.pipe()
    try:
        socket.send_fds(control, [json.dumps(request).encode()], [*files[:3], told_end, *files[3:]])
    finally:
        os.close(told_end)
    return told
