"""The report of an invocation: what the page says of a run, and how time and metrics are drawn."""

import itertools
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.plan.results import Execution, SweepPoint
from pipespec.views.report.plots import plot
from pipespec.views.report.report_page import to_html
from pipespec.views.report.report_parts import (
    Cause,
    Metric,
    OutputPart,
    PastValue,
    PicturePreview,
    Report,
    RunEnvironment,
    StepPart,
    Table,
    TextPreview,
    with_texts,
)
from pipespec.views.report.timeline import timeline


def make_report(*steps, **more):
    about = {
        "pipeline": "news",
        "description": "",
        "command": "pipespec run news.yaml",
        "ended": 1_700_000_000.0,
        "seconds": 10.0,
        "workers": 2,
        "environment": RunEnvironment({"Python": "3.13"}),
    }
    return Report(**{**about, **more}, steps=steps)


def executed(step, worker, started, ended, state="ran"):
    return StepPart(step, state, executions=(Execution("r", worker, started, ended),))


# ------------------------------------------------------------------------------------------------ page


@pytest.mark.parametrize(
    ("states", "signal", "verdict"),
    [
        (["ran", "reused"], "", "✓ succeeded"),
        (["reused"], "", "= nothing to do"),
        (["ran", "failed", "blocked"], "", "✕ failed"),
        (["ran", "blocked"], "", "⊘ not finished"),
        (["ran", "cancelled"], "SIGINT", "■ interrupted by SIGINT"),
    ],
)
def test_a_report_begins_with_how_it_went(states, signal, verdict, words):
    steps = [StepPart(f"s{number}", state) for number, state in enumerate(states)]

    page = to_html(make_report(*steps, interrupted_by=signal))

    assert words(page).strip().startswith(f"news {verdict}")


def test_what_failed_comes_first_with_its_traceback_and_the_end_of_its_log(words):
    failed = StepPart(
        "train",
        "failed",
        error="ValueError: no",
        traceback="Traceback\n  File x",
        log="one\n\x1b[31mtwo",
        log_file="/logs/r.log",
        run_id="r9",
    )
    blocked = StepPart("best", "blocked", error="depends on 'train', which failed")

    page = to_html(make_report(StepPart("ids", "ran"), failed, blocked))

    told = words(page)
    assert "train ValueError: no Traceback Traceback File x End of its log one \\x1b[31mtwo" in told
    assert "The whole log is in /logs/r.log , and in MLflow run r9" in told
    steps = told[told.index("Steps State") :]
    assert steps.index("✕ failed train") < steps.index("⊘ blocked best") < steps.index("✓ ran ids")
    assert "depends on 'train', which failed" in steps


def test_why_a_step_ran_is_told_with_the_change_of_its_code(words):
    step = StepPart(
        "train",
        "ran",
        seconds=2.0,
        causes=(Cause("param depth: 1 -> 2 (x.yaml:3)"), Cause("code m:f", "-a\n+b")),
    )

    page = to_html(make_report(step))

    assert "train 2.0 s param depth: 1 -> 2 (x.yaml:3) code m:f the change -a +b" in words(page)
    assert '<span class="added">+b\n</span>' in page


def test_metrics_are_told_beside_the_last_run_and_their_bounds(words):
    before = (PastValue(0.5, 1.0, "a"), PastValue(0.75, 2.0, "b"))
    metrics = (
        Metric("train", "accuracy", 0.7, before, minimum=0.72),
        Metric("train", "loss", 3.0),
        Metric("train", "rows", 9.0, (PastValue(9.0, 1.0, "a"),), maximum=10.0),
    )

    page = to_html(make_report(StepPart("train", "ran"), metrics=metrics))

    assert "Last runs train accuracy ✕ at least 0.72 0.7 -0.05 loss 3 rows ✓ at most 10 9 as before" in words(
        page
    )
    assert 'aria-label="accuracy of train, 3 runs, the oldest first: 0.5, 0.75, 0.7"' in page


