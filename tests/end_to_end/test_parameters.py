"""Layers of a pipeline by the installed command: their order, what is shown of them, what is refused, and a round trip."""

import json
import re

import pytest

BASE = """\
pipespec: 1
name: shop
include: [shared/regions.yaml]
params:
  env: dev
  store: shop-${params.env}
  user: ${env:SHOP_USER, nobody}
  店: 東京の本店
  key: ${secret:SHOP_KEY}
steps:
  train:
    call: shop:train
    matrix: {region: "${params.regions}", depth: [4]}
    inputs: {table: {file: prices.csv}}
    params: {store: "${params.store}", where: "${params.店}/${matrix.region}", region: "${matrix.region}"}
    outputs: {model: model.json}
"""
REGIONS = """\
params:
  regions: [coast, hills]
steps:
  load:
    call: shop:load
    inputs: {table: {file: raw/table.csv}}
    outputs: {rows: rows.json}
"""
PROD = """\
params:
  env: prod
  regions: {$append: [islands]}
  店: 大阪
"""
CODE = """
def load(table: str) -> dict:
    return {"rows": table}


def train(table: str, region, store, where, depth) -> dict:
    return {"region": region}
"""


@pytest.fixture
def shop(empty_project):
    empty_project.write("shop.py", CODE)
    empty_project.write("base.yaml", BASE)
    empty_project.write("shared/regions.yaml", REGIONS)
    empty_project.write("shared/raw/table.csv", "a,b\n1,2\n")
    empty_project.write("prices.csv", "price\n3\n")
    empty_project.write("prod.yaml", PROD)
    return empty_project


LAYERS = ("-f", "prod.yaml", "--set", "params.user=ada", "--set", "+params.tries=3")


def config(project, *args, file="base.yaml", **environment):
    answer = project.pipespec("config", file, *args, **environment)
    assert (answer.code, answer.err) == (0, "")
    return answer


def test_config_shows_the_document_that_all_layers_make(shop):
    assert (
        config(shop, *LAYERS, SHOP_KEY="s3cret").out
        == """\
params:
  regions:
    - coast
    - hills
    - islands
  env: prod
  store: shop-prod
  user: ada
  店: 大阪
  key: "${secret:SHOP_KEY}"
  tries: 3
steps:
  load:
    call: shop:load
    inputs:
      table:
        file: shared/raw/table.csv
    outputs:
      rows: rows.json
  train:
    call: shop:train
    matrix:
      region:
        - coast
        - hills
        - islands
      depth:
        - 4
    inputs:
      table:
        file: prices.csv
    params:
      store: shop-prod
      where: 大阪/${matrix.region}
      region: "${matrix.region}"
    outputs:
      model: model.json
pipespec: 1
name: shop
"""
    )


def test_config_shows_where_each_value_was_set(shop):
    assert (
        config(shop, *LAYERS, "--origin").out
        == """\
params:
  regions:
    - coast                         # shared/regions.yaml:2 (include)
    - hills                         # shared/regions.yaml:2 (include)
    - islands                       # prod.yaml:3 (overlay)
  env: prod                         # prod.yaml:2 (overlay)
  store: shop-prod                  # base.yaml:6
  user: ada                         # --set params.user=ada
  店: 大阪                          # prod.yaml:4 (overlay)
  key: "${secret:SHOP_KEY}"         # base.yaml:9
  tries: 3                          # --set +params.tries=3
steps:
  load:
    call: shop:load                 # shared/regions.yaml:5 (include)
    inputs:
      table:
        file: shared/raw/table.csv  # shared/regions.yaml:6 (include)
    outputs:
      rows: rows.json               # shared/regions.yaml:7 (include)
  train:
    call: shop:train                # base.yaml:12
    matrix:
      region:
        - coast                     # shared/regions.yaml:2 (include)
        - hills                     # shared/regions.yaml:2 (include)
        - islands                   # prod.yaml:3 (overlay)
      depth:
        - 4                         # base.yaml:13
    inputs:
      table:
        file: prices.csv            # base.yaml:14
    params:
      store: shop-prod              # base.yaml:6
      where: 大阪/${matrix.region}  # base.yaml:15
      region: "${matrix.region}"    # base.yaml:15
    outputs:
      model: model.json             # base.yaml:16
pipespec: 1                         # base.yaml:1
name: shop                          # base.yaml:2
"""
    )


