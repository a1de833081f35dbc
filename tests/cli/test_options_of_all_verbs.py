"""What is asked of the command itself: where to start, colours, help."""

import re
from importlib.metadata import version

import click
import pytest

from pipespec.cli import VERBS, pipespec

COLOUR = "\x1b[31m"
BROKEN = "pipespec: 1\nsteps: 3\n"


@pytest.fixture
def broken(empty_project):
    empty_project.write("p.yaml", BROKEN)
    return empty_project


def is_coloured(project, *words, **extra):
    answer = project.pipespec(*words, **extra)
    assert (answer.code, "p.yaml:2" in answer.out) == (1, True), answer.err
    return COLOUR in answer.out


@pytest.mark.parametrize(
    ("words", "extra", "expected"),
    [
        (["validate", "p.yaml"], {}, False),
        (["validate", "p.yaml"], {"FORCE_COLOR": "1"}, True),
        (["validate", "p.yaml"], {"FORCE_COLOR": "1", "TERM": "dumb"}, True),
        (["validate", "p.yaml"], {"FORCE_COLOR": ""}, False),
        (["validate", "p.yaml"], {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (["--no-color", "validate", "p.yaml"], {"FORCE_COLOR": "1"}, False),
        (["validate", "p.yaml", "--no-color"], {"FORCE_COLOR": "1"}, False),
        (["validate", "--no-color", "p.yaml"], {"FORCE_COLOR": "1"}, False),
    ],
)
def test_who_asks_for_colours_gets_them_and_who_asks_for_none_gets_none(broken, words, extra, expected):
    assert is_coloured(broken, *words, **extra) is expected


@pytest.mark.parametrize("verb", VERBS)
def test_no_color_may_stand_after_each_verb(verb):
    command = pipespec.get_command(click.Context(pipespec), verb)

    assert [one.name for one in command.params].count("no_color") == 1


@pytest.mark.parametrize("place", ["project", "./project", "project/src/.."])
def test_a_verb_starts_in_the_folder_that_is_asked_for(project, tmp_path, place):
    (project.folder / "src").mkdir()
    here = project.pipespec("config", "--origin")

    there = project.pipespec("-C", place, "config", "--origin", cwd=tmp_path)

    assert there == here
    assert there.code == 0


def test_folders_are_entered_one_after_the_other(empty_project):
    empty_project.write(
        "outer/inner/pipeline.yaml", "pipespec: 1\nname: found\nsteps: {a: {call: 'steps:a'}}\n"
    )
    empty_project.write("outer/inner/steps.py", "def a() -> None: ...\n")

    found = empty_project.pipespec("-C", "outer", "-C", "inner", "config")
    gone = empty_project.pipespec("-C", "outer", "-C", "outer", "config")

    assert (found.code, "name: found" in found.out) == (0, True)
    assert (gone.code, gone.err) == (2, "error: 'outer' cannot be entered: No such file or directory\n")


def test_a_folder_that_cannot_be_entered_is_told(empty_project):
    empty_project.write("file", "")

    gone = empty_project.pipespec("-C", "gone", "run")
    file = empty_project.pipespec("-C", "file", "run")

    assert (gone.code, gone.err) == (2, "error: 'gone' cannot be entered: No such file or directory\n")
    assert (file.code, file.err) == (2, "error: 'file' cannot be entered: Not a directory\n")


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb_is_what_the_verb_says_itself(empty_project, verb, capsys):
    from pipespec.cli import main

    texts = []
    for words in (["help", verb], [verb, "--help"]):
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == 0
        texts.append(capsys.readouterr().out)

    assert texts[0] == texts[1]
    assert texts[0].startswith(f"Usage: pipespec {verb} ")


def test_help_alone_is_the_help_of_the_command(empty_project):
    assert empty_project.pipespec("help").out == empty_project.pipespec("--help").out


def test_help_of_no_verb_is_refused(empty_project):
    answer = empty_project.pipespec("help", "rnu")

    assert (answer.code, answer.err.splitlines()[-1]) == (
        2,
        "error: there is no verb 'rnu'; did you mean 'run'? 'pipespec --help' lists all verbs",
    )


@pytest.mark.parametrize(("columns", "most"), [("60", 60), ("90", 90), ("200", 100)])
def test_help_is_as_wide_as_columns_says(empty_project, columns, most):
    lines = empty_project.pipespec("run", "--help", COLUMNS=columns).out.splitlines()

    assert most - 10 <= max(map(len, lines)) <= most


@pytest.mark.parametrize("columns", ["60", "80", "100"])
def test_help_keeps_words_whole_and_examples_in_lines(empty_project, monkeypatch, capsys, columns):
    from pipespec.cli import main

    monkeypatch.setenv("COLUMNS", columns)
    for verb in VERBS:
        with pytest.raises(SystemExit):
            main([verb, "--help"])
    text = capsys.readouterr().out

    assert re.findall(r".*(?:-|(?:^| )')$|.*\\b.*", text, re.MULTILINE) == []
    assert "\n  zsh    echo 'eval" in text


@pytest.mark.parametrize(("columns", "most"), [("50", 50), ("100", 100), ("1", 40)])
def test_a_plan_is_as_wide_as_columns_says(project, columns, most):
    project.pipespec("run")
    project.edit("pipeline.yaml", "name: all", f"name: {'all ' * 60}")

    table = project.pipespec("plan", COLUMNS=columns).out.partition("\n\n")[0]
    lines = table.splitlines()

    assert most - 20 <= max(map(len, lines)) <= most


def test_in_a_pipe_each_step_of_a_plan_is_one_line(project):
    long = "a_step_whose_name_is_longer_than_any_column_of_a_terminal"
    project.edit("pipeline.yaml", "  total:\n", f"  {long}:\n")
    project.pipespec("run")
    project.edit("pipeline.yaml", "name: all", f"name: {'all ' * 60}")

    for columns in ("", "much"):
        table = project.pipespec("plan", COLUMNS=columns).out.partition("\n\n")[0]

        assert re.fullmatch(
            rf"  reuse  numbers\n  reuse  squares\n  run    {long}  [\d.]+ s  param name: .*\(pipeline.yaml:16\)",
            table,
        )
    explained = project.pipespec("explain", long, COLUMNS="").out
    assert max(map(len, explained.splitlines())) > 100


def test_a_quiet_run_says_nothing_unless_a_step_fails(project):
    first = project.pipespec("run", "-q")
    again = project.pipespec("run", "-q")
    project.edit("steps.py", "return {", "raise ValueError('no total')\n    return {")
    failed = project.pipespec("run", "-q")

    assert (first.code, first.out, first.err) == (again.code, again.out, again.err) == (0, "", "")
    assert failed.code == 1
    assert failed.err == ""
    assert "no total" in failed.out
    assert re.search(r"^resume with: pipespec run -q$", failed.out, re.MULTILINE)


def test_quiet_validation_tells_mistakes_alone(broken, project):
    answer = broken.pipespec("validate", "-q", "p.yaml")
    project.edit("pipeline.yaml", "name: all", "name: 3.10")
    project.edit("steps.py", "name: str", "name")
    advised = project.pipespec("validate", "pipeline.yaml")
    quiet = project.pipespec("validate", "-q", "pipeline.yaml")

    assert (answer.code, answer.err) == (1, "")
    assert "p.yaml:2" in answer.out
    assert (advised.code, "respelt-number" in advised.out) == (0, True)
    assert quiet == type(quiet)(0, "", "")


def test_a_page_is_opened_by_the_browser_of_the_user(project, tmp_path):
    opened = tmp_path / "opened"
    browser = project.write("browser", f'#!/bin/sh\necho "$1" >> {opened}\n')
    browser.chmod(0o755)

    drawn = project.pipespec(
        "graph", "--format", "html", "-o", "graph.html", "--open", BROWSER=f"{browser} %s"
    )
    ran = project.pipespec("run", "--report", "report.html", "--open", BROWSER=f"{browser} %s")

    assert (drawn.code, ran.code) == (0, 0), drawn.err + ran.err
    assert opened.read_text().split() == [
        (project.folder / name).as_uri() for name in ("graph.html", "report.html")
    ]


def test_version_stands_beside_the_other_options(empty_project):
    assert empty_project.pipespec("-C", ".", "--version").out == f"pipespec {version('pipespec')}\n"