def test_a_step_has_its_params_and_the_page_the_time_of_its_start(words):
    ran = StepPart("train", "ran", call="steps:fit", params={"depth": "4", "url": "a <b>"})
    reused = StepPart("ids", "reused", call="steps:ids", params={"names": '["x", "y"]'})

    page = to_html(make_report(ran, reused, ended=1_700_000_012.0, seconds=12.0))

    told = words(page)
    assert "train steps:fit depth = 4 url = a <b>" in told
    assert 'ids steps:ids names = ["x", "y"]' in told
    assert "in 12.0 s started 2023-11-14 22:13:20 UTC" in told


def test_variants_of_a_step_are_compared_in_one_table(words):
    metrics = (
        Metric("train[depth=8]", "accuracy", 0.75, (PastValue(0.5, 1.0, "a"),), minimum=0.7),
        Metric("best", "depth", 8.0),
        Metric("train[depth=4]", "accuracy", 0.5, minimum=0.7),
        Metric("train[depth=4]", "loss", 2.0),
    )

    page = to_html(make_report(StepPart("best", "ran"), metrics=metrics))

    told = words(page)
    assert "Metrics Metric Value best depth 8 train, 2 variants" in told  # nothing to compare with
    assert (
        "train, 2 variants Variant accuracy loss [depth=4] 0.5 ✕ at least 0.7 2 [depth=8] 0.75 +0.25 ✓ at least 0.7 Steps"
        in told
    )


def test_outputs_are_shown_as_what_they_are(words):
    outputs = (
        OutputPart("a", "ran", "plot", "p.png", 4, 1, "d" * 64, PicturePreview("image/png", b"\x89PNG")),
        OutputPart("a", "ran", "rows", "r.csv", 1234, 1, "e" * 64, Table(("x",), (("1",),), "7 more rows")),
        OutputPart("b", "reused", "note", "n.txt", 2_500_000, 1, "f" * 64, TextPreview("hello")),
        OutputPart("b", "reused", "model", "m/", 10, 3, "0" * 64, note="missing or changed since then"),
    )

    page = to_html(make_report(StepPart("a", "ran"), StepPart("b", "reused"), outputs=outputs))

    assert '<img src="data:image/png;base64,iVBORw==" alt="a.plot, the picture p.png">' in page
    told = words(page)
    assert "r.csv , 1.23 kB, sha256 eeeeeeeeeeee x 1 … 7 more rows" in told
    assert "2 outputs of steps that were reused b.note = reused n.txt , 2.5 MB" in told
    assert "m/ , 3 files, 10 bytes, sha256 000000000000 missing or changed since then" in told


def test_a_sweep_is_a_table_of_its_points(words):
    points = (
        SweepPoint((("depth", 4), ("kind", "a")), "ran", {"accuracy": 0.91234}),
        SweepPoint((("depth", 8), ("kind", "b")), "failed"),
    )

    page = to_html(make_report(StepPart("a", "failed"), points=points))

    assert "depth kind State accuracy 4 a ✓ ran 0.9123 8 b ✕ failed" in words(page)


def test_what_is_left_out_is_said(words):
    steps = [StepPart(f"s{number}", "reused") for number in range(503)]

    page = to_html(make_report(*steps, left_out=("2 more pictures.",)))

    assert words(page).count("s499") == 1
    assert "s500" not in words(page)
    assert "2 more pictures. 3 more reused steps are not listed." in words(page)


def test_a_report_of_very_much_is_bounded(words):
    text = "x" * 64_000
    steps = [
        StepPart(f"s{number}", "failed", error=text[:2000], traceback=text, log=text[:12_000],
                 executions=(Execution("r", 0, number, number + 1.0),))
        for number in range(2_100)
    ]  # fmt: skip
    picture = PicturePreview("image/png", b"x" * (1 << 20))
    outputs = tuple(
        OutputPart("s", "ran", "o", "o.png", 1, 1, "d", picture if n < 6 else None) for n in range(600)
    )
    metrics = tuple(Metric("s", f"m{number}", 1.0) for number in range(400))

    page = to_html(make_report(*steps, outputs=outputs, metrics=metrics, graph={"steps": []}))

    assert len(page) < 12 << 20
    assert words(page).endswith(
        "1,600 more failed steps are not listed. 2,080 more failed steps are listed without traceback and log. "
        "100 more metrics are not listed. 100 more outputs are not listed. 100 more steps are not in the timeline. "
        "The graph of 2,100 steps is not shown; use 'pipespec graph'. This page draws itself by the scripts that it "
        "holds; they are switched off here. "
    )


