"""Why no message can be sent to a URL of `notify`: created by `project.message_services`, used by checks and told by runs."""

from __future__ import annotations

from pipespec.frozen_values import frozen

__all__ = ["ServiceProblem"]


@frozen
class ServiceProblem:
    """What keeps Apprise from a URL, and what to do about it; neither holds more of the URL than the name of the service."""

    message: str
    hint: str
    is_package: bool = False
    """True where a package that is not installed is all that it takes."""
