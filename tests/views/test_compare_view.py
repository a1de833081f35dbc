"""Runs side by side and lineage as people and programs read them: whole outputs, hostile names among them."""

from __future__ import annotations

import math
from pathlib import Path

from pipespec.plan.lineage import Lineage, LineageEdge, LineageRun, OutsideData
from pipespec.plan.run_comparison import ComparedRun, DeltaBounds, NewBaseline, RunComparison
from pipespec.plan.store_name import StoreName
from pipespec.views import compare_page, compare_view, lineage_page, lineage_view

STORE = StoreName("http://host:5000", Path("/p"))
HOSTILE = "`|</svg>\n<img src=x> @all \x1b[31m"


def run(letter, params, *, label="", status="FINISHED", **metrics):
    return ComparedRun(
        letter * 32, f"score {letter}", label, status, 100.0, 160.0, params, metrics, "7", "c0ffee"
    )


def compared(**more):
    runs = (
        run("a", {"train.depth": "8", "train.name": HOSTILE}, accuracy=0.5, loss=math.nan),
        run("b", {"train.depth": "4"}, status="FAILED", accuracy=0.75),
    )
    values = {"bounds": {"accuracy": DeltaBounds(least=-0.125)}, "baseline": runs[1], **more}
    return RunComparison("runs of step 'score' of pipeline 'p'", runs, STORE, **values)


def test_a_terminal_gets_a_table_and_the_verdict():
    found = compared(notes=("a note",))
    lines = compare_view.render_text(found, now=220.0).splitlines()
    assert lines == [
        "runs of step 'score' of pipeline 'p', the newest first; compared with run bbbbbbbb",
        "",
        "run        age        train.depth  train.name                accuracy  Δ",
        "aaaaaaaa   1 min ago  8            `|</svg>\\n<img src=x> @…  0.5       -0.25",
        "bbbbbbbb*  1 min ago  4                                      0.75",
        "",
        "run        age        loss",
        "aaaaaaaa   1 min ago  nan",
        "bbbbbbbb*  1 min ago",
        "",
        "regression: accuracy is 0.5, -0.25 from the baseline, below its min_delta -0.125",
        "*: the baseline; Δ is the difference from it",
        "a note",
        "store: http://host:5000",
    ]


def test_markdown_stays_in_its_cells():
    text = compare_view.render_markdown(compared(), now=220.0)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert rows[0] == "| run | age | train.depth | train.name | accuracy | Δ | loss |"
    assert rows[1].startswith(
        "| `aaaaaaaa` | `1 min ago` | `8` | `` `\\|</svg>\\n<img src=x> @all \\x1b[31m `` | `0.5`"
    )
    assert "- regression: accuracy is 0.5" in text


def test_json_fits_its_schema_and_csv_has_all(fits_schema):
    answer = compare_view.to_json(compared())
    fits_schema("compare", answer)
    assert answer["runs"][0]["metrics"] == {"accuracy": 0.5, "loss": None}
    assert answer["runs"][0]["deltas"] == {"accuracy": -0.25}
    head, first, *_ = compare_view.render_csv(compared(baseline=None)).splitlines()
    assert (
        head
        == "run_id,name,label,status,started,ended,commit,baseline,param.train.depth,param.train.name,metric.accuracy,metric.loss"
    )
    assert first.startswith(f"{'a' * 32},score a,,FINISHED,100.0,160.0,c0ffee,False,8,")


def test_a_page_draws_each_run_as_a_line_and_lets_nothing_out():
    page = compare_page.to_html(compared(), now=220.0)
    assert page.count('class="run colour-') == 2
    assert "<img" not in page
    assert f'href="http://host:5000/#/experiments/7/runs/{"a" * 32}?workflowType=machine_learning"' in page


def test_axes_are_numbers_in_their_order_and_texts_at_their_places():
    axes = compare_page.axes_of(compared())
    assert [(axis.name, axis.heights, axis.is_metric) for axis in axes] == [
        ("train.depth", (34.0, 294.0), False),
        ("train.name", (164.0, None), False),
        ("accuracy", (294.0, 34.0), True),
    ]


def test_a_new_baseline_is_told_with_what_it_replaces():
    made = NewBaseline("a" * 32, "prod", "runs of step 's' of pipeline 'p'", ("b" * 32,))
    assert compare_view.baseline_text(made) == (
        "run aaaaaaaa is now the baseline 'prod' of runs of step 's' of pipeline 'p', in place of run bbbbbbbb"
    )


# --------------------------------------------------------------------------------------------- lineage


def lineage():
    table = OutsideData(f"data/{HOSTILE}", "f" * 16)
    runs = {
        "a" * 32: LineageRun("a" * 32, "load", "p", ended=100.0, outputs={"rows": "1" * 16}),
        "b" * 32: LineageRun("b" * 32, "train", "p", ended=160.0, metrics={"m": 1.0}, params={"depth": "4"}),
        "c" * 32: LineageRun("c" * 32, HOSTILE, "other", ended=220.0),
        "d" * 32: LineageRun("d" * 32, state="gone"),
    }
    above = (
        LineageEdge("a" * 32, "rows", "rows", "b" * 32),
        LineageEdge("d" * 32, "words", "names", "b" * 32),
        LineageEdge(table, "", "table", "a" * 32),
    )
    return Lineage(
        "b" * 32, runs, STORE, above, (LineageEdge("b" * 32, "model", "model", "c" * 32),), ("a note",)
    )


def test_lineage_is_a_tree_each_way():
    assert lineage_view.render_text(lineage(), now=280.0).splitlines() == [
        "p/train  run bbbbbbbb  2 min ago",
        "",
        "made of:",
        "  p/load  run aaaaaaaa  3 min ago  (rows)",
        "    data/`|</svg>\\n<img src=x> @all \\x1b[31m  sha256 ffffffffffffffff  (table)",
        "  run  run dddddddd  gone  (words as names)",
        "",
        "used by:",
        "  other/`|</svg>\\n<img src=x> @all \\x1b[31m  run cccccccc  1 min ago  (model)",
        "",
        "a note",
        "store: http://host:5000",
    ]


def test_lineage_for_programs_and_pages_keeps_strangers_names_in_their_place(fits_schema):
    fits_schema("lineage", lineage_view.to_json(lineage()))
    mermaid = lineage_view.to_mermaid(lineage())
    assert '  d4[("data/#96;#124;#60;/svg#62;' in mermaid
    assert "<img" not in mermaid
    assert "<img" not in lineage_page.to_html(lineage(), now=280.0)
