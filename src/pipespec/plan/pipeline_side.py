"""One of two pipelines that are compared: its steps, its code, and the content of its inputs, as far as names show it.

Takes a pipeline and the code that it calls. Returns the parts of its steps' keys. If content is not known, its name is
used instead, so that the parts of two sides differ wherever the keys of runs would. Pure, except for what
`Side.content` reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Final

from pipespec.document.nodes import JSON
from pipespec.frozen_values import frozen
from pipespec.plan.changes import PastRun
from pipespec.plan.plan import Facts
from pipespec.plan.planner import input_content
from pipespec.plan.records import OtherResult, OutputRecord, StepRecord
from pipespec.plan.step_key import step_key
from pipespec.python.identity.code_facts import CodeFacts
from pipespec.spec.contracts.data_schema import DataSchema
from pipespec.spec.pipeline_spec import (
    DirInput,
    FileInput,
    FilesInput,
    InputSource,
    PipelineInput,
    PipelineSpec,
    StepInput,
    StepSpec,
)
from pipespec.spec.registered_models import ModelInput

__all__ = ["NamedContents", "Side"]

_NO_DIGEST: Final = ""


@frozen
class Side:
    """One of two pipelines. `code` maps the name of each callable to its code; `notes` says what is not known.

    `content` returns the digest of the content that an external input had, or None if it is not known. It is called
    only for inputs that the other side does not name.
    """

    label: str
    spec: PipelineSpec
    code: Mapping[str, CodeFacts]
    notes: tuple[str, ...] = ()
    content: Callable[[FileInput | DirInput | FilesInput], str | None] = lambda _: None
    schemas: Mapping[str, DataSchema] | None = None
    """The content of the schemas of inputs and outputs, by their paths; None if it is not known."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """The metrics of its run, if it ran, by the names in the run of an invocation."""


class NamedContents:
    """One side with contents that are mostly known only by name: equal names count as equal bytes.

    If the `other` side does not name an external input, its content is read, because the file may have been moved.

    A step that has another name on the other side gets that name (`rename`).
    """

    def __init__(self, side: Side, other: Side) -> None:
        named = _input_names(other)
        # If one side does not know its schemas, they are assumed to be unchanged.
        known = {} if side.schemas is None or other.schemas is None else side.schemas
        self.side = side
        self._named = named
        self._untold: set[str] = set()
        self._aliases: dict[str, str] = {}
        sources = [spec.source for step in side.spec.steps.values() for spec in step.inputs.values()]
        self.facts = Facts(
            code=_AnyCode(side.code),
            files={
                _place(source): self._content(source)
                for source in sources
                if isinstance(source, FileInput | DirInput | FilesInput)
            },
            packages=_AsInstalled(),
            schemas={
                schema.path: known.get(schema.path, DataSchema(schema.text, ()))
                for step in side.spec.steps.values()
                for schema in step.schemas
            },
            probes={step_id: None for step_id, step in side.spec.steps.items() if step.identity.probe},
            results={
                source: _named_result(source)
                for source in sources
                if isinstance(source, PipelineInput | ModelInput)
            },
        )
        self.records = {step_id: self._record(step_id, step) for step_id, step in side.spec.steps.items()}

    def rename(self, step_id: str, known: str) -> None:
        """Let a step's outputs count as those of a step of the other side."""
        self._aliases[step_id] = known
        self.records[step_id] = self._record(step_id, self.side.spec.steps[step_id])

    def is_untold(self, step_id: str, argument: str) -> bool:
        """Return whether the content is not known of an external input that the other side does not name."""
        spec = self.side.spec.steps[step_id].inputs.get(argument)
        source = None if spec is None else spec.source
        return isinstance(source, FileInput | DirInput | FilesInput) and source.text in self._untold

    def parts(self, step_id: str) -> Mapping[str, JSON]:
        """Return the parts of a step's key, as far as names show them; none for a step without identity."""
        step, steps = self.side.spec.steps[step_id], self.side.spec.steps
        contents = {
            argument: input_content(spec.source, self.facts, self.records, lambda one: steps[one].variant)
            for argument, spec in step.inputs.items()
        }
        key = step_key(step, self.facts, contents)
        return {} if key is None else key.parts

    def past(self, step_id: str, parts: Mapping[str, JSON]) -> PastRun:
        """Return a step in the form of a past run that had these parts of its key."""
        step = self.side.spec.steps[step_id]
        called = {str(ref): self.side.code.get(str(ref)) for ref in step.counted}
        pieces = {
            name: piece.text for known in called.values() if known for name, piece in known.pieces.items()
        }
        own = called[str(step.call)]
        return PastRun(
            run_id="",
            step=step_id,
            key="",
            generation=0,
            seconds=0.0,
            ended=0.0,
            manifest={
                "parts": dict(parts),
                "params": step.param_values,
                "inputs": {name: self._told(spec.source) for name, spec in step.inputs.items()},
                "code": {} if own is None else dict(own.counted),
                "also_called": {
                    call: {"code": dict(known.counted)} for call, known in called.items() if known
                },
                "sources": dict(pieces),
                "imports": {
                    name: line.text
                    for known in called.values()
                    if known
                    for name, line in known.import_lines.items()
                },
            },
        )

    def _told(self, source: InputSource) -> JSON:
        if isinstance(source, PipelineInput):
            return {"pipeline": source.text, "step": source.step, "output": source.output, "digest": None}
        if isinstance(source, ModelInput):
            return {"model": source.text, "digest": None}
        if not isinstance(source, StepInput):
            return {"external": source.text, "digest": None}
        return [
            {
                "step": self._aliases.get(producer, producer),
                "output": source.output,
                "part": source.part,
                "digest": _output_of(self.records[producer], source.output),
                "run_id": None,
            }
            for producer in source.producers
        ]

    def _record(self, step_id: str, step: StepSpec) -> StepRecord:
        known = self._aliases.get(step_id, step_id)
        outputs = {
            name: OutputRecord(f"{known}.{name}", 0, 1, output.file) for name, output in step.outputs.items()
        }
        return StepRecord("", step_id, "", outputs, 0, 0.0, 0.0, "")

    def _content(self, source: FileInput | DirInput | FilesInput) -> OutputRecord:
        name = _name_of(source, self.side.spec.root)
        digest = None if name in self._named else self.side.content(source)
        if digest is None and name not in self._named:
            self._untold.add(source.text)
        return OutputRecord(digest or name, 0, 1, name)


