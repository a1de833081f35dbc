"""Outputs on their way to a far store: beside what executes next, whole before anything needs them, kept where the way is barred."""

from __future__ import annotations

import threading
import time

import pytest
from proxy import DROP_REPLY, SILENCE, Abrupt, proxy_to, reply

pytestmark = pytest.mark.servers

STEPS = '''
import time
from pathlib import Path


def note(word):
    with open("events.txt", "a") as file:
        file.write(word + "\\n")


def events():
    return Path("events.txt").read_text().split() if Path("events.txt").exists() else []


def make(salt: str, size: int, large: Path) -> None:
    note("make")
    large.write_bytes(salt.encode() * (size // len(salt)))


def side(name: str, salt: str, together: list) -> dict:
    """Go on only when all that are to execute together do."""
    note(f"{name}-began")
    until = time.monotonic() + 60
    while not all(f"{other}-began" in events() for other in together):
        assert time.monotonic() < until, "the others do not begin"
        time.sleep(0.02)
    note(f"{name}-ended")
    return {"name": name}


def read(large: bytes) -> dict:
    note("read")
    return {"bytes": len(large)}


def load(path: Path) -> bytes:
    return path.read_bytes()
'''

PIPELINE = """\
pipespec: 1
name: "{salt}"
mlflow: {{tracking_uri: "{uri}"{location}}}
engine: {{patience: {patience}}}
params: {{salt: {salt}, size: {size}}}
defaults: {{identity: {{untracked: [events.txt]}}}}
steps:
  make:
    call: steps:make
    params: {{salt: "${{params.salt}}", size: "${{params.size}}"}}
    outputs: {{large: large.bin}}
  one:
    call: steps:side
    params: {{name: one, salt: "${{params.salt}}", together: {together}}}
    outputs: {{said: said.json}}
  two:
    call: steps:side
    params: {{name: two, salt: "${{params.salt}}", together: {together}}}
    outputs: {{said: said.json}}
  read:
    call: steps:read
    inputs: {{large: {{from: make.large, load: "steps:load"}}}}
    outputs: {{counted: counted.json}}
"""
ALL = {"make", "one", "two", "read"}
LARGE = "large.bin"


class Uploading:
    """A project whose outputs go to a store by a way that fails as told."""

    def __init__(self, project, kind, way, bucket, server) -> None:
        self.project, self.kind, self.way, self.bucket = project, kind, way, bucket
        self.uri = (
            way.url if kind == "server" else server.url if kind == "s3 and server" else "sqlite:///mlflow.db"
        )
        self.environment = {} if kind == "server" else {**bucket.environment, "AWS_ENDPOINT_URL_S3": way.url}
        project.write("steps.py", STEPS)
        self.use()

    def use(self, *, patience="60s", size=100_000, together="[]") -> None:
        location = "" if self.kind == "server" else f', artifact_location: "{self.bucket.uri}/runs"'
        text = PIPELINE.format(
            salt=self.bucket.name,
            uri=self.uri,
            location=location,
            patience=patience,
            size=size,
            together=together,
        )
        self.project.write("pipeline.yaml", text)

    def run(self, *args):
        return self.project.pipespec("run", "pipeline.yaml", *args, **self.environment)

    def start(self, *args):
        return self.project.start("run", "pipeline.yaml", *args, **self.environment)

    @property
    def events(self) -> list[str]:
        file = self.project.folder / "events.txt"
        return file.read_text().split() if file.exists() else []

    def wait_for(self, words: set[str], process) -> None:
        until = time.monotonic() + 90
        while not words <= set(self.events):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until, self.events
            time.sleep(0.02)


def is_upload(request) -> bool:
    """Tell whether a request sends the large file, or a part of it."""
    return request.method in ("PUT", "POST") and LARGE in request.path and "mlflow/" not in request.path


@pytest.fixture(params=["server", "s3"])
def uploading(request, empty_project, bucket, s3, mlflow_on_sqlite):
    port = mlflow_on_sqlite.port if request.param == "server" else s3.port
    with proxy_to(port) as way:
        yield Uploading(empty_project, request.param, way, bucket, mlflow_on_sqlite)


@pytest.mark.parametrize(("workers", "together"), [(1, "[]"), (2, "[one, two]")])
def test_others_execute_while_outputs_are_uploaded_and_what_needs_them_waits(uploading, workers, together):
    uploading.use(together=together)
    may_pass, is_held = threading.Event(), threading.Event()

    def rule(request):
        if is_upload(request):
            is_held.set()
            may_pass.wait(120)

    uploading.way.rule = rule
    process = uploading.start("-j", str(workers))
    uploading.wait_for({"make", "one-ended", "two-ended"}, process)
    assert is_held.wait(60)
    held = uploading.events
    may_pass.set()
    _, err = process.communicate(timeout=120)

    assert process.returncode == 0, err
    assert "read" not in held
    assert uploading.events[-1] == "read"
    assert sorted(uploading.events) == ["make", "one-began", "one-ended", "read", "two-began", "two-ended"]
    assert uploading.run().out.startswith("0 ran, 4 reused")


