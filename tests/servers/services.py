"""Real services on loopback for tests: MLflow's server, PostgreSQL, S3, luigid, Chromium; and a way between that fails as told.

A pytest plugin: its session fixtures start a service when the first test asks for it, once per process of pytest, for a
server takes 20 s to come up. Each runs below a guard that ends it, and all that it started, when pytest is gone,
however it went.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

__all__ = [
    "Bucket",
    "Certificates",
    "DaskCluster",
    "Service",
    "dask_cluster",
    "free_port",
    "luigid_at",
    "make_certificates",
    "mlflow_server",
    "postgres_at",
    "program",
    "s3_at",
]

# Waits for the end of its input, which comes when pytest ends, killed or not; then nothing of its group is left.
_GUARD = """
import contextlib, os, signal, subprocess, sys, threading
gone = contextlib.suppress(ProcessLookupError)
service = subprocess.Popen(
    sys.argv[3:], stdin=subprocess.DEVNULL, start_new_session=True, user=sys.argv[2] or None
)
def end():
    sys.stdin.buffer.read()
    with gone, contextlib.suppress(subprocess.TimeoutExpired):
        if sys.argv[1] == "kindly":
            service.send_signal(signal.SIGINT)
            service.wait(timeout=10)
    with gone:
        os.killpg(service.pid, signal.SIGKILL)
threading.Thread(target=end, daemon=True).start()
service.wait()
with gone:
    os.killpg(service.pid, signal.SIGKILL)
os._exit(1)
"""

_UP = 600.0
"""Seconds that a service may take to come up on a machine that is busy."""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def program(name: str, package: str) -> str:
    """Find a server program; Debian keeps PostgreSQL's off the path."""
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    for found in filter(None, [shutil.which(name), *map(str, versions)]):
        return str(found)
    pytest.skip(f"{name} is not installed: apt-get install {package}")


class Service:
    """A process of a service, which can be killed and started again on the same port."""

    def __init__(
        self,
        command: list[str | Path],
        *,
        folder: Path,
        port: int,
        path: str | None = "/",
        environment: Mapping[str, str] = {},
        user: str | None = None,
        ending: str = "at once",
    ) -> None:
        self.command, self.folder, self.port, self.path, self.ending = command, folder, port, path, ending
        self._environment, self._user = dict(environment), user
        self.log = folder / "service.log"
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process below which all of it is."""
        assert self._guard is not None
        return self._guard.pid

    def start(self) -> None:
        self.begin()
        self.wait()

    def begin(self) -> None:
        with self.log.open("ab") as log:
            self._guard = subprocess.Popen(
                [sys.executable, "-c", _GUARD, self.ending, self._user or "", *map(str, self.command)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={**os.environ, **self._environment},
                start_new_session=True,
            )

    def wait(self) -> None:
        """Wait until it answers."""
        until = time.monotonic() + _UP
        while not self._answers():
            assert self._guard is not None
            assert self._guard.poll() is None, self.log.read_text(errors="replace")[-4000:]
            assert time.monotonic() < until, self.log.read_text(errors="replace")[-4000:]
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            if self.path is None:
                socket.create_connection(("127.0.0.1", self.port), 5).close()
            else:
                urllib.request.urlopen(self.url + self.path, timeout=5).close()
        except OSError:
            return False
        return True

    def kill(self) -> None:
        """End it, and all that it started."""
        if self._guard is not None:
            assert self._guard.stdin is not None
            self._guard.stdin.close()
            self._guard.wait(timeout=30)
            self._guard = None


@contextlib.contextmanager
def _running(service: Service) -> Iterator[Service]:
    try:
        service.start()
        yield service
    finally:
        service.kill()


@contextlib.contextmanager
def mlflow_server(
    folder: Path,
    store: str,
    port: int | None = None,
    files: str = "",
    more: Mapping[str, str] = {},
    address: str = "127.0.0.1",
) -> Iterator[Service]:
    """A tracking server with its artifacts below a folder, or at `files`, which it hands out itself (`mlflow-artifacts:`)."""
    port = port or free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--host", address]
    command += ["--port", str(port), "--backend-store-uri", store]
    command += ["--artifacts-destination", files or str(folder / "artifacts")]
    environment = {
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        **more,
    }
    service = Service(command, folder=folder, port=port, path="/health", environment=environment)
    with _running(service):
        yield service


@dataclass(frozen=True)
class Bucket:
    """A bucket in an S3 of our own, looked at through boto3 and through no code of ours."""

    name: str
    url: str

    @property
    def uri(self) -> str:
        return f"s3://{self.name}"

    @property
    def environment(self) -> dict[str, str]:
        """What a user sets to get there."""
        return s3_environment(self.url)

    @property
    def client(self) -> Any:
        import boto3

        return boto3.session.Session().client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id="ada",
            aws_secret_access_key="analytical",
            region_name="us-east-1",
        )

    def sizes(self, prefix: str = "") -> dict[str, int]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return {one["Key"]: one["Size"] for page in pages for one in page.get("Contents", ())}

    def put(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=self.name, Key=key, Body=content)

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=self.name, Key=key)


def s3_environment(url: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL_S3": url,
        "AWS_ACCESS_KEY_ID": "ada",
        "AWS_SECRET_ACCESS_KEY": "analytical",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@contextlib.contextmanager
def s3_at(folder: Path) -> Iterator[Service]:
    """An S3, by moto; what is in it is in its memory."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    service = Service(command, folder=folder, port=port, path="/moto-api/")
    with _running(service):
        yield service


