from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.errors import StoreUnavailableError, UsageError
from pipespec.plan.plan import Action, Reason, ReasonKind
from pipespec.plan.planner import decide, make_plan
from pipespec.plan.records import OutputRecord
from pipespec.plan.witness import BrokenWitness, Trace, TraceChange, WitnessChange
from pipespec.spec.pipeline_spec import Bounds, DeferredAxis, FileInput, Identity, StepInput

RUN, REUSE, WAIT = Action.RUN, Action.REUSE, Action.WAIT


def actions(plan) -> dict[str, Action]:
    return {step_id: decision.action for step_id, decision in plan.decisions.items()}


def reasons(plan, step_id) -> list[tuple[str, str]]:
    return [(str(reason.kind), reason.detail) for reason in plan.decisions[step_id].reasons]


def carry_out(plan, records, make, *, content=None):
    """Do what a run does with a plan, in its order, and return the ids that were executed.

    `content` maps declared names to the bytes that they always write; other outputs follow from the key.
    """
    done, executed = {}, []
    for step_id, planned in plan.decisions.items():
        step, decision = planned.step, planned
        if decision.action is not REUSE and not step.identity.never:
            again = step_id in plan.forced and decision.same_as is None
            decision = decide(step, plan.facts, records, done, forced=again)
        if decision.action is REUSE:
            done[step_id] = decision.record
            continue
        executed.append(step_id)
        fixed = (content or {}).get(step.name)
        if step.identity.never:
            done[step_id] = make.record(f"{step_id} at {len(records.asked)}", step, content=fixed)
        else:
            done[step_id] = records.add(step, decision.key.hex, content=fixed)
    return executed


@pytest.fixture
def chain(make):
    """A reads a file, b reads a, c reads b, and d only comes after c."""
    return make.pipeline(
        make.step("a", inputs={"x": FileInput("/project/x.csv", "x.csv")}),
        make.step("b", inputs={"x": "a"}, params={"p": 1}),
        make.step("c", inputs={"x": "b"}),
        make.step("d", needs=("c",)),
    )


@pytest.fixture
def facts(make):
    return make.facts(files={"/project/x.csv": OutputRecord("x1", 1, 1, "x.csv")})


@pytest.fixture
def done(make, chain, facts):
    """The records after the chain ran once."""
    records = make.records()
    carry_out(make_plan(chain, facts, records), records, make)
    records.asked.clear()
    return records


def with_param(spec, step_id, make, value):
    step = replace(spec.steps[step_id], params={"p": make.node(value)})
    return replace(spec, steps={**spec.steps, step_id: step})


