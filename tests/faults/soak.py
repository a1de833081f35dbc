"""Two `pipespec run` at once on two hosts, one tracking server, alone, with a luigid or on Dask, while faults come at random.

    python tests/faults/soak.py --seconds 600 --seed 7 --pipeline news

Hosts are network namespaces; `--one-host` does without, and is all that is left where those may not be made. In each round both hosts
run the same pipeline with a param of the round until both have ended well; meanwhile there is a fault every few seconds
(`soak_strikes.py`). After the time the round ends unharmed, and a last run has nothing to do. Then the records are
compared with those of one clean run of all rounds (`soak_judge.py`). The seed decides what
is struck and when; how far the processes are at that moment it cannot decide. Ends with 0 if nothing is wrong.
"""

import argparse
import contextlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "servers")]

import noted  # noqa: E402
from services import Service, luigid_at, mlflow_server  # noqa: E402
from soak_hosts import (  # noqa: E402
    SERVER,
    Host,
    adopt_orphans,
    descendants,
    descriptors,
    kill,
    namespace_command,
    open_network,
)
from soak_judge import Store, executions_wrong, leftovers, records_wrong  # noqa: E402
from soak_pipelines import PIPELINES, SoakPipeline  # noqa: E402
from soak_strikes import Strikes  # noqa: E402

ROUND_LIMIT = 600.0
"""Seconds in which both hosts must have done one round, whatever is killed."""

LEAST_FAULTS = 5
LEAST_STEPS = 2
"""A soak goes on beyond its time until so many faults have hit what they were meant for, and so many of them a step's process,
else it would show nothing on a slow machine."""

MOST_IN_ROUND = 8
"""Faults in one round, after which it is left alone: on a slow machine a step may else never come to its end."""

ENDING_LIMIT = 15.0
"""Seconds in which all processes of a run that has ended must be gone."""

EXPECTED = {0, 1, 3, -9}
"""How runs may end that are struck: well, with a failed step, without their luigid, killed."""


PROBE_KILLED = "its process was killed by signal 9"
"""What a run says, ending with 2, where a probe was struck: then there is no plan."""

MOST_WRONG = 10


class SoakFailedError(Exception):
    """There is no sense in going on; with what is wrong."""


