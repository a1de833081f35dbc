"""The report of an invocation, by the installed command: where it is kept, what it says, and what it never breaks."""

import re
import signal
import time

import pytest

from pipespec import api


def reports(project):
    return sorted(project.folder.glob("mlartifacts/**/report.html"), key=lambda path: path.stat().st_mtime_ns)


def runs(project):
    return project.query("SELECT count(*) FROM runs")[0][0]


def test_each_invocation_keeps_its_report_and_writes_it_where_it_is_asked_to(project, words):
    answer = project.pipespec("run", "pipeline.yaml", "--report", "report.html")

    assert answer.code == 0, answer.err
    (kept,) = reports(project)
    page = kept.read_text()
    assert (project.folder / "report.html").read_text() == page
    invocation = kept.parts[-4]
    assert f"invocation: MLflow run {invocation}" in answer.out
    told = words(page)
    assert told.strip().startswith("sums ✓ succeeded 3 ran 0 reused in ")
    assert f"invocation MLflow run {invocation}" in told
    assert "pipespec run pipeline.yaml --report report.html" in told
    assert "Metric Value total total 30" in told
    assert "✓ ran numbers steps:numbers" in told
    assert re.search(r"total\.total ✓ ran total\.json , \d+ bytes, sha256", told)
    assert '{ "name": "ALL", "total": 30 }' in told


def test_a_later_run_says_what_changed_what_stayed_and_how_the_metrics_were(project, words):
    project.run()
    project.run("--set", "params.count=6")
    project.edit("steps.py", "list(range(count))", "[*range(count)]")

    answer = project.pipespec("run", "pipeline.yaml", "--set", "params.count=6", "--report", "report.html")

    told = words((project.folder / "report.html").read_text())
    assert answer.code == 0, answer.err
    assert "✓ succeeded 1 ran 2 reused" in told
    assert (
        "code steps:numbers changed (steps.py:7) the change --- steps:numbers before +++ steps:numbers now"
        in told
    )
    assert "- return list(range(count)) + return [*range(count)]" in told
    assert "its inputs are byte-identical" in told
    assert "total total 55 +25" in told
    assert "files and options, later ones override pipeline.yaml --set params.count=6" in told


def test_metrics_are_not_set_beside_those_of_another_pipeline_s_function(project, words):
    project.run()
    project.write("other.py", "def total() -> dict:\n    return {'total': 7}\n")
    step = "{call: other:total, outputs: {total: total.json}, metrics: total}"
    project.write("other.yaml", f"pipespec: 1\nsteps:\n  total: {step}\n")

    answer = project.pipespec("run", "other.yaml", "--report", "report.html")

    assert answer.code == 0, answer.err
    assert "Metric Value total total 7" in words((project.folder / "report.html").read_text())


def test_with_nothing_to_do_a_report_is_written_only_where_it_is_asked_for(project, words):
    project.run()
    before = runs(project)

    answer = project.pipespec("run", "pipeline.yaml", "--report", "report.html")

    assert answer.code == 0, answer.err
    told = words((project.folder / "report.html").read_text())
    assert told.strip().startswith("sums = nothing to do 0 ran 3 reused")
    assert "3 steps reused" in told
    assert "Timeline" not in told
    assert (runs(project), len(reports(project))) == (before, 1)


def test_a_failed_run_has_a_report_too(project, words):
    project.edit(
        "steps.py",
        "    print(",
        "    print('\\x1b[31m<b>almost</b>'); raise ValueError('no <total>')\n    print(",
    )

    answer = project.pipespec("run", "pipeline.yaml")

    assert answer.code == 1
    told = words(reports(project)[0].read_text())
    assert told.strip().startswith("sums ✕ failed 1 failed 2 ran")
    assert (
        "What failed total ValueError: no <total> Traceback Traceback (most recent call last): File" in told
    )
    assert "End of its log \\x1b[31m<b>almost</b>" in told


def test_what_could_not_run_names_the_culprit(project, words):
    project.edit("steps.py", "    return list(", "    raise ValueError('no')\n    return list(")

    project.pipespec("run", "pipeline.yaml", "--keep-going")

    told = words(reports(project)[0].read_text())
    assert "⊘ blocked squares steps:squares depends on 'numbers', which failed" in told


