"""What makes two executions of a step the same: canonical JSON, and the step's key computed from it.

Takes a step, facts and the content of its inputs. Returns a `StepKey`. Equal keys mean that a recorded result may be
reused. Therefore, the key contains everything that could change the result, and nothing else. Values without a unique
spelling are refused: numbers that are not finite, integers beyond 64 bits, lone surrogates.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import urlsplit

from pipespec.document.nodes import JSON
from pipespec.errors import UsageError
from pipespec.plan.plan import Facts
from pipespec.plan.records import OutputRecord, StepKey
from pipespec.python.callable_ref import CallableRef
from pipespec.spec.pipeline_spec import (
    CountedCode,
    DirInput,
    FileInput,
    FilesInput,
    InputSource,
    InputSpec,
    OutputSpec,
    PipelineInput,
    StepInput,
    StepSpec,
)
from pipespec.spec.registered_models import ModelInput
from pipespec.spec.variant_names import Variant, point_text

__all__ = [
    "KEY_FORMAT",
    "canonical",
    "digest",
    "external_content",
    "fan_in_content",
    "key_of_parts",
    "output_content",
    "step_key",
]

KEY_FORMAT: Final = 2
"""The first element of what is hashed. Increased by any change that gives an unchanged step another key."""

_PART_KINDS: Final = (
    "name",
    "call",
    "code",
    "files",
    "params",
    "inputs",
    "outputs",
    "version",
    "packages",
    "probe",
    "untracked",
    "after",
)
_DEEPEST: Final = 128
_HALF: Final = re.compile("[\ud800-\udfff]")
"""One half of a surrogate pair."""
_SMALLEST_INT: Final = -(2**63)
_LARGEST_INT: Final = 2**63 - 1


def canonical(value: JSON, *, what: str = "value") -> str:
    """Format a JSON value in the only spelling that identity uses. Equal text means equal value *and* type.

    Keys are sorted by code point, text is as it is written, no spaces; floats have their shortest round-trip spelling.
    `1`, `1.0`, `true` and `"1"` differ, and so do `0.0` and `-0.0`: a function can distinguish them.

    Raises:
        UsageError: naming `what` and the path in it, for NaN and infinities, integers that do not fit 64 bits
            with sign, lone surrogates, keys that are no text, other types, and more than 128 levels.
    """
    return _encode(_normal(value, (), what))


def digest(kind: str, value: JSON) -> str:
    """Return the SHA-256 hash, 64 hex digits, of the canonical JSON of `[kind, value]`."""
    return _sha256(canonical([kind, value], what=kind))


def step_key(step: StepSpec, facts: Facts, inputs: Mapping[str, JSON]) -> StepKey | None:
    """Return the key of a step whose inputs are all known, or None if it has no identity.

    `inputs` maps each argument to the JSON of its content (`external_content`, `output_content`, `fan_in_content`); how
    it is loaded is added here. Not in the key: needs, metrics, checks, retry, timeout, resources, priority, tags,
    description, experiment, names under which models are registered, ignored params, the values of secrets, the names
    of variants and of the pipeline, and every path. See docs/decisions/0003-what-is-in-a-key.md.

    Raises:
        UsageError: if a param or the result of a probe has no canonical spelling.
    """
    if step.identity.never:
        return None
    parts: dict[str, JSON] = {
        "name": step.name,
        "call": str(step.call),
        "code": _code(step, step.call, facts),
        "params": {
            name: value for name, value in step.param_values.items() if name not in step.identity.ignore
        },
        "inputs": {name: _input(step, spec, inputs[name], facts) for name, spec in step.inputs.items()},
        "outputs": [_output(step, output, facts) for output in step.outputs.values()],
    }
    if step.identity.code is not CountedCode.NONE and (files := _files(step, facts)):
        parts["files"] = files
    if step.identity.version is not None:
        parts["version"] = step.identity.version
    if step.identity.packages:
        parts["packages"] = {name: facts.packages.get(name) for name in step.identity.packages}
    if step.identity.probe is not None:
        parts["probe"] = facts.probes[step.id]
    if step.identity.untracked:
        parts["untracked"] = [*sorted(set(step.identity.untracked))]
    if step.after is not None:
        parts["after"] = _how(step, step.after, facts)
    return key_of_parts(parts, what=f"step '{step.id}'")


def key_of_parts(parts: Mapping[str, JSON], *, what: str = "key") -> StepKey:
    """Return the key of these parts. The parts in a manifest give the key under which the run was recorded.

    Parts that a step does not have are left out, so that a kind of part that is added later does not change the keys of
    steps without it. Arguments are sorted by name, as they are when the function is called. A mapping within a value is
    passed in the order in which it is written, so there the order counts.
    """
    for kind in parts:
        if kind not in _PART_KINDS:
            raise UsageError(f"{what}: a key has no part '{kind}'")
    tagged: list[JSON] = [
        [kind, _normal(_as_handed(kind, parts[kind]), (kind,), what)] for kind in _PART_KINDS if kind in parts
    ]
    return StepKey(hex=_sha256(_encode([KEY_FORMAT, *tagged])), parts=dict(parts))


def output_content(record: OutputRecord, part: str | None = None) -> JSON:
    """Return what identity contains about a recorded output, or about one file in a directory output.

    The suffixes count in addition to the digest, because they determine how a file is loaded. The rest of the name does
    not count. For a directory, only the digest of the whole tree is recorded, so a part is identified by that digest
    and its name: if another file beside it changes, its readers run again, which is too often but never wrong.
    """
    if part is not None:
        return {"tree": record.digest, "part": part}
    if record.file.endswith("/"):
        return {"tree": record.digest}
    return {"file": record.digest, "suffix": _suffix(record.file)}


def external_content(source: InputSource, facts: Facts) -> JSON:
    """Return what identity contains about external content.

    Raises:
        UsageError: if `facts` do not contain it.
    """
    match source:
        case FileInput(path=path, text=text):
            return {"file": _external(path, text, facts).digest, "suffix": _suffix(path)}
        case DirInput(path=path, text=text):
            return {"tree": _external(path, text, facts).digest}
        case FilesInput(pattern=pattern, text=text):
            return {"files": _external(pattern, text, facts).digest}
        case PipelineInput(text=text):
            if source not in facts.results:
                raise UsageError(f"the result of this pipeline is not known: '{text}'")
            return output_content(facts.results[source].output)
        case ModelInput(text=text):
            if source not in facts.results:
                raise UsageError(f"the version of this model is not known: '{text}'")
            found = facts.results[source]
            return {"model": found.model, "version": found.version, "tree": found.output.digest}
        case StepInput(step=name):
            raise TypeError(f"'{name}' is a step of this pipeline, not an external input")


def fan_in_content(variants: Iterable[tuple[Variant, JSON]]) -> JSON:
    """Return what identity contains about a fan-in: the content at each point of the axes that are left open."""
    return {"variants": {point_text(point): content for point, content in variants}}


def _input(step: StepSpec, spec: InputSpec, content: JSON, facts: Facts) -> JSON:
    parts: dict[str, JSON] = {"content": content}
    if spec.load is not None:
        parts["load"] = _how(step, spec.load, facts)
    if spec.schema is not None:
        parts["schema"] = facts.schemas[spec.schema.path].digest
    return parts


def _output(step: StepSpec, output: OutputSpec, facts: Facts) -> JSON:
    row: list[JSON] = [output.name, output.file]
    row.append(None if output.save is None else _how(step, output.save, facts))
    if output.schema is not None:
        row.append(facts.schemas[output.schema.path].digest)
    if output.model is not None:
        row.append({"flavor": output.model.flavor, "example": output.model.example})
    return row


def _as_handed(kind: str, part: JSON) -> JSON:
    """Convert the mappings that a function or library gets to pairs, in their order."""
    match part:
        case dict() if kind == "params":
            return {name: _in_order(value) for name, value in part.items()}
        case dict() if kind == "inputs":
            return {
                name: {**one, "load": _options(one["load"])}
                if isinstance(one, dict) and "load" in one
                else one
                for name, one in part.items()
            }
        case list() if kind == "outputs":
            return [[*row[:2], _options(row[2]), *row[3:]] if isinstance(row, list) else row for row in part]
        case _:
            return part


def _options(way: JSON) -> JSON:
    match way:
        case ["options", dict() as options]:
            return ["options", {name: _in_order(value) for name, value in options.items()}]
        case _:
            return way


def _in_order(value: JSON) -> JSON:
    """Write each mapping as `{"mapping": [[key, value], ...]}`. No other value is written in this form."""
    match value:
        case dict():
            return {"mapping": [[key, _in_order(item)] for key, item in value.items()]}
        case list():
            return [_in_order(item) for item in value]
        case _:
            return value


def _how(step: StepSpec, way: Mapping[str, JSON] | str | CallableRef, facts: Facts) -> JSON:
    """Options of a format, `path`, or a callable with its code. The first word distinguishes them."""
    match way:
        case str():
            return [way]
        case CallableRef():
            return ["call", str(way), _code(step, way, facts)]
        case _:
            return ["options", dict(way)]


def _code(step: StepSpec, ref: CallableRef, facts: Facts) -> JSON:
    """The digest of the code that a callable reaches. For installed code, the distribution's name and version are used instead."""
    if step.identity.code is CountedCode.NONE:
        return None
    known = facts.code[str(ref)]
    if known.package is not None:
        return {"package": list(known.package)}
    # A run whose loaded modules were not completely recorded does not count for a step that requires them.
    whole: dict[str, JSON] = {"loaded": True} if step.identity.code is CountedCode.MODULES else {}
    return {"digest": known.digest, **whole}


