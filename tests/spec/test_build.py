from __future__ import annotations

import copy
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipespec.checks.check_meaning import check_meaning
from pipespec.document.interpolation.interpolate import interpolate_document
from pipespec.document.interpolation.resolver_interface import Resolvers
from pipespec.document.layers.overlay import merge
from pipespec.document.nodes import plain
from pipespec.document.yaml.yaml_reader import read
from pipespec.errors import InvalidPipelineError
from pipespec.spec.build_spec import build_spec
from pipespec.spec.engine_spec import EngineSpec
from pipespec.spec.pipeline_spec import (
    Bounds,
    CountedCode,
    DirInput,
    FileInput,
    FilesInput,
    MlflowSpec,
    PipelineInput,
    Retry,
    StepInput,
)

HEAD = "pipespec: 1\nsteps:\n"


def values(nodes):
    return {name: plain(node) for name, node in nodes.items()}


@pytest.mark.parametrize(
    ("defaults", "own", "code", "untracked"),
    [
        ("", "", CountedCode.FUNCTION, ()),
        ("{code: modules, untracked: [cache/]}", "", CountedCode.MODULES, ("cache/",)),
        ("{code: modules, untracked: [cache/]}", "{code: function}", CountedCode.FUNCTION, ("cache/",)),
        ("{untracked: [cache/]}", "{untracked: []}", CountedCode.FUNCTION, ()),
    ],
)
def test_what_counts_may_stand_in_defaults(build, defaults, own, code, untracked):
    head = (
        f"pipespec: 1\nname: n\ndefaults: {{identity: {defaults}}}\n"
        if defaults
        else "pipespec: 1\nname: n\n"
    )
    identity = f", identity: {own}" if own else ""
    spec, found = build(f"{head}steps:\n  s: {{call: 'm:f'{identity}}}\n")

    assert found == []
    assert (spec.steps["s"].identity.code, spec.steps["s"].identity.untracked) == (code, untracked)


def test_a_step_is_read_with_all_that_it_says(build):
    spec, found = build(
        """
pipespec: 1
name: news
description: All of it.
mlflow: {tracking_uri: "sqlite:///x.db", experiment: "${name}-${step.name}", tags: {team: nlp, n: 1, yes: true}}
engine: {workers: "3", executor: local, keep_going: true, resources: {gpu: 2}}
notify: [{url: "${secret:HOOK}", on: [success, failure]}, {url: "http://localhost"}]
steps:
  train:
    call: news.model:Model.train
    description: Trains.
    inputs: {query: {file: a/../query.sql, load: {encoding: utf-8}}}
    params: {n_jobs: 2, name: "${step.name}"}
    outputs: {model: model/, scores: {file: scores.json, save: {indent: 2}}}
    metrics: scores
    checks: {accuracy: {min: 0.8}, loss: {max: 1}}
    identity: {ignore: [n_jobs], code: none, version: 2, packages: [numpy], probe: "news.model:count", untracked: [cache/, "*.log", cache/]}
    retry: {times: 2, wait: 1.5m}
    timeout: 2h
    priority: 3
    resources: {gpu: 1}
    tags: [model, model, slow]
    needs: [first]
  first: {call: "m:f"}
"""
    )
    step = spec.steps["train"]

    assert found == []
    assert (spec.name, spec.description) == ("news", "All of it.")
    assert spec.mlflow == MlflowSpec("sqlite:///x.db", None, {"team": "nlp", "n": "1", "yes": "true"})
    assert spec.engine == EngineSpec(3, "local", None, True, {"gpu": 2})
    assert [(plain(one.url), one.on) for one in spec.notify] == [
        ("${secret:HOOK}", ("success", "failure")),
        ("http://localhost", ("failure",)),
    ]
    assert (step.id, str(step.call), step.experiment) == ("train", "news.model:Model.train", "news-train")
    assert step.inputs["query"].source == FileInput("/project/folder/query.sql", "a/../query.sql")
    assert step.inputs["query"].load == {"encoding": "utf-8"}
    assert values(step.params) == {"n_jobs": 2, "name": "train"}
    assert [(one.name, one.file, one.is_directory, one.save) for one in step.outputs.values()] == [
        ("model", "model/", True, None),
        ("scores", "scores.json", False, {"indent": 2}),
    ]
    assert (step.metrics.output, step.metrics.part) == ("scores", None)
    assert step.checks == {
        "accuracy": Bounds(0.8, None, step.checks["accuracy"].span),
        "loss": Bounds(None, 1, step.checks["loss"].span),
    }
    assert (step.identity.ignore, step.identity.code, step.identity.version) == (
        ("n_jobs",),
        CountedCode.NONE,
        2,
    )
    assert step.identity.untracked == ("cache/", "*.log")
    assert (step.identity.packages, str(step.identity.probe)) == (("numpy",), "news.model:count")
    assert (step.retry, step.timeout, step.priority) == (Retry(2, (90.0,)), 7200.0, 3)
    assert (step.resources, step.tags) == ({"gpu": 1}, ("model", "slow"))
    assert spec.upstream == {"train": ("first",), "first": ()}
    assert spec.steps["first"].experiment == "news-first"


