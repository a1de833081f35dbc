"""What a soak does to its hosts and servers: kills, pauses and cuts, each at a moment at which there is something to hit.

Takes the hosts, the services and the notes of the steps; `Strikes.strike` makes one of the faults that are possible now, and counts
it: as tried, and as landed if what was meant was still at work. A pause or a cut ends after some seconds, with `heal`.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import noted
from services import Service
from soak_hosts import Host, cut_link, descendants, descriptors, join_link, kill, parent_of, signal_all

DECK = (
    *("step", "step", "step", "template", "run", "run", "luigid", "worker"),
    *("link cut", "run paused", "server paused"),
)
"""How often each kind of fault comes before all begin again."""
PASSING = ("luigid", "worker", "link cut")
"""Kinds that some rounds, or soaks, cannot have: the next ones do not wait for them. All others are waited for."""

PAUSES = (1.0, 8.0)
CUTS = (2.0, 12.0)
"""Seconds, at least and at most: below the lease of 30 s, so nothing may be executed twice."""


@dataclass(frozen=True)
class Executing:
    """A step that has noted its START and not its END, with its process."""

    step: str
    host: str
    pid: int


class Notes:
    """What steps have noted so far, read on from where it was left."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "executions.txt"
        self._read = 0
        self._begun: dict[int, Executing] = {}

    def executing(self) -> list[Executing]:
        """The steps that execute now, the latest last."""
        if self._file.exists():
            with self._file.open("rb") as file:
                file.seek(self._read)
                new = file.read()
            whole = new[: new.rfind(b"\n") + 1]
            self._read += len(whole)
            for line in whole.decode().splitlines():
                word, *rest = line.split()
                if word == "START":
                    self._begun[int(rest[2])] = Executing(rest[0], rest[1], int(rest[2]))
                elif word == "END":
                    self._begun.pop(int(rest[2]), None)
        self._begun = {pid: step for pid, step in self._begun.items() if parent_of(pid) is not None}
        return list(self._begun.values())


class Strikes:
    """Makes faults in an order that the seed decides."""

    def __init__(
        self, chance: random.Random, hosts: Sequence[Host], server: Service, luigid: Service
    ) -> None:
        self.chance, self.hosts, self.server, self.luigid = chance, hosts, server, luigid
        self.tried: Counter[str] = Counter()
        self.landed: Counter[str] = Counter()
        self.most_descriptors = 0
        self._notes = Notes(hosts[0].notes)
        self._deck: list[str] = []
        self._healing: tuple[float, Callable[[], None]] | None = None

    def strike(self) -> bool:
        """Make the next fault; return False if there is nothing yet that it could hit, or if one has yet to pass."""
        if self._healing is not None:
            return False
        if set(self._deck) <= set(PASSING):
            self._deck = list(DECK)
            self.chance.shuffle(self._deck)
            self._deck.insert(0, "step")
        for kind in self._deck:
            landed = self._strike(kind)
            if landed is not None:
                self._deck.remove(kind)
                self.tried[kind] += 1
                self.landed[kind] += landed
                return True
            if kind not in PASSING:
                break
        return False

    def heal(self, *, now: bool = False) -> None:
        """End a pause or a cut whose time is over, or at once."""
        if self._healing is not None and (now or time.monotonic() > self._healing[0]):
            self._healing[1]()
            self._healing = None

    def _strike(self, kind: str) -> bool | None:
        """Make a fault of this kind; return whether it landed, None if there is nothing that it could hit."""
        if kind in ("step", "template", "worker"):
            return self._kill_below_run(kind)
        live = [host for host in self.hosts if host.run is not None and host.run.poll() is None]
        if kind == "luigid":
            if not any(host.kind == "luigid" for host in live):
                return None
            self.luigid.kill()
            self.luigid.begin()
            return True
        if not live:
            return None
        host = self.chance.choice(live)
        assert host.run is not None
        pid = host.run.pid
        self.most_descriptors = max(self.most_descriptors, descriptors([pid]))
        if kind == "run":
            self._note(kind, host.name)
            kill([pid])
            return True
        if kind == "link cut":
            if not host.link:
                return None
            cut_link(host)
            self._pass_after(CUTS, lambda: join_link(host))
            return True
        paused = descendants(self.server.pid)
        if kind == "run paused":
            paused = [pid, *descendants(pid)] if self.chance.random() < 0.5 else [pid]
        signal_all(paused, signal.SIGSTOP)
        self._pass_after(PAUSES, lambda: signal_all(paused, signal.SIGCONT))
        return True

    def _kill_below_run(self, kind: str) -> bool | None:
        """Kill the process of a step that executes now, or the one it was forked from, or the worker above that."""
        hit = [step for step in self._notes.executing() if kind != "worker" or self._is_on_dask(step)]
        if not hit:
            return None
        step = self.chance.choice(hit)
        target: int | None = step.pid
        for _ in range(("step", "template", "worker").index(kind)):
            target = target and parent_of(target)
        if target is None or target in (0, 1, os.getpid()):
            return None
        self._note(kind, step.host)
        if kind == "step":  # it cannot end between the look and the kill
            signal_all([target], signal.SIGSTOP)
        landed = step in self._notes.executing()
        kill([target])
        return landed

    def _is_on_dask(self, step: Executing) -> bool:
        return any(host.name == step.host and host.kind == "dask" for host in self.hosts)

    def _pass_after(self, limits: tuple[float, float], heal: Callable[[], None]) -> None:
        self._healing = time.monotonic() + self.chance.uniform(*limits), heal

    def _note(self, kind: str, host: str) -> None:
        noted.note("STRIKE", kind, host, folder=self.hosts[0].notes)

    def __str__(self) -> str:
        kinds = sorted(self.tried)
        return ", ".join(f"{kind} {self.landed[kind]} of {self.tried[kind]}" for kind in kinds)
