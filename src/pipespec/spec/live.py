"""What the live functions of a project said of themselves, and the checks that only they can answer.

Takes `Verdict`s, which `step.trial` makes in a process of its own. Where the source does not tell a signature the live one
is judged by the same checks; besides, what a run would stop at: values that a live annotation refuses, and packages
that a format needs and that are not there.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipespec.document.nodes import Node
from pipespec.document.wording import quote
from pipespec.errors import Diagnostic
from pipespec.spec.evidence import Evidence
from pipespec.spec.fitting import find_misfit
from pipespec.spec.model import StepSpec
from pipespec.spec.placeholders import is_settled
from pipespec.spec.signature import Argument, CallableProblem, CallableSource

__all__ = ["asked_params", "live_params_fit", "packages_there", "with_live"]


def asked_params(variants: tuple[StepSpec, ...]) -> list[tuple[str, Node]]:
    """Return the different params of a step's variants whose value is known before it runs."""
    found = {(name, id(node)): node for step in variants for name, node in step.params.items()}
    return [(name, node) for (name, _), node in found.items() if is_settled(node)]


def with_live(
    known: CallableSource | CallableProblem, live: CallableSource | CallableProblem
) -> CallableSource | CallableProblem:
    """Return what is known of a callable once it was imported; the source says more, where both agree."""
    if isinstance(live, CallableProblem) or not isinstance(known, CallableSource):
        return live
    return known if known.is_certain and _takes(known) == _takes(live) else live


def _takes(source: CallableSource) -> tuple[frozenset[tuple[str, bool]], bool]:
    """Return what matters to who binds by name."""
    arguments = frozenset((one.name, one.has_default) for one in source.arguments if _is_named(one))
    return arguments, source.has_kwargs


def _is_named(argument: Argument) -> bool:
    return argument.kind != "positional-only"


def live_params_fit(evidence: Evidence) -> Iterator[Diagnostic]:
    """Tell of params that the live annotation of their argument refuses, where the source's does not."""
    for name, verdict in evidence.live.items():
        variants = evidence.declared[name]
        params = asked_params(variants)
        source = evidence.callables.get(str(variants[0].call))
        for position, why in verdict.misfits.items():
            param, node = params[position]
            argument = source.argument(param) if isinstance(source, CallableSource) else None
            is_told = (
                argument is not None
                and isinstance(source, CallableSource)
                and find_misfit(node, argument.annotation, source.definitions) is not None
            )
            if not is_told:
                message = f"step {quote(name)}: {why}"
                hint = f"{quote(str(variants[0].call))} says so when it is imported"
                yield Diagnostic("param-type", message, node.span, hint)


def packages_there(evidence: Evidence) -> Iterator[Diagnostic]:
    """Tell of inputs and outputs whose format needs a package that cannot be imported."""
    for name, verdict in evidence.live.items():
        step = evidence.declared[name][0]
        for lack in verdict.lacks:
            declared = step.inputs[lack.name] if lack.what == "input" else step.outputs[lack.name]
            message = f"{lack.what} {quote(lack.name)} of step {quote(name)}: {lack.message}"
            yield Diagnostic("missing-package", message, declared.span, "install it where the pipeline runs")
