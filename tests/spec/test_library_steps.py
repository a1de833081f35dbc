"""Which files count as code of a step that calls a function of the library."""

import pytest

from pipespec.document.yaml.yaml_reader import read
from pipespec.errors import Span
from pipespec.python.callable_ref import parse_call
from pipespec.spec.library_steps import files_of, path_in_project


def counted(params):
    document = read(params, file="pipeline.yaml")
    call = parse_call("pipespec.steps:command", Span("p", 1, 1, 1, 1))
    return [
        ref.text for ref in files_of(call, {name: entry.value for name, entry in document.entries.items()})
    ]


def test_words_of_a_command_may_be_files():
    assert counted("command: [./run.sh, --script=plot.R, 'a b', '@args.txt', 'in:c.R,d.R']") == [
        "./run.sh",
        *("--script=plot.R", "plot.R", "--script"),
        *("a b", "a", "b"),
        *("@args.txt", "args.txt"),
        *("in:c.R,d.R", "in", "c.R", "d.R"),
    ]


def test_a_module_that_python_runs_and_values_of_env_may_be_files():
    assert counted("command: [python, -m, tools.make]") == ["python", "-m", "tools.make", "tools/make"]
    assert counted("command: [sh, -c, 'python -m tools.make']")[-1:] == ["tools/make"]
    assert counted("command: [python, -m, '{params.module}']\nenv: {CONF: conf.ini}") == [
        "python",
        "-m",
        "conf.ini",
    ]


def test_what_is_at_the_path_of_an_input_or_output_is_no_code():
    params = "command: [python, fit.py, data/raw.csv, ./data/prepared/x.csv, model.pkl]\npaths: {inputs.raw: data/raw.csv, outputs.m: model.pkl, inputs.d: data/prepared/}"

    assert counted(params) == ["python", "fit.py"]


def test_words_are_seen_from_the_folder_that_the_program_runs_in():
    assert counted("command: [python, fit.py, ../run.sh, out.txt]\nfolder: sub\npaths: {outputs.o: out.txt}") == [
        "sub/python", "sub/fit.py", "run.sh",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "folder", "path"),
    [
        ("a/./b/../c.txt", "", "a/c.txt"),
        ("../c.txt", "sub", "c.txt"),
        ("..", "sub", None),
        ("../../c.txt", "sub", None),
        ("/c.txt", "", None),
        ("", "sub", None),
        (".", "", None),
        ("..name", "", "..name"),
    ],
)
def test_a_path_of_a_program_is_one_of_the_project(written, folder, path):
    assert path_in_project(written, folder) == path
