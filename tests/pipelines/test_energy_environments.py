"""The energy pipeline in its three environments, by the installed command, in a copy of it."""

import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("libraries_loaded")]

PIPELINES = Path(__file__).parents[2] / "pipelines"
PROD = ("-f", "energy.prod.yaml")
SANDBOX = ("-f", "energy.sandbox.yaml")
ONE_REGION = ("--set", "params.regions=[hills]")
STEPS = ("series", "clean", "features", "train", "evaluate", "forecast")


@pytest.fixture
def energy(empty_project):
    """The energy example, copied; version 0.1.0 of the project."""
    for file in PIPELINES.glob("energy*.yaml"):
        shutil.copy(file, empty_project.folder)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PIPELINES / "energy", empty_project.folder / "energy", ignore=ignored)
    return empty_project


def variants(*regions, steps=STEPS):
    return {f"{step}[region={region}]" for step in steps for region in regions}


def config(project, *arguments, **environment):
    """Return the resolved values by their paths."""
    answer = project.pipespec("config", "energy.yaml", "--format", "json", *arguments, **environment)
    assert answer.code == 0, answer.err
    return {found["path"]: found["value"] for found in answer.json["values"]}


def rows(database: Path, statement: str) -> list[tuple]:
    with closing(sqlite3.connect(database)) as store:
        return sorted(store.execute(statement).fetchall())


EXPERIMENTS = "SELECT e.name FROM experiments e WHERE EXISTS (SELECT 1 FROM runs r WHERE r.experiment_id = e.experiment_id)"
TAGS = "SELECT DISTINCT key, value FROM tags WHERE key IN ('env', 'user', 'version')"


@pytest.mark.parametrize(
    "arguments",
    [(), PROD, SANDBOX, (*PROD, *SANDBOX), ("--set", "params.model_name=gradient_boosting")],
    ids=["dev", "prod", "sandbox", "both", "gradient-boosting"],
)
def test_each_environment_has_neither_mistakes_nor_advice(energy, arguments):
    answer = energy.pipespec("validate", "energy.yaml", "--format", "json", *arguments)

    assert (answer.code, answer.json["diagnostics"]) == (0, [])


# dev


def test_out_of_the_box_each_region_is_forecast_and_all_are_compared(energy):
    first = energy.run("-j", "2", file="energy.yaml")
    again = energy.run(file="energy.yaml")
    hills = ("--set", "params.profiles.hills.heating=10")
    boosting = ("--set", "params.model_name=gradient_boosting")

    every = variants("coast", "hills", "plains") | {"report"}
    assert first == dict.fromkeys(every, "ran")
    assert again == dict.fromkeys(every, "reused")
    assert running(energy, *hills) == variants("hills") | {"report"}, (
        "what is a region's own runs that region"
    )
    kept = variants("coast", "hills", "plains", steps=("series", "clean", "features"))
    assert running(energy, *boosting) == every - kept, "another model is trained on the same features"

    for output in ("report.table", "report.picture", "forecast[region=coast].forecast"):
        answer = energy.pipespec("get", "energy.yaml", output, output)
        assert answer.code == 0, answer.err
    table = pd.read_csv(energy.folder / "report.table")
    coming = pd.read_csv(energy.folder / "forecast[region=coast].forecast")
    assert sorted(table["region"]) == ["coast", "hills", "plains"]
    assert table["skill"].between(0.4, 0.6).all()
    assert table["skill"].is_monotonic_decreasing
    assert (energy.folder / "report.picture").read_bytes().startswith(b"\x89PNG")
    assert len(coming) == 7 * 24
    assert rows(energy.folder / "mlflow.db", EXPERIMENTS) == sorted(
        [("energy",), ("energy-dev/report",), *((f"energy-dev/{step}",) for step in STEPS)]
    )


def running(project, *arguments) -> set[str]:
    return {step for step, action in project.planned("energy.yaml", *arguments).items() if action != "reuse"}


