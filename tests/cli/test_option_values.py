"""What gives values to options beside the command line: `--env`, variables, pyproject.toml, and a file `.env`."""

import pytest

ASKS = """\
pipespec: 1
params: {size: 1}
steps:
  show: {call: "steps:show", params: {who: "${env:WHO, nobody}", size: "${params.size}"}, outputs: {shown: shown.json}}
"""
SHOW = """\
import os


def show(who, size) -> list:
    return [who, size, os.environ.get("ONLY_HERE")]
"""
TRUSTING = ["run", "plan", "status", "explain", "config"]
CAREFUL = ["validate", "graph", "render", "diff", "schema"]


@pytest.fixture
def asking(empty_project):
    """A pipeline that asks the environment, and an overlay for each of two environments."""
    empty_project.write("steps.py", SHOW)
    empty_project.write("p.yaml", ASKS)
    empty_project.write("p.prod.yaml", "params: {size: 2}\n")
    empty_project.write("p.night.yaml", "params: {size: 3}\n")
    return empty_project


def size(project, *words, **extra):
    answer = project.pipespec("config", "p.yaml", "--format", "json", *words, **extra)
    assert answer.code == 0, answer.err
    return next(value["value"] for value in answer.json["values"] if value["path"] == "params.size")


def settings(project, table):
    project.write("pyproject.toml", f"[tool.pipespec]\n{table}\n")


def test_an_environment_is_the_overlay_of_its_name_and_is_told(asking):
    answer = asking.pipespec("plan", "p.yaml", "--env", "prod")

    assert (answer.code, answer.err) == (0, "overlay: p.prod.yaml\n")
    assert size(asking, "--env", "prod") == 2
    assert size(asking, "--env", "prod", "--env", "night") == 3
    assert size(asking, "--env", "prod", "-f", "p.night.yaml") == 3
    assert size(asking, "--env", "night", "-f", "p.prod.yaml") == 2


@pytest.mark.parametrize("env", ["prd", "", "../p.prod", "a/b"])
def test_an_environment_without_an_overlay_is_refused_with_those_that_are_there(asking, env):
    answer = asking.pipespec("plan", "p.yaml", "--env", env)

    assert answer.code == 2
    assert answer.err.startswith("error: there is no file 'p.")
    assert answer.err.endswith("; there are: night, prod\n")


def test_no_environment_at_all_is_told(project):
    answer = project.pipespec("plan", "--env", "prod")

    assert answer.err == (
        "error: there is no file 'pipeline.prod.yaml' beside 'pipeline.yaml' for '--env prod'; no overlay of this kind is"
        " beside the pipeline\n"
    )


def test_the_command_line_wins_over_the_environment_and_that_over_pyproject(asking):
    assert size(asking) == 1
    settings(asking, 'overlays = ["p.prod.yaml"]')
    assert size(asking) == 2
    assert size(asking, PIPESPEC_OVERLAYS="p.night.yaml") == 3
    assert size(asking, PIPESPEC_OVERLAYS="") == 2
    assert size(asking, PIPESPEC_OVERLAYS="p.night.yaml:p.prod.yaml") == 2
    assert size(asking, "-f", "p.prod.yaml", PIPESPEC_OVERLAYS="p.night.yaml") == 2
    assert size(asking, "--env", "prod", PIPESPEC_OVERLAYS="p.night.yaml") == 2


def test_overlays_of_pyproject_start_from_its_folder(asking):
    settings(asking, 'overlays = ["p.prod.yaml"]')
    (asking.folder / "src").mkdir()

    answer = asking.pipespec("config", "--origin", cwd=asking.folder / "src")

    assert "size: 2" in answer.out, answer.err
    assert "../p.prod.yaml:1 (overlay)" in answer.out


@pytest.mark.parametrize("verb", CAREFUL)
def test_a_verb_that_does_not_trust_the_file_takes_no_defaults(asking, verb):
    words = {"schema": ["--for", "p.yaml"], "diff": ["p.yaml", "p.yaml"]}.get(verb, ["p.yaml"])
    before = asking.pipespec(verb, *words)
    settings(asking, 'overlays = ["gone.yaml"]\njobs = "many"\nnonsense = 1')
    asking.write(".env", "this is no variable\n")

    after = asking.pipespec(verb, *words, PIPESPEC_OVERLAYS="gone.yaml", PIPESPEC_JOBS="many")

    assert before.code == 0, before.err
    assert after == before


@pytest.mark.parametrize(
    "words", [["graph", "p.yaml", "--status"], ["diff", "p.yaml", "p.yaml", "--records"]]
)
def test_a_flag_that_trusts_the_file_brings_the_defaults(asking, words):
    answer = asking.pipespec(*words, PIPESPEC_OVERLAYS="gone.yaml")

    assert answer.code == 2
    assert "there is no file 'gone.yaml'" in answer.err


