"""References to outputs, connected: which step, which of its outputs, which of its variants.

Takes parsed references and the families of all declared steps, gives `StepInput`s with their producers.
Tells what is not there, with the nearest name, and nothing that only follows from another mistake.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from pipespec.document.wording import listing, quote
from pipespec.errors import Span
from pipespec.spec.families import Family
from pipespec.spec.findings import Findings
from pipespec.spec.model import StepInput, Variant, variant_id
from pipespec.spec.references import Reference
from pipespec.spec.spelling import nearest_or_all

__all__ = ["Connector"]

_MOST_HINTS = 50
"""Names that a nearest one is looked for: as many as a text report shows."""


class Connector:
    """Connects the references of one pipeline."""

    def __init__(self, families: Mapping[str, Family], spans: Mapping[str, Span], found: Findings) -> None:
        """Take the families and the places of their names."""
        self._families = families
        self._spans = spans
        self._found = found
        self._hints_left = _MOST_HINTS

    def family(self, step: str, subject: str, span: Span) -> Family | None:
        """Return a declared step's family, or tell that there is none; `subject` begins the message."""
        family = self._families.get(step)
        if family is None:
            message = f"{subject} {quote(step)}, which no step is called"
            self._found.error("unknown-step", message, span, self._step_hint(step))
        return family

    def connect(
        self, reference: Reference, point: Variant, subject: str, span: Span, *, only_one: bool = False
    ) -> StepInput | None:
        """Return what a reference means for the variant at `point`, or None after telling why it means nothing.

        With `only_one` a reference to several variants means nothing.
        """
        family = self.family(reference.step, f"{subject} comes from step", span)
        if family is None:
            return None
        output = self._output(family, reference, subject, span)
        chosen = reference.chosen(point)
        if family.has_matrix and chosen is None and not family.is_damaged:
            self._tell_not_chosen(family, subject, span, only_one=only_one)
            return None
        producers = self._producers(family, chosen, subject, span)
        if producers is None:
            return None
        selection = chosen or ()
        fan_in = family.has_matrix and not family.is_exact(selection)
        if fan_in and only_one and not family.is_damaged:
            self._tell_not_chosen(family, subject, span, only_one=True)
            return None
        return StepInput(reference.step, output, reference.part, selection, fan_in, producers)

    def _output(self, family: Family, reference: Reference, subject: str, span: Span) -> str | None:
        name, outputs = reference.output, family.outputs
        if family.is_damaged:
            return name
        if name is None and len(outputs) != 1:
            self._tell_unnamed(family, subject, span)
        elif name is not None and name not in outputs:
            message = (
                f"{subject} comes from output {quote(name)} of step {quote(family.name)}, which it has not"
            )
            hint = nearest_or_all(name, outputs, kind="its outputs") or "that step has no outputs"
            self._found.error("unknown-output", message, span, hint)
        elif reference.part is not None and not outputs[name or ""].is_directory:
            file = outputs[name or ""].file
            message = f"{subject} is a part of output {quote(name or '')} of step {quote(family.name)}, which is the file {quote(file)}"
            self._found.error(
                "part-of-file", message, span, f"only a directory has parts: {quote(file + '/')}"
            )
        return next(iter(outputs)) if name is None and len(outputs) == 1 else name

    def _tell_unnamed(self, family: Family, subject: str, span: Span) -> None:
        if not family.outputs:
            message = f"{subject} comes from step {quote(family.name)}, which has no outputs"
            hint = "give it an output, or wait for it with 'needs'"
            self._found.error("unknown-output", message, span, hint)
        else:
            message = f"{subject} comes from step {quote(family.name)}, which has several outputs"
            examples = listing(f"{family.name}.{name}" for name in family.outputs)
            self._found.error("output-not-named", message, span, f"name one: {examples}")

    def _producers(
        self, family: Family, chosen: Variant | None, subject: str, span: Span
    ) -> tuple[str, ...] | None:
        if family.is_damaged:
            return family.ids
        if not family.has_matrix and chosen is not None:
            message = f"{subject} chooses from step {quote(family.name)}, which has no matrix"
            self._found.error("unknown-variant", message, span, "leave the brackets out")
        elif unknown := [axis for axis, _ in chosen or () if axis not in family.axes]:
            message = (
                f"{subject} chooses axis {quote(unknown[0])} of step {quote(family.name)}, which it has not"
            )
            hint = nearest_or_all(unknown[0], family.axes, kind="its axes")
            self._found.error("unknown-axis", message, span, hint)
        elif matched := family.matching(chosen or ()):
            return matched
        else:
            self._tell_no_match(family, chosen or (), subject, span)
        return None

    def _tell_not_chosen(self, family: Family, subject: str, span: Span, *, only_one: bool) -> None:
        how_many = "several variants" if family.is_deferred else f"{len(family.ids)} variants"
        message = (
            f"{subject} comes from step {quote(family.name)}, which has {how_many}, and does not choose one"
        )
        one = f"{family.name}[{family.axes[0]}=...]" if family.is_deferred else family.ids[0]
        all_of_them = "" if only_one else f"take all: {quote(family.name + '[*]')}, or one: "
        self._found.error("variant-not-chosen", message, span, f"{all_of_them or 'such as '}{quote(one)}")

    def _tell_no_match(self, family: Family, chosen: Variant, subject: str, span: Span) -> None:
        wanted = variant_id(family.name, chosen)
        message = f"{subject} comes from {quote(wanted)}, and step {quote(family.name)} has no such variant"
        hint = None
        for axis, value in chosen:
            if not family.matching(((axis, value),)):
                hint = f"values of axis {quote(axis)}: {', '.join(family.values(axis)[:10])}"
                break
        self._found.error("unknown-variant", message, span, hint)

    def _step_hint(self, step: str) -> str | None:
        if self._hints_left == 0:
            return None
        self._hints_left -= 1
        near = get_close_matches(step, self._families, n=1)
        if not near:
            return None
        span = self._spans.get(near[0])
        return f"did you mean {quote(near[0])}{f' (line {span.line})' if span else ''}?"
