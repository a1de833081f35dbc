"""Many `pipespec run` at the same moment on each of two hosts, of one pipeline, with one tracking server; run in a network of its own.

    unshare --net python tests/faults/many_on_two_hosts.py FOLDER EACH STEPS

Prints as JSON how the runs ended, how often each step began and ended, the runs that the server has of the steps, and
how many of these lost their lease.
"""

import json
import os
import re
import sqlite3
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "servers")]

from many_steps import CODE, pipeline  # noqa: E402
from services import mlflow_server  # noqa: E402
from soak_hosts import SERVER, Host, adopt_orphans, descendants, kill, open_network  # noqa: E402

LIMIT = 1500.0
"""Seconds in which all must have ended."""


def main(folder: Path, each: int, steps: int) -> dict:
    open_network()
    served = folder / "server"
    served.mkdir(parents=True)
    with mlflow_server(served, f"sqlite:///{served}/mlflow.db", address="0.0.0.0") as server:
        hosts = []
        for number, name in enumerate(["ada", "bob"], 1):
            project = folder / name
            project.mkdir()
            (project / "pyproject.toml").touch()
            (project / "steps.py").write_text(CODE)
            tracking = f'mlflow: {{tracking_uri: "http://{SERVER}:{server.port}"}}'
            (project / "pipeline.yaml").write_text(pipeline([tracking], steps))
            hosts.append(Host.apart(number, name, project))
        running = []
        for host in hosts * each:
            host.start("run", "pipeline.yaml", "-j", "2")
            running.append((host.run, host.output))
        codes = [process.wait(timeout=LIMIT) for process, _ in running]
        said = [output.read_text(errors="replace") for _, output in running]
    noted = [host.project / "executions.txt" for host in hosts]
    with sqlite3.connect(served / "mlflow.db") as database:
        runs = database.execute(
            "SELECT t.value, status, count(*) FROM runs JOIN tags t USING (run_uuid) WHERE t.key = 'pipespec.step' GROUP BY 1, 2"
        ).fetchall()
        lost = database.execute(
            "SELECT t.value, count(*) FROM runs JOIN tags t USING (run_uuid) JOIN tags l USING (run_uuid)"
            " WHERE t.key = 'pipespec.step' AND l.key = 'mlflow.pipespec.taken' GROUP BY 1"
        ).fetchall()
        running_still = database.execute("SELECT count(*) FROM runs WHERE status = 'RUNNING'").fetchone()
    told = [re.search(r"^(\d+) ran, (\d+) reused", text, re.MULTILINE) for text in said]
    return {
        "codes": Counter(codes),
        "failed": [
            text[-2000:] for code, text in zip(codes, said, strict=True) if code or "Traceback" in text
        ],
        "told": [sum(int(found[place]) for found in told if found) for place in (1, 2)],
        "noted": Counter(line for file in noted if file.exists() for line in file.read_text().splitlines()),
        "runs": runs,
        "lost": dict(lost),
        "running": running_still[0],
    }


if __name__ == "__main__":
    adopt_orphans()
    try:
        print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
    finally:
        kill(descendants(os.getpid()))
