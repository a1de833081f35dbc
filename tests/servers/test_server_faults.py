"""A tracking server that is away, slow, silent, forgetful, or no tracking server at all: what the command then says and does."""

from __future__ import annotations

import os
import random
import time

import pytest
from proxy import DROP_REPLY, SILENCE, Abrupt, Proxy, reply
from services import free_port

pytestmark = pytest.mark.servers

ALL = {"numbers", "squares", "total"}
SECRET = "hush-2718"


@pytest.fixture
def away(empty_project, make_remote):
    """The project, whose server is a proxy to nothing: every answer is the test's."""
    proxy = Proxy(target=0)
    proxy.up()
    made = make_remote(empty_project, proxy.url)
    made.proxy = proxy
    yield made
    proxy.down()


def timed(project, *args, **extra):
    began = time.monotonic()
    answer = project.pipespec(*args, **extra)
    return answer, time.monotonic() - began


def one_line(answer):
    """The error, which is all that is said."""
    assert (answer.code, answer.out) == (3, ""), answer
    assert answer.err.startswith("error: ")
    assert answer.err.count("\n") == 1
    return answer.err


@pytest.mark.parametrize("verb", ["run", "plan", "status"])
def test_a_refused_connection_is_told_within_ten_seconds(empty_project, make_remote, verb):
    remote = make_remote(empty_project, f"http://ada:{SECRET}@127.0.0.1:{free_port()}")

    answer, seconds = timed(remote.project, verb, "pipeline.yaml")

    assert "cannot be reached: connection refused" in one_line(answer)
    assert SECRET not in answer.err
    assert seconds < 10
    assert remote.executed == []


@pytest.mark.slow
@pytest.mark.parametrize("from_the", ["first", "second"])
def test_a_silent_server_is_told_within_thirty_seconds(away, from_the):
    def rule(request):
        return reply(200, b"OK") if from_the == "second" and request.path == "/health" else SILENCE

    away.proxy.rule = rule

    answer, seconds = timed(away.project, "run", "pipeline.yaml")

    assert away.proxy.url in one_line(answer)
    assert seconds < 30
    assert away.executed == []


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"<html>Welcome to the intranet</html>", "text/html"),
        (200, b"", "application/json"),
        (200, b"[]", "application/json"),
        (302, b"", "text/html"),
    ],
)
def test_a_page_that_is_no_tracking_server_is_told_in_one_line(away, status, body, kind):
    away.proxy.rule = lambda _: reply(status, body, kind)

    answer = away.project.pipespec("run", "pipeline.yaml")

    assert away.proxy.url in one_line(answer)
    assert away.executed == []


def test_the_port_of_another_service_is_told_in_one_line(empty_project, make_remote, postgres):
    remote = make_remote(empty_project, f"http://127.0.0.1:{postgres.port}")

    answer, seconds = timed(remote.project, "run", "pipeline.yaml")

    assert f"tracking server http://127.0.0.1:{postgres.port} cannot be reached: " in one_line(answer)
    assert seconds < 10


@pytest.mark.parametrize("status", [401, 403])
def test_who_may_not_ask_is_told_at_once_without_a_storm_and_without_the_secret(away, status):
    away.proxy.rule = lambda _: reply(status, b'{"error_code": "PERMISSION_DENIED", "message": "not you"}')
    away.use(away.proxy.url.replace("http://", f"http://ada:{SECRET}@"))

    answer, seconds = timed(away.project, "run", "pipeline.yaml", MLFLOW_TRACKING_TOKEN=f"{SECRET}-token")

    assert str(status) in one_line(answer) or "not you" in answer.err
    assert len(away.proxy.requests) <= 4
    assert seconds < 20
    kept = "".join(
        path.read_text(errors="replace")
        for path in away.project.folder.rglob("*")
        if path.name.endswith(".log")
    )
    assert SECRET not in answer.err + answer.out + kept


def test_a_password_in_the_uri_is_printed_nowhere(proxied, proxy):
    proxied.use(proxy.url.replace("http://", f"http://ada:{SECRET}@"))
    project = proxied.project
    said = [
        project.pipespec(*args.split())
        for args in (
            "run pipeline.yaml -v",
            "plan pipeline.yaml",
            "status pipeline.yaml",
            "get pipeline.yaml total.total -",
            "logs pipeline.yaml total",
            "graph pipeline.yaml --status",
            "graph pipeline.yaml --status --format html",
        )
    ]
    assert [answer.code for answer in said] == [0] * len(said), said
    assert SECRET not in "".join(answer.out + answer.err for answer in said)
    kept = [path for path in (project.folder / ".pipespec").rglob("*") if path.is_file()]
    assert [path for path in kept if SECRET in path.read_text(errors="replace")] == []


