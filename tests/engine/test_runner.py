"""Plans that are run: by Luigi, in processes, recorded in a real store."""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from pipespec.errors import UsageError
from pipespec.plan.planner import make_plan
from pipespec.spec.build_spec import build_spec
from pipespec.spec.steps.matrix import fill_axis


def test_steps_run_once_and_are_reused_afterwards(sums):
    first = sums.run()
    second = sums.run()

    assert [(result.step, result.state.value) for result in first.steps] == [
        ("numbers", "ran"),
        ("squares", "ran"),
        ("total", "ran"),
    ]
    assert [(result.step, result.state.value, result.run_id) for result in second.steps] == [
        (result.step, "reused", result.run_id) for result in first.steps
    ]
    assert (first.succeeded, second.succeeded, second.invocation) == (True, True, None)


def test_everything_is_told_as_it_happens(sums):
    sums.run()

    assert sums.told.total == 3
    assert sums.told.events == [
        (kind, step, what)
        for step in ("numbers", "squares", "total")
        for kind, what in (("started", 1), ("ended", "ran"))
    ]


def test_a_result_is_recorded_whole(sums):
    report = sums.run()

    total = report.steps[2]
    with sums.ledger() as ledger:
        facts = ledger.run(total.run_id)
        record = ledger.complete([total.key])[total.key]
        manifest = ledger.manifest(record)
        invocation = ledger.run(report.invocation)
    assert facts.status == invocation.status == "FINISHED"
    assert facts.tags["pipespec.invocation"] == report.invocation
    assert f"pipespec.claim.{total.key}" not in facts.tags
    assert facts.metrics["total"] == 30.0
    assert json.loads(Path(_artifact(record, "total.json")).read_text()) == {"total": 30}
    assert Path(_artifact(record, "pipespec/log.txt")).read_text() == "adding up 5\n"
    assert manifest["inputs"] == {
        "squares": [
            {
                "step": "squares",
                "output": "squares",
                "file": "squares.json",
                "run_id": report.steps[1].run_id,
                "digest": manifest["inputs"]["squares"][0]["digest"],
            }
        ]
    }
    assert (manifest["call"], manifest["pipeline"], manifest["invocation"]) == (
        "steps:total",
        "sums",
        report.invocation,
    )
    assert "steps:total" in manifest["code"]
    assert manifest["parts"]


def _artifact(record, name):
    return record.artifact_uri.removeprefix("file://") + "/" + name


def test_same_bytes_stop_the_wave(sums):
    sums.run()
    sums.write(
        "steps.py", (sums.root / "steps.py").read_text().replace("list(range(count))", "[*range(count)]")
    )

    assert sums.states() == {"numbers": "ran", "squares": "reused", "total": "reused"}


def test_a_report_has_the_plan_as_it_was_carried_out(sums):
    sums.run()
    sums.write(
        "steps.py", (sums.root / "steps.py").read_text().replace("list(range(count))", "[*range(count)]")
    )

    report = sums.run()

    decisions = report.plan.decisions
    assert {step: decision.action.value for step, decision in decisions.items()} == {
        "numbers": "run",
        "squares": "reuse",
        "total": "reuse",
    }
    assert [decision.reasons[0].kind.value for decision in decisions.values()] == [
        "changed",
        "complete",
        "complete",
    ]
    assert [decision.record.run_id for decision in decisions.values()] == [
        result.record.run_id for result in report.steps
    ]


def test_what_never_ran_has_not_changed_because_another_variant_ended_before(engine):
    engine.write("steps.py", "def f(x: int = 0, n: int = 0): return x + n")
    engine.write(
        "pipeline.yaml",
        """\
        pipespec: 1
        name: variants
        steps:
          first: {call: 'steps:f', outputs: {o: o.json}}
          second: {call: 'steps:f', inputs: {x: first}, matrix: {n: [1, 2]}, outputs: {o: o.json}}
        """,
    )

    report = engine.run()

    assert {
        step: tuple(reason.kind.value for reason in decision.reasons)
        for step, decision in report.plan.decisions.items()
    } == dict.fromkeys(("first", "second[n=1]", "second[n=2]"), ("never-ran",))


