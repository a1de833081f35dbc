from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.plan.results import StepStatus
from pipespec.spec.pipeline_spec import FileInput
from pipespec.views.graph.dot import to_dot
from pipespec.views.graph.graph_text import render_text
from pipespec.views.graph.mermaid import to_mermaid
from pipespec.views.graph.portrait import Portrait, to_json

STATES = {"ids": "complete", "titles": "stale", "train[depth=4]": "failed", "best": "missing"}


@pytest.fixture(scope="module")
def spec(make):
    return make.pipeline(
        make.step("ids", inputs={"query": FileInput("/project/q.sql", "q.sql")}),
        make.step("titles", inputs={"a": "ids"}),
        make.step(
            "train", variant=(("depth", 4),), inputs={"table": "titles", "ids": "ids"}, tags=("model",)
        ),
        make.step(
            "train", variant=(("depth", 8),), inputs={"table": "titles", "ids": "ids"}, tags=("model",)
        ),
        make.step(
            "best",
            inputs={
                "models": make.reads("train", "model", fan_in=True),
                "part": make.reads("train", "scores", part="a.json", fan_in=True),
            },
            needs=("titles",),
        ),
        make.step("clean", needs=("best",)),
    )


@pytest.fixture(scope="module")
def wide(make):
    """Twelve variants that one step reads."""
    return make.pipeline(
        make.step("a"),
        *(make.step("train", variant=(("n", n),), inputs={"x": "a"}) for n in range(12)),
        make.step("best", inputs={"models": make.reads("train", fan_in=True)}),
    )


WIDE_STATES = {f"train[n={n}]": "complete" if n else "failed" for n in range(11)}


class TestText:
    def test_trees_go_down_to_what_is_needed_and_draw_each_step_once(self, spec):
        assert render_text(spec) == (
            "clean\n"
            "└─ best  (order only)\n"
            "   ├─ train[depth=4].{model, scores/a.json}\n"
            "   │  ├─ titles.out\n"
            "   │  │  └─ ids.out\n"
            "   │  └─ ids.out\n"
            "   ├─ train[depth=8].{model, scores/a.json}\n"
            "   │  ├─ titles.out  (see above)\n"
            "   │  └─ ids.out\n"
            "   └─ titles  (see above, order only)"
        )

    def test_states_stand_behind_the_names(self, spec):
        assert render_text(spec, STATES).splitlines()[:4] == [
            "clean",
            "└─ best  (missing, order only)",
            "   ├─ train[depth=4].{model, scores/a.json}  (failed)",
            "   │  ├─ titles.out  (stale)",
        ]

    def test_many_variants_are_one_line(self, wide):
        assert render_text(wide, WIDE_STATES) == (
            "best\n└─ train[*].out  (12 variants, 1 failed, 10 complete)\n   └─ a.out"
        )

    def test_a_chain_of_ten_thousand_stays_narrow(self, make):
        count = 10_000
        spec = make.pipeline(
            make.step("s0"), *(make.step(f"s{n}", inputs={"x": f"s{n - 1}"}) for n in range(1, count))
        )

        lines = render_text(spec).splitlines()

        assert max(map(len, lines)) < 100
        assert {re.search(r"s(\d+)", line)[1] for line in lines} == {str(n) for n in range(count)}

    def test_variants_that_read_each_other_in_a_circle_of_names_are_all_drawn(self, make):
        steps = []
        for n in range(20):
            before = {"x": make.reads("b", selection=(("n", n - 1),))} if n else {}
            steps.append(make.step("a", variant=(("n", n),), inputs=before))
            steps.append(
                make.step("b", variant=(("n", n),), inputs={"x": make.reads("a", selection=(("n", n),))})
            )

        assert render_text(make.pipeline(*steps)) == (
            "a[*]  (20 variants)\n└─ b[*].out  (20 variants)\n   └─ a[*].out  (20 variants, see above)"
        )


class TestMermaid:
    def test_arrows_bear_the_outputs_and_order_is_dotted(self, spec):
        assert to_mermaid(spec) == (
            "flowchart LR\n"
            '  n0["ids"]\n'
            '  n1["titles"]\n'
            '  n2["train#91;depth=4#93;"]\n'
            '  n3["train#91;depth=8#93;"]\n'
            '  n4["best"]\n'
            '  n5["clean"]\n'
            '  n0 -->|"out"| n1\n'
            '  n1 -->|"out"| n2\n'
            '  n0 -->|"out"| n2\n'
            '  n1 -->|"out"| n3\n'
            '  n0 -->|"out"| n3\n'
            '  n2 -->|"model, scores/a.json"| n4\n'
            '  n3 -->|"model, scores/a.json"| n4\n'
            "  n1 -.-> n4\n"
            "  n4 -.-> n5"
        )

    def test_states_are_classes_and_the_worst_of_many_variants_counts(self, wide):
        assert to_mermaid(wide, WIDE_STATES) == (
            "flowchart LR\n"
            '  n0["a"]\n'
            '  n1["train#91;#42;#93;, 12 variants"]:::failed\n'
            '  n2["best"]\n'
            '  n0 -->|"out"| n1\n'
            '  n1 -->|"out"| n2\n'
            "  classDef failed fill:#f4b6b6,color:#000\n"
            "  classDef interrupted fill:#e3cdf5,color:#000\n"
            "  classDef running fill:#b6d4f4,color:#000\n"
            "  classDef missing fill:#e4e4e4,color:#000\n"
            "  classDef stale fill:#f7e3a1,color:#000\n"
            "  classDef complete fill:#bfe5bf,color:#000"
        )


