"""Trees laid over each other: merging, the `$` keys, `--set`, and what is refused."""

from __future__ import annotations

import pytest

from pipespec.document.layers.overlay import apply_override, merge
from pipespec.document.layers.override import Override
from pipespec.document.nodes import plain, walk
from pipespec.document.yaml.yaml_reader import read
from pipespec.errors import InvalidPipelineError, Span

BASE = """
pipespec: 1
params:
  lr: 0.1
  layers: [1, 2]
  model: {name: bert, epochs: 3}
  unset: ???
  nothing:
  refers: ${params.model}
mlflow: {tags: {team: nlp}}
steps:
  load: {call: "m:load", outputs: {table: table.csv}}
  train:
    call: m:train
    inputs: {table: load.table}
    matrix: {depth: [4, 8]}
    tags: [model]
    identity: none
x-notes: {by: me}
"""


def base():
    return read(BASE, file="base.yaml")


def over(text):
    return read(text, file="over.yaml", layer="overlay")


def laid(text, *, strict=True):
    return merge(base(), over(text), strict=strict)


def at(document, path):
    value = plain(document)
    for key in path.split("."):
        value = value[key]
    return value


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("params: {lr: 1}", "params.lr", 1),
        ("params: {lr: null}", "params.lr", None),
        ("params: {lr: [1]}", "params.lr", [1]),
        ("params: {layers: [3]}", "params.layers", [3]),
        ("params: {layers: 3}", "params.layers", 3),
        ("params: {model: {epochs: 5}}", "params.model", {"name": "bert", "epochs": 5}),
        ("params: {unset: {a: {b: 1}}}", "params.unset", {"a": {"b": 1}}),
        ("params: {nothing: {a: 1}}", "params.nothing", {"a": 1}),
        ("params: {layers: {$append: [3, 4]}}", "params.layers", [1, 2, 3, 4]),
        ("params: {unset: {$append: [3]}}", "params.unset", [3]),
        ("params: {$delete: [lr, refers]}", "params", {"layers": [1, 2], "model": {"name": "bert", "epochs": 3}, "unset": "???", "nothing": None}),
        ("params: {$delete: [model], model: 5}", "params.model", 5),
        ("params: {$delete: [lr], lr: {a: {b: 1}}}", "params.lr", {"a": {"b": 1}}),
        ("params: {$add: {new: {a: 1}}}", "params.new", {"a": 1}),
        ("params: {$add: {lr: 2}}", "params.lr", 2),
        ("params: {$add: {model: {more: 1}}}", "params.model", {"name": "bert", "epochs": 3, "more": 1}),
        ("params: {model: {$add: {more: 1}, epochs: 1}}", "params.model", {"name": "bert", "epochs": 1, "more": 1}),
        ("steps: {$add: {extra: {call: 'm:x', params: {a: 1}}}}", "steps.extra", {"call": "m:x", "params": {"a": 1}}),
        ("steps: {$delete: [load]}", "steps", {"train": plain(read(BASE, file="b"))["steps"]["train"]}),
        ("steps: {train: {tags: {$append: [slow]}}}", "steps.train.tags", ["model", "slow"]),
        ("steps: {train: {timeout: 2h}}", "steps.train.timeout", "2h"),
        ("steps: {train: {needs: {$append: [load]}}}", "steps.train.needs", ["load"]),
        ("steps: {train: {params: {$add: {n_jobs: 2}}}}", "steps.train.params", {"n_jobs": 2}),
        ("steps: {train: {matrix: {depth: [1], exclude: [{depth: 4}]}}}", "steps.train.matrix", {"depth": [1], "exclude": [{"depth": 4}]}),
        ("mlflow: {tracking_uri: x, tags: {team: ops}}", "mlflow", {"tags": {"team": "ops"}, "tracking_uri": "x"}),
        ("engine: {workers: 2}", "engine", {"workers": 2}),
        ("stpes: {}", "stpes", {}),
        ("x-new: {a: 1}", "x-notes", {"by": "me"}),
    ],
)  # fmt: skip
def test_an_overlay_changes_what_it_says(text, path, value):
    assert at(laid(text), path) == value


