"""Which URLs of `notify` Apprise understands. It is imported only here and where messages are sent.

Takes a URL, which may contain references to secrets, which are not read. Returns why no message can be sent to it. The
result contains nothing of the URL except the name of the service, because URLs contain tokens. No connection is made.
"""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Iterable, Iterator
from typing import Final

from pipespec.checks.service_problem import ServiceProblem
from pipespec.document.wording import did_you_mean, quote
from pipespec.frozen_values import frozen

__all__ = ["service_problem", "service_problems"]

_INSTALL: Final = "pip install 'pipespec[notify]'"

_SERVICE: Final = re.compile(r"([A-Za-z][A-Za-z0-9]{0,19})://")
_WEB: Final = ("http", "https")
_LIST: Final = "the services are listed at https://github.com/caronc/apprise/wiki"


@frozen
class _Service:
    """A service as Apprise describes it: the form of its URL, and the packages that it lacks."""

    written: str
    lacks: tuple[str, ...] = ()


def service_problems(urls: Iterable[str]) -> dict[str, ServiceProblem]:
    """Return, by URL, why no message can be sent to it, for URLs that Apprise does not understand."""
    found = {url: service_problem(url) for url in dict.fromkeys(urls)}
    return {url: problem for url, problem in found.items() if problem is not None}


def service_problem(url: str) -> ServiceProblem | None:
    """Return why Apprise does not understand a URL; None if it does, or if a reference leaves it open."""
    try:
        import apprise  # noqa: PLC0415 - it is an extra, and slow to import
    except ImportError:
        return ServiceProblem("Apprise is not installed", f"install it with: {_INSTALL}", is_package=True)
    is_open = "${" in url
    found = _SERVICE.match(url)
    if found is None:
        return (
            None if is_open else ServiceProblem("the URL names no service", f"write SERVICE://...; {_LIST}")
        )
    name = found[1].lower()
    if is_open and name in _WEB:
        return None  # some services understand the addresses of their own web hooks
    with _silence():
        if not is_open and apprise.Apprise.instantiate(url) is not None:
            return None
        services = _services()
    service = services.get(name)
    if name in _WEB:
        hint = f"write json{'s' * (name == 'https')}://HOST/PATH for a web hook that takes JSON; {_LIST}"
        return ServiceProblem(f"Apprise knows no service at this {quote(name)} address", hint)
    if service is None:
        return ServiceProblem(
            f"Apprise knows no service {quote(name)}", did_you_mean(name, services) or _LIST
        )
    if service.lacks:
        hint = f"install {' and '.join(service.lacks)} where the pipeline runs"
        return ServiceProblem(
            f"the service {quote(name)} needs packages that are not installed", hint, is_package=True
        )
    if is_open:
        return None
    return ServiceProblem(
        f"Apprise cannot read this URL of {quote(name)}", f"it is written as {service.written}"
    )


def _services() -> dict[str, _Service]:
    """Return the services that Apprise knows, by the URL schemes that they use."""
    import apprise  # noqa: PLC0415 - as above

    known: dict[str, _Service] = {}
    told = apprise.Apprise().details(show_disabled=True, show_requirements=True)
    for schema in told["schemas"]:
        ways = [str(way) for way in schema["details"]["templates"]] or ["{schema}://"]
        lacks = () if schema["enabled"] else tuple(schema["requirements"]["packages_required"])
        for name in (*(schema["secure_protocols"] or ()), *(schema["protocols"] or ())):
            known[str(name)] = _Service(ways[0].replace("{schema}", str(name)), lacks)
    return known


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Suppress logging in the block: Apprise and its dependencies log hosts and paths."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
