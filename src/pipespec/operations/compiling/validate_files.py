"""Validate many pipelines at once: from files and folders to all mistakes and advice, each reported once.

What pipelines of one project share is read once: the schema, and each module that they call. Included files are read
for each pipeline, because layers may change their meaning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipespec.errors import Diagnostic, InvalidPipelineError, Severity, UsageError
from pipespec.frozen_values import frozen
from pipespec.operations.compiling.findings_memo import keep_findings, recall_findings
from pipespec.project.pipeline_search import find_pipelines
from pipespec.project.project_root import find_root

if TYPE_CHECKING:
    from pipespec.project.disk_modules import DiskModules

__all__ = ["Findings", "validate_all"]


@frozen
class Findings:
    """What `validate` found in some files. `sources` maps each file named in a span to its text.

    `files` are the files that were checked, in order, with a folder's files instead of the folder.
    """

    diagnostics: tuple[Diagnostic, ...]
    sources: dict[str, str]
    files: tuple[str, ...] = ()

    def without_advice(self) -> Findings:
        """Return only the mistakes."""
        mistakes = tuple(one for one in self.diagnostics if one.severity is Severity.ERROR)
        return replace(self, diagnostics=mistakes)


def validate_all(
    paths: Sequence[str],
    *,
    overlays: Sequence[str],
    overrides: Sequence[str],
    import_timeout: float | None = None,
) -> Findings:
    """Find all mistakes and advice in some files, and in the pipelines below some folders, in their order.

    A file that several pipelines include is in the findings of all of them, but reported once. With an
    `import_timeout`, in seconds, their callables are imported as a test.

    Raises:
        UsageError: if there is no pipeline below the folders.
    """
    files = find_pipelines(paths)
    if not files:
        raise UsageError(
            f"there is no pipeline below '{paths[0]}': no .yaml or .yml file there has a top-level key 'pipespec'"
        )
    found: dict[Diagnostic, None] = {}
    sources: dict[str, str] = {}
    modules: dict[Path, DiskModules] = {}
    for file in files:
        known = recall_findings(file, overlays, overrides) if import_timeout is None else None
        told, texts = known or _found_anew(file, overlays, overrides, import_timeout, modules)
        found |= dict.fromkeys(told)
        sources |= texts
    return Findings(tuple(found), sources, files)


def _found_anew(
    file: str,
    overlays: Sequence[str],
    overrides: Sequence[str],
    import_timeout: float | None,
    modules: dict[Path, DiskModules],
) -> tuple[Sequence[Diagnostic], Mapping[str, str]]:
    """Compile a file, and store its findings. `modules` have read the code of each project so far."""
    from pipespec.operations.compiling.compile_file import compile_file  # noqa: PLC0415 - 100 ms
    from pipespec.project.disk_modules import DiskModules  # noqa: PLC0415 - as above

    root = find_root(Path(file))
    try:
        compiled = compile_file(
            file,
            overlays=overlays,
            overrides=overrides,
            trusted=False,
            modules=modules.setdefault(root, DiskModules(root)),
            import_timeout=import_timeout,
            counts_code=True,
        )
    except InvalidPipelineError as invalid:
        return invalid.diagnostics, invalid.sources
    if import_timeout is None:
        keep_findings(compiled)
    return compiled.diagnostics, compiled.sources
