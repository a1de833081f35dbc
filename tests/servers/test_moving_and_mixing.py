"""Checkouts, stores and Pythons that change places: what was recorded counts wherever it can, and is told where not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

pytestmark = pytest.mark.servers

ALL = {"numbers", "squares", "total"}
REPOSITORY = Path(__file__).parents[2]


def checkout(project, name):
    """The project's files in another folder, as a second clone has them."""
    folder = project.folder.parent / name
    ignored = shutil.ignore_patterns(".pipespec", "executed.txt", "mlflow.db", "mlartifacts", "__pycache__")
    shutil.copytree(project.folder, folder, ignore=ignored)
    return type(project)(folder)


def test_two_checkouts_share_a_server(mlflow_on_sqlite, empty_project, make_remote):
    remote = make_remote(empty_project, mlflow_on_sqlite.url)
    assert remote.project.ran("squares") == {"numbers", "squares"}
    other = checkout(remote.project, "other")

    assert other.ran() == {"total"}
    assert remote.project.ran() == set()
    assert not (other.folder / "mlartifacts").exists()


def test_two_checkouts_share_a_database_file(empty_project, make_remote, tmp_path):
    remote = make_remote(empty_project, "unused", f"sqlite:///{tmp_path}/shared/mlflow.db")
    (tmp_path / "shared").mkdir()
    assert remote.project.ran("squares") == {"numbers", "squares"}
    other = checkout(remote.project, "other")

    assert other.ran() == {"total"}
    assert remote.project.ran() == set()
    shutil.rmtree(other.folder)
    assert remote.project.ran("--verify") == set()


def test_a_moved_folder_finds_its_records_on_the_server(
    mlflow_on_sqlite, empty_project, make_remote, tmp_path
):
    remote = make_remote(empty_project, mlflow_on_sqlite.url)
    assert remote.project.ran() == ALL
    there = tmp_path / "moved"
    remote.project.folder.rename(there)

    assert type(remote.project)(there).ran() == set()


def one_line(answer, *said):
    assert (answer.code, answer.out) == (3, "")
    assert answer.err.startswith("error: the tracking store ") or answer.err.startswith(
        "error: tracking store "
    )
    assert answer.err.count("\n") == 1
    for text in said:
        assert text in answer.err


@pytest.mark.parametrize(
    ("revision", "said"), [("451aebb31d03", "older"), ("ffffffffffff", "version of mlflow other than")]
)
def test_a_database_file_of_another_mlflow_is_one_line_and_stays_as_it_is(project, revision, said):
    assert project.ran("numbers") == {"numbers"}
    project.query("update alembic_version set version_num = ?", revision)
    before = (project.folder / "mlflow.db").read_bytes()

    for verb in ("run", "plan", "status"):
        one_line(project.pipespec(verb, "pipeline.yaml"), said)

    assert (project.folder / "mlflow.db").read_bytes() == before


def test_records_in_postgresql_itself_are_reused_and_another_mlflows_are_one_line(
    postgres, empty_project, make_remote
):
    name = f"store-{uuid.uuid4().hex}"
    uri = postgres.make(name)
    remote = make_remote(empty_project, "unused", uri)
    project = remote.project
    assert project.ran() == ALL
    assert project.ran() == set()
    assert postgres.execute("select count(*) from runs where status = 'FINISHED'", name) == "4"

    head = postgres.execute("select version_num from alembic_version", name)
    for revision in ("451aebb31d03", "ffffffffffff"):
        postgres.execute(f"update alembic_version set version_num = '{revision}'", name)
        for verb in ("run", "plan"):
            one_line(project.pipespec(verb, "pipeline.yaml"), "127.0.0.1")
        assert postgres.execute("select version_num from alembic_version", name) == revision
    postgres.execute(f"update alembic_version set version_num = '{head}'", name)
    assert project.ran() == set()


# ---------------------------------------------------------------------------------------------- Pythons

KEYS = """
import json, sys
from pipespec.operations.compiling.compile_file import compile_file
from pipespec.operations.planning.gather_facts import gather_facts
from pipespec.plan.planner import make_plan

class Nothing:
    def complete(self, keys): return {}
    def lost(self, keys): return {}
    def broken(self, keys): return {}
    def finished_before(self, steps): return set()

compiled = compile_file(sys.argv[1], overlays=(), overrides=(), trusted=True)
spec = compiled.checked()
steps = [step for step in spec.steps.values() if step.identity.probe is None]  # a probe runs the project's code
facts = gather_facts(spec, steps, compiled.modules, results={})
code = {name: one.digest for name, one in facts.code.items()}
plan = make_plan(spec, facts, Nothing()) if len(steps) == len(spec.steps) else None
keys = plan and {step: one.key.hex for step, one in plan.decisions.items() if one.key}
print(json.dumps([code, keys], sort_keys=True))
"""


def other_pythons():
    """Other versions that a step could run on; `PIPESPEC_TEST_PYTHONS` names interpreters, as PATH does folders."""
    named = os.environ.get("PIPESPEC_TEST_PYTHONS", "").split(os.pathsep)
    return [*filter(None, named), *(f"python3.{minor}" for minor in (11, 12, 13))]


@pytest.mark.parametrize("python", other_pythons())
def test_another_python_gives_the_same_keys(python, tmp_path):
    """Only what makes keys is loaded, so that a bare interpreter with ruamel.yaml will do."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "src"), "PYTHONDONTWRITEBYTECODE": "1"}

    def run(interpreter, *arguments):
        command = [interpreter, *map(str, arguments)]
        try:
            return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
        except FileNotFoundError:
            pytest.skip(f"{interpreter} is not here")

    if (lacks := run(python, "-c", "from ruamel.yaml.cyaml import CParser")).returncode:
        pytest.skip(f"{python}: {(lacks.stderr.strip().splitlines() or ['does not start'])[-1]}")
    shutil.copytree(REPOSITORY / "pipelines", tmp_path / "pipelines")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "trial"\n')
    for name in ("titanic.yaml", "news.yaml", "energy.yaml"):
        mine = run(sys.executable, "-c", KEYS, tmp_path / "pipelines" / name)
        theirs = run(python, "-c", KEYS, tmp_path / "pipelines" / name)
        assert (mine.returncode, theirs.returncode) == (0, 0), theirs.stderr
        code, keys = json.loads(theirs.stdout)
        assert [code, keys] == json.loads(mine.stdout)
        assert len(code) > 4
        assert keys or name == "news.yaml"
