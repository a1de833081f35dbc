"""Advice about things that work but are probably not intended: outputs that no step reads, values that YAML changes.

Advice is only given if it is likely to be right. The outputs of last steps, and tables, texts and pictures, are read by
people. A number is probably meant as text only if the function accepts text or has no annotation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pipespec.checks.assignability import find_misfit
from pipespec.checks.check_context import CheckContext
from pipespec.document.nodes import Node, ScalarNode, set_at, walk
from pipespec.document.wording import quote
from pipespec.errors import Diagnostic, Severity
from pipespec.python.signature import Argument
from pipespec.python.value_limits import Limit, broken_limit
from pipespec.spec.file_formats import suffix_of
from pipespec.spec.pipeline_spec import OutputSpec, StepInput, StepSpec

__all__ = ["defaults_in_range", "respelt_numbers", "unread_outputs", "words_for_bools"]

_MADE_FOR_STEPS: Final = frozenset({".feather", ".jsonl", ".npy", ".npz", ".parquet"})
"""Suffixes that people do not open. Models and folders are not here, since they are often the purpose of a pipeline."""
_LOSES_DIGITS: Final = re.compile(r"[-+]?0[0-9]+|[1-9][0-9]*\.[0-9]*[1-9]0+", re.ASCII)
"""Numbers that were probably meant as text: `007`, and versions such as `3.10`; not `0.10` or `2.00`."""
_WORDS: Final = {"yes": True, "on": True, "y": True, "no": False, "off": False, "n": False}
_NUMBERS: Final = frozenset({"int", "float", "complex", "bool"})
_MAPPINGS: Final = frozenset({"dict", "collections.abc.Mapping"})
_OPEN: Final = frozenset(
    {"", "typing.Any", "object", "list", "tuple", "dict", "set", "typing.Union"}
    | {f"collections.abc.{name}" for name in ("Collection", "Iterable", "Mapping", "Sequence")}
)
"""Types that accept numbers as well as text."""


def unread_outputs(context: CheckContext) -> Iterator[Diagnostic]:
    """Advise against an output that no step reads, of a step that others wait for."""
    spec = context.spec
    if spec.damaged:  # the missing reference may be one with a mistake
        return
    read: set[tuple[str, str | None]] = set()
    awaited: set[str] = set()
    for step in spec.steps.values():
        sources = [each.source for each in step.inputs.values() if isinstance(each.source, StepInput)]
        for source in (*sources, *(axis.source for axis in step.deferred)):
            read.add((source.step, source.output))
            awaited.add(source.step)
        awaited.update(name for name, _ in step.needs)
    for step in context.shared():
        for output in step.outputs.values() if step.name in awaited else ():
            if _is_for_steps(output, step) and not read & {(step.name, output.name), (step.name, None)}:
                message = f"output {quote(output.name)} of step {quote(step.name)} is not read by any step"
                hint = "remove the output, or use it as an input; outputs of last steps and formats that people open are not reported"
                yield Diagnostic("unread-output", message, output.span, hint, Severity.ADVICE)


def _is_for_steps(output: OutputSpec, step: StepSpec) -> bool:
    is_metrics = step.metrics is not None and step.metrics.output == output.name
    return suffix_of(output.file) in _MADE_FOR_STEPS and not is_metrics


def respelt_numbers(context: CheckContext) -> Iterator[Diagnostic]:
    """Advise quotes around numbers that may be meant as text and lose their spelling: `3.10` is the number 3.1."""
    for step, name, node, argument in _params(context):
        types = _scalar_types(argument)
        if types is not None and "str" not in types:
            continue
        for _, inner in walk(node):
            if isinstance(inner, ScalarNode) and _is_respelt(inner):
                message = f"param {quote(name)} of step {quote(step.name)}: {inner.text} is the number {inner.value!r} here"
                hint = f'if the text is intended, put it in quotes: "{inner.text}"; if the number is intended, write {inner.value!r}'
                yield Diagnostic("respelt-number", message, set_at(inner), hint, Severity.ADVICE)


def _is_respelt(node: ScalarNode) -> bool:
    is_number = isinstance(node.value, int | float) and not isinstance(node.value, bool)
    return is_number and node.text is not None and _LOSES_DIGITS.fullmatch(node.text) is not None


def words_for_bools(context: CheckContext) -> Iterator[Diagnostic]:
    """Advise true and false if an argument that may be a bool gets a word: `no` is text, and therefore true in Python.

    If the annotation is only bool, the word is an error, which another check reports.
    """
    for step, name, node, argument in _params(context):
        types = _scalar_types(argument)
        is_word = isinstance(node, ScalarNode) and node.text is not None and not node.quoted
        if types is None or "bool" not in types or not is_word:
            continue
        assert isinstance(node, ScalarNode)
        meant = _WORDS.get(str(node.value).lower())
        if meant is not None and (argument.annotation is None or "str" in types):
            message = f"param {quote(name)} of step {quote(step.name)} is the text {quote(str(node.value))}, which is true in Python"
            hint = f"write {str(meant).lower()}; if the text is intended, put it in quotes"
            yield Diagnostic("word-for-bool", message, set_at(node), hint, Severity.ADVICE)


def defaults_in_range(context: CheckContext) -> Iterator[Diagnostic]:
    """Advise against a default outside the limits of its own annotation, if a step uses the default.

    Python does not check defaults, so the step would run with it.
    """
    for variants, source in context.sound:
        step = variants[0]
        bound = {*step.inputs, *step.params, *step.axis_arguments}
        for argument in source.arguments:
            broken = _broken_default(argument)
            if broken is not None and argument.name not in bound:
                assert argument.annotation is not None
                asked = f"'{argument.name}: {argument.annotation.text}'"
                message = f"step {quote(step.name)} leaves {asked} of {quote(str(step.call))} to its default {argument.default_text}, which is not {broken}"
                hint = f"bind {quote(argument.name)} under 'params', or correct the default ({context.place_of(source)})"
                yield Diagnostic("default-range", message, step.call.span, hint, Severity.ADVICE)


def _broken_default(argument: Argument) -> Limit | None:
    """Return the limit that a default breaks, of whichever member of a union."""
    if argument.annotation is None or not argument.default_is_literal or argument.default is None:
        return None
    members = [member for member in argument.annotation.members if member.name != "None"]
    broken = [broken_limit(argument.default, member.limits) for member in members]
    return broken[0] if broken and None not in broken else None


def _params(context: CheckContext) -> Iterator[tuple[StepSpec, str, Node, Argument]]:
    """Yield each param that fits once, with the argument that it is bound to. Other checks report those that do not fit."""
    for variants, source in context.sound:
        judged: set[tuple[str, int]] = set()
        for step in variants:
            for name, node in step.params.items():
                argument = source.argument(name)
                if argument is None or (name, id(node)) in judged:
                    continue
                judged.add((name, id(node)))
                if find_misfit(node, argument.annotation, source.definitions) is None:
                    yield step, name, node, argument


def _scalar_types(argument: Argument) -> frozenset[str] | None:
    """Return the types that an annotation, or else the default, allows; None if neither says it."""
    if argument.annotation is not None:
        names: set[str] = set()
        waiting = [argument.annotation]
        while waiting:
            annotation = waiting.pop()
            waiting.extend(annotation.args[-1:] if annotation.name in _MAPPINGS else annotation.args)
            names.add(annotation.name)
        known = names & (_NUMBERS | {"str"})
        return frozenset(known) if known or names - _OPEN - {"None"} else None
    if argument.default_is_literal and isinstance(argument.default, str | bool | int | float):
        return frozenset({type(argument.default).__name__})
    return None
