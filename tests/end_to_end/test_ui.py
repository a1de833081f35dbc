"""`pipespec ui`: the right page of MLflow, and of Luigi, with a server that ends with the command."""

import os
import re
import shutil
import signal
import socket
import urllib.request

import pytest


@pytest.fixture
def sound(complete_project, tmp_path, project_at):
    shutil.copytree(complete_project.folder, tmp_path / "project")
    return project_at(tmp_path / "project")


def experiment_of(project):
    ((found,),) = project.query("select experiment_id from experiments where name = 'sums'")
    return found


def members(group):
    """The processes of a session that live."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == group and fields[0] != "Z":
            found.append(int(name))
    return found


def sessions_below(pid):
    """The sessions that a process has started."""
    found = set()
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.add(int(fields[3]))
    return found


def test_what_is_not_there_is_told(empty_project, project):
    answer = project.pipespec("ui")
    assert (answer.code, answer.err) == (
        2,
        "error: the tracking store sqlite:///mlflow.db does not exist yet; run the pipeline first: pipespec run\n",
    )
    assert not (project.folder / "mlflow.db").exists()


def test_a_port_that_is_taken_is_told(sound):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = sound.pipespec("ui", "pipeline.yaml", "--port", str(port))

    said = f"error: port {port} cannot be used: Address already in use; choose another one with --port\n"
    assert (answer.code, answer.err) == (2, said)


def test_the_page_of_a_luigid_that_is_there_is_only_named(sound):
    answer = sound.pipespec("ui", "pipeline.yaml", "--luigi", "--set", "engine.scheduler=http://127.0.0.1:9")

    assert (answer.code, answer.out) == (0, "http://127.0.0.1:9/static/visualiser/index.html\n")


@pytest.mark.servers
@pytest.mark.parametrize(
    ("words", "number", "code"), [([], signal.SIGINT, 0), (["--luigi"], signal.SIGTERM, 143)]
)
def test_a_server_is_started_for_the_store_and_ends_with_the_command(sound, words, number, code):
    started = sound.start("ui", *words)
    address = started.stdout.readline().strip()
    try:
        base = address.partition("/#/")[0] if not words else address
        with urllib.request.urlopen(base, timeout=60) as page:
            assert page.status == 200
        if not words:
            assert re.fullmatch(
                rf"http://127\.0\.0\.1:\d+/#/experiments/{experiment_of(sound)}\?workflowType=machine_learning",
                address,
            )
            found = f"{base}/ajax-api/2.0/mlflow/experiments/get?experiment_id={experiment_of(sound)}"
            with urllib.request.urlopen(found, timeout=60) as told:
                assert b'"sums"' in told.read()
        (session,) = sessions_below(started.pid)
        assert members(session) != []
    finally:
        started.send_signal(number)
        assert started.wait(60) == code
    assert members(session) == []


@pytest.mark.servers
def test_the_page_on_a_tracking_server_is_only_named(own_project, mlflow_on_sqlite):
    where = {"MLFLOW_TRACKING_URI": mlflow_on_sqlite.url}
    name = re.search(r"name: (\w+)", (own_project.folder / "pipeline.yaml").read_text())[1]
    empty = own_project.pipespec("ui", **where)
    own_project.run(**where)

    answer = own_project.pipespec("ui", **where)

    assert empty.out == f"{mlflow_on_sqlite.url}/#/experiments?workflowType=machine_learning\n"
    experiments = f"{mlflow_on_sqlite.url}/api/2.0/mlflow/experiments/get-by-name?experiment_name={name}"
    with urllib.request.urlopen(experiments, timeout=60) as told:
        (found,) = re.findall(rb'"experiment_id": "(\d+)"', told.read())
    page = f"{mlflow_on_sqlite.url}/#/experiments/{found.decode()}?workflowType=machine_learning\n"
    assert (answer.code, answer.out) == (0, page)
