"""Models of MLflow's registry as a pipeline names them: the name under which an output is registered, and what an input reads. Pure.

Takes texts. Returns frozen values, or the end of a sentence that says what is wrong. MLflow's rules for names are
applied here, so that a name that the registry would refuse is refused before anything runs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pipespec.document.wording import quote
from pipespec.errors import Span
from pipespec.frozen_values import frozen

__all__ = [
    "FLAVORS",
    "LATEST",
    "ModelInput",
    "ModelOutput",
    "NotAModelError",
    "Registration",
    "alias_problem",
    "model_name_problem",
    "parse_model",
]

FLAVORS: Final[Mapping[str, str | None]] = MappingProxyType(
    {
        "catboost": "catboost",
        "h2o": "h2o",
        "keras": "keras",
        "langchain": "langchain",
        "lightgbm": "lightgbm",
        "onnx": "onnx",
        "paddle": "paddle",
        "pmdarima": "pmdarima",
        "prophet": "prophet",
        "pyfunc": None,
        "pytorch": "torch",
        "sentence_transformers": "sentence_transformers",
        "sklearn": "sklearn",
        "spacy": "spacy",
        "statsmodels": "statsmodels",
        "tensorflow": "tensorflow",
        "transformers": "transformers",
        "xgboost": "xgboost",
    }
)
"""MLflow's flavors in which a returned object can be saved, each with the module that it needs besides MLflow."""

LATEST: Final = "latest"
"""Means the highest version, instead of a version's number."""

_ALIAS: Final = re.compile(r"[\w-]{1,255}", re.ASCII)
_RESERVED: Final = re.compile(r"latest|v\d+", re.IGNORECASE)
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,8}")
_LONGEST: Final = 256
_SCHEME: Final = "models:/"


class NotAModelError(ValueError):
    """A text that names no version of a model. The message is the end of a sentence; `hint` is how to write it."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@frozen
class ModelInput:
    """A version of a registered model: by its number, by an alias, or, with neither, the highest version."""

    text: str
    """As the user wrote it."""
    name: str
    alias: str | None = None
    version: int | None = None


@frozen
class Registration:
    """The name under which an output is registered, and the alias that its version gets."""

    name: str
    alias: str | None
    span: Span


@frozen
class ModelOutput:
    """An output that is saved as an MLflow model.

    `example` is an input or output of the step. Its first rows show what the model accepts.
    """

    flavor: str
    span: Span
    """Of the flavor."""
    example: str | None = None
    example_span: Span | None = None
    register: Registration | None = None


def parse_model(text: str) -> ModelInput:
    """Parse `name@alias`, `name/3` or `name/latest`.

    Raises:
        NotAModelError: for anything else.
    """
    named = text.removeprefix(_SCHEME)
    name, at, alias = named.partition("@")
    slash, version = "", ""
    if not at:
        name, slash, version = named.rpartition("/") if "/" in named else (named, "", "")
    example = name.replace("/", "").replace(":", "") or "news-classifier"
    if (problem := model_name_problem(name)) is not None:
        raise NotAModelError(problem, f"write a version as '{example}@champion' or '{example}/3'")
    if text != named:
        raise NotAModelError("is a URI of MLflow", f"write {quote(named)}")
    if not at and not slash:
        raise NotAModelError(
            "names no version of the model", f"write '{name}@champion', '{name}/3' or '{name}/{LATEST}'"
        )
    if at:
        if (problem := alias_problem(alias)) is not None:
            hint = f"write '{name}/{LATEST}'" if alias.lower() == LATEST else f"write '{name}@champion'"
            raise NotAModelError(problem, hint)
        return ModelInput(text, name, alias)
    if version == LATEST:
        return ModelInput(text, name)
    if _NUMBER.fullmatch(version) is None:
        raise NotAModelError(
            f"has {quote(version)} in place of a version's number",
            f"write '{name}/3', or '{name}@{version or 'champion'}' for an alias",
        )
    return ModelInput(text, name, version=int(version))


def model_name_problem(name: str) -> str | None:
    """Say what MLflow would refuse in the name of a registered model, or return None."""
    if not name.strip():
        return "has no name"
    if bad := next(
        (character for character in name if character in "/:@'\"`" or not character.isprintable()), ""
    ):
        return f"has {quote(bad)} in its name"
    if name in (".", "..") or name != name.strip():
        return "has a name that is no name of a folder"
    if len(name) > _LONGEST:
        return f"has a name of more than {_LONGEST} characters"
    return None


def alias_problem(alias: str) -> str | None:
    """Say what MLflow would refuse in an alias, or return None."""
    if _ALIAS.fullmatch(alias) is None:
        told = f"the alias {quote(alias)}, which is not made of letters, digits, _ and -"
        return f"has {told}" if alias else "has an empty alias"
    if _RESERVED.fullmatch(alias):
        return f"has the alias {quote(alias)}, which MLflow keeps for itself"
    return None