class TestMakePlan:
    def test_what_never_ran_runs(self, make, chain, facts):
        plan = make_plan(chain, facts, make.records())

        assert actions(plan) == dict.fromkeys("adbc", RUN)
        assert reasons(plan, "a") == [("never-ran", "it has no finished run yet")]
        assert reasons(plan, "b") == [
            ("never-ran", "it has no finished run yet"),
            ("upstream", "input 'x' comes from 'a', which runs first"),
        ]
        assert [decision.key is None for decision in plan.decisions.values()] == [False, True, True, False]
        assert not plan.is_complete

    def test_what_is_complete_is_reused(self, chain, facts, done):
        plan = make_plan(chain, facts, done)

        assert actions(plan) == dict.fromkeys("abcd", REUSE)
        assert reasons(plan, "b") == [("complete", f"run {plan.decisions['b'].record.run_id} has its key")]
        assert plan.is_complete

    def test_a_changed_step_runs_and_what_reads_it_waits(self, make, chain, facts, done):
        plan = make_plan(with_param(chain, "b", make, 2), facts, done)

        assert actions(plan) == {"a": REUSE, "b": RUN, "c": WAIT, "d": REUSE}
        assert reasons(plan, "b") == [("changed", "no finished run has its key")]
        assert reasons(plan, "c") == [("upstream", "input 'x' comes from 'b', which runs first")]
        assert plan.decisions["c"].key is None

    def test_what_reads_a_waiting_step_waits_too(self, chain, done, make):
        facts = make.facts(files={"/project/x.csv": OutputRecord("x2", 1, 1, "x.csv")})

        plan = make_plan(chain, facts, done)

        assert actions(plan) == {"a": RUN, "b": WAIT, "c": WAIT, "d": REUSE}
        assert reasons(plan, "c") == [("upstream", "input 'x' comes from 'b', which may run first")]

    def test_a_reader_that_never_finished_runs_though_its_input_waits(self, make, chain, facts, done):
        done.names.discard("c")

        plan = make_plan(with_param(chain, "b", make, 2), facts, done)

        assert actions(plan)["c"] is RUN
        assert reasons(plan, "c") == [
            ("never-ran", "it has no finished run yet"),
            ("upstream", "input 'x' comes from 'b', which runs first"),
        ]

    def test_the_reason_for_waiting_points_at_the_reference(self, make, chain, facts, done):
        there = make.place._replace(line=31, column=20)
        spec = with_param(chain, "b", make, 2)
        step = spec.steps["c"]
        step = replace(step, inputs={"x": replace(step.inputs["x"], span=there)})
        spec = replace(spec, steps={**spec.steps, "c": step})

        assert [reason.span for reason in make_plan(spec, facts, done).decisions["c"].reasons] == [there]

    def test_the_same_bytes_stop_the_wave(self, make, chain, facts, done):
        changed = with_param(chain, "b", make, 2)
        plan = make_plan(changed, facts, done)
        before = done.by_key[make_plan(chain, facts, done).decisions["b"].key.hex].outputs["out"].digest

        executed = carry_out(plan, done, make, content={"b": before.removesuffix("/out")})

        assert executed == ["b"]
        assert make_plan(changed, facts, done).is_complete

    def test_order_alone_carries_no_content(self, make, chain, facts, done):
        plan = make_plan(with_param(chain, "c", make, 2), facts, done)

        assert actions(plan) == {"a": REUSE, "b": REUSE, "c": RUN, "d": REUSE}

    def test_a_forced_step_runs_and_what_reads_it_waits(self, chain, facts, done):
        plan = make_plan(chain, facts, done, forced=["b"])

        assert actions(plan) == {"a": REUSE, "b": RUN, "c": WAIT, "d": REUSE}
        assert reasons(plan, "b") == [("forced", "forced by --force")]
        assert plan.decisions["b"].key.hex in done.by_key
        assert plan.forced == {"b"}

    def test_a_forced_step_with_unknown_inputs_runs_for_certain(self, chain, facts, done):
        plan = make_plan(chain, facts, done, forced=["b", "c"])

        assert actions(plan) == {"a": REUSE, "b": RUN, "c": RUN, "d": REUSE}
        assert reasons(plan, "c") == [
            ("forced", "forced by --force"),
            ("upstream", "input 'x' comes from 'b', which runs first"),
        ]

    def test_a_forced_step_that_is_not_needed_is_refused(self, chain, facts, done):
        with pytest.raises(UsageError, match="step 'c' is forced, but it is neither selected nor needed"):
            make_plan(chain, facts, done, targets=["b"], forced=["c"])

    def test_targets_bring_what_they_need_and_nothing_else(self, chain, facts, make):
        assert tuple(make_plan(chain, facts, make.records(), targets=["b"]).decisions) == ("a", "b")
        assert tuple(make_plan(chain, facts, make.records(), targets=["d"]).decisions) == ("a", "b", "c", "d")

    def test_a_step_without_identity_runs_every_time(self, make):
        spec = make.pipeline(
            make.step("a", identity=Identity(never=True)), make.step("b", inputs={"x": "a"}), make.step("c")
        )
        records = make.records()
        carry_out(make_plan(spec, make.facts(), records), records, make)
        records.asked.clear()

        plan = make_plan(spec, make.facts(), records)

        assert actions(plan) == {"a": RUN, "c": REUSE, "b": WAIT}
        assert reasons(plan, "a") == [("no-identity", "identity is none, so it runs every time")]
        assert plan.decisions["a"].key is None

    def test_lost_artifacts_are_the_reason_to_run_again(self, chain, facts, done):
        key = make_plan(chain, facts, done).decisions["b"].key.hex
        done.gone[key] = "out.json of run run-1 is gone"

        plan = make_plan(chain, facts, done)

        assert actions(plan) == {"a": REUSE, "b": RUN, "c": WAIT, "d": REUSE}
        assert reasons(plan, "b") == [("artifact-lost", "out.json of run run-1 is gone")]

    def test_a_store_that_cannot_be_asked_is_no_empty_store(self, make, chain, facts):
        class Away(make.records):
            def complete(self, keys):
                raise StoreUnavailableError("connection refused")

        with pytest.raises(StoreUnavailableError):
            make_plan(chain, facts, Away())

    def test_levels_are_looked_up_together_and_history_once(self, chain, facts, done, make):
        make_plan(chain, facts, done)
        assert done.asked == ["complete"] * 3

        done.asked.clear()
        make_plan(with_param(chain, "b", make, 2), facts, done)
        assert done.asked == ["complete", "complete", "finished_before", "lost"]

        done.asked.clear()
        make_plan(chain, facts, done, forced=["*"])
        assert done.asked == []

    def test_a_step_with_a_matrix_over_an_output_waits_for_its_values(self, make, chain, facts, done):
        fold = make.step(
            "fold", deferred=(DeferredAxis("n", "a.out", StepInput("a", "out", producers=("a",))),)
        )
        spec = replace(
            chain, steps={**chain.steps, "fold": fold}, upstream={**chain.upstream, "fold": ("a",)}
        )
        assert actions(make_plan(spec, facts, done))["fold"] is RUN
        done.names.add("fold")

        plan = make_plan(spec, facts, done)

        assert actions(plan)["fold"] is WAIT
        assert reasons(plan, "fold") == [
            ("upstream", "axis 'n' comes from 'a', whose values are not known yet")
        ]


