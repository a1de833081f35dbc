"""A pipeline file with its layers as one document, before anything is built from it.

Takes the file, overlays and overrides. Returns the document with everything that was read for it. A caller that needs
only names gets the options that a file declares, or all names in it: the file is then read as not trusted, and without
its code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pipespec.document.key_paths import path_below
from pipespec.document.layers.resolve_layers import Resolved, resolve
from pipespec.document.nodes import MappingNode, Node
from pipespec.errors import InvalidPipelineError
from pipespec.frozen_values import frozen
from pipespec.project.pipeline_files import PipelineFiles
from pipespec.project.project_resolvers import ProjectAnswers
from pipespec.project.project_root import find_root, without_dots
from pipespec.project.source_tree import WatchedTree
from pipespec.spec.foreign_files import foreign_file
from pipespec.spec.run_options import RunOption, run_options

__all__ = ["NamedStep", "PipelineNames", "ReadDocument", "read_document", "read_names", "read_options"]


@frozen
class NamedStep:
    """The names of a declared step: the ids of its variants, its outputs, its tags."""

    name: str
    variants: tuple[str, ...]
    """Empty for a step without a matrix."""
    outputs: tuple[str, ...]
    tags: tuple[str, ...]


@frozen
class PipelineNames:
    """The names of a pipeline for a command line. `paths` are those of all values; the paths of mappings end with a dot."""

    steps: tuple[NamedStep, ...]
    paths: tuple[str, ...]


@frozen
class ReadDocument:
    """The document of an absolute file below a project root, and everything that was read and asked for it.

    `folders` maps each file named in a span to the folder from which its relative paths start.
    """

    file: Path
    root: Path
    folders: Mapping[str, Path]
    resolved: Resolved
    tree: WatchedTree
    answers: ProjectAnswers


def read_document(
    file: str,
    *,
    overlays: Sequence[str] = (),
    overrides: Sequence[str] = (),
    trusted: bool,
    keeps_env: bool = False,
    keeps_unset: bool | None = None,
) -> ReadDocument:
    """Read a file and merge its layers. The arguments are those of `compile_file`.

    Raises:
        InvalidPipelineError: if it cannot be read or resolved.
    """
    path = without_dots(Path(file))
    root = find_root(path)
    tree = WatchedTree()
    files = PipelineFiles(root, tree)
    source = files.read(file)
    if (foreign := foreign_file(source.file, source.text)) is not None:
        raise InvalidPipelineError([foreign], {})
    answers = ProjectAnswers(root, files.folders, tree)
    resolved = resolve(
        source,
        fetch=files.fetch,
        resolvers=answers.resolvers(path.stem, trusted=trusted, keeps_env=keeps_env, keeps_unset=keeps_unset),
        overlays=[files.read(overlay) for overlay in overlays],
        overrides=overrides,
    )
    return ReadDocument(path, root, files.folders, resolved, tree, answers)


def read_options(file: str) -> tuple[RunOption, ...]:
    """Return the options of a file and of what it includes.

    Raises:
        InvalidPipelineError: if it cannot be read.
    """
    return run_options(_of_stranger(file).resolved.document)


def read_names(file: str, overlays: Sequence[str]) -> PipelineNames:
    """Return the names in a file with its overlays, as far as it is valid.

    Raises:
        InvalidPipelineError: if it cannot be read.
    """
    from pipespec.spec.build_spec import build_spec  # noqa: PLC0415 - options do not need a spec

    read = _of_stranger(file, overlays)
    document = read.resolved.document
    spec, _ = build_spec(document, file=read.file, root=read.root, folders=read.folders)
    declared: dict[str, list[str]] = {}
    steps = {} if spec is None else spec.steps
    for step in steps.values():
        declared.setdefault(step.name, []).append(step.id)
    named = tuple(
        NamedStep(
            name, tuple(one for one in ids if one != name), tuple(steps[ids[0]].outputs), steps[ids[0]].tags
        )
        for name, ids in declared.items()
    )
    return PipelineNames(named, tuple(_paths(document, "")))


def _of_stranger(file: str, overlays: Sequence[str] = ()) -> ReadDocument:
    return read_document(file, overlays=overlays, trusted=False, keeps_unset=True)


def _paths(node: Node, path: str) -> Iterator[str]:
    if not isinstance(node, MappingNode):
        return
    for key, entry in node.entries.items():
        here = path_below(path, key)
        yield f"{here}." if isinstance(entry.value, MappingNode) else here
        yield from _paths(entry.value, here)
