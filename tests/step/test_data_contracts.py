"""Files that must fit a JSON schema: which culprits are told, and when a step fails."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipespec.spec.contracts.data_schema import DataSchema
from pipespec.spec.contracts.schema_judgement import SchemaJudge, schema_problem
from pipespec.step.data_contracts import require_fit
from pipespec.step.failure import StepError
from pipespec.step.formats import FormatError
from pipespec.step.step_job import OutputJob

ROWS = {
    "properties": {"rows": {"items": {"properties": {"score": {"type": "number"}}, "required": ["name"]}}}
}
EACH = ROWS["properties"]["rows"]["items"]


def schema(said, **others):
    documents = {"file:///s.json": said, **{f"file:///{name}.json": one for name, one in others.items()}}
    return DataSchema("s.json", tuple((uri, json.dumps(one)) for uri, one in documents.items()))


def told(tmp_path, file, content, said):
    place = tmp_path / file
    place.write_text(content)
    try:
        require_fit(place, file, said, "outputs")
    except StepError as error:
        return str(error), error.details.splitlines()
    return None


@pytest.mark.parametrize(
    ("file", "content", "said", "message"),
    [
        ("a.json", '{"rows": [{"name": 1}, {"name": 1, "score": "x"}]}', ROWS, "$.rows[1].score: 'x' is not of type 'number'"),
        ("a.json", '{"rows": [{"score": 1}]}', ROWS, "$.rows[0]: the key 'name' is missing"),
        ("a.yaml", "rows:\n- name: a\n  score: no\n", ROWS, "$.rows[0].score: 'no' is not of type 'number'"),
        ("a.JSONL", '{"name": 1}\n\n{"name": 2, "score": null}\n', EACH, "line 3, $.score: null is not of type 'number'"),
        ("a.json", '{"a b": {"c.d": true}}', {"additionalProperties": {"additionalProperties": {"type": "string"}}}, "$['a b']['c.d']: true is not of type 'string'"),
        ("a.json", '{"naem": 1}', {"properties": {"name": {}}, "additionalProperties": False}, "$.naem: the key is not allowed; did you mean 'name'?"),
        ("a.json", '{"kind": "a", "size": "b"}', {"oneOf": [{"properties": {"kind": {"const": "c"}}}, {"properties": {"kind": {"const": "a"}, "size": {"type": "integer"}}}]}, "$.size: 'b' is not of type 'integer' (the nearest of 2 alternatives)"),
        ("a.json", json.dumps(["x" * 500] * 20), {"maxItems": 1}, None),
        ("a.json", "3", False, "$: False schema does not allow 3"),
        ("a.json", '"a"', {"$ref": "#/$defs/n", "$defs": {"n": {"type": ["number", "null"]}}}, "$: 'a' is not of type 'number' or 'null'"),
        ("a.json", '{"b": 1}', {"$schema": "http://json-schema.org/draft-04/schema#", "properties": {"b": {"maximum": 1, "exclusiveMaximum": True}}}, "$.b: 1 is greater than or equal to the maximum of 1"),
    ],
)  # fmt: skip
def test_the_first_culprit_is_told_with_its_place(tmp_path, file, content, said, message):
    found, details = told(tmp_path, file, content, schema(said))

    start = "it does not fit the schema 's.json': "
    assert found.startswith(start)
    assert len(found) < 400
    assert details == []
    if message is not None:
        assert found == start + message


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("a.json", '{"rows": [{"name": 1, "score": 0.5}]}', ROWS),
        ("a.jsonl", "\n", EACH),
        ("a.yaml", "when: 2024-01-01\n", {"properties": {"when": {"type": "string"}}}),
        ("a.json", '"no date"', {"format": "date"}),
        ("a.json", "3", True),
    ],
)
def test_what_fits_passes(tmp_path, file, content, said):
    assert told(tmp_path, file, content, schema(said)) is None


@pytest.mark.parametrize(
    ("count", "more", "last"),
    [(2, "1 more", None), (10, "9 more", None), (11, "at least 10 more", "and more")],
)
def test_at_most_ten_culprits_are_listed(tmp_path, count, more, last):
    said = schema({"type": "number"})

    message, details = told(tmp_path, "a.jsonl", '"x"\n' * count, said)

    lines = [f"line {number}, $: 'x' is not of type 'number'" for number in range(1, min(count, 10) + 1)]
    assert message == f"it does not fit the schema 's.json': {lines[0]} (and {more})"
    assert details == [*lines, *([last] if last else [])]


@pytest.mark.parametrize(
    ("file", "content"), [("a.json", "{"), ("a.jsonl", "1\n{\n"), ("a.yaml", "a: [1"), ("a.json", "[" * 100_000)]
)  # fmt: skip
def test_a_file_that_is_not_of_its_format_is_refused(tmp_path, file, content):
    (tmp_path / file).write_text(content)

    with pytest.raises(FormatError):
        require_fit(tmp_path / file, file, schema(True), "outputs")


def test_a_schema_that_leads_back_to_itself_ends():
    endless = SchemaJudge(schema({"$ref": "#"}))

    assert [str(one) for one in endless.misfits(3)] == ["$: it is nested too deeply to be checked"]


def test_references_lead_to_other_files_of_the_schema_whatever_ids_they_have():
    main = {"$id": "https://example.com/schemas/s.json", "items": {"$ref": "row.json#/$defs/row"}}
    row = {"$defs": {"row": {"properties": {"n": {"$ref": "#/$defs/n"}}}, "n": {"type": "integer"}}}
    documents = (
        ("file:///s.json", json.dumps(main)),
        ("https://example.com/schemas/row.json", json.dumps(row)),
    )
    whole = DataSchema("s.json", documents)

    assert schema_problem(whole) is None
    assert [str(one) for one in SchemaJudge(whole).misfits([{"n": 1}, {"n": "x"}])] == [
        "$[1].n: 'x' is not of type 'integer'"
    ]


def test_a_digest_tells_what_files_say_and_not_their_names_or_layout():
    one = DataSchema("a.json", (("file:///a.json", '{"type": "object", "title": "t"}'),))
    same = DataSchema("b.json", (("file:///b.json", '{ "title": "t",\n"type": "object"}\n'),))
    other = DataSchema("a.json", (("file:///a.json", '{"type": "array", "title": "t"}'),))
    more = DataSchema("a.json", (*one.documents, ("file:///c.json", "true")))

    assert one.digest == same.digest
    assert len({one.digest, other.digest, more.digest}) == 3


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("abx'[. ", max_size=4),
    lambda below: (
        st.lists(below, max_size=3) | st.dictionaries(st.text("ab. '", max_size=3), below, max_size=3)
    ),
    max_leaves=8,
)
SCHEMAS = st.recursive(
    st.booleans() | st.fixed_dictionaries({"type": st.sampled_from(["string", "integer", "object", "array", "null"])}),
    lambda below: st.fixed_dictionaries({}, optional={
        "items": below, "additionalProperties": below, "required": st.lists(st.text("ab", max_size=1), unique=True, max_size=2),
        "anyOf": st.lists(below, min_size=1, max_size=2), "not": below, "minItems": st.integers(0, 2),
    }),
    max_leaves=6,
)  # fmt: skip


@given(VALUES, SCHEMAS)
def test_something_is_told_exactly_where_the_library_refuses_a_value(value, said):
    from jsonschema import Draft202012Validator

    misfits = [*SchemaJudge(schema(said)).misfits(value)]

    assert (misfits == []) == Draft202012Validator(said).is_valid(value)
    for misfit in misfits:
        reached = value
        for key in misfit.path:
            reached = reached[key]


NUMBER = schema({"items": {"type": "number"}})


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("def step(): return [1, 'x']", "$[1]"),
        ("def step(out):\n    out.write_text('[\"x\"]')", "$[0]"),
        ("from pathlib import Path\n\ndef step():\n    Path('made.json').write_text('[\"x\"]')\n    return Path('made.json')", "$[0]"),
    ],
    ids=["returned", "written", "a path"],
)  # fmt: skip
def test_an_output_that_does_not_fit_fails_the_step(run_step, source, place):
    done = run_step(source, outputs=[OutputJob("out", "out.json", schema=NUMBER)])

    message = f"output 'out': it does not fit the schema 's.json': {place}: 'x' is not of type 'number'"
    assert done.failure == ("outputs", message)
    assert done.outcome.outputs == ()


def test_what_a_saver_writes_is_checked(run_step):
    source = "def step(): return 3\n\n\ndef save(value, path): path.write_text(f'[\"{value}\"]')"
    output = OutputJob("out", "out.json", save_call="steps:save", schema=NUMBER)

    done = run_step(source, outputs=[output])

    assert done.failure == (
        "outputs",
        "output 'out': it does not fit the schema 's.json': $[0]: '3' is not of type 'number'",
    )


@pytest.mark.parametrize(
    ("annotation", "load"), [("", None), (": list", None), (": Path", None), ("", "path"), (": bytes", None)]
)
def test_an_input_that_does_not_fit_is_not_handed_over(run_step, one, tmp_path, annotation, load):
    (tmp_path / "in.json").write_text('[1, "x", "y"]')
    source = f"from pathlib import Path\n\ndef step(values{annotation}):\n    print('called')\n    return 1"

    done = run_step(
        source, inputs=(one("values", tmp_path / "in.json", load=load, schema=NUMBER),), outputs={"out": "out.json"}
    )  # fmt: skip

    start = "input 'values': it does not fit the schema 's.json'"
    assert done.failure == ("inputs", f"{start}: $[1]: 'x' is not of type 'number' (and 1 more)")
    assert done.outcome.failure.traceback.splitlines() == [
        "$[1]: 'x' is not of type 'number'",
        "$[2]: 'y' is not of type 'number'",
    ]
    assert "called" not in done.log


def test_what_fits_is_handed_over_and_saved(run_step, one, tmp_path):
    (tmp_path / "in.json").write_text("[1, 2]")

    done = run_step(
        "def step(values): return values + [0.5]",
        inputs=(one("values", tmp_path / "in.json", schema=NUMBER),),
        outputs=[OutputJob("out", "out.json", schema=NUMBER)],
    )

    assert done.failure is None
    assert done.json("out.json") == [1, 2, 0.5]
