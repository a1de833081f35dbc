"""The resolved document as YAML, with its origins, as JSON and as a comparison; and moved to another folder."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from pipespec.document.interpolation.resolver_interface import Problem, Resolvers
from pipespec.document.layers.resolve_layers import IncludedSource, resolve
from pipespec.document.nodes import plain
from pipespec.document.yaml.yaml_reader import read
from pipespec.views.document_view import (
    compared,
    comparison_to_json,
    origins_to_json,
    render_comparison,
    scalar_text,
    to_yaml,
)
from pipespec.views.rendering.relocation import relocated

MAIN = """\
pipespec: 1
include: [lists.yaml]
params:
  env: dev
  store: shop-${params.env}
  user: ${env:USER, nobody}
  店: 東京の本店
  key: ${secret:API_KEY}
  shell: $${HOME}
steps:
  train:
    call: shop:train
    matrix: {region: "${params.regions}"}
    params: {region: "${matrix.region}", where: "${params.店}/${matrix.region}"}
x-note: {form: "${anything}"}
"""
LISTS = "params:\n  regions: [coast, hills]\n  none: []\n"
PROD = "params:\n  env: prod\n  regions: {$append: [islands]}\n"


def resolved(text, *, overlays=(), overrides=(), env=None, **files):
    found = resolve(
        IncludedSource("main.yaml", text),
        fetch=lambda path, span: (
            IncludedSource(path, files[path.removesuffix(".yaml").replace("/", "_")])
            if path.removesuffix(".yaml").replace("/", "_") in files
            else Problem("no such file", "none")
        ),
        resolvers=Resolvers(name="main", env=env or {}),
        overlays=[IncludedSource(name, overlay) for name, overlay in overlays],
        overrides=overrides,
    )
    assert found.mistakes == ()
    return found.document


def shop(**layers):
    return resolved(MAIN, lists=LISTS, **layers)


def test_every_value_shows_the_layer_that_set_it():
    document = shop(overlays=[("prod.yaml", PROD)], overrides=["params.user=ada", "+params.tries=3"])

    assert (
        to_yaml(document, with_origin=True)
        == """\
params:
  regions:
    - coast                               # lists.yaml:2 (include)
    - hills                               # lists.yaml:2 (include)
    - islands                             # prod.yaml:3 (overlay)
  none: []                                # lists.yaml:3 (include)
  env: prod                               # prod.yaml:2 (overlay)
  store: shop-prod                        # main.yaml:5
  user: ada                               # --set params.user=ada
  店: 東京の本店                          # main.yaml:7
  key: "${secret:API_KEY}"                # main.yaml:8
  shell: "$${HOME}"                       # main.yaml:9
  tries: 3                                # --set +params.tries=3
pipespec: 1                               # main.yaml:1
steps:
  train:
    call: shop:train                      # main.yaml:12
    matrix:
      region:
        - coast                           # lists.yaml:2 (include)
        - hills                           # lists.yaml:2 (include)
        - islands                         # prod.yaml:3 (overlay)
    params:
      region: "${matrix.region}"          # main.yaml:14
      where: 東京の本店/${matrix.region}  # main.yaml:14
x-note:
  form: "${anything}"                     # main.yaml:15
"""
    )


def test_a_list_that_was_appended_to_comes_from_the_layer_that_appended():
    rows = compared(shop(), shop(overlays=[("prod.yaml", PROD)], overrides=["+params.tries=3"]))

    assert (
        render_comparison(rows)
        == """\
value                      base                overlay                effective
params.regions             ["coast", "hills"]  prod.yaml:3 (overlay)  ["coast", "hills", "islands"]
params.env                 dev                 prod.yaml:2 (overlay)  prod
params.store               shop-dev            main.yaml:5            shop-prod
steps.train.matrix.region  ["coast", "hills"]  prod.yaml:3 (overlay)  ["coast", "hills", "islands"]
params.tries               -                   --set +params.tries=3  3"""
    )


def test_wide_characters_take_two_columns_in_comparisons():
    base = read("params: {店: 東京, b: 1, d: 5}", file="a.yaml")
    above = read("params: {店: 大阪府, b: 22, c: ???}", file="店.yaml", layer="overlay")

    assert (
        render_comparison(compared(base, above))
        == """\