HOSTILE = "</script><img src=x onerror=alert(1)>'\"`${x}`\u202e\x1b[31m\r\n日本語 \ud800"


def test_text_of_any_kind_stays_text(words):
    step = StepPart(
        HOSTILE,
        "failed",
        HOSTILE,
        HOSTILE,
        1.0,
        HOSTILE,
        f"http://127.0.0.1/#/{HOSTILE}",
        (Cause(HOSTILE, HOSTILE),),
        HOSTILE,
        HOSTILE,
        HOSTILE,
        HOSTILE,
        (Execution(HOSTILE, 0, 0.0, 1.0),),
        params={HOSTILE: HOSTILE},
    )
    report = make_report(
        step,
        pipeline=HOSTILE,
        description=HOSTILE,
        command=HOSTILE,
        invocation=HOSTILE,
        metrics=(Metric(HOSTILE, HOSTILE, 1.0, (PastValue(2.0, 0.0, HOSTILE),), 0.0),),
        outputs=(
            OutputPart(
                HOSTILE, "ran", HOSTILE, HOSTILE, 1, 1, HOSTILE, Table((HOSTILE,), ((HOSTILE,),), HOSTILE)
            ),
            OutputPart(
                HOSTILE, "ran", HOSTILE, HOSTILE, 1, 1, HOSTILE, TextPreview(HOSTILE, HOSTILE), HOSTILE
            ),
            OutputPart(
                HOSTILE,
                "ran",
                HOSTILE,
                HOSTILE,
                1,
                1,
                HOSTILE,
                PicturePreview("image/svg+xml", HOSTILE.encode("utf-8", "replace")),
            ),
        ),
        points=(SweepPoint(((HOSTILE, HOSTILE),), "ran", {HOSTILE: 1.0}),),
        environment=RunEnvironment({HOSTILE: HOSTILE}, (HOSTILE,), (HOSTILE,), HOSTILE),
    )

    page = to_html(report)

    page.encode()
    assert page.count("<script") == 2  # the marks of states, and page.js
    assert "<img src=x" not in page
    assert not re.search("[\u202e\x1b\r\ud800]", page)
    assert "\\u202e\\x1b[31m" in words(page)


@given(
    st.recursive(
        st.text() | st.integers() | st.none(),
        lambda inner: st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    )
)
def test_every_text_of_a_value_is_changed(value):
    seen = []

    def change(text):
        seen.append(text)
        return text

    assert with_texts(value, change) == value
    assert sorted(seen) == sorted(_texts(value))


def _texts(value):
    match value:
        case str():
            return [value]
        case tuple():
            return [text for item in value for text in _texts(item)]
        case dict():
            return [text for pair in value.items() for item in pair for text in _texts(item)]
    return []


def test_texts_of_a_report_are_changed_wherever_they_stand():
    step = StepPart("s", "ran", causes=(Cause("s", "s"),), executions=(Execution("s", 0, 1.0, 2.0),))

    changed = with_texts(step, lambda text: text.replace("s", "x"))

    assert changed == StepPart(
        "x", "ran", causes=(Cause("x", "x"),), executions=(Execution("x", 0, 1.0, 2.0),)
    )


# -------------------------------------------------------------------------------------------- timeline


def test_bars_stand_where_their_steps_executed():
    steps = [executed("a", 0, 0.5, 4.0), executed("b", 1, 2.0, 3.0), executed("c", 0, 5.0, 10.0, "failed")]

    found = timeline(steps, 10.0)

    assert [
        (lane.name, lane.busy, [(bar.step, bar.state, bar.start, bar.width) for bar in lane.bars])
        for lane in found.lanes
    ] == [
        ("worker 1", 85, [("a", "ran", 5.0, 35.0), ("c", "failed", 50.0, 50.0)]),
        ("worker 2", 10, [("b", "ran", 20.0, 10.0)]),
    ]
    assert [(tick.at, tick.text) for tick in found.ticks] == [
        (pytest.approx(20.0 * number), "0" if not number else f"{2 * number} s") for number in range(6)
    ]
    assert found.lanes[1].bars[0].label == "b: ran, from 2.0 s to 3.0 s"


