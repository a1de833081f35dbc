"""The module that a rendered module imports: declarations, and tasks that Luigi runs.

    PIPELINE = runtime.Pipeline("sums", file="pipeline.yaml", module=__file__)

    class Total(runtime.StepTask):
        step = PIPELINE.step("total", call="steps:total", outputs={"total": "total.json"})

It is part of pipespec, and also separately available as `pipespec_runtime`, which needs only Luigi and MLflow.
"""

from pipespec.runtime.record_client import StepFailedError, UnanswerableError
from pipespec.runtime.rendered_pipeline import Pipeline
from pipespec.runtime.rendered_tasks import PipelineTask, StepTask, main
from pipespec.runtime.rendered_values import env, every, file, files, folder, git, output, scalar, text

__all__ = [
    "Pipeline",
    "PipelineTask",
    "StepFailedError",
    "StepTask",
    "UnanswerableError",
    "env",
    "every",
    "file",
    "files",
    "folder",
    "git",
    "main",
    "output",
    "scalar",
    "text",
]
