"""References -> values: types, places, what is left for later, and every mistake."""

from __future__ import annotations

import time

import pytest

from pipespec.document.interpolation.interpolate import (
    Secret,
    interpolate_document,
    interpolate_node,
    interpolate_path,
    secrets,
    unresolved,
)
from pipespec.document.interpolation.resolver_interface import Problem, ReferenceScope, Resolvers
from pipespec.document.nodes import ScalarNode, plain
from pipespec.document.yaml.yaml_reader import read
from pipespec.errors import InvalidPipelineError, Span

ENVIRONMENT = {"HOST": "db.example", "COUNT": "3", "TRICK": "[1, ${params.a}]", "EMPTY": ""}
NOTES = {"notes.txt": "line: ${params.a}\n"}


def read_file(path, span):
    return NOTES.get(path) or Problem(f"there is no file '{path}'", f"beside {span.file}")


SURROUNDINGS = Resolvers(
    name="stem",
    env=ENVIRONMENT,
    git=lambda what, _: f"git-{what}",
    pyproject=lambda key, _: f"<{key}>",
    file=read_file,
)
PLACES = (
    "references are allowed in values of params, matrix, mlflow, engine, notify and resources, and in paths of include,"
    " file, dir and files"
)


def resolved(text, resolvers=SURROUNDINGS):
    return interpolate_document(read(text, file="p.yaml"), resolvers)


def param(value, resolvers=SURROUNDINGS, **others):
    """Resolve one param, `x`, beside a few others."""
    lines = [
        "params:",
        "  a: 1",
        "  t: text",
        "  m: {k: [1, '${params.t}'], n: null}",
        "  b: ${params.a}",
        f"  x: {value}",
    ]
    document = resolved("\n".join(lines), resolvers)
    return document.get("params").get("x")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("${params.a}", 1),
        ("${params.b}", 1),
        ("${params.m}", {"k": [1, "text"], "n": None}),
        ("${params.m.k}", [1, "text"]),
        ("${params.m.n}", None),
        ("x${params.a}", "x1"),
        ("${params.a}${params.a}", "11"),
        ('"${params.a} "', "1 "),
        ("${params.m}!", '{"k": [1, "text"], "n": null}!'),
        ("${params.m.n}!", "null!"),
        ("${name}", "stem"),
        ("$${params.a}", "${params.a}"),
        ("$$${params.a}", "$${params.a}"),
        ("5 $ {x}", "5 $ {x}"),
        ("${env:HOST}", "db.example"),
        ("${oc.env:HOST}", "db.example"),
        ("${env:COUNT}", "3"),
        ("${env:EMPTY, x}", ""),
        ("${env:NONE, x, y}", "x, y"),
        ("${env:NONE,}", ""),
        ("${env:NONE, ${params.a}}", 1),
        ("${env:NONE, a${params.a}}", "a1"),
        ("${env:NONE, ${env:NEITHER, ${params.m.k}}}", [1, "text"]),
        ("${env:TRICK}", "[1, ${params.a}]"),
        ("${git:commit}/${git:branch}", "git-commit/git-branch"),
        ("${pyproject:project.version}", "<project.version>"),
        ("${file:notes.txt}", "line: ${params.a}\n"),
        ("${params.${env:NONE, m}.k}", [1, "text"]),
    ],
)
def test_a_value_is_resolved(value, expected):
    assert plain(param(value)) == expected


def test_the_name_is_that_of_the_document_where_it_has_one():
    document = resolved("name: news\nparams: {x: '${name}'}")

    assert plain(document) == {"name": "news", "params": {"x": "news"}}


def test_text_that_is_brought_in_is_never_read_again():
    document = resolved("params:\n  x: ${env:TRICK}\n  y: ${params.x}\n  z: <${params.y}>\n")

    assert plain(document.get("params")) == {
        "x": "[1, ${params.a}]",
        "y": "[1, ${params.a}]",
        "z": "<[1, ${params.a}]>",
    }
    assert interpolate_document(document, SURROUNDINGS) == document