def test_a_forced_step_runs_in_a_new_generation(sums):
    before = sums.run().steps[1]

    after = sums.run(forced=["squares"]).steps

    assert [result.state.value for result in after] == ["reused", "ran", "reused"]
    assert after[1].key == before.key
    assert after[1].run_id != before.run_id
    with sums.ledger() as ledger:
        assert ledger.generations([before.key]) == {before.key: 1}
        assert ledger.complete([before.key])[before.key].run_id == after[1].run_id


def test_a_lost_artifact_is_made_again_in_a_new_generation(sums):
    key = sums.run().steps[0].key
    with sums.ledger() as ledger:
        Path(_artifact(ledger.complete([key])[key], "numbers.json")).unlink()

    assert sums.states() == {"numbers": "ran", "squares": "reused", "total": "reused"}
    with sums.ledger() as ledger:
        assert ledger.generations([key]) == {key: 1}


def test_only_selected_steps_and_what_they_need_are_run(sums):
    assert sums.states(targets=["squares"]) == {"numbers": "ran", "squares": "ran"}


FRAGILE = """\
pipespec: 1
name: fragile
steps:
  first: {call: 'steps:good', params: {word: a}, outputs: {word: word.json}}
  bad: {call: 'steps:bad', inputs: {word: first}, outputs: {word: word.json}}
  dependent: {call: 'steps:good', inputs: {word: bad}, outputs: {word: word.json}}
  further: {call: 'steps:good', inputs: {word: dependent}, outputs: {word: word.json}}
  sibling: {call: 'steps:good', inputs: {word: first}, outputs: {word: word.json}, priority: -1}
"""


@pytest.fixture
def fragile(engine):
    engine.write(
        "steps.py",
        """
        def good(word):
            return {"word": word}

        def bad(word):
            print("about to fail")
            raise ValueError("no good")
        """,
    )
    engine.write("pipeline.yaml", FRAGILE)
    return engine


def test_after_a_failure_nothing_new_starts(fragile):
    report = fragile.run()

    assert {result.step: (result.state.value, result.error) for result in report.steps} == {
        "first": ("ran", None),
        "bad": ("failed", "ValueError: no good"),
        "dependent": ("blocked", "depends on 'bad', which failed"),
        "further": ("blocked", "depends on 'bad', which failed"),
        "sibling": ("cancelled", "not started after 'bad' failed"),
    }
    assert fragile.statuses("bad") == ["FAILED"]
    assert not report.succeeded


def test_with_keep_going_what_does_not_depend_on_the_failure_runs(fragile):
    assert fragile.states(keep_going=True) == {
        "first": "ran",
        "bad": "failed",
        "dependent": "blocked",
        "further": "blocked",
        "sibling": "ran",
    }


def test_a_failed_step_keeps_its_log_and_the_users_frames(fragile):
    bad = fragile.result("bad")

    with fragile.ledger() as ledger:
        folder = ledger.run(bad.run_id).artifact_uri.removeprefix("file://")
    assert "in bad" in bad.traceback
    assert "pipespec" not in bad.traceback.replace(str(fragile.root), "")
    assert Path(bad.log).read_text().startswith("about to fail\n")
    assert Path(folder, "pipespec/log.txt").read_text().startswith("about to fail\n")
    assert "ValueError: no good" in Path(folder, "pipespec/error.txt").read_text()


def test_a_run_goes_on_where_the_last_one_failed(fragile):
    fragile.run()
    fragile.write(
        "steps.py",
        (fragile.root / "steps.py").read_text().replace('raise ValueError("no good")', 'return "b"'),
    )

    assert fragile.states() == {
        "first": "reused",
        "bad": "ran",
        "dependent": "ran",
        "further": "ran",
        "sibling": "ran",
    }