def test_config_compares_the_file_with_its_upper_layers(shop):
    assert (
        config(shop, *LAYERS, "--diff").out
        == """\
value                      base                         overlay                effective
params.regions             ["coast", "hills"]           prod.yaml:3 (overlay)  ["coast", "hills", "islands"]
params.env                 dev                          prod.yaml:2 (overlay)  prod
params.store               shop-dev                     base.yaml:6            shop-prod
params.user                nobody                       --set params.user=ada  ada
params.店                  東京の本店                   prod.yaml:4 (overlay)  大阪
steps.train.matrix.region  ["coast", "hills"]           prod.yaml:3 (overlay)  ["coast", "hills", "islands"]
steps.train.params.store   shop-dev                     base.yaml:6            shop-prod
steps.train.params.where   東京の本店/${matrix.region}  base.yaml:15           大阪/${matrix.region}
params.tries               -                            --set +params.tries=3  3
"""
    )


def test_config_compares_with_a_file_that_waits_for_its_upper_layers(shop):
    shop.edit("base.yaml", "env: dev", "env: ???")

    assert (
        config(shop, "--set", "params.env=a", "--diff").out
        == """\
value                     base                overlay             effective
params.env                ???                 --set params.env=a  a
params.store              shop-${params.env}  base.yaml:6         shop-a
steps.train.params.store  shop-${params.env}  base.yaml:6         shop-a
"""
    )


def test_config_says_when_there_is_nothing_to_compare_with(shop):
    shop.edit("base.yaml", "shared/regions.yaml", '"shared/${params.env}.yaml"')
    shop.edit("base.yaml", "env: dev", "env: ???")

    answer = shop.pipespec("config", "base.yaml", "--set", "params.env=regions", "--diff")

    assert (answer.code, answer.out) == (2, "")
    assert answer.err == (
        "error: 'base.yaml' cannot be resolved without its overlays, so it cannot be compared: the path of the file"
        " depends on ${params.env}, which has no value: '???' must be set by a higher layer; use '--origin' to see which layer sets each value\n"
    )


def test_config_is_read_by_machines(shop):
    values = {value.pop("path"): value for value in config(shop, *LAYERS, "--format", "json").json["values"]}

    islands = {"file": "prod.yaml", "line": 3, "column": 23, "layer": "overlay"}
    assert [place["file"] for place in values["params.regions"]["items"]] == ["shared/regions.yaml"] * 2 + [
        "prod.yaml"
    ]
    assert values["steps.train.matrix.region"]["items"][-1] == islands
    assert {path: (value["value"], value["file"], value["line"], value["layer"]) for path, value in values.items()} == {
        "params.regions": (["coast", "hills", "islands"], "prod.yaml", 3, "overlay"),
        "params.env": ("prod", "prod.yaml", 2, "overlay"),
        "params.store": ("shop-prod", "base.yaml", 6, "file"),
        "params.user": ("ada", "--set params.user=ada", 1, "set"),
        "params.店": ("大阪", "prod.yaml", 4, "overlay"),
        "params.key": ("${secret:SHOP_KEY}", "base.yaml", 9, "file"),
        "params.tries": (3, "--set +params.tries=3", 1, "set"),
        "steps.load.call": ("shop:load", "shared/regions.yaml", 5, "include"),
        "steps.load.inputs.table.file": ("shared/raw/table.csv", "shared/regions.yaml", 6, "include"),
        "steps.load.outputs.rows": ("rows.json", "shared/regions.yaml", 7, "include"),
        "steps.train.call": ("shop:train", "base.yaml", 12, "file"),
        "steps.train.matrix.region": (["coast", "hills", "islands"], "prod.yaml", 3, "overlay"),
        "steps.train.matrix.depth": ([4], "base.yaml", 13, "file"),
        "steps.train.inputs.table.file": ("prices.csv", "base.yaml", 14, "file"),
        "steps.train.params.store": ("shop-prod", "base.yaml", 6, "file"),
        "steps.train.params.where": ("大阪/${matrix.region}", "base.yaml", 15, "file"),
        "steps.train.params.region": ("${matrix.region}", "base.yaml", 15, "file"),
        "steps.train.outputs.model": ("model.json", "base.yaml", 16, "file"),
        "pipespec": (1, "base.yaml", 1, "file"),
        "name": ("shop", "base.yaml", 2, "file"),
    }  # fmt: skip


