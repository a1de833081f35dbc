"""Which steps a user means: from patterns to step ids.

Takes a pipeline and patterns. Returns the ids of the steps that match, without the steps that they need. Refuses a
pattern that selects nothing, and suggests the nearest names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import translate
from typing import Final, NamedTuple, NoReturn

from pipespec.document.nodes import JSON
from pipespec.document.wording import did_you_mean, listing, quote
from pipespec.errors import UsageError
from pipespec.spec.pipeline_spec import PipelineSpec, StepSpec
from pipespec.spec.variant_names import Variant, point_text

__all__ = ["names_steps", "select", "split_id"]

_BRACKET: Final = re.compile(r"[\[{]")
_AXIS: Final = re.compile(r"\s*([^\[\]=,\s]+)=")
_RUN: Final = re.compile(r"run:[0-9a-fA-F]*|[0-9a-f]{8,32}")
"""A text that is the id of a run, or the beginning of one, unless a step has this name."""
_PLAIN_TEXT: Final = re.compile(r'[^,\[\]{}"]*')


class _Coordinate(NamedTuple):
    axis: str
    value: JSON
    text: str
    """As written, for a value whose type the user did not spell (`3.10` if the axis has texts)."""


def select(spec: PipelineSpec, patterns: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the ids that any of the patterns selects, in the order of the pipeline; all ids without patterns.

    A pattern is an id; a declared name, for all its variants; `train[depth=4]` or `train:depth=4`, for the variants
    with these values on these axes, in any order; `tag:model`; or a glob, in which `*` is any text and `?` any
    character, over names and ids. An id selects only itself, so what was selected can be selected again. If the matrix
    of a step has no points, a pattern for that step selects nothing.

    Raises:
        UsageError: for a pattern that selects nothing.
    """
    if not patterns:
        return tuple(spec.steps)
    variants: dict[str, list[StepSpec]] = {}
    for step in spec.steps.values():
        variants.setdefault(step.name, []).append(step)
    chosen: set[str] = set()
    for pattern in patterns:
        chosen.update(_selected(pattern, spec, variants))
    return tuple(step_id for step_id in spec.steps if step_id in chosen)


def names_steps(spec: PipelineSpec, pattern: str) -> bool:
    """Return whether a pattern of `select` names steps, and does not search them as globs and tags do."""
    return pattern in spec.steps or not (pattern.startswith("tag:") or "*" in pattern or "?" in pattern)


def split_id(text: str) -> tuple[str, Variant]:
    """Split an id: `train[depth=4]` gives `("train", (("depth", 4),))`, axes sorted. The point of a sweep is left out.

    The inverse of `variant_id`, also used to read a selection. A value is JSON if it can be parsed as JSON, otherwise
    text.

    Raises:
        UsageError: for brackets with anything else in them.
    """
    begins = _BRACKET.search(text)
    if begins is None:
        return text, ()
    name, rest = text[: begins.start()], text[begins.end() :]
    if begins[0] == "{":
        return name, ()
    point = sorted(_coordinates(rest, text), key=lambda found: found.axis)
    return name, tuple((found.axis, found.value) for found in point)


def _selected(pattern: str, spec: PipelineSpec, variants: Mapping[str, list[StepSpec]]) -> Iterable[str]:
    if pattern in spec.steps:
        return (pattern,)
    if pattern in variants or pattern in spec.empty_steps:
        return [step.id for step in variants.get(pattern, ())]
    prefix, colon, rest = pattern.partition(":")
    if prefix == "tag" and colon:
        return _tagged(rest, spec)
    if "*" in pattern or "?" in pattern:
        return _globbed(pattern, spec)
    if "[" in pattern:
        name, _, point = pattern.partition("[")
        return _at_point(name, _coordinates(point, pattern), spec, variants)
    if _RUN.fullmatch(pattern):
        raise UsageError(
            f"{quote(pattern)} is a run, and a step is needed here; of a run, 'pipespec get run:ID.OUTPUT' copies an output,"
            " 'pipespec logs run:ID' shows the log, and 'pipespec diff run:ID' compares it"
        )
    if colon:
        return _at_point(prefix, _coordinates(f"{rest}]", pattern), spec, variants)
    raise _no_step(pattern, variants)


def _no_step(pattern: str, variants: Mapping[str, Sequence[StepSpec]]) -> UsageError:
    """Say that there is no such step, and what a word is that is no step by its form: a file, a value, an output."""
    problem = f"there is no step {quote(pattern)}"
    path, equals, _ = pattern.partition("=")
    name = pattern.partition(".")[0]
    if pattern.endswith((".yaml", ".yml")):
        return UsageError(f"{problem}; the pipeline file is named before the steps")
    if equals and "[" not in path:
        return UsageError(f"{problem}; a value is set by an option, --set {quote(pattern)}")
    if name != pattern and name in variants:
        return UsageError(f"{problem}; it looks like an output of step {quote(name)}: name the step")
    return _refused(problem, pattern, variants)


