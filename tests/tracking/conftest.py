"""A tracking store for tests: made once, copied for each, and written only through the Recorder."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

from pipespec.plan.model import StepRecord
from pipespec.step.digest import digest_file, digest_tree
from pipespec.step.model import SavedOutput, StepOutcome
from pipespec.tracking.artifacts import upload
from pipespec.tracking.ledger import Ledger
from pipespec.tracking.model import NewAttempt, StartedRun
from pipespec.tracking.recorder import Recorder


def key_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass
class World:
    """One project with its store: what is written goes through `recorder`, what is read through `ledger()`."""

    root: Path
    recorder: Recorder
    open_ledger: Callable[[], Ledger]
    name: str = "world"
    """Keys, pipelines and steps bear it, so that tests may share a server."""
    kind: str = "file"
    ledgers: list[Ledger] = field(default_factory=list)
    count: int = 0

    @property
    def client(self) -> Any:
        """MLflow's own client, for what a hand does in its page."""
        return self.recorder._session.client

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

    def close(self) -> None:
        for ledger in self.ledgers:
            ledger.close()
        self.recorder.close()


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
    from pipespec.tracking.ledger import open_ledger

    recorder = Recorder.open(None, root=project, log=project / "log.txt")
    made = World(project, recorder, lambda: open_ledger(None, root=project))
    yield made
    made.close()
