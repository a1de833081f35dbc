"""`pipespec accept` and `--revoke`, by the installed command: what is shown, what is refused, what stands in MLflow."""

import json
import re
import shutil
import sqlite3
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

SCHEMAS = Path(__file__).parents[2] / "schemas"
SECRET = "canary-5d1f0"

STEPS = '''
"""Numbers -> squares -> total."""

import json
import re

from words import shout


def numbers(count: int, table: str) -> list:
    return list(range(count)) + [len(table)]


def squares(numbers: list, power: int = 2) -> list:
    return [number**power for number in numbers]


def total(squares: list, name: str) -> dict:
    return {"name": shout(name), "total": sum(squares)}


def keep(total: dict, path) -> None:
    path.write_text(json.dumps(total))


def again(count: int, token: str) -> list:
    return [count]
'''

WORDS = """
def shout(text: str) -> str:
    return text.upper()
"""

PIPELINE = """\
pipespec: 1
name: sums
params: {count: 3}
steps:
  numbers:
    call: steps:numbers
    inputs: {table: {file: table.txt}}
    params: {count: "${params.count}"}
    outputs: {numbers: numbers.json}
    tags: [early]
  squares:
    call: steps:squares
    matrix: {power: [2, 3]}
    inputs: {numbers: numbers}
    outputs: {squares: squares.json}
  total:
    call: steps:total
    inputs: {squares: "squares[power=2]"}
    params: {name: all}
    outputs: {total: {file: total.json, save: "steps:keep"}}
    identity: {packages: [imaginary], version: 1}
  again:
    call: steps:again
    params: {count: 1, token: "${secret:TOKEN}"}
    outputs: {again: again.json}
    identity: none
"""


def install(folder, version):
    info = folder / f"imaginary-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: imaginary\nVersion: {version}\n")


@pytest.fixture(scope="module")
def finished(tmp_path_factory, project_at):
    """A project whose steps have all run, made once; each test takes a copy."""
    folder = tmp_path_factory.mktemp("accepted") / "project"
    folder.mkdir()
    project = project_at(folder)
    for name, text in {
        "pyproject.toml": '[project]\nname = "trial"\nversion = "0.1.0"\n',
        "steps.py": STEPS,
        "words.py": WORDS,
        "table.txt": "abc",
        "pipeline.yaml": PIPELINE,
    }.items():
        project.write(name, text)
    install(folder, "1.0")
    assert len(project.ran(PYTHONPATH=".", TOKEN=SECRET)) == 5
    return folder


@pytest.fixture
def trial(finished, empty_project, monkeypatch):
    shutil.rmtree(empty_project.folder)
    shutil.copytree(finished, empty_project.folder)
    monkeypatch.setenv("PYTHONPATH", ".")  # where the imaginary package is installed
    monkeypatch.setenv("LOGNAME", "ada")
    monkeypatch.setenv("TOKEN", SECRET)
    return empty_project


def accept(project, *args, why="results stay"):
    return project.pipespec("accept", "pipeline.yaml", *args, "--why", why)


def accepted(project, *args, **more):
    """Accept as JSON, which must be done and fit its schema."""
    answer = accept(project, *args, "--format", "json", **more)
    assert answer.code == 0, answer.err
    Draft202012Validator(json.loads((SCHEMAS / "accept.schema.json").read_bytes())).validate(answer.json)
    return answer.json


def planned(project, step):
    answer = project.pipespec("plan", "pipeline.yaml", "--format", "json").json
    return next(one for one in answer["steps"] if one["step"] == step)


def reasons(project, step):
    return [(reason["kind"], reason["detail"]) for reason in planned(project, step)["reasons"]]


def run_of(project, step):
    ((run_id,),) = project.query("select run_uuid from tags where key = 'pipespec.step' and value = ?", step)
    return run_id


def contents(project):
    """Everything in MLflow's database, by table."""
    with sqlite3.connect(project.folder / "mlflow.db") as database:
        tables = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
        found = {table: sorted(map(repr, database.execute(f'select * from "{table}"'))) for table in tables}
    database.close()
    return found


def with_a_helper_changed(project):
    project.edit("words.py", "text.upper()", "str(text).upper()")


def with_squares_changed(project):
    project.edit("steps.py", "number**power", "pow(number, power)")


# --------------------------------------------------------------------------------- what is accepted