def test_comparison_is_read_by_machines(shop):
    answer = config(
        shop, "--set", "params.user=ada", "--set", "+params.tries=3", "--diff", "--format", "json"
    )

    assert answer.json == {
        "version": 1,
        "changes": [
            {
                "path": "params.user",
                "base": "nobody",
                "effective": "ada",
                "file": "--set params.user=ada",
                "line": 1,
                "column": 19,
                "layer": "set",
            },
            {
                "path": "params.tries",
                "effective": 3,
                "file": "--set +params.tries=3",
                "line": 1,
                "column": 21,
                "layer": "set",
            },
        ],
    }


def test_order_of_layers_is_in_the_help_of_the_verbs_that_take_them(shop):
    verbs = ("validate", "run", "plan", "status", "get", "graph", "config")
    told = {verb: re.sub(r"\s+", " ", shop.pipespec(verb, "--help").out) for verb in verbs}

    order = "Later layers override earlier ones: includes, FILE, overlays, --set."
    assert [verb for verb in verbs if order not in told[verb]] == []
    assert "--overlay FILE Same as for 'run'." in re.sub(r"\s+", " ", shop.pipespec("logs", "--help").out)


def test_each_layer_goes_before_those_below_it(empty_project):
    project = empty_project
    layers = ("a.yaml", "b.yaml", "base.yaml", "below.yaml", "over.yaml", "last.yaml")
    for name in layers:
        project.write(name, f"params: {{value: {name.removesuffix('.yaml')}}}\n")
    project.write("steps.py", "def go(value): ...\n")
    head = "pipespec: 1\ninclude: [a.yaml, b.yaml]\nsteps: {go: {call: 'steps:go', params: '${params}'}}\n"
    project.write("base.yaml", head + "params: {value: base}\n")
    project.write("over.yaml", "include: [below.yaml]\nparams: {value: over}\n")
    args = [
        "-f",
        "over.yaml",
        "-f",
        "last.yaml",
        "--set",
        "params.value=first",
        "--set",
        "params.value=second",
    ]

    def value():
        answer = project.pipespec("config", "base.yaml", *args, "--format", "json")
        assert answer.code == 0, answer.err
        found = {each["path"]: each["value"] for each in answer.json["values"]}
        assert found["steps.go.params.value"] == found["params.value"]
        return found["params.value"]

    seen = [value()]
    for _ in range(2):
        del args[-2:]
        seen.append(value())
    for name, left in (
        ("last.yaml", ""),
        ("over.yaml", "include: [below.yaml]\n"),
        ("below.yaml", ""),
        ("base.yaml", head),
        ("b.yaml", ""),
    ):
        project.write(name, left)
        seen.append(value())

    assert seen == ["second", "first", "last", "over", "below", "base", "b", "a"]