def test_a_file_may_add_to_what_it_includes():
    document = laid("params: {new: 1, model: {more: {deep: 2}}}\nsteps: {extra: {call: 'm:x'}}", strict=False)

    assert at(document, "params.new") == 1
    assert at(document, "params.model") == {"name": "bert", "epochs": 3, "more": {"deep": 2}}
    assert at(document, "steps.extra") == {"call": "m:x"}


def test_a_file_means_dollar_keys_as_they_stand():
    document = merge(base(), read("params: {query: {$add: [1, 2]}}", file="b.yaml"), strict=False)

    assert at(document, "params.query") == {"$add": [1, 2]}


def test_every_value_keeps_the_place_and_layer_that_set_it():
    document = laid("params:\n  lr: 5\n  layers: {$append: [3]}\n  $add: {new: 1}\n")

    params = document.get("params")
    assert params.get("lr").span == Span("over.yaml", 2, 7, 2, 8, "overlay")
    assert params.entries["lr"].key_span == Span("over.yaml", 2, 3, 2, 5, "overlay")
    assert params.get("new").span == Span("over.yaml", 4, 15, 4, 16, "overlay")
    assert [item.span.file for item in params.get("layers").items] == ["base.yaml", "base.yaml", "over.yaml"]
    assert params.get("model") is not None
    assert params.get("model").span == Span("base.yaml", 6, 10, 6, 33, "file")
    assert params.entries["model"].key_span.file == "base.yaml"


def test_keys_keep_their_order_and_new_ones_come_last():
    document = merge(
        base(), read("steps: {new: {}, load: {outputs: {more: m.csv, table: t.csv}}}", file="b"), strict=False
    )

    assert list(document.get("steps").entries) == ["load", "train", "new"]
    assert list(at(document, "steps.load.outputs")) == ["table", "more"]


