"""pipespec: write a pipeline as YAML; run only what MLflow has no finished run of.

    pipeline = pipespec.load("pipelines/news.yaml", overrides=["params.seed=1"])
    report = pipeline.run("predictions", workers=2)
    titles = pipeline["titles"].load("titles")

The names here are what is promised; they are imported when they are first used, so that `import pipespec` is
quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pipespec.api import collect_garbage, convert, examine, import_results, init, load, schema, validate
    from pipespec.converting.conversion import Conversion
    from pipespec.engine.progress_events import Progress
    from pipespec.errors import (
        Diagnostic,
        InvalidPipelineError,
        PipespecError,
        Severity,
        Span,
        StepFailedError,
        StoreUnavailableError,
        UsageError,
    )
    from pipespec.operations.calling.call_function import CallAnswer, FunctionCall
    from pipespec.operations.calling.call_step import StepCall
    from pipespec.operations.compiling.validate_files import Findings
    from pipespec.pipeline import Pipeline, StepHandle
    from pipespec.plan.acceptance import Acceptances
    from pipespec.plan.garbage import Garbage
    from pipespec.plan.lineage import Lineage
    from pipespec.plan.new_project import NewProject
    from pipespec.plan.old_results.import_report import ImportReport
    from pipespec.plan.pipeline_diff import Difference
    from pipespec.plan.plan import Plan
    from pipespec.plan.reproduction import Reproduction
    from pipespec.plan.results import RunReport, StepAwaited, StepResult, StepStarted, StepStatus, StoreAway
    from pipespec.plan.run_comparison import NewBaseline, RunComparison
    from pipespec.plan.store_findings import Examination
    from pipespec.plan.time_left import Remaining, Rest
    from pipespec.spec.call_options import CallOption

__all__ = [
    "Acceptances",
    "CallAnswer",
    "CallOption",
    "Conversion",
    "Diagnostic",
    "Difference",
    "Examination",
    "Findings",
    "FunctionCall",
    "Garbage",
    "ImportReport",
    "InvalidPipelineError",
    "Lineage",
    "NewBaseline",
    "NewProject",
    "Pipeline",
    "PipespecError",
    "Plan",
    "Progress",
    "Remaining",
    "Reproduction",
    "Rest",
    "RunComparison",
    "RunReport",
    "Severity",
    "Span",
    "StepAwaited",
    "StepCall",
    "StepFailedError",
    "StepHandle",
    "StepResult",
    "StepStarted",
    "StepStatus",
    "StoreAway",
    "StoreUnavailableError",
    "UsageError",
    "__version__",
    "collect_garbage",
    "convert",
    "examine",
    "import_results",
    "init",
    "load",
    "schema",
    "validate",
]

__version__: str

_NAMES: Final = {
    "api": "collect_garbage convert examine import_results init load schema validate",
    "operations.calling.call_function": "CallAnswer FunctionCall",
    "operations.calling.call_step": "StepCall",
    "converting.conversion": "Conversion",
    "operations.compiling.validate_files": "Findings",
    "engine.progress_events": "Progress",
    "errors": "Diagnostic InvalidPipelineError PipespecError Severity Span StepFailedError StoreUnavailableError UsageError",
    "pipeline": "Pipeline StepHandle",
    "plan.acceptance": "Acceptances",
    "plan.garbage": "Garbage",
    "plan.lineage": "Lineage",
    "plan.reproduction": "Reproduction",
    "plan.old_results.import_report": "ImportReport",
    "plan.new_project": "NewProject",
    "plan.pipeline_diff": "Difference",
    "plan.plan": "Plan",
    "plan.results": "RunReport StepAwaited StepResult StepStarted StepStatus StoreAway",
    "plan.store_findings": "Examination",
    "plan.run_comparison": "NewBaseline RunComparison",
    "plan.time_left": "Remaining Rest",
    "spec.call_options": "CallOption",
}
_OF_SESSIONS: Final = frozenset({"api", "pipeline"})
"""Whoever takes a name of these works in Python, and sees the values that they return; the command line goes past here."""
_HOMES: Final = {name: module for module, names in _NAMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("pipespec")
    if name not in _HOMES:
        raise AttributeError(f"module 'pipespec' has no attribute '{name}'")
    from importlib import import_module

    if _HOMES[name] in _OF_SESSIONS:
        from pipespec.views.session_view import register

        register()
    return getattr(import_module(f"pipespec.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
