"""Write to any tracking store through MLflow's client. The other writers must produce the same results.

Everything goes through `MlflowClient`, never through the fluent API, which marks runs FINISHED after exceptions.
Importing mlflow takes seconds, so each common kind of store has its own writer.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Self

from pipespec.errors import PipespecError, StoreUnavailableError
from pipespec.fault_points import reach
from pipespec.tracking.artifacts import put
from pipespec.tracking.mlflow_client import Session, speaking
from pipespec.tracking.run_datasets import CONTEXT, RunDataset
from pipespec.tracking.writing.store_writer import NOTE, CreatedRun, FoundExperiment

__all__ = ["ClientWriter"]

_NO_METRICS: Mapping[str, float] = {}


class ClientWriter:
    """A StoreWriter over MLflow's client."""

    joins = False

    @classmethod
    def open(cls, uri: str, *, log: Path | None) -> Self:
        """Import mlflow and open the store. MLflow's log output goes to the file `log`.

        Raises:
            StoreUnavailableError: if the store cannot be opened.
        """
        session = Session(uri, log)
        try:
            _ = session.client
        except BaseException:
            session.close()
            raise
        return cls(session)

    def __init__(self, session: Session) -> None:
        """Use `ClientWriter.open`."""
        self.uri = session.uri
        self._session = session

    def at_once(self) -> contextlib.AbstractContextManager[bool]:
        """Do not join writes: each is separate, because the client has no call for joining them."""
        return contextlib.nullcontext(enter_result=True)

    def find_experiment(self, name: str) -> FoundExperiment | None:
        """Return the experiment with exactly this name, also a deleted one, or None."""
        with speaking(self.uri):
            found = self._session.client.get_experiment_by_name(name)
        if found is None:
            return None
        return FoundExperiment(
            str(found.experiment_id or ""), str(found.artifact_location), found.lifecycle_stage == "active"
        )

    def make_experiment(self, name: str, artifact_location: str | None, note: str = "") -> str | None:
        """Create an experiment with a description and return its id; None if another process was first."""
        with speaking(self.uri):
            try:
                return str(
                    self._session.client.create_experiment(
                        name, artifact_location=artifact_location, tags={NOTE: note} if note else None
                    )
                )
            except Exception as error:
                if getattr(error, "error_code", None) != "RESOURCE_ALREADY_EXISTS":
                    raise
                return None

    def create_run(
        self, experiment_id: str, *, tags: Mapping[str, str], params: Mapping[str, str], started: int
    ) -> CreatedRun:
        """Create a run with its tags. Its params, if there are any, are sent in a second call."""
        with speaking(self.uri):
            info = self._session.client.create_run(experiment_id, start_time=started, tags=dict(tags)).info
        reach("run.after-create")
        self._log(info.run_id, params=params)
        return CreatedRun(info.run_id, info.artifact_uri)

    def publish(
        self,
        run_id: str,
        *,
        tags: Mapping[str, str],
        metrics: Mapping[str, float],
        ended: int,
        params: Mapping[str, str] | None = None,
        pending: Mapping[str, str] | None = None,
        datasets: Sequence[RunDataset] = (),
    ) -> None:
        """Log datasets, log tags, metrics and params in one batch, end the run: three calls."""
        params = {**(params or {}), **(pending or {})}
        self._add_datasets(run_id, datasets)
        try:
            self._log(run_id, tags=tags, params=params, metrics=metrics, now=ended)
        except StoreUnavailableError:
            raise
        except PipespecError:
            if not params:
                raise
            # The function may have logged another value under one of these names.
            self._log(run_id, tags=tags, params=self._new(run_id, params), metrics=metrics, now=ended)
        reach("publish.after-batch")
        self.end(run_id, "FINISHED", ended=ended)
        reach("publish.after-finish")

    def end(
        self,
        run_id: str,
        status: str,
        *,
        ended: int,
        metrics: Mapping[str, float] | None = None,
        pending: Mapping[str, str] | None = None,
        datasets: Sequence[RunDataset] = (),
    ) -> None:
        """End a run; its last metrics and its datasets come in a call each before."""
        self._add_datasets(run_id, datasets)
        self._log(run_id, metrics=metrics or _NO_METRICS, params=pending, now=ended)
        with speaking(self.uri):
            self._session.client.set_terminated(run_id, status, ended)

    def set_tags(
        self, run_id: str, tags: Mapping[str, str], pending: Mapping[str, str] | None = None
    ) -> None:
        """Set tags of a run, in one call."""
        self._log(run_id, tags=tags, params=pending)

    def decide(self, run_id: str, name: str, value: str, tags: Mapping[str, str]) -> bool:
        """Log a param and tags in one call, of which MLflow takes the param first."""
        try:
            self._log(run_id, tags=tags, params={name: value})
        except (
            PipespecError
        ):  # of two that log it in the same moment, one may be told of a fault of the store
            with speaking(self.uri):
                found = self._session.client.get_run(run_id).data.params.get(name)
            if found is None:
                raise
            if found == value:
                self.set_tags(run_id, tags)
            return bool(found == value)
        return True

    def delete_tags(self, run_id: str, tags: Collection[str]) -> None:
        """Remove tags of a run, one call for each."""
        for name in tags:
            with speaking(self.uri):
                self._session.client.delete_tag(run_id, name)

    def tags(self, run_id: str) -> Mapping[str, str]:
        """Return all tags of a run."""
        with speaking(self.uri):
            return dict(self._session.client.get_run(run_id).data.tags)

    def put_files(self, files: Mapping[str, bytes], artifact_uri: str) -> None:
        """Put small files of ours into a run."""
        put(files, artifact_uri, self.uri)

    def close(self) -> None:
        """Close the store."""
        self._session.close()

    def _new(self, run_id: str, params: Mapping[str, str]) -> Mapping[str, str]:
        """Return those of these params that a run does not have yet."""
        with speaking(self.uri):
            known = self._session.client.get_run(run_id).data.params
        return {name: value for name, value in params.items() if name not in known}

    def _add_datasets(self, run_id: str, datasets: Sequence[RunDataset]) -> None:
        if not datasets:
            return
        from mlflow.entities import Dataset, DatasetInput, InputTag  # noqa: PLC0415 - imported already

        rows = [
            DatasetInput(
                Dataset(one.name, one.digest, one.source_type, one.source), [InputTag(CONTEXT, one.context)]
            )
            for one in datasets
        ]
        try:
            with speaking(self.uri):
                self._session.client.log_inputs(run_id, datasets=rows)
        except StoreUnavailableError:
            raise
        except PipespecError:
            return  # if two runs log the same input first, one request is refused

    def _log(
        self,
        run_id: str,
        *,
        tags: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        metrics: Mapping[str, float] = _NO_METRICS,
        now: int = 0,
    ) -> None:
        if not (tags or params or metrics):
            return
        from mlflow.entities import Metric, Param, RunTag  # noqa: PLC0415 - imported already

        with speaking(self.uri):
            self._session.client.log_batch(
                run_id,
                metrics=[Metric(name, value, now, 0) for name, value in metrics.items()],
                params=[Param(name, value) for name, value in (params or {}).items()],
                tags=[RunTag(name, value) for name, value in (tags or {}).items()],
                synchronous=True,  # MLFLOW_ENABLE_ASYNC_LOGGING would write FINISHED before the key
            )