def test_a_model_that_is_worse_than_the_week_before_fails_its_step(energy):
    short = ("--set", "params.days=120")

    answer = energy.pipespec("run", "energy.yaml", "evaluate", "--format", "json", *ONE_REGION, *short)

    assert answer.code == 1
    states = {step["step"]: step["state"] for step in answer.json["steps"]}
    assert states == dict.fromkeys(variants("hills", steps=STEPS[:4]), "ran") | {
        "evaluate[region=hills]": "failed"
    }


# sandbox


def test_the_sandbox_writes_into_its_own_store_only_and_forgives_bad_models(energy):
    environment = {"USER": "ada", "MLFLOW_TRACKING_URI": f"sqlite:///{energy.folder}/team.db"}

    ran = energy.run(*SANDBOX, *ONE_REGION, "-j", "2", file="energy.yaml", **environment)

    assert ran == dict.fromkeys(variants("hills") | {"report"}, "ran")
    assert [path.name for path in energy.folder.glob("*.db")] == ["sandbox-ada.db"]
    store = energy.folder / "sandbox-ada.db"
    assert rows(store, TAGS) == [("env", "sandbox"), ("user", "ada")]
    assert {name.partition("/")[0] for (name,) in rows(store, EXPERIMENTS)} == {"energy", "energy-sandbox"}
    skill = rows(
        store, "SELECT DISTINCT value FROM latest_metrics WHERE key = 'skill'"
    )  # of the step, and of the invocation
    assert len(skill) == 1
    assert skill[0][0] < 0, "worse than the check of energy.yaml allows"


# prod


def test_production_has_its_store_from_the_environment_one_more_region_and_the_version(energy):
    environment = {"USER": "robot", "MLFLOW_TRACKING_URI": f"sqlite:///{energy.folder}/prod.db"}

    ran = energy.run("clean", *PROD, "-j", "2", file="energy.yaml", **environment)

    assert ran == dict.fromkeys(variants("coast", "hills", "plains", "islands", steps=STEPS[:2]), "ran")
    assert [path.name for path in energy.folder.glob("*.db")] == ["prod.db"]
    store = energy.folder / "prod.db"
    assert rows(store, TAGS) == [("env", "prod"), ("user", "robot"), ("version", "0.1.0")]
    assert rows(store, EXPERIMENTS) == [("energy",), ("energy-prod/clean",), ("energy-prod/series",)]


def test_what_production_computed_is_reused_by_another_user_in_dev_in_the_same_store(energy):
    store = f"sqlite:///{energy.folder}/mlflow.db"
    energy.run("clean", *PROD, file="energy.yaml", USER="robot", MLFLOW_TRACKING_URI=store)

    assert energy.run("clean", file="energy.yaml", USER="ada") == dict.fromkeys(
        variants("coast", "hills", "plains", steps=STEPS[:2]), "reused"
    )


def test_without_the_environment_production_asks_the_server_of_this_machine(energy):
    assert config(energy, *PROD)["mlflow.tracking_uri"] == "http://127.0.0.1:5000"


# what environments say


def test_environments_differ_in_a_few_values(energy):
    dev, prod, sandbox = (config(energy, *overlay, USER="ada") for overlay in ((), PROD, SANDBOX))

    assert difference(dev, prod) == {
        "mlflow.experiment": "energy-prod/${step.name}",
        "mlflow.tags.env": "prod",
        "mlflow.tags.version": "0.1.0",
        "mlflow.tracking_uri": "http://127.0.0.1:5000",
        "params.env": "prod",
        "params.project": "energy-prod",
        "params.regions": ["coast", "hills", "plains", "islands"],
        **{f"steps.{step}.matrix.region": ["coast", "hills", "plains", "islands"] for step in STEPS},
    }
    assert difference(dev, sandbox) == {
        "mlflow.experiment": "energy-sandbox/${step.name}",
        "mlflow.tags.env": "sandbox",
        "mlflow.tracking_uri": "sqlite:///sandbox-ada.db",
        "params.days": 120,
        "params.env": "sandbox",
        "params.project": "energy-sandbox",
        "steps.evaluate.checks.skill.min": None,
        "steps.series.params.days": 120,
    }