def test_a_whole_reference_stands_at_its_place_and_knows_its_origin():
    document = resolved(
        "params:\n  a: 3.10\n  b: ${params.a}\n  c: ${params.b}\n  d: {k: 1}\n  e: ${params.d}\n  f: ${env:HOST}\n"
    )

    params = document.get("params")
    origin = Span("p.yaml", 2, 6, 2, 10)
    assert params.get("b") == ScalarNode(3.1, Span("p.yaml", 3, 6, 3, 17), "3.10", origin=origin)
    assert params.get("c") == ScalarNode(3.1, Span("p.yaml", 4, 6, 4, 17), "3.10", origin=origin)
    assert (params.get("e").span.line, params.get("e").origin) == (6, params.get("d").span)
    assert params.get("e").get("k") is params.get("d").get("k")
    assert params.get("f").origin is None


def test_a_document_without_references_is_returned_as_it_is():
    document = read("name: n\nparams: {a: [1, {b: c}]}\n", file="p.yaml")

    assert interpolate_document(document, SURROUNDINGS) is document


STEP = """
name: news
params: {a: 1, big: {x: 1, y: 2}}
mlflow: {experiment: "${name}/${step.name}", tags: {team: "t${params.a}"}}
defaults: {params: {who: "${step.name}"}}
steps:
  train:
    call: m:f
    matrix: {depth: [4, 8], pick: [x, y]}
    inputs:
      data: prepare[depth=${matrix.depth}].table
      raw: {file: "data/${params.a}/${matrix.pick}.csv"}
      more: {from: "prepare[depth=${matrix.depth}]"}
    params:
      depth: ${matrix.depth}
      text: d${matrix.depth}-${params.a}-$${x}
      picked: ${params.big.${matrix.pick}}
      fallback: ${env:NONE, ${matrix.depth}}
    resources: {gpu: "${matrix.depth}"}
x-notes: {any: "${thing}", also: ???}
"""


def test_what_only_a_step_can_tell_is_left_as_written():
    document = resolved(STEP)

    step = plain(document.get("steps").get("train"))
    assert step["inputs"] == {
        "data": "prepare[depth=${matrix.depth}].table",
        "raw": {"file": "data/1/${matrix.pick}.csv"},
        "more": {"from": "prepare[depth=${matrix.depth}]"},
    }
    assert step["params"] == {
        "depth": "${matrix.depth}",
        "text": "d${matrix.depth}-1-${x}",
        "picked": "${params.big.${matrix.pick}}",
        "fallback": "${matrix.depth}",
    }
    assert plain(document.get("mlflow")) == {"experiment": "news/${step.name}", "tags": {"team": "t1"}}
    assert plain(document.get("x-notes")) == {"any": "${thing}", "also": "???"}
    assert unresolved(document.get("mlflow")) == ("${step.name}",)
    assert interpolate_document(document, SURROUNDINGS) == document


def test_a_step_resolves_what_was_left_for_it():
    document = resolved(STEP)
    place = Span("p.yaml", 9, 21, 9, 22)
    variant = {"depth": ScalarNode(4, place), "pick": ScalarNode("y", place)}

    step, findings = interpolate_node(
        document.get("steps").get("train"), ReferenceScope(document, "train", variant)
    )

    assert findings == ()
    assert plain(step.get("params")) == {"depth": 4, "text": "d4-1-${x}", "picked": 2, "fallback": 4}
    assert plain(step.get("inputs")) == {
        "data": "prepare[depth=4].table",
        "raw": {"file": "data/1/y.csv"},
        "more": {"from": "prepare[depth=4]"},
    }
    assert plain(step.get("resources")) == {"gpu": 4}
    assert step.get("params").get("depth").origin == place
    assert step.get("matrix") is document.get("steps").get("train").get("matrix")
    assert unresolved(step) == ()


def test_axes_are_spelt_as_the_scope_says():
    document = resolved("steps: {s: {inputs: {a: 'p[lang=${matrix.lang}]'}}}")
    node = document.get("steps").get("s")
    scope = ReferenceScope(
        document, "s", {"lang": ScalarNode("a,b", node.span)}, spelling=lambda value: f'"{value}"'
    )

    assert plain(interpolate_node(node, scope)[0]) == {"inputs": {"a": 'p[lang="a,b"]'}}