class TestVariants:
    @pytest.fixture
    def grid(self, make):
        train = [
            make.step(
                "train", variant=(("depth", depth), ("rate", rate)), params={"depth": depth, "rate": rate}
            )
            for depth in (4, 8)
            for rate in (0.1, 0.2)
        ]
        return make.pipeline(
            *train,
            make.step("best", inputs={"models": make.reads("train", fan_in=True)}),
            make.step("deep", inputs={"models": make.reads("train", selection=(("depth", 8),), fan_in=True)}),
            make.step("one", inputs={"model": make.reads("train", selection=(("depth", 4), ("rate", 0.1)))}),
        )

    def test_a_new_variant_changes_only_who_reads_it(self, make, grid):
        records = make.records()
        fewer = make.pipeline(*(step for step in grid.steps.values() if step.id != "train[depth=8,rate=0.2]"))
        carry_out(make_plan(fewer, make.facts(), records), records, make)

        plan = make_plan(grid, make.facts(), records)

        assert {step_id: action for step_id, action in actions(plan).items() if action is not REUSE} == {
            "train[depth=8,rate=0.2]": RUN,
            "best": WAIT,
            "deep": WAIT,
        }
        assert reasons(plan, "best") == [
            ("upstream", "input 'models' comes from 'train[depth=8,rate=0.2]', which runs first")
        ]

    def test_one_reason_for_many_unfinished_variants(self, make, grid):
        plan = make_plan(grid, make.facts(), make.records(), targets=["best"])

        assert reasons(plan, "best")[1:] == [
            ("upstream", "input 'models' comes from 'train[depth=4,rate=0.1]' and 3 more, which runs first")
        ]

    def test_a_fan_in_is_keyed_by_the_axes_that_it_leaves_open(self, make, grid):
        records = make.records()
        carry_out(make_plan(grid, make.facts(), records), records, make)

        parts = {
            step_id: list(decision.key.parts["inputs"]["models"]["content"]["variants"])
            for step_id, decision in make_plan(grid, make.facts(), records).decisions.items()
            if step_id in ("best", "deep")
        }

        assert parts == {
            "best": ["depth=4,rate=0.1", "depth=4,rate=0.2", "depth=8,rate=0.1", "depth=8,rate=0.2"],
            "deep": ["rate=0.1", "rate=0.2"],
        }

    def test_deciding_later_gives_the_key_that_a_plan_gives(self, make, grid):
        records = make.records()
        carry_out(make_plan(grid, make.facts(), records), records, make)
        plan = make_plan(grid, make.facts(), records)
        done = {step_id: decision.record for step_id, decision in plan.decisions.items()}

        again = {
            step_id: decide(decision.step, make.facts(), records, done, forced=False)
            for step_id, decision in plan.decisions.items()
        }

        assert again == plan.decisions


