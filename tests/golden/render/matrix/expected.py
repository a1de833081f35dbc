"""Pipeline grid

Made by pipespec 0.1.0 of pipeline.yaml (language 1). Change that, and make it again:

    pipespec render pipeline.yaml -o grid_luigi.py

Run it in the project, where luigi, mlflow and pipespec-runtime are installed:

    python -m luigi --module grid_luigi Pipeline --local-scheduler

A step is complete when MLflow has a finished run with its key, as for 'pipespec run':
what the one has done the other does not do again.
"""

try:
    from pipespec_runtime import runtime
except ModuleNotFoundError:  # pipespec itself holds it, too
    from pipespec import runtime

PIPELINE = runtime.Pipeline(
    "grid",
    file="pipeline.yaml",
    module=__file__,
    code={
        "functions:best": "0a2447c0f025a93deb2b39042fb91a514abff09c661dba05367cb98a3a617c37",
        "functions:train": "279e1d2f066668e6ea5bd8d98a759564056df0bde767e0d49a61a80b62df3c8c",
    },
    sources={
        "functions.py": "e0c4e2e4e2b44d1e40a5de6d46aa17efdfb4cac58d5a7ab302613222462a5768",
    },
)


# pipeline.yaml:4  train[depth=2,kind="a b",rate=0.1]
#   train:
#     call: functions:train
#     matrix:
#       depth: [2, 4]
#       rate: [0.1, -1, 1e16]
#       kind: ["a b", "a-b"]
#       exclude: [{depth: 4, rate: 0.1, kind: "a b"}, {depth: 4, rate: -1, kind: "a b"}, {depth: 2, rate: -1, kind: "a-b"}]
#     params: {seed: 1}
#     outputs: {model: model.json}
class TrainDepth2KindA_bRate0_1_221de335(runtime.StepTask):
    step = PIPELINE.step(
        "train",
        call="functions:train",
        variant={"depth": 2, "kind": "a b", "rate": 0.1},
        params={"seed": 1, "depth": 2, "rate": 0.1, "kind": "a b"},
        outputs={"model": "model.json"},
    )

    def requires(self):
        return []


# pipeline.yaml:4  train[depth=2,kind=a-b,rate=0.1]
class TrainDepth2KindA_bRate0_1_54db6c10(runtime.StepTask):
    step = PIPELINE.step(
        "train",
        call="functions:train",
        variant={"depth": 2, "kind": "a-b", "rate": 0.1},
        params={"seed": 1, "depth": 2, "rate": 0.1, "kind": "a-b"},
        outputs={"model": "model.json"},
    )

    def requires(self):
        return []


# pipeline.yaml:4  train[depth=2,kind="a b",rate=-1]
class TrainDepth2KindA_bRate_1(runtime.StepTask):
    step = PIPELINE.step(
        "train",
        call="functions:train",
        variant={"depth": 2, "kind": "a b", "rate": -1},
        params={"seed": 1, "depth": 2, "rate": -1, "kind": "a b"},
        outputs={"model": "model.json"},
    )

    def requires(self):
        return []


# pipeline.yaml:4  train[depth=2,kind="a b",rate=1e+16]
class TrainDepth2KindA_bRate1e_16_41b1f83c(runtime.StepTask):
    step = PIPELINE.step(
        "train",
        call="functions:train",
        variant={"depth": 2, "kind": "a b", "rate": 1e16},
        params={"seed": 1, "depth": 2, "rate": 1e16, "kind": "a b"},
        outputs={"model": "model.json"},
    )

    def requires(self):
        return []


# pipeline.yaml:4  train[depth=2,kind=a-b,rate=1e+16]
class TrainDepth2KindA_bRate1e_16_a6f1509c(runtime.StepTask):
    step = PIPELINE.step(
        "train",
        call="functions:train",
        variant={"depth": 2, "kind": "a-b", "rate": 1e16},
        params={"seed": 1, "depth": 2, "rate": 1e16, "kind": "a-b"},
        outputs={"model": "model.json"},
    )

    def requires(self):
        return []


