"""What makes two executions of a step the same: canonical JSON, and the step's key over it.

Takes a step, facts of the world and the content of its inputs; gives a `StepKey`. Equal keys mean that a
recorded result may be reused, so whatever could change the result is in, and nothing else. Refused is what
has no one spelling: numbers that are not finite, integers beyond 64 bits, lone surrogates, keys that are
equal once normalised.
"""

from __future__ import annotations

import hashlib
import json
import math
import unicodedata
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import urlsplit

from pipespec.document.nodes import JSON, plain
from pipespec.errors import UsageError
from pipespec.plan.model import Facts, OutputRecord, StepKey
from pipespec.spec.model import (
    CallableRef,
    DirInput,
    FileInput,
    FilesInput,
    InputSource,
    InputSpec,
    OutputSpec,
    PipelineInput,
    StepInput,
    StepSpec,
    Variant,
    point_text,
)

__all__ = [
    "KEY_FORMAT",
    "canonical",
    "digest",
    "external_content",
    "fan_in_content",
    "key_of_parts",
    "output_content",
    "point_name",
    "step_key",
]

KEY_FORMAT: Final = 1
"""Stands first in what is hashed; raised by any change that gives an unchanged step another key."""

_PART_KINDS: Final = ("name", "call", "code", "params", "inputs", "outputs", "version", "packages", "probe")
_DEEPEST: Final = 128
_SMALLEST_INT: Final = -(2**63)
_LARGEST_INT: Final = 2**63 - 1


def canonical(value: JSON, *, what: str = "value") -> str:
    """Spell a JSON value in the one way that identity knows; equal text means equal value *and* type.

    Keys are sorted by code point, text is NFC, no spaces; floats have their shortest round-trip spelling.
    `1`, `1.0`, `true` and `"1"` differ, and so do `0.0` and `-0.0`: a function can tell them apart.

    Raises:
        UsageError: naming `what` and the path in it, for NaN and infinities, integers that do not fit 64 bits
            with sign, lone surrogates, two keys that are equal in NFC, keys that are no text, other types,
            and more than 128 levels.
    """
    return _encode(_normal(value, (), what))


def digest(kind: str, value: JSON) -> str:
    """Return the sha256, 64 hex digits, of the canonical JSON of `[kind, value]`."""
    return _sha256(canonical([kind, value], what=kind))


def step_key(step: StepSpec, facts: Facts, inputs: Mapping[str, JSON]) -> StepKey | None:
    """Return the key of a step whose inputs are all known, or None where it has no identity.

    `inputs` has for each argument the JSON of its content (`external_content`, `output_content`,
    `fan_in_content`); how it is loaded is added here. Not in the key: needs, metrics, checks, retry, timeout,
    resources, priority, tags, description, experiment, ignored params, the values of secrets, the names of
    variants and of the pipeline, and every path. See docs/decisions/0003-what-is-in-a-key.md.

    Raises:
        UsageError: where a param or a probe's answer has no canonical spelling.
    """
    if step.identity.never:
        return None
    parts: dict[str, JSON] = {
        "name": step.name,
        "call": str(step.call),
        "code": _code(step, step.call, facts),
        "params": {
            name: plain(node) for name, node in step.params.items() if name not in step.identity.ignore
        },
        "inputs": {name: _input(step, spec, inputs[name], facts) for name, spec in step.inputs.items()},
        "outputs": [_output(step, output, facts) for output in step.outputs.values()],
    }
    if step.identity.version is not None:
        parts["version"] = step.identity.version
    if step.identity.packages:
        parts["packages"] = {name: facts.packages.get(name) for name in step.identity.packages}
    if step.identity.probe is not None:
        parts["probe"] = facts.probes[step.id]
    return key_of_parts(parts, what=f"step '{step.id}'")


def key_of_parts(parts: Mapping[str, JSON], *, what: str = "key") -> StepKey:
    """Return the key over these parts; what a manifest keeps gives the key that it was kept under.

    Parts that a step has not are left out, so that a kind added later changes no key of steps without it.
    """
    for kind in parts:
        if kind not in _PART_KINDS:
            raise UsageError(f"{what}: a key has no part '{kind}'")
    tagged: list[JSON] = [
        [kind, _normal(parts[kind], (kind,), what)] for kind in _PART_KINDS if kind in parts
    ]
    return StepKey(hex=_sha256(_encode([KEY_FORMAT, *tagged])), parts=dict(parts))


