"""Writing to the tracking store: the life of a run, from its claim to its publication. The only writer.

Takes what is known of an attempt when it starts and when it ends; gives run ids and records. All goes through
`MlflowClient`, never the fluent API, which marks runs FINISHED after exceptions. A run is created without its
key; key, outputs and the manifest's digest come in one batch after all files, and FINISHED after that: whenever
the process dies, what stands in the store is a whole result or none.
"""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import time
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from pipespec.document.nodes import JSON
from pipespec.errors import PipespecError, StoreUnavailableError
from pipespec.faults import reach
from pipespec.plan.model import Accepted, Attempt, OutputRecord, StepRecord
from pipespec.step.model import Failure, StepOutcome
from pipespec.tracking import names
from pipespec.tracking.acceptances import add_to_trail, encode_acceptance, parse_acceptance
from pipespec.tracking.artifacts import put
from pipespec.tracking.client import Session, speaking
from pipespec.tracking.experiments import Experiments
from pipespec.tracking.leases import Leases
from pipespec.tracking.logs import ends_of
from pipespec.tracking.manifest import make_manifest
from pipespec.tracking.model import NewAttempt, NewInvocation, StartedRun
from pipespec.tracking.owner import Owner
from pipespec.tracking.probe import require_reachable
from pipespec.tracking.store import resolve_uri
from pipespec.tracking.tags import attempt_tags, invocation_tags, publication_tags

__all__ = ["Recorder"]


