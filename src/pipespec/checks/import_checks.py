"""Checks that need the imported functions of a project.

Takes `ImportResult`s, which `step.questions.import_trial` creates in a separate process. If a signature cannot be read from
source, the imported one is checked in the same way. Also checked: values that an imported annotation refuses, and
packages that a format needs but that are not installed.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipespec.checks.assignability import find_misfit
from pipespec.checks.check_context import CheckContext
from pipespec.document.nodes import Node, set_at
from pipespec.document.wording import quote
from pipespec.errors import Diagnostic
from pipespec.python.signature import Argument, CallableProblem, CallableSource
from pipespec.spec.pipeline_spec import StepSpec
from pipespec.spec.placeholders import is_settled

__all__ = ["asked_params", "live_params_fit", "packages_there", "with_live"]


def asked_params(variants: tuple[StepSpec, ...]) -> list[tuple[str, Node]]:
    """Return the different params of a step's variants, without those with a value that is only known when it runs."""
    found = {(name, id(node)): node for step in variants for name, node in step.params.items()}
    return [(name, node) for (name, _), node in found.items() if is_settled(node)]


def with_live(
    known: CallableSource | CallableProblem, live: CallableSource | CallableProblem
) -> CallableSource | CallableProblem:
    """Return what is known about a callable after its import. If both agree, the source says more."""
    if isinstance(live, CallableProblem) or not isinstance(known, CallableSource):
        return live
    return known if known.is_certain and _takes(known) == _takes(live) else live


def _takes(source: CallableSource) -> tuple[frozenset[tuple[str, bool]], bool]:
    """Return what matters for binding by name."""
    arguments = frozenset((one.name, one.has_default) for one in source.arguments if _is_named(one))
    return arguments, source.has_kwargs


def _is_named(argument: Argument) -> bool:
    return argument.kind != "positional-only"


def live_params_fit(context: CheckContext) -> Iterator[Diagnostic]:
    """Report params that the imported annotation of their argument refuses, although the one in the source does not."""
    for name, result in context.live.items():
        variants = context.declared[name]
        params = asked_params(variants)
        source = context.callables.get(str(variants[0].call))
        for position, why in result.misfits.items():
            param, node = params[position]
            argument = source.argument(param) if isinstance(source, CallableSource) else None
            is_told = (
                argument is not None
                and isinstance(source, CallableSource)
                and find_misfit(node, argument.annotation, source.definitions) is not None
            )
            if not is_told:
                message = f"step {quote(name)}: {why}"
                hint = f"{quote(str(variants[0].call))} reports this when it is imported"
                yield Diagnostic("param-type", message, set_at(node), hint)


def packages_there(context: CheckContext) -> Iterator[Diagnostic]:
    """Report inputs and outputs with a format that needs a package that cannot be imported."""
    for name, result in context.live.items():
        step = context.declared[name][0]
        for lack in result.lacks:
            declared = step.inputs[lack.name] if lack.what == "input" else step.outputs[lack.name]
            message = f"{lack.what} {quote(lack.name)} of step {quote(name)}: {lack.message}"
            yield Diagnostic("missing-package", message, declared.span, "install it where the pipeline runs")
