"""The wheel is built, installed where there is no checkout, and works."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built without an environment of its own, so that nothing is fetched: the test extra brings hatchling."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, timeout=120)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """A new virtual environment with the wheel; its dependencies are those of the running one.

    They come through a .pth file: that lends the modules, but neither scripts nor the editable install, whose
    own .pth is not read a second time.
    """
    folder = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(folder, symlinks=True)
    python = folder / "bin/python"
    install = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--no-deps",
        "--no-index",
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True, timeout=120)
    (site_packages,) = folder.glob("lib/python*/site-packages")
    lenders = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    (site_packages / "borrowed.pth").write_text("\n".join(lenders), encoding="utf-8")
    return folder


@pytest.fixture
def pipespec(environment, tmp_path):
    def run(*arguments: str, exit_code: int = 0) -> str:
        variables = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MLFLOW"))
        }
        done = subprocess.run(
            [environment / "bin/pipespec", *arguments],
            cwd=tmp_path,
            env=variables | {"MLFLOW_DISABLE_TELEMETRY": "true"},
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == exit_code, done.stderr + done.stdout
        return done.stdout

    return run


def test_wheel_holds_schemas_templates_and_the_typing_marker(wheel):
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())

    schemas = {f"pipespec/schemas/{path.name}" for path in (REPOSITORY / "schemas").glob("*.json")}
    source = REPOSITORY / "src"
    files = {
        path.relative_to(source).as_posix()
        for path in (source / "pipespec").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert "pipespec/schemas/pipeline.schema.json" in schemas
    assert {"pipespec/py.typed", "pipespec/templates/project/.gitignore"} <= files
    assert {name for name in packed if ".dist-info/" not in name} == schemas | files | {
        "pipespec/schemas/diagnostics.md"
    }
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in packed)


def test_wheel_states_the_name_of_its_command(environment, pipespec):
    (metadata,) = environment.glob("lib/python*/site-packages/pipespec-*.dist-info/METADATA")
    version = next(
        line.removeprefix("Version: ")
        for line in metadata.read_text(encoding="utf-8").splitlines()
        if line.startswith("Version: ")
    )

    assert pipespec("--version") == f"pipespec {version}\n"


def test_installed_command_prints_the_schema_of_the_repository(pipespec):
    printed = json.loads(pipespec("schema"))

    assert printed == json.loads((REPOSITORY / "schemas/pipeline.schema.json").read_text(encoding="utf-8"))


def test_installed_command_makes_a_project_that_runs_and_then_has_nothing_to_do(pipespec, tmp_path):
    pipespec("init", "wave")
    made = sorted(path.name for path in (tmp_path / "wave").iterdir())
    pipespec("validate", "wave/pipeline.yaml")
    first = json.loads(pipespec("run", "wave/pipeline.yaml", "--format", "json"))
    second = json.loads(pipespec("run", "wave/pipeline.yaml", "--format", "json"))

    assert made == [".gitignore", "README.md", "pipeline.yaml", "steps.py"]
    assert "\nname: wave\n" in (tmp_path / "wave/pipeline.yaml").read_text(encoding="utf-8")
    assert (tmp_path / "wave/README.md").read_text(encoding="utf-8").startswith("# wave\n")
    names = {"measurements", "curve", "evaluation"}
    assert {step["step"]: step["state"] for step in first["steps"]} == dict.fromkeys(names, "ran")
    assert {step["step"]: step["state"] for step in second["steps"]} == dict.fromkeys(names, "reused")
    assert first["invocation"]
    assert second["invocation"] is None


def test_installed_package_is_the_one_that_is_tried(environment):
    command = [environment / "bin/python", "-c", "import pipespec, mlflow; print(pipespec.__file__)"]

    printed = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout

    assert Path(printed.strip()).is_relative_to(environment)