def test_an_empty_overlay_changes_nothing():
    assert laid("") == base()
    assert laid("params: {}\nsteps: {train: {}}") == base()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "params: {lrr: 1}",
            "1:10-1:13 unknown-key: 'params.lrr' is set, but no lower layer has it (did you mean 'lr'? to add it, put it under '$add')",
        ),
        (
            "params: {model: {zzz: 1}}",
            "1:18-1:21 unknown-key: 'params.model.zzz' is set, but no lower layer has it (to add it, put it under '$add')",
        ),
        (
            "steps: {tran: {timeout: 1}}",
            "1:9-1:13 unknown-key: 'steps.tran' is set, but no lower layer has it (did you mean 'train'? to add it, put it under '$add')",
        ),
        (
            "steps: {train: {matrix: {dept: [1]}}}",
            "1:26-1:30 unknown-key: 'steps.train.matrix.dept' is set, but no lower layer has it (did you mean 'depth'? to add it, put it under '$add')",
        ),
        (
            "steps: {train: {params: {a: 1}}}",
            "1:26-1:27 unknown-key: 'steps.train.params.a' is set, but no lower layer has it (to add it, put it under '$add')",
        ),
        (
            "steps: {train: {inputs: {tabel: load.table}}}",
            "1:26-1:31 unknown-key: 'steps.train.inputs.tabel' is set, but no lower layer has it (did you mean 'table'? to add it, put it under '$add')",
        ),
        (
            "mlflow: {tags: {tean: x}}",
            "1:17-1:21 unknown-key: 'mlflow.tags.tean' is set, but no lower layer has it (did you mean 'team'? to add it, put it under '$add')",
        ),
        (
            "x-notes: {to: you}",
            "1:11-1:13 unknown-key: 'x-notes.to' is set, but no lower layer has it (to add it, put it under '$add')",
        ),
        (
            "params: {$delete: [lrr]}",
            "1:20-1:23 unknown-key: no lower layer has 'params.lrr', so it cannot be deleted (did you mean 'lr'?)",
        ),
        (
            "params: {model: {$delete: [zzz]}}",
            "1:28-1:31 unknown-key: no lower layer has 'params.model.zzz', so it cannot be deleted (there are 'name', 'epochs')",
        ),
        (
            "params: {lr: {a: 1}}",
            "1:14-1:20 layer-conflict: 'params.lr' is a mapping here, but a single value below, at base.yaml:4:7 (set the whole value, or first remove it with '$delete: [lr]')",
        ),
        (
            "params: {model: 3}",
            "1:17-1:18 layer-conflict: 'params.model' is a single value here, but a mapping below, at base.yaml:6:10 (set single keys of it, or first remove it with '$delete: [model]')",
        ),
        (
            "params: {model: null}",
            "1:17-1:21 layer-conflict: 'params.model' is a single value here, but a mapping below, at base.yaml:6:10 (set single keys of it, or first remove it with '$delete: [model]')",
        ),
        (
            "params: {layers: {a: 1}}",
            "1:18-1:24 layer-conflict: 'params.layers' is a mapping here, but a list below, at base.yaml:5:11 (set the whole value, or first remove it with '$delete: [layers]')",
        ),
        (
            "params: {refers: {epochs: 1}}",
            "1:18-1:29 layer-conflict: 'params.refers' is a mapping here, but a single value below, at base.yaml:9:11 (in a lower layer it is '${params.model}': set the value that it refers to)",
        ),
        (
            "params: {lr: {$append: [1]}}",
            "1:14-1:28 layer-conflict: 'params.lr' is a single value below, at base.yaml:4:7, to which nothing can be appended (set the whole list here)",
        ),
        (
            "params: {layers: {$append: 3}}",
            "1:18-1:30 bad-operator: '$append' must be the only key and must contain a list (write {$append: [a, b]} instead of the list)",
        ),
        (
            "params: {layers: {$append: [3], a: 1}}",
            "1:18-1:38 bad-operator: '$append' must be the only key and must contain a list (write {$append: [a, b]} instead of the list)",
        ),
        (
            "params: {$delete: lr}",
            "1:19-1:21 bad-operator: '$delete' must contain a list of keys (write $delete: [a, b])",
        ),
        (
            "params: {$delete: [[lr]]}",
            "1:19-1:25 bad-operator: '$delete' must contain a list of keys (write $delete: [a, b])",
        ),
        (
            "params: {$add: [lr]}",
            "1:16-1:20 bad-operator: '$add' must contain a mapping (write $add: {key: value})",
        ),
    ],
)
def test_an_overlay_that_fits_nothing_below_is_refused(text, found, mistakes):
    assert mistakes(lambda: laid(text)) == [found]


def test_a_file_refuses_only_what_is_of_another_kind(mistakes):
    assert mistakes(lambda: laid("params: {model: 3, more: 1}", strict=False)) == [
        "1:17-1:18 layer-conflict: 'params.model' is a single value here, but a mapping below, at base.yaml:6:10 (set single keys of it, or first remove it with '$delete: [model]')"
    ]


def test_all_mistakes_of_an_overlay_come_in_one_go(mistakes):
    found = mistakes(lambda: laid("params: {lrr: 1, model: 3, $delete: [b]}\nsteps: {lod: {}}"))

    assert [line.split(": ")[0] for line in found] == [
        "1:10-1:13 unknown-key",
        "1:25-1:26 layer-conflict",
        "1:38-1:39 unknown-key",
        "2:9-2:12 unknown-key",
    ]


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("params.lr=5e-3", "params.lr", 0.005),
        ("params.lr=", "params.lr", None),
        ("params.lr=a=b", "params.lr", "a=b"),
        ("params.lr=${params.model.epochs}", "params.lr", "${params.model.epochs}"),
        ("params.layers=[3, 4]", "params.layers", [3, 4]),
        ("params.layers={$append: [3]}", "params.layers", [1, 2, 3]),
        ("params.model={epochs: 9}", "params.model", {"name": "bert", "epochs": 9}),
        ("params.model.name='no'", "params.model.name", "no"),
        ("+params.new=1", "params.new", 1),
        ("+params.new.er=1", "params.new", {"er": 1}),
        ("+params.lr=1", "params.lr", 1),
        ("steps.train.timeout=5m", "steps.train.timeout", "5m"),
        ("steps={$delete: [load]}", "steps", {"train": plain(read(BASE, file="b"))["steps"]["train"]}),
    ],
)
def test_an_option_sets_one_path(override, path, value):
    assert at(apply_override(base(), override), path) == value


