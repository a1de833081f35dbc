"""Search a tracking server by its documented REST API, without mlflow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pipespec.document.nodes import JSON
from pipespec.errors import StoreUnavailableError
from pipespec.tracking.reading import search_filters
from pipespec.tracking.run_facts import RunFacts, with_told_tags
from pipespec.tracking.server.answers import RefusedError
from pipespec.tracking.server.rest_client import RestClient
from pipespec.tracking.server.run_json import facts_of
from pipespec.tracking.tracking_uri import shown

__all__ = ["RestSearch"]

_EXPERIMENTS_PAGE: Final = 10_000


class RestSearch:
    """A RunSearch over a tracking server."""

    takes_requests_side_by_side = True

    def __init__(self, uri: str, client: RestClient) -> None:
        """Use this client, which is closed with the search."""
        self._uri = shown(uri)
        self._client = client

    def prepare(self) -> None:
        """Do nothing: a thread that finds no free connection creates one."""

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
        body: dict[str, JSON] = {
            "experiment_ids": [*experiments],
            "filter": condition,
            "order_by": [order],
            "max_results": size,
            "run_view_type": "DELETED_ONLY" if deleted else "ACTIVE_ONLY",
            **({} if token is None else {"page_token": token}),
        }
        found = self._client.post("runs/search", body)
        runs = [with_told_tags(facts_of(run, self._uri)) for run in found.get("runs", ())]
        return runs, found.get("next_page_token") or None

    def experiments(self, since: int = 0) -> Mapping[str, int]:
        """Return all experiments that are not deleted and have changed since then."""
        asked: dict[str, JSON] = {"max_results": _EXPERIMENTS_PAGE}
        if since:
            asked["filter"] = search_filters.changed_since(since)
        found: dict[str, int] = {}
        while True:
            page = self._client.post("experiments/search", asked)
            found.update(self._experiment(one) for one in page.get("experiments", ()))
            asked["page_token"] = page.get("next_page_token")
            if not asked["page_token"]:
                return found

    def run(self, run_id: str) -> RunFacts | None:
        """Return a run that exists."""
        try:
            run = self._client.get("runs/get", {"run_id": run_id}).get("run", {})
        except RefusedError as error:
            if error.code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise StoreUnavailableError(str(error)) from None
        facts = with_told_tags(facts_of(run, self._uri))
        return facts if run["info"].get("lifecycle_stage", "active") == "active" else None

    def close(self) -> None:
        """Close the connections to the server."""
        self._client.close()

    def _experiment(self, experiment: Any) -> tuple[str, int]:
        try:
            return str(experiment["experiment_id"]), int(experiment.get("last_update_time") or 0)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise StoreUnavailableError(
                f"tracking server {self._uri}: what it says of its experiments is not as MLflow says it"
            ) from None
