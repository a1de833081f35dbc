"""pipespec's folder in a project, and its content. All of it can be created again, although this may take time.

.pipespec/digests.sqlite   digests of input files that have not changed since
.pipespec/downloads/       content of remote inputs and outputs, by its digest
.pipespec/failed/          what failed steps wrote for their outputs
.pipespec/logs/            logs of steps, of MLflow and of Luigi
.pipespec/memos/           results of commands, for the next command that asks the same
.pipespec/private/         the tracking store of runs with tracking off, and its artifacts
.pipespec/staging/         what running steps write
.pipespec/unpublished/     results that wait for a store that could not be reached
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pipespec.frozen_values import frozen

__all__ = ["StateFolder"]

_NAME: Final = ".pipespec"


@frozen
class StateFolder:
    """The folder. It need not exist."""

    path: Path

    @classmethod
    def of(cls, root: Path) -> StateFolder:
        """Return the state folder of a project, given the project root."""
        return cls(root / _NAME)

    @property
    def digests(self) -> Path:
        """The database of cached digests."""
        return self.path / "digests.sqlite"

    @property
    def downloads(self) -> Path:
        """The folder of downloaded content."""
        return self.path / "downloads"

    @property
    def failed(self) -> Path:
        """The folder of files that failed steps wrote."""
        return self.path / "failed"

    @property
    def logs(self) -> Path:
        """The folder of logs."""
        return self.path / "logs"

    @property
    def memos(self) -> Path:
        """The folder of stored results of commands."""
        return self.path / "memos"

    @property
    def private_store(self) -> Path:
        """The database of records with tracking off."""
        return self.path / "private" / "mlflow.db"

    @property
    def staging(self) -> Path:
        """The folder to which steps write."""
        return self.path / "staging"

    @property
    def unpublished(self) -> Path:
        """The folder of results that the next run publishes."""
        return self.path / "unpublished"

    @property
    def mlflow_log(self) -> Path:
        """The log of MLflow's own messages."""
        return self.logs / "mlflow.log"

    def log_of(self, run_id: str) -> Path:
        """Return the log of a step's run."""
        return self.logs / f"{run_id}.log"

    def made(self) -> StateFolder:
        """Return the folder. It is created if it is missing, and git ignores it.

        Raises:
            OSError: if it cannot be created.
        """
        if not self.path.is_dir():
            self.path.mkdir(parents=True, exist_ok=True)
            (self.path / ".gitignore").write_text("*\n", encoding="utf-8")
        return self
