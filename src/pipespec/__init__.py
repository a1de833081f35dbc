"""pipespec: write a pipeline as YAML; run only what MLflow has no finished run of.

    pipeline = pipespec.load("pipelines/news.yaml", overrides=["params.seed=1"])
    report = pipeline.run("predictions", workers=2)
    titles = pipeline["titles"].load("titles")

The names here are what is promised; they are imported when they are first used, so that `import pipespec` is
quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipespec.api import Findings, Pipeline, StepHandle, init, load, schema, validate
    from pipespec.errors import (
        Diagnostic,
        InvalidPipelineError,
        PipespecError,
        Severity,
        Span,
        StoreUnavailableError,
        UsageError,
    )
    from pipespec.plan.model import Plan, RunReport, StepStatus

__all__ = [
    "Diagnostic",
    "Findings",
    "InvalidPipelineError",
    "Pipeline",
    "PipespecError",
    "Plan",
    "RunReport",
    "Severity",
    "Span",
    "StepHandle",
    "StepStatus",
    "StoreUnavailableError",
    "UsageError",
    "__version__",
    "init",
    "load",
    "schema",
    "validate",
]

__version__: str

_ERRORS = frozenset(
    {
        "Diagnostic",
        "InvalidPipelineError",
        "PipespecError",
        "Severity",
        "Span",
        "StoreUnavailableError",
        "UsageError",
    }
)
_PLANS = frozenset({"Plan", "RunReport", "StepStatus"})


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'pipespec' has no attribute '{name}'")
    if name == "__version__":
        from importlib.metadata import version

        return version("pipespec")
    from importlib import import_module

    home = "errors" if name in _ERRORS else "plan.model" if name in _PLANS else "api"
    return getattr(import_module(f"pipespec.{home}"), name)


def __dir__() -> list[str]:
    return __all__
