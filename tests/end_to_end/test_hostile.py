"""`validate` and `graph` on a stranger's repository: nothing of it runs, nothing outside of it is read."""

import json
import shutil
import subprocess
import sys

import pytest

CANARY = "canary-7f3a"

BOMB = "open({canary!r}, 'w').close()\n"

PIPELINE = """\
pipespec: 1
name: stranger
params: {token: "${env:STRANGER, nothing}"}
mlflow: {tracking_uri: "http://127.0.0.1:9/${env:STRANGER}"}
steps:
  one:
    call: bomb:one
    params: {text: "${params.token}"}
    outputs: {one: one.json}
    identity: {probe: "bomb:probe"}
  two:
    call: package.inner:two
    inputs: {one: one, table: {file: outside.csv}}
    outputs: {two: two.json}
  three:
    call: linked:three
    inputs: {two: two}
    outputs: {three: ../three.json}
"""

AUDIT = """
import sys
seen = []
def hook(event, args):
    if event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "socket.connect", "socket.getaddrinfo"):
        seen.append(event)
    elif event == "exec" and hasattr(args[0], "co_filename") and FOLDER in args[0].co_filename:
        seen.append("exec " + args[0].co_filename)
    elif event == "import" and args[0].partition(".")[0] in ("bomb", "package", "linked"):
        seen.append("import " + args[0])
    elif event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        seen.append("write " + str(args[0]))
sys.addaudithook(hook)
from pipespec.cli import main
try:
    main(ARGUMENTS)
finally:
    print(seen, file=sys.stderr)
"""


@pytest.fixture
def hostile(empty_project, tmp_path):
    project = empty_project
    canary = tmp_path / "canary"
    bomb = BOMB.format(canary=str(canary))
    for name in (
        "bomb",
        "package/__init__",
        "package/inner",
        "sitecustomize",
        "usercustomize",
        "yaml",
        "mlflow",
        "click",
    ):
        functions = (
            "def one(text: str) -> dict: ...\ndef two(one: dict, table) -> dict: ...\ndef probe(**_): ...\n"
        )
        project.write(f"{name}.py", bomb + functions)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "linked.py").write_text(f"# {CANARY}\ndef three(two: dict) -> dict: ...\n")
    (outside / "secret.csv").write_text(CANARY)
    (project.folder / "linked.py").symlink_to(outside / "linked.py")
    (project.folder / "outside.csv").symlink_to(outside / "secret.csv")
    project.write("pipeline.yaml", PIPELINE)
    project.write("luigi.cfg", "[core]\nlogging_conf_file=evil.cfg\n")
    project.write(".env", f"STRANGER={CANARY}\n")
    subprocess.run(["git", "init", "-q"], cwd=project.folder, check=True)
    monitor = project.write("monitor.sh", f"#!/bin/sh\ntouch {canary}\n")
    monitor.chmod(0o755)
    for setting in ("core.fsmonitor", "core.pager", "core.sshCommand"):
        subprocess.run(["git", "config", setting, str(monitor)], cwd=project.folder, check=True)
    return project


