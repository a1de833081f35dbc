"""How a run and its steps are executed, as a pipeline says."""

from __future__ import annotations

import pytest

from pipespec.spec.engine_spec import ClusterSpec, StepEngine


@pytest.mark.parametrize(
    ("written", "cluster"),
    [
        ("", ClusterSpec()),
        ("cluster: tcp://scheduler:8786", ClusterSpec("tcp://scheduler:8786")),
        ("cluster: {n_workers: 4}", ClusterSpec(arguments={"n_workers": 4})),
        (
            "cluster: {class: 'dask_jobqueue:SLURMCluster', cores: 4, memory: 16 GB, adapt: {maximum: 20}}",
            ClusterSpec(None, "dask_jobqueue:SLURMCluster", {"cores": 4, "memory": "16 GB"}, {"maximum": 20}),
        ),
    ],
)
def test_a_cluster_is_an_address_or_a_class_with_arguments(build, written, cluster):
    spec, found = build(
        f"pipespec: 1\nname: p\nengine: {{executor: dask, {written}}}\nsteps: {{a: {{call: 'm:f'}}}}\n"
    )

    assert found == []
    assert (spec.engine.executor, spec.engine.cluster) == ("dask", cluster)


def test_a_step_says_where_it_runs_and_in_which_environment(build):
    spec, found = build(
        "pipespec: 1\nname: p\nengine: {env: {OMP_NUM_THREADS: 2, A: yes, B: 0.5, C: true}}\n"
        "defaults: {engine: {executor: dask}}\n"
        "steps: {a: {call: 'm:f', engine: {env: {X: 1}}}, b: {call: 'm:f', engine: {executor: local}}, c: {call: 'm:f'}}\n"
    )

    assert found == []
    assert spec.engine.env == {"OMP_NUM_THREADS": "2", "A": "yes", "B": "0.5", "C": "true"}
    assert {name: step.engine for name, step in spec.steps.items()} == {
        "a": StepEngine("dask", {"X": "1"}),
        "b": StepEngine("local"),
        "c": StepEngine("dask"),
    }