class Soak:
    def __init__(
        self,
        pipeline: SoakPipeline,
        seed: int,
        hosts: list[Host],
        server: Service,
        luigid: Service,
        pace: float,
    ) -> None:
        """`pace` is how long one run takes alone: a slow machine gets its faults less often, else nothing would ever end."""
        self.pipeline, self.hosts, self.pace = pipeline, hosts, pace
        self.server, self.luigid = server, luigid
        self.chance = random.Random(seed)
        self.wrong: list[str] = []
        self.ends: Counter[int] = Counter()
        self.rounds = 0
        self.strikes = Strikes(self.chance, hosts, server, luigid)
        self._strike_due = 0.0

    def run(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        base = descriptors(descendants(self.server.pid))
        while True:
            self._round(until)
            self._wait_for_ends()
            if self._is_over(until):
                break
        grown = descriptors(descendants(self.server.pid)) - base
        if grown > 40:
            self.wrong.append(f"the server has {grown} more descriptors open than before")

    def _round(self, until: float) -> None:
        self.rounds += 1
        self._note("ROUND", self.rounds)
        for host in self.hosts:
            host.kind = self.chance.choice(("plain", "luigid", "dask"))
        done: set[str] = set()
        before = self.strikes.tried.total()
        limit = time.monotonic() + ROUND_LIMIT
        self._put_off()
        while len(done) < len(self.hosts):
            now = time.monotonic()
            if now > limit:
                raise SoakFailedError(
                    [*self.wrong, f"round {self.rounds} does not end: {self._last_words()}"]
                )
            for host in self.hosts:
                if host.name in done:
                    continue
                if host.run is None:
                    self._start(host)
                elif host.run.poll() is not None and self._ended(host) == 0:
                    done.add(host.name)
            self.strikes.heal()
            may_strike = (
                self.strikes.tried.total() - before < MOST_IN_ROUND
                and self._strike_due < now
                and not self._is_over(until)
            )
            if may_strike and self.strikes.strike():
                self._put_off()
            time.sleep(0.02)
        self.strikes.heal(now=True)
        kinds = ", ".join(f"{host.name} {host.kind}" for host in self.hosts)
        print(f"round {self.rounds} ({kinds}): {self.strikes}", flush=True)

    def _start(self, host: Host) -> None:
        options = {
            "plain": [],
            "luigid": ["--scheduler", f"http://{self.address}:{self.luigid.port}"],
            "dask": ["--executor", "dask"],
        }
        host.start(
            "run", self.pipeline.file, "-j", "2", *self.pipeline.settings(self.rounds), *options[host.kind]
        )

    def _is_over(self, until: float) -> bool:
        landed = self.strikes.landed
        is_enough = landed.total() >= LEAST_FAULTS and landed["step"] >= LEAST_STEPS
        return time.monotonic() >= until and is_enough

    def _note(self, *words: object) -> None:
        noted.note(*words, folder=self.hosts[0].notes)

    @property
    def address(self) -> str:
        return SERVER if self.hosts[0].prefix else "127.0.0.1"

    def _ended(self, host: Host) -> int:
        """Judge a run that has ended, and return its exit code."""
        assert host.run is not None
        assert host.output is not None
        code, text = host.run.returncode, host.output.read_text(errors="replace")
        self.ends[code] += 1
        is_expected = code in EXPECTED or (code == 2 and PROBE_KILLED in text)
        if not is_expected or "Traceback" in text:
            self.wrong.append(f"round {self.rounds}: a run on {host.name} ended with {code}:\n{text[-3000:]}")
            if len(self.wrong) > MOST_WRONG:
                raise SoakFailedError(self.wrong)
        host.run = None
        return code

    def _put_off(self) -> None:
        self._strike_due = time.monotonic() + max(1.0, self.chance.uniform(0.1, 0.5) * self.pace)

    def _services(self) -> set[int]:
        guards = self.server.pid, self.luigid.pid
        return {*guards, *(pid for guard in guards for pid in descendants(guard))}

    def _wait_for_ends(self) -> None:
        """All that runs have started must be gone soon."""
        holders = {int(host.prefix[2]) for host in self.hosts if host.prefix}
        until = time.monotonic() + ENDING_LIMIT
        while left := {*descendants(os.getpid())} - self._services() - holders:
            if time.monotonic() > until:
                told = [Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")[:200] for pid in left]
                self.wrong.append(f"round {self.rounds}: processes outlive their run: {told}")
                kill(sorted(left))
                return
            time.sleep(0.05)
        self._reap()

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                os.waitpid(-1, os.WNOHANG)

    def _last_words(self) -> str:
        return "\n".join(
            host.output.read_text(errors="replace")[-2000:] for host in self.hosts if host.output
        )

    def last_run(self) -> None:
        """Every round once more: nothing is left to do, and what killed runs left is removed."""
        old = time.time() - 3600
        for host in self.hosts:
            for path in [*host.temporary.glob("*"), *host.project.glob(".pipespec/*/*")]:
                os.utime(path, (old, old))
            for number in range(1, self.rounds + 1):
                host.start("run", self.pipeline.file, *self.pipeline.settings(number))
                assert host.run is not None
                assert host.output is not None
                code = host.run.wait(timeout=300)
                text = host.output.read_text()
                if code != 0 or not (text.startswith("0 ran") or "nothing to do" in text):
                    self.wrong.append(f"last run of round {number} on {host.name}: {code}\n{text[-2000:]}")
                host.run = None


@contextlib.contextmanager
def kept_folder(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        folder.mkdir(parents=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="soak-") as made:
        yield Path(made)


def run_clean(host: Host, pipeline: SoakPipeline, number: int) -> None:
    noted.note("ROUND", number, folder=host.notes)
    host.start("run", pipeline.file, "-j", "2", *pipeline.settings(number))
    assert host.run is not None
    assert host.output is not None
    assert host.run.wait(timeout=600) == 0, host.output.read_text()


def soak(arguments: argparse.Namespace, folder: Path) -> list[str]:
    pipeline = PIPELINES[arguments.pipeline]
    clean = folder / "clean" / "project"
    pipeline.make(clean)
    host = Host("clean", clean)
    (clean.parent / "notes").mkdir()
    began = time.monotonic()
    run_clean(host, pipeline, 1)
    pace = time.monotonic() - began

    place = folder / "hosts"
    (place / "notes").mkdir(parents=True)
    names = ["ada", "bob"]
    for name in names:
        pipeline.make(place / name)
        for data in clean.glob("news.db"):  # else each host would make its own
            shutil.copy(data, place / name)
    if arguments.one_host:
        hosts = [Host(name, place / name) for name in names]
    else:
        open_network()
        hosts = [Host.apart(number, name, place / name) for number, name in enumerate(names, 1)]
    served = folder / "server"
    served.mkdir()
    watcher = folder / "luigid"
    watcher.mkdir()
    address = "127.0.0.1" if arguments.one_host else "0.0.0.0"
    with (
        mlflow_server(served, f"sqlite:///{served}/mlflow.db", address=address) as server,
        luigid_at(watcher, address=address) as luigid,
    ):
        run = Soak(pipeline, arguments.seed, hosts, server, luigid, pace)
        for each in hosts:
            with (each.project / pipeline.file).open("a") as file:
                file.write(f'mlflow: {{tracking_uri: "http://{run.address}:{server.port}"}}\n')
        run.run(arguments.seconds)
        run.last_run()
    for number in range(2, run.rounds + 1):
        run_clean(host, pipeline, number)
    wrong = run.wrong
    wrong += records_wrong(Store(served / "mlflow.db", served / "artifacts"), Store(clean / "mlflow.db"))
    noted_by = [(notes / "executions.txt").read_text().splitlines() for notes in (hosts[0].notes, host.notes)]
    found, counts = executions_wrong(*noted_by)
    wrong += found
    wrong += [f"left over: {path}" for path in leftovers([served / "artifacts", *_own_folders(hosts)])]
    print(
        f"{run.rounds} rounds of '{arguments.pipeline}' on {'one host' if arguments.one_host else 'two hosts'}; faults that"
        f" landed: {run.strikes}; runs ended with {dict(sorted(run.ends.items()))}; {counts['began']} executions began, {counts['ended']} ended;"
        f" at most {run.strikes.most_descriptors} descriptors open in a run"
    )
    return wrong


def _own_folders(hosts: list[Host]) -> list[Path]:
    return [folder for host in hosts for folder in (host.project, host.temporary)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--pipeline", choices=PIPELINES, default="small")
    parser.add_argument("--one-host", action="store_true", help="no network namespaces")
    parser.add_argument("--folder", type=Path, help="keep all that is made, here")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not arguments.one_host and not arguments.inside:
        enter = namespace_command()
        if enter is None:
            print("network namespaces may not be made here: --one-host does without", file=sys.stderr)
            return 2
        again = [*sys.argv, "--inside", "--seed", str(arguments.seed)]
        os.execvp(enter[0], [*enter, sys.executable, *again])
    kind = " --one-host" if arguments.one_host else ""
    print(
        f"again: python tests/faults/soak.py --seconds {arguments.seconds:g} --seed {arguments.seed}"
        f" --pipeline {arguments.pipeline}{kind}",
        flush=True,
    )
    adopt_orphans()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # else what it started would live on
    with kept_folder(arguments.folder) as folder:
        try:
            wrong = soak(arguments, folder)
        except SoakFailedError as error:
            wrong = error.args[0]
        finally:
            kill(descendants(os.getpid()))
    for each in wrong:
        print(f"WRONG: {each}")
    print("nothing is wrong" if not wrong else f"{len(wrong)} things are wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
