"""`pipespec diff`: files, git revisions and past runs against each other, by the installed command."""

import json
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

SCHEMA = Path(__file__).parents[2] / "schemas/diff.schema.json"


def git(folder, *arguments):
    identity = ("-c", "user.name=someone", "-c", "user.email=someone@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def committed(project):
    git(project.folder, "init", "-q", "-b", "main")
    git(project.folder, "add", ".")
    git(project.folder, "commit", "-q", "-m", "first")
    return project


def compared(project, *arguments, **extra):
    answer = project.pipespec("diff", *arguments, "--format", "json", **extra)
    assert answer.code == 0, answer.err
    Draft202012Validator(json.loads(SCHEMA.read_bytes())).validate(answer.json)
    return answer.json


def reruns(answer):
    return {one["step"]: ("may" if one["may"] else "runs") for one in answer["reruns"]}


READS = """\
pipespec: 1
name: reads
steps:
  one: {call: "steps:one", inputs: {table: {file: data/a.csv}}, outputs: {n: n.json}}
  all: {call: "steps:several", inputs: {tables: {dir: data}}, outputs: {n: n.json}}
"""


@pytest.fixture
def reading(empty_project):
    """A pipeline that reads files which git keeps."""
    empty_project.write("data/a.csv", "a,b\n")
    empty_project.write("data/deep/b.csv", "c,d\n")
    empty_project.write(
        "steps.py",
        "from pathlib import Path\n\ndef one(table: str) -> int: return 1\n\ndef several(tables: Path) -> int: return 2\n",
    )
    empty_project.write("pipeline.yaml", READS)
    for arguments in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-q", "-m", "first")):
        git(empty_project.folder, *arguments)
    return empty_project


def test_what_was_moved_since_a_commit_is_reused(reading):
    (reading.folder / "data").rename(reading.folder / "raw")
    reading.write("pipeline.yaml", READS.replace("data", "raw"))

    assert reruns(compared(reading, "pipeline.yaml")) == {}


def test_what_was_moved_and_edited_since_a_commit_runs_again(reading):
    (reading.folder / "data").rename(reading.folder / "raw")
    reading.write("pipeline.yaml", READS.replace("data", "raw"))
    reading.write("raw/deep/b.csv", "edited\n")

    answer = compared(reading, "pipeline.yaml")

    assert reruns(answer) == {"all": "runs"}
    assert [change["detail"] for each in answer["changed"] for change in each["changes"]] == [
        "input tables: 'data' -> 'raw'"
    ]


def test_unchanged_file_has_no_difference_from_the_last_commit(committed):
    committed.edit(
        "steps.py",
        '    print("adding up", len(squares))\n',
        '    # A comment.\n    print("adding up", len(squares))\n',
    )

    answer = committed.pipespec("diff", "pipeline.yaml", "--exit-code")

    assert (answer.code, answer.out) == (0, "pipeline.yaml@HEAD -> pipeline.yaml: no difference\n")


def test_values_code_and_what_would_run_again(committed):
    committed.edit("pipeline.yaml", "{count: 5}", "{count: 6}")
    committed.edit("words.py", "text.upper()", "text.title()")

    answer = compared(committed, "pipeline.yaml")

    assert [(one["path"], one["old"], one["new"], one["file"], one["line"]) for one in answer["values"]] == [
        ("params.count", 5, 6, "pipeline.yaml", 3),
        ("steps.numbers.params.count", 5, 6, "pipeline.yaml", 3),
    ]
    assert [(one["name"], one["place"], one["diff"].splitlines()[-1]) for one in answer["code"]] == [
        ("words:shout", "words.py:2", "+    return text.title()")
    ]
    assert [one["step"] for one in answer["changed"]] == ["numbers", "total"]
    assert reruns(answer) == {"numbers": "runs", "squares": "may", "total": "runs"}
    assert answer["reruns"][1]["causes"] == ["numbers"]


def test_prediction_is_what_a_run_does(committed):
    committed.ran()
    committed.edit("steps.py", "number**power", "number**power + 1")

    predicted = reruns(compared(committed, "pipeline.yaml"))

    assert predicted == {"squares": "runs", "total": "may"}
    assert committed.ran() == set(predicted)


def test_steps_are_added_removed_and_renamed(committed):
    committed.edit("pipeline.yaml", "  squares:\n    call", "  quadrats:\n    call")
    committed.edit("pipeline.yaml", "squares: squares.squares", "squares: quadrats")
    text = (committed.folder / "pipeline.yaml").read_text()
    kept, _, _ = text.partition("  total:")
    committed.write(
        "other.yaml",
        kept + "  more:\n    call: steps:numbers\n    params: {count: 1}\n    outputs: {n: n.json}\n",
    )

    answer = compared(committed, "pipeline.yaml")
    others = compared(committed, "pipeline.yaml@main", "other.yaml")

    assert answer["renamed"] == [{"old": "squares", "new": "quadrats"}]
    assert (answer["added"], answer["removed"], answer["changed"]) == ([], [], [])
    assert reruns(answer) == {"quadrats": "runs", "total": "may"}
    assert (others["added"], others["removed"]) == (["more"], ["total"])
    assert reruns(others) == {"quadrats": "runs", "more": "runs"}


def test_overlays_and_options_are_laid_over_the_second(committed):
    committed.write("more.yaml", "params: {count: 9}\n")

    answer = compared(committed, "pipeline.yaml", "-f", "more.yaml", "--set", "steps.total.params.name=x")

    assert [(one["path"], one["layer"]) for one in answer["values"]] == [
        ("params.count", "overlay"),
        ("steps.numbers.params.count", "overlay"),
        ("steps.total.params.name", "set"),
    ]


def test_past_run_is_compared_with_its_code(project):
    run = project.pipespec("run", "pipeline.yaml", "--format", "json").json["invocation"]
    assert compared(project, f"run:{run}")["reruns"] == []
    project.edit("words.py", "text.upper()", "text.title()")
    project.edit("pipeline.yaml", "{count: 5}", "{count: 6}")

    answer = compared(project, f"run:{run}", "pipeline.yaml")

    assert reruns(answer) == {"numbers": "runs", "squares": "may", "total": "runs"}
    assert answer["code"][0]["diff"].splitlines()[-2:] == [
        "-    return text.upper()",
        "+    return text.title()",
    ]
    assert answer["notes"] == []


def test_records_tell_what_is_there_already(committed):
    committed.ran("--set", "params.count=7")
    committed.ran()

    answer = compared(committed, "pipeline.yaml", "--set", "params.count=7", "--records")

    assert {one["step"]: one["recorded"] for one in answer["reruns"]} == {
        "numbers": "reuse",
        "squares": "reuse",
        "total": "reuse",
    }


def test_what_the_environment_gave_a_past_run_is_compared_as_its_functions_got_it(project, monkeypatch):
    monkeypatch.setenv("SIZE", "3")
    project.write("sizes.py", "def made(size: int, sizes: list[int], label: str) -> int:\n    return size\n")
    project.write(
        "sizes.yaml",
        "pipespec: 1\nsteps:\n  made:\n    call: sizes:made\n    matrix: {size: ['${env:SIZE}', 7]}\n"
        "    params: {sizes: ['${env:SIZE}', 4], label: '${env:SIZE}'}\n    outputs: {made: made.json}\n",
    )
    run = project.pipespec("run", "sizes.yaml", "--format", "json").json["invocation"]

    same = compared(project, f"run:{run}", "sizes.yaml")
    monkeypatch.setenv("SIZE", "4")
    other = compared(project, f"run:{run}", "sizes.yaml")

    assert (same["changed"], same["values"], same["reruns"]) == ([], [], [])
    assert {one["path"] for one in other["values"]} == {
        "steps.made.matrix.size",
        "steps.made.params.sizes",
        "steps.made.params.label",
    }


def test_records_tell_what_it_will_cost(committed):
    committed.ran()
    committed.edit("pipeline.yaml", "{count: 5}", "{count: 6}")

    answer = compared(committed, "pipeline.yaml", "--records")

    seconds = [one["expected_seconds"] for one in answer["reruns"]]
    assert all(seconds)
    assert answer["expected"]["critical_path"] == ["numbers", "squares", "total"]
    assert answer["expected"]["seconds"] == pytest.approx(sum(seconds))
    text = committed.pipespec("diff", "pipeline.yaml", "--records").out
    assert "\n0 of 3 results are recorded; the rest takes about " in text
    assert text.splitlines()[-1].endswith(": numbers > squares > total")


def test_past_run_is_found_by_the_beginning_of_its_id_or_of_its_steps(project):
    answer = project.pipespec("run", "pipeline.yaml", "--format", "json").json
    project.edit("pipeline.yaml", "{count: 5}", "{count: 6}")
    whole = compared(project, f"run:{answer['invocation']}", "pipeline.yaml")

    for run_id in (answer["invocation"], *(step["run_id"] for step in answer["steps"])):
        for name in (run_id[:8], run_id[:8].upper(), run_id):
            found = compared(project, f"run:{name}", "pipeline.yaml")
            assert {**found, "old": None} == {**whole, "old": None}, name


def test_beginning_of_several_run_ids_is_refused_with_a_list_of_them(project):
    matrix = f"    matrix: {{count: {[*range(16)]}}}\n"
    project.write(
        "pipeline.yaml",
        "pipespec: 1\nname: sums\nsteps:\n  numbers:\n    call: steps:numbers\n"
        '    params: {count: "${matrix.count}"}\n    outputs: {numbers: numbers.json}\n' + matrix,
    )
    answer = project.pipespec("run", "pipeline.yaml", "--format", "json")
    assert answer.code == 0, answer.err
    made_by = {answer.json["invocation"]: "an invocation of pipeline 'sums'"} | {
        step["run_id"]: f"step '{step['step']}' of pipeline 'sums'" for step in answer.json["steps"]
    }
    # Of 17 ids of hex digits two begin alike.
    digit, count = Counter(run_id[0] for run_id in made_by).most_common(1)[0]

    refused = project.pipespec("diff", f"run:{digit}", "pipeline.yaml")

    assert (refused.code, refused.out) == (2, "")
    told = re.findall(r"\b([0-9a-f]{8,9}) \(([^)]*)\)", refused.err)
    assert refused.err.startswith(f"error: '{digit}' is the beginning of several run ids: {told[0][0]} (")
    assert refused.err.endswith("; give more digits\n")
    assert len(told) == min(count, 5)
    for beginning, by in told:
        assert [made for run_id, made in made_by.items() if run_id.startswith(beginning)] == [by]


def test_paths_of_a_past_run_start_at_the_file_that_ran(project):
    project.write("one/table.txt", "abc")
    text = (
        "pipespec: 1\nname: read\nsteps:\n  read:\n    call: steps:total\n    inputs: {squares: {file: %s}}\n"
    )
    text += "    params: {name: all}\n    outputs: {total: total.json}\n"
    project.write("table.json", "[1, 2]")
    project.write("flows/one/read.yaml", text % "../../table.json")
    project.write("other/read.yaml", text % "../table.json")
    answer = project.pipespec("run", "flows/one/read.yaml", "--format", "json")
    assert answer.code == 0, answer.err

    found = compared(project, f"run:{answer.json['invocation']}", "other/read.yaml")

    assert (found["reruns"], found["changed"]) == ([], [])


def test_markdown_cannot_be_left_by_what_a_stranger_wrote(committed):
    committed.edit("pipeline.yaml", "{name: all}", '{name: "`|</details><img src=x>` @all"}')
    committed.edit("words.py", "text.upper()", 'text.title() + """\n```\n# Not a heading\n"""')

    answer = committed.pipespec("diff", "pipeline.yaml", "--format", "markdown")

    lines = answer.out.splitlines()
    assert lines[2] == "**1 would run again, 0 may.**"
    (row,) = [line for line in lines if line.startswith("| `steps.total.params.name`")]
    assert "`` all -> " in row
    assert "\\|" in row
    assert "````diff" in lines
    assert lines.index("````") > lines.index(
        " # Not a heading" if " # Not a heading" in lines else "+# Not a heading"
    )


def test_stranger_s_repository_runs_nothing_and_environment_stays_unread(committed):
    mark = committed.folder / "ran"
    hook = committed.write(".git/hooks/fsmonitor", f"#!/bin/sh\ntouch {mark}\n")
    hook.chmod(0o755)
    git(committed.folder, "config", "core.fsmonitor", str(hook))
    committed.write(
        "steps.py", f"open({str(mark)!r}, 'w').close()\n" + (committed.folder / "steps.py").read_text()
    )
    committed.edit("pipeline.yaml", "{name: all}", '{name: "${env:SECRET_NAME}"}')

    answer = committed.pipespec("diff", "pipeline.yaml", SECRET_NAME="hidden")

    assert answer.code == 0, answer.err
    assert "hidden" not in answer.out
    assert "${env:SECRET_NAME}" in answer.out
    assert not mark.exists()
    assert not (committed.folder / "mlflow.db").exists()
    assert not (committed.folder / ".pipespec").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("pipeline.yaml@nowhere",), "git has no revision 'nowhere' here; 'git log' lists revisions"),
        (("pipeline.yaml@--help",), "git has no revision '--help' here; 'git log' lists revisions"),
        (("other.yaml@main",), "there is no file 'other.yaml' at revision 'main'"),
        (("run:0123",), "there is no run '0123' in the tracking store; 'pipespec status FILE' lists runs"),
    ],
)
def test_what_is_not_there_is_one_line_and_wrong_usage(committed, arguments, message):
    answer = committed.pipespec("diff", *arguments)

    assert (answer.code, answer.out, answer.err) == (2, "", f"error: {message}\n")


def test_file_outside_of_git_is_told_so(project):
    answer = project.pipespec("diff", "pipeline.yaml", GIT_CEILING_DIRECTORIES=str(project.folder.parent))

    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert "is not in a readable git repository" in answer.err


def test_exit_code_is_1_where_anything_differs(committed):
    assert committed.pipespec("diff", "pipeline.yaml", "--set", "params.count=8", "--exit-code").code == 1