@pytest.fixture
def flaky(engine):
    engine.write(
        "steps.py",
        """
        from pathlib import Path

        def flaky(tries: str):
            with Path(tries).open("a") as file:
                file.write("x")
            if len(Path(tries).read_text()) < 3:
                raise OSError("not yet")
            return 1
        """,
    )
    engine.tries = engine.root / "tries"

    def write(times):
        engine.write(
            "pipeline.yaml",
            f"""\
            pipespec: 1
            name: flaky
            steps:
              flaky: {{call: 'steps:flaky', params: {{tries: {engine.tries}}}, outputs: {{o: o.json}}, retry: {{times: {times}, wait: 0.05s}}}}
              other: {{call: 'steps:flaky', params: {{tries: {engine.root}/other}}, outputs: {{o: o.json}}, retry: {{times: 5}}}}
            """,
        )

    engine.let_try = write
    return engine


def test_each_try_has_a_run_of_its_own(flaky):
    flaky.let_try(2)

    assert flaky.states(targets=["flaky"]) == {"flaky": "ran"}
    assert flaky.statuses("flaky") == ["FAILED", "FAILED", "FINISHED"]
    assert [event for event in flaky.told.events if event[0] == "started"] == [
        ("started", "flaky", n) for n in (1, 2, 3)
    ]


def test_each_try_has_its_time_in_the_report(flaky):
    flaky.let_try(2)

    (result,) = flaky.run(targets=["flaky"]).steps

    assert [one.worker for one in result.executions] == [0, 0, 0]
    assert len({one.run_id for one in result.executions}) == 3
    assert result.executions[-1].run_id == result.run_id
    assert all(b.started - a.ended >= 0.04 for a, b in itertools.pairwise(result.executions))


def test_after_the_last_try_the_step_has_failed(flaky):
    flaky.let_try(1)

    assert flaky.states(targets=["flaky"]) == {"flaky": "failed"}
    assert flaky.statuses("flaky") == ["FAILED", "FAILED"]


def test_while_a_step_waits_for_its_next_try_others_have_its_place(flaky):
    flaky.let_try(5)
    flaky.write("pipeline.yaml", (flaky.root / "pipeline.yaml").read_text().replace("0.05s", "2s"))

    assert flaky.states(workers=1) == {"flaky": "ran", "other": "ran"}
    events = flaky.told.events
    assert events.index(("ended", "other", "ran")) < events.index(("started", "flaky", 2))


def test_waits_grow_as_the_list_says(flaky):
    flaky.let_try(2)
    flaky.write("pipeline.yaml", (flaky.root / "pipeline.yaml").read_text().replace("0.05s", "[0.1s, 0.6s]"))

    (result,) = flaky.run(targets=["flaky"]).steps

    first, second = (b.started - a.ended for a, b in itertools.pairwise(result.executions))
    assert first >= 0.09
    assert second >= 0.59


def test_while_a_step_waits_others_have_its_resources_and_a_signal_is_obeyed_at_once(flaky):
    flaky.let_try(5)
    flaky.write(
        "pipeline.yaml",
        f"""\
        pipespec: 1
        name: flaky
        defaults: {{resources: {{gpu: 1}}}}
        steps:
          flaky:
            call: steps:flaky
            params: {{tries: {flaky.tries}}}
            outputs: {{o: o.json}}
            retry: {{times: 5, wait: 1h}}
            priority: 1
          other: {{call: 'steps:other', outputs: {{o: o.json}}}}
        """,
    )
    flaky.write("steps.py", (flaky.root / "steps.py").read_text() + "\ndef other():\n    return 1\n")
    ticks = []

    def interrupt(result):
        noted(result)
        if result.step == "other":
            flaky.told.tick = lambda: ticks.append(1)
            os.kill(os.getpid(), signal.SIGINT)

    noted, flaky.told.ended = flaky.told.ended, interrupt

    report = flaky.run(workers=1)

    assert {result.step: result.state.value for result in report.steps} == {
        "flaky": "failed",
        "other": "ran",
    }
    assert report.interrupted_by == signal.SIGINT
    assert [event for event in flaky.told.events if event[:2] == ("started", "flaky")] == [
        ("started", "flaky", 1)
    ]
    assert len(ticks) <= 3


