"""What a command loads: the light verbs none of the heavy libraries, each in a fresh interpreter."""

import ast
import importlib
import json
import os
import pkgutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

import pipespec
from pipespec.cli import VERBS

HEAVY = {
    "distributed",
    "dotenv",
    "jinja2",
    "jsonschema",
    "luigi",
    "matplotlib",
    "mlflow",
    "numpy",
    "pandas",
    "sqlalchemy",
}

PIPELINE = """\
pipespec: 1
steps:
  numbers:
    call: steps:count
    params: {until: 4}
    outputs: {numbers: numbers.json}
  total:
    call: steps:add
    inputs: {numbers: numbers}
    outputs: {total: total.json}
"""

STEPS = """\
def count(until: int) -> list:
    return list(range(until))


def add(numbers: list) -> dict:
    return {"total": sum(numbers)}
"""

LOOKING = """\
pipespec: 1
steps:
  without: {call: "looking:without", outputs: {modules: modules.json}}
  with: {call: "looking:with_mlflow", outputs: {modules: modules.json}}
"""

LOOKING_STEPS = """\
import sys


def without() -> list:
    return sorted({"luigi", "mlflow", "sqlalchemy"} & set(sys.modules))


def with_mlflow() -> list:
    import mlflow

    mlflow.log_metric("one", 1)
    return sorted({"luigi", "mlflow"} & set(sys.modules))
"""

READING = """\
pipespec: 1
steps:
  add:
    call: steps:add
    inputs: {numbers: {model: numbers@champion}}
    outputs: {total: total.json}
"""

LOADED = """\
import atexit, json, sys
atexit.register(lambda: open(sys.argv[1], "w").write(json.dumps(sorted(sys.modules))))
from pipespec.cli import main
main(sys.argv[2:])
"""


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    """Run a command in a project whose steps are complete; give the heavy modules that it loaded, and its output."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "pyproject.toml").touch()
    (folder / "pipeline.yaml").write_text(PIPELINE)
    (folder / "steps.py").write_text(STEPS)
    (folder / "looking.yaml").write_text(LOOKING)
    (folder / "reading.yaml").write_text(READING)
    (folder / "looking.py").write_text(LOOKING_STEPS)
    listing = tmp_path_factory.mktemp("listing") / "modules.json"

    def run(*arguments: str) -> tuple[set[str], str]:
        variables = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW")}
        done = subprocess.run(
            [sys.executable, "-c", LOADED, str(listing), *arguments],
            cwd=folder,
            env=variables | {"MLFLOW_DISABLE_TELEMETRY": "true"},
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        loaded = json.loads(listing.read_text())
        run.own = [name for name in loaded if name.startswith("pipespec.")]
        return HEAVY & set(loaded), done.stdout or done.stderr

    run.folder = folder
    run("run", "pipeline.yaml")
    return run


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("--version",),
        ("run", "--help"),
        ("schema",),
        ("validate", "pipeline.yaml"),
        ("config", "pipeline.yaml"),
        ("graph", "pipeline.yaml"),
        ("render", "pipeline.yaml"),
        ("render", "pipeline.yaml", "--format", "yaml"),
        ("graph", "pipeline.yaml", "--status"),
        ("plan", "pipeline.yaml"),
        ("plan", "pipeline.yaml", "--force", "total"),
        ("status", "pipeline.yaml"),
        ("explain", "pipeline.yaml", "total"),
        ("diff", "pipeline.yaml", "pipeline.yaml"),
        ("run", "pipeline.yaml", "--dry-run"),
    ],
    ids=" ".join,
)
def test_light_verb_loads_no_heavy_library(command, arguments):
    loaded, printed = command(*arguments)

    assert loaded == set()
    assert printed


def test_a_plan_that_reads_a_registered_model_loads_no_mlflow(command):
    place = command.folder / "model"
    place.mkdir()
    (place / "MLmodel").write_text("flavors: {}")
    with sqlite3.connect(command.folder / "mlflow.db") as database:
        database.execute("insert into registered_models (name) values ('numbers')")
        database.execute(
            "insert into model_versions (name, version, source, run_id) values ('numbers', 1, ?, ?)",
            (str(place), "a" * 32),
        )
        database.execute(
            "insert into registered_model_aliases (name, alias, version) values ('numbers', 'champion', 1)"
        )
    database.close()

    loaded, printed = command("plan", "reading.yaml")

    assert loaded == set()
    assert "uses model 'numbers@champion': version 1, run aaaaaaaa\n" in printed


@pytest.mark.parametrize(
    ("most", "arguments"),
    [
        (12, ("--help",)),
        (37, ("validate", "pipeline.yaml")),
        (86, ("run", "pipeline.yaml")),
        (180, ("validate", "pipeline.yaml", "--set", "steps.numbers.params.until=5")),
        (248, ("plan", "pipeline.yaml")),
    ],
    ids=["help", "validate, unchanged", "run, nothing to do", "validate", "plan"],
)
def test_a_light_command_loads_few_of_our_modules(command, most, arguments):
    """Each takes about a millisecond. Raise a number here only for what the command cannot do without."""
    command(*arguments)
    if "--set" not in arguments:
        command(*arguments)  # by now it is remembered, where it can be

    assert len(command.own) <= most


def test_only_a_pipeline_with_a_schema_loads_what_judges_by_it(command, tmp_path):
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "schema.json").write_text('{"type": "array"}')
    (tmp_path / "steps.py").write_text(STEPS)
    text = PIPELINE.replace("{numbers: numbers.json}", "{numbers: {file: numbers.json, schema: schema.json}}")
    (tmp_path / "pipeline.yaml").write_text(text)
    run = ("-C", str(tmp_path), "run", "pipeline.yaml")

    assert command("-C", str(tmp_path), "validate", "pipeline.yaml")[0] == {"jsonschema"}
    command(*run)
    assert command(*run)[0] == set()  # what was remembered tells that nothing is to do


def test_run_with_nothing_to_do_loads_no_heavy_library(command):
    loaded, printed = command("run", "pipeline.yaml", "--format", "json")

    assert loaded == set()
    assert [step["state"] for step in json.loads(printed)["steps"]] == ["reused", "reused"]


def test_a_report_where_nothing_is_to_do_loads_neither_mlflow_nor_luigi(command, tmp_path):
    loaded, _ = command("run", "pipeline.yaml", "--report", str(tmp_path / "report.html"))

    assert "jinja2" in loaded
    assert {"mlflow", "luigi", "pandas", "sqlalchemy"} & loaded == set()
    assert (tmp_path / "report.html").exists()


@pytest.mark.parametrize("arguments", [(), ("--report", "report.html")], ids=["", "with a report"])
def test_a_run_into_a_database_file_loads_no_mlflow(command, arguments):
    loaded, printed = command("run", "pipeline.yaml", "--force", "total", "--format", "json", *arguments)

    assert "luigi" in loaded
    assert {"mlflow", "sqlalchemy", "pandas", "numpy"} & loaded == set()
    assert [step["state"] for step in json.loads(printed)["steps"]] == ["reused", "ran"]


def test_a_step_has_no_mlflow_unless_its_function_imports_it(command):
    command("run", "looking.yaml")
    found = {step: json.loads(command("get", "looking.yaml", step, "-")[1]) for step in ("without", "with")}

    assert found == {"without": [], "with": ["mlflow"]}


def test_validating_imports_no_later_stage():
    code = (
        "import pipespec.cli.validate, pipespec.operations.compiling.compile_file, sys;"
        "print([name for name in sys.modules if name.startswith('pipespec.')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    stages = {name.split(".")[1] for name in ast.literal_eval(done.stdout)}

    assert {"document", "spec", "views"} <= stages
    assert {"plan", "step", "tracking", "engine", "facts", "invoke"} & stages == set()


MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(pipespec.__path__, "pipespec.")
    if module.name not in ("pipespec.__main__", "pipespec.templates")
)


@pytest.mark.parametrize("name", MODULES)
def test_module_says_what_it_is_and_what_it_offers(name):
    module = importlib.import_module(name)
    is_package = Path(str(module.__file__)).name == "__init__.py"
    verb = name.removeprefix("pipespec.cli.")

    assert module.__doc__
    if verb in VERBS:
        assert getattr(module, verb).name == verb
    elif not is_package:
        assert list(module.__all__) == sorted(set(module.__all__), key=_ruff_order)
    assert [offered for offered in getattr(module, "__all__", ()) if not hasattr(module, offered)] == []


def _ruff_order(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest, as ruff sorts `__all__`."""
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2), name


