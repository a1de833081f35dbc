"""A file with all that belongs to it -> one interpolated document.

Layers, lowest first: the files that it includes, the file, overlays, `--set`. Takes texts, and a callable that
fetches included files; gives the document, and the text of every file that a span may name. Refuses all
mistakes of all layers at once; where a file is missing or no YAML, those alone.

An overlay may include files as well: they are laid under it, over all that it is laid over. The path of an
include may hold `${params...}` and `${env:...}`; it is chosen by what all other layers say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipespec.document.includes import Fetch, File, Reading, Source
from pipespec.document.interpolate import interpolate_what_can_be
from pipespec.document.nodes import MappingNode
from pipespec.document.overlay import apply_override, lay, option_text
from pipespec.document.resolvers import Resolvers
from pipespec.errors import Diagnostic, InvalidPipelineError

__all__ = ["Fetch", "Resolved", "Source", "resolve"]


@dataclass(frozen=True, slots=True)
class Resolved:
    """A document made of all its layers.

    `merged` is it before interpolation. `sources` maps each file that a span may name to its text, options
    (`--set path=value`) too; `files` are the names of the files that were read, the file itself first. Where
    references have `mistakes`, the document is of use only for finding more.
    """

    document: MappingNode
    merged: MappingNode
    sources: dict[str, str]
    files: tuple[str, ...]
    mistakes: tuple[Diagnostic, ...] = ()


def resolve(
    source: Source,
    *,
    fetch: Fetch,
    resolvers: Resolvers,
    overlays: Sequence[Source] = (),
    overrides: Sequence[str] = (),
) -> Resolved:
    """Lay all layers of a file over each other and interpolate them; overrides are `path=value`.

    Raises:
        InvalidPipelineError: with all mistakes of the layers; where a file is no YAML or missing, with those only.
    """
    reading = Reading(fetch)
    layers = [reading.read(source, "file"), *(reading.read(overlay, "overlay") for overlay in overlays)]
    reading.raise_mistakes()
    if reading.waits:
        reading.choose(_composed(layers, overrides, []), resolvers)
        reading.raise_mistakes()
    options = [option_text(override) for override in overrides]
    sources = reading.sources | {option: option for option in options}
    mistakes: list[Diagnostic] = []
    merged = _composed(layers, overrides, mistakes)
    document, unresolved = interpolate_what_can_be(merged, resolvers)
    if mistakes or document is None:
        raise InvalidPipelineError([*mistakes, *unresolved], sources)
    return Resolved(document, merged, sources, tuple(reading.sources), unresolved)


def _composed(files: Sequence[File], overrides: Sequence[str], mistakes: list[Diagnostic]) -> MappingNode:
    """Lay files and overrides over each other, without what is a mistake."""
    document = MappingNode({}, files[0].node.span)
    for number, file in enumerate(files):
        for node in file.flat():
            document = lay(document, node, mistakes, strict=number > 0)
    for override in overrides:
        try:
            document = apply_override(document, override)
        except InvalidPipelineError as error:
            mistakes.extend(error.diagnostics)
    return document