def test_the_file_names_a_pipeline_without_a_name(build):
    spec, _ = build(HEAD + "  a: {call: 'm:f'}")

    assert (spec.name, spec.steps["a"].experiment) == ("pipeline", "pipeline/a")


def test_a_file_whose_name_cannot_be_the_pipelines_needs_one(tree):
    document = {"pipespec": 1, "steps": {"a": {"call": "m:f"}}}
    file = Path("/p/My Pipeline.yaml")

    _, without = build_spec(tree(document), file=file, root=Path("/p"), folders={})
    _, named = build_spec(tree({**document, "name": "mine"}), file=file, root=Path("/p"), folders={})

    assert ([one.code for one in without], named) == (["bad-name"], ())


def test_defaults_lie_under_what_a_step_says(build):
    spec, found = build(
        """
pipespec: 1
defaults:
  params: {deep: {a: 1, b: 1}, list: [1, 2], only: here}
  inputs: {table: {file: low.csv}, other: {file: other.csv}}
  timeout: 1h
  identity: none
  tags: [low]
steps:
  a:
    call: m:f
    params: {deep: {b: 2}, list: [3]}
    inputs: {table: {dir: high}}
    identity: {version: 1}
    tags: [high]
"""
    )
    step = spec.steps["a"]

    assert found == []
    assert values(step.params) == {"deep": {"a": 1, "b": 2}, "list": [3], "only": "here"}
    assert [type(one.source) for one in step.inputs.values()] == [DirInput, FileInput]
    assert (step.timeout, step.identity.never, step.identity.version, step.tags) == (
        3600,
        False,
        1,
        ("high",),
    )


def test_paths_start_at_the_folder_of_the_file_that_states_them(tmp_path):
    low = read("params: {place: data.csv}", file="sub/low.yaml", layer="include")
    text = (
        HEAD
        + '  a: {call: "m:f", inputs: {x: {file: "${params.place}"}, y: {files: "*.csv"}, '
        + 'z: {file: "s3://bucket/${params.place}"}, w: {dir: /data/w}, v: {file: "../v.csv"}}}'
    )
    merged = merge(low, read(text, file="in/high.yaml"), strict=False)
    document = interpolate_document(merged, Resolvers())
    folders = {"sub/low.yaml": tmp_path / "sub", "in/high.yaml": tmp_path / "in"}

    spec, found = build_spec(document, file=tmp_path / "in" / "high.yaml", root=tmp_path, folders=folders)

    assert found == ()
    assert {name: one.source for name, one in spec.steps["a"].inputs.items()} == {
        "x": FileInput(str(tmp_path / "sub" / "data.csv"), "data.csv"),
        "y": FilesInput(str(tmp_path / "in" / "*.csv"), "*.csv"),
        "z": FileInput("s3://bucket/data.csv", "s3://bucket/data.csv"),
        "w": DirInput("/data/w", "/data/w"),
        "v": FileInput(str(tmp_path / "v.csv"), "../v.csv"),
    }


