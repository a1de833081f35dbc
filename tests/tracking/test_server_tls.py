"""A tracking server behind TLS: whose certificate is trusted, and what proves who asks."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from pathlib import Path

import pytest
from scripted_server import ScriptedServer

from pipespec.errors import StoreUnavailableError
from pipespec.tracking.server.reach_server import reach_server


def certificate(file: Path) -> Path:
    """Write a key and a certificate for it, signed by itself, for 127.0.0.1."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def own(tmp_path):
    return certificate(tmp_path / "server.pem")


@pytest.fixture
def secure(own, server: ScriptedServer):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own)
    server.secure(context)
    server.context = context
    return server


def answers(uri: str) -> bool:
    client = reach_server(uri)
    assert client is not None
    with client:
        return client.get("runs/get", {}) == {} and client.post("runs/update", {}) == {}


def test_a_certificate_that_nobody_trusts_is_told_with_the_way_out(secure):
    with pytest.raises(StoreUnavailableError, match=r"not trusted .*MLFLOW_TRACKING_SERVER_CERT_PATH$"):
        answers(secure.url)


@pytest.mark.parametrize("name", ["MLFLOW_TRACKING_SERVER_CERT_PATH", "REQUESTS_CA_BUNDLE"])
def test_an_authority_that_the_environment_names_is_trusted(secure, own, monkeypatch, name):
    monkeypatch.setenv(name, str(own))
    assert answers(secure.url)


def test_a_server_that_need_not_prove_itself_is_spoken_to(secure, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_INSECURE_TLS", "true")
    assert answers(secure.url)


def test_a_certificate_of_our_own_is_shown_from_the_first_request_on(secure, own, tmp_path, monkeypatch):
    secure.context.verify_mode = ssl.CERT_REQUIRED
    ours = certificate(tmp_path / "ours.pem")
    secure.context.load_verify_locations(ours)
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", str(own))
    with pytest.raises(StoreUnavailableError, match="cannot be reached"):
        answers(secure.url)
    monkeypatch.setenv("MLFLOW_TRACKING_CLIENT_CERT_PATH", str(ours))
    assert answers(secure.url)


@pytest.mark.parametrize("name", ["MLFLOW_TRACKING_SERVER_CERT_PATH", "MLFLOW_TRACKING_CLIENT_CERT_PATH"])
def test_a_file_that_holds_no_certificate_is_told(secure, tmp_path, monkeypatch, name):
    (tmp_path / "text.pem").write_text("no certificate")
    for file in ("text.pem", "missing.pem"):
        monkeypatch.setenv(name, str(tmp_path / file))
        with pytest.raises(StoreUnavailableError, match=rf"certificates in .*{file} cannot be used"):
            answers(secure.url)
