"""What a hint says to write is accepted where it is written."""

from __future__ import annotations

import pytest

from pipespec.document.yaml.yaml_reader import read, read_value
from pipespec.python.callable_ref import is_call, likely_call
from pipespec.spec.file_wording import as_input, flow_text
from pipespec.spec.schema.document_schema import check_shape, load_schema
from pipespec.spec.schema.json_schema import compile_schema
from pipespec.spec.schema.other_words import WORDS

PLACES = {
    "": "{}",
    "step": "steps: {{a: {{call: 'm:f', {}}}}}",
    "inputs": "steps: {{a: {{call: 'm:f', inputs: {{x: {{{}}}}}}}}}",
    "outputs": "steps: {{a: {{call: 'm:f', outputs: {{x: {{file: x.csv, {}}}}}}}}}",
    "retry": "steps: {{a: {{call: 'm:f', retry: {{{}}}}}}}",
    "checks": "steps: {{a: {{call: 'm:f', checks: {{x: {{{}}}}}}}}}",
    "identity": "steps: {{a: {{call: 'm:f', identity: {{{}}}}}}}",
    "mlflow": "mlflow: {{{}}}",
    "engine": "engine: {{{}}}",
    "notify": "notify: [{{url: x, {}}}]",
}


def pipeline_with(place, key, value):
    fixed = {"outputs": "file: x.csv, ", "notify": "url: x, ", "step": "call: 'm:f', "}.get(place, "")
    text = PLACES[place].format(f"{key}: {value}")
    if fixed and fixed.startswith(f"{key}:"):
        text = text.replace(fixed, "", 1)
    rest = "\nsteps: {a: {call: 'm:f'}}" if "steps:" not in text else ""
    first = "" if text.startswith("pipespec:") else "pipespec: 1\n"
    return f"{first}{text}{rest}"


@pytest.mark.parametrize(
    ("place", "word"), [(place, word) for place, words in WORDS.items() for word in words]
)
def test_what_another_tools_word_is_here_is_accepted_and_the_word_is_not(place, word):
    meaning = WORDS[place][word]
    known = [found.code for found in check_shape(read(pipeline_with(place, word, 1), file="p.yaml"))]
    assert "unknown-key" in known
    if meaning.is_sentence:
        return
    assert check_shape(read(pipeline_with(place, meaning.key, meaning.how), file="p.yaml")) == ()


@pytest.mark.parametrize(
    "written",
    [
        "outputs: r2.png",
        "outputs: [r2.png]",
        "outputs: [plots/, data/2020-t.csv]",
        "outputs: {r2: [r2.png]}",
        "inputs: houses.csv",
        "inputs: train",
        "inputs: [plots.table, 'data/*.csv', images/]",
        "inputs: {raw: [a.csv, b.csv]}",
        "inputs: {raw: [s3://bucket/a.csv]}",
        "params: [seed, model.epochs]",
        "params: [{seed: 3}, {rate: [0.1, {a: 'b: c'}]}]",
        "needs: a",
        "tags: model",
        "metrics: [scores]",
        "matrix: {depth: 4}",
        "retry: 3",
        "timeout: 30",
        "timeout: 1.5",
        "matrix: {depth: {small: 2, large: 4}}",
        "checks: {accuracy: 0.8}",
        "checks: {accuracy: '>= 0.8'}",
        "checks: {loss: '<0.1'}",
        "checks: {accuracy: [0.8, 1]}",
        "checks: [accuracy > 0.8, loss<=1e-3]",
        "resources: [gpu]",
        "resources: gpu",
        "identity: {ignore: seed}",
        "identity: {packages: numpy}",
    ],
)
def test_a_value_of_the_wrong_kind_is_offered_in_a_form_that_is_accepted(written):
    text = f"pipespec: 1\nsteps:\n  a:\n    call: m:f\n    {written}\n"
    (found,) = check_shape(read(text, file="p.yaml"))
    assert found.code == "wrong-kind"
    assert found.hint is not None
    offered = found.hint.removeprefix("write ")
    line = text.splitlines()[found.span.line - 1]
    mended = line[: found.span.column - 1] + offered + line[found.span.end_column - 1 :]

    assert check_shape(read(text.replace(line, mended), file="p.yaml")) == ()


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("houses.csv", "{file: houses.csv}"),
        ("HOUSES.CSV", "{file: HOUSES.CSV}"),
        ("a: b.csv", '{file: "a: b.csv"}'),
        ("#1.csv", '{file: "#1.csv"}'),
        ("@new.csv", '{file: "@new.csv"}'),
        ("C:\\data\\x.csv", '{file: "C:\\\\data\\\\x.csv"}'),
        ("data/[ab].csv", '{files: "data/[ab].csv"}'),
        ("data/v1.2/", "{dir: data/v1.2/}"),
        ("gs://bucket/folder", "{file: gs://bucket/folder}"),
        ("train.model", None),
        ("train", None),
        ("train[*].model", None),
        ("train[depth=4].model/weights", None),
        ("train.model/", None),
        ("3.5", None),
    ],
)
def test_a_file_written_as_plain_text_is_told_from_an_output(written, wanted):
    assert as_input(written) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "a b",
        "1",
        "1.5",
        "a: b",
        "a #b",
        "[",
        "*",
        "&a",
        "!a",
        "'a'",
        "%a",
        "@a",
        "`a",
        "a,b",
        "a}",
        "é",
        "x:",
        "-",
        "?",
    ],
)
def test_a_text_between_braces_reads_back_as_itself(text):
    node = read_value(f"{{key: {flow_text(text)}}}", file="p.yaml")

    assert node.get("key").value == text


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("steps.plot", "steps:plot"),
        (".steps:plot", "steps:plot"),
        ("steps.Model.build", "steps:Model.build"),
        ("a.steps:Model:build", "a.steps:Model.build"),
        ("a.b.plot", "a.b:plot"),
        ("./steps.py:plot", "steps:plot"),
        ("steps.py:plot", "steps:plot"),
        ("steps:plot()", "steps:plot"),
        ("steps::plot", "steps:plot"),
        ("src/a/b.py::plot", "a.b:plot"),
        ("src.steps:plot", "steps:plot"),
        ("src\\steps.py:plot", "steps:plot"),
        ("steps#plot", "steps:plot"),
        ("steps->plot", "steps:plot"),
        ("src/prep.py", "prep:function"),
        ("python -m prep.py", "prep:function"),
        ("steps:plot", None),
        ("plot", None),
        ("../steps.py:plot", None),
        ("python -c 'x'", None),
        ("a b c", None),
        ("", None),
    ],
)
def test_a_callable_in_another_form_is_read_as_module_and_function(written, wanted):
    assert likely_call(written) == wanted


def test_what_is_a_call_is_what_the_schema_takes_for_one():
    rule = compile_schema({**load_schema()["$defs"]["call"]})

    for text in ("a:b", "a.b:c.d", "a", "a:b:c", "1a:b", "é:b", "a:b\n", "a: b", "a.:b", ":b", "a:"):
        assert is_call(text) == (rule.pattern.search(text) is not None)