def test_changed_code_is_shown_and_accepted_and_only_tags_are_added(trial):
    with_a_helper_changed(trial)
    before, run_id = contents(trial), run_of(trial, "total")
    files = {path: path.read_bytes() for path in (trial.folder / "mlartifacts").rglob("*") if path.is_file()}

    answer = accept(trial, "total", why="str() of a str is itself")

    assert (answer.code, answer.err) == (0, "")
    head, _, rest = answer.out.partition(" (")
    assert head == f"total: will be complete because of run {run_id[:8]} of total"
    assert rest.partition(")\n")[2] == (
        "\n"
        "what differs:\n"
        "  code words:shout changed  words.py:2\n"
        "\n"
        "  --- words:shout before\n"
        "  +++ words:shout now\n"
        "  @@ -1,2 +1,2 @@\n"
        "   def shout(text: str) -> str:\n"
        "  -    return text.upper()\n"
        "  +    return str(text).upper()\n"
        "\n"
        "accepted: total; undo with --revoke\n"
    )
    after = contents(trial)
    added = [row for row in after.pop("tags") if row not in before["tags"]]
    assert not [row for row in before.pop("tags") if row not in contents(trial)["tags"]]
    assert after == before
    key = planned(trial, "total")["key"]
    tags = dict(
        trial.query("select key, value from tags where run_uuid = ? and key like ?", run_id, f"%{key}")
    )
    said = json.loads(tags.pop(f"mlflow.pipespec.accepted.{key}"))
    assert tags == {f"mlflow.pipespec.key.{key}": "1"}
    assert len(added) == 2
    assert (said["who"], said["why"]) == ("ada", "str() of a str is itself")
    assert files == {path: path.read_bytes() for path in files}
    assert trial.ran() == {"again"}


def test_plan_explain_and_status_name_who_and_why(trial):
    with_a_helper_changed(trial)
    accepted(trial, "total", why="same letters")
    run_id = run_of(trial, "total")

    assert reasons(trial, "total") == [
        ("complete", f"run {run_id} was accepted for its key"),
        ("accepted", "accepted by ada: same letters"),
    ]
    assert (
        "  reuse  total             accepted by ada: same letters\n"
        in trial.pipespec("plan", "pipeline.yaml").out
    )
    shown = trial.pipespec("status", "pipeline.yaml").out
    line = shown.partition("\n\naccepted:\n")[2].partition("\n")[0]
    assert re.fullmatch(r"  total  by ada, (just now|\d+ (s|min) ago): same letters", line), shown
    states = trial.pipespec("status", "pipeline.yaml", "--format", "json").json
    Draft202012Validator(json.loads((SCHEMAS / "status.schema.json").read_bytes())).validate(states)
    told = {one["step"]: one.get("accepted") for one in states["steps"]}
    assert (told["total"]["who"], told["total"]["why"]) == ("ada", "same letters")
    assert [step for step, said in told.items() if said] == ["total"]
    text = trial.pipespec("explain", "pipeline.yaml", "total").out
    assert "was accepted for its key\n  accepted by ada, " in text
    assert "\n  +    return str(text).upper()\n" in text
    answer = trial.pipespec("explain", "pipeline.yaml", "total", "--format", "json").json
    Draft202012Validator(json.loads((SCHEMAS / "explain.schema.json").read_bytes())).validate(answer)
    assert (answer["run_id"], answer["accepted"]["why"]) == (run_id, "same letters")


def test_what_is_below_stays_complete(trial):
    with_squares_changed(trial)

    answer = accepted(trial, "squares[power=2]")

    assert [one["step"] for one in answer["accepted"]] == ["squares[power=2]"]
    assert trial.planned() == {
        "numbers": "reuse",
        "squares[power=2]": "reuse",
        "squares[power=3]": "run",
        "total": "reuse",
        "again": "run",
    }


def test_a_package_version_is_accepted(trial):
    shutil.rmtree(trial.folder / "imaginary-1.0.dist-info")
    install(trial.folder, "2.0")

    (one,) = accepted(trial, "total")["accepted"]

    assert [change["detail"] for change in one["changes"]] == ["package imaginary: 1.0 -> 2.0"]
    assert trial.planned()["total"] == "reuse"


def test_the_code_of_a_saver_is_accepted(trial):
    trial.edit("steps.py", "json.dumps(total)", "json.dumps(dict(total))")

    (one,) = accepted(trial, "total")["accepted"]

    assert [change["detail"] for change in one["changes"]] == ["code steps:keep changed"]
    assert trial.planned()["total"] == "reuse"


