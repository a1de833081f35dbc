"""Secrets on paths of failure: each verb, in each format, on a project that is broken in each way, and all that it prints or writes.

`FAILURES` are the ways, each a change of a project that ran; `LINES` are the commands. `test_canary` has the sinks of a run.
"""

import os
import shutil

import pytest
from canary import CORE, SECRET, leaks, leaks_below
from tests.conftest import new_project

from pipespec.cli import main

pytestmark = pytest.mark.faults

STEPS = """
def keeps(url: str) -> dict:
    print(url)
    return {"length": len(url)}


def fails(url: str, keeps: dict) -> dict:
    raise ConnectionError(f"cannot connect to {url}")
"""
HOOK = f"json://hooks.example/{CORE}"
STORE = f"http://user:{CORE}@127.0.0.1:9"
PIPELINE = f"""\
pipespec: 1
name: leaky
notify:
  - {{url: "${{secret:CHAT_WEBHOOK}}", on: [regression]}}
  - {{url: "{HOOK}", on: [regression]}}
params:
  database: "postgres://u:${{secret:CANARY}}@h/db"
steps:
  keeps:
    call: steps:keeps
    params: {{url: "${{params.database}}"}}
    outputs: {{out: out.json}}
  fails:
    call: steps:fails
    inputs: {{keeps: keeps}}
    params: {{url: "${{params.database}}"}}
    outputs: {{out: out.json}}
"""


def edit(old, new, file="pipeline.yaml"):
    def change(project):
        project.edit(file, old, new)

    return change


def append(text, file="pipeline.yaml"):
    def change(project):
        path = project.folder / file
        project.write(file, (path.read_text() if path.exists() else "") + text)

    return change


def below_state(kind):
    def change(project):
        state = project.folder / ".pipespec"
        shutil.rmtree(state)
        if kind == "file":
            state.touch()

    return change


def artifacts(damage):
    def change(project):
        for path in project.folder.glob("mlartifacts/**/*"):
            if path.is_file():
                damage(path)

    return change


def database(content):
    def change(project):
        (project.folder / "mlflow.db").write_bytes(content)

    return change


AFTER_HOOK = f'  - {{url: "{HOOK}", on: [regression]}}\n'
DATABASE = '  database: "postgres://u:${secret:CANARY}@h/db"\n'

FAILURES = {
    "nothing": lambda _project: None,
    "a line that is no YAML, with a password": append(f"mlflow: {{tracking_uri: '{STORE}', ]\n"),
    "a line that is no YAML, with a hook": edit(AFTER_HOOK, f'  - {{url: "{HOOK}", on: [regression]]\n'),
    "a hook without its end": edit(f'"{HOOK}"', f'"{HOOK}'),
    "a hook on several lines": edit(f'"{HOOK}"', f'"{HOOK}\n     {CORE}"'),
    "a tab before a hook": edit(AFTER_HOOK, f"\t- {{url: {HOOK}}}\n"),
    "an unknown key beside a hook": edit(f'"{HOOK}", on:', f'"{HOOK}", onn:'),
    "an unknown event of a hook": edit(f'"{HOOK}", on: [regression]', f'"{HOOK}", on: [never]'),
    "a hook as a list": edit(f'"{HOOK}"', f'["{HOOK}"]'),
    "a hook as a mapping": edit(f'url: "{HOOK}"', f'url: {{a: "{HOOK}"}}'),
    "a hook as a key": edit(f'url: "{HOOK}"', f'"{HOOK}": url'),
    "a hook of no service": edit("json://hooks", "jsn://hooks"),
    "a hook twice": edit(f'url: "{HOOK}"', f'url: "{HOOK}", url: "{HOOK}"'),
    "a hook with a reference to nothing": edit(f'"{HOOK}"', f'"{HOOK}/${{params.none}}"'),
    "notify as a text": edit("notify:\n", f"x-a: 1\nnotify: {HOOK}\nx-b:\n"),
    "a template that is not there": edit("[regression]}\nparams", "[regression], template: none.j2}\nparams"),
    "a store that is away": append(f"mlflow: {{tracking_uri: '{STORE}'}}\n"),
    "a store of no kind": append(f"mlflow: {{tracking_uri: 'htp://user:{CORE}@h'}}\n"),
    "a database that is away": append(f"mlflow: {{tracking_uri: 'postgresql://user:{CORE}@127.0.0.1:9/db'}}\n"),
    "a store as a list": append(f"mlflow: {{tracking_uri: ['{STORE}']}}\n"),
    "an unknown key with a password": append(f"mlflow: {{tracking_urj: '{STORE}'}}\n"),
    "a scheduler with a password": append(f"engine: {{scheduler: '{STORE}', workers: none}}\n"),
    "a cluster with a password": append(f"engine: {{executor: dask, cluster: 'tcp://user:{CORE}@127.0.0.1:9'}}\n"),
    "a store whose artifacts are away": append(f"mlflow: {{artifact_location: 'ftp://user:{CORE}@127.0.0.1:9/a'}}\n"),
    "a secret that is not set": edit("${secret:CANARY}", "${secret:CANARY}${secret:NONE}"),
    "a secret in a name": edit("call: steps:keeps", "call: steps:${secret:CANARY}"),
    "a secret in a file's name": edit("{out: out.json}\n  fails", '{out: "${secret:CANARY}.json"}\n  fails'),
    "a secret in a timeout": edit("call: steps:keeps\n", 'call: steps:keeps\n    timeout: "${secret:CANARY}"\n'),
    "a secret in a hook that is broken": edit('"${secret:CHAT_WEBHOOK}", on', '"${secret:CHAT_WEBHOOK", on'),
    "a secret in the environment": edit("postgres://u:${secret:CANARY}@h/db", "${env:NO_CANARY}${secret:CANARY}"),
    "a reference in a circle": edit(DATABASE, DATABASE + '  a: "${params.b}${secret:CANARY}"\n  b: "${params.a}"\n'),
    "an input that is not there": edit("    outputs: {out: out.json}\n  fails", "    inputs: {none: none.csv}\n    outputs: {out: out.json}\n  fails"),
    "a module that is not there": edit("call: steps:keeps", "call: stepz:keeps"),
    "a module that is no Python": append("def (\n", "steps.py"),
    "other code": append('\n\nKEEPS = "other"\n\n\ndef keeps(url: str) -> dict:\n    return {"other": KEEPS, "url": len(url)}\n', "steps.py"),
    "a required value": edit(DATABASE, DATABASE + "  more: ???\n"),
    "an overlay of an environment that is no YAML": append(f"notify: [{{url: '{HOOK}'\n", "pipeline.prod.yaml"),
    "a line of .env that is none": append(f"{CORE} is no variable\nCANARY2='{CORE}\n", ".env"),
    "a variable of .env with a NUL": append(f'TOKEN="{CORE}\0"\n', ".env"),
    "an unknown setting": append(f'\n[tool.pipespec]\nscheduler = "{STORE}"\nnone = 1\n', "pyproject.toml"),
    "a scheduler of the project": append(f'\n[tool.pipespec]\nscheduler = "{STORE}"\n', "pyproject.toml"),
    "no state": below_state("none"),
    "a file for its state": below_state("file"),
    "artifacts that are gone": artifacts(lambda path: path.unlink()),
    "artifacts that are cut": artifacts(lambda path: path.write_bytes(path.read_bytes()[:40])),
    "a database that is none": database(b"no database\n" * 500),
    "a database that is empty": database(b""),
    "no database": lambda project: (project.folder / "mlflow.db").unlink(),
}  # fmt: skip

