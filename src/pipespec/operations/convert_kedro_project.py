"""Let Kedro describe a project, in a separate process, and convert it.

Takes the project's folder and returns a `Conversion`. Executes the code of the project, because Kedro needs this to
know its pipelines.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from pipespec.converting.conversion import Conversion
from pipespec.converting.kedro import read_project
from pipespec.converting.kedro.convert_kedro import convert_kedro
from pipespec.document.wording import quote
from pipespec.errors import UsageError
from pipespec.operations.convert_source import Beside
from pipespec.operations.init_project import pipeline_name
from pipespec.project.project_root import without_dots

__all__ = ["convert_kedro_project"]

_DEFAULT: Final = "__default__"
_QUIET: Final = {"DO_NOT_TRACK": "1", "KEDRO_DISABLE_TELEMETRY": "1"}
_TIMEOUT: Final = 300


def convert_kedro_project(
    folder: Path, target: Path | None, pipeline: str | None, python: str | None
) -> Conversion:
    """Convert a pipeline of a Kedro project.

    Raises:
        UsageError: if Kedro, the project or the pipeline does not exist, or the file is to be outside of the project.
        InvalidPipelineError: if nothing can be converted.
    """
    if not (folder / "pyproject.toml").is_file():
        raise UsageError(
            f"{quote(str(folder))} is no Kedro project: it has no pyproject.toml with [tool.kedro]"
        )
    if target is not None and without_dots(target).parent != without_dots(folder):
        raise UsageError(
            f"the pipeline file of a Kedro project is written into its folder: -o {folder / target.name}"
        )
    said = _asked(folder, pipeline or _DEFAULT, python or sys.executable)
    base = folder / "conf" / "base"
    return convert_kedro(
        said,
        name=pipeline_name(folder) if pipeline is None else pipeline_name(Path(pipeline)),
        files=Beside(folder, folder),
        catalogs=_texts(folder, base, "catalog"),
        params_files=_texts(folder, base, "parameters"),
    )


def _asked(folder: Path, pipeline: str, python: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as made:
        answer = Path(made, "said.json")
        command = [python, str(Path(read_project.__file__)), ".", pipeline, str(answer)]
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env={**os.environ, **_QUIET},
                capture_output=True,
                timeout=_TIMEOUT,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise UsageError(f"{quote(python)} cannot be asked about the project: {error}") from error
        if not answer.is_file():
            last = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["it ended early"]
            raise UsageError(f"the project cannot be read by {quote(python)}: {last[0]}")
        said: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    problem = said.get("problem")
    if problem is None:
        return said
    if problem.startswith("ModuleNotFoundError: No module named 'kedro'"):
        raise UsageError(
            f"{quote(python)} has no Kedro; name the Python that has it: --python .venv/bin/python"
        )
    raise UsageError(f"Kedro cannot read the project: {problem}")


def _texts(folder: Path, base: Path, beginning: str) -> dict[str, str]:
    """Return the texts of the configuration files whose names begin in this way, by their paths in the project."""
    found = sorted(path for path in base.rglob(f"{beginning}*") if path.suffix in (".yml", ".yaml"))
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8", errors="replace")
        for path in found
    }
