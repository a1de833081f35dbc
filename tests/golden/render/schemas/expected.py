"""Pipeline schemas

Made by pipespec 0.1.0 of pipeline.yaml (language 1). Change that, and make it again:

    pipespec render pipeline.yaml -o schemas_luigi.py

Run it in the project, where luigi, mlflow and pipespec-runtime are installed:

    python -m luigi --module schemas_luigi Pipeline --local-scheduler

A step is complete when MLflow has a finished run with its key, as for 'pipespec run':
what the one has done the other does not do again.
"""

try:
    from pipespec_runtime import runtime
except ModuleNotFoundError:  # pipespec itself holds it, too
    from pipespec import runtime

PIPELINE = runtime.Pipeline(
    "schemas",
    file="pipeline.yaml",
    module=__file__,
    code={
        "steps:score": "fe68ce686d3549513f86aac583f87d8b46a682af807559adce4ca18a6ad9b7ba",
        "steps:total": "b527cf304a8702739364b1cc75f2564bc8ca0cb1ca4affe3b7b4d9fc71c67301",
    },
    sources={
        "steps.py": "78ed8138762b424c1726b262c8d7cb0156f8e8a6760ab6d177c6a99e24f58bd4",
    },
)


# parts/score.yaml:2
#   score:
#     call: steps:score
#     inputs: {cities: {file: cities.json, schema: cities.schema.json}}
#     params: {best: "${params.best}"}
#     outputs: {scores: {file: scores.jsonl, schema: score.schema.json}}
class Score(runtime.StepTask):
    step = PIPELINE.step(
        "score",
        call="steps:score",
        inputs={
            "cities": runtime.file(
                "cities.json",
                base="parts",
                schema="parts/cities.schema.json",
            ),
        },
        params={"best": 3},
        outputs={"scores": "scores.jsonl"},
        schemas={"scores": "parts/score.schema.json"},
    )

    def requires(self):
        return []


# pipeline.yaml:7
#   total:
#     call: steps:total
#     inputs: {limits: {file: limits.yaml, schema: limits.schema.json}, scores: score}
#     outputs: {total: {file: total.json, save: {indent: 1}, schema: total.schema.json}}
class Total(runtime.StepTask):
    step = PIPELINE.step(
        "total",
        call="steps:total",
        inputs={
            "limits": runtime.file("limits.yaml", schema="limits.schema.json"),
            "scores": runtime.output("score", "scores"),
        },
        outputs={"total": ("total.json", {"indent": 1})},
        schemas={"total": "total.schema.json"},
    )

    def requires(self):
        return [Score()]


# The whole pipeline: what no step waits for, and with it all that it needs.
class Pipeline(runtime.PipelineTask):
    pipeline = PIPELINE

    def requires(self):
        return [Total()]


if __name__ == "__main__":
    runtime.main(Pipeline)
