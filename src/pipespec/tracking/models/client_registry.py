"""The registry through MLflow's client, for stores that cannot be read otherwise, and for writing. Its import takes seconds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from pipespec.tracking.mlflow_client import Session, import_mlflow, speaking
from pipespec.tracking.models.registry import ModelVersion, WantedVersions
from pipespec.tracking.models.rest_registry import condition_of

__all__ = ["ClientRegistry"]

_PAGE: Final = 200
_MOST_NAMES: Final = 1000
_ORDER: Final = ("version_number DESC",)
_MISSING: Final = "RESOURCE_DOES_NOT_EXIST"
_THERE: Final = "RESOURCE_ALREADY_EXISTS"


class ClientRegistry:
    """A Registry that can also be written to. mlflow is imported with the first question."""

    def __init__(self, uri: str, tracking_uri: str, log: Path | None) -> None:
        """Take resolved URIs, and the file that gets MLflow's log output."""
        self.uri = uri
        self._session = Session(tracking_uri, log)
        self._client: Any = None

    def versions(self, wanted: WantedVersions) -> Sequence[ModelVersion]:
        """Return versions of models; those of one model by number, the highest first."""
        found: list[ModelVersion] = []
        token: str | None = None
        with self._asking() as client:
            while True:
                page = client.search_model_versions(
                    condition_of(wanted),
                    max_results=1 if wanted.only_last else _PAGE,
                    order_by=None if wanted.name is None else [*_ORDER],
                    page_token=token,
                )
                found += [_version(one) for one in page]
                token = page.token
                if not token or (wanted.only_last and found):
                    return found

    def aliases(self, name: str) -> Mapping[str, int] | None:
        """Return a model's aliases with the version of each; None if the model does not exist."""
        with self._asking() as client:
            try:
                model = client.get_registered_model(name)
            except Exception as error:
                if getattr(error, "error_code", None) == _MISSING:
                    return None
                raise
            return {alias: int(version) for alias, version in model.aliases.items()}

    def names(self) -> Sequence[str]:
        """Return the names of registered models, at most 1,000."""
        with self._asking() as client:
            return [model.name for model in client.search_registered_models(max_results=_MOST_NAMES)]

    def location(self, version: ModelVersion) -> str:
        """Return the URI of a version's files."""
        with self._asking() as client:
            return str(client.get_model_version_download_uri(version.name, str(version.version)))

    # -------------------------------------------------------------------------------------- writing

    def create_model(self, name: str) -> None:
        """Create the model of this name if it does not exist."""
        with self._asking() as client:
            try:
                client.create_registered_model(name)
            except Exception as error:
                if getattr(error, "error_code", None) != _THERE:
                    raise

    def create_version(self, name: str, source: str, run_id: str, tags: Mapping[str, str]) -> ModelVersion:
        """Create the next version of a model."""
        with self._asking() as client:
            return _version(client.create_model_version(name, source, run_id, tags=dict(tags)))

    def delete_version(self, version: ModelVersion) -> None:
        """Delete a version, unless it is already deleted."""
        with self._asking() as client:
            try:
                client.delete_model_version(version.name, str(version.version))
            except Exception as error:
                if getattr(error, "error_code", None) != _MISSING:
                    raise

    def set_alias(self, version: ModelVersion, alias: str) -> None:
        """Set an alias to a version. It then no longer refers to any other version."""
        with self._asking() as client:
            client.set_registered_model_alias(version.name, alias, str(version.version))

    def set_tag(self, version: ModelVersion, tag: str, value: str) -> None:
        """Set a tag of a version."""
        with self._asking() as client:
            client.set_model_version_tag(version.name, str(version.version), tag, value)

    def close(self) -> None:
        """Close the client."""
        self._client = None
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _asking(self) -> Iterator[Any]:
        with speaking(self.uri):
            if self._client is None:
                _ = self._session.client
                self._client = import_mlflow().MlflowClient(self._session.uri, self.uri)
            yield self._client


def _version(told: Any) -> ModelVersion:
    return ModelVersion(
        told.name,
        int(told.version),
        told.source or "",
        told.run_id or "",
        (told.creation_timestamp or 0) / 1000,
        dict(told.tags),
    )
