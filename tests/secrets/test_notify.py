"""How a run ended is told to a real listener, and its address to nobody."""

import http.server
import json
import threading
from pathlib import Path

import pytest

from pipespec.errors import StoreUnavailableError
from pipespec.operations.running.notify import message_of
from pipespec.plan.results import RunReport, StepResult, StepState
from pipespec.plan.store_name import StoreName

STORE = StoreName("http://host", Path("/project"))
TOKEN = "tOkEn7Q1xW5"

STEPS = """
def fine(word: str) -> dict:
    return {}


def bad(word: str) -> dict:
    raise ValueError("no luck with " + word)
"""

PIPELINE = """\
pipespec: 1
name: told
notify:
  - {url: "${secret:HOOK}", on: [failure, success]}
  - {url: "${secret:HOOK}/failures"}
steps:
  fine: {call: "steps:fine", params: {word: a}, outputs: {out: out.json}}
"""
BAD = (
    '  bad: {call: "steps:bad", params: {word: "${secret:WORD}"}, outputs: {out: out.json}, needs: [fine]}\n'
)


@pytest.fixture
def listener():
    """A web hook that keeps what it is sent, and answers as it is told to."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.said.append((self.path, said["type"], said["title"], said["message"]))
            self.send_response(server.answer)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.said, server.answer = [], 200
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        server.url = f"json://127.0.0.1:{server.server_address[1]}/{TOKEN}"
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def told(empty_project):
    empty_project.write("steps.py", STEPS)
    empty_project.write("pipeline.yaml", PIPELINE)
    return empty_project


def test_each_end_is_told_to_those_who_want_to_know(told, listener):
    ran = told.pipespec("run", "pipeline.yaml", "--format", "json", HOOK=listener.url)
    again = told.pipespec("run", "pipeline.yaml", HOOK=listener.url)

    assert (ran.code, again.code) == (0, 0)
    [(path, kind, title, body)] = listener.said  # what only reused is not told
    assert (path, kind, title) == (f"/{TOKEN}", "success", "told: 1 step ran")
    assert body.startswith("ran fine\ntook ")
    assert body.endswith(f"\nMLflow run {ran.json['invocation']}")
    listener.said.clear()

    told.write("pipeline.yaml", PIPELINE + BAD)
    failed = told.pipespec("run", "pipeline.yaml", HOOK=listener.url, WORD="magic words")

    assert failed.code == 1
    assert sorted((path, kind, title) for path, kind, title, _ in listener.said) == [
        (f"/{TOKEN}", "failure", "told: 1 step failed"),
        (f"/{TOKEN}/failures", "failure", "told: 1 step failed"),
    ]
    assert listener.said[0][3].startswith("failed bad: ValueError: no luck with ${secret:WORD}\ntook ")
    assert TOKEN not in ran.out + ran.err + failed.out + failed.err
    for path in told.folder.rglob("*"):
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes()


def test_a_notification_that_fails_alters_nothing(told, listener):
    listener.answer = 500
    refused = told.pipespec("run", "pipeline.yaml", HOOK=listener.url)

    assert refused.code == 0
    assert (
        refused.err.count("the notification could not be sent: the service did not accept the message\n") == 1
    )
    assert "pipeline.yaml:4:" in refused.err
    for hook, why in [
        ({"HOOK": f"json://127.0.0.1:9/{TOKEN}"}, "the service did not accept the message"),
        ({"HOOK": f"nonsense {TOKEN}"}, "Apprise does not know this kind of URL"),
        ({}, "not set in the environment: 'HOOK'"),
    ]:
        answer = told.pipespec("run", "pipeline.yaml", "--force", "fine", **hook)

        assert (answer.code, answer.out.count("1 ran")) == (0, 1)
        assert f"the notification could not be sent: {why}\n" in answer.err
        assert TOKEN not in answer.out + answer.err + refused.err


def test_without_apprise_the_way_to_it_is_said(told):
    told.write("hidden/apprise.py", "raise ImportError")

    answer = told.pipespec("run", "pipeline.yaml", PYTHONPATH=str(told.folder / "hidden"), HOOK="json://x")

    assert answer.code == 0
    assert "Apprise is not installed; install it with: pip install 'pipespec[notify]'\n" in answer.err


def result(step, state, error=None):
    return StepResult(step, state, "0" * 64, "1" * 32, error=error)


@pytest.mark.parametrize(
    ("ended", "message"),
    [
        (
            RunReport("r", tuple(result(f"s{n}", StepState.RAN) for n in range(7)), 2.0, STORE),
            ("p: 7 steps ran", "ran s0, s1, s2, s3, s4 and 2 more\ntook 2.0 s\nMLflow run r"),
        ),
        (
            RunReport(
                "r",
                tuple(result(f"s{n}", StepState.FAILED, "e" * 500 if n else "no") for n in range(6)),
                61.0,
                STORE,
            ),
            (
                "p: 6 steps failed",
                "failed s0: no\n"
                + "".join(f"failed s{n}: {'e' * 300}...\n" for n in range(1, 5))
                + "and 1 more failed\ntook 1 min 1 s\nMLflow run r",
            ),
        ),
        (
            RunReport("r", (result("a", StepState.CANCELLED),), 0.5, STORE, interrupted_by=15),
            ("p: interrupted by SIGTERM", "took 0.50 s\nMLflow run r"),
        ),
        (
            StoreUnavailableError("tracking store http://h: gone"),
            ("p: the run stopped with an error", "tracking store http://h: gone"),
        ),
    ],
)
def test_a_message_is_short(ended, message):
    assert message_of("p", ended) == message
