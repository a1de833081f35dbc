"""The edge towards a project's disk: its root, its modules, its input files, its git state, what is installed.

Gathers facts as values at the top of a command, so that everything below can be pure. It reads; the only
thing that it writes is the memory of digests in `.pipespec/`, which may be deleted at any time.
"""

from __future__ import annotations

from pipespec.project.disk_modules import DiskModules
from pipespec.project.git import GitFacts, git_facts
from pipespec.project.inputs import DigestMemory, digest_input, input_exists
from pipespec.project.packages import installed_packages, package_versions
from pipespec.project.planned import PlannedInputs
from pipespec.project.root import STATE_FOLDER, find_root, make_state_folder

__all__ = [
    "STATE_FOLDER",
    "DigestMemory",
    "DiskModules",
    "GitFacts",
    "PlannedInputs",
    "digest_input",
    "find_root",
    "git_facts",
    "input_exists",
    "installed_packages",
    "make_state_folder",
    "package_versions",
]
