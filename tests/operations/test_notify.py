"""How a run ended is told to a real listener, its address to nobody, and a listener that misbehaves alters nothing."""

import http.server
import json
import re
import socket
import struct
import threading
import time

import pytest

from pipespec.document.nodes import ScalarNode
from pipespec.errors import Span
from pipespec.operations.running.notify import send
from pipespec.plan.run_outcome import RunOutcome
from pipespec.spec.message_templates import MessageTemplate
from pipespec.spec.pipeline_spec import Notice, TemplateFile

pytestmark = pytest.mark.slow

TOKEN = "tOkEn7Q1xW5"
HOST = socket.gethostname()

STEPS = """
def fine(depth: int) -> dict:
    return {"accuracy": 0.9 - depth / 100, "f1": 0.5}


def bad(word: str) -> dict:
    print("looking for", word)
    raise ValueError("no luck with " + word)
"""

PIPELINE = """\
pipespec: 1
name: told
params: {depth: 1, word: luck}
notify:
  - {url: "${secret:HOOK}/all", on: [failure, success]}
  - {url: "${secret:HOOK}/failures"}
  - {url: "${secret:HOOK}/worse", on: [regression]}
steps:
  fine:
    call: steps:fine
    params: {depth: "${params.depth}"}
    outputs: {out: out.json}
    metrics: out
    checks: {accuracy: {min: 0.5, min_delta: -0.01}}
"""
BAD = """\
  bad: {call: "steps:bad", params: {word: "${secret:WORD}"}, outputs: {out: out.json}, needs: [fine]}
"""


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        path = self.path.removeprefix(f"/{TOKEN}/")
        self.server.said[path] = said["type"], said["title"], as_known(said["message"])
        if path == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            return
        while path == "drips" and not self.server.closing.wait(0.2):
            self.connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")  # a byte in time, and never all
        self.send_response(500 if path == "broken" else 200)
        self.end_headers()

    def log_message(self, *_):
        pass

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except OSError:  # who asked was ended meanwhile
            self.close_connection = True


