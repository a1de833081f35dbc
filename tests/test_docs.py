"""The documents are true: their commands run and print what they show, their links and paths lead somewhere.

In Markdown, a comment above a fenced block says what the block is for: `file: NAME` writes it into the project
of this document, `in: FOLDER` runs it there as a script, `top` and `steps` make it a part of a pipeline file,
`part of: NAME` a part of that one, `ci: NAME` is run by `.ci/run`, `install: NAME` by tests/test_packaging.py.
`needs: PACKAGE` leaves a document to those who have that package. A block `console` is run, line by line, where the
one before it ended; in what a command prints, `...` stands for anything, times and run ids are
anyone's. Each document has a folder of its own, with the repository's pipelines in it where it runs them. A shell finds
a `pipespec` that a warm server forks: how the command starts is shown by other tests.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import forwarded_command
import pytest
from warm_commands import PIPESPEC, WITH_LIBRARIES

REPOSITORY = Path(__file__).parents[1]
DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")])
BLOCK = re.compile(
    r"^(?:<!-- (?P<purpose>[^\n]*?) -->\n)?```(?P<language>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    language: str
    purpose: str
    body: str
    line: int


def blocks_of(document: Path) -> list[Block]:
    text = document.read_text(encoding="utf-8")
    return [
        Block(
            found["language"], found["purpose"] or "", found["body"], text.count("\n", 0, found.start("body"))
        )
        for found in BLOCK.finditer(text)
    ]


def name_of(document: Path) -> str:
    return document.relative_to(REPOSITORY).as_posix()


RUN = [
    document for document in DOCUMENTS if any(block.language == "console" for block in blocks_of(document))
]


@pytest.fixture(scope="session")
def pipespec_forked(tmp_path_factory):
    """The folder of a command that asks a warm server, in place of the one that is installed."""
    folder = tmp_path_factory.mktemp("bin")
    forwarded_command.install(folder / "pipespec")
    return folder


def needed_by(document):
    """Return the package that a document says it needs, if any; what few have is tried where all is installed."""
    found = re.search(r"^<!-- needs: (\w+) -->$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return found and found[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    "document",
    [pytest.param(each, marks=pytest.mark.installs) if needed_by(each) else each for each in RUN],
    ids=name_of,
)
def test_document_prints_what_it_shows(document, tmp_path, pipespec_forked, monkeypatch):
    if package := needed_by(document):
        pytest.importorskip(package, reason="needs the docs extra")
    text = document.read_text(encoding="utf-8")
    if re.search(r"^(import|from) (pandas|sklearn)|^\$ .*\bpipelines\b", text, re.MULTILINE):
        monkeypatch.setattr(PIPESPEC, "templates", WITH_LIBRARIES)
    if re.search(r"^\$ .*\bpipelines\b", text, re.MULTILINE):
        not_made = shutil.ignore_patterns("__pycache__", "*.db")
        shutil.copytree(REPOSITORY / "pipelines", tmp_path / "pipelines", ignore=not_made)
        (tmp_path / "pyproject.toml").write_text('[project]\nname = "examples"\nversion = "1.0"\n')
    current = tmp_path
    for block in blocks_of(document):
        where = f"{name_of(document)}:{block.line}"
        if block.purpose.startswith("file: "):
            file = tmp_path / block.purpose.removeprefix("file: ")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.body, encoding="utf-8")
        elif block.purpose.startswith("in: "):
            (tmp_path / "example.py").write_text(block.body, encoding="utf-8")
            folder = tmp_path / block.purpose.removeprefix("in: ")
            run_console(f"$ python {tmp_path / 'example.py'}\n...\n", folder, where, pipespec_forked)
        elif block.language == "console":
            current = run_console(block.body, current, where, pipespec_forked)


def run_console(body: str, folder: Path, where: str, commands_in: Path) -> Path:
    """Run each `$ command` and compare what it prints; it has to succeed, unless `$ echo $?` follows.

    Returns the folder that the commands ended in.
    """
    commands = [tuple(each.split("\n", 1)) for each in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]]
    assert commands, f"{where}: no command"
    printed = run_commands([command for command, _ in commands], folder, commands_in)
    for position, (command, expected) in enumerate(commands):
        output, code = printed[position]
        asked_for = position + 1 < len(commands) and commands[position + 1][0] == "echo $?"
        assert code == "0" or asked_for, f"{where}: {command!r} exited with {code}:\n{output}"
        assert is_shown(expected, output), f"{where}: {command!r} printed:\n{output}"
    return Path(printed[-1][0])


def run_commands(commands: list[str], folder: Path, commands_in: Path) -> list[tuple[str, str]]:
    """Return what each command prints, on both streams, and its exit code; the last one is a `pwd` of our own."""
    separator = "\x1e"
    ending = f"code=$?; printf '{separator}%s{separator}' $code; (exit $code)"
    variables, sockets = environment(), PIPESPEC.sockets()
    variables["PATH"] = f"{commands_in}{os.pathsep}{variables['PATH']}"
    variables[forwarded_command.VARIABLE] = " ".join(map(str, sockets))
    done = subprocess.run(
        ["bash", "-c", "".join(f"{command}\n{ending}\n" for command in [*commands, "pwd"])],
        cwd=folder,
        env=variables,
        pass_fds=sockets,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=280,
    )
    outputs, codes = done.stdout.split(separator)[0::2], done.stdout.split(separator)[1::2]
    return [(output.strip("\n"), code) for output, code in zip(outputs, codes, strict=False)]


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW", "PIPESPEC"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return kept | {"PATH": path, "MLFLOW_DISABLE_TELEMETRY": "true", "COLUMNS": "80"}


def is_shown(expected: str, printed: str) -> bool:
    """Tell whether `printed` is what is shown; times, run ids and the width of gaps are anyone's."""
    pieces = ["(?:.*\n)*" if line == "..." else re.escape(line) + "\n" for line in _constant(expected)]
    pattern = "".join(pieces).replace(re.escape("..."), ".*")
    return re.fullmatch(pattern, "\n".join(_constant(printed)) + "\n") is not None


