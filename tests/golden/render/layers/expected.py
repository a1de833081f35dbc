"""Pipeline layers

Made by pipespec 0.1.0 of pipeline.yaml (language 1). Change that, and make it again:

    pipespec render pipeline.yaml -f overlay.yaml --set params.count=9 --set steps.total.timeout=5s -o layers_luigi.py

Run it in the project, where luigi, mlflow and pipespec-runtime are installed:

    python -m luigi --module layers_luigi Pipeline --local-scheduler

A step is complete when MLflow has a finished run with its key, as for 'pipespec run':
what the one has done the other does not do again.
"""

try:
    from pipespec_runtime import runtime
except ModuleNotFoundError:  # pipespec itself holds it, too
    from pipespec import runtime

PIPELINE = runtime.Pipeline(
    "layers",
    file="pipeline.yaml",
    module=__file__,
    code={
        "functions:make": "3461b1f5e0a0b3daab42489091462dcfa80e63d95adab69f9ff9618aa063e797",
        "functions:total": "67090b487e9d05dce344b9bc8a3d5bde17753c71faed76a33e16d18951ab28c0",
    },
    sources={
        "functions.py": "c4dd545c75cb34000c6f7402c4d81c0ae6c31f44b8bc7a9422c30f906025e73f",
    },
)


# base/shared.yaml:3
#   numbers:
#     call: functions:make
#     params: {count: "${params.count}"}
#     outputs: {numbers: numbers.json}
class Numbers(runtime.StepTask):
    step = PIPELINE.step(
        "numbers",
        call="functions:make",
        params={"count": 9},
        outputs={"numbers": "numbers.json"},
    )

    def requires(self):
        return []


# base/shared.yaml:7
#   read:
#     call: functions:total
#     inputs: {numbers: {file: numbers.json}}
#     outputs: {total: total.json}
class Read(runtime.StepTask):
    step = PIPELINE.step(
        "read",
        call="functions:total",
        inputs={"numbers": runtime.file("numbers.json", base="base")},
        outputs={"total": "total.json"},
    )

    def requires(self):
        return []


# pipeline.yaml:5
#   total:
#     call: functions:total
#     inputs: {numbers: numbers}
#     params: {name: below}
#     outputs: {total: total.json}
# overlay.yaml:3
#   priority: 3
#   params:
#     name: over
# --set steps.total.timeout=5s
class Total(runtime.StepTask):
    step = PIPELINE.step(
        "total",
        call="functions:total",
        inputs={"numbers": runtime.output("numbers", "numbers")},
        params={"name": "over"},
        outputs={"total": "total.json"},
        timeout=5,
        priority=3,
    )

    def requires(self):
        return [Numbers()]


# The whole pipeline: what no step waits for, and with it all that it needs.
class Pipeline(runtime.PipelineTask):
    pipeline = PIPELINE

    def requires(self):
        return [Read(), Total()]


if __name__ == "__main__":
    runtime.main(Pipeline)