def _files(step: StepSpec, facts: Facts) -> dict[str, JSON]:
    """The digests of the files that the step runs as code, if they exist."""
    known = {ref.text: facts.code.get(str(ref)) for ref in step.source_files}
    return {text: {"digest": found.digest} for text, found in known.items() if found is not None}


def _external(path: str, text: str, facts: Facts) -> OutputRecord:
    if path not in facts.files:
        raise UsageError(f"the content is not known of '{text}'")
    return facts.files[path]


def _suffix(location: str) -> str:
    """All suffixes of a path or URI (`.csv.gz`): the last one alone would treat a compressed table as any other compressed file."""
    path = urlsplit(location).path if "://" in location else location
    return "".join(PurePosixPath(path).suffixes)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _encode(normal: JSON) -> str:
    return json.dumps(normal, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _is_normal(value: JSON, levels: int) -> bool:
    """Return quickly whether a value can be written as it is. If not, `_examined` says what is wrong, and where."""
    if type(value) is str:
        return _HALF.search(value) is None
    if type(value) is int:
        return _SMALLEST_INT <= value <= _LARGEST_INT
    if type(value) is float:
        return math.isfinite(value)
    if type(value) is dict:
        return levels > 0 and all(
            type(key) is str and _HALF.search(key) is None and _is_normal(item, levels - 1)
            for key, item in value.items()
        )
    if type(value) is list:
        return levels > 0 and all(_is_normal(item, levels - 1) for item in value)
    return value is None or type(value) is bool


def _normal(value: JSON, path: tuple[str | int, ...], what: str) -> JSON:
    """Return a value as it is written in a key.

    Raises:
        UsageError: if it cannot be written.
    """
    return value if _is_normal(value, _DEEPEST - len(path)) else _examined(value, path, what)


def _examined(value: JSON, path: tuple[str | int, ...], what: str) -> JSON:
    if len(path) > _DEEPEST:
        raise _refused(what, path[:3], f"is nested deeper than {_DEEPEST} levels")
    match value:
        case None | bool():
            return value
        case str():
            return _whole_text(value, path, what)
        case int():
            if not _SMALLEST_INT <= value <= _LARGEST_INT:
                raise _refused(what, path, "is an integer of more than 64 bits")
            return value
        case float():
            if not math.isfinite(value):
                raise _refused(what, path, f"is {value}, which is not a finite number")
            return value
        case list():
            return [_examined(item, (*path, position), what) for position, item in enumerate(value)]
        case dict():
            return _normal_mapping(value, path, what)
        case _:
            raise _refused(what, path, f"is a {type(value).__name__}, which is not a JSON value")


def _normal_mapping(value: dict[str, JSON], path: tuple[str | int, ...], what: str) -> JSON:
    normal: dict[str, JSON] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise _refused(what, path, f"has the key {key!r}, which is not text")
        normal[_whole_text(key, path, what)] = _examined(item, (*path, key), what)
    return normal


def _whole_text(text: str, path: tuple[str | int, ...], what: str) -> str:
    if _HALF.search(text) is not None:
        raise _refused(what, path, "contains half of a surrogate pair, which cannot be stored in a text file")
    return text


def _refused(what: str, path: tuple[str | int, ...], why: str) -> UsageError:
    place = ".".join(str(key) for key in path)
    return UsageError(f"{what}: '{place}' {why}" if place else f"{what} {why}")
