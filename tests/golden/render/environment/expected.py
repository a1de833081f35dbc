"""Pipeline environment

Made by pipespec 0.1.0 of pipeline.yaml (language 1). Change that, and make it again:

    pipespec render pipeline.yaml -o environment_luigi.py

Run it in the project, where luigi, mlflow and pipespec-runtime are installed:

    python -m luigi --module environment_luigi Pipeline --local-scheduler

A step is complete when MLflow has a finished run with its key, as for 'pipespec run':
what the one has done the other does not do again.
"""

try:
    from pipespec_runtime import runtime
except ModuleNotFoundError:  # pipespec itself holds it, too
    from pipespec import runtime

PIPELINE = runtime.Pipeline(
    "environment",
    file="pipeline.yaml",
    module=__file__,
    tracking_uri=runtime.env("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db"),
    tags={"user": runtime.env("USER"), "fixed": "yes"},
    code={
        "functions:use": "ddb9ee9f98e20ac8a0a323ebadd59582f225f3318bec0615bb8da61d5c8f85f5",
    },
    sources={
        "functions.py": "89590dce086beb416e38c2ff76c8a93cb39810f14d68c0c8a13852d09ff128e8",
    },
)


# pipeline.yaml:9  use[axis=a]
#   use:
#     call: functions:use
#     matrix: {axis: [a]}
#     inputs:
#       table: {file: "${env:DATA, data}/table.csv"}
#     params:
#       plain: ${env:PLAIN}
#       nested: ${env:ONE, ${env:TWO, ${params.place}}}
#       within: "before ${env:PLAIN} and ${matrix.axis} after"
#       commit: ${git:commit}
#       password: "user:${secret:PASSWORD}@${env:HOST, localhost}"
#       literal: "$${env:PLAIN} costs $5"
#       deep: {list: [1, "${env:PLAIN}"]}
#     outputs: {n: n.json}
class UseAxisA(runtime.StepTask):
    step = PIPELINE.step(
        "use",
        call="functions:use",
        variant={"axis": "a"},
        inputs={
            "table": runtime.file(
                runtime.text(runtime.env("DATA", "data"), "/table.csv"),
            ),
        },
        params={
            "plain": runtime.env("PLAIN"),
            "nested": runtime.env("ONE", runtime.env("TWO", "here")),
            "within": runtime.text("before ", runtime.env("PLAIN"), " and a after"),
            "commit": runtime.git("commit"),
            "password": runtime.text(
                "user:${secret:PASSWORD}@",
                runtime.env("HOST", "localhost"),
            ),
            "literal": "${env:PLAIN} costs $5",
            "deep": {"list": [1, runtime.env("PLAIN")]},
        },
        outputs={"n": "n.json"},
        experiment=runtime.text(runtime.env("USER", "nobody"), "-use"),
    )

    def requires(self):
        return []


# The whole pipeline: what no step waits for, and with it all that it needs.
class Pipeline(runtime.PipelineTask):
    pipeline = PIPELINE

    def requires(self):
        return [UseAxisA()]


if __name__ == "__main__":
    runtime.main(Pipeline)
