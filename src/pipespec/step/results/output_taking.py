"""Taking outputs from whoever may still write to them: what is digested is what is published.

Takes the folder that a step wrote to, gives one that its code does not know. Who has a path finds nothing there any more;
who has a file open is found by a lease, which Linux grants only for a file that nobody can write to.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Final

from pipespec.document.wording import quote
from pipespec.step.arguments.verified_content import copy_file
from pipespec.step.content_digest import ContentError, open_regular
from pipespec.step.step_job import written_outputs

__all__ = ["require_unwritten", "take_outputs"]

_LAST_MOMENT: Final = 1.0
"""Seconds that another process has to close a file: it may be about to end."""


def take_outputs(staging: Path, taken: Path) -> None:
    """Move all that was written to a folder that is published from; without outputs there is none."""
    written = written_outputs(staging)
    with contextlib.suppress(FileNotFoundError):
        written.rename(taken)
        _redirect_links(written, taken)


def _redirect_links(written: Path, taken: Path) -> None:
    """Let links by absolute paths into the folder that was written lead to where its files are now."""
    for folder, *names in os.walk(taken):
        for place in (Path(folder, name) for some in names for name in some):
            if place.is_symlink() and (target := place.readlink()).is_relative_to(written):
                place.unlink()
                place.symlink_to(taken / target.relative_to(written))


def require_unwritten(path: Path, name: str) -> None:
    """See that nobody can write to a file any more; what this process itself has mapped into memory is copied.

    Raises:
        ContentError: where another process has it open for writing.
    """
    if not hasattr(fcntl, "F_SETLEASE") or not _has_writer(path):
        return
    until = time.monotonic() + _LAST_MOMENT
    while writer := _writing_process(path):
        if time.monotonic() >= until:
            raise ContentError(
                f"{quote(name)} is still open for writing in process {writer}; wait for it before the function returns"
            )
        time.sleep(0.02)
    copy = path.with_name(f"{path.name}.pipespec-copy")
    copy_file(path, copy, follow=False)
    copy.chmod(path.stat().st_mode & 0o7777)
    copy.replace(path)


def _has_writer(path: Path) -> bool:
    if threading.current_thread() is not threading.main_thread():
        return False  # only there can the signal be kept away
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)  # what tells of a lease that is broken would end us
    try:
        with open_regular(path, follow=False) as file:
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN  # other disks than local ones know no leases
    finally:
        signal.signal(signal.SIGIO, signal.SIG_DFL if before is None else before)
    return False


def _writing_process(path: Path) -> int | None:
    """Return another process that has a file open for writing, as far as the system tells."""
    if sys.platform != "linux":
        return None
    target = path.stat()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError, ValueError):
                for descriptor in (entry / "fd").iterdir():
                    status = descriptor.stat()
                    if (status.st_dev, status.st_ino) == (target.st_dev, target.st_ino):
                        flags = (entry / "fdinfo" / descriptor.name).read_text().split("flags:")[1].split()[0]
                        if int(flags, 8) & os.O_ACCMODE != os.O_RDONLY:
                            return int(entry.name)
    return None