@pytest.mark.parametrize(
    ("table", "extra", "expected"),
    [
        ("", {}, ["'engine.workers' of the pipeline, else 1"]),
        ("jobs = 4", {}, ["4, from pyproject.toml"]),
        ("jobs = 4", {"PIPESPEC_JOBS": "3"}, ["3, from PIPESPEC_JOBS"]),
        ("verbose = true", {}, ["yes, from pyproject.toml"]),
        ("keep-going = false", {}, ["no, from pyproject.toml"]),
        ("", {"PIPESPEC_KEEP_GOING": "yes"}, ["yes, from PIPESPEC_KEEP_GOING"]),
        ("tracking = true", {"PIPESPEC_TRACKING": "0"}, ["no, from PIPESPEC_TRACKING"]),
        (
            'overlays = ["a.yaml", "b.yaml"]\nscheduler = "http://h:1"',
            {},
            ["a.yaml, b.yaml, from pyproject.toml", "http://h:1, from pyproject.toml"],
        ),
        ("jobs = 0", {}, ["'engine.workers' of the pipeline, else 1"]),
    ],
)
def test_help_shows_where_a_default_comes_from(asking, table, extra, expected):
    settings(asking, table)

    for words in (["run", "--help"], ["run", "p.yaml", "--help"], ["help", "run"]):
        text = " ".join(asking.pipespec(*words, **extra).out.split())
        assert [f"[default: {one}]" in text for one in expected] == [True] * len(expected)


def test_config_shows_the_defaults_of_options_and_their_origins(asking):
    settings(asking, 'jobs = 4\nverbose = true\nfile = "p.yaml"\noverlays = ["p.prod.yaml"]')

    answer = asking.pipespec("config", "--origin", PIPESPEC_JOBS="3", PIPESPEC_SCHEDULER="http://h:1")
    plain = asking.pipespec("config", PIPESPEC_JOBS="3")

    assert answer.out.splitlines()[-4:] == [
        "# option jobs: 3  (PIPESPEC_JOBS)",
        '# option overlays: ["p.prod.yaml"]  (pyproject.toml)',
        '# option scheduler: "http://h:1"  (PIPESPEC_SCHEDULER)',
        "# option verbose: true  (pyproject.toml)",
    ]
    assert "# option" not in plain.out


@pytest.mark.parametrize(
    ("table", "extra", "expected"),
    [
        (
            "jobs = 0",
            {},
            "pyproject.toml: 'jobs' in [tool.pipespec] is 0; it must be a whole number from 1 to 1024",
        ),
        (
            "jobs = true",
            {},
            "pyproject.toml: 'jobs' in [tool.pipespec] is True; it must be a whole number from 1 to 1024",
        ),
        (
            "overlays = 'a'",
            {},
            "pyproject.toml: 'overlays' in [tool.pipespec] is 'a'; it must be a list of texts",
        ),
        (
            "overlays = [1]",
            {},
            "pyproject.toml: 'overlays' in [tool.pipespec] is [1]; it must be a list of texts",
        ),
        ("verbose = 1", {}, "pyproject.toml: 'verbose' in [tool.pipespec] is 1; it must be true or false"),
        (
            "jobs = 1\njobs = 2",
            {},
            "pyproject.toml: [tool.pipespec] cannot be read: Cannot overwrite a value (at line 3, column 9)",
        ),
        (
            "verbose = yes",
            {},
            "pyproject.toml: [tool.pipespec] cannot be read: Invalid value (at line 2, column 11)",
        ),
        ("job = 1", {}, "pyproject.toml: [tool.pipespec] has no key 'job'; did you mean 'jobs'?"),
        (
            "x = 1",
            {},
            (
                "pyproject.toml: [tool.pipespec] has no key 'x'; the keys are file, jobs, overlays, scheduler, verbose,"
                " keep-going, tracking"
            ),
        ),
        ("", {"PIPESPEC_JOBS": "0"}, "PIPESPEC_JOBS is '0'; it must be a whole number from 1 to 1024"),
        (
            "",
            {"PIPESPEC_JOBS": "9" * 5000},
            f"PIPESPEC_JOBS is '{'9' * 5000}'; it must be a whole number from 1 to 1024",
        ),
        (
            "",
            {"PIPESPEC_VERBOSE": "on"},
            "PIPESPEC_VERBOSE is 'on'; it must be 1, true or yes, or 0, false or no",
        ),
    ],
)
def test_a_default_that_does_not_fit_is_refused(asking, table, extra, expected):
    settings(asking, table)

    answer = asking.pipespec("plan", "p.yaml", **extra)

    assert (answer.code, answer.err) == (2, f"error: {expected}\n")