def test_several_steps_are_accepted_in_one_call_each_after_what_it_needs(trial):
    with_squares_changed(trial)
    with_a_helper_changed(trial)
    trial.edit("steps.py", "list(range(count))", "[*range(count)]")

    answer = accepted(trial, "total", "squares", "numbers")

    assert [one["step"] for one in answer["accepted"]] == [
        "numbers", "squares[power=2]", "squares[power=3]", "total",
    ]  # fmt: skip
    assert trial.ran() == {"again"}


def test_a_glob_accepts_what_can_be_and_says_what_cannot(trial):
    with_squares_changed(trial)
    trial.edit("pipeline.yaml", "{name: all}", "{name: some}")

    answer = accepted(trial, "*")

    assert [one["step"] for one in answer["accepted"]] == ["squares[power=2]", "squares[power=3]"]
    assert answer["complete"] == ["numbers"]
    assert {one["step"]: one["why"].partition(" run ")[0] for one in answer["left_out"]} == {
        "total": "it differs from its nearest",
        "again": "its identity is 'none', so it runs every time",
    }


def test_what_was_accepted_is_compared_with_the_code_that_it_really_had(trial):
    with_a_helper_changed(trial)
    accepted(trial, "total")
    trial.edit("words.py", "str(text).upper()", "str(text).upper().strip()")

    (one,) = accepted(trial, "total")["accepted"]

    assert one["changes"][0]["diff"].splitlines()[-2:] == [
        "-    return text.upper()",
        "+    return str(text).upper().strip()",
    ]
    assert trial.planned()["total"] == "reuse"
    trial.edit("words.py", ".strip()", "")
    assert trial.planned()["total"] == "reuse"  # the first acceptance stands


def test_of_several_runs_the_nearest_that_differs_in_code_only_counts(trial):
    trial.edit("pipeline.yaml", "{name: all}", "{name: some}")
    assert "total" in trial.ran()
    trial.edit("pipeline.yaml", "{name: some}", "{name: all}")
    with_a_helper_changed(trial)
    first = trial.query(
        "select r.run_uuid from runs r join tags t on t.run_uuid = r.run_uuid where t.key = 'pipespec.step'"
        " and t.value = 'total' order by r.start_time"
    )[0][0]

    (one,) = accepted(trial, "total")["accepted"]

    assert one["run"]["run_id"] == first


def test_checks_are_judged_again(trial):
    with_a_helper_changed(trial)
    trial.edit(
        "pipeline.yaml",
        "packages: [imaginary], version: 1}",
        "packages: [imaginary], version: 1}\n    metrics: total\n    checks: {missing: {min: 1}}",
    )

    answer = accepted(trial, "total")

    assert len(answer["accepted"][0]["check_failures"]) == 1
    assert trial.pipespec("run", "pipeline.yaml", "total").code == 1


# ---------------------------------------------------------------------------------- what is refused


def edit(name, old, new):
    return lambda project: project.edit(name, old, new)


