"""Read the registry of a tracking server by its documented REST API, without mlflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

from pipespec.errors import StoreUnavailableError
from pipespec.tracking.models.registry import ModelVersion, WantedVersions
from pipespec.tracking.server.answers import RefusedError
from pipespec.tracking.server.rest_client import RestClient
from pipespec.tracking.tracking_uri import shown

__all__ = ["RestRegistry", "condition_of"]

_PAGE: Final = 200
_MOST_NAMES: Final = 1000
_ORDER: Final = "version_number DESC"


def condition_of(wanted: WantedVersions) -> str:
    """Return MLflow's filter for versions. Names and values contain no quotes."""
    parts = [] if wanted.name is None else [f"name = '{wanted.name}'"]
    parts += [] if wanted.version is None else [f"version_number = {wanted.version}"]
    parts += [] if wanted.run_id is None else [f"run_id = '{wanted.run_id}'"]
    parts += [] if wanted.tag is None else [f"tags.`{wanted.tag[0]}` = '{wanted.tag[1]}'"]
    return " AND ".join(parts)


class RestRegistry:
    """A Registry over a tracking server. Closing it closes the client."""

    def __init__(self, uri: str, client: RestClient) -> None:
        """Open no connection yet: the first question does."""
        self.uri = uri
        self._client = client

    def versions(self, wanted: WantedVersions) -> Sequence[ModelVersion]:
        """Return versions of models; those of one model by number, the highest first."""
        asked = {"filter": condition_of(wanted), "max_results": str(1 if wanted.only_last else _PAGE)}
        if wanted.name is not None:
            asked["order_by"] = _ORDER
        found: list[ModelVersion] = []
        while True:
            page = self._client.get("model-versions/search", asked)
            found += [self._version(one) for one in page.get("model_versions", ())]
            asked["page_token"] = page.get("next_page_token") or ""
            if not asked["page_token"] or (wanted.only_last and found):
                return found

    def aliases(self, name: str) -> Mapping[str, int] | None:
        """Return a model's aliases with the version of each; None if the model does not exist."""
        try:
            model = self._client.get("registered-models/get", {"name": name}).get("registered_model", {})
        except RefusedError as error:
            if error.code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise StoreUnavailableError(str(error)) from None
        return {str(one["alias"]): int(one["version"]) for one in model.get("aliases", ())}

    def names(self) -> Sequence[str]:
        """Return the names of registered models, at most 1,000."""
        page = self._client.get("registered-models/search", {"max_results": str(_MOST_NAMES)})
        return [str(one["name"]) for one in page.get("registered_models", ())]

    def location(self, version: ModelVersion) -> str:
        """Return the URI of a version's files. If the source is an id in MLflow, its place is requested."""
        if not version.source.startswith("models:"):
            return version.source
        query = {"name": version.name, "version": str(version.version)}
        return str(self._client.get("model-versions/get-download-uri", query).get("artifact_uri", ""))

    def close(self) -> None:
        """Close the connection to the server."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _version(self, told: Mapping[str, Any]) -> ModelVersion:
        try:
            return ModelVersion(
                str(told["name"]),
                int(told["version"]),
                str(told.get("source") or ""),
                str(told.get("run_id") or ""),
                int(told.get("creation_timestamp") or 0) / 1000,
                {str(tag["key"]): str(tag.get("value", "")) for tag in told.get("tags", ())},
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            raise StoreUnavailableError(
                f"tracking server {shown(self.uri)}: what it says of models is not as MLflow says it"
            ) from None