def test_a_long_start_is_left_out_of_the_axis():
    found = timeline([executed("a", 0, 6.0, 8.0)], 10.0)

    assert (found.first, found.begin) == (6.0, 6.0)
    assert [(bar.start, bar.width) for bar in found.lanes[0].bars] == [(0.0, 50.0)]
    assert [tick.text for tick in found.ticks] == ["6 s", "7 s", "8 s", "9 s", "10 s"]


def test_executions_that_were_tried_again_have_failed():
    step = StepPart("a", "ran", executions=(Execution("1", 0, 0.0, 1.0), Execution("2", 0, 2.0, 3.0)))

    (lane,) = timeline([step], 3.0).lanes

    assert [bar.label for bar in lane.bars] == [
        "a: failed, attempt 1 of 2, from 0.00 s to 1.0 s",
        "a: ran, attempt 2 of 2, from 2.0 s to 3.0 s",
    ]


def test_without_executions_there_is_no_timeline():
    assert timeline([StepPart("a", "reused")], 1.0) is None


@st.composite
def turns(draw):
    """Turns of some workers, one after the other on each, of any lengths."""
    lengths = st.floats(0, 1e6, allow_nan=False) | st.just(0.0)
    steps, end = [], 0.0
    for worker in range(draw(st.integers(1, 3))):
        now = 0.0
        for number, (gap, length) in enumerate(
            draw(st.lists(st.tuples(lengths, lengths), min_size=1, max_size=8))
        ):
            steps.append(executed(f"{worker}.{number}", worker, now + gap, now + gap + length))
            now = now + gap + length
        end = max(end, now)
    return steps, end


@given(turns())
def test_bars_of_a_lane_are_in_order_within_the_axis_and_never_overlap(found):
    steps, end = found

    drawn = timeline(steps, end)

    for lane in drawn.lanes:
        assert all(
            bar.width >= 0 and bar.start >= -1e-6 and bar.start + bar.width <= 100 + 1e-6 for bar in lane.bars
        )
        for one, after in itertools.pairwise(lane.bars):
            assert one.start + one.width <= after.start + 1e-6
    assert len(drawn.ticks) <= 8
    assert all(-1e-6 <= tick.at <= 100 + 1e-6 for tick in drawn.ticks)


# ------------------------------------------------------------------------------------------------ plots


def test_a_plot_has_a_dot_for_each_run_and_says_the_values():
    metric = Metric("s", "m", 3.0, (PastValue(1.0, 0.0, "a"), PastValue(2.0, 0.0, "b")), minimum=0.5)

    drawn = plot(metric)

    xs, ys = zip(*drawn.dots, strict=True)
    assert list(xs) == sorted(xs)
    assert list(ys) == sorted(ys, reverse=True)
    assert drawn.bounds[0] > ys[0]
    assert drawn.words == "m of s, 3 runs, the oldest first: 1, 2, 3"


def test_a_bound_far_away_is_not_drawn():
    assert plot(Metric("s", "m", 0.9, (PastValue(0.91, 0.0, "a"),), minimum=0.1)).bounds == ()


def test_values_that_are_no_numbers_leave_a_gap():
    past = tuple(PastValue(value, 0.0, "a") for value in (1.0, math.nan, 2.0, math.inf))

    drawn = plot(Metric("s", "m", 3.0, past))

    assert len(drawn.dots) == 3
    assert drawn.line.count("M") == 3
    assert "nan" in drawn.words


def test_without_a_past_there_is_no_plot():
    assert plot(Metric("s", "m", 3.0)) is None


@given(
    st.lists(st.floats(), min_size=1, max_size=20),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
)
def test_any_values_can_be_drawn(values, bound):
    drawn = plot(
        Metric("s", "m", values[-1], tuple(PastValue(v, 0.0, "a") for v in values[:-1]), minimum=bound)
    )

    if drawn is not None:
        assert all(0 <= x <= drawn.width and 0 <= y <= drawn.height for x, y in drawn.dots)
        assert all(0 <= y <= drawn.height for y in drawn.bounds)