class TestDot:
    def test_arrows_bear_the_outputs_and_order_is_dashed(self, wide, make):
        spec = make.pipeline(make.step("a"), make.step("b", inputs={"x": "a"}), make.step("c", needs=("b",)))

        assert to_dot(spec, {"b": "stale"}) == (
            'digraph "test" {\n'
            "  rankdir=LR\n"
            '  node [shape=box, style="rounded,filled", fillcolor=white]\n'
            '  n0 [label="a"]\n'
            '  n1 [label="b", fillcolor="#f7e3a1"]\n'
            '  n2 [label="c"]\n'
            '  n0 -> n1 [label="out"]\n'
            "  n1 -> n2 [style=dashed]\n"
            "}"
        )


def test_json_has_every_variant_and_edge(make, wide, spec, fits_schema):
    small = make.pipeline(
        make.step("a", outputs={"x": "x.csv", "y": "y/"}, tags=("data",)),
        make.step("b", variant=(("n", 1),), inputs={"x": make.reads("a", "x")}, needs=("a",)),
        make.step("c", needs=("b",)),
    )
    told = to_json(
        Portrait(small, {"work:a": "work.py:3"}, {"a": StepStatus("a", "complete")}, "http://host")
    )

    assert told["version"] == 1
    assert told["pipeline"] == "test"
    assert told["steps"][0] == {
        "step": "a",
        "name": "a",
        "variant": {},
        "call": "work:a",
        "place": "work.py:3",
        "description": None,
        "params": {},
        "inputs": {},
        "outputs": ["x", "y"],
        "files": {"x": "x.csv", "y": "y/"},
        "tags": ["data"],
        "state": "complete",
        "run": None,
    }
    assert [(step["step"], step["variant"], step["inputs"], step["state"]) for step in told["steps"][1:]] == [
        ("b[n=1]", {"n": 1}, {"x": "a.x"}, None),
        ("c", {}, {}, None),
    ]
    assert told["edges"] == [
        {"from": "a", "to": "b[n=1]", "kind": "data", "outputs": ["x"]},
        {"from": "b[n=1]", "to": "c", "kind": "order", "outputs": []},
    ]
    assert len(to_json(Portrait(wide))["edges"]) == 24
    statuses = {step: StepStatus(step, state, "ab12") for step, state in STATES.items()}
    for each in (small, wide, spec):
        fits_schema("graph", to_json(Portrait(each, {}, statuses, "sqlite:////x/mlflow.db")))


@pytest.mark.parametrize(
    ("uri", "url", "command"),
    [
        (
            "https://mlflow.test/lab/",
            "https://mlflow.test/lab/#/experiments/7/runs/ab12?workflowType=machine_learning",
            None,
        ),
        ("sqlite:////project/mlflow.db", None, "mlflow ui --backend-store-uri sqlite:////project/mlflow.db"),
        ("sqlite:////else where/m.db", None, "mlflow ui --backend-store-uri 'sqlite:////else where/m.db'"),
        (
            "javascript:alert(1)//http://",
            None,
            "mlflow ui --backend-store-uri 'javascript:alert(1)//http://'",
        ),
    ],
)
def test_a_run_has_a_link_only_to_a_server_and_else_a_command(make, uri, url, command):
    metrics = {"f1": 0.5, "loss": math.nan, "pipespec.seconds": 2.0}
    status = StepStatus("a", "complete", "ab12", 10.0, 12.5, metrics, "7")

    told = to_json(Portrait(make.pipeline(make.step("a")), {}, {"a": status}, uri))

    assert told["steps"][0]["run"] == {
        "run_id": "ab12",
        "seconds": 2.0,
        "metrics": {"f1": 0.5, "loss": None},
        "url": url,
        "open": command,
    }


HOSTILE = [
    '"]; click n0 "javascript:alert(1)"',
    "</script><script>alert(1)</script>",
    "a\nb --> c\r\n%% comment",
    "`**markdown**`",
    "#quot;#35;&lt;&amp;",
    '\\" ]\\',
    "end",
    "\x1b[31m\u202e",
    "%%{init: {}}%%",
    "日本 é",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_stay_text(make, text):
    check_harmless(make, text)


@given(st.text())
def test_any_name_stays_text(make, text):
    check_harmless(make, text)


def check_harmless(make, text):
    spec = make.pipeline(
        make.step("a", variant=(("x", text),)), make.step("b", inputs={"y": make.reads("a", text or "out")})
    )

    for drawn in (render_text(spec, {"b": "stale"}), to_mermaid(spec), to_dot(spec)):
        assert (
            drawn.replace("\n", "")
            .replace("\u3000", "")
            .replace("\u00a0", "")
            .translate(SPACES)
            .isprintable()
        )
    mermaid = to_mermaid(spec).splitlines()
    assert len(mermaid) == 4
    assert all(
        re.fullmatch(
            r'flowchart LR|  n\d\["(?:[\w .,=()/-]|#\d+;)+"\]|  n0 -->\|"(?:[\w .,=()/-]|#\d+;)+"\| n1', line
        )
        for line in mermaid
    )
    dot = to_dot(spec).splitlines()
    assert len(dot) == 7
    assert all(re.fullmatch(r'  n\d( -> n\d)? \[label="(?:[^"\\<>]|\\["\\])*"\]', line) for line in dot[3:-1])


SPACES = dict.fromkeys(
    map(ord, "\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f")
)
