"""Scripts and programs as steps, each run in a process as a step is."""

import contextlib
import json
import os
import sys
import textwrap

import pytest

SHOW = """\
import json, sys
from pathlib import Path

if __name__ == "__main__":
    Path(sys.argv[sys.argv.index("--said") + 1]).write_text(json.dumps(sys.argv[1:]))
    print("in the log")
"""


@pytest.fixture
def script(run_step, tmp_path):
    """Run a script of this source with these params."""

    def run(source, *, name="prep.py", outputs=(("said", "said.json"),), **fields):
        place = tmp_path / "project" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(textwrap.dedent(source))
        params = {"script": name, **fields.pop("params", {})}
        return run_step("", call="pipespec.steps:script", params=params, outputs=outputs, **fields)

    return run


def test_a_script_gets_inputs_params_and_outputs_as_options(script, one, tmp_path):
    raw = tmp_path / "raw.csv"
    raw.write_text("a\n1\n")
    params = {"depth": 3, "rate": 0.1, "fast": True, "slow": False, "none": None, "names": ["a", "b"], "shift": -1,
              "dash": "-x", "more": {"k": 1}}  # fmt: skip

    done = script(SHOW, inputs=(one("raw", raw),), params=params)

    assert done.failure is None
    said = done.json("said.json")
    assert said[0] == "--raw"
    assert said[1].endswith("/raw.csv")
    assert said[2:-2] == [
        "--dash=-x", "--depth", "3", "--fast", "--more", '{"k": 1}', "--names", "a", "--names", "b",
        "--rate", "0.1", "--shift=-1",
    ]  # fmt: skip
    assert said[-2] == "--said"
    assert "in the log" in done.log


def test_a_template_says_which_arguments_a_script_gets(script, one, tmp_path):
    raw = tmp_path / "raw.csv"
    raw.write_text("a\n1\n")
    args = [
        "run",
        "--in={inputs.raw}",
        "{params.names}",
        "{params.fast}",
        7,
        "{not a template}",
        "--said",
        "{outputs.said}",
    ]

    done = script(SHOW, inputs=(one("raw", raw),), params={"args": args, "names": ["a", "b"], "fast": True})

    run, given, *rest = done.json("said.json")
    assert (run, given.startswith("--in=/"), given.endswith("/raw.csv")) == ("run", True, True)
    assert rest[:-1] == ["a", "b", "true", "7", "{not a template}", "--said"]


def test_a_script_is_the_main_module_and_finds_what_stands_beside_it(script, tmp_path):
    (tmp_path / "project" / "tools").mkdir(parents=True)
    (tmp_path / "project" / "tools" / "beside.py").write_text("VALUE = 4")
    source = """
        import json, pickle, sys
        from pathlib import Path
        import beside

        class Kept: ...

        assert pickle.loads(pickle.dumps(Kept())).__class__ is Kept
        text = json.dumps([__name__, Path(__file__).name, Path(sys.argv[0]).name, beside.VALUE, Path.cwd().name])
        Path(sys.argv[-1]).write_text(text)
        sys.exit(0)
    """

    done = script(source, name="tools/main-file.py")

    assert done.failure is None
    assert done.json("said.json") == ["__main__", "main-file.py", "main-file.py", 4, "project"]


@pytest.mark.parametrize(
    ("source", "failure"),
    [
        ("import sys; sys.exit(3)", ("exited", "'prep.py' ended with exit code 3")),
        ("import sys; sys.exit('no data')", ("exited", "'prep.py' ended by saying: no data")),
        ("import sys; sys.exit(True)", ("exited", "'prep.py' ended with exit code 1")),
        ("import sys; sys.exit(0.0)", ("exited", "'prep.py' ended by saying: 0.0")),
        ("import sys; sys.exit('')", ("exited", "'prep.py' ended with exit code 1")),
        (
            "from .part import x",
            (
                "import",
                "'prep.py' imports with a leading dot, so it runs only as a module of its package; call pipespec.steps:command with command: [python, -m, prep, ...]",
            ),
        ),
        ("1 / 0", ("raised", "ZeroDivisionError: division by zero")),
        ("pass", ("outputs", "output 'said': no file was written to its path")),
    ],
)
def test_a_script_that_fails_says_how(script, source, failure):
    done = script(source)

    assert done.failure == failure
    assert "pipespec/step" not in done.outcome.failure.traceback


@pytest.mark.parametrize("end", ["", "sys.exit()", "sys.exit(0)", "sys.exit(False)"])
def test_a_script_that_ends_well_has_its_outputs(script, end):
    done = script(f"import sys\nopen(sys.argv[-1], 'w').write('x')\n{end}")

    assert (done.failure, done.output("said.json").read_text()) == (None, "x")


def test_all_lines_that_a_script_ends_with_are_in_its_log(script):
    assert "first\nsecond\n" in script("import sys; sys.exit('first\\nsecond')").log


