"""Pipelines in a Python session: what is printed, what a notebook shows, what is raised. In a real kernel, too."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

import pipespec
from pipespec.errors import PipespecError

pytestmark = pytest.mark.usefixtures("forked_templates")


@pytest.fixture
def pipeline(project, monkeypatch):
    monkeypatch.chdir(project.folder)
    return pipespec.load("pipeline.yaml")


def constant(text):
    """Leave out what differs from run to run, and the width of gaps."""
    text = re.sub(r"\b[0-9a-f]{8}\b", "RUN", text)
    text = re.sub(r"\b\d+(\.\d+)? s\b", "SECONDS", text.replace("just now", "0 s ago"))
    return re.sub(r"  +", "  ", text).splitlines()


def cells(html):
    """Return the rows of the tables, each with the texts of its cells."""
    rows = re.findall(r"<tr>(.*?)</tr>", html)
    return [
        [re.sub(r"<.*?>", "", cell) for cell in re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row)] for row in rows
    ]


def test_a_pipeline_tells_its_steps(pipeline):
    assert repr(pipeline).splitlines() == [
        "Pipeline 'sums' (pipeline.yaml), 3 steps",
        "  numbers  steps:numbers",
        "  squares  steps:squares  <- numbers.numbers",
        "  total    steps:total    <- squares.squares",
    ]


def test_inputs_are_told_as_the_pipeline_writes_them(project, monkeypatch):
    monkeypatch.chdir(project.folder)
    project.write("more.py", "def fit(depth, text: str = ''): return {}\ndef judge(**_): return {}\n")
    project.write("data/a.csv", "a\n")
    project.write(
        "several.yaml",
        "pipespec: 1\n"
        "steps:\n"
        "  fit: {call: 'more:fit', matrix: {depth: [2, 4], text: [a, b c]}, outputs: {curve: c.json, parts: parts/}}\n"
        "  judge:\n"
        "    call: more:judge\n"
        "    inputs:\n"
        "      all: fit[*].curve\n"
        "      some: fit[depth=4].curve\n"
        "      one: 'fit[depth=4,text=\"b c\"].parts/x.csv'\n"
        "      file: {file: data/a.csv}\n"
        "      address: {file: 'https://me:secret@lab.test/a.csv'}\n"
        "      other: {pipeline: pipeline.yaml, output: total}\n"
        "    outputs: {j: j.json}\n",
    )
    pipeline = pipespec.load("several.yaml")
    read = (
        "fit[*].curve",
        "fit[depth=4].curve",
        'fit[depth=4,text="b c"].parts/x.csv',
        "data/a.csv",
        "https://me:***@lab.test/a.csv",
        "pipeline.yaml: total",
    )

    assert " ".join(repr(pipeline).split()).endswith(f" judge more:judge <- {', '.join(read)}")
    told = [line.partition(": ")[2] for line in repr(pipeline["judge"]).splitlines() if " input " in line]
    assert told == list(read)


def test_a_pipeline_is_a_collection_of_its_steps_as_the_file_has_them_now(project, pipeline):
    assert (list(pipeline), len(pipeline)) == (["numbers", "squares", "total"], 3)
    assert ("total" in pipeline, "totl" in pipeline) == (True, False)
    assert pipeline._ipython_key_completions_() == ["numbers", "squares", "total"]
    assert pipeline["total"]._ipython_key_completions_() == ["total"]

    project.write(
        "pipeline.yaml",
        (project.folder / "pipeline.yaml").read_text()
        + "  more: {call: 'steps:numbers', params: {count: 1}}\n",
    )

    assert list(pipeline) == ["numbers", "squares", "total", "more"]


def test_plans_runs_and_states_are_a_few_lines(pipeline):
    assert constant(repr(pipeline.plan())) == [
        "  run  numbers  it has no finished run yet",
        "  run  squares  it has no finished run yet",
        "  run  total  it has no finished run yet",
        "",
        "3 to run, 0 reused",
    ]
    assert constant(repr(pipeline.run())) == [
        "  ran  numbers  SECONDS",
        "  ran  squares  SECONDS",
        "  ran  total  SECONDS",
        "",
        "3 ran, 0 reused, 0 failed, 0 blocked in SECONDS",
    ]
    assert constant(repr(pipeline.status())) == [
        "  complete  numbers  RUN  SECONDS ago  SECONDS",
        "  complete  squares  RUN  SECONDS ago  SECONDS",
        "  complete  total  RUN  SECONDS ago  SECONDS  total=30",
        "",
        "3 complete",
    ]
    assert constant(repr(pipeline.explain("total")))[0] == "total: is reused"
    assert constant(repr(pipeline["total"])) == [
        "Step 'total' of pipeline 'sums': steps:total",
        "  input squares: squares.squares",
        "  param name: 'all'",
        "  outputs: total (total.json)",
    ]


def test_a_notebook_shows_tables(pipeline):
    assert cells(pipeline.plan()._repr_html_()) == [
        ["", "step", "why"],
        *(["run", step, "it has no finished run yet"] for step in ("numbers", "squares", "total")),
    ]
    report = pipeline.run()
    runs = [result.run_id[:8] for result in report.steps]
    assert [row[:2] + row[3:] for row in cells(report._repr_html_())] == [
        ["", "step", "run", ""],
        *(["ran", result.step, run, ""] for result, run in zip(report.steps, runs, strict=True)),
    ]
    assert [row[:3] + row[5:] for row in cells(pipeline.status()._repr_html_())] == [
        ["", "step", "run", "metrics"],
        ["complete", "numbers", runs[0], ""],
        ["complete", "squares", runs[1], ""],
        ["complete", "total", runs[2], "total=30"],
    ]


def test_a_notebook_shows_the_graph_as_a_picture_and_a_pipeline_with_its_states(pipeline):
    pytest.importorskip("py_mini_racer")
    assert "<svg" in pipeline.graph()._repr_html_()
    assert repr(pipeline.graph()).splitlines() == ["total", "└─ squares.squares", "   └─ numbers.numbers"]

    shown = pipeline._repr_html_()

    assert "<svg" in shown
    assert [row[:2] for row in cells(shown)[1:]] == [["missing", step] for step in pipeline]


def test_a_pipeline_is_shown_where_its_store_is_not_there(project, monkeypatch):
    monkeypatch.chdir(project.folder)
    project.edit(
        "pipeline.yaml", "name: sums\n", "name: sums\nmlflow: {tracking_uri: 'http://127.0.0.1:9'}\n"
    )

    shown = pipespec.load("pipeline.yaml")._repr_html_()

    assert cells(shown) == []
    assert "<b>sums</b>" in shown


def test_names_from_a_file_cannot_break_out_of_the_page(project, monkeypatch):
    monkeypatch.chdir(project.folder)
    project.edit("pipeline.yaml", "name: all", "name: '<script>alert(1)</script>'")
    project.edit("steps.py", 'print("adding up", len(squares))', "raise ValueError('<img src=x>' + name)")
    pipeline = pipespec.load("pipeline.yaml")

    shown = [
        pipeline,
        pipeline.run(check=False),
        pipeline.plan(),
        pipeline.status(),
        pipeline.explain("total"),
    ]

    for each in shown:
        assert "<script>" not in each._repr_html_()
        assert "<img" not in each._repr_html_()


def test_config_and_differences_are_shown_as_the_command_line_shows_them(project, pipeline):
    assert repr(pipeline.config()) == project.pipespec("config", "pipeline.yaml").out
    project.write(
        "other.yaml", (project.folder / "pipeline.yaml").read_text().replace("{count: 5}", "{count: 6}")
    )

    shown = repr(pipeline.diff("other.yaml"))

    assert shown == project.pipespec("diff", "other.yaml", "pipeline.yaml").out.rstrip("\n")


def test_a_run_that_fails_raises_with_the_traceback_of_the_step(project, pipeline):
    project.edit("steps.py", 'print("adding up", len(squares))', "raise ValueError('no sum')")

    with pytest.raises(pipespec.StepFailedError) as raised:
        pipeline.run()

    text = str(raised.value)
    assert "ValueError: no sum" in text
    assert re.search(r'steps.py", line \d+, in total\n', text)
    assert text.endswith("s")
    assert [result.state.value for result in raised.value.report.steps] == ["ran", "ran", "failed"]
    assert isinstance(raised.value, PipespecError)


def test_a_run_that_fails_returns_its_report_where_nobody_wants_it_checked(project, pipeline):
    project.edit("steps.py", 'print("adding up", len(squares))', "raise ValueError('no sum')")

    assert not pipeline.run(check=False).succeeded


def test_an_invalid_pipeline_tells_all_its_mistakes_as_the_command_line_does(project, pipeline):
    project.edit("pipeline.yaml", "call: steps:total", "cal: steps:total")
    project.edit("pipeline.yaml", "call: steps:squares", "call: steps:squars")

    with pytest.raises(pipespec.InvalidPipelineError) as raised:
        pipespec.load("pipeline.yaml")

    assert str(raised.value) == project.pipespec("validate", "pipeline.yaml").out.rstrip("\n")


def test_an_error_whose_view_nobody_asked_for_tells_all_mistakes_too():
    code = (
        "from pipespec.errors import *\n"
        "found = [Diagnostic('c', f'mistake {n}', Span('p.yaml', n, 1, n, 2)) for n in (2, 1)]\n"
        "print(InvalidPipelineError(found, {}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout.splitlines() == ["p.yaml:1:1: mistake 1", "p.yaml:2:1: mistake 2"]


NOTEBOOK = (
    "import pipespec\npipeline = pipespec.load('pipeline.yaml')\npipeline",
    "report = pipeline.run()\nreport",
    "pipeline.status()",
    "pipeline.graph()",
    "pipeline['total'].load('total')",
    "pipespec.load('bad.yaml')",
    "pipeline.run('totl')",
    "pipespec.load('gone.yaml')",
    "pipeline.get('total.totl')",
    "pipespec.load('failing.yaml').run()",
    "pipespec.load('away.yaml').status()",
    "1 / 0",
)
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.slow
def test_a_real_kernel_shows_all_of_it(project):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    text = (project.folder / "pipeline.yaml").read_text()
    project.write("bad.yaml", text.replace("call: steps:total", "cal: steps:total"))
    project.write("failing.yaml", text.replace("{count: 5}", "{count: -1}"))
    project.write("away.yaml", text + "mlflow: {tracking_uri: 'http://127.0.0.1:9'}\n")
    project.edit("steps.py", 'print("adding up", len(squares))', "print(sum(squares) / len(squares))")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in NOTEBOOK])
    client = nbclient.NotebookClient(
        notebook, timeout=120, allow_errors=True, resources={"metadata": {"path": str(project.folder)}}
    )

    client.execute(env=project.environment())

    results = [
        next((out["data"] for out in cell.outputs if out["output_type"] == "execute_result"), None)
        for cell in notebook.cells
    ]
    assert results[0]["text/plain"].startswith("Pipeline 'sums' (pipeline.yaml), 3 steps\n")
    assert [row[:2] for row in cells(results[1]["text/html"])[1:]] == [
        ["ran", step] for step in ("numbers", "squares", "total")
    ]
    assert [row[0] for row in cells(results[2]["text/html"])[1:]] == ["complete"] * 3
    assert results[3]["text/plain"].splitlines()[0] == "total"
    assert results[4]["text/plain"] == "{'name': 'ALL', 'total': 30}"
    (drawn,) = [out["data"] for out in notebook.cells[1].outputs if out["output_type"] == "display_data"]
    plain = ESCAPE.sub("", drawn["text/plain"])
    assert [line.strip() for line in plain.splitlines()] == ["━" * 40, "3 of 3 steps, 0 running"]
    invalid, step, file, output, failure, store, own = [
        ESCAPE.sub("", "\n".join(out["traceback"]))
        for cell in notebook.cells[5:]
        for out in cell.outputs
        if out["output_type"] == "error"
    ]
    assert invalid == project.pipespec("validate", "bad.yaml").out.rstrip("\n")
    assert step == "UsageError: there is no step 'totl'; did you mean 'total'?"
    assert file.startswith("gone.yaml:1:1: error[unreadable-file]")
    assert output.startswith("UsageError: 'total.totl' is not an output; step 'total' has 'total.total'")
    assert "steps.py" in failure
    assert "ZeroDivisionError: division by zero" in failure
    assert "pipespec/pipeline.py" not in failure
    assert store.startswith("StoreUnavailableError: tracking server http://127.0.0.1:9 cannot be reached: ")
    assert "----> 1 1 / 0" in own  # others' errors are shown as ever
