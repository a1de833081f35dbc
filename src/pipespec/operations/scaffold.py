"""What `pipespec init` writes: a small project that runs, from the templates of the package.

Takes a folder; refuses to touch a file that is there.
"""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from pipespec.errors import UsageError

__all__ = ["write_project"]


def write_project(folder: Path) -> list[str]:
    """Write the project's files and return their paths.

    Raises:
        UsageError: where one of them is there already, or the folder cannot be made; then nothing is written.
    """
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701 - YAML and Python, not HTML
    templates = sorted(
        resources.files("pipespec.templates").joinpath("project").iterdir(), key=lambda file: file.name
    )
    name = _pipeline_name(folder)
    texts = {
        folder / file.name: environment.from_string(file.read_text(encoding="utf-8")).render(name=name)
        for file in templates
        if file.is_file()
    }
    for path in texts:
        if path.exists():
            raise UsageError(f"'{path}' is there already, and init overwrites nothing; name another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"'{folder}' cannot be written to: {error.strerror}") from error
    return [str(path) for path in texts]


def _pipeline_name(folder: Path) -> str:
    """Make a pipeline's name of the folder's."""
    words = re.sub(r"[^a-z0-9_-]+", "_", folder.absolute().name.lower()).strip("_-")
    return words if re.match(r"[a-z]", words) else "pipeline"