def test_a_step_whose_wait_is_over_but_has_no_place_keeps_nobody_busy(flaky):
    flaky.let_try(5)
    source = (flaky.root / "steps.py").read_text()
    flaky.write("steps.py", source + "\nimport time\n\ndef slow():\n    time.sleep(1.5)\n    return 1\n")
    text = (flaky.root / "pipeline.yaml").read_text()
    flaky.write("pipeline.yaml", text + "  slow: {call: 'steps:slow', outputs: {o: o.json}}\n")
    ticks = []
    flaky.told.tick = lambda: ticks.append(1)

    assert set(flaky.states(workers=1, targets=["flaky", "slow"]).values()) == {"ran"}
    assert len(ticks) < 200  # some twenty; thousands where it turns in circles


@pytest.fixture
def crowd(engine):
    engine.write(
        "steps.py",
        """
        import os, time
        from pathlib import Path

        def meet(folder: str, me: int, others: int):
            Path(folder, f"here{me}").touch()
            until = time.monotonic() + 60
            while sum(name.startswith("here") for name in os.listdir(folder)) < others:
                assert time.monotonic() < until
                time.sleep(0.005)
            return me

        def alone(folder: str, me: int):
            os.mkdir(Path(folder, "room"))
            os.rmdir(Path(folder, "room"))
            return me
        """,
    )
    engine.room = engine.root / "meeting"
    engine.room.mkdir()

    def write(function, more="", steps=4):
        others = f", others: {steps}" if function == "meet" else ""
        engine.write(
            "pipeline.yaml",
            f"""\
            pipespec: 1
            name: crowd
            steps:
              s:
                call: steps:{function}
                matrix: {{me: {list(range(steps))}}}
                params: {{folder: {engine.room}{others}}}
                outputs: {{o: o.json}}
                {more}
            """,
        )

    engine.let = write
    return engine


def test_as_many_steps_execute_at_a_time_as_there_are_workers(crowd):
    crowd.let("meet")

    assert set(crowd.states(workers=4).values()) == {"ran"}


def test_one_worker_executes_one_step_at_a_time(crowd):
    crowd.let("alone")

    assert set(crowd.states(workers=1).values()) == {"ran"}


def test_steps_that_execute_at_a_time_have_workers_of_their_own(crowd):
    crowd.let("meet")

    report = crowd.run(workers=4)

    executions = [one for result in report.steps for one in result.executions]
    assert sorted(one.worker for one in executions) == [0, 1, 2, 3]
    assert report.workers == 4
    assert max(one.started for one in executions) < min(one.ended for one in executions)
    assert all(0 <= one.started <= one.ended <= report.seconds for one in executions)


def test_what_one_worker_executes_does_not_overlap(crowd):
    crowd.let("alone", steps=5)

    executions = [one for result in crowd.run(workers=2, keep_going=True).steps for one in result.executions]

    for worker in (0, 1):
        turns = sorted((one.started, one.ended) for one in executions if one.worker == worker)
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(turns))
    assert len(executions) == 5


def test_resources_bound_what_executes_at_a_time(crowd):
    crowd.let("alone", more="resources: {gpu: 2}")

    assert set(crowd.states(workers=4, resources={"gpu": 3}).values()) == {"ran"}


def test_a_step_that_needs_more_than_there_is_is_refused(crowd):
    crowd.let("alone", more="resources: {gpu: 2}")

    with pytest.raises(UsageError, match=r"^step 's\[me=0\]' needs 2 of resource 'gpu', but the total is 1$"):
        crowd.run()


def judged(engine, bound):
    engine.write(
        "steps.py",
        """
        import json
        from pathlib import Path

        def train(scores: Path):
            scores.write_text(json.dumps({"accuracy": 0.75}))

        def use(scores: dict):
            return scores
        """,
    )
    engine.write(
        "pipeline.yaml",
        f"""\
        pipespec: 1
        name: judged
        steps:
          train: {{call: 'steps:train', outputs: {{scores: scores.json}}, metrics: scores, checks: {{accuracy: {{min: {bound}}}}}}}
          use: {{call: 'steps:use', inputs: {{scores: train}}, outputs: {{o: o.json}}}}
        """,
    )
    return engine


