"""A secret that every step tries to lose, and a search for it in all that is written, printed or shown."""

import base64
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from canary import CANARY, CORE, PIECE, SECRET, leaks, leaks_below

from pipespec.cli import main

pytestmark = pytest.mark.slow

STEPS = '''
import atexit
import base64
import os
import signal
import subprocess
import sys
import time
import urllib.parse
import warnings
from pathlib import Path


def keeps(url: str, count: int = 0) -> dict:
    return {"length": len(url)}


def prints(url: str) -> dict:
    print(url, repr(url), ascii(url))
    print(base64.b64encode(url.encode()).decode(), url.encode().hex(), urllib.parse.quote(url))
    print("no end of line", url, end="", file=sys.stderr)
    warnings.warn("cannot use " + url)
    subprocess.run(["printenv", "CANARY"], check=True)
    atexit.register(os.write, 1, url.encode())
    return {}


def innocent() -> dict:
    """Gets no secret, and shows its whole environment."""
    print(dict(os.environ))
    raise ValueError(f"cannot work with {os.environ}")


def raises(url: str) -> dict:
    try:
        raise KeyError(url)
    except KeyError as error:
        error.add_note("tried " + url)
        raise ConnectionError(f"cannot connect to {url} ({url!r})") from error


def raises_long(url: str) -> dict:
    raise ValueError("x" * LENGTH + url + "x" * 2000)


def raises_many(url: str) -> dict:
    raise ExceptionGroup("all of " + url, [ValueError(url), OSError(2, "no file", url)])


def exits(url: str) -> dict:
    sys.exit(url)


def dies(url: str) -> dict:
    print(url, flush=True)
    os._exit(3)


def is_killed(url: str) -> dict:
    os.write(2, url.encode())
    os.kill(os.getpid(), signal.SIGKILL)


def hangs(url: str) -> dict:
    print(url, flush=True)
    time.sleep(600)


def tries(url: str) -> dict:
    print("trying", url)
    counter = Path("tries")
    counter.write_text(counter.read_text() + "x" if counter.exists() else "x")
    if len(counter.read_text()) < 3:
        raise ConnectionError(url)
    return {}


class Connection:
    def __init__(self, url):
        self.url = url

    def __repr__(self):
        return f"Connection({self.url!r})"


def returns_object(url: str) -> dict:
    return {"connection": Connection(url), url: {url}}


def wants_a_number(url: int) -> dict:
    return {}


def wants_a_choice(url: "Literal['a', 'b']") -> dict:
    return {}


def gives(url: str) -> dict:
    import pandas

    table = pandas.DataFrame({"a": ["x" * 40 + url], url: [1]})
    return {
        "csv": table,
        "json": {url: 1.5, "url": url},
        "lines": [{"url": url}],
        "text": f"{'x' * 290}{url}",
        "picture": f"<svg>{url}</svg>".encode(),
        "columns": table,
    }


def waits(url: str) -> dict:
    print("waiting with", url, flush=True)
    Path("started").touch()
    while not Path("go-on").exists():
        time.sleep(0.05)
    return {}


def probe_fails(url: str) -> str:
    print(url)
    raise ConnectionError(url)


def probe_dies(url: str) -> str:
    print(url, flush=True)
    os._exit(1)


def probe_answers(url: str) -> dict:
    return {url: [url, 1]}
'''

FAILING = (
    "dies",
    "exits",
    "hangs",
    "innocent",
    "is_killed",
    "raises",
    "raises_long",
    "raises_many",
    "returns_object",
    "unset",
    "wants_a_choice",
    "wants_a_number",
)
SUCCEEDING = ("keeps", "prints", "tries")

HEAD = """\
pipespec: 1
name: leaky
notify: [{url: "${secret:CHAT_WEBHOOK}", on: [failure, success]}]
params: {database: "postgres://u:${secret:CANARY}@h/db"}
steps:
"""
DEFAULTS = 'defaults: {params: {url: "${params.database}"}}\n'
PIPELINE = HEAD.replace("steps:\n", f"{DEFAULTS}steps:\n")


