"""How a server is spoken to: MLflow's environment, its files and the URI; compared with what MLflow's client would send."""

from __future__ import annotations

import base64

import pytest

from pipespec.errors import StoreUnavailableError
from pipespec.tracking.server import server_access
from pipespec.tracking.server.server_access import access_to, needs_mlflow

URI = "https://mlflow.example:8443/team/a/"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A user who has no credentials yet, on a machine without proxies."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return tmp_path


def basic(text: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def test_an_address_has_a_host_a_port_and_the_path_before_the_api():
    access = access_to(URI, {})
    assert (access.host, access.port, access.prefix, access.is_secure) == (
        "mlflow.example",
        8443,
        "/team/a",
        True,
    )
    assert (access.headers, access.verify, access.authorities, access.certificate) == ({}, True, None, None)


ADA = {"MLFLOW_TRACKING_USERNAME": "ada", "MLFLOW_TRACKING_PASSWORD": "p w"}
TOKEN = {"MLFLOW_TRACKING_TOKEN": "t0k"}
NETRC = "machine mlflow.example login net password rc\n"
KEPT = "[mlflow]\nmlflow_tracking_username = kept\nmlflow_tracking_password = file\n"


@pytest.mark.parametrize(
    ("uri", "environment", "netrc", "kept", "sent"),
    [
        (URI, {}, "", "", {}),
        (URI, ADA, "", "", basic("ada:p w")),
        (URI, TOKEN, "", "", bearer("t0k")),
        (URI, {**ADA, **TOKEN}, "", "", basic("ada:p w")),
        (URI, {"MLFLOW_TRACKING_USERNAME": "ada"}, "", "", {}),
        (URI, {"MLFLOW_TRACKING_USERNAME": "ada", **TOKEN}, "", "", bearer("t0k")),
        (URI, {}, "", KEPT, basic("kept:file")),
        (URI, {"MLFLOW_TRACKING_USERNAME": "ada"}, "", KEPT, basic("ada:file")),
        (URI, {}, "", "no section\n", {}),
        ("https://u:p%40q@mlflow.example", ADA, "", KEPT, basic("u:p@q")),
        ("https://u:p@mlflow.example", ADA, NETRC, "", basic("net:rc")),
        (URI, TOKEN, NETRC, "", basic("net:rc")),
        ("https://other.example", TOKEN, NETRC, "", bearer("t0k")),
        (URI, TOKEN, "machine", "", bearer("t0k")),
        (URI, {"MLFLOW_TRACKING_USERNAME": "ü", "MLFLOW_TRACKING_PASSWORD": "ß"}, "", "", basic("ü:ß")),
    ],
)
def test_who_asks_is_said_as_mlflows_client_says_it(monkeypatch, home, uri, environment, netrc, kept, sent):
    (home / ".netrc").write_text(netrc)
    (home / ".netrc").chmod(0o600)
    (home / ".mlflow").mkdir()
    (home / ".mlflow/credentials").write_text(kept)
    assert access_to(uri, environment).headers == sent

    if netrc == "machine" or "no section" in kept or "u:p%40q" in uri or "ü" in str(environment):
        return  # of broken files, and of letters beyond Latin-1, `requests` has a word of its own
    import requests
    from mlflow.utils.credentials import get_default_host_creds

    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    creds, said = get_default_host_creds(uri), {}
    if creds.username and creds.password:
        said = basic(f"{creds.username}:{creds.password}")
    elif creds.token:
        said = bearer(creds.token)
    request = requests.Session().prepare_request(requests.Request("GET", uri, headers=said))
    assert {name: request.headers[name] for name in said | sent} == sent


@pytest.mark.parametrize("token", ["t0k\n", "t\u00f6k", "a\tb", "\u20ac"])
def test_a_token_that_no_header_can_hold_is_refused_without_being_shown(token):
    with pytest.raises(StoreUnavailableError, match="MLFLOW_TRACKING_TOKEN has a character") as refused:
        access_to(URI, {"MLFLOW_TRACKING_TOKEN": token})
    assert token not in str(refused.value)


def test_a_path_that_no_request_line_can_hold_is_quoted():
    assert access_to("http://h/t\u00ebam one/a%20b/", {}).prefix == "/t%C3%ABam%20one/a%20b"


def test_no_secret_is_in_what_is_printed():
    access = access_to("https://ada:hush@mlflow.example", TOKEN)
    assert "hush" not in repr(access)
    assert "t0k" not in repr(access)
    assert access.uri == "https://mlflow.example"


@pytest.mark.parametrize(
    ("environment", "verify", "authorities", "certificate"),
    [
        ({"MLFLOW_TRACKING_INSECURE_TLS": "TRUE"}, False, None, None),
        ({"MLFLOW_TRACKING_INSECURE_TLS": "0"}, True, None, None),
        ({"MLFLOW_TRACKING_SERVER_CERT_PATH": "/ca"}, True, "/ca", None),
        ({"REQUESTS_CA_BUNDLE": "/bundle", "CURL_CA_BUNDLE": "/curl"}, True, "/bundle", None),
        ({"CURL_CA_BUNDLE": "/curl"}, True, "/curl", None),
        ({"MLFLOW_TRACKING_CLIENT_CERT_PATH": "/me.pem"}, True, None, "/me.pem"),
    ],
)
def test_certificates_are_those_that_the_environment_names(environment, verify, authorities, certificate):
    access = access_to(URI, environment)
    assert (access.verify, access.authorities, access.certificate) == (verify, authorities, certificate)


def test_settings_that_exclude_one_another_are_refused():
    both = {"MLFLOW_TRACKING_INSECURE_TLS": "true", "MLFLOW_TRACKING_SERVER_CERT_PATH": "/ca"}
    with pytest.raises(StoreUnavailableError, match="exclude one another; unset one"):
        access_to(URI, both)


@pytest.mark.parametrize("uri", ["http://", "http://[::1", "http://host:port", "https:///path"])
def test_a_uri_without_a_host_is_refused(uri):
    with pytest.raises(StoreUnavailableError, match="tracking server http"):
        access_to(uri, {})


@pytest.mark.parametrize(
    "environment",
    [
        {"MLFLOW_TRACKING_AUTH": "kubernetes"},
        {"MLFLOW_TRACKING_AWS_SIGV4": "true"},
        {"MLFLOW_WORKSPACE": "red"},
        {"MLFLOW_DATABRICKS_TRAFFIC_ID": "1"},
        {"DATABRICKS_RUNTIME_VERSION": "15"},
    ],
)
def test_what_only_mlflows_client_can_do_is_left_to_it(environment):
    assert needs_mlflow(access_to(URI, environment), environment)
    assert not needs_mlflow(access_to(URI, ADA), {**ADA, "MLFLOW_TRACKING_AWS_SIGV4": "false"})


@pytest.mark.parametrize("group", ["mlflow.request_header_provider", "mlflow.request_auth_provider"])
def test_a_package_that_takes_part_in_requests_leaves_them_to_mlflows_client(tmp_path, monkeypatch, group):
    package = tmp_path / "signing-1.0.dist-info"
    package.mkdir()
    (package / "entry_points.txt").write_text(f"[{group}]\nsigned = signing:Provider\n")
    assert not needs_mlflow(access_to(URI, {}), {})
    monkeypatch.syspath_prepend(str(tmp_path))
    assert needs_mlflow(access_to(URI, {}), {})


@pytest.mark.parametrize(
    ("settings", "is_behind"),
    [
        ({"https_proxy": "http://proxy:3128"}, True),
        ({"http_proxy": "http://proxy:3128"}, False),
        ({"all_proxy": "socks5://proxy:1080"}, True),
        ({"https_proxy": "http://proxy:3128", "no_proxy": "mlflow.example"}, False),
        ({"https_proxy": "http://proxy:3128", "no_proxy": ".example"}, False),
        ({"https_proxy": "http://proxy:3128", "no_proxy": "mlflow.example:8443"}, False),
        ({"https_proxy": "http://proxy:3128", "no_proxy": "other.example"}, True),
    ],
)
def test_a_way_through_a_proxy_is_left_to_mlflows_client(monkeypatch, settings, is_behind):
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert server_access.is_behind_proxy(access_to(URI, {})) is is_behind
    assert needs_mlflow(access_to(URI, {}), {}) is is_behind
