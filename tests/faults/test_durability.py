"""What is on the disk when a result counts: each file of it was written through before the database was, in that order."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fault_judge import with_steps

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace"),
]

SYNC = re.compile(r"\bf(?:data)?sync\(\d+<([^>]+)>\)\s+= 0")


def test_files_and_then_their_manifest_reach_the_disk_before_the_database_says_that_they_count(
    empty_project, tmp_path
):
    project = with_steps(empty_project)
    trace = tmp_path / "trace.txt"
    subprocess.run(
        [
            *["strace", "-f", "-y", "-qq", "-e", "trace=fsync,fdatasync", "-o"],
            trace,
            Path(sys.executable).with_name("pipespec"),
            "run",
            "pipeline.yaml",
        ],
        cwd=project.folder,
        env=project.environment(),
        capture_output=True,
        timeout=120,
        check=True,
    )

    synced = [path.partition("/artifacts/")[2] or Path(path).name for path in SYNC.findall(trace.read_text())]
    counted = [
        name for name in synced if not name.startswith((".", "mlflow.db-")) and name != project.folder.name
    ]
    assert counted[counted.index("numbers.json") :] == [
        *("numbers.json", "pipespec/step.json", "mlflow.db"),
        *("folder/a.txt", "folder/b.txt", "sizes.json", "pipespec/step.json", "mlflow.db"),
        *("sizes.json", "pipespec/step.json", "mlflow.db"),
        "mlflow.db",  # the invocation's end
    ]