BAD = {
    "an overlay for a step that was renamed": (
        {"over.yaml": "steps: {square: {timeout: 3s}}"},
        ["-f", "over.yaml"],
        """\
over.yaml:1:9: error[unknown-key]: 'steps.square' is set, but no lower layer has it
    1 | steps: {square: {timeout: 3s}}
      |         ^^^^^^
   help: did you mean 'squares'? to add it, put it under '$add'
""",
    ),
    "a typo in --set": (
        {},
        ["--set", "params.cuont=3"],
        """\
--set params.cuont=3:1:14: error[unknown-key]: 'params.cuont' is set, but no lower layer has it
    1 | --set params.cuont=3
      |              ^^^^^
   help: did you mean 'count'? to add it, write --set +params.cuont=...
""",
    ),
    "a scalar over a mapping": (
        {"over.yaml": "steps:\n  squares: 3\n"},
        ["-f", "over.yaml"],
        """\
over.yaml:2:12: error[layer-conflict]: 'steps.squares' is a single value here, but a mapping below, at pipeline.yaml:10:5
    2 |   squares: 3
      |            ^
   help: set single keys of it, or first remove it with '$delete: [squares]'
""",
    ),
    "a scalar over a mapping by --set": (
        {},
        ["--set", "params=3"],
        """\
--set params=3:1:14: error[layer-conflict]: 'params' is a single value here, but a mapping below, at pipeline.yaml:3:9
    1 | --set params=3
      |              ^
   help: set single keys of it, or first remove it with '$delete: [params]' in an overlay
""",
    ),
    "a mapping over a scalar": (
        {},
        ["--set", "params.count.most=3"],
        """\
--set params.count.most=3:1:20: error[layer-conflict]: 'params.count' is a mapping here, but a single value below, at pipeline.yaml:3:17
    1 | --set params.count.most=3
      |                    ^^^^
   help: set the whole value, or first remove it with '$delete: [count]' in an overlay
""",
    ),
    "a cycle of includes": (
        {"pipeline.yaml": ("params: {count: 5}", "include: [a.yaml]"), "a.yaml": "include: [pipeline.yaml]\n"},
        [],
        """\
a.yaml:1:11: error[include-cycle]: files include each other in a circle: pipeline.yaml -> a.yaml -> pipeline.yaml
    1 | include: [pipeline.yaml]
      |           ^^^^^^^^^^^^^
   help: remove one of these includes
""",
    ),
    "a cycle of references": (
        {"pipeline.yaml": ("{count: 5}", '{count: "${params.most}", most: "${params.count}"}')},
        [],
        """\
pipeline.yaml:3:42: error[reference-cycle]: references form a circle: params.count -> params.most -> params.count
    3 | params: {count: "${params.most}", most: "${params.count}"}
      |                                          ^^^^^^^^^^^^^^^
   help: give one of them a value without a reference to the others
""",
    ),
    "two variants with one name": (
        {"pipeline.yaml": ("{name: all}", '{name: "${matrix.n}"}\n    matrix: {n: [a, b, a]}')},
        [],
        """\
pipeline.yaml:17:24: error[duplicate-variant]: axis 'n' of step 'total' has the value 'a' twice
   17 |     matrix: {n: [a, b, a]}
      |                        ^
""",
    ),
    "a missing variable": (
        {"pipeline.yaml": ("{count: 5}", '{count: "${env:SHOP_COUNT}"}')},
        [],
        """\
pipeline.yaml:3:18: error[env-not-set]: the environment variable 'SHOP_COUNT' is not set
    3 | params: {count: "${env:SHOP_COUNT}"}
      |                  ^^^^^^^^^^^^^^^^^
   help: set it, or give a default: ${env:SHOP_COUNT, default}
""",
    ),
    "a reference to an axis of a step without any": (
        {"pipeline.yaml": ("{name: all}", '{name: "${matrix.genre}"}')},
        [],
        """\
pipeline.yaml:16:21: error[unknown-reference]: step 'total' has no matrix
   16 |     params: {name: "${matrix.genre}"}
      |                     ^^^^^^^^^^^^^^^
""",
    ),
    "a reference to what is not defined": (
        {"pipeline.yaml": ("${params.count}", "${params.cuont}")},
        [],
        """\
pipeline.yaml:7:22: error[unknown-reference]: 'params.cuont' is not defined
    7 |     params: {count: "${params.cuont}"}
      |                      ^^^^^^^^^^^^^^^
   help: did you mean 'params.count'?
""",
    ),
    "--set with text that is no YAML": (
        {},
        ["--set", "params.count=[1, 2"],
        """\
--set params.count=[1, 2:1:20: error[yaml-syntax]: '[' is not closed
    1 | --set params.count=[1, 2
      |                    ^
   help: add the missing ']'
""",
    ),
    "--set without an equals sign": (
        {},
        ["--set", "params.count"],
        """\
--set params.count:1:7: error[bad-override]: 'params.count' has no '='
    1 | --set params.count
      |       ^^^^^^^^^^^^
   help: write path=value, for example params.model.epochs=1
""",
    ),
    "an overlay that is not there": (
        {"over.yaml": "params: {}"},
        ["-f", "ovre.yaml"],
        """\
ovre.yaml:1:1: error[unreadable-file]: there is no file 'ovre.yaml'
   help: did you mean 'over.yaml'?
""",
    ),
    "an include that is not there": (
        {"pipeline.yaml": ("params: {count: 5}", "include: [commn.yaml]"), "common.yaml": "params: {count: 5}"},
        [],
        """\
pipeline.yaml:3:11: error[include-not-read]: there is no file 'commn.yaml'
    3 | include: [commn.yaml]
      |           ^^^^^^^^^^
   help: did you mean 'common.yaml'?
""",
    ),
    "an overlay that is a list": (
        {"over.yaml": "- params\n"},
        ["-f", "over.yaml"],
        """\
over.yaml:1:1: error[not-a-mapping]: the top of the file is a list, not a mapping
    1 | - params
      | ^^^^^^^^
   help: write 'key: value' lines at the top
""",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.replace(" ", "-"))
def test_bad_layers_are_told_once_with_their_place_and_nothing_starts(project, case):
    files, args, said = BAD[case]
    for name, text in files.items():
        if isinstance(text, tuple):
            project.edit(name, *text)
        else:
            project.write(name, text)
    before = sorted(project.folder.rglob("*"))

    answer = project.pipespec("run", "pipeline.yaml", *args)

    assert (answer.code, answer.out, answer.err) == (2, "", said)
    assert sorted(project.folder.rglob("*")) == before


ODD = """\
pipespec: 1
include: [inner/part.yaml]
params:
  shell: $${HOME} and $$${HOME}
  both: ${params.number} of $${all}
  key: ${secret:ODD_KEY}
  lines: |
    one
      two: 2  # three

  folded: >-
    a b
    c
  none: {}
  nothing: []
  nested: [[], {}, [[1]], {a: [{b: null}]}]
  number: 1e3
  zero: -0.0
  small: 1e-300
  long: 3.10
  texts: ["1e3", "-0.0", "0x1F", "007", "no", "null", "~", "", " ", "2021-10-01", "???", "- a", "a: b", "#", "a #b"]
  escapes: "tab\\t bell\\a del\\x7f nel\\x85 rtl\\u202e wide\\u3000 emoji\\U0001F600"
  日本語: ñandú
  "odd: key #1": 1
x-note: {any: "${thing}"}
steps:
  keep:
    call: odd:keep
    matrix: {place: ["1", 1, 日本 語], size: "${params.nothing_much}"}
    params: {size: "${matrix.size}", all: "${params}", text: "${params.both} at ${step.name}", at: "${matrix.place}"}
    inputs: {table: {file: "tables/${matrix.size}.csv"}}
    outputs: {kept: kept.json}
"""
PART = """\
params: {nothing_much: [7], table: ../tables/7.csv}
defaults: {retry: {times: 1, wait: 1s}}
steps:
  part:
    call: odd:part
    inputs: {table: {file: "${params.table}"}, own: {file: own.txt}, all: {files: "*.txt"}}
    outputs: {part: part.json}
"""
ODD_CODE = """
def keep(table: str, size: int, all: dict, text: str, at) -> str:
    return repr((table, size, all, text, at))


def part(table: str, own: str, all: list) -> list:
    return [table, own, len(all)]
"""


def test_a_resolved_document_runs_nothing_again(empty_project):
    project = empty_project
    project.write("odd.py", ODD_CODE)
    project.write("pipes/odd.yaml", ODD)
    project.write("pipes/inner/part.yaml", PART)
    project.write("pipes/inner/own.txt", "mine")
    project.write("pipes/tables/7.csv", "a\n1\n")
    project.write(
        "over.yaml", 'params: {texts: {$append: ["${params.number}", "0.10"]}, none: {$add: {x: 1}}}\n'
    )
    layers = (
        "-f",
        "over.yaml",
        "--set",
        "params.folded='a: ${params.number}'",
        "--set",
        "+params.new=[no, 1e3]",
    )
    secret = {"ODD_KEY": "hidden"}
    ran = project.ran(*layers, file="pipes/odd.yaml", **secret)
    assert len(ran) == 4

    for origin in ((), ("--origin",)):
        text = config(project, *layers, *origin, file="pipes/odd.yaml").out
        project.write("pipes/resolved.yaml", text)

        assert "hidden" not in text
        again = config(project, *origin, file="pipes/resolved.yaml").out
        assert re.sub(r" +# .*", "", again) == re.sub(r" +# .*", "", text)
        assert project.run(file="pipes/resolved.yaml", **secret) == dict.fromkeys(ran, "reused")

    values = {
        value["path"]: value["value"]
        for value in config(project, *layers, "--format", "json", file="pipes/odd.yaml").json["values"]
    }
    resolved = {
        value["path"]: value["value"]
        for value in config(project, "--format", "json", file="pipes/resolved.yaml").json["values"]
    }
    assert json.dumps(resolved) == json.dumps(values)