def difference(base, other):
    return {path: other.get(path) for path in base | other if base.get(path) != other.get(path)}


def test_without_a_user_in_the_environment_there_is_nobody(energy, monkeypatch):
    monkeypatch.delenv("USER", raising=False)

    assert config(energy)["params.user"] == "nobody"
    assert config(energy, USER="ada")["params.user"] == "ada"


def test_an_overlay_that_a_rename_left_behind_is_a_mistake(energy):
    energy.edit("energy.sandbox.yaml", "days: 120", "dayz: 120")

    answer = energy.pipespec("validate", "energy.yaml", *SANDBOX, "--format", "json")

    (found,) = answer.json["diagnostics"]
    assert answer.code == 1
    assert (found["code"], found["file"], found["line"]) == ("unknown-key", "energy.sandbox.yaml", 4)
    assert "did you mean 'days'?" in found["hint"]


# series from files


def test_series_from_files_want_a_folder_and_the_names_of_columns(energy):
    validated, planned = (
        energy.pipespec(verb, "energy.yaml", "--set", "params.source=files") for verb in ("validate", "plan")
    )

    assert validated.code == 0  # they are open values until something runs
    assert planned.code == 2
    assert re.findall(r"^(\S+?):(\d+):\d+: error\[([a-z-]+)\]", planned.err, re.MULTILINE) == [
        ("energy/sources/files.yaml", "3", "required-value"),
        ("energy/sources/files.yaml", "4", "required-value"),
    ]


def test_a_new_row_in_a_file_runs_its_region_only(energy):
    for region in ("north", "south"):
        times = pd.date_range("2024-01-01", periods=24, freq="h").strftime("%m/%d/%Y %H:%M")
        energy.write(f"data/{region}.csv", "t,v\n" + "".join(f"{time},1\n" for time in times))
    files = (
        *("--set", "params.source=files", "--set", "params.regions=[north, south]"),
        *("--set", f"params.data={energy.folder / 'data'}", "--set", "params.columns={time: t, value: v}"),
    )

    first = energy.ran("series", *files, file="energy.yaml")
    energy.write("data/south_2025.csv", "t,v\n2025-01-01 00:00:00,2\n")

    assert first == variants("north", "south", steps=("series",))
    assert running(energy, "series", *files) == variants("south", steps=("series",))


DEMAND = "{time: timeStamp, value: demand, temperature: temp}"
PRICES = '{time: Datetime, value: "Price (USD/MWh)"}'


@pytest.mark.data
@pytest.mark.parametrize(
    ("regions", "columns", "ahead"),
    [(["nyc_demand"], DEMAND, 168), (["AU-NSW", "AU-VIC"], PRICES, 0)],
    ids=["demand", "prices"],
)
def test_real_series_are_forecast_by_four_params(energy, shared_data, regions, columns, ahead):
    real = energy.write(
        "real.yaml",
        f"""\
params:
  source: files
  regions: {json.dumps(regions)}
  data: {json.dumps(str(shared_data / "electricity"))}
  columns: {columns}
steps:
  evaluate: {{checks: {{skill: {{min: -0.2}}}}}} # prices jump: a week before is hard to beat
""",
    )

    ran = energy.run("-f", real.name, "-j", "2", file="energy.yaml")

    assert ran == dict.fromkeys(variants(*regions) | {"report"}, "ran")
    for region in regions:
        output = f"forecast[region={region}].forecast"
        answer = energy.pipespec("get", "energy.yaml", output, "-", "-f", real.name)
        assert answer.out.count("\n") == 1 + ahead