REFUSED = {
    "complete": (lambda _: None, "total", "step 'total' is already complete, because of run "),
    "param": (
        edit("pipeline.yaml", "{name: all}", "{name: some}"),
        "total",
        (
            "in more than code and packages: param name: all -> some (pipeline.yaml:19);"
            " run it, or undo that change first"
        ),
    ),
    "param beside code": (
        lambda project: (
            project.edit("pipeline.yaml", "{name: all}", "{name: some}"),
            with_a_helper_changed(project),
        ),
        "total",
        "in more than code and packages: param name: all -> some (pipeline.yaml:19);",
    ),
    "file": (
        lambda project: project.write("table.txt", "abcd"),
        "numbers",
        "input table: content of 'table.txt' changed (pipeline.yaml:7);",
    ),
    "output": (
        edit("pipeline.yaml", "numbers: numbers.json", "numbers: more.json"),
        "numbers",
        "output numbers: 'numbers.json' -> 'more.json' (pipeline.yaml:9);",
    ),
    "call": (
        edit("pipeline.yaml", "call: steps:numbers", "call: steps:other"),
        "numbers",
        "call: steps:numbers -> steps:other (pipeline.yaml:6);",
    ),
    "version": (
        edit("pipeline.yaml", "version: 1}", "version: 2}"),
        "total",
        "version: 1 -> 2 (pipeline.yaml:21);",
    ),
    "name": (
        edit("pipeline.yaml", "  total:\n    call", "  sum:\n    call"),
        "sum",
        "step 'sum' cannot be accepted: it has no finished run yet",
    ),
    "identity none": (lambda _: None, "again", "step 'again' cannot be accepted: its identity is 'none', so"),
    "waiting": (
        with_squares_changed,
        "total",
        (
            "step 'total' cannot be accepted: it waits for 'squares[power=2]', whose result is not known;"
            " accept 'squares[power=2]' first or in the same call, or run it"
        ),
    ),
    "no such step": (lambda _: None, "totl", "did you mean 'total'"),
    "nothing by a tag": (lambda _: None, "tag:early", "step 'numbers' is already complete"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_anything_else_is_refused_in_one_line_and_nothing_is_recorded(trial, kind):
    change, step, expected = REFUSED[kind]
    change(trial)
    trial.edit(
        "steps.py",
        "def again",
        "def other(count: int, table: str) -> list:\n    return [count]\n\n\ndef again",
    )
    before = contents(trial)

    answer = accept(trial, step)

    assert (answer.code, answer.out) == (2, ""), answer
    assert len(answer.err.splitlines()) == 1
    assert expected in answer.err
    assert contents(trial) == before


def test_one_step_that_is_refused_refuses_the_call(trial):
    with_squares_changed(trial)
    trial.edit("pipeline.yaml", "{name: all}", "{name: some}")
    before = contents(trial)

    answer = accept(trial, "squares", "total")

    assert answer.code == 2
    assert "step 'total' cannot be accepted" in answer.err
    assert contents(trial) == before


def test_a_reason_is_asked_for(trial):
    with_a_helper_changed(trial)

    missing = trial.pipespec("accept", "pipeline.yaml", "total")
    empty = accept(trial, "total", why=" \n")
    long = accept(trial, "total", why="x" * 1001)

    assert (missing.code, empty.code, long.code) == (2, 2, 2)
    assert "missing option '--why'" in missing.err
    assert "a reason is missing" in empty.err
    assert "at most 1000 characters, this one has 1001" in long.err
    assert accept(trial, "total", why="x" * 1000).code == 0


def test_a_dry_run_records_nothing(trial):
    with_a_helper_changed(trial)
    before = contents(trial)

    answer = accept(trial, "total", "--dry-run")
    told = accepted(trial, "total", "--dry-run")

    assert answer.code == 0
    assert "str(text).upper()" in answer.out
    assert answer.out.endswith("\n\nnothing was recorded\n")
    assert (told["recorded"], told["accepted"][0]["step"]) == (False, "total")
    assert contents(trial) == before


def test_without_a_store_there_is_nothing_to_accept(trial):
    (trial.folder / "mlflow.db").unlink()

    answer = accept(trial, "total")

    assert answer.code == 2
    assert not (trial.folder / "mlflow.db").exists()


def test_a_store_that_is_not_there_is_exit_3(trial):
    trial.write("more.yaml", "mlflow: {tracking_uri: 'http://127.0.0.1:9'}\n")

    answer = accept(trial, "total", "-f", "more.yaml")

    assert (answer.code, answer.out) == (3, "")


def test_secrets_and_escape_codes_stay_out(trial):
    with_a_helper_changed(trial)
    why = f"the \x1b[31mred\x07 \u202e log\nline of {SECRET} at postgres://ada:pass-word-1@host/db"

    answer = accept(trial, "total", why=why)
    shown = trial.pipespec("status", "pipeline.yaml").out

    assert answer.code == 0, answer.err
    assert not {"\x1b", "\x07", "\u202e"} & set(shown + answer.out)
    assert "the \\x1b[31mred\\x07 \\u202e log line of ${secret:TOKEN} at" in " ".join(shown.split())
    kept = (trial.folder / "mlflow.db").read_bytes()
    assert SECRET.encode() not in kept
    assert b"pass-word-1" not in kept


# ------------------------------------------------------------------------------------ what follows


def test_revoked_steps_run_again_and_the_run_keeps_what_was_said(trial):
    with_a_helper_changed(trial)
    accepted(trial, "total", why="same letters")
    run_id = run_of(trial, "total")

    answer = trial.pipespec("accept", "pipeline.yaml", "total", "--revoke", "--why", "not so", LOGNAME="bob")

    assert answer.code == 0, answer.err
    lines = answer.out.splitlines()
    assert lines[0] == f"total: run {run_id[:8]} no longer counts for it; it runs again"
    assert lines[1].startswith("  it was accepted by ada, ")
    tags = trial.query("select key, value from tags where run_uuid = ?", run_id)
    key = planned(trial, "total")["key"]
    left = {name: value for name, value in tags if key in name}
    (trail,) = json.loads(left.pop(f"mlflow.pipespec.revoked.{key}"))
    assert left == {}
    assert (trail["who"], trail["why"]) == ("bob", "not so")
    assert (trail["accepted"]["who"], trail["accepted"]["why"]) == ("ada", "same letters")
    assert "accepted" not in trial.pipespec("status", "pipeline.yaml").out
    assert trial.ran() == {"total", "again"}


def test_what_was_not_accepted_cannot_be_revoked(trial):
    complete = trial.pipespec("accept", "pipeline.yaml", "total", "--revoke")
    with_a_helper_changed(trial)
    changed = trial.pipespec("accept", "pipeline.yaml", "total", "--revoke")
    all_of_them = trial.pipespec("accept", "pipeline.yaml", "*", "--revoke")

    assert (complete.code, changed.code, all_of_them.code) == (2, 2, 2)
    run_id = run_of(trial, "total")
    assert complete.err == (
        f"error: nothing is accepted for the present version of step 'total'; run {run_id} has its key\n"
    )
    assert changed.err == "error: nothing is accepted for the present version of step 'total'\n"


def test_a_glob_revokes_what_was_accepted(trial):
    with_squares_changed(trial)
    accepted(trial, "squares")

    answer = trial.pipespec("accept", "pipeline.yaml", "*", "--revoke", "--format", "json")

    Draft202012Validator(json.loads((SCHEMAS / "accept.schema.json").read_bytes())).validate(answer.json)
    assert [one["step"] for one in answer.json["revoked"]] == ["squares[power=2]", "squares[power=3]"]


def test_a_forced_run_counts_before_what_was_accepted(trial):
    with_a_helper_changed(trial)
    accepted(trial, "total")
    old = run_of(trial, "total")

    assert "total" in trial.ran("--force", "total")

    ((kind, detail),) = reasons(trial, "total")
    assert kind == "complete"
    assert old not in detail
    assert "accepted" not in trial.pipespec("status", "pipeline.yaml").out
    answer = trial.pipespec("accept", "pipeline.yaml", "total", "--revoke")
    assert "has its key, so it stays complete" in " ".join(answer.out.split())
    assert trial.planned()["total"] == "reuse"


def test_an_accepted_run_that_is_deleted_or_has_lost_its_files_does_not_count(trial):
    with_a_helper_changed(trial)
    accepted(trial, "total")
    run_id = run_of(trial, "total")
    file = next(path for path in (trial.folder / "mlartifacts").rglob("total.json") if run_id in str(path))
    content = file.read_bytes()

    file.unlink()
    assert reasons(trial, "total") == [("artifact-lost", "output 'total': 'total.json' no longer exists")]
    assert "accepted" not in trial.pipespec("status", "pipeline.yaml").out
    again = accept(trial, "total")
    assert again.code == 2
    assert (
        "the files of its past runs cannot be used: output 'total': 'total.json' no longer exists"
        in again.err
    )

    file.write_bytes(content)
    assert trial.planned()["total"] == "reuse"
    with sqlite3.connect(trial.folder / "mlflow.db") as database:
        database.execute("update runs set lifecycle_stage = 'deleted' where run_uuid = ?", (run_id,))
    database.close()
    assert trial.planned()["total"] == "run"


def test_a_fresh_clone_knows_what_was_accepted(trial):
    with_a_helper_changed(trial)
    accepted(trial, "total")
    shutil.rmtree(trial.folder / ".pipespec", ignore_errors=True)

    assert trial.planned()["total"] == "reuse"


def test_two_acceptances_at_once_leave_one_answer(trial):
    with_a_helper_changed(trial)
    both = [trial.start("accept", "pipeline.yaml", "total", "--why", f"number {number}") for number in (1, 2)]
    codes = [process.communicate(timeout=180) and process.returncode for process in both]

    assert 0 in codes
    assert set(codes) <= {0, 2}  # the later may have found it complete
    assert trial.planned()["total"] == "reuse"
    assert reasons(trial, "total")[1][1] in ("accepted by ada: number 1", "accepted by ada: number 2")
    assert trial.pipespec("accept", "pipeline.yaml", "total", "--revoke").code == 0
    assert trial.planned()["total"] == "run"