@dataclass(frozen=True)
class Postgres:
    port: int
    user: str
    _psql: str

    def uri(self, database: str) -> str:
        return f"postgresql+psycopg://{self.user}@127.0.0.1:{self.port}/{database}"

    def make(self, database: str) -> str:
        """Make an empty database and return its URI."""
        self.execute(f'CREATE DATABASE "{database}"')
        return self.uri(database)

    def execute(self, statement: str, database: str = "postgres", limit: float = 60) -> str:
        command = [self._psql, "-h", "127.0.0.1", "-p", str(self.port), "-U", self.user, "-d", database]
        command += ["-v", "ON_ERROR_STOP=1", "-Atc", statement]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=limit)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@contextlib.contextmanager
def postgres_at(folder: Path) -> Iterator[Postgres]:
    """A PostgreSQL of our own; it refuses to run as root, so root lends it to `nobody`."""
    initdb, server, psql = (program(name, "postgresql") for name in ("initdb", "postgres", "psql"))
    account = "nobody" if os.geteuid() == 0 else None
    name = account or pwd.getpwuid(os.geteuid()).pw_name
    if account:
        shutil.chown(folder, account)
    make = [
        initdb,
        "-D",
        f"{folder}/data",
        "-U",
        name,
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
    ]
    subprocess.run(make, check=True, capture_output=True, cwd=folder, timeout=120, user=account)
    port = free_port()
    command = [server, "-D", f"{folder}/data", "-h", "127.0.0.1", "-p", str(port), "-k", "", "-F"]
    # Killed, it would leave shared memory behind.
    service = Service(command, folder=folder, port=port, path=None, user=account, ending="kindly")
    with _running(service):
        database = Postgres(port, name, psql)
        _wait_for_recovery(database)
        yield database


def _wait_for_recovery(database: Postgres) -> None:
    # It takes connections a moment before it answers them.
    until = time.monotonic() + 30
    while True:
        try:
            database.execute("SELECT 1")
        except AssertionError:
            assert time.monotonic() < until
            time.sleep(0.1)
        else:
            return


@contextlib.contextmanager
def luigid_at(folder: Path, address: str = "127.0.0.1") -> Iterator[Service]:
    port = free_port()
    command = [Path(sys.executable).with_name("luigid"), "--address", address, "--port", str(port)]
    command += ["--state-path", folder / "state.pickle"]
    service = Service(command, folder=folder, port=port)
    with _running(service):
        yield service


@dataclass(frozen=True)
class Certificates:
    """An authority and one certificate of it, as files below a folder."""

    folder: Path

    @property
    def options(self) -> list[str]:
        """Of a scheduler and of workers."""
        files = {"ca-file": "ca.pem", "cert": "cert.pem", "key": "key.pem"}
        return [word for name, file in files.items() for word in (f"--tls-{name}", str(self.folder / file))]

    @property
    def environment(self) -> dict[str, str]:
        """Dask's configuration of a client."""
        files = {"CA_FILE": "ca.pem", "CLIENT__CERT": "cert.pem", "CLIENT__KEY": "key.pem"}
        return {
            f"DASK_DISTRIBUTED__COMM__TLS__{name}": str(self.folder / file) for name, file in files.items()
        }

    def security(self) -> Any:
        """The same for a client in this process."""
        from distributed.security import Security

        ca, cert, key = (str(self.folder / file) for file in ("ca.pem", "cert.pem", "key.pem"))
        return Security(tls_ca_file=ca, tls_client_cert=cert, tls_client_key=key, require_encryption=True)


def make_certificates(folder: Path) -> Certificates:
    """Make an authority, and a certificate that it signs."""
    folder.mkdir()
    pairs = [("/CN=authority", "ca", []), ("/CN=node", "cert", ["-CA", "ca.pem", "-CAkey", "ca.key"])]
    for subject, name, signer in pairs:
        key = "ca.key" if name == "ca" else "key.pem"
        command = [
            program("openssl", "openssl"),
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
        ]
        command += ["-subj", subject, "-out", f"{name}.pem", "-keyout", key, *signer]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return Certificates(folder)