def test_not_more_results_wait_for_their_upload_than_there_are_workers(
    empty_project, bucket, s3, mlflow_on_sqlite
):
    """What waits is on the disk here: with one worker, the third of three large steps begins when the first is uploaded."""
    with proxy_to(s3.port) as way:
        uploading = Uploading(empty_project, "s3", way, bucket, mlflow_on_sqlite)
        text = (empty_project.folder / "pipeline.yaml").read_text().partition("steps:\n")[0] + "steps:\n"
        for name in ("a", "b", "c"):
            text += f"  {name}:\n    call: steps:make\n    params: {{salt: {name}, size: 100000}}\n"
            text += "    outputs: {large: large.bin}\n"
        empty_project.write("pipeline.yaml", text)
        may_pass, held = threading.Event(), []

        def rule(request):
            if is_upload(request):
                held.append(request)
                if len(held) == 2:
                    may_pass.set()
                may_pass.wait(120)

        way.rule = rule
        made: list[int] = []
        threading.Thread(
            target=lambda: (may_pass.wait(120), made.append(len(uploading.events))), daemon=True
        ).start()
        answer = uploading.run("-j", "1")
    assert answer.code == 0, answer.err
    assert made == [2]


FAULTS = {
    "an error": lambda: reply(500, b'{"error_code": "INTERNAL_ERROR", "message": "no disk"}'),
    "overload": lambda: reply(503, b"<Error><Code>SlowDown</Code></Error>", "application/xml"),
    "a reset": lambda: Abrupt(b""),
    "a lost answer": lambda: DROP_REPLY,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_middle_of_an_upload_is_waited_out(uploading, fault):
    uploading.use(size=20 << 20)  # in S3 in several parts
    failed = []

    def rule(request):
        if is_upload(request) and len(failed) < 2:
            failed.append(request)
            return FAULTS[fault]()
        return None

    uploading.way.rule = rule
    answer = uploading.run()
    assert answer.code == 0, answer.err
    assert len(failed) == 2
    assert uploading.events.count("make") == 1
    assert uploading.run().out.startswith("0 ran, 4 reused")


def test_a_slow_upload_is_waited_for(uploading):
    uploading.use(size=3 << 20)
    uploading.way.bytes_a_second = 1 << 20
    assert uploading.run().code == 0


EXPIRED = b"<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>"
LASTING = {
    "an error": (
        lambda: reply(500, b'{"message": "no disk"}'),
        {"server": "no disk (500 Whatever)", "s3": "500"},
    ),
    "a refusal": (
        lambda: reply(403, b'{"error_code": "PERMISSION_DENIED", "message": "not you"}'),
        {"server": "not you (403 Whatever)", "s3": "the credentials do not give access (403)"},
    ),
    "an expired token": (
        lambda: reply(400, EXPIRED, "application/xml"),
        {
            "server": "it answers 400 Whatever",
            "s3": "the credentials have expired; renew them (ExpiredToken)",
        },
    ),
    "an error before the file is read": (
        lambda: Abrupt(reply(500, b'{"message": "no disk"}')),
        # boto3 may meet the closed connection before it reads the answer.
        {"server": "no disk (500 Whatever)", "s3": ("500", "does not answer (ConnectionClosedError)")},
    ),
    "silence": (lambda: SILENCE, {"server": "it does not answer", "s3": "does not answer"}),
}


@pytest.mark.parametrize("fault", LASTING)
def test_a_lasting_fault_fails_the_step_in_one_line_and_the_next_run_uploads_what_was_kept(uploading, fault):
    uploading.use(patience="1s")
    answer_of, said = LASTING[fault]
    uploading.way.rule = lambda request: answer_of() if is_upload(request) else None

    answer = uploading.run()

    assert answer.code == 3, answer
    (line,) = [line for line in answer.err.splitlines() if line.startswith("error: ")]
    expected = said[uploading.kind]
    assert any(words in line for words in ([expected] if isinstance(expected, str) else expected)), line
    assert "the result of 'make' is kept in" in line
    assert "Traceback" not in answer.err
    uploading.way.rule = lambda _: None
    status = uploading.project.pipespec(
        "status", "pipeline.yaml", "--format", "json", **uploading.environment
    )
    assert {step["step"]: step["state"] for step in status.json["steps"]}["make"] == "failed"
    assert "read" not in uploading.events

    again = uploading.run()

    assert again.code == 0, again.err
    assert sorted(uploading.events) == ["make", "one-began", "one-ended", "read", "two-began", "two-ended"]
    assert uploading.run().out.startswith("0 ran, 4 reused")


def test_a_store_that_is_gone_for_a_while_gets_all_when_it_is_back(uploading):
    uploading.use(patience="120s")
    uploading.way.rule = lambda request: uploading.way.down() if is_upload(request) else None
    process = uploading.start()
    uploading.wait_for({"make"}, process)
    until = time.monotonic() + 60
    while uploading.way._listener is not None:
        assert time.monotonic() < until
        time.sleep(0.02)
    time.sleep(12)  # the fault itself, longer than a refused connection is tried again within one request
    uploading.way.rule = lambda _: None
    uploading.way.up()
    _, err = process.communicate(timeout=150)
    assert process.returncode == 0, err
    assert uploading.events.count("make") == 1


def test_ctrl_c_does_not_wait_for_an_upload(uploading):
    import signal

    is_held = threading.Event()

    def rule(request):
        if is_upload(request):
            is_held.set()
            return SILENCE
        return None

    uploading.way.rule = rule
    process = uploading.start()
    uploading.wait_for({"make"}, process)
    assert is_held.wait(60)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert time.monotonic() - began < 15
    uploading.way.rule = lambda _: None
    assert uploading.run().code == 0
    assert uploading.events.count("make") == 1
