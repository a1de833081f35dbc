"""Pipelines that a soak runs, in project folders of its own: a small one, and the news example.

Takes a folder and gives it the files; each function that a step calls is wrapped so that its executions are noted (`noted.py`).
A round differs from the last in one param, so that everything is to be done again.
"""

import ast
import datetime as dt
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "pipelines"

STEPS = '''
import random
import time


def dawdle(*seed) -> random.Random:
    """Take a moment that the seed decides, as what follows."""
    chance = random.Random(repr(seed))
    time.sleep(chance.uniform(0.3, 1.5))
    return chance


def numbers(count: int, round: int) -> list:
    chance = dawdle("numbers", round)
    return [chance.randrange(1000) for _ in range(count)]


def part(numbers: list, part: int, folder) -> dict:
    chance = dawdle("part", part, *numbers)
    for name in ("a.bin", "b/c.bin"):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(chance.randbytes(300_000))
    return {"sum": sum(numbers[part::4]), "draw": chance.random()}


def most(numbers: list) -> dict:
    dawdle("most", *numbers)
    return {"most": max(numbers)}


def table(sums: list) -> list:
    dawdle("table", *(each["sum"] for _, each in sums))
    return [{"part": place, "sum": each["sum"]} for place, each in sums]


def total(rows: list, most: dict) -> dict:
    dawdle("total", len(rows))
    return {"total": sum(row["sum"] for row in rows), "most": most["most"]}
'''

PIPELINE = """\
pipespec: 1
name: soak
params: {round: 0}
steps:
  numbers:
    call: steps:numbers
    params: {count: 40, round: "${params.round}"}
    outputs: {numbers: numbers.json}
  part:
    call: steps:part
    inputs: {numbers: numbers}
    matrix: {part: [0, 1, 2, 3]}
    outputs: {folder: folder/, sums: sums.json}
    metrics: sums
    retry: {times: 1}
  most:
    call: steps:most
    inputs: {numbers: numbers}
    outputs: {most: most.json}
  table:
    call: steps:table
    inputs: {sums: "part[*].sums"}
    outputs: {rows: rows.json}
  total:
    call: steps:total
    inputs: {rows: table, most: most}
    outputs: {total: total.json}
    metrics: total
"""


@dataclass(frozen=True)
class SoakPipeline:
    file: str

    def make(self, folder: Path) -> None:
        """Write a project whose steps note their executions."""
        folder.mkdir(parents=True)
        (folder / "pyproject.toml").touch()
        shutil.copy(HERE / "noted.py", folder)
        self._write(folder)
        calls = re.findall(r"call: ([\w.]+):(\w+)", (folder / self.file).read_text())
        for module in {module for module, _ in calls}:
            source = folder / (module.replace(".", "/") + ".py")
            called = {function for where, function in calls if where == module}
            source.write_text(with_notes(source.read_text(), called))

    def _write(self, folder: Path) -> None:
        raise NotImplementedError

    def settings(self, number: int) -> list[str]:
        """What a round sets, as options."""
        raise NotImplementedError


class Small(SoakPipeline):
    def _write(self, folder: Path) -> None:
        (folder / "steps.py").write_text(STEPS)
        (folder / self.file).write_text(PIPELINE)

    def settings(self, number: int) -> list[str]:
        return ["--set", f"params.round={number}"]


class News(SoakPipeline):
    def _write(self, folder: Path) -> None:
        shutil.copy(EXAMPLES / self.file, folder)
        shutil.copytree(EXAMPLES / "news", folder / "news", ignore=shutil.ignore_patterns("__pycache__"))

    def settings(self, number: int) -> list[str]:
        # The first may leave the articles as they are, and all that is made of them; the second does the rest anew.
        since = dt.date(2021, 10, 1) + dt.timedelta(days=number)
        return ["--set", f"params.since={since}", "--set", f"params.seed={number}"]


PIPELINES = {"small": Small("pipeline.yaml"), "news": News("news.yaml")}


def with_notes(source: str, functions: set[str]) -> str:
    """Let functions of a module note when they begin and end."""
    tree = ast.parse(source)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name in functions:
            wrapped = ast.parse(f"with noted.execution({node.name!r}, dict(locals())):\n    pass").body[0]
            assert isinstance(wrapped, ast.With)
            wrapped.body, node.body = node.body, [wrapped]
    place = next(i for i, node in enumerate(tree.body) if not _stands_first(node))
    tree.body.insert(place, ast.parse("import noted").body[0])
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def _stands_first(node: ast.stmt) -> bool:
    is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return is_docstring or (isinstance(node, ast.ImportFrom) and node.module == "__future__")
