"""Connect references to outputs: which step, which of its outputs, which of its variants.

Takes parsed references and the variants of all declared steps. Returns `StepInput`s with their producers. Reports what
does not exist, with the nearest name, but nothing that only follows from another mistake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches

from pipespec.document.likely_outputs import likely_output
from pipespec.document.nodes import MappingNode
from pipespec.document.wording import listing, quote
from pipespec.errors import Span
from pipespec.spec.file_wording import as_input, file_hint, names_a_file
from pipespec.spec.pipeline_spec import StepInput
from pipespec.spec.spec_findings import SpecFindings
from pipespec.spec.steps.output_references import AxisReference, OutputReference
from pipespec.spec.steps.variant_index import VariantIndex
from pipespec.spec.value_wording import nearest_or_all
from pipespec.spec.variant_names import Variant, variant_id

__all__ = ["Connector"]

_MOST_HINTS = 50
"""Maximum number of names for which a nearest one is searched: as many as a text report shows."""


class Connector:
    """Connects the references of one pipeline."""

    def __init__(
        self,
        variants: Mapping[str, VariantIndex],
        spans: Mapping[str, Span],
        document: MappingNode,
        found: SpecFindings,
    ) -> None:
        """Store the variants of each step, the places of their names, and the document in which names are searched."""
        self._document = document
        self._variants = variants
        self._spans = spans
        self._found = found
        self._hints_left = _MOST_HINTS

    def index(self, step: str, subject: str, span: Span) -> VariantIndex | None:
        """Return the variants of a step under `needs`, or report that it does not exist. `subject` is the beginning of the message."""
        index = self._variants.get(step)
        if index is None:
            message = f"{subject} {quote(step)}, which does not exist"
            self._found.error("unknown-step", message, span, self._needs_hint(step))
        return index

    def connect(
        self, reference: OutputReference, point: Variant, subject: str, span: Span, *, only_one: bool = False
    ) -> StepInput | None:
        """Return what a reference means for the variant at `point`, or report why it means nothing and return None.

        With `only_one`, a reference to several variants means nothing.
        """
        index = self._variants.get(reference.step)
        if index is None:
            self._tell_no_step(reference, subject, span)
            return None
        output = self._output(index, reference, subject, span)
        chosen = reference.chosen(point)
        if index.has_matrix and chosen is None and not index.is_damaged:
            self._tell_not_chosen(index, subject, span, only_one=only_one)
            return None
        producers = self._producers(index, chosen, subject, span)
        if producers is None:
            return None
        selection = chosen or ()
        fan_in = index.has_matrix and not index.is_exact(selection)
        if fan_in and only_one and not index.is_damaged:
            self._tell_not_chosen(index, subject, span, only_one=True)
            return None
        return StepInput(reference.step, output, reference.part, selection, fan_in, producers)

    def connect_axis(self, reference: OutputReference, subject: str, span: Span) -> StepInput | None:
        """Return the one output that holds the values of an axis, or report why there is none and return None.

        If an axis without values so far chooses its variant, all variants that it may choose are returned.
        """
        own = tuple(pair for pair in reference.selection or () if not isinstance(pair[1], AxisReference))
        if not reference.axes:
            return self.connect(reference, (), subject, span, only_one=True)
        source = self.connect(replace(reference, selection=own), (), subject, span)
        index = self._variants.get(reference.step)
        chosen = {axis for axis, _ in reference.selection or ()}
        if source is None or index is None or chosen >= set(index.axes):
            return source
        self._tell_not_chosen(index, subject, span, only_one=True)
        return None

    def _output(
        self, index: VariantIndex, reference: OutputReference, subject: str, span: Span
    ) -> str | None:
        name, outputs = reference.output, index.outputs
        if index.is_damaged:
            return name
        if name is None and len(outputs) != 1:
            self._tell_unnamed(index, subject, span)
        elif name is not None and name not in outputs:
            message = (
                f"{subject} comes from output {quote(name)} of step {quote(index.name)}, which does not exist"
            )
            hint = nearest_or_all(name, outputs, kind="its outputs") or "that step has no outputs"
            hint += f"; {file_hint(str(reference))}" if names_a_file(str(reference)) else ""
            self._found.error("unknown-output", message, span, hint)
        elif reference.part is not None and not outputs[name or ""].is_directory:
            file = outputs[name or ""].file
            message = f"{subject} is a part of output {quote(name or '')} of step {quote(index.name)}, which is the file {quote(file)}"
            self._found.error(
                "part-of-file", message, span, f"only directories have parts: {quote(file + '/')}"
            )
        return next(iter(outputs)) if name is None and len(outputs) == 1 else name

    def _needs_hint(self, written: str) -> str | None:
        step = written.partition(".")[0].partition("[")[0]
        if step != written and step in self._variants:
            return f"write {quote(step)}: whole steps are named here"
        near = self._step_hint(written)
        if near is None and names_a_file(written):
            return f"a file is an input: write {as_input(written)} under 'inputs'"
        return near

    def _tell_no_step(self, reference: OutputReference, subject: str, span: Span) -> None:
        """Report a step that does not exist. If the name ends like a file, it is more likely a file."""
        near, written = self._step_hint(reference.step), str(reference)
        likely = likely_output(written, self._document)
        if not names_a_file(written):
            message = f"{subject} comes from step {quote(reference.step)}, which does not exist"
            differs_in_capitals = likely is not None and likely.casefold() == written.casefold()
            hint = f"did you mean {quote(likely)}?" if likely and (differs_in_capitals or not near) else near
            self._found.error("unknown-step", message, span, hint or self._all_steps())
            return
        message = f"{subject} is {quote(written)}, but there is no step {quote(reference.step)}"
        hint = f"{file_hint(written)}" + (f"; for a step, {near}" if near else "")
        if likely is not None:
            hint = f"for the output that is saved in this file, write {likely}; {file_hint(written)}"
        self._found.error("unknown-step", message, span, hint)

    def _tell_unnamed(self, index: VariantIndex, subject: str, span: Span) -> None:
        if not index.outputs:
            message = f"{subject} comes from step {quote(index.name)}, which has no outputs"
            hint = "add an output to it, or wait for it with 'needs'"
            self._found.error("unknown-output", message, span, hint)
        else:
            message = f"{subject} comes from step {quote(index.name)}, which has several outputs"
            examples = listing(f"{index.name}.{name}" for name in index.outputs)
            self._found.error("output-not-named", message, span, f"choose one: {examples}")

    def _producers(
        self, index: VariantIndex, chosen: Variant | None, subject: str, span: Span
    ) -> tuple[str, ...] | None:
        if index.is_damaged:
            return index.ids
        if not index.has_matrix and chosen is not None:
            message = f"{subject} selects a variant of step {quote(index.name)}, which has no matrix"
            self._found.error("unknown-variant", message, span, "remove the brackets")
        elif unknown := [axis for axis, _ in chosen or () if axis not in index.axes]:
            message = (
                f"{subject} uses axis {quote(unknown[0])} of step {quote(index.name)}, which does not exist"
            )
            hint = nearest_or_all(unknown[0], index.axes, kind="its axes")
            self._found.error("unknown-axis", message, span, hint)
        elif (matched := index.matching(chosen or ())) or index.is_empty_at(chosen or ()):
            return matched
        else:
            self._tell_no_match(index, chosen or (), subject, span)
        return None

    def _tell_not_chosen(self, index: VariantIndex, subject: str, span: Span, *, only_one: bool) -> None:
        how_many = "several variants" if index.is_deferred else f"{len(index.ids)} variants"
        message = (
            f"{subject} comes from step {quote(index.name)}, which has {how_many}, but does not select one"
        )
        any_of_them = f"{index.name}[{','.join(f'{axis}=...' for axis in index.axes)}]"
        one = any_of_them if index.is_deferred or not index.ids else index.ids[0]
        all_of_them = "" if only_one else f"for all variants: {quote(index.name + '[*]')}, or one: "
        self._found.error("variant-not-chosen", message, span, f"{all_of_them or 'such as '}{quote(one)}")

    def _tell_no_match(self, index: VariantIndex, chosen: Variant, subject: str, span: Span) -> None:
        wanted = variant_id(index.name, chosen)
        message = f"{subject} comes from {quote(wanted)}, and step {quote(index.name)} has no such variant"
        hint = None
        for axis, value in chosen:
            if not index.matching(((axis, value),)):
                hint = f"values of axis {quote(axis)}: {', '.join(index.values(axis)[:10])}"
                break
        self._found.error("unknown-variant", message, span, hint)

    def _all_steps(self) -> str | None:
        return f"the steps are {listing(self._variants)}" if self._variants else None

    def _step_hint(self, step: str) -> str | None:
        if self._hints_left == 0:
            return None
        self._hints_left -= 1
        near = get_close_matches(step, self._variants, n=1)
        if not near:
            return None
        span = self._spans.get(near[0])
        return f"did you mean {quote(near[0])}{f' (line {span.line})' if span else ''}?"
