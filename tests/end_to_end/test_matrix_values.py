"""An axis with values of every JSON type, run once and shown to every verb."""

import json

import pytest

STEPS = """
def make(value):
    return {"value": value}


def by_name(parts: dict[str, dict]) -> list:
    return [[name, part["value"]] for name, part in parts.items()]


def by_point(parts: list[tuple[dict, dict]]) -> list:
    return [[point["value"], part["value"]] for point, part in parts]
"""

VALUES = ["x", "a,b", 1, 1.0, True, "1", None, [], [1, [2]], {}, {"b": 1, "a": [None]}]
NAMES = ["x", "a,b", "1", "1.0", "true", '"1"', "null", "[]", "[1, [2]]", "{}", '{"b": 1, "a": [null]}']

PIPELINE = f"""\
pipespec: 1
name: values
steps:
  make: {{call: "steps:make", matrix: {{value: {json.dumps(VALUES)}}}, outputs: {{part: part.json}}}}
  by_name: {{call: "steps:by_name", inputs: {{parts: "make[*]"}}, outputs: {{all: by_name.json}}}}
  by_point: {{call: "steps:by_point", inputs: {{parts: "make[*]"}}, outputs: {{all: by_point.json}}}}
"""


@pytest.fixture(scope="module")
def values(project_at, tmp_path_factory):
    project = project_at(tmp_path_factory.mktemp("values"))
    project.write("steps.py", STEPS)
    project.write("pipeline.yaml", PIPELINE)
    assert set(project.run().values()) == {"ran"}
    return project


def fetched(project, output):
    assert project.pipespec("get", "pipeline.yaml", output, "fetched.json", "--force").code == 0
    return json.loads((project.folder / "fetched.json").read_text())


def test_a_fan_in_has_each_value_with_its_type(values):
    by_name = fetched(values, "by_name.all")
    assert sorted(map(json.dumps, by_name)) == sorted(
        json.dumps([name, value]) for name, value in zip(NAMES, VALUES, strict=True)
    )
    by_point = fetched(values, "by_point.all")
    assert [json.dumps(pair) for pair in by_point] == [json.dumps([value, value]) for _, value in by_name]


@pytest.mark.parametrize(
    "words",
    [
        "validate pipeline.yaml",
        "run pipeline.yaml",
        "run pipeline.yaml --dry-run",
        "plan pipeline.yaml",
        "status pipeline.yaml",
        "explain pipeline.yaml by_name",
        'explain pipeline.yaml make[value={"a":[null],"b":1}]',
        "logs pipeline.yaml make[value=[1,[2]]]",
        "get pipeline.yaml make[value=[]].part out.json",
        "graph pipeline.yaml --status",
        "graph pipeline.yaml --format html",
        "graph pipeline.yaml --format json",
        "render pipeline.yaml",
        "config pipeline.yaml --origin",
        "schema --for pipeline.yaml",
        "diff pipeline.yaml pipeline.yaml --records",
        "run pipeline.yaml --sweep steps.make.matrix.value=[[1]],[[{a:1}]] --dry-run",
    ],
)
def test_every_verb_takes_them(values, words):
    answer = values.pipespec(*words.split(" "))

    assert (answer.code, "Traceback" in answer.err) == (0, False), answer.err
