"""What cannot be converted at all: all mistakes at once, each with its place, and nothing is written."""

import pytest

from pipespec import api
from pipespec.errors import InvalidPipelineError, UsageError
from pipespec.views.diagnostic_view import render_text

STAGE = "stages:\n  a:\n    cmd: echo ${x.y} ${item}\n    outs: [a.txt]\n"


@pytest.fixture
def convert(tmp_path, monkeypatch):
    """Return what is said about a dvc.yaml of this text."""
    monkeypatch.chdir(tmp_path)

    def run(text, **files):
        for name, content in files.items():
            (tmp_path / name.replace("_", ".")).write_text(content)
        source = tmp_path / "dvc.yaml"
        source.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(InvalidPipelineError) as raised:
            api.convert(source.relative_to(tmp_path))
        said = render_text(raised.value.diagnostics, raised.value.sources)
        return [line for line in said.splitlines() if line[:1].strip() and not line[:5].strip().isdecimal()]

    return run


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "dvc.yaml:1:1: error[empty-file]: the file is empty"),
        ("- a", "dvc.yaml:1:1: error[not-a-mapping]: the top of the file is a list, not a mapping"),
        ("a: [", "dvc.yaml:1:5: error[yaml-syntax]"),
        (b"a: \xff", "dvc.yaml:1:4: error[not-utf8]"),
        ("a: 1\na: 2", "dvc.yaml:2:1: error[duplicate-key]"),
        ("a: &a {b: 1}\nstages:\n  <<: *a", "dvc.yaml:3:3: error[merge-key]"),
        ("vars: []", "dvc.yaml:1:1: error[bad-source]: there are no stages to convert"),
        ("stages: {}", "dvc.yaml:1:9: error[bad-source]: there are no stages to convert"),
        ("stages: [a]", "dvc.yaml:1:9: error[bad-source]: there are no stages to convert"),
        ("stages: {a: 1}", "dvc.yaml:1:13: error[bad-source]: stage 'a' is not a mapping"),
        ("stages: {a: {outs: [x]}}", "dvc.yaml:1:10: error[bad-source]: stage 'a' has no command"),
        ("stages: {a: {cmd: ''}}", "dvc.yaml:1:19: error[bad-source]: stage 'a' has no command"),
        ("stages: {a: {cmd: [x, 1]}}", "dvc.yaml:1:19: error[bad-source]: stage 'a' has no command"),
        ("stages: {a: {foreach: [1]}}", "dvc.yaml:1:10: error[bad-source]: stage 'a' has 'foreach' but no mapping 'do'"),
        ("stages: {a: {cmd: x, deps: y}}", "dvc.yaml:1:28: error[bad-source]: 'deps' of stage 'a' is not a list"),
        ("stages: {a: {cmd: x, deps: [{y: 1}]}}", "dvc.yaml:1:29: error[bad-source]: stage 'a': an item of 'deps' is not a path"),
        ("stages: {a: {cmd: x, params: [[y]]}}", "dvc.yaml:1:31: error[bad-source]: stage 'a': an item of 'params' is not a name or a file"),
        ("vars: [1]\nstages: {a: {cmd: x}}", "dvc.yaml:1:8: error[bad-source]: an item of 'vars' is a file or a mapping"),
        ("vars: [no.yaml]\nstages: {a: {cmd: x}}", "dvc.yaml:1:8: error[bad-source]: 'no.yaml', which 'vars' names, is no file of the project that can be read"),
        ("stages:\n  a: {foreach: [], do: {cmd: x}}", "dvc.yaml:2:16: error[bad-source]: 'foreach' of stage 'a' makes no stages"),
        (STAGE, "dvc.yaml:2:3: error[bad-source]: '${x.y}' in stage 'a' has no value"),
        ("stages:\n  a: {foreach: 3, do: {cmd: x}}", "dvc.yaml:2:16: error[bad-source]: 'foreach' of stage 'a' is not a list or a mapping"),
        ("stages:\n  a:\n    foreach: ${no}\n    do: {cmd: x}", "dvc.yaml:3:14: error[bad-source]: 'foreach' of stage 'a': ${no} has no value"),
        ("stages:\n  a: {matrix: {b: 1}, cmd: x}", "dvc.yaml:2:19: error[bad-source]: 'b' in 'matrix' of stage 'a' is not a list"),
        ("stages:\n  a: {matrix: {}, cmd: x}", "dvc.yaml:2:15: error[bad-source]: 'matrix' of stage 'a' makes no stages"),
        ("stages:\n  a: {cmd: x, outs: [o]}\n  b: {cmd: x, outs: [./o]}", "dvc.yaml:3:22: error[bad-source]: 'o' is an output of stage 'b' and of stage 'a'"),
        ("stages:\n  a: {cmd: x, deps: [p], outs: [o]}\n  b: {cmd: x, deps: [o/q], outs: [p]}", "dvc.yaml:2:3: error[bad-source]: stages depend on each other in a circle: a > b > a"),
        ("stages:\n  a: {cmd: x}\nmetrics: ['${no}']", "dvc.yaml:3:11: error[bad-source]: '${no}' has no value"),
    ],
)  # fmt: skip
def test_a_source_that_cannot_be_converted_is_told_with_its_place(convert, text, said):
    assert convert(text)[0].startswith(said)


def test_all_mistakes_are_told_at_once(convert):
    text = "stages:\n  a: {outs: [x]}\n  b: 1\n  c:\n    cmd: echo ${x}\n"

    assert [line.partition(": ")[0] for line in convert(text)] == [
        "dvc.yaml:2:3",
        "dvc.yaml:3:6",
        "dvc.yaml:4:3",
    ]


def test_a_file_that_is_too_large_is_refused(convert):
    assert "[too-large]" in convert(b"a: " + b"x" * (5 << 20))[0]


def test_aliases_that_grow_are_refused(convert):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 8)]

    assert "error[" in convert("\n".join(lines))[0]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no.yaml", "there is no file 'no.yaml'; give a dvc.yaml, or: pipespec convert kedro FOLDER"),
        ("flow.txt", "'flow.txt' is no dvc.yaml; what can be converted: a dvc.yaml, or 'kedro FOLDER'"),
        ("flow.py", "'flow.py' is a Python file, which cannot be converted; a pipeline file is YAML; a step of it calls a function of such a file: call: module:function"),
        ("tasks.yaml", "'tasks.yaml' is a pipeline of Ploomber, which cannot be converted; docs/coming-from/ploomber.md shows how such a pipeline is written here"),
        ("Snakefile", "'Snakefile' is a Snakefile, which cannot be converted; docs/coming-from/snakemake.md shows how such a pipeline is written here"),
    ],
)  # fmt: skip
def test_a_source_of_another_kind_is_refused(tmp_path, monkeypatch, name, said):
    monkeypatch.chdir(tmp_path)
    for file in ("flow.py", "flow.txt", "Snakefile"):
        (tmp_path / file).touch()
    (tmp_path / "tasks.yaml").write_text("tasks:\n  - source: a.py\n")

    with pytest.raises(UsageError) as raised:
        api.convert(type(tmp_path)(name))

    assert str(raised.value) == said
