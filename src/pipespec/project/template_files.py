"""Read the templates of messages that a pipeline names from the project: `TemplateFile` -> `MessageTemplate`.

Refuses files that do not exist, are not in UTF-8, or are outside of the project. The files are read by `DiskModules`,
which caches what it read, so that everything that one command does with a template uses the same bytes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pipespec.project.disk_modules import DiskModules
from pipespec.spec.message_templates import MessageTemplate
from pipespec.spec.pipeline_spec import TemplateFile

__all__ = ["read_templates"]

_ENCODING: Final = "utf-8-sig"


def read_templates(files: Iterable[TemplateFile], modules: DiskModules) -> dict[str, MessageTemplate]:
    """Return the content of each template, or why it cannot be read, by its path. It is named relative to the working directory."""
    return {path: _read(Path(path), modules) for path in dict.fromkeys(file.path for file in files)}


def _read(path: Path, modules: DiskModules) -> MessageTemplate:
    name = Path(os.path.relpath(path)).as_posix()
    if not modules.is_inside(path):
        return MessageTemplate(name, problem="it is outside of the project")
    try:
        return MessageTemplate(name, modules.content(path).decode(_ENCODING))
    except FileNotFoundError:
        return MessageTemplate(name, problem="there is no such file", is_missing=True)
    except OSError as error:
        return MessageTemplate(name, problem=f"it cannot be read: {(error.strerror or 'unknown').lower()}")
    except UnicodeDecodeError:
        return MessageTemplate(name, problem="it is not in UTF-8")
