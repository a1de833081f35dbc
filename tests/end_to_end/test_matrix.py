"""A matrix over an output: its variants are known once the step that lists their values is complete."""

import json

import pytest

STEPS = """
import json
from pathlib import Path


def find(names: list) -> list:
    return json.loads(Path("found.json").read_text()) if names == ["file"] else names


def train(genre, depth: int = 1) -> dict:
    return {"genre": genre, "accuracy": depth / 10}


def gather(models: dict) -> dict:
    return {str(genre): model["genre"] for genre, model in models.items()}
"""

PIPELINE = """\
pipespec: 1
name: genres
params: {names: [jazz, rock]}
steps:
  genres: {call: 'steps:find', params: {names: "${params.names}"}, outputs: {names: names.json}}
  train:
    call: steps:train
    matrix: {genre: genres.names}
    outputs: {model: model.json}
    metrics: model
  gather: {call: 'steps:gather', inputs: {models: 'train[*]'}, outputs: {all: all.json}}
"""


@pytest.fixture
def genres(empty_project):
    empty_project.write("steps.py", STEPS)
    empty_project.write("pipeline.yaml", PIPELINE)
    return empty_project


def names(project, value):
    return "--set", f"params.names={json.dumps(value)}"


def fails(project, *args):
    """Run, and return the steps that did not end well with their errors."""
    answer = project.pipespec("run", "pipeline.yaml", "--format", "json", *args)
    assert answer.code == 1, answer.err
    ended = {step["step"]: (step["state"], step["error"]) for step in answer.json["steps"]}
    return {step: told for step, told in ended.items() if told[0] not in ("ran", "reused")}


def test_variants_are_planned_once_their_values_are_known(genres):
    assert genres.planned() == {"genres": "run", "train[genre=*]": "run", "gather": "run"}

    assert genres.run() == {
        "genres": "ran",
        "train[genre=jazz]": "ran",
        "train[genre=rock]": "ran",
        "gather": "ran",
    }
    assert set(genres.planned().values()) == {"reuse"}
    assert genres.pipespec("get", "pipeline.yaml", "gather.all", "all.json").code == 0
    assert json.loads((genres.folder / "all.json").read_text()) == {"jazz": "jazz", "rock": "rock"}


def test_a_complete_run_writes_nothing_and_a_plan_reads_no_artifact(genres):
    genres.run()
    tags = genres.query("select value from tags where key = 'mlflow.pipespec.values.names'")
    assert tags == [('["jazz","rock"]',)]
    file = next((genres.folder / "mlartifacts").rglob("names.json"))
    file.write_text(file.read_text().replace("rock", "folk"))  # as long as it was, so not missed

    answer = genres.pipespec("run", "pipeline.yaml", "--format", "json")

    assert answer.json["invocation"] is None
    assert "train[genre=rock]" in {step["step"] for step in answer.json["steps"]}


def test_a_new_value_runs_its_variant_and_what_gathers_them(genres):
    genres.run()

    assert genres.planned("pipeline.yaml", *names(genres, ["jazz", "rock", "folk"])) == {
        "genres": "run",
        "train[genre=*]": "wait",
        "gather": "wait",
    }
    assert genres.ran(*names(genres, ["jazz", "rock", "folk"])) == {"genres", "train[genre=folk]", "gather"}


def test_the_same_values_in_another_order_stop_the_wave(genres):
    genres.run()

    assert genres.ran(*names(genres, ["rock", "jazz", "rock"])) == {"genres"}


def test_values_keep_their_types(genres):
    layer = names(genres, [1, 1.0, True, "1", None, [2], {"a": "$${matrix.genre}"}])
    states = genres.run("train", *layer)

    assert list(states) == [
        "genres",
        "train[genre=1]",
        "train[genre=1.0]",
        "train[genre=true]",
        'train[genre="1"]',
        "train[genre=null]",
        "train[genre=[2]]",
        'train[genre={"a":"${matrix.genre}"}]',
    ]
    assert genres.pipespec("get", "pipeline.yaml", f"{list(states)[-1]}.model", "m.json", *layer).code == 0
    assert json.loads((genres.folder / "m.json").read_text())["genre"] == {"a": "${matrix.genre}"}


def test_one_variant_is_selected_before_and_after_it_is_known(genres):
    assert genres.ran("train[genre=rock]") == {"genres", "train[genre=rock]"}
    assert genres.run("train:genre=jazz") == {"genres": "reused", "train[genre=jazz]": "ran"}
    assert genres.pipespec("logs", "pipeline.yaml", "train[genre=jazz]").code == 0
    unknown = genres.pipespec("run", "pipeline.yaml", "train[genre=pop]")
    assert unknown.code == 2
    assert "'genre=pop'" in unknown.err