def _constant(text: str) -> list[str]:
    text = re.sub(r"\b[0-9a-f]{32}\b|\b[0-9a-f]{8}\b", "RUN", text)
    text = re.sub(r"\bjust now\b", "0 s ago", text)
    text = re.sub(r"\b\d+(\.\d+)? (ms|s)\b", "SECONDS", text)
    return [re.sub(r"  +", "  ", line.rstrip()) for line in text.strip("\n").split("\n")]


def test_documents_are_run_at_all():
    assert {"README.md", "docs/tutorial.md"} <= set(map(name_of, RUN))
    assert sum(block.language == "console" for document in RUN for block in blocks_of(document)) >= 10


def test_what_is_shown_is_compared():
    """The comparison itself can fail."""
    for expected, printed, same in [
        ("a", "a", True),
        ("a", "b", False),
        ("a", "a\nb", False),
        ("a.b", "axb", False),
        ("a ... c", "a b c", True),
        ("a ... c", "a b d", False),
        ("a\n...\nc", "a\nb\nb\nc", True),
        ("a\n...\nc", "a\nc", True),
        ("a\n...\nc", "a\nb", False),
        ("a\n...", "a\nb\nc", True),
        ("a\n...", "b\nc", False),
        ("...", "a\nb", True),
        ("took 1.5 s", "took 12 s", True),
        ("took 1.5 s", "took 12 steps", False),
        ("3 s ago", "just now", True),
        (f"run {'0a' * 16}", f"run {'b1' * 16}", True),
        ("run  x", "run      x", True),
        ("10 ran", "9 ran", False),
    ]:
        assert is_shown(expected, printed) is same, (expected, printed)


def test_readme_has_the_two_commands_that_ci_runs():
    shell = [block for block in blocks_of(REPOSITORY / "README.md") if block.language == "sh"]
    ci = (REPOSITORY / ".ci/run").read_text(encoding="utf-8")

    assert [block.purpose for block in shell] == ["ci: run", "ci: test"]
    for block in shell:
        assert block.body.count("\n") == 1, "one line each"
        assert block.body.startswith("python3 -m venv .venv && .venv/bin/pip install ")
        assert f"run_readme {block.purpose.removeprefix('ci: ')}" in ci


