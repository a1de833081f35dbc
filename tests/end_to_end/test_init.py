"""`pipespec init`: projects of all templates that run, and folders in which there is something already."""

import json
import os
import resource
import shlex
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from warm_commands import COMMAND

STEPS = {
    "minimal": {"measurements", "curve", "evaluation"},
    "sklearn": {"samples", "split", "model", "evaluation"},
    "sweep": {
        "measurements",
        "curve[degree=1,penalty=0]",
        "curve[degree=3,penalty=0]",
        "curve[degree=3,penalty=1]",
        "curve[degree=5,penalty=0]",
        "curve[degree=5,penalty=1]",
        "best",
    },
    "sql": {"database", "customers", "summary"},
}
FILES = {"minimal": [], "sklearn": [], "sweep": [], "sql": ["customers.sql"]}
NEXT = (
    "  pipespec run pipeline.yaml\n"
    "  pipespec status pipeline.yaml\n"
    "  pipespec ui pipeline.yaml\n"
    "the last one prints the address of the runs in MLflow's pages\n"
)
BESIDE = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
PYTHON = f"Python {'.'.join(map(str, sys.version_info[:3]))}: {sys.executable}\n"
IGNORED = [".env", ".pipespec/", "__pycache__/", "mlartifacts/", "mlflow.db*", "mlruns/"]


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def here(project_at, tmp_path):
    """A folder with nothing in it, which is no project."""
    folder = tmp_path / "here"
    folder.mkdir()
    return project_at(folder)