def test_a_slow_server_is_waited_for(proxied, proxy):
    proxy.delay = 0.1
    assert proxied.project.ran() == ALL
    proxy.delay = 0
    assert proxied.project.ran() == set()


def converges(remote, *, kept=frozenset()):
    """The next run publishes what was `kept` and executes what is missing; nothing is lost or done again."""
    before = {step: len(remote.records.published(step)) for step in ALL}
    ran = remote.project.ran()
    assert ran == {step for step in ALL if not before[step]} - kept
    assert {step: len(remote.records.published(step)) for step in ALL} == dict.fromkeys(ALL, 1)
    assert remote.project.ran() == set()
    if not ran:  # what was left open is met by the next run that writes
        assert remote.project.ran("--force", "total") == {"total"}
    assert {run["status"] for run in remote.records.runs()} <= {"FINISHED", "FAILED", "KILLED"}


@pytest.mark.parametrize("seconds", [1.0, 60.0])
def test_a_server_that_goes_away_in_the_middle_loses_nothing(proxied, proxy, seconds):
    proxied.hold()
    process = proxied.project.start("run", "pipeline.yaml", "--set", "engine.patience=20s")
    proxied.wait_until_held(process)
    proxy.down()
    proxied.release()
    if seconds < 10:
        time.sleep(seconds)  # the fault itself: a restart takes its time
        proxy.up()
    _, err = process.communicate(timeout=120)

    assert process.returncode in (0, 3), err
    if process.returncode == 3:
        assert err.count("error: ") == 1
        assert "Traceback" not in err
    if proxy._listener is None:
        assert process.returncode == 3
        proxy.up()
    converges(proxied, kept={"squares"} if process.returncode == 3 else frozenset())
    assert (proxied.executed.count("numbers"), proxied.executed.count("squares")) == (1, 1)


def test_errors_of_a_server_that_pass_are_waited_out(proxied, proxy):
    """Each endpoint fails once with 503."""
    failed = set()

    def rule(request):
        what = request.method, request.path.partition("?")[0].rpartition("/")[2]
        if request.path != "/health" and what not in failed and request.method != "PUT":
            failed.add(what)
            return reply(503, b"busy", "text/plain")
        return None

    proxy.rule = rule
    answer = proxied.project.pipespec("run", "pipeline.yaml")
    assert answer.code in (0, 3), answer.err
    converges(proxied)


@pytest.mark.parametrize(
    "endpoint",
    [
        "runs/create",
        "runs/log-batch",
        "runs/update",
        "runs/search",
        "/mlflow-artifacts/artifacts",
    ],
)
def test_an_answer_that_is_lost_after_the_server_obeyed_makes_no_second_result(proxied, proxy, endpoint):
    lost = []

    def rule(request):
        if endpoint in request.path and len(lost) < 2 and len(proxied.executed) > 0:
            lost.append(request)
            return DROP_REPLY
        return None

    proxy.rule = rule
    answer = proxied.project.pipespec("run", "pipeline.yaml")
    proxy.rule = lambda _: None

    assert lost
    assert answer.code in (0, 1, 3), answer
    assert "Traceback" not in answer.err
    converges(proxied)


REQUESTS = 51
"""About as many as a run of the three steps makes; where it makes fewer, nothing is struck."""
MISHAPS = {
    "it is lost": Abrupt(b""),
    "its answer is lost": DROP_REPLY,
    "it fails": reply(500, b"oops", "text/plain"),
}
STRUCK = [(nth, mishap) for nth in range(2, REQUESTS) for mishap in MISHAPS]
if os.environ.get("PIPESPEC_FAULTS") != "all":
    STRUCK = random.Random(5).sample(STRUCK, 3)


@pytest.mark.parametrize(("nth", "mishap"), STRUCK)
def test_whichever_request_goes_wrong_the_next_run_ends_as_a_clean_one(proxied, proxy, nth, mishap):
    seen = []

    def rule(request):
        seen.append(request)
        return MISHAPS[mishap] if len(seen) == nth else None

    proxy.rule = rule
    answer = proxied.project.pipespec("run", "pipeline.yaml")
    proxy.rule = lambda _: None

    assert answer.code in (0, 1, 3), answer
    assert "Traceback" not in answer.err
    assert all(proxied.executed.count(step) <= 1 for step in ALL)
    converges(proxied)
