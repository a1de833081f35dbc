"""Write to a tracking server by its documented REST API, without mlflow.

Requests that may be repeated are repeated: tags and params that already exist, a status that is the same. A run must
not be created twice: if the answer is lost, the run is searched for by what was sent, and used if it exists.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from pipespec.document.nodes import JSON
from pipespec.errors import PipespecError, StoreUnavailableError
from pipespec.fault_points import reach
from pipespec.frozen_values import frozen
from pipespec.tracking.artifacts import put
from pipespec.tracking.far_files import send_whole
from pipespec.tracking.reading import search_filters
from pipespec.tracking.run_datasets import CONTEXT, RunDataset
from pipespec.tracking.run_facts import RunFacts
from pipespec.tracking.server.answers import RefusedError
from pipespec.tracking.server.rest_client import RestClient
from pipespec.tracking.server.run_json import facts_of
from pipespec.tracking.server.server_files import ServerFiles, is_handed_out
from pipespec.tracking.tracking_uri import shown
from pipespec.tracking.writing.store_writer import NOTE, CreatedRun, FoundExperiment

__all__ = ["RestWriter"]

_PARAMS_AT_ONCE: Final = 100
"""MLflow's limit for params in a batch; for tags it is the same, for metrics and in total it is 1,000."""
_METRICS_AT_ONCE: Final = 800
_LAST_WORDS: Final = 3.0
"""Seconds that a writer uses, when it is closed, to end runs that were created twice."""


@frozen
class _NewRun:
    """What a server was told to create."""

    experiment_id: str
    tags: Mapping[str, str]
    started: int


