"""`reproduce`: a past run made again of its record gives the same bytes; what cannot be made again is refused, in one line."""

import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("libraries_loaded")]

STEPS = """
import os
import random
import time
from pathlib import Path

from helper import SCALE


def read(table: Path, also: list) -> list:
    return [SCALE * int(line) for line in table.read_text().split()] + [len(also)]


def drawn(count: int) -> list:
    return [random.random() for _ in range(count)]


def total(read: list, drawn: list, token: str, power: int = 1) -> dict:
    extra = len(Path("notes.txt").read_text())
    return {"total": sum(read) ** power, "drawn": sum(drawn), "token": len(token), "extra": extra}


def noise(folder: Path) -> dict:
    (folder / "same.txt").write_text("same")
    (folder / "rows.csv").write_text(f"a,b\\n1,{2 + int.from_bytes(os.urandom(4)) / 2**60!r}\\n")
    return {"value": 1e6 + int.from_bytes(os.urandom(4)) / 2**32}


def tiny() -> int:
    if place := os.environ.get("BLOCK"):
        Path(place).touch()
        time.sleep(60)
    return 1
"""
PIPELINE = """\
pipespec: 1
name: sums
params: {count: 2}
steps:
  read:
    call: steps:read
    inputs: {table: {file: data/n.csv}, also: {file: data/also.json}}
    outputs: {read: read.json}
  drawn:
    call: steps:drawn
    params: {count: "${params.count}"}
    outputs: {drawn: drawn.json}
  total:
    call: steps:total
    inputs: {read: read, drawn: drawn}
    params: {token: "${secret:TOKEN}", power: "${env:POWER, 1}"}
    outputs: {total: total.json}
    metrics: total
"""
NOISY = """\
pipespec: 1
steps:
  noise:
    call: steps:noise
    outputs: {folder: folder/, value: value.json}
    metrics: value
"""
TINY = """\
pipespec: 1
steps:
  tiny:
    call: steps:tiny
    outputs: {one: one.json}
"""
SECRET = "s3cr3t-t0ken"
SCHEMAS = Path(__file__).parents[2] / "schemas"


