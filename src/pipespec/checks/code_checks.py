"""Advice on code that counts for a step although the step may not use it: whole modules, if the source does not say more.

Takes notes from the counting of code; without them, there is no advice.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipespec.checks.check_context import CheckContext
from pipespec.document.wording import quote
from pipespec.errors import Diagnostic, Severity
from pipespec.python.signature import CallableProblem

__all__ = ["whole_modules"]


def whole_modules(context: CheckContext) -> Iterator[Diagnostic]:
    """Advise on callables for which whole modules count."""
    told: set[str] = set()
    unsound = {ref.partition(":")[0] for ref, body in context.bodies.items() if body.undefined}
    for step in context.shared():
        for ref in step.callables:
            notes = context.widened.get(str(ref), ())
            if ref.module in unsound:  # another check reports its undefined names
                notes = tuple(note for note in notes if "nothing in it binds" not in note)
            is_problem = isinstance(context.callables.get(str(ref)), CallableProblem)
            if not notes or is_problem or str(ref) in told:
                continue
            told.add(str(ref))
            more = f", and {len(notes) - 1} more" if len(notes) > 1 else ""
            message = f"code that {quote(str(ref))} uses: {notes[0]}{more}"
            hint = f"any edit of a module that counts as a whole runs step {quote(step.name)} again; import what is used by its name"
            yield Diagnostic("whole-module", message, ref.span, hint, Severity.ADVICE)
