"""Checks of formats: can an output be saved, and can what reads it load it, as the annotations say?

The table is `suffixes`. A type of nobody's knowledge is no mistake; nor is what a function of the user's loads or saves.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from pipespec.document.wording import listing, quote
from pipespec.errors import Diagnostic, Severity
from pipespec.spec.binding_checks import is_written
from pipespec.spec.evidence import Evidence
from pipespec.spec.model import (
    CallableRef,
    DirInput,
    FileInput,
    FilesInput,
    InputSpec,
    OutputSpec,
    PipelineSpec,
    StepInput,
    StepSpec,
)
from pipespec.spec.signature import Annotation, CallableSource
from pipespec.spec.suffixes import FORMATS, format_of, known_type, suffix_of

__all__ = ["inputs_load", "outputs_save", "pickles", "returns_fit", "used_suffixes"]

_PATH = "pathlib.Path"


def used_suffixes(spec: PipelineSpec) -> frozenset[str]:
    """Return the suffixes of all files that steps read and write, as far as names tell."""
    files: set[str] = set()
    for step in spec.steps.values():
        files.update(output.file for output in step.outputs.values() if not output.is_directory)
        for declared in step.inputs.values():
            match declared.source:
                case FileInput(path=path) if "?" not in path:
                    files.add(path)
                case StepInput(part=str(part)):
                    files.add(part)
    return frozenset(map(suffix_of, files)) - {""}


def inputs_load(evidence: Evidence) -> Iterator[Diagnostic]:
    """Tell of inputs whose file cannot be loaded as their argument is annotated."""
    for variants, source in evidence.sound():
        for step in variants:
            for spec in step.inputs.values():
                argument = source.argument(spec.argument)
                if argument is not None and argument.annotation is not None:
                    yield from _input(spec, argument.annotation, step, evidence)


def _input(
    spec: InputSpec, annotation: Annotation, step: StepSpec, evidence: Evidence
) -> Iterator[Diagnostic]:
    if isinstance(spec.load, CallableRef):
        return
    arriving = _arriving(spec, evidence)
    if arriving is None:
        return
    file, is_directory = arriving
    members = [member for member in annotation.members if member.name != "None"]
    if any(_fits(spec, file, member, evidence, is_directory=is_directory) for member in members):
        return
    subject = f"input {quote(spec.argument)} of step {quote(step.name)}"
    asked = f"'{spec.argument}: {annotation.text}'"
    if isinstance(spec.source, FilesInput):
        message, hint = (
            f"{subject} is a list of paths, and the function asks for {asked}",
            "annotate it list[Path]",
        )
    elif isinstance(spec.source, StepInput) and spec.source.fan_in and not _of_variants(members):
        message = f"{subject} is one value for each variant, and the function asks for {asked}"
        hint = "annotate it dict[str, ...], or list[tuple[dict, ...]]"
    elif spec.load == "path" or is_directory:
        what = "a directory" if is_directory else "handed over as a path"
        message, hint = f"{subject} is {what}, and the function asks for {asked}", "annotate it Path"
    else:
        message = f"{subject} is {quote(file)}, which cannot be loaded as the function asks: {asked}"
        hint = f"it can be loaded as {listing(format_of(file).loads)}"
    yield Diagnostic("type-mismatch", message, spec.span, hint)


def _arriving(spec: InputSpec, evidence: Evidence) -> tuple[str, bool] | None:
    """Return the name of the file that arrives and whether it is a directory, None where that is not known."""
    match spec.source:
        case FileInput(path=path):
            # The query of a URI may name the file, or only a version of it.
            return None if "://" in path and "?" in path else (PurePosixPath(path).name, False)
        case FilesInput(pattern=pattern):
            return pattern, False
        case DirInput(path=path):
            return path, True
        case StepInput(output=str(name), part=part, producers=(first, *_)):
            output = evidence.spec.steps[first].outputs.get(name)
            if output is None:
                return None
            return (part, False) if part is not None else (output.file, output.is_directory)
        case _:
            return None


def _fits(
    spec: InputSpec, file: str, annotation: Annotation, evidence: Evidence, *, is_directory: bool
) -> bool:
    wanted = known_type(annotation.name)
    if isinstance(spec.source, FilesInput):
        item = known_type(annotation.args[0].name) if annotation.args else None
        return wanted is None or (wanted == "list" and item in (None, _PATH))
    if isinstance(spec.source, StepInput) and spec.source.fan_in:
        if wanted not in (None, "dict", "list"):
            return False
        item_annotation = _item(annotation)
        if item_annotation is None:
            return True
        members = [member for member in item_annotation.members if member.name != "None"]
        return any(
            _loads(spec, file, known_type(one.name), evidence, is_directory=is_directory) for one in members
        )
    return _loads(spec, file, wanted, evidence, is_directory=is_directory)


def _loads(spec: InputSpec, file: str, wanted: str | None, evidence: Evidence, *, is_directory: bool) -> bool:
    if wanted is None:
        return True
    if is_directory or spec.load == "path":
        return wanted == _PATH
    return suffix_of(file) in evidence.suffixes or format_of(file).can_load(wanted)


def _of_variants(members: list[Annotation]) -> bool:
    return any(known_type(member.name) in (None, "dict", "list") for member in members)


def _item(annotation: Annotation) -> Annotation | None:
    """Return the type of one value of a fan-in: of `dict[str, T]`, and of `list[tuple[dict, T]]`, it is T."""
    args = annotation.args
    if known_type(annotation.name) == "dict":
        return args[1] if len(args) == 2 else None
    if known_type(annotation.name) == "list" and args and len(args[0].args) == 2:
        return args[0].args[1]
    return None


def returns_fit(evidence: Evidence) -> Iterator[Diagnostic]:
    """Tell of functions whose return annotation cannot give the outputs that they do not write themselves."""
    for variants, source in evidence.sound():
        step = variants[0]
        returned = _returned(step, source)
        annotation = source.returns
        if not returned or annotation is None or not source.is_certain:
            continue
        names = [output.name for output in returned]
        message = (
            f"{quote(str(step.call))} is annotated to return '{annotation.text}', and step {quote(step.name)}"
        )
        if annotation.name in ("None", "typing.NoReturn", "typing.Never"):
            message += f" has to get {listing(names)} from it"
            hint = f"return it, or write it to an argument called {quote(names[0])}"
            yield Diagnostic("return-type", message, step.call.span, hint)
        elif len(returned) > 1 and (count := _tuple_length(annotation)) not in (None, len(returned)):
            message += f" has {len(returned)} outputs to get from it: {listing(names)}"
            yield Diagnostic("return-type", message, step.call.span, f"the tuple has {count}")
        elif len(returned) > 1 and known_type(annotation.name) not in (None, "dict"):
            message += f" has {len(returned)} outputs to get from it: {listing(names)}"
            hint = "return a mapping, dataclass or named tuple with these names, or a tuple in this order"
            yield Diagnostic("return-type", message, step.call.span, hint)


def _returned(step: StepSpec, source: CallableSource) -> list[OutputSpec]:
    """Return the outputs that the function does not write itself."""
    bound = {*step.inputs, *step.params, *step.axis_arguments}
    return [
        output
        for output in step.outputs.values()
        if output.name in bound or not is_written(source.argument(output.name))
    ]


def _tuple_length(annotation: Annotation) -> int | None:
    if annotation.name != "tuple" or not annotation.args or annotation.args[-1].name == "...":
        return None
    return len(annotation.args)


def outputs_save(evidence: Evidence) -> Iterator[Diagnostic]:
    """Tell of outputs whose returned value cannot be saved under their suffix."""
    for variants, source in evidence.sound():
        step = variants[0]
        returned = _returned(step, source)
        for position, output in enumerate(returned):
            if not output.is_directory and not isinstance(output.save, CallableRef):
                annotation = _annotation_of(position, returned, source)
                yield from _output(output, annotation, step, evidence)


def _annotation_of(position: int, returned: list[OutputSpec], source: CallableSource) -> Annotation | None:
    annotation = source.returns
    if annotation is None or len(returned) == 1:
        return annotation
    return annotation.args[position] if _tuple_length(annotation) == len(returned) else None


def _output(
    output: OutputSpec, annotation: Annotation | None, step: StepSpec, evidence: Evidence
) -> Iterator[Diagnostic]:
    suffix = suffix_of(output.file)
    if suffix in evidence.suffixes:
        return
    members = [] if annotation is None else [one for one in annotation.members if one.name != "None"]
    known = [name for one in members if (name := known_type(one.name)) is not None]
    can_save = format_of(output.file).can_save
    if known and len(known) == len(members) and not any(map(can_save, known)):
        assert annotation is not None
        message = f"output {quote(output.name)} of step {quote(step.name)} is {quote(output.file)}, which cannot hold the '{annotation.text}' that the function returns"
        suffixes = [
            name for name, entry in FORMATS.items() if entry.is_advised and any(map(entry.can_save, known))
        ]
        yield Diagnostic("type-mismatch", message, output.span, f"suffixes that can: {', '.join(suffixes)}")
    elif suffix not in FORMATS and not known:
        what = (
            f"suffix {quote(suffix)} is of no known format"
            if suffix
            else "there is no suffix to say the format"
        )
        message = (
            f"output {quote(output.name)} of step {quote(step.name)} is {quote(output.file)}, and {what}"
        )
        hint = f"the function has to return bytes or a Path; known are {' '.join(FORMATS)}"
        yield Diagnostic("unknown-format", message, output.span, hint, Severity.ADVICE)


def pickles(evidence: Evidence) -> Iterator[Diagnostic]:
    """Advise an open format in place of a pickle."""
    for step in evidence.shared():
        for output in step.outputs.values():
            entry = FORMATS.get(suffix_of(output.file))
            if entry is not None and not entry.is_advised:
                message = f"output {quote(output.name)} of step {quote(step.name)} is a pickle, which only Python reads, and which runs code when it is read"
                hint = (
                    "an open format such as .parquet, .json or .npy lasts longer; .joblib for what fits none"
                )
                yield Diagnostic("pickle-output", message, output.span, hint, Severity.ADVICE)
