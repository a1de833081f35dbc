from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pipespec.operations.compiling.compile_file import compile_file
from pipespec.step.active_environment import other_environment, search_path
from pipespec.step.failure import summary


@pytest.mark.parametrize("variable", ["VIRTUAL_ENV", "CONDA_PREFIX"])
def test_another_active_environment_is_named_and_ones_own_is_not(variable, tmp_path):
    (tmp_path / "here").symlink_to(sys.prefix)

    assert other_environment({variable: sys.prefix}) == ""
    assert other_environment({variable: str(tmp_path / "here")}) == ""
    assert other_environment({variable: ""}) == ""
    assert other_environment({}) == ""
    assert (
        other_environment({variable: "/envs/other"}, "/envs/mine")
        == "pipespec runs in '/envs/mine', but the active environment is '/envs/other'"
    )


def test_programs_are_found_in_the_active_environment_or_else_in_ones_own():
    own = str(Path(sys.executable).parent)

    assert search_path({"PATH": "/bin"}, "/envs/mine") == f"{own}{os.pathsep}/bin"
    assert search_path({}, "/envs/mine") == f"{own}{os.pathsep}{os.defpath}"
    assert search_path({"PATH": "/bin", "VIRTUAL_ENV": "/envs/other"}, "/envs/mine") == "/bin"
    assert search_path({"PATH": "/bin", "CONDA_PREFIX": "/envs/other"}, "/envs/mine") == "/bin"
    assert search_path({"PATH": "/bin"}, sys.base_prefix) == "/bin"


@pytest.fixture
def other(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VIRTUAL_ENV", "/envs/other")
    return f"pipespec runs in '{sys.prefix}', but the active environment is '/envs/other'"


def test_what_runs_a_pipeline_names_it_where_a_module_is_missing_and_validate_asks_no_environment(
    other, tmp_path
):
    (tmp_path / "pipeline.yaml").write_text("pipespec: 1\nsteps:\n  a: {call: 'nowhere:f'}\n")

    (trusted,) = compile_file("pipeline.yaml", trusted=True).diagnostics
    (untrusted,) = compile_file("pipeline.yaml", trusted=False).diagnostics

    assert trusted.hint == f"{untrusted.hint}; {other}"
    assert "/envs" not in untrusted.hint


def test_a_step_that_fails_to_import_a_module_names_it(other):
    assert summary(ModuleNotFoundError("No module named 'x'")) == (
        f"ModuleNotFoundError: No module named 'x' ({other})"
    )
    assert summary(ValueError("x")) == "ValueError: x"