def step(name, more=""):
    return f"  {name}:\n    call: steps:{name}\n    outputs: {{out: out.json}}\n{more}"


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str


def below(folder):
    """The environments and command lines of processes that work in this folder."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name != str(os.getpid()):
            try:
                if os.readlink(entry / "cwd").startswith(str(folder)):
                    yield int(entry.name), (entry / "cmdline").read_bytes(), (entry / "comm").read_bytes()
            except OSError:
                continue


def wait_until(happened, process):
    until = time.monotonic() + 60
    while not happened():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.05)


def write(project, pipeline):
    project.write("steps.py", "from typing import Literal\nLENGTH = 480\n" + STEPS)
    project.write("pipeline.yaml", pipeline)
    return project


def test_the_search_finds_what_it_looks_for():
    for content in (
        CANARY,
        repr(CANARY),
        f"..{CORE[1:9]}",
        CANARY.encode().hex(),
        *(base64.b64encode(b"x" * before + CANARY.encode()) for before in range(3)),
        os.fsencode(CANARY),
    ):
        assert leaks(content), content
    assert not leaks(CORE[: PIECE - 1])


def leaky(project):
    steps = [
        *map(step, ("keeps", "prints", "dies", "is_killed", "raises", "raises_long", "raises_many", "exits")),
        *map(step, ("returns_object", "wants_a_number", "wants_a_choice")),
        step("hangs", "    timeout: 1s\n"),
        step("tries", "    retry: {times: 2, wait: 0s}\n"),
        "  innocent: {call: 'steps:innocent', outputs: {out: out.json}}\n",
        "  unset: {call: 'steps:keeps', params: {url: '${secret:CANARY}${secret:NO_CANARY}'}}\n",
    ]
    given = [
        each + "    params: {url: '${params.database}'}\n" if each.count("\n") > 1 else each for each in steps
    ]
    return write(project, HEAD + "".join(given))  # with defaults, the innocent had a secret, too


@pytest.fixture
def command(empty_project, monkeypatch, capsys):
    """Runs the command line in this process, since there are many to be tried."""
    monkeypatch.chdir(empty_project.folder)
    for name, value in SECRET.items():
        monkeypatch.setenv(name, value)

    def run(line):
        with pytest.raises(SystemExit) as ended:
            main(line.split())
        printed = capsys.readouterr()
        return Answer(ended.value.code or 0, printed.out, printed.err)

    return run


def test_nothing_that_steps_do_brings_a_secret_to_light(empty_project, command):
    project = leaky(empty_project)

    first = project.pipespec(
        "run", "pipeline.yaml", "--keep-going", "-v", "-j", "2", "--format", "json", **SECRET
    )

    assert first.code == 1, first.err
    assert {step["step"]: step["state"] for step in first.json["steps"]} == {
        **dict.fromkeys(SUCCEEDING, "ran"),
        **dict.fromkeys(FAILING, "failed"),
    }
    # The steps did what they are here for, and it was seen: names stand where values were.
    errors = {step["step"]: step["error"] for step in first.json["steps"]}
    assert errors["raises"].startswith(
        "ConnectionError: cannot connect to postgres://u:${secret:CANARY}@h/db ("
    )
    assert errors["unset"] == "not set in the environment of the step: 'NO_CANARY'"
    assert "prints | postgres://u:${secret:CANARY}@h/db '" in first.err
    assert "dies | postgres://u:${secret:CANARY}@h/db" in first.err
    (report,) = project.folder.glob("mlartifacts/**/report.html")
    assert report.read_text().count("${secret:CANARY}") > 20
    kept = b"".join(path.read_bytes() for path in project.folder.glob("mlartifacts/**/log.txt"))
    assert kept.count(b"${secret:CANARY}") > 20

    second = project.pipespec("run", "pipeline.yaml", "--keep-going", **SECRET)
    shown = {"run --format json": first, "run": second}
    file = "pipeline.yaml"
    for line in (
        *(f"plan {file} --format {form}" for form in ("text", "json")),
        *(f"status {file} --format {form}" for form in ("text", "json")),
        *(f"graph {file} --format {form}" for form in ("text", "mermaid", "dot", "json", "svg", "html")),
        *(f"graph {file} --status --format {form}" for form in ("svg", "html")),
        *(f"validate {file} --format {form}" for form in ("text", "json", "github", "sarif")),
        *(
            f"config {file}{origin} --format {form}"
            for origin in ("", " --origin")
            for form in ("text", "json")
        ),
        f"config {file} --diff",
        f"run {file} --dry-run",
        *(
            f"explain {file} {name} --format {form}"
            for name in ("keeps", "raises")
            for form in ("text", "json")
        ),
        *(f"logs {file} {name}" for name in (*SUCCEEDING, *FAILING)),
    ):
        shown[line] = command(line)
        assert shown[line].code == 0, (line, shown[line].err)

    found = {line: lost for line, answer in shown.items() if (lost := leaks(answer.out) + leaks(answer.err))}
    assert found == {}
    assert leaks_below(project.folder) == {}
    assert not list(below(project.folder))


def waiting(project):
    """Start a run of a step that printed the secret, and waits."""
    write(project, PIPELINE + step("waits"))
    process = project.start("run", "pipeline.yaml", "-v", **SECRET)
    wait_until((project.folder / "started").exists, process)
    return process


def test_a_running_step_shows_no_secret(empty_project):
    project = empty_project
    process = waiting(project)

    running = list(below(project.folder))
    log = project.pipespec("logs", "pipeline.yaml", "waits", **SECRET)
    raw = [path for path in project.folder.glob(".pipespec/logs/*.log") if leaks(path.read_bytes())]
    readable = [path for path in raw if path.stat().st_mode & 0o077]
    (project.folder / "go-on").touch()
    out, err = process.communicate(timeout=60)

    assert process.returncode == 0, err
    assert len(running) > 1
    assert not [process for process in running if leaks(b"".join(process[1:]))]
    assert log.out == "waiting with postgres://u:${secret:CANARY}@h/db\n"
    assert (len(raw), readable) == (1, [])
    assert "waits | waiting with postgres://u:${secret:CANARY}@h/db\n" in err
    assert leaks(out + err + log.err) == []
    assert leaks_below(project.folder) == {}


def test_an_interrupted_step_leaves_no_secret(empty_project):
    process = waiting(empty_project)

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert leaks(out + err) == []
    assert leaks_below(empty_project.folder) == {}


def test_what_a_killed_run_left_is_cleaned_by_the_next(empty_project):
    project = empty_project
    process = waiting(project)
    process.kill()
    process.communicate(timeout=60)
    (project.folder / "go-on").touch()
    assert leaks_below(project.folder), "the log is raw while the step runs; else this test shows nothing"

    assert project.ran(**SECRET) == {"waits"}
    assert leaks_below(project.folder) == {}


@pytest.mark.parametrize("probe", ["probe_fails", "probe_dies"])
def test_a_probe_that_fails_shows_no_secret(empty_project, probe):
    project = write(empty_project, PIPELINE + step("keeps", f"    identity: {{probe: 'steps:{probe}'}}\n"))

    for verb in ("run", "plan", "status"):
        answer = project.pipespec(verb, "pipeline.yaml", **SECRET)

        assert answer.code == 2, answer.err
        assert f"its probe 'steps:{probe}' failed" in answer.err
        assert leaks(answer.out + answer.err) == []
    assert leaks_below(project.folder) == {}


def test_the_answer_of_a_probe_holds_no_secret(empty_project):
    project = write(empty_project, PIPELINE + step("keeps", "    identity: {probe: 'steps:probe_answers'}\n"))

    assert project.ran(**SECRET) == {"keeps"}
    manifest = next(project.folder.glob("mlartifacts/**/step.json")).read_text()

    assert '"postgres://u:${secret:CANARY}@h/db"' in manifest
    assert leaks_below(project.folder) == {}
    assert project.ran(CANARY="another") == set()


def test_the_value_of_a_secret_is_in_no_key_and_its_name_is(empty_project):
    project = write(empty_project, PIPELINE + step("keeps"))

    assert project.ran(CANARY="one") == {"keeps"}
    assert project.ran(CANARY="two and longer") == set()
    assert project.ran() == set()
    project.edit("pipeline.yaml", "${secret:CANARY}", "${secret:OTHER}")
    assert project.ran(OTHER="one") == {"keeps"}


def test_a_secret_that_is_not_set_fails_its_step_by_name(empty_project):
    project = write(empty_project, PIPELINE + step("keeps"))

    answer = project.pipespec("run", "pipeline.yaml")

    assert answer.code == 1
    assert "not set in the environment of the step: 'CANARY'" in answer.err + answer.out


@pytest.mark.parametrize(
    "server", ["http://user:{core}@127.0.0.1:9", "postgresql://user:{core}@127.0.0.1:9/db"]
)
def test_the_password_of_a_tracking_store_is_shown_nowhere(empty_project, command, monkeypatch, server):
    project = write(empty_project, PIPELINE + step("keeps"))
    uri = server.format(core=CORE)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("STORE", uri)
    shown = {}
    for line in (
        "run",
        "plan",
        "status",
        "logs keeps",
        "get keeps.out",
        "config",
        "config --origin",
        "graph",
    ):
        verb, *rest = line.split()
        for given in (uri, "${env:STORE}"):
            options = [] if verb == "graph" else ["--set", f"+mlflow.tracking_uri={given}"]
            shown[line, given] = command(" ".join((verb, "pipeline.yaml", *rest, *options)))

    assert {line: lost for line, answer in shown.items() if (lost := leaks(answer.out + answer.err))} == {}
    assert {line: answer.code for line, answer in shown.items()} == {
        (line, given): 0 if line.startswith(("config", "graph")) else 3 for line, given in shown
    }
    assert "tracking_uri: " in shown["config", uri].out
    for line in (*(f"validate --format {form}" for form in ("text", "json", "github", "sarif")), "plan"):
        answer = command(
            f"{line} pipeline.yaml --set +mlflow.tracking_urj={uri} --set +steps.keeps.timeout={uri}"
        )
        assert answer.code in (1, 2)
        assert "timeout" in answer.out + answer.err
        assert leaks(answer.out + answer.err) == []
    assert leaks_below(project.folder) == {}


def test_a_password_on_the_command_line_is_neither_recorded_nor_repeated(empty_project):
    project = write(empty_project, PIPELINE + step("raises"))

    answer = project.pipespec(
        "run", "pipeline.yaml", "--set", f"+mlflow.tags.mirror=http://user:{CORE}@host", CANARY="x" * 10
    )

    assert (
        "resume with: pipespec run pipeline.yaml --set +mlflow.tags.mirror=http://user:***@host" in answer.out
    )
    assert leaks(answer.out + answer.err) == []
    files = {path: path.read_bytes() for path in project.folder.glob("mlartifacts/**/artifacts/pipespec/*")}
    assert {path.name: found for path, content in files.items() if (found := leaks(content))} == {}
    assert {"pipeline.yaml", "command.txt", "report.html"} <= {path.name for path in files}


def test_a_report_shows_no_secret_that_outputs_hold(empty_project):
    files = {
        "csv": "a.csv",
        "json": "b.json",
        "lines": "c.jsonl",
        "text": "d.txt",
        "picture": "e.svg",
        "columns": "f.parquet",
    }
    outputs = ", ".join(f"{name}: {file}" for name, file in files.items())
    project = write(
        empty_project,
        PIPELINE + f"  gives:\n    call: steps:gives\n    outputs: {{{outputs}}}\n",
    )

    answer = project.pipespec("run", "pipeline.yaml", "--report", "out.html", **SECRET)

    assert answer.code == 0, answer.err
    held = {
        path.name
        for path in project.folder.glob("mlartifacts/**/*")
        if path.is_file() and leaks(path.read_bytes())
    }
    assert {"a.csv", "b.json", "c.jsonl", "d.txt", "e.svg"} <= held, "else this test shows nothing"
    page = (project.folder / "out.html").read_text()
    assert leaks(page) == []
    assert page.count("${secret:CANARY}") > 5
    assert "report.html" not in held
