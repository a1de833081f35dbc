"""Files that must stay what they were."""

from __future__ import annotations

import os

import pytest

from pipespec.engine.sources import PlannedFiles
from pipespec.errors import PipespecError
from pipespec.step.digest import digest_file


@pytest.fixture
def planned(tmp_path):
    paths = [tmp_path / "a.yaml", tmp_path / "b.yaml"]
    for path in paths:
        path.write_text("a: 1\n")
    return paths, PlannedFiles({str(path): digest_file(path)[0] for path in paths})


def test_unchanged_files_are_fine_again_and_again(planned):
    for _ in range(3):
        planned[1].require_unchanged()


def test_a_file_that_was_only_touched_is_unchanged(planned):
    planned[1].require_unchanged()
    os.utime(planned[0][0], (0, 0))

    planned[1].require_unchanged()


@pytest.mark.parametrize("change", ["edit", "same size", "remove", "replace by a folder"])
@pytest.mark.parametrize("looked", [False, True])
def test_a_file_that_changed_is_named(planned, change, looked):
    paths, files = planned
    if looked:
        files.require_unchanged()
    match change:
        case "edit":
            paths[1].write_text("a: 10\n")
        case "same size":
            paths[1].write_text("a: 2\n")
        case "remove":
            paths[1].unlink()
        case _:
            paths[1].unlink()
            paths[1].mkdir()

    with pytest.raises(
        PipespecError, match=f"^'{paths[1]}' changed while the run went on; run again to use it as it is now$"
    ):
        files.require_unchanged()
