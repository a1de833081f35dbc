"""A small disk of its own, that a test may fill, and make read-only; only root may mount one."""

import os
import subprocess

import pytest


class SmallDisk:
    """A file system of 8 MB in memory."""

    def __init__(self, folder):
        self.folder = folder

    def fill(self, room=0):
        """Leave so many bytes."""
        with open(self.folder / "filler", "wb", buffering=0) as file:
            try:
                while file.write(bytes(1 << 12)):
                    pass
            except OSError:
                os.truncate(file.fileno(), max(file.tell() - room, 0))

    def empty(self):
        (self.folder / "filler").unlink()

    def allow_writing(self, is_allowed):
        subprocess.run(["mount", "-o", f"remount,{'rw' if is_allowed else 'ro'}", self.folder], check=True)


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "none", folder], capture_output=True
    ).returncode:
        pytest.skip("only root may mount a file system")
    yield SmallDisk(folder)
    subprocess.run(["umount", "-l", folder], check=True)