@dataclass(frozen=True)
class DaskCluster:
    """A scheduler and its workers, each in a process of its own, that can be killed."""

    scheduler: Service
    workers: list[Service]
    certificates: Certificates | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    """Of the workers."""

    @property
    def address(self) -> str:
        return f"{'tcp' if self.certificates is None else 'tls'}://127.0.0.1:{self.scheduler.port}"

    def start_worker(self, folder: Path, *options: str, hidden: Path | None = None) -> Service:
        """Start a worker; it does not see what is below `hidden`, as on another machine."""
        command = [] if hidden is None else ["unshare", "-m", "sh", "-c", _HIDE, str(hidden)]
        command += [sys.executable, "-m", "dask", "worker", self.address, "--nthreads", "1", "--no-dashboard"]
        command += ["--local-directory", str(folder), *options]
        command += [] if self.certificates is None else self.certificates.options
        folder.mkdir(exist_ok=True)
        worker = Service(command, folder=folder, port=0, environment={**_QUIET_DASK, **self.environment})
        worker.begin()
        self.workers.append(worker)
        return worker


_HIDE = 'mount -t tmpfs none "$0" && exec "$@"'
_QUIET_DASK = {"MLFLOW_DISABLE_TELEMETRY": "true"}


@contextlib.contextmanager
def dask_cluster(
    folder: Path,
    *options: tuple[str, ...],
    hidden: Path | None = None,
    certificates: Certificates | None = None,
    environment: Mapping[str, str] = {},
) -> Iterator[DaskCluster]:
    """A Dask cluster with a worker of one thread for each tuple of options."""
    if hidden is not None and subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
        pytest.skip("what a worker sees can be changed by root alone")
    pytest.importorskip("distributed", reason="there is no Dask: pip install -e '.[test]'")
    port = free_port()
    command = [sys.executable, "-m", "dask", "scheduler", "--host", "127.0.0.1", "--port", str(port)]
    command += [] if certificates is None else ["--protocol", "tls", *certificates.options]
    command += ["--scheduler-file", str(folder / "scheduler.json")]
    scheduler = Service([*command, "--no-dashboard"], folder=folder, port=port, path=None)
    with contextlib.ExitStack() as stack:
        cluster = DaskCluster(stack.enter_context(_running(scheduler)), [], certificates, environment)
        for number, own in enumerate(options):
            stack.callback(cluster.start_worker(folder / f"worker-{number}", *own, hidden=hidden).kill)
        _wait_for_workers(cluster)
        yield cluster


def _wait_for_workers(cluster: DaskCluster) -> None:
    from distributed import Client

    own = None if cluster.certificates is None else cluster.certificates.security()
    with Client(cluster.address, security=own, set_as_default=False) as client:
        client.wait_for_workers(len(cluster.workers), timeout=_UP)


# ---------------------------------------------------------------------------------------------- fixtures


@pytest.fixture(scope="session")
def mlflow_on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("mlflow-sqlite")
    with mlflow_server(folder, f"sqlite:///{folder}/mlflow.db") as service:
        yield service


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    pytest.importorskip("psycopg", reason="there is no driver for PostgreSQL: pip install -e '.[test]'")
    import tempfile

    # Not below pytest's own folders: those are shut to `nobody`.
    with tempfile.TemporaryDirectory(prefix="pg") as folder, postgres_at(Path(folder)) as database:
        yield database


@pytest.fixture(scope="session")
def mlflow_on_postgres(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with mlflow_server(tmp_path_factory.mktemp("mlflow-postgres"), postgres.make("mlflow")) as service:
        yield service


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    for package in ("boto3", "moto"):
        pytest.importorskip(package, reason="there is no S3 here: pip install -e '.[test]'")
    with s3_at(tmp_path_factory.mktemp("s3")) as service:
        yield service


@pytest.fixture
def bucket(s3: Service) -> Bucket:
    """An empty bucket."""
    made = Bucket(f"b-{uuid.uuid4().hex[:12]}", s3.url)
    made.client.create_bucket(Bucket=made.name)
    return made


@pytest.fixture(scope="session")
def mlflow_on_s3(s3: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A tracking server that keeps its artifacts in S3 and hands them out itself."""
    folder = tmp_path_factory.mktemp("mlflow-s3")
    kept = Bucket("behind-mlflow", s3.url)
    kept.client.create_bucket(Bucket=kept.name)
    with mlflow_server(
        folder, f"sqlite:///{folder}/mlflow.db", files=f"{kept.uri}/files", more=kept.environment
    ) as service:
        yield service


@pytest.fixture(scope="session")
def luigid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with luigid_at(tmp_path_factory.mktemp("luigid")) as service:
        yield service
