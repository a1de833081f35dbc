"""Words of a command line that pipespec does not have: what is said leads to the word that it has."""

from __future__ import annotations

import click
import pytest

from pipespec.cli import VERBS, pipespec
from pipespec.cli.refused_options import _OURS, VERB_WORDS


def refusal(capsys, *words):
    """Return what a command line that is refused says on stderr, in one line."""
    from pipespec.cli import main

    with pytest.raises(SystemExit) as ended:
        main(words)
    said = capsys.readouterr()
    assert ended.value.code == 2
    assert said.out == ""
    return " ".join(said.err.split())


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "steps.py").write_text("def make(): ...\ndef use(made=None, depth: int = 1): ...\n")
    (tmp_path / "prod.yaml").write_text("params: {seed: 4}\n")
    (tmp_path / "pipeline.yaml").write_text(
        "pipespec: 1\nparams: {seed: 3}\nsteps:\n  made: {call: 'steps:make', outputs: {rows: rows.csv}}\n"
        "  used: {call: 'steps:use', matrix: {depth: [2, 4]}}\n"
    )
    return tmp_path


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["run", "--workers", "4"], "'run' has no option '--workers'; here it is --jobs"),
        (["run", "--dry"], "'run' has no option '--dry'; did you mean '--dry-run'?"),
        (["run", "--sett", "a=1"], "'run' has no option '--sett'; did you mean '--set'?"),
        (["run", "--params.seed=4"], "a value is set by --set params.seed=VALUE"),
        (["run", "--only", "used"], "a step is named without an option, after FILE"),
        (["run", "--file=x"], "FILE is named without an option, before the steps"),
        (["run", "--zzz"], "'pipespec run --help' lists its options"),
        (["status", "--sweep", "a=1"], "'status' has no option '--sweep'; it is an option of run, watch"),
        (["status", "--workers", "4"], "'pipespec status --help' lists its options"),
        (["run", "-j", "four"], "'four' is not a whole number from 1 to 1024"),
        (["run", "-j", "0"], "'0' is not a whole number from 1 to 1024"),
        (["ls"], "there is no verb 'ls'; did you mean 'status'? 'pipespec --help' lists all verbs"),
        (["Run"], "there is no verb 'Run'; did you mean 'run'? 'pipespec --help' lists all verbs"),
        (["qqq"], "there is no verb 'qqq'; 'pipespec --help' lists all verbs"),
        (["plan", "us*x"], "no step's name matches 'us*x'; the steps are 'made', 'used'"),
        (["plan", "used", "pipeline.yaml"], "the pipeline file is named before the steps"),
        (["plan", "params.seed=4"], "a value is set by an option, --set 'params.seed=4'"),
        (["plan", "made.rows"], "it looks like an output of step 'made': name the step"),
        (["plan", "used[depth=9]"], "its variants are 'used[depth=2]', 'used[depth=4]'"),
        (["plan", "prod.yaml"], "an overlay is named after its pipeline: FILE -f OVERLAY"),
        (["plan", "--env", "prod"], "to use prod.yaml as an overlay, write '-f prod.yaml'"),
        (["diff"], "to compare without git, name two files, or run:ID"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else "",
)
def test_a_word_that_is_refused_is_answered_by_the_word_to_use(words, wanted, project, capsys):
    assert wanted in refusal(capsys, *words)


def test_the_words_of_other_tools_are_none_of_ours_and_lead_to_ours():
    commands = {verb: pipespec.get_command(click.Context(pipespec), verb) for verb in VERBS}
    options = {name for command in commands.values() for option in command.params for name in option.opts}

    assert not VERB_WORDS.keys() & VERBS.keys()
    assert set(VERB_WORDS.values()) <= VERBS.keys()
    assert {way.partition(" ")[0] for way in _OURS.values()} <= options


def test_the_suffix_of_a_drawing_chooses_its_format(project, capsys):
    from pipespec.cli import main

    starts = {
        "a.svg": "<svg",
        "a.html": "<!doctype html>",
        "a.dot": "digraph",
        "a.mmd": "flowchart",
        "a.json": "{",
    }
    for file in starts:
        with pytest.raises(SystemExit) as ended:
            main(["graph", "-o", file])
        assert ended.value.code == 0
    said = {file: (project / file).read_text()[:40].lower() for file in starts}

    assert {file: text.lstrip().startswith(starts[file]) for file, text in said.items()} == dict.fromkeys(
        starts, True
    ), said