class TestSameKey:
    @pytest.fixture
    def twins(self, make):
        """Two variants that differ in an ignored param, and a reader of the second."""
        seeds = [
            make.step(
                "fit",
                variant=(("label", label),),
                params={"label": label},
                identity=Identity(ignore=("label",)),
            )
            for label in ("x", "y")
        ]
        return make.pipeline(
            *seeds, make.step("read", inputs={"m": make.reads("fit", selection=(("label", "y"),))})
        )

    def test_the_first_runs_and_the_other_follows_it(self, make, twins):
        records = make.records()
        plan = make_plan(twins, make.facts(), records)

        assert actions(plan) == {"fit[label=x]": RUN, "fit[label=y]": WAIT, "read": RUN}
        assert plan.decisions["fit[label=y]"].same_as == "fit[label=x]"
        assert reasons(plan, "fit[label=y]")[0] == (
            "same-key",
            "has the key of 'fit[label=x]', which runs first",
        )
        assert carry_out(plan, records, make) == ["fit[label=x]", "read"]
        assert make_plan(twins, make.facts(), records).is_complete

    def test_forcing_one_runs_their_work_once(self, make, twins):
        records = make.records()
        carry_out(make_plan(twins, make.facts(), records), records, make)

        plan = make_plan(twins, make.facts(), records, forced=["fit[label=y]"])

        assert actions(plan) == {"fit[label=x]": RUN, "fit[label=y]": WAIT, "read": WAIT}
        assert plan.forced == {"fit[label=x]", "fit[label=y]"}
        assert carry_out(plan, records, make) == ["fit[label=x]"]


class TestChecks:
    @pytest.fixture
    def judged(self, make):
        def spec(**bounds):
            return make.pipeline(
                make.step(
                    "train", checks={name: Bounds(*limits, make.place) for name, limits in bounds.items()}
                ),
                make.step("publish", inputs={"model": "train"}),
                make.step("report", needs=("publish",)),
                make.step("other"),
            )

        return spec

    @pytest.fixture
    def trained(self, make, judged):
        records = make.records()
        carry_out(make_plan(judged(), make.facts(), records), records, make)
        key = make_plan(judged(), make.facts(), records).decisions["train"].key.hex
        records.by_key[key] = replace(records.by_key[key], metrics={"accuracy": 0.85})
        return records

    def test_a_record_within_bounds_is_reused(self, make, judged, trained):
        assert make_plan(judged(accuracy=(0.8, 0.85)), make.facts(), trained).is_complete

    def test_a_record_out_of_bounds_is_not_run_again_but_fails(self, make, judged, trained):
        plan = make_plan(judged(accuracy=(0.9, None)), make.facts(), trained)

        assert actions(plan) == dict.fromkeys(("train", "other", "publish", "report"), REUSE)
        assert plan.decisions["train"].check_failures == (
            Reason(ReasonKind.CHECK_FAILED, "accuracy is 0.85, below its minimum 0.9", make.place),
        )
        assert not plan.is_complete

    def test_what_depends_on_a_failed_check_says_that_it_is_blocked(self, make, judged, trained):
        plan = make_plan(judged(accuracy=(0.9, None)), make.facts(), trained)

        blocked = ("blocked", "'train' fails its checks")
        assert [blocked in reasons(plan, step_id) for step_id in ("publish", "report", "other")] == [
            True,
            True,
            False,
        ]

    def test_a_forced_step_is_judged_by_its_new_metrics(self, make, judged, trained):
        plan = make_plan(judged(accuracy=(0.9, None)), make.facts(), trained, forced=["train"])

        assert plan.decisions["train"].action is RUN
        assert plan.decisions["train"].check_failures == ()


class TestDecide:
    def test_a_ready_step_runs_or_is_reused(self, make, chain, facts, done):
        upstream = {"b": done.by_key[make_plan(chain, facts, done).decisions["b"].key.hex]}
        step = chain.steps["c"]

        assert decide(step, facts, done, upstream, forced=False).action is REUSE
        assert decide(step, facts, done, upstream, forced=True).reasons == (
            Reason(ReasonKind.FORCED, "forced by --force"),
        )
        assert [
            reason.kind
            for records in (make.records(), make.records(names={"c"}))
            for reason in decide(step, facts, records, upstream, forced=False).reasons
        ] == [ReasonKind.NEVER_RAN, ReasonKind.CHANGED]

    def test_a_step_without_identity_is_run_without_asking(self, make):
        records = make.records()

        decision = decide(
            make.step("a", identity=Identity(never=True)), make.facts(), records, {}, forced=False
        )

        assert (decision.action, decision.key, records.asked) == (RUN, None, [])


