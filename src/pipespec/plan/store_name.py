"""The tracking store of records, as it is shown to people and programs: without a password."""

from __future__ import annotations

import os.path
from pathlib import Path
from typing import Final

from pipespec.frozen_values import frozen
from pipespec.state_folder import StateFolder

__all__ = ["StoreName"]

_SQLITE: Final = "sqlite:///"


@frozen
class StoreName:
    """A tracking store by its URI, and the root of the project for which it is displayed."""

    uri: str
    root: Path

    @property
    def is_private(self) -> bool:
        """True if tracking is off: only this project's folder has these records."""
        return self.uri == f"{_SQLITE}{os.path.normpath(StateFolder.of(self.root).private_store)}"

    @property
    def short(self) -> str:
        """The URI as written in a file of the project: a database in the project has a relative path."""
        path, root = self.uri.removeprefix(_SQLITE), os.path.normpath(self.root)
        if path == self.uri or not Path(path).is_relative_to(root):
            return self.uri
        return f"{_SQLITE}{os.path.relpath(path, root)}"
