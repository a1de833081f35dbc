"""The runs that registered models came of, as MLflow's registry says. Asks through MLflow's client, which takes seconds to import."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from pipespec.tracking.mlflow_client import Session, import_mlflow, speaking

__all__ = ["registered_runs"]

_RUN_IN_SOURCE: Final = re.compile(r"runs:/+([0-9a-f]{32})|/([0-9a-f]{32})/artifacts(?:/|$)")
_PAGE: Final = 200


def registered_runs(tracking_uri: str, registry_uri: str | None, log: Path | None) -> frozenset[str]:
    """Return the ids of runs that any version of any registered model names as its own, or as where its files are.

    Raises:
        StoreUnavailableError: where the registry cannot be asked.
    """
    session = Session(tracking_uri, log)
    try:
        with speaking(registry_uri or tracking_uri):
            _ = session.client
            client: Any = import_mlflow().MlflowClient(tracking_uri, registry_uri or tracking_uri)
            found: set[str] = set()
            token: str | None = None
            while True:
                page = client.search_model_versions(max_results=_PAGE, page_token=token)
                for version in page:
                    found.update(_runs_of(version))
                token = page.token
                if not token:
                    return frozenset(found)
    finally:
        session.close()


def _runs_of(version: Any) -> list[str]:
    told = [str(version.run_id)] if version.run_id else []
    return told + [one or other for one, other in _RUN_IN_SOURCE.findall(str(version.source or ""))]