def _tagged(tag: str, spec: PipelineSpec) -> list[str]:
    found = [step.id for step in spec.steps.values() if tag in step.tags]
    if not found and not any(tag in step.tags for step in spec.empty_steps.values()):
        known = {tag for step in spec.steps.values() for tag in step.tags}
        raise _refused(f"no step has the tag {quote(tag)}", tag, known, kind="tags")
    return found


def _globbed(pattern: str, spec: PipelineSpec) -> list[str]:
    # Brackets are literal, as in ids, and do not mean a class of characters.
    matches = re.compile(translate(pattern.replace("[", "[[]"))).match
    found = [step.id for step in spec.steps.values() if matches(step.name) or matches(step.id)]
    if not found and not any(map(matches, spec.empty_steps)):
        raise UsageError(f"no step's name matches {quote(pattern)}; {_there_are(spec)}")
    return found


def _at_point(
    name: str, point: Sequence[_Coordinate], spec: PipelineSpec, variants: Mapping[str, list[StepSpec]]
) -> list[str]:
    if name in spec.empty_steps:
        raise UsageError(f"step {quote(name)} has no variants: its matrix is empty")
    if name not in variants:
        raise _refused(f"there is no step {quote(name)}", name, variants)
    steps = variants[name]
    if deferred := [step.id for step in steps if step.deferred]:
        return deferred  # its variants are known once its matrix is known
    axes = {axis for step in steps for axis, _ in step.variant}
    for wanted in point:
        if wanted.axis not in axes:
            raise _refused(
                f"step {quote(name)} has no axis {quote(wanted.axis)}", wanted.axis, axes, kind="axes"
            )
    for same in (_is_same, _reads_alike):
        if found := [step.id for step in steps if _is_at(step, point, same)]:
            return found
    spelt = ",".join(f"{wanted.axis}={wanted.text}" for wanted in point)
    raise UsageError(
        f"step {quote(name)} has no variant at {quote(spelt)}; its variants are {listing(step.id for step in steps)}"
    )


def _is_at(step: StepSpec, point: Sequence[_Coordinate], same: Callable[[_Coordinate, JSON], bool]) -> bool:
    variant = dict(step.variant)
    return all(wanted.axis in variant and same(wanted, variant[wanted.axis]) for wanted in point)


def _is_same(wanted: _Coordinate, value: JSON) -> bool:
    return point_text(((wanted.axis, wanted.value),)) == point_text(((wanted.axis, value),))


def _reads_alike(wanted: _Coordinate, value: JSON) -> bool:
    """Compare as a person does: `4` means 4.0 if there is no 4, and `3.10` means the text "3.10"."""
    numbers = type(value) in (int, float) and type(wanted.value) in (int, float)
    return _is_same(wanted, value) or wanted.text == value or (numbers and wanted.value == value)


def _coordinates(text: str, whole: str) -> list[_Coordinate]:
    """Parse `depth=4,rate=0.1]`, the part after the opening bracket."""
    found: list[_Coordinate] = []
    position = 0
    while axis := _AXIS.match(text, position):
        value, end = _value(text, axis.end())
        found.append(_Coordinate(axis[1], value, text[axis.end() : end]))
        position = end + 1
        if not text.startswith(",", end):
            break
    rest = text[position - 1 :]
    if not found or not (rest == "]" or (rest.startswith("]{") and rest.endswith("}"))):
        raise UsageError(f"{quote(whole)} is not a step; write a variant like 'train[depth=4,rate=0.1]'")
    return found


def _value(text: str, start: int) -> tuple[JSON, int]:
    """Parse one value, as JSON if possible, up to `,` or `]`, and return where it ends."""
    try:
        value, end = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        pass
    else:
        if text[end : end + 1] in (",", "]"):
            return value, end
    matched = _PLAIN_TEXT.match(text, start)
    end = start if matched is None else matched.end()
    return text[start:end], end


def _not_a_number(word: str) -> NoReturn:
    raise ValueError(word)


_DECODER: Final = json.JSONDecoder(parse_constant=_not_a_number)


def _there_are(spec: PipelineSpec) -> str:
    return f"the steps are {listing(sorted({step.name for step in spec.steps.values()}))}"


def _refused(problem: str, culprit: str, known: Iterable[str], *, kind: str = "steps") -> UsageError:
    names = sorted(known)
    if nearest := did_you_mean(culprit, names):
        return UsageError(f"{problem}; {nearest}")
    return UsageError(f"{problem}; the {kind} are {listing(names)}" if names else problem)