@pytest.mark.parametrize(
    ("variant", "message", "hint"),
    [
        ({"dept": 4}, "step 's' has no axis 'depth'", "did you mean 'matrix.dept'?"),
        ({"lr": 4}, "step 's' has no axis 'depth'", "available here: 'matrix.lr'"),
        ({}, "step 's' has no matrix", None),
    ],
)
def test_an_axis_that_the_step_has_not_is_told(variant, message, hint):
    document = resolved("steps: {s: {params: {a: '${matrix.depth}'}}}")
    node = document.get("steps").get("s")
    scope = ReferenceScope(
        document, "s", {axis: ScalarNode(value, node.span) for axis, value in variant.items()}
    )

    again, (finding,) = interpolate_node(node, scope)

    assert again is node
    assert (finding.code, finding.message, finding.hint) == ("unknown-reference", message, hint)
    assert finding.span == Span("p.yaml", 1, 26, 1, 41)


UNTRUSTED = Resolvers(name="stem")


@pytest.mark.parametrize(
    ("value", "expected", "left"),
    [
        ("${env:HOST}", "${env:HOST}", ("${env:HOST}",)),
        ("${env:HOST, x}", "x", ()),
        ("a${env:HOST}b${params.a}", "a${env:HOST}b1", ("${env:HOST}",)),
        ("${git:commit}", "${git:commit}", ("${git:commit}",)),
        ("${file:x}/${pyproject:y}", "${file:x}/${pyproject:y}", ("${file:x}", "${pyproject:y}")),
    ],
)
def test_what_may_not_be_asked_stays_as_written_or_takes_its_default(value, expected, left):
    node = param(value, UNTRUSTED)

    assert (plain(node), unresolved(node)) == (expected, left)


def test_secrets_stay_references_wherever_they_are_brought():
    document = resolved(
        "params:\n  key: ${secret:API_KEY}\n  head: Bearer ${params.key} $${x}\n  both: ['${params.head}', {k: '${params.key}'}]\n"
        "notify: [{url: 'https://x/${secret:HOOK}'}]\n"
    )

    assert plain(document) == {
        "params": {
            "key": "${secret:API_KEY}",
            "head": "Bearer ${secret:API_KEY} ${x}",
            "both": ["Bearer ${secret:API_KEY} ${x}", {"k": "${secret:API_KEY}"}],
        },
        "notify": [{"url": "https://x/${secret:HOOK}"}],
    }
    assert secrets(document) == (
        Secret("API_KEY", ("params", "key")),
        Secret("API_KEY", ("params", "head")),
        Secret("API_KEY", ("params", "both", 0)),
        Secret("API_KEY", ("params", "both", 1, "k")),
        Secret("HOOK", ("notify", 0, "url")),
    )
    assert unresolved(document) == ()


