"""Convert a whole `dvc.yaml` to a pipeline file.

Takes its text and the files beside it. Returns a `Conversion`. Refuses what DVC would refuse, reporting all mistakes at
once.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from pipespec.converting.conversion import Conversion, SourceFiles, SourceFindings
from pipespec.converting.dvc.inputs import Wiring, deps_of
from pipespec.converting.dvc.parameters import Parameters
from pipespec.converting.dvc.points import Producers, StageEntry, entries, producers
from pipespec.converting.dvc.stages import entries_of, read_stages, text_of
from pipespec.converting.dvc.steps import OUR_ARGUMENTS, StepWriter
from pipespec.converting.dvc.templates import UnresolvedError, resolve
from pipespec.converting.names import argument_name, step_name, unused, without_references
from pipespec.converting.pipeline_text import escaped, pipeline_text
from pipespec.document.nodes import JSON, MappingNode, Node, SequenceNode
from pipespec.document.wording import quote
from pipespec.document.yaml import yaml_reader
from pipespec.errors import InvalidPipelineError, Span

__all__ = ["convert_dvc"]

_TOP: Final = ("stages", "vars", "metrics", "plots", "params", "artifacts", "datasets")
_LEFT: Final = {
    "artifacts": "register the model that a step wrote: mlflow.register_model with the URI of its run",
    "datasets": "write its full address as an input: {file: s3://bucket/path}",
}
_HINTS: Final = {
    "merge-key": "write the keys of the other mapping out: pipeline files have no '<<', so it cannot be kept",
    "empty-file": "a dvc.yaml has a mapping 'stages'",
    "not-a-mapping": "a dvc.yaml has a mapping 'stages'",
}
_PLOTTED: Final = "its data is an output; draw it in a step that saves a picture, which MLflow shows"


def convert_dvc(
    text: bytes, *, file: str, name: str, files: SourceFiles, root: str, target: str
) -> Conversion:
    """Convert a dvc.yaml.

    Args:
        text: Its content.
        file: Its name in messages.
        name: The name of the pipeline.
        files: The files beside it.
        root: The path from the project root to its folder.
        target: The path from the folder of the pipeline file to its folder.

    Raises:
        InvalidPipelineError: if it is not a dvc.yaml that can be run.
    """
    found = SourceFindings()
    document = _read(text, file)
    found.sources[file] = text.decode("utf-8", errors="replace")
    stages = read_stages(document, found)
    parameters = Parameters(files, found)
    parameters.load(document.get("vars"))
    made = entries(stages, parameters, found)
    by_path = producers(made, found)
    found.stop_at_mistakes()
    metrics = _metrics(document, parameters, by_path, found)
    _leave_the_rest(document, by_path, found)
    wiring = _wiring(made, by_path, files, target)
    writer = StepWriter(
        wiring, parameters, found, root, _locked_folders(files), {path: path for path in metrics}
    )
    steps = [step for entry in made for step in writer.steps(entry)]
    found.stop_at_mistakes()
    top: dict[str, JSON] = {"pipespec": 1, "name": name}
    body = pipeline_text("", {}, steps)
    include: list[JSON] = [
        {key: posixpath.normpath(posixpath.join(target, path))}
        for path, key in parameters.included.items()
        if f"${{{key}." in body
    ]
    if include:
        top["include"] = include
    if parameters.own:
        top["params"] = escaped(parameters.own)
    comment = f"Converted from {posixpath.basename(file)} by 'pipespec convert'."
    return Conversion(
        pipeline_text(comment, top, steps),
        tuple(sorted(found.leftovers, key=lambda one: one.span)),
        found.sources,
    )


def _read(text: bytes, file: str) -> MappingNode:
    """Parse the file by the rules of pipeline files, with hints for a file of DVC."""
    try:
        return yaml_reader.read(text, file=file)
    except InvalidPipelineError as error:
        told = [replace(one, hint=_HINTS.get(one.code, one.hint)) for one in error.diagnostics]
        raise InvalidPipelineError(told, error.sources) from None


def _wiring(made: Sequence[StageEntry], by_path: Producers, files: SourceFiles, target: str) -> Wiring:
    """Name all steps and outputs, and find out which entries can be written as a matrix."""
    names: dict[tuple[str, int], str] = {}
    outputs: dict[tuple[str, int], str] = {}
    is_matrix = {
        entry.stage.name: (entry.group.is_matrix and entry.is_written_by_references())
        or not (entry.stage.foreach or entry.stage.matrix)
        for entry in made
    }
    taken: set[str] = set()
    for entry in made:
        for number, point in enumerate(entry.points):
            key = point.variant.key
            wanted = step_name(
                f"{entry.stage.name}-{key}" if key and not is_matrix[entry.stage.name] else entry.stage.name
            )
            if is_matrix[entry.stage.name] and number:
                names[entry.stage.name, number] = names[entry.stage.name, 0]
                continue
            names[entry.stage.name, number] = unused(wanted, taken)
            taken.add(names[entry.stage.name, number])
        own: set[str] = {*OUR_ARGUMENTS, *entry.group.axes}
        for number, out in enumerate(entry.stage.outs):
            outputs[entry.stage.name, number] = unused(argument_name(without_references(out.text)), own)
            own.add(outputs[entry.stage.name, number])
    wiring = Wiring(
        by_path,
        lambda entry, number: names[entry.stage.name, number],
        lambda entry, number: outputs[entry.stage.name, number],
        is_matrix,
        files,
        target,
    )
    changed = True
    while changed:  # if one is written as several steps, this can be the reason for another
        changed = False
        for entry in made:
            name = entry.stage.name
            if (
                is_matrix[name]
                and entry.group.axes
                and deps_of(entry, entry.points, _same, wiring, None) is None
            ):
                is_matrix[name] = False
                for number, point in enumerate(entry.points):
                    names[name, number] = unused(step_name(f"{name}-{point.variant.key}"), taken)
                    taken.add(names[name, number])
                changed = True
    return wiring


def _same(text: str) -> str:
    return text


def _metrics(
    document: MappingNode, parameters: Parameters, by_path: Producers, found: SourceFindings
) -> list[str]:
    """Return the files that `metrics` at the top level names, if a stage produces them."""
    result = []
    for node in _items(document.get("metrics")):
        written = text_of(node)
        if written is None:
            continue
        try:
            path = posixpath.normpath(resolve(written, parameters.values))
        except UnresolvedError as error:
            found.refuse(f"{quote(str(error))} has no value", node.span)
            continue
        if by_path.of(path) is None:
            found.leave(
                f"no stage makes the metrics {quote(written)}",
                node.span,
                "make it an output of a step, and name that in 'metrics'",
            )
        else:
            result.append(path)
    return result


def _leave_the_rest(document: MappingNode, by_path: Producers, found: SourceFindings) -> None:
    for node in _items(document.get("plots")):
        for written, options, span in _plots(node):
            is_picture = by_path.of(written) is not None and posixpath.splitext(written)[1] in (
                ".png",
                ".jpg",
                ".jpeg",
                ".svg",
                ".html",
            )
            if not is_picture or options:
                found.leave(f"the plot {quote(written)}", span, _PLOTTED)
    for key, hint in _LEFT.items():
        below = document.get(key)
        for name, node in entries_of(below).items():
            found.leave(f"{key[:-1]} {quote(name)}", node.span, hint)
        for node in _items(below):
            found.leave(f"an entry of {quote(key)}", node.span, hint)
    for key, entry in document.entries.items():
        if key not in _TOP:
            hint = f"the keys that are known are {', '.join(_TOP)}"
            found.leave(f"{quote(key)} is no key that DVC documents", entry.key_span, hint)


def _plots(node: Node) -> Iterator[tuple[str, bool, Span]]:
    if (text := text_of(node)) is not None:
        yield text, False, node.span
    elif isinstance(node, MappingNode):
        for text, entry in node.entries.items():
            yield text, isinstance(entry.value, MappingNode), entry.key_span


def _items(node: Node | None) -> tuple[Node, ...]:
    return node.items if isinstance(node, SequenceNode) else ()


def _locked_folders(files: SourceFiles) -> frozenset[str]:
    """Return the outputs that are folders according to dvc.lock."""
    content = files.content("dvc.lock")
    if content is None:
        return frozenset()
    try:
        document = yaml_reader.read(content, file="dvc.lock")
    except InvalidPipelineError:
        return frozenset()
    found = set()
    for stage in entries_of(document.get("stages")).values():
        for out in _items(entries_of(stage).get("outs")):
            values: Mapping[str, Node] = entries_of(out)
            path, digest = text_of(values.get("path")), text_of(values.get("md5"))
            if path and digest and digest.endswith(".dir"):
                found.add(posixpath.normpath(path))
    return frozenset(found)
