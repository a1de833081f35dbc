"""The templates of messages that a pipeline names, read from the project: `TemplateFile` -> `MessageTemplate`.

Refused are files that are not there, not in UTF-8, or outside of the project. They are read by `DiskModules`, which remembers
what it read, so that all that one command does with a template is done with the same bytes.
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
    """Return what each template says, or why it cannot be read, by its path; it is named as seen from here."""
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
