"""A tracking store for tests: made once, copied for each, and written only through the Recorder."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

from fluent_steps import status_of
from scripted_server import ScriptedServer

from pipespec.plan.records import StepRecord
from pipespec.step.content_digest import digest_file, digest_tree
from pipespec.step.step_job import SavedOutput, StepOutcome
from pipespec.tracking.artifacts import upload
from pipespec.tracking.mlflow_client import Session
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.server import rest_client
from pipespec.tracking.server.rest_client import RestClient
from pipespec.tracking.server.server_access import access_to
from pipespec.tracking.started_run import NewAttempt, StartedRun
from pipespec.tracking.writing.client_writer import ClientWriter
from pipespec.tracking.writing.experiments import Experiments
from pipespec.tracking.writing.recorder import Recorder
from pipespec.tracking.writing.rest_writer import RestWriter
from pipespec.tracking.writing.sqlite_writer import SqliteWriter
from pipespec.tracking.writing.store_writer import StoreWriter


def key_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


WRITERS: Mapping[str, Callable[[str, Path], StoreWriter | None]] = {
    "sqlite": lambda uri, log: SqliteWriter.open(uri),
    "client": lambda uri, log: ClientWriter.open(uri, log=log),
    "rest": lambda uri, log: RestWriter(uri, RestClient(access_to(uri))),
}
"""What a store is written by, each held to the same contract; MLflow's client is the reference."""


def open_recorder(kind: str, uri: str, root: Path, location: str | None = None) -> Recorder:
    """Open a recorder over one of the writers, whichever would be chosen."""
    writer = WRITERS[kind](uri, root / "log.txt")
    assert writer is not None
    return Recorder(writer, Experiments(writer, root, location))


@dataclass
class World:
    """One project with its store: what is written goes through `recorder`, what is read through `ledger()`."""

    root: Path
    recorder: Recorder
    open_ledger: Callable[[], Ledger]
    name: str = "world"
    """Keys, pipelines and steps bear it, so that tests may share a server."""
    kind: str = "sqlite"
    ledgers: list[Ledger] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    count: int = 0

    @property
    def client(self) -> Any:
        """MLflow's own client, for what a hand does in its page."""
        if not self.sessions:
            self.sessions.append(Session(self.recorder.tracking_uri, self.root / "log.txt"))
        return self.sessions[0].client

    def ledger(self) -> Ledger:
        self.ledgers.append(self.open_ledger())
        return self.ledgers[-1]

    def key(self, text: str) -> str:
        return key_of(f"{self.name} {text}")

    def new(self, step: str = "train", key: str | None = "one", **more: Any) -> NewAttempt:
        values: dict[str, Any] = {
            "pipeline": self.name,
            "step": f"{self.name}-{step}",
            "call": "shop.model:train",
            "experiment": f"{self.name}/{step.partition('[')[0]}",
            "key": None if key is None else self.key(key),
        }
        return NewAttempt(**{**values, **more})

    def start(self, step: str = "train", key: str | None = "one", **more: Any) -> StartedRun:
        return self.recorder.start(self.new(step, key, **more))

    def outcome(
        self, started: StartedRun, files: Mapping[str, bytes], metrics: Mapping[str, float] | None = None
    ) -> StepOutcome:
        """Save files as a worker does, and upload them; a name with a slash at its end makes a directory of two."""
        self.count += 1
        staging = self.root / "staging" / str(self.count)
        saved, sent = [], []
        for name, content in files.items():
            path = staging / name
            if name.endswith("/"):
                path.mkdir(parents=True)
                (path / "a.bin").write_bytes(content)
                (path / "sub").mkdir()
                (path / "sub" / "b.bin").write_bytes(content)
                tree = digest_tree(path)
                saved.append(
                    SavedOutput(
                        name.strip("/"), name, tree.digest, tree.bytes, tree.files, dict(tree.manifest)
                    )
                )
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                digest, size = digest_file(path)
                saved.append(SavedOutput(name.partition(".")[0], name, digest, size, 1))
            sent.append((path, name))
        upload(sent, started.artifact_uri, self.recorder.tracking_uri)
        return StepOutcome(started.step, 1.5, tuple(saved), metrics or {}, peak_bytes=2048)

    def publish(
        self,
        step: str = "train",
        key: str | None = "one",
        files: Mapping[str, bytes] | None = None,
        metrics: Mapping[str, float] | None = None,
        generation: int = 0,
        **more: Any,
    ) -> StepRecord:
        started = self.start(step, key, **more)
        outcome = self.outcome(started, {"table.csv": b"a,b\n"} if files is None else files, metrics)
        return self.recorder.publish(
            started, outcome, manifest={"parts": {"call": "shop.model:train"}}, generation=generation
        )

    def folder(self, record: StepRecord) -> Path:
        return Path(record.artifact_uri.removeprefix("file://"))

    def reopened(self) -> Recorder:
        """Another recorder of the same store, over the same kind of writer."""
        return open_recorder(self.kind, self.recorder.tracking_uri, self.root)

    def close(self) -> None:
        for opened in (*self.ledgers, *self.sessions, self.recorder):
            opened.close()


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of MLflow's making, for copying: making one takes seconds."""
    root = tmp_path_factory.mktemp("empty-store")
    Recorder.open(None, root=root, log=root / "log.txt").close()
    return root / "mlflow.db"


