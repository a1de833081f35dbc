"""Search any store through MLflow's client, which takes seconds to import."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pipespec.tracking.mlflow_client import Session, speaking
from pipespec.tracking.reading import search_filters
from pipespec.tracking.record_names import told
from pipespec.tracking.run_facts import RunFacts
from pipespec.tracking.tracking_uri import is_server

__all__ = ["MlflowSearch"]

_ACTIVE_ONLY: Final = 1
_DELETED_ONLY: Final = 2
"""MLflow's `ViewType`."""
_EXPERIMENTS_PAGE: Final = 10_000


class MlflowSearch:
    """A RunSearch over MLflow's client. mlflow is imported with the first question."""

    def __init__(self, uri: str, log: Path | None) -> None:
        """Take a resolved URI, and the file that gets MLflow's log output."""
        self._session = Session(uri, log)
        self.takes_requests_side_by_side = is_server(uri)

    def prepare(self) -> None:
        """Import mlflow and open the store."""
        _ = self._session.client

    def page(
        self,
        experiments: list[str],
        condition: str,
        order: str,
        size: int,
        token: str | None,
        *,
        deleted: bool = False,
    ) -> tuple[list[RunFacts], str | None]:
        """Return one page of runs, and the token of the next page."""
        client = self._session.client
        with speaking(self._session.uri):
            runs = client.search_runs(
                experiments,
                condition,
                run_view_type=_DELETED_ONLY if deleted else _ACTIVE_ONLY,
                max_results=size,
                order_by=[order],
                page_token=token,
            )
        return [_facts(run) for run in runs], runs.token or None

    def experiments(self, since: int = 0) -> Mapping[str, int]:
        """Return all experiments that are not deleted and have changed since then."""
        client = self._session.client
        condition = search_filters.changed_since(since) if since else None
        found: dict[str, int] = {}
        token: str | None = None
        while True:
            with speaking(self._session.uri):
                page = client.search_experiments(
                    max_results=_EXPERIMENTS_PAGE, filter_string=condition, page_token=token
                )
            found.update((one.experiment_id, one.last_update_time or 0) for one in page)
            token = page.token
            if not token:
                return found

    def run(self, run_id: str) -> RunFacts | None:
        """Return a run that exists."""
        client = self._session.client
        with speaking(self._session.uri):
            try:
                run = client.get_run(run_id)
            except Exception as error:
                if getattr(error, "error_code", None) in (
                    "RESOURCE_DOES_NOT_EXIST",
                    "INVALID_PARAMETER_VALUE",
                ):
                    return None
                raise
        return _facts(run) if run.info.lifecycle_stage == "active" else None

    def close(self) -> None:
        """Close the client."""
        self._session.close()


def _facts(run: Any) -> RunFacts:
    info, data = run.info, run.data
    return RunFacts(
        run_id=info.run_id,
        status=info.status,
        started=(info.start_time or 0) / 1000,
        ended=None if not info.end_time else info.end_time / 1000,
        artifact_uri=info.artifact_uri,
        tags=told(data.tags),
        metrics=data.metrics,
        params=data.params,
        experiment_id=info.experiment_id,
    )
