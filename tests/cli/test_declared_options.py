"""Options that a pipeline declares for its params: another way to write `--set`, for every verb that has that."""

import re

import click
import pytest

from pipespec.cli import VERBS, pipespec
from pipespec.cli.options import layers
from pipespec.cli.words import words_beside_options
from pipespec.spec.run_options import OWN_OPTIONS

PIPELINE = """\
pipespec: 1
params: {day: 2024-01-01, model: {size: 3}, note: ???}
options: {date: params.day, size: params.model.size, the-note: params.note}
steps:
  show:
    call: steps:show
    params: {day: "${params.day}", size: "${params.model.size}", note: "${params.note}"}
    outputs: {shown: shown.json}
"""
SHOW = """\
def show(day: str, size: int, note: str) -> list:
    return [day, size, note]
"""
NOTE = ["--the-note", "n"]


@pytest.fixture
def declaring(empty_project):
    empty_project.write("steps.py", SHOW)
    empty_project.write("p.yaml", PIPELINE)
    return empty_project


@pytest.mark.parametrize(
    ("options", "sets"),
    [
        (["--date", "2025-02-03"], ["params.day=2025-02-03"]),
        (["--date=2025-02-03", "--size", "4"], ["params.day=2025-02-03", "params.model.size=4"]),
        (["--size", "4", "--set", "params.model.size=5"], ["params.model.size=5", "params.model.size=4"]),
        (["--the-note", "a=b: c"], ["params.note=a=b: c"]),
        (["--date", ""], ["params.day="]),
    ],
    ids=str,
)
@pytest.mark.parametrize("file", [["p.yaml"], []], ids=["named", "found"])
def test_an_option_is_another_way_to_write_set(declaring, file, options, sets):
    def told(*words):
        answer = declaring.pipespec("config", *words)
        return answer.code, answer.out, answer.err.rpartition("|")[2].strip()

    as_set = told("p.yaml", *(word for one in sets for word in ("--set", one)))

    assert told(*file, *options) == as_set
    assert told(*options, *file) == as_set


def test_where_a_value_is_from_is_told_by_the_option_that_set_it(declaring):
    text = declaring.pipespec("config", "p.yaml", *NOTE, "--date=2025-02-03", "--origin").out

    assert set(re.findall(r" day: \S+ +# (.*)", text)) == {"--date 2025-02-03"}
    assert set(re.findall(r"size: 3 +# (.*)", text)) == {"p.yaml:2"}


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        ("validate", ["p.yaml"]),
        ("run", ["p.yaml"]),
        ("plan", ["p.yaml"]),
        ("status", ["p.yaml"]),
        ("explain", ["p.yaml", "show"]),
        ("graph", ["p.yaml"]),
        ("render", ["p.yaml"]),
        ("diff", ["p.yaml", "p.yaml"]),
        ("config", ["p.yaml"]),
        ("schema", ["--for", "p.yaml"]),
    ],
)
def test_each_verb_takes_them_and_judges_their_values(declaring, verb, words):
    good = declaring.pipespec(verb, *words, *NOTE)
    bad = declaring.pipespec(verb, *words, *NOTE, "--size", "much")

    assert good.code == 0, good.err
    assert ("'much'" in bad.out + bad.err) == (verb != "schema")


def test_a_mistake_in_an_option_is_told_as_it_was_typed(declaring):
    told = declaring.pipespec("plan", "p.yaml", *NOTE, "--size", "much").err

    assert told.startswith("--size much:1:8: error[param-type]: ")
    assert "    1 | --size much\n      |        ^^^^\n" in told


def test_a_run_with_an_option_is_the_run_with_its_value(declaring):
    first = declaring.pipespec("run", "show", "--date", "2025-02-03", *NOTE, "--format", "json")
    again = declaring.run("--set", "params.day=2025-02-03", "--set", "params.note=n", file="p.yaml")

    assert first.code == 0, first.err
    assert again == {"show": "reused"}
    got = declaring.pipespec("get", "show.shown", "-", "--date", "2025-02-03", *NOTE)
    assert got.json == ["2025-02-03", 3, "n"]


