"""An invocation that is killed after its last step leaves its run RUNNING; the next run ends it, though nothing is to do."""

import pytest

pytestmark = pytest.mark.faults


def states(project):
    return sorted(status for (status,) in project.query("SELECT status FROM runs"))


@pytest.mark.parametrize("point", ["invocation.before-finish", "publish.after-finish:3"])
def test_the_next_run_ends_what_a_killed_one_left(project, point):
    killed = project.start(
        "run", "pipeline.yaml", PIPESPEC_FAULT_TESTING="1", PIPESPEC_FAULT=f"{point}:kill9"
    )
    killed.communicate(timeout=60)
    assert killed.returncode == -9
    assert states(project) == ["FINISHED", "FINISHED", "FINISHED", "RUNNING"]
    assert project.pipespec("status", "pipeline.yaml").code == 0
    assert states(project)[-1] == "RUNNING"  # who only looks writes nothing

    again = project.pipespec("run", "pipeline.yaml", "--format", "json")

    assert (again.code, again.json["invocation"]) == (0, None)
    assert {step["state"] for step in again.json["steps"]} == {"reused"}
    assert states(project) == ["FINISHED", "FINISHED", "FINISHED", "KILLED"]
    assert list((project.folder / ".pipespec" / "staging").iterdir()) == []


def test_a_run_that_goes_on_is_left_alone_by_one_with_nothing_to_do(project):
    project.run()
    project.write("slow.py", "import sys, time\n\ndef slow() -> dict:\n    time.sleep(3600)\n    return {}\n")
    project.write(
        "slow.yaml",
        'pipespec: 1\nname: slow\nsteps: {slow: {call: "slow:slow", outputs: {out: out.json}}}\n',
    )
    running = project.start("run", "slow.yaml")
    assert running.stderr.readline().startswith("start slow")
    dead = project.folder / ".pipespec" / "staging" / "0123456789abcdef"
    dead.mkdir()
    dead.with_suffix(".lock").touch()
    project.edit("pipeline.yaml", "name: sums\n", "name: sums\n\n")  # so that it is planned

    idle = project.pipespec("run", "pipeline.yaml")

    assert states(project).count("RUNNING") == 2
    running.terminate()
    running.communicate(timeout=60)
    assert (idle.code, running.returncode) == (0, 143)
    assert not dead.exists()
