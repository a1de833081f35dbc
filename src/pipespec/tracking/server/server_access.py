"""Determine how to access a tracking server: from its URI and MLflow's own environment to address, credentials, TLS settings.

Supports what MLflow's client supports: user and password in the URI, in `~/.netrc`, in `MLFLOW_TRACKING_USERNAME` and
`_PASSWORD`, in `~/.mlflow/credentials`; a token; certificates. Also detects what only MLflow's client can do:
authentication plug-ins, AWS signatures, workspaces, Databricks, an HTTP proxy.
"""

from __future__ import annotations

import base64
import configparser
import contextlib
import netrc
import os
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urlsplit

from pipespec.errors import StoreUnavailableError
from pipespec.frozen_values import frozen
from pipespec.tracking.tracking_uri import shown

__all__ = ["ServerAccess", "access_to", "is_behind_proxy", "needs_mlflow"]

_SPECIAL: Final = (
    "MLFLOW_TRACKING_AUTH",
    "MLFLOW_WORKSPACE",
    "MLFLOW_DATABRICKS_TRAFFIC_ID",
    "DATABRICKS_RUNTIME_VERSION",
)
"""Variables that make MLflow's client sign its requests, or add to them, in its own ways."""

_KEPT_IN_PATHS: Final = "/%:@!$&'()*+,;=~"

_PLUGINS: Final = b"mlflow.request_"
"""Prefixes of the entry points with which packages add headers or signatures to MLflow's requests."""


@frozen
class ServerAccess:
    """The address of a server and the credentials. Its repr shows no secret."""

    uri: str
    """As it may be displayed."""
    host: str
    port: int | None
    prefix: str
    """The path of the server, without a slash at its end."""
    is_secure: bool
    headers: Mapping[str, str] = field(repr=False)
    verify: bool = True
    authorities: str | None = None
    """A file or folder of trusted certificates, used instead of the system's."""
    certificate: str | None = None
    """A file with our own certificate and its key."""


def access_to(uri: str, environment: Mapping[str, str] = os.environ) -> ServerAccess:
    """Return how to access the tracking server at an HTTP URI.

    Raises:
        StoreUnavailableError: for a URI without a host, and for settings that exclude each other.
    """
    parts = _split(uri)
    verify = not _is_true(environment.get("MLFLOW_TRACKING_INSECURE_TLS"))
    authorities = environment.get("MLFLOW_TRACKING_SERVER_CERT_PATH")
    if not verify and authorities:
        raise StoreUnavailableError(
            "MLFLOW_TRACKING_INSECURE_TLS and MLFLOW_TRACKING_SERVER_CERT_PATH exclude one another; unset one of them"
        )
    authorization = _authorization(parts, environment)
    return ServerAccess(
        uri=shown(uri),
        host=parts.hostname or "",
        port=parts.port,
        prefix=quote(parts.path.rstrip("/"), safe=_KEPT_IN_PATHS),
        is_secure=parts.scheme == "https",
        headers={} if authorization is None else {"Authorization": authorization},
        verify=verify,
        authorities=authorities
        or environment.get("REQUESTS_CA_BUNDLE")
        or environment.get("CURL_CA_BUNDLE")
        or None,
        certificate=environment.get("MLFLOW_TRACKING_CLIENT_CERT_PATH") or None,
    )


def _split(uri: str) -> SplitResult:
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError as error:
        raise StoreUnavailableError(f"tracking server {shown(uri)}: {error}") from None
    if not parts.hostname:
        raise StoreUnavailableError(f"tracking server {shown(uri)}: the URI has no host")
    return parts


def needs_mlflow(access: ServerAccess, environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether only MLflow's own client can access this server."""
    return (
        any(environment.get(name) for name in _SPECIAL)
        or _is_true(environment.get("MLFLOW_TRACKING_AWS_SIGV4"))
        or is_behind_proxy(access)
        or any(True for _ in _plugins())
    )


def is_behind_proxy(access: ServerAccess) -> bool:
    """Return whether an HTTP proxy is used, according to environment variables or the system's settings."""
    scheme = "https" if access.is_secure else "http"
    if urllib.request.getproxies().keys().isdisjoint((scheme, "all")):
        return False
    place = access.host if access.port is None else f"{access.host}:{access.port}"
    return not urllib.request.proxy_bypass(place)


def _plugins() -> Iterator[str]:
    """Return the names of the installed packages that take part in MLflow's requests.

    The texts are searched: this takes 2 ms, and `importlib.metadata` takes 70 ms for the same.
    """
    for folder in sys.path:
        with contextlib.suppress(OSError), os.scandir(folder or ".") as entries:
            for entry in entries:
                if entry.name.endswith((".dist-info", ".egg-info")):
                    with contextlib.suppress(OSError):
                        if _PLUGINS in Path(entry.path, "entry_points.txt").read_bytes():
                            yield entry.name


def _is_true(value: str | None) -> bool:
    return value is not None and value.lower() in ("true", "1")


# ---------------------------------------------------------------------------------------- credentials


def _authorization(parts: SplitResult, environment: Mapping[str, str]) -> str | None:
    """Return the header's value. The first source found counts, as in MLflow's client."""
    user, password = (
        _from_netrc(parts.hostname or "", environment) or _from_uri(parts) or _from_mlflow(environment)
    )
    if user and password:
        return "Basic " + base64.standard_b64encode(f"{user}:{password}".encode()).decode()
    token = environment.get("MLFLOW_TRACKING_TOKEN")
    if not token:
        return None
    if not (token.isascii() and token.isprintable()):
        raise StoreUnavailableError(
            "MLFLOW_TRACKING_TOKEN has a character in it that no HTTP header can hold; is it a whole token, and only that?"
        )
    return f"Bearer {token}"


def _from_netrc(host: str, environment: Mapping[str, str]) -> tuple[str, str] | None:
    named = environment.get("NETRC")
    files = [named] if named else ["~/.netrc", "~/_netrc"]
    for file in map(os.path.expanduser, files):
        with contextlib.suppress(OSError, netrc.NetrcParseError, UnicodeDecodeError):
            found = netrc.netrc(file).authenticators(host)
            return None if found is None else (found[0] or found[1], found[2] or "")
    return None


def _from_uri(parts: SplitResult) -> tuple[str, str] | None:
    if parts.username is None and parts.password is None:
        return None
    return unquote(parts.username or ""), unquote(parts.password or "")


def _from_mlflow(environment: Mapping[str, str]) -> tuple[str | None, str | None]:
    kept = configparser.ConfigParser()
    with contextlib.suppress(OSError, configparser.Error, UnicodeDecodeError):
        kept.read(Path("~/.mlflow/credentials").expanduser())
    ours = kept["mlflow"] if kept.has_section("mlflow") else {}
    names = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")
    user, password = (environment.get(name) or ours.get(name.lower()) for name in names)
    return user, password