def output_content(record: OutputRecord, part: str | None = None) -> JSON:
    """Return what identity says of a recorded output, or of one file in a directory output.

    The suffixes count beside the digest, since they choose how a file is loaded; the rest of the name does
    not. Of a directory only the digest of the whole tree is recorded, so a part is told by that and its name:
    another file changed beside it re-runs its readers, which is too often but never wrong.
    """
    if part is not None:
        return {"tree": record.digest, "part": part}
    if record.file.endswith("/"):
        return {"tree": record.digest}
    return {"file": record.digest, "suffix": _suffix(record.file)}


def external_content(source: InputSource, facts: Facts) -> JSON:
    """Return what identity says of content from outside of the pipeline.

    Raises:
        UsageError: where `facts` know nothing of it.
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
                raise UsageError(f"nothing is known of the result of pipeline '{text}'")
            return output_content(facts.results[source])
        case StepInput(step=name):
            raise TypeError(f"'{name}' is a step of this pipeline, not an external input")


def fan_in_content(variants: Mapping[Variant, JSON]) -> JSON:
    """Return what identity says of a fan-in: the content at each point of the axes that are left open."""
    return {"variants": {point_name(point): content for point, content in variants.items()}}


def point_name(point: Variant) -> str:
    """Spell a point as a variant's name does between its brackets: `depth=4,learning_rate=0.1`."""
    return point_text(point)


def _input(step: StepSpec, spec: InputSpec, content: JSON, facts: Facts) -> JSON:
    if spec.load is None:
        return {"content": content}
    return {"content": content, "load": _how(step, spec.load, facts)}


def _output(step: StepSpec, output: OutputSpec, facts: Facts) -> JSON:
    return [output.name, output.file, None if output.save is None else _how(step, output.save, facts)]


def _how(step: StepSpec, way: Mapping[str, JSON] | str | CallableRef, facts: Facts) -> JSON:
    """Options of a format, `path`, or a callable with its code; the first word keeps them apart."""
    match way:
        case str():
            return [way]
        case CallableRef():
            return ["call", str(way), _code(step, way, facts)]
        case _:
            return ["options", dict(way)]


def _code(step: StepSpec, ref: CallableRef, facts: Facts) -> JSON:
    """The digest of the code that a callable reaches; the distribution's name and version stand for installed code."""
    if not step.identity.code:
        return None
    known = facts.code[str(ref)]
    return {"digest": known.digest} if known.package is None else {"package": list(known.package)}


def _external(path: str, text: str, facts: Facts) -> OutputRecord:
    if path not in facts.files:
        raise UsageError(f"nothing is known of the content of '{text}'")
    return facts.files[path]


def _suffix(location: str) -> str:
    """All suffixes of a path or URI (`.csv.gz`): the last alone would take a compressed table for any other."""
    path = urlsplit(location).path if "://" in location else location
    return "".join(PurePosixPath(path).suffixes)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _encode(normal: JSON) -> str:
    return json.dumps(normal, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _normal(value: JSON, path: tuple[str | int, ...], what: str) -> JSON:
    if len(path) > _DEEPEST:
        raise _refused(what, path[:3], f"is nested deeper than {_DEEPEST} levels")
    match value:
        case None | bool():
            return value
        case str():
            return _normal_text(value, path, what)
        case int():
            if not _SMALLEST_INT <= value <= _LARGEST_INT:
                raise _refused(what, path, "is an integer of more than 64 bits")
            return value
        case float():
            if not math.isfinite(value):
                raise _refused(what, path, f"is {value}, which is no finite number")
            return value
        case list():
            return [_normal(item, (*path, position), what) for position, item in enumerate(value)]
        case dict():
            return _normal_mapping(value, path, what)
        case _:
            raise _refused(what, path, f"is a {type(value).__name__}, which is no JSON value")


def _normal_mapping(value: dict[str, JSON], path: tuple[str | int, ...], what: str) -> JSON:
    normal: dict[str, JSON] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise _refused(what, path, f"has the key {key!r}, which is no text")
        spelling = _normal_text(key, path, what)
        if spelling in normal:
            raise _refused(
                what, path, f"has two keys that are both spelt '{spelling}' in Unicode's normal form C"
            )
        normal[spelling] = _normal(item, (*path, key), what)
    return normal


def _normal_text(text: str, path: tuple[str | int, ...], what: str) -> str:
    if text.isascii():
        return text
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise _refused(what, path, "holds half of a surrogate pair, which no text file can hold")
    return unicodedata.normalize("NFC", text)


def _refused(what: str, path: tuple[str | int, ...], why: str) -> UsageError:
    place = ".".join(str(key) for key in path)
    return UsageError(f"{what}: '{place}' {why}" if place else f"{what} {why}")