def test_status_and_get_see_variants(genres):
    states = genres.pipespec("status", "pipeline.yaml", "--format", "json").json["steps"]
    assert [(each["step"], each["state"]) for each in states][1] == ("train[genre=*]", "missing")
    genres.run()

    states = genres.pipespec("status", "pipeline.yaml", "--format", "json").json["steps"]
    assert [(each["step"], each["state"]) for each in states][1:3] == [
        ("train[genre=jazz]", "complete"),
        ("train[genre=rock]", "complete"),
    ]
    assert genres.pipespec("get", "pipeline.yaml", "train[genre=jazz].model", "m.json").code == 0
    assert json.loads((genres.folder / "m.json").read_text())["genre"] == "jazz"


def test_a_graph_with_status_draws_the_variants_that_are_known(genres):
    def drawn(*args):
        answer = genres.pipespec("graph", "pipeline.yaml", "--format", "json", *args)
        return [(step["step"], step["state"]) for step in answer.json["steps"]], answer.json["edges"]

    genres.run()

    assert drawn()[0] == [("genres", None), ("train[genre=*]", None), ("gather", None)]
    steps, edges = drawn("--status")
    variants = ["train[genre=jazz]", "train[genre=rock]"]
    assert steps == [(step, "complete") for step in ["genres", *variants, "gather"]]
    assert {(edge["from"], edge["to"]) for edge in edges} == {
        *(("genres", variant) for variant in variants),
        *((variant, "gather") for variant in variants),
    }


def test_a_list_too_long_for_a_tag_is_read_from_its_artifact(genres):
    long = ["a" * 3000, "b" * 3000]
    states = genres.run("train", *names(genres, long))

    assert genres.query("select count(*) from tags where key = 'mlflow.pipespec.values.names'") == [(0,)]
    assert list(states) == ["genres", *(f"train[genre={name}]" for name in long)]
    assert set(genres.run("train", *names(genres, long)).values()) == {"reused"}


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"jazz": 1}, "which is a mapping, not a list"),
        ("jazz", "which is a text, not a list"),
        (["jazz", 2**70], "of which one is an integer of more than 64 bits"),
        (
            list(range(20_001)),
            "which has 20,001 distinct values; a pipeline may have at most 20,000 variants",
        ),
    ],
    ids=["mapping", "text", "too big a number", "too many"],
)
def test_what_cannot_be_an_axis_fails_its_step_with_one_line(genres, value, why):
    genres.edit("pipeline.yaml", "[jazz, rock]", "[file]")
    genres.edit("steps.py", "(names: list) -> list", "(names: list)")
    genres.write("found.json", json.dumps(value))

    failed = fails(genres)

    assert list(failed) == ["train[genre=*]", "gather"]
    state, error = failed["train[genre=*]"]
    assert state == "failed"
    assert error.startswith("axis 'genre' of step 'train' takes its values from 'genres.names' (run ")
    assert error.endswith(why)
    assert failed["gather"] == ("blocked", "depends on 'train[genre=*]', which failed")
    statuses = genres.query("select status, count(*) from runs group by status order by status")
    assert statuses == [("FAILED", 1), ("FINISHED", 1)]  # the invocation, and the step that lists

    again = genres.pipespec("run", "pipeline.yaml")
    assert again.code == 1
    assert again.err.strip().splitlines()[-1].endswith(why)
    assert again.err.count(why) == 1
    assert genres.planned("pipeline.yaml", "genres") == {"genres": "reuse"}


def test_values_that_do_not_fit_the_function_fail_the_step(genres):
    genres.edit("steps.py", "def train(genre,", "def train(genre: int,")

    (state, error) = fails(genres)["train[genre=*]"]

    assert state == "failed"
    assert "'genre'" in error
    assert "so the pipeline is invalid" in error


def test_an_axis_that_cannot_be_leaves_the_rest_to_keep_going(genres):
    genres.edit("steps.py", "(names: list) -> list", "(names: list)")
    genres.write("found.json", '"jazz"')
    text = PIPELINE.replace("[jazz, rock]", "[file]") + (
        "  others: {call: 'steps:find', params: {names: [a]}, outputs: {names: o.json}}\n"
        "  more: {call: 'steps:train', matrix: {genre: others.names}, outputs: {model: m.json}}\n"
    )
    genres.write("pipeline.yaml", text)

    answer = genres.pipespec("run", "pipeline.yaml", "--keep-going", "--format", "json")

    assert {step["step"]: step["state"] for step in answer.json["steps"]} == {
        "genres": "ran",
        "train[genre=*]": "failed",
        "gather": "blocked",
        "others": "ran",
        "more[genre=a]": "ran",
    }


