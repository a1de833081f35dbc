"""Random small projects, run, edited, and asked: all answers agree, and what is reused is what would be made anew."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipespec.operations.compiling.compile_file import compile_file
from pipespec.operations.planning.gather_facts import code_of
from pipespec.plan.pipeline_diff import Side, compare_pipelines

HELPERS = "def even(n):\n    return n * {even}\n\ndef odd(n):\n    return n + {odd}\n"

FUNCTION = """
def {name}(above: list = (), table: str = "", n: int = 0) -> list:
    return [{helper}(n + len(table) + sum(above)) % {modulus}]
"""
FAN_IN = """
def {name}(above: dict, n: int = 0) -> list:
    return [{helper}(n + sum(sum(one) for one in above.values())) % {modulus}]
"""


@st.composite
def projects(draw):
    """A project as plain values: what `written` writes, and `edited` changes."""
    steps = []
    for number in range(draw(st.integers(2, 5))):
        above = draw(st.sampled_from([None, *range(number)])) if number else None
        kind = (
            draw(st.sampled_from(["plain", "plain", "matrix"]))
            if above is None or not steps[above]["variants"]
            else "plain"
        )
        steps.append(
            {
                "name": f"s{number}",
                "above": above,
                "variants": [1, 2] if kind == "matrix" else [],
                "n": draw(st.integers(0, 2)),
                "helper": draw(st.sampled_from(["even", "odd"])),
                "modulus": draw(st.sampled_from([2, 3, 1000])),
                "reads": above is None and draw(st.booleans()),
                "identity": draw(st.sampled_from([""] * 6 + ["none", "{version: 1}", "{ignore: [n]}"])),
            }
        )
    return {"steps": steps, "even": 2, "odd": 1, "a.txt": "a", "b.txt": "bb"}


@st.composite
def edits(draw):
    return draw(
        st.lists(
            st.tuples(
                st.sampled_from(
                    [
                        "n",
                        "helper",
                        "modulus",
                        "variants",
                        "identity",
                        "even",
                        "odd",
                        "a.txt",
                        "rename",
                        "reads",
                        "nothing",
                    ]
                ),
                st.integers(0, 4),
                st.integers(0, 3),
            ),
            min_size=1,
            max_size=3,
        )
    )


def edited(project, changes):
    project = {**project, "steps": [dict(step) for step in project["steps"]]}
    for what, which, value in changes:
        step = project["steps"][which % len(project["steps"])]
        match what:
            case "n":
                step["n"] = value
            case "helper":
                step["helper"] = "even" if value % 2 else "odd"
            case "modulus":
                step["modulus"] = (2, 3, 5, 1000)[value]
            case "variants" if step["variants"]:
                step["variants"] = [[1, 2, 3], [1], [2, 1], [1, 4]][value]
            case "identity":
                step["identity"] = ["", "none", "{version: 1}", "{ignore: [n]}"][value]
            case "even" | "odd":
                project[what] = value + 1
            case "a.txt":
                project["a.txt"] = "a" * (value + 1)
            case "rename":
                step["name"] = f"r{which}"
            case "reads" if step["above"] is None:
                step["reads"] = not step["reads"]
    return project


def written(bench, project):
    names = [step["name"] for step in project["steps"]]
    if len(set(names)) < len(names):
        return False
    functions, lines = ["from helpers import even, odd\n"], ["pipespec: 1", "name: random", "steps:"]
    for step in project["steps"]:
        above = None if step["above"] is None else project["steps"][step["above"]]
        is_fan_in = above is not None and bool(above["variants"])
        template = FAN_IN if is_fan_in else FUNCTION
        # The function's name stays when the step is renamed, so that it is known again.
        function = f"f{names.index(step['name'])}"
        functions.append(template.format(name=function, helper=step["helper"], modulus=step["modulus"]))
        source = [] if above is None else [f"above: '{above['name']}{'[*]' if is_fan_in else ''}.out'"]
        source += ["table: {file: a.txt}"] if step["reads"] else []
        lines += [
            f"  {step['name']}:",
            f"    call: steps:{function}",
            f"    inputs: {{{', '.join(source)}}}",
            "    outputs: {out: out.json}",
        ]
        lines += (
            [f"    matrix: {{n: {step['variants']}}}"]
            if step["variants"]
            else [f"    params: {{n: {step['n']}}}"]
        )
        lines += (
            [f"    identity: {step['identity']}"]
            if step["identity"] and not (step["variants"] and "ignore" in step["identity"])
            else []
        )
    bench.write("helpers.py", HELPERS.format(even=project["even"], odd=project["odd"]))
    bench.write("steps.py", "".join(functions))
    bench.write("pipeline.yaml", "\n".join(lines) + "\n")
    bench.write("a.txt", project["a.txt"])
    return True


def side(label):
    compiled = compile_file("pipeline.yaml", trusted=True)
    spec = compiled.checked()
    return Side(label, spec, code_of(spec, spec.steps.values(), compiled.modules))


@pytest.mark.slow
@given(projects(), edits(), edits())
@settings(max_examples=60)
def test_all_answers_agree_and_hold(bench_at, project, first, second):
    with bench_at() as bench:
        if not written(bench, project):
            return
        bench.run()
        if not written(bench, edited(project, first)):
            return
        bench.run()
        old = side("old")
        data = (bench.folder / "a.txt").read_text()
        if not written(bench, edited(edited(project, first), second)):
            return
        plan, states, new = bench.plan(), bench.states(), side("new")
        is_data_same = data == (bench.folder / "a.txt").read_text()
        reruns = {one.step: one for one in compare_pipelines(old, new).reruns}
        anew = type(bench.ledger)()
        fresh = bench.run(ledger=anew)[1]

        explained = {step: bench.explain(step) for step in plan.decisions}
        executed, texts = bench.run()

        for step, decision in plan.decisions.items():
            action = str(decision.action)
            assert explained[step].decision == decision
            assert (states[step] == "complete") == (action == "reuse")
            if states[step] == "missing":
                assert action == "run"
            assert action != "run" or step in executed
            assert action != "reuse" or step not in executed
            # What is reused, planned or found at its turn, is what a run from nothing makes, to the byte.
            assert texts[step] == fresh[step] or "ignore" in str(_identities(plan, step))
            # What a diff knows nothing of may be on record; what it says stays is reused.
            if is_data_same and step not in reruns:
                assert action == "reuse"
            if is_data_same and action == "run" and decision.reasons[0].kind != "run-deleted":
                assert step in reruns


def _identities(plan, step):
    above, waiting = [], [step]
    while waiting:
        one = waiting.pop()
        above.append(plan.pipeline.steps[one].identity.ignore and "ignore")
        waiting += plan.pipeline.upstream[one]
    return above
