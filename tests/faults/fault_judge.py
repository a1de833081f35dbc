"""Three steps that are struck while they run, and the judge of what is left when they have been run once more.

The judge reads MLflow's database and the artifact folders itself, through no code of ours.
"""

import hashlib
import json
import os
from collections import Counter

STEPS = """
import os


def note(word):
    with open(os.path.join(os.path.dirname(__file__), "executions.txt"), "a") as file:
        file.write(word + "\\n")


def first(count: int) -> list:
    note("first")
    return list(range(count))


def second(numbers: list, folder) -> dict:
    note("second")
    (folder / "a.txt").write_text("a" * len(numbers))
    (folder / "b.txt").write_text("b")
    return {"size": len(numbers)}


def third(sizes: dict) -> dict:
    note("third")
    return sizes
"""

PIPELINE = """\
pipespec: 1
name: three
steps:
  first:
    call: steps:first
    params: {count: 3}
    outputs: {numbers: numbers.json}
  second:
    call: steps:second
    inputs: {numbers: first}
    outputs: {folder: folder/, sizes: sizes.json}
    metrics: sizes
  third:
    call: steps:third
    inputs: {sizes: second.sizes}
    outputs: {sizes: sizes.json}
"""

STEP_NAMES = {"first", "second", "third"}


def with_steps(project):
    """Write the three steps into a project, and return it."""
    project.write("steps.py", STEPS)
    project.write("pipeline.yaml", PIPELINE)
    return project


def published(project):
    """Every finished run with a key: its step, after checking that each file it promises is there, whole."""
    rows = project.query(
        "select r.run_uuid, r.artifact_uri, s.value, k.value, o.value, m.value from runs r"
        " join tags s on s.run_uuid = r.run_uuid and s.key = 'pipespec.step'"
        " join tags k on k.run_uuid = r.run_uuid and k.key = 'pipespec.key'"
        " join tags o on o.run_uuid = r.run_uuid and o.key = 'mlflow.pipespec.outputs'"
        " join tags m on m.run_uuid = r.run_uuid and m.key = 'pipespec.manifest'"
        " where r.status = 'FINISHED'"
    )
    for run_id, uri, _, _, outputs, manifest in rows:
        folder = uri.removeprefix("file://")
        with open(os.path.join(folder, "pipespec/step.json"), "rb") as file:
            assert hashlib.sha256(file.read()).hexdigest() == manifest, run_id
        for output in json.loads(outputs).values():
            path = os.path.join(folder, output["file"])
            if output["file"].endswith("/"):
                assert sum(len(files) for _, _, files in os.walk(path)) == output["files"]
            else:
                with open(path, "rb") as file:
                    assert hashlib.sha256(file.read()).hexdigest() == output["digest"]
    return Counter(step for _, _, step, _, _, _ in rows)


def executions(project):
    return Counter((project.folder / "executions.txt").read_text().split())


def assert_clean_end(project):
    """Run plainly; then all is published once, nothing is left over, and another run does nothing."""
    again = project.pipespec("run", "pipeline.yaml", "--format", "json")
    assert again.code == 0, again.err
    assert published(project) == dict.fromkeys(STEP_NAMES, 1)
    # The run of an invocation that died may stay RUNNING: where nothing is to do, nothing is written.
    assert project.query(
        "select count(*) from runs r join tags t on t.run_uuid = r.run_uuid"
        " where t.key = 'pipespec.step' and r.status = 'RUNNING'"
    ) == [(0,)]
    assert project.ran() == set()
    if again.json["invocation"] is not None:  # where nothing is to do, nothing is touched
        staging = project.folder / ".pipespec/staging"
        assert not staging.exists() or not list(staging.iterdir())
