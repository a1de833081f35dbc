"""`logs` shows what this pipeline's step printed, and nobody else's."""

from __future__ import annotations

import re

OTHER = """\
pipespec: 1
name: other
steps:
  total: {call: "mine:total", outputs: {total: total.json}}
"""


def test_logs_are_never_those_of_another_pipelines_step(project):
    project.run()
    project.write("mine.py", "def total() -> int:\n    return 7\n")
    project.write("other.yaml", OTHER)
    project.write(
        "copy.yaml", (project.folder / "pipeline.yaml").read_text().replace("name: sums", "name: copy")
    )

    theirs = project.pipespec("logs", "other.yaml", "total")
    reused = project.pipespec("logs", "copy.yaml", "total")

    assert (theirs.code, theirs.out) == (2, "")
    assert "step 'total' has never been executed, so it has no log" in theirs.err
    # A step that is complete by the run of another pipeline has that run's log: it is the same step.
    assert (reused.code, reused.out) == (0, "adding up 5\n")
    statuses = project.pipespec("status", "other.yaml", "--format", "json").json
    assert [step["state"] for step in statuses["steps"]] == ["missing"]
    assert project.planned("other.yaml") == {"total": "run"}


def test_log_of_an_earlier_attempt_is_found_by_the_beginning_of_its_run_id(project):
    first = project.pipespec("run", "pipeline.yaml", "--format", "json").json
    again = project.pipespec("run", "pipeline.yaml", "--set", "params.count=7", "--format", "json").json
    runs = [{step["step"]: step["run_id"] for step in one["steps"]}["total"] for one in (first, again)]

    for name, said in ((runs[0][:12], "5"), (runs[1], "7")):
        answer = project.pipespec("logs", "pipeline.yaml", f"run:{name}")
        assert (answer.code, answer.out) == (0, f"adding up {said}\n"), answer.err
    whole = project.pipespec("logs", "pipeline.yaml", f"run:{first['invocation'][:12]}")
    assert (whole.code, whole.err) == (
        2,
        f"error: run {first['invocation']} is a whole invocation, which has no log; name the run of a step\n",
    )


def test_a_log_that_cannot_be_read_here_is_read_from_its_run(project):
    project.run()
    for log in (project.folder / ".pipespec" / "logs").glob("*.log"):
        log.unlink()
        log.mkdir()  # root may read a file of any mode

    answer = project.pipespec("logs", "pipeline.yaml", "total")

    assert (answer.code, answer.err) == (0, "")
    project.query("UPDATE runs SET status = 'RUNNING', end_time = NULL")  # as while it runs
    refused = project.pipespec("logs", "pipeline.yaml", "total")
    assert refused.code == 2
    assert re.fullmatch(
        rf"error: the log '{re.escape(str(project.folder))}/.pipespec/logs/[0-9a-f]{{32}}\.log' cannot be read: is a directory\n",
        refused.err,
    )
