"""`get` never replaces what it did not make, and puts files and folders where `cp` would."""

from __future__ import annotations

import json
import os

import pytest

PIPELINE = """\
pipespec: 1
name: parts
steps:
  models:
    call: "making:models"
    matrix: {depth: [2, 4]}
    outputs: {model: model/, score: score.json}
"""
STEPS = """\
def models(depth: int, model):
    (model / "sub").mkdir(parents=True)
    (model / "weights.txt").write_text(f"{depth}")
    (model / "sub/words.txt").write_text("words")
    return {"depth": depth}
"""
TWO = "models[depth=2]"


@pytest.fixture(scope="module")
def finished(tmp_path_factory, new_project_at):
    """A project that has run once."""
    project = new_project_at(tmp_path_factory.mktemp("get") / "project")
    project.write("making.py", STEPS)
    project.write("pipeline.yaml", PIPELINE)
    assert project.pipespec("run", "pipeline.yaml").code == 0
    return project


@pytest.fixture
def parts(finished, tmp_path):
    return finished.copied_to(tmp_path / "project")


def get(project, *args):
    return project.pipespec("get", "pipeline.yaml", *args)


def tree(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize(("output", "name"), [("score", "score.json"), ("model", "model")])
def test_what_is_there_stays_unless_it_is_forced(parts, output, name):
    place = parts.folder / name
    (place / "mine" if output == "model" else place).parent.mkdir(exist_ok=True)
    (place / "mine" if output == "model" else place).write_text("mine")
    parts.folder.joinpath("in").mkdir()
    before = tree(place) if place.is_dir() else place.read_text()

    refused = get(parts, f"{TWO}.{output}")

    assert refused.code == 2
    assert f"at '{name}'; name another path, or replace it with --force" in refused.err
    assert (tree(place) if place.is_dir() else place.read_text()) == before
    assert get(parts, f"{TWO}.{output}", "--force").code == 0
    assert (tree(place) if place.is_dir() else json.loads(place.read_text())) != before


def test_what_was_fetched_already_is_no_obstacle(parts):
    for _ in range(2):
        for output in ("score", "model"):
            assert get(parts, f"{TWO}.{output}").code == 0


@pytest.mark.parametrize("where", ["there", "there/", "."])
def test_files_and_folders_go_below_a_folder_that_is_there(parts, where):
    folder = parts.folder / where
    folder.mkdir(exist_ok=True)
    for output in ("score", "model"):
        assert get(parts, f"{TWO}.{output}", where).code == 0
    assert json.loads((folder / "score.json").read_text()) == {"depth": 2}
    assert tree(folder / "model") == {"weights.txt": "2", "sub/words.txt": "words"}


def test_one_file_of_a_folder_can_be_fetched(parts):
    assert get(parts, f"{TWO}.model/sub/words.txt", "w.txt").code == 0
    assert (parts.folder / "w.txt").read_text() == "words"
    assert get(parts, f"{TWO}.model/weights.txt", "-").out == "2"


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (f"{TWO}.model/none", "has no file 'none'; it has 'sub/words.txt', 'weights.txt'"),
        (f"{TWO}.score/none", "is a file and has no part 'none'"),
        (f"{TWO}.model/../x", "is no path inside the output"),
        ("models[*].score", "may mean several outputs; name a folder to fetch them to"),
    ],
)
def test_what_cannot_be_fetched_is_said(parts, output, said):
    answer = get(parts, output)
    assert answer.code == 2
    assert said in answer.err


@pytest.fixture(scope="module")
def two_runs(finished, tmp_path_factory):
    """The project after `making` returned something else, with the runs of the variant, the older one first."""
    project = finished.copied_to(tmp_path_factory.mktemp("get") / "again")
    project.edit("making.py", '{"depth": depth}', '{"depth": -depth}')
    assert project.ran() == {TWO, "models[depth=4]"}
    rows = project.query(
        "select r.run_uuid from runs r join tags t on t.run_uuid = r.run_uuid and t.key = 'pipespec.step'"
        f" where t.value = '{TWO}' order by r.start_time"
    )
    return project, [run for (run,) in rows]


def test_an_output_of_a_past_run_is_fetched_by_its_id(two_runs):
    project, (old, new) = two_runs

    assert get(project, f"run:{old}.score", "-").json == {"depth": 2}
    assert get(project, f"run:{new[:8]}.score", "-").json == {"depth": -2}
    assert get(project, f"run:{old}.model/sub/words.txt", "-").out == "words"
    assert get(project, f"run:{old}.model", "old").code == 0
    assert tree(project.folder / "old") == {"weights.txt": "2", "sub/words.txt": "words"}


def test_a_past_run_whose_output_was_altered_is_told_without_a_command_that_would_not_help(
    two_runs, tmp_path
):
    project, (old, _) = two_runs
    copy = project.copied_to(tmp_path / "project")
    (score,) = copy.folder.glob(f"mlartifacts/*/{old}/artifacts/score.json")
    score.write_text('{"depth":9}')

    answer = get(copy, f"run:{old}.score", "-")

    assert (answer.code, answer.out) == (1, "")
    assert "score.json" in answer.err
    assert "pipespec run" not in answer.err