def test_axes_over_outputs_of_later_waves_and_probes_and_files_of_their_variants(genres):
    genres.write("a.txt", "x y")
    genres.write("b.txt", "y z")
    genres.write(
        "steps.py",
        "def files() -> list:\n    return ['a', 'b']\n"
        "def words(file, text: str) -> list:\n    return text.split()\n"
        "def merge(lists: dict) -> list:\n    return sorted(set(sum(lists.values(), [])))\n"
        "def count(word: str) -> str:\n    return word\n"
        "def probe(word: str):\n    return word.upper()\n",
    )
    genres.write(
        "pipeline.yaml",
        """\
pipespec: 1
name: waves
steps:
  files: {call: 'steps:files', outputs: {names: names.json}}
  words:
    call: steps:words
    matrix: {file: files.names}
    inputs: {text: {file: "${matrix.file}.txt"}}
    params: {file: "${matrix.file}"}
    outputs: {words: words.json}
  merge: {call: 'steps:merge', inputs: {lists: 'words[*]'}, outputs: {words: words.json}}
  count:
    call: steps:count
    matrix: {word: merge.words}
    identity: {probe: 'steps:probe'}
    outputs: {o: o.txt}
""",
    )
    everything = [
        "files",
        "words[file=a]",
        "words[file=b]",
        "merge",
        "count[word=x]",
        "count[word=y]",
        "count[word=z]",
    ]

    assert genres.run() == dict.fromkeys(everything, "ran")
    assert genres.run() == dict.fromkeys(everything, "reused")
    genres.write("b.txt", "y w")
    assert genres.ran() == {"words[file=b]", "merge", "count[word=w]"}


def test_forcing_what_lists_the_values_reuses_the_variants(genres):
    genres.run()

    assert genres.ran("--force", "genres") == {"genres"}


def test_an_empty_list_has_no_variants_and_what_gathers_them_gets_nothing(genres):
    empty = names(genres, [])

    answer = genres.pipespec("run", "pipeline.yaml", *empty)

    assert answer.code == 0, answer.err
    assert "advice: step 'train' has no variants, since its matrix is empty" in answer.out
    assert "advice: input 'models' of step 'gather' gets an empty collection" in answer.out
    assert genres.run("train", *empty) == {}
    assert genres.planned("pipeline.yaml", *empty) == {"genres": "reuse", "gather": "reuse"}
    assert genres.pipespec("get", "pipeline.yaml", "gather.all", "all.json", *empty).code == 0
    assert json.loads((genres.folder / "all.json").read_text()) == {}
    refused = genres.pipespec("get", "pipeline.yaml", "train.model", *empty)
    assert (refused.code, "its matrix is empty" in refused.err) == (2, True)


def test_an_axis_depends_on_another_and_each_value_waits_for_its_own_list(genres):
    genres.write(
        "steps.py",
        "def split(region: str) -> list:\n    return [region + end for end in {'a': 'xy', 'b': 'z'}[region]]\n"
        "def cut(region, part) -> list:\n    return [part.upper()]\n"
        "def train(region, part, sub) -> str:\n    return sub\n"
        "def gather(models: dict) -> dict:\n    return models\n",
    )
    genres.write(
        "pipeline.yaml",
        """\
pipespec: 1
name: regions
steps:
  split: {call: "steps:split", matrix: {region: [a, b]}, outputs: {parts: parts.json}}
  cut:
    call: steps:cut
    matrix: {region: [a, b], part: "split[region=${matrix.region}].parts"}
    outputs: {subs: subs.json}
  train:
    call: steps:train
    matrix:
      region: [a, b]
      part: "split[region=${matrix.region}].parts"
      sub: "cut[region=${matrix.region},part=${matrix.part}].subs"
    outputs: {model: model.txt}
  gather: {call: "steps:gather", inputs: {models: "train[*]"}, outputs: {all: all.json}}
""",
    )

    ran = genres.run()

    assert {step for step in ran if step.startswith("train")} == {
        "train[part=ax,region=a,sub=AX]",
        "train[part=ay,region=a,sub=AY]",
        "train[part=bz,region=b,sub=BZ]",
    }
    assert set(ran.values()) == {"ran"}
    assert set(genres.run().values()) == {"reused"}
    assert set(genres.planned().values()) == {"reuse"}
