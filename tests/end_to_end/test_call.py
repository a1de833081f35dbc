"""`call`: a function, or a step, on data, on paths and from the shell, without a word of that written for it."""

from __future__ import annotations

import json
import os

import pytest

from pipespec.operations.calling.scratch_folder import scratch_folder

FUNCTIONS = '''\
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd


class Model:
    depth = 0


class Trained(NamedTuple):
    model: Model
    scores: dict


def titles(count: int = 3, name: str = "t") -> pd.DataFrame:
    """Make titles.

    Args:
        count: How many.
        name: What each begins with.
    """
    print("making titles")
    return pd.DataFrame({"title": [f"{name}{number}" for number in range(count)]})


def train(examples: pd.DataFrame, depth: int, shuffle: bool = True, rates: list[float] | None = None):
    return {"rows": len(examples), "depth": depth, "shuffle": shuffle, "rates": rates}


def fitted(examples: pd.DataFrame):
    return Trained(Model(), {"rows": len(examples)})


def copied(source: Path, out: Path):
    out.write_text(source.read_text().upper())


def loose(value):
    return {"kind": type(value).__name__}


def logging(x: float):
    import mlflow

    mlflow.log_metric("x", x)


def refusing(x: int):
    raise ValueError(f"no {x}")


def crowded(out: str, force: bool, overlay: str, set: int, env: str, words: str) -> list:
    return [out, force, overlay, set, env, words]


def genres() -> list:
    return ["a", "b"]


def named(genre: str) -> str:
    return genre.upper()


def joined(names: dict[str, str], env: str) -> str:
    return env.join(names.values())


def secretive(token: str):
    raise RuntimeError(f"with {token}")
'''
PIPELINE = """\
pipespec: 1
name: calls
params: {depth: 4}
steps:
  titles:
    call: steps:titles
    params: {count: 4}
    outputs: {titles: titles.csv}
  train:
    call: steps:train
    description: Trains a model.
    inputs: {examples: titles.titles}
    params: {depth: "${params.depth}"}
    outputs: {result: result.json}
  secret:
    call: steps:secretive
    params: {token: "${secret:TOKEN}"}
"""
VARIANTS = """\
pipespec: 1
name: variants
params: {env: "+"}
steps:
  genres: {call: "steps:genres", outputs: {genres: genres.json}}
  named:
    call: steps:named
    matrix: {genre: genres.genres}
    outputs: {name: name.txt}
  joined:
    call: steps:joined
    inputs: {names: "named[*].name"}
    params: {env: "${params.env}"}
    outputs: {joined: joined.txt}
"""
CSV = "title\na\nb\n"


@pytest.fixture
def calls(empty_project):
    empty_project.write("steps.py", FUNCTIONS)
    empty_project.write("pipeline.yaml", PIPELINE)
    empty_project.write("t.csv", CSV)
    return empty_project


def result(answer):
    return (answer.code, answer.out, answer.err)


@pytest.mark.parametrize(
    ("words", "out"),
    [
        (["titles", "--count", "1"], "making titles\ntitle\nt0\n"),
        (["titles", "--count", "1", "--name", "007"], "making titles\ntitle\n0070\n"),
        (
            ["train", "--examples", "t.csv", "--depth", "2"],
            {"rows": 2, "depth": 2, "shuffle": True, "rates": None},
        ),
        (
            ["train", "--examples", "t.csv", "--depth", "2", "--no-shuffle", "--rates", "[0.5, 1]"],
            {"rows": 2, "depth": 2, "shuffle": False, "rates": [0.5, 1]},
        ),
        (["loose", "--value", "t.csv"], {"kind": "DataFrame"}),
        (["loose", "--value", "none.csv"], {"kind": "str"}),
        (["loose", "--value", "{a: 1}"], {"kind": "dict"}),
        (["copied", "--source", "t.csv", "--out", "upper.txt"], ""),
        (["logging", "--x", "1.5"], ""),
    ],
    ids=" ".join,
)
def test_a_function_gets_what_the_options_say_and_its_value_is_printed(calls, words, out):
    answer = calls.pipespec("call", f"steps:{words[0]}", *words[1:])

    assert answer.code == 0, answer.err
    assert (json.loads(answer.out) if isinstance(out, dict) else answer.out) == out
    assert not (calls.folder / "mlflow.db").exists()
    if words[0] == "copied":
        assert (calls.folder / "upper.txt").read_text() == CSV.upper()


