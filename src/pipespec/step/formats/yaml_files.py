"""Read and write JSON values as `.yaml`, by the rules and limits of pipeline files.

ruamel.yaml is imported only when a step has such a file, because rendered modules also run where it is not installed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from pipespec.document.nodes import JSON, plain
from pipespec.document.wording import listing, quote
from pipespec.document.yaml.plain_scalars import is_plain_text, spell_float
from pipespec.errors import InvalidPipelineError
from pipespec.step.formats.json_files import TYPES, load_as, to_json
from pipespec.step.formats.library_options import (
    FormatError,
    Loader,
    Options,
    Saver,
    library,
    without_options,
)

__all__ = ["LOADERS", "SAVERS", "load_yaml", "save_yaml"]

# Attributes of ruamel's writer. Lines are not folded: a folded text reads the same, but changes every line if it grows.
_YAML_STYLE: Final = {
    "allow_unicode": True,
    "default_flow_style": False,
    "explicit_start": False,
    "width": 1 << 20,
}


def load_yaml(path: Path, options: Options) -> JSON:
    """Read one YAML value by the rules and limits of pipeline files."""
    without_options("reading YAML", options)
    library("ruamel.yaml")
    from pipespec.document.yaml import yaml_reader  # noqa: PLC0415 - it needs ruamel.yaml

    try:
        return plain(yaml_reader.read_value(path.read_bytes(), file=path.name))
    except InvalidPipelineError as error:
        found = error.diagnostics[0]
        raise FormatError(f"line {found.span.line}, column {found.span.column}: {found.message}") from error


def save_yaml(value: object, path: Path, options: Options) -> None:
    """Write a value as YAML that readers of versions 1.1 and 1.2 read in the same way."""
    writer = library("ruamel.yaml").YAML(typ="safe", pure=True)
    writer.Representer = _representer(writer.Representer)
    for option in options:
        if option not in _YAML_STYLE:
            raise FormatError(f"writing YAML has no option {quote(option)}, only {listing(_YAML_STYLE)}")
    value = to_json(value)
    # Line breaks of YAML 1.1 and similar characters would be written unescaped, and then refused by the reader.
    ours = {**_YAML_STYLE, "allow_unicode": json.dumps(value, ensure_ascii=False).isprintable()}
    for option, setting in {**ours, **options, "sort_base_mapping_type_on_output": False}.items():
        setattr(writer, option, setting)
    with path.open("wb") as file:
        writer.dump(value, file)
    load_yaml(path, {})  # a value beyond the reader's limits must fail here, not in the step that reads it


def _representer(base: Any) -> Any:
    """Return a representer whose output readers of YAML 1.1 and 1.2 read in the same way: `"no"`, `1.0e-05`."""

    class Representer(base):  # type: ignore[misc]  # of ruamel.yaml, which may not be installed
        def text(self, value: str) -> Any:
            style = None if is_plain_text(value) else '"'
            return self.represent_scalar("tag:yaml.org,2002:str", value, style=style)

        def number(self, value: float) -> Any:
            return self.represent_scalar("tag:yaml.org,2002:float", spell_float(value))

    Representer.add_representer(str, Representer.text)
    Representer.add_representer(float, Representer.number)
    return Representer


LOADERS: Final[Mapping[tuple[str, str], Loader]] = {
    (".yaml", "object"): load_yaml,
    **{(".yaml", name): partial(load_as, name, load_yaml) for name in TYPES},
}
SAVERS: Final[Mapping[tuple[str, str], Saver]] = {(".yaml", name): save_yaml for name in TYPES}