# pipeline.yaml:4  train[depth=4,kind=a-b,rate=0.1]
class TrainDepth4KindA_bRate0_1(runtime.StepTask):
    step = PIPELINE.step(
        "train",
        call="functions:train",
        variant={"depth": 4, "kind": "a-b", "rate": 0.1},
        params={"seed": 1, "depth": 4, "rate": 0.1, "kind": "a-b"},
        outputs={"model": "model.json"},
    )

    def requires(self):
        return []


# pipeline.yaml:4  train[depth=4,kind=a-b,rate=-1]
class TrainDepth4KindA_bRate_1(runtime.StepTask):
    step = PIPELINE.step(
        "train",
        call="functions:train",
        variant={"depth": 4, "kind": "a-b", "rate": -1},
        params={"seed": 1, "depth": 4, "rate": -1, "kind": "a-b"},
        outputs={"model": "model.json"},
    )

    def requires(self):
        return []


# pipeline.yaml:4  train[depth=4,kind="a b",rate=1e+16]
class TrainDepth4KindA_bRate1e_16_cccd660c(runtime.StepTask):
    step = PIPELINE.step(
        "train",
        call="functions:train",
        variant={"depth": 4, "kind": "a b", "rate": 1e16},
        params={"seed": 1, "depth": 4, "rate": 1e16, "kind": "a b"},
        outputs={"model": "model.json"},
    )

    def requires(self):
        return []


# pipeline.yaml:4  train[depth=4,kind=a-b,rate=1e+16]
class TrainDepth4KindA_bRate1e_16_54bf46a5(runtime.StepTask):
    step = PIPELINE.step(
        "train",
        call="functions:train",
        variant={"depth": 4, "kind": "a-b", "rate": 1e16},
        params={"seed": 1, "depth": 4, "rate": 1e16, "kind": "a-b"},
        outputs={"model": "model.json"},
    )

    def requires(self):
        return []


# pipeline.yaml:13
#   best:
#     call: functions:best
#     inputs:
#       models: train[*].model
#       deep: train[depth=4].model
#     outputs: {best: best.json}
class Best(runtime.StepTask):
    step = PIPELINE.step(
        "best",
        call="functions:best",
        inputs={
            "models": runtime.every(
                "model",
                of=[
                    'train[depth=2,kind="a b",rate=0.1]',
                    "train[depth=2,kind=a-b,rate=0.1]",
                    'train[depth=2,kind="a b",rate=-1]',
                    'train[depth=2,kind="a b",rate=1e+16]',
                    "train[depth=2,kind=a-b,rate=1e+16]",
                    "train[depth=4,kind=a-b,rate=0.1]",
                    "train[depth=4,kind=a-b,rate=-1]",
                    'train[depth=4,kind="a b",rate=1e+16]',
                    "train[depth=4,kind=a-b,rate=1e+16]",
                ],
            ),
            "deep": runtime.every(
                "model",
                of=[
                    "train[depth=4,kind=a-b,rate=0.1]",
                    "train[depth=4,kind=a-b,rate=-1]",
                    'train[depth=4,kind="a b",rate=1e+16]',
                    "train[depth=4,kind=a-b,rate=1e+16]",
                ],
                fixed={"depth": 4},
            ),
        },
        outputs={"best": "best.json"},
    )

    def requires(self):
        return [
            TrainDepth2KindA_bRate0_1_221de335(),
            TrainDepth2KindA_bRate0_1_54db6c10(),
            TrainDepth2KindA_bRate_1(),
            TrainDepth2KindA_bRate1e_16_41b1f83c(),
            TrainDepth2KindA_bRate1e_16_a6f1509c(),
            TrainDepth4KindA_bRate0_1(),
            TrainDepth4KindA_bRate_1(),
            TrainDepth4KindA_bRate1e_16_cccd660c(),
            TrainDepth4KindA_bRate1e_16_54bf46a5(),
        ]


# The whole pipeline: what no step waits for, and with it all that it needs.
class Pipeline(runtime.PipelineTask):
    pipeline = PIPELINE

    def requires(self):
        return [Best()]


if __name__ == "__main__":
    runtime.main(Pipeline)
