"""The inputs and outputs of a run as MLflow's datasets: the rows "Datasets" of its page. Pure.

Takes the entries `inputs` of a manifest, and outputs. Returns `RunDataset`s as `mlflow.log_input` would create them
from a `MetaDataset`, within MLflow's limits. Content that a run made is at `runs:/ID/FILE`, which MLflow resolves
wherever its artifacts are, so that the page shows from which run, of any pipeline, an input came.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from pipespec.document.nodes import JSON
from pipespec.document.password_masking import without_passwords
from pipespec.frozen_values import frozen
from pipespec.plan.records import OutputRecord
from pipespec.tracking.record_names import cut

__all__ = ["CONTEXT", "RunDataset", "datasets_of_run", "outside_datasets"]

CONTEXT: Final = "mlflow.data.context"
"""The tag of a dataset in a run that describes its role in the run."""

_MOST: Final = 50
"""Maximum number of datasets that are shown for a run. The manifest contains all."""
_NAME_LENGTH: Final = 500
_SOURCE_LENGTH: Final = 65_535
_DIGEST_LENGTH: Final = 16
"""MLflow stores up to 36 digits. The first 16 are shown, as everywhere else."""


@frozen
class RunDataset:
    """One dataset of a run. `context` is `input` or `output`."""

    name: str
    digest: str
    source_type: str
    source: str
    """The place of the content, in the JSON that MLflow's source of this type reads."""
    context: str = "input"


def datasets_of_run(
    inputs: JSON, outputs: Mapping[str, OutputRecord], *, step: str, run_id: str
) -> tuple[RunDataset, ...]:
    """Return the inputs of a step's run, from its manifest, and its outputs; each name with one content only once."""
    made = (
        _of_run(f"{step}.{name}", output.digest, run_id, output.file, "output")
        for name, output in outputs.items()
    )
    return _distinct((*_read(inputs), *made))


def outside_datasets(inputs: Iterable[JSON]) -> tuple[RunDataset, ...]:
    """Return the inputs of several steps, from their manifests, that no run of their own pipeline made."""
    return _distinct(dataset for each in inputs for dataset, is_outside in _told(each) if is_outside)


def _read(inputs: JSON) -> Iterator[RunDataset]:
    return (dataset for dataset, _ in _told(inputs))


def _told(inputs: JSON) -> Iterator[tuple[RunDataset, bool]]:
    """Yield the inputs in a manifest, each with whether it comes from outside the pipeline."""
    told = inputs if isinstance(inputs, dict) else {}
    for entries in told.values():
        for entry in entries if isinstance(entries, list) else [entries]:
            match entry:
                case {"external": str(place), "digest": str(digest)}:
                    yield _outside(place, digest), True
                case {"model": str(text), "name": str(name), "version": int(version), "digest": str(digest)}:
                    source = json.dumps({"uri": f"models:/{name}/{version}"})
                    yield RunDataset(text, digest[:_DIGEST_LENGTH], "local", source), True
                case {
                    "step": str(step),
                    "output": str(output),
                    "run_id": str(run_id),
                    "digest": str(digest),
                    **more,
                }:
                    part, pipeline = more.get("part"), more.get("pipeline")
                    name = f"{step}.{output}" if part is None else f"{step}.{output}/{part}"
                    shown = name if pipeline is None else f"{name} of {pipeline}"
                    place = f"{more.get('file', '')}{part or ''}"
                    yield _of_run(shown, digest, run_id, place, "input"), pipeline is not None


def _of_run(name: str, digest: str, run_id: str, file: str, context: str) -> RunDataset:
    uri = f"runs:/{run_id}/{file.rstrip('/')}"
    # "local" is MLflow's source that reads any URI of an artifact.
    return RunDataset(
        cut(name, _NAME_LENGTH), digest[:_DIGEST_LENGTH], "local", json.dumps({"uri": uri}), context
    )


def _outside(place: str, digest: str) -> RunDataset:
    place = without_passwords(place)
    scheme = place.partition("://")[0] if "://" in place else ""
    is_web = scheme in ("http", "https")
    source = json.dumps({"url" if is_web else "uri": place})
    kind = "http" if is_web else scheme if scheme not in ("", "file") else "local"
    return RunDataset(cut(place, _NAME_LENGTH), digest[:_DIGEST_LENGTH], kind[:36], source)


def _distinct(datasets: Iterable[RunDataset]) -> tuple[RunDataset, ...]:
    first: dict[tuple[str, str], RunDataset] = {}
    for one in datasets:
        if len(one.source) <= _SOURCE_LENGTH:
            first.setdefault((one.name, one.digest), one)
    return tuple(first.values())[:_MOST]
