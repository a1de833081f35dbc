"""Why no message can be sent to a URL of `notify`: created by `project.message_services`, used by checks, reported by runs."""

from __future__ import annotations

from pipespec.frozen_values import frozen

__all__ = ["ServiceProblem"]


@frozen
class ServiceProblem:
    """Why Apprise cannot use a URL, and what to do about it. Both contain the name of the service, and nothing else of the URL."""

    message: str
    hint: str
    is_package: bool = False
    """True if the only reason is a package that is not installed."""