@pytest.mark.parametrize(
    "value", ["$${secret:A}", "${env:SLY}", "x${env:DOLLAR}{secret:A}", "${env:NONE, $${secret:A}}"]
)
def test_no_text_can_pass_for_a_secret(value, mistakes):
    surroundings = Resolvers(env={"SLY": "${secret:A}", "DOLLAR": "$"})
    document = read(f"params:\n  x: <{value}>\n", file="p.yaml")

    (found,) = mistakes(lambda: interpolate_document(document, surroundings))

    assert found.startswith("2:6-")
    assert " literal-secret: the text would contain a literal '${secret:'" in found


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("${params.tt}", "6:6-6:18 unknown-reference: 'params.tt' is not defined (did you mean 'params.t'?)"),
        (
            "${params.zzz}",
            (
                "6:6-6:19 unknown-reference: 'params.zzz' is not defined"
                " (available here: 'params.a', 'params.t', 'params.m', 'params.b', 'params.x')"
            ),
        ),
        (
            "${params.m.z}",
            "6:6-6:19 unknown-reference: 'params.m.z' is not defined (available here: 'params.m.k', 'params.m.n')",
        ),
        (
            "${params.a.b}",
            (
                "6:6-6:19 unknown-reference: 'params.a' is a single value, it has no key 'b'"
                " (refer to the whole value, ${params.a})"
            ),
        ),
        (
            "${params.m.k.0}",
            (
                "6:6-6:21 unknown-reference: 'params.m.k' is a list, it has no key '0'"
                " (refer to the whole value, ${params.m.k})"
            ),
        ),
        ("x ${t}", "6:8-6:12 unknown-reference: 't' is not defined (did you mean 'params.t'?)"),
        (
            "${HOME}",
            "6:6-6:13 unknown-reference: 'HOME' is not defined (an environment variable is written ${env:HOME})",
        ),
        ("${nam}", "6:6-6:12 unknown-reference: 'nam' is not defined (did you mean 'name'?)"),
        (
            "${step}",
            "6:6-6:13 unknown-reference: 'step' is not defined (did you mean 'step.name'?)",
        ),
        (
            "${step.name}",
            (
                "6:6-6:18 misplaced-reference: '${step.name}' has no value here"
                " (it can be used in a step's params, resources and paths of inputs, in 'defaults' and in mlflow.experiment)"
            ),
        ),
        (
            "${matrix.a}",
            (
                "6:6-6:17 misplaced-reference: '${matrix.a}' has no value here"
                " (an axis can be used in a step's params, resources and inputs, in 'defaults', and in the brackets of another axis' output)"
            ),
        ),
        (
            "${params.a + 1}",
            (
                "6:6-6:21 reference-syntax: 'params.a + 1' is not a name, and a reference may only contain a name"
                " (references have no arithmetic and no conditions; compute the value in a step)"
            ),
        ),
        (
            "${VAR:-x}",
            (
                "6:6-6:15 unknown-resolver: there is no resolver 'VAR'"
                " (an environment variable is written ${env:VAR, default})"
            ),
        ),
        ("${evn:X}", "6:6-6:14 unknown-resolver: there is no resolver 'evn' (did you mean 'env'?)"),
        (
            "${git:tag}",
            "6:6-6:16 unknown-resolver: git has no value 'tag' (use ${git:commit} or ${git:branch})",
        ),
        (
            "${env:NONE}",
            (
                "6:6-6:17 env-not-set: the environment variable 'NONE' is not set"
                " (set it, or give a default: ${env:NONE, default})"
            ),
        ),
        ("a ${file:no}", "6:8-6:18 resolver-failed: there is no file 'no' (beside p.yaml)"),
        (
            "${secret:a b}",
            (
                "6:6-6:19 reference-syntax: 'a b' is not the name of a secret"
                " (write the name of an environment variable, without a default: ${secret:NAME})"
            ),
        ),
        (
            "x${",
            (
                "6:7-6:9 reference-syntax: the reference that starts here is not closed"
                " (add the missing '}'; a literal '${' is written '$${')"
            ),
        ),
        (
            "'it''s ${t}'",
            "6:6-6:18 unknown-reference: 't' is not defined (did you mean 'params.t'?)",
        ),
        (
            "???",
            (
                "6:6-6:9 required-value: 'params.x' has no value: '???' must be set by a higher layer"
                " (set it in this file, in an overlay (-f), or with --set params.x=...)"
            ),
        ),
        (
            "${params.x}",
            (
                "6:6-6:17 reference-cycle: references form a circle: params.x -> params.x"
                " (give one of them a value without a reference to the others)"
            ),
        ),
    ],
)
def test_a_mistake_has_a_place_a_rule_and_a_way_out(value, found, mistakes):
    assert mistakes(lambda: param(value)) == [found]


def test_a_circle_is_printed_as_a_path_and_told_once(mistakes):
    text = "params:\n  a: ${params.b}\n  b: x${params.c.d}\n  c: {d: '${params.a}', e: 1}\n  f: ${params.a}\n  g: ${params.c.e}\n"

    assert mistakes(lambda: resolved(text)) == [
        (
            "4:11-4:22 reference-cycle: references form a circle: params.a -> params.b -> params.c.d -> params.a"
            " (give one of them a value without a reference to the others)"
        )
    ]