def test_a_value_that_an_option_set_names_the_option():
    document = apply_override(base(), "+params.model.size=[1, x]")

    option = "--set +params.model.size=[1, x]"
    sizes = document.get("params").get("model")
    assert sizes.get("size").span == Span(option, 1, 26, 1, 32, "set")
    assert sizes.get("size").items[1].span == Span(option, 1, 30, 1, 31, "set")
    assert sizes.entries["size"].key_span == Span(option, 1, 21, 1, 25, "set")
    assert {node.span.file for _, node in walk(document)} == {"base.yaml", option}


@pytest.mark.parametrize(
    ("typed", "key", "value"),
    [
        ("--sweep +params.model.size=[1, x]", (23, 27), (28, 34)),
        ("--size [1, x]", (1, 7), (8, 14)),
    ],
)
def test_a_value_that_another_option_set_names_that_option(typed, key, value):
    document = apply_override(base(), Override("+params.model.size=[1, x]", typed))

    model = document.get("params").get("model")
    assert model.entries["size"].key_span == Span(typed, 1, key[0], 1, key[1], "set")
    assert model.get("size").span == Span(typed, 1, value[0], 1, value[1], "set")


@pytest.mark.parametrize(
    ("override", "found"),
    [
        (
            "params",
            "1:7-1:13 bad-override: 'params' has no '=' (write path=value, for example params.model.epochs=1)",
        ),
        (
            "=1",
            "1:7-1:7 bad-override: '' is not a path (write keys separated by dots, for example params.model.epochs)",
        ),
        (
            "params..lr=1",
            "1:7-1:17 bad-override: 'params..lr' is not a path (write keys separated by dots, for example params.model.epochs)",
        ),
        (
            "params.lr =1",
            "1:7-1:17 bad-override: 'params.lr ' is not a path (write keys separated by dots, for example params.model.epochs)",
        ),
        (
            "include=[a]",
            "1:7-1:14 bad-override: 'include' cannot be set (set a param that the path of the include refers to, or use an overlay)",
        ),
        (
            Override("params.lrr=1", "--sweep params.lrr=1"),
            "1:16-1:19 unknown-key: 'params.lrr' is set, but no lower layer has it (did you mean 'lr'? to add it, write --sweep +params.lrr=...)",
        ),
        (
            "params.lrr=1",
            "1:14-1:17 unknown-key: 'params.lrr' is set, but no lower layer has it (did you mean 'lr'? to add it, write --set +params.lrr=...)",
        ),
        (
            "params.lr.x=1",
            "1:17-1:18 layer-conflict: 'params.lr' is a mapping here, but a single value below, at base.yaml:4:7 (set the whole value, or first remove it with '$delete: [lr]' in an overlay)",
        ),
        ("params.lr=[1", "1:17-1:18 yaml-syntax: '[' is not closed (add the missing ']')"),
        (
            "params.lr=${params.a} # x",
            "1:17-1:32 not-a-value: '${params.a} # x' is not a single scalar, list [ ] or mapping { } (put text that contains ': ', '- ' or '#' in quotes)",
        ),
    ],
)
def test_an_option_that_fits_nothing_is_refused(override, found, mistakes):
    assert mistakes(lambda: apply_override(base(), override)) == [found]
    with pytest.raises(InvalidPipelineError) as caught:
        apply_override(base(), override)
    typed = getattr(override, "typed", f"--set {override}")
    assert caught.value.sources == {typed: typed}


def test_a_path_of_ten_thousand_keys_is_refused(mistakes):
    (found,) = mistakes(lambda: apply_override(base(), "+" + "a." * 10_000 + "a=1"))

    assert "bad-override: the path is deeper than 64 levels" in found