value      base  overlay              effective
params.店  東京  店.yaml:1 (overlay)  大阪府
params.b   1     店.yaml:1 (overlay)  22
params.d   5     deleted              -
params.c   -     店.yaml:1 (overlay)  ???"""
    )


def test_nothing_changed_is_said():
    assert render_comparison(compared(shop(), shop())) == "overlays and --set change nothing"
    assert comparison_to_json([]) == {"version": 1, "changes": []}


def test_a_comparison_as_json_leaves_out_what_a_layer_does_not_have():
    base = read("params: {a: 1, gone: x}", file="a.yaml")
    above = read("params: {a: [1, b], new: null}", file="b.yaml", layer="overlay")

    place = {"file": "b.yaml", "line": 1, "layer": "overlay"}
    assert comparison_to_json(compared(base, above)) == {
        "version": 1,
        "changes": [
            {
                "path": "params.a",
                "base": 1,
                "effective": [1, "b"],
                **place,
                "column": 13,
                "items": [{**place, "column": 14}, {**place, "column": 17}],
            },
            {"path": "params.gone", "base": "x"},
            {"path": "params.new", "effective": None, **place, "column": 26},
        ],
    }


def test_json_has_each_value_with_its_type_and_its_place():
    document = shop(overlays=[("prod.yaml", PROD)])
    values = {value.pop("path"): value for value in origins_to_json(document)["values"]}

    assert list(values) == [
        "params.regions",
        "params.none",
        "params.env",
        "params.store",
        "params.user",
        "params.店",
        "params.key",
        "params.shell",
        "pipespec",
        "steps.train.call",
        "steps.train.matrix.region",
        "steps.train.params.region",
        "steps.train.params.where",
        "x-note.form",
    ]
    lists = {"file": "lists.yaml", "line": 2, "layer": "include"}
    assert values["params.regions"] == values["steps.train.matrix.region"]
    assert values["params.regions"] == {
        "value": ["coast", "hills", "islands"],
        "file": "prod.yaml",
        "line": 3,
        "column": 22,
        "layer": "overlay",
        "items": [
            {**lists, "column": 13},
            {**lists, "column": 20},
            {"file": "prod.yaml", "line": 3, "column": 23, "layer": "overlay"},
        ],
    }
    assert values["params.key"]["value"] == "${secret:API_KEY}"
    assert values["pipespec"] == {"value": 1, "file": "main.yaml", "line": 1, "column": 11, "layer": "file"}


def test_what_a_terminal_would_obey_is_written_as_an_escape():
    assert scalar_text("a\x1b[31mb\x7f\x85\u202e\U000e0001") == r'"a\u001b[31mb\u007f\u0085\u202e\U000e0001"'
    assert scalar_text("東京\u3000駅") == "東京\u3000駅"
    document = read("params: {a: 1}", file="--set params.a=1\n# no comment\x1b", layer="set")
    assert to_yaml(document, with_origin=True) == (
        "params:\n  a: 1  # --set params.a=1\\n# no comment\\x1b\n"
    )


TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=("Cn", "Cs"), exclude_characters="\0"), max_size=12),
    st.text(st.sampled_from("\n\t :#-?,[]{}&*!|>'\"%@`$\\=.<~aé店0"), max_size=12),
    st.sampled_from(["no", "007", "1e3", "-0.0", "~", "null", "2021-10-01", "- a", "a: b", "0x1F", ".5", "???", "---", "...", "="]),
)  # fmt: skip
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXTS,
)
KEYS = TEXTS.filter(lambda key: "${" not in key)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=10,
)


def in_flow_style(value):
    """Write a value with every text between double quotes and every sign of it as a number."""
    match value:
        case dict():
            return (
                "{"
                + ", ".join(f"{in_flow_style(key)}: {in_flow_style(each)}" for key, each in value.items())
                + "}"
            )
        case list():
            return "[" + ", ".join(map(in_flow_style, value)) + "]"
        case str():
            return '"' + "".join(f"\\U{ord(sign):08x}" for sign in value.replace("${", "$${")) + '"'
        case _:
            return json.dumps(value)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_what_is_written_reads_back_as_the_same_values_and_says_so_again(params):
    document = resolved(f"params: {in_flow_style(params)}")
    assert plain(document) == {"params": params}

    for with_origin in (False, True):
        written = to_yaml(document, with_origin=with_origin)
        again = resolved(written)
        assert json.dumps(plain(again)) == json.dumps(plain(document))
        assert to_yaml(again) == to_yaml(document)


FOLDERS = {"main.yaml": Path("/p/pipes"), "sub/a.yaml": Path("/p/pipes/sub"), "over.yaml": Path("/p")}


def test_relative_paths_of_inputs_are_restated_for_the_folder_of_the_file():
    main = """\