FILE = "pipeline.yaml"
LINES = (
    *(f"validate {FILE} --format {form}" for form in ("text", "json", "github", "sarif")),
    *(f"graph {FILE} --format {form}" for form in ("text", "mermaid", "dot", "json", "html")),
    *(f"graph {FILE} --status --format {form}" for form in ("text", "json", "html")),
    *(f"render {FILE} --format {form}" for form in ("luigi", "yaml")),
    *(f"config {FILE}{more}" for more in ("", " --origin", " --diff --env prod", " --format json")),
    *(f"plan {FILE}{more}" for more in ("", " --format json", " --env prod", " --verify")),
    *(f"status {FILE} --format {form}" for form in ("text", "json")),
    *(f"explain {FILE} {step}" for step in ("keeps", "fails --format json")),
    *(f"logs {FILE} {step}" for step in ("keeps", "fails")),
    *(f"compare {FILE} fails{more}" for more in ("", " --format markdown", " --format csv")),
    f"accept {FILE} keeps --dry-run",
    f"get {FILE} keeps.out got.json",
    f"lineage {FILE} latest",
    f"gc {FILE}",
    f"doctor {FILE}",
    f"diff {FILE} before.yaml",
    f"diff {FILE} before.yaml --format markdown --records",
    f"run {FILE} --dry-run",
    f"schema --for {FILE}",
)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A project in which one step succeeded and one failed."""
    project = new_project(tmp_path_factory.mktemp("leaky") / "project")
    project.write("steps.py", STEPS)
    project.write(FILE, PIPELINE)
    project.write("before.yaml", PIPELINE)
    answer = project.pipespec("run", FILE, "--keep-going", **SECRET)
    assert answer.code == 1, answer.err
    assert leaks_in(project) == {}
    return project


def leaks_in(project):
    """Search all but the files that the user wrote."""
    own = {FILE, "before.yaml", "pipeline.prod.yaml", ".env", "pyproject.toml"}
    return {name: found for name, found in leaks_below(project.folder).items() if name not in own}


@pytest.mark.parametrize("failure", FAILURES)
def test_no_verb_shows_a_secret(ran, tmp_path, monkeypatch, capsys, failure):
    project = ran.copied_to(tmp_path / "project")
    FAILURES[failure](project)
    monkeypatch.chdir(project.folder)
    for name, value in {**SECRET, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)

    found, codes = {}, {}
    for line in LINES:
        with pytest.raises(SystemExit) as ended:
            main(line.split())
        codes[line] = ended.value.code or 0
        printed = capsys.readouterr()
        os.environ.clear()  # `.env` is read into it
        os.environ.update(before)
        if lost := leaks(printed.out) + leaks(printed.err):
            found[line] = lost
        assert "Traceback" not in printed.err, line

    assert found == {}
    assert leaks_in(project) == {}
    assert set(codes.values()) <= {0, 1, 2, 3}
    if failure != "nothing":
        assert any(codes.values()), "this is no failure"


def test_there_are_two_hundred_paths():
    assert len(FAILURES) * len(LINES) > 200
