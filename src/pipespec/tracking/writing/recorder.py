"""Write to the tracking store: the life of a run, from its claim to its publication. The only writer.

Takes what is known about an attempt when it starts and when it ends. Returns run ids and records. A `StoreWriter`
writes; this module decides what is written when. A run is created without its key. Key, outputs and the manifest's
digest are written in one batch after all files, and FINISHED after that or with it: whenever the process dies, the
store contains either a complete result or none.
"""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from pipespec.document.nodes import JSON
from pipespec.errors import PipespecError, TakenOverError
from pipespec.fault_points import reach
from pipespec.plan.records import Accepted, Attempt, OutputRecord, StepRecord
from pipespec.step.step_job import Failure, StepOutcome
from pipespec.tracking import record_names
from pipespec.tracking.acceptances import add_to_trail, encode_acceptance, parse_acceptance
from pipespec.tracking.process_owner import Owner
from pipespec.tracking.run_datasets import RunDataset, datasets_of_run
from pipespec.tracking.started_run import NewAttempt, NewInvocation, PreparedResult, StartedRun
from pipespec.tracking.tracking_uri import resolve_uri
from pipespec.tracking.writing.experiments import Experiments
from pipespec.tracking.writing.leases import Leases
from pipespec.tracking.writing.log_excerpt import ends_of
from pipespec.tracking.writing.manifest import make_manifest, query_files
from pipespec.tracking.writing.opening import open_writer
from pipespec.tracking.writing.run_tags import (
    CONTEXT,
    attempt_tags,
    context_tags,
    invocation_tags,
    pipeline_note,
    publication_tags,
    step_note,
)
from pipespec.tracking.writing.store_writer import StoreWriter

__all__ = ["Recorder", "user_name"]

_New = TypeVar("_New", NewAttempt, NewInvocation)