include: [sub/a.yaml]
params_schema: params.json
params: {here: own.csv}
steps:
  own:
    inputs:
      a: {file: data/a.csv, load: {sep: ;}}
      b: {file: "${params.there}"}
      c: {dir: "${params.here}"}
"""
    included = """\
params: {there: ../there.csv}
defaults: {inputs: {z: {dir: z}}}
steps:
  part:
    inputs:
      a: {file: a.csv}
      b: {files: "${params.here}"}
      c: {dir: "../${matrix.region}/raw"}
      d: {file: /abs/d.csv}
      e: {file: "s3://bucket/e.csv"}
      f: {pipeline: ../other.yaml, output: fit.model}
      g: own.model
      h: {from: own.model}
      i: {file: i.json, schema: i.schema.json}
    outputs:
      o: {file: o.json, schema: ../o.schema.json}
      p: {file: p.json, save: {indent: 1}}
      q: q.json
    matrix: {region: [coast]}
    params: {file: stays.csv}
"""
    over = "steps: {own: {inputs: {a: {file: a.csv}}}}"
    document = resolved(main, overlays=[("over.yaml", over)], sub_a=included)

    moved = plain(relocated(document, FOLDERS))

    assert moved["defaults"] == {"inputs": {"z": {"dir": "sub/z"}}}
    assert moved["steps"] == {
        "part": {
            "inputs": {
                "a": {"file": "sub/a.csv"},
                "b": {"files": "own.csv"},
                "c": {"dir": "${matrix.region}/raw"},
                "d": {"file": "/abs/d.csv"},
                "e": {"file": "s3://bucket/e.csv"},
                "f": {"pipeline": "other.yaml", "output": "fit.model"},
                "g": "own.model",
                "h": {"from": "own.model"},
                "i": {"file": "sub/i.json", "schema": "sub/i.schema.json"},
            },
            "outputs": {
                "o": {"file": "o.json", "schema": "o.schema.json"},
                "p": {"file": "p.json", "save": {"indent": 1}},
                "q": "q.json",
            },
            "matrix": {"region": ["coast"]},
            "params": {"file": "stays.csv"},
        },
        "own": {
            "inputs": {
                "a": {"file": "../a.csv", "load": {"sep": ";"}},
                "b": {"file": "there.csv"},
                "c": {"dir": "own.csv"},
            }
        },
    }
    assert moved["params_schema"] == "params.json"
    assert moved["params"] == {"there": "../there.csv", "here": "own.csv"}
    assert '"${matrix.region}/raw"' in to_yaml(relocated(document, FOLDERS))


def test_a_document_of_one_file_stays_as_it_is():
    document = resolved("steps: {own: {inputs: {a: {file: data//a.csv}}}}")

    assert relocated(document, FOLDERS) == document
    assert relocated(document, {}) is document
