"""What a command loads: the light verbs none of the heavy libraries, each in a fresh interpreter."""

import ast
import importlib
import json
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import pipespec
from pipespec.cli import VERBS

HEAVY = {
    "distributed",
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
        return HEAVY & set(json.loads(listing.read_text())), done.stdout or done.stderr

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


def test_run_with_nothing_to_do_loads_no_heavy_library(command):
    loaded, printed = command("run", "pipeline.yaml", "--format", "json")

    assert loaded == set()
    assert [step["state"] for step in json.loads(printed)["steps"]] == ["reused", "reused"]


def test_a_report_where_nothing_is_to_do_loads_neither_mlflow_nor_luigi(command, tmp_path):
    loaded, _ = command("run", "pipeline.yaml", "--report", str(tmp_path / "report.html"))

    assert "jinja2" in loaded
    assert {"mlflow", "luigi", "pandas", "sqlalchemy"} & loaded == set()
    assert (tmp_path / "report.html").exists()


def test_a_run_with_something_to_do_shows_that_the_listing_works(command):
    loaded, _ = command("run", "pipeline.yaml", "--force", "total")

    assert {"mlflow", "luigi"} <= loaded


def test_validating_imports_no_later_stage():
    code = "import pipespec.cli.validate, sys; print([name for name in sys.modules if name.startswith('pipespec.')])"
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
        "Diagnostic",
        "Findings",
        "InvalidPipelineError",
        "Pipeline",
        "PipespecError",
        "Plan",
        "RunReport",
        "Severity",
        "Span",
        "StepHandle",
        "StepStatus",
        "StoreUnavailableError",
        "UsageError",
        "__version__",
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
