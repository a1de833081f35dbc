"""Store what a called function logs to MLflow in a separate store that is deleted afterwards: nothing of a call is recorded."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pipespec.scratch import scratch
from pipespec.tracking.writing.user_logging import end_open_runs

__all__ = ["scratch_folder"]

_STORE: Final = "MLFLOW_TRACKING_URI"
_RUN: Final = "MLFLOW_RUN_ID"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make a folder for one call, with the store to which MLflow's own functions then write."""
    before = {name: os.environ[name] for name in (_STORE, _RUN) if name in os.environ}
    with scratch() as folder:
        os.environ[_STORE] = f"sqlite:///{folder}/mlflow.db"
        os.environ.pop(_RUN, None)
        try:
            yield folder
        finally:
            end_open_runs()
            for name in (_STORE, _RUN):
                os.environ.pop(name, None)
            os.environ.update(before)
