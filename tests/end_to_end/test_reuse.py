"""A step is reused exactly where a forced run gives the same: all edits of the tables, run, edited, planned and forced."""

import os
from dataclasses import dataclass

import pytest
from edits_of_changes import CHANGES
from edits_of_checks import CHECKS
from edits_of_classes import CLASSES
from edits_of_definitions import DEFINITIONS
from edits_of_files import FILES
from edits_of_imports import IMPORTS
from edits_of_kinds import KINDS
from edits_of_libraries import LIBRARIES
from edits_of_lookups import LOOKUPS
from edits_of_modules import MODULES
from edits_of_objects import OBJECTS
from edits_of_ordinary_code import ORDINARY
from edits_of_origins import ORIGINS
from edits_of_programs import PROGRAMS
from edits_of_readers import READERS
from edits_of_settings import SETTINGS
from edits_of_state import STATE
from edits_of_uses import USES
from edits_of_values import VALUES
from edits_that_keep import HARMLESS
from shared_project import outside_folders, pipeline, placed, write

import pipespec

TABLES = {
    "imports": IMPORTS,
    "state": STATE,
    "definitions": DEFINITIONS,
    "classes and values": [*CLASSES, *VALUES],
    "modules": MODULES,
    "objects": OBJECTS,
    "origins": ORIGINS,
    "uses": USES,
    "files": FILES,
    "lookups": LOOKUPS,
    "checks": CHECKS,
    "programs": PROGRAMS,
    "readers": READERS,
    "settings": SETTINGS,
    "changes": CHANGES,
    "kinds": KINDS,
    "libraries": LIBRARIES,
    "harmless": [*HARMLESS, *ORDINARY],
}


@dataclass(frozen=True)
class Judged:
    """What became of one step: `before` and `after` are digests of its output."""

    before: str
    unedited: str
    planned: str
    after: str


@pytest.fixture(scope="module", params=TABLES)
def judged(request, tmp_path_factory, project_at):
    """Each edit of a table, with what became of it: one project, one run, one plan, one forced run."""
    edits = TABLES[request.param]
    steps = placed(edits)
    root = tmp_path_factory.mktemp("reuse")
    project = project_at(root / "project")
    project.write("pyproject.toml", "")
    write(root, steps, "before")
    project.write("pipeline.yaml", pipeline(steps))
    with pytest.MonkeyPatch.context() as patch:
        outside = [str(root / folder) for folder in outside_folders(edits)]
        for folder in outside:
            patch.syspath_prepend(folder)
        patch.setenv("PYTHONPATH", os.pathsep.join(outside))
        patch.setenv("PYTHONHASHSEED", "0")
        before = forced(project)
        unedited = actions(project)
        write(root, steps, "after")
        planned = actions(project)
        after = forced(project)
    found = [
        Judged(before[one.step], unedited[one.step], planned[one.step], after[one.step]) for one in steps
    ]
    return list(zip(edits, found, strict=True))


def actions(project):
    plan = pipespec.load(project.folder / "pipeline.yaml").plan()
    return {step: str(each.action) for step, each in plan.decisions.items()}


def forced(project):
    """Run every step, and return the digest of what each one made."""
    answer = project.pipespec("run", "--force", "*", "--keep-going", "-j", "2", "pipeline.yaml")
    assert answer.code == 0, answer.out
    plan = pipespec.load(project.folder / "pipeline.yaml").plan()
    return {step: each.record.outputs["out"].digest for step, each in plan.decisions.items()}


@pytest.mark.slow
def test_without_an_edit_nothing_runs(judged):
    assert [edit.about for edit, found in judged if found.unedited != "reuse"] == []


@pytest.mark.slow
def test_what_is_planned_to_be_reused_is_what_a_forced_run_makes(judged):
    assert [
        edit.about for edit, found in judged if found.planned == "reuse" and found.before != found.after
    ] == []


@pytest.mark.slow
def test_what_a_forced_run_makes_anew_as_it_was_is_planned_to_be_reused(judged):
    assert [
        edit.about for edit, found in judged if found.planned == "run" and found.before == found.after
    ] == []


@pytest.mark.slow
def test_each_edit_changes_what_it_is_there_to_change(judged):
    assert [edit.about for edit, found in judged if (found.before == found.after) != edit.keeps] == []