def test_a_long_circle_is_cut_in_the_middle(mistakes):
    text = "params:\n" + "".join(f"  a{n}: ${{params.a{(n + 1) % 100}}}\n" for n in range(100))

    (found,) = mistakes(lambda: resolved(text))

    assert "circle: params.a0 -> params.a1 -> params.a2" in found
    assert "-> … 88 more … ->" in found
    assert "params.a99 -> params.a0 (" in found


def test_a_quoted_question_is_text():
    assert plain(resolved("params: {x: '???'}")) == {"params": {"x": "???"}}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "description: about ${name}",
            f"1:20-1:27 misplaced-reference: a reference is not allowed in 'description' ({PLACES})",
        ),
        (
            "steps: {s: {call: 'm:${name}'}}",
            f"1:22-1:29 misplaced-reference: a reference is not allowed in 'steps.s.call' ({PLACES})",
        ),
        (
            "steps: {s: {timeout: '${params.t}'}}",
            f"1:23-1:34 misplaced-reference: a reference is not allowed in 'steps.s.timeout' ({PLACES})",
        ),
        (
            "steps: {s: {outputs: {o: '${name}.csv'}}}",
            f"1:27-1:34 misplaced-reference: a reference is not allowed in 'steps.s.outputs.o' ({PLACES})",
        ),
        (
            "steps: {s: {needs: ['${name}']}}",
            f"1:22-1:29 misplaced-reference: a reference is not allowed in 'steps.s.needs[0]' ({PLACES})",
        ),
        (
            "steps: {'${name}': {call: m}}",
            f"1:9-1:18 misplaced-reference: a reference is not allowed in a key ({PLACES})",
        ),
        (
            "params: {'a${name}': 1}",
            f"1:10-1:20 misplaced-reference: a reference is not allowed in a key ({PLACES})",
        ),
        (
            "steps: {s: {inputs: {a: '${params.p}.out'}}}",
            (
                "1:26-1:37 misplaced-reference: the name of an output may only contain references to an axis, inside [ ]"
                ' (for example train[depth=${matrix.depth}].model; write out names of steps and outputs, and a path as {file: "${params.p}.out"})'
            ),
        ),
        (
            "steps: {s: {inputs: {a: {from: 'p.${matrix.a}'}}}}",
            (
                "1:35-1:46 misplaced-reference: the name of an output may only contain references to an axis, inside [ ]"
                " (for example train[depth=${matrix.depth}].model; write out names of steps and outputs)"
            ),
        ),
        (
            "steps: {s: {matrix: {a: ['${matrix.b}']}}}",
            (
                "1:27-1:38 misplaced-reference: '${matrix.b}' has no value here"
                " (an axis can be used in a step's params, resources and inputs, in 'defaults', and in the brackets of another axis' output)"
            ),
        ),
        (
            "steps: {s: {matrix: {a: ['${secret:B}']}}}",
            (
                "1:27-1:38 misplaced-reference: a secret is not allowed here"
                " (secrets are allowed in params and in 'notify', where they are not recorded)"
            ),
        ),
        (
            "steps: {s: {params: {a: '${git:${matrix.b}}'}}}",
            (
                "1:26-1:44 misplaced-reference: the argument of 'git' has no value before the step runs"
                " (use a param, or write the name itself)"
            ),
        ),
    ],
)
def test_references_stand_only_where_the_language_lets_them(text, found, mistakes):
    assert mistakes(lambda: resolved(text)) == [found]


def test_the_places_of_the_language_take_references():
    text = """
params: {n: 2, axis: [1, 2]}
mlflow: {tracking_uri: "sqlite:///${params.n}.db"}
engine: {workers: "${params.n}", resources: {gpu: "${params.n}"}}
notify: [{url: "https://${params.n}"}]
defaults: {resources: {gpu: "${params.n}"}}
steps:
  s:
    matrix: {a: "${params.axis}", b: ["${params.n}"], exclude: [{a: "${params.n}"}]}
    params: {n: "${params.n}"}
    inputs: {d: {dir: "${params.n}/"}, f: {files: "${params.n}/*"}}
"""

    document = plain(resolved(text))

    assert document["mlflow"] == {"tracking_uri": "sqlite:///2.db"}
    assert document["engine"] == {"workers": 2, "resources": {"gpu": 2}}
    assert document["notify"] == [{"url": "https://2"}]
    assert document["defaults"] == {"resources": {"gpu": 2}}
    assert document["steps"]["s"] == {
        "matrix": {"a": [1, 2], "b": [2], "exclude": [{"a": 2}]},
        "params": {"n": 2},
        "inputs": {"d": {"dir": "2/"}, "f": {"files": "2/*"}},
    }