class Listener(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        pass


@pytest.fixture
def listener():
    """A web hook that keeps what it is sent, by the last part of the path; some of these misbehave."""
    with Listener(("127.0.0.1", 0), Handler) as server:
        server.said, server.closing = {}, threading.Event()
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        server.url = f"json://127.0.0.1:{server.server_address[1]}/{TOKEN}"
        yield server
        server.closing.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def told(empty_project):
    empty_project.write("steps.py", STEPS)
    empty_project.write("pipeline.yaml", PIPELINE)
    return empty_project


def as_known(message):
    """Leave out of a message what differs from run to run."""
    message = re.sub(r"^took [\d.]+ s$", "took TIME", message, flags=re.MULTILINE)
    message = re.sub(r"\b[0-9a-f]{32}\b", "ID", message)
    return re.sub(r"sqlite:///\S+/mlflow\.db", "STORE", message).split("\n")


ENDING = ["took TIME", f"MLflow run ID in STORE on {HOST}"]


def test_each_end_is_told_to_those_who_want_to_know(told, listener):
    ran = told.pipespec("run", "pipeline.yaml", "--format", "json", HOOK=listener.url)

    assert ran.code == 0
    assert listener.said == {
        "all": ("success", "told: 1 step ran", ["ran fine", "metrics: accuracy 0.89, f1 0.5", *ENDING])
    }
    listener.said.clear()

    again = told.pipespec("run", "pipeline.yaml", HOOK=listener.url)

    assert (again.code, listener.said) == (0, {})  # what only reused is not told

    told.write("deeper.yaml", "params: {word: more}\n")
    worse = told.pipespec(
        "run", "pipeline.yaml", "-f", "deeper.yaml", "--set", "params.depth=4", HOOK=listener.url
    )

    message = (
        "warning",
        "told: 1 step ran, 1 regression",
        [
            "regression: accuracy is 0.86, -0.03 from the last run, below its min_delta -0.01",
            "ran fine",
            "metrics: accuracy 0.86 (-0.03), f1 0.5 (unchanged)",
            "set: depth=4 (--set), word=more (deeper.yaml)",
            *ENDING,
        ],
    )
    assert worse.code == 0
    assert listener.said == {"all": message, "worse": message}
    listener.said.clear()

    told.write("pipeline.yaml", PIPELINE + BAD)
    failed = told.pipespec("run", "pipeline.yaml", HOOK=listener.url, WORD="magic words")

    message = (
        "failure",
        "told: 1 step failed",
        [
            "failed bad: ValueError: no luck with ${secret:WORD}",
            "  | looking for ${secret:WORD}",
            "  | Traceback (most recent call last):",
            f'  |   File "{told.folder}/steps.py", line 8, in bad',
            '  |     raise ValueError("no luck with " + word)',
            "  | ValueError: no luck with ${secret:WORD}",
            "metrics: accuracy 0.89 (+0.03), f1 0.5 (unchanged)",
            *ENDING,
        ],
    )
    assert failed.code == 1
    assert listener.said == {"all": message, "failures": message}
    assert TOKEN not in "".join(answer.out + answer.err for answer in (ran, again, worse, failed))
    for path in told.folder.rglob("*"):
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes()


def test_a_regression_is_one_against_the_baseline_where_one_is_set(told, listener):
    first = told.pipespec("run", "pipeline.yaml", "--format", "json", HOOK=listener.url).json["invocation"]
    told.pipespec("run", "pipeline.yaml", "--set", "params.depth=9", HOOK=listener.url)
    assert told.pipespec("baseline", "set", first).code == 0
    listener.said.clear()

    ran = told.pipespec("run", "pipeline.yaml", "--set", "params.depth=10", HOOK=listener.url)

    assert ran.code == 0
    assert listener.said["worse"] == (
        "warning",
        "told: 1 step ran, 1 regression",
        [
            "regression: accuracy is 0.8, -0.09 from the baseline, below its min_delta -0.01",
            "ran fine",
            "metrics: accuracy 0.8 (-0.01), f1 0.5 (unchanged)",
            "set: depth=10 (--set)",
            *ENDING,
        ],
    )


def test_a_bound_that_is_missed_is_a_failure_and_a_regression(told, listener):
    failed = told.pipespec(
        "run", "pipeline.yaml", "--sweep", "params.depth=50,1", "--keep-going", HOOK=listener.url
    )

    assert failed.code == 1
    assert listener.said == dict.fromkeys(
        ("all", "failures", "worse"),
        (
            "failure",
            "told: 1 step failed",
            [
                "failed fine{depth=50}: accuracy is 0.4, below its minimum 0.5",
                "ran fine{depth=1}",
                (
                    "metrics: fine_depth_50_.accuracy 0.4, fine_depth_50_.f1 0.5, fine_depth_1_.accuracy 0.89,"
                    " fine_depth_1_.f1 0.5"
                ),
                "set: depth=50,1 (--sweep)",
                *ENDING,
            ],
        ),
    )


def test_a_template_makes_the_message_and_one_that_fails_is_told_in_it(told, listener):
    told.write(
        "message.j2",
        '{% set title = pipeline ~ " " ~ kind %}\n{{ metrics.accuracy.value }} at {{ params.depth }}\n',
    )
    told.edit("pipeline.yaml", '/all", on: [failure, success]', '/all", on: [success], template: message.j2')

    ran = told.pipespec("run", "pipeline.yaml", "--set", "params.depth=2", HOOK=listener.url)

    assert (ran.code, listener.said) == (0, {"all": ("success", "told success", ["0.88 at 2"])})

    failed = told.pipespec("run", "pipeline.yaml", HOOK=listener.url)

    flaw = "message.j2:2: the template could not be filled in: 'dict object' has no attribute 'depth'"
    assert failed.code == 0
    assert flaw in failed.err.splitlines()
    assert listener.said["all"] == (
        "success",
        "told: 1 step ran",
        ["ran fine", "metrics: accuracy 0.89 (+0.01), f1 0.5 (unchanged)", *ENDING, flaw],
    )

    told.write("message.j2", "{{ metrix }}\n")
    refused = told.pipespec("run", "pipeline.yaml", HOOK=listener.url)

    assert refused.code == 2
    assert refused.err.startswith("message.j2:1:1: error[bad-template]: there is no variable 'metrix'\n")


@pytest.mark.parametrize(
    ("hook", "why"),
    [
        ({"HOOK": f"json://127.0.0.1:9/{TOKEN}"}, "the service could not be reached, or did not answer"),
        (
            {"HOOK": f"nonsense {TOKEN}"},
            "the URL names no service; write SERVICE://...; the services are listed at",
        ),
        ({"HOOK": f"slack://{TOKEN}"}, "Apprise cannot read this URL of 'slack'; it is written as slack://"),
        ({}, "not set in the environment: 'HOOK'"),
    ],
)
def test_a_notification_that_cannot_be_sent_is_one_line(told, hook, why):
    answer = told.pipespec("run", "pipeline.yaml", **hook)

    lines = [line for line in answer.err.splitlines() if "notification" in line]
    assert (answer.code, answer.out.count("1 ran"), len(lines)) == (0, 1, 1)
    assert lines[0].startswith(f"pipeline.yaml:5:11: the notification could not be sent: {why}")
    assert TOKEN not in answer.out + answer.err


def test_without_apprise_the_way_to_it_is_said(told):
    told.write("hidden/apprise.py", "raise ImportError")
    hidden = {"PYTHONPATH": str(told.folder / "hidden")}

    answer = told.pipespec("run", "pipeline.yaml", HOOK="json://x", **hidden)
    advice = told.pipespec("validate", "pipeline.yaml", **hidden)

    assert answer.code == 0
    assert "Apprise is not installed; install it with: pip install 'pipespec[notify]'\n" in answer.err
    assert advice.code == 0
    assert advice.out.startswith(
        "pipeline.yaml:5:11: advice[missing-package]: 'notify': Apprise is not installed\n"
        '    5 |   - {url: "${secret:HOOK}****", on: [failure, success]}\n'
    )
    assert "   help: install it with: pip install 'pipespec[notify]'\n" in advice.out


# ------------------------------------------------------------------------------- listeners that misbehave


def notices(listener, *paths, template=None):
    place = Span("pipeline.yaml", 4, 3, 4, 9)
    return [
        Notice(ScalarNode(f"{listener.url}/{path}", place._replace(line=line)), ("success",), place, template)
        for line, path in enumerate(paths, start=1)
    ]


OUTCOME = RunOutcome("news", 2.0, "host1", "sqlite:///mlflow.db", run_id="r1", succeeded=True)


def test_no_listener_keeps_another_from_its_message_or_the_run_from_its_end(listener):
    began = time.monotonic()

    problems = send(notices(listener, "drips", "broken", "reset", "good"), OUTCOME, {}, patience=8.0)

    assert time.monotonic() - began < 60.0
    assert sorted(problems) == [
        "pipeline.yaml:1:3: the notification could not be sent: no answer after 8 seconds",
        "pipeline.yaml:2:3: the notification could not be sent: the service answered 500",
        "pipeline.yaml:3:3: the notification could not be sent: the service could not be reached, or did not answer",
    ]
    assert listener.said == dict.fromkeys(
        ("drips", "broken", "reset", "good"),
        ("success", "news: 0 steps ran", ["took TIME", "MLflow run r1 in sqlite:///mlflow.db on host1"]),
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
            ":1: the template could not be filled in: it takes longer than 2 seconds",
        ),
        ("\n{{ 'x' * 10 ** 11 }}", ": the template could not be filled in: it needs too much memory"),
    ],
)
def test_a_template_without_end_is_ended(listener, text, problem):
    template = TemplateFile("/project/m.j2", "m.j2", Span("pipeline.yaml", 4, 3, 4, 9))
    read = {"/project/m.j2": MessageTemplate("m.j2", text)}

    problems = send(notices(listener, "good", template=template), OUTCOME, read)

    assert problems == [f"m.j2{problem}"]
    assert listener.said["good"][2][-1] == problems[0]
