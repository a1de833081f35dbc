"""Combines a file with its includes, overlays and `--set` into one interpolated document.

Layers, the lowest first: the included files, the file, overlays, `--set`. Takes texts, and a function that reads
included files. Returns the document, and the text of every file that a span may name. Refuses all errors of all layers
at once. If a file is missing or is not YAML, only this is reported.

Overlays may include files as well. These override everything below the overlay, and the overlay overrides them. The
path of an include may contain `${params...}` and `${env:...}`, with the values of all other layers.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipespec.document.interpolation.interpolate import interpolate_what_can_be
from pipespec.document.interpolation.resolver_interface import Resolvers
from pipespec.document.layers.includes import Fetch, File, IncludedSource, Reading
from pipespec.document.layers.overlay import apply_override, lay
from pipespec.document.layers.override import option_text
from pipespec.document.nodes import MappingNode
from pipespec.errors import Diagnostic, InvalidPipelineError, Severity
from pipespec.frozen_values import frozen

__all__ = ["Fetch", "IncludedSource", "Resolved", "resolve"]


@frozen
class Resolved:
    """A document merged from all its layers.

    `merged` is the document before interpolation. `sources` maps each file that a span may name to its text, including
    options (`--set path=value`). `files` are the names of the files that were read, the file itself first. If
    references have `mistakes`, the document can only be used to find more mistakes.
    """

    document: MappingNode
    merged: MappingNode
    sources: dict[str, str]
    files: tuple[str, ...]
    mistakes: tuple[Diagnostic, ...] = ()
    advice: tuple[Diagnostic, ...] = ()
    """Advice about how layers override each other."""


def resolve(
    source: IncludedSource,
    *,
    fetch: Fetch,
    resolvers: Resolvers,
    overlays: Sequence[IncludedSource] = (),
    overrides: Sequence[str] = (),
) -> Resolved:
    """Merge all layers of a file and interpolate the result. Overrides are `path=value`.

    Raises:
        InvalidPipelineError: with all mistakes of the layers; if a file is missing or not YAML, only with those.
    """
    reading = Reading(fetch)
    layers = [reading.read(source, "file"), *(reading.read(overlay, "overlay") for overlay in overlays)]
    reading.raise_mistakes()
    if reading.waits:
        reading.choose(_composed(layers, overrides, []), resolvers)
        reading.raise_mistakes()
    options = [option_text(override) for override in overrides]
    sources = reading.sources | {option: option for option in options}
    found: list[Diagnostic] = []
    merged = _composed(layers, overrides, found)
    document, unresolved = interpolate_what_can_be(merged, resolvers)
    mistakes = [one for one in found if one.severity is Severity.ERROR]
    if mistakes or document is None:
        raise InvalidPipelineError([*mistakes, *unresolved], sources)
    return Resolved(document, merged, sources, tuple(reading.sources), unresolved, tuple(found))


def _composed(files: Sequence[File], overrides: Sequence[str], mistakes: list[Diagnostic]) -> MappingNode:
    """Merge files and overrides, leaving out mistakes. Advice is collected in addition to mistakes."""
    document = MappingNode({}, files[0].node.span)
    for number, file in enumerate(files):
        for node in file.flat():
            document = lay(document, node, mistakes, strict=number > 0)
    for override in overrides:
        try:
            document = apply_override(document, override, mistakes)
        except InvalidPipelineError as error:
            mistakes.extend(error.diagnostics)
    return document