def test_all_mistakes_come_in_one_go_with_the_sources(mistakes):
    text = "params: {a: '${b}', c: ???, d: '${params.c}', e: '${params.a}', f: '${'}\ndescription: ${name}\n"
    document = read(text, file="p.yaml")

    found = mistakes(lambda: interpolate_document(document, SURROUNDINGS, {"p.yaml": text}))

    assert [line.split(": ")[0] for line in found] == [
        "1:14-1:18 unknown-reference",
        "1:24-1:27 required-value",
        "1:69-1:71 reference-syntax",
        "2:14-2:21 misplaced-reference",
    ]
    with pytest.raises(InvalidPipelineError) as caught:
        interpolate_document(document, SURROUNDINGS, {"p.yaml": text})
    assert caught.value.sources == {"p.yaml": text}


def test_the_path_of_an_include_is_resolved_by_a_document_as_it_is():
    document = read("params: {kind: '${params.other}', other: bert, late: '${env:NONE}'}", file="p.yaml")
    node = ScalarNode("models/${params.kind}.yaml", document.span)

    assert plain(interpolate_path(node, document, SURROUNDINGS)[0]) == "models/bert.yaml"


def chain(length):
    return (
        "params:\n" + "".join(f"  a{n}: ${{params.a{n + 1}}}\n" for n in range(length)) + f"  a{length}: 7\n"
    )


def test_a_chain_of_ten_thousand_references_is_followed():
    assert plain(resolved(chain(10_000)))["params"]["a0"] == 7


def doubled(first, step):
    return f"params:\n  a0: {first}\n" + "".join(f"  a{n}: {step.format(n - 1)}\n" for n in range(1, 61))


BOMBS = {
    "text doubled 60 times": (doubled("xx", "${{params.a{0}}}${{params.a{0}}}"), "too-large"),
    "lists doubled 60 times": (doubled("[x]", '["${{params.a{0}}}", "${{params.a{0}}}"]'), "too-many-nodes"),
    "lists doubled as text": (doubled("[x]", '"${{params.a{0}}} ${{params.a{0}}}"'), "too-large"),
    "a list in a list, 60 times": (
        doubled('["${params.deep}"]', '["${{params.a{0}}}"]') + "  deep: [[[[x]]]]\n",
        "too-deep",
    ),
    "a megabyte referred to 10,000 times": (
        f"params:\n  a: {'x' * 1_000_000}\n" + "".join(f"  b{n}: ${{params.a}}\n" for n in range(10_000)),
        "too-large",
    ),
    "a list of 10,000 referred to 1,000 times": (
        f"params:\n  a: [{'x,' * 10_000}]\n" + "".join(f"  b{n}: ${{params.a}}\n" for n in range(1_000)),
        "too-many-nodes",
    ),
    "a chain of 30,000": (chain(30_000), "too-deep"),
    "5,000 unknown names": (
        "params:\n" + "".join(f"  a{n}: ${{params.zz{n}}}\n" for n in range(5_000)),
        "unknown-reference",
    ),
}


@pytest.mark.parametrize(("text", "code"), BOMBS.values(), ids=BOMBS)
def test_documents_that_references_blow_up_are_refused_in_seconds(text, code):
    document = read(text, file="p.yaml")
    start = time.process_time()

    with pytest.raises(InvalidPipelineError) as caught:
        interpolate_document(document, SURROUNDINGS)

    assert time.process_time() - start < 3
    assert caught.value.diagnostics[-1].code == code
    assert len(caught.value.diagnostics) <= 1_000