class Recorder:
    """The only writer of one store. Close it, or use it in a `with` statement. Threads may share it.

    Every method may raise StoreUnavailableError, and PipespecError if the store refuses, for example because someone
    deleted the run.
    """

    tracking_uri: str
    """As returned by `store.resolve_uri`."""
    user: str
    """The process that writes."""

    @classmethod
    def open(
        cls,
        tracking_uri: str | None,
        *,
        root: Path,
        log: Path | None = None,
        artifact_location: str | None = None,
    ) -> Self:
        """Open a store for writing. A database file that does not exist yet is created once, by the first process.

        If mlflow is needed, its log output goes to the file `log`. `artifact_location` is from the spec, for
        experiments that are created later.

        Raises:
            StoreUnavailableError: as `open_ledger`.
            UsageError: for a URI that cannot be a store, and for invalid tags in the environment.
        """
        uri = resolve_uri(tracking_uri, root)
        context = context_tags(os.environ.get(CONTEXT, ""))
        writer = open_writer(uri, log=log)
        return cls(writer, Experiments(writer, root, artifact_location), context)

    def __init__(
        self, writer: StoreWriter, experiments: Experiments, context: Mapping[str, str] | None = None
    ) -> None:
        """Use `Recorder.open`."""
        self.tracking_uri = writer.uri
        self._writer = writer
        self._experiments = experiments
        self._context = context or {}
        self._owner = str(Owner.here())
        self.user = user_name()
        self._leases = Leases()
        self._beats = 0

    # ----------------------------------------------------------------------------------- steps

    def start(self, new: NewAttempt, *, after: Sequence[PreparedResult] = ()) -> StartedRun:
        """Publish what is prepared, then create the run of an attempt, RUNNING, with its claim and its params.

        If the store joins writes, this is one write. The claim alone does not exclude others: check
        `contenders(ledger.claims(key), run_id)` next.
        """
        started = self.start_unless(lambda: False, new, after=after)
        assert started is not None
        return started

    def start_unless(
        self, is_settled: Callable[[], bool], new: NewAttempt, *, after: Sequence[PreparedResult] = ()
    ) -> StartedRun | None:
        """Create a run as `start` does, or return None if `is_settled` says that it is not needed.

        `is_settled` is called last. If the store joins writes, nobody can write in between, so its answer is still valid.
        """
        tags = attempt_tags(
            self._in_context(new),
            owner=self._owner,
            user=self.user,
            when=_shown_now(),
            in_experiment=new.experiment == new.pipeline,
        )
        params = record_names.dotted_params(new.params)
        with self._together(after), self._experiments.named(new.experiment, step_note(new)) as experiment:
            if is_settled():
                return None
            reach("run.before-create")
            started = self._create(experiment, tags, params=params, step=new.step, key=new.key)
        reach("run.after-params")
        return started

    @property
    def joins(self) -> bool:
        """Whether the store writes several results, and a start, in one write."""
        return self._writer.joins

    def publish(
        self,
        started: StartedRun,
        outcome: StepOutcome,
        *,
        manifest: Mapping[str, JSON],
        generation: int = 0,
        log: Path | None = None,
        supersedes: Collection[str] = (),
        in_doubt: Callable[[], bool] = lambda: False,
    ) -> StepRecord:
        """Publish the result of a run whose output files are uploaded: completely, or not at all.

        `supersedes` are runs of earlier generations, which get a note of it. `in_doubt` returns whether other processes may have
        considered this process dead by now. The rest is as for `prepare`.

        Raises:
            TakenOverError: if another process took the run over; it has then ended as KILLED.
        """
        prepared = self.prepare(started, outcome, manifest=manifest, generation=generation, log=log)
        self.write_result(prepared, in_doubt)
        for run_id in supersedes:
            self._writer.set_tags(run_id, {record_names.stored(record_names.SUPERSEDED): started.run_id})
        return prepared.record

    def prepare(
        self,
        started: StartedRun,
        outcome: StepOutcome,
        *,
        manifest: Mapping[str, JSON],
        generation: int = 0,
        log: Path | None = None,
    ) -> PreparedResult:
        """Put the manifest and the log of a result where its files are, and return what is left to be written.

        `manifest` holds what only the caller knows (`parts` of the key, `inputs` with run ids and digests, `params`,
        `upstream`: the params of steps upstream, which the run bears as well, ...); run, outputs and metrics are added.
        """
        assert outcome.failure is None
        outputs = {
            saved.name: OutputRecord(
                saved.digest, saved.bytes, saved.files, saved.file, executable=saved.executable
            )
            for saved in outcome.outputs
        }
        metrics = {
            **outcome.metrics,
            record_names.SECONDS: outcome.seconds,
            record_names.PEAK_BYTES: float(outcome.peak_bytes),
        }
        content = make_manifest(started, outcome, generation, manifest)
        self._put(started, {**_log(log), **query_files(manifest), record_names.MANIFEST_FILE: content})
        reach("publish.after-manifest")
        told = manifest.get("upstream")
        upstream = {name: str(value) for name, value in told.items()} if isinstance(told, dict) else {}
        tags = publication_tags(
            started.key,
            generation,
            outputs,
            hashlib.sha256(content).hexdigest(),
            {saved.name: saved.values for saved in outcome.outputs if saved.values is not None},
            outcome.witness,
            inputs=manifest.get("inputs"),
            upstream=upstream,
        )
        record = StepRecord(
            run_id=started.run_id,
            step=started.step,
            key=started.key or "",
            outputs=outputs,
            generation=generation,
            started=started.started,
            ended=_now() / 1000,
            artifact_uri=started.artifact_uri,
            metrics=metrics,
            experiment_id=started.experiment_id,
            witness=outcome.witness,
        )
        datasets = datasets_of_run(manifest.get("inputs"), outputs, step=started.step, run_id=started.run_id)
        return PreparedResult(record, tags, upstream, started.pending, datasets)

    def publish_prepared(self, prepared: Sequence[PreparedResult]) -> None:
        """Publish what was prepared: everything or nothing, if the store joins writes."""
        with self._together(prepared):
            pass

    @contextlib.contextmanager
    def _together(self, prepared: Sequence[PreparedResult]) -> Iterator[None]:
        """Publish results, and what is written in the block, in one write."""
        with self._writer.at_once():
            for one in prepared:
                self.write_result(one)
            yield
        for _ in prepared if self.joins else ():
            reach("publish.after-finish")

    def write_result(self, prepared: PreparedResult, in_doubt: Callable[[], bool] = lambda: False) -> None:
        """Let a result count after its files are written. Raises the errors of `publish`.

        `in_doubt` is called after everything is written: if there is no doubt then, the run was not taken over before.
        """
        record = prepared.record
        with self._writer.at_once() as is_settled:
            reach("publish.before-batch")
            if self.joins and record.key and self._is_taken(record.run_id):
                raise TakenOverError(f"another process took run {record.run_id} over")
            self._writer.publish(
                record.run_id,
                tags=prepared.tags,
                metrics={record_names.fit_name(name): value for name, value in record.metrics.items()},
                ended=round(record.ended * 1000),
                params=prepared.params,
                pending=prepared.pending,
                datasets=prepared.datasets,
            )
            if record.key and in_doubt():
                self.insist(record.run_id)
        if is_settled and self.joins:
            reach("publish.after-finish")

    def insist(self, run_id: str) -> None:
        """Decide that a result counts that may have been taken over. If it was, end its run without a result.

        Raises:
            TakenOverError: if it was taken over.
        """
        counts = self._writer.decide(run_id, record_names.OUTCOME, record_names.PUBLISHED, {})
        if not counts or self._is_taken(run_id):
            self._writer.end(run_id, "KILLED", ended=_now())
            raise TakenOverError(f"another process took run {run_id} over")

    def _is_taken(self, run_id: str) -> bool:
        return record_names.TAKEN in record_names.told(self._writer.tags(run_id))

    def fail(
        self,
        started: StartedRun,
        failure: Failure | None,
        *,
        log: Path | None = None,
        status: str = "FAILED",
        seconds: float | None = None,
    ) -> None:
        """End a run without a result; `status` is FAILED or KILLED. Its claim stays, and says what was tried.

        `seconds` is how long the step took until then. Without a failure to tell of, the run gets no files.
        """
        if failure is not None:
            text = f"{failure.kind}: {failure.message}\n\n{failure.traceback}".rstrip() + "\n"
            # A full disk may be why the step failed; that must not keep the run from being ended.
            with contextlib.suppress(OSError, PipespecError):
                self._put(started, {**_log(log), record_names.ERROR: text.encode(errors="backslashreplace")})
        metrics = {} if seconds is None else {record_names.SECONDS: seconds}
        self._writer.end(started.run_id, status, ended=_now(), metrics=metrics, pending=started.pending)

    # ----------------------------------------------------------------------------- other processes

    def heartbeat(self, runs: Iterable[StartedRun]) -> None:
        """Renew the leases of runs that are active, including the invocation's: every 10 s, one call for each run.

        Params that were not written at the start of a run are written now, so the page of a long run shows them.
        """
        self._beats += 1
        lease = {record_names.stored(record_names.LEASE): str(self._beats)}
        for run in runs:
            self._writer.set_tags(run.run_id, lease, run.pending)

    def dead(self, attempts: Iterable[Attempt]) -> tuple[Attempt, ...]:
        """Return those of these RUNNING runs whose process is dead.

        For a process on this host, the system knows. A process on another host counts as dead if its lease has not
        changed for 30 s of this process's own clock. Therefore call this again from time to time, with the remaining
        runs.
        """
        return tuple(attempt for attempt in attempts if self._leases.has_died(attempt))

    def take_over(self, run_id: str, *, has_key: bool) -> bool:
        """End the run of a dead process as KILLED. Return False if it was decided that its result counts.

        If its process is still alive, what it publishes does not count, and it gets an error that says so.
        """
        taken = {record_names.stored(record_names.TAKEN): "1"}
        if has_key and not self._writer.decide(run_id, record_names.OUTCOME, record_names.TAKEN_OVER, taken):
            return False
        self._writer.end(run_id, "KILLED", ended=_now())
        return True

    def roll_forward(self, run_id: str) -> bool:
        """Let the result of a dead process count if only its end is missing. Return False if it was taken over."""
        counts = self._writer.decide(run_id, record_names.OUTCOME, record_names.PUBLISHED, {})
        self._writer.end(run_id, "FINISHED" if counts else "KILLED", ended=_now())
        return counts

    def mark_damaged(self, run_id: str, why: str) -> None:
        """Record with a run that its content was found to differ from what was recorded, so that the run no longer counts."""
        spelt = _spelling(self._writer.tags(run_id))
        self._writer.set_tags(run_id, {spelt(record_names.DAMAGED): record_names.fit_tag(why)})

    def accept(self, record: StepRecord, key: str, *, who: str, why: str) -> Accepted:
        """Make a complete run also count for another key, and return the acceptance. Tags are added, in one call."""
        said = Accepted(who, why, int(time.time()))
        spelt = _spelling(self._writer.tags(record.run_id))
        self._writer.set_tags(
            record.run_id,
            {
                spelt(record_names.accepted_tag(key)): encode_acceptance(said),
                spelt(record_names.key_tag(key)): "1",
            },
        )
        return said

    def revoke(self, run_id: str, key: str, *, why: str = "") -> Accepted:
        """Revoke an acceptance that `accept` recorded, and return it. The run keeps a record of both.

        Raises:
            PipespecError: if there is no such acceptance.
        """
        stored = self._writer.tags(run_id)
        spelt, tags = _spelling(stored), record_names.told(stored)
        if record_names.accepted_tag(key) not in tags:
            raise PipespecError(f"run {run_id} is no longer accepted for key {key}")
        said = parse_acceptance(tags[record_names.accepted_tag(key)])
        taken_back = Accepted(self.user, why, int(time.time()))
        trail = add_to_trail(tags.get(record_names.revoked_tag(key), ""), said, taken_back)
        self._writer.set_tags(run_id, {spelt(record_names.revoked_tag(key)): trail})
        self._writer.delete_tags(
            run_id, (spelt(record_names.accepted_tag(key)), spelt(record_names.key_tag(key)))
        )
        return said

    def mark(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Set a user's tags on a run."""
        self._writer.set_tags(run_id, {name: record_names.fit_tag(value) for name, value in tags.items()})

    def unmark(self, run_id: str, tag: str) -> None:
        """Remove a user's tag from a run."""
        self._writer.delete_tags(run_id, (tag,))

    # --------------------------------------------------------------------------------- invocations

    def start_invocation(self, new: NewInvocation) -> StartedRun:
        """Create the run of an invocation, in the experiment named like the pipeline, with its files."""
        tags = invocation_tags(self._in_context(new), owner=self._owner, user=self.user, when=_shown_now())
        with self._experiments.named(new.pipeline, pipeline_note(new)) as experiment:
            started = self._create(experiment, tags, params=new.params)
        reach("invocation.after-create")
        try:
            self._put(started, _encoded(new.files))
        except (PipespecError, OSError):  # the artifact store takes nothing: no step begins
            with contextlib.suppress(PipespecError):
                self._writer.end(started.run_id, "FAILED", ended=_now(), pending=started.pending)
            raise
        return started

    def tell_of_another(self, invocation: str) -> None:
        """Note on the run of another invocation that one that may compute the same keys has begun."""
        self._writer.set_tags(invocation, {record_names.stored(record_names.MET): "1"})

    def finish_invocation(
        self,
        started: StartedRun,
        *,
        status: str,
        files: Mapping[str, str],
        metrics: Mapping[str, float] | None = None,
        datasets: Sequence[RunDataset] = (),
    ) -> None:
        """End an invocation's run: FINISHED, FAILED or KILLED, with files such as `pipespec/report.html`.

        `datasets` are what it read from outside.
        """
        self._put(started, _encoded(files))
        reach("invocation.before-finish")
        fitted = {record_names.fit_name(name): value for name, value in (metrics or {}).items()}
        self._writer.end(
            started.run_id,
            status,
            ended=_now(),
            metrics=fitted,
            pending=started.pending,
            datasets=datasets,
        )

    # -------------------------------------------------------------------------------------- parts

    def close(self) -> None:
        """Close the store."""
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _in_context(self, new: _New) -> _New:
        return replace(new, tags={**self._context, **new.tags})

    def _create(
        self,
        experiment: str,
        tags: Mapping[str, str],
        *,
        params: Mapping[str, str] | None = None,
        step: str = "",
        key: str | None = None,
    ) -> StartedRun:
        now = _now()
        created = self._writer.create_run(experiment, tags=tags, params=params or {}, started=now)
        return StartedRun(
            run_id=created.run_id,
            experiment_id=experiment,
            artifact_uri=created.artifact_uri,
            started=now / 1000,
            step=step,
            key=key,
            pending=created.pending,
        )

    def _put(self, started: StartedRun, files: Mapping[str, bytes]) -> None:
        if files:
            self._writer.put_files(files, started.artifact_uri)


def _spelling(tags: Mapping[str, str]) -> Callable[[str], str]:
    """Return the spelling of a run's tags: in a run of an earlier version, all of them have the earlier spelling."""
    is_earlier = record_names.GENERATION in tags and record_names.stored(record_names.GENERATION) not in tags
    return str if is_earlier else record_names.stored


def _log(log: Path | None) -> dict[str, bytes]:
    return {record_names.LOG: ends_of(log)} if log is not None and log.is_file() else {}


def _encoded(files: Mapping[str, str | bytes]) -> dict[str, bytes]:
    return {
        name: content if isinstance(content, bytes) else content.encode(errors="backslashreplace")
        for name, content in files.items()
    }


def user_name() -> str:
    """Return the current user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a process whose user has no name
        return "unknown"


def _shown_now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S")


def _now() -> int:
    return int(time.time() * 1000)
