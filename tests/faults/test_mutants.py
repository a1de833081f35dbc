"""Changes that break what the records promise, each made in a copy of the source: a named test must notice it.

A mutant that survives means a test is missing. Each names the tests that are to fail, so that a mutant takes seconds; a mutant whose
text is no longer in the source must be written anew.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import pipespec

pytestmark = pytest.mark.faults

SOURCE = Path(pipespec.__file__).parent
ROOT = Path(__file__).parents[2]

MUTANTS = {
    "an invocation that another one met does not search": (
        "engine/other_runs.py",
        " or record_names.MET in own.tags",
        "",
        "engine/test_other_runs.py",
    ),
    "an invocation does not tell those that are at work": (
        "engine/attempts.py",
        "                    self._writer.tell_of_another(other)",
        "                    pass",
        "engine/test_attempts.py -k who_begins_later",
    ),
    "an output is not written through to the disk": (
        "tracking/artifacts.py",
        "            written.replace(target)\n        _sync(target)",
        "            written.replace(target)",
        "faults/test_durability.py",
    ),
    "the manifest is not written through to the disk": (
        "tracking/artifacts.py",
        "through=name == MANIFEST_FILE",
        "through=False",
        "faults/test_durability.py",
    ),
    "the database is not written through to the disk": (
        "tracking/writing/sqlite_writer.py",
        "PRAGMA synchronous = FULL",
        "PRAGMA synchronous = OFF",
        "faults/test_durability.py",
    ),
    "an output is written in place, not renamed into it": (
        "tracking/artifacts.py",
        '            reach("publish.mid-upload")\n            written.replace(target)\n',
        '            target.write_bytes(source.read_bytes()[:1])\n            reach("publish.mid-upload")\n            written.replace(target)\n',
        "tracking/test_artifacts.py -k killed_while_it_uploads",
    ),
    "a file that others share is moved away from them": (
        "tracking/artifacts.py",
        " and status.st_nlink == 1",
        "",
        "tracking/test_artifacts.py -k others_share",
    ),
    "a copy is not compared with what was recorded": (
        "tracking/artifacts.py",
        "if artifact.digest is not None and digest != artifact.digest:",
        "if artifact.digest is None and digest != artifact.digest:",
        "tracking/test_artifacts.py -k not_handed_out",
    ),
    "a result is published without its manifest": (
        "tracking/writing/recorder.py",
        "self._put(started, {**_log(log), **query_files(manifest), record_names.MANIFEST_FILE: content})",
        "self._put(started, {**_log(log), **query_files(manifest)})",
        "tracking/test_recorder.py -k published_run_has_its_key",
    ),
    "a manifest need not be what the run's tag says": (
        "tracking/reading/record_selection.py",
        "if hashlib.sha256(content).hexdigest() != digest:",
        "if False:",
        "tracking/test_ledger_contract.py -k manifest_that_is_gone_or_altered",
    ),
    "the lowest generation counts": (
        "tracking/run_facts.py",
        "return -record.generation, record.ended",
        "return record.generation, record.ended",
        "tracking/test_ledger_contract.py -k highest_generation",
    ),
    "the last of a generation counts": (
        "tracking/run_facts.py",
        "return -record.generation, record.ended",
        "return -record.generation, -record.ended",
        "tracking/test_ledger_contract.py -k highest_generation",
    ),
    "the size of an output is not looked at": (
        "tracking/run_facts.py",
        "return None if size == output.bytes else",
        "return None if True else",
        "tracking/test_ledger_contract.py -k gone_or_altered",
    ),
    "files that are gone from a folder are not missed": (
        "tracking/run_facts.py",
        "return None if count == output.files else",
        "return None if True else",
        "tracking/test_ledger_contract.py -k gone_or_altered",
    ),
    "damage brings an older result back": (
        "tracking/reading/record_selection.py",
        "if record.key == key and damaged not in (None, record.generation):",
        "if False:",
        "tracking/test_ledger_contract.py -k no_older_run_counts",
    ),
    "what a run touched is not looked at": (
        "tracking/reading/record_selection.py",
        "changes = () if self._check is None else tuple(self._check.changes(record.witness))",
        "changes = ()",
        "tracking/test_record_selection.py",
    ),
    "an accepted run counts before one that has the key": (
        "tracking/reading/record_selection.py",
        "found.sort(key=lambda run: (run[0].key != key, precedence(run[0])))",
        "found.sort(key=lambda run: (run[0].key == key, precedence(run[0])))",
        "tracking/test_ledger_contract.py -k accepted",
    ),
    "a claim does not keep others from computing the key": (
        "engine/attempts.py",
        "        if self._others.holder(key) is not None:",
        "        if False:",
        "engine/test_attempts.py -k while_one_computes",
    ),
    "all who claim a key go first": (
        "tracking/run_facts.py",
        "return tuple(order[: before.index(mine)]) if mine in before else tuple(order)",
        "return ()",
        "tracking/test_recorder.py -k of_two_claims",
    ),
    "a result is not looked for again before it is published": (
        "engine/result_publication.py",
        "result.known is not None or in_doubt()",
        "result.known is not None",
        "engine/test_attempts.py -k of_two_results",
    ),
    "who was taken over publishes all the same": (
        "tracking/writing/recorder.py",
        "        if not counts or self._is_taken(run_id):",
        "        if False:",
        "tracking/test_dead_runs.py -k after_its_run_was_taken_over_counts_no_more",
    ),
    "in a file it is not looked whether a run was taken over": (
        "tracking/writing/recorder.py",
        "if self.joins and record.key and self._is_taken(record.run_id):",
        "if False:",
        "tracking/test_dead_runs.py -k dies_before_it_is_told",
    ),
    "a run that was taken over counts when it is FINISHED": (
        "tracking/reading/sqlite_statements.py",
        "AND NOT EXISTS (",
        "AND EXISTS (SELECT 1) OR NOT EXISTS (",
        "tracking/test_dead_runs.py -k dies_before_it_is_told",
    ),
    "a dead run is taken over as it was read, not as it is": (
        "tracking/writing/dead_runs.py",
        'if facts is None or facts.status != "RUNNING":',
        "if facts is None:",
        "tracking/test_dead_runs.py -k ended_by_itself",
    ),
    "a result is finished without comparing its content": (
        "tracking/writing/dead_runs.py",
        "            verify(recorded_artifact(replace(record, outputs=outputs), name), downloads, ledger.tracking_uri)",
        "            pass",
        "tracking/test_dead_runs.py -k not_whole_is_not_finished",
    ),
    "a renewal that came too late leaves no doubt": (
        "engine/attempts.py",
        "                if not self._is_in_doubt(run.run_id):\n",
        "                if True:\n",
        "engine/test_attempts.py -k came_too_late",
    ),
    "a result of another invocation is published a second time": (
        "engine/attempts.py",
        "            return False, record\n",
        "            return True, None\n",
        "engine/test_attempts.py -k who_waited_gets",
    ),
    "a forced result does not come in place of the one before": (
        "engine/result_publication.py",
        "generation=0 if result.known is None else result.known + 1,",
        "generation=0,",
        "engine/test_attempts.py -k forced_result_has_the_next_generation",
    ),
    "a process elsewhere is dead at the first look": (
        "tracking/writing/leases.py",
        "return now - since >= LEASE_SECONDS",
        "return True",
        "tracking/test_recorder.py -k elsewhere_is_dead",
    ),
    "the runs of dead processes are believed to be alive": (
        "tracking/writing/leases.py",
        "        if gone is not None:\n            return gone\n",
        "        if gone is not None:\n            return False\n",
        "tracking/test_recorder.py -k gone_is_marked_killed",
    ),
    "a live run's folder is swept away": (
        "engine/staging.py",
        "                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)\n                _remove(",
        "                _remove(",
        "engine/test_staging.py -k dead_one_left",
    ),
    "writes of a result are no transaction": (
        "tracking/writing/sqlite_writer.py",
        '        _waited(db, "BEGIN IMMEDIATE")\n        self._promised.clear()\n        try:\n            yield\n            self._commit(db)\n',
        "        try:\n            yield\n",
        "tracking/test_recorder.py -k killed_at_any_point",
    ),
    "a file that was replaced is written to": (
        "tracking/writing/sqlite_writer.py",
        "if self._path.stat().st_ino != self._inode:",
        "if False:",
        "tracking/test_store_writers.py",
    ),
    "an experiment is remembered that was taken back": (
        "tracking/writing/experiments.py",
        "        if is_settled:",
        "        if True:",
        "tracking/test_store_writers.py -k taken_back",
    ),
    "a step outlives the process that forks it": (
        "engine/processes/fork_template.py",
        "        _call_prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)",
        "        pass",
        "engine/test_processes.py -k template_dies",
    ),
    "a young file is remembered": (
        "project/digest_memory.py",
        "began - youngest >= _YOUNG_NS",
        "True",
        "project/test_input_digests.py -k young",
    ),
    "an edit whose time was put back is not seen": (
        "project/digest_memory.py",
        "status.st_mtime_ns, status.st_ctime_ns, status.st_ino",
        "status.st_mtime_ns, 0, 0",
        "project/test_input_digests.py -k time_was_put_back",
    ),
    "an interrupted run is told as finished": (
        "engine/attempts.py",
        'status = "FINISHED" if report.succeeded else "FAILED" if report.interrupted_by is None else "KILLED"',
        'status = "FINISHED"',
        "engine/test_interruptions.py -k signal_ends_what_executes",
    ),
}


@pytest.fixture(autouse=True)
def end_what_is_left(tmp_path):
    """Kill what a mutant leaves behind: some no longer end the processes of their steps."""
    yield
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "cwd").readlink().is_relative_to(tmp_path):
                os.kill(int(process.name), signal.SIGKILL)


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_mutant_is_noticed(mutant, tmp_path):
    file, old, new, tests = MUTANTS[mutant]
    copy = tmp_path / "src/pipespec"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    text = (copy / file).read_text()
    assert text.count(old) == 1, f"write the mutant anew: '{old}' stands {text.count(old)} times in {file}"
    (copy / file).write_text(text.replace(old, new))
    where, _, chosen = tests.partition(" -k ")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-n0",
        "-p",
        "no:cacheprovider",
        "-m",
        "",
        f"tests/{where}",
    ]

    done = subprocess.run(
        [*command, *(["-k", chosen] if chosen else []), f"--basetemp={tmp_path / 'tests'}"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "src"), "PIPESPEC_TEST_PATIENCE": "5"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 1, done.stdout[-2_000:]
