"""Open the ledger that reads the store at a tracking URI.

A database file is read by our own statements, a tracking server by its REST API; both take milliseconds and do not
import mlflow. All other stores, and a database with unknown tables, are read through MLflow's client. A store that
cannot be read raises StoreUnavailableError: "cannot be decided" is never an empty answer.
"""

from __future__ import annotations

from pathlib import Path

from pipespec.plan.witness import WitnessCheck
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.reading.sqlite_ledger import SqliteLedger
from pipespec.tracking.tracking_uri import is_sqlite, resolve_uri

__all__ = ["open_ledger"]


def open_ledger(
    tracking_uri: str | None, *, root: Path, log: Path | None = None, check: WitnessCheck | None = None
) -> Ledger:
    """Open a store for reading. `root` is the project root, `log` the file for MLflow's log output.

    `check` checks what runs used: a run whose witness does not hold is not returned by `complete`. Without it,
    witnesses are not checked. This is for callers that only display past runs.

    A database file that does not exist means "nothing recorded", and is not created. A server is asked whether it is
    there: a refused connection is reported within 10 s, a silent server within 30 s.

    Raises:
        StoreUnavailableError: if the store cannot be read: not reachable, broken, not MLflow's, or of another version
            than the installed MLflow.
        UsageError: for a URI that cannot be a store.
    """
    uri = resolve_uri(tracking_uri, root)
    if is_sqlite(uri):
        return SqliteLedger(uri, otherwise=lambda: _searching_ledger(uri, root, log, check), check=check)
    return _searching_ledger(uri, root, log, check)


def _searching_ledger(uri: str, root: Path, log: Path | None, check: WitnessCheck | None) -> Ledger:
    # Late imports: HTTP and a thread pool take 40 ms, which a plan with a database file does not need.
    from pipespec.tracking.reading.mlflow_search import MlflowSearch  # noqa: PLC0415
    from pipespec.tracking.reading.rest_search import RestSearch  # noqa: PLC0415
    from pipespec.tracking.reading.searching_ledger import SearchingLedger  # noqa: PLC0415
    from pipespec.tracking.server.reach_server import reach_server  # noqa: PLC0415

    server = reach_server(uri)
    search = MlflowSearch(uri, log) if server is None else RestSearch(uri, server)
    return SearchingLedger(uri, root=root, search=search, check=check)
