"""Simulate a large run: steps on many Dask workers, records on a real tracking server with PostgreSQL; who spends how much.

    python benchmarks/scale.py --steps 10000 --workers 200

All is on this machine, on loopback: a scheduler, a process with all workers in it, each of one thread, `mlflow server`, PostgreSQL (which
does not sync to the disk), and `pipespec run`. Each step is executed in a process of its own, as ever. What counts is the processor time of
each part for each step: two processors have no room for 200 workers, so wall time says what they share.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from projects import write_pipeline

sys.path.append(str(Path(__file__).parents[1] / "tests" / "servers"))

from services import mlflow_server, postgres_at


def processor(pid: int) -> float:
    """Return the processor seconds of a process and of all below it, those that have ended included."""
    spent = 0.0
    root = psutil.Process(pid)
    for process in (root, *root.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            spent += sum(process.cpu_times()[:4])
    return spent


@contextlib.contextmanager
def started(log: Path, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *command], stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


async def be_workers(scheduler_file: str, folder: str, count: int) -> None:
    """Be that many workers of one thread, until told to end."""
    from distributed import Worker

    workers = [
        await Worker(scheduler_file=scheduler_file, host="127.0.0.1", nthreads=1, local_directory=folder)
        for _ in range(count)
    ]
    await asyncio.gather(*(worker.finished() for worker in workers))


def wait_for_workers(file: Path, count: int) -> str:
    """Return the address of the scheduler, once all workers are there."""
    from distributed import Client

    while not file.exists() or not file.read_text():
        time.sleep(0.1)
    address = str(json.loads(file.read_text())["address"])
    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(count, timeout=600)
    return address


def bare(address: str, steps: int, seconds: float) -> float:
    """Let Dask alone do as many tasks, and return the wall seconds."""
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        began = time.perf_counter()
        client.gather([client.submit(time.sleep, seconds, key=f"bare-{number}") for number in range(steps)])
        return time.perf_counter() - began


def simulate(steps: int, workers: int, seconds: float, folder: Path) -> None:
    project = folder / "project"
    write_pipeline(project, steps, seconds=seconds)
    (folder / "server").mkdir()
    with contextlib.ExitStack() as stack:
        kept = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pg")))
        database = stack.enter_context(postgres_at(kept))
        server = stack.enter_context(mlflow_server(folder / "server", database.make("mlflow")))
        found = folder / "scheduler.json"
        scheduler = stack.enter_context(
            started(
                folder / "scheduler.log",
                "-m",
                "dask",
                "scheduler",
                "--host",
                "127.0.0.1",
                "--port",
                "0",
                "--no-dashboard",
                "--scheduler-file",
                str(found),
            )
        )
        while not found.exists():
            time.sleep(0.1)
        own = str(folder / "workers")
        hosts = stack.enter_context(
            started(
                folder / "workers.log", __file__, "--be-workers", str(found), own, "--workers", str(workers)
            )
        )
        address = wait_for_workers(found, workers)
        parts = {
            "Dask's scheduler": scheduler.pid,
            "workers, with the processes of steps": hosts.pid,
            "tracking server": server.pid,
            "PostgreSQL": int((kept / "data/postmaster.pid").read_text().split()[0]),
        }

        def spent() -> dict[str, float]:
            return {name: processor(pid) for name, pid in parts.items()}

        before = spent()
        wall = bare(address, steps, seconds)
        print(f"bare client.submit, {steps} tasks: {wall:.1f} s; {table(before, spent(), steps)}", flush=True)

        run = run_pipespec(project, address, server.url, workers, folder / "output.txt")
        parts["pipespec run"] = run.pid
        began = time.perf_counter()
        while ended(folder) < min(workers, steps // 2):  # until all workers are at work
            if run.poll() is not None:
                break
            time.sleep(0.2)
        count, before, half = ended(folder), spent(), time.perf_counter() - began
        print(f"the first {count} steps took {half:.1f} s", flush=True)
        del parts["pipespec run"]
        _, status, usage = os.wait4(run.pid, 0)
        wall = time.perf_counter() - began
        if status != 0:
            sys.exit((folder / "output.txt").read_text()[-3000:])
        after = spent() | {"pipespec run": usage.ru_utime + usage.ru_stime}
        print(
            f"pipespec, {steps} steps on {workers} workers: {wall:.1f} s, at most {usage.ru_maxrss / 1024:.0f} MB; from then"
            f" on {(wall - half) / (steps - count) * 1e3:.1f} ms a step; {table(before, after, steps - count)}"
        )
        size = database.execute("SELECT pg_database_size('mlflow')", "mlflow")
        print(f"the database has {int(size) / 1e6:.1f} MB, {int(size) / steps / 1e3:.1f} kB a step")


def run_pipespec(
    project: Path, scheduler: str, server: str, places: int, output: Path
) -> subprocess.Popen[bytes]:
    command = [str(Path(sys.executable).with_name("pipespec")), "run", "pipeline.yaml", "-j", str(places)]
    with output.open("wb") as out:
        return subprocess.Popen(
            [*command, "--executor", "dask", "--dask", scheduler],
            cwd=project,
            env=os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_TRACKING_URI": server},
            stdout=out,
            stderr=out,
        )


def ended(folder: Path) -> int:
    """How many steps have ended so far."""
    return (folder / "output.txt").read_text().count("] ran ")


def table(before: dict[str, float], after: dict[str, float], steps: int) -> str:
    return ", ".join(f"{name} {(after[name] - before[name]) / steps * 1e3:.1f} ms a step" for name in after)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--workers", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=0.0, help="how long each step sleeps")
    parser.add_argument("--be-workers", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.be_workers:
        asyncio.run(be_workers(*arguments.be_workers, count=arguments.workers))
    else:
        with tempfile.TemporaryDirectory(prefix="scale-") as made:
            simulate(arguments.steps, arguments.workers, arguments.seconds, Path(made))