@pytest.mark.slow
@pytest.mark.parametrize("template", STEPS)
def test_a_template_makes_a_project_that_is_sound_runs_and_then_has_nothing_to_do(here, template):
    made = here.pipespec("init", "demo", "--template", template)
    files = sorted([".gitignore", "README.md", "pipeline.yaml", "steps.py", *FILES[template]])

    assert (made.code, made.out.splitlines()) == (0, [f"demo/{name}" for name in files])
    demo = type(here)(here.folder / "demo")
    checked = demo.pipespec("validate", "pipeline.yaml")
    assert (checked.code, checked.out, checked.err) == (0, "", "pipeline.yaml: no errors\n")
    assert demo.run() == dict.fromkeys(STEPS[template], "ran")
    assert demo.run() == dict.fromkeys(STEPS[template], "reused")
    shown = [
        line.split("#")[0]
        for line in contents(demo.folder)["README.md"].decode().splitlines()
        if "    pipe" in line
    ]
    assert len(shown) == 5
    for command in shown[2:]:
        said = demo.pipespec(*shlex.split(command)[1:])
        assert said.code == 0, said.err
    ruff = [sys.executable, "-m", "ruff"]
    rules = ["--select", "ALL", "--ignore", "CPY,D203,D213,COM812,INP001,TC"]
    for judged in (["check", "--isolated", *rules], ["format", "--isolated", "--check"]):
        done = subprocess.run([*ruff, *judged, demo.folder], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout


def test_what_to_type_next_is_told_with_the_interpreter(here):
    said = here.pipespec("init", "my demo", PATH=BESIDE)

    assert said.err == (f"{PYTHON}next:\n  cd 'my demo'\n{NEXT}")


def test_programs_that_a_shell_does_not_find_are_told_by_their_paths(here):
    said = here.pipespec("init", PATH="/usr/bin:/bin")

    bin_folder = Path(sys.executable).parent
    for verb in ("run", "status", "ui"):
        assert f"  {bin_folder}/pipespec {verb} pipeline.yaml\n" in said.err


def test_a_fresh_clone_keeps_what_it_has_and_gitignore_gets_what_it_lacks(here):
    subprocess.run(["git", "init", "-q"], cwd=here.folder, check=True)
    here.write("README.md", "# Mine\n")
    here.write("LICENSE", "MIT\n")
    here.write(".gitignore", "*.pyc\n__pycache__\n/.pipespec")

    said = here.pipespec("init", PATH=BESIDE)

    assert (said.code, said.out) == (0, "pipeline.yaml\nsteps.py\n")
    assert said.err == (
        "README.md was there and is unchanged\n"
        ".gitignore was there; added: mlflow.db*, mlartifacts/, mlruns/, .env\n"
        f"{PYTHON}next:\n{NEXT}"
    )
    assert here.folder.joinpath("README.md").read_text() == "# Mine\n"
    assert here.folder.joinpath("LICENSE").read_text() == "MIT\n"
    assert here.folder.joinpath(".gitignore").read_text() == (
        "*.pyc\n__pycache__\n/.pipespec\n\n"
        "# The records of all runs, and their outputs.\nmlflow.db*\nmlartifacts/\nmlruns/\n"
        "# Variables for runs, which may be secrets.\n.env\n"
    )


def test_lines_that_are_added_end_as_those_that_are_there(here):
    here.write(".gitignore", "").write_bytes(b"*.pyc\r\n")

    here.pipespec("init")

    added = here.folder.joinpath(".gitignore").read_bytes().removeprefix(b"*.pyc\r\n\r\n")
    assert sorted(line for line in added.decode().split("\r\n") if line[:1] not in ("", "#")) == IGNORED


def test_a_gitignore_that_has_all_is_not_touched(here):
    text = "\n".join(IGNORED)
    here.write(".gitignore", text)

    said = here.pipespec("init")

    assert ".gitignore" not in said.err + said.out
    assert here.folder.joinpath(".gitignore").read_text() == text


@pytest.mark.parametrize("name", ["readme.rst", "README", "Readme.txt"])
def test_a_readme_of_any_format_is_kept_alone(here, name):
    here.write(name, "Mine")

    said = here.pipespec("init")

    assert said.out == ".gitignore\npipeline.yaml\nsteps.py\n"
    assert said.err.startswith(f"{name} was there and is unchanged\n")


def test_below_a_project_what_is_recorded_at_its_root_is_ignored_there(here):
    here.write("pyproject.toml", '[project]\nname = "big"\n')

    said = here.pipespec("init", "trials/first", PATH=BESIDE)

    assert said.out.splitlines() == [
        ".gitignore",
        "trials/first/README.md",
        "trials/first/pipeline.yaml",
        "trials/first/steps.py",
    ]
    assert said.err == f"{PYTHON}next:\n  cd trials/first\n{NEXT}"


@pytest.mark.servers
@pytest.mark.parametrize("root", [".", "trials"])
def test_the_commands_that_are_told_show_the_runs_from_where_they_are_typed(here, root):
    here.write(f"{root}/pyproject.toml", '[project]\nname = "big"\n')
    typed = here.pipespec("init", "trials/first", PATH=BESIDE).err.partition("next:\n")[2].splitlines()
    commands = [shlex.split(line) for line in typed if line.startswith("  pipespec")]
    demo = type(here)(here.folder / "trials/first")
    assert demo.pipespec(*commands[0][1:]).code == 0

    shown = demo.start(*commands[-1][1:])
    try:
        base, _, page = shown.stdout.readline().strip().partition("/#/experiments/")
        experiment = page.partition("?")[0]
        found = f"{base}/ajax-api/2.0/mlflow/experiments/get?experiment_id={experiment}"
        with urllib.request.urlopen(found, timeout=60) as told:
            assert json.load(told)["experiment"]["name"] == "first"
    finally:
        shown.send_signal(signal.SIGINT)
        assert shown.wait(60) == 0


def test_all_files_in_the_way_are_named_and_nothing_is_made(here):
    here.write("customers.sql", "SELECT 1")
    here.folder.joinpath("steps.py").symlink_to("nowhere")
    before = sorted(here.folder.iterdir())

    said = here.pipespec("init", "--template", "sql")

    way = "init does not overwrite files; choose another folder: pipespec init FOLDER"
    assert (said.code, said.out) == (2, "")
    assert said.err == f"error: 'customers.sql', 'steps.py' are here already, and {way}\n"
    assert sorted(here.folder.iterdir()) == before


def test_a_second_time_is_refused_and_changes_nothing(here):
    here.pipespec("init", "demo")
    before = contents(here.folder)

    said = here.pipespec("init", "demo")

    way = "init does not overwrite files; choose another folder: pipespec init FOLDER"
    assert said.code == 2
    assert said.err == f"error: 'pipeline.yaml', 'steps.py' are in 'demo' already, and {way}\n"
    assert contents(here.folder) == before


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("sklern", "did you mean 'sklearn'?"),
        ("SQL", "there are: minimal, sklearn, sweep, sql"),
        ("../page", "there are: minimal, sklearn, sweep, sql"),
        ("", "there are: minimal, sklearn, sweep, sql"),
    ],
)
def test_a_template_that_there_is_not_leads_to_those_that_there_are(here, name, way):
    said = here.pipespec("init", "demo", "--template", name)

    assert (said.code, said.out, said.err) == (2, "", f"error: there is no template '{name}'; {way}\n")
    assert list(here.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("note.txt", "'note.txt' is no folder"),
        ("note.txt/demo", "'note.txt/demo' cannot be written: Not a directory; nothing was made"),
        ("/proc/demo", "'/proc/demo' cannot be written: No such file or directory; nothing was made"),
    ],
)
def test_a_place_that_can_be_no_folder_is_named(here, folder, message):
    here.write("note.txt", "mine")

    said = here.pipespec("init", folder)

    assert (said.code, said.out, said.err) == (2, "", f"error: {message}\n")
    assert contents(here.folder) == {"note.txt": b"mine"}


