"""The MLflow version of a tracking server, from its `/version`; None if it does not report one."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from typing import Final

from pipespec.tracking.server.server_access import access_to
from pipespec.tracking.server.server_connection import tls_settings

__all__ = ["server_version"]

_VERSION: Final = re.compile(r"\d+\.\d+[\w.]*")
_PATIENCE: Final = 10.0
"""Seconds."""


def server_version(uri: str) -> str | None:
    """Ask the server at an HTTP URI. It must be known that the server is there.

    Raises:
        StoreUnavailableError: for a URI without a host.
    """
    access = access_to(uri)
    address = f"{access.uri.rstrip('/')}/version"
    request = urllib.request.Request(address, headers=dict(access.headers))  # noqa: S310 - a server's URI, by its scheme
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE, context=tls_settings(access)) as answer:  # noqa: S310
            text = answer.read(100).decode(errors="replace").strip()
    except (OSError, ValueError):
        return None
    return text if _VERSION.fullmatch(text) else None
