"""One `pipespec run` from its plan to its report: what the engine has to be told about the surroundings.

Takes a compiled pipeline and a plan that leaves something to do; gives the report. What is recorded of the invocation
is gathered only when a step executes, and its page is made when all have ended.
"""

from __future__ import annotations

import json
import pdb  # noqa: T100 - what --pdb is for
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from pipespec.engine.progress import Progress
from pipespec.engine.runner import NextWave, run_plan
from pipespec.engine.settings import RunSettings
from pipespec.errors import StoreUnavailableError
from pipespec.operations.compile import Compiled
from pipespec.operations.notify import tell
from pipespec.operations.reporting import REPORT, Reporting
from pipespec.operations.stores import write_store
from pipespec.operations.surroundings import about
from pipespec.operations.sweep import Sweep
from pipespec.plan.model import Action, Plan, RunReport
from pipespec.project.git import git_facts
from pipespec.project.planned import PlannedInputs
from pipespec.project.root import make_state_folder
from pipespec.spec.model import PipelineSpec
from pipespec.tracking.ledger import Ledger
from pipespec.views.run import printable, to_json

__all__ = ["invoke"]


def invoke(
    compiled: Compiled | Sweep,
    plan: Plan,
    ledger: Ledger,
    *,
    workers: int | None,
    keep_going: bool,
    debug: bool,
    scheduler: str | None,
    progress: Progress | None,
    reporting: Reporting,
    external: PlannedInputs,
    next_wave: NextWave,
) -> RunReport:
    """Run a plan, and those that follow as matrices become known.

    What the command line leaves open (None) is as the pipeline's `engine` says.
    """
    spec = plan.pipeline
    state = make_state_folder(spec.root)
    (state / "logs").mkdir(exist_ok=True)
    git = git_facts(spec.root)
    settings = RunSettings(
        state=state,
        invocation=reporting.about,
        external=external,
        workers=workers or spec.engine.workers or 1,
        keep_going=keep_going or spec.engine.keep_going,
        resources=spec.engine.resources,
        scheduler=scheduler or spec.engine.scheduler,
        inline=_to_debug(plan) if debug else (),
        on_error=_post_mortem if debug else None,
        source_files=compiled.digests,
        source=compiled.name,
        git_commit=None if git is None else git.commit,
        redact=compiled.redactor(),
        about=about(),
        report_files=lambda report: _report_files(report, reporting),
    )
    run = partial(
        run_plan,
        plan,
        ledger=ledger,
        open_recorder=partial(write_store, spec),
        settings=settings,
        progress=progress,
        next_wave=next_wave,
    )
    report = _told(spec, run)
    reporting.write(report)
    return report


def _told(spec: PipelineSpec, run: Callable[[], RunReport]) -> RunReport:
    """Run, and tell those who want to know how it ended."""
    try:
        report = run()
    except StoreUnavailableError as error:
        _complain(tell(spec, error))
        raise
    if report.invocation is not None:
        _complain(tell(spec, report))
    return report


def _complain(problems: Sequence[str]) -> None:
    for problem in problems:
        sys.stderr.write(f"{printable(problem)}\n")


def _to_debug(plan: Plan) -> tuple[str, ...]:
    """Choose the step that a debugger is wanted for: the last one of the plan that may run."""
    chosen = [step for step, decision in plan.decisions.items() if decision.action is not Action.REUSE]
    return tuple(chosen[-1:])


def _post_mortem(error: BaseException) -> None:
    pdb.post_mortem(error.__traceback__)


def _report_files(report: RunReport, reporting: Reporting) -> Mapping[str, str]:
    files = {"pipespec/run.json": json.dumps(to_json(report), indent=2, ensure_ascii=False) + "\n"}
    page = reporting.page(report)
    return files if page is None else files | {REPORT: page}
