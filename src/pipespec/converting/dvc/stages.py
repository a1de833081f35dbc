"""Read the stages of a `dvc.yaml` from its nodes, each field with its place.

Takes the document and returns `Stage`s. Refuses what DVC refuses: a stage without `cmd`, values of another kind. Keys
without an equivalent become leftovers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from pipespec.converting.conversion import SourceFindings
from pipespec.document.nodes import MappingNode, Node, ScalarNode, SequenceNode, plain
from pipespec.document.wording import listing, quote
from pipespec.errors import Span
from pipespec.frozen_values import frozen

__all__ = ["Path", "Stage", "TrackedParams", "entries_of", "read_stages", "text_of"]

_KEYS: Final = (
    "cmd", "wdir", "deps", "outs", "metrics", "plots", "params", "vars", "frozen", "always_changed", "desc", "meta",
    "matrix", "foreach", "do",
)  # fmt: skip
_PLOT_KEYS: Final = frozenset({"template", "x", "y", "x_label", "y_label", "title", "header"})
_FROZEN: Final = "a result is reused while its key stays; to keep it after a change of code or packages: pipespec accept FILE STEP"
_OUT_KEYS: Final = {
    "persist": (
        True,
        "each run starts without the outputs of the one before; make the earlier result an input",
    ),
    "remote": (None, "outputs are in the artifact store of MLflow: set mlflow.artifact_location"),
    "push": (False, "outputs are in the artifact store of MLflow: set mlflow.artifact_location"),
    "checkpoint": (True, "let the program write one result, or log to MLflow while it runs"),
}


@frozen
class Path:
    """A path of a stage as it is written, and its kind: `deps`, `outs`, `metrics` or `plots`."""

    text: str
    span: Span
    kind: str


@frozen
class TrackedParams:
    """The params of one file on which a stage depends; all of them if there are no keys."""

    file: str
    keys: tuple[str, ...]
    span: Span


@frozen
class Stage:
    """One entry of `stages`. Texts contain their templates."""

    name: str
    span: Span
    commands: tuple[str, ...]
    wdir: str
    deps: tuple[Path, ...]
    outs: tuple[Path, ...]
    params: tuple[TrackedParams, ...]
    vars: Node | None
    matrix: Node | None
    foreach: Node | None
    description: str
    is_always_changed: bool

    def params_texts(self) -> Iterator[str]:
        """Yield the files and names of tracked params."""
        for tracked in self.params:
            yield from (tracked.file, *tracked.keys)


def text_of(node: Node | None) -> str | None:
    """Return the text of a node, or None if it is not a text."""
    return node.value if isinstance(node, ScalarNode) and isinstance(node.value, str) else None


def read_stages(document: MappingNode, found: SourceFindings) -> tuple[Stage, ...]:
    """Read all stages. Mistakes and leftovers are recorded."""
    node = document.get("stages")
    if not isinstance(node, MappingNode) or not node.entries:
        place = document.span if node is None else node.span
        found.refuse("there are no stages to convert", place, "a dvc.yaml has a mapping 'stages'")
        return ()
    read = [_read(name, entry.key_span, entry.value, found) for name, entry in node.entries.items()]
    return tuple(stage for stage in read if stage is not None)


def _read(name: str, span: Span, node: Node, found: SourceFindings) -> Stage | None:
    subject = f"stage {quote(name)}"
    if not isinstance(node, MappingNode):
        found.refuse(f"{subject} is not a mapping", node.span)
        return None
    body: Node | None = node
    if (foreach := node.get("foreach")) is not None:
        body = node.get("do")
    if not isinstance(body, MappingNode):
        found.refuse(f"{subject} has 'foreach' but no mapping 'do'", span)
        return None
    _leave_unknown(subject, node, body, found)
    commands = tuple(_commands(subject, body.get("cmd"), span, found))
    vars_node = body.get("vars")
    always = body.get("always_changed")
    return Stage(
        name,
        span,
        commands,
        text_of(body.get("wdir")) or "",
        tuple(_paths(subject, body, "deps", found)),
        tuple(path for kind in ("outs", "metrics", "plots") for path in _paths(subject, body, kind, found)),
        tuple(_params(subject, body.get("params"), found)),
        vars_node,
        body.get("matrix") if foreach is None else None,
        foreach,
        text_of(body.get("desc")) or "",
        isinstance(always, ScalarNode) and always.value is True,
    )


def _leave_unknown(subject: str, node: MappingNode, body: MappingNode, found: SourceFindings) -> None:
    for key, entry in {**node.entries, **body.entries}.items():
        if key not in _KEYS:
            message = f"{quote(key)} of {subject} is no key that DVC documents"
            found.leave(message, entry.key_span, f"the keys that are known are {listing(_KEYS[:-3])}")
    frozen = body.entries.get("frozen")
    if frozen is not None and plain(frozen.value) is True:
        found.leave(f"{subject} is frozen, and steps have no such setting", frozen.key_span, _FROZEN)
    meta = body.entries.get("meta")
    if meta is not None:
        hint = "write it below a key that begins with 'x-', which is ignored, or as tags of the step"
        found.leave(f"'meta' of {subject} has no equal", meta.key_span, hint)


def _commands(subject: str, node: Node | None, span: Span, found: SourceFindings) -> Iterator[str]:
    items = node.items if isinstance(node, SequenceNode) else (node,)
    for item in items:
        text = text_of(item)
        if not text or not text.strip():
            found.refuse(
                f"{subject} has no command",
                span if node is None else node.span,
                "write cmd: program argument",
            )
            return
        yield from (line for line in text.splitlines() if line.strip())


def _paths(subject: str, body: MappingNode, kind: str, found: SourceFindings) -> Iterator[Path]:
    for item in _items(subject, body.get(kind), kind, found):
        if (text := text_of(item)) is not None:
            yield Path(text, item.span, kind)
        elif isinstance(item, MappingNode) and kind != "deps":
            for text, entry in item.entries.items():
                yield Path(text, entry.key_span, kind)
                _leave_options(subject, text, entry.value, found)
        else:
            found.refuse(f"{subject}: an item of {quote(kind)} is not a path", item.span)


def _leave_options(subject: str, path: str, node: Node, found: SourceFindings) -> None:
    nodes = node.items if isinstance(node, SequenceNode) else (node,)
    for options in nodes:
        if not isinstance(options, MappingNode):
            continue
        for key, entry in options.entries.items():
            value, hint = _OUT_KEYS.get(key, (None, ""))
            if hint and (value is None or plain(entry.value) is value):
                found.leave(f"{quote(key)} of {quote(path)} in {subject} has no equal", entry.key_span, hint)
        plot = [key for key in options.entries if key in _PLOT_KEYS]
        if plot:
            message = f"how {quote(path)} of {subject} is plotted: {listing(plot)}"
            found.leave(
                message,
                options.entries[plot[0]].key_span,
                "the file is an output; draw it in a step that saves a picture",
            )


def _params(subject: str, node: Node | None, found: SourceFindings) -> Iterator[TrackedParams]:
    own: list[str] = []
    for item in _items(subject, node, "params", found):
        if (text := text_of(item)) is not None:
            own.append(text)
        elif isinstance(item, MappingNode):
            for file, entry in item.entries.items():
                keys = (
                    [text_of(key) for key in entry.value.items]
                    if isinstance(entry.value, SequenceNode)
                    else []
                )
                yield TrackedParams(file, tuple(key for key in keys if key), entry.key_span)
        else:
            found.refuse(f"{subject}: an item of 'params' is not a name or a file", item.span)
    if own:
        assert node is not None
        yield TrackedParams("", tuple(own), node.span)


def _items(subject: str, node: Node | None, key: str, found: SourceFindings) -> tuple[Node, ...]:
    if node is None or (isinstance(node, ScalarNode) and node.value is None):
        return ()
    if isinstance(node, SequenceNode):
        return node.items
    found.refuse(f"{quote(key)} of {subject} is not a list", node.span)
    return ()


def entries_of(node: Node | None) -> Mapping[str, Node]:
    """Return the values of a mapping by key; nothing if it is not a mapping."""
    return {key: entry.value for key, entry in node.entries.items()} if isinstance(node, MappingNode) else {}
