"""Remember that a pipeline was complete, for its next run. The memo is valid while nothing changes on which it depends.

Takes a file with its layers and targets. Returns the report of a run that has nothing to do, or None, so that the
pipeline is compiled and planned as usual. The memo contains the result of a plan: the key of each step, and which
record counted for it. The records of these keys are read again from the store, in one request, witnesses and artifacts
are checked as in any plan, and digests of inputs are computed again. Therefore, every key is the same as in a new plan,
from the first step to the last.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipespec.errors import PipespecError
from pipespec.operations.compiling.findings_memo import to_question
from pipespec.operations.compiling.pipeline_source import CompileOptions, PipelineSource
from pipespec.operations.planning.open_store import read_store_at, store_name
from pipespec.plan.records import StepRecord
from pipespec.plan.results import RunReport, StepResult
from pipespec.project.project_root import find_root
from pipespec.project.signed_memos import SignedMemos
from pipespec.project.source_stamps import still_hold, to_stamps
from pipespec.state_folder import StateFolder

if TYPE_CHECKING:
    from pipespec.plan.plan import Plan

__all__ = ["keep_reuse", "recall_reuse"]


def recall_reuse(
    file: str, targets: Sequence[str], overlays: Sequence[str], overrides: Sequence[str]
) -> RunReport | None:
    """Return the report of a run that has nothing to do; None if there may be something to do.

    Raises:
        StoreUnavailableError: if the store cannot be read.
    """
    began = time.monotonic()
    root = find_root(Path(file))
    memos = SignedMemos(root)
    options = CompileOptions(tuple(overlays), tuple(overrides), trusted=True)
    memo = memos.recall(to_question("run", file, options, targets))
    if memo is None or memo["root"] != str(root) or not still_hold(memo["sources"], memos.sealed):
        return None
    unpublished = StateFolder.of(root).unpublished
    is_rest = unpublished.is_dir() and any(unpublished.iterdir())
    if is_rest or not _are_same_inputs(root, memo["inputs"]) or not _are_same_packages(memo["packages"]):
        return None
    with read_store_at(memo["store"], memo["artifacts"], root) as ledger:
        found = ledger.complete({key for _, key, _ in memo["steps"]})
    results = []
    for step, key, told in memo["steps"]:
        record = found.get(key)
        if record is None or _told(record) != told:
            return None
        results.append(StepResult.of_record(step, key, record))
    store = store_name(memo["store"], root)
    return RunReport(None, tuple(results), time.monotonic() - began, store)


def keep_reuse(
    source: PipelineSource, plan: Plan, results: Sequence[StepResult], targets: Sequence[str]
) -> None:
    """Remember that these targets are complete, if only files, code, environment and records determined it.

    `plan` is what was planned or executed; `results` are those of all its steps.
    """
    from pipespec.project.input_presence import external_inputs, is_remote, to_place  # noqa: PLC0415 - a plan has already imported it
    from pipespec.views.plan_view import empty_steps  # noqa: PLC0415 - needed only if there is something to examine

    spec = plan.pipeline
    inputs = external_inputs(decision.step for decision in plan.decisions.values())
    read = source.sources_read()
    is_more = bool(
        plan.facts.probes
        or plan.facts.results
        or any(map(is_remote, inputs))
        or empty_steps(spec)
        # Somebody may have deleted a version, which is then registered again.
        or any(step.registers for step in spec.steps.values())
    )
    if read is None or is_more:
        return
    memos = SignedMemos(spec.root)
    sources = to_stamps(read, memos.sealed)
    if sources is None:
        return
    steps = [
        [each.step, each.key, _told(each.record)]
        for each in results
        if each.key is not None and each.record is not None
    ]
    if len(steps) < len(plan.decisions):
        return
    answer = {
        "root": str(spec.root),
        "sources": sources,
        "inputs": [[*to_place(source), plan.facts.files[place].digest] for place, source in inputs.items()],
        "packages": dict(plan.facts.packages),
        "store": spec.mlflow.tracking_uri,
        "artifacts": spec.mlflow.artifact_location,
        "steps": steps,
    }
    memos.keep(to_question("run", source.name, source.options, targets), answer)


def _told(record: StepRecord) -> list[Any]:
    """Return the parts of a record on which a plan depends: its content, its metrics, and whether it was accepted."""
    outputs = [[name, one.digest, one.bytes, one.files, one.file] for name, one in record.outputs.items()]
    return [record.run_id, outputs, sorted(map(list, record.metrics.items())), record.accepted is not None]


def _are_same_inputs(root: Path, inputs: Sequence[Sequence[str]]) -> bool:
    if not inputs:
        return True
    from pipespec.project.digest_memory import DigestMemory  # noqa: PLC0415 - 10 ms
    from pipespec.project.input_digests import digest_input  # noqa: PLC0415 - as above
    from pipespec.project.input_presence import to_source  # noqa: PLC0415 - as above

    try:
        with DigestMemory(root) as memory:
            return all(digest_input(to_source(*place), memory).digest == digest for *place, digest in inputs)
    except PipespecError:
        return False  # the plan says what is wrong


def _are_same_packages(packages: dict[str, str | None]) -> bool:
    if not packages:
        return True
    from pipespec.project.installed_packages import package_versions  # noqa: PLC0415 - 8 ms

    return package_versions(packages) == packages