def test_what_is_no_output_of_a_run_is_said(two_runs):
    project, (old, _) = two_runs
    ((invocation,),) = project.query(
        "select run_uuid from runs where run_uuid not in (select run_uuid from tags where key = 'pipespec.step')"
        " order by start_time limit 1"
    )
    outputs = f"the run of step '{TWO}' has 'run:{old}.model', 'run:{old}.score'"
    for words, said in (
        (f"run:{old}", f"'run:{old}' is not an output; {outputs}"),
        (f"run:{old}.scores", f"'run:{old}.scores' is not an output; {outputs}"),
        (f"run:{old}.model/../x", "names a part '../x', which is no path inside the output"),
        ("run:0000.score", "there is no run '0000' in the tracking store; 'pipespec status FILE' lists runs"),
        (f"run:{invocation}.score", f"run {invocation[:8]} is a whole invocation, which has no outputs"),
    ):
        answer = get(project, words)
        assert (answer.code, answer.out) == (2, "")
        assert said in answer.err


@pytest.mark.parametrize("run", ["run:3fa9", "3fa9c1ab"])
@pytest.mark.parametrize("verb", ["explain", "plan", "accept", "status", "call"])
def test_where_a_step_is_needed_a_run_is_refused_with_the_verbs_that_take_one(finished, verb, run):
    answer = finished.pipespec(verb, "pipeline.yaml", run, *(["--why", "x"] if verb == "accept" else []))

    assert (answer.code, answer.err) == (
        2,
        (
            f"error: '{run}' is a run, and a step is needed here; of a run, 'pipespec get run:ID.OUTPUT' copies an output,"
            " 'pipespec logs run:ID' shows the log, and 'pipespec diff run:ID' compares it\n"
        ),
    )


def test_all_variants_go_to_a_folder_each(parts):
    assert get(parts, "models[*].model/weights.txt", "all").code == 0
    assert tree(parts.folder / "all") == {
        "models[depth=2]/weights.txt": "2",
        "models[depth=4]/weights.txt": "4",
    }


def test_what_never_counts_as_complete_gives_its_last_finished_run(empty_project):
    empty_project.write(
        "steps.py",
        "def now(n: int) -> int:\n    assert n\n    return n\ndef after(made: int) -> int:\n    return made + 1\n",
    )
    empty_project.write(
        "pipeline.yaml",
        """\
pipespec: 1
name: never
steps:
  now: {call: "steps:now", params: {n: 1}, identity: none, outputs: {made: made.json}}
  after: {call: "steps:after", inputs: {made: now.made}, outputs: {next: next.json}}
""",
    )
    assert get(empty_project, "now.made", "-").code == 2
    assert empty_project.pipespec("run", "pipeline.yaml").code == 0

    assert get(empty_project, "now.made", "-").out == "1\n"
    assert get(empty_project, "after.next", "-").out == "2\n"
    # An attempt that fails takes nothing away.
    assert empty_project.pipespec("run", "pipeline.yaml", "--set", "steps.now.params.n=0").code == 1
    assert get(empty_project, "now.made", "-").out == "1\n"
    assert get(empty_project, "after.next", "-").out == "2\n"
    states = empty_project.pipespec("status", "pipeline.yaml", "--format", "json").json["steps"]
    finished = dict(
        empty_project.query(
            "select t.value, r.run_uuid from runs r join tags t on t.run_uuid = r.run_uuid"
            " where t.key = 'pipespec.step' and r.status = 'FINISHED'"
        )
    )
    assert [(one["step"], one["state"]) for one in states] == [("now", "failed"), ("after", "stale")]
    assert states[1]["run_id"] == finished["after"]


def test_programs_and_files_of_any_name_come_back_as_they_were_made(empty_project):
    empty_project.write(
        "steps.py",
        "from pathlib import Path\n"
        "def made(table: Path, tool: Path) -> None:\n"
        "    for name in ('50%.csv', 'no #1?.txt', 'a~25', 'run.sh'):\n"
        "        (table / name).write_text(name)\n"
        "    (table / 'run.sh').chmod(0o755)\n"
        "    tool.write_text('#!/bin/sh')\n"
        "    tool.chmod(0o755)\n",
    )
    empty_project.write(
        "pipeline.yaml",
        "pipespec: 1\nsteps:\n  made: {call: 'steps:made', outputs: {table: table/, tool: tool.sh}}\n",
    )
    assert empty_project.ran() == {"made"}
    assert empty_project.ran() == set()

    assert get(empty_project, "made.table", "got").code == get(empty_project, "made.tool").code == 0
    assert get(empty_project, "made.table/run.sh", "part").code == 0

    assert tree(empty_project.folder / "got") == {
        name: name for name in ("50%.csv", "no #1?.txt", "a~25", "run.sh")
    }
    assert [
        os.access(empty_project.folder / name, os.X_OK)
        for name in ("got/run.sh", "got/a~25", "tool.sh", "part")
    ] == [True, False, True, True]
    assert get(empty_project, "made.table/no #1?.txt", "-").out == "no #1?.txt"
