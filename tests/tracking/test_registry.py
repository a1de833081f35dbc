"""The model registry: each reader answers as MLflow's own client does, and a result is registered once."""

from __future__ import annotations

import uuid

import pytest

from pipespec.errors import StoreUnavailableError
from pipespec.plan.records import OutputRecord, StepRecord
from pipespec.tracking.models.client_registry import ClientRegistry
from pipespec.tracking.models.open_registry import open_registry
from pipespec.tracking.models.registered_runs import registered_runs
from pipespec.tracking.models.registration import (
    ALIAS,
    ToRegister,
    find_all,
    find_versions,
    is_done,
    register,
)
from pipespec.tracking.models.registry import ModelVersion, WantedVersions
from pipespec.tracking.models.rest_registry import RestRegistry
from pipespec.tracking.models.sqlite_registry import SqliteRegistry

RUN, OTHER = "a" * 32, "b" * 32


@pytest.fixture
def uri(project):
    return f"sqlite:///{project}/mlflow.db"


@pytest.fixture
def written(uri, project):
    with ClientRegistry(uri, uri, project / "log.txt") as registry:
        yield registry


@pytest.fixture
def on_server(mlflow_on_sqlite, tmp_path):
    with ClientRegistry(mlflow_on_sqlite.url, mlflow_on_sqlite.url, tmp_path / "log.txt") as registry:
        yield registry


def to_register(name, alias=None, *, key="k" * 64, generation=0):
    output = OutputRecord("d" * 64, 10, 2, "model/")
    record = StepRecord(
        RUN, "train", key, {"model": output}, generation, 0.0, 1.0, f"s3://bucket/1/{RUN}/artifacts"
    )
    return ToRegister(record, "train", "model", name, alias, "news", "i" * 32)


def agree(reader, client):
    """Compare the answers of a reader with those of MLflow's client, for models that the client makes."""
    name, other = f"m{uuid.uuid4().hex}", f"o{uuid.uuid4().hex}"
    client.create_model(name)
    client.create_model(name)
    client.create_model(other)
    first = client.create_version(name, f"s3://bucket/0/{RUN}/artifacts/model", RUN, {"pipespec.key": "k1"})
    second = client.create_version(name, "s3://bucket/model", "", {"pipespec.key": "k2", "more": "x"})
    third = client.create_version(name, "s3://bucket/third", OTHER, {})
    client.set_alias(second, "champion")
    client.set_alias(third, "gone")
    client.delete_version(third)
    client.delete_version(third)

    for wanted in (
        WantedVersions(name),
        WantedVersions(name, only_last=True),
        WantedVersions(name, version=1),
        WantedVersions(name, version=3),
        WantedVersions(name, tag=("pipespec.key", "k2")),
        WantedVersions(name, tag=("pipespec.key", "k3")),
        WantedVersions(name, run_id=RUN),
        WantedVersions(other),
        WantedVersions(f"{name}x"),
    ):
        assert list(reader.versions(wanted)) == list(client.versions(wanted)), wanted
    assert [one.version for one in reader.versions(WantedVersions(name))] == [2, 1]
    assert {(name, 1), (name, 2)} <= {(one.name, one.version) for one in reader.versions(WantedVersions())}
    assert reader.versions(WantedVersions(name))[0].tags == {"pipespec.key": "k2", "more": "x"}
    assert reader.aliases(name) == client.aliases(name) == {"champion": 2}
    assert (reader.aliases(other), reader.aliases(f"{name}x")) == ({}, None)
    assert {name, other} <= set(reader.names())
    assert [reader.location(one) for one in (first, second)] == [first.source, second.source]


def test_a_database_file_is_read_as_the_client_reads_it(uri, written):
    with SqliteRegistry(uri, otherwise=lambda: pytest.fail("the file is familiar")) as reader:
        agree(reader, written)


@pytest.mark.servers
def test_a_server_is_read_as_the_client_reads_it(on_server):
    with open_registry(on_server.uri, on_server.uri, None) as reader:
        assert isinstance(reader, RestRegistry)
        agree(reader, on_server)


def test_a_file_that_is_not_there_has_no_models_and_is_not_made(tmp_path):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    with open_registry(uri, uri, None) as reader:
        assert (reader.aliases("m"), [*reader.versions(WantedVersions())], [*reader.names()]) == (
            None,
            [],
            [],
        )
    assert [*tmp_path.iterdir()] == []


def test_a_file_that_is_no_store_is_told_in_one_line(tmp_path):
    (tmp_path / "notes.db").write_text("these are notes")
    uri = f"sqlite:///{tmp_path}/notes.db"

    with open_registry(uri, uri, None) as reader, pytest.raises(StoreUnavailableError, match="damaged"):
        reader.names()


def test_a_result_is_registered_once_and_a_repetition_under_its_own_generation(written):
    for wanted, version in (
        (to_register("m", "champion"), 1),
        (to_register("m", "champion"), 1),
        (to_register("m", "stage"), 1),
        (to_register("m", "champion", generation=1), 2),
        (to_register("m", key="l" * 64), 3),
    ):
        assert register(written, wanted).version == version

    assert written.aliases("m") == {"champion": 2, "stage": 1}
    assert written.versions(WantedVersions("m"))[2] == ModelVersion(
        "m",
        1,
        f"s3://bucket/1/{RUN}/artifacts/model",
        RUN,
        written.versions(WantedVersions("m"))[2].created,
        {
            "pipespec.pipeline": "news",
            "pipespec.step": "train",
            "pipespec.key": "k" * 64,
            "pipespec.invocation": "i" * 32,
            "pipespec.output": "model",
            "pipespec.digest": "d" * 64,
            "pipespec.result": f"{'k' * 64}.0.model",
            ALIAS: "stage",
        },
    )
    assert registered_runs(written) == {RUN}


@pytest.mark.parametrize("count", [2, 7])
def test_few_or_many_outputs_of_one_model_are_found_alike(written, count):
    wanted = [to_register("m", key=f"{number}" * 64) for number in range(count)]
    for one in wanted[1:]:
        register(written, one)

    found = [
        (one.result[0], [version.version for version in known]) for one, known in find_all(written, wanted)
    ]

    assert found == [("0", []), *((str(number), [number]) for number in range(1, count))]


class Overtaken(ClientRegistry):
    """Another run registers the same just before this one makes its version, or just after."""

    other: ClientRegistry
    before = True

    def create_version(self, name, source, run_id, tags):
        if self.before:
            register(self.other, to_register(name, "champion"))
            return super().create_version(name, source, run_id, tags)
        made = super().create_version(name, source, run_id, tags)
        register(self.other, to_register(name, "champion"))
        return made


@pytest.mark.parametrize("before", [True, False])
def test_two_runs_that_register_at_once_leave_one_version(uri, project, written, before):
    with Overtaken(uri, uri, project / "log.txt") as late:
        late.other, late.before = written, before

        assert register(late, to_register("m", "champion")).version == 1

    assert [one.version for one in written.versions(WantedVersions("m"))] == [1]
    assert written.aliases("m") == {"champion": 1}
    assert is_done(find_versions(written, to_register("m", "champion")), to_register("m", "champion"))


def test_versions_that_a_run_left_behind_are_deleted_by_the_next_one(written):
    wanted = to_register("m", "champion")
    written.create_model("m")
    for _ in range(2):
        written.create_version("m", "s3://bucket/model", RUN, wanted.tags)

    assert not is_done(find_versions(written, wanted), wanted)
    assert register(written, wanted).version == 1
    assert [one.version for one in written.versions(WantedVersions("m"))] == [1]