FORMS = """
pipespec: 1
steps:
  infer: {call: "m:f", outputs: {pred: pred.csv, other: {file: o.csv, save: {index: true}}}}
  report:
    call: m:g
    inputs:
      short: infer.pred
      long: {from: infer.pred, load: {sep: ";"}}
      file: {file: a.csv}
      other: {pipeline: fit.yaml, output: fit.model, load: path}
    matrix: {depth: [4, 8]}
    identity: {ignore: [a]}
"""
IN = "steps.report.inputs."
OUT = "steps.infer.outputs."


@pytest.mark.parametrize(
    ("path", "value", "result"),
    [
        (f"{IN}short", "{file: x.csv}", {"file": "x.csv"}),
        (f"{IN}short", "{load: path}", {"from": "infer.pred", "load": "path"}),
        (f"{IN}short", "{from: infer.other}", {"from": "infer.other"}),
        (f"{IN}short", "{pipeline: a.yaml, output: b.c}", {"pipeline": "a.yaml", "output": "b.c"}),
        (f"{IN}short", "infer.other", "infer.other"),
        (f"{IN}short.file", "x.csv", {"file": "x.csv"}),
        (f"{IN}long", "infer.other", {"from": "infer.other", "load": {"sep": ";"}}),
        (f"{IN}long", "{file: x.csv}", {"file": "x.csv", "load": {"sep": ";"}}),
        (f"{IN}long", "{files: '*.csv', load: path}", {"files": "*.csv", "load": "path"}),
        (f"{IN}long.load", "path", {"from": "infer.pred", "load": "path"}),
        (f"{IN}long.load.sep", "','", {"from": "infer.pred", "load": {"sep": ","}}),
        (f"{IN}file", "infer.pred", {"from": "infer.pred"}),
        (f"{IN}file", "{dir: data}", {"dir": "data"}),
        (f"{IN}other", "{file: x.csv}", {"file": "x.csv", "load": "path"}),
        (f"{IN}other.output", "fit.scores", {"pipeline": "fit.yaml", "output": "fit.scores", "load": "path"}),
        (
            f"{IN}other.load",
            "{sep: a}",
            {"pipeline": "fit.yaml", "output": "fit.model", "load": {"sep": "a"}},
        ),
        (f"{OUT}pred", "{save: {index: true}}", {"file": "pred.csv", "save": {"index": True}}),
        (f"{OUT}pred.file", "p.csv", {"file": "p.csv"}),
        (f"{OUT}other", "p.csv", {"file": "p.csv", "save": {"index": True}}),
        (f"{OUT}other.save", "m:save", {"file": "o.csv", "save": "m:save"}),
        ("steps.report.matrix", "[{depth: [1]}, {depth: [2]}]", [{"depth": [1]}, {"depth": [2]}]),
        ("steps.report.matrix", "${params.grid}", "${params.grid}"),
        ("steps.report.identity", "none", "none"),
    ],
)
def test_the_short_and_the_long_form_of_one_thing_merge(path, value, result):
    """By `--set` and by an overlay alike."""
    below = read(FORMS, file="base.yaml")
    keys = path.split(".")
    nested = value
    for key in reversed(keys):
        nested = f"{{{key}: {nested}}}" if "${" not in nested else f'{{{key}: "{nested}"}}'
    whole = ".".join(keys[:4]) if path.startswith(("steps.report.inputs", "steps.infer")) else path

    assert at(apply_override(below, f"{path}={value}"), whole) == result
    if "${" not in value:
        assert at(merge(below, over(nested), strict=True), whole) == result


def test_other_forms_are_still_a_conflict():
    below = read(FORMS, file="base.yaml")

    for override in (f"{IN}long=[a]", f"{OUT}other=[a]", "steps.report.inputs=a", "steps.report=a"):
        with pytest.raises(InvalidPipelineError) as refused:
            apply_override(below, override)
        assert [one.code for one in refused.value.diagnostics] == ["layer-conflict"]
