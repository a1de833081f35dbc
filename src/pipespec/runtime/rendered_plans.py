"""Plan a rendered pipeline from a `Declared` and a ledger: what is complete, and what may run.

The compiler's digests of code are valid as long as the files that it counted are unchanged. For a step that is not
complete, the digest is computed again before it runs, for its record, and must be the same. Refuses code that changed
since the module was rendered: its results would be recorded, or reused, under the key of other code.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from pipespec.errors import UsageError
from pipespec.operations.planning.gather_facts import code_of, facts_with, sources_of
from pipespec.plan.plan import Action, Plan, ReasonKind
from pipespec.plan.planner import make_plan, needed
from pipespec.plan.records import OutputRecord, Records
from pipespec.project.disk_modules import DiskModules
from pipespec.python.identity.code_facts import CodeFacts
from pipespec.runtime.declared import Declared
from pipespec.runtime.rendered_pipeline import ROOT
from pipespec.spec.pipeline_spec import StepSpec
from pipespec.step.content_digest import digest_file

__all__ = ["ModulePlans", "complete_steps"]

_HELD: Final = (ReasonKind.CHECK_FAILED, ReasonKind.BLOCKED)
_AGAIN: Final = "render the module again"


class ModulePlans:
    """Plans for one process. A plan stays valid until a new one is requested."""

    def __init__(self, declared: Declared, records: Records) -> None:
        self._declared = declared
        self._records = records
        self._targets: tuple[str, ...] = ()
        self.plan: Plan | None = None
        self.files: dict[str, OutputRecord] = {}
        """The external inputs of all plans, as they were last read."""

    def look(self, steps: Iterable[str]) -> Plan:
        """Plan these steps, and all steps that they need.

        Raises:
            UsageError: if code changed, an input is missing, or a probe fails.
            StoreUnavailableError: if the records cannot be read.
        """
        self._targets = tuple(dict.fromkeys((*self._targets, *steps)))
        spec = self._declared.spec
        self._modules = DiskModules(spec.root)
        self._require_counted()
        chosen = [spec.steps[step] for step in needed(spec, self._targets)]
        facts = facts_with(spec, chosen, self._rendered_code(chosen), self._modules, results={})
        self.files.update(facts.files)
        self.plan = make_plan(spec, facts, self._records, targets=self._targets)
        return self.plan

    def counted(self, plan: Plan) -> Plan:
        """Return a plan in which steps that may run have their code as it is on the disk.

        Raises:
            UsageError: if it is not the code with which the module was rendered.
        """
        running = [one.step for one in plan.decisions.values() if one.action is not Action.REUSE]
        code = code_of(plan.pipeline, running, self._modules)
        for call, known in code.items():
            if known.package is None and known.digest != self._declared.code.get(call):
                raise UsageError(
                    f"the code of '{call}' differs from the code with which this module was rendered; {_AGAIN}"
                )
        facts = replace(plan.facts, code={**plan.facts.code, **code}, sources=sources_of(code, self._modules))
        return replace(plan, facts=facts)

    def _require_counted(self) -> None:
        root = self._declared.spec.root
        for file, digest in self._declared.sources.items():
            shown = os.path.relpath(file, root)
            try:
                found = digest_file(self._declared.spec.root / file)[0]
            except OSError:
                raise UsageError(
                    f"there is no '{shown}' below '{root}'; {_AGAIN}, or set {ROOT} to the project folder"
                ) from None
            if found != digest:
                raise UsageError(f"'{shown}' changed since this module was rendered; {_AGAIN}")

    def _rendered_code(self, steps: list[StepSpec]) -> Mapping[str, CodeFacts]:
        """Return the digests of the project's code as rendered. For installed packages, the version is determined here."""
        known = {call: CodeFacts(digest, {}, ()) for call, digest in self._declared.code.items()}
        installed = [step for step in steps if any(str(ref) not in known for ref in step.callables)]
        return {**code_of(self._declared.spec, installed, self._modules), **known}


def complete_steps(plan: Plan) -> list[str]:
    """Return the steps of a plan that need no turn: they, and all steps that they need, are complete and pass their checks."""
    return [
        step
        for step, decision in plan.decisions.items()
        if decision.record is not None and not any(reason.kind in _HELD for reason in decision.reasons)
    ]