@pytest.mark.parametrize(
    ("words", "files"),
    [
        (["titles", "--count", "1", "--out", "made.json"], {"made.json": '[\n  {\n    "title": "t0"\n  }\n]\n'}),
        (["titles", "--count", "1", "--out", "made/"], {"made/titles.csv": "title\nt0\n"}),
        (["fitted", "--examples", "t.csv", "--out", "made/"], {"made/model.joblib": None, "made/scores.json": '{\n  "rows": 2\n}\n'}),
        (
            ["fitted", "--examples", "t.csv", "--out", "scores=s.json", "--out", "model=deep/m.pkl"],
            {"deep/m.pkl": None, "s.json": '{\n  "rows": 2\n}\n'},
        ),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_value_goes_to_a_file_a_folder_or_a_file_for_each_part(calls, words, files):
    before = {path for path in calls.folder.rglob("*") if path.is_file()}

    answer = calls.pipespec("call", f"steps:{words[0]}", *words[1:])

    made = {path for path in calls.folder.rglob("*") if path.is_file()} - before
    made = {
        path.relative_to(calls.folder).as_posix(): path for path in made if "__pycache__" not in path.parts
    }
    assert answer.code == 0, answer.err
    assert sorted(answer.err.splitlines()) == sorted(files)
    assert made.keys() == files.keys()
    assert all(text is None or made[name].read_text() == text for name, text in files.items())


@pytest.mark.parametrize(
    ("words", "code", "err"),
    [
        (["steps:nothing"], 2, "error: module 'steps' has no function 'nothing'; functions there: 'Model', 'Trained', 'titles', 'train', 'fitted', 'copied', 'loose', 'logging', 'refusing', 'crowded' and 4 more\n"),
        (["nowhere:f"], 2, "error: there is no module 'nowhere'\n"),
        (
            ["steps:train", "--examples", "no.csv", "--rates", "["],
            2,
            "error: --examples: there is no file 'no.csv'; --depth is missing; --rates: the file ends inside a list or mapping\n",
        ),
        (["steps:titles", "--count", "many"], 2, "error: param 'count' is 'many', which does not fit 'int'\n"),
        (["titles", "--count", "many", "--out", "made"], 2, "error: param 'count' is 'many', which does not fit 'int'\n"),
        (["steps:titles", "--out", "t.csv"], 2, "error: 't.csv' is there already; replace with --force\n"),
        (["steps:titles", "--out", "a.csv", "--out", "b.csv"], 2, "error: --out: several places need a name each: --out NAME=FILE\n"),
        (["steps:titles", "--out", "a=a/"], 2, "error: --out: 'a/' is no file; name one for each part\n"),
        (["nostep"], 2, "error: there is no step 'nostep'; the steps are 'secret', 'titles', 'train'\n"),
        (["train"], 2, "error: --out: name one folder, which gets 'result.json'\n"),
        (
            ["train", "--out", "made"],
            2,
            "error: step 'titles' is not complete; run it with: pipespec run pipeline.yaml titles; or give a file: --examples FILE\n",
        ),
        (["steps:refusing", "--x", "3"], 1, 'Traceback (most recent call last):\n  File "{folder}/steps.py", line 51, in refusing\n    raise ValueError(f"no {x}")\nValueError: no 3\n'),
        (["steps:fitted", "--examples", "t.csv"], 1, "'returned.json' cannot be saved: "),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else "",
)  # fmt: skip
def test_what_cannot_be_is_said_before_anything_is_called(calls, words, code, err):
    answer = calls.pipespec("call", *words)

    wanted = err.replace("{folder}", str(calls.folder))
    assert (answer.code, answer.out) == (code, "")
    assert answer.err == wanted if wanted.endswith("\n") else answer.err.startswith(wanted)
    assert (calls.folder / "t.csv").read_text() == CSV


def test_a_step_takes_files_for_inputs_and_what_a_run_would_use_for_the_rest(calls):
    by_file = calls.pipespec("call", "pipeline.yaml", "train", "--examples", "t.csv", "--out", "by_file")
    calls.run("titles")
    by_record = calls.pipespec("call", "train", "--depth", "7", "--out", "by_record/")
    by_set = calls.pipespec("call", "train", "--set", "params.depth=5", "--out", "by_set")
    runs = calls.query("select name from runs where name like '%train%'")

    def read(name):
        return json.loads((calls.folder / name / "result.json").read_text())

    assert [result(one) for one in (by_file, by_record, by_set)] == [
        (0, "", "by_file/result.json\n"),
        (0, "", "by_record/result.json\n"),
        (0, "", "by_set/result.json\n"),
    ]
    assert read("by_file") == {"rows": 2, "depth": 4, "shuffle": True, "rates": None}
    assert read("by_record") == {"rows": 4, "depth": 7, "shuffle": True, "rates": None}
    assert read("by_set") == {"rows": 4, "depth": 5, "shuffle": True, "rates": None}
    assert runs == []


def test_a_secret_of_a_step_is_used_and_not_told(calls):
    answer = calls.pipespec("call", "secret", TOKEN="canary-7")

    assert answer.code == 1
    assert "canary-7" not in answer.out + answer.err
    assert answer.err.endswith("RuntimeError: with ${secret:TOKEN}\n")


def test_the_help_shows_arguments_with_types_defaults_and_descriptions(calls):
    answer = calls.pipespec("call", "steps:titles", "--help")

    own = answer.out.partition("Options:\n")[0]
    assert (answer.code, own) == (
        0,
        (
            "Usage: pipespec call steps:titles [OPTIONS]\n\n"
            "  Make titles.\n\n"
            "Arguments of steps:titles:\n"
            "  --count int  How many. [default: 3]\n"
            '  --name str   What each begins with. [default: "t"]\n\n'
        ),
    )


def test_the_help_of_a_function_without_a_docstring_shows_its_arguments(calls):
    calls.write("bare.py", "def bare(size: int): return size\n")

    answer = calls.pipespec("call", "bare:bare", "--help")

    assert answer.out.startswith(
        "Usage: pipespec call bare:bare [OPTIONS]\n\nArguments of bare:bare:\n  --size int  [required]\n"
    )


def test_arguments_may_have_the_names_of_options(calls):
    words = ["--out", "o", "--no-force", "--overlay", "l", "--set", "1", "--env", "e", "--words", "w"]

    answer = calls.pipespec("call", "steps:crowded", *words)

    assert (answer.code, json.loads(answer.out or "null")) == (0, ["o", False, "l", 1, "e", "w"]), answer.err


def test_a_step_reads_variants_that_only_records_tell_of_and_keeps_the_options_of_layers(calls):
    calls.write("pipeline.yaml", VARIANTS)
    before = calls.pipespec("call", "joined", "--out", "made")
    assert calls.pipespec("run", "named").code == 0
    calls.write("pipeline.prod.yaml", "params: {env: '-'}")

    answer = calls.pipespec("call", "joined", "--out", "made", "--env", "prod")

    assert (before.code, "is not complete" in before.err) == (2, True)
    assert (answer.code, answer.err.splitlines()[-1]) == (0, "made/joined.txt"), answer.err
    assert (calls.folder / "made/joined.txt").read_text() == "A-B"


def test_a_call_from_python_leaves_the_environment_as_it_was(calls, monkeypatch):
    monkeypatch.chdir(calls.folder)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mine.db")
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    before = dict(os.environ)

    with scratch_folder() as folder:
        assert os.environ["MLFLOW_TRACKING_URI"] == f"sqlite:///{folder}/mlflow.db"
        os.environ["MLFLOW_RUN_ID"] = "left by the function"

    assert dict(os.environ) == before


def test_options_before_what_is_called_are_refused(calls):
    answer = calls.pipespec("call", "--count", "3", "steps:titles")

    assert answer.code == 2
    assert answer.err.endswith("Error: name what is called before its options\n")
