"""Convert a run from the JSON of MLflow's REST API to `RunFacts`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipespec.errors import StoreUnavailableError
from pipespec.tracking.run_facts import RunFacts

__all__ = ["facts_of"]


def facts_of(run: Mapping[str, Any], uri: str) -> RunFacts:
    """Return the facts in the JSON of a run. `uri` is the URI of the server, as it may be displayed.

    Raises:
        StoreUnavailableError: for JSON that is not a run.
    """
    try:
        info, data = run["info"], run.get("data", {})
        ended = int(info.get("end_time") or 0)
        return RunFacts(
            run_id=str(info["run_id"]),
            status=str(info["status"]),
            started=int(info.get("start_time") or 0) / 1000,
            ended=ended / 1000 if ended else None,
            artifact_uri=str(info.get("artifact_uri", "")),
            tags=_texts(data.get("tags", ())),
            metrics={row["key"]: float(row["value"]) for row in data.get("metrics", ())},
            params=_texts(data.get("params", ())),
            experiment_id=str(info["experiment_id"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreUnavailableError(
            f"tracking server {uri}: what it says of a run is not as MLflow says it ({type(error).__name__}: {error})"
        ) from None


def _texts(rows: Any) -> dict[str, str]:
    # An empty value may be missing.
    return {str(row["key"]): str(row.get("value", "")) for row in rows}
