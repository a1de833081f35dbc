"""Resolvers that installed packages bring, as a pipeline file sees them."""

import json
import subprocess
import sys

import pytest

PIPELINE = """\
pipespec: 1
name: asking
params:
  token: ${shout:a, b}
  inner: ${shout:${params.word}}
  word: quiet
  text: <${shout:x}>
steps:
  one: {call: "steps:one", params: {token: "${params.token}"}, outputs: {out: out.json}}
"""

SHOUT = """
def shout(argument: str) -> str:
    return argument.upper() + "!"
"""

ASK = """
import json, sys
from pipespec.operations.compiling.compile_file import compile_file
from pipespec.document.nodes import plain
compiled = compile_file("pipeline.yaml", trusted=sys.argv[1] == "trusted")
params = compiled.resolved.document.get("params")
print(json.dumps({
    "params": None if params is None else plain(params),
    "found": [f"{one.span}: {one.code}: {one.message} ({one.hint})" for one in compiled.diagnostics],
    "imported": "loud" in sys.modules,
}))
"""


def install(folder, body=SHOUT, module="loud", distribution="loud", names=("shout", "env")):
    """Make a package that is installed as far as Python can tell."""
    folder.mkdir(exist_ok=True)
    (folder / f"{module}.py").write_text(body)
    info = folder / f"{distribution}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    lines = "".join(f"{name} = {module}:shout\n" for name in names)
    (info / "entry_points.txt").write_text(f"[pipespec.resolvers]\n{lines}")


def ask(folder, trust="trusted", pipeline=PIPELINE, **environment):
    project = folder / "project"
    project.mkdir(exist_ok=True)
    (project / "pyproject.toml").write_text("[project]\nname = 'p'\n")
    (project / "steps.py").write_text("def one(token: str) -> dict:\n    return {}\n")
    (project / "pipeline.yaml").write_text(pipeline)
    done = subprocess.run(
        [sys.executable, "-P", "-c", ASK, trust],
        cwd=project,
        env={"PYTHONPATH": str(folder / "packages"), **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_a_package_answers_its_references(tmp_path):
    install(tmp_path / "packages")

    assert ask(tmp_path) == {
        "params": {"token": "A, B!", "inner": "QUIET!", "word": "quiet", "text": "<X!>"},
        "found": [],
        "imported": True,
    }


def test_a_file_that_is_not_trusted_imports_no_package(tmp_path):
    install(tmp_path / "packages", body="raise SystemExit('imported')")

    assert ask(tmp_path, "untrusted") == {
        "params": {
            "token": "${shout:a, b}",
            "inner": "${shout:${params.word}}",
            "word": "quiet",
            "text": "<${shout:x}>",
        },
        "found": [],
        "imported": False,
    }


def test_names_of_the_language_are_no_package_s(tmp_path):
    install(tmp_path / "packages")
    pipeline = PIPELINE.replace("${shout:a, b}", "${env:WORD, nothing}")

    assert ask(tmp_path, pipeline=pipeline, WORD="said")["params"]["token"] == "said"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            "def shout(argument):\n    raise LookupError(f'no {argument}\\nsecond line')\n",
            "resolver 'shout' of 'loud:shout' failed: LookupError: no a, b",
        ),
        (
            "import nothing_such",
            "resolver 'shout' of 'loud:shout' failed: ModuleNotFoundError: No module named 'nothing_such'",
        ),
        (
            "def shout(argument):\n    return 1\n",
            "resolver 'shout' of 'loud:shout' returned a value of type 'int'",
        ),
    ],
)
def test_a_failing_resolver_is_a_finding_at_its_place(tmp_path, body, message):
    install(tmp_path / "packages", body=body)

    assert ask(tmp_path)["found"][0] == f"pipeline.yaml:4:10: resolver-failed: {message} (None)"


def test_two_packages_with_one_name_are_refused(tmp_path):
    install(tmp_path / "packages")
    install(tmp_path / "packages", module="louder", distribution="louder")

    assert ask(tmp_path)["found"][0] == (
        "pipeline.yaml:4:10: resolver-failed: several packages define the resolver 'shout': 'loud', 'louder'"
        " (uninstall all but one)"
    )


@pytest.mark.parametrize("trust", ["trusted", "untrusted"])
def test_an_unknown_resolver_is_answered_with_the_nearest_installed(tmp_path, trust):
    install(tmp_path / "packages")
    pipeline = PIPELINE.replace("${shout:a, b}", "${shot:a}")

    assert ask(tmp_path, trust, pipeline)["found"] == [
        "pipeline.yaml:4:10: unknown-resolver: there is no resolver 'shot' (did you mean 'shout'?)"
    ]
