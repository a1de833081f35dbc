"""Pipeline hostile: ''' + __import__('os').system('touch owned') # second / line

Made by pipespec 0.1.0 of pipeline.yaml (language 1). Change that, and make it again:

    pipespec render pipeline.yaml -o hostile_luigi.py

Run it in the project, where luigi, mlflow and pipespec-runtime are installed:

    python -m luigi --module hostile_luigi Pipeline --local-scheduler

A step is complete when MLflow has a finished run with its key, as for 'pipespec run':
what the one has done the other does not do again.
"""

try:
    from pipespec_runtime import runtime
except ModuleNotFoundError:  # pipespec itself holds it, too
    from pipespec import runtime

PIPELINE = runtime.Pipeline(
    "hostile",
    file="pipeline.yaml",
    module=__file__,
    description="\"\"\" + __import__('os').system('touch owned') #\nsecond \\ line",
    code={
        "functions:make": "5f5c092b8dab9c487f30e874a07b51902b8d6bdacc26039d52a7c56381268035",
    },
    sources={
        "functions.py": "4e541c41f3abfb012cfe77c5be41eef03e01c15af1aaaecc6d6daf996028e266",
    },
)


# pipeline.yaml:5
#   step:
#     call: functions:make
#     params:
#       quotes: "'''\"\"\"'\""
#       backslashes: "\\ \\n \\\\"
#       lines: "a\nb\r\nc\td"
#       reference: "$${params.x} {0} %s {{ x }}"
#       direction: "\u202Egnp.exe\u202C\u200F\u2066x\u2069"
#       separators: "a\u2028b\u2029c\x85d\x0ce\x1b[31mred\x07"
#       astral: "\U0001F600 日本語 é é"
#       markup: "</script> <!-- --> `x`"
#       nested:
#         "key \"'\\ \n # \u202E": "''' \"\"\""
#         numbers: [0, -0.0, -1, 1.0, 1e300, 5e-324, 9223372036854775807, true, null]
#         right to left: "\u202e\u2066 a\u200fﷺ" # the same, as they are, and a zero\u200bwidth
#     outputs: {n: n.json} # '); import os; """ \" \
class Step(runtime.StepTask):
    step = PIPELINE.step(
        "step",
        call="functions:make",
        params={
            "quotes": "'''\"\"\"'\"",
            "backslashes": "\\ \\n \\\\",
            "lines": "a\nb\r\nc\td",
            "reference": "${params.x} {0} %s {{ x }}",
            "direction": "\u202egnp.exe\u202c\u200f\u2066x\u2069",
            "separators": "a\u2028b\u2029c\x85d\x0ce\x1b[31mred\x07",
            "astral": "😀 日本語 é é",
            "markup": "</script> <!-- --> `x`",
            "nested": {
                "key \"'\\ \n # \u202e": "''' \"\"\"",
                "numbers": [
                    0,
                    -0.0,
                    -1,
                    1.0,
                    1e300,
                    5e-324,
                    9223372036854775807,
                    True,
                    None,
                ],
                "right to left": "\u202e\u2066 a\u200fﷺ",
            },
        },
        outputs={"n": "n.json"},
    )

    def requires(self):
        return []


# The whole pipeline: what no step waits for, and with it all that it needs.
class Pipeline(runtime.PipelineTask):
    pipeline = PIPELINE

    def requires(self):
        return [Step()]


if __name__ == "__main__":
    runtime.main(Pipeline)
