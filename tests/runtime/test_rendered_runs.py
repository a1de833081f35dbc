"""A rendered module under Luigi: what pipespec did it reuses, what it did pipespec reuses, and it fails as well as that."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
GOLDEN = REPOSITORY / "tests/golden/render"
ALL = ["numbers", "squares", "total"]

pytestmark = pytest.mark.rendered


def volatile(manifest):
    """Return of a manifest what has to be the same whoever made it."""
    own = ("run_id", "invocation", "started", "ended", "seconds", "peak_bytes", "generation", "pipespec")
    kept = {key: value for key, value in manifest.items() if key not in own}
    kept["inputs"] = {
        name: [{key: value for key, value in one.items() if key != "run_id"} for one in given]
        for name, given in manifest["inputs"].items()
    }
    return kept


def test_what_the_one_did_the_other_reuses(made):
    made.render()
    assert made.project.ran() == set(ALL)
    assert made.executed() == []

    made.render("--set", "steps.total.params.name=other")
    assert made.executed() == ["total"]
    assert made.project.ran("--set", "steps.total.params.name=other") == set()
    assert made.project.ran("--set", "steps.total.params.name=third") == {"total"}
    made.render("--set", "steps.total.params.name=third", module="third")
    assert made.executed(module="third") == []

    made.render("--set", "params.count=6")
    assert made.executed("--workers", "2") == ALL
    assert set(made.project.planned("pipeline.yaml", "--set", "params.count=6").values()) == {"reuse"}


def test_schemas_are_read_where_the_module_runs(empty_project, rendered_of):
    shutil.copytree(GOLDEN / "schemas", empty_project.folder, dirs_exist_ok=True)
    made = rendered_of(empty_project)
    made.render()
    assert empty_project.ran() == {"score", "total"}
    assert made.executed() == []

    empty_project.edit("parts/score.schema.json", "number", "string")

    ended = made.luigi()
    assert "line 1, $: 3 is not of type 'string'" in ended.said
    assert sorted(made.runs().values()) == [("score", "FAILED"), ("score", "FINISHED"), ("total", "FINISHED")]


def test_records_are_the_same_whoever_made_them(made, rendered_of, tmp_path):
    shutil.copytree(made.project.folder, tmp_path / "other")
    other = rendered_of(type(made.project)(tmp_path / "other"))
    made.project.run()
    other.render()
    other.executed()

    for step in ALL:
        assert volatile(other.manifest(step)) == volatile(made.manifest(step))
    tags = "SELECT key FROM tags JOIN runs USING (run_uuid) ORDER BY name, key"
    own = {"mlflow.source.git.commit"}
    assert [row for row in other.project.query(tags) if row[0] not in own] == [
        row for row in made.project.query(tags) if row[0] not in own
    ]
    step = "substr(name, 1, instr(name || ' ', ' ') - 1)"  # a run's name tells when it started, too
    statuses = f"SELECT {step}, status FROM runs ORDER BY name"
    assert other.project.query(statuses) == made.project.query(statuses)
    of_steps = "run_uuid IN (SELECT run_uuid FROM tags WHERE key = 'pipespec.step')"
    params = f"SELECT {step}, key, value FROM params JOIN runs USING (run_uuid) WHERE {of_steps} ORDER BY name, key"
    assert other.project.query(params) == made.project.query(params)


def test_code_that_changed_is_refused_in_one_line_until_it_is_rendered_again(made):
    made.render()
    made.executed()
    made.project.edit("steps.py", "list(range(count))", "[number for number in range(count)]")

    ended = made.luigi()
    assert ended.code == 2
    lines = [line for line in ended.said.splitlines() if not line.startswith(("DEBUG", "INFO"))]
    assert lines == ["error: 'steps.py' changed since this module was rendered; render the module again"]

    made.render()
    assert made.executed() == ["numbers"], "the same bytes stop the wave"


def test_a_failing_step_fails_its_task_with_the_users_error_and_the_rest_goes_on(made):
    made.project.edit("steps.py", "    return list(range(count))", "    raise ValueError('no good')")
    made.project.edit(
        "pipeline.yaml",
        "steps:\n",
        "steps:\n  aside: {call: 'words:shout', params: {text: a}, outputs: {o: o.json}}\n",
    )
    made.render()

    ended = made.luigi("--workers", "2")

    assert ended.code == 30
    assert "ValueError: no good\n" in ended.said
    assert "steps.py" in ended.said
    assert sorted(made.runs().values()) == [("aside", "FINISHED"), ("numbers", "FAILED")]
    assert made.left_over() == []
    made.project.edit("steps.py", "    raise ValueError('no good')", "    return list(range(count))")
    assert made.project.ran() == set(ALL)
    made.render()
    assert made.executed() == []


@pytest.mark.parametrize(
    ("document", "variables", "code", "line"),
    [
        (
            "mlflow: {tracking_uri: '${env:STORE}'}",
            {},
            2,
            "error: the environment variable 'STORE' is not set",
        ),
        ("mlflow: {tracking_uri: 'http://127.0.0.1:9'}", {}, 3, "error: "),
        (
            "mlflow: {tracking_uri: '${env:STORE}'}",
            {"STORE": "sqlite://"},
            2,
            "error: the tracking store 'sqlite://'",
        ),
    ],
)
def test_what_cannot_be_decided_is_one_line_and_an_exit_code(made, document, variables, code, line):
    made.project.edit("pipeline.yaml", "name: sums\n", f"name: sums\n{document}\n")
    made.render()

    ended = made.luigi(**variables)

    assert ended.code == code, ended.said
    (said,) = [one for one in ended.said.splitlines() if not one.startswith(("DEBUG", "INFO"))]
    assert said.startswith(line)


def test_the_environment_is_read_where_the_module_runs(made):
    made.project.edit(
        "pipeline.yaml", "params: {name: all}", "params: {name: '${env:WHOSE, ours}-${env:USER_}'}"
    )
    made.project.edit(
        "pipeline.yaml",
        "name: sums\n",
        "name: sums\nmlflow: {tracking_uri: '${env:STORE, sqlite:///mlflow.db}'}\n",
    )
    made.render()

    assert made.project.ran(USER_="x") == set(ALL)
    assert made.executed(USER_="x") == []
    assert made.executed(USER_="x", WHOSE="theirs") == ["total"]
    assert made.project.ran(USER_="x", WHOSE="theirs") == set()
    assert made.luigi(USER_="x", STORE="sqlite:///elsewhere.db").code == 0
    assert (made.project.folder / "elsewhere.db").exists()


def test_a_secret_is_read_by_its_step_and_stands_nowhere(made):
    made.project.edit("pipeline.yaml", "params: {name: all}", "params: {name: 'x${secret:TOKEN}'}")
    made.project.edit(
        "steps.py", '    print("adding up", len(squares))', "    print(name)\n    name = str(len(name))"
    )
    text = made.render()

    assert made.executed(TOKEN="hunter22canary") == ALL
    assert made.project.ran(TOKEN="another") == set()
    assert "${secret:TOKEN}" in text
    folder = made.project.folder
    found = [
        str(path) for path in folder.rglob("*") if path.is_file() and b"hunter22canary" in path.read_bytes()
    ]
    assert found == []


@pytest.mark.parametrize("name", ["every-key", "matrix", "hostile"])
def test_every_case_runs_by_luigi_and_is_complete_for_pipespec(name, empty_project, rendered_of):
    shutil.copytree(GOLDEN / name, empty_project.folder, dirs_exist_ok=True)
    made = rendered_of(empty_project)
    if name == "every-key":
        empty_project.edit("pipeline.yaml", "  artifact_location: s3://bucket/keys\n", "")
        empty_project.edit(
            "functions.py",
            'return "a", {"loss": 0.5}',
            '(model / "weights.bin").write_bytes(b"w")\n    return "a", {"loss": 0.5}',
        )
    made.render()

    executed = made.executed("--workers", "3")

    assert executed
    never = {"never"} if name == "every-key" else set()
    assert empty_project.ran() == never
    assert made.executed() == sorted(never)
    assert made.left_over() == []


@pytest.mark.parametrize("file", ["news.yaml", "titanic.yaml"])
def test_the_examples_run_by_luigi_and_are_complete_for_pipespec(file, empty_project, rendered_of):
    name = file.removesuffix(".yaml")
    shutil.copytree(
        REPOSITORY / "pipelines",
        empty_project.folder / "pipelines",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    made = rendered_of(empty_project)
    made.render(file=f"pipelines/{file}", module=f"{name}_luigi")

    executed = made.executed("--workers", "2", module=f"{name}_luigi")

    planned = empty_project.planned(f"pipelines/{file}")
    assert sorted(planned) == executed
    assert set(planned.values()) == {"reuse"}


def test_python_runs_the_module_as_well_and_one_task_runs_what_it_needs(made):
    made.render()
    done = subprocess.run(
        [sys.executable, "made.py", "--local-scheduler"],
        cwd=made.project.folder,
        env=made.project.environment(),
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert sorted(step for step, _ in made.runs().values()) == ALL

    made.render("--set", "params.count=9")
    assert made.executed(task="Squares") == ["numbers", "squares"]


def test_a_module_outside_of_the_project_is_told_where_that_is(made, tmp_path):
    made.render()
    away = tmp_path / "away"
    away.mkdir()
    shutil.move(made.project.folder / "made.py", away / "made.py")
    root = str(made.project.folder)

    lost = made.luigi(PYTHONPATH=str(away))
    found = made.luigi(PYTHONPATH=str(away), PIPESPEC_ROOT=root)

    assert lost.code == 2
    assert "or set PIPESPEC_ROOT to the project folder" in lost.said
    assert found.code == 0, found.said
    assert made.project.ran() == set()


TWICE = """\
import sqlite3
import luigi
import made

