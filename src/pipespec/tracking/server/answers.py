"""Interpret the answer of a tracking server: done, refused, to be repeated, or not from MLflow.

Pure. Takes status, headers and body of an answer. Returns the JSON object in it, or raises the error that it describes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http.client import HTTPResponse
from typing import Any, Final

from pipespec.errors import PipespecError, StoreUnavailableError
from pipespec.tracking.tracking_uri import shown

__all__ = ["AnswerFailedError", "RedirectedError", "RefusedError", "json_object", "require_success"]

_PASSING: Final = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses of errors that may pass soon, as in MLflow's client."""

_REFUSALS: Final = frozenset(
    {"INVALID_PARAMETER_VALUE", "INVALID_STATE", "RESOURCE_ALREADY_EXISTS", "RESOURCE_DOES_NOT_EXIST"}
)


class AnswerFailedError(Exception):
    """A request failed in a way that may pass. This error never leaves the client."""

    def __init__(
        self,
        reason: str,
        *,
        was_sent: bool = True,
        was_kept: bool = False,
        is_away: bool = False,
        pause: float = 0.0,
    ) -> None:
        """Say why. `was_sent` is false if the server certainly did nothing, `is_away` true if nothing listens.

        `was_kept` is true for a lost connection that existed before. `pause` is the number of seconds that the server
        asks the client to wait.
        """
        super().__init__(reason)
        self.reason = reason
        self.was_sent = was_sent
        self.was_kept = was_kept
        self.is_away = is_away
        self.pause = pause


class RefusedError(PipespecError):
    """The server understood, and refused. `code` is MLflow's error code."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class RedirectedError(StoreUnavailableError):
    """The server redirects the request to another address, which only MLflow's client follows."""


def json_object(answer: HTTPResponse, body: bytes, uri: str) -> Mapping[str, Any]:
    """Return the object in an answer. `uri` is the URI of the server, as it may be displayed.

    Raises:
        AnswerFailedError: if the answer may be different soon.
        RefusedError: if MLflow refuses.
        StoreUnavailableError: for anything else.
    """
    require_success(answer, body, uri)
    found = _object(body)
    if found is None:
        kind = answer.headers.get_content_type()
        raise StoreUnavailableError(
            f"tracking server {uri}: it answers {kind} where MLflow answers a JSON object; is it a tracking server?"
        )
    return found


def require_success(answer: HTTPResponse, body: bytes, uri: str) -> None:
    """Return if the status means success; otherwise raise as `json_object`."""
    if 200 <= answer.status < 300:
        return
    status = f"{answer.status} {answer.reason}".strip()
    if 300 <= answer.status < 400:
        target = shown(answer.headers.get("Location") or "nowhere")
        raise RedirectedError(
            f"tracking server {uri}: it redirects to {target}; set mlflow.tracking_uri to the server's own address"
        )
    told = _object(body) or {}
    message = shown(str(told.get("message") or "")).strip().partition("\n")[0][:300]
    reason = f"{message} ({status})" if message else f"it answers {status}"
    if answer.status in _PASSING:
        raise AnswerFailedError(reason, pause=_asked_pause(answer.headers.get("Retry-After")))
    code = str(told.get("error_code", ""))
    if code in _REFUSALS:
        raise RefusedError(f"tracking store {uri}: {message}", code)
    raise StoreUnavailableError(f"tracking server {uri}: {reason}")


def _object(body: bytes) -> Mapping[str, Any] | None:
    try:
        found = json.loads(body)
    except ValueError:  # also UnicodeDecodeError
        return None
    return found if isinstance(found, dict) else None


def _asked_pause(text: str | None) -> float:
    """Return the seconds that `Retry-After` asks for, in either of its formats; 0 if it is not set."""
    if not text:
        return 0.0
    if text.strip().isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return 0.0