class Recorder:
    """The one writer of one store. Close it, or use it in a `with` statement; threads may share it.

    Every method may raise StoreUnavailableError, and PipespecError where the store refuses, for instance since
    someone deleted the run.
    """

    tracking_uri: str
    """As `store.resolve_uri` gives it."""
    user: str
    """Who writes."""

    @classmethod
    def open(
        cls,
        tracking_uri: str | None,
        *,
        root: Path,
        log: Path | None = None,
        artifact_location: str | None = None,
    ) -> Self:
        """Open a store for writing; a database file that is not there yet is made, once, whoever comes first.

        Imports mlflow, which takes seconds; what it says goes to the file `log`. `artifact_location` is the
        spec's, for experiments that are yet to be made.

        Raises:
            StoreUnavailableError: as `open_ledger`.
            UsageError: for a URI that can be no store.
        """
        uri = resolve_uri(tracking_uri, root)
        require_reachable(uri)
        session = Session(uri, log, writes=True)
        try:
            _ = session.client
        except BaseException:
            session.close()
            raise
        return cls(session, Experiments(uri, root, artifact_location))

    def __init__(self, session: Session, experiments: Experiments) -> None:
        """Use `Recorder.open`."""
        self.tracking_uri = session.uri
        self._session = session
        self._experiments = experiments
        self._owner = str(Owner.here())
        self.user = _user()
        self._leases = Leases()
        self._beats = 0

    # ----------------------------------------------------------------------------------- steps

    def start(self, new: NewAttempt) -> StartedRun:
        """Create the run of an attempt, RUNNING, with its claim and its params. Two calls, one without params.

        The claim excludes nobody by itself: look at `contenders(ledger.claims(key), run_id)` next.
        """
        client = self._session.client
        experiment = self._experiments.id_of(client, new.experiment)
        tags = attempt_tags(
            new, owner=self._owner, user=self.user, in_experiment=new.experiment == new.pipeline
        )
        reach("run.before-create")
        started = self._create(experiment, tags, step=new.step, key=new.key)
        reach("run.after-create")
        params = names.dotted_params(new.params)
        if params:
            from mlflow.entities import Param  # noqa: PLC0415 - imported already

            with speaking(self.tracking_uri):
                client.log_batch(
                    started.run_id,
                    params=[Param(name, value) for name, value in params.items()],
                    synchronous=True,
                )
        reach("run.after-params")
        return started

    def publish(
        self,
        started: StartedRun,
        outcome: StepOutcome,
        *,
        manifest: Mapping[str, JSON],
        generation: int = 0,
        log: Path | None = None,
        supersedes: Collection[str] = (),
    ) -> StepRecord:
        """Publish the result of a run whose output files are uploaded: whole, or not at all.

        `manifest` holds what only the caller knows (`parts` of the key, `inputs` with run ids and digests, `params`,
        ...); run, outputs and metrics are added. `supersedes` are runs of earlier generations, which are told so.
        Calls: one batch, FINISHED, the claim taken off; one more for each superseded run.
        """
        assert outcome.failure is None
        outputs = {
            saved.name: OutputRecord(saved.digest, saved.bytes, saved.files, saved.file)
            for saved in outcome.outputs
        }
        metrics = {
            **outcome.metrics,
            names.SECONDS: outcome.seconds,
            names.PEAK_BYTES: float(outcome.peak_bytes),
        }
        content = make_manifest(started, outcome, generation, manifest)
        self._put(started, {**_log(log), names.MANIFEST_FILE: content})
        reach("publish.after-manifest")
        tags = publication_tags(
            started.key,
            generation,
            outputs,
            hashlib.sha256(content).hexdigest(),
            {saved.name: saved.values for saved in outcome.outputs if saved.values is not None},
        )
        reach("publish.before-batch")
        self._batch(started.run_id, tags, metrics)
        reach("publish.after-batch")
        ended = self._terminate(started.run_id, "FINISHED")
        reach("publish.after-finish")
        self._take_off_claim(started)
        for run_id in supersedes:
            self._batch(run_id, {names.SUPERSEDED: started.run_id}, {})
        return StepRecord(
            run_id=started.run_id,
            step=started.step,
            key=started.key or "",
            outputs=outputs,
            generation=generation,
            started=started.started,
            ended=ended,
            artifact_uri=started.artifact_uri,
            metrics=metrics,
            experiment_id=started.experiment_id,
        )

    def fail(
        self, started: StartedRun, failure: Failure, *, log: Path | None = None, status: str = "FAILED"
    ) -> None:
        """End a run without a result; `status` is FAILED or KILLED. Its claim stays, and says what was tried."""
        text = f"{failure.kind}: {failure.message}\n\n{failure.traceback}".rstrip() + "\n"
        # A full disk may be why the step failed; that must not keep the run from being ended.
        with contextlib.suppress(OSError, PipespecError):
            self._put(started, {**_log(log), names.ERROR: text.encode(errors="backslashreplace")})
        self._terminate(started.run_id, status)

    # ----------------------------------------------------------------------------- other processes

    def heartbeat(self, run_ids: Iterable[str]) -> None:
        """Renew the leases of runs that are going on, the invocation's too: every 10 s, one call a run."""
        self._beats += 1
        for run_id in run_ids:
            with speaking(self.tracking_uri):
                self._session.client.set_tag(run_id, names.LEASE, str(self._beats), synchronous=True)

    def sweep(self, attempts: Iterable[Attempt]) -> tuple[str, ...]:
        """Mark those of these RUNNING runs KILLED whose process is dead, and return their ids.

        Of a process on this host the system knows. Another host's counts as dead when its lease was the same
        for 30 s of this process's own clock; so ask again with the runs that are left, from time to time.
        """
        dead = tuple(attempt.run_id for attempt in attempts if self._leases.has_died(attempt))
        for run_id in dead:
            try:
                self._terminate(run_id, "KILLED")
            except StoreUnavailableError:
                raise
            except PipespecError:
                continue  # deleted meanwhile, which is as good
        return dead

    def accept(self, record: StepRecord, key: str, *, who: str, why: str) -> Accepted:
        """Let a complete run count for another key, too, and return what was said. Tags are added, in one call."""
        said = Accepted(who, why, int(time.time()))
        self._batch(
            record.run_id,
            {names.accepted_tag(key): encode_acceptance(said), names.key_tag(key): "1"},
            {},
        )
        return said

    def revoke(self, run_id: str, key: str, *, why: str = "") -> Accepted:
        """Take back what `accept` said of a run, and return it; the run keeps that it was said and taken back.

        Raises:
            PipespecError: where it was not said.
        """
        client = self._session.client
        with speaking(self.tracking_uri):
            tags = client.get_run(run_id).data.tags
        if names.accepted_tag(key) not in tags:
            raise PipespecError(f"run {run_id} is not accepted for key {key} any more")
        said = parse_acceptance(tags[names.accepted_tag(key)])
        taken_back = Accepted(self.user, why, int(time.time()))
        trail = add_to_trail(tags.get(names.revoked_tag(key), ""), said, taken_back)
        self._batch(run_id, {names.revoked_tag(key): trail}, {})
        with speaking(self.tracking_uri):
            client.delete_tag(run_id, names.accepted_tag(key))
            client.delete_tag(run_id, names.key_tag(key))
        return said

    # --------------------------------------------------------------------------------- invocations

    def start_invocation(self, new: NewInvocation) -> StartedRun:
        """Create the run of an invocation, in the experiment named like the pipeline, with its files."""
        experiment = self._experiments.id_of(self._session.client, new.pipeline)
        started = self._create(experiment, invocation_tags(new, owner=self._owner, user=self.user))
        reach("invocation.after-create")
        self._put(started, _encoded(new.files))
        return started

    def finish_invocation(
        self,
        started: StartedRun,
        *,
        status: str,
        files: Mapping[str, str],
        metrics: Mapping[str, float] | None = None,
    ) -> None:
        """End an invocation's run: FINISHED, FAILED or KILLED, with files such as `pipespec/report.html`."""
        self._put(started, _encoded(files))
        reach("invocation.before-finish")
        if metrics:
            self._batch(started.run_id, {}, metrics)
        self._terminate(started.run_id, status)

    # -------------------------------------------------------------------------------------- parts

    def close(self) -> None:
        """Let go of the store."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _create(
        self, experiment: str, tags: Mapping[str, str], *, step: str = "", key: str | None = None
    ) -> StartedRun:
        now = _now()
        with speaking(self.tracking_uri):
            run = self._session.client.create_run(experiment, start_time=now, tags=dict(tags))
        return StartedRun(
            run_id=run.info.run_id,
            experiment_id=experiment,
            artifact_uri=run.info.artifact_uri,
            started=now / 1000,
            step=step,
            key=key,
        )

    def _batch(self, run_id: str, tags: Mapping[str, str], metrics: Mapping[str, float]) -> None:
        from mlflow.entities import Metric, RunTag  # noqa: PLC0415 - imported already

        now = _now()
        with speaking(self.tracking_uri):
            self._session.client.log_batch(
                run_id,
                metrics=[Metric(names.fit_name(name), value, now, 0) for name, value in metrics.items()],
                tags=[RunTag(name, value) for name, value in tags.items()],
                synchronous=True,  # MLFLOW_ENABLE_ASYNC_LOGGING would put FINISHED before the key
            )

    def _terminate(self, run_id: str, status: str) -> float:
        now = _now()
        with speaking(self.tracking_uri):
            self._session.client.set_terminated(run_id, status, now)
        return now / 1000

    def _take_off_claim(self, started: StartedRun) -> None:
        # Last, since between a claim that is gone and FINISHED another process would see neither. It does not
        # matter if it fails: a claim counts on RUNNING runs only.
        if started.key is not None:
            with contextlib.suppress(PipespecError), speaking(self.tracking_uri):
                self._session.client.delete_tag(started.run_id, names.claim_tag(started.key))

    def _put(self, started: StartedRun, files: Mapping[str, bytes]) -> None:
        if files:
            put(files, started.artifact_uri, self.tracking_uri)


def _log(log: Path | None) -> dict[str, bytes]:
    return {names.LOG: ends_of(log)} if log is not None and log.is_file() else {}


def _encoded(files: Mapping[str, str]) -> dict[str, bytes]:
    return {name: text.encode(errors="backslashreplace") for name, text in files.items()}


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a process whose user has no name
        return "unknown"


def _now() -> int:
    return int(time.time() * 1000)