def test_a_step_that_misses_its_bounds_is_recorded_and_has_failed(engine):
    report = judged(engine, 0.8).run()

    assert [(result.state.value, result.error) for result in report.steps] == [
        ("failed", "accuracy is 0.75, below its minimum 0.8"),
        ("blocked", "depends on 'train', which failed"),
    ]
    assert engine.statuses("train") == ["FINISHED"]


def test_bounds_are_judged_again_on_reuse(engine):
    judged(engine, 0.8).run()

    assert [result.state.value for result in engine.run().steps] == ["failed", "blocked"]
    assert judged(engine, 0.7).states() == {"train": "reused", "use": "ran"}
    assert judged(engine, 0.8).states() == {"train": "failed", "use": "blocked"}
    assert engine.statuses("train") == ["FINISHED"]


def test_bounds_hold_for_what_the_function_logs_itself(engine):
    judged(engine, 0.8)
    engine.write(
        "steps.py",
        """
        import mlflow

        def train():
            mlflow.log_metric("accuracy", 0.9)
            return {}

        def use(scores: dict):
            return scores
        """,
    )

    assert engine.states() == {"train": "ran", "use": "ran"}


def test_a_step_without_identity_runs_every_time_and_what_reads_it_only_when_it_changed(sums):
    text = (sums.root / "pipeline.yaml").read_text()
    sums.write(
        "pipeline.yaml",
        text.replace("outputs: {numbers: numbers.json}", "outputs: {numbers: numbers.json}, identity: none"),
    )

    assert sums.states() == {"numbers": "ran", "squares": "ran", "total": "ran"}
    assert sums.states() == {"numbers": "ran", "squares": "reused", "total": "reused"}


def test_of_two_steps_with_one_key_the_second_takes_the_firsts_record(engine):
    engine.write("steps.py", "def one(x: int):\n    return x\n")
    engine.write(
        "pipeline.yaml",
        """\
        pipespec: 1
        name: twins
        steps:
          s: {call: 'steps:one', matrix: {x: [1, 2]}, identity: {ignore: [x]}, outputs: {o: o.json}}
        """,
    )

    first, second = engine.run(workers=2).steps
    again = engine.run(forced=["s"], workers=2).steps

    assert [(result.state.value, result.run_id) for result in (first, second)] == [
        ("ran", first.run_id),
        ("reused", first.run_id),
    ]
    assert [(result.state.value, result.run_id) for result in again] == [
        ("ran", again[0].run_id),
        ("reused", again[0].run_id),
    ]
    assert again[0].run_id != first.run_id


def test_a_module_that_changes_after_planning_runs_as_it_was_planned(sums):
    planned = (sums.root / "steps.py").read_text()
    plan = sums.plan()
    sums.write("steps.py", "raise SystemError('edited')\n")

    report = sums.run(plan=plan)

    assert [result.state.value for result in report.steps] == ["ran", "ran", "ran"]
    sums.write("steps.py", planned)
    assert {step: decision.action.value for step, decision in sums.plan().decisions.items()} == dict.fromkeys(
        ("numbers", "squares", "total"), "reuse"
    )


def test_a_module_that_changes_while_the_run_goes_on_runs_as_it_was_planned(sums):
    sums.told.on_start["squares"] = lambda: sums.write("steps.py", "raise SystemError('edited')\n")

    assert sums.states() == {"numbers": "ran", "squares": "ran", "total": "ran"}


def test_the_code_that_a_run_kept_goes_with_it(sums):
    sums.run()

    assert list((sums.root / ".pipespec" / "staging").iterdir()) == []


