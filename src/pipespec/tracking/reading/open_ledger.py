"""A tracking URI -> the ledger that reads the store.

A database file is read by statements of our own, a tracking server by its REST API, which cost milliseconds and no
import of mlflow; all other stores, and a database that does not look as expected, through MLflow's client. A store that cannot be asked
raises StoreUnavailableError: "cannot be decided" is never an empty answer.
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
    """Open a store for reading; `root` is the project root, `log` the file that takes MLflow's own words.

    `check` looks at what runs touched: one whose witness does not hold is no answer to `complete`. Without it witnesses
    are not looked at, which is for those who only tell what was.

    A database file that is not there yet means "nothing recorded", and is not created. A server is asked
    whether it is there: a refused connection is told within 10 s, a silent one within 30 s.

    Raises:
        StoreUnavailableError: where the store cannot be asked: not reachable, broken, not MLflow's, or of
            another version than the installed MLflow.
        UsageError: for a URI that can be no store.
    """
    uri = resolve_uri(tracking_uri, root)
    if is_sqlite(uri):
        return SqliteLedger(uri, otherwise=lambda: _searching_ledger(uri, root, log, check), check=check)
    return _searching_ledger(uri, root, log, check)


def _searching_ledger(uri: str, root: Path, log: Path | None, check: WitnessCheck | None) -> Ledger:
    # Late: HTTP and a thread pool cost 40 ms, which a plan over a database file has no use for.
    from pipespec.tracking.reading.mlflow_search import MlflowSearch  # noqa: PLC0415
    from pipespec.tracking.reading.rest_search import RestSearch  # noqa: PLC0415
    from pipespec.tracking.reading.searching_ledger import SearchingLedger  # noqa: PLC0415
    from pipespec.tracking.server.reach_server import reach_server  # noqa: PLC0415

    server = reach_server(uri)
    search = MlflowSearch(uri, log) if server is None else RestSearch(uri, server)
    return SearchingLedger(uri, root=root, search=search, check=check)