def test_jobs_and_verbose_of_the_environment_reach_the_run(asking):
    asking.edit("steps.py", "    return", "    print('told', who)\n    return")

    quiet = asking.pipespec("run", "p.yaml", "-q", PIPESPEC_VERBOSE="1")
    told = asking.pipespec("run", "p.yaml", WHO="you", PIPESPEC_VERBOSE="1")
    plan = asking.pipespec("plan", "p.yaml", "--set", "params.size=9", PIPESPEC_JOBS="7")

    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")
    assert "told you" in told.err
    assert plan.code == 0


@pytest.fixture
def shown(asking):
    """Run, and return what the step was given, and whether it ran."""

    def run(**extra):
        answer = asking.pipespec("run", "p.yaml", "--format", "json", **extra)
        assert answer.code == 0, answer.err
        (step,) = answer.json["steps"]
        return step["state"], *asking.pipespec("get", "p.yaml", "show.shown", "-", **extra).json

    return run


def test_a_run_sees_the_variables_of_the_env_file(asking, shown):
    assert shown() == ("ran", "nobody", 1, None)
    asking.write(".env", "# ours\nexport WHO='you and me'\nONLY_HERE=1\n\nEMPTY\n")
    assert shown() == ("ran", "you and me", 1, "1")
    assert shown() == ("reused", "you and me", 1, "1")
    asking.write(".env", "WHO=them\n")
    assert shown() == ("ran", "them", 1, None)
    (asking.folder / ".env").unlink()
    assert shown() == ("reused", "nobody", 1, None)


def test_a_real_variable_wins_over_the_env_file(asking, shown):
    asking.write(".env", "WHO=file\n")

    assert shown(WHO="real") == ("ran", "real", 1, None)


def test_the_env_file_stands_beside_the_root_and_holds_from_every_folder(asking):
    asking.write(".env", "WHO=you\nPIPESPEC_OVERLAYS=p.prod.yaml\n")
    asking.write("src/.env", "WHO=wrong\n")

    answer = asking.pipespec("config", "../p.yaml", "-f", "../p.night.yaml", cwd=asking.folder / "src")

    assert "who: you" in answer.out, answer.err
    assert size(asking) == 2


@pytest.mark.parametrize("verb", TRUSTING)
def test_a_verb_that_trusts_the_file_reads_the_env_file(asking, verb):
    asking.edit("p.yaml", "${env:WHO, nobody}", "${env:WHO}")
    words = [verb, "p.yaml", *(["show"] if verb == "explain" else [])]
    without = asking.pipespec(*words)
    asking.write(".env", "WHO=you\n")
    with_file = asking.pipespec(*words)

    assert (without.code, "env-not-set" in without.err) == (2, True)
    assert with_file.code == 0, with_file.err


def test_a_secret_of_the_env_file_is_taken_out_of_logs(asking):
    asking.edit("p.yaml", "${env:WHO, nobody}", "${secret:WHO}")
    asking.edit("steps.py", "    return", "    print('told', who)\n    return")
    asking.edit("steps.py", "[who,", "[")
    asking.write(".env", "WHO=very-hidden-thing\n")

    answer = asking.pipespec("run", "p.yaml", "-v")

    assert answer.code == 0, answer.err
    assert "told ${secret:WHO}" in answer.err
    assert "very-hidden-thing" not in answer.out + answer.err + asking.pipespec("logs", "p.yaml", "show").out


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"A=1\n\nhidden words\n", "line 3, is no variable"),
        (b"A='hidden\n", "line 1, is no variable"),
        (b"A=hidden\0\n", "line 1, is no variable"),
        (b"A=\xff\n", "cannot be read: it is not UTF-8"),
    ],
)
def test_an_env_file_that_cannot_be_read_is_refused_without_showing_it(asking, content, expected):
    (asking.folder / ".env").write_bytes(content)

    answer = asking.pipespec("run", "p.yaml")

    assert answer.code == 2
    assert answer.err.startswith(f"error: '{asking.folder}/.env'")
    assert expected in answer.err
    assert "hidden" not in answer.err


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        (
            {"PIPESPEC_JOB": "3", "PIPESPEC_KEEPGOING": "1"},
            """\
PIPESPEC_JOB has no effect: did you mean PIPESPEC_JOBS?
PIPESPEC_KEEPGOING has no effect: did you mean PIPESPEC_KEEP_GOING?
""",
        ),
        (
            {"PIPESPEC_JOBS": "3", "PIPESPEC_ROOT": "/", "PIPESPEC_DATA": "/data", "PIPESPEC_STEP_RUN": "x"},
            "",
        ),
    ],
)
def test_a_variable_that_resembles_one_of_ours_is_told(asking, variables, told):
    assert asking.pipespec("plan", "p.yaml", **variables).err == told
    assert "PIPESPEC_" not in asking.pipespec("validate", "p.yaml", **variables).err


def test_a_file_that_is_not_the_first_word_is_put_there(asking):
    assert asking.pipespec("baseline", "set", "p.yaml", "1234").err == (
        "error: write FILE before the other words: pipespec baseline p.yaml set 1234\n"
    )
