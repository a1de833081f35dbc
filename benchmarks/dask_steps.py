"""Steps on a Dask cluster beside bare `client.submit` of the same function, and bare MLflow calls that write the same runs.

    python benchmarks/dask_steps.py                    # what a step costs; rounds in turns
    python benchmarks/dask_steps.py --pause 0.05       # how well steps of 50 ms keep two workers busy
    python benchmarks/dask_steps.py --memory           # of the user's process, for each step under way

The cluster has two workers of one thread each, in processes of their own on this machine; it is warm before anything is measured. Printed are
milliseconds for each step: wall, processor time of the user's process, and processor time of the scheduler, of the workers and of all that these
start, less what they take when nothing happens.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pipespec

STEPS = "import time\n\n\ndef short(k: int) -> int:\n    time.sleep({pause})\n    return k\n"
PIPELINE = """\
pipespec: 1
name: measured
steps:
  short: {{call: 'steps:short', matrix: {{k: {values}}}, outputs: {{k: k.json}}}}
"""
FEW, MANY = 20, 120
_TICKS = os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, list[int]]]:
    """Start a scheduler and two workers, and give its address with their processes."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    dask = [sys.executable, "-m", "dask"]
    commands = [[*dask, "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]]
    commands += 2 * [[*dask, "worker", address, "--nthreads", "1", "--no-dashboard"]]
    with (folder / "cluster.log").open("wb") as log:
        started = [
            subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, start_new_session=True)
            for command in commands
        ]
        try:
            from distributed import Client

            with Client(address, timeout=120, set_as_default=False) as client:
                client.wait_for_workers(2, timeout=120)
            yield address, [process.pid for process in started]
        finally:
            for process in reversed(started):
                process.terminate()
                process.wait()


def processor_seconds(pids: list[int]) -> float:
    """Sum up processes, all below them, and what of theirs has ended."""
    children: dict[int, list[int]] = {}
    used: dict[int, float] = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit():
                words = (entry / "stat").read_text().rpartition(")")[2].split()
                children.setdefault(int(words[1]), []).append(int(entry.name))
                used[int(entry.name)] = sum(map(int, words[11:15])) / _TICKS
    total, left = 0.0, list(pids)
    while left:
        pid = left.pop()
        total += used.get(pid, 0.0)
        left += children.get(pid, ())
    return total


class Measured:
    """Work for a cluster, each kind with what it costs for each of `steps`."""

    def __init__(self, address: str, pids: list[int], folder: Path, steps: int, pause: float) -> None:
        from distributed import Client

        self.address, self.pids, self.folder, self.steps, self.pause = address, pids, folder, steps, pause
        self._client = Client(address, set_as_default=False)
        self._projects = 0
        self._idle = 0.0
        self._idle = self._costs(lambda: time.sleep(3.0))[2] * steps / 3000

    def bare(self) -> list[float]:
        """Submit the function itself."""
        pause = self.pause

        def short(k: int) -> int:
            time.sleep(pause)
            return k

        tasks = range(self.steps)
        return self._costs(
            lambda: self._client.gather([self._client.submit(short, k, pure=False) for k in tasks])
        )

    def mlflow(self) -> list[float]:
        """Write runs by MLflow's client."""
        from mlflow import MlflowClient
        from mlflow_reference import write_run

        place = self._new_project()
        with contextlib.chdir(place):
            client = MlflowClient(f"sqlite:///{place}/mlflow.db")
            write_run(client, 0, is_local=True)
            return self._costs(
                lambda: [write_run(client, number, is_local=True) for number in range(1, self.steps + 1)]
            )

    def pipespec(self) -> list[float]:
        """Run the steps, less a run of two."""
        two, all_ = (self._costs(self.run_of(count)) for count in (2, self.steps + 2))
        return [many - few for few, many in zip(two, all_, strict=True)]

    def run_of(self, count: int, **options: Any) -> Callable[[], object]:
        """Return what runs so many new steps."""
        place = self._new_project()
        (place / "pyproject.toml").touch()
        (place / "steps.py").write_text(STEPS.format(pause=self.pause))
        (place / "pipeline.yaml").write_text(PIPELINE.format(values=list(range(count))))
        pipeline = pipespec.load(place / "pipeline.yaml")
        return lambda: pipeline.run(dask=self.address, **{"progress": False, **options})

    def _new_project(self) -> Path:
        self._projects += 1
        place = self.folder / f"project{self._projects}"
        place.mkdir()
        return place

    def _costs(self, work: Callable[[], object]) -> list[float]:
        began, own, there = time.monotonic(), time.process_time(), processor_seconds(self.pids)
        work()
        wall, own = time.monotonic() - began, time.process_time() - own
        there = processor_seconds(self.pids) - there - self._idle * wall
        return [seconds / self.steps * 1000 for seconds in (wall, own, there)]


def costs(measured: Measured, rounds: int) -> None:
    """Print what a step costs, and beside what."""
    kinds = {
        "client.submit": measured.bare,
        "MLflow's client": measured.mlflow,
        "pipespec": measured.pipespec,
    }
    found: dict[str, list[list[float]]] = {kind: [] for kind in kinds}
    for _ in range(rounds):
        for kind, work in kinds.items():
            found[kind].append(work())
    print(f"{measured.steps} steps of {measured.pause * 1000:g} ms; ms a step, the least of {rounds} rounds")
    least = {kind: [min(column) for column in zip(*rows, strict=True)] for kind, rows in found.items()}
    for kind, (wall, own, there) in least.items():
        print(f"  {kind:16} wall {wall:6.1f}  processor: here {own:6.1f}, cluster {there:6.1f}")
    bare, mlflow, ours = least.values()
    both = [a + b for a, b in zip(bare, mlflow, strict=True)]
    print(
        f"  {ours[0] / both[0]:.2f} x the wall of both references, {sum(ours[1:]) / sum(both[1:]):.2f} x their processor time"
    )
    if measured.pause:
        ideal = measured.pause * 1000 / 2
        print(
            f"  of the ideal {ideal:g} ms: client.submit {ideal / bare[0]:.0%}, pipespec {ideal / ours[0]:.0%}"
        )


class _Watch:
    """Takes the memory of this process when so many steps are under way, and ends the run."""

    def __init__(self) -> None:
        self.pages: dict[int, int] = {}
        self._begun = 0

    def started(self, _: object) -> None:
        self._begun += 1
        if self._begun in (FEW, MANY):
            self.pages[self._begun] = int(Path("/proc/self/statm").read_text().split()[1])
        if self._begun == MANY:
            os.kill(os.getpid(), signal.SIGINT)

    def __getattr__(self, _: str) -> Callable[..., None]:
        return lambda *_, **__: None


def memory(measured: Measured) -> None:
    """Print how the memory of the user's process grows with the steps under way."""
    watch = _Watch()
    with contextlib.suppress(KeyboardInterrupt, pipespec.PipespecError):
        measured.run_of(MANY + FEW, workers=MANY + FEW, progress=watch)()
    grown = (watch.pages[MANY] - watch.pages[FEW]) * os.sysconf("SC_PAGE_SIZE") / 1000 / (MANY - FEW)
    print(f"memory of the user's process: {grown:.1f} kB for each step under way")


def main() -> None:
    """Measure as asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pause", type=float, default=0.0)
    parser.add_argument("--memory", action="store_true")
    asked = parser.parse_args()
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the cluster ends with us
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as folder, cluster(Path(folder)) as (address, pids):
        pause = 5.0 if asked.memory else asked.pause
        measured = Measured(address, pids, Path(folder), asked.steps, pause)
        if asked.memory:
            memory(measured)
        else:
            measured.bare()
            measured.run_of(4)()
            costs(measured, asked.rounds)


if __name__ == "__main__":
    main()