@st.composite
def pipelines(draw):
    """Random pipelines as plain data: variants, what each step reads and needs, and what it is like."""
    count = draw(st.integers(1, 7))
    shape = []
    for position in range(count):
        some = st.sets(st.sampled_from(range(position)), max_size=3) if position else st.just(set())
        shape.append(
            {
                "variants": draw(st.sampled_from([0, 0, 0, 1, 3])),
                "reads": draw(some),
                "needs": draw(some),
                "never": draw(st.integers(0, 9)) == 0,
            }
        )
    return shape


def build(make, shape, params=None):
    """Make the pipeline of a shape; steps are called s0, s1 …, and `params` sets `p` of some of them."""
    steps = []
    for position, like in enumerate(shape):
        inputs = {
            f"i{above}": make.reads(f"s{above}", fan_in=bool(shape[above]["variants"]))
            for above in sorted(like["reads"])
        }
        points = [(("axis", n),) for n in range(like["variants"])] or [()]
        steps += [
            make.step(
                f"s{position}",
                variant=point,
                inputs=inputs,
                params=dict(point) | {"p": (params or {}).get(f"s{position}", 0)},
                needs=tuple(f"s{above}" for above in sorted(like["needs"])),
                identity=Identity(never=like["never"]),
            )
            for point in points
        ]
    return make.pipeline(*steps)


def readers_of(spec, starts):
    """All ids that read, directly or not, an output of one of these ids."""
    found = set(starts)
    for step_id, step in spec.steps.items():  # earlier steps come first in a built pipeline
        if any(set(input_.source.producers) & found for input_ in step.inputs.values()):
            found.add(step_id)
    return found - set(starts)


def subsets(values):
    return st.sets(st.sampled_from(sorted(values))) if values else st.just(set())


def levels_of(spec) -> int:
    depth = {}
    for step_id, step in spec.steps.items():
        above = [producer for input_ in step.inputs.values() for producer in input_.source.producers]
        depth[step_id] = 1 + max((depth[producer] for producer in above), default=0)
    return max(depth.values())


