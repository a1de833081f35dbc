"""A project whose records are on a server."""

from __future__ import annotations

import pytest
from proxy import proxy_to
from remote import Remote


@pytest.fixture(params=["mlflow_on_sqlite", "mlflow_on_postgres"])
def server(request):
    """Both kinds of tracking server."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def remote(empty_project, server):
    return Remote(empty_project, server.url)


@pytest.fixture
def proxy(mlflow_on_sqlite):
    with proxy_to(mlflow_on_sqlite.port) as made:
        yield made


@pytest.fixture
def proxied(empty_project, proxy, mlflow_on_sqlite):
    """The project, behind a proxy that fails as it is told."""
    return Remote(empty_project, mlflow_on_sqlite.url, proxy.url)


@pytest.fixture
def make_remote():
    return Remote
