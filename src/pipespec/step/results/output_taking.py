"""Take outputs away from processes that may still write to them: exactly what was digested is published.

Takes the folder to which a step wrote. Returns a folder that the step's code does not know. Code that has the old path
finds nothing there any more. Code that has a file open is detected by a lease, which Linux grants only for a file to
which nobody can write.
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
"""Seconds in which another process must close a file: it may be about to end."""


def take_outputs(staging: Path, taken: Path) -> None:
    """Move everything that was written to the folder that is published. Without outputs there is no such folder."""
    written = written_outputs(staging)
    with contextlib.suppress(FileNotFoundError):
        written.rename(taken)
        _redirect_links(written, taken)


def _redirect_links(written: Path, taken: Path) -> None:
    """Change links by absolute path into the folder that was written, so that they lead to the files' new places."""
    for folder, *names in os.walk(taken):
        for place in (Path(folder, name) for some in names for name in some):
            if place.is_symlink() and (target := place.readlink()).is_relative_to(written):
                place.unlink()
                place.symlink_to(taken / target.relative_to(written))


def require_unwritten(path: Path, name: str) -> None:
    """Check that nobody can still write to a file. What this process itself has mapped into memory is copied.

    Raises:
        ContentError: if another process has the file open for writing.
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
        return False  # the signal can be blocked only in the main thread
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)  # a broken lease would end this process
    try:
        with open_regular(path, follow=False) as file:
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN  # only local disks support leases
    finally:
        signal.signal(signal.SIGIO, signal.SIG_DFL if before is None else before)
    return False


def _writing_process(path: Path) -> int | None:
    """Return another process that has a file open for writing, if the system lists it."""
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