def test_a_name_in_a_template_that_the_step_does_not_have_is_refused(script):
    done = script(SHOW, params={"args": ["{outputs.siad}"]})

    assert done.failure == (
        "binding",
        "'{outputs.siad}' is not one of the step's outputs; did you mean 'said'?",
    )


@pytest.fixture
def command(run_step, tmp_path):
    """Run a program with these params."""

    def run(words, *, outputs=(), **fields):
        return run_step("", call="pipespec.steps:command", params={"command": words, **fields.pop("params", {})},
                        outputs=outputs, **fields)  # fmt: skip

    return run


def test_a_program_reads_inputs_and_writes_outputs(command, one, tmp_path):
    raw = tmp_path / "raw.txt"
    raw.write_text("b\na\n")

    done = command(
        ["sort", "-o", "{outputs.sorted}", "{inputs.raw}"],
        inputs=(one("raw", raw),),
        outputs=[("sorted", "sorted.txt")],
    )

    assert done.failure is None
    assert done.output("sorted.txt").read_text() == "a\nb\n"


def test_a_program_gets_its_environment_an_empty_stdin_and_the_log(command):
    source = "import os, sys; print(os.environ['DEPTH'], repr(sys.stdin.read()), os.getcwd()); print('low', file=sys.stderr)"

    done = command([sys.executable, "-c", source], params={"env": {"DEPTH": "d{params.depth}"}, "depth": 3})

    assert done.failure is None
    assert done.log.splitlines()[:2] in (
        [f"d3 '' {done.folder.parent / 'project'}", "low"],
        ["low", f"d3 '' {done.folder.parent / 'project'}"],
    )


def test_the_end_of_what_a_program_said_is_in_the_failure(command):
    done = command(
        ["sh", "-c", "for i in $(seq 3000); do echo line $i >&2; done; echo no such table >&2; exit 3"]
    )

    kind, message = done.failure
    assert kind == "raised"
    assert "ended with exit code 3" in message
    assert "no such table" in done.outcome.failure.traceback + message
    assert "line 1\n" in done.log


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["no-such-program"], "there is no program 'no-such-program' in the folders of PATH"),
        (["./no-such-program"], "there is no program './no-such-program'"),
        (
            ["echo hi > a.txt"],
            "there is no program 'echo hi > a.txt'; write each word as an item of its own, or for a shell: [sh, -c, \"...\"]",
        ),
        (
            ["./windows.sh"],
            "the first line of './windows.sh' names '/bin/sh', which is not there; its lines end as on Windows",
        ),
        (["./gone.sh"], "the first line of './gone.sh' names '/no/such/sh', which is not there"),
        (
            ["./bare.sh"],
            "'./bare.sh' has no first line such as '#!/bin/sh'; write the program before it: [sh, ./bare.sh]",
        ),
        (
            ["echo", "a" * 300_000],
            "the command and its environment are too long; pass long values in a file, as an input",
        ),
        (["echo", "a\0b"], "the command cannot be started: embedded null byte"),
        (["steps.py"], "there is no program 'steps.py'; write './steps.py' for the file of the project"),
        (["./steps.py"], "'./steps.py' may not be executed; try: chmod +x ./steps.py"),
        ([], "'command' is empty; write the program and its arguments"),
    ],
)
def test_a_program_that_cannot_be_started_is_named(command, words, message, tmp_path):
    (tmp_path / "project").mkdir()
    texts = {"windows.sh": "#!/bin/sh\r\necho\r\n", "gone.sh": "#!/no/such/sh -e\n", "bare.sh": "echo\n"}
    for name, text in texts.items():
        (tmp_path / "project" / name).write_bytes(text.encode())
        (tmp_path / "project" / name).chmod(0o755)

    assert command(words).failure[1] == message


def test_a_process_that_a_program_leaves_behind_is_not_waited_for(command):
    done = command(["sh", "-c", "sleep 30 & echo $! > left.txt"])

    pid = int((done.folder.parent / "project" / "left.txt").read_text())
    assert (done.failure, done.outcome.seconds < 20) == (None, True)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 9)


def test_values_are_spelt_for_programs_as_in_yaml(command, tmp_path):
    words = [
        "{params.whole}",
        "{params.number}",
        "{params.truth}",
        "{params.nothing}",
        "{params.map}",
        "{params.list}",
    ]
    values = {"whole": 1, "number": 0.5, "truth": False, "nothing": None, "map": {"a": [1]}, "list": []}
    source = "import json, sys; open(sys.argv[1], 'w').write(json.dumps(sys.argv[2:]))"

    done = command(
        [sys.executable, "-c", source, "{outputs.said}", *words],
        params=values,
        outputs=[("said", "said.json")],
    )

    assert json.loads(done.output("said.json").read_text()) == ["1", "0.5", "false", "", '{"a": [1]}']