def test_public_names_are_these():
    assert list(pipespec.__all__) == [
        "Acceptances",
        "CallAnswer",
        "CallOption",
        "Conversion",
        "Diagnostic",
        "Difference",
        "Examination",
        "Findings",
        "FunctionCall",
        "Garbage",
        "ImportReport",
        "InvalidPipelineError",
        "Lineage",
        "NewBaseline",
        "NewProject",
        "Pipeline",
        "PipespecError",
        "Plan",
        "Progress",
        "Remaining",
        "Reproduction",
        "Rest",
        "RunComparison",
        "RunReport",
        "Severity",
        "Span",
        "StepAwaited",
        "StepCall",
        "StepFailedError",
        "StepHandle",
        "StepResult",
        "StepStarted",
        "StepStatus",
        "StoreAway",
        "StoreUnavailableError",
        "UsageError",
        "__version__",
        "collect_garbage",
        "convert",
        "examine",
        "import_results",
        "init",
        "load",
        "schema",
        "validate",
    ]
    assert dir(pipespec) == pipespec.__all__
    assert [name for name in pipespec.__all__ if getattr(pipespec, name) is None] == []


def test_a_name_that_is_not_public_is_no_attribute():
    with pytest.raises(AttributeError, match=r"^module 'pipespec' has no attribute 'runn'$"):
        pipespec.runn


def test_each_class_has_a_name_of_its_own():
    """`pipespec.runtime` aside: rendered modules know its names, as users of pipespec know those of the API."""
    root = Path(pipespec.__file__).parent
    places: dict[str, list[str]] = {}
    for file in sorted(root.rglob("*.py")):
        if file.relative_to(root).parts[0] != "runtime":
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef):
                    places.setdefault(node.name.lstrip("_"), []).append(str(file.relative_to(root)))

    assert {name: files for name, files in places.items() if len(files) > 1} == {}


def test_no_folder_takes_the_name_of_a_public_function():
    """Importing a module below it would put the folder in the function's place."""
    folders = {path.parent.name for path in Path(pipespec.__file__).parent.glob("*/__init__.py")}

    assert folders & set(pipespec.__all__) == set()
