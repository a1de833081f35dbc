from __future__ import annotations

import copy
import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.document.nodes import Entry, MappingNode, ScalarNode, SequenceNode
from pipespec.errors import Span
from pipespec.spec.schema.document_schema import load_schema
from pipespec.spec.schema.json_schema import ANNOTATIONS, ASSERTIONS, compile_schema, violations

SCHEMA = load_schema()
REFERENCE = jsonschema.Draft202012Validator(SCHEMA)
OURS = compile_schema(SCHEMA)

EVERYTHING = {
    "pipespec": 1,
    "name": "news",
    "description": "text",
    "include": ["a.yaml", {"params.model": "b.yaml"}],
    "params": {"a": {"b": [1, None]}},
    "mlflow": {
        "tracking_uri": "sqlite:///x.db",
        "experiment": "e",
        "artifact_location": "l",
        "tags": {"t": 1},
    },
    "engine": {
        "workers": 2,
        "executor": "local",
        "scheduler": "tcp://h:1",
        "keep_going": True,
        "resources": {"gpu": 1},
    },
    "defaults": {"timeout": "2h", "x-note": 1},
    "x-anything": [1],
    "steps": {
        "train": {
            "call": "a.b:C.d",
            "description": "d",
            "matrix": {
                "depth": [4, 8],
                "part": "split.parts",
                "exclude": [{"depth": 4}],
                "include": "${params.p}",
            },
            "inputs": {
                "a": "s.o",
                "b": {"file": "f.csv", "load": {"sep": ";"}},
                "c": {"pipeline": "p.yaml", "output": "s.o"},
                "d": {"from": "s.o", "load": "path"},
                "e": {"files": "*.csv", "load": "m:f"},
            },
            "params": {"n": 1, "m": None},
            "outputs": {"model": "model/", "table": {"file": "t.csv", "save": {"index": True}}},
            "needs": ["s"],
            "metrics": "table",
            "checks": {"a.b": {"min": 0.5, "max": 1}},
            "identity": {
                "ignore": ["n"],
                "code": "none",
                "version": 2,
                "packages": ["numpy"],
                "probe": "m:f",
            },
            "retry": {"times": 2, "wait": "30s"},
            "timeout": "1.5h",
            "priority": -3,
            "resources": {"gpu": 1, "mem": "${matrix.mem}"},
            "tags": ["model"],
        },
        "s": {
            "call": "m:f",
            "matrix": [{"a": [1]}, {"b": "${params.b}"}],
            "params": "${params.a}",
            "identity": "none",
        },
    },
    "notify": [{"url": "${secret:X}", "on": ["failure"]}, {"url": "http://h"}],
}

TEXTS = [
    "",
    "x",
    "none",
    "path",
    "m:f",
    "m",
    "30s",
    "0",
    "7",
    "${a}",
    "a\n",
    "${a}\n",
    "Ä",
    "a.b",
    "local",
    "success",
]
KEYS = [
    "call",
    "calls",
    "x-y",
    "file",
    "from",
    "output",
    "include",
    "min",
    "a b",
    "",
    "1",
    "url",
    "tags",
    "depth",
]
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 3),
    st.sampled_from([0.5, 1.0, 2.0, -1.0]),
    st.sampled_from(TEXTS),
)
values = st.recursive(
    scalars,
    lambda below: st.lists(below, max_size=2) | st.dictionaries(st.sampled_from(KEYS), below, max_size=2),
    max_leaves=4,
)


def places(value, path=()):
    yield path
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, more in below:
        yield from places(more, (*path, key))


@st.composite
def documents(draw):
    """A document in which everything stands, and a few things changed, taken out or put in."""
    document = copy.deepcopy(EVERYTHING)
    for _ in range(draw(st.integers(0, 3))):
        path = draw(st.sampled_from(list(places(document))))
        parent, value = None, document
        for key in path:
            parent, value = value, value[key]
        change = draw(st.sampled_from(["replace", "remove", "add"]))
        if change == "add" and isinstance(value, dict):
            value[draw(st.sampled_from(KEYS))] = draw(values)
        elif change == "add" and isinstance(value, list):
            value.append(draw(values))
        elif parent is not None and change == "remove":
            del parent[path[-1]]
        elif parent is not None:
            parent[path[-1]] = draw(values)
    return document


