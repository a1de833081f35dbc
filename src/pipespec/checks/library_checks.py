"""Checks of steps that call a function of `pipespec.steps`: do their files exist, and do templates name what the step has?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pipespec.checks.check_context import CheckContext
from pipespec.document.nodes import MappingNode, Node, ScalarNode, SequenceNode, set_at
from pipespec.document.wording import quote
from pipespec.errors import Diagnostic
from pipespec.python.problem_kind import ProblemKind
from pipespec.python.signature import CallableProblem
from pipespec.spec.library_steps import NEAR_TEMPLATE, PATH_NAME, TEMPLATE, is_library
from pipespec.spec.pipeline_spec import StepSpec
from pipespec.spec.value_wording import nearest_or_all

__all__ = ["source_files_there", "templates_filled"]

_TEMPLATES: Final = ("args", "command", "env", "url")
"""The params that may contain templates."""


def source_files_there(context: CheckContext) -> Iterator[Diagnostic]:
    """Report scripts and other files of code that do not exist, or cannot be read."""
    for step in context.spec.steps.values():
        for ref in step.source_files:
            problem = context.callables.get(str(ref))
            if isinstance(problem, CallableProblem):
                is_gone = problem.kind is ProblemKind.FILE_NOT_FOUND
                folders = (context.spec.root,) if ref.is_word else context.spec.module_folders
                hint = f"looked in {', '.join(map(str, folders))}" if is_gone else None
                if problem.kind is ProblemKind.FILE_NOT_READ:
                    hint = "make it an input: inputs: {name: {file: " + ref.text + "}}"
                message = f"step {quote(step.name)}: {problem.message}"
                yield Diagnostic(str(problem.kind), message, ref.span, hint)


def templates_filled(context: CheckContext) -> Iterator[Diagnostic]:
    """Report templates that name an input, param or output that the step does not have."""
    for variants, _ in context.sound:
        for step in variants:
            if is_library(step.call):
                is_notebook = step.call.qualname == "notebook"
                for name in step.params if is_notebook else _TEMPLATES:
                    yield from _unknown(step.params.get(name), step)
                yield from _unknown_paths(step.params.get("paths"), step)


def _unknown_paths(node: Node | None, step: StepSpec) -> Iterator[Diagnostic]:
    """Report keys of `paths` that name no input or output of the step."""
    if not isinstance(node, MappingNode) or step.call.qualname != "command":
        return
    known = _known(step)
    for name, entry in node.entries.items():
        kind, _, key = name.partition(".")
        if PATH_NAME.fullmatch(name) and (not key or key in known[kind]):
            continue
        message = f"{quote(name)} in 'paths' of step {quote(step.name)} is not one of its {kind}"
        if kind in known and key:
            hint = nearest_or_all(key, known[kind], kind=f"its {kind}") or f"the step has no {kind}"
        else:
            message = f"{quote(name)} in 'paths' of step {quote(step.name)} names nothing"
            hint = "write inputs.NAME, params.NAME or outputs.NAME, or params for all of them"
        yield Diagnostic("unknown-template", message, entry.key_span, hint)


def _known(step: StepSpec) -> dict[str, list[str]]:
    return {
        "inputs": [*step.inputs, *step.axis_arguments],
        "params": [*step.params, *step.axis_arguments],
        "outputs": [*step.outputs],
    }


def _unknown(node: Node | None, step: StepSpec) -> Iterator[Diagnostic]:
    match node:
        case SequenceNode(items=items):
            for item in items:
                yield from _unknown(item, step)
        case MappingNode(entries=entries):
            for entry in entries.values():
                yield from _unknown(entry.value, step)
        case ScalarNode(value=str(text)):
            known = _known(step)
            for kind, name in NEAR_TEMPLATE.findall(text):
                message = (
                    f"{quote(f'{{{kind}.{name}}}')} in step {quote(step.name)} is passed on as it is written"
                )
                yield Diagnostic(
                    "unknown-template", message, set_at(node), f"a placeholder is written {{{kind}s.{name}}}"
                )
            for kind, name in TEMPLATE.findall(text):
                if name not in known[kind]:
                    template = quote(f"{{{kind}.{name}}}")
                    message = f"{template} in step {quote(step.name)} is not one of its {kind}"
                    hint = nearest_or_all(name, known[kind], kind=f"its {kind}") or f"the step has no {kind}"
                    yield Diagnostic("unknown-template", message, set_at(node), hint)
