from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipespec.plan.results import Remedy, RunReport, StepAwaited, StepResult, StepStarted, StepState
from pipespec.plan.store_name import StoreName
from pipespec.views.run_view import awaited_line, ended_line, render_text, started_line, to_json

STORE = StoreName("sqlite:////project/mlflow.db", Path("/project"))
KEY = "0123456789abcdef" * 4
RAN = StepResult("ids", StepState.RAN, KEY, "r1", 2.13)
REUSED = StepResult("titles", StepState.REUSED, KEY, "r2")
FAILED = StepResult(
    "train[depth=4]",
    StepState.FAILED,
    KEY,
    "r3",
    72.0,
    "ValueError: no \x1b[31mrows",
    'File "news.py", line 3, in train\n    raise ValueError("no \x1b[31mrows")\n',
    "/project/.pipespec/logs/train.log",
)
BLOCKED = StepResult("best", StepState.BLOCKED, error="'train[depth=4]' failed")
CANCELLED = StepResult("other", StepState.CANCELLED)


def test_a_run_that_succeeded_ends_with_its_counts(fits_schema):
    report = RunReport("inv", (RAN, REUSED), 75.2, STORE)

    assert render_text(report, command="pipespec run p.yaml") == (
        "1 ran, 1 reused, 0 failed, 0 blocked in 1 min 15 s\n"
        "store: sqlite:///mlflow.db\n"
        "invocation: MLflow run inv"
    )
    fits_schema("run", to_json(report))


def test_a_run_that_failed_ends_with_what_went_wrong_and_how_to_resume():
    report = RunReport("inv", (RAN, FAILED, BLOCKED, CANCELLED), 75.2, STORE)

    assert render_text(report, command="pipespec run p.yaml -j 2") == (
        "failed  train[depth=4]  ValueError: no \\x1b[31mrows\n"
        '    File "news.py", line 3, in train\n'
        '        raise ValueError("no \\x1b[31mrows")\n'
        "    log: /project/.pipespec/logs/train.log\n"
        "blocked  best  'train[depth=4]' failed\n"
        "cancelled  other\n"
        "\n"
        "1 ran, 0 reused, 1 failed, 1 blocked, 1 cancelled in 1 min 15 s\n"
        "store: sqlite:///mlflow.db\n"
        "invocation: MLflow run inv\n"
        "resume with: pipespec run p.yaml -j 2"
    )


def test_after_a_missed_check_the_command_that_may_help_is_offered():
    forced = ("--force", "train[depth=4]")
    missed = replace(
        FAILED, traceback="", log=None, error="accuracy 0.1 is below 0.5", remedy=Remedy((forced,))
    )
    altered = replace(FAILED, step="best", remedy=Remedy((("--verify",),)))
    other = replace(FAILED, step="use", remedy=Remedy(before="pipespec run q.yaml fit --verify"))
    for steps, command, offered in (
        ((missed,), "run p.yaml", "pipespec run p.yaml --force 'train[depth=4]'"),
        ((missed, FAILED), "run p.yaml", "pipespec run p.yaml --force 'train[depth=4]'"),
        ((missed,), "run p.yaml --force 'train[depth=4]'", "pipespec run p.yaml --force 'train[depth=4]'"),
        ((altered, altered), "run p.yaml", "pipespec run p.yaml --verify"),
        ((altered,), "run --verify p.yaml", "pipespec run --verify p.yaml"),
        ((missed, altered), "run p.yaml", "pipespec run p.yaml --force 'train[depth=4]' --verify"),
        ((other,), "run p.yaml", "pipespec run q.yaml fit --verify && pipespec run p.yaml"),
        ((FAILED,), "run p.yaml", "pipespec run p.yaml"),
    ):
        text = render_text(RunReport("inv", steps, 1.0, STORE), command=f"pipespec {command}")
        assert text.splitlines()[-1] == f"resume with: {offered}"


def test_an_interrupted_run_says_so_and_how_to_resume():
    report = RunReport(None, (RAN,), 1.0, STORE, interrupted_by=15)

    assert render_text(report, command="pipespec run") == (
        "1 ran, 0 reused, 0 failed, 0 blocked in 1.0 s, interrupted by signal 15\n"
        "store: sqlite:///mlflow.db\n"
        "resume with: pipespec run"
    )


def test_a_thousand_blocked_steps_do_not_fill_the_screen():
    blocked = tuple(replace(BLOCKED, step=f"s{n}") for n in range(1000))

    lines = render_text(RunReport("inv", (FAILED, *blocked), 1.0, STORE), command="x").splitlines()

    assert len(lines) < 40
    assert "blocked and 980 more" in lines


@pytest.mark.parametrize(
    ("result", "line"),
    [
        (RAN, "[  7/120] ran       ids  2.1 s"),
        (REUSED, "[  7/120] reused    titles"),
        (FAILED, "[  7/120] failed    train[depth=4]  1 min 12 s: ValueError: no \\x1b[31mrows"),
        (BLOCKED, "[  7/120] blocked   best: 'train[depth=4]' failed"),
        (CANCELLED, "[  7/120] cancelled other"),
    ],
)
def test_each_end_of_a_step_is_one_line(result, line):
    assert ended_line(result, done=7, total=120) == line


def test_each_start_of_a_step_is_one_line():
    assert started_line(StepStarted("a\n", "r1", "/log")) == "start a\\n (run r1)"
    assert started_line(StepStarted("a", "r1", "/log", attempt=2)) == "start a (run r1, attempt 2)"


def test_json_has_the_shape_that_scripts_read(fits_schema):
    answer = to_json(RunReport(None, (REUSED, FAILED, BLOCKED, CANCELLED), 1.0, STORE))

    assert answer == {
        "version": 1,
        "store": "sqlite:////project/mlflow.db",
        "invocation": None,
        "steps": [
            {"step": "titles", "state": "reused", "key": KEY, "run_id": "r2", "seconds": None, "error": None},
            {
                "step": "train[depth=4]",
                "state": "failed",
                "key": KEY,
                "run_id": "r3",
                "seconds": 72.0,
                "error": "ValueError: no \x1b[31mrows",
            },
            {
                "step": "best",
                "state": "blocked",
                "key": None,
                "run_id": None,
                "seconds": None,
                "error": "'train[depth=4]' failed",
            },
            {
                "step": "other",
                "state": "cancelled",
                "key": None,
                "run_id": None,
                "seconds": None,
                "error": None,
            },
        ],
    }
    fits_schema("run", answer)


WAITS = "train waits for run 01234567, which computes the same since 00:00:45 UTC in"
TAKEN = "its result is taken when it ends, and if it is interrupted the step runs here"
STOPPED = "that process is stopped: 'kill -CONT 4711' lets it go on, 'kill -KILL 4711' ends it, and the step runs here"


@pytest.mark.parametrize(
    ("pid", "host", "is_stopped", "line"),
    [
        (4711, "gpu2", False, f"{WAITS} process 4711 on host gpu2; {TAKEN}"),
        (4711, "", True, f"{WAITS} process 4711; {STOPPED}"),
        (None, "", False, f"{WAITS} another process; {TAKEN}"),
    ],
)
def test_a_wait_for_another_run_is_one_line(pid, host, is_stopped, line):
    event = StepAwaited("train", "0123456789abcdef", 45.0, pid, host, is_stopped=is_stopped)

    assert awaited_line(event) == line
