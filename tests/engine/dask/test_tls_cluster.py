"""Clusters that accept only who has a certificate of theirs: real certificates, a real scheduler and worker."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from services import dask_cluster, make_certificates

pytest.importorskip("distributed", reason="there is no Dask: pip install -e '.[test]'")

pytestmark = [pytest.mark.servers, pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")]

STEPS = "def one() -> int:\n    return 1\n\n\ndef two(one: int) -> int:\n    return 2 * one\n"
PIPELINE = """\
pipespec: 1
name: secure
steps:
  one: {call: 'steps:one', outputs: {one: one.json}}
  two: {call: 'steps:two', inputs: {one: one}, outputs: {two: two.json}}
"""


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("tls") / "ours")


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("tls") / "others")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, ours):
    with dask_cluster(tmp_path_factory.mktemp("dask"), (), certificates=ours) as started:
        yield started


def run(engine, address, environment):
    engine.write("steps.py", STEPS)
    engine.write("pipeline.yaml", PIPELINE)
    return subprocess.run(
        [sys.executable, "-m", "pipespec", "run", "pipeline.yaml", "--dask", address],
        cwd=engine.root,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=200,
    )


def test_steps_run_on_a_cluster_that_wants_certificates(engine, cluster, ours):
    done = run(engine, cluster.address, ours.environment)

    assert done.returncode == 0, done.stderr
    assert f"Dask at {cluster.address}: 1 worker with 1 thread" in done.stderr
    assert engine.query("select distinct status from runs") == [("FINISHED",)]


@pytest.mark.parametrize("has", ["another", "none"])
def test_a_certificate_that_does_not_fit_is_said_in_one_line(engine, cluster, others, has):
    done = run(engine, cluster.address, others.environment if has == "another" else {})

    assert done.returncode == 3
    [line] = done.stderr.splitlines()
    assert line.startswith(
        f"error: the Dask scheduler at {cluster.address} and this machine do not accept each other ("
    )
    assert ("certificate verify failed" if has == "another" else "TLS expects") in line
    assert line.endswith(
        "); nothing was run, check the certificates in Dask's configuration: distributed.comm.tls.ca-file, client.cert and client.key"
    )
    assert engine.query("select * from runs") == []


def test_a_secure_cluster_that_is_asked_without_tls_is_said_in_one_line(engine, cluster):
    done = run(engine, cluster.address.replace("tls:", "tcp:"), {})

    assert done.returncode == 3
    [line] = done.stderr.splitlines()
    assert line.startswith("error: the Dask scheduler at tcp://127.0.0.1:")
    assert line.endswith("; nothing was run, repeat the command once it does")