def audited(project, *arguments):
    """Run a command, and print last what it did of all that it must not do."""
    script = f"FOLDER = {str(project.folder)!r}\nARGUMENTS = {list(arguments)!r}\n{AUDIT}"
    return subprocess.run(
        [sys.executable, "-P", "-c", script],
        cwd=project.folder,
        env=project.environment(STRANGER=CANARY),
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("form", ["text", "mermaid", "dot", "json", "svg", "html"])
def test_a_pipeline_without_mistakes_is_drawn_and_nothing_of_it_runs(hostile, tmp_path, form):
    sound = PIPELINE.replace(", table: {file: outside.csv}", ", table: one").partition("  three:")[0]
    hostile.write("pipeline.yaml", sound.replace('    identity: {probe: "bomb:probe"}\n', ""))

    said = audited(hostile, "graph", "pipeline.yaml", "--format", form)

    assert said.returncode == 0, said.stderr
    assert said.stderr.splitlines()[-1] == "[]"
    assert CANARY not in said.stdout
    assert "two" in said.stdout
    assert not (tmp_path / "canary").exists()


def lies_about(hostile):
    """Make the stranger's pipeline sound, have it found so, then break it; yield what lies in its `.pipespec` by then."""
    sound = PIPELINE.replace(", table: {file: outside.csv}", ", table: one").partition("  three:")[0]
    hostile.write("pipeline.yaml", sound.replace('    identity: {probe: "bomb:probe"}\n', ""))
    assert hostile.pipespec("validate", "pipeline.yaml").code == 0
    (memo,) = (hostile.folder / ".pipespec/memos").iterdir()
    signature, _, answer = memo.read_text().partition("\n")
    lie = {**json.loads(answer), "sources": {"files": [], "missing": [], "folders": [], "environment": {}}}
    hostile.edit("pipeline.yaml", "call: bomb:one", "cal: bomb:one")
    for kind, text in {
        "a lie": f"{signature}\n{json.dumps(lie)}",
        "a module": f"{signature}\nimport bomb",
        "a pickle": "cos\nsystem\n(S'touch canary'\ntR.",
    }.items():
        memo.unlink()
        memo.write_text(text)
        yield kind
    for where in ("../../bomb.py", "/dev/zero", "../../outside.csv"):
        memo.unlink()
        memo.symlink_to(where)
        yield f"a link to {where}"
    for name in ("__init__.py", "memos.py", "sitecustomize.py", "signed_memos.py"):
        hostile.write(f".pipespec/{name}", "raise SystemExit('a stranger was here')\n")
        hostile.write(f".pipespec/memos/{name}", "raise SystemExit('a stranger was here')\n")
    yield "modules beside"


def test_memos_that_came_with_a_repository_say_nothing_and_run_nothing(hostile, tmp_path):
    for _ in lies_about(hostile):
        said = audited(hostile, "validate", "pipeline.yaml")

        assert said.returncode == 1
        assert said.stderr.splitlines()[-1] == "[]"
        assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize(
    "verb", [["validate", "--format", "json"], ["graph"], ["graph", "--format", "dot"]], ids=" ".join
)
def test_nothing_of_the_repository_runs(hostile, tmp_path, verb):
    said = audited(hostile, *verb, "pipeline.yaml")

    assert said.returncode in (1, 2)
    assert "Traceback" not in said.stderr
    assert said.stderr.splitlines()[-1] == "[]"
    assert CANARY not in said.stdout + said.stderr
    assert not (tmp_path / "canary").exists()


def traced(project, trace, *arguments):
    """Run a command under strace; return its exit code, and the calls of the kernel that it made."""
    kinds = "trace=execve,connect,openat,open,creat,unlink,rename,mkdir"
    said = subprocess.run(
        ["strace", "-f", "-o", trace, "-e", kinds, sys.executable, "-P", "-m", "pipespec", *arguments],
        cwd=project.folder,
        env=project.environment(STRANGER=CANARY),
        capture_output=True,
        text=True,
        timeout=120,
    )
    return said.returncode, trace.read_text().splitlines()


needs_strace = pytest.mark.skipif(
    shutil.which("strace") is None, reason="strace is not installed (CI installs it)"
)


@needs_strace
def test_the_kernel_sees_no_program_started_and_no_connection(hostile, tmp_path):
    code, calls = traced(hostile, tmp_path / "trace", "validate", "pipeline.yaml")

    assert code == 1
    assert started_or_connected(calls) == []
    assert not [call for call in calls if "O_WRONLY" in call or "O_RDWR" in call or "O_CREAT" in call]
    assert not [call for call in calls if "outside.csv" in call and "openat(" in call]
    assert not [call for call in calls if str(tmp_path / "outside") in call]


@needs_strace
def test_the_kernel_sees_nothing_run_of_what_came_in_the_folder_of_memos(hostile, tmp_path):
    for kind in lies_about(hostile):
        if kind not in ("a lie", "a link to ../../outside.csv", "modules beside"):
            continue  # the audit hook sees them all; a trace takes seconds
        code, calls = traced(hostile, tmp_path / "trace", "validate", "pipeline.yaml")

        assert code == 1
        assert started_or_connected(calls) == []
        opened = [call for call in calls if ".pipespec" in call and "ENOENT" not in call]
        assert all("O_RDONLY" in call and "/memos/" in call and ".py" not in call for call in opened), opened
        assert not [call for call in calls if str(tmp_path / "outside") in call]
        assert not (tmp_path / "canary").exists()


def started_or_connected(calls):
    """Return the calls that started a program, but for ours, or reached out of this machine's own sockets."""
    programs = [call for call in calls if "execve(" in call and "ENOENT" not in call]
    return programs[1:] + [call for call in calls if "connect(" in call and "AF_UNIX" not in call]


def test_all_of_its_mistakes_are_said(hostile):
    answer = hostile.pipespec("validate", "pipeline.yaml", "--format", "json", STRANGER=CANARY)

    codes = {found["code"] for found in answer.json["diagnostics"] if found["severity"] == "error"}
    assert answer.code == 1
    assert "bad-output-file" in codes or any("output" in code for code in codes), codes
    assert json.dumps(answer.json).count("link") >= 1


CROWD = "pipespec: 1\nname: crowd\nsteps:\n" + "".join(f"  s{i}: {{call: 'm:f'}}\n" for i in range(250_000))

BAD = {
    "empty": b"",
    "only a comment": b"# nothing\n",
    "not UTF-8": b"name: \xff\xfe\n",
    "a list": b"- 1\n- 2\n",
    "a word": b"hello\n",
    "two documents": b"pipespec: 1\n---\npipespec: 1\n",
    "10 MB": b"a: " + b"x" * 10_000_000,
    "10 MB of lines": b"a: 1\n" * 2_000_000,
    "3,000 levels": b"a: " + b"[" * 3000 + b"]" * 3000,
    "3,000 indented levels": b"".join(b" " * i + b"a:\n" for i in range(2000)),
    "100,000 brackets": b"[" * 100_000,
    "100,000 braces": b"a: " + b"{" * 100_000,
    "a billion laughs": b"a: &a [x,x,x,x,x,x,x,x,x]\n"
    + b"".join(b"%c: &%c [%s]\n" % (98 + i, 98 + i, b",".join([b"*%c" % (97 + i)] * 9)) for i in range(9)),
    "250,000 steps": CROWD.encode(),
    "nulls": b"\0" * 1000,
    "a tag": b"a: !!python/object/apply:os.system ['true']\n",
    "a number of 5,000 digits": b"a: " + b"9" * 5000,
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_get_a_clean_message_soon(empty_project, name):
    (empty_project.folder / "pipeline.yaml").write_bytes(BAD[name])

    for verb, expected in (("validate", 1), ("run", 2)):
        answer = empty_project.pipespec(verb, "pipeline.yaml")

        assert answer.code == expected, answer.err
        said = answer.out + answer.err
        assert "Traceback" not in said
        assert "pipeline.yaml:" in said
        assert len(said) < 20_000
    assert not (empty_project.folder / "mlflow.db").exists()


@pytest.mark.parametrize("verb", ["validate", "run", "plan", "status", "graph", "get", "logs", "config"])
def test_missing_file_is_one_line(empty_project, verb):
    more = {"get": ["a.b"], "logs": ["a"]}.get(verb, [])

    answer = empty_project.pipespec(verb, "nothing.yaml", *more)

    assert answer.code == (1 if verb == "validate" else 2)
    assert "nothing.yaml" in answer.err + answer.out
    assert len((answer.err + answer.out).splitlines()) <= 4
    assert "Traceback" not in answer.err
