"""Many pipelines judged in one go: files and folders -> all mistakes and advice, each said once.

What pipelines of one project share is read once: the schema, and each module that they call. What they include is
read with each, since layers may change what it means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipespec.errors import Diagnostic, InvalidPipelineError, UsageError
from pipespec.operations.compile import compile_file
from pipespec.project.disk_modules import DiskModules
from pipespec.project.pipeline_search import find_pipelines
from pipespec.project.root import find_root

__all__ = ["Findings", "validate_all"]


@dataclass(frozen=True, slots=True)
class Findings:
    """What `validate` found in some files; `sources` maps each file named in a span to its text.

    `files` are those that were judged, in order, a folder's files in place of the folder.
    """

    diagnostics: tuple[Diagnostic, ...]
    sources: dict[str, str]
    files: tuple[str, ...] = ()


def validate_all(
    paths: Sequence[str],
    *,
    overlays: Sequence[str],
    overrides: Sequence[str],
    import_timeout: float | None = None,
) -> Findings:
    """Find all mistakes and advice of some files and of the pipelines below some folders, in their order.

    A file that several pipelines include is in the findings of all of them, and told once. With an `import_timeout`, in
    seconds, what they call is imported on trial.

    Raises:
        UsageError: where there is no pipeline below the folders.
    """
    files = find_pipelines(paths)
    if not files:
        raise UsageError(
            f"there is no pipeline below '{paths[0]}': no .yaml or .yml file there says 'pipespec:' at its top"
        )
    found: dict[Diagnostic, None] = {}
    sources: dict[str, str] = {}
    modules: dict[Path, DiskModules] = {}
    for file in files:
        root = find_root(Path(file))
        known = modules.setdefault(root, DiskModules(root))
        try:
            compiled = compile_file(
                file,
                overlays=overlays,
                overrides=overrides,
                trusted=False,
                modules=known,
                import_timeout=import_timeout,
            )
        except InvalidPipelineError as invalid:
            found |= dict.fromkeys(invalid.diagnostics)
            sources |= invalid.sources
        else:
            found |= dict.fromkeys(compiled.diagnostics)
            sources |= compiled.sources
    return Findings(tuple(found), sources, files)
