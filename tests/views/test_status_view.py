from __future__ import annotations

import math
from pathlib import Path

from pipespec.plan.results import StepStatus
from pipespec.plan.store_name import StoreName
from pipespec.views.status_view import render_text, to_json
from pipespec.views.terminal_text import columns_of

STORE = StoreName("sqlite:////project/mlflow.db", Path("/project"))
NOW = 1_000_000.0
STATES = (
    StepStatus("ids", "complete", "1f2e3d4c5b6a", NOW - 400, NOW - 190, {"rows": 12.0, "loss": 1e-5}),
    StepStatus("train[depth=4,learning_rate=0.1]", "stale", "aaaaaaaabbbb", NOW - 9e4, NOW - 8.9e4),
    StepStatus("名前", "missing"),
    StepStatus("titles", "running", "cccc", NOW - 3),
    StepStatus("best", "failed", "dddd", NOW + 5, NOW + 6, {"f1": math.nan, "auc": -math.inf}),
)


def test_text_is_a_table_with_counts_below():
    assert render_text(STATES, store=STORE, now=NOW) == (
        "  complete  ids     1f2e3d4c  3 min ago  3 min 30 s   loss=1e-05  rows=12\n"
        "  stale     train[depth=4,learning_rate=0.1]\n"
        "                    aaaaaaaa  1 d ago    16 min 40 s\n"
        "  missing   名前\n"
        "  running   titles  cccc      3 s ago\n"
        "  failed    best    dddd      just now   1.0 s        auc=-inf  f1=nan\n"
        "\n"
        "1 complete, 1 failed, 1 missing, 1 running, 1 stale\n"
        "store: sqlite:///mlflow.db"
    )
    assert render_text([], store=STORE, now=NOW) == "\nno steps\nstore: sqlite:///mlflow.db"


def test_no_line_is_wider_than_a_terminal():
    metrics = {f"metric_{n}": n / 7 for n in range(30)}
    states = [StepStatus("step_" * 5 + "x", "complete", "1f2e3d4c5b6a", NOW - 7199, NOW - 3599, metrics)]

    assert max(map(columns_of, render_text(states, store=STORE, now=NOW).splitlines())) <= 80


def test_json_has_the_shape_that_scripts_read(fits_schema):
    answer = to_json(STATES, store=STORE, now=NOW)

    assert answer == {
        "version": 1,
        "store": "sqlite:////project/mlflow.db",
        "steps": [
            {
                "step": "ids",
                "state": "complete",
                "run_id": "1f2e3d4c5b6a",
                "age_seconds": 190.0,
                "seconds": 210.0,
                "metrics": {"loss": 1e-5, "rows": 12.0},
            },
            {
                "step": "train[depth=4,learning_rate=0.1]",
                "state": "stale",
                "run_id": "aaaaaaaabbbb",
                "age_seconds": 89000.0,
                "seconds": 1000.0,
                "metrics": {},
            },
            {
                "step": "名前",
                "state": "missing",
                "run_id": None,
                "age_seconds": None,
                "seconds": None,
                "metrics": {},
            },
            {
                "step": "titles",
                "state": "running",
                "run_id": "cccc",
                "age_seconds": 3.0,
                "seconds": None,
                "metrics": {},
            },
            {
                "step": "best",
                "state": "failed",
                "run_id": "dddd",
                "age_seconds": 0.0,
                "seconds": 1.0,
                "metrics": {"auc": None, "f1": None},
            },
        ],
    }
    fits_schema("status", answer)
