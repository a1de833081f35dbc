"""`validate --import` through the installed command: what only the live code tells, and what hostile modules do."""

import pytest

pytestmark = pytest.mark.slow

CLEAN = """\
pipespec: 1
steps:
  one:
    call: steps:one
    params: {depth: 3}
    outputs: {one: one.json}
"""


@pytest.fixture
def project(empty_project):
    empty_project.write("pipeline.yaml", CLEAN)
    empty_project.write("steps.py", "def one(depth: int) -> dict: ...\n")
    return empty_project


def test_a_sound_project_has_nothing_to_be_told(project):
    answer = project.pipespec("validate", "pipeline.yaml", "--import")

    assert (answer.code, answer.out, answer.err) == (0, "", "pipeline.yaml: no errors\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import os; os._exit(3)", "importing module 'steps' failed: its process ended with exit code 3"),
        ("import ctypes; ctypes.string_at(0)", "importing module 'steps' failed: its process was killed by signal 11"),
        ("while True: pass", "importing module 'steps' failed: it took longer than 6 seconds"),
        (
            "print('bye', flush=True); import os; os._exit(0)",
            "importing module 'steps' failed: its process ended with exit code 0; its last line of output was 'bye'",
        ),
        (
            "while True: print('spam')",
            "importing module 'steps' failed: it took longer than 6 seconds; its last line of output was 'spam'",
        ),
        (
            "import sys; sys.exit('no')",
            "module 'steps' cannot be imported: the function called sys.exit('no') instead of returning (steps.py:1)",
        ),
        ("1 / 0", "module 'steps' cannot be imported: ZeroDivisionError: division by zero (steps.py:1)"),
        ("raise KeyboardInterrupt", "module 'steps' cannot be imported: KeyboardInterrupt (steps.py:1)"),
        (
            "import os, time\nif os.fork(): time.sleep(60)",
            "importing module 'steps' failed: it took longer than 6 seconds",
        ),
    ],
)  # fmt: skip
def test_a_module_that_cannot_be_imported_is_told_once_with_its_place(project, text, said):
    project.write("steps.py", f"{text}\ndef one(depth: int) -> dict: ...\n")

    limit = "6" if "longer" in said else "60"
    answer = project.pipespec("validate", "pipeline.yaml", "--import", "--import-timeout", limit)

    assert answer.out == (
        f"pipeline.yaml:4:11: error[import-failed]: {said}\n"
        "    4 |     call: steps:one\n"
        "      |           ^^^^^^^^^\n"
    )
    assert (answer.code, answer.err) == (1, "pipeline.yaml: 1 error\n")


@pytest.mark.parametrize(
    "text",
    [
        "print('x' * 200_000)",
        "import os; os.chdir('/')",
        "import sys; sys.stdout.close(); sys.stderr.close()",
        "import os; os.closerange(0, 3)",
        "import sys; sys.stdin.read()",
        "import threading, time; threading.Thread(target=time.sleep, args=(600,)).start()",
        "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])",
        "import atexit, os; atexit.register(os._exit, 7)",
        "import os\nif os.fork() == 0: os._exit(0)",
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        "import sys; sys.setrecursionlimit(60)",
    ],
)
def test_what_a_module_does_to_its_process_disturbs_no_answer(project, text):
    project.write("steps.py", f"{text}\ndef one(depth: int, **more) -> dict: ...\n")
    project.edit("pipeline.yaml", "{depth: 3}", "{depth: 3, other: 1}")

    answer = project.pipespec("validate", "pipeline.yaml", "--import")

    assert (answer.code, answer.out, answer.err) == (0, "", "pipeline.yaml: no errors\n")


def test_a_module_that_dies_keeps_no_other_from_being_asked(project):
    project.write("dies.py", "import os; os._exit(9)\ndef f() -> dict: ...\ndef g() -> dict: ...\n")
    project.write("last.py", "import functools\nf = functools.partial(lambda a, b: 1, b=2)\n")
    project.write(
        "pipeline.yaml",
        "pipespec: 1\nsteps:\n"
        "  a: {call: 'last:f', params: {c: 1}, outputs: {a: a.json}}\n"
        "  b: {call: 'dies:f', outputs: {b: b.json}}\n"
        "  c: {call: 'dies:g', outputs: {c: c.json}}\n"
        "  d: {call: 'steps:one', params: {depth: 1}, outputs: {d: d.json}}\n",
    )

    answer = project.pipespec("validate", "pipeline.yaml", "--import", "--format", "json")

    assert answer.code == 1
    assert [(one["line"], one["code"], one["message"]) for one in answer.json["diagnostics"]] == [
        (3, "unknown-argument", "param 'c' of step 'a': 'last:f' has no such argument"),
        (4, "import-failed", "importing module 'dies' failed: its process ended with exit code 9"),
    ]


def test_loaders_savers_and_probes_are_imported_too(project):
    project.write(
        "more.py",
        "def __getattr__(name):\n    if name == 'there': return len\n    raise AttributeError(name)\n",
    )
    project.write("a.txt", "a")
    project.write("steps.py", "def one(text, depth) -> dict: ...\n")
    project.write(
        "pipeline.yaml",
        "pipespec: 1\nsteps:\n  one:\n    call: steps:one\n    params: {depth: 1}\n"
        "    inputs: {text: {file: a.txt, load: 'more:load'}}\n"
        "    outputs: {one: {file: one.txt, save: 'more:there'}}\n"
        "    identity: {probe: 'more:probe'}\n",
    )

    answer = project.pipespec("validate", "pipeline.yaml", "--import", "--format", "github")

    assert [line.partition("::")[2].partition("title=")[2] for line in answer.out.splitlines()] == [
        f"function-not-found::'more:load' is not in '{project.folder}/more.py': there is no 'load' (more.py:3)",
        f"function-not-found::'more:probe' is not in '{project.folder}/more.py': there is no 'probe' (more.py:3)",
    ]
    assert (answer.code, answer.err) == (1, "pipeline.yaml: 2 errors\n")


def test_a_secret_that_a_module_tells_is_not_told_on(project):
    project.write(
        "steps.py", "import os\nraise ValueError(os.environ['TOKEN'])\ndef one(depth) -> dict: ...\n"
    )
    project.edit("pipeline.yaml", "{depth: 3}", '{depth: "${secret:TOKEN}"}')

    answer = project.pipespec(
        "validate", "pipeline.yaml", "--import", "--format", "sarif", TOKEN="s3cret-canary"
    )

    assert "s3cret" not in answer.out + answer.err
    [result] = answer.json["runs"][0]["results"]
    assert result["message"]["text"] == (
        "module 'steps' cannot be imported: ValueError: ${secret:TOKEN} (steps.py:2)"
    )


def test_a_time_limit_without_imports_is_refused(project):
    answer = project.pipespec("validate", "pipeline.yaml", "--import-timeout", "3")

    assert (answer.code, answer.out) == (2, "")
    assert answer.err.endswith("--import-timeout can only be used with --import\n")


def test_without_the_option_nothing_is_imported(project):
    project.write("steps.py", "open('canary', 'w').close()\ndef one(depth: int) -> dict: ...\n")

    assert project.pipespec("validate", "pipeline.yaml").code == 0
    assert not (project.folder / "canary").exists()
    assert project.pipespec("validate", "pipeline.yaml", "--import").code == 0
    assert (project.folder / "canary").exists()
