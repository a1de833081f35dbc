"""Pipeline sums: Two steps.

Made by pipespec 0.1.0 of pipeline.yaml (language 1). Change that, and make it again:

    pipespec render pipeline.yaml -o sums_luigi.py

Run it in the project, where luigi, mlflow and pipespec-runtime are installed:

    python -m luigi --module sums_luigi Pipeline --local-scheduler

A step is complete when MLflow has a finished run with its key, as for 'pipespec run':
what the one has done the other does not do again.
"""

try:
    from pipespec_runtime import runtime
except ModuleNotFoundError:  # pipespec itself holds it, too
    from pipespec import runtime

PIPELINE = runtime.Pipeline(
    "sums",
    file="pipeline.yaml",
    module=__file__,
    description="Two steps.",
    code={
        "functions:make": "3461b1f5e0a0b3daab42489091462dcfa80e63d95adab69f9ff9618aa063e797",
        "functions:total": "67090b487e9d05dce344b9bc8a3d5bde17753c71faed76a33e16d18951ab28c0",
    },
    sources={
        "functions.py": "c4dd545c75cb34000c6f7402c4d81c0ae6c31f44b8bc7a9422c30f906025e73f",
    },
)


# pipeline.yaml:6
#   numbers:
#     call: functions:make
#     params: {count: "${params.count}"} # as many as that
#     outputs: {numbers: numbers.json}
class Numbers(runtime.StepTask):
    step = PIPELINE.step(
        "numbers",
        call="functions:make",
        params={"count": 5},
        outputs={"numbers": "numbers.json"},
    )

    def requires(self):
        return []


# pipeline.yaml:12
#   total:
#     description: |
#       Adds up,
#       over two lines.
#     call: functions:total
#     inputs: {numbers: numbers}
#     outputs: {total: total.json}
class Total(runtime.StepTask):
    step = PIPELINE.step(
        "total",
        call="functions:total",
        description="Adds up,\nover two lines.\n",
        inputs={"numbers": runtime.output("numbers", "numbers")},
        outputs={"total": "total.json"},
    )

    def requires(self):
        return [Numbers()]


# The whole pipeline: what no step waits for, and with it all that it needs.
class Pipeline(runtime.PipelineTask):
    pipeline = PIPELINE

    def requires(self):
        return [Total()]


if __name__ == "__main__":
    runtime.main(Pipeline)