WRITTEN_HERE = {"README.md", "docs/tutorial.md", "docs/language.md"}
FRAGMENTS = [
    pytest.param(block, id=f"{name_of(document)}:{block.line}")
    for document in DOCUMENTS
    for block in blocks_of(document)
    if block.language == "yaml" and (block.purpose or name_of(document) in WRITTEN_HERE)
]


@pytest.mark.parametrize("block", FRAGMENTS)
def test_yaml_in_a_document_has_the_shape_of_a_pipeline(block):
    from pipespec.document.yaml.yaml_reader import read
    from pipespec.spec.schema.document_schema import check_shape

    match block.purpose:
        case "steps":
            text = "pipespec: 1\nsteps:\n" + "".join(
                f"  {line}" for line in block.body.splitlines(keepends=True)
            )
        case "top":
            text = f"pipespec: 1\nsteps: {{a: {{call: 'a:b'}}}}\n{block.body}"
        case purpose if purpose.startswith(("file: ", "part of: ")):
            text = block.body if "pipespec: 1" in block.body else f"pipespec: 1\n{block.body}"
        case _:
            pytest.fail("say what this block is: file, part of, top or steps")

    assert [found.message for found in check_shape(read(text, file="block.yaml"))] == []


@pytest.mark.parametrize(
    "block", [each for each in FRAGMENTS if each.values[0].purpose.startswith("part of: ")]
)
def test_part_of_a_file_stands_in_that_file(block):
    file = REPOSITORY / block.purpose.removeprefix("part of: ")
    lines = iter(file.read_text(encoding="utf-8").splitlines())

    for line in block.body.splitlines():
        assert line in lines, line  # which goes on behind the line found before


GENERATED = """\
import importlib.util, json
spec = importlib.util.spec_from_file_location("generate", "docs/generate.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
schema = json.loads(open("schemas/pipeline.schema.json", "rb").read())
pages = {"keys": module.keys_page(schema), "cli": module.cli_page(), "python": module.python_page()}
print(json.dumps(pages))
"""


@pytest.fixture(scope="module")
def generated():
    """The pages as a new process makes them: help tells of what the process has loaded and read."""
    done = subprocess.run(
        [sys.executable, "-c", GENERATED],
        cwd=REPOSITORY,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("page", ["keys", "cli", "python"])
def test_page_is_what_schema_help_and_docstrings_say(generated, page):
    assert (REPOSITORY / f"docs/{page}.md").read_text(encoding="utf-8") == generated[page]


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(document):
    text = BLOCK.sub("", document.read_text(encoding="utf-8"))
    targets = [target for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target]

    for target in targets:
        path, _, heading = target.partition("#")
        file = document.parent / path if path else document
        assert file.exists(), target
        assert not heading or heading in headings_of(file), target


def headings_of(file: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings."""
    titles = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_architecture_names_files_and_folders_that_exist():
    text = BLOCK.sub("", (REPOSITORY / "ARCHITECTURE.md").read_text(encoding="utf-8"))
    named = [
        name for name in re.findall(r"`([^`\s]+)`", text) if re.search(r"/|\.(py|md|yaml|json|toml)$", name)
    ]
    bases = (REPOSITORY, REPOSITORY / "src/pipespec")

    assert len(named) > 20
    assert [name for name in named if not any((base / name).exists() for base in bases)] == []


def test_architecture_names_every_stage():
    text = (REPOSITORY / "ARCHITECTURE.md").read_text(encoding="utf-8")
    stages = [
        path.name for path in (REPOSITORY / "src/pipespec").iterdir() if (path / "__init__.py").exists()
    ]

    assert [stage for stage in stages if f"`{stage}/`" not in text] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_documents_name_verbs_that_exist(document):
    from pipespec.cli import VERBS

    text = document.read_text(encoding="utf-8")
    named = set(re.findall(r"(?:`|\$ |bin/)pipespec ([a-z]+)", text))

    assert named - set(VERBS) == set()


def test_changelog_tells_of_this_version():
    from pipespec import __version__

    text = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")

    assert re.search(rf"^## \[{re.escape(__version__)}\]|^## \[Unreleased\]", text, re.MULTILINE)
