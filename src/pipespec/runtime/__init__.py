"""What a rendered module imports: its declarations, and tasks that Luigi runs.

    PIPELINE = runtime.Pipeline("sums", file="pipeline.yaml", module=__file__)

    class Total(runtime.StepTask):
        step = PIPELINE.step("total", call="steps:total", outputs={"total": "total.json"})

It comes with pipespec, and alone as `pipespec_runtime`, which needs Luigi and MLflow and nothing else.
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
