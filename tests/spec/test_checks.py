from __future__ import annotations

from pathlib import Path

import pytest

from pipespec.checks.check_meaning import CHECKS, check_meaning
from pipespec.errors import Severity
from pipespec.project.disk_modules import DiskModules
from pipespec.python.signature_reader import read_signature
from pipespec.spec.pipeline_spec import DirInput, FileInput, FilesInput

FUNCTIONS = """
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd


class Scores(NamedTuple):
    model: object
    scores: dict[str, float]


@dataclass
class Options:
    depth: int = 3


def make(query: str, table: Path, notes: list[Path], since: str = "2020-01-01") -> None: ...
def parts(table: pd.DataFrame, folder: Path | None, *, log) -> bytes | None: ...
def train(table: pd.DataFrame | None, depth: int, rate: float, options: Options | None = None) -> Scores: ...
def best(models: dict[str, Any], scores: list[tuple[dict, dict]], array: np.ndarray, raw: bytes) -> tuple: ...
def saved(value, path): ...
def loaded(path: Path): ...
def count(**params) -> int: ...
"""

PIPELINE = """
pipespec: 1
steps:
  make:
    call: functions:make
    inputs: {query: {file: q.sql}, notes: {files: "*.md"}}
    outputs: {table: table.parquet}
    identity: {probe: "functions:count", ignore: [since]}
    params: {since: 2021-10-01}
  parts:
    call: functions:parts
    inputs: {table: make, folder: {dir: data}}
    outputs: {folder_size: size.bin, log: log.weird}
  train:
    call: functions:train
    matrix: {depth: [4, 8], rate: [1, 0.5]}
    inputs: {table: make.table}
    params: {options: {depth: 3}}
    outputs: {model: model.joblib, scores: scores.json}
    metrics: scores
    checks: {accuracy: {min: 0.5}}
    identity: {ignore: [rate]}
  best:
    call: functions:best
    inputs:
      models: train[*].model
      scores: train[depth=4].scores
      array: {file: a.npy}
      raw: {from: parts.folder_size}
    needs: [make]
    outputs: {one: {file: one.xyz, save: "functions:saved"}, two: two.csv}
"""


@pytest.fixture
def checked(build, tmp_path):
    """Build and check a pipeline beside some functions: all that is found."""

    def check(text, functions="def make(): ...", **options):
        (tmp_path / "functions.py").write_text(functions)
        spec, found = build(text, root=tmp_path)
        modules = DiskModules(tmp_path)
        calls = {ref for step in spec.steps.values() for ref in step.callables}
        callables = {str(ref): read_signature(ref, spec.module_folders, modules) for ref in calls}
        return found, check_meaning(spec, callables, **options)

    return check


def test_a_sound_pipeline_of_many_kinds_finds_nothing(checked):
    assert checked(PIPELINE, FUNCTIONS, exists=lambda _: True) == ([], ())


def test_external_inputs_are_asked_for_once_each(checked, tmp_path):
    asked = []

    def exists(source):
        asked.append(source)
        return False

    _, found = checked(PIPELINE, FUNCTIONS, exists=exists)

    folder = tmp_path / "folder"
    declared = [
        FileInput(str(folder / "q.sql"), "q.sql"),
        FilesInput(str(folder / "*.md"), "*.md"),
        DirInput(str(folder / "data"), "data"),
        FileInput(str(folder / "a.npy"), "a.npy"),
    ]
    others = [  # whether what is missing is there as another kind
        DirInput(str(folder / "q.sql"), "q.sql"),
        DirInput(str(folder / "*.md"), "*.md"),
        FileInput(str(folder / "data"), "data"),
        DirInput(str(folder / "a.npy"), "a.npy"),
    ]
    assert asked == [one for pair in zip(declared, others, strict=True) for one in pair]
    assert [one.code for one in found] == ["missing-file"] * 4


def test_formats_of_installed_packages_are_known(checked):
    text = "pipespec: 1\nsteps:\n  a: {call: 'functions:make', outputs: {x: x.geojson}}"

    assert [one.code for one in checked(text)[1]] == ["unknown-format"]
    assert checked(text, suffixes={".geojson"})[1] == ()


def test_a_callable_that_nothing_is_known_of_is_left_alone(build):
    spec, _ = build("pipespec: 1\nsteps:\n  a: {call: 'nowhere:f', params: {x: 1}, outputs: {x: x.csv}}")

    assert check_meaning(spec, {}) == ()


def test_advice_is_no_error(checked):
    text = "pipespec: 1\nsteps:\n  a: {call: 'functions:make', outputs: {x: x.pkl}}"

    assert [one.severity for one in checked(text)[1]] == [Severity.ADVICE]


def test_many_variants_with_one_mistake_tell_it_once(checked):
    text = (
        "pipespec: 1\nsteps:\n"
        "  a: {call: 'functions:make', outputs: {x: x.csv}, matrix: {n: [1, 2, 3]}, params: {wrong: 1, at: /a/b}}"
    )
    _, found = checked(text, "def make(n, at: int): ...")

    assert [one.code for one in found] == ["unknown-argument", "absolute-path", "param-type"]


def test_a_deferred_axis_binds_its_argument(checked):
    text = """
pipespec: 1
steps:
  split: {call: "functions:split", outputs: {parts: parts.json}}
  each:
    call: functions:each
    matrix: {part: split.parts, n: [1]}
    params: {name: "${matrix.part}"}
    identity: {ignore: [name]}
"""
    functions = "def split() -> list: ...\ndef each(name: str, n: int): ..."

    assert checked(text, functions) == ([], ())
    assert [one.code for one in checked(text, "def split(): ...\ndef each(name): ...")[1]] == [
        "unknown-argument"
    ]


def test_cycles_are_told_once_for_each_circle_of_steps(checked):
    ring = "".join(
        f"  {name}{n}: {{call: 'functions:make', needs: [{name}{(n + 1) % 3}]}}\n"
        for name in "ab"
        for n in range(3)
    )
    _, found = checked("pipespec: 1\nsteps:\n" + ring)

    assert [(one.code, one.message.partition(": ")[2]) for one in found] == [
        ("cycle", "a0 -> a1 -> a2 -> a0"),
        ("cycle", "b0 -> b1 -> b2 -> b0"),
    ]


def test_each_check_says_what_it_is_about():
    assert all(check.__doc__ and check.__doc__.startswith(("Report ", "Advise ")) for check in CHECKS)


def test_checks_import_and_read_nothing(build, tmp_path):
    canary = tmp_path / "canary"
    spec, _ = build("pipespec: 1\nsteps:\n  a: {call: 'functions:make'}", root=tmp_path)
    (tmp_path / "functions.py").write_text(f"open({str(canary)!r}, 'w')\ndef make(): ...\n")

    ref = spec.steps["a"].call
    source = read_signature(ref, spec.module_folders, DiskModules(tmp_path))

    assert check_meaning(spec, {str(ref): source}) == ()
    assert not Path(canary).exists()
