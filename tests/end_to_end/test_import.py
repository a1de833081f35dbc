"""`pipespec import`: old results become runs, once, all of them or none; MLflow's own tables are asked."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from remote import ask

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/import.schema.json").read_text(encoding="utf-8"))
TABLE = """\
run,date,model,lr,acc,memo
name,date,parameter,parameter,metric,tag
one,2020-04-02,bert,3e-05,0.8,"good, so far"
two,2020-04-03,tfidf,,nan,
"""
RUNS = """
    select r.name, r.status, e.name,
        (select group_concat(key || '=' || value, ' ') from (select * from params p where p.run_uuid = r.run_uuid order by key)),
        (select group_concat(key || '=' || value || is_nan, ' ') from latest_metrics m where m.run_uuid = r.run_uuid),
        (select value from tags t where t.run_uuid = r.run_uuid and t.key = 'memo'),
        date(r.start_time / 1000, 'unixepoch', 'localtime'), r.end_time = r.start_time
    from runs r join experiments e on e.experiment_id = r.experiment_id
    where r.lifecycle_stage = 'active' order by r.name
"""
RECORDED = [
    ("one", "FINISHED", "old", "lr=3e-05 model=bert", "acc=0.80", "good, so far", "2020-04-02", 1),
    ("two", "FINISHED", "old", "model=tfidf", "acc=0.01", None, "2020-04-03", 1),
]


@pytest.fixture
def old(empty_project):
    empty_project.write("old.csv", TABLE)
    return empty_project


def answer_of(project, *words, code=0, **variables):
    answer = project.pipespec("import", *words, "--format", "json", **variables)
    assert answer.code == code, answer.err
    Draft202012Validator(SCHEMA).validate(answer.json)
    return answer.json


def test_rows_become_finished_runs_and_a_second_import_adds_none(old):
    first = old.pipespec("import", "old.csv")
    assert (first.code, first.err) == (0, "")
    assert first.out == (
        "old.csv: CSV in UTF-8\n"
        "  old  2 new\n"
        "\n"
        "2 runs recorded, 0 already there\n"
        "store: sqlite:///mlflow.db\n"
    )
    assert old.query(RUNS) == RECORDED

    again = old.pipespec("import", "old.csv")

    assert "  old  2 already there\n\n0 runs recorded, 2 already there\n" in again.out
    assert old.query(RUNS) == RECORDED
    old.write("old.csv", TABLE + "three,2020-04-04,bert,1e-05,0.9,\n")
    third = answer_of(old, "old.csv")
    assert [(row["row"], row["new"]) for row in third["runs"]] == [(3, False), (4, False), (5, True)]
    assert len(old.query(RUNS)) == 3


def test_mlflow_itself_reads_what_was_imported(old):
    old.pipespec("import", "old.csv", "--experiment", "team/old")

    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{old.folder}/mlflow.db")
    experiment = client.get_experiment_by_name("team/old")
    (run,) = client.search_runs([experiment.experiment_id], "params.model = 'bert' and metrics.acc > 0.5")
    shown = {name for name in run.data.tags if not name.startswith("mlflow.")}
    assert (run.info.run_name, run.data.params) == ("one", {"model": "bert", "lr": "3e-05"})
    assert shown == {"memo"}
    assert run.data.tags["mlflow.source.name"] == "old.csv"


def test_wrong_cells_are_all_told_and_nothing_is_recorded(old):
    old.write("old.csv", TABLE + "three,tomorrow,bert,1e-05,good,\n")

    answer = old.pipespec("import", "old.csv")

    assert (answer.code, answer.out) == (1, "")
    assert answer.err == (
        "old.csv: row 5, column B 'date': 'tomorrow' is not a date\n"
        "   help: write it like 2020-05-03 or 2020-05-03 14:30\n"
        "old.csv: row 5, column E 'acc': 'good' is not a number\n"
        "   help: write a number, or leave the cell empty\n"
        "\n"
        "2 problems; nothing was recorded\n"
    )
    assert not (old.folder / "mlflow.db").exists()
    told = answer_of(old, "old.csv", code=1)
    assert [(one["row"], one["column"], one["name"]) for one in told["problems"]] == [
        (5, "B", "date"),
        (5, "E", "acc"),
    ]


def test_a_dry_run_tells_what_would_be_recorded(old):
    told = answer_of(old, "old.csv", "--dry-run")

    assert [(row["run_id"], row["new"]) for row in told["runs"]] == [(None, True), (None, True)]
    assert sorted(path.name for path in old.folder.iterdir()) == ["old.csv", "pyproject.toml"]


def test_a_column_names_the_experiments(old):
    told = answer_of(old, "old.csv", "--kind", "model=experiment")

    assert [row["experiment"] for row in told["runs"]] == ["bert", "tfidf"]
    assert [row[2] for row in old.query(RUNS)] == ["bert", "tfidf"]


@pytest.mark.parametrize("point", ["run.after-create:2", "publish.after-batch:2"])
def test_a_crash_in_the_middle_leaves_nothing_in_a_database_file(old, point):
    killed = old.pipespec("import", "old.csv", PIPESPEC_FAULT=f"{point}:kill9", PIPESPEC_FAULT_TESTING="1")
    assert killed.code == -9
    assert old.query(RUNS) == []

    assert old.pipespec("import", "old.csv").code == 0
    assert old.query(RUNS) == RECORDED


def test_results_go_to_the_store_of_the_pipeline_of_the_project(old):
    old.write(
        "pipeline.yaml",
        "pipespec: 1\nmlflow: {tracking_uri: sqlite:///own.db, tags: {team: nlp}}\n"
        "steps: {a: {call: 'a:a', outputs: {a: a.json}}}\n",
    )
    old.write("a.py", "def a() -> int:\n    return 1\n")

    assert answer_of(old, "old.csv")["store"] == f"sqlite:///{old.folder}/own.db"
    private = answer_of(old, "old.csv", "--no-tracking")

    assert private["store"] == f"sqlite:///{old.folder}/.pipespec/private/mlflow.db"
    assert [row["new"] for row in private["runs"]] == [True, True]


def test_five_thousand_rows_are_one_transaction(old):
    rows = [f"r{number},2020-04-02,bert,{number},0.5,x" for number in range(5000)]
    old.write("old.csv", TABLE + "\n".join(rows))

    first = answer_of(old, "old.csv")
    again = answer_of(old, "old.csv")

    assert [sum(row["new"] for row in told["runs"]) for told in (first, again)] == [5002, 0]
    assert old.query("select count(*) from runs") == [(5002,)]


def test_from_python_wrong_cells_raise(old, monkeypatch):
    import pipespec

    monkeypatch.chdir(old.folder)
    old.write("wrong.csv", "a\nmetric\nx\n")

    with pytest.raises(pipespec.UsageError, match=r"wrong\.csv: row 3, column A 'a': 'x' is not a number"):
        pipespec.import_results("wrong.csv")
    assert [row.is_new for row in pipespec.import_results("old.csv").rows] == [True, True]


@pytest.mark.data
def test_the_list_of_a_team_is_imported_once_its_wrong_cells_are_corrected(empty_project, shared_data):
    folder = shared_data / "experiment_list"
    clean = answer_of(empty_project, str(folder / "experiment_list.csv"))
    assert [row["new"] for row in clean["runs"]] == [True] * 40

    excel = folder / "experiment_list_excel_cp932.csv"
    told = answer_of(empty_project, str(excel), code=1)
    assert [(one["row"], one["column"], one["name"]) for one in told["problems"]] == [
        (2, "L", "memo"),
        (12, "J", "acc"),
        (17, "E", "batch_size"),
        (27, "I", "val_loss"),
    ]
    corrected = empty_project.folder / "corrected.csv"
    corrected.write_bytes(excel.read_bytes().replace(b"#DIV/0!", b""))
    done = answer_of(
        empty_project,
        *(
            "corrected.csv",
            "--experiment",
            "experiment_list",
            "--kind",
            "memo=tag",
            "--percent",
            "--thousands",
        ),
    )
    assert done["repeated"] == [{"row": 43, "same_as": 5}]
    assert sum(not row["new"] for row in done["runs"]) == 34, "those that both files have alike"


@pytest.mark.servers
def test_a_server_gets_what_a_crash_left_out(old, mlflow_on_sqlite):
    own = old.folder.parent.name
    old.write("old.csv", TABLE)
    words = ("old.csv", "--experiment", own)
    where = {"MLFLOW_TRACKING_URI": mlflow_on_sqlite.url}
    fault = {"PIPESPEC_FAULT": "publish.after-batch:2:kill9", "PIPESPEC_FAULT_TESTING": "1"}

    killed = old.pipespec("import", *words, **where, **fault)
    assert killed.code == -9
    answers = [answer_of(old, *words, **where) for _ in range(2)]

    assert [[row["new"] for row in told["runs"]] for told in answers] == [[False, True], [False, False]]
    found = ask(mlflow_on_sqlite.url, f"experiments/get-by-name?experiment_name={own}")["experiment"]
    runs = ask(mlflow_on_sqlite.url, "runs/search", {"experiment_ids": [found["experiment_id"]]})["runs"]
    assert sorted((run["info"]["run_name"], run["info"]["status"]) for run in runs) == [
        ("one", "FINISHED"),
        ("two", "FINISHED"),
    ]
