"""Where a reader finds a run: its page on a tracking server, or the command that shows a store.

Takes a tracking URI as it may be printed, without a password.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final
from urllib.parse import quote

__all__ = ["run_url", "ui_command"]

_SQLITE: Final = "sqlite:///"


def run_url(tracking_uri: str, experiment_id: str, run_id: str) -> str | None:
    """Return the page of a run, or None where the store is no server or the run's experiment is not known."""
    if not tracking_uri.startswith(("http://", "https://")) or not experiment_id:
        return None
    return f"{tracking_uri.rstrip('/')}/#/experiments/{_quoted(experiment_id)}/runs/{_quoted(run_id)}"


def ui_command(tracking_uri: str, root: Path) -> str:
    """Return the command that shows a store's runs, as one types it in the project's root."""
    path = tracking_uri.removeprefix(_SQLITE)
    if path != tracking_uri and Path(path).is_relative_to(root):
        tracking_uri = f"{_SQLITE}{Path(path).relative_to(root)}"
    return f"mlflow ui --backend-store-uri {shlex.quote(tracking_uri)}"


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="replace")
