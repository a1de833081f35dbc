"""Checks of file formats: can an output be saved, and can its readers load it as their annotations say?

The table is `spec.file_formats`. Unknown types are accepted, and so are inputs and outputs with a loader or saver function.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from pipespec.checks.binding_checks import asked_annotation
from pipespec.checks.check_context import CheckContext
from pipespec.checks.return_checks import returned_for, returned_outputs, saved_type
from pipespec.checks.roundtrip_types import as_json, is_made_of_json
from pipespec.checks.value_types import Passing, overlap
from pipespec.document.wording import listing, quote
from pipespec.errors import Diagnostic, Severity
from pipespec.python.callable_ref import CallableRef
from pipespec.python.collecting_arguments import INPUTS
from pipespec.python.signature import Annotation, CallableSource
from pipespec.spec.file_formats import FORMATS, format_of, known_type, nearest_suffix, suffix_of
from pipespec.spec.pipeline_spec import (
    DirInput,
    FileInput,
    FilesInput,
    InputSpec,
    OutputSpec,
    PipelineSpec,
    StepInput,
    StepSpec,
)

__all__ = ["can_load", "input_file", "inputs_load", "item_of", "outputs_save", "pickles", "used_suffixes"]

_PATH = "pathlib.Path"


def used_suffixes(spec: PipelineSpec) -> frozenset[str]:
    """Return the suffixes of all files that steps read and write, as far as their names say it."""
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


def inputs_load(context: CheckContext) -> Iterator[Diagnostic]:
    """Report inputs with a file that cannot be loaded as the annotation of their argument says."""
    for variants, source in context.sound:
        for step in variants:
            for spec in step.inputs.values():
                asked = asked_annotation(spec.argument, INPUTS, step, source)
                if asked is not None and (asked[0] == spec.argument or not _has_several(spec)):
                    yield from _input(spec, asked[1], step, context)


def _has_several(spec: InputSpec) -> bool:
    return isinstance(spec.source, FilesInput) or (isinstance(spec.source, StepInput) and spec.source.fan_in)


def _input(
    spec: InputSpec, annotation: Annotation, step: StepSpec, context: CheckContext
) -> Iterator[Diagnostic]:
    known_file = input_file(spec, context)
    if known_file is None or can_load(spec, annotation, context) or _is_told_missing(spec, context):
        return
    file, is_directory = known_file
    members = [member for member in annotation.members if member.name != "None"]
    subject = f"input {quote(spec.argument)} of step {quote(step.name)}"
    asked = f"'{spec.argument}: {annotation.text}'"
    if isinstance(spec.source, FilesInput):
        message, hint = (
            f"{subject} is a list of paths, but the function expects {asked}",
            "annotate it list[Path]",
        )
    elif isinstance(spec.source, StepInput) and spec.source.fan_in and not _of_variants(members):
        message = f"{subject} has one value for each variant, but the function expects {asked}"
        hint = "annotate it dict[str, ...], or list[tuple[dict, ...]]"
    elif spec.load == "path" or is_directory:
        what = "a directory" if is_directory else "passed as a path"
        message, hint = f"{subject} is {what}, but the function expects {asked}", "annotate it Path"
    else:
        message = f"{subject} is {quote(file)}, which cannot be loaded as the function expects: {asked}"
        hint = f"it can be loaded as {listing(format_of(file).loads)}"
        if suffix_of(file) not in FORMATS:
            hint += ", or by a function that gets the path: load: module:function"
    yield Diagnostic("type-mismatch", message, spec.span, hint)


def _is_told_missing(spec: InputSpec, context: CheckContext) -> bool:
    """Return whether a file without a suffix is not there: then its format only follows from the wrong name."""
    source = spec.source
    if not isinstance(source, FileInput) or suffix_of(source.text) or context.exists is None:
        return False
    return not context.exists(source)


def can_load(spec: InputSpec, annotation: Annotation, context: CheckContext) -> bool:
    """Return whether a file with the suffix of the input can be loaded as an annotation says. If nothing is known, it can."""
    known_file = input_file(spec, context)
    if known_file is None or isinstance(spec.load, CallableRef):
        return True
    file, is_directory = known_file
    members = [member for member in annotation.members if member.name != "None"]
    return any(_fits(spec, file, member, context, is_directory=is_directory) for member in members)


def input_file(spec: InputSpec, context: CheckContext) -> tuple[str, bool] | None:
    """Return the name of the file that an input gets, and whether it is a directory; None if that is not known."""
    match spec.source:
        case FileInput(path=path):
            # The query of a URI may name the file, or only its version.
            return None if "://" in path and "?" in path else (PurePosixPath(path).name, False)
        case FilesInput(pattern=pattern):
            return pattern, False
        case DirInput(path=path):
            return path, True
        case StepInput(output=str(name), part=part, producers=(first, *_)):
            output = context.spec.steps[first].outputs.get(name)
            if output is None or (output.model is not None and part is None):
                return None
            return (part, False) if part is not None else (output.file, output.is_directory)
        case _:
            return None


def _fits(
    spec: InputSpec, file: str, annotation: Annotation, context: CheckContext, *, is_directory: bool
) -> bool:
    wanted = known_type(annotation.name)
    if isinstance(spec.source, FilesInput):
        item = known_type(annotation.args[0].name) if annotation.args else None
        return wanted is None or (wanted == "list" and item in (None, _PATH))
    if isinstance(spec.source, StepInput) and spec.source.fan_in:
        if wanted not in (None, "dict", "list"):
            return False
        item_annotation = item_of(annotation)
        if item_annotation is None:
            return True
        members = [member for member in item_annotation.members if member.name != "None"]
        return any(
            _loads(spec, file, known_type(one.name), context, is_directory=is_directory) for one in members
        )
    return _loads(spec, file, wanted, context, is_directory=is_directory)


def _loads(
    spec: InputSpec, file: str, wanted: str | None, context: CheckContext, *, is_directory: bool
) -> bool:
    if wanted is None:
        return True
    if is_directory or spec.load == "path":
        return wanted == _PATH
    return suffix_of(file) in context.suffixes or format_of(file).can_load(wanted)


def _of_variants(members: list[Annotation]) -> bool:
    return any(known_type(member.name) in (None, "dict", "list") for member in members)


def item_of(annotation: Annotation) -> Annotation | None:
    """Return the type of one value of a fan-in: T for `dict[str, T]` and for `list[tuple[dict, T]]`."""
    args = annotation.args
    if known_type(annotation.name) == "dict":
        return args[1] if len(args) == 2 else None
    if known_type(annotation.name) == "list" and args and len(args[0].args) == 2:
        return args[0].args[1]
    return None


def outputs_save(context: CheckContext) -> Iterator[Diagnostic]:
    """Report outputs with a returned value that cannot be saved under their suffix."""
    for variants, source in context.sound:
        step = variants[0]
        for output in returned_outputs(step, source):
            if not output.is_directory and not isinstance(output.save, CallableRef):
                annotation = returned_for(output.name, step, source)
                yield from _output(output, annotation, step, source, context)


def _output(
    output: OutputSpec,
    annotation: Annotation | None,
    step: StepSpec,
    source: CallableSource,
    context: CheckContext,
) -> Iterator[Diagnostic]:
    suffix = suffix_of(output.file)
    if suffix in context.suffixes:
        return
    members = [] if annotation is None else [one for one in annotation.members if one.name != "None"]
    known = [name for one in members if (name := saved_type(one, source.definitions)) is not None]
    can_save = format_of(output.file).can_save
    is_lost = is_made_of_json(output.file) and not _can_be_written(annotation, source)
    if known and len(known) == len(members) and (is_lost or not any(map(can_save, known))):
        assert annotation is not None
        message = f"output {quote(output.name)} of step {quote(step.name)} is {quote(output.file)}, which cannot store the '{annotation.text}' that the function returns"
        suffixes = [
            name
            for name, entry in FORMATS.items()
            if entry.is_advised
            and any(map(entry.can_save, known))
            and ("object" in entry.saves or not is_lost)
        ]
        hint = f"suffixes that can store it: {', '.join(suffixes)}"
        if suffix not in FORMATS:
            near = nearest_suffix(suffix)
            if near in suffixes:
                hint = f"did you mean {quote(_renamed(output, near))}?"
            elif not suffix and suffixes:
                bare = f".{output.file}" in suffixes
                file = f"{output.name if bare else output.file}{f'.{output.file}' if bare else suffixes[0]}"
                hint = f"the suffix says the format: write {file}; {hint}"
            else:
                hint = f"{_saver(output)}; {hint}"
        yield Diagnostic("type-mismatch", message, output.span, hint)
    elif suffix not in FORMATS and not known:
        what = (
            f"suffix {quote(suffix)} is not a known format"
            if suffix
            else "it has no suffix that determines the format"
        )
        message = (
            f"output {quote(output.name)} of step {quote(step.name)} is {quote(output.file)}, and {what}"
        )
        hint = _other_format(output)
        yield Diagnostic("unknown-format", message, output.span, hint, Severity.ADVICE)


def _other_format(output: OutputSpec) -> str:
    """Return a hint for a suffix that is not known."""
    suffix = suffix_of(output.file)
    near = nearest_suffix(suffix) if suffix else None
    if near is not None:
        return f"did you mean {quote(_renamed(output, near))}? otherwise return bytes or a Path, or {_saver(output)}"
    known = f"; known suffixes are {' '.join(FORMATS)}" if not suffix else ""
    return f"return bytes or a Path, or {_saver(output)}{known}"


def _saver(output: OutputSpec) -> str:
    return f"save it by a function: {{file: {output.file}, save: module:function}}"


def _renamed(output: OutputSpec, suffix: str | None) -> str:
    return f"{output.file[: len(output.file) - len(suffix_of(output.file))]}{suffix}"


def _can_be_written(annotation: Annotation | None, source: CallableSource) -> bool:
    """Return whether JSON can store a value of the annotated return type. It has no sets, at any depth."""
    if annotation is None or not (annotation.args or annotation.name in source.definitions):
        return True
    shapes = as_json(annotation, source.definitions)
    return overlap(shapes, shapes) is not Passing.NEVER


def pickles(context: CheckContext) -> Iterator[Diagnostic]:
    """Advise an open format instead of a pickle."""
    for step in context.shared():
        for output in step.outputs.values():
            entry = FORMATS.get(suffix_of(output.file))
            if entry is not None and not entry.is_advised:
                message = f"output {quote(output.name)} of step {quote(step.name)} is a pickle, which only Python can read, and which can run code when it is read"
                hint = "prefer an open format such as .parquet, .json or .npy; use .joblib only for objects that fit no other format"
                yield Diagnostic("pickle-output", message, output.span, hint, Severity.ADVICE)
