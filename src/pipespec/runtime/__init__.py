"""What a rendered module imports: its declarations, and tasks that Luigi runs.

    PIPELINE = runtime.Pipeline("sums", file="pipeline.yaml", module=__file__)

    class Total(runtime.StepTask):
        step = PIPELINE.step("total", call="steps:total", outputs={"total": "total.json"})

It comes with pipespec, and alone as `pipespec_runtime`, which needs Luigi and MLflow and nothing else.
"""

from pipespec.runtime.desk import StepFailedError, UnanswerableError
from pipespec.runtime.pipeline import Pipeline
from pipespec.runtime.tasks import PipelineTask, StepTask, main
from pipespec.runtime.values import env, every, file, files, folder, git, output, text

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
    "text",
]