def started(folder, *args, before=(), **options):
    command = [*before, COMMAND, *args]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, **options)


def test_a_folder_that_may_not_be_written_to_is_named(here):
    as_anyone = ["setpriv", "--bounding-set", "-dac_override"] if os.geteuid() == 0 else []
    here.folder.chmod(0o555)

    inside = started(here.folder, "init", before=as_anyone)
    below = started(here.folder, "init", "demo", before=as_anyone)

    refused = "cannot be written: Permission denied; nothing was made\n"
    assert (inside.returncode, inside.stdout, inside.stderr) == (2, "", f"error: 'README.md' {refused}")
    assert (below.returncode, below.stdout, below.stderr) == (2, "", f"error: 'demo' {refused}")
    assert list(here.folder.iterdir()) == []


@pytest.mark.parametrize("most", [600, 4050])
def test_on_a_full_disk_all_that_was_made_is_removed_and_gitignore_is_as_it_was(here, most):
    here.write("pyproject.toml", "")
    ignored = "# " + "x" * 4000 + "\n"
    here.write(".gitignore", ignored)

    said = started(
        here.folder,
        "init",
        "one/two",
        "--template",
        "sklearn",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
    )

    assert said.returncode == 2
    assert said.stderr.endswith(" cannot be written: File too large; nothing was made\n")
    assert (".gitignore' cannot" in said.stderr) == (most > len(ignored))
    assert contents(here.folder) == {".gitignore": ignored.encode(), "pyproject.toml": b""}
    assert not (here.folder / "one").exists()


def test_python_gets_what_was_made(tmp_path, monkeypatch):
    import pipespec

    monkeypatch.chdir(tmp_path)

    made = pipespec.init("demo", template="sql")

    names = (".gitignore", "README.md", "customers.sql", "pipeline.yaml", "steps.py")
    assert made.files == tuple(Path("demo", name) for name in names)
    assert (made.pipeline, made.kept) == (Path("demo/pipeline.yaml"), None)
    assert pipespec.load(made.pipeline).spec.name == "demo"
