"""The wheel is built, installed where there is no checkout, and works."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built without an environment of its own, so that nothing is fetched: the test extra brings hatchling."""
    return built(tmp_path_factory.mktemp("wheel"), "wheel")


def built(folder, target, source=REPOSITORY):
    """Build a distribution as `wheel` does."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=120)
    (file,) = folder.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return file


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    return built(tmp_path_factory.mktemp("sdist"), "sdist")


def unpacked(sdist, folder):
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (source,) = folder.iterdir()
    return source


def files_of(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


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
    assert {
        "pipespec/py.typed",
        "pipespec/templates/project/.gitignore",
        "pipespec/templates/project/sql/customers.sql",
    } <= files
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


def test_source_distribution_holds_all_that_git_tracks(sdist):
    asked = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    answer = subprocess.run(asked, cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    if answer.returncode != 0:
        pytest.skip("this is no repository of git")
    tracked = {name for name in answer.stdout.split("\0") if name and (REPOSITORY / name).exists()}

    with tarfile.open(sdist) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}

    assert tracked <= packed
    assert packed - tracked == {"PKG-INFO"}


def test_wheel_made_of_the_source_distribution_is_the_same(sdist, wheel, tmp_path):
    again = built(tmp_path, "wheel", unpacked(sdist, tmp_path / "source"))

    assert files_of(again) == files_of(wheel)


def test_runtime_is_the_same_when_made_of_its_source_distribution(tmp_path):
    runtime = REPOSITORY / "runtime"
    sdist = built(tmp_path, "sdist", runtime)
    source = unpacked(sdist, tmp_path / "source")
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()

    first = built(tmp_path / "first", "wheel", runtime)
    second = built(tmp_path / "second", "wheel", source)

    assert files_of(second) == files_of(first)
    judged(sdist, first)


def judged(*files):
    done = subprocess.run(
        [sys.executable, "-m", "twine", "--no-color", "check", "--strict", *files],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASSED") == len(files)


def test_a_package_index_takes_and_shows_what_is_built(wheel, sdist):
    judged(wheel, sdist)


def test_readme_on_a_package_index_has_no_link_that_leads_nowhere(wheel):
    (metadata,) = [text for name, text in files_of(wheel).items() if name.endswith("METADATA")]
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    shown = metadata.decode().partition("\n# pipespec\n")[2]

    links = re.findall(r"\[([^]]+)\]\(([^)]+)\)", shown)
    assert links
    assert [target for _, target in links if not target.startswith("https://")] == []
    without = re.sub(r"\[([^]]+)\]\((?!https://)[^)]+\)", r"\1", readme)
    assert shown.rstrip() == without.partition("# pipespec\n")[2].rstrip()


def test_validate_needs_these_of_the_packages_that_pipespec_requires():
    stated = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = (REPOSITORY / "hooks/requirements.txt").read_text(encoding="utf-8").splitlines()[1:]

    assert [re.split(r"[>\[]", each)[0] for each in needed] == ["click", "jsonschema", "ruamel.yaml"]
    assert set(needed) <= set(stated["dependencies"])


SUMS = {
    "steps.py": "def numbers(count: int) -> list:\n    return list(range(count))\n",
    "pipeline.yaml": """\
pipespec: 1
name: sums
steps:
  numbers:
    call: steps:numbers
    params: {count: 3}
    outputs: {numbers: numbers.json}
""",
}


@pytest.fixture
def sums(tmp_path):
    folder = tmp_path / "sums"
    folder.mkdir()
    for name, text in SUMS.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def in_part(folder, wheel, part, sums):
    """Install as docs/install.md says, with the wheel in the place of the name; return what runs a command line."""
    text = (REPOSITORY / "docs/install.md").read_text(encoding="utf-8")
    commands = text.partition(f"<!-- install: {part} -->\n```sh\n")[2].partition("```")[0]
    venv.create(folder, with_pip=True)
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    variables |= {"PATH": f"{folder}/bin:{os.environ['PATH']}", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    command = commands.replace("--no-deps pipespec\n", f"--no-deps {wheel}\n")
    assert str(wheel) in command
    subprocess.run(["bash", "-ec", command], env=variables, check=True, capture_output=True, timeout=900)

    def run(line, code=0):
        done = subprocess.run(
            ["bash", "-c", line], cwd=sums, env=variables, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == code, f"{line}: {done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    return run


@pytest.mark.installs
def test_the_few_packages_that_look_at_pipelines(tmp_path, wheel, sums):
    run = in_part(tmp_path / "light", wheel, "light", sums)

    for line in [
        "pipespec validate",
        "pipespec validate --format sarif",
        "pipespec plan",
        "pipespec explain numbers",
        "pipespec status",
        "pipespec diff pipeline.yaml pipeline.yaml",
        "pipespec config",
        "pipespec schema",
        "pipespec schema --for pipeline.yaml",
        "pipespec render",
        "pipespec completion bash",
        "pipespec graph",
        "pipespec graph --format mermaid",
        "pipespec graph --format dot",
        "pipespec init made",
        "pipespec run --dry-run",
    ]:
        run(line)
    missing = [
        ("run", "luigi", "luigi<3.9,>=3.8.1"),
        ("graph --format html -o page.html", "jinja2", "jinja2>=3.1"),
        ("run --report page.html", "jinja2", "jinja2>=3.1"),
    ]
    for line, package, requirement in missing:
        assert run(f"pipespec {line}", 2).stderr == (
            f"error: this needs the package '{package}', which is not installed beside pipespec: "
            f"pip install '{requirement}'\n"
        )
    assert sorted(path.name for path in sums.iterdir() if path.suffix in (".db", ".html")) == []
    subprocess.run([sys.executable, "-m", "pipespec", "run", "-q"], cwd=sums, check=True, timeout=240)
    assert "1 reused" in run("pipespec run").stdout
    assert json.loads(run("pipespec get numbers.numbers -").stdout) == [0, 1, 2]
    run("pipespec logs numbers")


@pytest.mark.installs
def test_the_packages_that_run_pipelines_without_all_of_mlflow(tmp_path, wheel, sums):
    run = in_part(tmp_path / "run", wheel, "run", sums)

    assert "1 ran, 0 reused" in run("pipespec run --report page.html").stdout
    assert "the report could not" not in run("pipespec run --force numbers").stderr
    assert "1 reused" in run("pipespec run").stdout
    assert (sums / "page.html").stat().st_size > 10_000


@pytest.mark.installs
def test_the_hook_checks_pipelines_with_the_few_packages_that_this_needs(tmp_path, sdist, sums):
    hook = unpacked(sdist, tmp_path / "clone") / "hooks/validate"

    def run():
        return subprocess.run([hook, "."], cwd=sums, capture_output=True, text=True, timeout=600)

    sound = run()
    said = sound.stderr.splitlines()[-1]  # pip may have its say before, of the machine's settings
    assert (sound.returncode, said) == (0, "pipeline.yaml: no errors")
    (packages,) = hook.parent.glob(".venv/lib/python*/site-packages")
    assert not (packages / "mlflow").exists()
    assert sorted(path.name for path in hook.parent.iterdir()) == [".venv", "requirements.txt", "validate"]
    (sums / "steps.py").unlink()
    assert run().returncode == 1