class TestAnyPipeline:
    @given(shape=pipelines())
    def test_the_order_respects_every_edge(self, make, shape):
        spec = build(make, shape)

        place = {
            step_id: n for n, step_id in enumerate(make_plan(spec, make.facts(), make.records()).decisions)
        }

        assert set(place) == set(spec.steps)
        assert all(place[above] < place[step] for step, ids in spec.upstream.items() for above in ids)

    @given(shape=pipelines())
    def test_after_all_completed_everything_with_an_identity_above_it_is_reused(self, make, shape):
        spec, records = build(make, shape), make.records()
        executed = carry_out(make_plan(spec, make.facts(), records), records, make)
        assert set(executed) == set(spec.steps)
        restless = {step_id for step_id, step in spec.steps.items() if step.identity.never}
        records.asked.clear()

        plan = make_plan(spec, make.facts(), records)

        assert actions(plan) == {
            step_id: RUN if step_id in restless else WAIT if step_id in readers_of(spec, restless) else REUSE
            for step_id in plan.decisions
        }
        if not restless:
            assert records.asked == ["complete"] * levels_of(spec)

    @given(shape=pipelines(), data=st.data())
    def test_any_gaps_in_the_records_cost_a_bounded_number_of_questions(self, make, shape, data):
        spec, records = build(make, shape), make.records()
        carry_out(make_plan(spec, make.facts(), records), records, make)
        for key in data.draw(subsets(records.by_key)):
            del records.by_key[key]
        records.asked.clear()

        plan = make_plan(spec, make.facts(), records)

        assert records.asked.count("complete") <= levels_of(spec)
        assert records.asked.count("finished_before") <= 1
        assert records.asked.count("lost") <= 1
        for decision in plan.decisions.values():
            known = all(
                plan.decisions[producer].action is REUSE
                for input_ in decision.step.inputs.values()
                for producer in input_.source.producers
            )
            if decision.step.identity.never:
                assert decision.action is RUN
            elif known:
                assert decision.action is (REUSE if decision.key.hex in records.by_key else RUN)
            else:
                assert (decision.action, decision.key) == (WAIT, None)

    @given(shape=pipelines(), data=st.data())
    def test_one_changed_param_changes_that_step_and_what_follows_by_content_alone(self, make, shape, data):
        shape = [like | {"never": False} for like in shape]
        spec, records = build(make, shape), make.records()
        carry_out(make_plan(spec, make.facts(), records), records, make)
        before = make_plan(spec, make.facts(), records)
        name = data.draw(st.sampled_from(sorted({step.name for step in spec.steps.values()})))
        same_bytes = data.draw(st.booleans())
        changed = build(make, shape, {name: 1})
        ids = {step_id for step_id, step in spec.steps.items() if step.name == name}

        plan = make_plan(changed, make.facts(), records)

        followers = readers_of(spec, ids)
        assert actions(plan) == {
            step_id: RUN if step_id in ids else WAIT if step_id in followers else REUSE
            for step_id in plan.decisions
        }
        for step_id, decision in plan.decisions.items():
            if step_id in ids:
                assert decision.key.hex != before.decisions[step_id].key.hex
            elif step_id not in followers:
                assert decision.key == before.decisions[step_id].key
        if same_bytes:
            for step_id in ids:
                key, old = plan.decisions[step_id].key.hex, before.decisions[step_id].record
                records.by_key[key] = replace(old, key=key)
            assert make_plan(changed, make.facts(), records).is_complete
        else:
            assert set(carry_out(plan, records, make)) == ids | followers

    @given(shape=pipelines(), data=st.data())
    def test_a_selection_decides_as_the_whole_does(self, make, shape, data):
        spec, records = build(make, shape), make.records()
        carry_out(make_plan(spec, make.facts(), records), records, make)
        for key in data.draw(subsets(records.by_key)):
            del records.by_key[key]
        target = data.draw(st.sampled_from(sorted(spec.steps)))
        whole = make_plan(spec, make.facts(), records).decisions

        part = make_plan(spec, make.facts(), records, targets=[target]).decisions

        assert target in part
        assert all(set(spec.upstream[step_id]) <= set(part) for step_id in part)
        assert dict(part) == {step_id: whole[step_id] for step_id in part}

    @given(shape=pipelines(), data=st.data())
    def test_forcing_runs_the_forced_and_stops_where_bytes_are_the_same(self, make, shape, data):
        shape = [like | {"never": False} for like in shape]
        spec, records = build(make, shape), make.records()
        carry_out(make_plan(spec, make.facts(), records), records, make)
        forced = data.draw(st.sets(st.sampled_from(sorted(spec.steps)), min_size=1))

        plan = make_plan(spec, make.facts(), records, forced=forced)

        followers = readers_of(spec, forced)
        assert actions(plan) == {
            step_id: RUN if step_id in forced else WAIT if step_id in followers else REUSE
            for step_id in plan.decisions
        }
        assert set(carry_out(plan, records, make)) == forced


@pytest.mark.slow
def test_ten_thousand_steps_in_a_chain_or_a_fan_are_no_trouble(make):
    count = 10_000
    chain = make.pipeline(
        make.step("s0"), *(make.step(f"s{n}", inputs={"x": f"s{n - 1}"}) for n in range(1, count))
    )
    fan = make.pipeline(
        *(make.step("leaf", variant=(("n", n),), params={"n": n}) for n in range(count)),
        make.step("join", inputs={"all": make.reads("leaf", fan_in=True)}),
    )
    for spec, levels in ((chain, count), (fan, 2)):
        records = make.records()
        carry_out(make_plan(spec, make.facts(), records), records, make)
        records.asked.clear()

        assert make_plan(spec, make.facts(), records).is_complete
        assert records.asked == ["complete"] * levels


def test_a_run_whose_witness_does_not_hold_runs_again_and_says_why(chain, facts, done):
    key = make_plan(chain, facts, done).decisions["a"].key.hex
    change = WitnessChange("conf/stop.txt", Trace.FILE, TraceChange.CHANGED)
    done.witnesses[key] = broken = BrokenWitness("run", (change,))

    plan = make_plan(chain, facts, done)

    assert actions(plan) == {"a": RUN, "b": WAIT, "c": WAIT, "d": REUSE}
    assert plan.decisions["a"].broken == broken
    assert reasons(plan, "a") == [("witness", "'conf/stop.txt', which its last run read, has changed")]
