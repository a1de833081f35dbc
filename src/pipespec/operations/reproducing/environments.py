"""Create an environment for Python with the packages of a past run, with uv.

Takes the lines of `pipespec/packages.txt` and the version of Python. Returns the interpreter, and a folder with the
present version of pipespec, which runs the rebuilt pipeline. Refuses, in one line, if uv is missing or cannot create
the environment.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

from pipespec.activity import busy
from pipespec.errors import PipespecError, UsageError

__all__ = ["UV", "environment", "require_uv"]

UV: Final = "uv"
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")
_INSTALLED: Final = frozenset({"site-packages", "dist-packages"})
_OURS: Final = frozenset({"pipespec", "pipespec-runtime"})


def require_uv() -> str:
    """Return the path of uv: on the search path, or beside the interpreter.

    Raises:
        UsageError: if it is not installed.
    """
    found = shutil.which(UV) or shutil.which(UV, path=str(Path(sys.executable).parent))
    if found is None:
        raise UsageError(
            "--environment uv needs the program 'uv', which is not installed here; install it (https://docs.astral.sh/uv), or leave the"
            " option out to use the packages that are installed now"
        )
    return found


def environment(
    folder: Path, packages: Sequence[str], python: str, project: Path
) -> tuple[Path, tuple[Path, ...]]:
    """Create an environment in a folder, and return its interpreter and the folders that contain pipespec.

    Raises:
        UsageError: if uv is not installed.
        PipespecError: if it cannot create the environment.
    """
    uv, place = require_uv(), folder / "environment"
    requirements = folder / "requirements.txt"
    requirements.write_text("".join(f"{line}\n" for line in _wanted(packages, project)), encoding="utf-8")
    interpreter = place / "bin" / "python"
    with busy("making the environment"):
        _run(uv, "venv", "--quiet", "--no-project", "--python", python, str(place))
        _run(
            uv,
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--python",
            str(interpreter),
            "--requirements",
            str(requirements),
        )
    return interpreter, _ours(folder / "pipespec")


def _wanted(packages: Sequence[str], project: Path) -> Iterator[str]:
    """Leave out pipespec, and the project itself, which is in the work tree."""
    for line in packages:
        name = _NAME.match(line)
        url = line.partition(" @ ")[2]
        path = url.removeprefix("file://")
        is_project = path != url and os.path.realpath(project).startswith(os.path.realpath(path))
        if name is not None and name[0].lower().replace("_", "-") not in _OURS and not is_project:
            yield line


def _ours(folder: Path) -> tuple[Path, ...]:
    """Return folders that contain only pipespec, with the metadata for its version."""
    package = Path(__file__).parents[2]
    told = folder / f"pipespec-{version('pipespec')}.dist-info"
    told.mkdir(parents=True)
    (told / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: pipespec\nVersion: {version('pipespec')}\n", encoding="utf-8"
    )
    if _INSTALLED.isdisjoint(package.parts):  # a checkout, which has nothing else in the package's folder
        return folder, package.parent
    (folder / package.name).symlink_to(package)
    return (folder,)


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode:
        said = [line.strip() for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
        raise PipespecError(
            f"uv cannot make the environment: {' '.join(said[:3]) or f'exit code {done.returncode}'}"
        )
