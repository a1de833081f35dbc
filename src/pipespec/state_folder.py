"""pipespec's own folder in a project, and what is where below it. All of it can be made again, if not for nothing.

.pipespec/digests.sqlite   digests of input files that did not change since
.pipespec/downloads/       content of remote inputs and outputs, by its digest
.pipespec/failed/          what steps wrote that failed for their outputs
.pipespec/logs/            logs of steps, of MLflow and of Luigi
.pipespec/memos/           what commands found, for the next one that asks the same
.pipespec/private/         the tracking store of runs with tracking off, and its artifacts
.pipespec/staging/         what running steps write
.pipespec/unpublished/     results that wait for a store that was away
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pipespec.frozen_values import frozen

__all__ = ["StateFolder"]

_NAME: Final = ".pipespec"


@frozen
class StateFolder:
    """The folder, which need not exist."""

    path: Path

    @classmethod
    def of(cls, root: Path) -> StateFolder:
        """Return that of a project, by the project's root."""
        return cls(root / _NAME)

    @property
    def digests(self) -> Path:
        """The memory of digests, a database."""
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
        """The folder of what commands found."""
        return self.path / "memos"

    @property
    def private_store(self) -> Path:
        """The database of records that tracking off keeps here."""
        return self.path / "private" / "mlflow.db"

    @property
    def staging(self) -> Path:
        """The folder in which steps write."""
        return self.path / "staging"

    @property
    def unpublished(self) -> Path:
        """The folder of results that the next run publishes."""
        return self.path / "unpublished"

    @property
    def mlflow_log(self) -> Path:
        """The log of what MLflow says of itself."""
        return self.logs / "mlflow.log"

    def log_of(self, run_id: str) -> Path:
        """Return the log of a step's run."""
        return self.logs / f"{run_id}.log"

    def made(self) -> StateFolder:
        """Return the folder, made where it is missing, and ignored by git.

        Raises:
            OSError: where it cannot be made.
        """
        if not self.path.is_dir():
            self.path.mkdir(parents=True, exist_ok=True)
            (self.path / ".gitignore").write_text("*\n", encoding="utf-8")
        return self
