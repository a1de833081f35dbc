"""S3 as the environment describes it: boto3's client, and its answers in plain words.

Takes the variables of AWS and of MLflow (`MLFLOW_S3_ENDPOINT_URL` and others). Returns a client with time limits. boto3
is the extra `s3`: it is imported when S3 is used.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from pipespec.errors import MissingPackageError, PipespecError, StoreUnavailableError
from pipespec.tracking.tracking_uri import shown

__all__ = [
    "SCHEME",
    "code_of",
    "keys_below",
    "owner",
    "s3_client",
    "speaking_to_s3",
    "split_uri",
    "transfer_settings",
    "upload_arguments",
]

SCHEME: Final = "s3"

_CONNECT: Final = 8.0
"""Seconds for a connection."""
_SILENCE: Final = 12.0
"""Seconds without a byte of an answer, after which a request is repeated."""
_TRIES: Final = 3
"""Total number of tries of a request that fails in a way that may pass."""
_CONNECTIONS: Final = 32
_PART: Final = 8 << 20
"""Size in bytes of a part of a large file."""

_CREDENTIALS: Final = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
_EXPIRED: Final = frozenset({"ExpiredToken", "RequestExpired", "TokenRefreshRequired"})
_MEANINGS: Final[Mapping[str, str]] = {
    "NoSuchBucket": "there is no bucket '{bucket}'",
    "InvalidAccessKeyId": f"it does not know the access key; correct {_CREDENTIALS}",
    "SignatureDoesNotMatch": f"the secret key is wrong; correct {_CREDENTIALS}",
    "AccessDenied": "the credentials do not give access",
    "403": "the credentials do not give access",
    **dict.fromkeys(_EXPIRED, "the credentials have expired; renew them"),
    "404": "it is not there",
    "NoSuchKey": "it is not there",
    "PermanentRedirect": "the bucket is in another region; correct AWS_DEFAULT_REGION",
    "NoCredentialsError": f"there are no credentials; set {_CREDENTIALS}",
    "PartialCredentialsError": f"the credentials are not complete; set {_CREDENTIALS}",
    "ProfileNotFound": "AWS_PROFILE names a profile that is not there",
}


def split_uri(uri: str) -> tuple[str, str]:
    """Return bucket and key of `s3://bucket/key`. The key has no slash at its ends."""
    rest = uri.partition("://")[2]
    bucket, _, key = rest.partition("/")
    return bucket, key.strip("/")


def s3_client(uri: str) -> Any:
    """Return boto3's client for a URI. Threads may share it.

    Raises:
        MissingPackageError: if boto3 is not installed.
    """
    told = tuple(sorted(item for item in os.environ.items() if item[0].startswith(("AWS_", "MLFLOW_"))))
    try:
        return _client(os.getpid(), told)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("boto3", "botocore", "s3transfer"):
            raise
        raise MissingPackageError(
            f"'{shown(uri)}' needs the package 'boto3', which is not installed; "
            "install it with: pip install 'pipespec[s3]'"
        ) from None


@functools.lru_cache(maxsize=4)
def _client(_process: int, told: tuple[tuple[str, str], ...]) -> Any:
    """Create a client, once for each state of the environment."""
    import boto3  # noqa: PLC0415 - an extra, and heavy
    from botocore.config import Config  # noqa: PLC0415

    variables = dict(told)
    style = variables.get("MLFLOW_BOTO_CLIENT_ADDRESSING_STYLE") or "auto"
    is_unverified = variables.get("MLFLOW_S3_IGNORE_TLS", "").lower() in ("true", "1")
    settings = Config(
        signature_version="s3v4",
        s3={"addressing_style": style},
        retries={"mode": "standard", "total_max_attempts": _TRIES},
        connect_timeout=_CONNECT,
        read_timeout=_SILENCE,
        max_pool_connections=_CONNECTIONS,
    )
    # A separate session: the default session is not made for several threads.
    return boto3.session.Session().client(
        "s3",
        endpoint_url=variables.get("MLFLOW_S3_ENDPOINT_URL") or None,
        config=settings,
        verify=False if is_unverified else None,
    )


def transfer_settings() -> Any:
    """Return how large files are sent and fetched: in parts, one after the other.

    boto3's own threads would prevent a process from ending until everything is sent.
    """
    from boto3.s3.transfer import TransferConfig  # noqa: PLC0415 - as above

    return TransferConfig(
        multipart_threshold=2 * _PART,
        multipart_chunksize=_PART,
        use_threads=False,
    )


def owner() -> dict[str, str]:
    """Return the argument that names the required owner of the bucket, if MLflow's variable names an account."""
    account = os.environ.get("MLFLOW_S3_EXPECTED_BUCKET_OWNER")
    return {"ExpectedBucketOwner": account} if account else {}


def upload_arguments() -> dict[str, Any]:
    """Return the extra arguments of each upload, for example for encryption, as for MLflow.

    Raises:
        PipespecError: if the variable is not a JSON object.
    """
    name = "MLFLOW_S3_UPLOAD_EXTRA_ARGS"
    text = os.environ.get(name)
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise PipespecError(f"{name} is no JSON object: {text!r}")
    return {**owner(), **found}


def keys_below(client: Any, bucket: str, prefix: str) -> Iterator[Mapping[str, Any]]:
    """Yield the objects whose keys begin so, as S3 lists them."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, **owner())
    for page in pages:
        # Some tools represent an empty folder by a key that ends with a slash.
        yield from (found for found in page.get("Contents", ()) if not found["Key"].endswith("/"))


def code_of(error: BaseException) -> str:
    """Return S3's code of an error, or the name of boto3's error."""
    error = _original(error)
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        return str(response.get("Error", {}).get("Code", ""))
    return type(error).__name__


def _original(error: BaseException) -> BaseException:
    """Return what S3 said, without what boto3 writes around it for an upload: paths that are longer than a line."""
    is_wrapped = type(error).__name__ == "S3UploadFailedError" and error.__context__ is not None
    return error.__context__ or error if is_wrapped else error


@contextlib.contextmanager
def speaking_to_s3(uri: str) -> Iterator[None]:
    """Turn boto3's errors into one line about a URI.

    Raises:
        StoreUnavailableError: for everything that S3 does not return or accept.
    """
    try:
        yield
    except (PipespecError, FileNotFoundError):
        raise
    except Exception as error:
        if code_of(error) in _EXPIRED:
            _client.cache_clear()  # they may be renewed in a file before the next request
        if type(error).__module__.partition(".")[0] not in ("boto3", "botocore", "s3transfer", "urllib3"):
            raise
        raise StoreUnavailableError(f"artifact store {shown(uri)}: {_meaning(error, uri)}") from error


def _meaning(error: Exception, uri: str) -> str:
    code = code_of(error)
    if code in (
        "EndpointConnectionError",
        "ConnectTimeoutError",
        "ConnectionClosedError",
        "ReadTimeoutError",
    ):
        endpoint = urlsplit(str(getattr(error, "kwargs", {}).get("endpoint_url", "")))
        at = f" at {endpoint.scheme}://{endpoint.netloc.rpartition('@')[2]}" if endpoint.netloc else ""
        return f"S3{at} does not answer ({code})"
    if code in _MEANINGS:
        return f"{_MEANINGS[code].format(bucket=split_uri(uri)[0])} ({code})"
    return shown(str(_original(error)).strip().partition("\n")[0])[:300] or code