def test_an_interrupted_run_says_so(project, words):
    waiting = "    open('started', 'w').close(); import time; time.sleep(60)\n    return list("
    project.edit("steps.py", "    return list(", waiting)
    process = project.start("run", "pipeline.yaml")
    until = time.monotonic() + 60
    while not (project.folder / "started").exists():
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)

    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)

    told = words(reports(project)[0].read_text())
    assert process.returncode == 130, err
    assert told.strip().startswith("sums ■ interrupted by SIGINT 3 cancelled 0 ran 0 reused")
    assert "numbers steps:numbers count = 5 interrupted by SIGINT" in told


def test_a_sweep_has_its_points(project, words):
    answer = project.pipespec(
        "run", "pipeline.yaml", "--sweep", "params.count=3,4", "--report", "report.html"
    )

    told = words((project.folder / "report.html").read_text())
    assert answer.code == 0, answer.err
    assert "Points of the sweep count State total 3 ✓ ran 5 4 ✓ ran 14" in told
    assert "Metrics" not in told  # they are told with the points
    assert "files and options, later ones override pipeline.yaml --sweep params.count=3,4" in told


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (".", "the report cannot be written to '.', which is a folder; give the path of a file"),
        ("none/r.html", "the report cannot be written to 'none/r.html': there is no folder 'none'"),
    ],
)
def test_a_place_where_no_report_can_be_is_refused_before_anything_runs(project, place, message):
    answer = project.pipespec("run", "pipeline.yaml", "--report", place)

    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err
    assert not (project.folder / "mlflow.db").exists()


def test_a_dry_run_has_nothing_to_report(project):
    answer = project.pipespec("run", "pipeline.yaml", "--dry-run", "--report", "report.html")

    assert (answer.code, answer.out) == (2, "")
    assert (
        "--dry-run cannot be combined with --report, because nothing runs; remove one of them" in answer.err
    )
    assert not (project.folder / "report.html").exists()


def test_a_report_that_cannot_be_written_is_one_line_and_no_failure(project):
    (project.folder / "out").mkdir()
    project.edit("steps.py", "    return list(", "    import os; os.rmdir('out')\n    return list(")

    answer = project.pipespec("run", "pipeline.yaml", "--report", "out/report.html")

    assert answer.code == 0, answer.err
    assert (
        f"the report could not be written to '{project.folder}/out/report.html': No such file" in answer.err
    )
    assert "Traceback" not in answer.err
    assert len(reports(project)) == 1


@pytest.mark.usefixtures("forked_templates")
def test_a_report_that_cannot_be_made_is_one_line_and_no_failure(project, monkeypatch, capsys):
    monkeypatch.chdir(project.folder)
    monkeypatch.setattr("pipespec.operations.reporting.invocation_report.gather", lambda *_: 1 / 0)

    done = api.load("pipeline.yaml").run(report="report.html")

    assert done.succeeded
    assert capsys.readouterr().err == "the report could not be made: ZeroDivisionError: division by zero\n"
    assert reports(project) == []
    assert len(list(project.folder.glob("mlartifacts/**/run.json"))) == 1


@pytest.mark.usefixtures("forked_templates")
def test_a_first_run_asks_nothing_of_the_past(project, monkeypatch, capsys):
    asked = []
    monkeypatch.chdir(project.folder)
    for question in ("finished_runs", "finished_in", "history", "manifest", "run"):
        monkeypatch.setattr(
            f"pipespec.tracking.reading.sqlite_ledger.SqliteLedger.{question}",
            lambda *_, question=question: asked.append(question) or (),
        )

    assert api.load("pipeline.yaml").run().succeeded

    assert (asked, capsys.readouterr().err, len(reports(project))) == ([], "", 1)


def test_outputs_that_are_gone_are_no_failure(project, words):
    project.run()
    for path in project.folder.glob("mlartifacts/**/numbers.json"):
        path.write_text("[0,1,2,3,4]" + " " * (path.stat().st_size - 11))

    answer = project.pipespec("run", "pipeline.yaml", "--report", "report.html", "--force", "total")

    assert answer.code == 0, answer.err
    assert (
        words((project.folder / "report.html").read_text()).count("differs from what its run recorded") == 1
    )
