"""One folder of `tests/golden/render` for each case: a pipeline, and the module that `render` writes of it, or refuses to.

A new case is a new folder with `pipeline.yaml`, what belongs to it, and options as lines of `options.txt`; where its name
begins with `refused`, what is expected is what is said. Run with `PIPESPEC_REWRITE_GOLDEN=1` to write what is expected
anew, then read the difference.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from warm_commands import PIPESPEC

REPOSITORY = Path(__file__).parents[2]
GOLDEN = REPOSITORY / "tests" / "golden" / "render"
CASES = sorted(path for path in GOLDEN.iterdir() if path.is_dir())
MODULES = sorted(GOLDEN.glob("*/expected.py"))


def rendered(case, folder, *more):
    """Return what `pipespec render` prints for a case, in a project of its own, and its exit code."""
    project = folder / "project"
    shutil.copytree(case, project)
    (project / "pyproject.toml").touch()
    options = project / "options.txt"
    given = options.read_text().splitlines() if options.exists() else []
    done = PIPESPEC.run(
        ["render", "pipeline.yaml", *given, *more],
        cwd=project,
        timeout=60,
        env={
            **{name: value for name, value in os.environ.items() if name != "COLUMNS"},  # as in a pipe
            **dict.fromkeys(("PLAIN", "USER", "PASSWORD", "ONE"), "canary"),
        },
    )
    return done.stdout or done.stderr, done.returncode


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_whole_module(case, tmp_path):
    is_refused = case.name.startswith("refused")
    expected = case / ("expected.txt" if is_refused else "expected.py")

    text, code = rendered(case, tmp_path)
    text = text.replace(str(tmp_path), "<tmp>")

    if os.environ.get("PIPESPEC_REWRITE_GOLDEN"):
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")
    assert code == (2 if is_refused else 0)
    assert "canary" not in text
    assert "hunter2" not in text or is_refused


@pytest.mark.parametrize("file", MODULES, ids=lambda file: file.parent.name)
def test_the_module_is_built_of_classes_and_calls_with_literals(file):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    kinds = {type(node) for node in ast.walk(tree)}
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}

    assert [type(node) for node in tree.body[:3]] == [ast.Expr, ast.Try, ast.Assign]
    assert {type(node) for node in tree.body[3:-1]} == {ast.ClassDef}
    assert kinds.isdisjoint({ast.JoinedStr, ast.BinOp, ast.Lambda, ast.Starred, ast.Subscript, ast.Import})
    assert called - classes <= {
        "PIPELINE.step",
        *(f"runtime.{name}" for name in ("Pipeline", "env", "every", "file", "files", "folder", "git")),
        *(f"runtime.{name}" for name in ("main", "output", "text")),
    }


def test_ruff_finds_nothing_to_format_and_nothing_to_say():
    ruff = [sys.executable, "-m", "ruff"]
    # Outside of this repository's settings: those of a user who has none.
    formatted = subprocess.run(
        [*ruff, "format", "--isolated", "--diff", *MODULES], capture_output=True, text=True, timeout=60
    )
    checked = subprocess.run(
        [*ruff, "check", "--isolated", *MODULES], capture_output=True, text=True, timeout=60
    )

    assert formatted.returncode == 0, formatted.stdout + formatted.stderr
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_module_is_the_same_from_any_folder_and_with_any_hash_seed(tmp_path):
    case = GOLDEN / "layers"
    project = tmp_path / "project"
    expected, _ = rendered(case, tmp_path)
    for seed, file in (("1", project / "pipeline.yaml"), ("2", Path("project/pipeline.yaml"))):
        folder = project.parent
        options = [
            "-f",
            str(project / "overlay.yaml"),
            "--set",
            "params.count=9",
            "--set",
            "steps.total.timeout=5s",
        ]
        done = subprocess.run(
            [sys.executable, "-m", "pipespec", "render", str(file), *options],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        assert done.stdout == expected, done.stderr


@pytest.mark.parametrize("name", ["plain", "environment", "layers"])
def test_yaml_is_the_document_that_config_prints_with_the_environment_as_written(name, tmp_path):
    text, code = rendered(GOLDEN / name, tmp_path, "--format", "yaml")
    options = tmp_path / "project/options.txt"
    given = options.read_text().splitlines() if options.exists() else []
    folder = tmp_path / "project"
    config = PIPESPEC.run(["config", "pipeline.yaml", *given], cwd=folder, timeout=60, env=os.environ)

    assert code == 0, text
    if name == "environment":
        assert 'tracking_uri: "${env:MLFLOW_TRACKING_URI, sqlite:///mlflow.db}"\n' in text
        assert "user:${secret:PASSWORD}@${env:HOST, localhost}" in text
        assert "canary" not in text
    else:
        assert text == config.stdout


@pytest.mark.parametrize(
    ("keys", "advice"),
    [
        ("", ""),
        ("notify: []", ""),
        ("notify: [{url: 'json://localhost', on: [failure]}]", "advice: 'notify' has no effect"),
        (
            "engine: {workers: 2, keep_going: true}",
            "advice: 'engine.workers', 'engine.keep_going' have no effect",
        ),
    ],
)
def test_what_has_no_effect_in_a_module_is_told_beside_it_and_in_it(tmp_path, keys, advice):
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "steps.py").write_text("def one() -> int:\n    return 1\n")
    (tmp_path / "pipeline.yaml").write_text(
        f"pipespec: 1\n{keys}\nsteps: {{one: {{call: 'steps:one', outputs: {{one: one.json}}}}}}\n"
    )
    done = PIPESPEC.run(["render", "pipeline.yaml"], cwd=tmp_path, timeout=60, env=dict(os.environ))

    assert (done.returncode, done.stderr[: len(advice)]) == (0, advice)
    assert bool(done.stderr) == ("have no effect here" in done.stdout) == bool(advice)