def git(folder, *arguments):
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    options = ["-c", "user.name=A", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
    command = ["git", "-C", str(folder), *options, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.strip()


def invoked(project, file, *options, **environment):
    """The run id of an invocation, which must succeed."""
    answer = project.pipespec("run", file, "--format", "json", *options, TOKEN=SECRET, **environment)
    assert answer.code == 0, answer.err
    return answer.json["invocation"]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory, new_project_at):
    """A project with runs of a dirty work tree, by name; then it was changed further."""
    project = new_project_at(tmp_path_factory.mktemp("recorded") / "project")
    project.write("steps.py", STEPS.replace("power: int = 1", "power: int = 3"))
    project.write("pipeline.yaml", PIPELINE)
    project.write("noisy.yaml", NOISY)
    project.write("tiny.yaml", TINY)
    project.write("large.txt", "small")
    project.write("data/also.json", "[1, 2]")
    project.write(
        ".gitignore", "/mlflow.db\n/mlartifacts\n/.pipespec\n/data/*.csv\n/notes.txt\n__pycache__\n"
    )
    git(project.folder, "init")
    git(project.folder, "add", ".")
    git(project.folder, "commit", "-m", "First")
    project.write("steps.py", STEPS)
    project.write("helper.py", "SCALE = 10\n")
    project.write("prod.yaml", "params: {count: 3}\n")
    project.write("data/n.csv", "1\n2\n")
    project.write("data/also.json", "[1, 2, 3]")
    project.write("notes.txt", "read by the function itself")
    runs = {"first": invoked(project, "pipeline.yaml", "-f", "prod.yaml", POWER="2")}
    runs["dirty"] = invoked(project, "pipeline.yaml", "-f", "prod.yaml", "--force", "drawn", POWER="2")
    runs["noisy"] = invoked(project, "noisy.yaml")
    runs["tiny"] = invoked(project, "tiny.yaml")
    runs["sweep"] = invoked(project, "pipeline.yaml", "--sweep", "params.count=4,5")
    runs["without git"] = invoked(project, "tiny.yaml", "--force", "tiny", PATH="/nowhere")
    project.write("large.txt", "x" * (5 << 20))
    runs["large"] = invoked(project, "tiny.yaml", "--force", "tiny")
    project.write("large.txt", "small")
    project.write("helper.py", f"SCALE = 20  # {SECRET}\n")
    runs["secret"] = invoked(project, "pipeline.yaml")
    project.write("helper.py", "SCALE = 30\n")
    project.write("steps.py", STEPS.replace("SCALE * int", "2 * SCALE * int"))
    project.write("data/also.json", "[]")
    (project.folder / "prod.yaml").unlink()
    project.write("pipeline.yaml", "pipespec: 1\n")
    return project, runs


@pytest.fixture
def made(recorded, tmp_path, project_at):
    """A copy that a test may change, its runs by name, and those of steps by `RUN STEP`."""
    project, runs = recorded
    copy = project.copied_to(tmp_path / "project")
    rows = copy.query(
        "SELECT a.value, b.value, a.run_uuid FROM tags a JOIN tags b USING (run_uuid)"
        " WHERE a.key = 'mlflow.pipespec.invocation' AND b.key = 'pipespec.step'"
    )
    names = {run_id: name for name, run_id in runs.items()}
    steps = {f"{names[invocation]} {step}": run_id for invocation, step, run_id in rows}
    return copy, {**runs, **steps}


def reproduced(project, tmp_path, *arguments, **environment):
    """What `reproduce` answers; the project and its records must be as before, and nothing must be left."""
    folder = tmp_path / "folder"
    before = state(project)
    place = () if "--folder" in arguments else ("--folder", str(folder))
    given = {"TOKEN": SECRET, "POWER": "9", **environment}
    set_now = {name: value for name, value in given.items() if value is not None}
    answer = project.pipespec("reproduce", *arguments, *place, **set_now)
    assert state(project) == before
    assert not folder.exists()
    return answer


def valid(answer):
    """The answer in JSON, which fits its schema."""
    schema = json.loads((SCHEMAS / "reproduce.schema.json").read_bytes())
    Draft202012Validator(schema).validate(answer.json)
    return answer.json


def state(project):
    with sqlite3.connect(project.folder / "mlflow.db") as database:
        runs = database.execute("SELECT run_uuid, status FROM runs").fetchall()
    database.close()
    files = (path for path in project.folder.rglob("*") if path.is_file() and path.parts[-2] != ".pipespec")
    kept = {
        path: path.read_bytes()
        for path in files
        if not {".git", ".pipespec"} & set(path.relative_to(project.folder).parts) and path.suffix != ".db"
    }
    is_there = (project.folder / ".git").exists()
    return sorted(runs), kept, git(project.folder, "worktree", "list").count("\n") if is_there else 0


def test_a_run_of_a_dirty_work_tree_gives_the_same_bytes_though_everything_changed_since(made, tmp_path):
    project, runs = made
    answer = reproduced(project, tmp_path, runs["dirty"], "--format", "json")

    assert answer.code == 0, answer.err + answer.out
    found = valid(answer)
    assert (found["reproduced"], found["patched"], found["notes"]) == (True, True, [])
    assert found["commit"] == git(project.folder, "rev-parse", "HEAD")
    told = {
        step["step"]: [one["result"] for one in (*step["outputs"], *step["metrics"])]
        for step in found["steps"]
    }
    assert told == {"read": ["same"], "drawn": ["same"], "total": ["same"] * 5}
    assert all(step["same_key"] and step["error"] is None for step in found["steps"])
    ran = json.loads((artifacts(project, runs["dirty"]) / "pipespec/run.json").read_text())["steps"]
    assert {step["step"]: step["run_id"] for step in found["steps"]} == {
        step["step"]: step["run_id"] for step in ran
    }
    (metric,) = [one for one in found["steps"][-1]["metrics"] if one["metric"] == "total"]
    assert metric["then"] == ((10 + 20 + 3) ** 2)


def artifacts(project, run_id):
    (row,) = project.query("SELECT artifact_uri FROM runs WHERE run_uuid = ?", run_id)
    place = Path(row[0].removeprefix("file://"))
    return project.folder / "mlartifacts" / place.parts[-3] / place.parts[-2] / "artifacts"


def test_a_steps_run_is_made_again_with_what_is_upstream_of_it(made, tmp_path):
    project, runs = made
    run = runs["first drawn"]
    answer = reproduced(project, tmp_path, f"run:{run[:10]}")

    assert answer.code == 0, answer.err
    lines = answer.out.splitlines()
    digest = hashlib.sha256((artifacts(project, run) / "drawn.json").read_bytes()).hexdigest()
    assert lines[0] == (
        f"run {run[:8]} of 'sums', commit {git(project.folder, 'rev-parse', 'HEAD')[:12]} with the changes that were not committed"
    )
    assert lines[2].startswith(f"drawn  (run {run[:8]}, now ")
    assert lines[3:] == [
        f"  same       drawn  {digest[:16]}", "", "reproduced: 1 same", "store: sqlite:///mlflow.db",
    ]  # fmt: skip


def test_a_sweep_is_made_again_point_by_point_and_a_step_of_it_at_its_point(made, tmp_path):
    project, runs = made
    whole = reproduced(project, tmp_path, runs["sweep"], "--format", "json")
    one = reproduced(project, tmp_path, runs["sweep drawn{count=5}"], "--format", "json")

    assert whole.code == 0, whole.err + whole.out
    told = {step["step"]: {one["result"] for one in step["outputs"]} for step in valid(whole)["steps"]}
    assert told == {
        key: {"same"}
        for key in ("read", "drawn{count=4}", "total{count=4}", "drawn{count=5}", "total{count=5}")
    }
    assert all(step["same_key"] for step in whole.json["steps"])
    assert one.code == 0, one.err + one.out
    assert [(step["step"], step["run_id"]) for step in one.json["steps"]] == [
        ("drawn{count=5}", runs["sweep drawn{count=5}"])
    ]


def test_what_is_not_deterministic_is_told_and_may_be_within_a_tolerance(made, tmp_path):
    project, runs = made
    folder = tmp_path / "kept"
    answer = reproduced(project, tmp_path, "noisy.yaml", runs["noisy"])
    close = project.pipespec(
        "reproduce", "noisy.yaml", runs["noisy"], "--tolerance", "1e-5", "--keep", "--folder", str(folder), "--format", "json"
    )  # fmt: skip

    assert answer.code == 1
    told = answer.out.splitlines()[3:-2]
    assert [line.split("  ")[1] for line in told if line.startswith("  ")] == [
        "different",
        "different",
        "different",
    ]
    assert "'rows.csv': numbers differ by up to" in told[0]
    assert "not reproduced: 3 different" in answer.out
    assert close.code == 0, close.out
    (step,) = valid(close)["steps"]
    assert [one["result"] for one in (*step["outputs"], *step["metrics"])] == ["close"] * 3
    assert close.json["folder"] == str(folder)
    kept = folder / "worktree" / "mlartifacts"
    assert not kept.exists()
    assert list(folder.rglob("rows.csv"))
    git(project.folder, "worktree", "remove", "--force", str(folder / "worktree"))


def commit_is_gone(project):
    shutil.rmtree(project.folder / ".git")
    git(project.folder, "init")
    git(project.folder, "commit", "--allow-empty", "-m", "Another")


def clone_is_shallow(project):
    git(project.folder, "commit", "--allow-empty", "-m", "Second")
    git(project.folder.parent, "clone", "--depth", "1", f"file://{project.folder}", "shallow")
    shutil.rmtree(project.folder / ".git")
    (project.folder.parent / "shallow/.git").rename(project.folder / ".git")


def alter_patch(project):
    for patch in project.folder.glob("mlartifacts/sums/*/artifacts/pipespec/git.patch"):
        patch.write_bytes(patch.read_bytes() + b"\n")


def of_another_tool(project):
    with sqlite3.connect(project.folder / "mlflow.db") as database:
        database.execute(
            "INSERT INTO runs (run_uuid, name, status, start_time, lifecycle_stage, artifact_uri, experiment_id)"
            f" VALUES ('{'f' * 32}', 'other', 'FINISHED', 1, 'active', '/nowhere', 0)"
        )
    database.close()


def delete_invocation(project):
    with sqlite3.connect(project.folder / "mlflow.db") as database:
        database.execute(
            "UPDATE runs SET lifecycle_stage = 'deleted' WHERE experiment_id ="
            " (SELECT experiment_id FROM experiments WHERE name = 'sums')"
        )
    database.close()


def no_provenance(project):
    for file in project.folder.glob("mlartifacts/sums/*/artifacts/pipespec/provenance.json"):
        file.unlink()


def nothing(_project):
    pass


def write(name, text):
    return lambda project: project.write(name, text)


def remove(name):
    return lambda project: (project.folder / name).unlink()


WAS = hashlib.sha256(b"1\n2\n").hexdigest()[:16]
IS = hashlib.sha256(b"7\n").hexdigest()[:16]
REFUSALS = {
    "no such run": (nothing, ["0123456789ab"], {}, "there is no run '0123456789ab' in the tracking store"),
    "another tool's": (of_another_tool, ["f" * 32], {}, "run ffffffff was not recorded by pipespec"),
    "no commit": (nothing, ["without git"], {}, "was made without a git commit, so its code is not recorded"),
    "a commit that is gone": (
        commit_is_gone, ["dirty"], {}, "of which the run was made, is not in this repository; if it was pushed, get it with: git fetch"
    ),
    "a shallow clone": (clone_is_shallow, ["dirty"], {}, "this is a shallow clone; get the rest with: git fetch --unshallow"),
    "an input that changed": (
        write("data/n.csv", "7\n"), ["dirty"], {},
        f"input 'data/n.csv' of step 'read' changed since: it was {WAS} and is {IS} (sha256); put the old content back",
    ),
    "an input that is gone": (
        remove("data/n.csv"), ["dirty total"], {},
        f"input of step 'read': there is no 'data/n.csv'; it was {WAS} (sha256)",
    ),
    "a large patch": (nothing, ["large"], {}, "were too large to keep; commit large files, or let git ignore them"),
    "a secret in the code": (
        nothing, ["secret"], {}, "what was not committed of 'helper.py' was not recorded with run",
    ),
    "a patch that was altered": (alter_patch, ["dirty"], {}, "is gone, or is not what was recorded"),
    "a secret that is not set": (
        nothing, ["dirty"], {"TOKEN": None}, "secrets of the pipeline are not set in the environment: 'TOKEN'"
    ),
    "an invocation that was deleted": (
        delete_invocation, ["dirty total"], {}, "which has its pipeline and commit, is not in the tracking store any more"
    ),
    "an earlier version's": (no_provenance, ["dirty"], {}, "it was recorded by an earlier version of pipespec"),
    "a folder that is there": (nothing, ["dirty", "--folder", "data"], {}, "the folder 'data' cannot be made: it is there already"),
    "no uv": (nothing, ["dirty", "--environment", "uv"], {"PATH": ""}, "needs the program 'uv', which is not installed here"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS)
def test_what_cannot_be_made_again_is_refused_in_one_line_before_anything_runs(made, tmp_path, case):
    change, (name, *options), environment, said = REFUSALS[case]
    project, runs = made
    change(project)
    answer = reproduced(project, tmp_path, runs.get(name, name), *options, **environment)

    assert (answer.code, answer.out) == (2, ""), answer.err
    assert said in " ".join(answer.err.split()), answer.err
    assert answer.err.startswith("error: ")
    assert SECRET not in answer.err


def test_no_secret_is_in_any_record(recorded):
    project, _ = recorded
    found = [
        path
        for path in project.folder.glob("mlartifacts/**/*")
        if path.is_file() and SECRET.encode() in path.read_bytes()
    ]
    assert found == []
    assert SECRET.encode() not in (project.folder / "mlflow.db").read_bytes()


@pytest.mark.slow
def test_a_run_of_the_news_pipeline_with_a_dirty_work_tree_gives_the_same_bytes(news, tmp_path):
    news.write(".gitignore", "/mlflow.db\n/mlartifacts\n/.pipespec\n__pycache__\n")
    git(news.folder, "init")
    git(news.folder, "add", ".")
    git(news.folder, "commit", "-m", "First")
    text = (news.folder / "news.yaml").read_text()
    news.write("news.yaml", text + "\nx-note: not committed\n")
    classifier = news.folder / "news/classifier.py"
    classifier.write_text(classifier.read_text() + "\nfrom news.new import SAME\n\nassert SAME\n")
    news.write("news/new.py", "SAME = True\n")
    invocation = invoked(news, "news.yaml", "-j", "2")
    news.write("news.yaml", text)
    (news.folder / "news/new.py").unlink()
    git(news.folder, "checkout", "--", ".")
    answer = reproduced(news, tmp_path, invocation, "-j", "2", "--format", "json")

    assert answer.code == 0, answer.err + answer.out
    results = {
        f"{step['step']}.{one.get('output', one.get('metric'))}": one["result"]
        for step in answer.json["steps"]
        for one in (*step["outputs"], *step["metrics"])
    }
    assert set(results.values()) == {"same"}
    assert {"train.model", "evaluation.accuracy", "split.train"} <= results.keys()
    assert all(step["same_key"] for step in answer.json["steps"])
    (note,) = answer.json["notes"]
    assert note.startswith("'news.db', which step '")
    assert note.endswith("' read though it is no input, was copied as it is now")


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_work_tree_is_removed_when_the_command_is_interrupted(made, tmp_path, signum, code):
    project, runs = made
    temporary, began = tmp_path / "temporary", tmp_path / "began"
    temporary.mkdir()
    process = project.start("reproduce", "tiny.yaml", runs["tiny"], BLOCK=str(began), TMPDIR=str(temporary))
    for line in process.stderr:
        if line.startswith("start tiny"):
            break
    os.kill(process.pid, signum)
    out, _ = process.communicate(timeout=60)

    assert (process.returncode, out) == (code, "")
    assert [path.name for path in temporary.iterdir() if path.name.startswith("pipespec-reproduce-")] == []
    assert git(project.folder, "worktree", "list").count("\n") == 0


WIDE_STEPS = """
from pathlib import Path


def fit(depth: int, folder: Path) -> dict:
    return {"depth": depth, "files": sorted(path.name for path in folder.iterdir())}


def use(model: dict, logs: list, step: int) -> list:
    return [model["depth"] + step, *(Path(log).read_text() for log in logs)]


def join(parts: dict) -> int:
    return len(parts)
"""
MODELS = """\
pipespec: 1
steps:
  fit:
    call: wide:fit
    matrix: {depth: [4, 8]}
    params: {depth: "${matrix.depth}"}
    inputs: {folder: {dir: ../data}}
    outputs: {model: model.json}
"""
USES = """\
pipespec: 1
steps:
  use:
    call: wide:use
    matrix: {step: [1, 2]}
    params: {step: "${matrix.step}"}
    inputs:
      model: {pipeline: models.yaml, output: "fit[depth=4].model"}
      logs: {files: "../logs/*.txt"}
    outputs: {used: used.json}
  join:
    call: wide:join
    inputs: {parts: "use[*].used"}
    outputs: {count: count.json}
  unrelated:
    call: wide:join
    inputs: {parts: {file: ../gone.json}}
    outputs: {count: count.json}
"""


def test_a_project_in_a_subfolder_with_results_of_another_pipeline_and_data_beside_git(
    tmp_path, new_project_at
):
    top = tmp_path / "top"
    top.mkdir()
    project = new_project_at(top / "sub")
    project.write("parts/wide.py", WIDE_STEPS)
    project.write("parts/models.yaml", MODELS)
    project.write("parts/uses.yaml", USES)
    project.write("data/kept.txt", "in git")
    project.write("data/new.tmp", "not in git")
    project.write("logs/a.txt", "a")
    project.write("logs/b.txt", "b")
    project.write("gone.json", "{}")
    (top / ".gitignore").write_text(
        "*.tmp\nlogs\ngone.json\nmlflow.db\nmlartifacts\n.pipespec\n__pycache__\n"
    )
    git(top, "init")
    git(top, "add", ".")
    git(top, "commit", "-m", "First")
    models = invoked(project, "parts/models.yaml")
    uses = invoked(project, "parts/uses.yaml", "use", "join")
    project.edit("parts/models.yaml", "[4, 8]", "[16]")
    (project.folder / "gone.json").unlink()
    (step,) = project.query("SELECT run_uuid FROM tags WHERE key = 'pipespec.step' AND value = 'join'")
    found = {
        run: valid(reproduced(project, tmp_path, "parts/uses.yaml", run, "--format", "json"))
        for run in (models, uses, *step)
    }

    assert {run: answer["reproduced"] for run, answer in found.items()} == dict.fromkeys(found, True)
    steps = {
        run: {step["step"]: step["same_key"] for step in answer["steps"]} for run, answer in found.items()
    }
    wide = ("use[step=1]", "use[step=2]", "join")
    assert steps == {
        models: dict.fromkeys(("fit[depth=4]", "fit[depth=8]"), True),
        uses: dict.fromkeys(wide, True),
        step[0]: dict.fromkeys(wide, True),
    }
