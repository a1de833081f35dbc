"""What tests share: a project in a folder of its own, driven by the installed command as a user would."""

import html
import importlib.util
import itertools
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from process_groups import process_group
from warm_commands import COMMAND, PIPESPEC, TEMPLATES, WITH_LIBRARIES
from warm_templates import divert

from pipespec.document.nodes import Entry, MappingNode, ScalarNode, SequenceNode
from pipespec.engine.processes import step_processes
from pipespec.errors import Span

pytest_plugins = ["services"]

# Properties are judged by what holds, never by a clock; in CI they are tried on the same examples each time.
settings.register_profile(
    "steady",
    deadline=None,
    derandomize="CI" in os.environ,
    max_examples=int(os.environ.get("PIPESPEC_EXAMPLES", "100")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("steady")

# A developer's own store, experiments and buckets are no business of tests, whichever process they look from.
for name in [name for name in os.environ if name.startswith(("MLFLOW_", "AWS_"))]:
    del os.environ[name]
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
# MLflow makes an empty store once for all tests, and leaves the user's own cache alone.
os.environ["XDG_CACHE_HOME"] = str(Path(tempfile.gettempdir(), f"pipespec-tests-{os.getuid()}"))

REPOSITORY = Path(__file__).parents[1]
LIMIT = 180.0

STEPS = '''
"""Three small steps: numbers -> squares -> total."""

from words import shout


def numbers(count: int) -> list:
    return list(range(count))


def squares(numbers: list, power: int = 2) -> list:
    return [number**power for number in numbers]


def total(squares: list, name: str) -> dict:
    print("adding up", len(squares))
    return {"name": shout(name), "total": sum(squares)}
'''

WORDS = """
def shout(text: str) -> str:
    return text.upper()


def whisper(text: str) -> str:
    return text.lower()
"""

PIPELINE = """\
pipespec: 1
name: sums
params: {count: 5}
steps:
  numbers:
    call: steps:numbers
    params: {count: "${params.count}"}
    outputs: {numbers: numbers.json}
  squares:
    call: steps:squares
    inputs: {numbers: numbers}
    outputs: {squares: squares.json}
  total:
    call: steps:total
    inputs: {squares: squares.squares}
    params: {name: all}
    outputs: {total: total.json}
    metrics: total
"""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give tests to processes by `process_group`; groups with many tests start first."""
    if config.getvalue("dist") != "loadscope":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return process_group(nodeid)

    return Groups(config, log)


# What starts the tests may let signals be ignored, as `nohup` does and a shell for what it runs in the background; children inherit that.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)

OF_A_TERMINAL = ("COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR")
"""Variables that a command is given by a test, and not by where the tests run."""


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


class Project:
    """A folder with a pipeline; `pipespec` runs the installed command in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def copied_to(self, folder: Path) -> "Project":
        """Return a copy that a test may change, of a project that tests share; its runs stay valid."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Project(folder)

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        self.write(name, text.replace(old, new))

    def environment(self, **extra: str) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("MLFLOW_", "PIPESPEC_")) and name not in OF_A_TERMINAL
        }
        return {**kept, "MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONDONTWRITEBYTECODE": "1", **extra}

    def start(self, *args: str, cwd: Path | None = None, **extra: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [COMMAND, *args],
            cwd=cwd or self.folder,
            env=self.environment(**extra),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def pipespec(self, *args: str, cwd: Path | None = None, **extra: str) -> Answer:
        done = PIPESPEC.run(args, cwd=cwd or self.folder, env=self.environment(**extra), timeout=LIMIT)
        return Answer(done.returncode, done.stdout, done.stderr)

    def run(self, *args: str, file: str = "pipeline.yaml", **extra: str) -> dict[str, str]:
        """Run and return each step's state; the run must succeed."""
        answer = self.pipespec("run", file, "--format", "json", *args, **extra)
        assert answer.code == 0, answer.err
        return {step["step"]: step["state"] for step in answer.json["steps"]}

    def ran(self, *args: str, file: str = "pipeline.yaml", **extra: str) -> set[str]:
        """Run and return the steps that were executed."""
        return {step for step, state in self.run(*args, file=file, **extra).items() if state == "ran"}

    def planned(self, file: str = "pipeline.yaml", *args: str) -> dict[str, str]:
        answer = self.pipespec("plan", file, "--format", "json", *args)
        assert answer.code == 0, answer.err
        return {step["step"]: step["action"] for step in answer.json["steps"]}

    def query(self, statement: str, *values: object) -> list[tuple]:
        """Ask MLflow's database itself, not through any code of ours."""
        with sqlite3.connect(self.folder / "mlflow.db") as database:
            rows = database.execute(statement, values).fetchall()
        database.close()
        return rows


@pytest.fixture(scope="session")
def make():
    """The small pipelines of the planning tests."""
    found = importlib.util.spec_from_file_location("makers", Path(__file__).parent / "plan" / "conftest.py")
    makers = importlib.util.module_from_spec(found)
    sys.modules["makers"] = makers  # dataclasses look their module up
    found.loader.exec_module(makers)
    return makers.makers()


def _tree(value, file="pipeline.yaml", _lines=None):
    lines = itertools.count(1) if _lines is None else _lines

    def span():
        line = next(lines)
        return Span(file, line, 1, line, 9)

    if isinstance(value, dict):
        entries = {key: Entry(span(), _tree(below, file, lines)) for key, below in value.items()}
        here = next(iter(entries.values())).key_span if entries else span()
        return MappingNode(entries, here)
    if isinstance(value, list):
        here = span()
        return SequenceNode(tuple(_tree(item, file, lines) for item in value), here)
    return ScalarNode(value, span())


@pytest.fixture(scope="session")
def tree():
    """Make nodes of a plain value: every key and scalar on a line of its own, in order."""
    return _tree


@pytest.fixture(scope="session")
def project_at():
    """Make a `Project` of a folder, for tests that copy one which was run once."""
    return Project


@pytest.fixture(scope="session")
def new_project_at():
    """Make a folder with an empty project."""
    return new_project


def new_project(folder: Path) -> Project:
    folder.mkdir()
    project = Project(folder)
    project.write("pyproject.toml", '[project]\nname = "trial"\nversion = "0.1.0"\n')
    return project


def with_three_steps(project: Project) -> Project:
    """`sums`: three steps in a row, of which the last calls a helper in another module."""
    project.write("steps.py", STEPS)
    project.write("words.py", WORDS)
    project.write("pipeline.yaml", PIPELINE)
    return project


@pytest.fixture(scope="module")
def forked_templates():
    """Make what runs in this process fork the templates of its steps, for the tests of a module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(step_processes, "subprocess", divert(TEMPLATES.control))
        yield


@pytest.fixture(scope="module")
def libraries_loaded():
    """Let steps of commands begin with the libraries of the examples, for the tests of a module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PIPESPEC, "templates", WITH_LIBRARIES)
        yield


@pytest.fixture
def empty_project(tmp_path) -> Project:
    return new_project(tmp_path / "project")


@pytest.fixture
def project(empty_project) -> Project:
    """`sums`, to be run and changed."""
    return with_three_steps(empty_project)


@pytest.fixture
def own_project(project) -> Project:
    """`sums` under a name and with functions that no records know, for stores that tests share."""
    own = f"own_{uuid.uuid4().hex[:12]}"
    (project.folder / "steps.py").rename(project.folder / f"{own}.py")
    text = PIPELINE.replace("name: sums\n", f"name: {own}\n").replace("call: steps:", f"call: {own}:")
    project.write("pipeline.yaml", text)
    return project


@pytest.fixture(scope="session")
def complete_project(tmp_path_factory) -> Project:
    """`sums`, which ran once; only to be read, since tests share it."""
    project = with_three_steps(new_project(tmp_path_factory.mktemp("complete") / "project"))
    project.run()
    return project


@pytest.fixture
def news(empty_project) -> Project:
    """The news example, copied."""
    shutil.copy(REPOSITORY / "pipelines/news.yaml", empty_project.folder / "news.yaml")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "pipelines/news", empty_project.folder / "news", ignore=ignored)
    return empty_project


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of the corpora: `PIPESPEC_TEST_DATA`, or `shared/data` beside the repository."""
    folder = Path(os.environ.get("PIPESPEC_TEST_DATA") or REPOSITORY.parent / "shared/data")
    if not folder.is_dir():
        pytest.skip(f"the corpora are not here: {folder} (PIPESPEC_TEST_DATA names another folder)")
    return folder


@pytest.fixture(scope="session")
def words():
    """What a reader reads of a page, without what is drawn."""

    def read(page: str) -> str:
        body = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", page.partition("<body>")[2], flags=re.DOTALL)
        return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", body)))

    return read
