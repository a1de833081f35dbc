"""How long a tracking server with PostgreSQL takes to find a step's result by its key, and who is RUNNING, in a long history.

    python benchmarks/history_on_postgres.py --runs 1000 100000 1000000

The rows of finished runs are written by SQL, with tags as pipespec's; the questions are those that a run asks through the REST API.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from scale import processor

sys.path.append(str(Path(__file__).parents[1] / "tests" / "servers"))

from services import Postgres, mlflow_server, postgres_at

DATABASE = "history"
RUNS = """
INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time, end_time,
  source_version, lifecycle_stage, artifact_uri, experiment_id)
SELECT md5(n::text), 's' || n, 'LOCAL', '', '', 'me', 'FINISHED', n, n + 1, '', 'active', 'mlflow-artifacts:/0/' || n, 0
FROM generate_series({first}, {last}) n
"""
TAGS = """
INSERT INTO tags (key, value, run_uuid)
SELECT tag.key, tag.value, md5(n::text) FROM generate_series({first}, {last}) n, LATERAL (VALUES
  ('mlflow.pipespec.key.' || encode(sha256(n::text::bytea), 'hex'), '1'),
  ('pipespec.key', encode(sha256(n::text::bytea), 'hex')), ('pipespec.step', 's' || n % 1000), ('pipespec.pipeline', 'p'),
  ('pipespec.manifest', encode(sha256(n::text::bytea), 'hex')), ('pipespec.upstream', ''), ('mlflow.user', 'me'),
  ('mlflow.runName', 's' || n), ('mlflow.source.name', 'pipeline.yaml'), ('mlflow.source.type', 'LOCAL'),
  ('mlflow.pipespec.outputs', '{{}}'), ('mlflow.pipespec.inputs', '[]'), ('mlflow.pipespec.owner', repeat('x', 150)),
  ('mlflow.pipespec.lease', '0'), ('mlflow.pipespec.generation', '0'), ('mlflow.pipespec.invocation', md5((n / 1000)::text))
) AS tag(key, value)
"""


def ask(url: str, condition: str) -> int:
    """Return how many runs a search finds."""
    body = json.dumps({"experiment_ids": ["0"], "filter": condition, "max_results": 100}).encode()
    request = urllib.request.Request(
        f"{url}/api/2.0/mlflow/runs/search", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        return len(json.load(answer).get("runs", ()))


def cost(url: str, pids: list[int], conditions: list[str], found: int) -> str:
    """Say what a search costs: the least wall time, and the processor time of the server and of PostgreSQL on average."""
    for condition in conditions:
        assert ask(url, condition) == found, condition
    before, taken = [processor(pid) for pid in pids], []
    for condition in conditions * 5:
        began = time.perf_counter()
        ask(url, condition)
        taken.append((time.perf_counter() - began) * 1e3)
    spent = [(processor(pid) - was) / len(taken) * 1e3 for pid, was in zip(pids, before, strict=True)]
    return f"{min(taken):.0f} ms (processor: server {spent[0]:.1f}, PostgreSQL {spent[1]:.1f})"


def grow(database: Postgres, first: int, last: int) -> None:
    for statement in (RUNS, TAGS):
        for start in range(first, last + 1, 20_000):
            database.execute(statement.format(first=start, last=min(start + 19_999, last)), DATABASE, 3600)
    database.execute("ANALYZE", DATABASE)


def measure(counts: list[int], folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="pg") as kept, postgres_at(Path(kept)) as database:
        (folder / "server").mkdir()
        with mlflow_server(folder / "server", database.make(DATABASE)) as server:
            done = 0
            postmaster = int(Path(kept, "data/postmaster.pid").read_text().split()[0])

            def of(conditions: list[str], found: int) -> str:
                return cost(server.url, [server.pid, postmaster], conditions, found)

            for count in counts:
                grow(database, done + 1, count)
                done = count
                keys = [hashlib.sha256(str(count * i // 21).encode()).hexdigest() for i in range(1, 21)]
                known = [f"tags.`mlflow.pipespec.key.{key}` = '1'" for key in keys]
                unknown = [condition.replace("key.", "key.0") for condition in known]
                running = ["attributes.status = 'RUNNING' AND tags.`pipespec.pipeline` LIKE '%'"] * 5
                size = int(database.execute(f"SELECT pg_database_size('{DATABASE}')")) / 1e6
                print(
                    f"{count} runs, {size:.0f} MB: a key that is there {of(known, 1)}; one that is not {of(unknown, 0)};"
                    f" who is RUNNING {of(running, 0)}",
                    flush=True,
                )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, nargs="+", default=[1_000, 100_000, 1_000_000])
    with tempfile.TemporaryDirectory(prefix="history-") as made:
        measure(parser.parse_args().runs, Path(made))
