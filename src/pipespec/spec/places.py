"""Convert paths that a user wrote to absolute paths, without reading the disk.

Takes the node of a path and the folder from which relative paths start. Refuses `..` that leads out of the project.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pipespec.document.nodes import ScalarNode, set_at
from pipespec.document.wording import quote
from pipespec.frozen_values import frozen
from pipespec.spec.contracts.data_schema import SchemaFile
from pipespec.spec.pipeline_spec import TemplateFile
from pipespec.spec.placeholders import is_open
from pipespec.spec.spec_findings import SpecFindings

__all__ = ["Places", "locate", "locate_schema", "locate_template"]

_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


@frozen
class Places:
    """Where relative paths start: `folders` maps the file that contains the path to a folder; `root` is the project root."""

    file: Path
    root: Path
    folders: Mapping[str, Path]


def locate(
    node: ScalarNode, subject: str, places: Places, found: SpecFindings, *, must_stay: str = ""
) -> str | None:
    """Return the absolute path, or report why it is invalid and return None. A URI or an unresolved text is returned unchanged.

    A relative path starts at the folder of the file that contains it, or from which a reference took it. It must not
    leave the project by `..`. With `must_stay`, which says what the path leads to, no path may leave it.
    """
    written = str(node.value)
    if _URI.match(written) or is_open(node):
        return written
    if not written.isprintable() or written.startswith("~"):
        told, hint = "it contains control characters", None
        if written.startswith("~"):
            told = "'~' is not expanded"
            hint = (
                f'write "${{env:HOME}}{written[1:]}"' if written.startswith("~/") else "write the whole path"
            )
        message = f"{subject}: the path {quote(written)} cannot be read: {told}"
        found.error("bad-path", message, set_at(node), hint)
        return None
    folder = places.folders.get(set_at(node).file, places.file.parent)
    path = os.path.normpath(folder / written)
    is_bound = must_stay or not Path(written).is_absolute()
    if is_bound and _is_inside(str(folder), places.root) and not _is_inside(path, places.root):
        message = f"{subject}: the path {quote(written)} is outside of the project"
        hint = "only an absolute path may be outside of the project"
        hint = f"{must_stay} must be inside the project" if must_stay else hint
        found.error("outside-project", message, set_at(node), hint)
        return None
    return path


def locate_schema(node: ScalarNode, subject: str, places: Places, found: SpecFindings) -> SchemaFile | None:
    """Return the schema at a path, or report why it cannot be one and return None."""
    path = _in_project(node, subject, "schema", places, found)
    return None if path is None else SchemaFile(path, str(node.value), set_at(node))


def locate_template(
    node: ScalarNode, subject: str, places: Places, found: SpecFindings
) -> TemplateFile | None:
    """Return the template at a path, or report why it cannot be one and return None."""
    path = _in_project(node, subject, "template", places, found)
    return None if path is None else TemplateFile(path, str(node.value), set_at(node))


def _in_project(node: ScalarNode, subject: str, kind: str, places: Places, found: SpecFindings) -> str | None:
    """Return the absolute path of a file that must be in the project."""
    written = str(node.value)
    if is_open(node):
        return None  # already reported: no reference is allowed here
    if _URI.match(written):
        message = f"{subject}: the {kind} {quote(written)} is not a file of the project"
        found.error("bad-path", message, set_at(node), "keep a copy in the project, and name its path")
        return None
    return locate(node, subject, places, found, must_stay=f"a {kind}")


def _is_inside(path: str, root: Path) -> bool:
    return path == str(root) or path.startswith(str(root).rstrip(os.sep) + os.sep)
