"""Pipeline every-key: Every key, 'quoted'.

Made by pipespec 0.1.0 of pipeline.yaml (language 1). Change that, and make it again:

    pipespec render pipeline.yaml -o every_key_luigi.py

Run it in the project, where luigi, mlflow and pipespec-runtime are installed:

    python -m luigi --module every_key_luigi Pipeline --local-scheduler

A step is complete when MLflow has a finished run with its key, as for 'pipespec run':
what the one has done the other does not do again.

These keys of the pipeline have no effect here: engine.workers.
"""

try:
    from pipespec_runtime import runtime
except ModuleNotFoundError:  # pipespec itself holds it, too
    from pipespec import runtime

PIPELINE = runtime.Pipeline(
    "every-key",
    file="pipeline.yaml",
    module=__file__,
    description='Every key, "quoted".',
    artifact_location="s3://bucket/keys",
    tags={"team": "nlp", "number": "3"},
    resources={"gpu": 2},
    code={
        "functions:count": "936a14fd74758bef78a58c3c456c0cbb85dbe960966bae01d54f385ef2ab401c",
        "functions:make": "ec81ae8bcf4b3f988c024a221b92d805f3d26de701991dc7cf3d2acbbf9ced3d",
        "functions:read": "6ad1902359bbd9bd089bcca27f7730d921db7ed43a8cbda6642dbd7d232ac456",
        "functions:use": "940ccaa998d2a6a3cacdffb4cb512f9cd1585c7f01fcfc02feceace2fdd7da6f",
        "functions:write": "5f3a40a65a33b50160b2d4081052b8a6319761158f6e78ab344f7679ea97f83f",
    },
    sources={
        "functions.py": "3c3dfcb5f83184be93c260dc1bf7fcc9e0cf4fcbefb6b88cbbca2d2ed3092acc",
    },
)


# pipeline.yaml:11
#   make:
#     call: functions:make
#     description: Makes things.
#     inputs:
#       notes: {file: data/notes.txt, load: "functions:read"}
#       rows: {file: data/rows.json}
#       more: {files: "data/more/*.csv", load: {sep: ";"}}
#       folder: {dir: data}
#     params: {n_jobs: 2}
#     outputs:
#       model: model/
#       text: {file: text.txt, save: "functions:write"}
#       scores: scores.json
#     metrics: scores
#     checks: {loss: {min: 0, max: 1.5}}
#     identity: {ignore: [n_jobs], code: none, version: 2, packages: [luigi], probe: "functions:count", untracked: [cache/]}
#     retry: {times: 2, wait: [1500s, 1h]}
#     timeout: 1h
#     priority: 7
#     resources: {gpu: 1}
#     tags: [model, slow]
class Make(runtime.StepTask):
    step = PIPELINE.step(
        "make",
        call="functions:make",
        description="Makes things.",
        inputs={
            "notes": runtime.file("data/notes.txt", load="functions:read"),
            "rows": runtime.file("data/rows.json"),
            "more": runtime.files("data/more/*.csv", load={"sep": ";"}),
            "folder": runtime.folder("data"),
        },
        params={"n_jobs": 2},
        outputs={
            "model": "model/",
            "text": ("text.txt", "functions:write"),
            "scores": "scores.json",
        },
        metrics="scores",
        checks={"loss": {"min": 0, "max": 1.5}},
        ignore=["n_jobs"],
        count_code="none",
        version=2,
        packages=["luigi"],
        probe="functions:count",
        untracked=["cache/"],
        retry=2,
        retry_wait=(1500, 3600),
        timeout=3600,
        priority=7,
        resources={"gpu": 1},
        tags=["model", "slow"],
        experiment="team/make",
    )

    def requires(self):
        return []


# pipeline.yaml:32
#   use:
#     call: functions:use
#     inputs:
#       weights: {from: make.model/weights.bin, load: path}
#       text: make.text
#     outputs: {text: text.txt}
class Use(runtime.StepTask):
    step = PIPELINE.step(
        "use",
        call="functions:use",
        inputs={
            "weights": runtime.output("make", "model", "weights.bin", load="path"),
            "text": runtime.output("make", "text"),
        },
        outputs={"text": "text.txt"},
        timeout=90,
        experiment="team/use",
    )

    def requires(self):
        return [Make()]


# pipeline.yaml:38
#   never:
#     call: functions:count
#     identity: none
#     needs: [use, make]
#     outputs: {n: n.json}
class Never(runtime.StepTask):
    step = PIPELINE.step(
        "never",
        call="functions:count",
        outputs={"n": "n.json"},
        needs=["use", "make"],
        has_identity=False,
        timeout=90,
        experiment="team/never",
    )

    def requires(self):
        return [Use(), Make()]


# The whole pipeline: what no step waits for, and with it all that it needs.
class Pipeline(runtime.PipelineTask):
    pipeline = PIPELINE

    def requires(self):
        return [Never()]


if __name__ == "__main__":
    runtime.main(Pipeline)
