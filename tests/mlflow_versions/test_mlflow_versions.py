"""The oldest and the newest MLflow that the package allows, and two between: each is written as its own client writes."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

HERE = Path(__file__).parent
VERSIONS = ("3.17.0", "3.17.1", "3.17.2", "3.18.0")

pytestmark = [pytest.mark.mlflow_versions, pytest.mark.slow]


def _trial():
    found = importlib.util.spec_from_file_location("try_version", HERE / "try_version.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.mark.parametrize("version", VERSIONS)
def test_a_version_is_written_as_its_own_client_writes(version, tmp_path):
    done = _trial().try_version(version, tmp_path / "environment")
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert re.search(r"^\d+ passed", done.stdout, re.MULTILINE)


def test_the_oldest_of_them_is_the_oldest_that_the_package_allows():
    project = tomllib.loads((HERE.parents[1] / "pyproject.toml").read_text())
    (required,) = [each for each in project["project"]["dependencies"] if each.startswith("mlflow")]
    assert required == f"mlflow>={VERSIONS[0].removesuffix('.0')},<4"
