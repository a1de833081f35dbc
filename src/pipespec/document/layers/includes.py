"""Finds and reads the files that a document includes.

Takes documents, and a function that reads files. Returns the layers of a file, the lowest first. Refuses, for all files
at once: invalid content, includes in a circle, and more than 100 includes or 4 MiB of text in all files together.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from pipespec.document.interpolation.interpolate import interpolate_path, unresolved
from pipespec.document.interpolation.resolver_interface import Problem, Resolvers
from pipespec.document.key_paths import read_path
from pipespec.document.layers.overlay import below_keys
from pipespec.document.nodes import MappingNode, Node, ScalarNode, SequenceNode
from pipespec.document.size_limits import MAX_BYTES
from pipespec.document.wording import quote
from pipespec.document.yaml.yaml_reader import read
from pipespec.errors import Diagnostic, InvalidPipelineError, Span
from pipespec.frozen_values import frozen

__all__ = ["Fetch", "File", "Include", "IncludedSource", "Reading", "includes"]

_MAX_INCLUDES: Final = 100


@frozen
class IncludedSource:
    """A file that was read: its content, and the name that its spans have. Each file has one name."""

    file: str
    text: str | bytes


Fetch: TypeAlias = Callable[[str, Span], IncludedSource | Problem]
"""Reads an included file. Takes the path as written, and its place; relative paths start from the file that contains it."""


@frozen
class Include:
    """A file that a document includes: its path, and the keys below which its content is merged, with their places."""

    path: ScalarNode
    below: tuple[tuple[str, Span], ...] = ()

    @property
    def waits(self) -> bool:
        """True if the path contains a reference: other layers decide which file it is."""
        return "${" in str(self.path.value)


def includes(document: MappingNode) -> tuple[tuple[Include, ...], tuple[Diagnostic, ...]]:
    """Return the files that a document includes, lowest first, and the mistakes in its `include`."""
    stated = document.get("include")
    if stated is None or (isinstance(stated, ScalarNode) and stated.value is None):
        return (), ()
    if not isinstance(stated, SequenceNode):
        return (), (_bad_include("'include' is not a list", stated.span),)
    found: list[Include] = []
    mistakes: list[Diagnostic] = []
    for keys, path in _stated_paths(stated):
        if not isinstance(path, ScalarNode) or not isinstance(path.value, str) or not path.value:
            mistakes.append(_bad_include("this entry of 'include' has no path", path.span))
        elif not all(key for key, _ in keys):
            mistakes.append(_bad_include(f"{quote(keys[0][0])} is not a key", keys[0][1]))
        else:
            found.append(Include(path, keys))
    return tuple(found), tuple(mistakes)


def _stated_paths(stated: SequenceNode) -> Iterator[tuple[tuple[tuple[str, Span], ...], Node]]:
    for item in stated.items:
        if isinstance(item, MappingNode):
            for keys, entry in item.entries.items():
                read, end = read_path(keys)
                names = [key.name for key in read] if end == len(keys) and read else [keys, ""]
                yield tuple((name, entry.key_span) for name in names), entry.value
        else:
            yield (), item


def _bad_include(message: str, span: Span) -> Diagnostic:
    hint = "write a list of paths, or of mappings from a key to the path of its value: [a.yaml, {params.model: b.yaml}]"
    return Diagnostic("bad-include", message, span, hint)


@dataclass(slots=True)
class File:
    """A file that was read: its document without `include`, and what it includes; None if the file is not decided yet."""

    node: MappingNode
    parts: list[tuple[Include, File | None]]
    trail: tuple[str, ...]
    """The names of the files that include it, the outermost first, and its own name."""

    def flat(self) -> Iterator[MappingNode]:
        """Yield all parts of the file, lowest first."""
        for include, part in self.parts:
            for node in part.flat() if part else ():
                yield below_keys(node, include.below) if include.below else node
        yield self.node


class Reading:
    """Reads files and what they include, each file once, and stores their texts in `sources`."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._mistakes: list[Diagnostic] = []
        self._parsed: dict[tuple[str, str], MappingNode] = {}
        self._includes = 0
        self._bytes = 0
        self._waiting: deque[tuple[File, int]] = deque()
        self.sources: dict[str, str] = {}

    @property
    def waits(self) -> bool:
        """True if the path of an include contains a reference, so that `choose` must be called."""
        return bool(self._waiting)

    def raise_mistakes(self) -> None:
        """Raise `InvalidPipelineError` if there are any so far."""
        if self._mistakes:
            raise InvalidPipelineError(self._mistakes, self.sources)

    def read(self, source: IncludedSource, layer: str, trail: tuple[str, ...] = ()) -> File:
        """Read a file, and everything that it includes by paths without references. Mistakes are collected."""
        document = self._parse(source, layer)
        found, mistakes = includes(document)
        self._mistakes.extend(mistakes)
        entries = {key: entry for key, entry in document.entries.items() if key != "include"}
        file = File(
            replace(document, entries=entries), [(include, None) for include in found], (*trail, source.file)
        )
        for position, include in enumerate(found):
            if include.waits:
                self._waiting.append((file, position))
            else:
                self._include(file, position, str(include.path.value))
        return file

    def choose(self, known: MappingNode, resolvers: Resolvers) -> None:
        """Read the files whose paths contain references, using what is known without these files."""
        while self._waiting:
            file, position = self._waiting.popleft()
            path, mistakes = interpolate_path(file.parts[position][0].path, known, resolvers)
            self._mistakes.extend(mistakes)
            if mistakes:
                continue
            if left := unresolved(path):
                why, hint = "is not read by this command", "give it a default, such as ${env:NAME, default}"
                if left[0].startswith("${params"):  # a value that remains open is '???'
                    why, hint = "has no value: '???' must be set by a higher layer", "set it with -f or --set"
                message = f"the path of the file depends on {left[0]}, which {why}"
                self._mistake("include-not-read", message, path, hint)
            elif isinstance(path, ScalarNode) and isinstance(path.value, str):
                self._include(file, position, path.value)
            else:
                self._mistake("bad-include", "the path of an include must be text", path, None)

    def _parse(self, source: IncludedSource, layer: str) -> MappingNode:
        key = source.file, layer
        if key in self._parsed:
            return self._parsed[key]
        text = source.text if isinstance(source.text, str) else source.text.decode("utf-8", errors="replace")
        self.sources.setdefault(source.file, text.removeprefix("\ufeff"))
        self._bytes += len(source.text)
        document = MappingNode({}, Span(source.file, 1, 1, 1, 1, layer))
        try:
            if self._bytes > MAX_BYTES >= len(source.text):
                self._mistake(
                    "too-large", "this file and those before it are larger than 4 MiB", document, None
                )
            else:
                document = read(source.text, file=source.file, layer=layer)
        except InvalidPipelineError as error:
            self._mistakes.extend(error.diagnostics)
        return self._parsed.setdefault(key, document)

    def _include(self, file: File, position: int, path: str) -> None:
        include, _ = file.parts[position]
        self._includes += 1
        if self._includes > _MAX_INCLUDES:
            if self._includes == _MAX_INCLUDES + 1:
                hint = "each include of a file counts"
                self._mistake(
                    "too-many-includes", f"there are more than {_MAX_INCLUDES} includes", include.path, hint
                )
            return
        source = self._fetch(path, include.path.span)
        if isinstance(source, Problem):
            self._mistake("include-not-read", source.message, include.path, source.hint)
        elif source.file in file.trail:
            circle = " -> ".join((*file.trail[file.trail.index(source.file) :], source.file))
            message = f"files include each other in a circle: {circle}"
            self._mistake("include-cycle", message, include.path, "remove one of these includes")
        else:
            layer = "overlay" if file.node.span.layer == "overlay" else "include"
            file.parts[position] = include, self.read(source, layer, file.trail)

    def _mistake(self, code: str, message: str, node: Node, hint: str | None) -> None:
        self._mistakes.append(Diagnostic(code, message, node.span, hint))
