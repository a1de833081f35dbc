"""One `Pipeline` object that lives for hours, as in a notebook: it plans and runs what the files say by then."""

from __future__ import annotations

import json

import pytest

from pipespec import api
from pipespec.errors import InvalidPipelineError

pytestmark = pytest.mark.usefixtures("forked_templates")


@pytest.fixture
def pipeline(project, monkeypatch):
    monkeypatch.chdir(project.folder)
    return api.load("pipeline.yaml")


def states(report):
    return {result.step: result.state.value for result in report.steps}


def made(pipeline):
    return json.loads(pipeline.read_bytes("total.total"))


def planned(pipeline):
    return {
        step: (decision.action.value, decision.key.hex)
        for step, decision in pipeline.plan().decisions.items()
    }


def test_what_was_edited_since_it_was_loaded_is_what_runs_and_what_is_recorded(project, pipeline):
    project.edit("words.py", "text.upper()", "text.title()")
    assert states(pipeline.run()) == {"numbers": "ran", "squares": "ran", "total": "ran"}
    assert made(pipeline) == {"name": "All", "total": 30}
    assert planned(pipeline) == planned(api.load("pipeline.yaml"))

    project.edit("words.py", "text.title()", "text.swapcase()")
    assert states(pipeline.run()) == {"numbers": "reused", "squares": "reused", "total": "ran"}
    assert made(pipeline) == {"name": "ALL", "total": 30}

    project.edit("steps.py", "number**power", "number**power + 1")
    assert states(pipeline.run(force=["squares"])) == {"numbers": "reused", "squares": "ran", "total": "ran"}
    assert made(pipeline) == {"name": "ALL", "total": 35}
    assert planned(pipeline) == planned(api.load("pipeline.yaml"))

    project.edit("pipeline.yaml", "{count: 5}", "{count: 3}")
    assert states(pipeline.run()) == {"numbers": "ran", "squares": "ran", "total": "ran"}
    assert made(pipeline) == {"name": "ALL", "total": 8}


# What is edited between two plans of one object: the new plan is that of an object loaded by then.
EDITS = {
    "a module": lambda project, _: project.edit("steps.py", "number**power", "number"),
    "a module that another one imports": lambda project, _: project.edit("words.py", "upper", "title"),
    "a module that takes the place of another": lambda project, _: project.write(
        "words/__init__.py", "def shout(text): return text\n"
    ),
    "the pipeline": lambda project, _: project.edit("pipeline.yaml", "{count: 5}", "{count: 6}"),
    "a text that the pipeline reads": lambda project, _: project.write("name.txt", "another"),
    "a variable that the pipeline reads": lambda _, monkeypatch: monkeypatch.setenv("OF_A_NOTEBOOK", "7"),
    "nothing": lambda _, __: None,
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_a_plan_is_that_of_the_files_as_they_are(project, monkeypatch, edit):
    monkeypatch.chdir(project.folder)
    project.write("name.txt", "one")
    project.edit("pipeline.yaml", "name: all", "name: '${file:name.txt}${env:OF_A_NOTEBOOK,1}'")
    pipeline = api.load("pipeline.yaml")
    before = pipeline.plan()

    edit(project, monkeypatch)

    now, anew = pipeline.plan(), api.load("pipeline.yaml").plan()
    assert now == anew
    assert (now == before) == (edit is EDITS["nothing"])


def test_another_working_directory_leads_to_the_same_files(project, pipeline, monkeypatch):
    (project.folder / "elsewhere").mkdir()
    monkeypatch.chdir(project.folder / "elsewhere")
    project.edit("pipeline.yaml", "name: all", "name: some")

    assert pipeline.plan().decisions["total"].step.params["name"].value == "some"


def test_a_mistake_that_was_made_since_is_told_as_any_other(project, pipeline):
    project.edit("steps.py", "def squares(", "def cubes(")

    with pytest.raises(InvalidPipelineError) as found:
        pipeline.plan()

    assert [each.code for each in found.value.diagnostics] == ["function-not-found"]


def test_what_did_not_change_is_read_once(project, pipeline, monkeypatch):
    compiled = pipeline.source

    assert compiled.reread() is compiled