class RestWriter:
    """A StoreWriter over a tracking server."""

    joins = False

    def __init__(self, uri: str, client: RestClient) -> None:
        """Use this client, which is closed with the writer."""
        self.uri = uri
        self._client = client
        self._doubtful: list[tuple[_NewRun, str]] = []
        """Runs whose creation was requested more than once, each with the run that counts."""

    def at_once(self) -> contextlib.AbstractContextManager[bool]:
        """Do not join writes: each is separate."""
        return contextlib.nullcontext(enter_result=True)

    def find_experiment(self, name: str) -> FoundExperiment | None:
        """Return the experiment with exactly this name, also a deleted one, or None."""
        try:
            found = self._client.get("experiments/get-by-name", {"experiment_name": name})
        except RefusedError as error:
            if error.code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise
        experiment = found.get("experiment", {})
        return FoundExperiment(
            str(experiment.get("experiment_id", "")),
            str(experiment.get("artifact_location", "")),
            experiment.get("lifecycle_stage", "active") == "active",
        )

    def make_experiment(self, name: str, artifact_location: str | None, note: str = "") -> str | None:
        """Create an experiment with a description and return its id; None if another process was first, or an answer was lost."""
        body: dict[str, JSON] = {"name": name}
        if note:
            body["tags"] = _rows({NOTE: note})
        if artifact_location is not None:
            body["artifact_location"] = artifact_location
        try:
            return self._text(self._client.post("experiments/create", body), "experiment_id")
        except RefusedError as error:
            if error.code == "RESOURCE_ALREADY_EXISTS":
                return None
            raise

    def create_run(
        self, experiment_id: str, *, tags: Mapping[str, str], params: Mapping[str, str], started: int
    ) -> CreatedRun:
        """Create a run with its tags, in one request; its params come with the next."""
        new = _NewRun(experiment_id, tags, started)
        asked: list[float] = []

        def was_created(until: float) -> Mapping[str, Any] | None:
            asked.append(until)
            return next(iter(self._runs_like(new, until)), None)

        body: dict[str, JSON] = {
            "experiment_id": experiment_id,
            "start_time": started,
            "user_id": tags.get("mlflow.user", ""),
            "tags": _rows(tags),
        }
        answer = self._client.post("runs/create", body, was_done=was_created)
        facts = facts_of(answer.get("run", answer), shown(self.uri))
        if asked:
            self._doubtful.append((new, facts.run_id))
        reach("run.after-create")
        return CreatedRun(facts.run_id, facts.artifact_uri, params)

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
        """Log datasets, log tags, metrics and params in one batch, end the run: a request each."""
        self._add_datasets(run_id, datasets)
        whole = {**(params or {}), **(pending or {})}
        try:
            self._measure(run_id, metrics, ended, tags=tags, params=whole)
        except RefusedError:
            if not whole:
                raise
            # The function may have logged another value under one of these names.
            known = self._run(run_id).params
            _require_same(known, pending or {}, run_id)
            self._measure(run_id, metrics, ended, tags=tags, params=_without(known, whole))
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
        """End a run; its datasets, and its last metrics with its pending params, come in a request each before."""
        self._add_datasets(run_id, datasets)
        if metrics or pending:
            try:
                self._measure(run_id, metrics or {}, ended, params=pending)
            except RefusedError:
                if not pending:
                    raise
                known = self._run(run_id).params
                self._measure(run_id, metrics or {}, ended, params=_without(known, pending))
        self._client.post("runs/update", {"run_id": run_id, "status": status, "end_time": ended})

    def set_tags(
        self, run_id: str, tags: Mapping[str, str], pending: Mapping[str, str] | None = None
    ) -> None:
        """Set tags of a run, in one request; pending params come with them, unless the function has logged one itself."""
        try:
            self._measure(run_id, {}, 0, tags=tags, params=pending)
        except RefusedError:
            if not pending:
                raise
            self._measure(run_id, {}, 0, tags=tags)

    def decide(self, run_id: str, name: str, value: str, tags: Mapping[str, str]) -> bool:
        """Log a param and tags in one request, of which MLflow takes the param first; another is asked only where it is refused."""
        try:
            self._batch(run_id, params=_rows({name: value}), tags=_rows(tags))
        except (
            PipespecError
        ):  # of two that log it in the same moment, one may be told of a fault of the store
            found = self._run(run_id).params.get(name)
            if found is None:
                raise
            if found == value:
                self.set_tags(run_id, tags)
            return found == value
        return True

    def delete_tags(self, run_id: str, tags: Collection[str]) -> None:
        """Take tags off a run, a request each."""
        for name in tags:
            self._delete_tag(run_id, name)

    def tags(self, run_id: str) -> Mapping[str, str]:
        """Return all tags of a run."""
        return self._tags(run_id)

    def put_files(self, files: Mapping[str, bytes], artifact_uri: str) -> None:
        """Put small files of ours into a run, over the same connection if the server accepts them itself."""
        if is_handed_out(artifact_uri, self.uri):
            send_whole(ServerFiles(self._client, artifact_uri), files)
        else:
            put(files, artifact_uri, self.uri)

    def close(self) -> None:
        """End runs that the server created although their answers were lost and we asked again. Then close the connection."""
        until = time.monotonic() + _LAST_WORDS
        for new, counting in self._doubtful:
            with contextlib.suppress(PipespecError):  # the next invocation that finds one also ends it
                for run in self._runs_like(new, until):
                    run_id = facts_of(run, shown(self.uri)).run_id
                    if run_id != counting:
                        ending: dict[str, JSON] = {
                            "run_id": run_id,
                            "status": "KILLED",
                            "end_time": new.started,
                        }
                        self._client.post("runs/update", ending, until=until)
        self._client.close()

    # ---------------------------------------------------------------------------------------- parts

    def _runs_like(self, new: _NewRun, until: float | None = None) -> list[Mapping[str, Any]]:
        """Return the runs that were created by our request, oldest answer first. Only ours have our owner's tag."""
        body: dict[str, JSON] = {
            "experiment_ids": [new.experiment_id],
            "filter": search_filters.started_at(new.started),
            "max_results": 1000,
        }
        found = self._client.post("runs/search", body, until=until).get("runs", ())
        return [run for run in found if new.tags.items() <= facts_of(run, shown(self.uri)).tags.items()]

    def _run(self, run_id: str, until: float | None = None) -> RunFacts:
        answer = self._client.get("runs/get", {"run_id": run_id}, until=until)
        return facts_of(answer.get("run", {}), shown(self.uri))

    def _tags(self, run_id: str, until: float | None = None) -> Mapping[str, str]:
        return self._run(run_id, until).tags

    def _delete_tag(self, run_id: str, name: str) -> None:
        def was_deleted(until: float) -> Mapping[str, Any] | None:
            return None if name in self._tags(run_id, until) else {}

        self._client.post("runs/delete-tag", {"run_id": run_id, "key": name}, was_done=was_deleted)

    def _measure(
        self,
        run_id: str,
        metrics: Mapping[str, float],
        at: int,
        tags: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> None:
        """Log metrics and params; tags come with the last of them."""
        rows: list[JSON] = [
            {"key": name, "value": _number(value), "timestamp": at, "step": 0}
            for name, value in metrics.items()
        ]
        while len(rows) > _METRICS_AT_ONCE:
            self._batch(run_id, metrics=rows[:_METRICS_AT_ONCE])
            del rows[:_METRICS_AT_ONCE]
        texts = _rows(params or {})
        while len(texts) > _PARAMS_AT_ONCE:
            self._batch(run_id, params=texts[:_PARAMS_AT_ONCE])
            del texts[:_PARAMS_AT_ONCE]
        self._batch(run_id, metrics=rows, tags=_rows(tags or {}), params=texts)

    def _add_datasets(self, run_id: str, datasets: Sequence[RunDataset]) -> None:
        if not datasets:
            return
        rows: list[JSON] = [
            {
                "tags": _rows({CONTEXT: one.context}),
                "dataset": {
                    "name": one.name,
                    "digest": one.digest,
                    "source_type": one.source_type,
                    "source": one.source,
                },
            }
            for one in datasets
        ]
        # Servers before MLflow 2.4 do not know them, and if two runs log the same input first, one request is refused.
        with contextlib.suppress(RefusedError):
            self._client.post("runs/log-inputs", {"run_id": run_id, "datasets": rows})

    def _batch(self, run_id: str, **rows: list[JSON]) -> None:
        self._client.post(
            "runs/log-batch", {"run_id": run_id, **{name: one for name, one in rows.items() if one}}
        )

    def _text(self, answer: Mapping[str, Any], name: str) -> str:
        if not isinstance(answer.get(name), str):
            raise StoreUnavailableError(
                f"tracking server {shown(self.uri)}: its answer has no {name}; is it a tracking server?"
            )
        return str(answer[name])


def _require_same(known: Mapping[str, str], pending: Mapping[str, str], run_id: str) -> None:
    """Refuse that a function logged another value under the name of a param of its step."""
    for name, value in pending.items():
        if known.get(name, value) != value:
            raise PipespecError(
                f"run {run_id}: param '{name}' of the step is '{value}', but the function logged it as '{known[name]}'; log it "
                "under another name"
            )


def _without(known: Mapping[str, str], params: Mapping[str, str]) -> Mapping[str, str]:
    return {name: value for name, value in params.items() if name not in known}


def _rows(texts: Mapping[str, str]) -> list[JSON]:
    return [{"key": name, "value": value} for name, value in texts.items()]


def _number(value: float) -> JSON:
    # JSON has no NaN and no infinity; protobuf spells them like this.
    if math.isnan(value):
        return "NaN"
    return value if math.isfinite(value) else "Infinity" if value > 0 else "-Infinity"