@pytest.fixture
def project(tmp_path: Path, empty_store: Path) -> Path:
    """A project root with an empty store."""
    root = tmp_path / "project"
    root.mkdir()
    shutil.copy(empty_store, root / "mlflow.db")
    return root


@pytest.fixture
def make_world() -> type[World]:
    return World


@pytest.fixture
def world(project: Path) -> Iterator[World]:
    """A project read as it is by default."""
    from pipespec.tracking.reading.open_ledger import open_ledger

    recorder = Recorder.open(None, root=project, log=project / "log.txt")
    made = World(project, recorder, lambda: open_ledger(None, root=project))
    yield made
    made.close()


def _world_of(kind: str, project: Path, uri: str | None = None) -> World:
    from pipespec.tracking.reading.open_ledger import open_ledger

    uri = uri or f"sqlite:///{project}/mlflow.db"
    recorder = open_recorder(kind, uri, project)
    return World(project, recorder, lambda: open_ledger(uri, root=project), kind=kind)


@pytest.fixture
def make_world_of() -> Callable[..., World]:
    return _world_of


@pytest.fixture(params=["client", "sqlite"])
def world_of_each_writer(request: pytest.FixtureRequest, project: Path) -> Iterator[World]:
    made = _world_of(request.param, project)
    yield made
    made.close()


@pytest.fixture
def world_of_client(project: Path) -> Iterator[World]:
    made = _world_of("client", project)
    yield made
    made.close()


@pytest.fixture
def world_of_sqlite(project: Path) -> Iterator[World]:
    made = _world_of("sqlite", project)
    yield made
    made.close()


@pytest.fixture
def started(world: World) -> Iterator[StartedRun]:
    """A run that a step is to log to; whatever that does, the parent ends it."""
    begun = world.start()
    yield begun
    assert status_of(world, begun) == "RUNNING"
    record = world.recorder.publish(begun, world.outcome(begun, {"t.csv": b"1"}), manifest={})
    assert world.ledger().complete([world.key("one")])[world.key("one")].run_id == record.run_id


# ------------------------------------------------------------------------------- servers without MLflow


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    made = ScriptedServer()
    yield made
    made.close()


@pytest.fixture
def client(server) -> Iterator[RestClient]:
    with RestClient(access_to(server.url + "/prefix/")) as made:
        yield made


@pytest.fixture
def pauses(monkeypatch) -> list[float]:
    """The pauses between tries, which pass at once; the clock moves by them."""
    made: list[float] = []
    clock = time.monotonic
    monkeypatch.setattr(rest_client.time, "monotonic", lambda: clock() + sum(made))
    monkeypatch.setattr(rest_client.time, "sleep", made.append)
    return made
