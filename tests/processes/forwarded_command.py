"""Run as a program in the place of an installed command, by a shell: a warm server forks the command in its stead.

The command has the arguments, folder, environment and streams of this process, which ends as the command did.
`WARM_SOCKETS` names the sockets that this process inherited: that of the server, and that of templates for steps.
"""

import os
import socket
import sys
from pathlib import Path

from forks import fork

VARIABLE = "WARM_SOCKETS"


def install(command: Path) -> None:
    """Write a command that runs this program."""
    command.parent.mkdir(parents=True, exist_ok=True)
    folder = str(Path(__file__).parent)
    command.write_text(
        f"#!{sys.executable} -IS\nimport sys\nsys.path.insert(0, {folder!r})\n"
        "import forwarded_command\nforwarded_command.main()\n"
    )
    command.chmod(0o755)


def main() -> None:
    server, *others = map(int, os.environ.pop(VARIABLE).split())
    told = fork(socket.socket(fileno=server), sys.argv[1:], os.getcwd(), os.environ, [0, 1, 2, *others])
    with open(told) as file:
        _, status = file.read().split()
    code = os.waitstatus_to_exitcode(int(status))
    if code < 0:
        os.kill(os.getpid(), -code)
    sys.exit(code)
