"""A chain of steps with side branches whose outputs go to a far store: uploaded beside the next steps, and in line by the steps.

    python benchmarks/uploads.py --megabytes 200 --seconds 5

Each step works for some seconds and makes a file of so many megabytes, whose upload takes as long again, over a line that is slowed
down to that. Two workers. In line, the function uploads its file by `mlflow.log_artifact` before it returns; beside, the file is
an output. What needs a step starts in either case when its file is whole.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tracking_server import tracking_server

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "servers"))

from proxy import proxy_to

STEPS = """
import os
import time
from pathlib import Path


def make(seconds: float, megabytes: int, name: str, before: dict, out: Path) -> dict:
    work(seconds, megabytes, out)
    return {"name": name}


def make_in_line(seconds: float, megabytes: int, name: str, before: dict) -> dict:
    import mlflow

    file = Path(f"{name}-{os.getpid()}.bin")
    work(seconds, megabytes, file)
    try:
        mlflow.log_artifact(str(file))
    finally:
        file.unlink()
    return {"name": name}


def work(seconds, megabytes, file):
    until = time.monotonic() + seconds
    with open(file, "wb") as out:
        for _ in range(megabytes):
            out.write(os.urandom(1 << 20))
    time.sleep(max(0.0, until - time.monotonic()))
"""


def main() -> None:
    """Print the seconds of both ways, and how many times as fast beside is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--megabytes", type=int, default=200, help="of each step's file (default: %(default)s)"
    )
    parser.add_argument(
        "--seconds", type=float, default=5.0, help="of work, and of upload (default: %(default)s)"
    )
    parser.add_argument("--chain", type=int, default=3, help="steps in a row (default: %(default)s)")
    parser.add_argument("--branches", type=int, default=3, help="beside each of them (default: %(default)s)")
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="uploads-") as folder,
        tracking_server(Path(folder, "server")) as url,
        proxy_to(int(url.rpartition(":")[2])) as proxy,
    ):
        proxy.bytes_a_second = asked.megabytes * (1 << 20) / asked.seconds
        took = {kind: _run(Path(folder, kind), kind, proxy.url, asked) for kind in ("in line", "beside")}
    for kind, seconds in took.items():
        print(f"{kind:8} {seconds:7.1f} s")
    print(f"beside is {took['in line'] / took['beside']:.2f} times as fast")


def _run(folder: Path, kind: str, url: str, asked: argparse.Namespace) -> float:
    folder.mkdir()
    (folder / "steps.py").write_text(STEPS, encoding="utf-8")
    (folder / "pipeline.yaml").write_text(_pipeline(kind, url, asked), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("pipespec")), "run", "-q", "pipeline.yaml", "-j", "2"]
    began = time.monotonic()
    subprocess.run(command, cwd=folder, check=True, env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"})
    return time.monotonic() - began


def _pipeline(kind: str, url: str, asked: argparse.Namespace) -> str:
    name = kind.replace(" ", "-")
    lines = ["pipespec: 1", f"name: uploads-{name}", f"mlflow: {{tracking_uri: '{url}'}}", "steps:"]
    for place in range(asked.chain):
        above = f"chain{place - 1}.told" if place else None
        lines += _step(kind, f"chain{place}", above, asked)
        for branch in range(asked.branches):
            lines += _step(kind, f"side{place}x{branch}", above, asked)
    return "\n".join(lines) + "\n"


def _step(kind: str, name: str, above: str | None, asked: argparse.Namespace) -> list[str]:
    is_beside = kind == "beside"
    params = f"seconds: {asked.seconds}, megabytes: {asked.megabytes}, name: {name}"
    return [
        f"  {name}:",
        f"    call: steps:{'make' if is_beside else 'make_in_line'}",
        *([f"    inputs: {{before: {above}}}"] if above else []),
        f"    params: {{{params}{'' if above else ', before: {}'}}}",
        f"    outputs: {{told: told.json{', out: out.bin' if is_beside else ''}}}",
    ]


if __name__ == "__main__":
    main()