def test_help_lists_them_with_their_values(declaring):
    text = declaring.pipespec("run", "p.yaml", "--help", COLUMNS="100").out

    assert text[text.index("Options of") :] == (
        "Options of p.yaml:\n"
        "  --date VALUE      Set params.day.  [default: 2024-01-01]\n"
        "  --size VALUE      Set params.model.size.  [default: 3]\n"
        "  --the-note VALUE  Set params.note.  [default: ???]\n"
    )
    assert declaring.pipespec("run", "--help", COLUMNS="100").out == text


@pytest.mark.parametrize("verb", sorted(set(VERBS) - {"help"}))
def test_help_of_a_broken_pipeline_is_the_help_of_the_verb(declaring, verb):
    before = declaring.pipespec(verb, "--help", cwd=declaring.folder.parent)
    declaring.write("p.yaml", "pipespec: 1\nsteps: [\n")

    answer = declaring.pipespec(verb, "--help")

    assert (answer.code, answer.err) == (0, "")
    assert answer.out == before.out


def test_help_and_notes_spell_out_what_a_terminal_would_obey(declaring):
    declaring.edit("p.yaml", "note: ???", r'note: "\e[31mred"')
    declaring.write("p.\x1b[31mred.yaml", "{}\n")

    text = declaring.pipespec("run", "p.yaml", "--help", COLUMNS="100").out
    note = declaring.pipespec("plan", "p.yaml", "--env", "\x1b[31mred").err

    assert r"Set params.note.  [default: \x1b[31mred]" in text
    assert note == "overlay: p.\\x1b[31mred.yaml\n"


def test_an_option_that_nobody_declares_is_refused(declaring):
    answer = declaring.pipespec("plan", "p.yaml", "--dte", "2025-02-03")

    assert answer.code == 2
    assert "'plan' has no option '--dte'" in answer.err
    assert "--date" in answer.err


def test_included_files_declare_options_and_broken_ones_are_left_out(declaring):
    declaring.write("base.yaml", "params: {more: 1}\noptions: {more: params.more}\n")
    declaring.edit("p.yaml", "pipespec: 1\n", "pipespec: 1\ninclude: [base.yaml]\n")
    declaring.edit("p.yaml", "options: {", "options: {jobs: params.day, Bad: params.day, gone: params.gone, ")

    text = declaring.pipespec("run", "p.yaml", "--help").out

    assert re.findall(r"--(\S+) VALUE ", text[text.index("Options of p.yaml") :]) == [
        "more",
        "date",
        "size",
        "the-note",
    ]


def test_the_options_of_pipespec_are_known_to_the_language():
    own = {
        name.removeprefix("--")
        for verb in VERBS
        for option in [*pipespec.params, *pipespec.get_command(click.Context(pipespec), verb).params]
        if isinstance(option, click.Option)
        for name in (*option.opts, *option.secondary_opts)
        if name.startswith("--")
    }

    assert own | {"help"} == OWN_OPTIONS


@click.command()
@click.option("-v", is_flag=True)
@click.option("-j", type=int)
@layers
def verb(**_):
    pass


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("p.yaml a b", ["p.yaml", "a", "b"]),
        ("-v p.yaml", ["p.yaml"]),
        ("-j 3 p.yaml", ["p.yaml"]),
        ("-j3 p.yaml", ["p.yaml"]),
        ("-vj 3 p.yaml", ["p.yaml"]),
        ("-f o.yaml p.yaml", ["p.yaml"]),
        ("-fo.yaml p.yaml", ["p.yaml"]),
        ("--overlay o.yaml --set a=1 p.yaml", ["p.yaml"]),
        ("--overlay=o.yaml p.yaml", ["p.yaml"]),
        ("--date 2024 p.yaml", ["p.yaml"]),
        ("--date p.yaml", ["p.yaml"]),
        ("--date=2024 a", ["a"]),
        ("--help a", ["a"]),
        ("-h a", ["a"]),
        ("-- --date a", ["--date", "a"]),
        ("a -", ["a", "-"]),
        ("--set", []),
    ],
)
def test_words_are_told_from_options_and_their_values(typed, expected):
    assert words_beside_options(verb.params, typed.split()) == expected
