"""Recorded content that was altered without a change of its size or count: one run finds it, the next one heals it."""

from __future__ import annotations

import shlex

import pytest

ALL = {"numbers", "squares", "total"}


def altered(project, name):
    """Alter the newest recorded file of a name, in place, and return it."""
    file = max((project.folder / "mlartifacts").rglob(name), key=lambda path: path.stat().st_mtime_ns)
    content = bytearray(file.read_bytes())
    position = next(at for at, byte in enumerate(content) if chr(byte).isdigit())
    content[position] = ord("8") if content[position] != ord("8") else ord("9")
    file.write_bytes(content)
    return file


def test_what_a_reader_refused_is_made_anew_by_the_next_run(project):
    assert project.ran() == ALL
    altered(project, "squares.json")

    failed = project.pipespec("run", "pipeline.yaml", "--force", "total")
    planned = project.pipespec("plan", "pipeline.yaml")
    explained = project.pipespec("explain", "pipeline.yaml", "squares")

    assert failed.code == 1
    assert "differs from what was recorded" in failed.out + failed.err
    for said in (planned, explained):
        assert "content gone or altered, found by 'total'" in " ".join(said.out.split()), said
    assert project.ran() == {"squares"}
    assert project.ran() == set()


def test_damage_to_what_was_made_anew_never_brings_back_what_was_damaged_before(project):
    assert project.ran() == ALL
    for _ in range(2):
        altered(project, "squares.json")
        assert project.pipespec("run", "pipeline.yaml", "--force", "total").code == 1
        assert "squares" in project.ran()
    altered(project, "squares.json").unlink()
    assert "squares" in project.ran()
    assert project.ran() == set()


@pytest.mark.parametrize("lost", ["squares.json"])
def test_a_file_that_is_gone_when_a_step_reads_it_is_made_anew(project, lost):
    assert project.ran() == ALL
    next((project.folder / "mlartifacts").rglob(lost)).unlink()
    assert "squares" in project.ran()


def resumed(project, failed):
    """Run what a failed run offers, and return the exit code of the last command."""
    offered = failed.out.strip().splitlines()[-1].removeprefix("resume with: ")
    for command in offered.split(" && "):
        answer = project.pipespec(*shlex.split(command)[1:])
        if answer.code != 0:
            break
    return offered, answer.code


def test_offered_command_makes_anew_what_a_reader_refused_and_all_else_that_was_altered(project):
    assert project.ran() == ALL
    altered(project, "squares.json")
    altered(project, "numbers.json")
    failed = project.pipespec("run", "pipeline.yaml", "total", "--set", "steps.total.params.name=x")

    assert failed.code == 1
    assert resumed(project, failed) == (
        "pipespec run pipeline.yaml total --set steps.total.params.name=x --verify",
        0,
    )
    assert set(project.planned("pipeline.yaml", "--set", "steps.total.params.name=x").values()) == {"reuse"}


@pytest.mark.parametrize("store", ["", "mlflow: {tracking_uri: 'sqlite:///other.db'}\n"])
def test_offered_command_makes_anew_what_another_pipeline_recorded(project, store):
    project.write("other.yaml", (project.folder / "pipeline.yaml").read_text() + store)
    project.write(
        "pipeline.yaml",
        "pipespec: 1\nsteps:\n  use: {call: 'steps:squares', inputs: {numbers: {pipeline: other.yaml, output: numbers}},"
        " outputs: {o: o.json}}\n",
    )
    project.run(file="other.yaml")
    altered(project, "numbers.json")

    failed = project.pipespec("run", "pipeline.yaml")

    assert (failed.code, failed.out.strip().splitlines()[-1]) == (
        1,
        "resume with: pipespec run other.yaml numbers --verify && pipespec run pipeline.yaml",
    ), failed
    assert resumed(project, failed)[1] == 0


def test_check_that_failed_in_another_pipeline_is_offered_with_force(project):
    text = (project.folder / "pipeline.yaml").read_text()
    project.write("other.yaml", text)
    project.run(file="other.yaml")
    project.write("other.yaml", text.rstrip() + "\n    checks: {total: {max: 1}}\n")
    project.write(
        "pipeline.yaml",
        "pipespec: 1\nsteps:\n  use: {call: 'steps:squares', inputs: {numbers: {pipeline: other.yaml, output: total}},"
        " outputs: {o: o.json}}\n",
    )

    answer = project.pipespec("run", "pipeline.yaml")

    assert answer.err == (
        "error: step 'total' of pipeline 'other.yaml' fails its checks; "
        "run it with: pipespec run other.yaml total --force total\n"
    )


def test_what_get_refused_is_made_anew_by_the_next_run(project):
    assert project.ran() == ALL
    altered(project, "squares.json")

    refused = project.pipespec("get", "pipeline.yaml", "squares", "got.json")
    loaded = project.pipespec("get", "pipeline.yaml", "squares", "-")

    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith("error: 'squares.json' differs from what its run recorded")
    assert refused.err.endswith("make it again with: pipespec run pipeline.yaml squares --verify\n")
    assert (loaded.code, loaded.out) == (2, ""), "it counts no more"
    assert not (project.folder / "got.json").exists()
    assert "found by 'get'" in " ".join(project.pipespec("plan", "pipeline.yaml").out.split())
    assert project.ran() == {"squares"}
    assert project.pipespec("get", "pipeline.yaml", "squares", "got.json").code == 0


def test_list_that_an_axis_takes_its_values_from_is_made_anew_where_it_was_altered(empty_project):
    empty_project.write(
        "steps.py",
        "def names() -> list:\n    return [f'name-{n:04}' for n in range(500)]\n\n\n"
        "def use(name: str) -> str:\n    return name\n",
    )
    empty_project.write(
        "pipeline.yaml",
        "pipespec: 1\nsteps:\n  names: {call: 'steps:names', outputs: {names: names.json}}\n"
        "  use: {call: 'steps:use', matrix: {name: names.names}, outputs: {o: o.json}}\n",
    )
    assert empty_project.ran("names") == {"names"}
    altered(empty_project, "names.json")

    refused = empty_project.pipespec("plan", "pipeline.yaml")

    assert refused.code != 0
    assert "make it again with: pipespec run pipeline.yaml names --verify" in refused.err
    assert empty_project.ran("names", "--verify") == {"names"}
    assert empty_project.planned()["names"] == "reuse"
