"""The distribution `pipespec-runtime`: made of pipespec's own modules, whole, and light."""

from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from email.parser import Parser
from importlib.metadata import version

import pytest


@pytest.fixture
def unpacked(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    return tmp_path / "site"


def imported(tree):
    """Return the modules that a file imports, but for those that only a type checker follows."""
    waiting, found = [tree], set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.ImportFrom):
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        waiting += ast.iter_child_nodes(node)
    return found


def test_it_needs_luigi_and_mlflow_and_is_of_the_same_version(unpacked):
    (metadata,) = unpacked.glob("*.dist-info/METADATA")
    stated = Parser().parsestr(metadata.read_text(encoding="utf-8"))
    needed = [each for each in stated.get_all("Requires-Dist") if "extra ==" not in each]

    assert stated["Name"] == "pipespec-runtime"
    assert stated["Version"] == version("pipespec")
    assert sorted(each.split("<")[0].split(">")[0] for each in needed) == ["luigi", "mlflow"]


def test_it_holds_all_that_it_imports_and_nothing_of_the_compiler(unpacked):
    package = unpacked / "pipespec_runtime"
    modules = {
        ".".join(path.relative_to(unpacked).with_suffix("").parts).removesuffix(".__init__"): path
        for path in package.rglob("*.py")
    }
    named = {name for path in modules.values() for name in imported(ast.parse(path.read_text("utf-8")))}

    assert {name for name in named if name.partition(".")[0] == "pipespec"} == set()
    assert {name for name in named if name.partition(".")[0] == "pipespec_runtime"} <= modules.keys()
    outside = {name.partition(".")[0] for name in named} - set(sys.stdlib_module_names) - {"pipespec_runtime"}
    of_jsonschema = {"jsonschema", "jsonschema_specifications", "referencing"}
    assert outside == {
        "boto3",
        "botocore",
        "certifi",
        "fsspec",
        "luigi",
        "mlflow",
        "pandas",
        "ruamel",
        "sqlalchemy",
        *of_jsonschema,
    }, "certifi, pandas and sqlalchemy come with mlflow; those of extras are imported where they are used"
    stages = {name.split(".")[1] for name in modules if "." in name}
    assert {"runtime", "engine", "tracking", "step", "plan"} <= stages
    assert stages.isdisjoint({"cli", "api", "templates"})
    assert not any(name.startswith("pipespec_runtime.spec.build") for name in modules)


@pytest.mark.slow
def test_beside_pipespec_a_module_takes_the_runtime_and_they_share_records(made, unpacked):
    made.render()
    beside = {"PYTHONPATH": str(unpacked)}
    done = subprocess.run(
        [sys.executable, "-c", "import made, pipespec; print(made.runtime.__name__, pipespec.__name__)"],
        cwd=made.project.folder,
        env=made.project.environment(**beside),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert done.stdout == "pipespec_runtime.runtime pipespec\n"
    assert made.executed(**beside) == ["numbers", "squares", "total"]
    assert made.project.ran(**beside) == set()
    assert made.executed() == [], "without it the module takes pipespec"