@pytest.mark.parametrize("edited", ["# only this\n", "steps: [", None], ids=["other", "broken", "removed"])
def test_a_pipeline_that_changes_while_it_runs_goes_on_as_it_was_planned(sums, edited):
    file = sums.root / "pipeline.yaml"
    text = file.read_text()
    sums.told.on_start["numbers"] = lambda: file.unlink() if edited is None else file.write_text(edited)

    assert sums.states() == {"numbers": "ran", "squares": "ran", "total": "ran"}
    file.write_text(text)
    assert sums.states() == {"numbers": "reused", "squares": "reused", "total": "reused"}


def test_an_input_file_that_changes_after_planning_fails_the_step(engine):
    engine.write("steps.py", "def read(table: str) -> str:\n    return table\n")
    engine.write("table.txt", "1\n")
    engine.write(
        "pipeline.yaml",
        """\
        pipespec: 1
        name: reads
        steps:
          read: {call: 'steps:read', inputs: {table: {file: table.txt}}, outputs: {o: o.txt}}
        """,
    )
    plan = engine.plan()
    engine.write("table.txt", "2\n")

    report = engine.run(plan=plan)

    assert report.steps[0].state.value == "failed"
    assert "'table.txt'" in report.steps[0].error
    assert "differs from what was recorded" in report.steps[0].error
    assert engine.states() == {"read": "ran"}


def test_parts_of_directories_and_fans_arrive(engine):
    engine.write(
        "steps.py",
        """
        import json
        from pathlib import Path

        def fill(folder: Path, depth: int):
            (folder / "inner").mkdir()
            (folder / "inner" / "a.json").write_text(json.dumps(depth))
            (folder / "b.txt").write_text("b")

        def gather(one: int, all: dict[str, Path], pairs: list):
            return {"one": one, "all": sorted(all), "names": [point for point, _ in pairs], "files": sorted(p.name for p in all["1"].iterdir())}
        """,
    )
    engine.write(
        "pipeline.yaml",
        """\
        pipespec: 1
        name: fan
        steps:
          fill: {call: 'steps:fill', matrix: {depth: [1, 2]}, outputs: {folder: folder/}}
          gather:
            call: 'steps:gather'
            inputs: {one: 'fill[depth=2].folder/inner/a.json', all: 'fill[*].folder', pairs: 'fill[*].folder'}
            outputs: {o: o.json}
        """,
    )

    gathered = engine.result("gather")

    with engine.ledger() as ledger:
        record = ledger.complete([gathered.key])[gathered.key]
    assert json.loads(Path(_artifact(record, "o.json")).read_text()) == {
        "one": 2,
        "all": ["1", "2"],
        "names": [{"depth": 1}, {"depth": 2}],
        "files": ["b.txt", "inner"],
    }


def test_what_a_function_logs_reaches_its_run_and_no_other(engine):
    engine.write(
        "steps.py",
        """
        import mlflow

        def loud():
            mlflow.log_metric("mine", 1.5)
            mlflow.end_run()
            return 1

        def quiet(x: int):
            return mlflow.active_run().info.run_id
        """,
    )
    engine.write(
        "pipeline.yaml",
        """\
        pipespec: 1
        name: logs
        steps:
          loud: {call: 'steps:loud', outputs: {x: x.json}}
          quiet: {call: 'steps:quiet', inputs: {x: loud}, outputs: {o: o.json}}
        """,
    )

    loud, quiet = engine.run().steps

    with engine.ledger() as ledger:
        assert ledger.run(loud.run_id).metrics["mine"] == 1.5
        assert "mine" not in ledger.run(quiet.run_id).metrics
        seen = Path(_artifact(ledger.complete([quiet.key])[quiet.key], "o.json")).read_text()
        assert json.loads(seen) == quiet.run_id


