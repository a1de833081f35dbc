"""The names of records in MLflow, and how values are shortened to fit its limits.

Pure. Tags that are searched have the searched value, as a digest, in their *key*: MLflow has an index on tag keys and
none on values (6 ms instead of 218 ms among 100,000 runs), and its filters have no escape. Tags that only machines read
begin with `mlflow.` in a store, because MLflow's page shows none of those (decisions/0026). Runs of earlier versions
have them without this prefix. Everywhere except in a store's statements and filters, they are named without it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Final

from pipespec.document.mlflow_names import NAME_LENGTH, fit_name
from pipespec.document.nodes import JSON
from pipespec.plan.records import SECONDS

__all__ = [
    "ACCEPTED",
    "ASIDE",
    "CALL",
    "CLAIM",
    "COMMAND",
    "DAMAGED",
    "ERROR",
    "FOLDER",
    "GENERATION",
    "IMPORTED",
    "INPUTS",
    "INVOCATION",
    "KEY",
    "LEASE",
    "LOG",
    "MANIFEST",
    "MANIFEST_FILE",
    "MET",
    "NAME",
    "NAME_LENGTH",
    "OUTCOME",
    "OUTPUTS",
    "OWNER",
    "PACKAGES_FILE",
    "PARAM_LENGTH",
    "PATCH_FILE",
    "PEAK_BYTES",
    "PIPELINE",
    "PIPELINE_FILE",
    "POINT",
    "PREFIX",
    "PROVENANCE_FILE",
    "PUBLISHED",
    "REVOKED",
    "RUN_FILE",
    "SECONDS",
    "STEP",
    "STEPS",
    "SUPERSEDED",
    "SWEEP",
    "SWEEP_FILE",
    "TAG_LENGTH",
    "TAKEN",
    "TAKEN_OVER",
    "UPSTREAM",
    "VALUES",
    "WITNESS",
    "accepted_tag",
    "claimed_key",
    "cut",
    "declared",
    "dotted_params",
    "fit_name",
    "fit_tag",
    "key_tag",
    "name_tag",
    "revoked_tag",
    "stored",
    "told",
    "values_tag",
]

PREFIX: Final = "pipespec."
PIPELINE: Final = "pipespec.pipeline"
STEP: Final = "pipespec.step"
POINT: Final = "pipespec.point"
SWEEP: Final = "pipespec.sweep."
DAMAGED: Final = "pipespec.damaged"
TAKEN: Final = "pipespec.taken"
SUPERSEDED: Final = "pipespec.superseded"
CALL: Final = "pipespec.call"
INVOCATION: Final = "pipespec.invocation"
UPSTREAM: Final = "pipespec.upstream"
INPUTS: Final = "pipespec.inputs"
OWNER: Final = "pipespec.owner"
LEASE: Final = "pipespec.lease"
CLAIM: Final = "pipespec.claim."
KEY: Final = "pipespec.key"
ACCEPTED: Final = "pipespec.accepted."
REVOKED: Final = "pipespec.revoked."
GENERATION: Final = "pipespec.generation"
OUTPUTS: Final = "pipespec.outputs"
VALUES: Final = "pipespec.values."
MANIFEST: Final = "pipespec.manifest"
WITNESS: Final = "pipespec.witness"
NAME: Final = "pipespec.name."
COMMAND: Final = "pipespec.command"
STEPS: Final = "pipespec.steps"
MET: Final = "pipespec.met"
"""On the run of an invocation: another one that may compute the same keys began while it was at work."""
IMPORTED: Final = "pipespec.imported"

PEAK_BYTES: Final = "pipespec.peak_bytes"

OUTCOME: Final = "pipespec.outcome"
"""The param that decides, where two processes may disagree, whether a run counts: MLflow lets nobody change a param."""
PUBLISHED: Final = "published"
TAKEN_OVER: Final = "taken over"

FOLDER: Final = "pipespec/"
"""The folder of our own files among the artifacts of a run."""
MANIFEST_FILE: Final = "pipespec/step.json"
PIPELINE_FILE: Final = "pipespec/pipeline.yaml"
RUN_FILE: Final = "pipespec/run.json"
SWEEP_FILE: Final = "pipespec/sweep.json"
PROVENANCE_FILE: Final = "pipespec/provenance.json"
PACKAGES_FILE: Final = "pipespec/packages.txt"
PATCH_FILE: Final = "pipespec/git.patch"
LOG: Final = "pipespec/log.txt"
ERROR: Final = "pipespec/error.txt"

PARAM_LENGTH: Final = 6000
TAG_LENGTH: Final = 8000

ASIDE: Final = "mlflow."
"""The prefix, in a store, of the names of tags that only machines use."""
_ASIDE: Final = frozenset(
    {
        POINT,
        DAMAGED,
        IMPORTED,
        SUPERSEDED,
        TAKEN,
        CALL,
        INVOCATION,
        OWNER,
        LEASE,
        STEPS,
        MET,
        GENERATION,
        OUTPUTS,
        INPUTS,
        WITNESS,
    }
)
_FAMILIES_ASIDE: Final = (f"{KEY}.", CLAIM, ACCEPTED, REVOKED, VALUES, NAME)

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


def stored(tag: str) -> str:
    """Return the name of a tag in a store."""
    return f"{ASIDE}{tag}" if tag in _ASIDE or tag.startswith(_FAMILIES_ASIDE) else tag


def told(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags of a store by their names here, for runs of this version and of earlier ones."""
    ours = f"{ASIDE}{PREFIX}"
    named = {tag: value for tag, value in tags.items() if not tag.startswith(ours)}
    return named | {tag.removeprefix(ASIDE): value for tag, value in tags.items() if tag.startswith(ours)}


