"""Each edit of the tables, made to a real project: where the function's result changes, its key must have changed."""

import pytest
from edits_of_changes import CHANGES
from edits_of_classes import CLASSES
from edits_of_definitions import DEFINITIONS
from edits_of_imports import IMPORTS
from edits_of_kinds import KINDS
from edits_of_libraries import LIBRARIES
from edits_of_modules import MODULES
from edits_of_objects import OBJECTS
from edits_of_ordinary_code import ORDINARY
from edits_of_origins import ORIGINS
from edits_of_settings import SETTINGS
from edits_of_state import STATE
from edits_of_uses import USES
from edits_of_values import VALUES
from edits_that_keep import HARMLESS

from pipespec.errors import Span
from pipespec.project.disk_modules import DiskModules
from pipespec.python.callable_ref import CallableRef
from pipespec.python.identity.counted_code import code_facts

EDITS = [
    *IMPORTS,
    *STATE,
    *DEFINITIONS,
    *CLASSES,
    *VALUES,
    *MODULES,
    *OBJECTS,
    *ORIGINS,
    *USES,
    *SETTINGS,
    *CHANGES,
    *KINDS,
    *LIBRARIES,
    *HARMLESS,
    *ORDINARY,
]

IN_SHORT = 8
"""One in so many edits is tried by default, of each table some."""


def write(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def digest(root, edit):
    module, _, name = edit.call.partition(":")
    modules = DiskModules(root, path=[str(root / folder) for folder in edit.outside])
    return code_facts(
        CallableRef(module, name, Span("pipeline.yaml", 1, 1, 1, 2)), [root / "project"], modules
    ).digest


def test_there_are_enough_edits():
    assert len({edit.about for edit in EDITS}) == len(EDITS) >= 150


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(edit, marks=[] if position % IN_SHORT == 0 else pytest.mark.slow)
        for position, edit in enumerate(EDITS)
    ],
    ids=lambda edit: edit.about,
)
def test_a_changed_result_has_a_changed_key(edit, tmp_path, true_result):
    keys, results = [], []
    for when, files in (("before", edit.before()), ("after", edit.after())):
        root = tmp_path / when
        write(
            root,
            {
                name if name.startswith(edit.outside or "\0") else f"project/{name}": text
                for name, text in files.items()
            },
        )
        keys.append(digest(root, edit))
        folders = [root / "project", *(root / folder for folder in edit.outside)]
        results.append(true_result(folders, edit.call, dict(edit.params)).replace(str(root), ""))

    assert (results[0] == results[1]) == edit.keeps, results
    assert (keys[0] == keys[1]) == edit.keeps, results
