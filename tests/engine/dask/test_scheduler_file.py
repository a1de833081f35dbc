"""A scheduler file in place of the address of a Dask cluster."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipespec.engine.dask.open_cluster import opened_cluster
from pipespec.errors import ClusterUnavailableError, UsageError
from pipespec.spec.engine_spec import ClusterSpec


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        (
            None,
            ClusterUnavailableError,
            "there is no scheduler file 'scheduler.json'; nothing was run, start the scheduler with --scheduler-file, or repeat the command once it has written it",
        ),
        (
            b"",
            UsageError,
            "the scheduler file 'scheduler.json' is not JSON: Expecting value: line 1 column 1 (char 0)",
        ),
        (b"\xff", UsageError, "the scheduler file 'scheduler.json' cannot be read: it is not UTF-8"),
        (
            b"[8786]",
            UsageError,
            "'scheduler.json' is not the file of a Dask scheduler: it has no 'address'; 'dask scheduler --scheduler-file scheduler.json' writes one",
        ),
        (
            b'{"address": 8786}',
            UsageError,
            "'scheduler.json' is not the file of a Dask scheduler: it has no 'address'; 'dask scheduler --scheduler-file scheduler.json' writes one",
        ),
    ],
)
def test_what_is_no_scheduler_file_is_refused_in_one_line(tmp_path, monkeypatch, content, error, said):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path("scheduler.json").write_bytes(content)

    with (
        pytest.raises(error) as raised,
        opened_cluster(ClusterSpec("scheduler.json"), places=None, folder=tmp_path, module_folders=[]),
    ):
        pass

    assert str(raised.value) == said


@pytest.mark.parametrize(
    ("address", "from_project"),
    [
        ("scheduler.json", "/project/scheduler.json"),
        ("/shared/scheduler.json", "/shared/scheduler.json"),
        ("tcp://scheduler:8786", "tcp://scheduler:8786"),
        (None, None),
    ],
)
def test_a_pipeline_names_its_scheduler_file_from_its_project(address, from_project):
    assert ClusterSpec(address).below(Path("/project")).address == from_project
