"""What stands out in the views at a terminal; that colours can be switched off is shown at a terminal itself."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.cli.colours import coloured
from pipespec.errors import Diagnostic, Severity, Span
from pipespec.plan.changes import Change, Part
from pipespec.plan.explanation import explain
from pipespec.plan.past_comparison import PlanPast
from pipespec.plan.planner import make_plan
from pipespec.plan.results import RunReport, StepResult, StepState, StepStatus
from pipespec.plan.step_key import step_key
from pipespec.plan.store_name import StoreName
from pipespec.views import (
    diagnostic_view,
    explain_view,
    plan_view,
    run_view,
    status_view,
)
from pipespec.views.change_view import diff_lines
from pipespec.views.graph import graph_text
from pipespec.views.state_words import MARKS, state_word
from pipespec.views.styled_text import Style, StyledText, joined, styled
from pipespec.views.terminal_text import columns_of, rows

STORE = StoreName("http://host", Path("/project"))
CODES = {"31": "red", "32": "green", "33": "yellow", "36": "cyan", "90": "grey"}


def shown(text):
    """Spell colours so that one can read them: `<red:word>`."""
    return re.sub(r"\x1b\[(\d+)m(.*?)\x1b\[0m", lambda found: f"<{CODES[found[1]]}:{found[2]}>", text)


def lines(text):
    return shown(coloured(text)).split("\n")


@pytest.fixture
def plan(make):
    """`ids` is complete, all after it is not."""
    spec = make.pipeline(
        make.step("ids"), make.step("train", inputs={"ids": "ids"}), make.step("best", inputs={"m": "train"})
    )
    records = make.records(names={"best"})
    records.add(spec.steps["ids"], step_key(spec.steps["ids"], make.facts(), {}).hex)
    return make_plan(spec, make.facts(), records)


def test_what_a_plan_does(plan):
    assert [line.split("  ")[1] for line in lines(plan_view.render_text(plan, store=STORE))[:3]] == [
        "<grey:reuse>",
        "<yellow:run>",
        "<yellow:wait>",
    ]
    assert lines(plan_view.render_text(plan, store=STORE))[-2] == "1 to run, 1 may run, 1 reused"


@pytest.mark.parametrize(
    ("step", "line"),
    [
        ("ids", "ids: <green:is reused>"),
        ("train", "train: <yellow:runs>"),
        ("best", "best: <yellow:waits for the steps before it>"),
    ],
)
def test_the_head_of_an_explanation_and_the_steps_above(plan, step, line):
    told = lines(explain_view.render_text(explain(plan, step, PlanPast()), now=0.0))

    assert told[0] == line
    if step == "best":
        assert any(one.startswith("  <yellow:run>  train") for one in told)


def test_states_of_steps():
    states = [
        StepStatus("features", "complete", "2a7c"),
        StepStatus("b", "running"),
        StepStatus("c", "missing"),
    ]

    assert lines(status_view.render_text(states, store=STORE, now=0.0))[:3] == [
        "  <green:complete>  features  2a7c",
        "  <cyan:running>   b",
        "  <grey:missing>   c",
    ]


def test_how_steps_of_a_run_ended():
    failed = StepResult("broken", StepState.FAILED, error="no", traceback="  + of a user's text")
    blocked = StepResult("after", StepState.BLOCKED, error="'broken' failed")

    assert shown(
        coloured(run_view.ended_line(StepResult("ids", StepState.RAN, seconds=0.1), done=1, total=10))
    ) == ("[ 1/10] <green:ran>       ids  0.10 s")
    assert lines(run_view.ended_line(failed, done=2, total=2)) == ["[2/2] <red:failed>    broken: no"]
    assert lines(run_view.render_text(RunReport("i", (failed, blocked), 1.0, STORE), command="c")) == [
        "<red:failed>  broken  no",
        "      + of a user's text",
        "<yellow:blocked>  after  'broken' failed",
        "",
        "0 ran, 0 reused, 1 failed, 1 blocked in 1.0 s",
        "store: http://host",
        "invocation: MLflow run i",
        "resume with: c",
    ]


def test_findings_and_errors():
    found = [
        Diagnostic("unknown-step", "'x'", Span("a b.yaml", 1, 11, 1, 15), "did you mean 'y'?"),
        Diagnostic("pickle-output", "y", Span("a.yaml", 9, 1, 9, 2), severity=Severity.ADVICE),
    ]

    assert lines(diagnostic_view.render_text(found, {"a b.yaml": "    inputs: {ids: x}"})) == [
        "a b.yaml:1:11: <red:error[unknown-step]>: 'x'",
        "    1 |     inputs: {ids: x}",
        "      |           <red:^^^^>",
        "   <cyan:help>: did you mean 'y'?",
        "",
        "a.yaml:9:1: <yellow:advice[pickle-output]>: y",
    ]
    assert lines(diagnostic_view.error_line("there is no step 'x'")) == ["<red:error>: there is no step 'x'"]


def test_what_was_added_to_code_and_what_is_gone():
    diff = "--- old\n+++ new\n@@ -1 +1 @@\n-    return 1\n+    return 2\n at the end"
    change = Change(Part.CODE, "work:fit", "code of 'fit' changed", diff=diff)

    assert [shown(coloured(line)) for line in diff_lines([change])] == [
        "  <red:--- old>",
        "  <green:+++ new>",
        "  <cyan:@@ -1 +1 @@>",
        "  <red:-    return 1>",
        "  <green:+    return 2>",
        "   at the end",
    ]


def test_a_tree_of_steps(make):
    spec = make.pipeline(
        make.step("ids"),
        make.step("train", inputs={"ids": "ids"}),
        make.step("best", inputs={"a": "train", "b": "ids"}),
    )

    assert lines(graph_text.render_text(spec, {"ids": "failed", "train": "stale", "best": "complete"})) == [
        "best  (<green:complete>)",
        "├─ train.out  (<yellow:stale>)",
        "│  └─ ids.out  (<red:failed>)",
        "└─ ids.out  (<red:failed>)",
    ]


@pytest.mark.parametrize("text", ["total: runs out of names", "failed", "+ 1", "", "error: x"])
def test_plain_text_is_never_coloured(text):
    assert coloured(text) == text


texts = st.text(alphabet=st.characters(exclude_characters="\x1b\n"), max_size=12)
pieces = st.lists(st.builds(styled, texts, st.none() | st.sampled_from(Style)), max_size=5)


@given(pieces, st.sampled_from(["", " ", "\n"]))
def test_colours_change_no_text(parts, separator):
    text = joined(separator, parts)

    assert text == separator.join(parts)
    assert re.sub(r"\x1b\[\d+m", "", coloured(text)) == text
    assert [text[span.start : span.end] for span in text.spans] == [
        part for part in parts if isinstance(part, StyledText)
    ]


words = st.text(alphabet="ab 日", max_size=8)


@given(
    st.lists(st.tuples(st.sampled_from([*MARKS, "run"]), words, words), min_size=1, max_size=4),
    st.integers(1, 9),
)
def test_a_table_is_laid_out_as_if_nothing_stood_out(cells, most):
    bare = rows([((word, name), text) for word, name, text in cells], most=most)
    styles = rows([((state_word(word), name), text) for word, name, text in cells], most=most)

    assert styles == bare
    assert [line[span.start : span.end] for line in styles for span in line.spans] == [
        word for word, _, _ in cells
    ]
    assert all(columns_of(line) <= 80 for line in styles)