def nodes(value):
    here = Span("f", 1, 1, 1, 2)
    if isinstance(value, dict):
        return MappingNode({key: Entry(here, nodes(below)) for key, below in value.items()}, here)
    if isinstance(value, list):
        return SequenceNode(tuple(map(nodes, value)), here)
    return ScalarNode(value, here)


def paths_by_reference(document):
    """Where jsonschema finds fault. It goes on below a key that may not stand at all; we do not."""
    found = {tuple(error.absolute_path) for error in REFERENCE.iter_errors(document)}
    return {path for path in found if path[:2] != ("defaults", "call")}


def test_the_schema_is_one_by_the_standard():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_a_document_in_which_everything_stands_fits():
    assert violations(OURS, nodes(EVERYTHING)) == ()
    assert paths_by_reference(EVERYTHING) == set()


@given(documents())
def test_we_find_fault_just_where_jsonschema_does(document):
    assert {one.path for one in violations(OURS, nodes(document))} == paths_by_reference(document)


def test_we_agree_with_jsonschema_on_every_golden_file():
    yaml = pytest.importorskip("ruamel.yaml").YAML(typ="safe", pure=True)
    files = sorted((Path(__file__).parents[1] / "golden").glob("*/*/*.yaml"))
    compared = 0
    for file in files:
        try:
            document = yaml.load(file.read_text())
            json.dumps(document)
        except Exception:  # what is no YAML, or no JSON value, never comes to the shape
            continue
        if isinstance(document, dict) and all(isinstance(key, str) for key in document):
            compared += 1
            assert (violations(OURS, nodes(document)) == ()) == REFERENCE.is_valid(document), file
    assert compared > 20


def subschemas(schema):
    yield schema
    for keyword in ("properties", "patternProperties", "$defs"):
        for below in schema.get(keyword, {}).values():
            if isinstance(below, dict):
                yield from subschemas(below)
    for keyword in ("additionalProperties", "items", "propertyNames"):
        if isinstance(schema.get(keyword), dict):
            yield from subschemas(schema[keyword])


def test_the_schema_uses_no_keyword_that_we_do_not_know():
    used = {keyword for schema in subschemas(SCHEMA) for keyword in schema}

    assert used <= ANNOTATIONS | ASSERTIONS


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"oneOf": []}, "keywords that the shape checker does not know: oneOf"),
        ({"$ref": "other.json"}, "cannot follow: other.json"),
        ({"$ref": "#/$defs/a", "type": "string", "$defs": {"a": {"type": "string"}}}, "both sides"),
        ({"properties": {"x-a": {}}, "patternProperties": {"^x-": {}}}, "one rule only"),
    ],
    ids=["keyword", "reference", "both sides", "two rules"],
)
def test_what_would_go_unchecked_is_refused(schema, words):
    with pytest.raises(ValueError, match=words):
        compile_schema(schema)


@pytest.mark.parametrize("keyword", ["description", "examples"])
def test_every_property_has_a_description_and_examples(keyword):
    definitions = SCHEMA["$defs"]

    def has(schema):
        target = definitions[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else {}
        return keyword in schema or keyword in target

    lacking = [
        name
        for schema in subschemas(SCHEMA)
        for name, below in schema.get("properties", {}).items()
        if below is not False and not has(below)
    ]
    assert lacking == []


def test_every_example_fits_its_own_schema():
    wrong = [
        (example, schema.get("description"))
        for schema in subschemas(SCHEMA)
        for example in schema.get("examples", ())
        if violations(compile_schema({**schema, "$defs": SCHEMA["$defs"]}), nodes(example))
    ]
    assert wrong == []
