"""A difference as a comment on a change, and what it costs: whole outputs, hostile names among them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipespec.plan.forecast import Forecast
from pipespec.plan.pipeline_diff import Side, compare_pipelines
from pipespec.plan.plan import Action
from pipespec.python.identity.code_facts import CodeFacts, CodePiece
from pipespec.views.diff_view import render_markdown, render_text, to_json

HOSTILE = "`|</details>\n<img src=x> @all \x1b[31m"


def code(text):
    return CodeFacts(
        text, {"work:fit": text}, (), pieces={"work:fit": CodePiece(text, "/project/work.py", 7)}
    )


def side(label, make, depth, text, *more):
    fit = make.step("fit", params={"depth": depth}, call="work:fit")
    spec = make.pipeline(fit, make.step("report", inputs={"x": "fit"}), *more)
    return Side(label, spec, {"work:fit": code(text)})


@pytest.fixture
def found(make):
    old = side(
        "sales.yaml@main", make, 4, "def fit():\n    return 1\n", make.step("gone", outputs={"a": "a"})
    )
    new = side("sales.yaml", make, 8, "def fit():\n    return 2\n", make.step("fresh", outputs={"b": "b"}))
    return compare_pipelines(old, new)


def asked(found):
    """The same with what the records say."""
    actions = {"fit": Action.RUN, "report": Action.WAIT, "fresh": Action.REUSE}
    expected = Forecast({"fit": 180.0, "report": 5.0}, 1, 185.0, ("fit", "report"), 185.0)
    return replace(found, actions=actions, expected=expected)


def test_comment_says_what_runs_again_and_why(found):
    assert render_markdown(found) == (
        "### Pipeline: `sales.yaml@main` → `sales.yaml`\n"
        "\n"
        "**2 would run again, 1 may.**\n"
        "\n"
        "| step | why it would run again |\n"
        "|---|---|\n"
        "| `fit` | `code work:fit changed` `work.py:7`<br>`param depth: 4 -> 8` `pipeline.yaml:1` |\n"
        "| `report` | perhaps: if `fit` produces different content |\n"
        "| `fresh` | it is new |\n"
        "\n"
        "- New: `fresh`\n"
        "- Gone: `gone`\n"
        "\n"
        "<details><summary>Code that changed: 1</summary>\n"
        "\n"
        "`work:fit` `work.py:7`\n"
        "\n"
        "```diff\n"
        "--- work:fit before\n"
        "+++ work:fit now\n"
        "@@ -1,2 +1,2 @@\n"
        " def fit():\n"
        "-    return 1\n"
        "+    return 2\n"
        "```\n"
        "\n"
        "</details>\n"
    )


def test_comment_says_what_it_costs(found):
    lines = render_markdown(asked(found)).splitlines()

    assert lines[2:10] == [
        "**2 would run again, 1 may.** 1 of 3 results are recorded; the rest takes about 3 min 5 s, one at a time.",
        "",
        "| step | why it would run again | takes |",
        "|---|---|---|",
        "| `fit` | `code work:fit changed` `work.py:7`<br>`param depth: 4 -> 8` `pipeline.yaml:1` | 3 min |",
        "| `report` | perhaps: if `fit` produces different content | 5.0 s |",
        "| `fresh` | it is new (its result is already recorded) |  |",
        "",
    ]
    assert lines[10] == "The longest chain takes 3 min 5 s: `fit` → `report`"


def test_text_says_what_it_costs(found):
    assert render_text(asked(found)).partition("would run again:\n")[2] == (
        "  fit     3 min  code work:fit changed and 1 more\n"
        "  report  5.0 s  may, if fit produces different content\n"
        "  fresh          is new (its result is already recorded)\n"
        "\n"
        "1 of 3 results are recorded; the rest takes about 3 min 5 s, one at a time\n"
        "the longest chain takes 3 min 5 s: fit > report"
    )


def test_json_says_what_it_costs(found, fits_schema):
    answer = to_json(asked(found))

    fits_schema("diff", answer)
    assert {one["step"]: one["expected_seconds"] for one in answer["reruns"]} == {
        "fit": 180.0, "report": 5.0, "fresh": 0.0,
    }  # fmt: skip
    assert answer["expected"]["critical_path"] == ["fit", "report"]
    without = to_json(found)
    fits_schema("diff", without)
    assert "expected" not in without


def test_nothing_that_a_stranger_named_leaves_its_span(make):
    old = Side(HOSTILE, make.pipeline(make.step("a")), {})
    new = Side("b", make.pipeline(make.step("a", params={HOSTILE: HOSTILE}), make.step(HOSTILE)), {})

    shown = render_markdown(compare_pipelines(old, new))

    assert "\x1b" not in shown
    for line in shown.splitlines():
        outside = "".join(line.split("``")[::2])
        assert "<img" not in outside
        assert "@all" not in outside
        if line.startswith("| `"):
            assert line.replace("\\|", "").count("|") == 3, line


def test_long_differences_stay_within_a_comment(make):
    old = side("a", make, 1, "\n".join("y" * 90 for _ in range(2_000)))
    steps = [make.step(f"s{number}", params={"v": number}) for number in range(500)]
    new = side("b", make, 1, "\n".join("x" * 90 for _ in range(2_000)), *steps)

    shown = render_markdown(compare_pipelines(old, new))

    assert len(shown) < 65_536
    assert "| and 402 more |  |" in shown
    assert "more characters)\n" in shown