def build():
    assert luigi.build([made.Pipeline()], local_scheduler=True, log_level="ERROR")

build()
with sqlite3.connect("mlflow.db") as store:
    store.execute("UPDATE runs SET lifecycle_stage = 'deleted' WHERE name LIKE 'total %'")
store.close()
build()
"""


def test_a_second_build_in_one_process_looks_at_the_records_again(made):
    made.render()
    made.project.write("twice.py", TWICE)
    done = subprocess.run(
        [sys.executable, "twice.py"],
        cwd=made.project.folder,
        env=made.project.environment(),
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert sorted(step for step, _ in made.runs().values()) == [*ALL, "total"]


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGKILL])
def test_when_luigi_ends_what_executes_ends_and_is_not_complete(made, ended, signum):
    made.project.edit(
        "steps.py",
        "    return list(range(count))",
        "    open('begun', 'w').close()\n    import time\n    time.sleep(100)\n    return list(range(count))",
    )
    made.render()
    process = made.start("--workers", "2")
    ended(process)
    until = time.monotonic() + 120
    while not (made.project.folder / "begun").exists():
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)

    os.kill(process.pid, signum)

    until = time.monotonic() + 60
    while [line for line in made.left_over() if "luigi --module" not in line]:
        assert time.monotonic() < until, made.left_over()
        time.sleep(0.05)
    assert list(made.runs().values()) == [("numbers", "KILLED")]


def test_a_step_that_misses_its_bounds_fails_when_it_is_reused_as_well(made):
    made.project.edit(
        "pipeline.yaml", "    metrics: total\n", "    metrics: total\n    checks: {total: {max: 1}}\n"
    )
    made.render()

    first, second = made.luigi(), made.luigi()

    for one in (first, second):
        assert one.code == 30
        assert "total is 30" in one.said
        assert "above its maximum 1" in one.said
    assert sorted(step for step, _ in made.runs().values()) == ALL