TRAIN = (
    HEAD
    + """
  train:
    call: m:train
    matrix: {depth: [4, 8], rate: [0.1, 0.01], exclude: [{depth: 8, rate: 0.1}]}
    outputs: {model: model.joblib, scores: scores.json}
  split: {call: "m:f", outputs: {parts: parts/}}
  reader:
    call: m:f
"""
)
ALL = ("train[depth=4,rate=0.1]", "train[depth=4,rate=0.01]", "train[depth=8,rate=0.01]")


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("split", StepInput("split", "parts", None, (), False, ("split",))),
        ("split.parts/a/b.csv", StepInput("split", "parts", "a/b.csv", (), False, ("split",))),
        ("train[*].model", StepInput("train", "model", None, (), True, ALL)),
        ("train[depth=4].model", StepInput("train", "model", None, (("depth", 4),), True, ALL[:2])),
        ("train[depth=8].model", StepInput("train", "model", None, (("depth", 8),), True, ALL[2:])),
        (
            "train[rate=0.01,depth=4].model",
            StepInput("train", "model", None, (("depth", 4), ("rate", 0.01)), False, ALL[1:2]),
        ),
    ],
)
def test_references_name_their_producers(build, reference, expected):
    spec, found = build(TRAIN + f"    inputs: {{x: '{reference}'}}")

    assert found == []
    assert spec.steps["reader"].inputs["x"].source == expected
    assert spec.upstream["reader"] == expected.producers


def test_another_pipelines_output_is_no_step_of_this_one(build):
    spec, found = build(TRAIN + "    inputs: {x: {pipeline: other.yaml, output: fit.model}}")

    assert found == []
    assert spec.steps["reader"].inputs["x"].source == PipelineInput(
        "/project/folder/other.yaml", "other.yaml", "fit", "model"
    )
    assert spec.upstream["reader"] == ()


def test_steps_wait_for_inputs_and_needs_once_each(build):
    spec, _ = build(TRAIN + "    inputs: {x: split, y: 'train[depth=8].model'}\n    needs: [train, split]")

    assert spec.upstream["reader"] == ("split", ALL[2], ALL[0], ALL[1])


def test_axes_bind_themselves_unless_the_step_uses_or_binds_them(build):
    spec, found = build(
        HEAD
        + """
  train:
    call: m:f
    matrix: {a: [1], b: [[1, 2]], c: [{x: 3}], d: [x], e: [5]}
    params: {b: "${matrix.b}", k: "${matrix.c.x}", t: "${matrix.b} and ${matrix.d}"}
    inputs: {f: {file: "data/${matrix.d}.csv"}}
    resources: {gpu: "${matrix.e}"}
"""
    )
    (step,) = spec.steps.values()

    assert found == []
    assert step.id == 'train[a=1,b=[1,2],c={"x":3},d=x,e=5]'
    assert values(step.params) == {"b": [1, 2], "k": 3, "t": "[1, 2] and x", "a": 1}
    assert step.inputs["f"].source.text == "data/x.csv"
    assert step.resources == {"gpu": 5}


def test_each_variant_reads_its_twin(build):
    spec, found = build(
        TRAIN
        + """    matrix: {depth: [4, 8]}
    inputs: {x: "train[depth=${matrix.depth},rate=0.01].model"}
"""
    )

    assert found == []
    assert spec.upstream["reader[depth=4]"] == (ALL[1],)
    assert spec.upstream["reader[depth=8]"] == (ALL[2],)


def test_a_variant_of_a_union_binds_its_own_axes_only(build):
    spec, found = build(HEAD + "  a: {call: 'm:f', matrix: [{x: [1]}, {y: [2]}]}")

    assert found == []
    assert {step_id: values(step.params) for step_id, step in spec.steps.items()} == {
        "a[x=1]": {"x": 1},
        "a[y=2]": {"y": 2},
    }


def test_values_remember_where_they_were_set(build):
    spec, _ = build(HEAD + '  a: {call: "m:f", matrix: {n: [7]}, params: {k: "${matrix.n}"}}')
    (step,) = spec.steps.values()

    assert str(step.params["k"].span) == "pipeline.yaml:3:50"
    assert str(step.params["k"].origin) == "pipeline.yaml:3:33"


def test_mistakes_of_one_step_leave_the_others_whole(build):
    spec, found = build(
        HEAD + "  a: {call: 'm:f', ouputs: {x: x.csv}}\n  b: {call: 'm:f', inputs: {x: a.x, y: c.x}}"
    )

    assert found == [("unknown-key", 3), ("unknown-step", 4)]
    assert spec.damaged == {"a", "b"}