def _checked(key: str) -> str:
    if not _DIGEST.fullmatch(key):
        raise ValueError(f"{key!r} is not a key of a step")
    return key


def key_tag(key: str) -> str:
    """Return the tag of runs that work on this key while they are RUNNING, and were published under it, or accepted for it, then."""
    return f"{KEY}.{_checked(key)}"


def accepted_tag(key: str) -> str:
    """Return the tag that makes an old run count for a new key. Its value says who accepted it, and why."""
    return f"{ACCEPTED}{_checked(key)}"


def revoked_tag(key: str) -> str:
    """Return the tag that records the revoked acceptances for a key: by whom, when and why."""
    return f"{REVOKED}{_checked(key)}"


def claimed_key(tags: Iterable[str]) -> str | None:
    """Return the key that one of these tags says a run worked on, or None; runs of earlier versions say it in a way of their own."""
    families = (CLAIM, f"{KEY}.")
    return next((tag.rpartition(".")[2] for tag in tags if tag.startswith(families)), None)


def declared(step: str) -> str:
    """Return the declared name in a step's id: `train[depth=4]{seed=1}` -> `train`."""
    return step.partition("[")[0].partition("{")[0]


def values_tag(output: str) -> str:
    """Return the tag that contains an output which is a short JSON list."""
    return fit_name(stored(f"{VALUES}{output}")).removeprefix(ASIDE)


def name_tag(step: str) -> str:
    """Return the tag that finds all runs of a declared step, of any variant."""
    return f"{NAME}{hashlib.sha256(step.encode()).hexdigest()[:16]}"


def cut(text: str, limit: int) -> str:
    """Return the text, or its beginning with a mark that gives its full length; at most `limit` characters.

    MLflow would cut it silently, or fail on some stores.
    """
    if len(text) <= limit:
        return text
    mark = f"... (cut, {len(text)} characters)"
    return text[: limit - len(mark)] + mark


def fit_tag(value: str) -> str:
    """Return a tag's value within MLflow's limit of 8000 characters."""
    return cut(_storable(value), TAG_LENGTH)


def dotted_params(params: Mapping[str, JSON]) -> dict[str, str]:
    """Return params as MLflow stores them: `{"model": {"epochs": 3}}` -> `{"model.epochs": "3"}`.

    Values are formatted with Python's `str`, MLflow's own rule, so that a function that logs its argument under the
    same name logs the same text. If two params get the same name, they are distinguished by `_2`, `_3`.
    """
    fitted: dict[str, str] = {}
    for name, value in _leaves(params):
        key, count = fit_name(name), 1
        while key in fitted:
            count += 1
            key = fit_name(f"{name[: NAME_LENGTH - 8]}_{count}")
        fitted[key] = cut(_storable(str(value)), PARAM_LENGTH)
    return fitted


def _leaves(params: Mapping[str, JSON]) -> Iterable[tuple[str, JSON]]:
    waiting: list[tuple[str, JSON]] = [*params.items()][::-1]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, dict) and value:
            waiting.extend((f"{name}.{key}", below) for key, below in [*value.items()][::-1])
        else:
            yield name, value


def _storable(text: str) -> str:
    # A lone surrogate cannot be encoded, and PostgreSQL does not accept NUL.
    return text.encode(errors="backslashreplace").decode().replace("\0", "\\x00")