def test_a_matrix_over_an_output_is_a_second_wave(engine):
    engine.write(
        "steps.py",
        """
        def words():
            return ["a", "b", "a"]

        def shout(word: str):
            return word.upper()

        def gather(words: dict):
            return words
        """,
    )
    engine.write(
        "pipeline.yaml",
        """\
        pipespec: 1
        name: waves
        steps:
          words: {call: 'steps:words', outputs: {words: words.json}, identity: none}
          shout: {call: 'steps:shout', matrix: {word: words.words}, outputs: {o: o.json}}
          gather: {call: 'steps:gather', inputs: {words: 'shout[*]'}, outputs: {o: o.json}}
        """,
    )
    asked = []

    def next_wave(records):
        asked.append(sorted(records))
        if len(asked) > 1:
            return None
        spec = engine.spec()
        step = spec.steps["shout[word=*]"]
        values = json.loads(Path(_artifact(records["words"], "words.json")).read_text())
        document = fill_axis(spec.document, "shout", "words.words", values, step.matrix)
        folders = {"pipeline.yaml": engine.root}
        filled, findings = build_spec(document, file=spec.file, root=spec.root, folders=folders)
        assert not findings
        with engine.ledger() as ledger:
            return make_plan(filled, engine.facts(filled), ledger)

    report = engine.run(next_wave=next_wave)

    assert [(result.step, result.state.value) for result in report.steps] == [
        ("words", "ran"),
        ("shout[word=a]", "ran"),
        ("shout[word=b]", "ran"),
        ("gather", "ran"),
    ]
    assert asked == [["words"], ["gather", "shout[word=a]", "shout[word=b]", "words"]]
    assert engine.statuses("words") == ["FINISHED"]
    assert len(engine.query("select 1 from runs where lifecycle_stage = 'active'")) == 5


def test_without_a_second_wave_what_waits_for_it_is_left(engine):
    engine.write("steps.py", "def words():\n    return ['a']\n\ndef shout(word: str):\n    return word\n")
    engine.write(
        "pipeline.yaml",
        """\
        pipespec: 1
        name: waves
        steps:
          words: {call: 'steps:words', outputs: {words: words.json}}
          shout: {call: 'steps:shout', matrix: {word: words.words}, outputs: {o: o.json}}
        """,
    )

    assert [(result.state.value, result.error) for result in engine.run().steps] == [
        ("ran", None),
        ("cancelled", "the values of its matrix were not known"),
    ]


def test_a_run_in_another_thread_works_too(sums):
    found = []

    thread = threading.Thread(target=lambda: found.append(sums.states()))
    thread.start()
    thread.join()

    assert found == [{"numbers": "ran", "squares": "ran", "total": "ran"}]


def test_a_run_does_not_fail_because_nobody_listens_any_more(sums):
    def closed(_event):
        raise BrokenPipeError

    sums.told.started = closed

    assert sums.states() == {"numbers": "ran", "squares": "ran", "total": "ran"}


def test_an_inline_step_executes_in_this_process_and_shows_its_exception(fragile):
    seen = []
    fragile.write(
        "steps.py",
        """
        import os

        def good(word):
            return {"word": word}

        def bad(word):
            raise ValueError(os.getpid())
        """,
    )
    before = (os.getcwd(), dict(os.environ), list(sys.path))

    states = fragile.states(inline=["bad"], on_error=seen.append)

    assert states["bad"] == "failed"
    assert [(type(error), error.args) for error in seen] == [(ValueError, (os.getpid(),))]
    # MLflow's own patience, which user code was given back, is not taken off again.
    changed = {name for name, _ in set(os.environ.items()) ^ set(before[1].items())}
    assert {name for name in changed if not name.startswith("MLFLOW_")} == set()
    assert (os.getcwd(), sys.path) == (before[0], before[2])


def test_what_several_steps_import_is_loaded_once_beforehand(engine):
    engine.write(
        "steps.py",
        """
        import sys

        BEFORE = "colorama" in sys.modules or "click" in sys.modules

        import click

        def one(x: int):
            return BEFORE
        """,
    )
    engine.write(
        "pipeline.yaml",
        """\
        pipespec: 1
        name: loads
        steps:
          a: {call: 'steps:one', params: {x: 1}, outputs: {o: o.json}}
          b: {call: 'steps:one', params: {x: 2}, outputs: {o: o.json}}
        """,
    )

    key = engine.run().steps[1].key

    with engine.ledger() as ledger:
        assert json.loads(Path(_artifact(ledger.complete([key])[key], "o.json")).read_text()) is True