def test_a_mistake_in_defaults_is_told_once(build):
    text = "pipespec: 1\ndefaults: {inputs: {x: nothing.x}}\nsteps:\n" + "".join(
        f"  s{n}: {{call: 'm:f'}}\n" for n in range(5)
    )
    spec, found = build(text)

    assert found == [("unknown-step", 2)]
    assert spec.damaged == {f"s{n}" for n in range(5)}


def test_a_document_without_steps_is_no_pipeline(build):
    assert build("pipespec: 1\nsteps: []")[0] is None
    assert build("pipespec: 1")[0] is None


STRANGE_TEXTS = [
    "",
    "x",
    "a.b",
    "train[*].model",
    "train[x=${matrix.depth}].model",
    "../..",
    "m:f",
    "${matrix.depth}",
]
STRANGE_LISTS = [[], [[]], ["x"], [{"x": [1]}]]
STRANGE_MAPPINGS = [{}, {"x": {}}, {"file": "x.csv"}, {"from": "train[*]"}, {"depth": "split.parts"}]
STRANGE = st.sampled_from([None, True, 3, -1, 2.5, *STRANGE_TEXTS, *STRANGE_LISTS, *STRANGE_MAPPINGS])
WHOLE = {
    "pipespec": 1,
    "name": "p",
    "mlflow": {"tags": {}, "experiment": "x"},
    "engine": {"resources": {"gpu": 1}},
    "defaults": {"params": {"a": 1}, "timeout": "3s"},
    "notify": [{"url": "x", "on": ["failure"]}],
    "steps": {
        "split": {"call": "m:f", "outputs": {"parts": "parts/"}, "checks": {"m": {"min": 1}}},
        "train": {
            "call": "m:f",
            "matrix": {"depth": [1, 2], "exclude": [{"depth": 1}], "include": [{"depth": 3}]},
            "inputs": {"x": "split", "y": {"file": "f"}},
            "outputs": {"model": "m.joblib"},
            "identity": {"ignore": ["a"]},
            "retry": {"times": 1},
        },
        "best": {
            "call": "m:f",
            "inputs": {"m": "train[*].model", "n": "train[depth=2].model"},
            "needs": ["split"],
        },
    },
}


def _paths(value, path=()):
    yield path
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, more in below:
        yield from _paths(more, (*path, key))


@settings(deadline=None)
@given(st.data())
def test_whatever_stands_in_a_document_is_told_and_never_a_crash(tree, data):
    document = copy.deepcopy(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        path = data.draw(st.sampled_from([one for one in _paths(document) if one]))
        parent = document
        for key in path[:-1]:
            parent = parent[key]
        if data.draw(st.booleans()) and isinstance(parent, dict):
            parent[data.draw(st.sampled_from(["x", "matrix", "inputs", "a b", "call"]))] = copy.deepcopy(
                data.draw(STRANGE)
            )
        else:
            parent[path[-1]] = copy.deepcopy(data.draw(STRANGE))

    try:
        resolved = interpolate_document(tree(document), Resolvers())
    except InvalidPipelineError:
        return

    spec, found = build_spec(
        resolved, file=Path("/p/p.yaml"), root=Path("/p"), folders={"pipeline.yaml": Path("/p")}
    )

    assert list(found) == sorted(found, key=lambda one: (one.span, one.code))
    if spec is not None:
        assert set(spec.upstream) == set(spec.steps)
        assert all(up in spec.steps for ups in spec.upstream.values() for up in ups)
        check_meaning(spec, {})


@pytest.mark.parametrize(
    ("written", "waits"),
    [
        ("{times: 3}", [0.0, 0.0, 0.0]),
        ("{times: 3, wait: 30s}", [30.0, 30.0, 30.0]),
        ("{times: 3, wait: [1s, 1m]}", [1.0, 60.0, 60.0]),
        ("{times: 1, wait: [1s, 1m]}", [1.0]),
    ],
)
def test_a_list_of_waits_has_one_for_each_repetition_and_the_last_for_the_rest(build, written, waits):
    spec, found = build(f"pipespec: 1\nname: p\nsteps: {{a: {{call: 'm:f', retry: {written}}}}}\n")

    assert found == []
    retry = spec.steps["a"].retry
    assert [retry.wait_after(attempt) for attempt in range(1, retry.times + 1)] == waits