def _named_result(source: PipelineInput | ModelInput) -> OtherResult:
    if isinstance(source, ModelInput):
        return OtherResult(OutputRecord(source.text, 0, 1, "result"), "", "", "", model=source.name)
    which = f"{source.text}#{source.step}.{source.output}{'@latest' if source.latest else ''}"
    return OtherResult(OutputRecord(which, 0, 1, "result"), source.step, source.output or "", "")


class _AnyCode(dict[str, CodeFacts]):
    """Code by the callable's name; none for unknown code."""

    def __missing__(self, call: str) -> CodeFacts:
        return CodeFacts(_NO_DIGEST, {}, ())


class _AsInstalled(dict[str, str | None]):
    """Versions of packages: the installed ones, for both sides."""

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
        del name, default
        return "as installed"


def _input_names(side: Side) -> frozenset[str]:
    """Return the names of the external files, folders and patterns that a pipeline reads, relative to its root."""
    sources = [spec.source for step in side.spec.steps.values() for spec in step.inputs.values()]
    return frozenset(
        _name_of(source, side.spec.root)
        for source in sources
        if isinstance(source, FileInput | DirInput | FilesInput)
    )


def _name_of(source: FileInput | DirInput | FilesInput, root: Path) -> str:
    place = _place(source)
    return str(Path(place).relative_to(root)) if Path(place).is_relative_to(root) else place


def _place(source: InputSource) -> str:
    match source:
        case FileInput(path=place) | DirInput(path=place) | FilesInput(pattern=place):
            return place
        case _:
            return ""


def _output_of(record: StepRecord, output: str | None) -> JSON:
    known = record.outputs.get(output or "")
    return None if known is None else known.digest
