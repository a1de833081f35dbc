"""Where a reader finds records: the store, the page of a run on a tracking server, or the command that shows a store.

Takes a tracking URI as it may be printed, without a password. MLflow's pages start with views for language models; a
link selects the view of runs.
"""

from __future__ import annotations

import shlex
from typing import Final
from urllib.parse import quote

from pipespec.plan.store_name import StoreName
from pipespec.views.terminal_text import printable

__all__ = ["experiment_url", "name_of_store", "run_url", "ui_command"]

_VIEW: Final = "?workflowType=machine_learning"


def name_of_store(store: StoreName) -> str:
    """Return the line that names the store for people."""
    private = " (private: tracking is off)" if store.is_private else ""
    return f"store: {printable(store.short)}{private}"


def run_url(tracking_uri: str, experiment_id: str, run_id: str) -> str | None:
    """Return the page of a run, or None if the store is not a server or the run's experiment is not known."""
    if not _is_server(tracking_uri) or not experiment_id:
        return None
    page = f"{tracking_uri.rstrip('/')}/#/experiments/{_quoted(experiment_id)}/runs/{_quoted(run_id)}"
    return page + _VIEW


def experiment_url(server: str, experiment_id: str | None) -> str:
    """Return the page of an experiment's runs on a server, or that of all experiments."""
    below = "" if experiment_id is None else f"/{_quoted(experiment_id)}"
    return f"{server.rstrip('/')}/#/experiments{below}{_VIEW}"


def ui_command(store_uri: str) -> str | None:
    """Return the command that shows a store's runs, from any folder; None for a server, which shows them itself."""
    return None if _is_server(store_uri) else f"mlflow ui --backend-store-uri {shlex.quote(store_uri)}"


def _is_server(tracking_uri: str) -> bool:
    return tracking_uri.startswith(("http://", "https://"))


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="replace")
