"""Pipeline names

Made by pipespec 0.1.0 of pipeline.yaml (language 1). Change that, and make it again:

    pipespec render pipeline.yaml -o names_luigi.py

Run it in the project, where luigi, mlflow and pipespec-runtime are installed:

    python -m luigi --module names_luigi Pipeline --local-scheduler

A step is complete when MLflow has a finished run with its key, as for 'pipespec run':
what the one has done the other does not do again.
"""

try:
    from pipespec_runtime import runtime
except ModuleNotFoundError:  # pipespec itself holds it, too
    from pipespec import runtime

PIPELINE = runtime.Pipeline(
    "names",
    file="pipeline.yaml",
    module=__file__,
    code={
        "functions:make": "5f5c092b8dab9c487f30e874a07b51902b8d6bdacc26039d52a7c56381268035",
    },
    sources={
        "functions.py": "4e541c41f3abfb012cfe77c5be41eef03e01c15af1aaaecc6d6daf996028e266",
    },
)


# pipeline.yaml:4
#   pipeline: {call: "functions:make", outputs: {n: n.json}}
class Pipeline_23bf0d24(runtime.StepTask):
    step = PIPELINE.step("pipeline", call="functions:make", outputs={"n": "n.json"})

    def requires(self):
        return []


# pipeline.yaml:5
#   PIPELINE-: {call: "functions:make", outputs: {n: n.json}}
class PIPELINE_edbe3da6(runtime.StepTask):
    step = PIPELINE.step("PIPELINE-", call="functions:make", outputs={"n": "n.json"})

    def requires(self):
        return []


# pipeline.yaml:6
#   a_b: {call: "functions:make", outputs: {n: n.json}}
class AB_648fa9b3(runtime.StepTask):
    step = PIPELINE.step("a_b", call="functions:make", outputs={"n": "n.json"})

    def requires(self):
        return []


# pipeline.yaml:7
#   a-b: {call: "functions:make", outputs: {n: n.json}}
class AB_d44362d6(runtime.StepTask):
    step = PIPELINE.step("a-b", call="functions:make", outputs={"n": "n.json"})

    def requires(self):
        return []


# pipeline.yaml:8
#   runtime: {call: "functions:make", outputs: {n: n.json}}
class Runtime(runtime.StepTask):
    step = PIPELINE.step("runtime", call="functions:make", outputs={"n": "n.json"})

    def requires(self):
        return []


# pipeline.yaml:9
#   none: {call: "functions:make", outputs: {n: n.json}}
class StepNone(runtime.StepTask):
    step = PIPELINE.step("none", call="functions:make", outputs={"n": "n.json"})

    def requires(self):
        return []


# pipeline.yaml:10
#   _: {call: "functions:make", outputs: {n: n.json}}
class Step(runtime.StepTask):
    step = PIPELINE.step("_", call="functions:make", outputs={"n": "n.json"})

    def requires(self):
        return []


# pipeline.yaml:11
#   _1st: {call: "functions:make", outputs: {n: n.json}}
class Step1st(runtime.StepTask):
    step = PIPELINE.step("_1st", call="functions:make", outputs={"n": "n.json"})

    def requires(self):
        return []


# pipeline.yaml:12
#   output: {call: "functions:make", params: {output: 1, run: 2, requires: 3, step: 4, self: 5}, outputs: {run: run.json}}
class Output(runtime.StepTask):
    step = PIPELINE.step(
        "output",
        call="functions:make",
        params={"output": 1, "run": 2, "requires": 3, "step": 4, "self": 5},
        outputs={"run": "run.json"},
    )

    def requires(self):
        return []


# pipeline.yaml:13
#   long_name_that_goes_on_and_on_until_nobody_can_read_it_any_more_at_all: {call: "functions:make", outputs: {n: n.json}}
class LongNameThatGoesOnAndOnUntilNobodyCanReadItAnyMoreAtAll(runtime.StepTask):
    step = PIPELINE.step(
        "long_name_that_goes_on_and_on_until_nobody_can_read_it_any_more_at_all",
        call="functions:make",
        outputs={"n": "n.json"},
    )

    def requires(self):
        return []


# The whole pipeline: what no step waits for, and with it all that it needs.
class Pipeline(runtime.PipelineTask):
    pipeline = PIPELINE

    def requires(self):
        return [
            Pipeline_23bf0d24(),
            PIPELINE_edbe3da6(),
            AB_648fa9b3(),
            AB_d44362d6(),
            Runtime(),
            StepNone(),
            Step(),
            Step1st(),
            Output(),
            LongNameThatGoesOnAndOnUntilNobodyCanReadItAnyMoreAtAll(),
        ]


if __name__ == "__main__":
    runtime.main(Pipeline)
