"""Programs that read and write at paths of their own: they run in a folder that shows the project, with the step's values in place."""

import json
import os
import textwrap

import pytest
import yaml


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "project"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "other.txt").write_text("other")
    (folder / "src").mkdir()
    (folder / "model.txt").write_text("of an earlier run")
    return folder


@pytest.fixture
def program(run_step, project):
    """Run a shell script with these paths; keywords besides go into the job."""

    def run(script, paths, *, outputs=(), params=None, **fields):
        values = {"command": ["sh", "-ec", textwrap.dedent(script)], "paths": paths, **(params or {})}
        return run_step("", call="pipespec.steps:command", params=values, outputs=outputs, **fields)

    return run


def test_inputs_and_outputs_are_at_the_paths_that_the_program_knows(program, one, tmp_path, project):
    (tmp_path / "raw.csv").write_text("1\n")

    done = program(
        "cat data/raw/table.csv data/other.txt > model.txt; mkdir -p data/parts/a; echo x > data/parts/a/b.txt; ls data",
        {"inputs.raw": "data/raw/table.csv", "outputs.model": "model.txt", "outputs.parts": "data/parts"},
        inputs=(one("raw", tmp_path / "raw.csv"),),
        outputs=[("model", "model.txt"), ("parts", "parts/")],
    )

    assert done.failure is None
    assert done.output("model.txt").read_text() == "1\nother"
    assert done.output("parts/a/b.txt").read_text() == "x\n"
    assert "other.txt\nparts\nraw\n" in done.log
    assert sorted(path.name for path in done.output("").iterdir()) == ["model.txt", "parts"]
    # nothing of the project was touched
    assert (project / "model.txt").read_text() == "of an earlier run"
    assert sorted(path.name for path in project.rglob("*")) == [
        "data",
        "model.txt",
        "other.txt",
        "src",
        "steps.py",
    ]


def test_an_output_of_an_earlier_run_is_not_seen(program):
    done = program(
        "test ! -e model.txt; echo new >> model.txt",
        {"outputs.model": "model.txt"},
        outputs=[("model", "m.txt")],
    )

    assert done.failure is None
    assert done.output("m.txt").read_text() == "new\n"


def test_one_output_may_lie_in_another(program):
    done = program(
        "mkdir eval; echo 1 > eval/a.txt; echo '{}' > eval/scores.json",
        {"outputs.scores": "eval/scores.json", "outputs.eval": "eval"},
        outputs=[("scores", "scores.json"), ("eval", "eval/")],
    )

    assert done.failure is None
    assert done.output("scores.json").read_text() == done.output("eval/scores.json").read_text() == "{}\n"


def test_links_in_an_output_are_kept_as_what_they_lead_to(program):
    done = program(
        "mkdir out; ln -s ../data/other.txt out/link.txt; ln -s data/other.txt one.txt",
        {"outputs.out": "out", "outputs.one": "one.txt"},
        outputs=[("out", "out/"), ("one", "one.txt")],
    )

    assert done.failure is None
    assert [done.output(name).read_text() for name in ("out/link.txt", "one.txt")] == ["other", "other"]


PARAMS = {"seed": 3, "rate": 1e-05, "flag": "no", "nested": {"a": [1, None]}}


def test_params_are_written_over_the_file_of_the_project(program, project):
    (project / "params.yaml").write_text("seed: 1\nkept: {x: 1}\nnested: {b: 2}\n")

    done = program(
        "cp params.yaml out.yaml",
        {"params": "params.yaml", "outputs.out": "out.yaml"},
        outputs=[("out", "o.txt")],
        params=PARAMS,
    )

    assert done.failure is None
    assert yaml.safe_load(done.output("o.txt").read_text()) == {
        "seed": 3, "kept": {"x": 1}, "nested": {"b": 2, "a": [1, None]}, "rate": 1e-05, "flag": "no",
    }  # fmt: skip
    assert (project / "params.yaml").read_text() == "seed: 1\nkept: {x: 1}\nnested: {b: 2}\n"


def test_a_param_can_be_a_file_of_its_own(program):
    done = program(
        "cp conf/a.json out.json",
        {"params.a": "conf/a.json", "outputs.out": "out.json"},
        outputs=[("out", "out.json")],
        params={"a": PARAMS},
    )

    assert (done.failure, done.json("out.json")) == (None, PARAMS)


def test_a_program_runs_in_the_folder_that_is_named(program, project):
    done = program(
        "cat ../data/other.txt > out.txt; pwd; cat ../params.yaml", {"outputs.out": "out.txt", "params": "../params.yaml"},
        outputs=[("out", "out.txt")], params={"folder": "src", "seed": 4},
    )  # fmt: skip

    assert (done.failure, done.output("out.txt").read_text()) == (None, "other")
    assert done.log.splitlines()[0].endswith("/src")
    assert "seed: 4" in done.log


def test_a_folder_is_enough_where_no_paths_are_named(run_step, project):
    params = {"command": ["pwd"], "folder": "src"}

    done = run_step("", call="pipespec.steps:command", params=params)

    assert (done.failure, done.log.strip()) == (None, str(project / "src"))


def test_an_output_of_another_run_at_the_same_time_is_not_in_the_way(program, project):
    done = program("echo $PWD > where.txt", {"outputs.where": "where.txt"}, outputs=[("where", "where.txt")])

    assert not os.path.exists(done.output("where.txt").read_text().strip())
    assert not (project / "where.txt").exists()


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        ({"outputs.out": "../out.txt"}, "'../out.txt', the path of 'outputs.out', is not inside the project"),
        ({"outputs.out": "/tmp/out.txt"}, "'/tmp/out.txt', the path of 'outputs.out', is not inside the project"),
        ({"outputs.out": "."}, "'.', the path of 'outputs.out', is not inside the project"),
        ({"outputs.uot": "x"}, "'outputs.uot' is not one of the step's outputs; did you mean 'out'?"),
        ({"out": "x"}, "'out' in 'paths' is not of the form inputs.NAME, params.NAME or outputs.NAME"),
        ({"outputs.out": "x", "params": "./x"}, "'outputs.out' and 'params' are at the same path 'x'"),
        ({"params": "params.toml"}, "params are written to .yaml and .json files, and 'params.toml' is neither"),
        ({"outputs.out": "x/y.txt"}, "output 'out': the program wrote nothing to 'x/y.txt'"),
    ],
)  # fmt: skip
def test_paths_that_cannot_be_are_refused(program, paths, message):
    assert program("true", paths, outputs=[("out", "out.txt")]).failure[1] == message


def test_a_program_that_finds_the_project_by_itself_is_told_how_to_find_its_output(program, project):
    done = program(f"echo x > {project}/out.txt", {"outputs.out": "out.txt"}, outputs=[("out", "out.txt")])

    kind, message = done.failure
    assert kind == "outputs"
    assert message == (
        f"output 'out': the program wrote nothing to 'out.txt', but to '{project}/out.txt'; write its path as a template in the command: "
        "{outputs.out}"
    )


def test_a_file_of_params_that_cannot_be_read_is_named(program, project):
    (project / "params.json").write_text(json.dumps(PARAMS)[:-1])

    kind, message = program("true", {"params": "params.json"}).failure

    assert (kind, message.partition(":")[0]) == ("inputs", "'params.json' cannot be read")
